"""What fell off a step was the last that had come to it, and is known under the day of that."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from market.attribution.redating import BEFORE, BELOW, Cause, Movement, Place, Redated, redated
from market.attribution.rules import LADDER, Step
from market.benefits.rules import Mechanism

FIRST = date(2026, 12, 1)
HOUSEHOLD, LINE, PAYMENT, OTHER_PAYMENT = (UUID(int=number) for number in range(1, 5))
AT = datetime(2027, 3, 1, tzinfo=UTC)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def place(payment_id: UUID | None = None) -> Place:
    return Place(HOUSEHOLD, LINE, Mechanism.ORDER_PURCHASE, None, True, payment_id)


def cause(number: int, reason: str, original: int | None = None) -> Cause:
    return Cause(f"{reason}:{number}", reason, AT, day(number), None if original is None else day(original))


Deed = tuple[int, str, Step | None, Step | None, int, UUID | None, int | None]


def told(*deeds: Deed) -> list[Movement]:
    """Return both sides of transfers: the day, why, from which step and to which, the fen, the payment, its own day."""
    movements = []
    for number, (on, reason, left, came, fen, payment_id, original) in enumerate(deeds):
        why = cause(on, reason, original)
        movements += [
            Movement(number, why, place(payment_id), step, sign * fen)
            for step, sign in ((came, 1), (left, -1))
            if step is not None
        ]
    return movements


def parts(*deeds: Deed) -> set[tuple[Step, int, date]]:
    return {(part.step, part.fen, part.known_on) for part in redated(told(*deeds))}


def climb(on: int, left: Step | None, came: Step, fen: int, payment_id: UUID | None = None) -> Deed:
    return on, "climb", left, came, fen, payment_id, None


def back(on: int, left: Step, fen: int, payment_id: UUID | None = None, original: int | None = 0) -> Deed:
    return on, "return", left, None, fen, payment_id, original


def annulled(on: int, fen: int, original: int) -> Deed:
    return on, "annulment", Step.RECOGNISED, None, fen, None, original


def test_an_annulment_takes_what_had_come_by_its_day_and_leaves_what_came_later_on_top() -> None:
    found = parts(
        climb(1, None, Step.RECOGNISED, 7),
        climb(3, None, Step.RECOGNISED, 5),
        annulled(5, 4, 1),
        back(6, Step.RECOGNISED, 6),
    )
    of_recognised = {(fen, known_on) for step, fen, known_on in found if step is Step.RECOGNISED}
    assert of_recognised == {(-4, day(1)), (-5, day(3)), (-1, day(1))}


def test_an_annulment_of_what_came_again_later_takes_that() -> None:
    found = parts(climb(3, None, Step.RECOGNISED, 5), annulled(5, 6, 1))
    assert {(fen, known_on) for step, fen, known_on in found if step is Step.RECOGNISED} == {(-5, day(3)), (-1, BEFORE)}


def test_what_falls_off_the_ladder_was_never_on_any_of_its_steps() -> None:
    found = parts(
        climb(0, None, Step.ACCRUED, 9),
        climb(1, Step.ACCRUED, Step.RECOGNISED, 9),
        climb(2, Step.RECOGNISED, Step.DISBURSED, 9, PAYMENT),
        climb(3, Step.DISBURSED, Step.CONFIRMED, 9, PAYMENT),
        back(4, Step.CONFIRMED, 4, PAYMENT),
    )
    assert found == {(step, -4, day(number)) for number, step in enumerate(LADDER)}


def test_the_last_that_came_falls_first() -> None:
    found = parts(
        climb(0, None, Step.ACCRUED, 10),
        climb(1, Step.ACCRUED, Step.RECOGNISED, 4),
        climb(2, Step.ACCRUED, Step.RECOGNISED, 6),
        back(3, Step.RECOGNISED, 7),
        back(4, Step.RECOGNISED, 3),
    )
    assert found == {
        *((Step.ACCRUED, -7, day(0)), (Step.ACCRUED, -3, day(0))),
        *((Step.RECOGNISED, -6, day(2)), (Step.RECOGNISED, -1, day(1)), (Step.RECOGNISED, -3, day(1))),
    }


def test_of_what_was_paid_each_payment_stands_for_itself() -> None:
    found = parts(
        climb(0, None, Step.RECOGNISED, 9),
        climb(1, Step.RECOGNISED, Step.DISBURSED, 4, PAYMENT),
        climb(2, Step.RECOGNISED, Step.DISBURSED, 5, OTHER_PAYMENT),
        (3, "payment_reversal", Step.DISBURSED, Step.RECOGNISED, 4, PAYMENT, 0),
    )
    assert found == {(Step.DISBURSED, -4, day(1))}


def test_what_comes_again_stands_since_it_came_again() -> None:
    found = parts(
        climb(0, None, Step.ACCRUED, 5),
        climb(1, Step.ACCRUED, Step.RECOGNISED, 5),
        (2, "unrecognition", Step.RECOGNISED, Step.ACCRUED, 5, None, None),
        climb(3, Step.ACCRUED, Step.RECOGNISED, 5),
        back(4, Step.RECOGNISED, 2),
    )
    assert found == {(Step.RECOGNISED, -5, day(1)), (Step.RECOGNISED, -2, day(3)), (Step.ACCRUED, -2, day(0))}


def test_a_top_up_falls_off_its_own_ladder() -> None:
    found = parts(
        climb(0, None, Step.TOP_UP, 5),
        climb(1, Step.TOP_UP, Step.TOP_UP_PAID, 5, PAYMENT),
        back(2, Step.TOP_UP_PAID, 5, PAYMENT),
    )
    assert found == {(Step.TOP_UP, -5, day(0)), (Step.TOP_UP_PAID, -5, day(1))}


def test_what_came_before_it_is_told_is_of_no_day_that_is_asked_for() -> None:
    assert parts(back(9, Step.ACCRUED, 3)) == {(Step.ACCRUED, -3, BEFORE)}


def test_what_a_return_lets_climb_is_known_under_the_day_it_counts_from() -> None:
    found = parts(
        climb(0, None, Step.ACCRUED, 3),
        (5, "return", Step.ACCRUED, Step.RECOGNISED, 1, None, 0),
        (6, "return", Step.RECOGNISED, None, 1, None, 0),
    )
    assert found == {(Step.RECOGNISED, 1, day(5)), (Step.RECOGNISED, -1, day(5)), (Step.ACCRUED, -1, day(0))}


def test_a_fact_of_a_closed_month_stands_since_its_own_day() -> None:
    found = parts((7, "accrual", None, Step.ACCRUED, 3, None, 2), back(8, Step.ACCRUED, 3, original=2))
    assert found == {(Step.ACCRUED, -3, day(2))}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 50)), max_size=30))
def test_no_step_ever_had_less_than_nothing_and_all_of_them_have_what_stands(dice: Sequence[tuple[int, int]]) -> None:
    """Let a share climb and fall at random, by what stands at each of its steps."""
    standing = dict.fromkeys(LADDER, 0)
    deeds: list[Deed] = []
    for number, (chosen, fen) in enumerate(dice):
        if chosen == len(LADDER):
            fallen = next((step for step in LADDER if standing[step]), None)
            if fallen:
                part = min(fen, standing[fallen])
                standing[fallen] -= part
                deeds.append(back(number, fallen, part))
            continue
        came, left = LADDER[chosen], BELOW.get(LADDER[chosen])
        part = min(fen, standing[left]) if left else fen
        if part:
            standing[came] += part
            if left:
                standing[left] -= part
            deeds.append(climb(number, left, came, part))
    assert _stands(deeds, list(redated(told(*deeds)))) == {
        step: sum(standing[further] for further in LADDER[place:]) for place, step in enumerate(LADDER)
    }


def _stands(deeds: Sequence[Deed], found: Sequence[Redated]) -> dict[Step, int]:
    """Return what stands of what came to each step; what came on no day is less than nothing."""
    by_day: dict[tuple[Step, date], int] = defaultdict(int)
    for on, reason, _, came, fen, *_ in deeds:
        if reason == "climb" and came:
            by_day[came, day(on)] += fen
    for part in found:
        by_day[part.step, part.known_on] += part.fen
    assert all(fen >= 0 for fen in by_day.values())
    return {step: sum(fen for (of, _), fen in by_day.items() if of is step) for step in LADDER}
