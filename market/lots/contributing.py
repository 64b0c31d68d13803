"""What households gave to a lot: recorded while it is a draft, carried along when a lot goes into another."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.benefits import service as benefits
from market.benefits.queries import code_known_to
from market.benefits.rules import MECHANISMS, Measure, Mechanism, NotEnrolledError, PlanNotApprovedError, plan_body
from market.catalog.models import Product
from market.clock import business_date
from market.db import new_id
from market.errors import InvalidInputError, named
from market.households.models import Household
from market.identity.rules import Actor
from market.lots.lineage import InputLot
from market.lots.models import Contribution, Lot
from market.lots.queries import ContributionRow, locked_lot
from market.lots.rules import (
    MILLI_IN,
    LotStatus,
    MeasuredIn,
    MechanismNotInPlanError,
    SealedLotError,
    WrongUnitError,
    check_unit,
    newly_released,
)
from market.quantities import Unit

LONGEST_BEFORE: Mapping[Measure | None, timedelta] = {
    Measure.QUANTITY: timedelta(days=92),
    Measure.HOURS: timedelta(days=366),
}
"""How long before its lot is produced a contribution may be: produce is dried or stored, land is worked for a year.

A household counts as what it was on the day, and no older day can be chosen.
"""

_INSERT = sa.text(
    """
    INSERT INTO contributions (id, lot_id, household_id, mechanism, measure_milli, unit_price_fen, price_unit_milli,
                               amount_fen, delivered_on, evidence, carried_from, made_by)
    SELECT *
      FROM unnest(CAST(:id AS uuid[]), CAST(:lot_id AS uuid[]), CAST(:household_id AS uuid[]),
                  CAST(:mechanism AS text[]), CAST(:measure_milli AS bigint[]), CAST(:unit_price_fen AS bigint[]),
                  CAST(:price_unit_milli AS bigint[]), CAST(:amount_fen AS bigint[]), CAST(:delivered_on AS date[]),
                  CAST(:evidence AS text[]), CAST(:carried_from AS uuid[]), CAST(:made_by AS uuid[]))
    """
)


@dataclass(frozen=True, slots=True)
class NewContribution:
    """What a supplier states of a contribution; the amount follows from measure and price.

    `measure_milli` is in milli-units of the base of `measured_in`; the price is per one of `measured_in`.
    """

    household_id: UUID
    mechanism: Mechanism
    measure_milli: int
    measured_in: MeasuredIn
    unit_price_fen: int
    delivered_on: date
    evidence: str

    @property
    def amount_fen(self) -> int:
        """Return what the household is owed for it."""
        return money.price_of(self.unit_price_fen, self.measure_milli, MILLI_IN[self.measured_in])


def check_contribution(given: NewContribution, *, base_unit: Unit, today: date, pointer: str) -> None:
    """Raise `WrongUnitError` or `InvalidInputError` unless the mechanism can carry what is given.

    The mechanism is one of lots: it has a measure.
    """
    measures_hours = MECHANISMS[given.mechanism].measure is Measure.HOURS
    if measures_hours and given.measured_in is not MeasuredIn.HOUR:
        raise WrongUnitError(unit=given.measured_in, base="hour", pointer=f"{pointer}/unit")
    if not measures_hours:
        check_unit(given.measured_in, base_unit, pointer=f"{pointer}/unit")
    if not 0 < given.amount_fen <= money.MAX_FEN:
        reason = "measure and price make no amount, or one too large"
        raise InvalidInputError(reason, "数量与单价所得金额为零或过大", pointer=f"{pointer}/measure")
    if given.delivered_on > today:
        raise InvalidInputError("it lies in the future", "日期不得晚于今天", pointer=f"{pointer}/delivered_on")


class _Row(NamedTuple):
    """A row of `contributions`."""

    id: UUID
    lot_id: UUID
    household_id: UUID
    mechanism: Mechanism
    measure_milli: int
    unit_price_fen: int
    price_unit_milli: int
    amount_fen: int
    delivered_on: date
    evidence: str
    carried_from: UUID | None
    made_by: UUID


def record_contributions(
    session: orm.Session, actor: Actor, *, lot_id: UUID, contributions: Sequence[NewContribution], now: datetime
) -> list[ContributionRow]:
    """Record what households gave to a draft lot, all or nothing, in one insert; returns them in the order given.

    Raises `NotFoundError`, `SealedLotError`, `MechanismNotInPlanError`, `WrongUnitError`, `NotEnrolledError`,
    `InvalidInputError`, or `PlanNotApprovedError` when the product's plan has no version in force today.
    """
    lot = locked_lot(session, actor, lot_id)
    if lot.status is not LotStatus.DRAFT:
        raise SealedLotError
    today = business_date(now)
    allowed = _mechanisms_of(session, lot, today)
    household_ids = {given.household_id for given in contributions}
    enrolled = benefits.enrolled(session, lot.supplier_id, household_ids)
    gone = _departures(session, household_ids)
    for index, given in enumerate(contributions):
        pointer = f"/contributions/{index}"
        if given.mechanism not in allowed:
            raise MechanismNotInPlanError(mechanism=given.mechanism, pointer=f"{pointer}/mechanism")
        check_contribution(given, base_unit=lot.base_unit, today=today, pointer=pointer)
        longest = LONGEST_BEFORE[MECHANISMS[given.mechanism].measure]
        if given.delivered_on < lot.produced_on - longest:
            reason = f"it lies more than {longest.days} days before the lot was produced"
            raise InvalidInputError(
                reason, f"早于批次生产日期 {longest.days} 天以上", pointer=f"{pointer}/delivered_on"
            )
        since, until = enrolled.get(given.household_id, date.max), gone.get(given.household_id, date.max)
        if not since <= given.delivered_on < until:
            code = code_known_to(session, lot.supplier_id, given.household_id)
            raise NotEnrolledError(household=named(code), pointer=f"{pointer}/household_id")
    return _insert(session, [_row_of(lot, given, actor) for given in contributions])


def _departures(session: orm.Session, household_ids: Collection[UUID]) -> dict[UUID, date]:
    """Return the day on which each of these households left the register, if it has."""
    left = sa.select(Household.id, Household.departed_on).where(
        Household.id.in_(household_ids), Household.departed_on.is_not(None)
    )
    return {row.id: row.departed_on for row in session.execute(left)}


def _mechanisms_of(session: orm.Session, lot: Lot, on: date) -> Sequence[Mechanism]:
    """Return the lot mechanisms that the plan of the lot's product has in force on a day."""
    plan_id = session.scalars(sa.select(Product.plan_id).where(Product.id == lot.product_id)).one()
    version = benefits.version_in_force(session, plan_id, on)
    if version is None:
        raise PlanNotApprovedError(on=on)
    return plan_body(version.body).lot_mechanisms


