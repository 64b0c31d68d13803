"""Races run step by step: before each lock and each commit of one, another does what it wants meanwhile.

Two threads left to themselves meet where chance has them meet. Here the first is stopped, the other runs until it is
done or waits for a lock, and the first goes on: who takes locks in another order than the others is seen to deadlock.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from copy import copy
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from market.audit.doctoring import examine
from market.banking.models import BankLine
from market.clock import business_date
from market.db import Database
from market.errors import MarketError
from tests.payments.bank import Movement, export
from tests.payments.desk import Bank, code, in_custody, of_supplier, placed, selling
from tests.settlements.month import trial_balance
from tests.story import Story

T = TypeVar("T")
Act = Callable[[], object]

A_MOMENT = 0.002
LOCKS = ("FOR UPDATE", "FOR SHARE", "advisory")
_SOMEBODY_WAITS = sa.text(
    "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE NOT l.granted AND a.datname = current_database())"
)


class Crossed(NamedTuple):
    """What each got, an answer or a refusal."""

    first: object
    second: object


def got(act: Act) -> object:
    """Return what somebody gets who does something: an answer, or the refusal."""
    try:
        return act()
    except MarketError as refused:
        return refused


class _Stop:
    """Stops this thread before one of its locks or commits, until another has done something or waits for this one."""

    def __init__(self, db: Database, place: int, second: Act) -> None:
        self.db, self.left, self.second = db, place, second
        self.thread, self.people = threading.get_ident(), ThreadPoolExecutor(1)
        self.meanwhile: Future[object] | None = None

    def before_statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if any(word in statement for word in LOCKS):
            self.before_commit()

    def before_commit(self, *_: Any) -> None:
        if threading.get_ident() != self.thread:
            return
        self.left -= 1
        if self.left == 0:
            self.meanwhile = self.people.submit(got, self.second)
            while not (wait([self.meanwhile], A_MOMENT).done or self._somebody_waits()):
                pass

    def _somebody_waits(self) -> bool:
        with self.db.reading() as connection:
            return bool(connection.scalar(_SOMEBODY_WAITS))


def crossings(db: Database, begin: Callable[[], tuple[Act, Act]], *, least: int) -> Iterator[Crossed]:
    """Yield what two got who crossed at one place after another, each time from a new beginning."""
    for place in count(1):
        first, second = begin()
        stop = _Stop(db, place, second)
        events = (db.engine, "before_cursor_execute", stop.before_statement), (db.engine, "commit", stop.before_commit)
        for event in events:
            sa.event.listen(*event)
        with stop.people:
            answer = got(first)
        for event in events:
            sa.event.remove(*event)
        if stop.meanwhile is None:
            assert place > least, "it was not stopped where it should be"
            return
        yield Crossed(answer, stop.meanwhile.result())


class Custody:
    """A market whose buyers pay into custody, told by the statements of one account."""

    def __init__(self, db: Database) -> None:
        self.db, self.numbers = db, count(1)
        with db.transaction() as session:
            self.story, self.bank = selling(session), in_custody(session)
            of_supplier(self.story)

    def does(self, act: Callable[[Story, Bank], T]) -> T:
        """Do something in a transaction of its own."""
        with self.db.transaction() as session:
            bank = copy(self.bank)
            bank.session = session
            return act(self.story.elsewhere(session), bank)

    def order(self) -> tuple[UUID, str]:
        """Place an order of 100 yuan; return its id and its code."""

        def place(here: Story, _: Bank) -> tuple[UUID, str]:
            order = placed(here, "10")
            return order.id, code(here, order)

        return self.does(place)

    def statement(self, fen: int, *remarks: str) -> bytes:
        """Return a statement that tells of movements of its own."""
        return export(*(Movement(fen, remark, f"L-{next(self.numbers)}") for remark in remarks))

    def imports(self, content: bytes) -> Act:
        """Return that a statement is imported."""
        return lambda: self.does(lambda _, bank: bank.upload(content).matched)

    def open_fen(self) -> list[int]:
        """Return what is open of the lines, the oldest first."""
        lines = sa.select(BankLine.open_fen).order_by(BankLine.id)
        return self.does(lambda here, _: list(here.session.scalars(lines)))


def is_sound(db: Database, now: datetime) -> None:
    """Hold that the doctor says nothing, and that debits equal credits."""
    with db.transaction() as session:
        assert [symptom.line() for symptom in examine(session)] == []
        debit_fen, credit_fen = trial_balance(session, business_date(now))
        assert debit_fen == credit_fen
