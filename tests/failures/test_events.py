"""Events are lost, doubled, shuffled, late, forged or poisoned; what the provider has is what the market has, once."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import stripe
from starlette.testclient import TestClient

from market.app import create_app
from market.banking.models import BankLine
from market.banking.rules import Waiting
from market.db import APP_ROLE, Database
from market.orders.models import Order
from market.payments import online, refunding
from market.payments.inbox import retry
from market.payments.models import OnlinePayment, ProviderEvent, Refund
from market.payments.refunding import Wish
from market.payments.rules import (
    MOST_TRIES,
    CallStatus,
    EventStatus,
    NotParkedError,
    OnlineStatus,
    RefundEvent,
    RefundStatus,
)
from tests.failures.world import moved, receipts, told_of
from tests.payments.till import Till, online_order
from tests.story import Story
from tests.stripe_emulator.deliveries import Endpoint, Forgery

EVENTS = "/v1/provider-events"


@pytest.fixture
def inbox(db: Database, till: Till) -> Iterator[TestClient]:
    """The market's own address, to which the provider sends its events."""
    with TestClient(create_app(db, gateway=till.gateway)) as client:
        yield client


@pytest.fixture
def endpoint(till: Till, inbox: TestClient) -> Endpoint:
    def receive(body: bytes, headers: dict[str, str]) -> int:
        return int(inbox.post(EVENTS, content=body, headers=headers).status_code)

    return till.emulator.listen(receive)


def asked_back(till: Till, story: Story, order: Order) -> Refund:
    """Give an order up and have the provider send its money back."""
    story.cancel(order)
    wish = Wish(None, "取消")
    (refund,) = refunding.request(till.session, till.clerk, order_id=order.id, wish=wish, now=till.now)
    refunding.decide(till.session, till.colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=till.now)
    till.work()
    return till.session.get_one(Refund, refund.id)


def agree(till: Till) -> Counter[str]:
    """Return what moved at the provider, by kind, when the market has told just that and its books are sound."""
    assert till.complaints() == []
    told = told_of(till.session)
    assert told == moved(till.client)
    return Counter(kind for _, kind, _ in told)


def heard(till: Till) -> Counter[EventStatus]:
    return Counter(till.session.scalars(sa.select(ProviderEvent.status)))


@pytest.mark.usefixtures("endpoint")
def test_f01_every_event_is_lost_and_one_look_finds_everything(story: Story, till: Till) -> None:
    order = online_order(story, "10")
    payment = till.begin(story.orderer, order)
    till.charge(payment)
    refused = online_order(story, "3")
    open_payment = till.begin(story.orderer, refused)
    assert till.emulator.deliveries.drop() > 0
    till.work()
    assert (heard(till), payment.status) == (Counter(), OnlineStatus.OPEN)
    till.work(sweep=True)
    assert (payment.status, open_payment.status) == (OnlineStatus.CAPTURED, OnlineStatus.OPEN)
    refund = asked_back(till, story, order)
    till.emulator.fail_refund(str(refund.provider_id))
    till.emulator.deliveries.drop()
    till.later(minutes=11)
    till.work(sweep=True)
    assert (refund.status, order.refunded_fen, receipts(till.session)) == (RefundStatus.FAILED, 0, [10_000])
    assert agree(till) == Counter(charge=1, refund=1, refund_failure=1)


def shaken(till: Till, story: Story, seed: int) -> None:
    """Let two payments, a refund that fails after all and a lost dispute be told by shaken events alone."""
    orders = [online_order(story, quantity) for quantity in ("10", "7", "5")]
    for order in orders[:2]:
        till.charge(till.begin(story.orderer, order))
    till.begin(story.orderer, orders[2])
    hear(till, seed)
    refund = asked_back(till, story, orders[0])
    till.emulator.fail_refund(str(refund.provider_id))
    dispute = till.emulator.open_dispute(till.charge_of(orders[1]))
    till.emulator.lose_dispute(dispute["id"])
    hear(till, seed + 1)
    assert [order.captured_fen for order in orders] == [10_000, 7_000, 0]
    assert (refund.status, orders[0].refunded_fen) == (RefundStatus.FAILED, 0)
    assert sorted(receipts(till.session)) == [7_000, 10_000]


def hear(till: Till, seed: int) -> None:
    """Deliver what waits, shaken by a seed: many twice, in any order, some of it days late."""
    till.emulator.deliveries.chaos(seed, drop=0, duplicate=5_000, late=5_000, days=3)
    for _ in range(5):
        till.emulator.deliver()
        till.work()
        till.later(days=1)


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("seed", [1, 3, 5])
def test_f02_events_that_come_twice_in_any_order_and_days_late_change_each_thing_once(
    story: Story, till: Till, seed: int
) -> None:
    shaken(till, story, seed)
    assert heard(till)[EventStatus.HANDLED] == heard(till).total()
    assert agree(till) == Counter(charge=2, refund=1, refund_failure=1, adjustment=1)


