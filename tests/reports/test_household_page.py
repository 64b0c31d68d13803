"""What a household is handed: one sheet of A4 in Chinese, and a workbook of the same figures."""

from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
import python_calamine
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution import confirming
from market.attribution.models import Payment
from market.attribution.statements import household_statement
from market.households.models import Household
from market.identity.rules import OrganisationKind, Role, Scope
from market.livelihoods.rules import Figure, ItemKind
from market.reports import household_page
from market.reports.household_account import household_account
from market.reports.household_sheet import household_workbook
from market.reports.rules import NoIncrease
from tests import factories
from tests.reports import handed
from tests.story import NOON, Story, open_channels

ON = date(2026, 3, 20)


@dataclass
class Told:
    """A household that many suppliers owe, with every kind of item on its account."""

    story: Story
    household: Household


@pytest.fixture
def told(session: orm.Session) -> Told:
    open_channels(session)
    story = Story(session)
    household = story.household(head_count=4)
    for number in range(7):
        other = Story(session) if number else story
        if number:
            factories.enrolment(session, other.supplier, household)
        other.lot(100_000, {household.id: 50_000})
        order = other.sell("10", "5")
        other.pay(order, 12_000)
        other.disburse({household.id: 4_000 + number})
    for kind in ItemKind:
        factories.account_item(session, household, kind=kind, amount_fen=162_140)
    return Told(story, household)


def pages(session: orm.Session, household: Household) -> str:
    actor = factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)
    connection = session.connection()
    account = household_account(connection, actor, household.id, year=2026, on=ON)
    orders = household_statement(connection, actor, household.id, period_from=date(2026, 1, 1), period_to=ON)
    place = household_page.place_of(connection, household.id)
    return household_page.rendered(account, orders, place, "svg").decode()


def sheets(made: handed.Handed) -> int:
    return household_page.rendered(*made, "svg").count(b"<svg")


def test_an_account_of_many_suppliers_and_all_kinds_fits_on_one_page(session: orm.Session, told: Told) -> None:
    assert pages(session, told.household).count("<svg") == 1


LONG_NAMES = [handed.of_length(40, number) for number in range(3)]


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(handed.handed(), id="ordinary"),
        pytest.param(handed.handed((), kinds=()), id="nothing"),
        pytest.param(handed.handed(LONG_NAMES, baseline="农户收入采集表" * 20), id="long names"),
        pytest.param(handed.fullest(), id="fullest"),
    ],
)
def test_an_account_fits_on_one_page(made: handed.Handed) -> None:
    assert sheets(made) == 1


def test_a_page_that_cut_and_shortened_nothing_would_be_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(household_page, "MOST_ROWS", 200)
    monkeypatch.setattr(household_page, "shortened", lambda words, *_: words)
    assert sheets(handed.fullest()) == 2


def test_a_page_in_large_letters_alone_would_be_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    template = tmp_path / "large.typ"
    template.write_text(
        household_page.TEMPLATE.read_text().replace("#let sizes = ((1, 4pt),", "#let sizes = ((1, 4pt),) //")
    )
    monkeypatch.setattr(household_page, "TEMPLATE", template)
    assert (sheets(handed.handed()), sheets(handed.fullest())) == (1, 2)


def fen(written: str) -> int:
    return int(written.replace(",", "").replace(".", ""))


@pytest.mark.parametrize(("suppliers", "lines"), [(5, 5), (6, 6), (7, 6), (12, 6)])
def test_suppliers_beyond_those_that_owe_most_are_one_line_and_all_lines_come_to_the_total(
    suppliers: int, lines: int
) -> None:
    made = handed.handed([handed.of_length(40, number) for number in range(suppliers)])
    rows = household_page.content_of(*made)["parts"][1]["rows"]
    assert len(rows) == lines
    sums = [sum(map(fen, column)) for column in zip(*(row[1:] for row in rows), strict=True)]
    assert sums == list(household_page.standing(made.orders.total)[0])
    owed = [fen(row[-1]) for row in rows[:5]]
    assert owed == sorted(owed, reverse=True)
    assert [row[0] for row in rows[5:]] in (
        [],
        ["交城县洪相镇王村富山红薯种…植农民专00"],
        [f"其他 {suppliers - 5} 家合作社"],
    )
    assert len({row[0] for row in rows}) == lines, "names that begin alike are told apart by how they end"


def test_kinds_beyond_the_greatest_are_summed_by_what_they_do() -> None:
    made = handed.fullest()
    rows = household_page.content_of(*made)["parts"][2]["rows"]
    sums = dict.fromkeys(household_page.TREATMENTS.values(), 0)
    for _, does, written in rows:
        sums[does] += fen(written)
    known = made.account.year.known
    assert list(sums.values()) == [
        *(known.other_fen, known.excluded_fen, known.operating_expense_fen, known.self_paid_fen)
    ]
    assert [row[0] for row in rows[5:]] == ["其余 13 项", "其余 3 项", "生产经营性支出", "合规自付支出"]


