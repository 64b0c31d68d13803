"""What is kept back of a settlement for a while, and what goods that come back take of it."""

from datetime import timedelta

import pytest
from sqlalchemy import orm

from market.attribution.rules import Step
from market.channels.rules import FundsModel
from market.ledger import queries as ledger
from market.ledger.rules import Book
from market.settlements import queries, service
from market.settlements.models import Settlement
from market.settlements.rules import NothingToSettleError, StaleSettlementError
from tests.payments.desk import Bank, complaints, in_custody, of_supplier
from tests.settlements.custody import approve, comes_back, draft, paid, settle
from tests.settlements.keeping import DAYS, publish_reserve
from tests.story import NOON, TODAY, Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    publish_reserve(session)
    story = Story(session, price_fen=1_000)
    story.lot(1_000_000, {story.household().id: 333_333})
    of_supplier(story)
    return story


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    return in_custody(session)


def stands(story: Story) -> dict[str, int]:
    """Return what the supplier is owed, has in reserve and owes."""
    found = ledger.balances(story.session, Book.CASH, on=TODAY + 2 * DAYS)
    kinds = ("supplier_payable", "supplier_reserve", "supplier_receivable")
    return {kind: sum(found[kind]) for kind in kinds if sum(found.get(kind, ()))}


def sums(settlement: Settlement) -> tuple[int, int, int, int, int, int]:
    return (
        settlement.gross_fen,
        settlement.fee_fen,
        settlement.netted_fen,
        settlement.reserved_fen,
        settlement.released_fen,
        settlement.amount_fen,
    )


def test_part_of_what_is_due_is_kept_back_and_paid_when_its_days_are_over(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    assert (order.reserve_bp, order.reserve_days) == (1_000, 30)
    assert sums(settle(story, custody)) == (10_000, 200, 0, 980, 0, 8_820)
    story.session.refresh(order)
    assert (order.settled_fen, order.reserved_fen, order.paid_fen) == (10_000, 980, 9_020)
    assert stands(story) == {"supplier_reserve": 980}
    assert story.standing(order, Step.ACCRUED) == 980
    assert complaints(story.session) == []
    with pytest.raises(NothingToSettleError):
        draft(story, custody, now=NOON + DAYS - timedelta(days=1))
    assert sums(settle(story, custody, now=NOON + DAYS)) == (0, 0, 0, 0, 980, 980)
    story.session.refresh(order)
    assert (order.reserved_fen, order.paid_fen, story.standing(order, Step.ACCRUED)) == (0, 10_000, 0)
    assert stands(story) == {}
    assert complaints(story.session) == []


def test_goods_that_come_back_take_the_reserve_before_the_supplier_owes(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settle(story, custody)
    story.give_back(order, "0.5")
    assert stands(story) == {"supplier_reserve": 490}
    assert complaints(story.session) == []
    story.give_back(order, "1.5")
    assert stands(story) == {"supplier_receivable": 980}
    assert complaints(story.session) == []
    paid(story, custody, "10")
    assert sums(settle(story, custody)) == (10_000, 200, 1_960, 980, 980, 7_840)
    assert stands(story) == {"supplier_reserve": 980}
    assert complaints(story.session) == []


def test_what_is_left_of_a_reserve_is_released(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settle(story, custody)
    story.give_back(order, "0.5")
    assert sums(settle(story, custody, now=NOON + DAYS)) == (0, 0, 490, 0, 980, 490)
    assert stands(story) == {}
    assert complaints(story.session) == []


def test_what_was_drafted_before_the_days_were_over_is_approved_after_them(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = draft(story, custody)
    approve(custody, settlement, now=NOON + DAYS)
    assert stands(story) == {"supplier_reserve": 980}
    assert complaints(story.session) == []


def test_a_reserve_that_goods_took_since_the_draft_makes_it_stale(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    settle(story, custody)
    release = draft(story, custody, now=NOON + DAYS)
    story.give_back(order, "0.5")
    with pytest.raises(StaleSettlementError):
        approve(custody, release)


def test_a_release_whose_settlement_comes_back_is_due_again(story: Story, custody: Bank) -> None:
    order = paid(story, custody, "10")
    first = settle(story, custody)
    comes_back(custody, settle(story, custody, now=NOON + DAYS))
    assert stands(story) == {"supplier_reserve": 980}
    assert complaints(story.session) == []
    settle(story, custody, now=NOON + DAYS)
    comes_back(custody, first)
    story.session.refresh(order)
    assert (order.settled_fen, order.reserved_fen, order.paid_fen) == (0, -980, 980)
    assert stands(story) == {"supplier_payable": 8_820}
    assert complaints(story.session) == []
    assert settle(story, custody, now=NOON + DAYS).amount_fen == 8_820
    assert stands(story) == {}
    assert complaints(story.session) == []


def test_a_payment_that_fails_leaves_nothing_in_reserve(story: Story, custody: Bank) -> None:
    paid(story, custody, "10")
    settlement = draft(story, custody)
    approve(custody, settlement)
    service.instruct(story.session, custody.clerk, settlement_id=settlement.id, now=NOON)
    service.fail(story.session, custody.colleague, settlement_id=settlement.id, now=NOON)
    assert stands(story) == {"supplier_payable": 9_800}
    (item,) = queries.items_of(story.session, [settlement.id])
    assert (item.gross_fen, item.fee_fen, item.reserved_fen) == (10_000, 200, 980)
    assert complaints(story.session) == []


def test_an_order_that_is_paid_directly_keeps_nothing_back(session: orm.Session) -> None:
    publish_reserve(session, FundsModel.DIRECT, FundsModel.CUSTODIAN, fee_bp=0)
    story = Story(session)
    story.lot(10_000)
    direct, held = story.place("1"), story.place("1", funds_model=FundsModel.CUSTODIAN)
    assert (direct.reserve_bp, direct.reserve_days, held.reserve_bp, held.reserve_days) == (0, 0, 1_000, 30)
