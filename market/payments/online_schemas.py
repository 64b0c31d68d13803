"""What goes in and out over HTTP: online payments, accounts at the provider, disputes."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from market.api import Count, Fen, Flag, PageQuery, PositiveFen, Schema, Text, form
from market.attribution.schemas import Id
from market.payments.rules import CallStatus, DisputeStatus, EventStatus, OnlineStatus, Operation
from market.payments.schemas import ReceiptPart

StatusOut = Annotated[OnlineStatus, Field(examples=["open"])]
Url = Annotated[
    str,
    form(
        r"^https?://[^\s]{3,300}$",
        "the address of a page, with http:// or https://",
        "网页地址,以 http:// 或 https:// 开头",
        example="https://market.example.org/orders",
    ),
]
Method = Annotated[
    str,
    form(
        r"^pm_[A-Za-z0-9_]{3,100}$",
        "a method of payment as the provider's form names it: pm_ and letters, digits, underscores",
        "支付机构表单给出的支付方式:pm_ 后接字母、数字或下划线",
        example="pm_1PbXyz",
    ),
]


class ConfirmPayment(Schema):
    """With which method, as the provider's own form gave it to the buyer's browser, and where it leads back to."""

    payment_method: Method
    return_url: Url


class PaymentOut(Schema):
    """An online payment: what it pays of which order, and what its payer needs to go on.

    `client_secret` opens the provider's form in the buyer's browser; `next_url` is where a wallet is opened.
    """

    id: Id
    group_id: Id
    status: StatusOut
    amount_fen: Fen
    client_secret: Annotated[str, Field(examples=["pi_3Pb_secret_x9"])]
    next_url: Annotated[str | None, Field(examples=[None])]
    fault: Annotated[str | None, Field(examples=[None], description="why the last try failed, in the provider's words")]
    begun_at: Annotated[datetime, Field(examples=["2026-03-31T04:00:00Z"])]
    orders: list[ReceiptPart]


class PaymentQuery(PageQuery):
    """Which online payments to list."""

    group_id: Id | None = None
    status: StatusOut | None = None


class OnboardingWish(Schema):
    """Where the provider's pages lead back to."""

    return_url: Url


class OnboardingOut(Schema):
    """The provider's page on which the account's owner tells what is asked; it lasts some minutes."""

    url: Annotated[str, Field(examples=["https://connect.stripe.com/setup/s/x9"])]


class ProviderAccountOut(Schema):
    """An organisation's account at the provider: what it may do, and what its owner still has to tell there."""

    number: Annotated[Text | None, Field(examples=["acct_1PbXyz"], description="null: asked for, not opened yet")]
    takes_transfers: Flag
    pays_out: Flag
    due: Annotated[list[str], Field(examples=[["external_account"]])]


class EventTaken(Schema):
    """An event was kept; it is handled in a moment."""

    kept: Flag


class DisputeOut(Schema):
    """A dispute: a payer's bank has taken so much of a payment back."""

    id: Id
    payment_id: Id
    amount_fen: Fen
    reason: Annotated[str, Field(examples=["fraudulent"])]
    status: Annotated[DisputeStatus, Field(examples=["open"])]
    opened_on: Annotated[date, Field(examples=["2026-04-02"])]
    ended_on: Annotated[date | None, Field(examples=[None])]


class PayOut(Schema):
    """How much of what the account has goes to its owner's bank."""

    amount_fen: PositiveFen


class PayoutOut(Schema):
    """A payout to the owner's bank, as the provider tells it now."""

    id: Annotated[str, Field(examples=["po_1PbXyz"])]
    amount_fen: Fen
    status: Annotated[str, Field(examples=["in_transit"], description="the provider's word")]
    arrives_on: Annotated[date, Field(examples=["2026-04-04"])]
    fault: Annotated[str | None, Field(examples=[None])]


class PayoutsOut(Schema):
    """The last payouts, newest first."""

    items: list[PayoutOut]


class CallOut(Schema):
    """Something asked of the provider, and how far it is."""

    id: Id
    operation: Annotated[Operation, Field(examples=["refund"])]
    subject_id: Id
    status: Annotated[CallStatus, Field(examples=["parked"])]
    tries: Count
    made_at: Annotated[datetime, Field(examples=["2026-03-31T04:00:00Z"])]
    fault: Annotated[str | None, Field(examples=["APIConnectionError: no answer"])]


class EventOut(Schema):
    """A signed event of the provider, and how far it is."""

    id: Annotated[str, Field(examples=["evt_1PbXyz"])]
    kind: Annotated[str, Field(examples=["charge.refunded"])]
    status: Annotated[EventStatus, Field(examples=["received"])]
    tries: Count
    received_at: Annotated[datetime, Field(examples=["2026-03-31T04:00:00Z"])]
    fault: Annotated[str | None, Field(examples=["APIConnectionError: no answer"])]


class CallQuery(PageQuery):
    """Which calls to list."""

    status: Annotated[CallStatus | None, Field(examples=["parked"])] = None
