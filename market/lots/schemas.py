"""What the endpoints of lots take and give."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from market.api import (
    BasisPoints,
    Count,
    Day,
    Fen,
    LongText,
    PageQuery,
    PositiveFen,
    Quantity,
    RegionCode,
    Schema,
    Text,
    Wording,
)
from market.benefits.rules import Mechanism
from market.benefits.schemas import Proven, proved_by
from market.lots.rules import BaselineStatus, LotStatus, Origin
from market.quantities import MeasuredIn, Unit

Id = Annotated[UUID, Field(examples=["0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33"])]
Area = Annotated[Quantity, Field(examples=["180"], description="decimal string in mu (亩)")]
Base = Annotated[Unit, Field(examples=["kg"], description="the base unit, kg or piece")]
InUnit = Annotated[MeasuredIn, Field(examples=["jin"])]
InBase = Annotated[
    str, Field(pattern=r"^\d+(\.\d{1,3})?$", examples=["450000"], description="decimal string in the base unit")
]
PricePer = Annotated[
    str,
    Field(pattern=r"^\d+(\.\d{1,3})?$", examples=["0.5"], description="how much the price is for, in the base unit"),
]
LotNumber = Annotated[str, Field(examples=["L-20260302-K3V7QHTA"])]
QualityCertificate = Annotated[Text, Field(examples=["HGZ-141122-20260302-018"])]
Status = Annotated[LotStatus, Field(examples=["open"])]
Evidence = Annotated[Wording, Field(examples=["收购单-20260302-007"])]
ByMechanism = Annotated[Mechanism, Field(examples=["order_purchase"])]


class LotInputIn(Schema):
    """A quantity, in the unit of the new lot, of a lot that goes into it."""

    lot_id: Id
    quantity: Quantity


class RegisterLot(Schema):
    """A quantity of one of your products with one origin, harvested or produced.

    Every quantity is in `unit`: what is bought in comes from no household on the register; the loss is what of all that
    was brought is not in the lot, by drying, pressing or sorting.
    """

    product_id: Id
    unit: InUnit
    quantity: Annotated[Quantity, Field(examples=["900000"])]
    produced_on: Day
    expires_on: Annotated[Day | None, Field(examples=["2026-09-02"], description="the last day it is good")] = None
    origin_code: RegionCode
    area_mu: Area | None = None
    bought_in: Annotated[Quantity, Field(examples=["0"])] = "0"
    loss: Annotated[Quantity, Field(examples=["0"])] = "0"


class ProcessLots(Schema):
    """A quantity of one of your products, made of lots of yours; what goes in less the loss is what comes out.

    Inputs are in `input_unit`, by default the unit of the product. Pieces made of what is weighed, or the reverse, need
    `content`, the kilograms in one piece; what is bought in and lost is then weighed, in whichever unit is one of mass.
    """

    product_id: Id
    unit: Annotated[MeasuredIn, Field(examples=["piece"])]
    quantity: Annotated[Quantity, Field(examples=["800"])]
    content: Annotated[Quantity | None, Field(examples=["0.5"], description="decimal string in kg in one piece")] = None
    produced_on: Day
    expires_on: Annotated[Day | None, Field(examples=["2026-09-02"], description="the last day it is good")] = None
    origin_code: RegionCode
    inputs: Annotated[list[LotInputIn], Field(min_length=1, max_length=50)]
    input_unit: Annotated[MeasuredIn | None, Field(examples=["kg"])] = None
    bought_in: Annotated[Quantity, Field(examples=["0"])] = "0"
    loss: Annotated[Quantity, Field(examples=["40"])] = "0"


class SplitLot(Schema):
    """How much of a lot each new lot gets, in one unit."""

    unit: InUnit
    parts: Annotated[list[Quantity], Field(min_length=1, max_length=50, examples=[["300", "200"]])]


class MergeLots(Schema):
    """Lots of one product that become one, or so much of each of them, in one unit."""

    unit: InUnit
    inputs: Annotated[list[LotInputIn], Field(min_length=2, max_length=50)]


class RepackLot(Schema):
    """How much of a lot is packed anew, and how much of that is lost by it, in one unit."""

    unit: InUnit
    quantity: Annotated[Quantity, Field(examples=["400"])]
    loss: Annotated[Quantity, Field(examples=["2"])] = "0"


class MarketPriceSchema(Schema):
    """What the market paid for one unit on a day of the week up to delivery, and where that is printed."""

    price_fen: Annotated[PositiveFen, Field(examples=[114])]
    source: Annotated[Wording, Field(examples=["太原河西农产品批发市场 2026-03-01 日报价"])]
    on: Annotated[Day, Field(examples=["2026-03-01"])]


class ContributionIn(Proven):
    """What one household gave: produce in a unit of quantity, work in hours, pieces or mu, land in mu.

    The price is per that unit, and follows the plan in force on the day of delivery: agreed, or made from the market's
    price, which is then stated (the unit price may be left out). Consigned produce has neither.
    """

    household_id: Id
    mechanism: ByMechanism
    measure: Annotated[Quantity, Field(examples=["29032.5"])]
    unit: InUnit
    unit_price_fen: Annotated[PositiveFen | None, Field(examples=[120])] = None
    market: Annotated[MarketPriceSchema | None, Field(examples=[None])] = None
    delivered_on: Day
    evidence: Annotated[Evidence, proved_by(lambda told: told.get("mechanism"))]


class RecordContributions(Schema):
    """Up to 1,000 contributions, recorded all or none."""

    contributions: Annotated[list[ContributionIn], Field(min_length=1, max_length=1000)]


class AttachQualityCertificate(Schema):
    """The number of a quality certificate (承诺达标合格证)."""

    number: QualityCertificate


class RecordSpoilage(Schema):
    """Stock that spoiled unsold, in the base unit of the lot."""

    quantity: Quantity
    reason: Annotated[LongText, Field(examples=["受潮霉变"])]


class ProposeBaseline(Schema):
    """What the same land brought in a period before; yield and price are per `unit`."""

    period_from: Annotated[Day, Field(examples=["2025-01-01"])]
    period_to: Annotated[Day, Field(examples=["2025-12-31"])]
    source: Annotated[Wording, Field(examples=["村委会2025年产量登记表"])]
    area_mu: Area
    yield_per_mu: Annotated[Quantity, Field(examples=["2000"])]
    unit: InUnit
    unit_price_fen: Annotated[PositiveFen, Field(examples=[120])]


class DecideBaseline(Schema):
    """What the county says of a proposed baseline."""

    confirmed: Annotated[bool, Field(strict=True, examples=[True])]
    opinion: Annotated[LongText, Field(examples=["与村台账一致"])]


class LotQuery(PageQuery):
    """Which lots."""

    product_id: Id | None = None
    status: Status | None = None


class LotOut(Schema):
    """A lot and where its quantity is; the six places always sum to `quantity`."""

    id: Id
    number: LotNumber
    product_id: Id
    supplier_id: Id
    status: Status
    origin: Annotated[Origin, Field(examples=["produced"])]
    produced_on: Day
    expires_on: Annotated[Day | None, Field(examples=["2026-09-02"])]
    origin_code: RegionCode
    area_mu: Area | None
    quality_certificate: QualityCertificate | None
    certified_lot_id: Annotated[
        UUID | None,
        Field(examples=[None], description="the lot whose certificate it is, where a part of a split keeps it"),
    ]
    base_unit: Base
    content: Annotated[
        InBase | None, Field(examples=[None], description="kg in one piece, where pieces are made of what is weighed")
    ]
    quantity: InBase
    bought_in: InBase
    loss: InBase
    available: InBase
    reserved: InBase
    shipped: InBase
    accepted: InBase
    moved: InBase
    spoiled: InBase


class BaselineOut(Schema):
    """What the same land brought before; an increase is stated only against it, and only once it is confirmed."""

    lot_id: Id
    status: Annotated[BaselineStatus, Field(examples=["proposed"])]
    period_from: Annotated[Day, Field(examples=["2025-01-01"])]
    period_to: Annotated[Day, Field(examples=["2025-12-31"])]
    source: Annotated[Text, Field(examples=["村委会2025年产量登记表"])]
    area_mu: Area
    base_unit: Base
    yield_per_mu: Annotated[InBase, Field(examples=["1000"])]
    unit_price_fen: Annotated[PositiveFen, Field(examples=[120])]
    price_per: PricePer
    gross_fen: Annotated[Fen, Field(examples=[43200000])]
    opinion: Annotated[LongText | None, Field(examples=["与村台账一致"])]


class LotDetailOut(LotOut):
    """A lot with its baseline."""

    baseline: BaselineOut | None


class OverMarketOut(Schema):
    """A gross increase over the market's price of the day: amount x (price - market) / price, rounded down."""

    measure: Annotated[Literal["gross"], Field(examples=["gross"])]
    market: MarketPriceSchema
    increase_fen: Annotated[Fen, Field(examples=[165900])]


