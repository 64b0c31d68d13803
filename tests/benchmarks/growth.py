"""Posting, a statement and a page of payables, of a book of ten million transfers against one of 100,000, in turns."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import orm

from market import embedded
from market.attribution.accrual import AcceptedLine, accrue
from market.attribution.payables import Payable, payables
from market.attribution.rules import LotDraw, Step
from market.attribution.statements import household_statement
from market.benefits.models import PlanVersion
from market.catalog.models import Product
from market.db import Database, new_id
from market.households.models import Household
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.ledger.models import LedgerAccount
from market.migrating import MIGRATIONS, migrate
from tests import factories, schema
from tests.benchmarks import grown
from tests.benchmarks.world import PLENTY_MILLI

LOTS = 5
CONTRIBUTORS = 200
READERS = 200
BLOCKS = 5
POSTINGS, PAGES, LISTINGS = 20, 60, 20
"""Of each book in each of the blocks, by which the spread is told."""
QUARTER = (date(2026, 1, 1), date(2026, 3, 31))
DAY = date(2026, 3, 2)
OWED_ON = date(2026, 3, 31)
PAGE = 50
"""Payees on a page of what is owed."""

_CONTRIBUTORS = (
    sa.select(Household)
    .join(LedgerAccount, LedgerAccount.owner_id == Household.id)
    .where(LedgerAccount.counterpart_id == sa.bindparam("supplier"), LedgerAccount.step == Step.ACCRUED)
    .order_by(sa.func.md5(sa.func.concat(Household.id, sa.cast(sa.bindparam("lot"), sa.Text))))
    .limit(CONTRIBUTORS)
)
_READERS = sa.text(
    "SELECT owner_id FROM ledger_accounts WHERE kind = 'household' AND step = 'accrued' ORDER BY md5(CAST(id AS text))"
    " LIMIT :readers"
)
_DEBTORS = sa.text(
    "SELECT DISTINCT counterpart_id FROM ledger_accounts WHERE kind = 'household' AND step = 'recognised' ORDER BY 1"
)


@dataclass
class Book:
    """A book under measurement: whose statements are read, who owes, which lots are sold."""

    database: Database
    readers: Iterator[UUID]
    debtors: Iterator[UUID]
    lines: Iterator[AcceptedLine]
    auditor: Actor

    @classmethod
    def opened(cls, database: Database) -> "Book":
        """Open lots that households drawn from everywhere contributed to."""
        with database.transaction() as session:
            lines = [_line(session, product) for product in session.scalars(sa.select(Product).limit(LOTS))]
            readers = list(session.scalars(_READERS, {"readers": READERS}))
            debtors = list(session.scalars(_DEBTORS))
        auditor = Actor(new_id(), new_id(), OrganisationKind.AUDIT_OFFICE, Role.AUDITOR, "14", Scope.ALL)
        return cls(database, cycle(readers), cycle(debtors), cycle(lines), auditor)

    def post(self) -> None:
        """Post an acceptance of which two hundred households get their shares."""
        with self.database.transaction() as session:
            accrue(session, [replace(next(self.lines), source=f"acceptance:{new_id()}")], on=DAY)

    def page(self) -> None:
        """Read a household's statement of a quarter."""
        with self.database.reading() as connection:
            household = next(self.readers)
            household_statement(connection, self.auditor, household, period_from=QUARTER[0], period_to=QUARTER[1])

    def owed(self) -> Sequence[Payable]:
        """Read the first page of what a supplier owes."""
        with self.database.transaction() as session:
            supplier = next(self.debtors)
            return payables(session, self.auditor, on=OWED_ON, after=None, limit=PAGE, supplier_id=supplier)


