"""What a receipt must be; the lives of matches, online payments and refunds; what is asked of the provider."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from market.channels.rules import FundsModel
from market.errors import MarketError, follow

CURRENCY = "cny"
"""In which the provider is asked for money, and tells of it: its smallest unit is the fen."""


class OrderPart(NamedTuple):
    """What of a receipt pays an order, in fen."""

    order_id: UUID
    amount_fen: int


class ProposalStatus(StrEnum):
    """Where a match that a person proposes stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"


class ProposalEvent(StrEnum):
    """What another person says of it."""

    APPROVE = "approve"
    DECLINE = "decline"


TRANSITIONS: Mapping[tuple[ProposalStatus, ProposalEvent], ProposalStatus] = {
    (ProposalStatus.PROPOSED, ProposalEvent.APPROVE): ProposalStatus.APPROVED,
    (ProposalStatus.PROPOSED, ProposalEvent.DECLINE): ProposalStatus.DECLINED,
}


def decided(status: ProposalStatus, event: ProposalEvent) -> ProposalStatus:
    """Return the status after a decision; raises `TransitionError` for one that was decided already."""
    return follow(TRANSITIONS, status, event, machine="matching")


class OnlineStatus(StrEnum):
    """Where a buyer's online payment stands."""

    CREATING = "creating"
    OPEN = "open"
    PROCESSING = "processing"
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    REFUSED = "refused"


ENDED = frozenset({OnlineStatus.CAPTURED, OnlineStatus.CANCELLED, OnlineStatus.REFUSED})
"""What a payment does not leave again."""


def seen_as(status: OnlineStatus, told: OnlineStatus) -> OnlineStatus:
    """Return the status after the provider has told one, in whatever order its words arrive: an end stays."""
    return status if status in ENDED else told


class DisputeStatus(StrEnum):
    """Where a dispute stands with the payer's bank."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Operation(StrEnum):
    """What the market asks of the provider; each has an effect there, once, whatever happens on the way."""

    CREATE_PAYMENT = "create_payment"
    CONFIRM_PAYMENT = "confirm_payment"
    CANCEL_PAYMENT = "cancel_payment"
    REFUND = "refund"
    TRANSFER = "transfer"
    REVERSE_TRANSFER = "reverse_transfer"
    OPEN_ACCOUNT = "open_account"
    PAYOUT = "payout"


class CallStatus(StrEnum):
    """Where a question to the provider stands; a parked one waits for a person."""

    DUE = "due"
    DONE = "done"
    REFUSED = "refused"
    PARKED = "parked"

    @property
    def is_open(self) -> bool:
        """Tell whether its outcome is still to come."""
        return self in (CallStatus.DUE, CallStatus.PARKED)


class EventStatus(StrEnum):
    """Where an event that the provider sent stands; a parked one waits for a person."""

    RECEIVED = "received"
    HANDLED = "handled"
    PARKED = "parked"


DAYS_APART = 5
"""Within which a clerk dates money that he saw; statements tell the day on which the bank booked it."""
MOST_TRIES = 10
"""After which what fails is parked, and others go on."""


LONGEST_PAUSE = timedelta(hours=4)
"""What is put off for longer was put off by a clock that ran ahead, and is due."""


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries: a minute, two, four, at most four hours."""
    return min(timedelta(minutes=2 ** min(tries - 1, 8)), LONGEST_PAUSE)


class RefundRoute(StrEnum):
    """How money goes back: by the provider or bank that brought it, by the supplier, or as a payer's bank took it."""

    PROVIDER = "provider"
    BANK = "bank"
    SUPPLIER = "supplier"
    DISPUTE = "dispute"


ROUTES: Mapping[FundsModel, RefundRoute] = {
    FundsModel.STRIPE: RefundRoute.PROVIDER,
    FundsModel.CUSTODIAN: RefundRoute.BANK,
    FundsModel.DIRECT: RefundRoute.SUPPLIER,
}


