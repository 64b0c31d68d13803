"""Webhooks: what was recorded is sent when one says so, in the order one says, signed or forged."""

import hashlib
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

import stripe

from tests.stripe_emulator.contract import faults_of_object
from tests.stripe_emulator.state import DAY, Thing, World

Receiver = Callable[[bytes, dict[str, str]], int]  # takes body and headers, returns the status

STALE = 301  # seconds, one more than the SDK tolerates
ALL = 10_000


class Forgery(StrEnum):
    """Ways in which a delivery is not Stripe's."""

    WRONG_SECRET = "wrong_secret"
    FOREIGN_ENDPOINT = "foreign_endpoint"  # rightly signed, for another endpoint of the same account
    ALTERED_BODY = "altered_body"
    STALE = "stale"
    UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Endpoint:
    """Where events go: an address, or a function that stands for it."""

    receiver: str | Receiver
    secret: str
    connect: bool = False  # events of connected accounts; otherwise those of the platform
    types: tuple[str, ...] = ("*",)

    def hears(self, event: Thing) -> bool:
        """Tell whether an event is for this endpoint."""
        return self.connect == ("account" in event) and ("*" in self.types or event["type"] in self.types)

    def send(self, body: bytes, signature: str | None) -> int:
        """Post a body and return the status of the answer, 0 if there is none."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        headers |= {"Stripe-Signature": signature} if signature else {}
        return _post(self.receiver, body, headers) if isinstance(self.receiver, str) else self.receiver(body, headers)


@dataclass(eq=False)
class Delivery:
    """An event on its way to an endpoint."""

    event: Thing
    endpoint: Endpoint
    due: int
    statuses: list[int] = field(default_factory=list)
    again: bool = False  # a duplicate, which nobody waits for


class Attempt(NamedTuple):
    """What came of sending an event."""

    event: str
    type: str
    status: int


class Deliveries:
    """The deliveries that wait, the oldest first."""

    def __init__(self, world: World) -> None:
        """Hear of every event."""
        self.world = world
        self.endpoints: list[Endpoint] = []
        self.waiting: list[Delivery] = []
        self._lock = Lock()  # of the list alone: a receiver may call the emulator while it is sent something
        world.listeners.append(self._enqueue)

    def listen(
        self, receiver: str | Receiver, secret: str, *, connect: bool = False, types: tuple[str, ...] = ("*",)
    ) -> Endpoint:
        """Send future events to an address, or to a function."""
        endpoint = Endpoint(receiver, secret, connect, types)
        self.endpoints.append(endpoint)
        return endpoint

    def _enqueue(self, event: Thing) -> int:
        heard = [Delivery(event, each, event["created"]) for each in self.endpoints if each.hears(event)]
        with self._lock:
            self.waiting += heard
        return len(heard)

    def due(self) -> list[Delivery]:
        """Return what would be sent now, in order."""
        return [each for each in self.waiting if each.due <= self.world.clock.now()]

    def deliver(self, limit: int | None = None) -> list[Attempt]:
        """Send what is due; what is not acknowledged with a 2xx waits for the next time, as Stripe tries again."""
        return [self._send(delivery) for delivery in self.due()[:limit]]

    def _send(self, delivery: Delivery) -> Attempt:
        event = delivery.event
        status = delivery.endpoint.send(*self.signed(event, delivery.endpoint))
        delivery.statuses.append(status)
        acknowledged = 200 <= status < 300
        event["pending_webhooks"] -= acknowledged and not delivery.again
        if acknowledged or delivery.again:
            with self._lock:
                self.waiting.remove(delivery)
        return Attempt(event["id"], event["type"], status)

    def signed(self, event: Thing, endpoint: Endpoint) -> tuple[bytes, str]:
        """Return body and signature; the signature is of the host's time, however far the emulator's clock is."""
        if found := faults_of_object("Event", event):
            raise ValueError(f"the emulator's own event does not fit the SDK: {found}")
        body = json.dumps(event, ensure_ascii=False, indent=2)
        return body.encode(), _header(body, endpoint.secret)

    def drop(self, types: str = "*", *, times: int = ALL) -> int:
        """Lose deliveries for good; `delivery_success=false` still lists their events."""
        with self._lock:
            lost = self._of_type(types)[:times]
            self.waiting = [each for each in self.waiting if each not in lost]
        return len(lost)

    def duplicate(self, types: str = "*") -> int:
        """Send deliveries once more, after all that wait now; the event has the same id."""
        twice = [Delivery(each.event, each.endpoint, each.due, again=True) for each in self._of_type(types)]
        with self._lock:
            self.waiting += twice
        return len(twice)

    def delay(self, types: str = "*", *, days: int = 0, seconds: int = 0) -> int:
        """Let deliveries wait until the emulator's clock is so far."""
        late = self._of_type(types)
        for each in late:
            each.due += days * DAY + seconds
        return len(late)

    def reorder(self, seed: int | None = None) -> None:
        """Turn the order around, or shuffle it by a seed."""
        with self._lock:
            self.waiting = _reordered(self.waiting, seed)

    def chaos(self, seed: int, *, drop: int = 1_000, duplicate: int = 2_000, late: int = 2_000, days: int = 3) -> None:
        """Drop, duplicate and delay so many of ten thousand, and shuffle: always the same with the same seed."""
        kept: list[Delivery] = []
        with self._lock:
            for number, each in enumerate(self.waiting):
                if _drawn(seed, "drop", number) < drop:
                    continue
                kept.append(each)
                if _drawn(seed, "late", number) < late:
                    each.due += _drawn(seed, "days", number) * days * DAY // ALL
                if _drawn(seed, "twice", number) < duplicate:
                    kept.append(Delivery(each.event, each.endpoint, each.due, again=True))
            self.waiting = _reordered(kept, seed)

    def forge(self, how: Forgery, event: Thing, endpoint: Endpoint) -> int:
        """Send what Stripe would not, and return the status of the answer."""
        return endpoint.send(*forged(how, self.signed(event, endpoint)[0], endpoint.secret))

    def _of_type(self, types: str) -> list[Delivery]:
        return [each for each in self.waiting if types in {"*", each.event["type"]}]


def forged(how: Forgery, body: bytes, secret: str) -> tuple[bytes, str | None]:
    """Return a body and a signature that do not belong together, or not here, or not now."""
    text = body.decode()
    match Forgery(how):
        case Forgery.WRONG_SECRET:
            return body, _header(text, "whsec_guessed")
        case Forgery.FOREIGN_ENDPOINT:
            return body, _header(text, f"{secret}_of_another_endpoint")
        case Forgery.ALTERED_BODY:
            altered = text.replace('"livemode": false', '"livemode": true')
            return altered.encode(), _header(text, secret)
        case Forgery.STALE:
            signed = _header(text, secret)
            at = int(signed.split(",")[0].removeprefix("t="))
            return body, _header(text, secret, at - STALE)
        case Forgery.UNSIGNED:
            return body, None


def _reordered(waiting: list[Delivery], seed: int | None) -> list[Delivery]:
    if seed is None:
        return waiting[::-1]
    numbered = sorted(enumerate(waiting), key=lambda each: _drawn(seed, "place", each[0]))
    return [each for _, each in numbered]


def _header(body: str, secret: str, at: int | None = None) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(body, secret, at)
    return header


def _drawn(seed: int, what: str, number: int) -> int:
    """Return a number below ten thousand that looks random and is the same every time."""
    return int.from_bytes(hashlib.sha256(f"{seed} {what} {number}".encode()).digest()[:4]) % ALL


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("POST", parts.path or "/", body, headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
