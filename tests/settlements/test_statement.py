"""The statement of a settlement: the same figures as data, on paper and in a workbook, and those of the book."""

from collections import Counter
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pypdf
import pytest
import python_calamine
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import Role
from market.money import yuan
from market.settlements.models import Settlement
from market.settlements.statement import Statement, statement
from market.settlements.statement_page import statement_page
from market.settlements.statement_sheet import FEN_SHEET, NOTES_SHEET, YUAN_SHEET, statement_sheet
from market.settlements.statement_words import COLUMNS, STATUS, TOTAL, figures
from tests import factories
from tests.payments.desk import Bank, in_custody, of_supplier
from tests.settlements.custody import comes_back, draft, paid, settle
from tests.settlements.keeping import DAYS, publish_reserve
from tests.story import NOON, TODAY, Story

EVIL = '=HYPERLINK("http://127.0.0.1","食堂")'


@pytest.fixture
def story(session: orm.Session) -> Story:
    publish_reserve(session)
    story = Story(session, price_fen=1_000)
    story.lot(1_000_000, {story.household().id: 333_333})
    of_supplier(story)
    story.buyer.name = EVIL
    return story


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    return in_custody(session)


@pytest.fixture
def settlement(story: Story, custody: Bank) -> Settlement:
    """Settle one order new, one of which goods came back after it was settled, and one whose reserve is released."""
    returned, released = paid(story, custody, "20"), paid(story, custody, "10")
    settle(story, custody)
    story.give_back(returned, "4")
    paid(story, custody, "30")
    assert released.accepted_on == TODAY
    return settle(story, custody, now=NOON + DAYS)


def on_paper(found: Statement) -> str:
    pages = pypdf.PdfReader(BytesIO(statement_page(found))).pages
    return " ".join(page.extract_text() for page in pages)


def in_cells(found: Statement, sheet: str) -> list[list[object]]:
    book = python_calamine.load_workbook(BytesIO(statement_sheet(found)))
    return [list(row) for row in book.get_sheet_by_name(sheet).to_python()]


def test_each_order_says_what_was_accepted_returned_settled_before_and_now(
    story: Story, settlement: Settlement
) -> None:
    found = statement(story.session, settlement)
    assert [order[3:] for order in found.orders] == [
        (20_000, 4_000, 20_000, 0, 0, 3_920, 0, 1_960, -1_960),
        (10_000, 0, 10_000, 0, 0, 0, 0, 980, 980),
        (30_000, 0, 0, 30_000, 600, 0, 0, 0, 29_400),
    ]
    assert (found.period_from, found.period_to) == (TODAY, TODAY)
    assert (found.paid_from.number[:5], found.paid_to.number[:5]) == ("**** ", "**** ")
    assert len(found.paid_to.number) == len("**** 0001")


def test_paper_workbook_and_data_say_the_same(story: Story, settlement: Settlement) -> None:
    found = replace(statement(story.session, settlement), owed_after_fen=123_45, owed_apart_fen=678_90)
    fens = [[number, buyer, *amounts] for number, buyer, amounts in figures(found)]
    assert in_cells(found, FEN_SHEET)[1:] == fens
    in_yuan = in_cells(found, YUAN_SHEET)[1:]
    assert [[round(100 * cell) for cell in row[2:] if isinstance(cell, float)] for row in in_yuan] == [
        row[2:] for row in fens
    ]
    paper = on_paper(found)
    shown = Counter(paper.split())
    for amount, times in Counter(yuan(fen) for _, _, amounts in figures(found) for fen in amounts).items():
        assert shown[amount] == times
    notes = {row[0]: row[1] for row in in_cells(found, NOTES_SHEET)}
    for said in ("123.45", "678.90", found.number, found.supplier_name, STATUS[found.status], found.paid_to.number):
        assert said.replace(" ", "") in paper.replace(" ", "").replace("\n", "")
        assert any(said in str(note) for note in notes.values())


def test_the_totals_are_the_sums_of_the_orders_and_what_the_settlement_says(
    story: Story, settlement: Settlement
) -> None:
    found = statement(story.session, settlement)
    (*_, (name, _, sums)) = figures(found)
    assert name == TOTAL
    assert sums == [sum(getattr(order, column.field) for order in found.orders) for column in COLUMNS]
    for part, fen in found.totals._asdict().items():
        assert getattr(settlement, part) == fen


