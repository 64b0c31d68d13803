"""The ledger as the application's role meets it: what posts, and what the database itself refuses."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

from market.db import Database
from market.ledger import service
from market.ledger.rules import AccountKey, Book, Entry, PeriodClosedError, PeriodOrderError, Transfer

DAY = date(2026, 3, 2)
BY = UUID(int=7)


def accounts(session: orm.Session, count: int = 2, book: Book = Book.ATTRIBUTION) -> list[int]:
    """Open accounts of one book."""
    keys = [AccountKey("test", uuid4(), uuid4(), "accrued") for _ in range(count)]
    return service.account_ids(session, book, keys, days=[DAY])


def entry(transfers: Sequence[Transfer], *, source: str | None = None, on: date = DAY) -> Entry:
    """Build an entry under a new source."""
    return Entry(source=source or f"test:{uuid4()}", reason="test", effective_on=on, transfers=transfers)


def posted(session: orm.Session) -> tuple[int, int]:
    """Post one entry of one transfer; return its accounts."""
    debit, credit = accounts(session)
    service.post(session, Book.ATTRIBUTION, [entry([Transfer(debit, credit, 100)], source="test:once")])
    return debit, credit


def test_an_entry_posts_with_all_its_transfers(session: orm.Session) -> None:
    debit, credit, other = accounts(session, 3)
    service.post(session, Book.ATTRIBUTION, [entry([Transfer(debit, credit, 70), Transfer(debit, other, 30)])])
    session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    rows = session.execute(
        sa.text(
            "SELECT credit_account_id, amount_fen FROM ledger_transfers WHERE debit_account_id = :debit ORDER BY 1"
        ),
        {"debit": debit},
    ).all()
    assert {tuple(row) for row in rows} == {(credit, 70), (other, 30)}


def test_an_account_is_opened_once(session: orm.Session) -> None:
    key = AccountKey("test", uuid4())
    first, again = service.account_ids(session, Book.CASH, [key, key], days=[DAY])
    assert service.account_ids(session, Book.CASH, [key], days=[DAY]) == [first] == [again]


def test_a_fact_posts_once(session: orm.Session) -> None:
    debit, credit = posted(session)
    with pytest.raises(exc.IntegrityError, match="source"), session.begin_nested():
        service.post(session, Book.ATTRIBUTION, [entry([Transfer(debit, credit, 100)], source="test:once")])


def state(error: exc.DBAPIError) -> str | None:
    """The SQLSTATE with which the database refused."""
    return getattr(error.orig, "sqlstate", None)


STATEMENTS = {
    "update a transfer": "UPDATE ledger_transfers SET amount_fen = 1",
    "update an entry": "UPDATE ledger_entries SET reason = 'x'",
    "update an account": "UPDATE ledger_accounts SET kind = 'x'",
    "delete a transfer": "DELETE FROM ledger_transfers",
    "delete an entry": "DELETE FROM ledger_entries",
    "truncate the transfers": "TRUNCATE ledger_transfers",
    "truncate a month": "TRUNCATE ledger_transfers_202603",
    "upsert an entry": "INSERT INTO ledger_entries SELECT * FROM ledger_entries"
    " ON CONFLICT (source) DO UPDATE SET reason = 'x'",
    "merge into the accounts": "MERGE INTO ledger_accounts a USING (SELECT 1) s ON true"
    " WHEN MATCHED THEN UPDATE SET kind = 'x'",
    "write into a month past the parent": "INSERT INTO ledger_transfers_202603 SELECT * FROM ledger_transfers",
    "disable a trigger": "ALTER TABLE ledger_transfers DISABLE TRIGGER ALL",
    "play replica": "SET session_replication_role = replica",
    "reopen a period": "DELETE FROM ledger_periods",
    "invent a closed period": "INSERT INTO ledger_periods VALUES ('cash', '2026-03-01', now(), gen_random_uuid(), '')",
    "drop the book": "DROP TABLE ledger_transfers",
    "create a rule": "CREATE RULE quiet AS ON INSERT TO ledger_transfers DO INSTEAD NOTHING",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_the_application_role_may_not(session: orm.Session, statement: str) -> None:
    posted(session)
    with pytest.raises(exc.DBAPIError) as refusal, session.begin_nested():
        session.execute(sa.text(statement))
    assert state(refusal.value) in {"42501", "MK002"}


OWNERS_STATEMENTS = [
    "UPDATE ledger_transfers SET amount_fen = 1",
    "UPDATE ledger_transfers_202603 SET amount_fen = 1",
    "DELETE FROM ledger_entries",
    "TRUNCATE ledger_entries CASCADE",
    "TRUNCATE ledger_transfers_202603",
    "SET LOCAL session_replication_role = replica; UPDATE ledger_transfers SET amount_fen = 1",
]


@pytest.mark.parametrize("statement", OWNERS_STATEMENTS)
def test_even_the_owner_of_the_tables_is_refused(worker_url: str, statement: str) -> None:
    with psycopg.connect(worker_url.replace("+psycopg", "")) as owner:
        owner.execute("SELECT ledger_open_month('2026-03-02')")
        ids = [
            owner.execute(
                "INSERT INTO ledger_accounts (book, kind, owner_id) VALUES ('cash', 'x', gen_random_uuid())"
                " RETURNING id"
            ).fetchone()
            for _ in range(2)
        ]
        owner.execute(
            "WITH e AS (INSERT INTO ledger_entries (id, book, source, reason, effective_on, transfer_count, total_fen,"
            " facts, facts_sha256) VALUES (gen_random_uuid(), 'cash', 'x', 'x', '2026-03-02', 1, 1, '{}', '')"
            " RETURNING id) INSERT INTO ledger_transfers (entry_id, position, effective_on, book, debit_account_id,"
            " credit_account_id, amount_fen) SELECT id, 0, '2026-03-02', 'cash', %s, %s, 1 FROM e",
            [ids[0][0], ids[1][0]],  # type: ignore[index]
        )
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(psycopg.Error) as refusal:
            owner.execute(statement)
        assert refusal.value.sqlstate == "MK002"
        owner.rollback()


def transfers_refused(session: orm.Session, transfers: Sequence[Transfer]) -> str:
    with pytest.raises(exc.DBAPIError) as refusal, session.begin_nested():
        service.post(session, Book.ATTRIBUTION, [entry(transfers)])
    return str(refusal.value.orig)


def test_a_transfer_of_nothing_is_refused(session: orm.Session) -> None:
    debit, credit, other = accounts(session, 3)
    assert "amount_is_positive" in transfers_refused(session, [Transfer(debit, credit, 0), Transfer(debit, other, 5)])


def test_a_negative_transfer_is_refused(session: orm.Session) -> None:
    debit, credit, other = accounts(session, 3)
    assert "amount_is_positive" in transfers_refused(session, [Transfer(debit, credit, -1), Transfer(debit, other, 5)])


def test_a_transfer_within_one_account_is_refused(session: orm.Session) -> None:
    (account,) = accounts(session, 1)
    assert "accounts_differ" in transfers_refused(session, [Transfer(account, account, 5)])


def test_a_transfer_with_one_leg_is_refused(session: orm.Session) -> None:
    (account,) = accounts(session, 1)
    assert "null value" in transfers_refused(session, [Transfer(account, None, 5)])  # type: ignore[arg-type]


def test_a_transfer_into_the_other_book_is_refused(session: orm.Session) -> None:
    (debit,) = accounts(session, 1)
    (foreign,) = accounts(session, 1, Book.CASH)
    assert "credit_is_in_its_book" in transfers_refused(session, [Transfer(debit, foreign, 5)])


def insert_late(session: orm.Session, position: int, amount_fen: int) -> None:
    session.execute(
        sa.text(
            "INSERT INTO ledger_transfers (entry_id, position, effective_on, book, debit_account_id,"
            " credit_account_id, amount_fen) SELECT entry_id, :position, effective_on, book, debit_account_id,"
            " credit_account_id, :amount FROM ledger_transfers LIMIT 1"
        ),
        {"position": position, "amount": amount_fen},
    )


@pytest.mark.parametrize(("position", "amount_fen"), [(1, 100), (0, 100), (-1, 100), (1, 5)])
def test_nothing_is_added_to_an_entry_in_its_own_transaction(
    session: orm.Session, position: int, amount_fen: int
) -> None:
    posted(session)
    with pytest.raises(exc.DBAPIError), session.begin_nested():
        insert_late(session, position, amount_fen)


def test_nothing_is_added_to_an_entry_later(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        posted(session)
    with pytest.raises(exc.DBAPIError, match="not the whole"), committed_db.transaction() as session:
        insert_late(session, 1, 100)


def test_an_entry_without_transfers_is_refused_at_commit(committed_db: Database) -> None:
    with pytest.raises(exc.DBAPIError, match="no transfers"), committed_db.transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO ledger_entries (id, book, source, reason, effective_on, transfer_count, total_fen, facts,"
                " facts_sha256) VALUES (gen_random_uuid(), 'cash', 'empty', 'x', '2026-03-02', 1, 1, '{}', '')"
            )
        )


def close(session: orm.Session, month: date, today: date = date(2026, 6, 1)) -> str:
    return service.close_month(session, Book.ATTRIBUTION, month=month, closed_by=BY, today=today)


def test_a_closed_month_takes_no_posting(session: orm.Session) -> None:
    debit, credit = posted(session)
    close(session, DAY)
    with pytest.raises(PeriodClosedError), session.begin_nested():
        service.post(session, Book.ATTRIBUTION, [entry([Transfer(debit, credit, 1)])])
    with pytest.raises(exc.DBAPIError) as refusal, session.begin_nested():
        session.execute(
            sa.text(
                "INSERT INTO ledger_entries (id, book, source, reason, effective_on, transfer_count, total_fen, facts,"
                " facts_sha256) VALUES (gen_random_uuid(), 'attribution', 'late', 'x', '2026-03-31', 1, 1, '{}', '')"
            )
        )
    assert state(refusal.value) == "MK001"


def test_a_month_without_postings_is_closed_with_the_one_after_it(session: orm.Session) -> None:
    debit, credit = posted(session)
    close(session, DAY)
    early = date(2026, 2, 28)
    service.open_month(session, day=early)
    with pytest.raises(PeriodClosedError), session.begin_nested():
        service.post(session, Book.ATTRIBUTION, [entry([Transfer(debit, credit, 1)], on=early)])
    with pytest.raises(PeriodOrderError):
        close(session, early)


def test_closing_a_month_of_one_book_leaves_the_other_open(session: orm.Session) -> None:
    posted(session)
    close(session, DAY)
    debit, credit = accounts(session, book=Book.CASH)
    assert service.post(session, Book.CASH, [entry([Transfer(debit, credit, 1)])])


def test_closing_keeps_every_balance(session: orm.Session) -> None:
    debit, credit = posted(session)
    close(session, DAY)
    rows = session.execute(sa.text("SELECT account_id, balance_fen FROM ledger_balances ORDER BY 1")).all()
    assert {tuple(row) for row in rows} == {(debit, -100), (credit, 100)}


REFUSED_CLOSINGS: dict[str, Callable[[orm.Session], str]] = {
    "twice": lambda session: (close(session, DAY), close(session, DAY))[0],
    "before an earlier one": lambda session: close(session, date(2026, 4, 1)),
    "before it is over": lambda session: close(session, DAY, today=date(2026, 3, 31)),
}


@pytest.mark.parametrize("closing", REFUSED_CLOSINGS.values(), ids=REFUSED_CLOSINGS.keys())
def test_a_month_is_not_closed(session: orm.Session, closing: Callable[[orm.Session], str]) -> None:
    posted(session)
    with pytest.raises(PeriodOrderError):
        closing(session)


def test_who_closes_out_of_turn_is_told_which_month_comes_first(session: orm.Session) -> None:
    posted(session)
    with pytest.raises(PeriodOrderError) as refused:
        close(session, date(2026, 4, 1))
    assert refused.value.facts["reason"] == f"an earlier month is open, {DAY:%Y-%m}"


def visited(session: orm.Session) -> dict[str, int]:
    """Return how many rows of the books this transaction has read, by table."""
    rows = session.execute(
        sa.text(
            "SELECT CASE WHEN starts_with(relname, 'ledger_transfers') THEN 'ledger_transfers' ELSE relname END,"
            " sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint"
            " FROM pg_stat_xact_user_tables WHERE starts_with(relname, 'ledger_') GROUP BY 1"
        )
    )
    return dict(tuple(row) for row in rows)


def test_to_close_a_month_no_more_is_read_however_many_were_closed_before(session: orm.Session) -> None:
    """Small tables would be read whole, whatever is asked of them: that is ruled out here, as size rules it out."""
    session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    debit, credit = accounts(session)
    read: list[dict[str, int]] = []
    for month in (date(2026, number, 1) for number in range(1, 7)):
        service.open_month(session, day=month)
        service.post(
            session,
            Book.ATTRIBUTION,
            [entry([Transfer(debit, credit, 1)], on=month.replace(day=day)) for day in (2, 3)],
        )
        before = visited(session)
        close(session, month, today=date(2026, 7, 1))
        read.append({table: count - before.get(table, 0) for table, count in visited(session).items()})
    assert session.scalar(sa.text("SELECT pg_stat_get_xact_numscans('ledger_balances_month_idx'::regclass)")) == 5
    for table in ("ledger_entries", "ledger_transfers", "ledger_balances"):
        assert read[5][table] <= read[2][table], table
