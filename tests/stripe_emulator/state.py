"""What the emulator remembers: the objects of each account, its clock, and the events that say what changed."""

import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.stripe_emulator.refusals import impossible, invalid, nothing_called

Thing = dict[str, Any]

PLATFORM = "acct_platform"
DAY = 86_400
EVENTS_KEPT = 30 * DAY


class Clock:
    """The host's time, moved by whoever asks."""

    def __init__(self) -> None:
        """Begin at the host's time."""
        self.ahead = 0

    def now(self) -> int:
        """Return the seconds since 1970."""
        return int(time.time()) + self.ahead

    def advance(self, *, days: int = 0, hours: int = 0, seconds: int = 0) -> None:
        """Move on."""
        self.ahead += days * DAY + hours * 3600 + seconds


@dataclass
class Settings:
    """What differs from one Stripe account to the next."""

    currency: str = "cny"
    fee_basis_points: int = 0
    fee_fixed: int = 0  # of each charge, in the smallest unit
    dispute_fee: int = 0
    pending_days: int = 2  # until the money of a charge is available; pm_card_bypassPending does not wait
    payment_methods: tuple[str, ...] = ("card", "alipay", "wechat_pay")
    slow_refunds: tuple[str, ...] = ("alipay", "wechat_pay")  # these are pending first
    lists_lag: int = 0  # seconds until lists show what was made
    forgets_keys: bool = False  # the negative control of every test of idempotency


@dataclass
class Request:
    """The call that is being answered; what it changes names it in its events."""

    id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Funds:
    """An account's balance in one currency, kept beside the movements that must add up to it."""

    ready: int = 0
    waiting: list[tuple[int, int]] = field(default_factory=list)  # when available, how much

    def move(self, when: int, net: int) -> None:
        """Take in a movement, out if it is below 0."""
        self.waiting.append((when, net))

    def available(self, now: int) -> int:
        """Return what may be sent now."""
        self.ready += sum(net for when, net in self.waiting if when <= now)
        self.waiting = [each for each in self.waiting if each[0] > now]
        return self.ready

    def pending(self, now: int) -> int:
        """Return what comes, or goes, later."""
        self.available(now)
        return sum(net for _, net in self.waiting)


@dataclass
class World:
    """Everything there is, for one platform and the accounts connected to it."""

    clock: Clock = field(default_factory=Clock)
    settings: Settings = field(default_factory=Settings)
    request: Request = field(default_factory=Request)
    listeners: list[Callable[[Thing], int]] = field(default_factory=list)
    books: dict[str, dict[str, dict[str, Thing]]] = field(default_factory=dict)
    homes: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> account and kind
    funds: dict[tuple[str, str], Funds] = field(default_factory=dict)  # by account and currency
    test_cards: dict[str, str] = field(default_factory=dict)  # payment method -> the name it was made by
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    numbers: Iterator[int] = field(default_factory=itertools.count)
    afterwards: list[Callable[[], object]] = field(default_factory=list)  # what happens when a call is answered

    def new_id(self, prefix: str) -> str:
        """Return an id that no other emulator gives either."""
        return f"{prefix}_{self.token}{next(self.numbers):08d}"

    def put(self, account: str, thing: Thing) -> Thing:
        """Keep a new object in an account's book."""
        self.books.setdefault(account, {}).setdefault(thing["object"], {})[thing["id"]] = thing
        self.homes[thing["id"]] = account, thing["object"]
        return thing

    def get(self, account: str, kind: str, id_: str, *, param: str = "id") -> Thing:
        """Return an object of an account, itself and not a copy, or refuse the id."""
        try:
            return self.books[account][kind][id_]
        except KeyError:
            raise nothing_called(kind, id_, param=param) from None

    def known(self, id_: str) -> Thing:
        """Return an object of whatever account; for what the emulator does by itself or is told."""
        if id_ not in self.homes:
            raise KeyError(f"no object has the id {id_}")
        account, kind = self.homes[id_]
        return self.books[account][kind][id_]

    def account_of(self, thing: Thing) -> str:
        """Return in whose book an object is."""
        return self.homes[thing["id"]][0]

    def each(self, account: str, kind: str) -> Iterator[Thing]:
        """Yield an account's objects of a kind, the oldest first."""
        yield from list(self.books.get(account, {}).get(kind, {}).values())

    def shown(self, thing: Thing) -> Thing:
        """Return an object as it is answered now."""
        copy = deepcopy(thing)
        if thing["object"] == "balance_transaction":
            copy["status"] = "available" if thing["available_on"] <= self.clock.now() else "pending"
        return copy

    def catch_up(self) -> None:
        """Do what Stripe does a moment after it has answered."""
        while self.afterwards:
            self.afterwards.pop(0)()

    def emit(self, kind: str, thing: Thing, previous: Thing | None = None, account: str | None = None) -> Thing:
        """Record an event about an object as it is now, in its account unless another is named; tell who listens."""
        account = account or self.account_of(thing)
        data: Thing = {"object": self.shown(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": None,
            "created": self.clock.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.request.id, "idempotency_key": self.request.idempotency_key},
            "type": kind,
        }
        if account != PLATFORM:
            event["account"] = account
        self.put(account, event)
        event["pending_webhooks"] = sum(listener(event) for listener in self.listeners)
        return event


@dataclass(frozen=True)
class Call:
    """A request whose parameters are in order, in one account's book."""

    world: World
    account: str
    path: str
    ids: dict[str, str]
    given: Thing

    def get(self, kind: str, name: str) -> Thing:
        """Return the object whose id is in the path."""
        return self.world.get(self.account, kind, self.ids[name], param=name)

    def amount(self, name: str = "amount") -> int:
        """Return an amount in the currency's smallest unit."""
        value: int = self.given[name]
        if value < 1:
            message = "This value must be greater than or equal to 1."
            raise invalid(message, param=name, code="parameter_invalid_integer")
        if value > 99_999_999:
            raise invalid("Amount must be no more than 99999999", param=name, code="amount_too_large")
        return value

    def currency(self) -> str:
        """Return the currency's code as Stripe answers it."""
        code: str = self.given["currency"].lower()
        if len(code) != 3 or not code.isalpha():
            raise invalid(f"Invalid currency: {code}.", param="currency")
        return code

    def metadata(self, before: Thing | None = None) -> dict[str, str]:
        """Return the metadata: what was there, what is added, less what is sent empty."""
        sent = self.given.get("metadata") or {}
        merged = {} if self.given.get("metadata") == "" else {**(before or {}), **sent}
        kept = {key: value for key, value in merged.items() if value}
        if len(kept) > 50 or any(len(key) > 40 or len(value) > 500 for key, value in kept.items()):
            raise invalid("Metadata has at most 50 keys of 40 characters, and values of 500.", param="metadata")
        return kept


def only_from(thing: Thing, *statuses: str, code: str, message: str) -> None:
    """Refuse what an object's status does not allow."""
    if thing["status"] not in statuses:
        raise impossible(f"{message} because it has a status of {thing['status']}.", code)


def changed(thing: Thing, **changes: Any) -> Thing:
    """Change an object and return what it was before, as its event tells it."""
    before = {name: deepcopy(thing.get(name)) for name in changes if thing.get(name) != changes[name]}
    thing.update(changes)
    return before
