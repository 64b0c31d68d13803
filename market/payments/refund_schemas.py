"""What goes in and out over HTTP: refunds."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Count, Day, Fen, Flag, PageQuery, PositiveFen, Schema, SignedFen, Text
from market.attribution.schemas import Id
from market.banking.schemas import AccountNumber
from market.banks.rules import Form
from market.payments.rules import RefundEvent, RefundRoute, RefundStatus
from market.payments.schemas import Why

StatusOut = Annotated[RefundStatus, Field(examples=["requested"])]


class PayeeIn(Schema):
    """A bank account to which a refund goes."""

    name: Annotated[Text, Field(examples=["交城县财政国库支付中心"])]
    account: AccountNumber


class RequestRefund(Schema):
    """What is to go back of an order: all of it, or so much; to whom, if not to who paid."""

    amount_fen: PositiveFen | None = None
    reason: Why
    payee: PayeeIn | None = None


class DecideRefund(Schema):
    """What another person says of a refund."""

    event: Annotated[RefundEvent, Field(examples=["approve"], description="approve or decline")]


class SendRefund(Schema):
    """At which bank the payee's account is; the bank that pays asks for it."""

    bank_name: Annotated[Text, Field(examples=["中国工商银行交城县支行"])]


class RecordRefund(Schema):
    """The line of the supplier's own bank by which it paid back."""

    bank_reference: Annotated[Text, Field(examples=["ICBC-20260402-000031"])]
    paid_on: Day


class FailRefund(Schema):
    """Why the bank did not pay."""

    reason: Why


class RerouteRefund(Schema):
    """To which bank account a failed refund goes instead."""

    payee: PayeeIn
    reason: Why


class PrepareRefundFile(Schema):
    """In which form the bank takes the payments."""

    form: Annotated[Form, Field(examples=["xlsx"])]


class RefundFileOut(Schema):
    """A file for a bank: of which account, in which form, how many refunds of how much it has it pay."""

    id: Id
    number: Annotated[str, Field(examples=["RF20260402000003"])]
    account_id: Id
    form: Annotated[Form, Field(examples=["xlsx"])]
    refund_count: Count
    amount_fen: Fen
    made_by: Id
    made_at: Annotated[datetime, Field(examples=["2026-04-02T06:00:00Z"])]


class RefundQuery(PageQuery):
    """Which refunds to list."""

    order_id: Id | None = None
    status: StatusOut | None = None


class RefundOut(Schema):
    """A refund: by which way it goes, and how far it is."""

    id: Id
    number: Annotated[str, Field(examples=["R20260402000012"])]
    order_id: Id
    route: Annotated[RefundRoute, Field(examples=["provider"])]
    amount_fen: Fen
    status: StatusOut
    reason: Why
    payee_name: Annotated[str, Field(examples=["交城县财政国库支付中心"])]
    payee_account_end: Annotated[str, Field(examples=["0001"], description="the last four digits")]
    goes_to_payer: Annotated[Flag, Field(description="whether name and account are those that the money came from")]
    requested_by: Annotated[Id | None, Field(description="null: the provider or the payer's bank did it by itself")]
    decided_by: Annotated[Id | None, Field(examples=[None])]
    fault: Annotated[str | None, Field(examples=[None])]
    replaces_id: Annotated[Id | None, Field(examples=[None])]
    file_id: Annotated[Id | None, Field(examples=[None], description="the one file by which the bank is told to pay")]
    requested_at: Annotated[datetime, Field(examples=["2026-04-02T04:00:00Z"])]
    succeeded_on: Annotated[date | None, Field(examples=[None])]


class RefundsOut(Schema):
    """The refunds that were asked for: one for each payment by which the order's money came."""

    refunds: list[RefundOut]


class RefundChangeOut(Schema):
    """A step of a refund, and what it sent away or, below zero, brought back."""

    event: Annotated[RefundEvent, Field(examples=["approve"])]
    status: StatusOut
    away_fen: SignedFen
    changed_by: Annotated[UUID | None, Field(examples=[None], description="null: the bank or the provider told")]
    changed_at: Annotated[datetime, Field(examples=["2026-04-02T05:00:00Z"])]


class RefundDetail(RefundOut):
    """A refund with its history."""

    changes: list[RefundChangeOut]
