"""A pool tells what lines brought less what came back, also of what had been given out of it before."""

from datetime import date

import pytest
from sqlalchemy import orm

from market.benefits.holdings import Entitlement, Holding
from market.benefits.rules import Mechanism
from market.distributions import pools
from market.orders.models import Order
from tests import factories
from tests.distributions.season import AFTER, Season
from tests.story import open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def balance(season: Season) -> tuple[int, int, int]:
    """Return of the one pool what was brought, distributed and is left, which add up."""
    (pool,) = pools.pools(season.session, season.story.clerk, after=None, limit=10)
    left_fen = pool.accrued_fen + pool.recognised_fen
    assert pool.brought_fen == pool.distributed_fen + left_fen
    return pool.brought_fen, pool.distributed_fen, left_fen


def given(season: Season, orders: list[Order]) -> int:
    """Return what stands of shares of the pool's mechanism with households."""
    held = season.story.held(orders)
    return sum(fen for (kind, _, _), fen in held.items() if kind == "household")


def test_a_pool_given_out_and_then_wholly_returned_brought_nothing(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    first, second = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    orders = [season.sell("10"), season.sell("20")]
    season.share_out(season.dividend(15_00, Holding(str(first.id), own_fen=2), Holding(str(second.id), own_fen=1)))
    assert balance(season) == (30_00, 15_00, 15_00)
    season.story.disburse({first.id: 10_00}, on=AFTER)
    for order, quantity in ((orders[0], "5"), (orders[1], "7"), (orders[0], "5"), (orders[1], "13")):
        season.story.give_back(order, quantity, on=AFTER)
        assert balance(season)[1] == given(season, orders)
    assert balance(season) == (0, 0, 0)


def test_of_what_falls_of_shares_from_a_pool_and_retained_money_the_pool_has_its_part(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.PATRONAGE, 1_000, None)])
    household = season.story.household()
    season.deliver({household.id: 100})
    order = season.sell("10")
    made = season.share_out(season.patronage(40_00))
    assert (made.from_pool_fen, made.from_retained_fen) == (10_00, 30_00)
    assert balance(season) == (10_00, 10_00, 0)
    season.story.give_back(order, "5", on=AFTER)
    assert balance(season) == (5_00, 5_00, 0)
    season.story.give_back(order, "5", on=AFTER)
    assert balance(season) == (0, 0, 0)


def test_what_is_kept_of_retained_money_falls_in_the_pool_and_lines_brought_it_nothing(session: orm.Session) -> None:
    direct = factories.household(session)
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(direct.id, 1)])])
    there, gone = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    orders = [season.sell("10"), season.sell("20")]
    gone.departed_on = date(2026, 6, 1)
    session.flush()
    season.share_out(season.dividend(30_00, Holding(str(there.id), own_fen=2), Holding(str(gone.id), own_fen=1)))
    assert balance(season) == (0, -10_00, 10_00)
    for order, quantity in ((orders[0], "5"), (orders[1], "7"), (orders[0], "5")):
        season.story.give_back(order, quantity, on=AFTER)
        assert balance(season)[0] == 0
    season.story.give_back(orders[1], "13", on=AFTER)
    assert balance(season) == (0, 0, 0)


def test_what_a_collective_gave_on_of_a_pool_falls_with_what_was_returned(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.CUSTODY, 1_000, None)], collective_bp=1_000)
    keeper, villager = season.story.household(), factories.household(session)
    season.story.lot(1_000_000)
    order = season.sell("100")
    entitled = Entitlement(str(keeper.id), 100_00, 1_000, 4_000, 6_000, str(season.collective.id))
    season.share_out(season.custody(entitled))
    assert balance(season) == (100_00, 100_00, 0)
    season.pay_collective(160_00)
    season.give_on(120_00, {villager.id: 1})
    season.story.give_back(order, "50", on=AFTER)
    assert balance(season) == (50_00, 50_00, 0)
    season.give_on(10_00, {villager.id: 1})
    season.story.give_back(order, "50", on=AFTER)
    assert season.story.held([order]) == {}
    assert balance(season) == (0, 0, 0)


def test_a_price_cut_takes_off_a_pool_and_what_was_given_out_of_it_alike(session: orm.Session) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    first, second = season.story.household(), season.story.household()
    season.story.lot(1_000_000)
    orders = [season.sell("10"), season.sell("20")]
    season.share_out(season.dividend(15_00, Holding(str(first.id), own_fen=2), Holding(str(second.id), own_fen=1)))
    for order in orders:
        season.story.cut(order, order.amount_fen // 5, on=AFTER)
        assert balance(season)[1] == given(season, orders)
    assert balance(season) == (24_00, 12_00, 12_00)
