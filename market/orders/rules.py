"""The life of an order as one table, what an acceptance must add up to, and terms of payment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from market.errors import MarketError, follow

MAX_PAYMENT_DAYS = 60
"""Organs and public institutions pay by contract at most 60 days after delivery (State Council order 802)."""
USUAL_PAYMENT_DAYS = 30


class OrderStatus(StrEnum):
    """Where an order stands. What was paid is an amount, not a status."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    PARTLY_ACCEPTED = "partly_accepted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class OrderEvent(StrEnum):
    """What happens to an order."""

    CONFIRM = "confirm"
    DECLINE = "decline"
    EXPIRE = "expire"
    CANCEL = "cancel"
    SHIP = "ship"
    ACCEPT_SOME = "accept_some"
    ACCEPT_ALL = "accept_all"
    RETURN = "return"


_S, _E = OrderStatus, OrderEvent

GIVEN_UP = (_S.DECLINED, _S.CANCELLED, _S.EXPIRED)
"""Where an order brings nothing, and takes no money."""

TRANSITIONS: Mapping[tuple[OrderStatus, OrderEvent], OrderStatus] = {
    (_S.PLACED, _E.CONFIRM): _S.CONFIRMED,
    (_S.PLACED, _E.DECLINE): _S.DECLINED,
    (_S.PLACED, _E.EXPIRE): _S.EXPIRED,
    (_S.PLACED, _E.CANCEL): _S.CANCELLED,
    (_S.CONFIRMED, _E.CANCEL): _S.CANCELLED,
    (_S.CONFIRMED, _E.SHIP): _S.SHIPPED,
    (_S.SHIPPED, _E.ACCEPT_SOME): _S.PARTLY_ACCEPTED,
    (_S.SHIPPED, _E.ACCEPT_ALL): _S.ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.ACCEPT_SOME): _S.PARTLY_ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.ACCEPT_ALL): _S.ACCEPTED,
    (_S.PARTLY_ACCEPTED, _E.RETURN): _S.PARTLY_ACCEPTED,
    (_S.ACCEPTED, _E.RETURN): _S.ACCEPTED,
}


def after(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """Return the status after an event; raises `TransitionError` when the table has no such step."""
    return follow(TRANSITIONS, status, event, machine="order")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the buyer found of one line, in milli-units."""

    received_milli: int
    accepted_milli: int
    rejected_milli: int
    damaged_milli: int
    short_milli: int
    reason: str | None


def check_outcome(outcome: Outcome, *, shipped_milli: int) -> None:
    """Raise `OutcomeError` unless received + short = shipped, its parts sum, and every fault has a reason."""
    parts = outcome.accepted_milli + outcome.rejected_milli + outcome.damaged_milli
    if outcome.received_milli != parts:
        raise OutcomeError(
            reason="accepted + rejected + damaged is not what was received", reason_zh="合格、拒收、破损之和不等于实收"
        )
    if outcome.received_milli + outcome.short_milli != shipped_milli:
        raise OutcomeError(reason="received + short is not what was shipped", reason_zh="实收与短少之和不等于发货数量")
    if outcome.accepted_milli != shipped_milli and not outcome.reason:
        raise OutcomeError(reason="a fault needs a reason", reason_zh="有差异时须填写原因")


class OutcomeError(MarketError):
    """The acceptance does not add up."""

    en = "The acceptance of this line does not add up: {reason}."
    zh = "该行验收数据不一致:{reason_zh}。"


class PaymentTermError(MarketError):
    """State Council order 802."""

    en = "A contract may allow at most {most} days for payment; {days} were asked."
    zh = "合同付款期限最长 {most} 天,所填为 {days} 天。"


class LineNotOfOrderError(MarketError):
    """A line of another order, or one dealt with already."""

    en = "This line is not one of this order that could be dealt with now."
    zh = "该行不属于本订单,或当前不可处理。"


class ShippedTooMuchError(MarketError):
    """More than was ordered: what goes beyond is another order."""

    en = "Only {ordered} {unit} of this line were ordered."
    zh = "该行仅订购 {ordered} {unit},发货数量不得超过。"


class ReturnTooMuchError(MarketError):
    """More than was accepted and not returned yet."""

    en = "Only {left} {unit} of this line were accepted and not returned."
    zh = "该行已验收且未退回的数量仅为 {left} {unit}。"


class ExternalNumberError(MarketError):
    """Sales of other platforms carry their order number."""

    status = 409
    en = "Orders of this channel ({channel}) carry another platform's order number."
    zh = "该渠道({channel})的订单须填写外部平台订单号。"


class ExternalNumberTakenError(MarketError):
    """One number, one order group of a buyer; another buyer's numbers are its own."""

    status = 409
    en = "You have already placed an order with the external number {number}."
    zh = "外部订单号 {number} 已用于贵单位的另一采购单。"


class PriceChangedError(MarketError):
    """The buyer saw another price."""

    status = 409
    en = "The price of {name} is {price_fen} fen; the request expected another."
    zh = "{name} 的价格现为 {price_fen} 分,与请求不一致。"
