"""A million random splits against an oracle in exact fractions, which shares no line of code with the market."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from hashlib import sha256

import pytest

from market.money import allocate
from tests.year.dice import Dice

Shares = Sequence[tuple[str, int]]
Split = Callable[..., list[int]]
LARGEST_FEN = 10**9


def exact(total: int, shares: Shares, salt: str) -> list[int]:
    """Give everybody the whole fen of the quota, and what is left to the largest remainders, ties by hash."""
    quotas = [Fraction(total * weight, sum(weight for _, weight in shares)) for _, weight in shares]
    parts = [math.floor(quota) for quota in quotas]
    ranks = [
        (part - quota, sha256(f"{salt}|{key}".encode()).digest())
        for part, quota, (key, _) in zip(parts, quotas, shares, strict=True)
    ]
    for index in sorted(range(len(parts)), key=ranks.__getitem__)[: total - sum(parts)]:
        parts[index] += 1
    return parts


def drawn(dice: Dice) -> tuple[int, Shares, str]:
    """Draw a total and who shares it: some with equal weights, some with none."""
    count, evenly = 1 + dice.below(30), dice.happens(30)
    weights = [7 if evenly else dice.below(1_000) * dice.below(3) for _ in range(count)]
    weights[0] = weights[0] or 1
    total = dice.below(LARGEST_FEN if dice.happens(50) else 100)
    return total, [(f"household-{number}", weight) for number, weight in enumerate(weights)], f"posting-{dice.thrown}"


def differing(split: Split, count: int) -> int:
    """Return how many of so many random splits are not what they exactly must be."""
    dice = Dice(count)
    return sum(
        split(total, shares, salt=salt) != exact(total, shares, salt)
        for total, shares, salt in (drawn(dice) for _ in range(count))
    )


def test_random_splits_are_exact_to_the_fen() -> None:
    assert differing(allocate, 3_000) == 0


@pytest.mark.soak
def test_a_million_random_splits_are_exact_to_the_fen() -> None:
    assert differing(allocate, 1_000_000) == 0


def by_position(total: int, shares: Shares, *, salt: str) -> list[int]:
    """Split as the naive do: what is left goes to those who are listed first."""
    del salt
    whole = sum(weight for _, weight in shares)
    parts = [total * weight // whole for _, weight in shares]
    left = total - sum(parts)
    return [part + (index < left) for index, part in enumerate(parts)]


def in_floats(total: int, shares: Shares, *, salt: str) -> list[int]:
    """Split as spreadsheets do: everybody rounded by himself."""
    del salt
    whole = sum(weight for _, weight in shares)
    return [round(total * (weight / whole)) for _, weight in shares]


@pytest.mark.parametrize("naive", [by_position, in_floats])
def test_a_naive_split_is_seen(naive: Split) -> None:
    assert differing(naive, 300) > 0
