"""Returns leave roundings behind; what they leave is released once, and a line that brought nothing falls too."""

from uuid import UUID

import pytest
from sqlalchemy import orm

from market import money
from market.attribution import queries
from market.attribution.rules import Kind, Step
from market.lots.models import Lot
from market.orders.models import Order
from tests.story import Story, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def assert_released(story: Story, lot: Lot, orders: list[Order]) -> None:
    """What stands posted of each contribution, and what is left to carry, is its part of what is drawn of the lot."""
    story.session.refresh(lot)
    posted: dict[UUID | None, int] = {}
    for order in orders:
        for share, _, _, fen, *_ in story.standings(order):
            posted[share.contribution_id] = posted.get(share.contribution_id, 0) + fen
    for fact in queries.contribution_facts(story.session, [lot.id]):
        due = money.released(fact.amount_fen, lot.accepted_milli, lot.quantity_milli)
        assert posted.get(fact.contribution_id, 0) + fact.carry_fen == due


@pytest.mark.parametrize("price_fen", [1_000, 7])
def test_what_a_return_left_of_a_contribution_is_released_once_by_two_lines_of_one_lot(
    session: orm.Session, price_fen: int
) -> None:
    story = Story(session, price_fen=price_fen)
    households = [story.household() for _ in range(5)]
    lot, _ = story.lot(97_000, {household.id: 997 + 13 * n for n, household in enumerate(households)})
    orders = [story.sell("41", "7")]
    for quantity in ("3", "5", "7"):
        story.give_back(orders[0], quantity)
        assert_released(story, lot, orders)
    assert any(fact.carry_fen for fact in queries.contribution_facts(session, [lot.id]))
    orders.append(story.sell("2", "3", "4"))
    assert_released(story, lot, orders)
    orders.append(story.sell("55"))
    assert_released(story, lot, orders)
    assert lot.accepted_milli == lot.quantity_milli
    carried = [fact.carry_fen for fact in queries.contribution_facts(session, [lot.id])]
    assert carried == [0] * 5, "a lot sold out has released every contribution whole"


def test_a_line_that_brought_nothing_is_returned_with_its_top_ups(session: orm.Session) -> None:
    story = Story(session, price_fen=1)
    household = story.household()
    story.lot(100_000, {household.id: 10_000})
    order = story.place("10")
    story.deliver(order)
    story.accept(order, found={0: {"received": "0.4", "accepted": "0.4", "short": "9.6"}})
    assert story.held([order]) == {(Kind.HOUSEHOLD, household.id, Step.TOP_UP): 40}
    story.give_back(order, "0.4")
    assert story.held([order]) == {}
