"""Proposing and deciding a supplier's distribution of a period; the approval posts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import matching, posting
from market.attribution.matching import lock_supplier
from market.attribution.rules import PAYEES, Kind
from market.benefits import service as benefits
from market.benefits.models import RegisterVersion
from market.benefits.rules import MECHANISMS, Mechanism
from market.db import array, new_id
from market.distributions import queries
from market.distributions.listing import Formula, Listing, check_in_force, listing
from market.distributions.models import Distribution
from market.distributions.posting_parts import moves_of
from market.distributions.rules import (
    DeliveryAnnulledError,
    DistributionEvent,
    DistributionStatus,
    Fund,
    Item,
    NobodyListedError,
    NotEnoughRecognisedError,
    Period,
    PeriodAlreadySharedError,
    ReserveChangedError,
    after,
    given,
    hand_out,
    list_sha256,
    salt,
)
from market.errors import FourEyesError, NotFoundError, at
from market.identity.rules import Actor
from market.money import yuan


@dataclass(frozen=True, slots=True)
class Funding:
    """Out of what a distribution is paid: its pool first, then what was retained in the period (fen)."""

    pool_fen: int
    retained_fen: int
    from_pool_fen: int

    def from_retained_fen(self, amount_fen: int) -> int:
        """Return what of an amount the pool does not cover."""
        return amount_fen - self.from_pool_fen


@dataclass(frozen=True, slots=True)
class Predicted:
    """A list and how it would be funded."""

    listing: Listing
    funding: Funding


def predict(session: orm.Session, actor: Actor, *, formula: Formula, period: Period) -> Predicted:
    """Return a list and its funding as both stand now; writes nothing.

    Raises what `listing` raises, `PeriodAlreadySharedError`, `NobodyListedError` for a list of nothing, or
    `NotEnoughRecognisedError`.
    """
    with at("/formula"):
        found = listing(session, actor.organisation_id, formula, period)
        _check_shared_once(session, found.basis(actor.organisation_id), period)
        if not found.amount_fen - found.kept_fen:
            raise NobodyListedError(reason="nobody on it is given anything", reason_zh="名单中无人可得分配")
        funds = queries.funds(session, actor.organisation_id, found.mechanism, period)
        return Predicted(found, _funding(found.mechanism, found.amount_fen, funds))


def _check_shared_once(session: orm.Session, basis: str, period: Period) -> None:
    other = queries.sharing_the_same(session, basis, period)
    if other is not None:
        raise PeriodAlreadySharedError(
            machine="distribution",
            distribution=other.id,
            status=other.status.value,
            begins_on=other.period_from,
            ends_on=other.period_to,
            pointer="/period_from",
        )


def _funding(mechanism: Mechanism, amount_fen: int, funds: Sequence[Fund]) -> Funding:
    pool_fen, retained_fen = (
        sum(fund.fen for fund in funds if fund.share.kind is kind) for kind in (Kind.POOL, Kind.RETAINED)
    )
    if amount_fen > pool_fen + retained_fen:
        raise NotEnoughRecognisedError(
            asked=yuan(amount_fen),
            standing=yuan(pool_fen + retained_fen),
            pool=yuan(pool_fen),
            retained=yuan(retained_fen),
            name=mechanism.value,
            name_zh=MECHANISMS[mechanism].name,
        )
    return Funding(pool_fen, retained_fen, min(amount_fen, pool_fen))


def propose(
    session: orm.Session, actor: Actor, *, formula: Formula, period: Period, evidence: str, now: datetime
) -> tuple[Distribution, Predicted]:
    """Write down a list, and what proves its figures, for the county to decide; nothing is posted yet.

    Raises what `predict` raises.

    The supplier's lock keeps two proposals at once from sharing out the same days; the table excludes it besides, so
    that approving needs not ask again.
    """
    lock_supplier(session, actor.organisation_id)
    found = predict(session, actor, formula=formula, period=period)
    made = found.listing
    distribution = Distribution(
        id=new_id(),
        supplier_id=actor.organisation_id,
        mechanism=made.mechanism,
        period_from=period.begins_on,
        period_to=period.ends_on,
        basis=made.basis(actor.organisation_id),
        inputs=dict(made.inputs),
        register_version_id=made.version.id if made.version else None,
        register_sha256=made.version.sha256 if made.version else None,
        lot_ids=list(made.lot_ids) if made.lot_ids is not None else None,
        list_sha256=list_sha256(made.items),
        evidence=evidence,
        amount_fen=made.amount_fen,
        kept_fen=made.kept_fen,
        remainder_fen=made.remainder_fen,
        remainder_of=made.remainder_of,
        status=DistributionStatus.PROPOSED,
        made_by=actor.member_id,
        made_at=now,
    )
    session.add(distribution)
    session.flush()
    _write_items(session, distribution.id, made.items)
    return distribution, found


_ITEMS = sa.text(
    """
    INSERT INTO distribution_items
        (distribution_id, position, household_id, collective_id, weight, fen, assisted, excluded)
    SELECT :distribution, i.position, i.household_id, i.collective_id, i.weight, i.fen, i.assisted, i.excluded
      FROM unnest(CAST(:positions AS int[]), CAST(:households AS uuid[]), CAST(:collectives AS uuid[]),
                  CAST(:weights AS bigint[]), CAST(:fens AS bigint[]), CAST(:assisted AS boolean[]),
                  CAST(:excluded AS text[]))
           AS i (position, household_id, collective_id, weight, fen, assisted, excluded)
    """
)


def _write_items(session: orm.Session, distribution_id: UUID, items: Sequence[Item]) -> None:
    """Write a list in one statement, however long it is."""
    columns = {
        "positions": array(range(len(items))),
        "households": array(item.payee_id if item.kind is Kind.HOUSEHOLD else None for item in items),
        "collectives": array(item.payee_id if item.kind is Kind.COLLECTIVE else None for item in items),
        "weights": array(item.weight for item in items),
        "fens": array(item.fen for item in items),
        "assisted": array(item.assisted for item in items),
        "excluded": array(item.excluded for item in items),
    }
    session.execute(_ITEMS, {"distribution": distribution_id, **columns})


def reject(session: orm.Session, actor: Actor, *, distribution_id: UUID, opinion: str, now: datetime) -> Distribution:
    """Turn a proposed distribution down. Raises `NotFoundError`, `TransitionError` or `FourEyesError`."""
    distribution = _decide(session, actor, distribution_id, DistributionEvent.REJECT, opinion=opinion, now=now)
    session.flush()
    return distribution


def approve(
    session: orm.Session, actor: Actor, *, distribution_id: UUID, opinion: str, on: date, now: datetime
) -> Distribution:
    """Post a proposed distribution as it was listed, in a fixed number of statements; advances claim their part of it.

    It counts from `on`, or from the later day on which all that it takes had come in. Raises `NotFoundError`,
    `TransitionError`, `FourEyesError`, `RegisterNotInForceError` or `ReserveChangedError` where
    another version has come to hold since, `DeliveryAnnulledError`, or `NotEnoughRecognisedError`.
    """
    distribution = _decide(session, actor, distribution_id, DistributionEvent.APPROVE, opinion=opinion, now=now)
    supplier_id, mechanism = distribution.supplier_id, distribution.mechanism
    lock_supplier(session, supplier_id)
    period = Period(distribution.period_from, distribution.period_to)
    if distribution.register_version_id:
        version = session.get_one(RegisterVersion, distribution.register_version_id)
        check_in_force(session, version, period.ends_on)
    elif benefits.reserve_bp_on(session, supplier_id, period.ends_on) != distribution.inputs["reserve_bp"]:
        raise ReserveChangedError
    items = queries.items_of(session, distribution_id)
    if distribution.lot_ids and queries.counted_now(session, distribution) != sum(item.weight for item in items):
        raise DeliveryAnnulledError
    funds = queries.funds(session, supplier_id, mechanism, period)
    funding = _funding(mechanism, distribution.amount_fen, funds)
    distribution.from_pool_fen = funding.from_pool_fen
    distribution.from_retained_fen = funding.from_retained_fen(distribution.amount_fen)
    session.flush()
    listed, _ = given(items, mechanism, supplier_id=supplier_id)
    parts = hand_out(listed, funds, salt=salt(supplier_id, mechanism, period))
    source = f"distribution:{distribution_id}"
    day = max([on, *(part.fund.since for part in parts)])
    moves = moves_of(parts, supplier_id)
    posting.post(session, [posting.Draft(source, "distribution", day, moves, facts_of(distribution))])
    payees = {share.owner_id for share, _ in listed if share.kind in PAYEES}
    matching.match_advances(session, payees, supplier_id=supplier_id, trigger=source, on=day)
    return distribution


def _decide(
    session: orm.Session,
    actor: Actor,
    distribution_id: UUID,
    event: DistributionEvent,
    *,
    opinion: str,
    now: datetime,
) -> Distribution:
    visible = queries.visible_distributions(actor).where(Distribution.id == distribution_id)
    distribution = session.scalar(visible.with_for_update())
    if distribution is None:
        raise NotFoundError(what="distribution")
    status = after(distribution.status, event)
    if actor.member_id == distribution.made_by or actor.organisation_id == distribution.supplier_id:
        raise FourEyesError(rule="distribution")
    distribution.status = status
    distribution.decided_by, distribution.decided_at, distribution.opinion = actor.member_id, now, opinion
    return distribution


def facts_of(distribution: Distribution) -> dict[str, object]:
    """Return what the entry's amounts follow from."""
    return {
        "distribution": distribution.id,
        "mechanism": distribution.mechanism,
        "period": [distribution.period_from, distribution.period_to],
        "inputs": distribution.inputs,
        "register_sha256": distribution.register_sha256,
        "list_sha256": distribution.list_sha256,
        "from_pool_fen": distribution.from_pool_fen,
        "from_retained_fen": distribution.from_retained_fen,
        **({"remainder_of": distribution.remainder_of} if distribution.remainder_of else {}),
    }
