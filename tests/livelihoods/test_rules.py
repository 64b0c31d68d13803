"""What counts as income follows from its kind; windows, heads and baselines."""

from datetime import date

import pytest

from market.benefits.rules import IncomeClass
from market.errors import TransitionError
from market.livelihoods.rules import (
    BASELINE_TRANSITIONS,
    ITEMS,
    KIND_OF_NAME,
    BaselineEvent,
    BaselinePeriodError,
    BaselineStatus,
    ItemKind,
    Treatment,
    Window,
    baseline_after,
    calendar_year,
    check_baseline_period,
    per_head,
    rolling_year,
)
from market.words import ITEM_KINDS


def test_every_kind_has_a_treatment_and_what_counts_has_a_class() -> None:
    assert set(ITEMS) == set(ItemKind)
    for terms in ITEMS.values():
        assert (terms.treatment is Treatment.COUNTED) == (terms.income_class is not None)
    excluded = {kind for kind, terms in ITEMS.items() if terms.treatment is Treatment.EXCLUDED}
    assert excluded == {ItemKind.GIFT, ItemKind.TEMPORARY_RELIEF, ItemKind.PURPOSE_TIED}
    assert ITEMS[ItemKind.SOLAR].income_class is IncomeClass.PROPERTY
    assert ITEMS[ItemKind.INSURANCE_TOP_UP].income_class is IncomeClass.TRANSFER


def test_every_kind_has_one_name_that_names_no_other() -> None:
    assert len(KIND_OF_NAME) == len(ITEMS)
    assert {kind: terms.name for kind, terms in ITEMS.items()} == {kind: zh for kind, (_, zh) in ITEM_KINDS.items()}


@pytest.mark.parametrize(
    ("fen", "heads", "expected"), [(2_178_740, 2, (1_089_370, 0)), (1_000, 3, (333, 1)), (-1_000, 3, (-334, 2))]
)
def test_an_amount_per_head_is_whole_fen_and_says_what_is_left(fen: int, heads: int, expected: tuple[int, int]) -> None:
    found = per_head(fen, heads)
    assert found[:2] == expected
    assert found.fen * heads + found.left_fen == fen


@pytest.mark.parametrize(
    ("on", "begin", "end"),
    [
        (date(2021, 6, 15), date(2020, 6, 1), date(2021, 5, 31)),
        (date(2026, 1, 1), date(2025, 1, 1), date(2025, 12, 31)),
        (date(2024, 3, 31), date(2023, 3, 1), date(2024, 2, 29)),
    ],
)
def test_the_last_twelve_months_end_with_the_month_before(on: date, begin: date, end: date) -> None:
    assert rolling_year(on) == Window(begin, end)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (date(2024, 1, 1), date(2024, 11, 30)),
        (date(2024, 1, 2), date(2025, 1, 1)),
        (date(2024, 1, 1), date(2023, 12, 31)),
        (date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_baseline_is_of_twelve_whole_months_that_are_over(begin: date, end: date) -> None:
    today = date(2026, 3, 2)
    check_baseline_period(calendar_year(2025), today=today)
    check_baseline_period(Window(date(2024, 10, 1), date(2025, 9, 30)), today=today)
    with pytest.raises(BaselinePeriodError):
        check_baseline_period(Window(begin, end), today=today)


@pytest.mark.parametrize("status", BaselineStatus)
@pytest.mark.parametrize("event", BaselineEvent)
def test_a_baseline_is_decided_once(status: BaselineStatus, event: BaselineEvent) -> None:
    if (status, event) in BASELINE_TRANSITIONS:
        assert status is BaselineStatus.PROPOSED
        assert baseline_after(status, event) is not BaselineStatus.PROPOSED
    else:
        with pytest.raises(TransitionError):
            baseline_after(status, event)
