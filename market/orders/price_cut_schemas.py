"""Price cuts, as JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Day, Fen, LongText, PageQuery, PositiveFen, Schema, Text
from market.attribution.schemas import Id, ReachOut
from market.orders.rules import PriceCutStatus

OptionalId = Annotated[UUID | None, Field(examples=[None])]
Status = Annotated[PriceCutStatus, Field(examples=["offered"])]
Reason = Annotated[LongText, Field(examples=["果径偏小,双方协商折让"])]
Evidence = Annotated[
    LongText,
    Field(
        examples=["折让协议 2026-031,红字发票 24142000000012345679"],
        description="what it was agreed by with the buyer, and the supplier's red invoice if there is one",
    ),
]


class PriceCutLine(Schema):
    """How much is taken off what is owed for a line, with tax; less than all of it, for that is a return."""

    order_line_id: Id
    amount_fen: PositiveFen


class OfferPriceCut(Schema):
    """A price cut (折让): the buyer keeps the goods, the supplier takes a part of their price off."""

    cut_on: Day
    reason: Reason
    evidence: Evidence
    lines: Annotated[list[PriceCutLine], Field(min_length=1, max_length=200)]


class DeclinePriceCut(Schema):
    """Why the price stays as it is."""

    reason: Annotated[LongText, Field(examples=["与协议金额不符"])]


class PriceCutQuery(PageQuery):
    """Which price cuts: of an order, in a status."""

    order_id: OptionalId = None
    status: Status | None = None


class OfferedLineOut(Schema):
    """How much is taken off what is owed for a line, with tax."""

    order_line_id: Id
    product_name: Text
    amount_fen: Fen


class PriceCutOut(Schema):
    """A price cut that a supplier offers, and what became of it: only what its buyer accepted is cut."""

    id: Id
    order_id: Id
    status: Status
    cut_on: Day
    reason: Reason
    evidence: Evidence
    amount_fen: Fen
    offered_by: Id
    offered_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
    decided_by: OptionalId
    decided_at: Annotated[datetime | None, Field(examples=[None])]
    declined_because: Annotated[str | None, Field(examples=[None])]
    lines: list[OfferedLineOut]


class PriceCutEffectLine(Schema):
    """What is cut of a line and what falls with it: `reach` says from whom, `advance_fen` stays with payees.

    What households were promised for what they gave to a lot they are owed all the same: by `topped_up_fen` the
    supplier tops it up. It counts from the day of the cut, or from the later day of a payment that was recorded first
    and falls with it.
    """

    order_line_id: Id
    product_name: Text
    amount_fen: Fen
    net_fen: Fen
    counts_on: Day
    reach: ReachOut
    topped_up_fen: Fen
    advance_fen: Fen


class PriceCutEffect(Schema):
    """What a price cut reverses, or would reverse if the buyer took it now."""

    order_id: Id
    amount_fen: Fen
    lines: list[PriceCutEffectLine]
