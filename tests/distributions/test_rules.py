"""The rules of distributions, without a database: who is given what of a list, and out of which lines."""

from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.attribution.rules import Kind, Share
from market.benefits.rules import Mechanism
from market.distributions import rules
from market.distributions.rules import (
    TRANSITIONS,
    DistributionEvent,
    DistributionStatus,
    Excluded,
    Fund,
    Item,
    Movement,
    Part,
    PastList,
    Period,
    after,
    basis,
    hand_out,
    left_of,
    list_sha256,
    salt,
    weights_of,
)
from market.errors import TransitionError

SUPPLIER = UUID(int=1)
PAYEES = [UUID(int=100 + number) for number in range(6)]
LINES = [UUID(int=200 + number) for number in range(6)]
PATRONAGE = "patronage"
POOL = Share(Kind.POOL, SUPPLIER, PATRONAGE)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
ROWS = [
    Item(Kind.HOUSEHOLD, PAYEES[0], 30, 300, assisted=True),
    Item(Kind.HOUSEHOLD, PAYEES[1], 20, 200, assisted=False),
    Item(Kind.COLLECTIVE, PAYEES[2], 0, 50),
]


def to(number: int) -> Share:
    return Share(Kind.HOUSEHOLD, PAYEES[number], PATRONAGE, None, assisted=True)


def fund(number: int, fen: int) -> Fund:
    return Fund(LINES[number], POOL, fen, date(2026, 3, 2), "recognised")


def test_lists_weigh_together_by_what_each_took_of_the_pool() -> None:
    """Of 5.00 the first got a third and the second two, of 10.00 the second all: 5 to 40 thirds of a yuan."""
    lists = [PastList(500, [(to(0), 7), (to(1), 14)]), PastList(1_000, [(to(1), 3)])]
    assert weights_of(lists) == [(to(0), 1), (to(1), 8)]
    assert weights_of(lists[:1]) == [(to(0), 1), (to(1), 2)], "as the list itself"


@pytest.mark.parametrize(("status", "event"), list(product(DistributionStatus, DistributionEvent)))
def test_a_distribution_is_decided_once_and_annulled_once(status: DistributionStatus, event: DistributionEvent) -> None:
    steps = {
        ("proposed", "approve"): "approved",
        ("proposed", "reject"): "rejected",
        ("approved", "annul"): "annulled",
    }
    expected = steps.get((status, event))
    assert TRANSITIONS.get((status, event)) == expected
    if expected is None:
        with pytest.raises(TransitionError) as refused:
            after(status, event)
        assert refused.value.facts == {"machine": "distribution", "status": status, "event": event}
    else:
        assert after(status, event) == expected


def test_a_list_gives_each_on_it_his_fen_and_keeps_in_the_pool_what_nobody_may_be_paid() -> None:
    rows = [
        *ROWS,
        Item(Kind.HOUSEHOLD, PAYEES[3], 7, 70, excluded=Excluded.OFF_REGISTER),
        Item(Kind.HOUSEHOLD, PAYEES[4], 1, 11, excluded=Excluded.NOT_ENROLLED),
        Item(Kind.HOUSEHOLD, PAYEES[5], 0, 0, assisted=True),
    ]
    listed, kept_fen = rules.given(rows, PATRONAGE, supplier_id=SUPPLIER)
    assert kept_fen == 81
    assert listed == [
        (Share(Kind.HOUSEHOLD, PAYEES[0], PATRONAGE, None, assisted=True), 300),
        (Share(Kind.HOUSEHOLD, PAYEES[1], PATRONAGE, None, assisted=False), 200),
        (Share(Kind.COLLECTIVE, PAYEES[2], PATRONAGE), 50),
        (POOL, 81),
    ]


def test_of_a_list_on_which_all_may_be_paid_nothing_is_kept() -> None:
    listed, kept_fen = rules.given(ROWS, PATRONAGE, supplier_id=SUPPLIER)
    assert ([fen for _, fen in listed], kept_fen) == ([300, 200, 50], 0)


def test_lines_are_used_up_in_turn_before_the_next_is_begun() -> None:
    funds = [fund(0, 30), fund(1, 100), fund(2, 40), fund(3, 500)]
    assert hand_out([(to(0), 150)], funds, salt="x") == [
        Part(funds[0], to(0), 30),
        Part(funds[1], to(0), 100),
        Part(funds[2], to(0), 20),
    ]
    assert hand_out([], funds, salt="x") == []


def test_what_one_leaves_of_a_line_is_the_next_ones() -> None:
    funds = [fund(0, 100), fund(1, 40)]
    parts = hand_out([(to(0), 70), (to(1), 70)], funds, salt="x")
    assert [(part.fund, part.fen) for part in parts] == [(funds[0], 70), (funds[0], 30), (funds[1], 40)]
    assert parts[0].share != parts[1].share == parts[2].share


def test_whose_share_comes_from_the_oldest_line_changes_from_list_to_list() -> None:
    listed = [(to(number), 10) for number in range(6)]
    funds = [fund(number, 10) for number in range(6)]
    first = {hand_out(listed, funds, salt=f"distribution:{number}")[0].share for number in range(100)}
    assert first == {share for share, _ in listed}
    assert hand_out(listed, funds, salt="x") == hand_out(listed[::-1], funds, salt="x")


