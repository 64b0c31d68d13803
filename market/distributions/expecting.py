"""Expecting: who would be given what is kept in a supplier's pools, by the shares that are known today.

By the approved lists of a year where they took of the pool; else by what a list would follow from: a return by what was
delivered in the year, a dividend by the share registers in force, custody by the entitlements in force.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind, Share
from market.benefits import formulas
from market.benefits.formulas import Due
from market.benefits.holdings import RegisterBody, register_body, weights
from market.benefits.models import Register, RegisterVersion
from market.benefits.queries import register_versions_in_force
from market.benefits.rules import MONTHS_OF_YEAR, Mechanism, Payee, RegisterKind
from market.distributions.listing import delivered, judge
from market.distributions.queries import volumes
from market.distributions.rules import (
    ConsignedHasNoValueError,
    Counted,
    ExpectedBy,
    MixedUnitsError,
    PastList,
    Period,
    weights_of,
)


class Expected(NamedTuple):
    """By what it is known who would be given a pool, and their weights."""

    by: ExpectedBy
    weights: Sequence[tuple[Share, int]]


def expected(session: orm.Session, supplier_id: UUID, period: Period) -> dict[Mechanism, Expected]:
    """Return who would be given what a supplier keeps, by mechanism; a mechanism of which nobody is known is left out.

    Six statements. Who may be paid is judged on the period's last day; who was on a list has been judged for it.
    """
    dues = _by_register(session, supplier_id, period.ends_on)
    dues[Mechanism.PATRONAGE] = _by_volume(session, supplier_id, period)
    judged = judge(session, [due for each in dues.values() for due in each], supplier_id=supplier_id, on=period.ends_on)
    items = iter(judged)
    found: dict[Mechanism, Expected] = {}
    for mechanism, listed in dues.items():
        known = [next(items) for _ in listed]
        shares = [(item.share(mechanism), item.weight) for item in known if item.weight and not item.excluded]
        by = ExpectedBy.VOLUMES if mechanism is Mechanism.PATRONAGE else ExpectedBy.REGISTER
        if shares:
            found[mechanism] = Expected(by, shares)
    return found | _by_lists(session, supplier_id, period)


_LISTS = sa.text(
    """
    SELECT d.id, d.mechanism, d.from_pool_fen, i.household_id, i.collective_id,
           CASE WHEN d.inputs ->> 'formula' IN ('patronage', 'dividend') THEN i.weight ELSE i.fen END AS weight
      FROM distributions d JOIN distribution_items i ON i.distribution_id = d.id
     WHERE d.supplier_id = :supplier AND d.status = 'approved' AND d.from_pool_fen > 0
       AND d.period_from <= :ends_on AND d.period_to >= :begins_on AND i.excluded IS NULL AND i.fen > 0
     ORDER BY d.mechanism, d.id, i.position
    """
)
"""What a total is split into follows its weights; what each is promised by itself has no other weight than its fen."""


def _by_lists(session: orm.Session, supplier_id: UUID, period: Period) -> dict[Mechanism, Expected]:
    """Return who was given the pools by the approved lists of which a day lies in the period."""
    asked = {"supplier": supplier_id, "begins_on": period.begins_on, "ends_on": period.ends_on}
    lists: dict[Mechanism, list[PastList]] = defaultdict(list)
    for (_, code), rows in groupby(session.execute(_LISTS, asked), key=lambda row: (row.id, row.mechanism)):
        items = list(rows)
        given = [(_share(row, code), row.weight) for row in items]
        lists[Mechanism(code)].append(PastList(items[0].from_pool_fen, given))
    return {each: Expected(ExpectedBy.DISTRIBUTIONS, weights_of(found)) for each, found in lists.items()}


def _share(row: sa.Row[tuple[object, ...]], mechanism: str) -> Share:
    kind = Kind.HOUSEHOLD if row.household_id else Kind.COLLECTIVE
    return Share(kind, row.household_id or row.collective_id, mechanism)


def _by_volume(session: orm.Session, supplier_id: UUID, period: Period) -> list[Due]:
    """Return what each household delivered in the period: by volume, else by value; nothing if it has no common one."""
    counted = volumes(session, supplier_id, period)
    for by in Counted:
        try:
            return _weighing(delivered(counted, by))
        except (MixedUnitsError, ConsignedHasNoValueError):
            continue
    return []


def _by_register(session: orm.Session, supplier_id: UUID, on: date) -> dict[Mechanism, list[Due]]:
    """Return what the registers in force give weight to.

    Shares weigh by their land and mode where every register states a scheme, else by their capital; entrusted capital
    by what it earns in a year.
    """
    own = sa.select(Register.id).where(Register.organisation_id == supplier_id)
    versions = session.scalars(register_versions_in_force(on).where(RegisterVersion.register_id.in_(own)))
    bodies = [register_body(version.body) for version in versions]
    earned = [formulas.custody(body, months=MONTHS_OF_YEAR) for body in _of(bodies, RegisterKind.ENTITLEMENTS)]
    shares = _of(bodies, RegisterKind.SHARES)
    weigh = formulas.by_land if all(body.scheme for body in shares) else weights
    return {
        Mechanism.SHARE_DIVIDEND: _weighing(pair for body in shares for pair in weigh(body)),
        Mechanism.CUSTODY: _summed(due._replace(weight=due.fen) for dues in earned for due in dues),
    }


def _of(bodies: Iterable[RegisterBody], kind: RegisterKind) -> list[RegisterBody]:
    return [body for body in bodies if body.kind is kind]


def _weighing(weighted: Iterable[tuple[str, int]]) -> list[Due]:
    return _summed(Due(Payee.HOUSEHOLD, household, weight, weight) for household, weight in weighted)


def _summed(dues: Iterable[Due]) -> list[Due]:
    """Return one due for each payee, whichever registers name it."""
    sums: dict[tuple[Payee, str], int] = defaultdict(int)
    for due in dues:
        sums[due.payee, due.payee_id] += due.weight
    return [Due(*payee, weight, weight) for payee, weight in sums.items()]