def test_the_totals_are_what_the_book_moved_for_the_settlement(story: Story, settlement: Settlement) -> None:
    totals = statement(story.session, settlement).totals
    moved = sa.text(
        """
        SELECT a.kind, CAST(sum(m.fen) AS bigint) AS fen
          FROM settlement_items i JOIN ledger_entries e ON e.source = concat('cash:settlement:', i.id)
          JOIN (SELECT entry_id, credit_account_id AS account_id, amount_fen AS fen FROM ledger_transfers
                 UNION ALL
                SELECT entry_id, debit_account_id, -amount_fen FROM ledger_transfers) m ON m.entry_id = e.id
          JOIN ledger_accounts a ON a.id = m.account_id
         WHERE i.settlement_id = :settlement
         GROUP BY 1
        """
    )
    book = {row.kind: row.fen for row in story.session.execute(moved, {"settlement": settlement.id})}
    assert book.pop("settlement") == totals.amount_fen
    # Goods that came back had taken all of one order's reserve by then.
    assert book.pop("supplier_reserve") == totals.reserved_fen - 980
    assert book.pop("supplier_receivable") == totals.netted_fen - 1_960
    assert book == {"supplier_payable": -(totals.gross_fen - totals.fee_fen)}


def test_no_name_becomes_a_formula(story: Story, settlement: Settlement) -> None:
    found = statement(story.session, settlement)
    assert EVIL in {row[1] for row in in_cells(found, FEN_SHEET)}
    with ZipFile(BytesIO(statement_sheet(found))) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 3
    assert not any("<f>" in sheet for sheet in sheets)


def test_many_orders_flow_on_over_pages_and_each_page_has_the_head(story: Story, settlement: Settlement) -> None:
    found = statement(story.session, settlement)
    orders = [found.orders[-1]._replace(number=f"D20260302{number:06d}") for number in range(90)]
    many = statement_page(replace(found, orders=orders))
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(many)).pages]
    assert len(pages) > 2
    assert len(pypdf.PdfReader(BytesIO(statement_page(found))).pages) == 1
    assert all("验收金额" in page for page in pages if "D2026" in page)
    assert sum(page.count("D20260302") for page in pages) == 90


def test_a_statement_stays_as_it_was_when_drafted_but_for_how_it_stands(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    first = settle(story, custody)
    before = statement(story.session, first)
    story.give_back(order, "1")
    comes_back(custody, first)
    after = statement(story.session, first)
    assert after.orders == before.orders
    assert (STATUS[after.status], after.returned_on) == ("已退汇,货款仍应付", TODAY)
    (again,) = statement(story.session, draft(story, custody)).orders
    assert (again.returned_fen, again.settled_before_fen, again.gross_fen) == (1_000, 0, 9_000)


def test_a_draft_says_that_nobody_has_decided(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    found = statement(story.session, draft(story, custody))
    assert found.decided_by is None
    assert "未审批" in on_paper(found).replace("\n", "")


def test_the_supplier_is_handed_its_statement_in_three_forms(
    client: TestClient, story: Story, settlement: Settlement
) -> None:
    manager = factories.headers(story.session, factories.member(story.session, story.supplier, Role.SUPPLIER_MANAGER))
    said = client.get(f"/v1/settlements/{settlement.id}/statement", headers=manager).json()
    found = statement(story.session, settlement)
    assert said["totals"] == found.totals._asdict()
    assert (said["owed_after_fen"], said["owed_apart_fen"]) == (0, 0)
    assert [order["paid_fen"] for order in said["orders"]] == [order.paid_fen for order in found.orders]
    for form, begins in (("pdf", b"%PDF"), ("xlsx", b"PK")):
        answer = client.get(f"/v1/settlements/{settlement.id}/statement.{form}", headers=manager)
        assert answer.content.startswith(begins)
        assert f'filename="{settlement.number}-statement.{form}"' in answer.headers["content-disposition"]
    stranger = factories.member(story.session, factories.organisation(story.session), Role.SUPPLIER_MANAGER)
    hidden = client.get(
        f"/v1/settlements/{settlement.id}/statement", headers=factories.headers(story.session, stranger)
    )
    assert hidden.status_code == 404
