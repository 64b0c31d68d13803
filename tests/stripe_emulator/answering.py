"""From a request to its answer: the order in which Stripe looks at things, and where a failure may come between."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import stripe

from tests.stripe_emulator import (
    accounts,
    balances,
    charges,
    contract,
    disputes,
    events,
    methods,
    payments,
    payouts,
    refunds,
    transfers,
)
from tests.stripe_emulator.emulated import OPERATIONS, expanded
from tests.stripe_emulator.faults import Fault, Faults, NoAnswerError
from tests.stripe_emulator.forms import decoded
from tests.stripe_emulator.idempotency import Answer, Keys, fingerprint
from tests.stripe_emulator.refusals import Refusal, not_emulated
from tests.stripe_emulator.state import PLATFORM, Call, Request, Thing, World

FAMILIES = (accounts, balances, charges, disputes, events, methods, payments, payouts, refunds, transfers)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    form: str
    headers: Mapping[str, str]


@dataclass
class Service:
    """The emulated service: what it knows, the keys it has seen, and what it is told to do wrong."""

    key: str
    world: World = field(default_factory=World)
    keys: Keys = field(default_factory=Keys)
    faults: Faults = field(default_factory=Faults)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Begin with the platform's own account."""
        accounts.platform(self.world)

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request, or raise `NoAnswerError`."""
        request = Request(self.world.new_id("req"), asked.headers.get("Idempotency-Key"))
        try:
            answer = self._answer(asked, request)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body())
        except NoAnswerError:
            raise
        except Exception as error:  # noqa: BLE001 # a fault of the emulator's own must be told, not look like a cut
            answer = Answer(500, {"error": {"type": "api_error", "code": "emulator_failed", "message": repr(error)}})
        return replace(answer, headers={**_told(asked, request), **answer.headers})

    def _answer(self, asked: Asked, request: Request) -> Answer:
        self._let_in(asked)
        route, call = self._understood(asked)
        fault = self.faults.take(asked.method, asked.path)
        if fault:
            fault.at_the_door()
        key = (call.account, request.idempotency_key or "")
        if asked.method != "post" or not key[1] or self.world.settings.forgets_keys:
            answer = self._done(route, call, request, fault)
        else:
            answer = self._once(route, call, request, fault, key)
        if fault:
            fault.instead_of_answer()
        return answer

    def _let_in(self, asked: Asked) -> None:
        given = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if given != self.key:
            message = f"Invalid API Key provided: {given[:8]}****" if given else "You did not provide an API key."
            raise Refusal(401, "invalid_request_error", message)
        version = asked.headers.get("Stripe-Version", stripe.api_version)
        if version != stripe.api_version:
            raise not_emulated(f"the API version {version}, but only the SDK's {stripe.api_version}")

    def _understood(self, asked: Asked) -> tuple[contract.Route, Call]:
        """Find the operation and its parameters."""
        found = contract.find(asked.method, asked.path)
        if not found:
            message = f"Unrecognized request URL ({asked.method.upper()}: {asked.path})."
            raise Refusal(404, "invalid_request_error", message)
        route, ids = found
        if (asked.method, route.path) not in OPERATIONS:
            raise not_emulated(f"{asked.method.upper()} {route.path}")
        account = asked.headers.get("Stripe-Account", PLATFORM)
        if self.world.homes.get(account) != (PLATFORM, "account"):
            message = f"The provided key does not have access to account '{account}', or it does not exist."
            raise Refusal(403, "invalid_request_error", message, code="account_invalid")
        given = route.read(decoded(asked.form))
        OPERATIONS[asked.method, route.path].refuse_what_is_ignored(given, route.path)
        return route, Call(self.world, account, asked.path, ids, given)

    def _once(
        self, route: contract.Route, call: Call, request: Request, fault: Fault | None, key: tuple[str, str]
    ) -> Answer:
        """Do it, or return what came of it the first time."""
        before = self.keys.begin(key, fingerprint(route.method, call.path, call.given), self.world.clock.now())
        if before:
            return before
        try:
            answer = self._done(route, call, request, fault)
        except Refusal as refusal:
            if refusal.early:
                self.keys.release(key)
                raise
            answer = Answer(refusal.status, refusal.body(), _no_more(refusal.status))
        except BaseException:
            self.keys.release(key)
            raise
        self.keys.keep(key, answer)
        return answer

    def _done(self, route: contract.Route, call: Call, request: Request, fault: Fault | None) -> Answer:
        if fault:
            fault.before()
        with self.lock:
            self.world.request = request
            try:
                body = OPERATIONS[route.method, route.path].work(call)
                body = expanded(self.world, body, call.given.get("expand", ()))
            finally:
                self.world.request = Request()
                self.world.catch_up()
        if fault:
            fault.after()
        if found := route.faults_of(body):
            raise Refusal(500, "api_error", _misshapen(route, found[0]), code="misshapen", early=True)
        return Answer(200, body)


def _misshapen(route: contract.Route, problem: contract.Problem) -> str:
    where = ".".join(problem.where)
    return f"The emulator's own {route.answer} does not fit the SDK's type: {where} {problem.message}"


def _told(asked: Asked, request: Request) -> dict[str, str]:
    """Return the headers that every answer has."""
    told = {"Request-Id": str(request.id), "Stripe-Version": stripe.api_version}
    if request.idempotency_key:
        told["Idempotency-Key"] = request.idempotency_key
    if "Stripe-Account" in asked.headers:
        told["Stripe-Account"] = asked.headers["Stripe-Account"]
    return told


def _no_more(status: int) -> dict[str, str]:
    """Tell the SDK not to repeat what it would be told again."""
    return {"Stripe-Should-Retry": "false"} if status >= 500 else {}


def encoded(body: Thing) -> bytes:
    """Return the JSON of an answer."""
    return json.dumps(body, ensure_ascii=False, default=_impossible).encode()


def _impossible(value: Any) -> Any:
    raise TypeError(f"{value!r} is no JSON")
