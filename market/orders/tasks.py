"""What time does to orders."""

from datetime import datetime

from market.db import Database
from market.orders.changing import expire_due

AT_ONCE = 100


def expire_orders(db: Database, now: datetime) -> int:
    """Expire orders whose reservation ran out before it was confirmed; return how many."""
    expired = 0
    while True:
        with db.transaction() as session:
            some = expire_due(session, now=now, limit=AT_ONCE)
        expired += some
        if some < AT_ONCE:
            return expired
