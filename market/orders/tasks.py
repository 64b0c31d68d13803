"""What time does to orders."""

from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from market.db import Database
from market.errors import MarketError
from market.orders.changing import due_orders, expire

LOG = structlog.get_logger()


def expire_orders(db: Database, now: datetime) -> int:
    """Expire orders whose reservation ran out before it was confirmed; return how many.

    Each in a transaction of its own: one that fails is logged, holds up no other, and is tried again next time.
    """
    with db.transaction() as session:
        due = due_orders(session, now=now)
    expired = 0
    for order_id in due:
        try:
            with db.transaction() as session:
                expired += expire(session, order_id=order_id, now=now)
        except (MarketError, SQLAlchemyError) as error:
            LOG.exception("order_not_expired", order_id=str(order_id), reason=type(error).__name__)
    return expired