@settings(max_examples=50)
@given(
    lines=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    weights=st.lists(st.integers(0, 100), min_size=1, max_size=6).filter(any),
    left_fen=st.integers(0, 10**6),
)
def test_everybody_is_given_his_fen_to_the_fen_and_no_line_gives_more_than_it_has(
    lines: list[int], weights: list[int], left_fen: int
) -> None:
    funds = [fund(number, fen) for number, fen in enumerate(lines)]
    whole_fen = max(sum(lines) - left_fen, 0)
    wanted = {to(number): whole_fen * weight // sum(weights) for number, weight in enumerate(weights)}
    parts = hand_out(wanted.items(), funds, salt="distribution:1")
    assert all(part.fen > 0 for part in parts)
    for share, fen in wanted.items():
        assert sum(part.fen for part in parts if part.share == share) == fen
    taken = [sum(part.fen for part in parts if part.fund == each) for each in funds]
    begun = max((number for number, fen in enumerate(taken) if fen), default=0)
    assert taken[:begun] == lines[:begun]
    assert all(fen <= most for fen, most in zip(taken, lines, strict=True))
    assert len(parts) < len(wanted) + len(funds)


def test_ties_go_by_owner_mechanism_and_period_so_that_anybody_can_recompute_a_list() -> None:
    named = salt(SUPPLIER, Mechanism.PATRONAGE, YEAR)
    assert named == f"distribution:{SUPPLIER}:patronage:2026-01-01:2026-12-31"


@pytest.mark.parametrize(
    ("begins_on", "ends_on", "months"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), 12),
        (date(2026, 1, 1), date(2026, 12, 30), 11),
        (date(2025, 11, 15), date(2026, 2, 14), 3),
        (date(2025, 11, 15), date(2026, 2, 13), 2),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2026, 3, 7), date(2026, 3, 7), 0),
    ],
)
def test_a_period_has_as_many_months_as_end_in_it(begins_on: date, ends_on: date, months: int) -> None:
    assert Period(begins_on, ends_on).months == months


def test_what_is_shared_out_once_is_named_by_its_formula_and_source() -> None:
    assert basis("dividend", SUPPLIER) == f"dividend:{SUPPLIER}"
    assert basis("dividend", SUPPLIER) != basis("dividend", PAYEES[0]) != basis("custody", PAYEES[0])


def test_the_hash_of_a_list_is_of_its_rows_whatever_their_order() -> None:
    assert list_sha256(ROWS) == list_sha256(ROWS[::-1])
    written = f'[["household","{PAYEES[0]}",30,300,true,null]]'
    assert list_sha256(ROWS[:1]) == sha256(written.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": Kind.COLLECTIVE},
        {"payee_id": PAYEES[5]},
        {"weight": 31},
        {"fen": 301},
        {"assisted": False},
        {"excluded": Excluded.NOT_ENROLLED},
    ],
)
def test_a_list_with_anything_changed_has_another_hash(change: dict[str, Any]) -> None:
    assert list_sha256([ROWS[0]._replace(**change), *ROWS[1:]]) != list_sha256(ROWS)


def day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


def came(number: int, fen: int) -> Movement:
    return Movement(fen, day(number), day(number))


def took(first: int, last: int, fen: int) -> Movement:
    return Movement(-fen, day(first), day(last))


def fits(moved: Sequence[Movement]) -> bool:
    """Tell whether what left can all be taken of its own days: day after day, of that first which may wait least."""
    waiting = sorted((-each.fen, each.ends_on, each.begins_on) for each in moved if each.fen < 0)
    for each in sorted((each for each in moved if each.fen > 0), key=lambda each: each.begins_on):
        there = each.fen
        for number, (fen, last, first) in sorted(enumerate(waiting), key=lambda item: item[1][1]):
            if first <= each.begins_on <= last:
                part = min(fen, there)
                there -= part
                waiting[number] = fen - part, last, first
    return not any(fen for fen, *_ in waiting)


def test_a_list_is_left_what_came_in_its_period() -> None:
    paid_in_parts = [came(60, 1), came(121, 499)]
    first, second, both = Period(day(0), day(89)), Period(day(90), day(180)), Period(day(0), day(180))
    assert [left_of(paid_in_parts, period) for period in (first, second, both)] == [1, 499, 500]
    after_both = [*paid_in_parts, took(0, 180, 499)]
    assert [left_of(after_both, period) for period in (first, second, both)] == [1, 1, 1]
    after_second = [*paid_in_parts, took(90, 180, 499)]
    assert [left_of(after_second, period) for period in (first, second, both)] == [1, 0, 1]
    came_again = [came(1, 500), took(0, 20, 500), came(121, 500)]
    assert [left_of(came_again, period) for period in (first, second, both)] == [0, 500, 500]


SPANS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 20)), max_size=5),
    st.lists(st.tuples(SPANS, st.integers(1, 20)), max_size=5),
    SPANS,
)
def test_a_list_may_take_all_that_leaves_every_other_its_own_and_not_a_fen_more(
    paid: list[tuple[int, int]], lists: list[tuple[list[int], int]], asked: list[int]
) -> None:
    moved = [came(number, fen) for number, fen in paid]
    for (first, last), fen in lists:
        if part := min(fen, left_of(moved, Period(day(first), day(last)))):
            moved.append(took(first, last, part))
    assert fits(moved)
    first, last = asked
    left = left_of(moved, Period(day(first), day(last)))
    assert left == 0 or fits([*moved, took(first, last, left)])
    assert not fits([*moved, took(first, last, left + 1)])
