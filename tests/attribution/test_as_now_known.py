"""What orders brought a household in a year, as now known: only what stands, under the day since when it has stood."""

from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.net_income import Correction, NetIncome, corrections, net_incomes
from market.attribution.unrecognition import UnpaidLine, unrecognise
from market.benefits.rules import IncomeClass
from market.clock import utc_now
from market.households.models import Household
from market.livelihoods.rules import Window, calendar_year
from tests import factories
from tests.attribution.dealings import CLOSED, FIFTH, NINTH, OPEN, Dealings, close_march, confirm, reverse
from tests.distributions.season import AFTER, NOW, Season
from tests.story import Story, open_channels

NOVEMBER, DECEMBER = date(2026, 11, 12), date(2026, 12, 20)
JANUARY, FEBRUARY, MARCH = date(2027, 1, 10), date(2027, 2, 5), date(2027, 3, 3)
BOTH = (calendar_year(2026), calendar_year(2027))
APRIL, MAY = date(2026, 4, 10), date(2026, 5, 6)


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


def income(session: orm.Session, household: Household, window: Window, *, booked: bool = False) -> NetIncome:
    closed = utc_now() if booked else None
    return net_incomes(session.connection(), {household.id: 2}, window, closed=closed)[household.id]


Windows = tuple[Window, Window]


def brought(
    session: orm.Session, household: Household, windows: Windows = BOTH, *, booked: bool = False
) -> list[tuple[int, int, int]]:
    """Return of either window what was received, what orders brought of it, and what is ahead of them."""
    found = [income(session, household, window, booked=booked) for window in windows]
    assert all(each.orders.brought_by_orders_fen == each.from_orders(IncomeClass.OPERATING) for each in found)
    return [(each.received_fen, each.orders.brought_by_orders_fen, each.ahead_fen) for each in found]


def ladders(session: orm.Session, household: Household) -> list[tuple[int, int, int, int]]:
    """Return of either year what was accrued, recognised, disbursed and confirmed."""
    found = [income(session, household, year).orders.total for year in BOTH]
    return [(each.accrued_fen, each.recognised_fen, each.disbursed_fen, each.confirmed_fen) for each in found]


NOTHING = [(0, 0, 0, 0)] * 2


def grower(story: Story, fen: int = 10_000) -> Household:
    """Return a household to which the whole of a lot's price goes."""
    household = story.household(head_count=2)
    story.lot(100_000, {household.id: 10 * fen})
    return household


def test_an_order_paid_out_next_year_and_then_wholly_returned_brings_nothing_in_either(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=DECEMBER)
    story.disburse({household.id: 10_000}, on=JANUARY)
    story.give_back(order, "10", on=FEBRUARY)
    assert brought(session, household) == [(0, 0, 0), (10_000, 0, 10_000)]
    assert ladders(session, household) == NOTHING
    assert brought(session, household, booked=True) == [(0, 0, 0), (10_000, 0, 10_000)]


def test_a_return_in_the_year_of_everything_else_leaves_what_was_paid_ahead(session: orm.Session, story: Story) -> None:
    household = grower(story)
    order = story.sell("10", on=JANUARY)
    story.pay(order, 10_000, on=JANUARY)
    story.disburse({household.id: 10_000}, on=FEBRUARY)
    story.give_back(order, "10", on=MARCH)
    assert brought(session, household) == [(0, 0, 0), (10_000, 0, 10_000)]


def test_what_was_returned_in_part_brings_the_rest_in_the_year_in_which_it_was_paid(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=DECEMBER)
    story.disburse({household.id: 10_000}, on=JANUARY)
    story.give_back(order, "4", on=FEBRUARY)
    assert brought(session, household) == [(0, 0, 0), (10_000, 6_000, 4_000)]
    assert ladders(session, household) == [(6_000, 6_000, 0, 0), (0, 0, 6_000, 0)]


def test_goods_paid_for_next_year_and_returned_are_recognised_in_neither(session: orm.Session, story: Story) -> None:
    household = grower(story)
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=JANUARY)
    story.give_back(order, "10", on=FEBRUARY)
    assert ladders(session, household) == NOTHING


