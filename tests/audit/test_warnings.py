"""Households are warned of whom suppliers keep waiting, and who left the register while they were monitored."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import orm

from market.attribution.models import PaymentTerms
from market.audit.monitoring import alerts
from market.audit.rules import MonitoringRule
from market.households.models import Household, HouseholdHeadCount
from market.households.rules import DepartureReason, HouseholdStatus
from market.households.service import depart, record_status, register
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories
from tests.story import Story, open_channels

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


@pytest.mark.parametrize(("recorded", "heads", "days"), [(31, 1, 31), (30, 1, None), (400, 3, None)])
def test_another_head_count_dated_long_back_is_told(
    session: orm.Session, county: Actor, recorded: int, heads: int, days: int | None
) -> None:
    household = factories.household(session, head_count=3)
    at = datetime(2026, 3, 20, 4, tzinfo=UTC)
    since = at.date() - timedelta(days=recorded)
    session.add(HouseholdHeadCount(household_id=household.id, valid_from=since, head_count=heads, recorded_at=at))
    session.flush()
    expected = {} if days is None else {household.code: {"days_late": days}}
    assert found(session, county, MonitoringRule.HEADS_RECORDED_LATE) == expected


@pytest.fixture
def reviewer(session: orm.Session, county: Actor) -> Actor:
    factories.region(session, code="141122106201")
    return county


def registered(session: orm.Session, reviewer: Actor, on: date, status: HouseholdStatus) -> Household:
    """Put a household on the register at the noon of ON, from a day on."""
    return register(
        session,
        reviewer,
        code=f"LATE-{factories.number()}",
        village_code="141122106201",
        head_count=3,
        status=status,
        registered_on=on,
        now=NOON,
    )


@pytest.mark.parametrize(("late", "told"), [(90, 1), (31, 1), (30, 0), (0, 0)])
def test_another_status_dated_long_back_is_told(session: orm.Session, reviewer: Actor, late: int, told: int) -> None:
    household = factories.household(session, status=HouseholdStatus.ORDINARY)
    lot = factories.lot(session, factories.product(session, factories.organisation(session)))
    for day in (date(2026, 1, 4), date(2026, 2, 4), date(2026, 4, 15)):
        factories.contribution(session, lot, household, amount_fen=6_000, delivered_on=day)
    since = ON - timedelta(days=late)
    assisted = HouseholdStatus.REGISTERED_POOR
    record_status(session, reviewer, household_id=household.id, status=assisted, valid_from=since, now=NOON)
    before = 1 if since <= date(2026, 2, 4) else 0
    figures = {"days_late": late, "assisted_only_fen": 0}
    figures |= {"deliveries_before": before, "delivered_before_fen": before * 6_000}
    expected = {household.code: figures} if told else {}
    assert found(session, reviewer, MonitoringRule.STATUS_RECORDED_LATE) == expected
    assert found(session, reviewer, MonitoringRule.STATUS_RECORDED_LATE, date(2027, 5, 1)) == {}, "the window went on"


def test_a_registration_dated_long_back_is_told_once_an_earlier_delivery_counts_by_it(
    session: orm.Session, reviewer: Actor
) -> None:
    lot = factories.lot(session, factories.product(session, factories.organisation(session)))
    told, from_today, before, unassisted = (
        registered(session, reviewer, on, status)
        for on, status in [
            (date(2024, 1, 1), HouseholdStatus.UNSTABLE),
            (ON, HouseholdStatus.UNSTABLE),
            (date(2024, 1, 1), HouseholdStatus.UNSTABLE),
            (date(2024, 1, 1), HouseholdStatus.ORDINARY),
        ]
    )
    assert found(session, reviewer, MonitoringRule.STATUS_RECORDED_LATE) == {}, "an old register is no warning"
    for household in (told, from_today, unassisted):
        factories.contribution(session, lot, household, amount_fen=6_000, delivered_on=date(2026, 4, 1))
    factories.contribution(session, lot, before, amount_fen=6_000, delivered_on=date(2023, 12, 31))
    factories.contribution(session, lot, before, amount_fen=6_000, delivered_on=ON)
    assert found(session, reviewer, MonitoringRule.STATUS_RECORDED_LATE) == {
        told.code: {
            "days_late": (ON - date(2024, 1, 1)).days,
            "assisted_only_fen": 0,
            "deliveries_before": 1,
            "delivered_before_fen": 6_000,
        }
    }


def sold(session: orm.Session, household: Household, *, recognised_on: date, paid_fen: int = 0) -> Story:
    """Sell a household's lot of 50 yuan whole; have the supplier's money come on a day, and the household paid."""
    story = Story(session)
    factories.enrolment(session, story.supplier, household)
    story.lot(10_000, {household.id: 5_000})
    order = story.sell("10")
    story.pay(order, 10_000, on=recognised_on)
    if paid_fen:
        story.disburse({household.id: paid_fen}, on=recognised_on)
    return story


def test_a_household_is_named_whom_suppliers_owe_for_longer_than_its_region_allows(
    session: orm.Session, county: Actor
) -> None:
    open_channels(session)
    late, in_time, paid, elsewhere = (factories.household(session) for _ in range(4))
    elsewhere.village_code = "141130101201"
    sold(session, late, recognised_on=date(2026, 3, 15), paid_fen=2_000)
    sold(session, late, recognised_on=date(2026, 3, 10))
    sold(session, in_time, recognised_on=date(2026, 3, 16))
    sold(session, paid, recognised_on=date(2026, 3, 15), paid_fen=5_000)
    sold(session, elsewhere, recognised_on=date(2026, 3, 15))
    rule = MonitoringRule.OVERDUE_DISBURSEMENT
    figures = {"overdue_fen": 8_000, "age_days": 36, "within_days": 30, "suppliers": 2}
    assert found(session, county, rule) == {late.code: figures}
    assert set(found(session, county, rule, date(2026, 4, 16))) == {late.code, in_time.code}


def test_what_is_overdue_is_judged_by_the_terms_of_the_households_region(session: orm.Session, county: Actor) -> None:
    open_channels(session)
    household = factories.household(session)
    sold(session, household, recognised_on=date(2026, 4, 4))
    rule = MonitoringRule.OVERDUE_DISBURSEMENT
    assert found(session, county, rule) == {}
    terms = PaymentTerms(region_code=COUNTY, valid_from=ON, within_days=10, set_by=county.member_id)
    session.add(terms)
    session.flush()
    figures = {"overdue_fen": 5_000, "age_days": 11, "within_days": 10, "suppliers": 1}
    assert found(session, county, rule) == {household.code: figures}


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
