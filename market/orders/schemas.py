"""What goes in and out over HTTP: placing, orders, shipment, acceptance, returns."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Code, Count, Day, Fen, GivenFen, LongText, PageQuery, Quantity, Schema, Text
from market.attribution.schemas import Id, ReachOut
from market.channels.rules import FundsModel
from market.identity.rules import Role
from market.orders.rules import USUAL_PAYMENT_DAYS, OrderStatus
from market.quantities import Unit

ChannelCode = Annotated[Code, Field(examples=["canteen"])]
OrderNumber = Annotated[str, Field(examples=["D202603020000017"])]
UnitOut = Annotated[Unit, Field(examples=["jin"])]
StatusOut = Annotated[OrderStatus, Field(examples=["placed"])]
Instant = Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
Reason = Annotated[LongText, Field(examples=["到货短少两箱"])]
OptionalDay = Annotated[date | None, Field(examples=["2026-03-02"])]


class PlaceLine(Schema):
    """A product and how much of it, in its own unit; with a price the line is refused if the price is another."""

    product_id: Id
    quantity: Quantity
    unit: Annotated[Unit, Field(examples=["jin"], description="the product's, or another of mass if that is one")]
    unit_price_fen: Annotated[GivenFen | None, Field(description="fen of the product's own unit that you expect")] = (
        None
    )


class PlaceOrders(Schema):
    """One request with lines of any number of suppliers; the channel is mandatory."""

    channel_code: ChannelCode
    external_number: Annotated[
        Text | None,
        Field(
            examples=["832-20260302-7781"],
            description="of another platform, where the channel asks for it, or your own; each once in a channel",
        ),
    ] = None
    payment_days: Annotated[int, Field(strict=True, ge=0, le=1000, examples=[30])] = USUAL_PAYMENT_DAYS
    funds_model: Annotated[
        FundsModel | None, Field(examples=["direct"], description="one of the channel's; its first, if none is named")
    ] = None
    lines: Annotated[list[PlaceLine], Field(min_length=1, max_length=200)]


class PlacedLine(Schema):
    """A line at the price of the day."""

    id: Id
    product_id: Id
    product_name: Text
    quantity: Quantity
    unit: UnitOut
    unit_price_fen: Fen
    amount_fen: Fen


IdentificationCode = Annotated[
    str, Field(examples=["20260302000001682"], description="识别码: name it in the remark of the bank transfer")
]


class PayeeAccount(Schema):
    """The account into which a transfer goes: the supplier's own, or custody."""

    holder: Annotated[Text, Field(examples=["交城县惠民合作社"])]
    bank_name: Annotated[Text, Field(examples=["中国农业银行交城县支行"])]
    bank_code: Annotated[str, Field(examples=["103173000015"])]
    number: Annotated[str, Field(examples=["14001 2026 0302 0001"])]


class HowToPay(Schema):
    """How an order is paid: `direct` to the supplier itself after acceptance, `custodian` into custody, or online.

    The account is null for what is paid online, as long as none is registered, and where nothing is due. What came in
    under the remark and is not just what is due waits, and is told: with the rest in another transfer it fits.
    """

    funds_model: Annotated[FundsModel, Field(examples=["direct"])]
    amount_due_fen: Annotated[Fen, Field(description="accepted, or yet to be, less what was paid")]
    account: PayeeAccount | None
    remark: Annotated[str | None, Field(examples=["2026 0302 0000 0168 2"], description="附言: write this and no more")]
    waiting_fen: Annotated[Fen, Field(examples=[0], description="came in under the remark and does not fit yet")]
    online_payment: Annotated[str | None, Field(examples=[None], description="where an online payment is begun")]


class PlacedOrder(Schema):
    """One supplier's part."""

    id: Id
    number: OrderNumber
    supplier_id: Id
    supplier_name: Text
    amount_fen: Fen
    how_to_pay: HowToPay
    lines: list[PlacedLine]


class OrderGroupOut(Schema):
    """What was placed at once."""

    id: Id
    number: Annotated[str, Field(examples=["G202603020000016"])]
    identification_code: IdentificationCode
    amount_fen: Fen
    reserved_until: Instant
    orders: list[PlacedOrder]


class PredictedLine(Schema):
    """A line of a dry run and its share of the reach."""

    product_id: Id
    product_name: Text
    supplier_name: Text
    quantity: Quantity
    unit: UnitOut
    on_sale: Annotated[Quantity, Field(description="of the product, in the same unit, now")]
    unit_price_fen: Fen
    amount_fen: Fen
    reach: ReachOut


class OrderPrediction(Schema):
    """What the request would cost and whom it would reach if all were accepted; stock is there for all of it."""

    amount_fen: Fen
    reach: ReachOut
    lines: list[PredictedLine]


WeighNote = Annotated[Text | None, Field(examples=["过磅单-20260302-004"])]


class OrderLineOut(Schema):
    """A line as it stands; amounts include tax, `net_fen` is what is attributed."""

    id: Id
    position: Count
    product_id: Id
    product_name: Text
    certificate_number: Text
    plan_version_id: Id
    plan_sha256: Annotated[str, Field(examples=["0" * 64])]
    unit: UnitOut
    quantity: Quantity
    unit_price_fen: Fen
    amount_fen: Fen
    tax_bp: Count
    weight_tolerance_bp: Annotated[int | None, Field(examples=[None])]
    weigh_note: WeighNote
    shipped: Quantity
    accepted: Quantity
    accepted_fen: Fen
    accepted_net_fen: Fen
    returned: Quantity
    returned_fen: Annotated[Fen, Field(description="of what came back, and of price cuts")]
    paid_fen: Fen