def test_goods_paid_for_and_out_in_parts_in_both_years_bring_nothing_in_either(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    order = story.sell("10", on=NOVEMBER)
    story.pay(order, 4_000, on=NOVEMBER)
    story.pay(order, 6_000, on=JANUARY)
    story.disburse({household.id: 3_000}, on=DECEMBER)
    story.disburse({household.id: 7_000}, on=FEBRUARY)
    story.give_back(order, "5", on=MARCH)
    assert ladders(session, household) == [
        (5_000, 4_000, 0, 0),  # what was recognised last fell first
        (0, 1_000, 5_000, 0),  # of two payments the book takes the older
    ]
    story.give_back(order, "5", on=MARCH)
    assert ladders(session, household) == NOTHING
    assert brought(session, household) == [(3_000, 0, 3_000), (7_000, 0, 7_000)]


def test_what_was_confirmed_next_year_and_returned_is_confirmed_in_neither(session: orm.Session, story: Story) -> None:
    household = grower(story)
    order = story.sell("10", on=NOVEMBER)
    story.pay(order, 10_000, on=NOVEMBER)
    (slip,) = story.disburse({household.id: 10_000}, on=DECEMBER)
    confirm(session, slip, on=JANUARY)
    story.give_back(order, "10", on=FEBRUARY)
    assert ladders(session, household) == NOTHING
    assert brought(session, household) == [(10_000, 0, 10_000), (0, 0, 0)]


def test_a_payment_ahead_that_an_order_claimed_next_year_is_ahead_again_after_the_return(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    story.disburse({household.id: 10_000}, on=NOVEMBER)
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=JANUARY)
    assert brought(session, household) == [(10_000, 0, 10_000), (0, 10_000, -10_000)]
    story.give_back(order, "4", on=FEBRUARY)
    assert brought(session, household) == [(10_000, 0, 10_000), (0, 6_000, -6_000)]
    story.give_back(order, "6", on=MARCH)
    assert brought(session, household) == [(10_000, 0, 10_000), (0, 0, 0)]


def test_a_reversed_payment_was_never_claimed(session: orm.Session, story: Story) -> None:
    household = grower(story)
    (slip,) = story.disburse({household.id: 10_000}, on=NOVEMBER)
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=JANUARY)
    reverse(story, slip, on=FEBRUARY)
    assert brought(session, household) == [(0, 0, 0)] * 2
    assert ladders(session, household) == [(10_000, 0, 0, 0), (0, 10_000, 0, 0)]


def test_a_payment_that_is_reversed_after_the_return_was_never_made(session: orm.Session, story: Story) -> None:
    household = grower(story)
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=DECEMBER)
    (slip,) = story.disburse({household.id: 10_000}, on=JANUARY)
    story.give_back(order, "4", on=FEBRUARY)
    reverse(story, slip, on=MARCH)
    assert brought(session, household) == [(0, 0, 0)] * 2
    assert ladders(session, household) == [(6_000, 6_000, 0, 0), (0, 0, 0, 0)]


def test_what_the_buyer_took_back_stands_again_since_it_came_again(session: orm.Session, story: Story) -> None:
    household = grower(story)
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=DECEMBER)
    story.disburse({household.id: 10_000}, on=DECEMBER)
    (line,) = story.lines(order)
    lost = {"refund:1": [UnpaidLine(line.id, 10_000, 10_000)]}
    unrecognise(session, lost, supplier_id=story.supplier.id, on=JANUARY)
    assert brought(session, household) == [(10_000, 0, 10_000), (0, 0, 0)]
    order.paid_fen, order.refunded_fen, line.paid_fen = 0, 10_000, 0
    session.flush()
    story.pay(order, 10_000, on=FEBRUARY)
    assert brought(session, household) == [(10_000, 0, 10_000), (0, 10_000, -10_000)]


def test_a_top_up_of_what_is_returned_was_paid_in_no_year(session: orm.Session, story: Story) -> None:
    household = story.household(head_count=2)
    story.lot(10_000, {household.id: 30_000})
    order = story.sell("10", on=DECEMBER)
    story.pay(order, 10_000, on=DECEMBER)
    story.disburse({household.id: 30_000}, on=JANUARY)
    operating = [income(session, household, year).from_suppliers(IncomeClass.OPERATING) for year in BOTH]
    assert operating == [0, 30_000]
    assert income(session, household, BOTH[1]).from_orders(IncomeClass.OPERATING) == 10_000
    story.give_back(order, "10", on=FEBRUARY)
    found = [income(session, household, year) for year in BOTH]
    assert [each.from_suppliers(IncomeClass.OPERATING) for each in found] == [0, 0]
    assert [each.ahead_fen for each in found] == [0, 30_000]
    assert [each.orders.total.top_up_fen for each in found] == [0, 0]


def test_a_share_that_was_given_on_next_year_falls_in_the_year_in_which_it_was_given(session: orm.Session) -> None:
    open_channels(session)
    season = Season(session, pools=(), collective_bp=2_000)
    season.story.lot(1_000_000)
    household = factories.household(session, head_count=2)
    order = season.sell("10", on=DECEMBER)
    season.pay_collective(20_00, on=DECEMBER)
    season.give_on(12_00, {household.id: 1}, on=AFTER)
    season.story.give_back(order, "10", on=FEBRUARY)
    found = [income(session, household, year) for year in BOTH]
    assert [(each.received_fen, each.ahead_fen) for each in found] == [(0, 0), (12_00, 12_00)]
    assert ladders(session, household) == NOTHING
    assert NOW.date() == AFTER


def _figures(told: Correction) -> tuple[int, int, int]:
    return told.received_fen, told.accrued_fen, told.brought_fen


def explain(session: orm.Session, household: Household, window: Window) -> list[Correction]:
    """Return the corrections, which are the difference between what is as now known and what is by the book."""
    told = corrections(session.connection(), household.id, window, closed=utc_now())
    known, booked = (
        (found.received_fen, found.orders.total.accrued_fen, found.orders.brought_by_orders_fen)
        for found in (income(session, household, window, booked=booked) for booked in (False, True))
    )
    sums = [sum(column) for column in zip((0, 0, 0), *map(_figures, told), strict=True)]
    assert sums == [fen - booked_fen for fen, booked_fen in zip(known, booked, strict=True)]
    return list(told)


