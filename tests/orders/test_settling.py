"""What an order can still be paid."""

import pytest
from sqlalchemy import orm

from market.orders import changing
from market.payments.rules import OverpaidError
from tests.story import NOON, TODAY, Story, open_channels


def test_what_was_not_shipped_can_no_longer_be_paid(session: orm.Session) -> None:
    open_channels(session)
    story = Story(session)
    story.lot(100_000)
    order = story.place("10")
    (line,) = story.lines(order)
    changing.confirm(session, story.clerk, order_id=order.id, now=NOON)
    shipped = [changing.Shipped(line.id, "3")]
    changing.ship(session, story.clerk, order_id=order.id, quantities=shipped, shipped_on=TODAY, now=NOON)
    with pytest.raises(OverpaidError):
        story.pay(order, 3_001)
    story.pay(order, 3_000)
