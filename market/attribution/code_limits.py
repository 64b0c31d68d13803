"""How often confirmation codes may be tried: anybody may, so counted before a code is hashed."""

from limits import RateLimitItemPerMinute

from market.attribution.paying import TooManyTrialsError
from market.identity.limiting import Attempts

OF_AN_ADDRESS = RateLimitItemPerMinute(20, namespace="codes of an address")
"""A village office may help a queue of households, one after the other."""
IN_ALL = RateLimitItemPerMinute(300, namespace="codes in all")
"""A hash takes some 50 ms of a processor: this many, a quarter of one."""


class CodeTrials(Attempts):
    """The codes tried in the last minutes; each code has few attempts of its own besides."""

    refusal = TooManyTrialsError

    def admit(self, *, address: str) -> None:
        """Count an attempt; raises `TooManyTrialsError`, and then counts it no further."""
        self._hit(OF_AN_ADDRESS, address)
        self._hit(IN_ALL, "")