def test_what_is_folded_or_shortened_on_the_page_is_whole_in_the_workbook() -> None:
    made = handed.fullest()
    answer = household_workbook(made.account, made.orders)
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(answer))
    cells = {name: book.get_sheet_by_name(name).to_python()[1:] for name in book.sheet_names}
    assert {row[0] for row in cells["供应商(分)"]} == {name for _, name, _ in made.orders.suppliers}
    assert (len(cells["其他收支(分)"]), len(cells["更正(分)"])) == (len(ItemKind), 30)
    notes = {row[0]: row[1] for row in cells["说明"]}
    (increase,) = made.account.year.increases
    assert str(notes["本年增收"]).count(str(increase.baseline_source)) == 2, "the baseline's, and its change's"


def test_the_workbook_says_in_words_why_an_entry_was_posted() -> None:
    made = handed.fullest()
    told = [replace(made.account.year.corrections[0], reason=reason) for reason in ("annulment", "票据补录")]
    account = replace(made.account, year=replace(made.account.year, corrections=told))
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(household_workbook(account, made.orders)))
    assert [row[4] for row in book.get_sheet_by_name("更正(分)").to_python()[1:]] == ["撤销", "票据补录"]


def test_the_page_and_the_workbook_are_handed_out(client: TestClient, session: orm.Session, told: Told) -> None:
    clerk = factories.signed_in(session, Role.VILLAGE_CLERK, region_code=told.household.village_code)
    asked = {"year": "2026", "on": str(ON)}
    path = f"/v1/households/{told.household.id}/account"
    page = client.get(f"{path}.pdf", params=asked, headers=clerk)
    assert (page.status_code, page.headers["content-type"], page.content[:5]) == (200, "application/pdf", b"%PDF-")
    answer = client.get(f"{path}.xlsx", params=asked, headers=clerk)
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(answer.content))
    assert book.sheet_names == [
        *("收入(元)", "收入(分)", "供应商(分)", "收款确认(分)", "其他收支(分)", "更正(分)", "说明"),
    ]
    yuan, fen = ({row[0]: row[1] for row in book.get_sheet_by_name(name).to_python()} for name in book.sheet_names[:2])
    known = client.get(path, params=asked, headers=clerk).json()["year"]["known"]
    assert fen["毛收入"] == known["gross_fen"] == 18 * 162_140 + 28_021
    assert (yuan["毛收入"], fen["订单带来:已到账"]) == (29_465.41, known["brought_by_orders_fen"])
    owed = {row[0]: row[6] for row in book.get_sheet_by_name("供应商(分)").to_python()[1:]}
    assert owed[told.story.supplier.name] == 2_000
    paid = book.get_sheet_by_name("收款确认(分)").to_python()[1:]
    assert {(row[0], row[3], row[4]) for row in paid} >= {(told.story.supplier.name, 4_000, "未确认")}
    assert len(paid) == 7
    period = {"from": "2026-01-01", "to": str(ON)}
    statement = client.get(f"/v1/households/{told.household.id}/statement", params=period, headers=clerk).json()
    assert len(statement["suppliers"]) == 7


def test_the_page_tells_the_increase_of_the_figure_whose_baseline_was_confirmed() -> None:
    year = handed.handed(baseline="2024年度农户收入采集表").account.year
    (of_net,) = year.increases
    without = replace(of_net, baseline_fen=None, increase_fen=None, no_increase=NoIncrease.NO_BASELINE_CONFIRMED)
    for figure, name in ((Figure.NET_PER_HEAD, "人均纯收入"), (Figure.GROSS, "收入合计")):
        other = replace(of_net, figure=figure)
        said = household_page.increase(replace(year, increases=[without, other]), str)
        assert said.startswith(f"{name}比基期（")
        assert household_page.increase(replace(year, increases=[of_net, other]), str).startswith("纯收入比基期")
    assert household_page.increase(replace(year, increases=[without]), str) == "没有经县确认的基期，不作增收结论。"


def test_the_page_says_in_a_word_by_whom_receipt_was_confirmed(session: orm.Session, told: Told) -> None:
    connection, story = session.connection(), told.story
    payments = list(session.scalars(sa.select(Payment.id).where(Payment.household_id == told.household.id)))
    office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE)
    clerk = factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.ALL)
    confirming.confirm(session, clerk, payment_ids=payments[:2], on=ON, now=NOON)
    code = confirming.issue_code(session, clerk, payment_id=payments[2], now=NOON)
    confirming.confirm_by_code(session, payment_id=payments[2], code=code, now=NOON)
    orders = household_statement(connection, story.clerk, told.household.id, period_from=date(2026, 1, 1), period_to=ON)
    assert len(orders.payments) == 1, "of a supplier its own"
    whole = household_statement(connection, clerk, told.household.id, period_from=date(2026, 1, 1), period_to=ON)
    assert household_page.confirmed(whole.payments) == "收款确认：代办员代确认 2 笔、凭码确认 1 笔、未确认 4 笔。"


def test_page_and_workbook_say_that_a_payment_was_reversed() -> None:
    made = handed.handed()
    first, second = made.orders.payments
    undone = first._replace(id=UUID(int=7), amount_fen=-first.amount_fen, booked_on=ON, reverses_id=first.id)
    orders = replace(made.orders, payments=[undone, first, second])
    assert household_page.confirmed(orders.payments) == "收款确认：代办员代确认 1 笔、付款冲销 1 笔（1,621.40 元）。"
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(household_workbook(made.account, orders)))
    told, *_ = book.get_sheet_by_name("收款确认(分)").to_python()[1:]
    assert (told[3], told[4], told[6]) == (undone.amount_fen, "付款冲销", str(ON))
