"""A contribution that never was is taken off the book: what it stood to get stays with the supplier, in every lot."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import queries
from market.attribution.rules import Kind, Step
from market.ledger.models import LedgerEntry
from market.lots import opening
from market.lots.models import Contribution
from market.lots.rules import (
    LotStatus,
)
from market.orders.models import Order
from tests.annulments.annulling_contributions import LATER, annul, approve, assert_sound, on_sale, proposed
from tests.attribution.dealings import FIFTH, NINTH, close_march, confirm
from tests.attribution.test_moving_on import move_on
from tests.story import TODAY, Story, open_channels

APRIL = date(2026, 4, 20)


@pytest.fixture
def story(session: orm.Session) -> Iterator[Story]:
    open_channels(session)
    told = Story(session)
    yield told
    assert_sound(session)


def held(story: Story, *orders: Order) -> dict[tuple[Kind, UUID, Step], int]:
    return story.held(orders)


def test_what_an_invented_household_stood_to_get_stays_with_the_supplier_for_the_rest_of_the_lot_too(
    story: Story,
) -> None:
    real, invented = story.household(), story.household()
    _, (_, false) = story.lot(100_000, {real.id: 30_000, invented.id: 20_000})
    before = story.sell("40")
    annul(story.session, false.id)
    after = story.sell("60")
    assert held(story, before) == {
        (Kind.HOUSEHOLD, real.id, Step.ACCRUED): 12_000,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 28_000,
    }
    assert held(story, after) == {
        (Kind.HOUSEHOLD, real.id, Step.ACCRUED): 18_000,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 42_000,
    }


def test_what_was_paid_for_is_retained_as_paid_for_and_the_rest_as_not(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(100_000, {invented.id: 60_000})
    order = story.sell("10")
    story.pay(order, 5_000)
    annul(story.session, false.id)
    assert held(story, order) == {
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 5_000,
        (Kind.RETAINED, story.supplier.id, Step.RECOGNISED): 5_000,
    }
    story.pay(order, 5_000)
    assert held(story, order) == {(Kind.RETAINED, story.supplier.id, Step.RECOGNISED): 10_000}


def test_the_money_of_a_paid_false_household_becomes_an_advance_that_nothing_claims(story: Story) -> None:
    invented = story.household()
    _, (false, _) = story.lot(100_000, {invented.id: 50_000, story.household().id: 10_000})
    order = story.sell("40")
    story.pay(order, 40_000)
    story.disburse({invented.id: 15_000}, contributions={invented.id: false.id})
    annul(story.session, false.id)
    assert story.advances(invented.id) == 15_000
    assert not any(owner == invented.id for _, owner, _ in held(story, order))
    story.lot(10_000, {invented.id: 5_000})
    later = [story.sell("60"), story.sell("10")]
    for each in later:
        story.pay(each, each.amount_fen)
    assert held(story, *later)[Kind.HOUSEHOLD, invented.id, Step.RECOGNISED] == 5_000, "it is owed what it gave truly"
    assert story.advances(invented.id) == 15_000


def test_money_that_was_for_nothing_named_claims_what_the_household_is_owed_for_what_it_gave_truly(
    story: Story,
) -> None:
    household = story.household()
    _, (false,) = story.lot(10_000, {household.id: 5_000})
    order = story.sell("10")
    story.lot(10_000, {household.id: 3_000})
    other = story.sell("10")
    story.pay(order, 10_000)
    story.disburse({household.id: 5_000})
    story.pay(other, 10_000)
    annul(story.session, false.id)
    assert held(story, other)[Kind.HOUSEHOLD, household.id, Step.DISBURSED] == 3_000
    assert story.advances(household.id) == 2_000


def test_what_a_household_confirmed_it_keeps(story: Story) -> None:
    household = story.household()
    _, (false,) = story.lot(10_000, {household.id: 5_000})
    order = story.sell("10")
    story.pay(order, 10_000)
    (slip,) = story.disburse({household.id: 5_000})
    confirm(story.session, slip, on=TODAY)
    annul(story.session, false.id)
    assert story.advances(household.id) == 5_000
    assert held(story, order) == {(Kind.RETAINED, story.supplier.id, Step.RECOGNISED): 10_000}


def test_what_the_supplier_topped_up_for_it_is_owed_no_more_and_others_top_ups_stay(story: Story) -> None:
    real, invented = story.household(), story.household()
    _, (_, false) = story.lot(10_000, {real.id: 10_000, invented.id: 10_000})
    order = story.sell("10")
    assert held(story, order)[Kind.HOUSEHOLD, invented.id, Step.TOP_UP] == 5_000
    annul(story.session, false.id)
    assert held(story, order) == {
        (Kind.HOUSEHOLD, real.id, Step.ACCRUED): 5_000,
        (Kind.HOUSEHOLD, real.id, Step.TOP_UP): 5_000,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 5_000,
    }


def test_a_top_up_that_was_paid_becomes_an_advance(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(10_000, {invented.id: 30_000})
    order = story.sell("10")
    story.pay(order, 10_000)
    story.disburse({invented.id: 30_000})
    annul(story.session, false.id)
    assert story.advances(invented.id) == 30_000
    assert held(story, order) == {(Kind.RETAINED, story.supplier.id, Step.RECOGNISED): 10_000}


def test_what_was_moved_on_goes_with_it_however_far_and_nothing_of_it_is_moved_on_later(story: Story) -> None:
    session = story.session
    real, invented = story.household(), story.household()
    lot, (_, false) = story.lot(40_000, {real.id: 20_000, invented.id: 20_000})
    first = on_sale(story, move_on(story, lot, 20_000))
    second = on_sale(story, move_on(story, first, 10_000))
    before = story.sell("25")
    annul(session, false.id)
    session.refresh(second)
    third = on_sale(story, move_on(story, second, second.available_milli))
    of_lots = sa.select(Contribution.lot_id, Contribution.annulment_id.is_not(None))
    found = session.execute(of_lots.where(Contribution.household_id == invented.id)).all()
    assert sorted(map(tuple, found)) == sorted([(each.id, True) for each in (lot, first, second)])
    after = story.sell("15")
    assert not any(owner == invented.id for _, owner, _ in held(story, before, after))
    assert held(story, before, after)[Kind.HOUSEHOLD, real.id, Step.ACCRUED] == 20_000, "to the fen, in whatever lots"
    assert queries.contribution_facts(session, [third.id])


def test_a_draft_made_of_such_a_lot_is_annulled_in_part_and_can_be_discarded(story: Story) -> None:
    real, invented = story.household(), story.household()
    lot, (_, false) = story.lot(20_000, {real.id: 10_001, invented.id: 10_001})
    draft = move_on(story, lot, 7_000)
    annul(story.session, false.id)
    opening.discard(story.session, story.clerk, lot_id=draft.id)
    assert story.session.get_one(type(draft), draft.id).status is LotStatus.DISCARDED
    found = held(story, story.sell("20"))
    assert found == {
        (Kind.HOUSEHOLD, real.id, Step.ACCRUED): 10_001,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 9_999,
    }


def test_a_return_after_it_brings_everybody_of_the_line_to_zero(story: Story) -> None:
    real, invented = story.household(), story.household()
    _, (_, false) = story.lot(10_000, {real.id: 3_333, invented.id: 3_333})
    order = story.sell("10")
    story.pay(order, 10_000)
    story.disburse({real.id: 3_000, invented.id: 1_000})
    annul(story.session, false.id)
    story.give_back(order, "3", on=LATER)
    assert held(story, order)[Kind.RETAINED, story.supplier.id, Step.RECOGNISED] == 4_667, "seven tenths of 6,667"
    story.give_back(order, "7", on=LATER)
    assert held(story, order) == {}
    assert (story.advances(real.id), story.advances(invented.id)) == (3_000, 1_000)


def test_a_price_cut_after_it_is_split_over_what_remains(story: Story) -> None:
    real, invented = story.household(), story.household()
    _, (_, false) = story.lot(10_000, {real.id: 4_000, invented.id: 4_000})
    order = story.sell("10")
    annul(story.session, false.id)
    story.cut(order, 1_000, on=LATER)
    assert held(story, order) == {
        (Kind.HOUSEHOLD, real.id, Step.ACCRUED): 3_600,
        (Kind.HOUSEHOLD, real.id, Step.TOP_UP): 400,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 5_400,
    }


def test_of_consigned_produce_the_part_that_was_nobodys_stays_with_the_supplier(story: Story) -> None:
    real, invented = story.household(), story.household()
    lot, (_, false) = story.consign(40_000, {real.id: 20_000, invented.id: 20_000})
    before = story.sell("10")
    annul(story.session, false.id)
    on_sale(story, move_on(story, lot, 10_000))
    after = story.sell("30")
    assert held(story, before) == {
        (Kind.HOUSEHOLD, real.id, Step.ACCRUED): 4_500,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 5_500,
    }
    assert held(story, after) == {
        (Kind.HOUSEHOLD, real.id, Step.ACCRUED): 13_500,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 16_500,
    }


def test_what_was_sold_by_two_lots_of_one_line_falls_by_the_false_one_alone(story: Story) -> None:
    household = story.household()
    _, (false,) = story.lot(10_000, {household.id: 4_000})
    story.lot(10_000, {household.id: 2_000})
    order = story.sell("20")
    annul(story.session, false.id)
    assert held(story, order) == {
        (Kind.HOUSEHOLD, household.id, Step.ACCRUED): 2_000,
        (Kind.RETAINED, story.supplier.id, Step.ACCRUED): 18_000,
    }


def test_of_what_came_back_before_nothing_is_taken_twice(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(10_000, {invented.id: 5_000})
    order = story.sell("10")
    story.give_back(order, "10")
    annul(story.session, false.id)
    assert held(story, order) == {}
    posted = sa.select(sa.func.count()).where(LedgerEntry.reason == "annulment")
    assert story.session.scalar(posted) == 0, "nothing stood, nothing fell"
    assert held(story, story.sell("10")) == {(Kind.RETAINED, story.supplier.id, Step.ACCRUED): 10_000}


def test_what_was_sold_and_came_back_while_it_waited_was_the_households_until_it_was_decided(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(10_000, {invented.id: 5_000})
    waiting = proposed(story.session, false.id)
    order = story.sell("10")
    assert held(story, order)[Kind.HOUSEHOLD, invented.id, Step.ACCRUED] == 5_000
    story.give_back(order, "10")
    approve(story.session, waiting)
    assert held(story, order, story.sell("10")) == {(Kind.RETAINED, story.supplier.id, Step.ACCRUED): 10_000}


def test_it_counts_from_the_day_on_which_all_that_it_takes_was_there(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(20_000, {invented.id: 10_000})
    order = story.sell("10", on=FIFTH)
    story.sell("10", on=NINTH)
    story.pay(order, 10_000, on=APRIL)
    annul(story.session, false.id, on=LATER)
    days = sa.select(LedgerEntry.effective_on, LedgerEntry.original_effective_on)
    (day,) = story.session.execute(days.where(LedgerEntry.reason == "annulment"))
    assert tuple(day) == (APRIL, FIFTH)


def test_into_a_closed_month_goes_nothing(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(20_000, {invented.id: 10_000})
    story.sell("10", on=FIFTH)
    close_march(story.session)
    annul(story.session, false.id, on=NINTH)
    days = sa.select(LedgerEntry.effective_on, LedgerEntry.original_effective_on)
    (day,) = story.session.execute(days.where(LedgerEntry.reason == "annulment"))
    assert tuple(day) == (date(2026, 4, 1), FIFTH)