class RefundStatus(StrEnum):
    """Where a refund stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REROUTED = "rerouted"


class RefundEvent(StrEnum):
    """What happens to a refund."""

    REQUEST = "request"
    APPROVE = "approve"
    DECLINE = "decline"
    SEND = "send"
    SUCCEED = "succeed"
    FAIL = "fail"
    REROUTE = "reroute"


_R, _E = RefundStatus, RefundEvent
REFUNDS: Mapping[tuple[RefundStatus, RefundEvent], RefundStatus] = {
    (_R.REQUESTED, _E.APPROVE): _R.APPROVED,
    (_R.REQUESTED, _E.DECLINE): _R.DECLINED,
    (_R.APPROVED, _E.DECLINE): _R.DECLINED,
    (_R.APPROVED, _E.SEND): _R.SENT,
    (_R.APPROVED, _E.FAIL): _R.FAILED,
    (_R.SENT, _E.SUCCEED): _R.SUCCEEDED,
    (_R.SENT, _E.FAIL): _R.FAILED,
    (_R.SUCCEEDED, _E.FAIL): _R.FAILED,
    (_R.FAILED, _E.SUCCEED): _R.SUCCEEDED,
    (_R.FAILED, _E.REROUTE): _R.REROUTED,
}

REFUND_NUMBER = re.compile(r"R\d{14,}")
"""How refunds are numbered, which is what a bank's line carries of them."""

CLAIMING = (_R.REQUESTED, _R.APPROVED, _R.SENT, _R.SUCCEEDED)
"""Refunds that have a claim on what is to go back; what was declined or failed may be asked for again."""


def refunded(status: RefundStatus, event: RefundEvent) -> RefundStatus:
    """Return a refund's status after an event; raises `TransitionError` when the table has no such step."""
    return follow(REFUNDS, status, event, machine="refund")


def away_fen(before: RefundStatus, after: RefundStatus, amount_fen: int) -> int:
    """Return what a step of a refund of so many fen sends away, below zero what it brings back."""
    gone = (_R.SENT, _R.SUCCEEDED)
    return ((after in gone) - (before in gone)) * amount_fen


class LineSpentError(MarketError):
    """A fen of a line pays once."""

    status = 409
    en = "Of this line {open_fen} yuan are open; {amount_fen} were given."
    zh = "该笔流水尚未匹配 {open_fen} 元,所填为 {amount_fen} 元。"


class MatchedOnceError(MarketError):
    """A line has one proposal at a time."""

    status = 409
    en = "A match of this line is already proposed; let it be decided first."
    zh = "该笔流水已有待审批的匹配,请先审批。"


class NotUndoneError(MarketError):
    """What pays orders goes back by refunds; a meaning that stands is undone, once."""

    status = 409
    en = "Only the meaning of a line that belongs to no order is undone, once, while it stands."
    zh = "只能撤销与订单无关且仍有效的流水定性,且仅限一次。"


class NotOfThisAccountError(MarketError):
    """A supplier's own account takes money for its own orders paid directly, custody that of orders in custody."""

    en = "The order {number} is not paid into this account."
    zh = "订单 {number} 的货款不进入该账户。"


class ReceiptTakenError(MarketError):
    """One bank line counts once."""

    status = 409
    en = "The bank reference {reference} is already recorded."
    zh = "银行流水号 {reference} 已登记。"


class RefundReferenceTakenError(MarketError):
    """One bank line pays one refund."""

    status = 409
    en = "The bank reference {reference} already stands for another refund."
    zh = "银行流水号 {reference} 已登记于另一退款单。"


class ReceiptSumError(MarketError):
    """A plain receipt is matched whole."""

    en = "The parts for the orders sum to {parts_fen} yuan, the receipt is {amount_fen} yuan."
    zh = "各订单金额合计 {parts_fen} 元,与到款 {amount_fen} 元不符。"


class OrderNamedTwiceError(MarketError):
    """One part of a receipt for each order that it pays."""

    en = "This order is named twice; give it one part of the receipt."
    zh = "该订单重复列出,请合并为一项。"


class OverpaidError(MarketError):
    """Amounts that do not fit wait; they are never guessed."""

    status = 409
    en = "The order {number} can still be paid {payable_fen} yuan; {amount_fen} were given."
    zh = "订单 {number} 尚可付款 {payable_fen} 元,所填为 {amount_fen} 元。"


