"""Rolling up: the sums of closed months that reports are read from.

A closed month takes no posting, so its sums stand for ever; months are rolled up in order, so that what is rolled up
is all that lies before one day. The sums are made by a function of the database, which alone may write them.
"""

from datetime import date

import sqlalchemy as sa
from sqlalchemy import orm

_ROLL_UP = sa.text("SELECT report_roll_up()")


def roll_up(session: orm.Session) -> date | None:
    """Roll up the next closed month of the attribution book; return it, or None if none is due."""
    month: date | None = session.scalar(_ROLL_UP)
    return month