def test_a_return_of_a_closed_month_is_told_as_a_correction_of_what_it_takes_off_there(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    order = story.sell("10", on=FIFTH)
    story.pay(order, 10_000, on=FIFTH)
    story.disburse({household.id: 7_000}, on=NINTH)
    close_march(session)
    story.disburse({household.id: 3_000}, on=APRIL)
    story.give_back(order, "10", on=MAY)
    windows = (CLOSED, OPEN)
    assert brought(session, household, windows, booked=True) == [(7_000, 7_000, 0), (3_000, -7_000, 10_000)]
    assert brought(session, household, windows) == [(7_000, 0, 7_000), (3_000, 0, 3_000)]
    (told,) = explain(session, household, CLOSED)
    assert (told.reason, told.happened_on, told.booked_on) == ("return", FIFTH, MAY)
    assert _figures(told) == (0, -10_000, -7_000)
    (told,) = explain(session, household, OPEN)
    assert _figures(told) == (0, 10_000, 7_000)


def test_what_a_price_cut_takes_off_is_known_under_the_acceptance_and_what_is_topped_up_under_the_cut(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    order = story.sell("10", on=FIFTH)
    close_march(session)
    story.cut(order, 4_000, on=MAY)

    def found(window: Window, *, booked: bool = False) -> tuple[int, int]:
        total = income(session, household, window, booked=booked).orders.total
        return total.accrued_fen, total.top_up_fen

    assert [found(window, booked=True) for window in (CLOSED, OPEN)] == [(10_000, 0), (-4_000, 4_000)]
    assert [found(window) for window in (CLOSED, OPEN)] == [(6_000, 0), (0, 4_000)]


def test_a_return_of_a_closed_month_that_is_recorded_late_is_known_there_too(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    order = story.sell("10", on=FIFTH)
    story.pay(order, 10_000, on=FIFTH)
    close_march(session)
    story.disburse({household.id: 10_000}, on=NINTH)
    story.give_back(order, "4", on=NINTH)
    windows = (CLOSED, OPEN)
    assert brought(session, household, windows, booked=True) == [(0, 0, 0), (10_000, 6_000, 4_000)]
    assert brought(session, household, windows) == [(10_000, 6_000, 4_000), (0, 0, 0)]
    for window in windows:
        assert [told.reason for told in explain(session, household, window)] == ["disbursement", "return"]


def test_money_that_a_buyer_took_back_after_the_close_is_told_as_a_correction(
    session: orm.Session, story: Story
) -> None:
    household = grower(story)
    order = story.sell("10", on=FIFTH)
    story.pay(order, 10_000, on=FIFTH)
    story.disburse({household.id: 10_000}, on=NINTH)
    close_march(session)
    (line,) = story.lines(order)
    lost = {"refund:1": [UnpaidLine(line.id, 10_000, 10_000)]}
    unrecognise(session, lost, supplier_id=story.supplier.id, on=APRIL)
    (told,) = explain(session, household, CLOSED)
    assert (told.reason, told.happened_on, told.booked_on) == ("unrecognition", APRIL, APRIL)
    assert _figures(told) == (0, 0, -10_000)
    assert [told.brought_fen for told in explain(session, household, OPEN)] == [10_000]


_STANDING = sa.text(
    """
    SELECT a.step,
           CAST(sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_fen ELSE -t.amount_fen END) AS bigint) AS fen
      FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.credit_account_id, t.debit_account_id)
     WHERE a.kind = 'household' AND a.owner_id = :household
     GROUP BY a.step
    """
)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happened_nothing_is_below_zero_and_the_windows_come_to_what_stands(
    session: orm.Session, seed: int
) -> None:
    open_channels(session)
    dealings = Dealings(session, seed)
    for _ in range(30):
        dealings.act()
    for household in dealings.households:
        check(dealings, household)
    dealings.return_all()
    for household in dealings.households:
        assert {found.orders.brought_by_orders_fen for found in check(dealings, household)} == {0}


def check(dealings: Dealings, household: Household) -> list[NetIncome]:
    """Hold both windows against each other, against the book and against the payments; return them."""
    session = dealings.session
    found = [income(session, household, window) for window in (CLOSED, OPEN)]
    for each in found:
        total = each.orders.total
        steps = [total.accrued_fen, total.recognised_fen, total.disbursed_fen, total.confirmed_fen]
        assert min([*steps, total.top_up_fen, total.top_up_paid_fen]) >= 0
        assert each.received_fen == dealings.paid_in(household, each.window)
        explain(session, household, each.window)
    standing = {row.step: row.fen for row in session.execute(_STANDING, {"household": household.id})}
    for balances in zip(*(each.orders.balances for each in found), strict=True):
        step = balances[0].step
        assert sum(balance.movement_fen for balance in balances) == standing.get(step, 0), step
    return found