@pytest.mark.soak
@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("seed", range(100, 300, 2))
def test_f02_a_hundred_ways_to_shake_events_end_in_the_same(story: Story, till: Till, seed: int) -> None:
    shaken(till, story, seed)
    assert agree(till) == Counter(charge=2, refund=1, refund_failure=1, adjustment=1)


@pytest.mark.parametrize("how", list(Forgery))
def test_f03_a_forged_event_is_refused_and_nothing_of_it_is_kept(
    story: Story, till: Till, endpoint: Endpoint, how: Forgery
) -> None:
    payment = till.begin(story.orderer, online_order(story, "10"))
    till.charge(payment)
    event = next(iter(till.client.v1.events.list({"type": "payment_intent.succeeded"}).data))
    assert till.emulator.forge(how, event.id, endpoint) == 400
    till.work()
    assert (heard(till), payment.status) == (Counter(), OnlineStatus.OPEN)
    till.later(minutes=1)
    till.emulator.deliver()  # the control: the same event from the provider itself
    till.work()
    assert payment.status is OnlineStatus.CAPTURED
    assert agree(till) == Counter(charge=1)


def poison(till: Till, inbox: TestClient) -> str:
    """Send a rightly signed event of a payment that the provider does not know any more."""
    body = json.dumps(
        {
            "id": "evt_poison",
            "object": "event",
            "type": "payment_intent.succeeded",
            "data": {"object": {"id": "pi_of_nobody", "object": "payment_intent"}},
        }
    )
    header = stripe.WebhookSignature.generate_signature_header(body, till.emulator.webhook_secret)
    answer = inbox.post(EVENTS, content=body.encode(), headers={"Stripe-Signature": header})
    assert answer.status_code == 202, answer.text
    return "evt_poison"


@pytest.mark.usefixtures("endpoint")
def test_f25_an_event_that_cannot_be_handled_is_parked_and_holds_up_no_other(
    story: Story, till: Till, inbox: TestClient
) -> None:
    poisonous = poison(till, inbox)
    payment = till.begin(story.orderer, online_order(story, "10"))
    till.charge(payment)
    till.emulator.deliver()
    till.later(minutes=1)
    till.work()
    assert payment.status is OnlineStatus.CAPTURED
    for _ in range(MOST_TRIES + 2):
        till.later(hours=5)
        till.work()
    event = till.session.get_one(ProviderEvent, poisonous)
    assert (event.status, event.tries) == (EventStatus.PARKED, MOST_TRIES)
    assert "pi_of_nobody" in str(event.fault)
    retry(till.session, event.id, now=till.now)
    with pytest.raises(NotParkedError):
        retry(till.session, event.id, now=till.now)
    till.work()
    assert (event.status, event.tries) == (EventStatus.RECEIVED, 1)
    assert agree(till) == Counter(charge=1)


def spoil(till: Till, payment: OnlinePayment) -> None:
    """Let nothing more be noted of a payment: the database refuses it."""
    rule = f"CHECK (id <> '{payment.id}') NOT VALID"
    as_owner(till, f"ALTER TABLE online_payments ADD CONSTRAINT spoilt {rule}")


def as_owner(till: Till, statement: str) -> None:
    for each in ("SET ROLE NONE", statement, f"SET ROLE {APP_ROLE}"):
        till.session.execute(sa.text(each))


def begun(till: Till, story: Story) -> OnlinePayment:
    """Begin to pay an order; the provider has not been asked."""
    group_id = online_order(story, "10").group_id
    return online.begin(till.session, story.orderer, group_id=group_id, now=till.now)


def test_f25_a_call_whose_outcome_cannot_be_noted_is_parked_and_holds_up_no_other(story: Story, till: Till) -> None:
    spoilt, other = begun(till, story), begun(till, story)
    spoil(till, spoilt)
    for _ in range(MOST_TRIES + 2):
        till.work()
        till.later(hours=5)
    assert (spoilt.status, other.status) == (OnlineStatus.CREATING, OnlineStatus.OPEN)
    (parked, done) = till.calls()
    assert (parked.status, parked.tries, done.status) == (CallStatus.PARKED, MOST_TRIES, CallStatus.DONE)
    assert "spoilt" in str(parked.fault)
    assert len(till.client.v1.payment_intents.list().data) == 2
    assert agree(till) == Counter()


def test_f25_a_look_that_cannot_be_noted_holds_up_no_other_and_its_money_waits(story: Story, till: Till) -> None:
    spoilt, other = (till.begin(story.orderer, online_order(story, "10")) for _ in range(2))
    for payment in (spoilt, other):
        till.charge(payment)
    spoil(till, spoilt)
    till.work(sweep=True)
    assert (spoilt.status, other.status) == (OnlineStatus.OPEN, OnlineStatus.CAPTURED)
    assert till.session.scalars(sa.select(BankLine.waiting).where(BankLine.open_fen != 0)).all() == [Waiting.NO_CODE]
    assert agree(till) == Counter(charge=2)
    as_owner(till, "ALTER TABLE online_payments DROP CONSTRAINT spoilt")
    till.work(sweep=True)
    assert spoilt.status is OnlineStatus.CAPTURED
    assert receipts(till.session) == [10_000, 10_000]
    assert agree(till) == Counter(charge=2)
