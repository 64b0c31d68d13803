"""The history as events in order of time: what happens on a day, in the order in which one thing allows the next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum

from sqlalchemy import orm

from market.clock import CHINA_STANDARD_TIME


class Turn(IntEnum):
    """The order of events within a day."""

    PLAN = 1
    APPLICATION = 2
    REVIEW = 3
    OBJECTION = 4
    BATCH = 5
    PRODUCT = 6
    CERTIFICATE = 7
    LOT = 8
    LOT_OPENED = 9
    LOT_CHANGED = 10
    ORDER = 11
    CONFIRMED = 12
    SHIPPED = 13
    ACCEPTED = 14
    RETURNED = 15
    BANK_ACCOUNT = 16
    STATEMENT = 17
    MATCH = 18
    REFUND = 19
    SETTLEMENT = 20
    RECEIPT = 21
    DISBURSED = 22
    RECEIVED = 23


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a day; `act` does it in the session, at the instant it is given."""

    on: date
    turn: Turn
    name: str
    act: Callable[[orm.Session, datetime], object]

    @property
    def at(self) -> datetime:
        """Return the instant: office hours in China, one turn after the other."""
        return morning(self.on) + timedelta(minutes=20 * self.turn)

    @property
    def week(self) -> date:
        """Return the Monday of its week."""
        return self.on - timedelta(days=self.on.weekday())


def morning(on: date) -> datetime:
    """Return nine o'clock of a day in China."""
    return datetime.combine(on, time(9), CHINA_STANDARD_TIME)
