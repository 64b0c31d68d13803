"""The account of a past day holds what had happened by then, and nothing that happened since."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient
from typing_extensions import override

from market.attribution.models import Payment
from market.households.models import Household, HouseholdHeadCount
from market.identity.rules import OrganisationKind, Role
from market.livelihoods.models import AccountItem, AccountItemCheck
from market.livelihoods.rules import ItemKind
from market.reports.household_page import content_of
from tests import factories
from tests.attribution.dealings import CLOSED, DAYS, Dealings, confirm
from tests.reports import handed
from tests.story import Story, open_channels

MARCH, APRIL, MAY, JUNE = (date(2026, month, 18) for month in (3, 4, 5, 6))
STEPS = ("received_fen", "other_fen", "gross_fen", "accrued_fen", "recognised_fen", "brought_by_orders_fen")


def noon(day: date) -> datetime:
    return datetime.combine(day, time(4), UTC)


@pytest.fixture
def auditor(session: orm.Session) -> dict[str, str]:
    open_channels(session)
    return factories.signed_in(session, Role.AUDITOR)


class Reader:
    """An auditor who reads accounts as JSON."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    def account(self, household: Household, on: date, **query: str) -> Any:
        path, asked = f"/v1/households/{household.id}/account", {"on": str(on)} | query
        answer = self.client.get(path, params=asked, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def statement(self, household: Household, on: date) -> Any:
        path, asked = f"/v1/households/{household.id}/statement", {"from": "2026-01-01", "to": str(on)}
        answer = self.client.get(path, params=asked, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def reader(client: TestClient, auditor: dict[str, str]) -> Reader:
    return Reader(client, auditor)


class InOrder(Dealings):
    """Deeds of one day after another, each recorded on its day; the households have other income and grow, too."""

    today = DAYS[0]

    @override
    def day(self, since: date = DAYS[0]) -> date:
        return max(self.today, since)

    @override
    def act(self) -> None:
        often = (self.sell, self.paid, self.disburse, self.back)
        self.dice.of([*often, *often, self.cut, self.confirm, self.item, self.check, self.grow, self.close])()

    @override
    def close(self) -> None:
        if self.today > CLOSED.end:
            super().close()

    @override
    def confirm(self) -> None:
        for slip, *_ in self.slips[-2:]:
            if self.session.get_one(Payment, slip).confirmed_at is None:
                confirm(self.session, slip, on=self.today, now=noon(self.today))

    def item(self) -> None:
        kind = self.dice.of([ItemKind.PENSION, ItemKind.OPERATING_EXPENSE, ItemKind.GIFT, ItemKind.SELF_PAID])
        household = self.dice.of(self.households)
        factories.account_item(self.session, household, kind=kind, amount_fen=1_234, on=self.today)

    def check(self) -> None:
        checked = sa.select(AccountItemCheck.item_id)
        for item in self.session.scalars(sa.select(AccountItem).where(AccountItem.id.not_in(checked)).limit(1)):
            checked_by(self.session, item, self.today)

    def grow(self) -> None:
        household = self.dice.of(self.households)
        heads = HouseholdHeadCount(household_id=household.id, valid_from=self.today, head_count=self.dice.of([3, 4, 5]))
        heads.recorded_at = noon(self.today)
        self.session.add(heads)
        self.session.flush()


def checked_by(session: orm.Session, item: AccountItem, on: date) -> None:
    county = factories.organisation(session, kind=OrganisationKind.REVITALISATION_DEPARTMENT)
    checker = factories.member(session, county, Role.COUNTY_REVIEWER)
    about = {"item_id": item.id, "recorded_by": item.recorded_by}
    session.add(AccountItemCheck(**about, checked_by=checker.id, checked_at=noon(on)))
    session.flush()


def told(account: Any) -> Any:
    """Return what an account tells of its day, less what the closing of a month adds to it."""
    known = {name: (account[name]["window"], account[name]["known"]) for name in ("year", "rolling")}
    return known | {name: account[name] for name in ("heads", "on", "balances", "payments")}


@pytest.mark.parametrize("seed", range(8))
def test_the_account_of_a_day_is_for_ever_what_it_was_on_that_day(
    session: orm.Session, reader: Reader, seed: int
) -> None:
    dealings = InOrder(session, seed)
    then: dict[date, list[Any]] = {}
    for dealings.today in DAYS[:-1]:
        for _ in range(4):
            dealings.act()
        then[dealings.today] = [told(reader.account(each, dealings.today)) for each in dealings.households]
    dealings.return_all()
    for day, accounts in then.items():
        assert [told(reader.account(each, day)) for each in dealings.households] == accounts
    assert any(account["payments"] for accounts in then.values() for account in accounts)


@pytest.mark.parametrize("seed", range(8))
def test_the_parts_of_the_account_of_any_day_sum(session: orm.Session, reader: Reader, seed: int) -> None:
    dealings = Dealings(session, seed)
    for _ in range(30):
        dealings.act()
    for household in dealings.households:
        for on in DAYS[::3]:
            account = reader.account(household, on)
            check_parts(dealings, household, account)
            booked = reader.statement(household, on)
            assert booked["total"]["money_received_fen"] == sum(each["amount_fen"] for each in account["payments"])
            assert booked["payments"] == account["payments"]


def check_parts(dealings: Dealings, household: Household, account: Any) -> None:
    on, year = date.fromisoformat(account["on"]), account["year"]
    known = year["known"]
    assert year["window"] == {"begin": "2026-01-01", "end": account["on"]}
    assert known["received_fen"] == dealings.paid_in(household, CLOSED._replace(end=on))
    assert known["received_fen"] == known["ahead_fen"] + sum(
        each["orders"]["disbursed_fen"] + each["orders"]["top_up_paid_fen"] for each in known["classes"]
    )
    for each in known["classes"]:
        assert min(each["orders"].values()) >= 0
    if year["closed"] is not None:
        late = [sum(each[name] for each in year["corrections"]) for name in ("received_fen", "accrued_fen")]
        assert late == [known[name] - year["closed"][name] for name in ("received_fen", "accrued_fen")]


def test_money_that_was_paid_after_the_day_is_in_no_part_of_its_account(session: orm.Session, reader: Reader) -> None:
    story = Story(session)
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    story.disburse({household.id: 7_000}, on=APRIL)
    before = reader.account(household, MARCH)
    assert [before["year"]["known"][name] for name in (*STEPS, "ahead_fen")] == [0] * 7
    assert (before["payments"], before["balances"]["advance_fen"]) == ([], 0)
    after = reader.account(household, APRIL)
    assert (after["year"]["known"]["received_fen"], after["balances"]["advance_fen"]) == (7_000, 7_000)


def test_what_was_returned_after_the_day_still_stands_as_of_it(session: orm.Session, reader: Reader) -> None:
    story = Story(session)
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.sell("10", on=MARCH)
    story.pay(order, 10_000, on=MARCH)
    story.disburse({household.id: 5_000}, on=MARCH)
    story.give_back(order, "10", on=MAY)
    for on, brought_fen in ((APRIL, 5_000), (MAY, 0)):
        account = reader.account(household, on)
        for window in (account["year"], account["rolling"]):
            assert window["known"]["brought_by_orders_fen"] == brought_fen
            assert window["known"]["received_fen"] == 5_000


def test_what_was_recorded_since_of_the_day_is_known(session: orm.Session, reader: Reader) -> None:
    household = factories.household(session)
    factories.account_item(session, household, amount_fen=700, on=MARCH, at=noon(JUNE))
    assert reader.account(household, APRIL)["year"]["known"]["other_fen"] == 700


def test_who_looked_later_had_not_looked_by_the_day(session: orm.Session, reader: Reader) -> None:
    story = Story(session)
    household = story.household()
    checked_by(session, factories.account_item(session, household, amount_fen=700, on=MARCH), MAY)
    (slip,) = story.disburse({household.id: 7_000}, on=MARCH)
    confirm(session, slip, on=MARCH, now=noon(MAY))
    assert [seen(reader.account(household, on)) for on in (APRIL, MAY)] == [(0, None), (700, "village_clerk")]


def seen(account: Any) -> tuple[int, str | None]:
    (payment,) = account["payments"]
    return account["year"]["known"]["other_checked_fen"], payment["means"]


def test_a_baseline_counts_from_the_day_on_which_it_was_confirmed(session: orm.Session, reader: Reader) -> None:
    household = factories.household(session)
    factories.account_item(session, household, amount_fen=1_000_000, on=date(2025, 5, 1))
    factories.household_baseline(session, household, amount_fen=900_000, decided_at=noon(MAY))

    def increase_fen(on: date) -> int | None:
        increases = reader.account(household, on, year="2025")["year"]["increases"]
        (net,) = (each for each in increases if each["figure"] == "net")
        fen: int | None = net["increase_fen"]
        return fen

    assert [increase_fen(day) for day in (MAY - timedelta(days=1), MAY)] == [None, 100_000]


def test_a_year_that_begins_after_the_day_is_refused(reader: Reader, session: orm.Session) -> None:
    household = factories.household(session)
    for form in ("", ".pdf", ".xlsx"):
        answer = reader.client.get(
            f"/v1/households/{household.id}/account{form}",
            params={"on": "2010-01-01", "year": "2025"},
            headers=reader.headers,
        )
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/year")


def test_the_page_names_the_day_up_to_which_a_running_year_counts() -> None:
    made = handed.handed()
    assert content_of(*made)["parts"][0]["columns"][1] == "2025年全年"
    half = replace(made.account.year, window=made.account.year.window._replace(end=date(2025, 6, 30)))
    running = replace(made.account, on=date(2025, 6, 30), year=half)
    assert content_of(running, *made[1:])["parts"][0]["columns"][1] == "2025年1月1日至6月30日"
