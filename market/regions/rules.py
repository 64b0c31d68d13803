"""Levels of regions, and what their history refuses."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from market.errors import MarketError


class Level(StrEnum):
    """The levels of GB/T 2260 and its statistical extension."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"


DIGITS_OF: Mapping[Level, int] = {
    Level.PROVINCE: 2,
    Level.CITY: 4,
    Level.COUNTY: 6,
    Level.TOWNSHIP: 9,
    Level.VILLAGE: 12,
}


def check_succession(code: str, valid_from: date, *, latest_from: date, latest_until: date | None) -> None:
    """Raise `RegionOverlapError` unless a name from `valid_from` follows the latest one of its code.

    A latest name without an end is closed by its successor, so it only has to begin earlier.
    """
    if valid_from <= latest_from or (latest_until is not None and valid_from < latest_until):
        raise RegionOverlapError(code=code, latest=latest_until or latest_from, pointer="/valid_from")


class UnknownRegionError(MarketError):
    """No region has this code on that day."""

    en = "There is no region {code} on {on}."
    zh = "{on} 没有代码为 {code} 的行政区划。"


class RegionOverlapError(MarketError):
    """A code has one name on any day."""

    status = 409
    en = "The region {code} already has a name on that day; its latest reaches to {latest}."
    zh = "行政区划 {code} 在该日已有名称,最近一条记录至 {latest}。"
