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
    ConnectedOnceError,
    NothingToPayError,
    NotParkedError,
    OnlineStatus,
    Operation,
    PaymentBusyError,
    PaymentOpenError,
)
from tests.payments.desk import of_supplier, selling
from tests.payments.till import CARD, Till, online_order, opened
from tests.story import TODAY, Story


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


def pay_past_the_market(till: Till) -> None:
    till.client.v1.payment_intents.create(
        {
            "amount": 777,
            "currency": "cny",
            "payment_method": "pm_card_bypassPending",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )


def test_a_payment_made_past_the_market_waits_for_two_people(till: Till) -> None:
    pay_past_the_market(till)
    till.work(sweep=True)
    assert list(till.session.scalars(sa.select(BankLine.waiting))) == [Waiting.UNKNOWN_CODE]
    assert till.complaints() == []


def test_a_line_of_another_account_hides_no_movement(story: Story, till: Till) -> None:
    pay_past_the_market(till)
    (movement,) = till.client.v1.balance_transactions.list().data
    told = dict.fromkeys(("counterparty_name", "counterparty_account", "bank_reference", "payment_reference"), "")
    account = of_supplier(story).account
    line = BankLine(bank_account_id=account.id, line_key=movement.id, booked_on=TODAY, remark="货款", **told)
    line.amount_fen, line.open_fen, line.waiting = 800, 800, Waiting.NO_CODE
    till.session.add(line)
    till.work(sweep=True)
    assert sorted(till.session.scalars(sa.select(BankLine.amount_fen))) == [777, 800]


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
    for _ in range(11):
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


@pytest.mark.parametrize("failure", ["cut_before", "cut_after"])
def test_a_payment_that_the_provider_never_answered_for_is_given_up_and_followed_by_another(
    story: Story, till: Till, failure: str
) -> None:
    order = online_order(story, "10")
    till.emulator.fail(failure, "post", "/v1/payment_intents", times=10)
    payment = till.begin(story.orderer, order)
    for minutes in (1, 2, 4, 8, 16, 32, 64, 128, 240):
        till.later(minutes=minutes)
        till.work()
    assert till.calls()[0].status is CallStatus.PARKED
    with pytest.raises(PaymentOpenError):
        till.begin(story.orderer, order)
    online.cancel(till.session, story.orderer, payment_id=payment.id, now=till.now)
    till.work()
    calls.withdraw(till.session, Operation.CREATE_PAYMENT, payment.id, now=till.now)
    till.work()
    assert till.calls()[0].status is not CallStatus.REFUSED
    for _ in range(3):
        till.work()
        tasks.cancel_stale(till.db, till.now)
        till.later(minutes=2)
    assert payment.status is OnlineStatus.CANCELLED
    made = till.client.v1.payment_intents.list().data
    assert [each.status for each in made] == (["canceled"] if failure == "cut_after" else [])
    assert till.pay(story.orderer, order).status is OnlineStatus.CAPTURED


def test_a_supplier_whose_account_was_refused_asks_for_it_again(story: Story, till: Till) -> None:
    connecting.connect(story.session, story.clerk, now=till.now)
    (call,) = till.calls()
    call.status = CallStatus.REFUSED  # as the provider says of a country that it does not serve
    connecting.connect(story.session, story.clerk, now=till.now)
    with pytest.raises(ConnectedOnceError):
        connecting.connect(story.session, story.clerk, now=till.now)
    till.work()
    account, _ = connecting.account_of(story.session, story.supplier.id)
    assert account.number.startswith("acct_")


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


@pytest.mark.parametrize("failure", ["error_before", "error_after"])
def test_a_cancellation_whose_outcome_was_unclear_is_done_once_it_is_looked_up(
    story: Story, till: Till, failure: str
) -> None:
    payment = till.begin(story.orderer, online_order(story, "10"))
    till.emulator.fail(failure, "post", "/v1/payment_intents/*/cancel")
    online.cancel(till.session, story.orderer, payment_id=payment.id, now=till.now)
    for _ in range(5):
        till.work()
        till.later(minutes=5)
    assert (payment.status, till.calls()[-1].status) == (OnlineStatus.CANCELLED, CallStatus.DONE)


def test_nothing_is_asked_of_a_payment_while_a_call_about_it_waits_for_people(story: Story, till: Till) -> None:
    payment = till.begin(story.orderer, online_order(story, "10"))
    url = "https://example.org"
    online.confirm(till.session, story.orderer, payment_id=payment.id, method=CARD, return_url=url, now=till.now)
    parked = till.calls()[-1]
    parked.status, parked.is_unclear = CallStatus.PARKED, True
    with pytest.raises(PaymentBusyError):
        online.cancel(till.session, story.orderer, payment_id=payment.id, now=till.now)
    later = calls.ask(till.session, parked.operation, payment.id, parked.params, now=till.now)
    later.status = CallStatus.REFUSED
    calls.retry(till.session, parked.id, now=till.now)
    for _ in range(3):
        till.work()
        till.later(minutes=5)
    assert (parked.status, parked.attempt) == (CallStatus.DONE, 3)


def test_a_confirmation_that_was_cut_off_for_a_day_is_asked_again(story: Story, till: Till) -> None:
    payment = till.begin(story.orderer, online_order(story, "10"))
    till.emulator.fail("cut_before", "post", "/v1/payment_intents/*/confirm")
    method, url = "pm_card_bypassPending", "https://example.org"
    online.confirm(till.session, story.orderer, payment_id=payment.id, method=method, return_url=url, now=till.now)
    till.work()
    till.later(hours=24)
    for _ in range(5):
        till.work()
        till.later(minutes=30)
    till.work(sweep=True)
    assert payment.status is OnlineStatus.CAPTURED