class OrderChangeOut(Schema):
    """A step of an order and who took it, in today's role; nobody took what fell due, as a reservation that expired."""

    event: Annotated[str, Field(examples=["confirm"])]
    status: StatusOut
    reason: Annotated[str | None, Field(examples=["到货短少两箱"])]
    changed_by: Annotated[UUID | None, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e66"])]
    role: Annotated[Role | None, Field(examples=["supplier_manager"])]
    organisation_name: Annotated[str | None, Field(examples=["王村富山农民专业合作社"])]
    changed_at: Instant


class OrderBrief(Schema):
    """An order in a list."""

    id: Id
    number: OrderNumber
    group_id: Id
    supplier_id: Id
    buyer_id: Id
    channel_code: ChannelCode
    status: StatusOut
    placed_on: Annotated[date, Field(examples=["2026-03-02"])]
    shipped_on: OptionalDay
    accepted_on: OptionalDay
    due_on: OptionalDay
    funds_model: Annotated[FundsModel, Field(examples=["direct"])]
    amount_fen: Fen
    captured_fen: Annotated[Fen, Field(description="what the buyer paid")]
    refunded_fen: Annotated[Fen, Field(description="what of that goes or went back")]
    paid_fen: Annotated[Fen, Field(description="what has reached the supplier")]
    owed_back_fen: Annotated[
        Fen, Field(description="paid for what was not accepted, came back, will not come, or was cut of the price")
    ]


class OrderOut(OrderBrief):
    """An order with its lines and history."""

    identification_code: IdentificationCode
    how_to_pay: HowToPay
    reserved_until: Instant
    payment_days: Count
    lines: list[OrderLineOut]
    changes: list[OrderChangeOut]


class OrderQuery(PageQuery):
    """Which orders to list."""

    status: Annotated[OrderStatus | None, Field(examples=["placed"])] = None
    channel_code: ChannelCode | None = None
    supplier_id: Id | None = None
    buyer_id: Id | None = None
    placed_from: Day | None = None
    placed_to: Day | None = None


class GiveUp(Schema):
    """Why an order is declined or cancelled."""

    reason: Reason


class ShipLine(Schema):
    """How much of a line is shipped; what is settled by its weight is shipped as weighed, with the weigh note."""

    order_line_id: Id
    quantity: Quantity
    weigh_note: WeighNote = None


class Ship(Schema):
    """A shipment: of everything, or of the lines named (the rest goes back on sale)."""

    shipped_on: Day
    lines: Annotated[list[ShipLine] | None, Field(min_length=1, max_length=200)] = None


class AcceptLine(Schema):
    """What was found of a line: received = accepted + rejected + damaged, received + short = shipped + over.

    Only what is settled by its weight can be over, and needs a weigh note when another weight is found than shipped.
    """

    order_line_id: Id
    received: Annotated[Quantity, Field(examples=["48"])]
    accepted: Annotated[Quantity, Field(examples=["45.5"])]
    rejected: Annotated[Quantity, Field(examples=["2"])]
    damaged: Annotated[Quantity, Field(examples=["0.5"])]
    short: Annotated[Quantity, Field(examples=["2"])]
    over: Annotated[Quantity, Field(examples=["0"])] = "0"
    reason: Reason | None = None
    weigh_note: WeighNote = None


class Accept(Schema):
    """An acceptance of shipped lines, with the evidence that the channel asks for, by kind."""

    accepted_on: Day
    evidence: Annotated[
        dict[Code, Text],
        Field(
            max_length=20,
            examples=[{"acceptance_note": "验收单 2026-0302", "invoice": "24142000000012345678"}],
            description="an `invoice` by its 20 digits (数电发票); one that is given for another order is refused",
        ),
    ]
    lines: Annotated[list[AcceptLine], Field(min_length=1, max_length=200)]


class AcceptedLine(Schema):
    """An accepted line and whom it reached.

    It counts as sold from the day it was accepted, or, when the month of that was closed, from the first open one.
    """

    order_line_id: Id
    product_name: Text
    accepted: Quantity
    accepted_fen: Fen
    accepted_net_fen: Fen
    counts_on: Day
    reach: ReachOut


class AcceptanceOut(Schema):
    """An acceptance, or what a dry run of it would post."""

    order_id: Id
    status: StatusOut
    accepted_fen: Fen
    reach: ReachOut
    lines: list[AcceptedLine]


class ReturnLineIn(Schema):
    """How much of a line comes back, and whether it can be sold again."""

    order_line_id: Id
    quantity: Quantity
    resaleable: Annotated[bool, Field(strict=True, examples=[True])]


class TakeBack(Schema):
    """A return of accepted goods."""

    returned_on: Day
    reason: Reason
    lines: Annotated[list[ReturnLineIn], Field(min_length=1, max_length=200)]


class ReturnedLineOut(Schema):
    """What of a line came back and what falls with it: `reach` says from whom, `advance_fen` stays with payees.

    It counts from the day it came back, or from the later day of a payment that was recorded first and falls with it.
    """

    order_line_id: Id
    product_name: Text
    quantity: Quantity
    amount_fen: Fen
    net_fen: Fen
    counts_on: Day
    reach: ReachOut
    advance_fen: Fen


class ReturnOut(Schema):
    """A return, or what a dry run of it would reverse."""

    order_id: Id
    amount_fen: Fen
    lines: list[ReturnedLineOut]
