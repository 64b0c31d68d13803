"""The SQL of a request without HTTP: its statements recorded once, then replayed by eight processes, prepared."""

import multiprocessing
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient
from typing_extensions import override

from market.app import create_app
from market.db import Database, new_id
from tests.benchmarks.load import CLIENTS

Statement = tuple[str, dict[str, Any]]
Trace = list[Statement]
_ID = re.compile(r"\b[0-9a-f]{32}\b")
"""An id in an array that `market.db.array` wrote."""
BATCH = 40
"""Replays that are prepared before they are timed, so that making fresh ids costs nothing."""


class Recorder(Database):
    """Notes every statement, and undoes what it does."""

    def __init__(self, url: str) -> None:
        """Listen on both engines."""
        super().__init__(url, threads=2)
        self.statements: list[Statement] = []
        for engine in (self.engine, self.read_engine):
            sa.event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _c: object, _k: object, statement: str, parameters: dict[str, Any], *_: object) -> None:
        self.statements.append((statement, parameters))

    @override
    @contextmanager
    def transaction(self) -> Iterator[orm.Session]:
        """Yield a session and roll it back."""
        session = self._sessions()
        try:
            self.statements.append(("BEGIN", {}))
            yield session
            session.flush()
            self.statements.append(("COMMIT", {}))
        finally:
            session.rollback()
            session.close()


def record(url: str, method: str, path: str, requests: Sequence[dict[str, Any]]) -> list[Trace]:
    """Return the statements of each request."""
    recorder = Recorder(url)
    traces: list[Trace] = []
    with TestClient(create_app(recorder)) as client:
        for request in requests:
            recorder.statements = []
            answer = client.request(method, path, **request)
            assert answer.status_code < 300, answer.text
            traces.append(recorder.statements)
    recorder.close()
    return traces


def fresh(statements: Trace, since: UUID, key: str | None) -> Trace:
    """Return the statements with every id that the request made, and its key, made anew."""
    made: dict[UUID, UUID] = {}

    def renew(value: Any) -> Any:
        if isinstance(value, UUID) and value > since:
            return made.setdefault(value, new_id())
        if isinstance(value, list):
            return [renew(item) for item in value]
        if isinstance(value, str) and value.startswith("{"):
            return _ID.sub(lambda found: renew(UUID(found[0])).hex, value)
        return f"{key}-{new_id().hex}" if key is not None and value == key else value

    return [(sql, {name: renew(value) for name, value in parameters.items()}) for sql, parameters in statements]


def _worker(url: str, traces: Sequence[Trace], since: UUID, key: str | None, orders: Connection) -> None:
    database = Database(url, threads=1)
    engine = database.read_engine if key is None else database.engine  # with the settings that the request's had
    connection: Any = engine.raw_connection().driver_connection
    connection.autocommit = True
    cursor = connection.cursor()
    turns = cycle(traces)
    while (seconds := orders.recv()) is not None:
        orders.send(_replay(cursor, turns, since, key, seconds))


def _replay(cursor: psycopg.Cursor[Any], turns: Iterator[Trace], since: UUID, key: str | None, seconds: float) -> float:
    """Return replays per second of the time spent in SQL."""
    done, spent = 0, 0.0
    while spent < seconds:
        variants = [fresh(next(turns), since, key) if key else next(turns) for _ in range(BATCH)]
        started = time.perf_counter()
        for variant in variants:
            for sql, parameters in variant:
                cursor.execute(sql, parameters)
                if cursor.description:
                    cursor.fetchall()
        spent += time.perf_counter() - started
        done += BATCH
    return done / spent


class Replay:
    """Eight processes that replay recorded requests in turn."""

    def __init__(self, url: str, traces: Sequence[Trace], since: UUID, key: str | None) -> None:
        """Start them; each begins elsewhere, and waits for its orders."""
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection] = []
        for number in range(CLIENTS):
            here, there = context.Pipe()
            own = [*traces[number:], *traces[:number]]
            arguments = (url, own, since, key, there)
            context.Process(target=_worker, args=arguments, daemon=True).start()
            self._pipes.append(here)

    def rate(self, seconds: float) -> float:
        """Return replays per second of all eight at once."""
        for pipe in self._pipes:
            pipe.send(seconds)
        return sum(float(pipe.recv()) for pipe in self._pipes)

    def close(self) -> None:
        """Send them home."""
        for pipe in self._pipes:
            pipe.send(None)
