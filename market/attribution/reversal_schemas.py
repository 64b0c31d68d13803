"""The reversal of a payment, as JSON."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from market.api import Fen, LongText, Schema
from market.attribution.schemas import Id


class ReversePayment(Schema):
    """Why a payment was none."""

    reason: Annotated[LongText, Field(examples=["金额录入错误,另行登记"])]


class PaymentReversed(Schema):
    """A payment that its payee never had.

    Its invoice is free again, and its reference, unless a list gave it to a bank; once all payments of the disbursement
    are reversed, so are the files that proved it.
    """

    payment_id: Id
    amount_fen: Fen
    reason: LongText
    reversed_on: Annotated[date, Field(examples=["2026-03-02"])]
    made_by: Id
    made_at: Annotated[datetime, Field(examples=["2026-03-02T04:00:00Z"])]
