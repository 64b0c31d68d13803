"""How the window of a report is cut into whole months, read from their sums, and the days around them."""

from datetime import date

import pytest

from market.reports.rules import month_after, split

MONTHS = (date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1))
WINDOWS = (
    (date(2026, 1, 1), date(2026, 12, 31)),
    (date(2026, 3, 6), date(2026, 5, 15)),
    (date(2026, 4, 1), date(2026, 4, 30)),
    (date(2026, 4, 10), date(2026, 4, 30)),
    (date(2026, 4, 30), date(2026, 4, 30)),
    (date(2026, 5, 1), date(2026, 6, 12)),
    (date(1, 1, 1), date(9999, 12, 31)),
)


def test_a_window_is_cut_into_months_and_the_days_around_them() -> None:
    unrolled = date(2026, 6, 1)
    cut = split(date(2026, 3, 6), date(2026, 7, 4), unrolled=unrolled)
    assert (cut["head_from"], cut["head_to"]) == (date(2026, 3, 6), date(2026, 3, 31))
    assert (cut["rolled_from"], cut["rolled_to"]) == (date(2026, 4, 1), unrolled)
    assert (cut["tail_from"], cut["tail_to"]) == (unrolled, date(2026, 7, 4))


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        (date(2026, 4, 1), date(2026, 4, 30), date(2026, 4, 1), date(2026, 5, 1)),
        (date(2026, 3, 31), date(2026, 5, 1), date(2026, 4, 1), date(2026, 5, 1)),
        (date(2026, 1, 1), date(2026, 12, 31), date(2026, 1, 1), date(2026, 6, 1)),
    ],
)
def test_every_whole_month_of_a_window_that_is_rolled_up_is_read_from_its_sums(
    first: date, last: date, begins: date, ends: date
) -> None:
    cut = split(first, last, unrolled=date(2026, 6, 1))
    assert (cut["rolled_from"], cut["rolled_to"]) == (begins, ends)


@pytest.mark.parametrize("unrolled", [date.min, *MONTHS, date(2026, 7, 1)])
@pytest.mark.parametrize(("first", "last"), WINDOWS)
def test_every_day_of_a_window_is_read_once(first: date, last: date, unrolled: date) -> None:
    cut = split(first, last, unrolled=unrolled)
    for ordinal in range(date(2026, 1, 1).toordinal(), date(2026, 9, 1).toordinal()):
        day = date.fromordinal(ordinal)
        ways = [
            cut["head_from"] <= day <= cut["head_to"],
            cut["tail_from"] <= day <= cut["tail_to"],
            cut["rolled_from"] <= day.replace(day=1) < cut["rolled_to"],
        ]
        assert sum(ways) == (first <= day <= last)
    assert cut["rolled_to"] <= unrolled or cut["rolled_from"] >= cut["rolled_to"]


def test_a_window_without_a_whole_month_that_is_rolled_up_is_read_by_days_alone() -> None:
    for first, last, unrolled in (
        (date(2026, 4, 10), date(2026, 5, 30), date(2026, 6, 1)),
        (date(2026, 6, 1), date(2026, 7, 31), date(2026, 6, 1)),
        (date(2026, 3, 1), date(2026, 3, 31), date.min),
    ):
        cut = split(first, last, unrolled=unrolled)
        assert (cut["tail_from"], cut["tail_to"]) == (first, last)
        assert cut["rolled_from"] > cut["rolled_to"]
        assert cut["head_from"] > cut["head_to"]


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2026, 1, 31), date(2026, 2, 1)),
        (date(2024, 2, 29), date(2024, 3, 1)),
        (date(2026, 12, 1), date(2027, 1, 1)),
        (date(9999, 11, 30), date(9999, 12, 1)),
        (date(9999, 12, 1), date.max),
    ],
)
def test_the_next_month_begins_on_its_first_day_and_after_the_last_there_is_none(day: date, first: date) -> None:
    assert month_after(day) == first
