"""What a household had: every fen of gross and net, per head, beside what orders brought and never added to it."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution.statements import household_statement
from market.clock import CHINA_STANDARD_TIME, utc_now
from market.households.models import Household, HouseholdHeadCount
from market.households.rules import HouseholdStatus
from market.identity.models import Member
from market.identity.rules import Role, Scope
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.livelihoods import service as livelihoods
from market.livelihoods.rules import Figure, ItemKind, Window
from market.reports.household_account import household_account
from market.reports.household_page import Place, content_of, increase
from tests import factories
from tests.story import Story, open_channels

FANGSHAN = "141128101201"
FIFTH, NINTH = date(2026, 3, 5), date(2026, 3, 9)


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def account(client: TestClient, session: orm.Session, household_id: object, **query: str) -> Any:
    """Return a household's account as an auditor reads it."""
    headers = factories.signed_in(session, Role.AUDITOR)
    answer = client.get(f"/v1/households/{household_id}/account", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_fangshan_household_has_transfers_of_21787_40_yuan_and_nothing_from_orders(
    client: TestClient, session: orm.Session
) -> None:
    household = factories.household(
        session, village_code=FANGSHAN, head_count=2, status=HouseholdStatus.REGISTERED_POOR
    )
    for kind, fen in (
        (ItemKind.VETERAN, 672_000),
        (ItemKind.GRAIN_TO_GREEN, 1_215_000),
        (ItemKind.FARMLAND, 162_140),
        (ItemKind.PENSION, 129_600),
        (ItemKind.GIFT, 1_500_000),
    ):
        factories.account_item(session, household, kind=kind, amount_fen=fen, on=date(2025, 6, 1))
    found = account(client, session, household.id, year="2025", on="2026-01-15")
    for window in (found["year"], found["rolling"]):
        known = window["known"]
        assert window["window"] == {"begin": "2025-01-01", "end": "2025-12-31"}
        assert {each["income_class"]: each["other_fen"] for each in known["classes"]} == {
            "wage": 0,
            "operating": 0,
            "property": 0,
            "transfer": 2_178_740,
        }
        assert (known["gross_fen"], known["net_fen"]) == (2_178_740, 2_178_740)
        assert known["net_per_head"] == {"fen": 1_089_370, "left_fen": 0, "heads": 2}
        assert (known["received_fen"], known["accrued_fen"], known["brought_by_orders_fen"]) == (0, 0, 0)


def test_a_gift_of_15000_yuan_is_recorded_and_excluded(client: TestClient, session: orm.Session) -> None:
    household = factories.household(session)
    for kind in (ItemKind.GIFT, ItemKind.PURPOSE_TIED, ItemKind.TEMPORARY_RELIEF):
        factories.account_item(session, household, kind=kind, amount_fen=1_500_000)
    known = account(client, session, household.id, year="2026")["year"]["known"]
    assert (known["excluded_fen"], known["gross_fen"], known["net_fen"]) == (4_500_000, 0, 0)
    assert [each["treatment"] for each in known["items"]] == ["excluded"] * 3


def test_net_counts_money_received_and_orders_brought_only_what_is_matched(
    client: TestClient, session: orm.Session
) -> None:
    story = Story(session)
    household = story.household(head_count=3)
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10")
    story.disburse({household.id: 7_000}, on=FIFTH)
    factories.account_item(session, household, kind=ItemKind.OPERATING_EXPENSE, amount_fen=1_000)
    factories.account_item(session, household, kind=ItemKind.SELF_PAID, amount_fen=300)
    before = account(client, session, household.id, year="2026")["year"]["known"]
    assert (before["received_fen"], before["ahead_fen"], before["brought_by_orders_fen"]) == (7_000, 7_000, 0)
    assert (before["accrued_fen"], before["recognised_fen"]) == (5_000, 0)
    story.pay(order, 10_000, on=NINTH)
    known = account(client, session, household.id, year="2026")["year"]["known"]
    assert (known["received_fen"], known["ahead_fen"], known["brought_by_orders_fen"]) == (7_000, 2_000, 5_000)
    (operating,) = (each for each in known["classes"] if each["income_class"] == "operating")
    assert (operating["from_orders_fen"], operating["orders"]["disbursed_fen"]) == (5_000, 5_000)
    assert (known["gross_fen"], known["net_fen"], known["self_paid_fen"]) == (7_000, 6_000, 300)
    assert known["net_per_head"] == {"fen": 2_000, "left_fen": 0, "heads": 3}


def test_an_increase_is_stated_only_against_a_confirmed_baseline_of_the_same_figure(
    client: TestClient, session: orm.Session
) -> None:
    household = factories.household(session, head_count=3)
    factories.account_item(session, household, amount_fen=1_000_000, on=date(2025, 5, 1))
    factories.household_baseline(session, household, figure=Figure.NET, amount_fen=600_000, year=2023)
    factories.household_baseline(session, household, figure=Figure.NET, amount_fen=700_000)
    factories.household_baseline(session, household, figure=Figure.GROSS, confirmed=False)
    year = account(client, session, household.id, year="2025", on="2026-03-02")["year"]
    found = {each["figure"]: (each["increase_fen"], each["no_increase"]) for each in year["increases"]}
    assert found == {
        "gross": (None, "no_baseline_confirmed"),
        "net": (300_000, None),
        "net_per_head": (None, "no_baseline_confirmed"),
    }
    running = account(client, session, household.id, year="2026", on="2026-03-02")["year"]
    assert {each["no_increase"] for each in running["increases"]} == {"period_not_over"}


def test_beside_a_baseline_stands_what_the_account_itself_has_of_its_period(
    client: TestClient, session: orm.Session
) -> None:
    household, other = factories.household(session), factories.household(session)
    for each in (household, other):
        factories.account_item(session, each, amount_fen=721_712, on=date(2025, 5, 1))
        factories.household_baseline(session, each, amount_fen=1, year=2024)
    factories.account_item(session, household, amount_fen=1_188_000, on=date(2024, 5, 1))

    auditor = factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)

    def told(of: Household) -> tuple[int, int | None, str]:
        year = account(client, session, of.id, year="2025", on="2026-03-02")["year"]
        (net,) = (each for each in year["increases"] if each["figure"] == "net")
        found = household_account(session.connection(), auditor, of.id, year=2025, on=date(2026, 3, 2))
        return net["increase_fen"], net["baseline_booked_fen"], increase(found.year, str)

    increase_fen, booked_fen, words = told(household)
    assert (increase_fen, booked_fen) == (721_711, 1_188_000)
    assert "本系统账上同期为 11,880.00 元，按账面为减少 4,662.88 元" in words
    increase_fen, booked_fen, words = told(other)
    assert (increase_fen, booked_fen) == (721_711, None)
    assert "本系统账上" not in words


