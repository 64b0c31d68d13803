"""Failures on command: the next calls of an operation are cut off, refused, answered late, or answered with a 500."""

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from threading import Event, Lock

from tests.stripe_emulator.refusals import Refusal


class Failure(StrEnum):
    """What may happen to a call; `before` and `after` say whether it has its effect."""

    CUT_BEFORE = "cut_before"  # the connection breaks, nothing has happened
    CUT_AFTER = "cut_after"  # the connection breaks, it has happened, and the answer is kept under the key
    TIMEOUT_BEFORE = "timeout_before"  # no answer until the client goes away, nothing has happened
    TIMEOUT_AFTER = "timeout_after"  # no answer until the client goes away, it has happened
    CONFLICT = "conflict"  # 409: somebody else holds the object's lock
    RATE_LIMIT = "rate_limit"  # 429
    ERROR_BEFORE = "error_before"  # 500, kept under the key, nothing has happened
    ERROR_AFTER = "error_after"  # 500, kept under the key, it has happened
    UNAVAILABLE = "unavailable"  # 503, not kept
    SLOW = "slow"  # waits, then is answered as usual


CUTS = {Failure.CUT_BEFORE, Failure.CUT_AFTER}
SILENCES = {Failure.TIMEOUT_BEFORE, Failure.TIMEOUT_AFTER}
EARLY = {Failure.CUT_BEFORE, Failure.TIMEOUT_BEFORE}
LATE = {Failure.CUT_AFTER, Failure.TIMEOUT_AFTER}


class NoAnswerError(Exception):
    """The caller gets no answer: the connection is cut, or nothing comes until the caller gives up."""

    def __init__(self, *, silent: bool) -> None:
        """Say which."""
        super().__init__("silence" if silent else "cut")
        self.silent = silent


@dataclass
class Fault:
    """A failure that waits for its calls."""

    failure: Failure
    method: str
    path: str
    times: int
    seconds: float | None = None  # how long a slow call waits at most
    arrived: Event = field(default_factory=Event)  # a call has met it
    released: Event = field(default_factory=Event)  # slow calls go on

    def meets(self, method: str, path: str) -> bool:
        """Tell whether a call is meant."""
        return bool(self.times) and self.method in {"*", method} and fnmatchcase(path, self.path)

    def at_the_door(self) -> None:
        """Fail before anybody looks at the call's idempotency key."""
        if self.failure is not Failure.SLOW:
            self.arrived.set()
        match self.failure:
            case Failure.CONFLICT:
                message = "This object cannot be accessed right now because another API request is accessing it."
                raise Refusal(409, "invalid_request_error", message, code="lock_timeout", early=True)
            case Failure.RATE_LIMIT:
                raise Refusal(429, "invalid_request_error", "Too many requests.", code="rate_limit", early=True)
            case Failure.UNAVAILABLE:
                raise Refusal(503, "api_error", "Stripe is not available right now.", early=True)
            case early if early in EARLY:
                raise NoAnswerError(silent=early in SILENCES)

    def before(self) -> None:
        """Fail before the call has any effect, or wait; the key is in use."""
        if self.failure is Failure.ERROR_BEFORE:
            raise Refusal(500, "api_error", "An unknown error occurred.")
        if self.failure is Failure.SLOW:
            self.arrived.set()  # only now, when the key is in use
            self.released.wait(self.seconds)

    def after(self) -> None:
        """Fail when the effect is there."""
        if self.failure is Failure.ERROR_AFTER:
            raise Refusal(500, "api_error", "An unknown error occurred.")

    def instead_of_answer(self) -> None:
        """Fail when the answer is there too, and kept."""
        if self.failure in LATE:
            raise NoAnswerError(silent=self.failure in SILENCES)


class Faults:
    """The failures to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = Lock()
        self.waiting: list[Fault] = []

    def add(
        self, failure: Failure, method: str = "post", path: str = "*", *, times: int = 1, seconds: float | None = None
    ) -> Fault:
        """Let the next calls fail whose path fits, for example `/v1/transfers/*/reversals`."""
        fault = Fault(Failure(failure), method.lower(), path, times, seconds)
        with self._lock:
            self.waiting.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """Return the failure of this call, if it has one."""
        with self._lock:
            for fault in self.waiting:
                if fault.meets(method, path):
                    fault.times -= 1
                    return fault
        return None

    def clear(self) -> None:
        """Let nothing fail any more, and let go of who waits."""
        with self._lock:
            for fault in self.waiting:
                fault.times = 0
                fault.released.set()
            self.waiting.clear()
