"""What goes in and out of the household endpoints."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import AnyRegionCode, Day, PageQuery, Schema, form
from market.households.rules import MAX_HEADS, DepartureReason, HouseholdStatus

_VILLAGE = "141122106201"

Id = Annotated[UUID, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"])]
Code = Annotated[
    str,
    form(
        r"^[0-9A-Z][0-9A-Z-]{2,31}$",
        "3 to 32 digits, capital letters and hyphens, no hyphen first",
        "3 至 32 位数字、大写字母或连字符,不以连字符开头",
        example="1411221062010007",
    ),
]
VillageCode = Annotated[
    str, form(r"^[0-9]{12}$", "the code of a village: 12 digits", "村级行政区划代码(12 位数字)", example=_VILLAGE)
]
HeadCount = Annotated[int, Field(strict=True, ge=1, le=MAX_HEADS, examples=[4])]
LandMu = Annotated[
    str,
    form(
        r"^[0-9]{1,3}(\.[0-9]{1,3})?$",
        "the land that the household farms, 0 to 999.999 mu",
        "农户经营土地面积,0 至 999.999 亩",
        example="6.5",
    ),
]
Status = Annotated[HouseholdStatus, Field(examples=["registered_poor"])]


class RegisterHousehold(Schema):
    """A household to be put on the register, with its status on that day. No names here, and no numbers of persons."""

    code: Code
    village_code: VillageCode
    head_count: HeadCount
    status: Status
    registered_on: Day
    land_mu: LandMu | None = None


class ChangeHousehold(Schema):
    """What of a household may be edited: how many it counts, from a day on; what it counted before stays on record.

    The land that it farms, if given, is what it is now.
    """

    head_count: HeadCount
    valid_from: Annotated[Day | None, Field(examples=["2026-03-02"], description="today if absent")] = None
    land_mu: LandMu | None = None


class RecordStatus(Schema):
    """A status from a day on."""

    status: Status
    valid_from: Day


class RecordDeparture(Schema):
    """The first day on which the household is no longer on the register, and why it leaves."""

    departed_on: Day
    reason: Annotated[
        DepartureReason | None,
        Field(examples=["moved_away"], description="asked of who leaves within six months of being identified"),
    ] = None


class RecordedOut(Schema):
    """From which day something holds, and who recorded it when: it may have been long after."""

    valid_from: Annotated[date, Field(examples=["2020-01-01"])]
    recorded_by: Annotated[UUID | None, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e66"])]
    recorded_at: Annotated[datetime, Field(examples=["2020-01-02T08:00:00Z"])]


class StatusOut(RecordedOut):
    """A status, until the next one begins."""

    status: Status


class HeadCountOut(RecordedOut):
    """How many a household counts, until the next count begins; of one day the one recorded last holds."""

    head_count: Annotated[int, Field(examples=[4])]


class EligibilityOut(Schema):
    """How a household stands on the day that was asked."""

    status: Annotated[HouseholdStatus | None, Field(examples=["registered_poor"], description="null off the register")]
    on_register: Annotated[bool, Field(examples=[True])]
    assisted: Annotated[bool, Field(examples=[True], description="income of that day counts as assistance income")]


class EligibilityOnDayOut(EligibilityOut):
    """Whether a household counts as assisted on a day."""

    household_id: Id
    on: Annotated[date, Field(examples=["2026-03-02"])]


class HouseholdOut(Schema):
    """A household on the register."""

    id: Id
    code: Annotated[str, Field(examples=["1411221062010007"])]
    village_code: Annotated[str, Field(examples=[_VILLAGE])]
    head_count: Annotated[int, Field(examples=[4])]
    registered_on: Annotated[date, Field(examples=["2020-01-01"])]
    departed_on: Annotated[date | None, Field(examples=[None])]
    version: Annotated[int, Field(examples=[1])]


class ListedHouseholdOut(HouseholdOut):
    """A household in a list, with its eligibility on the day that was asked."""

    eligibility: EligibilityOut


class HouseholdDetailOut(HouseholdOut):
    """A household with its statuses and head counts in order of time, and what was recorded of its departure."""

    land_mu: Annotated[str | None, Field(examples=["6.5"], description="null where nobody has told")]
    departure_reason: Annotated[DepartureReason | None, Field(examples=[None])]
    departure_recorded_by: Annotated[UUID | None, Field(examples=[None])]
    departure_recorded_at: Annotated[datetime | None, Field(examples=[None])]
    statuses: list[StatusOut]
    head_counts: list[HeadCountOut]


class HouseholdQuery(PageQuery):
    """Which households to list, by code."""

    village_code: Annotated[
        AnyRegionCode | None, Field(examples=[_VILLAGE], description="the village, or a region above it")
    ] = None
    status: Annotated[HouseholdStatus | None, Field(examples=["unstable"], description="on the day `on`")] = None
    on: Annotated[Day | None, Field(examples=["2026-03-02"], description="today unless given")] = None


class EligibilityQuery(Schema):
    """The day that is asked."""

    on: Day
