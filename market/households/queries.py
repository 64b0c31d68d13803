"""Which households an actor may see, and how they stand on a day."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import within
from market.households.models import (
    Consent,
    Erasure,
    Household,
    HouseholdHeadCount,
    HouseholdKey,
    HouseholdStatusPeriod,
    Person,
    PersonalDataAccess,
    ProxyAct,
)
from market.households.rules import KEPT_FROM_SUPPLIERS, ConsentPurpose, Deed, Eligibility, HouseholdStatus
from market.identity.rules import Actor, Scope

# Enrolments belong to benefits, which stands above: only the names of three columns are known here, and a test holds
# them against the table. Without them a supplier's view of the register would need a second function of this kind.
_ENROLMENTS = sa.table(
    "enrolments",
    sa.column("household_id", sa.Uuid),
    sa.column("supplier_id", sa.Uuid),
    sa.column("confirmed_at", sa.TIMESTAMP(timezone=True)),
)


def visible_households(actor: Actor) -> sa.Select[Household]:
    """Return the households within the actor's scope.

    A supplier's own are those whose enrolment with it a village clerk has confirmed; else anybody could read a
    household's status by enrolling it.
    """
    households = sa.select(Household)
    match actor.scope:
        case Scope.OWN:
            enrolled = sa.select(_ENROLMENTS.c.household_id).where(
                _ENROLMENTS.c.supplier_id == actor.organisation_id, _ENROLMENTS.c.confirmed_at.is_not(None)
            )
            return households.where(Household.id.in_(enrolled))
        case Scope.REGION:
            return households.where(within(Household.village_code, actor.region_code))
        case Scope.ALL:
            return households


def _on_register(on: date) -> sa.ColumnElement[bool]:
    return sa.and_(
        Household.registered_on <= on, sa.or_(Household.departed_on.is_(None), Household.departed_on > on)
    ).label("on_register")


def _status_on(on: date) -> sa.ScalarSelect[HouseholdStatus]:
    """Return the status of a household on a day, null off the register."""
    return (
        sa.select(HouseholdStatusPeriod.status)
        .where(HouseholdStatusPeriod.household_id == Household.id, HouseholdStatusPeriod.valid_from <= on)
        .where(_on_register(on))
        .order_by(HouseholdStatusPeriod.valid_from.desc())
        .limit(1)
        .correlate(Household)
        .scalar_subquery()
    )


def head_count_on(on: date, *, known_by: datetime | None = None) -> sa.ColumnElement[int]:
    """Return how many a household counts on a day, by what was recorded by an instant, or by now.

    Before its first day on the register, or if nothing was recorded by then, its first count stands for it.
    """
    counts = HouseholdHeadCount
    ahead = counts.valid_from > on
    known = [(counts.recorded_at > known_by)] if known_by is not None else []
    found = (
        sa.select(counts.head_count)
        .where(counts.household_id == Household.id)
        .order_by(
            *known,
            ahead,
            sa.case((ahead, counts.valid_from)),
            counts.valid_from.desc(),
            counts.recorded_at.desc(),
            counts.id.desc(),
        )
        .limit(1)
        .correlate(Household)
        .scalar_subquery()
    )
    return sa.func.coalesce(found, Household.head_count)


def heads_on(
    connection: sa.Connection, household_ids: Collection[UUID], on: date, *, known_by: datetime | None = None
) -> dict[UUID, int]:
    """Return how many each of these households counts on a day, in one statement."""
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    found = sa.select(Household.id, head_count_on(on, known_by=known_by)).where(Household.id == sa.any_(ids))
    return {row[0]: row[1] for row in connection.execute(found)}


def eligibility_on(session: orm.Session, household_ids: Collection[UUID], on: date) -> dict[UUID, Eligibility]:
    """Return how these households stand on a day, in one statement; an id of no household is left out."""
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    rows = session.execute(
        sa.select(Household.id, Household.village_code, _status_on(on), _on_register(on)).where(
            Household.id == sa.any_(ids)
        )
    )
    return {id_: Eligibility(id_, village_code, status, on_register) for id_, village_code, status, on_register in rows}


class History(NamedTuple):
    """A household with all its statuses, the first one first."""

    household_id: UUID
    code: str
    village_code: str
    registered_on: date
    departed_on: date | None
    statuses: list[tuple[date, HouseholdStatus]]

    def turns(self) -> set[date]:
        """Return the days from which it stands otherwise than on the day before."""
        ends = {self.departed_on} if self.departed_on else set()
        return {self.registered_on} | ends | {valid_from for valid_from, _ in self.statuses}

    def on(self, day: date) -> Eligibility:
        """Return how it stands on a day, as `eligibility_on` does."""
        on_register = self.registered_on <= day and (self.departed_on is None or self.departed_on > day)
        held = [status for valid_from, status in self.statuses if valid_from <= day]
        return Eligibility(
            self.household_id, self.village_code, held[-1] if on_register and held else None, on_register
        )


def histories(session: orm.Session, household_ids: Collection[UUID]) -> dict[UUID, History]:
    """Return the histories of these households, in one statement; an id of no household is left out."""
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    rows = session.execute(
        sa.select(Household, HouseholdStatusPeriod)
        .outerjoin(HouseholdStatusPeriod, HouseholdStatusPeriod.household_id == Household.id)
        .where(Household.id == sa.any_(ids))
        .order_by(Household.id, HouseholdStatusPeriod.valid_from)
    )
    found: dict[UUID, History] = {}
    for household, period in rows:
        history = found.setdefault(
            household.id,
            History(
                household.id,
                household.code,
                household.village_code,
                household.registered_on,
                household.departed_on,
                [],
            ),
        )
        if period is not None:
            history.statuses.append((period.valid_from, period.status))
    return found


class Listed(NamedTuple):
    """A household and its eligibility on the day that was asked."""

    household: Household
    eligibility: Eligibility


def find_households(
    session: orm.Session,
    actor: Actor,
    *,
    on: date,
    village_code: str | None,
    status: HouseholdStatus | None,
    after: str | None,
    limit: int,
) -> Sequence[Listed]:
    """Return households by code, with how they stand on a day; `village_code` may name a region above the village."""
    found: sa.Select[Any] = visible_households(actor).add_columns(_status_on(on), _on_register(on))
    if village_code is not None:
        found = found.where(within(Household.village_code, village_code))
    if status is not None:
        found = found.where(_status_on(on) == status)
    if after is not None:
        found = found.where(Household.code > after)
    return [
        Listed(household, Eligibility(household.id, household.village_code, status_then, on_register))
        for household, status_then, on_register in session.execute(found.order_by(Household.code).limit(limit))
    ]


def statuses_of(session: orm.Session, household: Household) -> Sequence[HouseholdStatusPeriod]:
    """Return a household's statuses in order of time."""
    return session.scalars(
        sa.select(HouseholdStatusPeriod)
        .where(HouseholdStatusPeriod.household_id == household.id)
        .order_by(HouseholdStatusPeriod.valid_from)
    ).all()