class ContributionOut(Schema):
    """What one household gave to a lot, and what it is owed for it.

    `measure` is in `unit`: a base unit, the hour, the piece or the mu. One that came with an input lot names the one it
    is carried from; its amount is what that one released. Consigned produce has no amount, but basis points of what
    its part of the lot brings. Where the market's price decides, `over_market` is the gross increase over it. One that
    was annulled names the annulment, and is owed nothing.
    """

    id: Id
    lot_id: Id
    household_id: Id
    mechanism: ByMechanism
    measure: Annotated[InBase, Field(examples=["14516.25"])]
    unit: Annotated[MeasuredIn, Field(examples=["kg"])]
    unit_price_fen: Annotated[PositiveFen | None, Field(examples=[120])]
    price_per: PricePer | None
    amount_fen: Annotated[Fen | None, Field(examples=[3483900])]
    proceeds_bp: Annotated[BasisPoints | None, Field(examples=[None])]
    over_market: Annotated[OverMarketOut | None, Field(examples=[None])]
    delivered_on: Day
    evidence: Evidence
    plan_version_id: Id
    carried_from: Annotated[Id | None, Field(examples=[None])]
    annulment_id: Annotated[Id | None, Field(examples=[None])]


class ContributionsRecordedOut(Schema):
    """How many contributions were recorded, and what they come to; what is consigned comes to no amount yet."""

    lot_id: Id
    recorded: Count
    amount_fen: Fen


