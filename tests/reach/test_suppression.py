"""What the public is told gives no small group away: not by itself, and not by any subtraction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from itertools import combinations
from typing import TypeVar
from uuid import UUID

import pytest

from market.reach.suppression import FEWEST, TOGETHER, Label, Moved, Row, Told, grouped, in_steps, tell

Thing = TypeVar("Thing")
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
BOUGHT, WORKED = Label("order_purchase", True), Label("labour", True)
ORDINARY = Label("order_purchase", False)


def line(number: int) -> UUID:
    return UUID(int=1_000 + number)


def moved(
    households: Iterable[int], fen: int = 100, *, of: int = 1, label: Label = BOUGHT, month: date = MARCH
) -> list[Moved]:
    return [Moved(line(of), month, label, UUID(int=each), fen + each) for each in households]


def test_five_households_are_told_of_and_four_are_not() -> None:
    assert tell(moved(range(5))) == Told(5, 510, 102, 0, None, [Row(BOUGHT, 5, 510)])
    assert tell(moved(range(4))) == Told(left_out=True)
    assert tell([]) == Told(households=0, accrued_fen=0)


def test_one_household_five_times_is_one_household() -> None:
    labels = [Label(name, True) for name in ("a", "b", "c", "d", "e")]
    assert tell([each for label in labels for each in moved([1], label=label)]) == Told(left_out=True)


def test_a_small_mechanism_is_told_together_with_another() -> None:
    told = tell([*moved(range(20)), *moved(range(20, 30), label=ORDINARY), *moved([1, 2], 900, label=WORKED)])
    assert told.rows == [
        Row(BOUGHT, 20, sum(100 + each for each in range(20))),
        Row(TOGETHER, 12, sum(100 + each for each in range(20, 30)) + 1_803),
    ]
    assert told.accrued_fen == sum(row.accrued_fen for row in told.rows)
    assert not told.left_out


def test_two_small_mechanisms_are_told_together_if_that_is_enough() -> None:
    rows = grouped([*moved(range(9)), *moved(range(3), label=WORKED), *moved(range(4, 8), label=ORDINARY)])
    assert {label: len(own) for label, own in rows.items()} == {BOUGHT: 9, TOGETHER: 7}


def test_a_line_of_few_is_left_out_of_every_sum() -> None:
    """Else the sum of a product's month less that of the one told order would be what the few received."""
    large, small = moved(range(9)), moved(range(20, 23), 5_000, of=2)
    assert tell(large + small) == replace(tell(large), left_out=True)


def test_what_is_returned_of_a_large_line_does_not_uncover_a_small_one() -> None:
    """Were parts of orders instead of lines, the order's rest would be the amount of three households."""
    large, small = moved(range(9)), moved(range(20, 23), 5_000, of=2)
    back = [each._replace(fen=-each.fen, month=APRIL) for each in large]
    assert tell(large + small + back) == Told(left_out=True)


def test_a_later_movement_of_few_is_left_out() -> None:
    """Else yesterday's figure, kept by somebody, would be subtracted from today's."""
    before = moved(range(9))
    after = [*before, *moved([3], 7_777, month=APRIL)]
    assert tell(after).accrued_fen == tell(before).accrued_fen
    assert tell(after).left_out


def test_shares_are_told_in_steps() -> None:
    """Else 8 of 9 paid would tell what the ninth is owed."""
    paid = [each._replace(disbursed_fen=each.fen, proven_fen=each.fen) for each in moved(range(1, 30))]
    assert (tell(paid).paid_bp, tell(paid).proven_bp) == (10_000, 10_000)
    one_unpaid = [*paid[1:], paid[0]._replace(disbursed_fen=0, proven_fen=0)]
    assert (tell(one_unpaid).paid_bp, tell(one_unpaid).proven_bp) == (9_500, 10_000)
    assert [in_steps(part, 1_000) for part in (0, 49, 50, 999, 1_000)] == [0, 0, 500, 9_500, 10_000]
    assert in_steps(1, 0) is None


def test_fractions_that_a_return_left_are_not_told_by_mechanism() -> None:
    back = [each._replace(fen=-each.fen, month=APRIL) for each in moved(range(6), label=WORKED)]
    told = tell([*moved(range(9)), *moved(range(8), label=WORKED), *back])
    assert told.rows == []
    assert told.households == 9


