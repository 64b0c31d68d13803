"""Who takes up the people of a household that left the register while monitored: known by their resident IDs' indexes.

A household that the register had before the other was identified is another family, into which people may marry or
merge; one that was recorded since is the same family anew, whatever day it is said to have been registered on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.households.models import Household, HouseholdStatusPeriod, Person
from market.households.removal import CutShort, Periods, check_continued, cut_short

Recorded = tuple[datetime, date]
"""When a status was recorded, and the day from which it holds: what the register learnt first comes first."""


class Left(NamedTuple):
    """Monitoring that a departure cut short, and since when the register knows of it."""

    cut: CutShort
    identified: Recorded


def left_of(session: orm.Session, resident_ids: Collection[bytes]) -> dict[bytes, list[Left]]:
    """Return what departures cut short of the monitoring of people who are in their household no more, by index.

    Their households are locked, lest one leave meanwhile.
    """
    if not resident_ids:
        return {}
    gone = session.execute(
        sa.select(Person.resident_id_index, Person.departed_on, Household)
        .join(Household, Household.id == Person.household_id)
        .where(Person.resident_id_index.in_(resident_ids), Person.departed_on.is_not(None))
        .order_by(Household.id)
        .with_for_update(read=True, of=Household)
        .execution_options(populate_existing=True)
    ).all()
    periods = periods_of(session, {household.id for _, _, household in gone if household.departed_on is not None})
    found: dict[bytes, list[Left]] = defaultdict(list)
    for index, person_left_on, household in gone:
        cut = cut_short(plain(periods[household.id]), household.departed_on)
        if cut is not None and cut.identified_on <= (person_left_on or date.max):
            found[index or b""].append(_left(cut, periods[household.id]))
    return found


def continued(left: Iterable[Left], periods: Sequence[HouseholdStatusPeriod]) -> list[CutShort]:
    """Return what of this a household with these statuses goes on with; one without any is about to be registered."""
    registered = [(period.recorded_at, period.valid_from) for period in periods[:1]]
    return [each.cut for each in left if not registered or registered[0] > each.identified]


def check_takes_up(session: orm.Session, household: Household, resident_id: bytes, *, pointer: str) -> None:
    """Raise `MonitoringContinuesError` if a person comes into a household that has to go on with what was cut short."""
    if left := left_of(session, [resident_id])[resident_id]:
        periods = periods_of(session, [household.id])[household.id]
        check_continued(plain(periods), continued(left, periods), pointer=pointer)


def check_leaves(session: orm.Session, household: Household, cut: CutShort) -> None:
    """Raise `MonitoringContinuesError` if people of a household that leaves are registered anew, and not monitored."""
    theirs = orm.aliased(Person)
    known = sa.select(theirs.resident_id_index).where(
        theirs.household_id == household.id,
        sa.or_(theirs.departed_on.is_(None), theirs.departed_on >= cut.identified_on),
    )
    elsewhere = (
        sa.select(Household.id)
        .join(Person, Person.household_id == Household.id)
        .where(Person.resident_id_index.in_(known), Person.departed_on.is_(None), Household.departed_on.is_(None))
        .where(Household.id != household.id)
    )
    left = _left(cut, periods_of(session, [household.id])[household.id])
    for periods in periods_of(session, set(session.scalars(elsewhere))).values():
        check_continued(plain(periods), continued([left], periods), pointer="/departed_on")


def cuts_continued(
    session: orm.Session, household: Household, periods: Sequence[HouseholdStatusPeriod]
) -> list[CutShort]:
    """Return what a household goes on with: of its people, what their departure with another household cut short."""
    present = sa.select(Person.resident_id_index).where(
        Person.household_id == household.id, Person.departed_on.is_(None), Person.resident_id_index.is_not(None)
    )
    found = left_of(session, [index for index in session.scalars(present) if index])
    return continued([each for left in found.values() for each in left], periods)


def periods_of(session: orm.Session, household_ids: Collection[UUID]) -> dict[UUID, list[HouseholdStatusPeriod]]:
    """Return the statuses of households in order of time, in one statement."""
    found: dict[UUID, list[HouseholdStatusPeriod]] = defaultdict(list)
    if household_ids:
        asked = sa.select(HouseholdStatusPeriod).where(HouseholdStatusPeriod.household_id.in_(household_ids))
        for period in session.scalars(asked.order_by(HouseholdStatusPeriod.valid_from)):
            found[period.household_id].append(period)
    return found


def plain(periods: Iterable[HouseholdStatusPeriod]) -> Periods:
    """Return statuses as the rules read them."""
    return [(period.status, period.valid_from) for period in periods]


def _left(cut: CutShort, periods: Iterable[HouseholdStatusPeriod]) -> Left:
    (recorded_at,) = (period.recorded_at for period in periods if period.valid_from == cut.identified_on)
    return Left(cut, (recorded_at, cut.identified_on))


class LeftEarly(NamedTuple):
    """How many days a household was monitored before it left, and how many of its people would be known again."""

    days: int
    people: int


def left_early(
    connection: sa.Connection, household_ids: Collection[UUID], *, begin: date, end: date
) -> dict[UUID, LeftEarly]:
    """Return which of these households left between two days, both included, before monitoring might have ended."""
    known = (
        sa.select(sa.func.count(sa.distinct(Person.resident_id_index)))
        .where(Person.household_id == Household.id)
        .correlate(Household)
        .scalar_subquery()
    )
    period = HouseholdStatusPeriod
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    asked = (
        sa.select(Household.id, Household.departed_on, known, period.status, period.valid_from)
        .join(period, period.household_id == Household.id)
        .where(Household.id == sa.any_(ids), Household.departed_on.between(begin, end))
        .order_by(Household.id, period.valid_from)
    )
    histories: dict[tuple[UUID, date, int], list[Any]] = defaultdict(list)
    for id_, departed_on, people, status, valid_from in connection.execute(asked):
        histories[id_, departed_on, people].append((status, valid_from))
    found = {}
    for (id_, departed_on, people), periods in histories.items():
        if cut := cut_short(periods, departed_on):
            found[id_] = LeftEarly((departed_on - cut.identified_on).days, people)
    return found
