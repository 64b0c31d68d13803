"""The market's clock jumps by a year, forth or back: what is due happens once, and is not put off for a year."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from market import worker
from market.clock import utc_now
from market.db import Database
from market.lots.models import Lot
from market.orders.rules import OrderStatus
from market.payments import inbox
from market.payments.models import OnlinePayment
from market.payments.provider import EventSeen
from market.payments.rules import OnlineStatus, RefundStatus
from tests.failures.test_events import agree, asked_back, begun
from tests.failures.world import receipts
from tests.payments.till import Till, online_order
from tests.story import Story
from tests.stripe_emulator.faults import Failure

A_YEAR = timedelta(days=365)
JUMPS = [A_YEAR, -A_YEAR]


def at(till: Till, wrong: timedelta) -> None:
    """Set the market's clock, as far off as is said; the provider's is always right."""
    till.now = utc_now() + wrong


def stands(till: Till) -> list[OnlineStatus]:
    return list(till.session.scalars(sa.select(OnlinePayment.status)))


@pytest.mark.parametrize("before", [timedelta(), *JUMPS])
@pytest.mark.parametrize("failure", [Failure.CUT_BEFORE, Failure.CUT_AFTER])
def test_f22_a_call_that_failed_at_one_time_is_made_once_at_another(
    story: Story, till: Till, before: timedelta, failure: Failure
) -> None:
    """The clock is wrong when the call fails and right afterwards, or the other way round."""
    at(till, before)
    payment = begun(till, story)
    till.emulator.fail(failure)
    till.work()
    assert stands(till) == [OnlineStatus.CREATING]
    for minutes in range(0, 30, 6):
        at(till, (timedelta() if before else A_YEAR) + timedelta(minutes=2 + minutes))
        till.work()
    assert stands(till) == [OnlineStatus.OPEN]
    assert len(till.client.v1.payment_intents.list().data) == 1
    till.charge(payment)
    till.work(sweep=True)
    assert receipts(till.session) == [10_000]
    at(till, timedelta(hours=1))
    till.work(sweep=True)
    assert agree(till) == Counter(charge=1)


@pytest.mark.parametrize("jump", JUMPS)
def test_f22_what_is_looked_at_now_and_then_is_looked_at_whatever_the_clock_did(
    story: Story, till: Till, jump: timedelta
) -> None:
    at(till, jump)
    till.sweeps(till.db, till.now)
    payment = till.begin(story.orderer, online_order(story, "10"))
    till.charge(payment)
    at(till, timedelta(minutes=1))
    assert till.sweeps(till.db, till.now) > 0
    assert till.sweeps(till.db, till.now) == 0
    till.session.expire_all()
    assert payment.status is OnlineStatus.CAPTURED
    assert agree(till) == Counter(charge=1)


@pytest.mark.parametrize("jump", JUMPS)
def test_f22_an_event_that_failed_under_a_wrong_clock_is_handled_under_the_right_one(
    story: Story, till: Till, jump: timedelta
) -> None:
    payment = till.begin(story.orderer, online_order(story, "10"))
    till.charge(payment)
    at(till, jump)
    till.emulator.fail(Failure.UNAVAILABLE, "get")
    event = EventSeen("evt_1", "payment_intent.succeeded", str(payment.provider_id))
    inbox.take(till.session, event, now=till.now)
    till.work()
    assert stands(till) == [OnlineStatus.OPEN]
    at(till, timedelta(minutes=2))
    till.work()
    assert stands(till) == [OnlineStatus.CAPTURED]
    assert agree(till) == Counter(charge=1)


@pytest.mark.parametrize("jump", JUMPS)
def test_f22_money_that_moved_while_the_clock_was_wrong_is_posted_once(
    story: Story, till: Till, jump: timedelta
) -> None:
    order = online_order(story, "10")
    at(till, jump)
    payment = till.begin(story.orderer, order)
    till.charge(payment)
    till.work(sweep=True)
    refund = asked_back(till, story, order)
    worker.run_due(till.db, till.now)
    for wrong in (timedelta(), jump, timedelta(minutes=20)):
        at(till, wrong)
        till.work(sweep=True)
        worker.run_due(till.db, till.now)
    assert (payment.status, refund.status) == (OnlineStatus.CAPTURED, RefundStatus.SUCCEEDED)
    assert agree(till) == Counter(charge=1, refund=1)


def test_f22_a_reservation_that_ran_out_by_a_wrong_clock_gives_its_stock_back_once(db: Database, story: Story) -> None:
    order = story.place("10", now=utc_now())
    for wrong in (-A_YEAR, timedelta(), A_YEAR, timedelta(), A_YEAR):
        worker.run_due(db, utc_now() + wrong)
    story.session.refresh(order)
    assert order.status is OrderStatus.EXPIRED
    lot = story.session.scalars(sa.select(Lot)).one()
    story.session.refresh(lot)
    assert (lot.available_milli, lot.reserved_milli) == (lot.quantity_milli, 0)
