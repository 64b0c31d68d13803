"""Monitoring lasts at least six months from the day on which a household was identified."""

from datetime import date

import pytest

from market.households.removal import RemovalTooEarlyError, check_removal, identified_on
from market.households.rules import HouseholdStatus

POOR, UNSTABLE, MARGINAL, SUDDEN, ORDINARY = HouseholdStatus


@pytest.mark.parametrize(
    ("periods", "since"),
    [
        ([], None),
        ([(POOR, date(2024, 1, 1))], None),
        ([(POOR, date(2024, 1, 1)), (MARGINAL, date(2025, 8, 31))], date(2025, 8, 31)),
        ([(MARGINAL, date(2025, 8, 31)), (SUDDEN, date(2025, 12, 1))], date(2025, 8, 31)),
        ([(UNSTABLE, date(2024, 1, 1)), (ORDINARY, date(2024, 9, 1))], None),
        ([(UNSTABLE, date(2024, 1, 1)), (POOR, date(2024, 9, 1)), (SUDDEN, date(2025, 2, 1))], date(2025, 2, 1)),
    ],
)
def test_a_household_is_monitored_since_it_was_identified_without_a_break(
    periods: list[tuple[HouseholdStatus, date]], since: date | None
) -> None:
    assert identified_on(periods) == since


def test_nobody_is_removed_from_monitoring_within_six_months_of_being_identified() -> None:
    for status in (POOR, ORDINARY):
        check_removal(status, date(2026, 2, 28), identified_on=date(2025, 8, 31))
        with pytest.raises(RemovalTooEarlyError, match="from 2026-02-28 on") as refused:
            check_removal(status, date(2026, 2, 27), identified_on=date(2025, 8, 31))
        assert refused.value.pointer == "/valid_from"
        check_removal(status, date(2025, 9, 1), identified_on=None)
    for status in (UNSTABLE, MARGINAL, SUDDEN):
        check_removal(status, date(2025, 9, 1), identified_on=date(2025, 8, 31))