def head_counts_of(session: orm.Session, household: Household) -> Sequence[HouseholdHeadCount]:
    """Return a household's head counts in order of the days from which they hold, of one day the last recorded last."""
    return session.scalars(
        sa.select(HouseholdHeadCount)
        .where(HouseholdHeadCount.household_id == household.id)
        .order_by(HouseholdHeadCount.valid_from, HouseholdHeadCount.recorded_at, HouseholdHeadCount.id)
    ).all()


def _of_visible_households(actor: Actor, column: orm.InstrumentedAttribute[UUID]) -> sa.ColumnElement[bool]:
    return column.in_(visible_households(actor).with_only_columns(Household.id))


def visible_people(actor: Actor) -> sa.Select[Person]:
    """Return the people, sealed, of the households within the actor's scope, departed ones too."""
    return sa.select(Person).where(_of_visible_households(actor, Person.household_id))


def visible_consents(actor: Actor) -> sa.Select[Consent]:
    """Return what the households within the actor's scope consented to."""
    return sa.select(Consent).where(_of_visible_households(actor, Consent.household_id))


def visible_proxy_acts(actor: Actor) -> sa.Select[ProxyAct]:
    """Return what was done in the place of the households within the actor's scope; a supplier is not told of all."""
    acts = sa.select(ProxyAct).where(_of_visible_households(actor, ProxyAct.household_id))
    if actor.scope is not Scope.OWN:
        return acts
    with_itself = sa.and_(ProxyAct.deed == Deed.ENROLMENT_CONFIRMED, ProxyAct.about_id == actor.organisation_id)
    return acts.where(sa.or_(ProxyAct.deed.not_in(KEPT_FROM_SUPPLIERS), with_itself))


def visible_erasures(actor: Actor) -> sa.Select[Erasure]:
    """Return the erasures of the households within the actor's scope."""
    return sa.select(Erasure).where(_of_visible_households(actor, Erasure.household_id))


def visible_accesses(actor: Actor) -> sa.Select[PersonalDataAccess]:
    """Return who read personal data: for who oversees everything, everything; for others their own readings."""
    accesses = sa.select(PersonalDataAccess)
    return accesses if actor.scope is Scope.ALL else accesses.where(PersonalDataAccess.member_id == actor.member_id)


class Home(NamedTuple):
    """A household, its key (None where nothing was ever sealed), and its people of today, sealed."""

    household: Household
    key: HouseholdKey | None
    people: list[Person]


def homes(session: orm.Session, households: sa.Select[Household]) -> list[Home]:
    """Return these households by code, with key and people, in one statement."""
    chosen = orm.aliased(Household, households.subquery())
    found: dict[UUID, Home] = {}
    for household, key, person in session.execute(
        sa.select(chosen, HouseholdKey, Person)
        .outerjoin(HouseholdKey, HouseholdKey.household_id == chosen.id)
        .outerjoin(Person, sa.and_(Person.household_id == chosen.id, Person.departed_on.is_(None)))
        .order_by(chosen.code, Person.id)
    ):
        home = found.setdefault(household.id, Home(household, key, []))
        if person is not None:
            home.people.append(person)
    return list(found.values())


