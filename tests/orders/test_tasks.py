"""What the worker does to orders that nobody confirmed in time."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Database
from market.lots.models import Lot
from market.orders import tasks
from market.orders.queries import changes_of
from market.orders.rules import OrderStatus
from tests.story import NOON, Story, open_channels


def test_an_order_whose_stock_is_astray_holds_up_no_other(session: orm.Session, db: Database) -> None:
    open_channels(session)
    stories = [Story(session) for _ in range(3)]
    lots = [story.lot(10_000)[0] for story in stories]
    orders = [story.place("10") for story in stories]
    astray = {"available_milli": Lot.reserved_milli, "reserved_milli": 0}
    session.execute(sa.update(Lot).where(Lot.id == lots[0].id).values(astray))
    later = NOON + timedelta(hours=73)
    assert tasks.expire_orders(db, later) == 2
    for order in orders:
        session.refresh(order)
    assert [order.status for order in orders] == [OrderStatus.PLACED, OrderStatus.EXPIRED, OrderStatus.EXPIRED]
    lapsed = changes_of(session, orders[1].id)[-1]
    assert (lapsed.event, lapsed.changed_by, lapsed.role, lapsed.organisation_name) == ("expire", None, None, None)
    assert tasks.expire_orders(db, later) == 0
    session.execute(sa.update(Lot).where(Lot.id == lots[0].id).values(available_milli=0, reserved_milli=10_000))
    assert tasks.expire_orders(db, later) == 1
