"""What goes in and out over HTTP: receipts, imported statements, and matches that people propose."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Count, Day, Fen, LongText, PageQuery, PositiveFen, Schema, Text, form
from market.attribution.schemas import Id
from market.banking.rules import Meaning
from market.payments.rules import ProposalEvent, ProposalStatus

Why = Annotated[LongText, Field(examples=["附言写错了识别码,金额与订单一致"])]


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
    supplier_id: Annotated[
        UUID | None, Field(examples=["0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55"], description="null: paid into custody")
    ]
    bank_reference: Annotated[str, Field(examples=["ICBC-20260331-000412"])]
    payer_name: Annotated[
        str, Field(examples=["交城县财政国库支付中心"], description="empty where the bank or the provider names nobody")
    ]
    amount_fen: Fen
    received_on: Annotated[date, Field(examples=["2026-03-31"])]
    recorded_at: Annotated[datetime, Field(examples=["2026-04-01T08:00:00Z"])]


class ReceiptDetail(ReceiptOut):
    """A receipt with what it pays."""

    orders: list[ReceiptPart]


class ReceiptQuery(PageQuery):
    """Which receipts to list."""

    received_from: Day | None = None
    received_to: Day | None = None


ProfileName = Annotated[
    str,
    form("^[a-z_]{2,20}$", "a name of 2 to 20 small letters", "2 至 20 位小写字母或下划线的格式名", example="abc"),
]


class StatementQuery(Schema):
    """By which form a spreadsheet is read; by its headings, if none is named."""

    profile: ProfileName | None = None


class StatementFile(Schema):
    """A statement, for the Idempotency-Key."""

    sha256: str
    profile: str | None


class StatementOut(Schema):
    """A statement as imported: how many of its lines were not there before, and how many open lines it let match.

    `gap_fen` is by how much its closing balance is not the last known one and the lines between: others are missing.
    """

    id: Id
    bank_account_id: Id
    form: Annotated[str, Field(examples=["abc"])]
    closing_fen: Annotated[int | None, Field(examples=[1_080_000])]
    closes_on: Annotated[date | None, Field(examples=["2026-03-31"])]
    line_count: Count
    new_count: Count
    matched_count: Count
    gap_fen: Annotated[int | None, Field(examples=[0], description="null: no balances to compare")]


class ProposeMatch(Schema):
    """What a line that waits pays, or what else it is if it belongs to no order, and why one thinks so."""

    reason: Why
    orders: Annotated[list[ReceiptPart], Field(max_length=100, default_factory=list)]
    meaning: Annotated[Meaning | None, Field(examples=[None])] = None


class UndoMatch(Schema):
    """Why a line does not mean what two people said."""

    reason: Annotated[LongText, Field(examples=["这笔是货款,误定为利息"])]


class DecideMatch(Schema):
    """What another person says of a proposed match."""

    event: Annotated[ProposalEvent, Field(examples=["approve"])]


class ProposalOut(Schema):
    """A proposed match and what became of it: the orders that it pays, or the meaning that all of the amount has.

    `undoes_id` names the match whose meaning it takes back.
    """

    id: Id
    bank_line_id: Id
    status: Annotated[ProposalStatus, Field(examples=["proposed"])]
    reason: Why
    proposed_by: Id
    decided_by: Annotated[Id | None, Field(examples=[None])]
    proposed_at: Annotated[datetime, Field(examples=["2026-04-01T02:00:00Z"])]
    decided_at: Annotated[datetime | None, Field(examples=[None])]
    orders: list[ReceiptPart]
    meaning: Annotated[Meaning | None, Field(examples=[None])]
    amount_fen: Annotated[int | None, Field(examples=[None])]
    undoes_id: Annotated[Id | None, Field(examples=[None])]


class ProposalQuery(PageQuery):
    """Which proposals to list."""

    status: Annotated[ProposalStatus | None, Field(examples=["proposed"])] = None
