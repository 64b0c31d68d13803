"""Corners of the history in which the book once went wrong; verification and examination watch over them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import orm

from market.attribution.rules import Kind, Step
from market.audit.doctoring import examine
from market.audit.verifying import verify
from tests.story import TODAY, Story, open_channels


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


def sound(story: Story) -> bool:
    broken = {symptom.invariant for symptom in examine(story.session)} - {"lot_is_covered"}
    return not broken and verify(story.session).sound


def test_a_gram_that_comes_back_from_one_of_two_lots_takes_no_fen_from_the_other_for_good(story: Story) -> None:
    household = story.household()
    story.lot(6_000, {household.id: 1_000})
    story.lot(4_000, {household.id: 9_000})
    order = story.sell("10")
    for _ in range(9):
        story.give_back(order, "0.001")
    assert sound(story)


def test_money_for_goods_that_came_back_pays_what_the_order_still_owes(story: Story) -> None:
    household = story.household()
    story.lot(20_000, {household.id: 10_000})
    order = story.sell("4", "4")
    story.pay(order, 4_000)
    story.give_back(order, "4", position=0)
    first, second = story.lines(order)
    assert (first.paid_fen, second.paid_fen) == (0, 4_000)
    held = story.held([order])
    assert held == {
        (Kind.HOUSEHOLD, household.id, Step.RECOGNISED): 2_000,
        (Kind.RETAINED, story.supplier.id, Step.RECOGNISED): 2_000,
    }
    assert sound(story)


def test_a_payment_dated_before_a_later_recognition_is_ahead_of_it(story: Story, session: orm.Session) -> None:
    household = story.household()
    story.lot(20_000, {household.id: 10_000})
    order = story.sell("4")
    late = TODAY + timedelta(days=20)
    story.pay(order, 1_000)
    story.disburse({household.id: 500})
    story.pay(order, 3_000, on=late)
    story.disburse({household.id: 1_500}, on=TODAY + timedelta(days=5))
    assert sound(story)
    assert _recognised_on(session, household.id, TODAY + timedelta(days=10)) == 0


def _recognised_on(session: orm.Session, owner_id: object, day: date) -> int:
    connection = session.connection()
    query = """
        SELECT coalesce(sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_fen ELSE -t.amount_fen END), 0)
          FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.credit_account_id, t.debit_account_id)
         WHERE a.owner_id = %(owner)s AND a.step = 'recognised' AND t.effective_on <= %(day)s
    """
    return int(connection.exec_driver_sql(query, {"owner": owner_id, "day": day}).scalar_one())


def test_two_lines_of_one_acceptance_release_a_carry_once(story: Story) -> None:
    households = [story.household() for _ in range(3)]
    story.lot(100_000, {household.id: 33_331 for household in households})
    story.give_back(story.sell("7"), "3.333")
    story.sell("5", "4", "3")
    assert sound(story)


def test_produce_of_a_household_that_had_left_the_register_is_not_assisted(story: Story) -> None:
    household = story.household()
    household.departed_on = date(2026, 1, 1)
    story.lot(10_000, {household.id: 5_000})
    order = story.sell("4")
    (share,) = {found.share for found in story.standings(order) if found.share.kind is Kind.HOUSEHOLD}
    assert share.assisted is False
    assert sound(story)


def test_a_line_that_brought_nothing_can_come_back(session: orm.Session) -> None:
    open_channels(session)
    story = Story(session, price_fen=1)
    household = story.household()
    story.lot(10_000, {household.id: 50_000})
    order = story.sell("1")
    story.give_back(order, "0.6")
    assert sound(story)
    story.give_back(order, "0.4")
    assert story.held([order]) == {}
    assert sound(story)
