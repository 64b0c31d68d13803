"""Rollups change no report: whatever months are closed and rolled up, every figure is that of the raw rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.exc import DBAPIError

from market.clock import utc_now
from market.db import Database
from market.identity.rules import Actor, OrganisationKind, Scope
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.reports import tasks
from market.reports.queries import Filters, report, unrolled_since
from market.reports.rollups import roll_up
from market.reports.rules import SALE_COLUMNS, Dimension
from tests import factories
from tests.conftest import RolledBackDatabase
from tests.reports.slow_way import SlowReport, raw_rows
from tests.reports.small_market import WINDOW, SmallMarket, small_market
from tests.reports.test_reports import NARROWED

MONTHS = (date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1))
EDGES = (
    WINDOW,
    (date(2026, 3, 6), date(2026, 5, 15)),
    (date(2026, 4, 1), date(2026, 4, 30)),
    (date(2026, 4, 10), date(2026, 4, 30)),
    (date(2026, 5, 1), date(2026, 6, 12)),
    (date(1, 1, 1), date(9999, 12, 31)),
)


@pytest.fixture(scope="module")
def db(worker_db: Database) -> Iterator[Database]:
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture(scope="module")
def market(db: Database) -> SmallMarket:
    with db.transaction() as session:
        return small_market(session)


def auditor(session: orm.Session) -> Actor:
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    return factories.actor(session, factories.member(session, office), Scope.ALL)


def close(session: orm.Session, *months: date) -> None:
    for month in months:
        ledger.close_month(session, Book.ATTRIBUTION, month=month, closed_by=uuid4(), today=date(2026, 7, 1))


@contextmanager
def rolled_up(session: orm.Session, months: int) -> Iterator[None]:
    """Close the first months, of which the market has closed one, and roll them up, for as long as it lasts."""
    with session.begin_nested() as savepoint:
        close(session, *MONTHS[1:months])
        assert [roll_up(session) for _ in range(months)] == [*MONTHS[:months]]
        yield
        savepoint.rollback()


@pytest.fixture(scope="module")
def slow_reports(db: RolledBackDatabase, market: SmallMarket) -> list[SlowReport]:
    """What every window and dimension should say: no month that is closed or rolled up changes the rows it is of."""
    assert market.stories
    rows = raw_rows(db.connection)
    narrowed = (*NARROWED.values(), *({"period_from": first, "period_to": last} for first, last in EDGES))
    filters = [Filters(**({"period_from": WINDOW[0], "period_to": WINDOW[1]} | each)) for each in narrowed]
    slow_reports = [SlowReport(rows, dimension, each) for each in filters for dimension in Dimension]
    for slow in slow_reports:
        for key, expected in slow.figures.items():
            if slow.dimension is Dimension.MECHANISM and key is not None:
                expected |= dict.fromkeys(SALE_COLUMNS)  # type: ignore[arg-type]  # noqa: PLW2901
    return slow_reports


@pytest.mark.parametrize("months", range(1, 5))
def test_a_report_of_rolled_up_months_is_what_the_raw_rows_say(
    session: orm.Session, slow_reports: list[SlowReport], months: int
) -> None:
    with rolled_up(session, months):
        actor = auditor(session)
        for slow in slow_reports:
            found = report(session.connection(), actor, slow.dimension, slow.filters)
            assert {row.key: dict(row.figures) for row in found.rows} == slow.figures
            assert found.totals == slow.total


def test_each_sees_the_same_of_rolled_up_months(session: orm.Session, market: SmallMarket) -> None:
    actors = [story.clerk for story in market.stories] + [buyer.orderer for buyer in market.buyers]

    def everything() -> list[Any]:
        return [report(session.connection(), each, Dimension.MECHANISM, Filters(*WINDOW)) for each in actors]

    before = everything()
    with rolled_up(session, 3):
        assert everything() == before


@pytest.mark.usefixtures("market")
def test_a_rolled_up_month_is_read_from_its_sums(session: orm.Session) -> None:
    """The negative control of the tests above: were the sums not read, a wrong one would not be seen."""
    with rolled_up(session, 4):
        session.execute(sa.text("SET ROLE NONE"))
        session.execute(sa.text("ALTER TABLE report_rollups DISABLE TRIGGER USER"))
        session.execute(sa.text("UPDATE report_rollups SET accrued_fen = accrued_fen + 1 WHERE kind = 'retained'"))
        filters = Filters(*WINDOW)
        found = report(session.connection(), auditor(session), Dimension.CHANNEL, filters)
        assert found.totals != SlowReport(raw_rows(session.connection()), Dimension.CHANNEL, filters).total


@pytest.mark.usefixtures("market")
def test_an_open_month_is_not_rolled_up_and_a_closed_one_once(session: orm.Session) -> None:
    with session.begin_nested() as savepoint:
        assert unrolled_since(session.connection()) == date.min
        assert [roll_up(session), roll_up(session)] == [MONTHS[0], None]
        assert unrolled_since(session.connection()) == MONTHS[1]
        close(session, *MONTHS[1:3])
        assert [roll_up(session), roll_up(session), roll_up(session)] == [*MONTHS[1:3], None]
        assert unrolled_since(session.connection()) == MONTHS[3]
        savepoint.rollback()


@pytest.mark.usefixtures("market")
def test_the_worker_rolls_up_what_is_closed(db: Database, session: orm.Session) -> None:
    with session.begin_nested() as savepoint:
        close(session, *MONTHS[1:3])
        assert [tasks.roll_up_months(db, utc_now()), tasks.roll_up_months(db, utc_now())] == [3, 0]
        savepoint.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO report_months (month, book, rolled_up_at) VALUES ('2026-03-01', 'attribution', now())",
        "UPDATE report_rollups SET accrued_fen = 0",
        "DELETE FROM report_rollups",
        "TRUNCATE report_months CASCADE",
    ],
)
@pytest.mark.usefixtures("market")
def test_the_application_writes_no_sums(session: orm.Session, statement: str) -> None:
    with rolled_up(session, 2), pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
        session.execute(sa.text(statement))


@pytest.mark.parametrize("statement", ["UPDATE report_rollups SET accrued_fen = 0", "TRUNCATE report_months CASCADE"])
@pytest.mark.usefixtures("market")
def test_not_even_their_owner_changes_sums(session: orm.Session, statement: str) -> None:
    with rolled_up(session, 2), session.begin_nested() as inner:
        session.execute(sa.text("SET ROLE NONE"))
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(sa.text(statement))
        inner.rollback()
