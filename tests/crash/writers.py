"""Writers: each leads one order after the other through the market, and asks again until it is answered."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import NamedTuple

import httpx2

from tests.crash.asking import Answer, Case, Deed, Request
from tests.crash.journal import Journal
from tests.crash.journeys import JOURNEYS
from tests.crash.provider import Provider
from tests.crash.world import Stall, Stalls

PATIENCE_S = 60.0
MOST_ASIDE = 20
"""So many orders of a writer wait for the provider's news, before it begins no other."""
LOOK_S = 0.1
"""Between one look and the next at what waits, for who has nothing else to do."""
Send = Callable[..., httpx2.Response]


class UnansweredError(RuntimeError):
    """The servers are up, and yet a writer is not answered."""


class Gate:
    """Where writers wait who were not answered, while the servers are down."""

    def __init__(self) -> None:
        """Begin open."""
        self._changed = threading.Condition()
        self._open, self._waiting = True, 0

    def close(self) -> None:
        """Let whoever comes wait."""
        with self._changed:
            self._open = False

    def open(self) -> None:
        """Let everybody pass."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def wait(self, moment_s: float = 0.05) -> None:
        """Pass if it is open, else when it opens; not at once, for a server that is up needs a moment as well."""
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait(moment_s)
            self._changed.wait_for(lambda: self._open)
            self._waiting -= 1

    def all_wait(self, writers: int) -> None:
        """Return when all writers wait; raises `UnansweredError` if some do not."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting == writers, PATIENCE_S):
                raise UnansweredError(f"{writers - self._waiting} writers still wait for an answer of dead servers")


class Outcome(Enum):
    """What came of a deed."""

    DONE = auto()
    NOT_YET = auto()
    REFUSED = auto()


class Ways(NamedTuple):
    """How requests are sent: to the market, and to the provider."""

    market: Send
    provider: Send


@dataclass
class Errand:
    """An order on its way, and what is still to be done with it."""

    case: Case
    left: list[Deed]
    settles: bool