# Attacks by subtraction: everything the public can ask of a market, and every difference of two or three answers.


class Dice:
    """Throws that are the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed, self._throws = seed, 0

    def below(self, bound: int) -> int:
        self._throws += 1
        return int.from_bytes(sha256(f"{self._seed}:{self._throws}".encode()).digest()[:8], "big") % bound

    def some(self, number: int, of: Sequence[Thing]) -> list[Thing]:
        return sorted(of, key=lambda _: self.below(10**9))[:number]


def _market(dice: Dice) -> list[tuple[int, int, Moved]]:
    """Return movements with their order and product: many lines of few, returns, several mechanisms."""
    rows = []
    for number in range(12):
        order, product = dice.below(4), dice.below(3)
        own = dice.some((1, 2, 3, 4, 6, 12)[dice.below(6)], range(40))
        for label in dice.some(1 + dice.below(3), [BOUGHT, WORKED, ORDINARY]):
            part = dice.some(1 + dice.below(len(own)), own)
            for each in part:
                fen = 1 + dice.below(10**9)
                rows.append((order, product, Moved(line(number), MARCH, label, UUID(int=each), fen)))
                if number % 3 == 0:
                    rows.append((order, product, Moved(line(number), APRIL, label, UUID(int=each), -fen // 2)))
    return rows


def _public_figures(rows: list[tuple[int, int, Moved]]) -> dict[tuple[object, ...], int]:
    """Return every figure that can be asked for: of orders, of products, of all months or as they stood in March."""
    figures: dict[tuple[object, ...], int] = {}
    for closed in (MARCH, APRIL):
        for place in (0, 1):
            asked = defaultdict(list)
            for row in rows:
                if row[2].month <= closed:
                    asked[row[place]].append(row[2])
            for key, own in asked.items():
                told = tell(own)
                figures[closed, place, key] = told.accrued_fen or 0
                figures |= {(closed, place, key, row.label): row.accrued_fen for row in told.rows}
    return {key: fen for key, fen in figures.items() if fen}


def _secrets(rows: list[tuple[int, int, Moved]]) -> set[int]:
    """Return the amounts that nobody may learn: of a household, and of a line's mechanism or line of few."""
    groups: dict[tuple[object, ...], list[Moved]] = defaultdict(list)
    for _, _, each in rows:
        groups[each.order_line_id, each.household_id, each.label, each.month].append(each)
        groups[each.order_line_id, each.household_id].append(each)
        groups[each.order_line_id, each.label].append(each)
        groups[each.order_line_id, each.label, each.month].append(each)
        groups[(each.order_line_id,)].append(each)
    few = (own for own in groups.values() if len({each.household_id for each in own}) < FEWEST)
    return {abs(sum(each.fen for each in own)) for own in few} - {0}


def _learnt(figures: dict[tuple[object, ...], int]) -> set[int]:
    known = list(figures.values())
    learnt = {abs(fen) for fen in known} | {abs(a - b) for a, b in combinations(known, 2)}
    return learnt | {abs(a + sign * b - c) for a, b, c in combinations(known, 3) for sign in (1, -1)}


@pytest.mark.parametrize("seed", range(12))
def test_no_difference_of_public_figures_is_the_amount_of_a_few(seed: int) -> None:
    rows = _market(Dice(seed))
    figures = _public_figures(rows)
    assert figures, "something is told"
    assert not _learnt(figures) & _secrets(rows)


def test_the_same_attack_succeeds_on_sums_that_only_hide_small_cells() -> None:
    """The negative control: hiding small cells and telling the totals gives the few away."""
    found = 0
    for seed in range(12):
        rows = _market(Dice(seed))
        figures: dict[tuple[object, ...], int] = {}
        for place in (0, 1):
            groups: dict[tuple[object, ...], list[Moved]] = defaultdict(list)
            for row in rows:
                groups[place, row[place]].append(row[2])
                groups[place, row[place], row[2].label].append(row[2])
            figures |= {
                key: sum(each.fen for each in own)
                for key, own in groups.items()
                if len({each.household_id for each in own}) >= FEWEST
            }
        found += bool(_learnt(figures) & _secrets(rows))
    assert found
