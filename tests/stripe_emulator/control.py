"""What a test does with the emulator beside calling it: time, other people's deeds, failures, webhooks."""

import inspect
import secrets
from contextlib import suppress
from threading import Lock
from typing import Any

from tests.stripe_emulator import accounts, balances, disputes, payments, payouts, refunds
from tests.stripe_emulator.answering import Service
from tests.stripe_emulator.bookkeeping import discrepancies
from tests.stripe_emulator.deliveries import Attempt, Deliveries, Endpoint, Forgery, Receiver
from tests.stripe_emulator.faults import Failure, Fault, Faults
from tests.stripe_emulator.refusals import Refusal
from tests.stripe_emulator.state import PLATFORM, Settings, Thing


class Emulator:
    """A running emulator: where it is, what opens it, and everything Stripe's API cannot be told."""

    def __init__(self) -> None:
        """Begin with an empty platform and keys of its own."""
        self.url = ""
        self.key = f"sk_test_{secrets.token_hex(12)}"
        self.webhook_secret = f"whsec_{secrets.token_hex(16)}"
        self.service = Service(self.key)
        self.world = self.service.world
        self.deliveries = Deliveries(self.world)
        self._lock: Lock = self.service.lock

    @property
    def settings(self) -> Settings:
        """What differs from one Stripe account to the next."""
        return self.world.settings

    @property
    def faults(self) -> Faults:
        """The failures to come."""
        return self.service.faults

    def now(self) -> int:
        """Return the emulator's time, in seconds since 1970."""
        return self.world.clock.now()

    def advance(self, *, days: int = 0, hours: int = 0, seconds: int = 0) -> None:
        """Move the emulator's clock; the host's stays."""
        self.world.clock.advance(days=days, hours=hours, seconds=seconds)

    def find(self, id_: str) -> Thing:
        """Return a copy of any object as it is now."""
        with self._lock:
            return self.world.shown(self.world.known(id_))

    def check(self) -> None:
        """Raise AssertionError unless every fen that came in is somewhere, and where the movements say."""
        with self._lock:
            if found := discrepancies(self.world):
                raise AssertionError("; ".join(found))

    # Other people's deeds.

    def complete_payment(self, intent: str) -> Thing:
        """The payer passes 3D Secure, or pays in Alipay or WeChat Pay; the card may still be refused."""
        with self._lock:
            thing = self._open(intent, "payment_intent", "requires_action")
            with suppress(Refusal):  # it is on the intent, and in an event
                payments.settle(self.world, thing)
            self.world.catch_up()
            return self.world.shown(thing)

    def fail_payment(self, intent: str, code: str = "payment_intent_authentication_failure") -> Thing:
        """The payer does not pass, turns back, or lets it expire."""
        with self._lock:
            thing = self._open(intent, "payment_intent", "requires_action")
            with suppress(Refusal):
                payments.fail(self.world, thing, code, None)
            return self.world.shown(thing)

    def settle_refund(self, refund: str) -> Thing:
        """A pending refund reaches the payer."""
        with self._lock:
            thing = self._open(refund, "refund", "pending", "requires_action")
            refunds.succeed(self.world, thing)
            return self.world.shown(thing)

    def fail_refund(self, refund: str, reason: str = "expired_or_canceled_card") -> Thing:
        """The payer's bank returns a refund, also one that had succeeded."""
        with self._lock:
            thing = self._open(refund, "refund", "pending", "succeeded", "requires_action")
            refunds.fail(self.world, thing, reason)
            return self.world.shown(thing)

    def hold_refund(self, refund: str) -> Thing:
        """A pending refund waits for what only the payer can say; only then it can be cancelled."""
        with self._lock:
            thing = self._open(refund, "refund", "pending")
            thing["status"] = "requires_action"
            return self.world.shown(thing)

    def activate(self, account: str, *capabilities: str) -> Thing:
        """Stripe knows enough of an account: these capabilities, or all it has asked for, are active."""
        with self._lock:
            thing = self.world.known(account)
            accounts.activate(self.world, thing, capabilities)
            return self.world.shown(thing)

    def admit(self, account: str) -> Thing:
        """An account is active; one that was opened at an emulator that has ended is opened here under its old id."""
        with self._lock:
            if account not in self.world.homes:
                accounts.reopen(self.world, account)
            accounts.activate(self.world, self.world.known(account), ())
            return self.world.shown(self.world.known(account))

    def restrict(self, account: str, due: str = "individual.verification.document") -> Thing:
        """Stripe asks for something more: nothing is active."""
        with self._lock:
            thing = self.world.known(account)
            accounts.restrict(self.world, thing, due)
            return self.world.shown(thing)

    def arrive_payout(self, payout: str) -> Thing:
        """The bank has the money."""
        with self._lock:
            thing = self._open(payout, "payout", "pending", "in_transit")
            payouts.arrive(self.world, thing)
            return self.world.shown(thing)

    def fail_payout(self, payout: str, code: str = "account_closed") -> Thing:
        """The bank returns it, also one that was told to be paid."""
        with self._lock:
            thing = self._open(payout, "payout", "pending", "in_transit", "paid")
            payouts.fail(self.world, thing, code)
            return self.world.shown(thing)

    def open_dispute(self, charge: str, *, amount: int | None = None, reason: str = "fraudulent") -> Thing:
        """The payer's bank takes back a charge, or a part of it."""
        with self._lock:
            thing = self.world.known(charge)
            return self.world.shown(disputes.begin(self.world, thing, amount=amount, reason=reason))

    def win_dispute(self, dispute: str) -> Thing:
        """The payer's bank decides for us."""
        return self._end_dispute(dispute, "won")

    def lose_dispute(self, dispute: str) -> Thing:
        """The payer's bank decides for the payer."""
        return self._end_dispute(dispute, "lost")

    def _end_dispute(self, dispute: str, status: str) -> Thing:
        with self._lock:
            thing = self.world.known(dispute)
            disputes.end(self.world, thing, status)
            return self.world.shown(thing)

    def top_up(self, amount: int, currency: str = "cny") -> str:
        """Put own money into the platform's balance, at once."""
        with self._lock:
            source = self.world.new_id("tu")
            return balances.post(self.world, PLATFORM, "topup", amount, currency=currency, source=source)

    def _open(self, id_: str, kind: str, *statuses: str) -> Thing:
        thing = self.world.known(id_)
        if thing["object"] != kind or thing["status"] not in statuses:
            raise ValueError(f"{id_} is a {thing['object']} that is {thing.get('status')}, not a {kind} {statuses}")
        return thing

    # Failures and webhooks.

    def fail(
        self,
        failure: str | Failure,
        method: str = "post",
        path: str = "*",
        *,
        times: int = 1,
        seconds: float | None = None,
    ) -> Fault:
        """Let the next calls fail that fit; `path` may have `*` in it."""
        return self.faults.add(Failure(failure), method, path, times=times, seconds=seconds)

    def recover(self) -> None:
        """Let nothing fail any more, and let slow calls go on."""
        self.faults.clear()

    def listen(self, receiver: str | Receiver, secret: str | None = None, *, connect: bool = False) -> Endpoint:
        """Send future events to an address, or to a function of body and headers that returns a status."""
        return self.deliveries.listen(receiver, secret or self.webhook_secret, connect=connect)

    def deliver(self, limit: int | None = None) -> list[Attempt]:
        """Send the events that are due and return id, type and status of each attempt."""
        return self.deliveries.deliver(limit)

    def forge(self, how: str | Forgery, event: str, endpoint: Endpoint | None = None) -> int:
        """Send an event as only a forger would, and return the status of the answer."""
        return self.deliveries.forge(Forgery(how), self.world.known(event), endpoint or self.deliveries.endpoints[0])

    def command(self, name: str, given: dict[str, Any]) -> Any:
        """Do one of the above by its name, for another process; what is no JSON is answered with null."""
        if name.startswith("_") or name not in COMMANDS:
            raise ValueError(f"no such command; there are {', '.join(sorted(COMMANDS))}")
        given = dict(given)
        if name == "set":
            for setting, value in given.items():
                getattr(self.settings, setting)
                setattr(self.settings, setting, tuple(value) if isinstance(value, list) else value)
            return None
        listed = given.pop("capabilities", [])
        owner = self if hasattr(self, name) else self.deliveries
        result = getattr(owner, name)(*([given.pop("account"), *listed] if listed else []), **given)
        return None if isinstance(result, Fault | Endpoint) else result


COMMANDS = {"set", "drop", "duplicate", "delay", "reorder", "chaos"} | {
    name for name, each in inspect.getmembers(Emulator, inspect.isfunction) if name[0] != "_" and name != "command"
}
