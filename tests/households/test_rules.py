"""Who counts as assisted, and what the register refuses."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from market.errors import ForbiddenError
from market.households.rules import (
    Eligibility,
    FutureDateError,
    HeadCountError,
    HouseholdDepartedError,
    HouseholdStatus,
    PersonalField,
    Purpose,
    StatusOrderError,
    check_departure,
    check_head_count,
    check_not_ahead,
    check_present,
    check_reveal,
    check_status_order,
)
from market.identity.rules import Role

TODAY = date(2026, 3, 2)
A_DAY = timedelta(days=1)


@pytest.mark.parametrize("status", [*HouseholdStatus, None])
def test_registered_and_monitored_households_are_assisted_and_no_others(status: HouseholdStatus | None) -> None:
    found = Eligibility(UUID(int=1), "141122106201", status, on_register=status is not None)
    assert found.assisted == (status in {"registered_poor", "unstable", "marginal", "sudden_hardship"})


def test_the_register_holds_what_has_happened() -> None:
    check_not_ahead(TODAY, today=TODAY, pointer="/day")
    with pytest.raises(FutureDateError):
        check_not_ahead(TODAY + A_DAY, today=TODAY, pointer="/day")


@pytest.mark.parametrize(("count", "sound"), [(0, False), (1, True), (30, True), (31, False), (-1, False)])
def test_a_household_has_one_to_thirty_heads(count: int, *, sound: bool) -> None:
    if sound:
        check_head_count(count)
    else:
        with pytest.raises(HeadCountError):
            check_head_count(count)


def test_what_left_the_register_stays_as_it_was() -> None:
    check_present(None)
    with pytest.raises(HouseholdDepartedError):
        check_present(TODAY)


@pytest.mark.parametrize("check", [check_status_order, check_departure])
def test_what_comes_next_comes_after_the_latest_status(check: object) -> None:
    check(TODAY, latest_from=TODAY - A_DAY)  # type: ignore[operator]
    for latest in (TODAY, TODAY + A_DAY):
        with pytest.raises(StatusOrderError):
            check(TODAY, latest_from=latest)  # type: ignore[operator]


def test_a_role_that_reads_nothing_in_clear_is_refused_whatever_it_asks() -> None:
    with pytest.raises(ForbiddenError):
        check_reveal(Role.BUYER_CLERK, Purpose.PAYMENT, [PersonalField.NAME])
