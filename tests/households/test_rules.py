"""Who counts as assisted, and what the register refuses."""

from datetime import date, timedelta
from itertools import product
from uuid import UUID

import pytest

from market.errors import ForbiddenError, FutureDateError, check_not_ahead
from market.households.rules import (
    REVEALS,
    Eligibility,
    HeadCountError,
    HouseholdDepartedError,
    HouseholdStatus,
    NumberInTextError,
    PersonalField,
    Purpose,
    RevealNotAllowedError,
    RevealQuotaError,
    StatusOrderError,
    check_code,
    check_departure,
    check_head_count,
    check_present,
    check_quota,
    check_reveal,
    check_says_no_number,
    check_status_order,
    months_after,
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


def test_a_role_reads_for_a_purpose_what_the_purpose_needs_and_is_told_what_is_too_much() -> None:
    paid = [PersonalField.NAME, PersonalField.BANK_NAME, PersonalField.BANK_ACCOUNT]
    check_reveal(Role.SUPPLIER_MANAGER, Purpose.PAYMENT, paid)
    for purpose, beyond in ((Purpose.PAYMENT, ("phone",)), (Purpose.AUDIT, ("name", "phone"))):
        with pytest.raises(RevealNotAllowedError) as refused:
            check_reveal(Role.SUPPLIER_MANAGER, purpose, [PersonalField.NAME, PersonalField.PHONE])
        assert refused.value.facts == {"purpose": purpose, "fields": beyond}
        assert refused.value.pointer == "/fields"


def test_health_is_read_in_clear_for_assistance_and_for_the_person_alone() -> None:
    reads = {
        (role, purpose)
        for role, purposes in REVEALS.items()
        for purpose, fields in purposes.items()
        if PersonalField.HEALTH in fields
    }
    assert reads == set(
        product((Role.VILLAGE_CLERK, Role.COUNTY_REVIEWER), (Purpose.ASSISTANCE, Purpose.SUBJECT_REQUEST))
    )


def test_a_hundred_households_an_hour_are_read_and_then_one_comes_back_after_it() -> None:
    for already, wanted in ((0, 100), (80, 20), (99, 1)):
        check_quota(already, wanted)
    for already, wanted in ((0, 101), (81, 20), (100, 1)):
        with pytest.raises(RevealQuotaError, match="100 households an hour") as refused:
            check_quota(already, wanted)
        assert refused.value.headers == {"Retry-After": "3600"}


@pytest.mark.parametrize(
    "text",
    [
        "身份证 141122198001011234",
        "核对 138 0000 0000",
        "电话 138-0000",
        "卡号６２２２０２１",
        "141122\n1980",
        "141122 19860312 2173",
    ],
)
def test_a_free_text_holds_no_number_of_a_person(text: str) -> None:
    with pytest.raises(NumberInTextError) as refused:
        check_says_no_number(text, pointer="/reason")
    assert refused.value.pointer == "/reason"


@pytest.mark.parametrize(
    "text", ["", "入户走访", "2026年3月2日下午,第3组", "2026-03-02 入户", "20260302 第2次", "123456 户", "2026, 141122"]
)
def test_days_and_short_numbers_may_stand_in_a_free_text(text: str) -> None:
    check_says_no_number(text, pointer="/reason")


VILLAGE, OF_GANSU, CARD = "141122106201", "621022106201", "6222020200112230004"


@pytest.mark.parametrize(
    ("code", "village"),
    [
        ("141122198603122173", VILLAGE),
        ("141122-19860312-2173", VILLAGE),
        ("13912345678", VILLAGE),
        ("H13912345678", VILLAGE),
        ("139-1234-5678", VILLAGE),
        (CARD, VILLAGE),
        (f"H-{CARD}", VILLAGE),
        (f"{VILLAGE}13912345678", VILLAGE),
        (f"{VILLAGE}{CARD}", VILLAGE),
    ],
)
def test_a_code_of_a_household_is_no_number_of_a_person(code: str, village: str) -> None:
    with pytest.raises(NumberInTextError) as refused:
        check_code(code, village_code=village)
    assert refused.value.pointer == "/code"


@pytest.mark.parametrize(
    ("code", "village"),
    [("FH1", VILLAGE), (f"{VILLAGE}0001", VILLAGE), (f"{VILLAGE}-0007", VILLAGE)]
    + [(f"{OF_GANSU}{serial:04}", OF_GANSU) for serial in range(1, 30)]
    + [(f"{OF_GANSU}{serial:07}", OF_GANSU) for serial in range(1, 30)],
)
def test_a_code_made_of_its_village_s_is_taken_though_some_have_a_card_s_check_digit(code: str, village: str) -> None:
    check_code(code, village_code=village)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2025, 6, 30), 6, date(2025, 12, 30)),
        (date(2025, 7, 1), 6, date(2026, 1, 1)),
        (date(2025, 3, 2), 12, date(2026, 3, 2)),
    ],
)
def test_months_end_on_the_same_day_or_on_the_last_of_a_shorter_one(day: date, months: int, later: date) -> None:
    assert months_after(day, months) == later