def test_a_replaced_baseline_stays_told_with_when_it_changed_and_the_increase_by_it(
    client: TestClient, session: orm.Session
) -> None:
    household = factories.household(session)
    factories.account_item(session, household, amount_fen=1_000_000, on=date(2025, 5, 1))
    first = factories.household_baseline(session, household, amount_fen=900_000)
    factories.household_baseline(session, household, amount_fen=400_000, replaces=first)
    factories.household_baseline(session, household, amount_fen=1, replaces=first, confirmed=False)
    year = account(client, session, household.id, year="2025", on="2026-03-02")["year"]
    (net,) = (each for each in year["increases"] if each["figure"] == "net")
    assert (net["baseline_fen"], net["increase_fen"]) == (400_000, 600_000)
    (former,) = net["formerly"]
    assert (former["baseline_fen"], former["increase_fen"], former["reason"]) == (900_000, 100_000, "漏计养老金")
    assert former["replaced_at"] == net["baseline_confirmed_at"]


def test_what_was_replaced_by_a_baseline_of_the_window_itself_is_no_baseline_any_more(
    client: TestClient, session: orm.Session
) -> None:
    household = factories.household(session)
    factories.account_item(session, household, amount_fen=1_000_000, on=date(2024, 5, 1))
    wrong = factories.household_baseline(session, household, amount_fen=100, year=2023)
    later = Window(date(2023, 12, 1), date(2024, 11, 30))

    def stated(year: str) -> tuple[int | None, int | None, str | None]:
        found = account(client, session, household.id, year=year, on="2026-01-15")["year"]
        (net,) = (each for each in found["increases"] if each["figure"] == "net")
        return net["baseline_fen"], net["increase_fen"], net["no_increase"]

    assert stated("2024") == (100, 999_900, None)
    factories.household_baseline(session, household, amount_fen=900_000, period=later, replaces=wrong)
    assert stated("2024") == (None, None, "no_baseline_confirmed")
    assert stated("2025") == (900_000, -900_000, None)
    factories.household_baseline(session, household, amount_fen=700_000, year=2022)
    assert stated("2024") == (700_000, 300_000, None), "the one before is in force"


