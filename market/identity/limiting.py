"""How often signing in may be tried: per address, per account and in all, counted before a password is hashed.

Counted in the memory of one process: several processes let through as many times more, a restart begins anew. That is
enough to make guessing hopeless and to keep hashing, slow on purpose, from taking all the processors.
"""

import time
from math import ceil

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from market.errors import MarketError
from market.identity.refusals import TooManySignInsError

OF_AN_ADDRESS = RateLimitItemPerMinute(60, namespace="address")
"""An office of many people may share an address."""
OF_AN_ACCOUNT = RateLimitItemPerMinute(10, 5, namespace="account")
IN_ALL = RateLimitItemPerMinute(300, namespace="all")
"""A hash takes some 50 ms of a processor: this many, a quarter of one."""


class Attempts:
    """What was tried in the last minutes; a subclass names its refusal and says what counts against which limit."""

    refusal: type[MarketError] = TooManySignInsError

    def __init__(self) -> None:
        """Begin without any."""
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def _hit(self, limit: RateLimitItem, key: str) -> None:
        if not self._limiter.hit(limit, key):
            free_at = self._limiter.get_window_stats(limit, key).reset_time
            raise self.refusal(seconds=max(1, ceil(free_at - time.time())))


class SignInLimits(Attempts):
    """Attempts to sign in."""

    def admit(self, *, address: str, login: str) -> None:
        """Count an attempt; raises `TooManySignInsError`, and then counts it no further.

        The address comes first, so that one address can keep others from their accounts for some minutes at most.
        """
        self._hit(OF_AN_ADDRESS, address)
        self._hit(OF_AN_ACCOUNT, login)
        self._hit(IN_ALL, "")
