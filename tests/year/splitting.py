"""Whole fen out of exact quotas, written anew from domain.md §5, From order line to household, 6."""

from collections.abc import Sequence
from fractions import Fraction
from hashlib import sha256
from math import floor
from typing import NamedTuple


class NobodyError(Exception):
    """Nobody has a weight."""


def split(total_fen: int, weighted: Sequence[tuple[str, int]], salt: str) -> list[int]:
    """Give each its quota rounded down, and a fen more to the largest remainders; ties go by a hash of salt and key."""
    whole = sum(weight for _, weight in weighted)
    if whole <= 0:
        raise NobodyError
    quotas = [Fraction(total_fen * weight, whole) for _, weight in weighted]
    parts = [floor(quota) for quota in quotas]
    over = total_fen - sum(parts)
    if over:
        rests = [quota - part for quota, part in zip(quotas, parts, strict=True)]
        places = sorted(range(len(parts)), key=lambda place: (-rests[place], by_hash(salt, weighted[place][0])))
        for place in places[:over]:
            parts[place] += 1
    return parts


def by_hash(salt: str, key: str) -> bytes:
    """Return by what those are put in order who have an equal claim."""
    return sha256(f"{salt}|{key}".encode()).digest()


class Movement(NamedTuple):
    """What came to a fund on a day or, below zero, left it, and of which days that may be (as text, fen)."""

    fen: int
    begins_on: str
    ends_on: str


def left_for(moved: Sequence[Movement], begins_on: str, ends_on: str) -> int:
    """Return the most of a fund that can be of a period when everything that left it keeps what it needs.

    What came day by day is handed to whatever may take it and must have it soonest, once without and once with
    somebody who would take everything of the period: that this one adds is what is left.
    """
    everything = sum(each.fen for each in moved if each.fen > 0)
    taking = [(each.begins_on, each.ends_on, -each.fen) for each in moved if each.fen < 0]
    return _met(moved, [*taking, (begins_on, ends_on, everything)]) - _met(moved, taking)


def _met(moved: Sequence[Movement], taking: Sequence[tuple[str, str, int]]) -> int:
    wanted = [fen for _, _, fen in taking]
    soonest = sorted(range(len(taking)), key=lambda place: taking[place][1])
    for came in sorted((each for each in moved if each.fen > 0), key=lambda each: each.begins_on):
        left = came.fen
        for place in soonest:
            begins_on, ends_on, _ = taking[place]
            if begins_on <= came.begins_on <= ends_on:
                part = min(left, wanted[place])
                wanted[place] -= part
                left -= part
    return sum(fen for _, _, fen in taking) - sum(wanted)
