"""Buyers pay a group of orders at once online; what they paid is held for its orders, whatever fails on the way."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankLine
from market.banking.rules import Waiting
from market.db import Database
from market.payments import calls, connecting, noting, online, tasks
from market.payments.models import ProviderSweep
from market.payments.rules import (
    CallStatus,
    NothingToPayError,
    NotParkedError,
    OnlineStatus,
    PaymentBusyError,
    PaymentOpenError,
)
from tests.payments.desk import selling
from tests.payments.till import Till, online_order, opened
from tests.story import Story


@pytest.fixture
def story(session: orm.Session) -> Story:
    return selling(session)


@pytest.fixture
def till(db: Database, session: orm.Session) -> Iterator[Till]:
    with opened(db, session) as till:
        yield till


def test_a_group_is_paid_by_card_and_its_money_is_held(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    assert (payment.status, payment.amount_fen) == (OnlineStatus.OPEN, 10_000)
    assert payment.client_secret.startswith(str(payment.provider_id))
    till.charge(payment)
    till.work(sweep=True)
    assert (payment.status, order.captured_fen, order.paid_fen) == (OnlineStatus.CAPTURED, 10_000, 0)
    assert till.complaints() == []


def test_a_group_has_one_payment_at_a_time_and_nothing_is_paid_twice(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    with pytest.raises(PaymentOpenError, match=str(payment.id)):
        till.begin(story.orderer, order)
    till.charge(payment)
    till.work(sweep=True)
    with pytest.raises(NothingToPayError):
        till.begin(story.orderer, order)


def test_a_cancelled_payment_may_be_followed_by_another(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    online.cancel(till.session, story.orderer, payment_id=payment.id, now=till.now)
    with pytest.raises(PaymentBusyError):
        online.cancel(till.session, story.orderer, payment_id=payment.id, now=till.now)
    till.work()
    assert payment.status is OnlineStatus.CANCELLED
    again = till.pay(story.orderer, order)
    assert (again.status, again.id == payment.id) == (OnlineStatus.CAPTURED, False)


def test_a_declined_card_leaves_the_payment_open_for_another(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    for method in ("pm_card_chargeDeclined", "pm_card_bypassPending"):
        online.confirm(
            till.session,
            story.orderer,
            payment_id=payment.id,
            method=method,
            return_url="https://example.org/orders",
            now=till.now,
        )
        till.work()
        assert till.calls()[-1].status in (CallStatus.REFUSED, CallStatus.DONE)
        till.later(minutes=1)
    till.work(sweep=True)
    assert (payment.status, order.captured_fen) == (OnlineStatus.CAPTURED, 10_000)
    assert till.complaints() == []


def test_money_for_an_order_given_up_meanwhile_is_to_go_back(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    story.cancel(order)
    till.charge(payment)
    till.work(sweep=True)
    assert (payment.status, order.captured_fen) == (OnlineStatus.CAPTURED, 10_000)
    assert till.complaints() == []


def test_a_payment_made_past_the_market_waits_for_two_people(till: Till) -> None:
    till.client.v1.payment_intents.create(
        {
            "amount": 777,
            "currency": "cny",
            "payment_method": "pm_card_bypassPending",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    till.work(sweep=True)
    assert list(till.session.scalars(sa.select(BankLine.waiting))) == [Waiting.UNKNOWN_CODE]
    assert till.complaints() == []


def test_a_payment_of_an_order_given_up_is_given_up_too(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    story.cancel(order)
    till.session.flush()
    assert tasks.cancel_stale(till.db, till.now) == 1
    till.work()
    assert payment.status is OnlineStatus.CANCELLED


def test_what_the_provider_does_not_answer_ten_times_is_parked_and_asked_again_by_hand(
    story: Story, till: Till
) -> None:
    order = online_order(story, "10")
    till.emulator.fail("cut_before", "post", "/v1/payment_intents", times=10)
    payment = till.begin(story.orderer, order)
    for _ in range(10):
        till.later(hours=5)
        till.work()
    (call,) = till.calls()
    assert (call.status, payment.status) == (CallStatus.PARKED, OnlineStatus.CREATING)
    calls.retry(till.session, call.id, now=till.now)
    with pytest.raises(NotParkedError):
        calls.retry(till.session, call.id, now=till.now)
    for _ in range(3):
        till.later(minutes=2)
        till.work()
    assert (call.status, payment.status) == (CallStatus.DONE, OnlineStatus.OPEN)


def test_a_supplier_pays_out_what_its_account_has(story: Story, till: Till) -> None:
    connecting.connect(story.session, story.clerk, now=till.now)
    till.work()
    account, _ = connecting.account_of(story.session, story.supplier.id)
    till.emulator.activate(account.number)
    till.emulator.top_up(5_000)
    till.client.v1.transfers.create({"amount": 5_000, "currency": "cny", "destination": account.number})
    connecting.pay_out(story.session, story.clerk, amount_fen=4_000, now=till.now)
    till.work()
    (payout,) = till.gateway.payouts(account.number)
    assert (payout.amount_fen, payout.fault) == (4_000, None)
    connecting.pay_out(story.session, story.clerk, amount_fen=4_000, now=till.now)
    till.work()
    assert till.calls()[-1].status is CallStatus.REFUSED


def test_what_moved_in_a_week_without_a_look_is_found_though_newer_things_are_known(story: Story, till: Till) -> None:
    early, late = online_order(story, "10"), online_order(story, "5")
    till.work(sweep=True)
    payment = till.begin(story.orderer, early)
    till.charge(payment)
    charged = till.emulator.find(str(payment.provider_id))["latest_charge"]
    refund = till.client.v1.refunds.create({"charge": charged, "amount": 100})
    till.later(days=9)
    newer = till.begin(story.orderer, late)
    till.charge(newer)
    with till.db.transaction() as session:
        noting.note(session, till.gateway.payment(str(newer.provider_id)), now=till.now)
    till.work(sweep=True)
    told = set(till.session.scalars(sa.select(BankLine.payment_reference)))
    assert {charged, refund.id} <= told
    assert till.complaints() == []


def test_an_order_given_up_meanwhile_is_not_paid_by_our_own_hand(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    story.cancel(order)
    with pytest.raises(NothingToPayError):
        online.confirm(
            till.session,
            story.orderer,
            payment_id=payment.id,
            method="pm_card_visa",
            return_url="https://example.org",
            now=till.now,
        )


def test_a_movement_without_a_cause_is_a_line_all_the_same_and_balances_are_compared(till: Till) -> None:
    movement = till.emulator.top_up(777)
    till.emulator.world.known(movement).update(type="adjustment", source=None)
    till.work(sweep=True)
    assert list(till.session.scalars(sa.select(BankLine.amount_fen))) == [777]
    (swept,) = till.session.scalars(sa.select(ProviderSweep))
    assert (swept.told_fen, swept.booked_fen) == (777, 777)
