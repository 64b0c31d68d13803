"""What goes in and out over HTTP: bank accounts and the lines of their statements."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from market.api import Day, LongText, PageQuery, Schema, Text, form
from market.attribution.schemas import Id
from market.banking.rules import AccountPurpose, Waiting

AccountNumber = Annotated[
    str,
    form(
        r"^[0-9A-Za-z -]{5,40}$",
        "5 to 40 digits, letters, spaces or hyphens",
        "5 至 40 位数字、字母、空格或连字符",
        example="14001 2026 0302 0001",
    ),
]
BankCode = Annotated[
    str,
    form(r"^([0-9]{12})?$", "a CNAPS code (行号): 12 digits, or empty", "12 位数字行号,或留空", example="103173000015"),
]
Instant = Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
SignedFen = Annotated[int, Field(examples=[108_000], description="above zero came in, below zero went out")]


class RegisterBankAccount(Schema):
    """An account of your organisation, under its name, whose statements will be imported."""

    bank_name: Annotated[Text, Field(examples=["中国农业银行交城县支行"])]
    bank_code: BankCode = ""
    number: AccountNumber


class CloseBankAccount(Schema):
    """Why an account is taken out of use."""

    reason: Annotated[LongText, Field(examples=["该账户已在银行销户"])]


class BankAccountOut(Schema):
    """A registered account: custody of the platform, or a supplier's own; it counts once confirmed, until it is closed.

    What the payment provider told of, nobody had to confirm.
    """

    id: Id
    organisation_id: Id
    purpose: Annotated[AccountPurpose, Field(examples=["own"])]
    holder: Annotated[Text, Field(examples=["交城县惠民合作社"])]
    bank_name: Annotated[Text, Field(examples=["中国农业银行交城县支行"])]
    bank_code: Annotated[str, Field(examples=["103173000015"])]
    number: Annotated[str, Field(examples=["14001 2026 0302 0001"])]
    opened_by: Id
    opened_at: Instant
    confirmed_by: Id | None
    confirmed_at: Instant | None
    closed_by: Id | None
    closed_at: Annotated[datetime | None, Field(examples=[None])]
    closing_reason: Annotated[str | None, Field(examples=[None])]


class BankLineQuery(PageQuery):
    """Which lines to list: of an account, those that wait, and for what, by the day on which the bank booked them."""

    bank_account_id: Id | None = None
    is_open: Annotated[bool | None, Field(examples=[True])] = None
    waiting: Annotated[Waiting | None, Field(examples=["too_much"])] = None
    booked_from: Day | None = None
    booked_to: Day | None = None


class BankLineOut(Schema):
    """A movement on an account; `waiting` says why what is open of it waits for a person, `open_days` for how long."""

    id: Id
    bank_account_id: Id
    booked_on: Annotated[date, Field(examples=["2026-03-31"])]
    amount_fen: SignedFen
    open_fen: SignedFen
    waiting: Annotated[Waiting | None, Field(examples=["too_much"])]
    open_days: Annotated[int | None, Field(examples=[3])]
    counterparty_name: Annotated[str, Field(examples=["交城县财政国库支付中心"])]
    bank_reference: Annotated[str, Field(examples=["20260331000412"])]
    remark: Annotated[str, Field(examples=["识别码 2026 0302 0000 0160 47"])]
    codes: Annotated[list[str], Field(examples=[["202603020000016047"]])]
