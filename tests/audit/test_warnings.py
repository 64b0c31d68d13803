"""Households are warned of who left the register while they were monitored."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import orm

from market.audit.monitoring import alerts
from market.audit.rules import MonitoringRule
from market.households.rules import DepartureReason, HouseholdStatus
from market.households.service import depart
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories

ON = date(2026, 4, 15)
NOON = datetime(2026, 4, 15, 4, tzinfo=UTC)
COUNTY = "141122"


@pytest.fixture
def county(session: orm.Session) -> Actor:
    office = factories.organisation(session, kind=OrganisationKind.REVITALISATION_DEPARTMENT, region_code=COUNTY)
    return factories.actor(session, factories.member(session, office, Role.COUNTY_REVIEWER), Scope.REGION)


def found(session: orm.Session, actor: Actor, rule: MonitoringRule, on: date = ON) -> dict[str, Mapping[str, int]]:
    listed = alerts(session, actor, region_code=COUNTY, on=on, rules=[rule])
    return {alert.household.code: alert.figures for alert in listed}


@pytest.mark.parametrize(
    ("status", "departed_on", "told"),
    [
        (HouseholdStatus.UNSTABLE, date(2026, 3, 9), True),
        (HouseholdStatus.MARGINAL, date(2026, 4, 15), True),
        (HouseholdStatus.ORDINARY, date(2026, 3, 9), False),
        (HouseholdStatus.REGISTERED_POOR, date(2026, 3, 9), False),
        (HouseholdStatus.UNSTABLE, None, False),
    ],
)
def test_who_left_while_monitored_is_named_with_how_many_would_be_known_again(
    session: orm.Session, county: Actor, status: HouseholdStatus, departed_on: date | None, *, told: bool
) -> None:
    household = factories.household(session, status=status, registered_on=date(2026, 2, 28))
    factories.person(session, household)
    factories.person(session, household, known=factories.particulars(resident_id=None))
    if departed_on:
        reason = DepartureReason.MOVED_AWAY
        depart(session, county, household_id=household.id, departed_on=departed_on, reason=reason, now=NOON)
    days = (departed_on - household.registered_on).days if departed_on else 0
    figures = {household.code: {"monitored_days": days, "people_known": 1}} if told else {}
    assert found(session, county, MonitoringRule.LEFT_MONITORING_EARLY) == figures


@pytest.mark.parametrize(
    ("departed_on", "told"),
    [(date(2025, 9, 30), True), (date(2025, 10, 1), False), (date(2025, 4, 1), True), (date(2025, 3, 31), False)],
)
def test_who_left_after_six_months_is_not_named_and_who_left_before_for_a_year(
    session: orm.Session, county: Actor, departed_on: date, *, told: bool
) -> None:
    since = date(2025, 4, 1) if departed_on > date(2025, 6, 1) else date(2025, 3, 1)
    household = factories.household(session, status=HouseholdStatus.SUDDEN_HARDSHIP, registered_on=since)
    household.departed_on = departed_on
    session.flush()
    assert (household.code in found(session, county, MonitoringRule.LEFT_MONITORING_EARLY)) is told