_HEADS_LATE = sa.text(
    """
    SELECT h.household_id, max(d.recorded_on - h.valid_from)
      FROM household_head_counts h
      CROSS JOIN LATERAL (SELECT CAST(h.recorded_at AT TIME ZONE 'Asia/Shanghai' AS date) AS recorded_on) d
     WHERE h.household_id = ANY(CAST(:households AS uuid[])) AND d.recorded_on >= :since
       AND d.recorded_on - h.valid_from > :days
       AND EXISTS (SELECT FROM household_head_counts b
                    WHERE b.household_id = h.household_id AND b.id < h.id AND b.head_count <> h.head_count)
     GROUP BY h.household_id
    """
)


def late_head_counts(
    connection: sa.Connection, household_ids: Collection[UUID], *, days: int, since: date
) -> dict[UUID, int]:
    """Return how many days late another head count was recorded, since a day, where it was more than so many."""
    asked = {"households": list(household_ids), "days": days, "since": since}
    return {row[0]: row[1] for row in connection.execute(_HEADS_LATE, asked)}


def sharing_accounts(connection: sa.Connection, household_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return with how many other households, wherever they live, each of some shares a bank account now, if it does.

    It is told by the blind index: nothing is opened. Of one whose personal data were erased it is told as it was then.
    """
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    other = orm.aliased(Person)
    shared = (
        sa.select(Person.household_id, sa.func.count(sa.distinct(other.household_id)))
        .join(other, other.bank_account_index == Person.bank_account_index)
        .where(Person.household_id == sa.any_(ids), Person.departed_on.is_(None))
        .where(other.household_id != Person.household_id, other.departed_on.is_(None))
        .group_by(Person.household_id)
    )
    erased = sa.select(Erasure.household_id, Erasure.shared_with).where(
        Erasure.household_id == sa.any_(ids), Erasure.shared_with > 0
    )
    return {row[0]: row[1] for row in connection.execute(shared.union_all(erased))}


def consenting(session: orm.Session, purpose: ConsentPurpose, household_ids: Collection[UUID], on: date) -> set[UUID]:
    """Return those of the households that consent to a purpose on a day."""
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    in_force = sa.select(Consent.household_id).where(
        Consent.household_id == sa.any_(ids),
        Consent.purpose == purpose,
        Consent.valid_from <= on,
        sa.or_(Consent.valid_until.is_(None), Consent.valid_until > on),
        sa.or_(Consent.withdrawn_on.is_(None), Consent.withdrawn_on > on),
    )
    return set(session.scalars(in_force))


class Monitored(NamedTuple):
    """A household of a region as monitoring sees it on a day: its status, null off the register."""

    id: UUID
    code: str
    village_code: str
    head_count: int
    status: HouseholdStatus | None


def monitored_households(
    connection: sa.Connection, actor: Actor, *, region_code: str, on: date, heads_on: date
) -> list[Monitored]:
    """Return the households of a region that have been on the register by a day, by code; heads as of another day."""
    found = (
        visible_households(actor)
        .with_only_columns(
            Household.id, Household.code, Household.village_code, head_count_on(heads_on), _status_on(on)
        )
        .where(within(Household.village_code, region_code), Household.registered_on <= on)
        .order_by(Household.code)
    )
    return [Monitored(*row) for row in connection.execute(found)]


def counts_by_county(connection: sa.Connection, actor: Actor, *, region_code: str, on: date) -> list[tuple[str, int]]:
    """Return how many households of a region have been on the register by a day, by county."""
    county = sa.func.left(Household.village_code, 6)
    found: sa.Select[Any] = (
        visible_households(actor)
        .with_only_columns(county, sa.func.count())
        .where(within(Household.village_code, region_code), Household.registered_on <= on)
        .group_by(county)
        .order_by(county)
    )
    return [(row[0], row[1]) for row in connection.execute(found)]


class StatusCount(NamedTuple):
    """How many households and people of a region have a status on a day."""

    region_code: str
    status: HouseholdStatus
    households: int
    people: int


def counts_by_status(
    connection: sa.Connection, actor: Actor, *, region_code: str, digits: int, on: date
) -> list[StatusCount]:
    """Return households and people on the register on a day by status and region, of so many digits of its code."""
    each: sa.Select[Any] = visible_households(actor).with_only_columns(
        sa.func.left(Household.village_code, digits).label("region_code"),
        _status_on(on).label("status"),
        head_count_on(on).label("head_count"),
    )
    rows = each.where(within(Household.village_code, region_code)).subquery()
    found = (
        sa.select(
            rows.c.region_code, rows.c.status, sa.func.count(), sa.cast(sa.func.sum(rows.c.head_count), sa.BigInteger)
        )
        .where(rows.c.status.is_not(None))
        .group_by(rows.c.region_code, rows.c.status)
        .order_by(rows.c.region_code, rows.c.status)
    )
    return [StatusCount(*row) for row in connection.execute(found)]