class NotPayableError(MarketError):
    """An order that was given up takes no money."""

    status = 409
    en = "The order {number} is {order_status}; it takes no payment."
    zh = "订单 {number} 当前状态({order_status})不可收款。"


class NoProviderError(MarketError):
    """Online payments need the platform's account at the provider."""

    status = 409
    en = "The platform has no account at the payment provider yet."
    zh = "平台尚未开通在线支付账户。"


class PaymentOpenError(MarketError):
    """A group is paid once: one payment at a time."""

    status = 409
    en = "A payment of this order group is open already: {payment_id}."
    zh = "该采购单已有进行中的支付:{payment_id}。"


class NothingToPayError(MarketError):
    """A payment pays something."""

    status = 409
    en = "Nothing of the order group {number} is to be paid online."
    zh = "采购单 {number} 没有需要在线支付的金额。"


class PaymentBusyError(MarketError):
    """What is confirmed or cancelled is open, and the provider has answered what was asked before."""

    status = 409
    en = "The payment is {status}; it cannot be confirmed or cancelled now."
    zh = "该支付当前状态为「{status}」,暂不能确认或取消。"


class RefundTooMuchError(MarketError):
    """What goes back is what the buyer paid and does not owe."""

    status = 409
    en = "Of the order {number} {left_fen} yuan are to go back; {amount_fen} were asked."
    zh = "订单 {number} 应退 {left_fen} 元,所填为 {amount_fen} 元。"


class DisputeOpenError(MarketError):
    """Money that a payer's bank has taken back is not refunded as well."""

    status = 409
    en = "A dispute about a payment of the order {number} is open; nothing of it is refunded or settled until it ends."
    zh = "订单 {number} 的支付存在未决争议,期间不得退款或结算。"


class RefundUnclearError(MarketError):
    """What may have gone back already, of this order or another of its payment, does not go back again."""

    status = 409
    en = (
        "Money of a payment of the order {number} went back on the provider's pages, and not all of it; until it is"
        " known of which order, nothing of it is refunded or settled."
    )
    zh = "订单 {number} 的支付有一笔退款由支付机构页面发出,所属订单尚未确定,期间不得退款或结算。"


class NoPayeeError(MarketError):
    """A bank is told whom to pay."""

    status = 409
    en = "Nobody has said to which bank account the refund {number} goes."
    zh = "退款单 {number} 尚未填写收款账户。"


class NotSentError(MarketError):
    """The bank is told to pay what is sent."""

    status = 409
    en = "No refund is with the bank of this account that is in no file yet."
    zh = "该账户没有尚未列入付款文件的待付退款。"


class RefundInFileFailedError(MarketError):
    """A bank is not told again to pay what may be paid another way."""

    status = 409
    en = "Refund {number} of this file failed: do not upload the file; prepare a new file of what is asked for anew."
    zh = "该文件中的退款 {number} 已登记失败,文件不得再提交银行;重新申请的退款请另行生成付款文件。"


class ConnectedOnceError(MarketError):
    """A supplier has one account at the provider."""

    status = 409
    en = "Your organisation has asked for its account at the payment provider already."
    zh = "贵单位已申请在线支付收款账户。"


class ProviderOffError(MarketError):
    """Without a key nothing can be asked of the provider, without a secret no event of it can be believed."""

    status = 503
    en = "This market is not connected to its payment provider now."
    zh = "本平台当前未接入在线支付。"


class EventForgedError(MarketError):
    """Only the provider's own signature, for this market, a short while old, is believed."""

    status = 400
    en = "This event is not signed by the payment provider for this market, or its signature is too old."
    zh = "该事件签名无效、过期或不属于本平台。"


class NotParkedError(MarketError):
    """What waits for nobody is not asked again by hand."""

    status = 409
    en = "This is {status}; only what is parked is tried again."
    zh = "当前状态为「{status}」,只有已搁置的可以重试。"


class WithProviderError(MarketError):
    """What the provider has been asked for ends by its word."""

    status = 409
    en = "The provider has been asked to pay {number}; it ends by the provider's word."
    zh = "已请支付机构办理 {number},须以支付机构的结果为准。"
