"""Postings at once into months that nobody opened, and into one that is being closed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from market.db import Database
from market.ledger import service
from market.ledger.rules import AccountKey, Book, Entry, PeriodClosedError, Transfer

CLERKS = 8
SUPPLIER = UUID(int=7)


def post(db: Database, on: date, everybody_is_ready: Barrier) -> bool:
    """Post a fact of its own; tell whether its month took it."""
    keys = [AccountKey("test", uuid4(), SUPPLIER, "accrued") for _ in range(2)]
    try:
        with db.transaction() as session:
            everybody_is_ready.wait(timeout=10)
            debit, credit = service.account_ids(session, Book.ATTRIBUTION, keys, days=[on])
            entry = Entry(f"test:{uuid4()}", "test", on, [Transfer(debit, credit, 100)])
            service.post(session, Book.ATTRIBUTION, [entry])
    except PeriodClosedError:
        return False
    return True


def count(db: Database, query: str) -> int:
    with db.transaction() as session:
        return int(session.scalar(sa.text(query)) or 0)


@pytest.mark.parametrize("month", [date(2031, 5, 1), date(2032, 2, 1)])
def test_the_first_postings_of_a_month_make_room_for_all_of_them(committed_db: Database, month: date) -> None:
    ready = Barrier(CLERKS)
    with ThreadPoolExecutor(CLERKS) as clerks:
        posted = list(clerks.map(lambda _: post(committed_db, month, ready), range(CLERKS)))
    assert all(posted)
    assert count(committed_db, f"SELECT count(*) FROM ledger_transfers WHERE effective_on = '{month}'") == CLERKS


def test_a_month_that_closes_takes_a_posting_whole_into_its_balances_or_not_at_all(committed_db: Database) -> None:
    month, rounds = date(2026, 3, 1), CLERKS
    with committed_db.transaction() as session:
        service.open_month(session, day=month)
    ready = Barrier(rounds)

    def close() -> None:
        with committed_db.transaction() as session:
            ready.wait(timeout=10)
            service.close_month(session, Book.ATTRIBUTION, month=month, closed_by=SUPPLIER, today=date(2026, 4, 1))

    with ThreadPoolExecutor(rounds) as clerks:
        closing = clerks.submit(close)
        posted = list(clerks.map(lambda _: post(committed_db, month, ready), range(rounds - 1)))
        closing.result()
    assert count(committed_db, "SELECT count(*) FROM ledger_transfers") == sum(posted)
    assert count(committed_db, "SELECT sum(balance_fen) FROM ledger_balances WHERE balance_fen > 0") == 100 * sum(
        posted
    )
