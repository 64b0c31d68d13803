"""Keeping the register: registering, a new status, departure, head count, land."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.clock import business_date
from market.errors import InvalidInputError, NotFoundError, check_not_ahead
from market.households import continuing
from market.households.models import Household, HouseholdHeadCount, HouseholdStatusPeriod
from market.households.queries import head_counts_of, statuses_of, visible_households
from market.households.removal import check_departure_reason, check_removal, cut_short, monitored_since
from market.households.rules import (
    DepartureReason,
    HouseholdCodeTakenError,
    HouseholdStatus,
    VillageOutsideRegionError,
    check_code,
    check_departure,
    check_head_count,
    check_present,
    check_status_order,
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
    land_milli_mu: int | None = None,
    now: datetime,
) -> Household:
    """Put a household on the register with its first status, which begins on the day of registration.

    Raises `HeadCountError`, `NumberInTextError`, `FutureDateError`, `VillageOutsideRegionError`, `UnknownRegionError`
    for a village that does not exist on that day, or `HouseholdCodeTakenError`.
    """
    check_head_count(head_count)
    check_code(code, village_code=village_code)
    check_not_ahead(registered_on, today=business_date(now), pointer="/registered_on")
    if actor.scope is not Scope.ALL and not village_code.startswith(actor.region_code):
        raise VillageOutsideRegionError(village=village_code, pointer="/village_code")
    require_region(session, village_code, registered_on, pointer="/village_code")
    if session.scalar(sa.select(Household.id).where(Household.code == code)):
        raise HouseholdCodeTakenError(code=code, pointer="/code")
    household = Household(
        code=code,
        village_code=village_code,
        head_count=head_count,
        land_milli_mu=land_milli_mu,
        registered_on=registered_on,
        departed_on=None,
    )
    session.add(household)
    session.flush()
    _add_status(session, actor, household, status=status, valid_from=registered_on, now=now)
    _add_head_count(session, actor, household, head_count=head_count, valid_from=registered_on, now=now)
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
    now: datetime,
) -> Household:
    """Add a status from a day on; what the household was before stays on record.

    Raises `NotFoundError`, `FutureDateError`, `HouseholdDepartedError`, `StatusOrderError` or `RemovalTooEarlyError`.
    """
    household = household_to_change(session, actor, household_id=household_id)
    check_present(household.departed_on)
    check_not_ahead(valid_from, today=business_date(now), pointer="/valid_from")
    check_status_order(valid_from, latest_from=_latest_from(session, household))
    periods = statuses_of(session, household)
    since = monitored_since(continuing.plain(periods), continuing.cuts_continued(session, household, periods))
    check_removal(status, valid_from, identified_on=since)
    _add_status(session, actor, household, status=status, valid_from=valid_from, now=now)
    household.version += 1
    session.flush()
    return household


def depart(
    session: orm.Session,
    actor: Actor,
    *,
    household_id: UUID,
    departed_on: date,
    reason: DepartureReason | None = None,
    now: datetime,
) -> Household:
    """Take a household off the register; `departed_on` is the first day on which it is no longer on it.

    Before its monitoring might have ended it leaves for a stated reason, and not into a new entry of the register that
    does not go on with it. Raises `NotFoundError`, `FutureDateError`, `HouseholdDepartedError`, `StatusOrderError`,
    `DepartureReasonError` or `MonitoringContinuesError`.
    """
    household = household_to_change(session, actor, household_id=household_id)
    check_present(household.departed_on)
    check_not_ahead(departed_on, today=business_date(now), pointer="/departed_on")
    check_departure(departed_on, latest_from=_latest_from(session, household))
    if cut := cut_short(continuing.plain(statuses_of(session, household)), departed_on):
        check_departure_reason(reason, cut)
        continuing.check_leaves(session, household, cut)
    household.departed_on, household.departure_reason = departed_on, reason
    household.departure_recorded_by, household.departure_recorded_at = actor.member_id, now
    household.version += 1
    session.flush()
    return household


def change_head_count(
    session: orm.Session, actor: Actor, household: Household, *, head_count: int, valid_from: date, now: datetime
) -> None:
    """Say how many a locked household counts from a day on; figures of windows that ended before keep theirs.

    A day with a count already is corrected; a later count stays in force from its own day. Raises
    `HouseholdDepartedError`, `HeadCountError`, `FutureDateError`, or `InvalidInputError` before the registration.
    """
    check_present(household.departed_on)
    check_head_count(head_count)
    check_not_ahead(valid_from, today=business_date(now), pointer="/valid_from")
    if valid_from < household.registered_on:
        raise InvalidInputError("it lies before the registration", "不得早于登记日期", pointer="/valid_from")
    _add_head_count(session, actor, household, head_count=head_count, valid_from=valid_from, now=now)
    session.flush()
    household.head_count = head_counts_of(session, household)[-1].head_count
    household.version += 1
    session.flush()


def change_land(session: orm.Session, household: Household, *, land_milli_mu: int) -> None:
    """Say how much land a locked household farms (thousandths of a mu); it is asked by hints alone, and has no history.

    Raises `HouseholdDepartedError`.
    """
    check_present(household.departed_on)
    if household.land_milli_mu != land_milli_mu:
        household.land_milli_mu = land_milli_mu
        household.version += 1
        session.flush()


def _add_status(
    session: orm.Session,
    actor: Actor,
    household: Household,
    *,
    status: HouseholdStatus,
    valid_from: date,
    now: datetime,
) -> None:
    recorded = {"recorded_by": actor.member_id, "recorded_at": now}
    session.add(HouseholdStatusPeriod(household_id=household.id, valid_from=valid_from, status=status, **recorded))


def _add_head_count(
    session: orm.Session, actor: Actor, household: Household, *, head_count: int, valid_from: date, now: datetime
) -> None:
    recorded = {"recorded_by": actor.member_id, "recorded_at": now}
    session.add(HouseholdHeadCount(household_id=household.id, valid_from=valid_from, head_count=head_count, **recorded))


def _latest_from(session: orm.Session, household: Household) -> date:
    latest = sa.select(sa.func.max(HouseholdStatusPeriod.valid_from))
    return session.scalars(latest.where(HouseholdStatusPeriod.household_id == household.id)).one()
