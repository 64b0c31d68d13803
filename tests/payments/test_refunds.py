"""What a buyer paid and does not owe goes back: asked for, approved by another, sent the way that it came."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import orm

from market.banking.rules import Waiting
from market.channels.rules import FundsModel
from market.db import Database
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.rules import Actor
from market.orders.models import Order
from market.payments import refunding
from market.payments.models import Refund
from market.payments.refunding import Payee, Wish
from market.payments.rules import (
    DisputeOpenError,
    NoPayeeError,
    RefundEvent,
    RefundRoute,
    RefundStatus,
    RefundTooMuchError,
    WithProviderError,
)
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, complaints, in_custody, of_supplier, placed, selling
from tests.payments.till import Till, online_order, opened
from tests.story import NOON, TODAY, Story

PAYER = Payee("财政支付中心", "14001234567890")


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    return in_custody(session)


@pytest.fixture
def till(db: Database, session: orm.Session) -> Iterator[Till]:
    with opened(db, session) as till:
        yield till


def cancelled_in_custody(story: Story, custody: Bank) -> Order:
    """Pay an order into custody and give it up."""
    order = placed(story, "10")
    custody.tell(Movement(10_000, code(story, order), "IN"))
    story.cancel(order)
    return order


def asked(who: Actor, session: orm.Session, order: Order, fen: int | None = None, now: datetime = NOON) -> Refund:
    wish = Wish(fen, "订单取消", None if order.funds_model is FundsModel.STRIPE else PAYER)
    (refund,) = refunding.request(session, who, order_id=order.id, wish=wish, now=now)
    return refund


def approve(who: Actor, session: orm.Session, refund: Refund, now: datetime = NOON) -> None:
    refunding.decide(session, who, refund_id=refund.id, event=RefundEvent.APPROVE, now=now)


def send(custody: Bank, refund: Refund) -> None:
    refunding.send(custody.session, custody.clerk, refund_id=refund.id, bank_name="工行", now=NOON)


def test_a_refund_to_another_than_paid_is_sent_by_another_than_approved_it(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    wish = Wish(None, "改付教育局账户", Payee("县教育局", "3001"))
    (refund,) = refunding.request(story.session, story.orderer, order_id=order.id, wish=wish, now=NOON)
    approve(custody.clerk, story.session, refund)
    with pytest.raises(FourEyesError):
        send(custody, refund)
    refunding.send(story.session, custody.colleague, refund_id=refund.id, bank_name="工行", now=NOON)
    assert complaints(story.session) == []


def test_money_goes_back_out_of_custody_when_the_bank_says_that_it_left(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    refund = asked(custody.clerk, story.session, order)
    assert (refund.amount_fen, refund.route) == (10_000, RefundRoute.BANK)
    with pytest.raises(FourEyesError):
        approve(custody.clerk, story.session, refund)
    approve(custody.colleague, story.session, refund)
    assert complaints(story.session) == []
    send(custody, refund)
    assert complaints(story.session) == []
    custody.tell(Movement(-10_000, f"退款 {refund.number}", "OUT"))
    assert (refund.status, order.refunded_fen) == (RefundStatus.SUCCEEDED, 10_000)
    assert complaints(story.session) == []
    custody.tell(Movement(10_000, f"退汇 {refund.number}", "BACK"))
    assert (refund.status, order.refunded_fen) == (RefundStatus.FAILED, 0)
    assert complaints(story.session) == []


def test_a_failed_refund_goes_to_another_account_by_two_peoples_word(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    refund = asked(custody.clerk, story.session, order)
    approve(custody.colleague, story.session, refund)
    send(custody, refund)
    refunding.fail(story.session, custody.colleague, refund_id=refund.id, reason="账户已销户", now=NOON)
    again = refunding.reroute(
        story.session, custody.clerk, refund_id=refund.id, payee=PAYER, reason="改付新账户", now=NOON
    )
    assert (refund.status, again.replaces_id) == (RefundStatus.REROUTED, refund.id)
    assert not again.goes_to_payer
    with pytest.raises(RefundTooMuchError):
        asked(custody.clerk, story.session, order, 1)
    approve(custody.colleague, story.session, again)
    send(custody, again)
    custody.tell(Movement(-10_000, f"退款 {again.number}", "OUT"))
    assert again.status is RefundStatus.SUCCEEDED
    assert complaints(story.session) == []


def test_no_more_goes_back_than_was_paid_and_is_not_owed(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    with pytest.raises(RefundTooMuchError):
        asked(custody.clerk, story.session, order, 10_001)
    first = asked(custody.clerk, story.session, order, 4_000)
    with pytest.raises(RefundTooMuchError):
        asked(custody.clerk, story.session, order, 6_001)
    refunding.decide(story.session, custody.colleague, refund_id=first.id, event=RefundEvent.DECLINE, now=NOON)
    assert asked(custody.clerk, story.session, order).amount_fen == 10_000
    kept = placed(story, "5")
    custody.tell(Movement(5_000, code(story, kept), "IN2"))
    with pytest.raises(RefundTooMuchError):
        asked(custody.clerk, story.session, kept)


def test_a_bank_needs_to_know_whom_to_pay(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    (refund,) = refunding.request(story.session, custody.clerk, order_id=order.id, wish=Wish(None, "取消"), now=NOON)
    approve(custody.colleague, story.session, refund)
    with pytest.raises(NoPayeeError):
        send(custody, refund)


def test_a_supplier_that_was_paid_itself_pays_back_itself(story: Story) -> None:
    own = of_supplier(story)
    order = placed(story, "10", model=FundsModel.DIRECT)
    own.tell(Movement(10_000, code(story, order), "IN"))
    story.cancel(order)
    refund = asked(own.clerk, story.session, order)
    assert refund.route is RefundRoute.SUPPLIER
    approve(own.colleague, story.session, refund)
    refunding.record(story.session, own.clerk, refund_id=refund.id, bank_reference="B-1", paid_on=TODAY, now=NOON)
    assert (refund.status, order.refunded_fen, order.paid_fen) == (RefundStatus.SUCCEEDED, 10_000, 0)
    assert complaints(story.session) == []


def test_each_side_sends_only_its_own_refunds(story: Story, custody: Bank) -> None:
    own = of_supplier(story)
    order = cancelled_in_custody(story, custody)
    refund = asked(own.clerk, story.session, order)
    with pytest.raises(NotFoundError):
        approve(own.colleague, story.session, refund)


def cancelled_online(story: Story, till: Till) -> Order:
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    story.cancel(order)
    return order


def test_the_provider_sends_back_what_came_by_it(story: Story, till: Till) -> None:
    order = cancelled_online(story, till)
    refund = asked(till.clerk, story.session, order, now=till.now)
    assert refund.route is RefundRoute.PROVIDER
    approve(till.colleague, story.session, refund, till.now)
    till.work()
    assert (refund.status, order.refunded_fen) == (RefundStatus.SUCCEEDED, 10_000)
    assert till.complaints() == []


def test_a_refund_that_had_succeeded_fails_and_is_rerouted(story: Story, till: Till, custody: Bank) -> None:
    order = cancelled_online(story, till)
    refund = asked(till.clerk, story.session, order, now=till.now)
    approve(till.colleague, story.session, refund, till.now)
    till.work()
    till.emulator.fail_refund(str(refund.provider_id))
    till.later(minutes=11)
    till.work(sweep=True)
    assert (refund.status, order.refunded_fen) == (RefundStatus.FAILED, 0)
    assert till.complaints() == []
    again = refunding.reroute(
        story.session, till.clerk, refund_id=refund.id, payee=PAYER, reason="改付银行", now=till.now
    )
    assert again.route is RefundRoute.BANK
    custody.tell(Movement(10_000, "备付金", "OWN"))
    approve(till.colleague, story.session, again, till.now)
    send(custody, again)
    custody.tell(Movement(-10_000, f"退款 {again.number}", "OUT"))
    assert again.status is RefundStatus.SUCCEEDED
    assert till.complaints() == []


def test_a_part_of_what_came_goes_back_and_the_rest_is_kept(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    story.deliver(order)
    story.accept(order, found={0: {"accepted": "7", "rejected": "3"}})
    refund = asked(till.clerk, story.session, order, now=till.now)
    assert refund.amount_fen == 3_000
    approve(till.colleague, story.session, refund, till.now)
    till.work()
    assert order.refunded_fen == 3_000
    assert till.complaints() == []


def test_a_dispute_freezes_what_it_takes_and_refuses_a_refund(story: Story, till: Till) -> None:
    order = cancelled_online(story, till)
    dispute = till.emulator.open_dispute(till.charge_of(order))
    till.later(minutes=11)
    till.work(sweep=True)
    with pytest.raises(DisputeOpenError):
        asked(till.clerk, story.session, order, now=till.now)
    assert till.complaints() == []
    till.emulator.lose_dispute(dispute["id"])
    till.later(minutes=11)
    till.work(sweep=True)
    assert order.refunded_fen == 10_000
    assert till.complaints() == []
    with pytest.raises(RefundTooMuchError):
        asked(till.clerk, story.session, order, now=till.now)


def test_two_disputes_about_one_payment_are_lost_each_by_itself(story: Story, till: Till) -> None:
    order = cancelled_online(story, till)
    for fen in (4_000, 6_000):
        dispute = till.emulator.open_dispute(till.charge_of(order), amount=fen)
        till.emulator.lose_dispute(dispute["id"])
        till.later(minutes=11)
        till.work(sweep=True)
    assert order.refunded_fen == 10_000
    assert till.complaints() == []


def test_a_payer_that_won_a_dispute_has_its_money_once_when_a_refund_before_it_fails(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    story.deliver(order)
    story.accept(order, found={0: {"accepted": "7", "rejected": "3"}})
    refund = asked(till.clerk, story.session, order, now=till.now)
    approve(till.colleague, story.session, refund, till.now)
    till.work()
    dispute = till.emulator.open_dispute(till.charge_of(order))
    till.emulator.lose_dispute(dispute["id"])
    till.later(minutes=11)
    till.work(sweep=True)
    till.emulator.fail_refund(str(refund.provider_id))
    till.later(minutes=11)
    till.work(sweep=True)
    assert (refund.status, order.refunded_fen) == (RefundStatus.FAILED, 3_000)
    with pytest.raises(RefundTooMuchError):
        refunding.reroute(story.session, till.clerk, refund_id=refund.id, payee=PAYER, reason="改付", now=till.now)
    assert till.complaints() == []


def test_a_charge_that_was_charged_back_is_not_refunded_as_well(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    till.pay(story.orderer, order)
    dispute = till.emulator.open_dispute(till.charge_of(order))
    till.emulator.lose_dispute(dispute["id"])
    till.later(minutes=11)
    till.work(sweep=True)
    story.cancel(order)
    refund = asked(till.clerk, story.session, order, now=till.now)
    approve(till.colleague, story.session, refund, till.now)
    till.work()
    assert (refund.status, order.refunded_fen) == (RefundStatus.FAILED, 10_000)
    with pytest.raises(RefundTooMuchError):
        asked(till.clerk, story.session, order, now=till.now)
    assert till.complaints() == []


def test_a_declined_refund_is_not_sent(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    refund = asked(custody.clerk, story.session, order)
    refunding.decide(story.session, custody.colleague, refund_id=refund.id, event=RefundEvent.DECLINE, now=NOON)
    with pytest.raises(TransitionError):
        send(custody, refund)


def test_what_the_provider_was_asked_to_send_is_not_declined_any_more(story: Story, till: Till) -> None:
    order = cancelled_online(story, till)
    refund = asked(till.clerk, story.session, order, now=till.now)
    approve(till.colleague, story.session, refund, till.now)
    with pytest.raises(WithProviderError):
        refunding.decide(story.session, till.colleague, refund_id=refund.id, event=RefundEvent.DECLINE, now=till.now)
    till.work()
    assert (refund.status, order.refunded_fen) == (RefundStatus.SUCCEEDED, 10_000)


def test_the_statement_of_another_account_says_nothing_of_a_refund(story: Story, custody: Bank) -> None:
    own = of_supplier(story)
    order = cancelled_in_custody(story, custody)
    refund = asked(custody.clerk, story.session, order)
    approve(custody.colleague, story.session, refund)
    send(custody, refund)
    own.tell(Movement(-10_000, f"退款 {refund.number}", "OUT"))
    assert (refund.status, order.refunded_fen) == (RefundStatus.SENT, 10_000)
    custody.tell(Movement(-10_000, f"退款 {refund.number}", "OUT"))
    own.tell(Movement(10_000, f"退汇 {refund.number}", "BACK"))
    assert (refund.status, order.refunded_fen) == (RefundStatus.SUCCEEDED, 10_000)
    assert complaints(story.session) == []


def test_a_refund_said_to_have_failed_that_left_after_all_has_succeeded(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    refund = asked(custody.clerk, story.session, order)
    approve(custody.colleague, story.session, refund)
    send(custody, refund)
    refunding.fail(story.session, custody.colleague, refund_id=refund.id, reason="银行未付", now=NOON)
    custody.tell(Movement(-10_000, f"退款 {refund.number}", "OUT"))
    assert (refund.status, order.refunded_fen) == (RefundStatus.SUCCEEDED, 10_000)
    with pytest.raises(RefundTooMuchError):
        asked(custody.clerk, story.session, order, 1)
    assert complaints(story.session) == []


def test_a_refund_that_left_after_it_was_asked_anew_waits_for_a_person(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    refund = asked(custody.clerk, story.session, order)
    approve(custody.colleague, story.session, refund)
    send(custody, refund)
    refunding.fail(story.session, custody.colleague, refund_id=refund.id, reason="银行未付", now=NOON)
    asked(custody.clerk, story.session, order)
    custody.tell(Movement(-10_000, f"退款 {refund.number}", "OUT"))
    assert (refund.status, custody.waiting()) == (RefundStatus.FAILED, [Waiting.WENT_OUT])
    assert complaints(story.session) == []


def test_a_refund_that_left_and_came_back_in_one_statement_has_failed(story: Story, custody: Bank) -> None:
    order = cancelled_in_custody(story, custody)
    refund = asked(custody.clerk, story.session, order)
    approve(custody.colleague, story.session, refund)
    send(custody, refund)
    custody.tell(Movement(10_000, f"退汇 {refund.number}", "BACK"), Movement(-10_000, f"退款 {refund.number}", "OUT"))
    assert (refund.status, order.refunded_fen, custody.waiting()) == (RefundStatus.FAILED, 0, [])
    assert complaints(story.session) == []


def test_the_provider_pays_back_nobody_but_who_paid(story: Story, till: Till) -> None:
    order = cancelled_online(story, till)
    with pytest.raises(InvalidInputError, match="who paid"):
        refunding.request(story.session, till.clerk, order_id=order.id, wish=Wish(None, "取消", PAYER), now=till.now)
