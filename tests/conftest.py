"""Real PostgreSQL for every test: a migrated template, a clone per worker, one rolled-back connection per test."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from pathlib import Path
from typing import Any, Generic, TypeVar

import psycopg
import pytest
import sqlalchemy as sa
import structlog
import time_machine
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import orm
from starlette.testclient import TestClient
from typing_extensions import override

from market import embedded
from market.app import create_app
from market.db import Base, Database
from tests import factories, schema, undoing
from tests.stalls import NOON, Desk, Stalls

World = TypeVar("World")

NO_SYNC = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
LONGEST = ("test_market", "test_demo", "test_races", "test_fuzz", "test_embedded")
PURE = {
    "rules",
    "redating",
    "formulas",
    "holdings",
    "lineage",
    "removal",
    "gifts",
    "money",
    "quantities",
    "identifiers",
}


class RolledBackDatabase(Database):
    """A database whose transactions are savepoints of one connection that is never committed."""

    def __init__(self, database: Database) -> None:
        """Open the outer transaction on a connection of the database, which keeps what it has compiled and prepared."""
        self.threads = 1
        self.engine = database.engine
        self.connection = self.engine.connect()
        self._outer = undoing.begin(self.connection)
        self._sessions = orm.sessionmaker(
            self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )

    @override
    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read what the test wrote."""
        yield self.connection

    @override
    def close(self) -> None:
        """Undo everything."""
        undoing.undo(self.connection, self._outer)
        self.connection.close()


class Standing(Generic[World]):
    """What the tests of a module begin with: built once, found by each as it was built.

    It is not committed: a test of that module that writes the same by `session` or `client` would wait for it in vain.
    """

    def __init__(self, db: RolledBackDatabase, build: Callable[[TestClient, orm.Session], World]) -> None:
        """Build it on a database of its own outer transaction."""
        self.db = db
        with self._open() as (client, session):
            self._built = build(client, session)

    @contextmanager
    def visited(self) -> Iterator[World]:
        """Yield it to one test, and undo what that does."""
        with self.db.connection.begin_nested() as savepoint:
            with self._open() as (client, session):
                yield _reopened(self._built, client, session)
            savepoint.rollback()

    @contextmanager
    def _open(self) -> Iterator[tuple[TestClient, orm.Session]]:
        app = create_app(self.db, vault=factories.VAULT)
        with time_machine.travel(NOON, tick=False), TestClient(app) as client, self.db.transaction() as session:
            yield client, session


def _reopened(world: World, client: TestClient, session: orm.Session) -> World:
    """Return a copy whose rows are the session's own, and whose desks send their requests by the client."""

    def own(value: Any) -> Any:
        match value:
            case Base():
                return session.merge(value, load=False)
            case Desk():
                return _reopened(value, client, session)
            case list():
                return [own(each) for each in value]
            case TestClient():
                return client
            case orm.Session():
                return session
            case _:
                return value

    again = copy(world)
    vars(again).update({name: own(value) for name, value in vars(world).items()})
    return again


def pytest_configure() -> None:
    """Log in plain lines, and let no random test fail by the clock.

    structlog's coloured tracebacks, with every local variable, take seconds each; Hypothesis gives an example 200 ms.
    """
    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The owner's URL of a PostgreSQL server: `MARKET_DATABASE_URL`, or an embedded one shared by all workers."""
    if url := os.environ.get("MARKET_DATABASE_URL"):
        yield url
        return
    with embedded.start(Path(".data/tests"), settings=NO_SYNC) as server:
        yield server.url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """The name of a migrated database without connections."""
    return schema.template(server_url)


@contextmanager
def clone(server_url: str, template: str, name: str) -> Iterator[str]:
    """Yield the URL of a copy of the template, dropped afterwards."""
    with psycopg.connect(schema.plain(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    yield schema.on_database(server_url, name)
    with psycopg.connect(schema.plain(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def worker_url(server_url: str, template: str) -> Iterator[str]:
    """This worker's database, whose tests all roll back."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    with clone(server_url, template, f"market_test_{worker}_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="session")
def worker_db(worker_url: str) -> Iterator[Database]:
    """This worker's connections."""
    database = Database(worker_url, threads=4)
    yield database
    database.close()


@pytest.fixture
def db(worker_db: Database) -> Iterator[Database]:
    """A database that forgets everything after the test."""
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture
def session(db: Database) -> Iterator[orm.Session]:
    """A session on it."""
    with db.transaction() as session:
        yield session


@pytest.fixture
def client(db: Database) -> Iterator[TestClient]:
    """The application over it, by HTTP."""
    with TestClient(create_app(db, vault=factories.VAULT)) as client:
        yield client


@pytest.fixture(scope="module")
def market_day(worker_db: Database) -> Iterator[Standing[Stalls]]:
    """Stalls at which nothing was bought yet."""
    with closing(RolledBackDatabase(worker_db)) as database:
        yield Standing(database, Stalls)


@pytest.fixture(scope="module")
def paid_day(worker_db: Database) -> Iterator[Standing[Stalls]]:
    """Stalls whose first order is paid."""
    with closing(RolledBackDatabase(worker_db)) as database:
        yield Standing(database, Stalls.paid)


@pytest.fixture
def stalls(market_day: Standing[Stalls]) -> Iterator[Stalls]:
    """Everybody at the stalls, at noon."""
    with market_day.visited() as stalls:
        yield stalls


@pytest.fixture
def paid_stalls(paid_day: Standing[Stalls]) -> Iterator[Stalls]:
    """Everybody at the stalls after the first order, at noon."""
    with paid_day.visited() as stalls:
        yield stalls


@pytest.fixture
def committed_db(server_url: str, template: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A private clone with real commits, for races."""
    name = f"market_race_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**8}"
    with clone(server_url, template, name) as url:
        database = Database(url, threads=16)
        yield database
        database.close()


@pytest.fixture
def seeded_db(server_url: str, template: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A private clone that holds the sample data, with real commits."""
    name = f"market_sample_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**8}"
    with clone(server_url, schema.seeded(server_url, template), name) as url:
        database = Database(url, threads=8)
        yield database
        database.close()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Read none but the pure modules' tests where those alone are wanted: the others are four times as many."""
    wanted = config.option.markexpr.startswith("pure") and collection_path.suffix == ".py"
    return True if wanted and not _is_pure(collection_path) else None


def _is_pure(path: Path) -> bool:
    return path.stem.removeprefix("test_") in PURE


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest first, so that no worker ends with them, and mark the tests of pure modules."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for item in items:
        if _is_pure(item.path):
            item.add_marker("pure")


def pytest_collection_finish() -> None:
    """Search for garbage less often, and not among what was loaded by now: a tenth of all time went there."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that passed tests have noted by `record_property`."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(str(value))
