"""What goes in and out of the endpoints of consent, proxy acts and erasure."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Day, LongText, PageQuery, Schema
from market.households.people_schemas import Reason
from market.households.rules import ConsentPurpose, Deed, ErasureEvent, ErasureStatus
from market.households.schemas import Id

Evidence = Annotated[
    LongText, Field(examples=["纸质同意书,村委会存档"], description="kept as it is: no numbers of persons")
]
When = Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]


class GiveConsent(Schema):
    """What a household consents to, from a day until one."""

    purpose: Annotated[ConsentPurpose, Field(examples=["payment_details"])]
    valid_from: Day
    valid_until: Annotated[
        Day | None, Field(examples=[None], description="the first day on which it no longer holds")
    ] = None
    evidence: Evidence


class WithdrawConsent(Schema):
    """What shows that a consent was withdrawn."""

    evidence: Evidence


class ConsentOut(Schema):
    """A consent, withdrawn or not."""

    id: Id
    household_id: Id
    purpose: Annotated[ConsentPurpose, Field(examples=["payment_details"])]
    valid_from: Annotated[date, Field(examples=["2026-03-02"])]
    valid_until: Annotated[date | None, Field(examples=[None])]
    evidence: Annotated[str, Field(examples=["纸质同意书,村委会存档"])]
    recorded_by: Id
    recorded_at: When
    withdrawn_on: Annotated[date | None, Field(examples=[None])]
    withdrawn_by: Annotated[UUID | None, Field(examples=[None])]


class ProxyActOut(Schema):
    """What a village clerk did in a household's place."""

    id: Id
    household_id: Id
    deed: Annotated[Deed, Field(examples=["payment_confirmed"])]
    en: Annotated[str, Field(examples=["confirmed that the household has a payment"])]
    zh: Annotated[str, Field(examples=["代为确认到账"])]
    about_id: Annotated[
        UUID | None,
        Field(
            examples=[None],
            description="what it was done to: a payment, a consent, an account item …; of an enrolment, the supplier",
        ),
    ]
    evidence: Annotated[str, Field(examples=["农户到村签字,回执存档"])]
    member_id: Id
    acting_for: Annotated[
        UUID, Field(description="the village office", examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"])
    ]
    acted_at: When


class RequestErasure(Schema):
    """Why a household's personal data are to be erased."""

    reason: Reason


class DecideErasure(Schema):
    """What is decided of a requested erasure."""

    event: Annotated[ErasureEvent, Field(examples=["carry_out"])]
    opinion: Annotated[LongText, Field(examples=["情况属实,同意"], description="kept as it is: no numbers of persons")]


class ErasureOut(Schema):
    """An erasure, as far as it is."""

    id: Id
    household_id: Id
    status: Annotated[ErasureStatus, Field(examples=["carried_out"])]
    reason: Annotated[str, Field(examples=["农户迁出,本人申请删除"])]
    requested_by: Id
    requested_at: When
    decided_by: Annotated[UUID | None, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"])]
    decided_at: Annotated[datetime | None, Field(examples=["2026-03-02T04:00:00Z"])]
    opinion: Annotated[str | None, Field(examples=["情况属实,同意"])]
    shared_with: Annotated[
        int | None,
        Field(examples=[0], description="other households with which it shared a bank account until then; null before"),
    ]


class OfHouseholdQuery(PageQuery):
    """Of which household; of all within the caller's reach unless given."""

    household_id: Annotated[UUID | None, Field(examples=[None])] = None


class ErasureQuery(OfHouseholdQuery):
    """Which erasures to list, newest first."""

    status: Annotated[ErasureStatus | None, Field(examples=["requested"])] = None
