"""What households gave to a lot, recorded while it is a draft."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits import service as benefits
from market.benefits.queries import code_known_to
from market.benefits.refusals import NotEnrolledError
from market.benefits.rules import Measure, Mechanism, PlanBody, PlanNotApprovedError, plan_body
from market.catalog.models import Product
from market.clock import business_date
from market.db import lock_by, new_id
from market.errors import InvalidInputError, named
from market.households.models import Household
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.lots.lineage import balanced_in
from market.lots.models import Contribution, Lot
from market.lots.pricing import Agreed, LandNotOfLotError, NewContribution, agree
from market.lots.queries import ContributionRow, locked_lot
from market.lots.rules import (
    LotStatus,
    MechanismNotInPlanError,
    RepeatedEvidenceError,
    SealedLotError,
)
from market.quantities import MILLI_IN, MeasuredIn, base_of, base_units

LONGEST_BEFORE: Mapping[Measure, timedelta] = {
    Measure.QUANTITY: timedelta(days=92),
    Measure.HOURS: timedelta(days=366),
    Measure.PIECES: timedelta(days=366),
    Measure.AREA: timedelta(days=366),
}
"""How long before its lot is produced a contribution may be: produce is dried or stored, land is worked for a year.

A household counts as what it was on the day, and no older day can be chosen.
"""


class NewRow(NamedTuple):
    """A row of `contributions`."""

    id: UUID
    lot_id: UUID
    household_id: UUID
    mechanism: Mechanism
    measure: Measure
    measured_in: MeasuredIn
    measure_milli: int
    unit_price_fen: int | None
    price_unit_milli: int | None
    amount_fen: int | None
    proceeds_bp: int | None
    market_price_fen: int | None
    market_source: str | None
    market_on: date | None
    delivered_on: date
    evidence: str
    slip_key: str | None
    plan_version_id: UUID
    carried_from: UUID | None
    made_by: UUID


_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("id", "lot_id", "household_id", "plan_version_id", "carried_from", "made_by"), "uuid"),
    **dict.fromkeys(("mechanism", "measure", "measured_in", "market_source", "evidence", "slip_key"), "text"),
    **dict.fromkeys(("market_on", "delivered_on"), "date"),
}
_COLUMNS = ", ".join(NewRow._fields)
_ARRAYS = ", ".join(f"CAST(:{name} AS {_TYPES.get(name, 'bigint')}[])" for name in NewRow._fields)
_INSERT = sa.text(f"INSERT INTO contributions ({_COLUMNS}) SELECT * FROM unnest({_ARRAYS})")  # noqa: S608 - our names


def record_contributions(
    session: orm.Session, actor: Actor, *, lot_id: UUID, contributions: Sequence[NewContribution], now: datetime
) -> list[ContributionRow]:
    """Record what households gave to a draft lot, all or nothing, in one insert; returns them in the order given.

    Each follows the plan version that is in force on the day it was delivered. Raises `NotFoundError`,
    `SealedLotError`, `MechanismNotInPlanError`, `NotMeasuredSoError`, `WrongUnitError`, `NotEnrolledError`,
    `PriceNotByPlanError`, `RepeatedEvidenceError`, `LandNotOfLotError`, `InvalidInputError`, or `PlanNotApprovedError`
    when no version was.
    """
    lot = locked_lot(session, actor, lot_id)
    if lot.status is not LotStatus.DRAFT:
        raise SealedLotError
    today = business_date(now)
    household_ids = {given.household_id for given in contributions}
    enrolled = benefits.enrolled(session, lot.supplier_id, household_ids)
    gone = _departures(session, household_ids)
    plans = _plans_of(session, lot, {given.delivered_on for given in contributions})
    known = _sheets(session, lot_id)
    delivered = _slips(session, lot.supplier_id, contributions)
    unit = balanced_in(lot.base_unit, lot.content_milli)
    rows: list[NewRow] = []
    for index, given in enumerate(contributions):
        pointer = f"/contributions/{index}"
        version_id, body = plans[given.delivered_on]
        if given.mechanism not in body.lot_mechanisms:
            raise MechanismNotInPlanError(mechanism=given.mechanism, pointer=f"{pointer}/mechanism")
        terms = body.terms_of(given.mechanism)
        agreed = agree(given, terms, base_unit=unit, today=today, pointer=pointer)
        _check_season(given, agreed.measure, lot, pointer)
        since, until = enrolled.get(given.household_id, date.max), gone.get(given.household_id, date.max)
        if not since <= given.delivered_on < until:
            code = code_known_to(session, lot.supplier_id, given.household_id)
            raise NotEnrolledError(household=named(code), pointer=f"{pointer}/household_id")
        sheet = (given.household_id, given.mechanism, given.evidence)
        row = _row_of(lot, given, agreed, version_id, actor)
        if sheet in known or row.slip_key in delivered:
            raise RepeatedEvidenceError(evidence=given.evidence, pointer=f"{pointer}/evidence")
        known.add(sheet)
        delivered |= {row.slip_key} - {None}
        rows.append(row)
    _check_land(session, lot, rows)
    return insert(session, rows)


def _check_season(given: NewContribution, measure: Measure, lot: Lot, pointer: str) -> None:
    longest = LONGEST_BEFORE[measure]
    if given.delivered_on < lot.produced_on - longest:
        reason = f"it lies more than {longest.days} days before the lot was produced"
        raise InvalidInputError(reason, f"早于批次生产日期 {longest.days} 天以上", pointer=f"{pointer}/delivered_on")


def _check_land(session: orm.Session, lot: Lot, rows: Sequence[NewRow]) -> None:
    """Raise `LandNotOfLotError` unless the lot grew on the land that is let for it, and on that which is tended."""
    by_area = [row for row in rows if row.measure is Measure.AREA]
    if not by_area:
        return
    let = Mechanism.LAND_RENT
    own = sa.and_(Contribution.lot_id == lot.id, Contribution.carried_from.is_(None), Contribution.mechanism == let)
    before = session.scalars(sa.select(sa.func.coalesce(sa.func.sum(Contribution.measure_milli), 0)).where(own)).one()
    found = max(
        int(before) + sum(row.measure_milli for row in by_area if row.mechanism is let),
        *(row.measure_milli for row in by_area),
    )
    if found > (lot.area_milli_mu or 0):
        raise LandNotOfLotError(area=base_units(lot.area_milli_mu or 0), found=base_units(found))


def _slips(session: orm.Session, supplier_id: UUID, contributions: Sequence[NewContribution]) -> set[str | None]:
    """Return which of these slips stand for produce that the supplier has on record, of whatever lot and household.

    What one household delivered at one time is weighed and written down once: on a second lot it would be paid twice.
    Serialises the recording of one supplier until the transaction ends, so that two lots cannot take one slip at once.
    """
    lock_by(session, kind="slips", key=supplier_id)
    taken = (
        sa.select(Contribution.slip_key)
        .join(Lot, Lot.id == Contribution.lot_id)
        .where(
            Contribution.slip_key.in_([reference_key(given.evidence) for given in contributions]),
            Lot.supplier_id == supplier_id,
            Lot.status != LotStatus.DISCARDED,
            Contribution.annulment_id.is_(None),
        )
    )
    return set(session.scalars(taken))


def _sheets(session: orm.Session, lot_id: UUID) -> set[tuple[UUID, Mechanism, str]]:
    """Return by which evidence which household is on record of a lot: what is entered twice would be owed twice."""
    recorded = sa.select(Contribution.household_id, Contribution.mechanism, Contribution.evidence)
    own = recorded.where(Contribution.lot_id == lot_id, Contribution.carried_from.is_(None))
    return {(row.household_id, row.mechanism, row.evidence) for row in session.execute(own)}


def _departures(session: orm.Session, household_ids: Collection[UUID]) -> dict[UUID, date]:
    """Return the day on which each of these households left the register, if it has."""
    left = sa.select(Household.id, Household.departed_on).where(
        Household.id.in_(household_ids), Household.departed_on.is_not(None)
    )
    return {row.id: row.departed_on for row in session.execute(left)}


def _plans_of(session: orm.Session, lot: Lot, days: Collection[date]) -> dict[date, tuple[UUID, PlanBody]]:
    """Return the version of the plan of the lot's product that is in force on each day, and what it promises."""
    plan_id = session.scalars(sa.select(Product.plan_id).where(Product.id == lot.product_id)).one()
    found: dict[date, tuple[UUID, PlanBody]] = {}
    for on, version in benefits.versions_on(session, plan_id, days).items():
        if version is None:
            raise PlanNotApprovedError(on=on)
        found[on] = version.id, plan_body(version.body)
    return found


