"""A price cut, as JSON."""

from typing import Annotated

from pydantic import Field

from market.api import Day, Fen, LongText, PositiveFen, Schema, Text
from market.attribution.schemas import Id, ReachOut


class PriceCutLine(Schema):
    """How much is taken off what is owed for a line, with tax; less than all of it, for that is a return."""

    order_line_id: Id
    amount_fen: PositiveFen


class CutPrice(Schema):
    """A price cut (折让): the buyer keeps the goods, the supplier takes a part of their price off."""

    cut_on: Day
    reason: Annotated[LongText, Field(examples=["果径偏小,双方协商折让"])]
    evidence: Annotated[
        LongText,
        Field(
            examples=["折让协议 2026-031,红字发票 24142000000012345679"],
            description="what it was agreed by with the buyer, and the supplier's red invoice if there is one",
        ),
    ]
    lines: Annotated[list[PriceCutLine], Field(min_length=1, max_length=200)]


class PriceCutLineOut(Schema):
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


class PriceCutOut(Schema):
    """A price cut, or what a dry run of it would reverse."""

    order_id: Id
    amount_fen: Fen
    lines: list[PriceCutLineOut]
