"""What is due with the payment provider: calls to make, events to handle, and now and then a look at everything."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from market.db import Database
from market.payments import calls, inbox, online, queries, sweeping
from market.payments.gateway import Gateway
from market.payments.noting import note_call
from market.payments.rules import Operation

LOG = structlog.get_logger()
BETWEEN_SWEEPS = timedelta(minutes=10)
OPERATIONS = frozenset(Operation)


def make_calls(db: Database, gateway: Gateway, now: datetime) -> int:
    """Make the calls that are due, each by itself: one that fails holds up no other; return how many had an outcome."""
    with db.transaction() as session:
        due = calls.due(session, OPERATIONS, now=now)
    return sum(make_call(db, gateway, call_id, now) for call_id in due)


def make_call(db: Database, gateway: Gateway, call_id: UUID, now: datetime) -> bool:
    """Make one call; what goes wrong is logged, and the call stays due."""
    try:
        return calls.make(db, gateway, call_id, note_call, now=now)
    except Exception:
        LOG.exception("call_failed", call_id=str(call_id))
        return False


def push(db: Database, gateway: Gateway, subject_id: UUID, now: datetime) -> None:
    """Make the calls about an object of ours right away; what has no outcome now, a worker makes again."""
    with db.transaction() as session:
        due = calls.due_about(session, subject_id, now=now)
    for call_id in due:
        make_call(db, gateway, call_id, now)


def handle_events(db: Database, gateway: Gateway, now: datetime) -> int:
    """Handle the events that wait; return how many were."""
    with db.transaction() as session:
        due = inbox.due(session, now=now)
    return sum(_handle(db, gateway, event_id, now) for event_id in due)


def _handle(db: Database, gateway: Gateway, event_id: str, now: datetime) -> bool:
    try:
        return inbox.handle(db, gateway, event_id, now=now)
    except Exception:
        LOG.exception("event_failed", event_id=event_id)
        return False


def cancel_stale(db: Database, now: datetime) -> int:
    """Give up open payments of more than is owed, as of an order that was given up; return how many."""
    with db.transaction() as session:
        found = queries.open_payments(session, unasked_since=now - online.BETWEEN_CANCELS)
    cancelled = 0
    for payment_id in found:
        with db.transaction() as session:
            cancelled += online.cancel_if_stale(session, payment_id, now=now)
    return cancelled


class Sweeps:
    """A look at everything at the provider, every ten minutes unless it is told otherwise."""

    def __init__(self, gateway: Gateway, *, every: timedelta = BETWEEN_SWEEPS) -> None:
        """Begin with a look at the first call."""
        self._gateway, self._every = gateway, every
        self._last: datetime | None = None

    def __call__(self, db: Database, now: datetime) -> int:
        """Look, if it is time; return how much was looked at."""
        if self._last is not None and abs(now - self._last) < self._every:  # also if the clock is set back
            return 0
        self._last = now
        return sweeping.sweep(db, self._gateway, now=now)


def provider_tasks(
    gateway: Gateway, *, sweep_every: timedelta = BETWEEN_SWEEPS
) -> Mapping[str, Callable[[Database, datetime], int]]:
    """Return what a worker does with the provider, by name."""
    return {
        "cancel_stale": cancel_stale,
        "make_calls": lambda db, now: make_calls(db, gateway, now),
        "handle_events": lambda db, now: handle_events(db, gateway, now),
        "sweep_provider": Sweeps(gateway, every=sweep_every),
        "release_movements": lambda db, now: sweeping.release_due(db, now=now),
    }