def test_it_says_how_much_of_other_income_a_second_person_has_checked(client: TestClient, session: orm.Session) -> None:
    household = factories.household(session)
    factories.account_item(session, household, amount_fen=700, checked=True)
    factories.account_item(session, household, amount_fen=40)
    factories.account_item(session, household, kind=ItemKind.GIFT, amount_fen=9, checked=True)
    known = account(client, session, household.id, year="2026")["year"]["known"]
    assert (known["other_fen"], known["other_checked_fen"]) == (740, 700)
    assert {each["kind"]: (each["fen"], each["checked_fen"]) for each in known["items"]} == {
        "pension": (740, 700),
        "gift": (9, 9),
    }


def test_per_head_is_of_who_was_counted_on_the_last_day_of_the_window(client: TestClient, session: orm.Session) -> None:
    household = factories.household(session, head_count=2)
    for year in (2024, 2025):
        factories.account_item(session, household, amount_fen=1_200, on=date(year, 5, 1))
    county = factories.signed_in(session, Role.COUNTY_REVIEWER, region_code="141122")
    change = {"head_count": 4, "valid_from": "2025-07-01"}
    client.patch(f"/v1/households/{household.id}", json=change, headers=county | {"If-Match": '"1"'})
    before = account(client, session, household.id, year="2024", on="2026-01-15")
    assert before["year"]["known"]["net_per_head"] == {"fen": 600, "left_fen": 0, "heads": 2}
    assert (before["heads"], before["rolling"]["known"]["net_per_head"]["heads"]) == (4, 4)
    after = account(client, session, household.id, year="2025", on="2026-01-15")["year"]["known"]
    assert after["net_per_head"] == {"fen": 300, "left_fen": 0, "heads": 4}
    assert account(client, session, household.id, on="2025-06-30")["heads"] == 2


def test_a_closed_year_keeps_the_heads_that_it_was_closed_with(client: TestClient, session: orm.Session) -> None:
    household = factories.household(session, head_count=2)
    factories.account_item(session, household, amount_fen=1_200, on=date(2025, 5, 1))
    clerk = factories.member(session, factories.organisation(session))
    ledger.close_month(session, Book.ATTRIBUTION, month=date(2025, 12, 1), closed_by=clerk.id, today=date(2026, 2, 1))
    asked = {"year": "2025", "on": "2026-01-15"}
    assert account(client, session, household.id, **asked)["year"]["corrections"] == []
    count = HouseholdHeadCount(
        household_id=household.id,
        valid_from=date(2025, 1, 1),
        head_count=3,
        recorded_at=utc_now() + timedelta(minutes=1),
    )
    session.add(count)
    session.flush()
    year = account(client, session, household.id, **asked)["year"]
    assert [year[how]["net_per_head"]["heads"] for how in ("closed", "known")] == [2, 3]
    (told,) = year["corrections"]
    assert (told["source"], told["reason"], told["heads"]) == (f"head_count:{count.id}", "head_count", 3)
    assert (told["happened_on"], told["booked_on"]) == ("2025-01-01", None)
    assert datetime.fromisoformat(told["recorded_at"]) == count.recorded_at
    auditor = factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)
    found = household_account(session.connection(), auditor, household.id, year=2025, on=date(2026, 1, 15))
    orders = household_statement(
        session.connection(), auditor, household.id, period_from=date(2025, 1, 1), period_to=date(2025, 12, 31)
    )
    (part,) = content_of(found, orders, Place("王村", ()))["parts"][3:]
    assert part["rows"][2] == ["人均纯收入", "6.00", "4.00"]
    assert part["notes"][0].endswith("按在册人口，结账时 2 人，现在 3 人。")


