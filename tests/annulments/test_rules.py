"""The arithmetic of annulments: what is left of what was given, what falls first, and where it goes back to."""

from datetime import date
from itertools import product
from uuid import UUID

import pytest

from market.annulments.rules import (
    TRANSITIONS,
    AnnulmentEvent,
    AnnulmentStatus,
    Back,
    Brought,
    Fall,
    Undone,
    after,
    falling,
    going_back,
    left_given,
    retained,
)
from market.attribution.rules import Kind, Share, Standing, Step
from market.errors import TransitionError

LINE, SUPPLIER, HOUSEHOLD, PAYMENT = (UUID(int=number) for number in range(1, 5))
SHARE = Share(Kind.HOUSEHOLD, HOUSEHOLD, "custody", None, assisted=True)
POOL, RETAINED = Share(Kind.POOL, SUPPLIER, "custody"), Share(Kind.RETAINED, SUPPLIER)
DAY = date(2027, 1, 15)


def standing(step: Step, fen: int, payment_id: UUID | None = None) -> Standing:
    return Standing(SHARE, step, payment_id, fen, DAY)


@pytest.mark.parametrize(("status", "event"), list(product(AnnulmentStatus, AnnulmentEvent)))
def test_an_annulment_is_decided_once(status: AnnulmentStatus, event: AnnulmentEvent) -> None:
    steps = {("proposed", "approve"): "approved", ("proposed", "reject"): "rejected"}
    expected = steps.get((status, event))
    assert TRANSITIONS.get((status, event)) == expected
    if expected is None:
        with pytest.raises(TransitionError) as refused:
            after(status, event)
        assert refused.value.facts == {"machine": "annulment", "status": status, "event": event}
    else:
        assert after(status, event) == expected


def test_what_a_list_gave_is_left_until_something_falls() -> None:
    assert left_given([Brought("a", 100)], "a") == 100
    assert left_given([Brought("a", 100)], "b") == 0
    assert left_given([Brought("a", 100), Brought("a", 20)], "a") == 120


def test_a_return_falls_on_each_list_by_its_part_of_what_stood_then() -> None:
    moved = [Brought("a", 100), Brought("return", -50), Brought("b", 50), Brought("return again", -20)]
    assert [left_given(moved, name) for name in ("a", "b")] == [40, 40]


def test_what_was_annulled_fell_on_its_list_alone() -> None:
    moved = [Brought("a", 100), Brought("b", 60), Brought("annulment", -100, "a"), Brought("return", -30)]
    assert [left_given(moved, name) for name in ("a", "b")] == [0, 30]


def test_the_parts_of_a_fen_that_falls_sum_to_it() -> None:
    moved = [Brought("a", 1), Brought("b", 1), Brought("c", 1), Brought("return", -1)]
    assert sum(left_given(moved, name) for name in ("a", "b", "c")) == 2


def test_unpaid_money_falls_first_and_what_is_accrued_last() -> None:
    standings = [
        standing(Step.ACCRUED, 10),
        standing(Step.RECOGNISED, 20),
        standing(Step.DISBURSED, 30, PAYMENT),
        standing(Step.CONFIRMED, 40, PAYMENT),
    ]

    def steps(fen: int) -> list[tuple[Step, int]]:
        return [(each.step, each.fen) for each in falling(standings, fen, salt="x")]

    assert steps(0) == []
    assert steps(15) == [(Step.RECOGNISED, 15)]
    assert steps(60) == [(Step.RECOGNISED, 20), (Step.DISBURSED, 30), (Step.CONFIRMED, 10)]
    assert steps(95) == [
        (Step.RECOGNISED, 20),
        (Step.DISBURSED, 30),
        (Step.CONFIRMED, 40),
        (Step.ACCRUED, 5),
    ]
    assert sum(fen for _, fen in steps(1_000)) == 100, "no more than stands"


def test_what_falls_goes_back_by_what_was_taken_and_what_was_accrued_is_again() -> None:
    falls = [standing(Step.ACCRUED, 40), standing(Step.RECOGNISED, 10)]
    assert going_back(LINE, {RETAINED: 30, POOL: 70}, falls, salt="x") == [
        Back(LINE, POOL, Step.ACCRUED, 35),
        Back(LINE, RETAINED, Step.ACCRUED, 5),
        Back(LINE, RETAINED, Step.RECOGNISED, 10),
    ]
    assert going_back(LINE, {RETAINED: 30, POOL: 70}, [], salt="x") == []
    assert going_back(LINE, {POOL: 25}, [standing(Step.CONFIRMED, 25, PAYMENT)], salt="x") == [
        Back(LINE, POOL, Step.RECOGNISED, 25)
    ]


def test_an_annulment_says_whom_it_concerns_what_they_keep_and_since_when_it_was_there() -> None:
    later = date(2027, 2, 1)
    paid = standing(Step.DISBURSED, 30, PAYMENT)._replace(since=later)
    kept = Standing(POOL, Step.RECOGNISED, None, 5, DAY)
    undone = Undone([Fall(LINE, standing(Step.RECOGNISED, 20)), Fall(LINE, paid), Fall(LINE, kept)], [], DAY)
    assert (undone.payees, undone.advance_fen, undone.since) == ({HOUSEHOLD}, 30, later)
    nothing = Undone([], [], DAY)
    assert (nothing.payees, nothing.advance_fen, nothing.since) == (set(), 0, DAY)


def test_what_falls_of_a_contribution_the_supplier_keeps_line_by_line_paid_for_or_not() -> None:
    other = UUID(int=9)
    falls = [
        Fall(LINE, standing(Step.ACCRUED, 30)),
        Fall(LINE, standing(Step.RECOGNISED, 20)),
        Fall(LINE, standing(Step.CONFIRMED, 10, PAYMENT)),
        Fall(LINE, standing(Step.TOP_UP, 7)),
        Fall(LINE, standing(Step.TOP_UP_PAID, 5, PAYMENT)),
        Fall(other, standing(Step.ACCRUED, 1)),
    ]
    assert retained(falls, SUPPLIER) == [
        Back(LINE, RETAINED, Step.ACCRUED, 30),
        Back(LINE, RETAINED, Step.RECOGNISED, 30),
        Back(other, RETAINED, Step.ACCRUED, 1),
    ]
    assert retained([], SUPPLIER) == []
