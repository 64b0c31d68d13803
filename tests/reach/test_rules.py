"""Over which periods a reach is told."""

from datetime import date

import pytest

from market.reach.rules import calendar


@pytest.mark.parametrize(
    ("period", "first", "beyond"),
    [
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-03", date(2026, 3, 1), date(2026, 4, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_a_calendar_period_has_a_first_day_and_a_day_beyond(period: str, first: date, beyond: date) -> None:
    assert calendar(period) == (first, beyond)
