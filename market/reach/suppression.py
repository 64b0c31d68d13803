"""What the public may be told of small groups: nothing, and nothing that could be subtracted from something else.

Every public amount, of whatever order, product, month or year, is a sum of the same *parts*: what one order line moved
in one closed month, by mechanism and standing, of at least `FEWEST` households each. A mechanism of fewer is told
together with another of its part; a part of fewer is left out of every sum alike. So the difference of any two public
figures is again made of whole parts. (Of lines, because a return falls on all that a line brought: what is left of a
line is of nearly all its households, where what is left of an order may be of the few that one of its lines reached.)
Closed months never change, so yesterday's figures give nothing away either. The median is of one of at least `FEWEST`
households, and nobody is told which; shares are told in coarse steps, of lines as a whole.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median_low
from typing import NamedTuple
from uuid import UUID

from market.money import WHOLE_BP

FEWEST = 5
"""Households that a public figure is of, at least."""
STEP_BP = 500
"""Public shares are told in steps of 5 %: an exact one of many would tell what the one is owed who was not paid."""


class Label(NamedTuple):
    """What a row is of; without a mechanism, of several that are told together."""

    mechanism: str | None
    assisted: bool | None


class Moved(NamedTuple):
    """What one household's income moved by in a month, in fen: of one order line, by mechanism and standing."""

    order_line_id: UUID
    month: date
    label: Label
    household_id: UUID
    fen: int
    disbursed_fen: int = 0
    proven_fen: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """What is told of a label."""

    label: Label
    households: int
    accrued_fen: int


@dataclass(frozen=True, slots=True)
class Told:
    """What is told in all: rows that sum to the whole; `left_out` if something was too small to be told.

    Nothing told is None, which is not the same as nobody reached.
    """

    households: int | None = None
    accrued_fen: int | None = None
    median_fen: int | None = None
    paid_bp: int | None = None
    proven_bp: int | None = None
    rows: Sequence[Row] = ()
    left_out: bool = False


TOGETHER = Label(None, None)


def tell(moved: Collection[Moved]) -> Told:
    """Return what may be told of these movements; they must be whole parts, as they are of any order or product."""
    parts: dict[tuple[UUID, date], list[Moved]] = defaultdict(list)
    for each in moved:
        if each.fen:
            parts[each.order_line_id, each.month].append(each)
    told: list[tuple[Label, Moved]] = []
    for part in parts.values():
        told += [(label, each) for label, members in grouped(part).items() for each in members]
    whole = _by_household(each for _, each in told)
    reached = sorted(fen for fen in whole.values() if fen > 0)
    left_out = len(told) < sum(len(part) for part in parts.values())
    if len(reached) < FEWEST:
        return Told(left_out=True) if left_out or reached else Told(households=0, accrued_fen=0)
    lines = {each.order_line_id for _, each in told}
    accrued_fen, disbursed_fen, proven_fen = (
        sum(column)
        for column in zip(*((each.fen, *each[5:]) for each in moved if each.order_line_id in lines), strict=True)
    )
    return Told(
        households=len(reached),
        accrued_fen=sum(whole.values()),
        median_fen=median_low(reached),
        paid_bp=in_steps(disbursed_fen, accrued_fen),
        proven_bp=in_steps(proven_fen, disbursed_fen),
        rows=_rows(told),
        left_out=left_out,
    )


def grouped(part: Sequence[Moved]) -> Mapping[Label, Sequence[Moved]]:
    """Return the rows of a part, each of enough households; none if the part itself is of too few."""
    rows: dict[Label, list[Moved]] = defaultdict(list)
    for each in part:
        rows[each.label].append(each)
    together: list[Moved] = []
    for label in sorted(rows, key=lambda label: (_households(rows[label]), str(label))):
        if _households(rows[label]) < FEWEST or 0 < _households(together) < FEWEST:
            together += rows.pop(label)
    if not together:
        return rows
    return {**rows, TOGETHER: together} if _households(together) >= FEWEST else {}


def _households(moved: Collection[Moved]) -> int:
    return len({each.household_id for each in moved})


def _by_household(moved: Iterable[Moved]) -> Mapping[UUID, int]:
    whole: dict[UUID, int] = defaultdict(int)
    for each in moved:
        whole[each.household_id] += each.fen
    return whole


def _rows(told: Sequence[tuple[Label, Moved]]) -> Sequence[Row]:
    """Return a row for each label; none if returns left one of them with a few households' fractions."""
    by_label: dict[Label, list[Moved]] = defaultdict(list)
    for label, each in told:
        by_label[label].append(each)
    rows = []
    for label in sorted(by_label, key=str):
        own = _by_household(by_label[label])
        rows.append(Row(label, sum(fen > 0 for fen in own.values()), sum(own.values())))
    return rows if all(row.households >= FEWEST for row in rows) else []


def in_steps(part_fen: int, whole_fen: int) -> int | None:
    """Return a share in basis points, rounded down to a public step; None of nothing."""
    return part_fen * WHOLE_BP // whole_fen // STEP_BP * STEP_BP if whole_fen > 0 else None
