"""What goes in and out of the region endpoints."""

from datetime import date
from typing import Annotated

from pydantic import Field

from market.api import AnyRegionCode, Day, PageQuery, Schema, Text
from market.regions.rules import Level


class AddRegion(Schema):
    """A name of a region from a day on; for a code that has one, the renaming."""

    code: AnyRegionCode
    name: Annotated[Text, Field(examples=["洪相镇"])]
    valid_from: Day


class RegionOut(Schema):
    """One name of a region and its time; `valid_until` is the first day on which it no longer holds."""

    code: Annotated[str, Field(examples=["141122106"])]
    name: Annotated[str, Field(examples=["洪相镇"])]
    valid_from: Annotated[date, Field(examples=["2021-03-01"])]
    valid_until: Annotated[date | None, Field(examples=[None])]


class RegionQuery(PageQuery):
    """Which regions to list, by code."""

    parent: Annotated[
        AnyRegionCode | None, Field(examples=["141122"], description="those right under it, or of `level` under it")
    ] = None
    level: Annotated[Level | None, Field(examples=["township"])] = None
    on: Annotated[Day | None, Field(examples=["2026-03-02"], description="today unless given")] = None
