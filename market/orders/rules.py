"""The life of an order as one table, what an acceptance must add up to, and terms of payment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from market import money
from market.errors import MarketError, follow
from market.quantities import text, whole_or_exact

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
    PRICE_CUT = "price_cut"


class TakenBack(StrEnum):
    """What is taken back of accepted lines: goods, or by a price cut (折让) a part of the price of goods that stay."""

    RETURN = "return"
    PRICE_CUT = "price_cut"


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
    (_S.PARTLY_ACCEPTED, _E.PRICE_CUT): _S.PARTLY_ACCEPTED,
    (_S.ACCEPTED, _E.PRICE_CUT): _S.ACCEPTED,
}


class PriceCutStatus(StrEnum):
    """Where a price cut stands that a supplier offers: nothing is cut before the buyer takes it."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class PriceCutEvent(StrEnum):
    """What becomes of an offered price cut: the buyer takes or declines it, or its supplier takes it back."""

    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


PRICE_CUT_TRANSITIONS: Mapping[tuple[PriceCutStatus, PriceCutEvent], PriceCutStatus] = {
    (PriceCutStatus.OFFERED, PriceCutEvent.ACCEPT): PriceCutStatus.ACCEPTED,
    (PriceCutStatus.OFFERED, PriceCutEvent.DECLINE): PriceCutStatus.DECLINED,
    (PriceCutStatus.OFFERED, PriceCutEvent.WITHDRAW): PriceCutStatus.WITHDRAWN,
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
    over_milli: int = 0

    @property
    def is_only_another_weight(self) -> bool:
        """Tell whether all that was received is good: the scales alone differ."""
        return self.accepted_milli == self.received_milli > 0


def most_milli(quantity_milli: int, weight_tolerance_bp: int | None) -> int:
    """Return how much of a line may come: what was ordered, and what is settled by weight so much above it."""
    return quantity_milli + money.share_bp(quantity_milli, weight_tolerance_bp or 0)


def check_outcome(outcome: Outcome, *, shipped_milli: int, by_weight: bool = False) -> None:
    """Raise `OutcomeError` unless received + short = shipped + over, its parts sum, and every fault has a reason.

    Only what is settled by its weight can be over; that it weighs other than when it was shipped is then no fault.
    """
    parts = outcome.accepted_milli + outcome.rejected_milli + outcome.damaged_milli
    if outcome.received_milli != parts:
        raise OutcomeError(
            reason="accepted + rejected + damaged is not what was received", reason_zh="合格、拒收、破损之和不等于实收"
        )
    if outcome.over_milli and (outcome.short_milli or not by_weight):
        raise OutcomeError(
            reason="only what is settled by its weight can be over, and nothing both over and short",
            reason_zh="只有按实际重量结算的商品可以溢重,且不得同时短少",
        )
    if outcome.received_milli + outcome.short_milli != shipped_milli + outcome.over_milli:
        raise OutcomeError(
            reason="received + short is not shipped + over", reason_zh="实收与短少之和不等于发货与溢重之和"
        )
    if by_weight and outcome.is_only_another_weight:
        return
    if outcome.accepted_milli != shipped_milli and not outcome.reason:
        raise OutcomeError(reason="a fault needs a reason", reason_zh="有差异时须填写原因")


def kept_fen(left_fen: int, *, left_milli: int, kept_milli: int, unit_price_fen: int, unit_milli: int) -> int:
    """Return what is owed for the goods of a line that stay when others come back: `left_fen` is owed for all of them.

    At the line's price; where that was cut, at so much less: what comes back takes its part of the cut along.
    """
    whole_fen = money.price_of(unit_price_fen, left_milli, unit_milli)
    priced_fen = money.price_of(unit_price_fen, kept_milli, unit_milli)
    return (2 * left_fen * priced_fen + whole_fen) // (2 * whole_fen) if whole_fen else 0


def check_price_cut(amount_fen: int, *, left_fen: int, pointer: str) -> None:
    """Raise `PriceCutTooMuchError` for a cut that leaves nothing: goods for which nothing is owed came back."""
    if amount_fen >= left_fen:
        raise PriceCutTooMuchError(left_fen=left_fen, pointer=pointer)


def check_weigh_note(weigh_note: str | None, *, by_weight: bool, pointer: str) -> None:
    """Raise `WeighNoteError` for what is settled by weight without a note, `NotWeighedError` for a note of another."""
    if by_weight and weigh_note is None:
        raise WeighNoteError(pointer=f"{pointer}/weigh_note")
    if not by_weight and weigh_note is not None:
        raise NotWeighedError(pointer=f"{pointer}/weigh_note")


def check_shipped(
    milli: int, *, quantity_milli: int, weight_tolerance_bp: int | None, unit: str, unit_milli: int, pointer: str
) -> None:
    """Raise `ShippedTooMuchError`, or `OverToleranceError` where weight settles, for more than was agreed of a line."""
    if milli <= most_milli(quantity_milli, weight_tolerance_bp):
        return
    if weight_tolerance_bp is None:
        raise ShippedTooMuchError(ordered=text(quantity_milli, unit_milli), unit=unit, pointer=pointer)
    most = whole_or_exact(most_milli(quantity_milli, weight_tolerance_bp), unit_milli)
    raise OverToleranceError(most=most, unit=unit, pointer=pointer)


class OutcomeError(MarketError):
    """The acceptance does not add up."""

    en = "The acceptance of this line does not add up: {reason}."
    zh = "该行验收数据不一致:{reason_zh}。"


class InvoiceNumberError(MarketError):
    """The invoice that a channel asks at acceptance is an e-invoice (domain.md §9)."""

    en = (
        "{number} is not the number of an e-invoice: 20 digits, first the year, not after the acceptance's, and"
        " the province's code."
    )
    zh = "{number} 不是数电发票号码:须为 20 位数字,前两位为不晚于验收的年份,后接省级代码。"


class InvoiceTakenError(MarketError):
    """A supplier issues an e-invoice for one order; what was accepted of another needs another."""

    status = 409
    en = "The e-invoice {number} of this supplier was given for another order."
    zh = "该供应商的数电发票 {number} 已用于其他订单的验收。"


class PaymentTermError(MarketError):
    """State Council order 802."""

    en = "A contract may allow at most {most} days for payment; {days} were asked."
    zh = "合同付款期限最长 {most} 天,所填为 {days} 天。"


class LineNotOfOrderError(MarketError):
    """A line of another order, or one dealt with already."""

    en = "This line is not one of this order that could be dealt with now."
    zh = "该行不属于本订单,或当前不可处理。"


class WeighNoteError(MarketError):
    """What is settled by its weight is weighed: when it is shipped, and again when another weight is found."""

    en = "This line is settled by its weight: name the weigh note."
    zh = "该行按实际重量结算,须填写过磅单号。"


class NotWeighedError(MarketError):
    """Settling by weight was agreed when the product was ordered, or not at all."""

    en = "This line is not settled by its weight; it has no weigh note."
    zh = "该行不按实际重量结算,无须过磅单。"


class OverToleranceError(MarketError):
    """The buyer agreed to an estimate within a tolerance."""

    en = "At most {most} {unit} of this line were agreed."
    zh = "该行约定最多 {most} {unit}。"


class ShippedTooMuchError(MarketError):
    """More than was ordered: what goes beyond is another order."""

    en = "Only {ordered} {unit} of this line were ordered."
    zh = "该行仅订购 {ordered} {unit},发货数量不得超过。"


class ReturnTooMuchError(MarketError):
    """More than was accepted and not returned yet."""

    en = "Only {left} {unit} of this line were accepted and not returned."
    zh = "该行已验收且未退回的数量仅为 {left} {unit}。"


class PriceCutTooMuchError(MarketError):
    """A price cut takes off a part of what is owed; a return takes off all of it."""

    en = (
        "Only {left_fen} yuan are owed for what was accepted of this line and not returned; a price cut takes off less."
    )
    zh = "该行已验收且未退回部分的应付金额为 {left_fen} 元,折让金额必须小于此数。"


class PriceCutOpenError(MarketError):
    """What a second offer would take off depends on what becomes of the first."""

    status = 409
    en = "A price cut of this order is offered already; the buyer takes or declines it first, or you withdraw it."
    zh = "该订单已有一笔待采购方答复的折让,须先由采购方同意或拒绝,或由贵单位撤回。"


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


class PlacedJustNowError(MarketError):
    """Two clicks, or two tabs, are one order; whoever means two waits a little."""

    status = 409
    en = "You placed the same order within the last {seconds} seconds; look at it, or wait a little to place another."
    zh = "您在 {seconds} 秒内已提交相同的采购单;请先查看,确需再次采购请稍后提交。"


class PriceChangedError(MarketError):
    """The buyer saw another price."""

    status = 409
    en = "The price of {name} is {price_fen} yuan; the request expected another."
    zh = "{name} 的价格现为 {price_fen} 元,与请求不一致。"
