"""Since when what stands of a share has stood, and under which day what fell off it is known; pure.

A return, a price cut, an annulment, money that a buyer took back and a payment reversed take off what had come to a
step of the ladder, the last that came there first; an annulment first what had come by the day that it undoes. As now
known that never came: each part that fell is known under the day of the part it undoes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from market.attribution.rules import LADDER, Step
from market.benefits.rules import Mechanism

BELOW: Mapping[Step, Step] = {**dict(zip(LADDER[1:], LADDER, strict=False)), Step.TOP_UP_PAID: Step.TOP_UP}
"""The step that is reached before a step is."""
PAID = frozenset({Step.DISBURSED, Step.CONFIRMED, Step.TOP_UP_PAID})
ANNULMENT = "annulment"
TAKEN_BACK = frozenset({"return", "price_cut", ANNULMENT})
"""Reasons of entries that correct an earlier one, as an acceptance, and are known under its day."""
BEFORE = date.min
"""The day of what had come before the first movement that is told."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The entry that moved something; it counts from a day on, and was of its original day if it has one."""

    source: str
    reason: str
    recorded_at: datetime
    effective_on: date
    original_effective_on: date | None

    @property
    def known_on(self) -> date:
        """Return the day that it is of."""
        return self.original_effective_on or self.effective_on


class Place(NamedTuple):
    """A household's share of a line; of what was paid, under which payment."""

    household_id: UUID
    order_line_id: UUID
    mechanism: Mechanism
    contribution_id: UUID | None
    assisted: bool | None
    payment_id: UUID | None


class Movement(NamedTuple):
    """What a transfer brings to a step of a share, or below zero takes from it (fen)."""

    transfer_id: int
    cause: Cause
    place: Place
    step: Step
    fen: int


class Redated(NamedTuple):
    """A part of what a cause brought to a step (or below zero took off it) that is not known under the cause's day."""

    cause: Cause
    place: Place
    step: Step
    fen: int
    known_on: date


def redated(movements: Iterable[Movement]) -> Iterator[Redated]:
    """Yield what fell under the day of what it undoes; `movements` come by day, and of a day as they were posted.

    What a return or price cut lets climb, as roundings do of a line that is paid up by it, or what is topped up for it,
    is known under the day it counts from.
    """
    came: dict[tuple[Place, Step], list[tuple[date, int]]] = defaultdict(list)
    for _, sides in groupby(movements, key=lambda movement: movement.transfer_id):
        for (cause, place, step), fen in _brought(sides).items():
            stack = came[place, step]
            if fen < 0:
                for day, part in _undone(stack, cause, -fen):
                    yield Redated(cause, place, step, -part, day)
            elif fen:
                day = cause.effective_on if cause.reason in TAKEN_BACK else cause.known_on
                stack.append((day, fen))
                if day != cause.known_on:
                    yield Redated(cause, place, step, fen, day)


def _brought(sides: Iterable[Movement]) -> dict[tuple[Cause, Place, Step], int]:
    """Return what a transfer brings to each step, counting what goes through it to a further one."""
    brought: dict[tuple[Cause, Place, Step], int] = defaultdict(int)
    for side in sides:
        step: Step | None = side.step
        while step:
            # What is not paid yet has no payment, though the transfer by which it is paid names one.
            place = side.place if step in PAID else side.place._replace(payment_id=None)
            brought[side.cause, place, step] += side.fen
            step = BELOW.get(step)
    return brought


def _undone(stack: list[tuple[date, int]], cause: Cause, fen: int) -> Iterator[tuple[date, int]]:
    """Take so much off what came, an annulment first of what had come by its day; yield the days of it."""
    if cause.reason != ANNULMENT:
        yield from _taken(stack, fen)
        return
    older = [(day, there) for day, there in stack if day <= cause.known_on]
    newer = [(day, there) for day, there in stack if day > cause.known_on]
    left = fen - min(fen, sum(there for _, there in older))
    yield from _taken(older, fen - left)
    yield from _taken(newer, left)
    stack[:] = [*older, *newer]


def _taken(stack: list[tuple[date, int]], fen: int) -> Iterator[tuple[date, int]]:
    """Take so much off what came, the last first; yield the days of it."""
    while fen:
        day, there = stack.pop() if stack else (BEFORE, fen)
        part = min(there, fen)
        fen -= part
        if part < there:
            stack.append((day, there - part))
        yield day, part
