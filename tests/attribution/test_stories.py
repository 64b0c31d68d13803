"""Income follows accepted and paid lines, to the fen, whatever happens to them afterwards."""

import pytest
from sqlalchemy import orm

from market.attribution.rules import Kind, Step
from market.benefits.rules import Mechanism
from tests import factories
from tests.story import CHANNELS, Story, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def test_a_lot_sold_out_in_37_orders_releases_each_contribution_to_the_fen(session: orm.Session) -> None:
    story = Story(session, price_fen=300)
    households = [story.household() for _ in range(31)]
    amounts = {
        household.id: 1_080_000_00 * weight // sum(range(3, 34)) for weight, household in enumerate(households, 3)
    }
    amounts[households[0].id] += 1_080_000_00 - sum(amounts.values())
    lot, _ = story.lot(450_000_000, amounts)
    quantities = [450_000 * weight // sum(range(1, 38)) for weight in range(1, 38)]
    quantities[0] += 450_000 - sum(quantities)
    orders = [story.sell(str(quantity), channel=CHANNELS[position % 7]) for position, quantity in enumerate(quantities)]
    held = story.held(orders)
    session.refresh(lot)
    assert lot.accepted_milli == lot.quantity_milli
    assert {owner: fen for (kind, owner, _), fen in held.items() if kind is Kind.HOUSEHOLD} == amounts
    assert sum(fen for (kind, _, _), fen in held.items() if kind is Kind.HOUSEHOLD) == 1_080_000_00


def test_a_return_in_three_steps_takes_from_everybody_and_leaves_nobody_anything(session: orm.Session) -> None:
    shares = [(factories.household(session).id, 3 * weight + 1) for weight in range(7)]
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 777, shares)], price_fen=333)
    story.lot(100_000)
    order = story.sell("97")
    before = story.held([order])
    assert len(before) == 7 + 1
    for quantity in ("31", "29", "37"):
        story.give_back(order, quantity)
        now = story.held([order])
        assert all(fen >= 0 for fen in now.values())
        assert all(now.get(key, 0) <= fen for key, fen in before.items())
        assert sum(now.values()) == sum(line.accepted_net_fen - line.returned_net_fen for line in story.lines(order))
        before = now
    assert before == {}


def test_an_advance_is_brought_by_orders_only_as_far_as_it_is_matched(session: orm.Session) -> None:
    story = Story(session)
    household = story.household()
    _, (contribution,) = story.lot(100_000, {household.id: 60_000})
    story.disburse({household.id: 36_000}, contributions={household.id: contribution.id})
    assert story.advances(household.id) == 36_000

    order = story.sell("40")
    own = (Kind.HOUSEHOLD, household.id)
    assert story.held([order])[*own, Step.ACCRUED] == 24_000
    assert story.advances(household.id) == 36_000

    story.pay(order, 20_000)
    held = story.held([order])
    assert held[*own, Step.ACCRUED] == 12_000
    assert held[*own, Step.DISBURSED] == 12_000, "recognised, and matched by the advance at once"
    assert (*own, Step.RECOGNISED) not in held
    assert story.advances(household.id) == 24_000

    story.pay(order, 20_000)
    held = story.held([order])
    assert held[*own, Step.DISBURSED] == 24_000
    assert story.advances(household.id) == 12_000


def test_what_a_household_received_is_never_pulled_back(session: orm.Session) -> None:
    story = Story(session)
    household = story.household()
    story.lot(100_000, {household.id: 60_000})
    order = story.sell("50")
    story.pay(order, 50_000)
    story.disburse({household.id: 30_000})
    story.give_back(order, "50")
    assert story.held([order]) == {}
    assert story.advances(household.id) == 30_000
    again = story.sell("50")
    story.pay(again, 50_000)
    assert story.held([again])[Kind.HOUSEHOLD, household.id, Step.DISBURSED] == 30_000
    assert story.advances(household.id) == 0


def test_a_line_that_brings_less_than_it_releases_is_topped_up_apart(session: orm.Session) -> None:
    story = Story(session, price_fen=100)
    first, second = story.household(), story.household()
    story.lot(10_000, {first.id: 3_000, second.id: 1_000})
    order = story.sell("10")
    held = story.held([order])
    assert held[Kind.HOUSEHOLD, first.id, Step.ACCRUED] == 750
    assert held[Kind.HOUSEHOLD, second.id, Step.ACCRUED] == 250
    assert held[Kind.HOUSEHOLD, first.id, Step.TOP_UP] == 2_250
    assert held[Kind.HOUSEHOLD, second.id, Step.TOP_UP] == 750


def test_a_pool_nobody_can_share_waits_in_suspense(session: orm.Session) -> None:
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [])])
    story.lot(10_000)
    order = story.sell("10")
    held = story.held([order])
    assert held[Kind.SUSPENSE, story.supplier.id, Step.ACCRUED] == 1_000
    assert held[Kind.RETAINED, story.supplier.id, Step.ACCRUED] == 9_000


def test_a_kept_pool_climbs_with_the_money_and_falls_with_the_goods(session: orm.Session) -> None:
    story = Story(session, pools=[(Mechanism.PATRONAGE, 1_500, None)])
    story.lot(100_000)
    order = story.sell("10")
    pool = (Kind.POOL, story.supplier.id)
    assert story.held([order])[*pool, Step.ACCRUED] == 1_500
    story.pay(order, 4_000)
    assert story.held([order])[*pool, Step.ACCRUED] == 900
    assert story.held([order])[*pool, Step.RECOGNISED] == 600
    story.give_back(order, "5")
    held = story.held([order])
    assert held[*pool, Step.ACCRUED] + held.get((*pool, Step.RECOGNISED), 0) == 750
    assert held[Kind.RETAINED, story.supplier.id, Step.RECOGNISED] == 3_400
    story.pay(order, 1_000)
    assert story.held([order])[*pool, Step.RECOGNISED] == 750


def test_partial_payments_recognise_every_share_in_proportion_and_at_last_whole(session: orm.Session) -> None:
    story = Story(session, tax_bp=900)
    household = story.household()
    story.lot(100_000, {household.id: 33_333})
    order = story.sell("7", "13")
    for amount_fen in (1, 7_777, 20_000 - 7_778):
        story.pay(order, amount_fen)
        held = story.held([order])
        assert sum(held.values()) == sum(line.accepted_net_fen for line in story.lines(order))
    assert all(step is Step.RECOGNISED for _, _, step in story.held([order]))


def test_money_that_came_first_is_recognised_on_acceptance(session: orm.Session) -> None:
    story = Story(session)
    household = story.household()
    story.lot(100_000, {household.id: 50_000})
    order = story.place("10")
    story.pay(order, 10_000)
    story.deliver(order)
    story.accept(order)
    assert story.held([order])[Kind.HOUSEHOLD, household.id, Step.RECOGNISED] == 5_000
