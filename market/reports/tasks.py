"""What time does to reports."""

from datetime import datetime

from market.db import Database
from market.reports.rollups import roll_up


def roll_up_months(db: Database, now: datetime) -> int:  # noqa: ARG001 - as every task; what is closed is long over
    """Roll up every closed month that is not yet, each in a transaction of its own; return how many."""
    done = 0
    while True:
        with db.transaction() as session:
            if roll_up(session) is None:
                return done
        done += 1
