"""Households at risk are found by named rules, each told with the figures that triggered it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.monitoring import alerts
from market.audit.rules import MONITORING_WORDS, MonitoringRule
from market.benefits.rules import Mechanism
from market.db import Database
from market.households import erasing
from market.households.models import Household, HouseholdStatusPeriod, Person
from market.households.rules import HouseholdStatus
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.livelihoods import service as livelihoods
from market.livelihoods.rules import ItemKind
from tests import factories
from tests.stalls import NOON
from tests.story import Story, open_channels
from tests.test_statement_counts import counted

ON = date(2026, 4, 15)
"""The last twelve months end with March 2026."""
COUNTY = "141122"


@pytest.fixture
def auditor(session: orm.Session) -> Actor:
    office = factories.organisation(session)
    livelihoods.set_line(
        session,
        region_code="14",
        year=2026,
        line_fen=900_000,
        jump_bp=20_000,
        jump_fen=1_000_000,
        unchecked_fen=100_000,
        unchecked_days=30,
        source="晋农办发",
    )
    return factories.actor(session, factories.member(session, office), Scope.ALL)


def found(session: orm.Session, actor: Actor, *rules: MonitoringRule) -> dict[str, Mapping[str, int]]:
    """Return the figures by the code of the household, for the rules named."""
    listed = alerts(session, actor, region_code=COUNTY, on=ON, rules=rules)
    return {alert.household.code: alert.figures for alert in listed}


def with_items(session: orm.Session, *items: tuple[ItemKind, int], heads: int = 2) -> Household:
    """Return a household with items that its county has checked."""
    household = factories.household(session, head_count=heads)
    for kind, fen in items:
        factories.account_item(session, household, kind=kind, amount_fen=fen, checked=True)
    return household


def test_every_rule_is_told_in_both_languages() -> None:
    assert set(MONITORING_WORDS) == set(MonitoringRule)


def test_a_household_below_the_line_is_warned_of_with_what_it_paid_itself(session: orm.Session, auditor: Actor) -> None:
    poor = with_items(session, (ItemKind.PENSION, 1_900_000), (ItemKind.SELF_PAID, 100_001))
    with_items(session, (ItemKind.PENSION, 1_900_000), (ItemKind.SELF_PAID, 100_000))
    assert found(session, auditor, MonitoringRule.BELOW_THE_LINE) == {
        poor.code: {
            "line_fen": 900_000,
            "monitored_per_head_fen": 899_999,
            "checked_per_head_fen": 899_999,
            "unchecked_fen": 0,
            "net_fen": 1_900_000,
            "self_paid_fen": 100_001,
            "heads": 2,
        }
    }


def test_the_strictest_line_around_a_village_holds_and_none_of_another_year(
    session: orm.Session, auditor: Actor
) -> None:
    household = with_items(session, (ItemKind.PENSION, 1_900_000))
    assert found(session, auditor, MonitoringRule.BELOW_THE_LINE) == {}
    livelihoods.set_line(
        session,
        region_code=COUNTY,
        year=2026,
        line_fen=950_001,
        jump_bp=20_000,
        jump_fen=1,
        unchecked_fen=1,
        unchecked_days=1,
        source="县发",
    )
    livelihoods.set_line(
        session,
        region_code="",
        year=2026,
        line_fen=1,
        jump_bp=20_000,
        jump_fen=1,
        unchecked_fen=1,
        unchecked_days=1,
        source="国家",
    )
    livelihoods.set_line(
        session,
        region_code=COUNTY[:4],
        year=2026,
        line_fen=1,
        jump_bp=90_000,
        jump_fen=9_000_000,
        unchecked_fen=9_000_000,
        unchecked_days=999,
        source="市发，低于省线",
    )
    assert list(found(session, auditor, MonitoringRule.BELOW_THE_LINE)) == [household.code]
    years_ago = alerts(session, auditor, region_code=COUNTY, on=date(2022, 4, 1), rules=[MonitoringRule.BELOW_THE_LINE])
    assert years_ago == [], "no line of 2022 is known"


def test_who_has_nothing_on_record_is_not_called_poor(session: orm.Session, auditor: Actor) -> None:
    household = with_items(session, (ItemKind.GIFT, 1_500_000))
    assert found(session, auditor, MonitoringRule.BELOW_THE_LINE) == {}
    assert list(found(session, auditor, MonitoringRule.NOTHING_RECORDED)) == [household.code]


@pytest.mark.parametrize(
    ("before", "now", "jumps"),
    [(0, 1_000_000, True), (0, 999_999, False), (1_000_000, 2_000_000, True), (1_000_001, 2_000_001, False)],
)
def test_an_expense_jumps_by_ratio_and_amount(
    session: orm.Session, auditor: Actor, before: int, now: int, *, jumps: bool
) -> None:
    household = with_items(session, (ItemKind.SELF_PAID, now))
    if before:
        factories.account_item(session, household, kind=ItemKind.SELF_PAID, amount_fen=before, on=date(2025, 3, 31))
    assert (household.code in found(session, auditor, MonitoringRule.EXPENSE_JUMPS)) is jumps


def test_operating_income_without_expense_is_doubted(session: orm.Session, auditor: Actor) -> None:
    odd = with_items(session, (ItemKind.OTHER_OPERATING, 5_000))
    with_items(session, (ItemKind.OTHER_OPERATING, 5_000), (ItemKind.OPERATING_EXPENSE, 1))
    with_items(session, (ItemKind.PENSION, 5_000))
    assert found(session, auditor, MonitoringRule.OPERATING_INCOME_WITHOUT_EXPENSE) == {
        odd.code: {"operating_fen": 5_000}
    }


def test_help_by_a_supplier_without_operating_income_is_doubted(session: orm.Session, auditor: Actor) -> None:
    open_channels(session)
    story = Story(session)
    idle, earning = story.household(), story.household()
    story.lot(10_000, {earning.id: 5_000})
    order = story.sell("10")
    story.pay(order, 10_000)
    story.disburse({earning.id: 5_000})
    late = factories.household(session)
    factories.enrolment(session, story.supplier, late, on=date(2026, 1, 1))
    assert list(found(session, auditor, MonitoringRule.HELP_WITHOUT_OPERATING_INCOME)) == [idle.code]


@pytest.mark.parametrize(("fen", "doubted"), [(29_999, True), (30_000, False), (30_000_000, False), (30_000_001, True)])
def test_a_wage_that_is_no_years_wage_is_doubted(
    session: orm.Session, auditor: Actor, fen: int, *, doubted: bool
) -> None:
    household = with_items(session, (ItemKind.WAGE_ELSEWHERE, fen))
    assert (household.code in found(session, auditor, MonitoringRule.WAGE_IMPLAUSIBLE)) is doubted


def test_produce_of_a_household_that_had_left_is_found(session: orm.Session, auditor: Actor) -> None:
    open_channels(session)
    story = Story(session)
    gone, there = story.household(), story.household()
    story.lot(10_000, {gone.id: 5_000, there.id: 5_000})
    gone.departed_on = date(2026, 1, 1)
    session.flush()
    assert found(session, auditor, MonitoringRule.STATUS_LAPSED) == {
        gone.code: {"off_register_deliveries": 1, "off_register_fen": 5_000}
    }


def test_what_a_household_that_had_left_consigned_is_found_though_it_has_no_amount_yet(
    session: orm.Session, auditor: Actor
) -> None:
    open_channels(session)
    story = Story(session)
    gone = story.household()
    story.consign(100_000, {gone.id: 100_000})
    gone.departed_on = date(2026, 1, 2)
    session.flush()
    assert found(session, auditor, MonitoringRule.STATUS_LAPSED) == {
        gone.code: {"off_register_deliveries": 1, "off_register_fen": 0}
    }


@pytest.mark.parametrize(
    ("fen", "recorded", "checked", "told"),
    [
        (200_002, date(2026, 3, 15), False, True),
        (200_001, date(2026, 3, 15), False, False),
        (200_002, date(2026, 3, 16), False, False),
        (200_002, date(2026, 3, 15), True, False),
    ],
)
def test_other_income_that_nobody_checked_in_time_is_told(
    session: orm.Session, auditor: Actor, fen: int, recorded: date, *, checked: bool, told: bool
) -> None:
    household = factories.household(session, head_count=2)
    at = datetime(recorded.year, recorded.month, recorded.day, 4, tzinfo=UTC)
    factories.account_item(session, household, kind=ItemKind.WAGE_ELSEWHERE, amount_fen=fen, at=at, checked=checked)
    factories.account_item(session, household, kind=ItemKind.GIFT, amount_fen=9_000_000)
    expected = {
        "unchecked_fen": fen,
        "unchecked_per_head_fen": fen // 2,
        "unchecked_most_fen": 100_000,
        "unchecked_days": 30,
        "heads": 2,
    }
    assert found(session, auditor, MonitoringRule.UNCHECKED_ITEMS) == ({household.code: expected} if told else {})


def test_what_one_person_put_on_record_lifts_nobody_above_the_line(session: orm.Session, auditor: Actor) -> None:
    poor, only = with_items(session, (ItemKind.PENSION, 500_000)), factories.household(session, head_count=2)
    for household in (poor, only):
        factories.account_item(session, household, amount_fen=1_000_000_000, at=datetime(2026, 4, 14, tzinfo=UTC))
    told = found(session, auditor, MonitoringRule.BELOW_THE_LINE)
    assert set(told) == {poor.code, only.code}
    assert told[poor.code] == {
        "line_fen": 900_000,
        "monitored_per_head_fen": 500_250_000,
        "checked_per_head_fen": 250_000,
        "unchecked_fen": 1_000_000_000,
        "net_fen": 1_000_500_000,
        "self_paid_fen": 0,
        "heads": 2,
    }


@pytest.mark.parametrize(("fen", "told"), [(1_800_001, False), (1_800_002, True)])
def test_unchecked_income_above_the_line_is_told_at_once(
    session: orm.Session, auditor: Actor, fen: int, *, told: bool
) -> None:
    household = factories.household(session, head_count=2)
    today = datetime(2026, 4, 15, 4, tzinfo=UTC)
    for part in (fen - 1_000_000, 1_000_000):
        factories.account_item(session, household, amount_fen=part, at=today)
    assert (household.code in found(session, auditor, MonitoringRule.UNCHECKED_ITEMS)) is told


NOTHING_BEFORE = {"deliveries_before": 0, "delivered_before_fen": 0}


def test_a_status_recorded_late_is_told_once_a_pool_for_assisted_households_brought_it_money(
    session: orm.Session, auditor: Actor
) -> None:
    open_channels(session)
    recorded = datetime(2026, 2, 1, tzinfo=UTC)
    late, in_time = factories.household(session, recorded_at=recorded), factories.household(session)
    ordinary = factories.household(session, recorded_at=recorded, status=HouseholdStatus.ORDINARY)
    plain = factories.household(session, recorded_at=recorded)
    shares = [(each.id, 1) for each in (late, in_time, ordinary)]
    for assisted_only, payees in ((True, shares), (False, [(plain.id, 1)])):
        story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, payees)], assisted_only=assisted_only)
        giving = story.household()
        story.lot(10_000, {giving.id: 5_000})
        order = story.sell("4")
        story.pay(order, 4_000)
    figures = found(session, auditor, MonitoringRule.STATUS_RECORDED_LATE)
    days = (date(2026, 2, 1) - date(2020, 1, 1)).days
    assert figures == {late.code: {"days_late": days, "assisted_only_fen": 200} | NOTHING_BEFORE}


def test_a_province_without_a_line_is_named_in_the_answer(client: TestClient, session: orm.Session) -> None:
    factories.region(session, code="141122")
    factories.household(session)
    factories.household(session, village_code="531122106201")
    headers = factories.signed_in(session, Role.AUDITOR)

    def missing(on: str, **query: str) -> list[tuple[str, int, int]]:
        answer = client.get("/v1/monitoring/warnings", params={"on": on} | query, headers=headers).json()
        return [tuple(each.values()) for each in answer["missing_lines"]]

    assert missing("2026-04-15") == [("14", 2026, 1), ("53", 2026, 1)]
    assert missing("2026-01-15") == [("14", 2025, 1)], "Yunnan has a line of 2025, in which the window ends"
    assert missing("2026-01-15", region_code="141122") == [("14", 2025, 1)]
    assert missing("2025-01-15") == [], "the whole country had one in 2024"


def test_households_whose_people_share_a_bank_account_are_told_without_opening_anything(
    session: orm.Session, auditor: Actor
) -> None:
    one, other, apart, elsewhere = (factories.household(session) for _ in range(4))
    elsewhere.village_code = "141130101201"
    account = factories.particulars(1)["bank_account"]
    for household, known in ((one, 1), (one, 2), (other, 3), (elsewhere, 4)):
        factories.person(session, household, known=factories.particulars(known, bank_account=account))
    factories.person(session, apart, known=factories.particulars(5))
    told = {one.code: {"households": 2}, other.code: {"households": 2}}
    assert found(session, auditor, MonitoringRule.ACCOUNT_SHARED) == told
    session.execute(sa.update(Person).where(Person.household_id == other.id).values(departed_on=date(2026, 4, 1)))
    assert found(session, auditor, MonitoringRule.ACCOUNT_SHARED) == {one.code: {"households": 1}}
    office = factories.organisation(session, kind=OrganisationKind.REVITALISATION_DEPARTMENT)
    county = factories.actor(session, factories.member(session, office, Role.COUNTY_REVIEWER), Scope.ALL)
    erasing.request(session, county, household_id=one.id, reason="本人申请", now=NOON)
    told = {one.code: {"households": 1}}
    assert found(session, auditor, MonitoringRule.ACCOUNT_SHARED) == told, "what is erased hides no trace of it"


def test_a_whole_county_is_judged_in_as_many_statements_as_one_household(
    session: orm.Session, db: Database, auditor: Actor
) -> None:
    counts = []
    for number in (1, 60):
        for _ in range(number):
            with_items(session, (ItemKind.PENSION, 10_000))
        with counted(db) as statements:
            assert found(session, auditor, *MonitoringRule)
        counts.append(len(statements))
    assert counts == [20, 20]


def test_warnings_are_listed_by_code_to_the_county_and_no_further(
    client: TestClient, session: orm.Session, auditor: Actor
) -> None:
    assert auditor.scope is Scope.ALL, "whose line is the province's"
    factories.region(session, code=COUNTY)
    codes = sorted(with_items(session, (ItemKind.PENSION, 10_000)).code for _ in range(3))
    county = factories.signed_in(session, Role.COUNTY_REVIEWER)
    asked = {"region_code": COUNTY, "on": str(ON), "rule": "below_the_line", "limit": "2"}
    first = client.get("/v1/monitoring/warnings", params=asked, headers=county).json()
    rest = client.get("/v1/monitoring/warnings", params=asked | {"cursor": first["next_cursor"]}, headers=county).json()
    assert [each["household_code"] for each in first["items"] + rest["items"]] == codes
    assert (rest["next_cursor"], first["items"][0]["figures"]["line_fen"]) == (None, 900_000)
    neighbour = factories.signed_in(session, Role.COUNTY_REVIEWER, region_code="141130")
    assert client.get("/v1/monitoring/warnings", params=asked, headers=neighbour).json()["items"] == []


def monitored(session: orm.Session, village_code: str, status: HouseholdStatus, households: int, people: int) -> None:
    """Put so many households with so many people in all on the register at once."""
    least, more = divmod(people, households)
    rows = [
        {
            "id": uuid4(),
            "code": f"{village_code}{status[:1].upper()}{number:05d}",
            "village_code": village_code,
            "head_count": least + (number < more),
            "registered_on": date(2020, 1, 1),
            "departed_on": None,
            "version": 1,
        }
        for number in range(households)
    ]
    session.execute(sa.insert(Household), rows)
    statuses = [{"household_id": row["id"], "valid_from": date(2020, 1, 1), "status": status} for row in rows]
    session.execute(sa.insert(HouseholdStatusPeriod), statuses)


def test_qingyang_of_2020_monitors_5846_households_and_22137_people(client: TestClient, session: orm.Session) -> None:
    xifeng, huan = "621002101201", "621022101201"
    monitored(session, xifeng, HouseholdStatus.UNSTABLE, 1_000, 4_100)
    monitored(session, huan, HouseholdStatus.UNSTABLE, 1_082, 4_511)
    monitored(session, xifeng, HouseholdStatus.MARGINAL, 2_000, 7_000)
    monitored(session, huan, HouseholdStatus.MARGINAL, 1_764, 6_526)
    factories.household(session, village_code=xifeng, status=HouseholdStatus.REGISTERED_POOR)
    factories.region(session, code="6210")
    asked = {"region_code": "6210", "on": "2020-12-31"}
    answer = client.get(
        "/v1/monitoring/counts", params=asked, headers=factories.signed_in(session, Role.AUDITOR)
    ).json()
    assert (answer["households"], answer["people"]) == (5_846, 22_137)
    assert {each["status"]: (each["households"], each["people"]) for each in answer["categories"]} == {
        "unstable": (2_082, 8_611),
        "marginal": (3_764, 13_526),
        "sudden_hardship": (0, 0),
    }
    assert {(each["region_code"], each["status"]): each["people"] for each in answer["regions"]} == {
        ("621002", "unstable"): 4_100,
        ("621022", "unstable"): 4_511,
        ("621002", "marginal"): 7_000,
        ("621022", "marginal"): 6_526,
    }
