"""Writers: each leads one order after the other through the market, and asks again until it is answered."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import httpx2

from tests.crash.deeds import JOURNEYS, Case, Deed
from tests.crash.journal import Journal
from tests.crash.world import Stall

PATIENCE_S = 60.0
Post = Callable[..., httpx2.Response]


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

    def wait(self) -> None:
        """Pass if it is open, else when it opens; never at once, for a server that is up needs a moment as well."""
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait(0.05)
            self._changed.wait_for(lambda: self._open)
            self._waiting -= 1

    def all_wait(self, writers: int) -> None:
        """Return when all writers wait; raises `UnansweredError` if some do not."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting == writers, PATIENCE_S):
                raise UnansweredError(f"{writers - self._waiting} writers still wait for an answer of dead servers")


class Writer:
    """Somebody with orders to place and a journal; `post` is a client's, which sends the requests."""

    def __init__(self, post: Post, journal: Journal, gate: Gate, random: Random) -> None:
        """Begin with nothing done."""
        self._post, self._journal, self._gate, self._random = post, journal, gate, random
        self.hits = 0
        """Requests that were asked again, and had been committed without an answer."""
        self.unanswered: Counter[str] = Counter()
        """How requests failed that were asked again."""

    def play(self, stalls: Sequence[Stall], going_on: Callable[[], bool]) -> None:
        """Lead an order along a journey, as far as it is not refused and may go on."""
        funds_model, deeds = self._random.choice(JOURNEYS)
        case = Case(self._random.choice(stalls), funds_model, self._random.randint(1, 20), self._key())
        for deed in deeds:
            if not going_on() or not self.do(deed, case):
                return

    def _key(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def do(self, deed: Deed, case: Case) -> bool:
        """Ask for a deed until there is an answer; tell whether it was done."""
        key, request = self._key(), deed.asked(case)
        self._journal.ask(key, deed.name, request.path, request.content)
        headers = {
            "Authorization": f"Bearer {case.stall.tokens[deed.by]}",
            "Idempotency-Key": key,
            "Content-Type": request.media_type,
        }
        while (answer := self._sent(request.path, request.content, headers)) is None:
            self._gate.wait()
        if answer.status_code != 201:
            self._journal.refuse(key, f"{answer.status_code} {answer.json()['code']}")
            return False
        case.answers[deed.name] = answer.json()
        self.hits += "Idempotency-Hit" in answer.headers
        self._journal.acknowledge(key, deed.told(case, answer.json()))
        return True

    def _sent(self, path: str, content: bytes, headers: dict[str, str]) -> httpx2.Response | None:
        """Return the answer, or None if there is none to be relied on."""
        try:
            answer = self._post(f"/v1{path}", content=content, headers=headers)
        except httpx2.TransportError as error:
            self.unanswered[type(error).__name__] += 1
            return None
        if answer.status_code >= 500:
            self.unanswered[f"{answer.status_code} {answer.json()['code']}"] += 1
            return None
        return answer


class Crew:
    """Writers at work in threads, until the block ends; their last requests are answered by then."""

    def __init__(self, base_url: str, stalls: Sequence[Stall], journals: Sequence[Journal], seed: int) -> None:
        """Hire one for each journal."""
        self.gate = Gate()
        self._stalls, self._at_work = stalls, threading.Event()
        self._clients = [httpx2.Client(base_url=base_url, timeout=PATIENCE_S, trust_env=False) for _ in journals]
        self.writers = [
            Writer(client.post, journal, self.gate, Random(f"{seed}/{place}"))
            for place, (client, journal) in enumerate(zip(self._clients, journals, strict=True))
        ]
        self._failed: list[BaseException] = []
        self._threads = [threading.Thread(target=self._work, args=[each], daemon=True) for each in self.writers]

    def start(self) -> None:
        """Let them work."""
        self._at_work.set()
        for thread in self._threads:
            thread.start()

    def _work(self, writer: Writer) -> None:
        try:
            while self._at_work.is_set():
                writer.play(self._stalls, self._at_work.is_set)
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
