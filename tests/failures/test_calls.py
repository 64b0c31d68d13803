"""A process dies around a call to the provider: what was asked happens once, and workers bring it to its end."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2
import pytest

from market.channels.rules import FundsModel
from market.clock import utc_now
from market.orders import changing
from market.orders.rules import OrderEvent
from market.payments import online, refunding
from market.payments.refunding import Wish
from market.payments.rules import CallStatus, OnlineStatus, RefundEvent, RefundStatus
from tests.failures.processes import Processes, eventually
from tests.failures.world import World, over
from tests.stripe_emulator.faults import Failure

MINUTES, A_DAY = timedelta(minutes=5), timedelta(hours=25)
PAYMENTS, REFUNDS = "/v1/payment_intents", "/v1/refunds"
MOST_ROUNDS = 6
PATIENCE_S = 30
Path = str


def die_at(at_stake: World, processes: Processes, failure: Failure, path: Path) -> None:
    """Let a worker ask, and kill it while the provider holds the call."""
    fault = at_stake.emulator.fail(failure, path=path)
    worker = processes.work(at_stake.url, at_stake.emulator)
    assert fault.arrived.wait(PATIENCE_S)
    if failure is Failure.TIMEOUT_AFTER:
        eventually(lambda: made(at_stake, path))
    worker.kill()
    assert CallStatus.DUE in at_stake.calls()


def fail_at(at_stake: World, processes: Processes, failure: Failure, path: Path) -> None:
    """Let a worker ask, and the provider answer that it failed; a look at everything may tell what it did."""
    at_stake.emulator.fail(failure, path=path)
    look_in(at_stake, processes, ahead=timedelta())


def look_in(at_stake: World, processes: Processes, *, ahead: timedelta) -> None:
    """Let a worker work once, so much later."""
    tries = at_stake.tries()
    worker = processes.work(at_stake.url, at_stake.emulator, ahead_s=ahead.total_seconds())
    eventually(lambda: at_stake.tries() != tries)
    worker.end()


def made(at_stake: World, path: Path) -> int:
    """Return how many payments, or refunds, the provider has."""
    v1 = at_stake.client.v1
    return len((v1.payment_intents.list() if path == PAYMENTS else v1.refunds.list()).data)


def bring_to_an_end(at_stake: World, processes: Processes, after: timedelta) -> None:
    """Let workers work, later and later, until nothing is to be asked any more: money out is looked for for a day."""
    at_stake.emulator.advance(seconds=int(after.total_seconds()))
    for later in range(MOST_ROUNDS):
        if CallStatus.DUE in at_stake.calls():
            look_in(at_stake, processes, ahead=after + later * timedelta(hours=13))
    assert set(at_stake.calls()) == {CallStatus.DONE}


def begin(at_stake: World) -> None:
    """Place an order and begin to pay it; nobody has asked the provider yet."""
    with at_stake.db.transaction() as session:
        order = at_stake.story.elsewhere(session).place("10", now=utc_now(), funds_model=FundsModel.STRIPE)
        online.begin(session, at_stake.people["orderer"], group_id=order.group_id, now=utc_now())


def give_back(at_stake: World) -> None:
    """Give the order up and approve its refund; nobody has asked the provider yet."""
    with at_stake.db.transaction() as session:
        order = at_stake.order_of(session)
        seller, why = at_stake.story.clerk, "道路中断"
        changing.give_up(session, seller, order_id=order.id, event=OrderEvent.CANCEL, reason=why, now=utc_now())
        clerk, colleague = at_stake.people["platform"], at_stake.people["colleague"]
        (refund,) = refunding.request(session, clerk, order_id=order.id, wish=Wish(None, "取消"), now=utc_now())
        refunding.decide(session, colleague, refund_id=refund.id, event=RefundEvent.APPROVE, now=utc_now())


FAILING = {Failure.ERROR_BEFORE: fail_at, Failure.ERROR_AFTER: fail_at}


def pay_and_refund(at_stake: World, processes: Processes, failure: Failure, after: timedelta) -> None:
    """Pay an order and give it back, with this failure of both calls; there is one payment and one refund."""
    strike = FAILING.get(failure, die_at)
    begin(at_stake)
    strike(at_stake, processes, failure, PAYMENTS)
    bring_to_an_end(at_stake, processes, after)
    at_stake.charge()
    at_stake.work(ahead=after)
    assert at_stake.payments() == [OnlineStatus.CAPTURED]
    give_back(at_stake)
    strike(at_stake, processes, failure, REFUNDS)
    bring_to_an_end(at_stake, processes, after)
    at_stake.work(ahead=after + timedelta(hours=3))
    assert at_stake.refunds() == [RefundStatus.SUCCEEDED]
    assert (made(at_stake, PAYMENTS), made(at_stake, REFUNDS)) == (1, 1)
    assert at_stake.agrees() == Counter(charge=1, refund=1)


@pytest.mark.parametrize("after", [MINUTES, A_DAY])
def test_f04_a_worker_dies_before_the_provider_has_done_anything(
    at_stake: World, processes: Processes, after: timedelta
) -> None:
    pay_and_refund(at_stake, processes, Failure.TIMEOUT_BEFORE, after)


@pytest.mark.parametrize("after", [MINUTES, A_DAY])
def test_f05_a_worker_dies_when_the_provider_has_done_it(
    at_stake: World, processes: Processes, after: timedelta
) -> None:
    pay_and_refund(at_stake, processes, Failure.TIMEOUT_AFTER, after)


@pytest.mark.parametrize("failure", [Failure.ERROR_BEFORE, Failure.ERROR_AFTER])
def test_f05_the_provider_keeps_an_error_under_the_key_and_what_it_did_is_looked_up(
    at_stake: World, processes: Processes, failure: Failure
) -> None:
    pay_and_refund(at_stake, processes, failure, MINUTES)


def test_f05_the_application_dies_when_the_provider_has_done_it(at_stake: World, processes: Processes) -> None:
    application = processes.serve(at_stake.url, at_stake.emulator)
    fault = at_stake.emulator.fail(Failure.SLOW, path=PAYMENTS)
    with over(application.address) as client, ThreadPoolExecutor(1) as pool:
        group = at_stake.placed(client.post)
        path, headers = f"/v1/order-groups/{group}/online-payments", at_stake.headers("orderer")
        asked = pool.submit(client.post, path, headers=headers)
        assert fault.arrived.wait(PATIENCE_S)
        application.kill()
        with pytest.raises(httpx2.TransportError):
            asked.result(PATIENCE_S)
    look_in(at_stake, processes, ahead=MINUTES)  # the provider is still at it, and says that the key is in use
    at_stake.emulator.recover()
    eventually(lambda: made(at_stake, PAYMENTS))
    bring_to_an_end(at_stake, processes, timedelta(hours=1))
    application = processes.serve(at_stake.url, at_stake.emulator)
    with over(application.address) as client:
        again = client.post(path, headers=headers)
    application.kill()
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (201, "true")
    at_stake.charge()
    at_stake.work(ahead=timedelta(hours=1))
    assert made(at_stake, PAYMENTS) == 1
    assert at_stake.agrees() == Counter(charge=1)


def test_f05_a_provider_that_forgets_its_keys_is_seen_to_double(at_stake: World, processes: Processes) -> None:
    """The control: without the key the second question is a second payment."""
    at_stake.emulator.settings.forgets_keys = True
    begin(at_stake)
    die_at(at_stake, processes, Failure.TIMEOUT_AFTER, PAYMENTS)
    bring_to_an_end(at_stake, processes, MINUTES)
    assert made(at_stake, PAYMENTS) == 2
