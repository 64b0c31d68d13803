"""What goes in and out over HTTP: settlements."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Fen, PageQuery, Schema, SignedFen, Text
from market.attribution.schemas import Id
from market.banks.rules import Form
from market.channels.rules import FundsModel
from market.settlements.rules import SettlementEvent, SettlementStatus

Number = Annotated[str, Field(examples=["S20260331000012"])]
StatusOut = Annotated[SettlementStatus, Field(examples=["draft"])]


class DraftSettlement(Schema):
    """Whose earnings in custody are to be settled."""

    supplier_id: Id
    funds_model: Annotated[FundsModel, Field(examples=["custodian"], description="custodian or stripe")] = (
        FundsModel.CUSTODIAN
    )


class DecideSettlement(Schema):
    """What another person says of a draft, or of taking a transfer back."""

    event: Annotated[SettlementEvent, Field(examples=["approve"], description="approve or decline")]


class PaymentFileQuery(Schema):
    """In which form the bank takes the payment."""

    form: Annotated[Form, Field(examples=["xlsx"])] = Form.XLSX


class SettlementQuery(PageQuery):
    """Which settlements to list."""

    supplier_id: Id | None = None
    status: StatusOut | None = None


class SettlementItemOut(Schema):
    """What is settled of an order: gross, the fee on it, what of the rest is kept back; below zero it is undone."""

    order_id: Id
    gross_fen: Annotated[int, Field(examples=[108_000])]
    fee_fen: Annotated[int, Field(examples=[0])]
    reserved_fen: Annotated[int, Field(examples=[0], description="kept back, or below zero released")]


class SettlementBrief(Schema):
    """A settlement in a list: amount = gross - fee - netted - reserved + released."""

    id: Id
    number: Number
    supplier_id: Id
    status: StatusOut
    gross_fen: Fen
    fee_fen: SignedFen
    netted_fen: Annotated[Fen, Field(description="of what the supplier owes for returns and price cuts")]
    reserved_fen: Annotated[Fen, Field(examples=[0], description="kept back until the days of the reserve are over")]
    released_fen: Annotated[Fen, Field(examples=[0], description="of what earlier settlements had kept back")]
    amount_fen: Fen
    made_at: Annotated[datetime, Field(examples=["2026-03-31T04:00:00Z"])]
    paid_on: Annotated[date | None, Field(examples=["2026-04-01"], description="when the bank says that it left")]
    returned_on: Annotated[date | None, Field(examples=[None], description="when the bank says that it came back")]


class SettlementChangeOut(Schema):
    """A step of a settlement."""

    event: Annotated[SettlementEvent, Field(examples=["approve"])]
    status: StatusOut
    changed_by: Annotated[UUID | None, Field(examples=[None], description="null: the provider told")]
    changed_at: Annotated[datetime, Field(examples=["2026-03-31T05:00:00Z"])]


class SettlementOut(SettlementBrief):
    """A settlement with what it pays of which order, and its history."""

    fault: Annotated[
        str | None, Field(examples=[None], description="why the provider has not transferred or taken back")
    ]
    reversal_asked_by: Annotated[Id | None, Field(examples=[None], description="who wants it back; another decides")]
    reversal_approved_by: Annotated[Id | None, Field(examples=[None])]
    items: list[SettlementItemOut]
    changes: list[SettlementChangeOut]


class AccountOut(Schema):
    """A bank account; of its number all but the end is masked."""

    holder: Annotated[Text, Field(examples=["交城县惠民合作社"])]
    bank_name: Annotated[Text, Field(examples=["中国农业银行交城县支行"])]
    number: Annotated[str, Field(examples=["**** 0001"])]


class WhoOut(Schema):
    """Who drafted or decided."""

    member_id: Id
    organisation_name: Annotated[Text, Field(examples=["消费帮扶平台"])]


class SettledPartsOut(Schema):
    """What is settled, part by part: what is paid = gross - fee - netted - reserved + released."""

    gross_fen: Fen
    fee_fen: SignedFen
    netted_fen: Fen
    reserved_fen: Fen
    released_fen: Fen


class OrderSettledOut(SettledPartsOut):
    """What is settled of an order, beside what was accepted, returned and settled of it before the draft."""

    order_id: Id
    number: Annotated[str, Field(examples=["D20260302000016"])]
    buyer_name: Annotated[Text, Field(examples=["交城县第一中学"])]
    accepted_fen: Fen
    returned_fen: Fen
    settled_before_fen: SignedFen
    paid_fen: Annotated[SignedFen, Field(description="below zero it is taken off what other orders pay")]


class SettledTotalsOut(SettledPartsOut):
    """What all orders come to."""

    amount_fen: Fen


class SettlementStatementOut(Schema):
    """A settlement, order by order; the period is from the first to the last fact of its orders."""

    number: Number
    supplier_name: Annotated[Text, Field(examples=["交城县惠民合作社"])]
    status: StatusOut
    period_from: Annotated[date, Field(examples=["2026-03-02"])]
    period_to: Annotated[date, Field(examples=["2026-03-30"])]
    drafted_by: WhoOut
    decided_by: WhoOut | None
    instructed_on: Annotated[date | None, Field(examples=["2026-03-31"])]
    paid_on: Annotated[date | None, Field(examples=["2026-04-01"])]
    returned_on: Annotated[date | None, Field(examples=[None])]
    paid_from: AccountOut
    paid_to: AccountOut
    orders: list[OrderSettledOut]
    totals: SettledTotalsOut
    owed_after_fen: Annotated[Fen, Field(description="what the supplier owes beyond what is netted: carried on")]
    owed_apart_fen: Annotated[Fen, Field(description="owed of the orders of the other funds model, and netted there")]
