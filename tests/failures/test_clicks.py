"""Two tabs, two clicks, two keys: one order, one charge, one refund, whatever the provider answers."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx2
import psycopg
import pytest

from market.clock import utc_now
from market.orders.models import Order
from market.payments import tasks
from market.payments.models import OnlinePayment, Refund
from market.payments.rules import OnlineStatus, RefundStatus
from tests import schema
from tests.failures.world import World, over
from tests.payments.till import CARD
from tests.serving import served
from tests.stripe_emulator.faults import Failure

TABS = 2
MOST_KG = 40
FAST, SLOW = 8, 1_000


@pytest.fixture
def client(at_stake: World) -> Iterator[httpx2.Client]:
    with at_stake.db.transaction() as session:
        at_stake.story.elsewhere(session).lot(10**9)
    with served(at_stake.db, gateway=at_stake.gateway, repeat_seconds=10) as address, over(address) as client:
        at_stake.emulator.listen(f"{address}/v1/provider-events")
        yield client


class Tabs:
    """Two tabs in which the same is clicked at the same time."""

    def __init__(self, at_stake: World, client: httpx2.Client, threads: ThreadPoolExecutor) -> None:
        """Open them."""
        self._at_stake, self._client, self._threads = at_stake, client, threads

    def click(self, who: str, path: str, body: Any = None) -> Any:
        """Ask the same in both, each under its own key; return the one answer that says that it was done."""
        start = Barrier(TABS)

        def ask(_: int) -> httpx2.Response:
            start.wait(30)
            return self._client.post(f"/v1{path}", json=body, headers=self._at_stake.headers(who))

        answers = list(self._threads.map(ask, range(TABS)))
        assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]
        return next(answer.json() for answer in answers if answer.status_code == 201)


@pytest.fixture
def tabs(at_stake: World, client: httpx2.Client) -> Iterator[Tabs]:
    with ThreadPoolExecutor(TABS) as threads:
        yield Tabs(at_stake, client, threads)


def test_f08_the_same_order_again_within_seconds_is_a_second_click(at_stake: World, client: httpx2.Client) -> None:
    def place(quantity: str, who: str = "orderer") -> tuple[int, Any]:
        answer = client.post("/v1/order-groups", json=at_stake.order(quantity), headers=at_stake.headers(who))
        return answer.status_code, answer.json().get("code")

    assert [place("10"), place("10"), place("11")] == [(201, None), (409, "placed_just_now"), (201, None)]
    with psycopg.connect(schema.plain(at_stake.url), autocommit=True) as connection:
        connection.execute("UPDATE idempotent_answers SET answered_at = answered_at - interval '10 seconds'")
    assert place("10") == (201, None)
    assert at_stake.count(Order) == 3
    assert at_stake.agrees() == Counter()


FAULTS = (None, Failure.CUT_AFTER, None, Failure.CUT_BEFORE, Failure.ERROR_AFTER)
"""What becomes of the first call of each step, attempt by attempt."""


def clicked(at_stake: World, tabs: Tabs, attempts: int) -> None:
    """Place, pay and give back orders, each step in two tabs at once; some calls end without a known outcome."""
    card = {"payment_method": CARD, "return_url": "https://example.org/back"}
    for number in range(attempts):
        fault, later = FAULTS[number % len(FAULTS)], timedelta(hours=1)
        wish = at_stake.order(str(1 + number % MOST_KG)) | {"payment_days": 1 + number // MOST_KG}
        group = tabs.click("orderer", "/order-groups", wish)
        _fail(at_stake, fault)
        payment = tabs.click("orderer", f"/order-groups/{group['id']}/online-payments")["id"]
        _recover(at_stake, later)
        _fail(at_stake, fault)
        tabs.click("orderer", f"/online-payments/{payment}/confirmation", card)
        _recover(at_stake, later)
        order = group["orders"][0]["id"]
        tabs.click("clerk", f"/orders/{order}/cancellation", {"reason": "道路中断"})
        refund = tabs.click("platform", f"/orders/{order}/refunds", {"reason": "取消"})["refunds"][0]["id"]
        _fail(at_stake, fault)
        tabs.click("colleague", f"/refunds/{refund}/decision", {"event": "approve"})
        _recover(at_stake, later)
    assert at_stake.payments() == [OnlineStatus.CAPTURED] * attempts
    assert at_stake.refunds() == [RefundStatus.SUCCEEDED] * attempts
    assert (at_stake.count(Order), at_stake.count(OnlinePayment), at_stake.count(Refund)) == (attempts,) * 3
    assert at_stake.agrees() == Counter(charge=attempts, refund=attempts)


def _fail(at_stake: World, fault: Failure | None) -> None:
    if fault:
        at_stake.emulator.fail(fault)


def _recover(at_stake: World, later: timedelta) -> None:
    """Let a worker ask again, later and later, and hear what the provider tells."""
    at_stake.emulator.recover()
    for minutes in (0, 5, 10, 20):
        tasks.make_calls(at_stake.db, at_stake.gateway, utc_now() + later + timedelta(minutes=minutes))
    at_stake.emulator.deliver()
    tasks.handle_events(at_stake.db, at_stake.gateway, utc_now() + later)


def test_f08_every_step_clicked_in_two_tabs_at_once_is_done_once(at_stake: World, tabs: Tabs) -> None:
    clicked(at_stake, tabs, FAST)


@pytest.mark.soak
def test_f08_a_thousand_orders_clicked_in_two_tabs_are_a_thousand_charges(at_stake: World, tabs: Tabs) -> None:
    clicked(at_stake, tabs, SLOW)
