"""Posting an acceptance against the bare insert of the same rows, on one connection, in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.attribution.accrual import AcceptedLine, accrue
from market.db import Database, new_id

DAY = date(2026, 3, 2)


def ratio(database: Database, line: AcceptedLine, rounds: int) -> tuple[float, float, float]:
    """Return milliseconds of the posting and of the bare insert (medians), and the rate of the one to the other."""
    statement, parameters = _recorded(database, line)

    def post() -> None:
        with database.transaction() as session:
            accrue(session, [replace(line, source=f"acceptance:{new_id()}")], on=DAY)

    def insert() -> None:
        fresh = _fresh(parameters)
        with database.transaction() as session:
            session.connection().exec_driver_sql(statement, fresh)

    posted, inserted = [], []
    for _ in range(rounds):
        posted.append(_timed(post))
        inserted.append(_timed(insert))
    posting_ms, bare_ms = statistics.median(posted), statistics.median(inserted)
    return posting_ms, bare_ms, bare_ms / posting_ms


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000


def _recorded(database: Database, line: AcceptedLine) -> tuple[str, dict[str, Any]]:
    """Return the insert of the rows of one posting, as it was sent."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def note(_c: object, _k: object, statement: str, parameters: dict[str, Any], *_: object) -> None:
        sent.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    with database.transaction() as session:
        accrue(session, [replace(line, source=f"acceptance:{new_id()}")], on=DAY)
    sa.event.remove(database.engine, "before_cursor_execute", note)
    return next(found for found in sent if "INSERT INTO ledger_transfers" in found[0])


def _fresh(parameters: dict[str, Any]) -> dict[str, Any]:
    entry_id: UUID = new_id()
    return parameters | {"ids": [entry_id], "sources": [f"acceptance:{entry_id}"]}
