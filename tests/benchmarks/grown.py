"""A book of any size as years of use leave it: written into the ledger's own tables, month after month, and closed.

All that was recognised was paid and confirmed, but for the last line of the last month: that is owed.

The ledger's guards stay on and judge every row; only foreign keys are not asked, of which each row is made to be right.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg import sql
from sqlalchemy import orm

from tests import factories

LAST_MONTH = date(2026, 3, 1)
OPEN_MONTHS = 2
SUPPLIERS = 10
TOGETHER = 50
"""Households whose shares one entry posts."""
LINES_A_MONTH = 2
STEPS = ("accrued", "recognised", "disbursed", "confirmed")
OWED_STEPS = STEPS[:2]
"""How far the last line of the last month has come."""


@dataclass(frozen=True)
class Size:
    """How far a book has grown: in households, and in months."""

    households: int
    months: int

    @property
    def transfers(self) -> int:
        """Return how many transfers that makes."""
        climbed = self.months * LINES_A_MONTH * len(STEPS) - len(STEPS) + len(OWED_STEPS)
        return self.households * climbed


YOUNG = Size(households=2_200, months=6)
OLD = Size(households=42_100, months=30)

_HOUSEHOLDS = """
    CREATE TEMP TABLE of_household AS
    SELECT n, gen_random_uuid() AS household_id, (n - 1) / %(together)s AS party,
           (%(suppliers)s::uuid[])[1 + (n - 1) / %(together)s %% %(supplier_count)s] AS supplier_id
      FROM generate_series(1, %(households)s) AS n;
    INSERT INTO households (id, code, village_code, head_count, registered_on, version)
    SELECT household_id, '141122106201' || lpad(n::text, 6, '0'), '141122106201', 3, DATE '2020-01-01', 1
      FROM of_household;
    INSERT INTO household_statuses (household_id, valid_from, status)
    SELECT household_id, DATE '2020-01-01', 'registered_poor' FROM of_household;
    INSERT INTO ledger_accounts (book, kind, owner_id, step)
    SELECT 'attribution', 'base', supplier, 'accrued' FROM unnest(%(suppliers)s::uuid[]) AS supplier;
    INSERT INTO ledger_accounts (book, kind, owner_id, counterpart_id, step)
    SELECT 'attribution', 'household', household_id, supplier_id, step
      FROM of_household CROSS JOIN unnest(%(steps)s::text[]) AS step;
    CREATE TEMP TABLE ladder AS
    SELECT h.n, h.party, s.place,
           CASE WHEN s.place = 1 THEN b.id ELSE lag(a.id) OVER (PARTITION BY h.n ORDER BY s.place) END AS debit,
           a.id AS credit
      FROM of_household h
      CROSS JOIN unnest(%(steps)s::text[]) WITH ORDINALITY AS s (step, place)
      JOIN ledger_accounts a ON a.owner_id = h.household_id AND a.step = s.step
      JOIN ledger_accounts b ON b.owner_id = h.supplier_id AND b.kind = 'base';
    ANALYZE of_household, ladder
"""
# Ids grow with time as in use: the place of the month, of the step, of the line, of the party.
_ENTRIES = """
    INSERT INTO ledger_entries (id, book, source, reason, effective_on, transfer_count, total_fen, facts, facts_sha256)
    SELECT ('019000%(place)s-' || lpad(to_hex(s.place * 16 + line), 4, '0') || '-7000-8000-'
            || lpad(to_hex(p.party), 12, '0'))::uuid,
           'attribution', concat_ws(':', s.step, '%(month)s', line, p.party), s.step,
           DATE '%(month)s' + p.party %% 28, p.households,
           p.households * 1000 + p.uneven, '{}', ''
      FROM (SELECT party, count(*) AS households, sum(n %% 977) AS uneven FROM of_household GROUP BY party) p
      CROSS JOIN generate_series(1, %(lines)s) AS line
      CROSS JOIN unnest(ARRAY['accrued', 'recognised', 'disbursed', 'confirmed']) WITH ORDINALITY AS s (step, place)
     WHERE line <> %(owed_line)s OR s.place <= %(owed_place)s
     ORDER BY 1
