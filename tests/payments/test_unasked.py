"""Refunds that nobody here asked for: their money is gone, of an order if that is known, and never twice."""

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankLine
from market.banking.rules import Meaning, Waiting
from market.db import Database
from market.orders.models import Order
from market.payments import calls, matching, meaning, noting, refunding
from market.payments.blocking import blocked
from market.payments.models import Refund
from market.payments.refund_queries import RefundSource
from market.payments.rules import CallStatus, ProposalEvent, RefundStatus, RefundTooMuchError, RefundUnclearError
from market.payments.unasked import Choice, chosen
from tests.payments.desk import selling
from tests.payments.test_refunds import PAYER, approve, asked, cancelled_online
from tests.payments.till import Till, online_order, opened, placed_together
from tests.story import Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def till(db: Database, session: orm.Session) -> Iterator[Till]:
    with opened(db, session) as till:
        yield till


def refund_on_the_providers_pages(till: Till, order: Order, fen: int) -> str:
    made = till.client.v1.refunds.create({"charge": till.charge_of(order), "amount": fen})
    till.later(minutes=11)
    till.work(sweep=True)
    return made.id


def fails(till: Till, refund_id: str) -> None:
    till.emulator.fail_refund(refund_id)
    till.later(minutes=11)
    till.work(sweep=True)


def test_a_refund_made_on_the_providers_pages_is_counted_and_does_not_go_back_twice(story: Story, till: Till) -> None:
    order = cancelled_online(story, till)
    undecided = asked(till.clerk, story.session, order, now=till.now)
    refund_on_the_providers_pages(till, order, 4_000)
    assert (undecided.status, order.refunded_fen) == (RefundStatus.DECLINED, 4_000)
    assert till.complaints() == []
    with pytest.raises(RefundTooMuchError):
        asked(till.clerk, story.session, order, 6_001, now=till.now)
    approve(till.colleague, story.session, asked(till.clerk, story.session, order, now=till.now), till.now)
    till.work()
    assert order.refunded_fen == 10_000
    assert till.complaints() == []


