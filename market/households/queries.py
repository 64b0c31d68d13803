"""Which households an actor may see, and how they stand on a day."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import within
from market.households.models import Household, HouseholdStatusPeriod
from market.households.rules import Eligibility, HouseholdStatus
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


def eligibility_on(session: orm.Session, household_ids: Collection[UUID], on: date) -> dict[UUID, Eligibility]:
    """Return how these households stand on a day, in one statement; an id of no household is left out."""
    ids = sa.bindparam("ids", list(household_ids), type_=sa.ARRAY(sa.Uuid))
    rows = session.execute(
        sa.select(Household.id, Household.village_code, _status_on(on), _on_register(on)).where(
            Household.id == sa.any_(ids)
        )
    )
    return {id_: Eligibility(id_, village_code, status, on_register) for id_, village_code, status, on_register in rows}


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
