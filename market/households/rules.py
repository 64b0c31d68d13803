"""Household statuses and who counts as assisted."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from market.errors import MarketError


class HouseholdStatus(StrEnum):
    """The status of a household on a day (domain.md §5)."""

    REGISTERED_POOR = "registered_poor"
    UNSTABLE = "unstable"
    MARGINAL = "marginal"
    SUDDEN_HARDSHIP = "sudden_hardship"
    ORDINARY = "ordinary"


ASSISTED = frozenset(HouseholdStatus) - {HouseholdStatus.ORDINARY}
"""Registered or monitored: income of these on the date of delivery counts as assistance income."""


MAX_HEADS = 30


@dataclass(frozen=True, slots=True)
class Eligibility:
    """How a household stands on a day; off the register it has no status and counts for nothing."""

    household_id: UUID
    village_code: str
    status: HouseholdStatus | None
    on_register: bool

    @property
    def assisted(self) -> bool:
        """Tell whether income of that day counts as assistance income."""
        return self.status in ASSISTED


def check_not_ahead(day: date, *, today: date, pointer: str) -> None:
    """Raise `FutureDateError` for a day after today: the register tells what is, not what will be."""
    if day > today:
        raise FutureDateError(day=day, pointer=pointer)


def check_head_count(head_count: int) -> None:
    """Raise `HeadCountError` outside 1 to 30 heads."""
    if not 1 <= head_count <= MAX_HEADS:
        raise HeadCountError(max=MAX_HEADS, pointer="/head_count")


def check_present(departed_on: date | None) -> None:
    """Raise `HouseholdDepartedError` once the household has left: what it was stays as it is."""
    if departed_on is not None:
        raise HouseholdDepartedError(departed_on=departed_on)


def check_status_order(valid_from: date, *, latest_from: date) -> None:
    """Raise `StatusOrderError` unless a status begins after the latest one; the first begins with registration."""
    if valid_from <= latest_from:
        raise StatusOrderError(latest=latest_from, pointer="/valid_from")


def check_departure(departed_on: date, *, latest_from: date) -> None:
    """Raise `StatusOrderError` unless the household leaves after its latest status began."""
    if departed_on <= latest_from:
        raise StatusOrderError(latest=latest_from, pointer="/departed_on")


class FutureDateError(MarketError):
    """The register holds facts, and a fact has happened."""

    en = "{day} is in the future."
    zh = "日期 {day} 尚未到来。"


class HeadCountError(MarketError):
    """A household has at least one member on the register."""

    en = "A household has 1 to {max} members."
    zh = "家庭人口数须在 1 至 {max} 之间。"


class VillageOutsideRegionError(MarketError):
    """An officer keeps the register of the own county."""

    en = "The village {village} lies outside your region."
    zh = "村 {village} 不在您的辖区内。"


class HouseholdCodeTakenError(MarketError):
    """One code, one household."""

    status = 409
    en = "A household with the code {code} is already on the register."
    zh = "户编号 {code} 已在册。"


class StatusOrderError(MarketError):
    """Statuses are added in order of time, one to a day."""

    status = 409
    en = "A status of that day or a later one, from {latest}, is already on the register."
    zh = "登记册中已有当日或更晚({latest})的状态。"


class HouseholdDepartedError(MarketError):
    """The household has left the register."""

    status = 409
    en = "This household left the register on {departed_on}."
    zh = "该户已于 {departed_on} 退出登记册。"
