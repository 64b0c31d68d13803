"""The loop over what is due: reservations that ran out, public notices that ended, certificates that lapse.

Any number of workers may run: each takes rows that no other holds, and each task does a row once.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from market.certification import tasks as certification
from market.clock import utc_now
from market.db import Database
from market.ledger import tasks as ledger
from market.orders import tasks as orders
from market.payments.gateway import Gateway
from market.payments.tasks import provider_tasks
from market.reports import tasks as reports
from market.settlements import tasks as settlements

LOG = structlog.get_logger()
PAUSE_SECONDS = 5
AWAITED_PAUSE_SECONDS, AWAITED_SWEEPS = 0.5, timedelta(seconds=1)

Task = Callable[[Database, datetime], int]
TASKS: Mapping[str, Task] = {
    "open_months": ledger.open_months,
    "expire_orders": orders.expire_orders,
    "end_notices": certification.end_notices,
    "raise_alerts": certification.raise_alerts,
    "follow_transfers": settlements.follow_transfers,
    "roll_up_months": reports.roll_up_months,
}


def run_due(db: Database, now: datetime, more: Mapping[str, Task] | None = None) -> dict[str, int]:
    """Do all that is due at an instant, once; return how much each task did. A failing task does not stop others."""
    return _do({**TASKS, **(more or {})}, db, now)


def _do(tasks: Mapping[str, Task], db: Database, now: datetime) -> dict[str, int]:
    done: dict[str, int] = {}
    for name, task in tasks.items():
        try:
            done[name] = task(db, now)
        except Exception:
            LOG.exception("task_failed", task=name)
            done[name] = 0
    return done


def run(db: Database, stop: threading.Event, *, gateway: Gateway | None = None) -> None:
    """Do what is due, again and again, until told to stop; with a gateway also what is due at the provider."""
    more = provider_tasks(gateway) if gateway else None
    while not stop.is_set():
        done = run_due(db, utc_now(), more)
        if any(done.values()):
            LOG.info("tasks_done", **done)
        else:
            stop.wait(PAUSE_SECONDS)


@contextmanager
def attending(db: Database, gateway: Gateway) -> Iterator[None]:
    """Do what is due at the provider, and only that, while the block runs: at once, for somebody who waits for it."""
    stop = threading.Event()
    tasks = {
        **provider_tasks(gateway, sweep_every=AWAITED_SWEEPS),
        "follow_transfers": settlements.follow_transfers,
    }

    def work() -> None:
        while not stop.wait(AWAITED_PAUSE_SECONDS):
            _do(tasks, db, utc_now())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
