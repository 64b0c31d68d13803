"""A top-up is a household's income and brought by no order: wherever it is part of a sum, it is told by itself."""

from datetime import date
from io import BytesIO
from typing import Any

import pytest
import python_calamine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution.statements import HouseholdStatement, household_statement
from market.households.models import Household
from market.identity.rules import Actor, Role, Scope
from market.reports.household_account import HouseholdAccount, household_account
from market.reports.household_page import Place, content_of
from market.reports.household_sheet import household_workbook
from tests import factories
from tests.attribution.dealings import DAYS, Dealings
from tests.story import Story, open_channels

ON = date(2026, 5, 20)


@pytest.fixture
def auditor(session: orm.Session) -> Actor:
    open_channels(session)
    return factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)


def read(
    session: orm.Session, actor: Actor, household: Household, on: date
) -> tuple[HouseholdAccount, HouseholdStatement]:
    found = household_account(session.connection(), actor, household.id, year=on.year, on=on)
    begin, end = found.year.window
    return found, household_statement(session.connection(), actor, household.id, period_from=begin, period_to=end)


def page(account: HouseholdAccount, orders: HouseholdStatement) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = content_of(account, orders, Place("洪相村", ()))["parts"]
    return parts


def fen(written: str) -> int:
    return 0 if written == "—" else int(written.replace(",", "").replace(".", ""))


def check(account: HouseholdAccount, orders: HouseholdStatement) -> None:
    """Hold what the account says as data, on the page and in the workbook against each other."""
    for found in (account.year.known, account.rolling.known):
        assert sum(each.from_orders_fen for each in found.classes) == found.brought_by_orders_fen
        assert sum(each.top_up_paid_fen for each in found.classes) == found.top_up_paid_fen
        assert found.received_fen == found.brought_by_orders_fen + found.top_up_paid_fen + found.ahead_fen
    for _, before, due, come, paid, _, owed in page(account, orders)[1]["rows"]:
        assert fen(before) + fen(due if come == "—" else come) - fen(paid) == fen(owed)
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(household_workbook(account, orders)))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    figures = {str(row[0]): row[1:] for row in sheets["收入(分)"]}
    parts = zip(*(figures[name] for name in ("订单带来:已到账", "补差:已付", "预付:净增")), strict=True)
    for received, of_it in zip(figures["供应商付来"], parts, strict=True):
        assert float(str(received or 0)) == sum(float(str(part or 0)) for part in of_it)
    for row in sheets["供应商(分)"][1:]:
        before, _, come, paid, _, owed, before_top_ups, due, topped_up, top_ups_owed = (float(str(x)) for x in row[1:])
        assert (before + come - paid, before_top_ups + due - topped_up) == (owed, top_ups_owed)


def test_a_top_up_is_no_income_from_orders_and_stands_on_a_line_of_its_own(
    client: TestClient, session: orm.Session, auditor: Actor
) -> None:
    story = Story(session)
    household = story.household()
    story.lot(10_000, {household.id: 30_000})
    order = story.sell("10", on=DAYS[0])
    story.pay(order, 10_000, on=DAYS[1])
    story.disburse({household.id: 25_000}, on=DAYS[2])
    headers = factories.signed_in(session, Role.AUDITOR)
    path = f"/v1/households/{household.id}/account"
    answer = client.get(path, params={"on": str(ON)}, headers=headers).json()
    known = answer["year"]["known"]
    (operating,) = (each for each in known["classes"] if each["income_class"] == "operating")
    assert (operating["from_orders_fen"], operating["top_up_paid_fen"]) == (10_000, 15_000)
    assert (known["brought_by_orders_fen"], known["top_up_paid_fen"], known["received_fen"]) == (10_000, 15_000, 25_000)
    assert answer["balances"] == {"on": str(ON), "advance_fen": 0, "owed_fen": 5_000, "top_ups_owed_fen": 5_000}
    account, orders = read(session, auditor, household, ON)
    check(account, orders)
    income, suppliers, *_ = page(account, orders)
    assert income["rows"][:2] == [
        ["合作社付来的钱（含预付）", "250.00", "250.00"],
        ["　其中差价补足（不是订单带来的）", "150.00", "150.00"],
    ]
    assert [row[1:] for row in suppliers["rows"]] == [
        ["0.00", "100.00", "100.00", "100.00", "0.00", "0.00"],
        ["0.00", "200.00", "—", "150.00", "—", "50.00"],
    ]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happened_every_row_adds_up_and_data_page_and_workbook_agree(
    session: orm.Session, auditor: Actor, seed: int
) -> None:
    dealings = Dealings(session, seed)
    for _ in range(30):
        dealings.act()
    for household in dealings.households:
        check(*read(session, auditor, household, ON))
