"""What is told of a contribution that was annulled: that it was, and of no household that it brought it anything."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import orm

from market.attribution.net_income import corrections, net_incomes
from market.audit.rules import MonitoringRule
from market.audit.tracing import trace_order
from market.benefits.rules import IncomeClass
from market.clock import utc_now
from market.households.models import Household
from market.identity.rules import Actor, Scope
from market.livelihoods.rules import Window
from market.lots.queries import told
from market.reach.service import reach_of_order
from market.reports.lot_income import lot_income
from tests import factories
from tests.annulments.annulling_contributions import annul, assert_sound
from tests.attribution.dealings import CLOSED, FIFTH, NINTH, OPEN, close_march
from tests.attribution.test_as_now_known import DECEMBER, FEBRUARY, NOTHING, brought, ladders
from tests.attribution.test_as_now_known import MARCH as THEN
from tests.audit.test_monitoring import found
from tests.story import Story, open_channels

APRIL, MAY = date(2026, 4, 10), date(2026, 5, 6)


@pytest.fixture
def story(session: orm.Session) -> Iterator[Story]:
    open_channels(session)
    story = Story(session)
    yield story
    assert_sound(session)


@pytest.fixture
def auditor(session: orm.Session) -> Actor:
    return factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)


def test_an_order_reaches_the_households_that_gave_to_it_truly_alone(story: Story, auditor: Actor) -> None:
    real, invented = story.household(), story.household()
    lot, (_, false) = story.lot(10_000, {real.id: 3_000, invented.id: 2_000})
    order = story.sell("10")
    annulment = annul(story.session, false.id)
    reached = reach_of_order(story.session.connection(), auditor, order.id)
    assert (reached.households.payees, reached.households.accrued_fen) == (1, 3_000)
    income = lot_income(story.session.connection(), auditor, lot.id)
    (given,) = income.contributions
    assert (given.households, given.contributed_fen, income.total.accrued_fen) == (1, 3_000, 3_000)
    (line,) = trace_order(story.session, auditor, order.id).lines
    assert {share.owner_name for share in line.shares if share.kind == "household"} == {real.code}
    assert [entry.reason for entry in line.entries] == ["accrual", "annulment"]
    story.session.refresh(false)
    assert told(false)["annulment_id"] == annulment.id


def test_money_paid_for_it_is_above_all_that_may_yet_be_attributed(story: Story, auditor: Actor) -> None:
    real, invented = story.household(), story.household()
    _, (_, false) = story.lot(10_000, {real.id: 3_000, invented.id: 2_000})
    story.sell("4")
    story.disburse({real.id: 3_000, invented.id: 2_000})
    assert found(story.session, auditor, MonitoringRule.PAID_ABOVE_ATTRIBUTED) == {}
    annul(story.session, false.id)
    above = {invented.code: {"paid_above_fen": 2_000}}
    assert found(story.session, auditor, MonitoringRule.PAID_ABOVE_ATTRIBUTED) == above


def figures(session: orm.Session, household: Household, *, booked: bool = False) -> list[tuple[int, int, int, int]]:
    """Return of what was closed and of what is open: accrued, brought by orders, received and ahead of orders."""
    closed = utc_now() if booked else None
    sums = []
    for window in (CLOSED, OPEN):
        income = net_incomes(session.connection(), {household.id: 2}, window, closed=closed)[household.id]
        total = income.orders.total.accrued_fen
        sums.append((total, income.from_orders(IncomeClass.OPERATING), income.received_fen, income.ahead_fen))
    return sums


def test_in_the_households_account_it_never_was_while_the_money_was_received(story: Story) -> None:
    session = story.session
    household = story.household(head_count=2)
    _, (false,) = story.lot(100_000, {household.id: 100_000})
    first = story.sell("10", on=FIFTH)
    story.pay(first, 10_000, on=FIFTH)
    story.disburse({household.id: 7_000}, on=NINTH)
    close_march(session)
    story.sell("5", on=APRIL)
    annul(session, false.id, on=MAY)
    assert figures(session, household) == [(0, 0, 7_000, 7_000), (0, 0, 0, 0)]
    assert figures(session, household, booked=True) == [(10_000, 7_000, 7_000, 0), (-10_000, -7_000, 0, 7_000)]
    told_of = explained(session, household, CLOSED)
    assert told_of == [("annulment", FIFTH, MAY, -10_000, -7_000)]
    assert explained(session, household, OPEN) == [("annulment", FIFTH, MAY, 10_000, 7_000)]


def explained(session: orm.Session, household: Household, window: Window) -> list[tuple[object, ...]]:
    return [
        (each.reason, each.happened_on, each.booked_on, each.accrued_fen, each.brought_fen)
        for each in corrections(session.connection(), household.id, window, closed=utc_now())
    ]


def test_what_it_brought_in_two_years_it_brought_in_neither_and_the_money_is_of_its_own_year(story: Story) -> None:
    session = story.session
    household = story.household(head_count=2)
    _, (false,) = story.lot(100_000, {household.id: 100_000})
    for on in (DECEMBER, FEBRUARY):
        order = story.sell("10", on=on)
        story.pay(order, 10_000, on=on)
    story.disburse({household.id: 12_000}, on=FEBRUARY)
    assert ladders(session, household) == [(10_000, 10_000, 0, 0), (10_000, 10_000, 12_000, 0)]
    annul(session, false.id, on=THEN)
    assert ladders(session, household) == NOTHING
    assert brought(session, household) == [(0, 0, 0), (12_000, 0, 12_000)]


def test_as_of_a_day_before_it_was_found_out_nothing_was_known_of_it(story: Story) -> None:
    household = story.household(head_count=2)
    _, (false,) = story.lot(100_000, {household.id: 100_000})
    story.sell("10", on=FIFTH)
    annul(story.session, false.id, on=MAY)
    known = [
        net_incomes(story.session.connection(), {household.id: 2}, OPEN_YEAR, on=on)[household.id].orders.total
        for on in (APRIL, MAY)
    ]
    assert [each.accrued_fen for each in known] == [10_000, 0]


OPEN_YEAR = Window(date(2026, 1, 1), date(2026, 12, 31))