"""
_TRANSFERS = """
    INSERT INTO ledger_transfers (entry_id, position, effective_on, book, debit_account_id, credit_account_id,
                                  amount_fen, order_line_id, mechanism, contribution_id, payment_id, assisted)
    SELECT ('019000%(place)s-' || lpad(to_hex(l.place * 16 + line), 4, '0') || '-7000-8000-'
            || lpad(to_hex(l.party), 12, '0'))::uuid,
           (l.n - 1) %% %(together)s, DATE '%(month)s' + l.party %% 28, 'attribution', l.debit, l.credit,
           1000 + l.n %% 977,
           ('019000%(place)s-' || lpad(to_hex(line), 4, '0') || '-7000-9000-' || lpad(to_hex(l.party), 12, '0'))::uuid,
           'order_purchase',
           ('019000%(place)s-' || lpad(to_hex(line), 4, '0') || '-7000-a000-' || lpad(to_hex(l.n), 12, '0'))::uuid,
           CASE WHEN l.place > 2 THEN
             ('019000%(place)s-0000-7000-b000-' || lpad(to_hex(l.n), 12, '0'))::uuid END,
           true
      FROM ladder l CROSS JOIN generate_series(1, %(lines)s) AS line
     WHERE line <> %(owed_line)s OR l.place <= %(owed_place)s
     ORDER BY 1, 2
"""


def months(size: Size) -> Iterator[date]:
    """Yield the first days of the book's months, oldest first."""
    last = LAST_MONTH.year * 12 + LAST_MONTH.month - 1
    for place in range(last - size.months + 1, last + 1):
        yield date(place // 12, place % 12 + 1, 1)


def people(session: orm.Session) -> None:
    """Bring in the suppliers, each with a product."""
    category = factories.category(session)
    for _ in range(SUPPLIERS):
        supplier = factories.organisation(session)
        factories.product(session, supplier, plan=factories.plan(session, supplier), category_code=category.code)


def load(connection: psycopg.Connection, size: Size) -> None:
    """Write a book of that size between the suppliers that are there; as the owner, one statement a transaction."""
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET maintenance_work_mem = '512MB'")
    suppliers = [row[0] for row in connection.execute("SELECT DISTINCT supplier_id FROM products")]
    psycopg.ClientCursor(connection).execute(
        _HOUSEHOLDS,
        {
            "households": size.households,
            "suppliers": suppliers,
            "supplier_count": len(suppliers),
            "together": TOGETHER,
            "steps": list(STEPS),
        },
    )
    with _indexed_at_the_end(connection):
        for place, month in enumerate(months(size)):
            _load_month(connection, f"{place:02x}", month)
            if place < size.months - OPEN_MONTHS:
                connection.execute("SELECT ledger_close_month('attribution', %s, gen_random_uuid())", [month])
    connection.execute("RESET session_replication_role")
    connection.execute("VACUUM ANALYZE")


@contextmanager
def _indexed_at_the_end(connection: psycopg.Connection) -> Iterator[None]:
    """Let the indexes of the transfers go meanwhile: made at once they take a fraction of the time."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'ledger_transfers' AND indexname LIKE '%_idx'"
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in found:
        connection.execute(definition.replace(" ON ONLY ", " ON "))


def _load_month(connection: psycopg.Connection, place: str, month: date) -> None:
    named = {
        "place": place,
        "month": month,
        "lines": LINES_A_MONTH,
        "together": TOGETHER,
        "owed_line": LINES_A_MONTH if month == LAST_MONTH else 0,
        "owed_place": len(OWED_STEPS),
    }
    with connection.transaction():
        connection.execute("SELECT ledger_open_month(%s)", [month])
        connection.execute((_ENTRIES % named).encode())
        connection.execute((_TRANSFERS % named).encode())
