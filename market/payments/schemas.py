"""What goes in and out over HTTP: receipts."""

from datetime import date
from typing import Annotated

from pydantic import Field

from market.api import Day, Fen, PageQuery, PositiveFen, Schema, Text
from market.attribution.schemas import Id


class ReceiptPart(Schema):
    """What of the receipt pays an order."""

    order_id: Id
    amount_fen: PositiveFen


class RecordReceipt(Schema):
    """A line of the supplier's bank statement and the orders that it pays; the payer may differ from the buyer."""

    bank_reference: Annotated[Text, Field(examples=["ICBC-20260331-000412"])]
    payer_name: Annotated[Text, Field(examples=["交城县财政国库支付中心"])]
    amount_fen: PositiveFen
    received_on: Day
    orders: Annotated[list[ReceiptPart], Field(min_length=1, max_length=100)]


class ReceiptOut(Schema):
    """A receipt as recorded."""

    id: Id
    supplier_id: Id
    bank_reference: Annotated[Text, Field(examples=["ICBC-20260331-000412"])]
    payer_name: Annotated[Text, Field(examples=["交城县财政国库支付中心"])]
    amount_fen: Fen
    received_on: Annotated[date, Field(examples=["2026-03-31"])]


class ReceiptDetail(ReceiptOut):
    """A receipt with what it pays."""

    orders: list[ReceiptPart]


class ReceiptQuery(PageQuery):
    """Which receipts to list."""

    received_from: Day | None = None
    received_to: Day | None = None
