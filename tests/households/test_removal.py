"""Monitoring lasts at least six months from the day on which a household was identified."""

from datetime import date

import pytest

from market.households.removal import (
    CutShort,
    DepartureReasonError,
    MonitoringContinuesError,
    RemovalTooEarlyError,
    check_continued,
    check_departure_reason,
    check_removal,
    cut_short,
    identified_on,
    monitored_since,
)
from market.households.rules import DepartureReason, HouseholdStatus

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


IDENTIFIED, LEFT = date(2025, 8, 31), date(2025, 9, 9)
CUT = CutShort(IDENTIFIED, LEFT)
EARLIEST = date(2026, 2, 28)


@pytest.mark.parametrize(
    ("periods", "departed_on", "found"),
    [
        ([(MARGINAL, IDENTIFIED)], LEFT, CUT),
        ([(MARGINAL, IDENTIFIED)], date(2026, 2, 27), CutShort(IDENTIFIED, date(2026, 2, 27))),
        ([(MARGINAL, IDENTIFIED)], EARLIEST, None),
        ([(MARGINAL, IDENTIFIED)], None, None),
        ([(POOR, date(2020, 1, 1)), (UNSTABLE, IDENTIFIED), (SUDDEN, date(2025, 9, 1))], LEFT, CUT),
        ([(ORDINARY, IDENTIFIED)], LEFT, None),
        ([(MARGINAL, date(2025, 1, 1)), (POOR, IDENTIFIED)], LEFT, None),
    ],
)
def test_a_departure_cuts_monitoring_short_before_six_months_are_over(
    periods: list[tuple[HouseholdStatus, date]], departed_on: date | None, found: CutShort | None
) -> None:
    assert cut_short(periods, departed_on) == found
    assert CUT.earliest == EARLIEST


def test_who_leaves_while_monitored_leaves_for_a_stated_reason() -> None:
    with pytest.raises(
        DepartureReasonError, match="Monitored since 2025-08-31, this household leaves before 2026-02-28"
    ):
        check_departure_reason(None, CUT)
    for reason in DepartureReason:
        check_departure_reason(reason, CUT)


@pytest.mark.parametrize(
    ("periods", "continued"),
    [
        ([(MARGINAL, LEFT)], True),
        ([(MARGINAL, LEFT), (ORDINARY, EARLIEST)], True),
        ([(ORDINARY, date(2020, 1, 1)), (SUDDEN, LEFT)], True),
        ([(ORDINARY, EARLIEST)], True),
        ([(ORDINARY, LEFT)], False),
        ([(POOR, LEFT)], False),
        ([(ORDINARY, date(2026, 2, 27))], False),
        ([(ORDINARY, date(2020, 1, 1))], False),
        ([(ORDINARY, LEFT), (SUDDEN, date(2025, 9, 10))], False),
        ([(MARGINAL, LEFT), (ORDINARY, date(2026, 2, 27))], False),
    ],
)
def test_who_registers_the_same_people_anew_monitors_them_from_the_day_they_left_for_the_rest_of_six_months(
    periods: list[tuple[HouseholdStatus, date]], *, continued: bool
) -> None:
    check_continued(periods, [])
    if continued:
        check_continued(periods, [CUT])
    else:
        with pytest.raises(MonitoringContinuesError, match="monitored since 2025-08-31") as refused:
            check_continued(periods, [CUT], pointer="/status")
        assert (refused.value.pointer, refused.value.facts["earliest"]) == ("/status", EARLIEST)


@pytest.mark.parametrize(
    ("periods", "since"),
    [
        ([(MARGINAL, date(2025, 10, 1))], IDENTIFIED),
        ([(MARGINAL, date(2020, 1, 1))], IDENTIFIED),
        ([(MARGINAL, date(2026, 2, 27))], IDENTIFIED),
        ([(MARGINAL, EARLIEST)], EARLIEST),
        ([(ORDINARY, date(2026, 3, 1))], None),
    ],
)
def test_what_was_cut_short_goes_on_from_its_first_day_and_not_from_one_dated_back(
    periods: list[tuple[HouseholdStatus, date]], since: date | None
) -> None:
    assert monitored_since(periods, [CUT, CutShort(date(2025, 8, 1), LEFT)]) == since
    assert monitored_since(periods, []) == identified_on(periods)
