"""Chance that can be told again."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Throws that follow from one number."""

    def __init__(self, chance: int) -> None:
        self.chance, self.thrown = chance, 0

    def below(self, bound: int) -> int:
        """Return a number from 0 up to, not including, the bound."""
        self.thrown += 1
        return int.from_bytes(sha256(f"{self.chance}:{self.thrown}".encode()).digest()[:8]) % bound

    def of(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def happens(self, percent: int) -> bool:
        return self.below(100) < percent
