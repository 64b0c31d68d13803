"""What households gave to lots, as another version of the plan would have priced it. Writes nothing."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.attribution import queries
from market.attribution.rules import ConsignedFact, ContributionFact
from market.benefits.rules import Mechanism, PlanBody, PriceTerms
from market.lots.pricing import Priced, price_by
from market.quantities import MeasuredIn

_PRICED = sa.text(
    """
    SELECT c.id, c.unit_price_fen, c.price_unit_milli, c.measured_in, c.market_price_fen
      FROM contributions c JOIN plan_versions v ON v.id = c.plan_version_id AND v.plan_id = ANY(CAST(:plans AS uuid[]))
     WHERE c.lot_id = ANY(CAST(:lots AS uuid[]))
    """
)


class Repriced(NamedTuple):
    """Contributions as a version prices them; `untold` of them keep their price, as the version's cannot be told."""

    amounts: list[ContributionFact]
    consigned: list[ConsignedFact]
    untold: int


def repriced(
    session: orm.Session, lot_ids: Collection[UUID], *, plan_ids: Collection[UUID], body: PlanBody
) -> Repriced:
    """Return the contributions to the lots as a version prices them that is in place of plans, in two statements.

    One by a mechanism that the version does not list could not have been made, and is left out. One made under any
    other plan, such as the input of a processed lot, stays as it was.
    """
    given = queries.contributed(session, lot_ids)
    asked = {"lots": list(lot_ids), "plans": list(plan_ids)}
    own = {row.id: row for row in session.execute(_PRICED, asked)}

    def could_be(fact: ContributionFact | ConsignedFact) -> bool:
        return fact.contribution_id not in own or fact.mechanism in body.lot_mechanisms

    amounts: list[ContributionFact] = []
    untold = 0
    for fact in filter(could_be, given.amounts):
        row = own.get(fact.contribution_id)
        amount_fen = fact.amount_fen if row is None else _amount(fact, row, body)
        untold += amount_fen is None
        amounts.append(fact if amount_fen is None else fact._replace(amount_fen=amount_fen))
    consigned = [
        fact._replace(proceeds_bp=_terms(fact, body).bp or 0) if fact.contribution_id in own else fact
        for fact in filter(could_be, given.consigned)
    ]
    return Repriced(amounts, consigned, untold)


def _amount(fact: ContributionFact, row: Any, body: PlanBody) -> int | None:
    priced = Priced(row.unit_price_fen, row.price_unit_milli, MeasuredIn(row.measured_in), row.market_price_fen)
    price_fen = price_by(priced, _terms(fact, body))
    # The amount is so many times the price that was paid; of a part that was carried on, measure and price are not.
    return None if price_fen is None else money.price_of(price_fen, fact.amount_fen, priced.price_fen)


def _terms(fact: ContributionFact | ConsignedFact, body: PlanBody) -> PriceTerms:
    return body.terms_of(Mechanism(fact.mechanism))