def _line(session: orm.Session, product: Product) -> AcceptedLine:
    lot = factories.lot(session, product, quantity_milli=PLENTY_MILLI)
    drawn = {"supplier": product.supplier_id, "lot": str(lot.id)}
    for household in session.scalars(_CONTRIBUTORS, drawn).all():
        factories.contribution(session, lot, household, amount_fen=10**12)
    version = session.execute(
        sa.select(PlanVersion.id, PlanVersion.sha256).where(PlanVersion.plan_id == product.plan_id)
    ).one()
    return AcceptedLine(
        source="",
        order_line_id=new_id(),
        supplier_id=product.supplier_id,
        net_fen=CONTRIBUTORS * 1_100_000,
        draws=[LotDraw(lot.id, 0, 1_000_000, PLENTY_MILLI)],
        plan_version_id=version.id,
        plan_sha256=version.sha256,
    )


@dataclass(frozen=True)
class Compared:
    """Medians in milliseconds, young and old, and the ratio of each block."""

    young_ms: float
    old_ms: float
    blocks: Sequence[float]


def compare(young: Callable[[], object], old: Callable[[], object], times: int) -> Compared:
    """Time both in turns, in blocks."""
    spent: Mapping[Callable[[], object], list[float]] = {young: [], old: []}
    for each in (young, old) * 3:
        each()  # plans, and what is read once
    blocks = []
    for _ in range(BLOCKS):
        for _ in range(times):
            for each in (young, old):
                started = time.perf_counter()
                each()
                spent[each].append((time.perf_counter() - started) * 1_000)
        blocks.append(statistics.median(spent[old][-times:]) / statistics.median(spent[young][-times:]))
    return Compared(statistics.median(spent[young]), statistics.median(spent[old]), blocks)


@contextmanager
def books(young: grown.Size = grown.YOUNG, old: grown.Size = grown.OLD) -> Iterator[tuple[Book, Book, str]]:
    """Yield the young and the old book, and a word on how the old one came to be.

    The old one is kept for the next time, as it was loaded: a copy is measured, which postings change.
    """
    with embedded.start(Path(".data/benchmarks")) as server:
        started = time.perf_counter()
        kept = f"market_grown_{_digest(old)}"
        made = _make(server.url, kept, old, keep="market_grown_%")
        _copy(server.url, kept, "market_old")
        _make(server.url, "market_young", young, keep=None)
        word = f"{old.transfers:,} transfers {'loaded in' if made else 'kept; ready in'}"
        with (
            closing(Database(schema.on_database(server.url, "market_young"), threads=1)) as young_database,
            closing(Database(schema.on_database(server.url, "market_old"), threads=1)) as old_database,
        ):
            both = Book.opened(young_database), Book.opened(old_database)
            size = _size(server.url, kept)
            yield *both, f"{word} {time.perf_counter() - started:.0f} s, {size}"


def _digest(size: grown.Size) -> str:
    """Name a kept book after the schema it has and what wrote it."""
    files = sorted([*MIGRATIONS.rglob("*.py"), Path(grown.__file__)])
    return sha256(b"".join(file.read_bytes() for file in files) + repr(size).encode()).hexdigest()[:12]


def _make(server_url: str, name: str, size: grown.Size, *, keep: str | None) -> bool:
    """Write a book unless one of that name is kept; tell whether it had to be written."""
    with psycopg.connect(schema.plain(server_url), autocommit=True) as connection:
        found = {row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [keep])}
        if name in found:
            return False
        for stale in {name, "market_unfinished", *found}:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(stale)))
        connection.execute("CREATE DATABASE market_unfinished")
        url = schema.on_database(server_url, "market_unfinished")
        migrate(url)
        with closing(Database(url, threads=1)) as database, database.transaction() as session:
            grown.people(session)
        with psycopg.connect(schema.plain(url), autocommit=True) as owner:
            grown.load(owner, size)
        connection.execute(sql.SQL("ALTER DATABASE market_unfinished RENAME TO {}").format(sql.Identifier(name)))
    return True


def _copy(server_url: str, kept: str, name: str) -> None:
    """Copy a book's files; a checkpoint comes first, so that none falls into the measurement."""
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(schema.plain(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(kept)))


def _size(server_url: str, name: str) -> str:
    with psycopg.connect(schema.plain(server_url), autocommit=True) as connection:
        row = connection.execute("SELECT pg_size_pretty(pg_database_size(%s))", [name]).fetchone()
    return str(row[0]) if row else ""
