"""Idempotency keys: the first answer is kept for 24 hours, and given again to whoever asks the same.

As https://docs.stripe.com/api/idempotent_requests says: also an answer of 500 is kept; what fails before anything is
done (unknown parameters, a key in use) is not; another request under a used key is refused.
"""

import json
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tests.stripe_emulator.refusals import Refusal, invalid
from tests.stripe_emulator.state import DAY

LONGEST = 255


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    def replayed(self) -> "Answer":
        """Return it as it is sent the second time."""
        return Answer(self.status, self.body, {**self.headers, "Idempotent-Replayed": "true"})


@dataclass
class Use:
    """The first use of a key."""

    request: str
    at: int
    answer: Answer | None = None  # none while it is in progress


def fingerprint(method: str, path: str, given: dict[str, Any]) -> str:
    """Return what must be the same under the same key."""
    return json.dumps([method, path, given], sort_keys=True)


class Keys:
    """The keys in use, each for one account."""

    def __init__(self) -> None:
        """Begin without any."""
        self._uses: dict[tuple[str, str], Use] = {}
        self._lock = Lock()

    def begin(self, key: tuple[str, str], request: str, now: int) -> Answer | None:
        """Return the answer given before, or none, and then the key is in use until `keep` or `release`."""
        if len(key[1]) > LONGEST:
            raise invalid(f"Idempotency keys are at most {LONGEST} characters long.")
        with self._lock:
            self._prune(now)
            use = self._uses.setdefault(key, mine := Use(request, now))
            if use is mine:
                return None
            if use.request != request:
                message = "Keys for idempotent requests can only be used with the same parameters they were first used"
                message = f"{message} with. Try using a key other than '{key[1]}' if you meant another request."
                raise Refusal(400, "idempotency_error", message)
            if not use.answer:
                message = f"There is currently another in-progress request using this key: {key[1]}."
                raise Refusal(409, "idempotency_error", message, code="idempotency_key_in_use")
            return use.answer.replayed()

    def keep(self, key: tuple[str, str], answer: Answer) -> None:
        """Give this answer again from now on."""
        with self._lock:
            self._uses[key].answer = answer

    def release(self, key: tuple[str, str]) -> None:
        """Forget a use that led to nothing."""
        with self._lock:
            del self._uses[key]

    def _prune(self, now: int) -> None:
        """Forget what is older than a day: the oldest come first."""
        while self._uses and now - next(iter(self._uses.values())).at >= DAY:
            del self._uses[next(iter(self._uses))]