def test_the_balances_are_of_a_day_and_every_figure_names_its_window(client: TestClient, session: orm.Session) -> None:
    story = Story(session)
    household = story.household(head_count=3)
    story.lot(100_000, {household.id: 50_000})
    story.disburse({household.id: 7_000}, on=FIFTH)
    order = story.sell("10", on=NINTH)
    found = account(client, session, household.id, year="2026", on="2026-03-09")
    assert found["balances"] == {"on": "2026-03-09", "advance_fen": 7_000, "owed_fen": 0, "top_ups_owed_fen": 0}
    assert (found["year"]["kind"], found["rolling"]["kind"]) == ("calendar_year", "last_twelve_months")
    story.pay(order, 10_000, on=NINTH)
    after = account(client, session, household.id, year="2026", on="2026-03-09")
    assert (after["balances"]["advance_fen"], after["year"]["known"]["ahead_fen"]) == (2_000, 2_000)
    with time_machine.travel(datetime(2027, 2, 1, 12, tzinfo=CHINA_STANDARD_TIME), tick=False):
        later = account(client, session, household.id, year="2027", on="2027-02-01")
    assert (later["balances"]["advance_fen"], later["year"]["known"]["ahead_fen"]) == (2_000, 0)


def test_a_closed_year_stands_as_closed_beside_as_now_known_with_what_makes_the_difference(
    client: TestClient, session: orm.Session
) -> None:
    story = Story(session)
    household = story.household(head_count=2)
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", on=FIFTH)
    story.pay(order, 10_000, on=FIFTH)
    story.disburse({household.id: 3_000}, on=NINTH)
    pension = factories.account_item(session, household, amount_fen=1_000)
    ledger.close_month(session, Book.ATTRIBUTION, month=FIFTH, closed_by=story.clerk.member_id, today=date(2026, 5, 1))
    after = utc_now() + timedelta(minutes=1)
    story.disburse({household.id: 2_000}, on=NINTH)
    factories.account_item(session, household, kind=ItemKind.SOLAR, amount_fen=700, at=after)
    clerk = factories.actor(session, session.get_one(Member, pension.recorded_by), Scope.REGION)
    livelihoods.reverse(session, clerk, item_id=pension.id, reason="重复登记", now=after)
    window = account(client, session, household.id, on="2026-04-02")["rolling"]
    assert window["window"] == {"begin": "2025-04-01", "end": "2026-03-31"}
    assert (window["closed"]["received_fen"], window["closed"]["other_fen"]) == (3_000, 1_000)
    assert (window["known"]["received_fen"], window["known"]["other_fen"]) == (5_000, 700)
    late, solar, reversal = window["corrections"]
    assert (late["reason"], late["happened_on"], late["booked_on"], late["received_fen"]) == (
        "disbursement",
        "2026-03-09",
        "2026-04-01",
        2_000,
    )
    assert (solar["item_kind"], solar["item_fen"]) == ("solar", 700)
    assert (reversal["item_kind"], reversal["item_fen"]) == ("pension", -1_000)
    known, closed = window["known"], window["closed"]
    explained = sum(each["received_fen"] + each["item_fen"] for each in window["corrections"])
    assert known["gross_fen"] - closed["gross_fen"] == explained
    april = account(client, session, household.id, on="2026-05-02")["rolling"]
    assert (april["closed_at"], april["closed"], april["corrections"]) == (None, None, [])
