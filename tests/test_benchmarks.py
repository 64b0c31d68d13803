"""The benchmark can fail: it misses what is too slow, and counts no answer that a stranger or a repeat would get."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count

import psycopg
import pytest
import sqlalchemy as sa

from market.attribution.accrual import AcceptedLine
from market.attribution.rules import Step
from market.attribution.statements import household_statement
from market.audit.doctoring import INVARIANTS
from market.db import Database
from market.ledger.models import LedgerEntry
from market.orders.models import OrderGroup
from tests.benchmarks import grown, growth, load, posting, world
from tests.benchmarks.__main__ import judged_growth, judged_paths, order_body
from tests.benchmarks.verdict import Verdict, limit
from tests.conftest import clone
from tests.serving import served

SECONDS = 0.1


@pytest.fixture(scope="module")
def small(server_url: str, template: str) -> Iterator[Database]:
    with clone(server_url, template, f"market_small_{os.getpid()}") as url, closing(Database(url, threads=16)) as small:
        yield small


@pytest.fixture(scope="module")
def found(small: Database) -> world.World:
    with small.transaction() as session:
        return world.build(session, products=10, households=[3])


@pytest.fixture(scope="module")
def port(small: Database) -> Iterator[int]:
    with served(small) as address:
        yield int(address.rsplit(":", 1)[1])


def test_the_limit_of_two_equal_costs_is_half_of_each() -> None:
    assert limit(1_000, 1_000) == 500
    assert limit(1_000, 10**12) == pytest.approx(1_000)


def test_an_aim_is_missed_just_below_it() -> None:
    assert Verdict(0.35, 0.35).reached
    assert not Verdict(0.3499, 0.35).reached


def test_a_path_that_is_slower_than_its_aim_is_said_to_miss_it() -> None:
    enough, too_slow = [(175.1, 1_000.0, 1_000.0)], [(149.0, 1_000.0, 1_000.0)]
    _, verdicts = judged_paths({"listing": enough, "placing": too_slow})
    assert [verdict.reached for verdict in verdicts] == [True, False]
    assert verdicts[1].cells() == ("0.30", "≥ 0.30", "MISSED")


def test_a_most_is_missed_just_above_it() -> None:
    assert Verdict(1.6, 1.6, at_most=True).reached
    assert not Verdict(1.6001, 1.6, at_most=True).reached
    assert Verdict(1.7, 1.6, at_most=True).cells() == ("1.70", "≤ 1.60", "MISSED")


def test_a_book_that_slows_with_its_size_is_said_to_miss() -> None:
    as_fast, slower = growth.Compared(8.5, 10.0, [1.0]), growth.Compared(8.4, 10.0, [1.1, 1.3])
    read, owed = growth.Compared(1.0, 1.6, [1.6]), growth.Compared(1.0, 3.0, [3.0])
    assert [verdict.reached for verdict in judged_growth(as_fast, read, owed)[1]] == [True, True, True]
    read, owed = growth.Compared(1.0, 1.61, [1.5, 1.7]), growth.Compared(1.0, 3.01, [2.9, 3.1])
    table, verdicts = judged_growth(slower, read, owed)
    assert [verdict.reached for verdict in verdicts] == [False, False, False]
    assert list(table.columns[-1].cells) == ["0.77 … 0.91", "1.50 … 1.70", "2.90 … 3.10"]


def test_what_takes_longer_in_the_old_book_is_seen() -> None:
    young, old = iter(range(1_000)), iter(range(1_000))
    found = growth.compare(lambda: sum(range(next(young))), lambda: sum(range(20_000 + next(old))), 5)
    assert found.old_ms > 2 * found.young_ms
    assert len(found.blocks) == growth.BLOCKS
    assert next(young) == next(old) == 3 + growth.BLOCKS * 5, "each as often, the first three unmeasured"


SIZE = grown.Size(households=120, months=4)


@pytest.fixture
def book(committed_db: Database) -> Database:
    with committed_db.transaction() as session:
        grown.people(session)
    owner_url = committed_db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        grown.load(owner, SIZE)
    return committed_db


def test_a_grown_book_is_one_that_use_could_have_left(book: Database) -> None:
    with book.transaction() as session:

        def number(statement: str) -> int:
            return int(session.scalar(sa.text(statement)) or 0)

        assert number("SELECT count(*) FROM ledger_transfers") == SIZE.transfers
        assert number("SELECT count(*) FROM ledger_periods") == SIZE.months - grown.OPEN_MONTHS
        for orphan in (
            "ledger_entries e WHERE (e.id, e.book, e.effective_on) = (t.entry_id, t.book, t.effective_on)",
            "ledger_accounts a WHERE a.id = t.debit_account_id AND a.book = t.book",
            "ledger_accounts a WHERE a.id = t.credit_account_id AND a.book = t.book",
        ):
            assert number(f"SELECT count(*) FROM ledger_transfers t WHERE NOT EXISTS (SELECT FROM {orphan})") == 0
        of_book = ("entry_is_whole", "books_do_not_mix", "closed_month_keeps_its_balances", "guards_stand")
        asked = [invariant for invariant in INVARIANTS if invariant.name in of_book]
        assert len(asked) == len(of_book)
        for invariant in asked:
            assert session.execute(sa.text(invariant.query)).all() == []
        indexes = "SELECT count(*) FROM pg_index WHERE indrelid = 'ledger_transfers_202603'::regclass AND indisvalid"
        assert number(indexes) == number(indexes.replace("_202603", "")) == 4


def test_what_is_measured_is_what_the_grown_book_holds(book: Database) -> None:
    opened = growth.Book.opened(book)
    with book.reading() as connection:
        household = next(opened.readers)
        first, last = growth.QUARTER
        found = household_statement(connection, opened.auditor, household, period_from=first, period_to=last).total
    moved = [balance for balance in found.balances if balance.movement_fen]
    assert [balance.step for balance in moved] == [Step.RECOGNISED, Step.CONFIRMED]
    line_fen = moved[0].movement_fen
    assert moved[1].opening_fen == 2 * line_fen, "one month before the quarter's three"
    assert moved[1].movement_fen == 5 * line_fen, "of which the last line is owed"
    owed = [each for _ in range(3) for each in opened.owed()]
    assert len(owed) == SIZE.households, "three suppliers, of whom none has more than a page"
    assert {(each.since.replace(day=1), each.overdue_fen) for each in owed} == {(grown.LAST_MONTH, 0)}
    before = transfers(book)
    opened.post()
    assert transfers(book) > before


def transfers(book: Database) -> int:
    with book.transaction() as session:
        return int(session.scalar(sa.text("SELECT count(*) FROM ledger_transfers")) or 0)


def test_a_listing_is_measured_as_somebody_who_signed_in(found: world.World, port: int) -> None:
    def listing(token: str) -> float:
        return load.rate(port, load.get("/v1/products?limit=20", token), SECONDS, status=200)[0]

    assert listing(found.token) > 0
    with pytest.raises(RuntimeError, match=r"^HTTP/1\.1 401 "):
        listing(found.token + "x")


def test_an_answer_to_placing_is_counted_once_for_each_order_group(
    found: world.World, port: int, small: Database
) -> None:
    before = groups(small)
    placed = placing(found, port, lambda number: f"key-{number}")
    assert groups(small) == before + placed


def groups(small: Database) -> int:
    with small.transaction() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(OrderGroup)).one()


@pytest.mark.parametrize(("key", "status"), [("", 400), ("the same", 409)])
def test_placing_without_a_key_of_its_own_is_no_measurement(
    found: world.World, port: int, key: str, status: int
) -> None:
    with pytest.raises(RuntimeError, match=rf"^HTTP/1\.1 {status} "):
        placing(found, port, lambda _: key)


def placing(found: world.World, port: int, key: Callable[[int], str]) -> int:
    """Place orders for a moment, each another; return how many answers were counted."""
    made = count()
    orders = (
        load.post("/v1/order-groups", found.token, key(number), order_body(found.products, number)) for number in made
    )
    load.rate(port, orders, SECONDS, status=201)
    return next(made)


def test_the_bare_insert_writes_the_rows_of_the_posting(found: world.World, small: Database) -> None:
    line: AcceptedLine = found.contributed[3]
    posting.ratio(small, line, 1)
    with small.transaction() as session:
        entries = session.execute(sa.select(LedgerEntry.transfer_count, LedgerEntry.total_fen)).all()
    assert len(entries) == 3, "the one recorded, the posting, and the insert"
    assert len(set(entries)) == 1
