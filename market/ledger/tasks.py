"""What time does to the ledger."""

from datetime import datetime, timedelta

from market.clock import business_date
from market.db import Database
from market.ledger.service import open_month


def open_months(db: Database, now: datetime) -> int:
    """Make room for this month and the next, so that no posting has to; there is nothing to count."""
    today = business_date(now)
    with db.transaction() as session:
        for day in (today, today.replace(day=1) + timedelta(days=32)):
            open_month(session, day=day)
    return 0
