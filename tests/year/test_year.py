"""A year conserves every fen: by line, order, lot, household, cooperative, collective and month."""

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest

from market.audit.doctoring import examine
from market.audit.rules import Finding, Symptom
from market.audit.verifying import verify
from market.db import Database, without_hurry
from tests import schema
from tests.conftest import clone
from tests.year.oracle import breaches
from tests.year.playing import Year, play
from tests.year.world import Size

SMALL = Size(suppliers=2, households_each=48, orders=45)
WHOLE = Size(suppliers=10, households_each=500, orders=20_000)

Tell = Callable[[str, object], None]


@pytest.fixture(scope="module")
def small(server_url: str, template: str) -> Iterator[tuple[Year, str]]:
    with clone(server_url, template, f"market_small_year_{os.getpid()}") as url:
        database = Database(url, threads=2)
        yield play(database, SMALL), url
        database.close()


def found(year: Year, url: str, *, spoil: str | None = None) -> list[str]:
    """Return what the oracle says of a year, perhaps after its book was spoiled; nothing of that stays."""
    with psycopg.connect(schema.plain(url)) as connection:
        if spoil is not None:
            connection.execute("SET session_replication_role = replica")
            for table in ("ledger_transfers", "ledger_balances"):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            connection.execute(spoil)
        said = [each for cooperative in year.world.cooperatives for each in breaches(connection, cooperative.id)]
        connection.rollback()
    return said


def examined(db: Database) -> list[Symptom | Finding]:
    """Return what the doctor and the auditor say; each in a transaction of its own, as both look at one moment."""
    with db.transaction() as session:
        without_hurry(session)
        symptoms = examine(session)
    with db.transaction() as session:
        without_hurry(session)
        return [*symptoms, *verify(session).findings]


def test_a_small_year_is_conserved_at_every_level(small: tuple[Year, str]) -> None:
    year, url = small

    assert found(year, url) == []

    assert year.done["orders"] == SMALL.orders
    assert min(year.done[deed] for deed in ("returns of closed months", "months closed", "confirmations")) > 0
    assert examined(year.db) == []


ONE = "WITH one AS (SELECT entry_id, position FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id"
LARGE = "AND t.amount_fen > 9 ORDER BY t.effective_on DESC, t.id LIMIT 1)"
POOLED = f"{ONE} WHERE e.reason = 'accrual' AND t.mechanism = 'share_dividend' {LARGE}"
RELEASED = f"{ONE} WHERE e.reason = 'accrual' AND t.contribution_id IS NOT NULL {LARGE}"
PAID = f"{ONE} WHERE e.reason = 'disbursement' AND t.order_line_id IS NOT NULL {LARGE}"
RETURNED = "UPDATE order_lines SET returned_milli = 0"
OF_ONE = "WHERE (entry_id, position) IN (SELECT * FROM one)"


@pytest.mark.parametrize(
    ("spoil", "level"),
    [
        (f"{POOLED} UPDATE ledger_transfers SET amount_fen = amount_fen + 1 {OF_ONE}", "line"),
        (f"{RELEASED} DELETE FROM ledger_transfers {OF_ONE}", "contribution"),
        (f"{PAID} UPDATE ledger_transfers SET amount_fen = amount_fen - 7 {OF_ONE}", "received"),
        (f"{PAID} UPDATE ledger_transfers SET effective_on = DATE '2025-01-01' {OF_ONE}", "end of"),
        (RETURNED, "are left"),
        ("UPDATE ledger_balances SET balance_fen = balance_fen + 1", "snapshot"),
    ],
    ids=[
        "a fen too many",
        "a lost release",
        "a payment short",
        "paid before it was owed",
        "another return",
        "a snapshot",
    ],
)
def test_a_spoiled_year_is_seen(small: tuple[Year, str], spoil: str, level: str) -> None:
    year, url = small

    assert any(level in said for said in found(year, url, spoil=spoil))


@pytest.mark.soak
def test_a_year_of_twenty_thousand_orders_over_five_thousand_households_is_conserved(
    committed_db: Database, record_property: Tell
) -> None:
    year = play(committed_db, WHOLE)

    assert found(year, str(committed_db.engine.url.render_as_string(hide_password=False))) == []
    assert examined(committed_db) == []
    record_property("figures", f"year: {', '.join(f'{name} {times}' for name, times in year.done.most_common())}")
