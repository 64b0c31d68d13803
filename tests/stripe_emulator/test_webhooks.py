"""Events: delivered in whatever order, signed, lost, late, twice, or never Stripe's at all."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import stripe
from typing_extensions import override

from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import cooperative, pay


class Inbox:
    """A receiver as it should be: verifies, then keeps."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.kept: list[stripe.Event] = []
        self.status = 200

    def __call__(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            event = stripe.Webhook.construct_event(body, headers.get("Stripe-Signature", ""), self.secret)
        except stripe.SignatureVerificationError:
            return 400
        self.kept += [event] if self.status == 200 else []
        return self.status

    @property
    def types(self) -> list[str]:
        return [each.type for each in self.kept]


@pytest.fixture
def inbox(emulator: Emulator) -> Inbox:
    inbox = Inbox(emulator.webhook_secret)
    emulator.listen(inbox)
    return inbox


PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated"]


def test_nothing_is_sent_until_it_is_delivered(emulator: Emulator, client: stripe.StripeClient, inbox: Inbox) -> None:
    intent = pay(client, key="order-1")
    assert inbox.types == []
    assert [each.status for each in emulator.deliver()] == [200] * 4
    assert inbox.types == PAID
    assert inbox.kept[2].data.object["id"] == intent.id
    assert inbox.kept[2].request
    assert inbox.kept[2].request.idempotency_key == "order-1"
    assert emulator.deliver() == []


@pytest.mark.parametrize("how", ["wrong_secret", "foreign_endpoint", "altered_body", "stale", "unsigned"])
def test_what_is_not_stripes_is_refused_by_its_signature(
    emulator: Emulator, client: stripe.StripeClient, inbox: Inbox, how: str
) -> None:
    pay(client)
    event = client.v1.events.list().data[0].id
    assert emulator.forge(how, event) == 400
    assert inbox.kept == []


def test_what_is_lost_is_found_by_asking(emulator: Emulator, client: stripe.StripeClient, inbox: Inbox) -> None:
    pay(client)
    assert emulator.deliveries.drop("payment_intent.succeeded") == 1
    emulator.deliver()
    assert inbox.types == [*PAID[:2], PAID[3]]
    missed = client.v1.events.list({"delivery_success": False})
    assert [each.type for each in missed.data] == ["payment_intent.succeeded"]
    assert len(client.v1.events.list({"delivery_success": True, "types": PAID}).data) == 3


def test_what_is_not_acknowledged_is_sent_again(emulator: Emulator, client: stripe.StripeClient, inbox: Inbox) -> None:
    inbox.status = 503
    pay(client)
    assert [each.status for each in emulator.deliver(1)] == [503]
    inbox.status = 200
    emulator.deliver()
    assert inbox.types == PAID


def test_deliveries_come_twice_late_and_in_another_order(
    emulator: Emulator, client: stripe.StripeClient, inbox: Inbox
) -> None:
    pay(client)
    emulator.deliveries.delay("charge.succeeded", days=3)
    emulator.deliveries.duplicate("payment_intent.succeeded")
    emulator.deliveries.reorder()
    emulator.deliver()
    assert inbox.types == [PAID[2], PAID[3], PAID[2], PAID[0]]
    assert inbox.kept[0].id == inbox.kept[2].id
    emulator.advance(days=3)
    emulator.deliver()
    assert inbox.types[4:] == ["charge.succeeded"]


def test_chaos_is_the_same_with_the_same_seed(emulator: Emulator, client: stripe.StripeClient, inbox: Inbox) -> None:
    for _ in range(4):
        pay(client)
    clean = list(emulator.deliveries.waiting)
    orders = []
    for seed in (1, 1, 2):
        emulator.deliveries.waiting = list(clean)
        for each in clean:
            each.due = 0
        emulator.deliveries.chaos(seed)
        orders.append([each.event["id"] for each in emulator.deliveries.waiting])
    assert orders[0] == orders[1] != orders[2]
    assert len(set(orders[2])) < len(clean) or len(orders[2]) > len(clean)
    emulator.advance(days=4)
    emulator.deliver()
    assert [each.id for each in inbox.kept] == orders[2]


def test_events_are_kept_for_thirty_days(emulator: Emulator, client: stripe.StripeClient) -> None:
    pay(client)
    event = client.v1.events.list({"type": "payment_intent.*"}).data[0].id
    emulator.advance(days=29)
    assert client.v1.events.retrieve(event).type == "payment_intent.succeeded"
    emulator.advance(days=1)
    assert client.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve(event)


def test_events_of_a_connected_account_go_to_the_endpoint_for_them(
    emulator: Emulator, client: stripe.StripeClient, inbox: Inbox
) -> None:
    connect = Inbox("whsec_for_connect")
    emulator.listen(connect, "whsec_for_connect", connect=True)
    account = cooperative(client, emulator)
    emulator.top_up(100)
    client.v1.transfers.create({"amount": 100, "currency": "cny", "destination": account})
    payout = client.v1.payouts.create({"amount": 100, "currency": "cny"}, {"stripe_account": account})
    emulator.fail_payout(payout.id)
    emulator.deliver()
    assert inbox.types == ["transfer.created"]
    assert connect.types == ["account.updated", "payout.created", "payout.failed"]
    assert {each.account for each in connect.kept} == {account}
    assert [each.type for each in client.v1.events.list(options={"stripe_account": account}).data] == connect.types[
        ::-1
    ]


@pytest.fixture
def serve() -> Iterator[Callable[[Inbox], str]]:
    """Start receivers on a port of their own."""
    servers: list[HTTPServer] = []

    def start(inbox: Inbox) -> str:
        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(inbox(body, dict(self.headers)))
                self.end_headers()

            @override
            def log_message(self, *_: object) -> None:
                """Stay silent."""

        server = HTTPServer(("127.0.0.1", 0), Receiver)
        servers.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/webhooks"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_address_is_sent_the_same_over_http(
    emulator: Emulator, client: stripe.StripeClient, serve: Callable[[Inbox], str]
) -> None:
    inbox = Inbox("whsec_remote")
    emulator.listen(serve(inbox), "whsec_remote")
    pay(client)
    emulator.deliver()
    assert inbox.types == PAID


def test_an_address_where_nobody_listens_is_tried_again(emulator: Emulator, client: stripe.StripeClient) -> None:
    emulator.listen("http://127.0.0.1:9/webhooks")
    pay(client)
    assert [each.status for each in emulator.deliver()] == [0] * 4
    assert len(emulator.deliveries.due()) == 4