class LotsMadeOut(Schema):
    """The lots into which one was divided, in the order asked."""

    lots: list[LotOut]


class LotEdgeOut(Schema):
    """A quantity of one lot that went into another."""

    lot_id: Id
    lot_number: LotNumber
    input_lot_id: Id
    input_lot_number: LotNumber
    quantity: InBase


class LotSourceOut(Schema):
    """A lot behind another, the steps to it on the shortest way, and how much of it is in the other.

    The quantity is in proportion, over all ways, and rounded down to a thousandth of the source's base unit.
    """

    lot_id: Id
    number: LotNumber
    product_id: Id
    origin: Annotated[Origin, Field(examples=["produced"])]
    generation: Annotated[int, Field(ge=1, examples=[1])]
    produced_on: Day
    origin_code: RegionCode
    quality_certificate: QualityCertificate | None
    base_unit: Base
    quantity: InBase


class LotSourcesOut(Schema):
    """All that a lot was made of, however far back, the nearest first."""

    lot_id: Id
    base_unit: Base
    quantity: InBase
    sources: list[LotSourceOut]


class LotGraphOut(Schema):
    """All that went into a lot, and all that was made of it, however far."""

    lot_id: Id
    base_unit: Base
    ancestors: list[LotEdgeOut]
    descendants: list[LotEdgeOut]
