"""Keeping the register: registering, a new status, departure, head count."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import NotFoundError
from market.households.models import Household, HouseholdStatusPeriod
from market.households.queries import statuses_of, visible_households
from market.households.rules import (
    HouseholdCodeTakenError,
    HouseholdStatus,
    VillageOutsideRegionError,
    check_departure,
    check_head_count,
    check_not_ahead,
    check_present,
    check_removal,
    check_status_order,
    identified_on,
)
from market.identity.rules import Actor, Scope
from market.regions.service import require_region


def register(
    session: orm.Session,
    actor: Actor,
    *,
    code: str,
    village_code: str,
    head_count: int,
    status: HouseholdStatus,
    registered_on: date,
    today: date,
) -> Household:
    """Put a household on the register with its first status, which begins on the day of registration.

    Raises `HeadCountError`, `FutureDateError`, `VillageOutsideRegionError`, `UnknownRegionError` for a village that
    does not exist on that day, or `HouseholdCodeTakenError`.
    """
    check_head_count(head_count)
    check_not_ahead(registered_on, today=today, pointer="/registered_on")
    if actor.scope is not Scope.ALL and not village_code.startswith(actor.region_code):
        raise VillageOutsideRegionError(village=village_code, pointer="/village_code")
    require_region(session, village_code, registered_on, pointer="/village_code")
    if session.scalar(sa.select(Household.id).where(Household.code == code)):
        raise HouseholdCodeTakenError(code=code, pointer="/code")
    household = Household(
        code=code, village_code=village_code, head_count=head_count, registered_on=registered_on, departed_on=None
    )
    session.add(household)
    session.flush()
    session.add(HouseholdStatusPeriod(household_id=household.id, valid_from=registered_on, status=status))
    session.flush()
    return household


def household_to_change(session: orm.Session, actor: Actor, *, household_id: UUID) -> Household:
    """Return a household, locked; raises `NotFoundError`."""
    household = session.scalar(visible_households(actor).where(Household.id == household_id).with_for_update())
    if household is None:
        raise NotFoundError(what="household")
    return household


def record_status(
    session: orm.Session,
    actor: Actor,
    *,
    household_id: UUID,
    status: HouseholdStatus,
    valid_from: date,
    today: date,
) -> Household:
    """Add a status from a day on; what the household was before stays on record.

    Raises `NotFoundError`, `FutureDateError`, `HouseholdDepartedError`, `StatusOrderError` or `RemovalTooEarlyError`.
    """
    household = household_to_change(session, actor, household_id=household_id)
    check_present(household.departed_on)
    check_not_ahead(valid_from, today=today, pointer="/valid_from")
    check_status_order(valid_from, latest_from=_latest_from(session, household))
    periods = [(period.status, period.valid_from) for period in statuses_of(session, household)]
    check_removal(status, valid_from, identified_on=identified_on(periods))
    session.add(HouseholdStatusPeriod(household_id=household.id, valid_from=valid_from, status=status))
    household.version += 1
    session.flush()
    return household


def depart(session: orm.Session, actor: Actor, *, household_id: UUID, departed_on: date, today: date) -> Household:
    """Take a household off the register; `departed_on` is the first day on which it is no longer on it.

    Raises `NotFoundError`, `FutureDateError`, `HouseholdDepartedError` or `StatusOrderError`.
    """
    household = household_to_change(session, actor, household_id=household_id)
    check_present(household.departed_on)
    check_not_ahead(departed_on, today=today, pointer="/departed_on")
    check_departure(departed_on, latest_from=_latest_from(session, household))
    household.departed_on = departed_on
    household.version += 1
    session.flush()
    return household


def change_head_count(session: orm.Session, household: Household, *, head_count: int) -> None:
    """Correct the head count of a locked household; raises `HouseholdDepartedError` or `HeadCountError`."""
    check_present(household.departed_on)
    check_head_count(head_count)
    household.head_count = head_count
    household.version += 1
    session.flush()


def _latest_from(session: orm.Session, household: Household) -> date:
    latest = sa.select(sa.func.max(HouseholdStatusPeriod.valid_from))
    return session.scalars(latest.where(HouseholdStatusPeriod.household_id == household.id)).one()