def _row_of(lot: Lot, given: NewContribution, actor: Actor) -> _Row:
    return _Row(
        id=new_id(),
        lot_id=lot.id,
        household_id=given.household_id,
        mechanism=given.mechanism,
        measure_milli=given.measure_milli,
        unit_price_fen=given.unit_price_fen,
        price_unit_milli=MILLI_IN[given.measured_in],
        amount_fen=given.amount_fen,
        delivered_on=given.delivered_on,
        evidence=given.evidence,
        carried_from=None,
        made_by=actor.member_id,
    )


def carry(session: orm.Session, actor: Actor, *, lot_id: UUID, parts: Sequence[tuple[InputLot, int]]) -> None:
    """Give a new lot what the contributions of its inputs release for `(input, milli)`, before the inputs are drawn.

    Each input must be locked, and stands as it was before; a part that is still worth no fen is not carried.
    """
    sources = {source.id: (source, milli) for source, milli in parts}
    contributed = session.scalars(
        sa.select(Contribution)
        .where(Contribution.lot_id == sa.any_(sa.cast(list(sources), sa.ARRAY(sa.Uuid))))
        .order_by(Contribution.lot_id, Contribution.id)
    )
    rows = [_carried(given, *sources[given.lot_id], lot_id=lot_id, made_by=actor.member_id) for given in contributed]
    _insert(session, [row for row in rows if row.amount_fen > 0])


def _carried(given: Contribution, source: InputLot, milli: int, *, lot_id: UUID, made_by: UUID) -> _Row:
    def part(whole: int) -> int:
        return newly_released(
            whole, drawn_milli=source.drawn_milli, more_milli=milli, whole_milli=source.quantity_milli
        )

    return _Row(
        id=new_id(),
        lot_id=lot_id,
        household_id=given.household_id,
        mechanism=given.mechanism,
        measure_milli=part(given.measure_milli),
        unit_price_fen=given.unit_price_fen,
        price_unit_milli=given.price_unit_milli,
        amount_fen=part(given.amount_fen),
        delivered_on=given.delivered_on,
        evidence=given.evidence,
        carried_from=given.id,
        made_by=made_by,
    )


def _insert(session: orm.Session, rows: Sequence[_Row]) -> list[ContributionRow]:
    if rows:
        columns = zip(*rows, strict=True)
        session.execute(_INSERT, {name: list(column) for name, column in zip(_Row._fields, columns, strict=True)})
    return [
        ContributionRow(row.id, row.lot_id, row.household_id, row.mechanism, row.amount_fen, row.delivered_on)
        for row in rows
    ]
