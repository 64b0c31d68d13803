"""What goes in and out of the channel endpoints."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Code, Day, Flag, Schema, Wording
from market.channels.rules import (
    DEFAULT_SCHEME,
    MAX_CHANNELS,
    MAX_FEE_BP,
    MAX_RESERVE_BP,
    MAX_RESERVE_DAYS,
    EvidenceKind,
    FundsModel,
)
from market.identity.rules import OrganisationKind

SchemeCode = Annotated[Code, Field(examples=["qi_jin"])]
BuyerKinds = Annotated[
    list[OrganisationKind], Field(min_length=1, max_length=len(OrganisationKind), examples=[["school", "hospital"]])
]
FundsModels = Annotated[
    list[FundsModel],
    Field(
        min_length=1,
        max_length=len(FundsModel),
        examples=[["direct"]],
        description="how orders may be paid; the first is meant where an order names none",
    ),
]
FeeBp = Annotated[
    int,
    Field(strict=True, ge=0, le=MAX_FEE_BP, examples=[0], description="of what is accepted; 0 where direct is allowed"),
]
ReserveBp = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MAX_RESERVE_BP,
        examples=[0],
        description="of what is settled out of custody before the days of the reserve are over",
    ),
]
ReserveDays = Annotated[
    int, Field(strict=True, ge=0, le=MAX_RESERVE_DAYS, examples=[0], description="from the last acceptance on")
]
EvidenceKinds = Annotated[
    list[EvidenceKind], Field(max_length=len(EvidenceKind), examples=[["acceptance_note", "invoice"]])
]


class ChannelIn(Schema):
    """A channel of a scheme to be published."""

    code: Code
    name: Annotated[Wording, Field(examples=["进食堂"])]
    buyer_kinds: BuyerKinds
    evidence_kinds: EvidenceKinds
    needs_external_number: Flag
    counts_to_reserved_share: Flag
    funds_models: FundsModels = Field(default_factory=lambda: [FundsModel.DIRECT])
    fee_bp: FeeBp = 0
    reserve_bp: ReserveBp = 0
    reserve_days: ReserveDays = 0


class PublishScheme(Schema):
    """A version of a scheme, in force from a day until the next version."""

    code: SchemeCode
    name: Annotated[Wording, Field(examples=["七进"])]
    valid_from: Day
    channels: Annotated[list[ChannelIn], Field(min_length=1, max_length=MAX_CHANNELS)]


class ChannelOut(Schema):
    """A channel and its policy."""

    code: Annotated[str, Field(examples=["canteen"])]
    name: Annotated[str, Field(examples=["进食堂"])]
    buyer_kinds: Annotated[list[str], Field(examples=[["school", "hospital"]])]
    evidence_kinds: Annotated[list[str], Field(examples=[["acceptance_note", "invoice"]])]
    needs_external_number: Annotated[bool, Field(examples=[False])]
    counts_to_reserved_share: Annotated[bool, Field(examples=[True])]
    funds_models: FundsModels
    fee_bp: FeeBp
    reserve_bp: ReserveBp
    reserve_days: ReserveDays


class SchemeOut(Schema):
    """A version of a scheme with its channels in their order; it is short, so it comes whole."""

    id: Annotated[UUID, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"])]
    code: Annotated[str, Field(examples=["qi_jin"])]
    name: Annotated[str, Field(examples=["七进"])]
    valid_from: Annotated[date, Field(examples=["2020-01-01"])]
    channels: list[ChannelOut]


class ChannelQuery(Schema):
    """Which scheme, and on which day."""

    on: Annotated[Day | None, Field(examples=["2026-03-02"], description="today unless given")] = None
    scheme: SchemeCode = DEFAULT_SCHEME
