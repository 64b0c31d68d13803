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
    REGISTER = 2
    APPLICATION = 3
    REVIEW = 4
    OBJECTION = 5
    BATCH = 6
    PRODUCT = 7
    CERTIFICATE = 8
    LOT = 9
    LOT_OPENED = 10
    LOT_CHANGED = 11
    ORDER = 12
    CONFIRMED = 13
    SHIPPED = 14
    ACCEPTED = 15
    RETURNED = 16
    BANK_ACCOUNT = 17
    STATEMENT = 18
    MATCH = 19
    REFUND = 20
    SETTLEMENT = 21
    RECEIPT = 22
    DISTRIBUTION = 23
    DISBURSED = 24
    LISTED = 25
    GIVEN_ON = 26
    RECEIVED = 27
    ITEMS = 28
    CHECKED = 29
    BASELINE = 30
    PUBLISHED = 31
    PERSON = 32
    CONSENT = 33


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
        return morning(self.on) + timedelta(minutes=15 * self.turn)

    @property
    def week(self) -> date:
        """Return the Monday of its week."""
        return self.on - timedelta(days=self.on.weekday())


def morning(on: date) -> datetime:
    """Return nine o'clock of a day in China."""
    return datetime.combine(on, time(9), CHINA_STANDARD_TIME)