def test_a_refund_of_accepted_goods_on_the_providers_pages_is_owed_again(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    till.charge(payment)
    charge = str(till.gateway.payment(str(payment.provider_id)).charge_id)
    refund = till.client.v1.refunds.create({"charge": charge, "amount": 3_000})
    with till.db.transaction() as session:  # told before the payment that it is of
        noting.note(session, till.gateway.refund(refund.id), now=till.now)
    till.work(sweep=True)
    story.deliver(order)
    story.accept(order)
    assert (order.captured_fen, order.refunded_fen) == (10_000, 3_000)
    assert till.complaints() == []
    assert till.pay(story.orderer, order).amount_fen == 3_000
    fails(till, refund.id)
    assert (order.captured_fen, order.refunded_fen) == (13_000, 0)
    assert till.complaints() == []


def parked(till: Till, order: Order, story: Story) -> Refund:
    """Approve a refund of which the provider does not answer until people look into it."""
    refund = asked(till.clerk, story.session, order, now=till.now)
    approve(till.colleague, story.session, refund, till.now)
    till.calls()[-1].status = CallStatus.PARKED
    return refund


def test_a_refund_made_on_the_providers_pages_while_ours_hangs_is_ours(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    story.deliver(order)
    story.accept(order, found={0: {"accepted": "7", "rejected": "3"}})
    refund = parked(till, order, story)
    refund_on_the_providers_pages(till, order, 3_000)
    assert (refund.status, order.refunded_fen) == (RefundStatus.SUCCEEDED, 3_000)
    assert till.calls()[-1].status is CallStatus.DONE
    assert till.complaints() == []


def test_a_refund_whose_line_has_a_meaning_is_taken_for_no_orders_any_more(story: Story, till: Till) -> None:
    order = cancelled_online(story, till)
    refund = parked(till, order, story)
    made = refund_on_the_providers_pages(till, order, 4_000)
    line = waiting_line(till)
    said = meaning.propose(
        till.session, till.clerk, line_id=line.id, meaning=Meaning.PLATFORM_MONEY, reason="误退", now=till.now
    )
    matching.decide(till.session, till.colleague, proposal_id=said.id, event=ProposalEvent.APPROVE, now=till.now)
    calls.retry(till.session, till.calls()[-1].id, now=till.now)
    till.work()
    noting.note(till.session, till.gateway.refund(made), now=till.now)
    assert (refund.status, line.open_fen, order.refunded_fen) == (RefundStatus.FAILED, 0, 0)
    assert till.complaints() == []


def paid_together(story: Story, till: Till) -> tuple[Order, Order]:
    """Pay two orders of different suppliers at once, of 60 and of 40 yuan, and give them up."""
    first, second, other = placed_together(story)
    till.pay(story.orderer, first)
    story.cancel(first)
    other.cancel(second)
    return first, second


def test_a_whole_payment_refunded_on_the_providers_pages_is_of_all_its_orders(story: Story, till: Till) -> None:
    orders = paid_together(story, till)
    made = refund_on_the_providers_pages(till, orders[0], 10_000)
    assert [order.refunded_fen for order in orders] == [6_000, 4_000]
    assert till.complaints() == []
    fails(till, made)
    assert [order.refunded_fen for order in orders] == [0, 0]
    assert till.complaints() == []


def test_nothing_of_a_payment_moves_while_it_is_not_known_of_which_order_something_went_back(
    story: Story, till: Till
) -> None:
    first, second = paid_together(story, till)
    refund = asked(till.clerk, story.session, first, now=till.now)
    approve(till.colleague, story.session, refund, till.now)
    till.work()
    fails(till, str(refund.provider_id))
    wish = asked(till.clerk, story.session, second, now=till.now)
    made = refund_on_the_providers_pages(till, second, 3_000)
    with pytest.raises(RefundUnclearError):
        asked(till.clerk, story.session, first, now=till.now)
    with pytest.raises(RefundUnclearError):
        approve(till.colleague, story.session, wish, till.now)
    with pytest.raises(RefundUnclearError):
        refunding.reroute(story.session, till.clerk, refund_id=refund.id, payee=PAYER, reason="改付", now=till.now)
    assert set(blocked(story.session, [first.id, second.id])) == {first.id, second.id}
    assert till.complaints() == []
    fails(till, made)
    assert not blocked(story.session, [first.id, second.id])
    approve(till.colleague, story.session, wish, till.now)


def test_a_refund_is_looked_at_again_until_it_is_known_of_which_order_it_is(story: Story, till: Till) -> None:
    first, second = paid_together(story, till)
    refund_on_the_providers_pages(till, second, 3_000)
    till.later(days=5)
    till.pay(story.orderer, online_order(story, "1"))
    refund_on_the_providers_pages(till, second, 5_000)
    till.later(minutes=11)
    till.work(sweep=True)
    assert (first.refunded_fen, second.refunded_fen) == (5_000, 3_000)
    assert till.complaints() == []


def waiting_line(till: Till) -> BankLine:
    return till.session.scalars(sa.select(BankLine).where(BankLine.waiting == Waiting.REFUNDED_UNASKED)).one()


def test_of_which_order_a_refund_was_made_elsewhere_is_never_guessed() -> None:
    source = RefundSource(UUID(int=1), 10_000, "", "", None)
    due, owing, whole = (Choice(Order(), source, fen) for fen in (500, 0, 10_000))
    assert chosen([whole, due, owing], 500) == [(due, 500)]
    assert chosen([whole, owing], 500) == [(whole, 500)]
    assert chosen([owing], 500) == [(owing, 500)]
    assert chosen([whole, due], 400) == []
    assert chosen([whole, due], 20_000) == [(whole, 10_000), (due, 10_000)]
    assert chosen([], 400) == []
