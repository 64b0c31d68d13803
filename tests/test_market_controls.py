"""Negative controls: with a guard taken away, the random market is seen to break within a few hundred steps.

Nowhere else do tests replace the market's own code.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import Phase
from sqlalchemy import orm

from market.attribution import reversal
from market.attribution.rules import LADDER, Share, Standing, Step, fall
from market.db import Database, new_id
from market.lots import stock
from market.lots.models import Lot, Reservation
from market.lots.rules import Draw, OutOfStockError, Want
from market.money import allocate
from market.orders import acceptance, changing, placing, returns
from market.orders.rules import TRANSITIONS, OrderEvent, OrderStatus
from tests import schema
from tests.conftest import clone
from tests.market_machine import play
from tests.market_model import BrokenInvariantError, Model, check_stock, facts_of
from tests.market_world import FIRST_DAY, FIRST_NOON, World, build

CHANCE, STEPS = 2026, 600


@pytest.fixture
def world(server_url: str, template: str) -> Iterator[World]:
    with clone(server_url, template, f"market_control_{os.getpid()}") as url:
        world = build(url)
        yield world
        world.close()


def breaks(world: World, how: str) -> None:
    """Hold that the machine reports an invariant broken in this way."""
    with pytest.raises(BrokenInvariantError, match=how):
        play(world, steps=STEPS, chance=CHANCE, phases=[Phase.generate])


def test_without_the_state_check_orders_take_wrong_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to = {event: status for (_, event), status in TRANSITIONS.items()}

    def anything_goes(status: OrderStatus, event: OrderEvent) -> OrderStatus:
        return TRANSITIONS.get((status, event), leads_to[event])

    for module in (changing, acceptance, returns):
        monkeypatch.setattr(module, "after", anything_goes)
    breaks(world, "take_a_wrong_step was not refused with TransitionError")


def test_a_state_check_that_knows_one_step_too_many_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table alone is wrong, as it would be after a slip: a shipped order can be cancelled."""
    monkeypatch.setattr(
        "market.orders.rules.TRANSITIONS",
        {**TRANSITIONS, (OrderStatus.SHIPPED, OrderEvent.CANCEL): OrderStatus.CANCELLED},
    )
    breaks(world, "take_a_wrong_step was not refused with TransitionError")