class Writer:
    """Somebody with orders to place, a stall where suppliers are paid, and a journal."""

    def __init__(self, ways: Ways, journal: Journal, gate: Gate, random: Random) -> None:
        """Begin with nothing done."""
        self._ways, self._journal, self._gate, self._random = ways, journal, gate, random
        self._aside: list[Errand] = []
        self.hits = 0
        """Requests that were asked again, and had been committed without an answer."""
        self.unanswered: Counter[str] = Counter()
        """How requests failed that were asked again."""

    def play(self, shared: Sequence[Stall], own: Stall, going_on: Callable[[], bool]) -> None:
        """Go on with what has waited longest for the provider's news, then lead a new order as far as it may go on."""
        if self._aside:
            self._go_on(self._aside.pop(0), going_on)
        if len(self._aside) == MOST_ASIDE:
            self._gate.wait(LOOK_S)
            return
        errand = self._begun(shared, own)
        if not (errand.settles and any(other.settles for other in self._aside)):
            self._go_on(errand, going_on)

    def _go_on(self, errand: Errand, going_on: Callable[[], bool]) -> None:
        if self._has_to_wait(errand, going_on):
            self._aside.append(errand)

    def _begun(self, shared: Sequence[Stall], own: Stall) -> Errand:
        journey, stall = self._random.choice(JOURNEYS), self._random.choice(shared)
        stall = own if journey.settles else stall
        case = Case(stall, journey.funds_model, self._random.randint(1, 20), self._key())
        return Errand(case, list(journey.deeds), journey.settles)

    def _has_to_wait(self, errand: Errand, going_on: Callable[[], bool]) -> bool:
        """Lead an order along its journey; tell whether it has to wait on the way."""
        while errand.left and going_on():
            self._gate.wait(0)
            outcome = self.do(errand.left[0], errand.case)
            if outcome is not Outcome.DONE:
                return outcome is Outcome.NOT_YET
            del errand.left[0]
        return False

    def _key(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def do(self, deed: Deed, case: Case) -> Outcome:
        """Ask for a deed until there is an answer; tell whether it was done."""
        key, request = self._key(), deed.asked(case)
        if deed.until is None:
            self._journal.ask(key, deed.name, request.path, request.content)
        headers = {"Authorization": f"Bearer {case.stall.tokens[deed.by]}", "Content-Type": request.media_type}
        if request.method == "POST":
            headers["Idempotency-Key"] = key
        while (answer := self._sent(deed, request, headers)) is None:
            self._gate.wait()
        if answer.status_code not in (200, 201):
            return self._refused(key, deed, request, answer)
        if deed.until is not None and answer.json()["status"] != deed.until:
            return Outcome.NOT_YET
        self.hits += "Idempotency-Hit" in answer.headers
        self._done(key, deed, case, request, answer.json())
        return Outcome.DONE

    def _done(self, key: str, deed: Deed, case: Case, request: Request, answer: Answer) -> None:
        case.answers[deed.name] = answer
        if deed.until is not None:
            self._journal.ask(key, deed.name, request.path, request.content)
        self._journal.acknowledge(key, deed.told(case, answer))

    def _refused(self, key: str, deed: Deed, request: Request, answer: httpx2.Response) -> Outcome:
        if deed.until is not None:
            self._journal.ask(key, deed.name, request.path, request.content)
        told = answer.json()
        self._journal.refuse(key, f"{answer.status_code} {told['error'] if deed.at_provider else told['code']}")
        return Outcome.REFUSED

    def _sent(self, deed: Deed, request: Request, headers: dict[str, str]) -> httpx2.Response | None:
        """Return the answer, or None if there is none to be relied on."""
        send = self._ways.provider if deed.at_provider else self._ways.market
        try:
            answer = send(request.method, f"/v1{request.path}", content=request.content, headers=headers)
        except httpx2.TransportError as error:
            self.unanswered[type(error).__name__] += 1
            return None
        if answer.status_code >= 500:
            self.unanswered[f"{answer.status_code} {answer.json()['code']}"] += 1
            return None
        return answer


class Crew:
    """Writers at work in threads, until the block ends; their last requests are answered by then."""

    def __init__(
        self, base_url: str, provider: Provider, stalls: Stalls, journals: Sequence[Journal], seed: int
    ) -> None:
        """Hire one for each journal."""
        self.gate = Gate()
        self._shared, self._at_work = stalls.shared, threading.Event()
        self._clients = [
            httpx2.Client(base_url=address, timeout=PATIENCE_S, trust_env=False)
            for _ in journals
            for address in (base_url, provider.url)
        ]
        requests = [client.request for client in self._clients]
        self.writers = [
            Writer(Ways(market, payer), journal, self.gate, Random(f"{seed}/{place}"))
            for place, (market, payer, journal) in enumerate(zip(requests[::2], requests[1::2], journals, strict=True))
        ]
        self._failed: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._work, args=[writer, own], daemon=True)
            for writer, own in zip(self.writers, stalls.own, strict=True)
        ]

    def start(self) -> None:
        """Let them work."""
        self._at_work.set()
        for thread in self._threads:
            thread.start()

    def _work(self, writer: Writer, own: Stall) -> None:
        try:
            while self._at_work.is_set():
                writer.play(self._shared, own, self._at_work.is_set)
        except BaseException as error:
            self._failed.append(error)
            raise

    def pause(self) -> None:
        """Return when all wait at the closed gate."""
        try:
            self.gate.all_wait(len(self.writers))
        except UnansweredError as error:
            raise (self._failed[0] if self._failed else error) from None

    def finish(self) -> None:
        """Let each end with its last answer."""
        self._at_work.clear()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            if thread.is_alive():
                raise UnansweredError("a writer was not answered")
        if self._failed:
            raise self._failed[0]
        for client in self._clients:
            client.close()
