"""What counts as income follows from its kind; windows, heads and baselines."""

from datetime import date

import pytest

from market.benefits.rules import IncomeClass
from market.errors import InvalidInputError, TransitionError
from market.identity.rules import OrganisationKind
from market.livelihoods.rules import (
    BASELINE_TRANSITIONS,
    ITEMS,
    KIND_OF_NAME,
    BaselineEvent,
    BaselinePeriodError,
    BaselineStatus,
    ItemKind,
    ItemTooOldError,
    Supplier,
    SupplierAsSourceError,
    Treatment,
    Window,
    baseline_after,
    calendar_year,
    check_baseline_period,
    check_not_too_old,
    check_source,
    per_head,
    rolling_year,
    year_until,
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


def test_what_a_household_had_counts_from_the_twelve_months_by_which_it_was_registered() -> None:
    check_not_too_old(date(2025, 2, 1), registered_on=date(2026, 2, 20))
    with pytest.raises(ItemTooOldError, match="from 2026-02-20 on: record what it had from 2025-02-01 on"):
        check_not_too_old(date(2025, 1, 31), registered_on=date(2026, 2, 20))


def test_every_kind_has_one_name_that_names_no_other() -> None:
    assert len(KIND_OF_NAME) == len(ITEMS)
    assert {kind: terms.name for kind, terms in ITEMS.items()} == {kind: zh for kind, (_, zh) in ITEM_KINDS.items()}


COOPERATIVE = Supplier("王村富山种植专业合作社", "911411220000000ABC", OrganisationKind.COOPERATIVE)
COLLECTIVE = Supplier("王村股份经济合作社", None, OrganisationKind.VILLAGE_COLLECTIVE)
FARM = Supplier("老李家", None, OrganisationKind.FAMILY_FARM)


def refused(kind: ItemKind, source: str) -> str | None:
    try:
        check_source(kind, source, [COOPERATIVE, COLLECTIVE, FARM])
    except SupplierAsSourceError as error:
        return str(error.facts["named"])
    return None


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("王村富山种植专业合作社", COOPERATIVE.name),
        (" 王村富山 种植专业合作社(二月)", COOPERATIVE.name),
        ("统一代码:９１１４１１２２０００００００abc", COOPERATIVE.name),
        ("付款:王村股份经济合作社", COLLECTIVE.name),
        ("老李家", FARM.name),
        ("给老李家帮工", None),  # so short a name may stand in any sentence
        ("交城县示范小学", None),
    ],
)
def test_a_source_names_a_supplier_by_its_whole_name_or_code_however_it_is_written(
    source: str, named: str | None
) -> None:
    assert refused(ItemKind.WAGE_ELSEWHERE, source) == named


@pytest.mark.parametrize("kind", ItemKind)
def test_what_orders_may_bring_is_no_item_of_a_supplier_save_a_collectives_own_station_and_posts(
    kind: ItemKind,
) -> None:
    brought = ITEMS[kind].income_class in {IncomeClass.WAGE, IncomeClass.OPERATING, IncomeClass.PROPERTY}
    assert refused(kind, COOPERATIVE.name) == (COOPERATIVE.name if brought else None)
    its_own = kind in {ItemKind.SOLAR, ItemKind.PUBLIC_POST}
    assert refused(kind, COLLECTIVE.name) == (COLLECTIVE.name if brought and not its_own else None)


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


@pytest.mark.parametrize(
    ("on", "end"),
    [
        (date(2026, 1, 1), date(2026, 1, 1)),
        (date(2026, 6, 30), date(2026, 6, 30)),
        (date(2027, 3, 1), date(2026, 12, 31)),
    ],
)
def test_a_year_as_of_a_day_ends_with_the_day_or_before_it(on: date, end: date) -> None:
    assert year_until(2026, on) == Window(date(2026, 1, 1), end)


def test_of_a_year_that_begins_later_there_is_nothing_to_tell() -> None:
    with pytest.raises(InvalidInputError):
        year_until(2026, date(2025, 12, 31))
