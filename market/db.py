"""The database: one declarative base, two engines, and the only commit in the code.

`transaction()` is for everything that writes. `reading()` is for hot reads: its connections are in AUTOCOMMIT, use
prepared statements from the first call and are not reset on return, so a read costs one round trip.
Every connection of the application works as `market_app`, which owns nothing.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from enum import Enum
from itertools import count
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
from uuid_utils.compat import uuid7

APP_ROLE = "market_app"
# Statements bind whole columns and lists, for which PostgreSQL would plan anew on every call.
_SESSION = (
    "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
    " -c plan_cache_mode=force_generic_plan -c jit=off"
)


class Base(orm.DeclarativeBase):
    """Tables are plural; constraints are named after the rule that holds."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_once",
            "ck": "%(table_name)s_%(constraint_name)s",
            "fk": "%(table_name)s_%(column_0_N_name)s_exists",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads a plain attribute
        int: sa.BigInteger,
        str: sa.Text,
        datetime: sa.TIMESTAMP(timezone=True),
        date: sa.Date,
        UUID: sa.Uuid,
        dict[str, Any]: postgresql.JSONB,
        list[str]: postgresql.ARRAY(sa.Text),
        Enum: sa.Enum(
            Enum,
            native_enum=False,
            create_constraint=True,
            length=40,
            values_callable=lambda members: [member.value for member in members],
        ),
    }


_counted: ContextVar[Iterator[UUID] | None] = ContextVar("counted", default=None)


def new_id() -> UUID:
    """Return a UUIDv7: identifiers are made here, ordered by time, so that an index grows at its end."""
    counted = _counted.get()
    return next(counted) if counted else uuid7()


@contextmanager
def counting_ids(since: datetime) -> Iterator[None]:
    """Count the identifiers made within up from an instant, so that one history has the same ones wherever it is told.

    What equal remainders contest is decided by a hash over identifiers.
    """
    first = int(since.timestamp() * 1_000) << 80 | 7 << 76 | 2 << 62
    token = _counted.set(UUID(int=number) for number in count(first))
    try:
        yield
    finally:
        _counted.reset(token)


class Database:
    """The engines of one server process."""

    def __init__(self, url: str, *, threads: int) -> None:
        """Connect lazily; `threads` is the number of places in each pool."""
        self.threads = threads
        target = _as_app(url)
        pooled = {
            "pool_size": threads,
            "max_overflow": 0,
            "pool_timeout": 5,
            "hide_parameters": True,  # what failed is logged, with whom it concerned it is not
            "connect_args": {"prepare_threshold": 0, "options": f"-c role={APP_ROLE} {_SESSION}"},
        }
        self.engine = sa.create_engine(target, **pooled)
        self.read_engine = sa.create_engine(target, **pooled, pool_reset_on_return=None, isolation_level="AUTOCOMMIT")
        self._sessions = orm.sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[orm.Session]:
        """Yield a session; commit on return, roll back on any exception."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield an AUTOCOMMIT connection for a hot read."""
        with self.read_engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Drop every connection."""
        self.engine.dispose()
        self.read_engine.dispose()


def _as_app(url: str) -> sa.URL:
    """Return the URL with our one driver."""
    return sa.make_url(url).set(drivername="postgresql+psycopg")


def array(values: Iterable[UUID | int | str | None]) -> str:
    """Return ids, numbers and plain words as a PostgreSQL array; the driver would quote a list value by value.

    PostgreSQL reads an id without its hyphens too.
    """
    written = []
    last, text = None, "NULL"
    for each in values:
        if each is not last:  # most columns of a posting are one value over and over
            last, text = each, "NULL" if each is None else each.hex if isinstance(each, UUID) else str(each)
        written.append(text)
    return "{" + ",".join(written) + "}"


def lock_by(session: orm.Session, *, kind: str, key: object) -> None:
    """Serialise transactions that name the same key, until each ends."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"{kind}:{key}"})


def without_hurry(session: orm.Session) -> None:
    """Let the rest of this transaction take its time: an examination of a large book outlasts what a request may."""
    session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    session.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def read_whole(session: orm.Session) -> None:
    """Have the rest of this transaction join by hashing: who examines the whole book looks nothing up one by one.

    How many rows come of a subquery is guessed too low, and a year was joined row by row for minutes.
    """
    # Before PostgreSQL 18 what is off has a price, which drowns all that the costs of plans differ by.
    since_18 = "CAST(current_setting('server_version_num') AS int) >= 180000"
    session.execute(sa.text(f"SELECT set_config('enable_nestloop', 'off', true) WHERE {since_18}"))


def plan_anew(connection: sa.Connection | orm.Session) -> None:
    """Have the rest of this transaction planned for the values it is asked with: what sums up much says so first.

    A plan made for any values knows neither which filters are given nor how many months they span.
    """
    connection.execute(sa.text("SET LOCAL plan_cache_mode = force_custom_plan"))


def within(column: orm.InstrumentedAttribute[str], region_code: str) -> sa.ColumnElement[bool]:
    """Tell which rows lie in a region or below it: a GB/T 2260 code begins with the codes of the regions above."""
    return column.startswith(region_code, autoescape=True)