def _row_of(lot: Lot, given: NewContribution, agreed: Agreed, version_id: UUID, actor: Actor) -> NewRow:
    priced = agreed.unit_price_fen is not None
    market = given.market
    return NewRow(
        id=new_id(),
        lot_id=lot.id,
        household_id=given.household_id,
        mechanism=given.mechanism,
        measure=agreed.measure,
        measured_in=base_of(given.measured_in),
        measure_milli=given.measure_milli,
        unit_price_fen=agreed.unit_price_fen,
        price_unit_milli=MILLI_IN[given.measured_in] if priced else None,
        amount_fen=agreed.amount_fen,
        proceeds_bp=agreed.proceeds_bp,
        market_price_fen=market.price_fen if market else None,
        market_source=market.source if market else None,
        market_on=market.on if market else None,
        delivered_on=given.delivered_on,
        evidence=given.evidence,
        slip_key=reference_key(given.evidence) if agreed.measure is Measure.QUANTITY else None,
        plan_version_id=version_id,
        carried_from=None,
        made_by=actor.member_id,
    )


def insert(session: orm.Session, rows: Sequence[NewRow]) -> list[ContributionRow]:
    """Insert contributions, all in one statement; return them in the order given."""
    if rows:
        columns = zip(*rows, strict=True)
        session.execute(_INSERT, {name: list(column) for name, column in zip(NewRow._fields, columns, strict=True)})
    return [
        ContributionRow(row.id, row.lot_id, row.household_id, row.mechanism, row.amount_fen, row.delivered_on)
        for row in rows
    ]
