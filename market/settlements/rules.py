"""What a settlement pays of each order, what it nets, and its life as one table."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from market.errors import MarketError, follow
from market.money import share_bp

MOST_NETTED_BP = 5_000
"""Of what a settlement would pay, for what the supplier owes: it goes on being paid while it owes."""


class SettlementStatus(StrEnum):
    """Where a settlement stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    DECLINED = "declined"
    INSTRUCTED = "instructed"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    RETURNED = "returned"


class SettlementEvent(StrEnum):
    """What happens to a settlement."""

    APPROVE = "approve"
    DECLINE = "decline"
    INSTRUCT = "instruct"
    CONFIRM = "confirm"
    FAIL = "fail"
    REVERSE = "reverse"
    APPROVE_REVERSAL = "approve_reversal"
    DECLINE_REVERSAL = "decline_reversal"
    RETURN = "return"


_S, _E = SettlementStatus, SettlementEvent
TRANSITIONS: Mapping[tuple[SettlementStatus, SettlementEvent], SettlementStatus] = {
    (_S.DRAFT, _E.APPROVE): _S.APPROVED,
    (_S.DRAFT, _E.DECLINE): _S.DECLINED,
    (_S.APPROVED, _E.INSTRUCT): _S.INSTRUCTED,
    (_S.APPROVED, _E.FAIL): _S.FAILED,
    (_S.INSTRUCTED, _E.CONFIRM): _S.CONFIRMED,
    (_S.INSTRUCTED, _E.FAIL): _S.FAILED,
    (_S.CONFIRMED, _E.REVERSE): _S.CONFIRMED,
    (_S.CONFIRMED, _E.APPROVE_REVERSAL): _S.CONFIRMED,
    (_S.CONFIRMED, _E.DECLINE_REVERSAL): _S.CONFIRMED,
    (_S.CONFIRMED, _E.RETURN): _S.RETURNED,
}
"""What is paid stays paid until what was asked back has come back."""

ON_REVERSAL: Mapping[SettlementEvent, SettlementEvent] = {
    _E.APPROVE: _E.APPROVE_REVERSAL,
    _E.DECLINE: _E.DECLINE_REVERSAL,
}
"""Which step it is to decide on taking a transfer back."""


def after(status: SettlementStatus, event: SettlementEvent) -> SettlementStatus:
    """Return the status after an event; raises `TransitionError` when the table has no such step."""
    return follow(TRANSITIONS, status, event, machine="settlement")


class Earned(NamedTuple):
    """What of an order a supplier has earned and been paid for by the buyer (gross fen), and what of it is settled.

    Of what is earned, less the fee, `reserve_bp` are kept back for now; `reserved_fen` is kept back already.
    """

    order_id: UUID
    earned_fen: int
    settled_fen: int
    settled_fee_fen: int
    fee_bp: int
    reserved_fen: int = 0
    reserve_bp: int = 0

    @property
    def owed_fen(self) -> int:
        """Return by how much what the supplier has had of the order exceeds all that it earned of it."""
        had_fen = self.settled_fen - self.settled_fee_fen - self.reserved_fen
        return had_fen - (self.earned_fen - share_bp(self.earned_fen, self.fee_bp))

    def paid_up_to(self, gross_fen: int, reserve_fen: int) -> "Item":
        """Return what is left to such a gross amount and reserve: an order's fees come to the fee on all of it."""
        fee_fen = share_bp(gross_fen, self.fee_bp) - self.settled_fee_fen
        return Item(self.order_id, gross_fen - self.settled_fen, fee_fen, reserve_fen - self.reserved_fen)

    def paid_now(self) -> "Item":
        """Return what is due of it now, but for the reserve."""
        net_fen = self.earned_fen - share_bp(self.earned_fen, self.fee_bp)
        return self.paid_up_to(self.earned_fen, share_bp(net_fen, self.reserve_bp))


class Item(NamedTuple):
    """What a settlement settles of an order: gross, the platform's fee on it, what of the rest is kept back, in fen.

    Below zero goods came back that were settled, or what was kept back is released.
    """

    order_id: UUID
    gross_fen: int
    fee_fen: int
    reserved_fen: int = 0

    @property
    def net_fen(self) -> int:
        """Return what of the item is paid."""
        return self.gross_fen - self.fee_fen - self.reserved_fen


class Totals(NamedTuple):
    """What items come to: the amount is gross - fee - netted - reserved + released."""

    gross_fen: int
    fee_fen: int
    netted_fen: int
    reserved_fen: int
    released_fen: int
    amount_fen: int


def totals(items: Sequence[Item]) -> Totals:
    """Return what items come to, each part by itself."""
    return Totals(
        gross_fen=sum(item.gross_fen for item in items if item.gross_fen > 0),
        fee_fen=sum(item.fee_fen for item in items if item.gross_fen >= 0),
        netted_fen=sum(item.fee_fen - item.gross_fen for item in items if item.gross_fen < 0),
        reserved_fen=sum(max(item.reserved_fen, 0) for item in items),
        released_fen=sum(max(-item.reserved_fen, 0) for item in items),
        amount_fen=sum(item.net_fen for item in items),
    )


def items(orders: Sequence[Earned]) -> list[Item]:
    """Return what is to be settled now: all that is due, less what is owed up to its part of that, oldest first."""
    due = [order.paid_now() for order in orders if order.owed_fen <= 0]
    paying = [item for item in due if item.gross_fen > 0 or item.net_fen > 0]
    left_fen = share_bp(sum(item.net_fen for item in paying), MOST_NETTED_BP)
    netted: list[Item] = []
    for order in orders:
        if order.owed_fen > 0 and left_fen:
            # What was kept back pays first, so that so much more goods can be taken off.
            least_fen = order.settled_fen - order.reserved_fen - left_fen
            item = order.paid_up_to(max(order.earned_fen, least_fen), 0)
            if item.net_fen < 0:
                netted.append(item)
                left_fen += item.net_fen
    return [*paying, *netted]


def still_owed(orders: Sequence[Earned], settled: Sequence[Item]) -> int:
    """Return what a supplier goes on owing of orders when items are settled: what the next settlement may net."""
    return sum(max(order.owed_fen, 0) for order in orders) + sum(min(item.net_fen, 0) for item in settled)


class NothingToSettleError(MarketError):
    """A settlement pays something."""

    status = 409
    en = "Nothing that this supplier earned in custody is to be settled."
    zh = "该供应商暂无托管货款可结算。"


class OpenSettlementError(MarketError):
    """One settlement of a supplier after the other."""

    status = 409
    en = "The settlement {number} of this supplier is still open."
    zh = "该供应商的结算单 {number} 尚未办结。"


class StaleSettlementError(MarketError):
    """What is approved is what is still due."""

    status = 409
    en = "Since it was drafted, what is due has changed; draft it anew."
    zh = "起草后应结金额已变化,请重新起草。"


class NoPayeeAccountError(MarketError):
    """A supplier is paid to an account of its own that another confirmed and nobody closed."""

    status = 409
    en = "This supplier has no account to be paid to that is confirmed and open."
    zh = "该供应商没有已核准且未停用的收款账户。"


class AccountBusyError(MarketError):
    """A file that was handed to a bank may still be uploaded: it pays, whatever is closed here."""

    status = 409
    en = (
        "{refunds} refunds and {settlements} settlements from or to this account are with the bank. Close it when a"
        " statement has told of them, or when they failed."
    )
    zh = "该账户尚有 {refunds} 笔退款、{settlements} 笔结算在银行办理中;待流水记载或登记失败后方可停用。"


class NotOnStatementError(MarketError):
    """Money has left when the bank says so."""

    status = 409
    en = "No statement tells yet that {amount_fen} yuan left under the reference {reference}."
    zh = "银行流水中尚无凭证号为 {reference}、金额为 {amount_fen} 元的付款。"


class NotReturnedError(MarketError):
    """Money has come back when the bank says so."""

    status = 409
    en = "No statement tells yet that {amount_fen} yuan came back under the reference {reference}."
    zh = "银行流水中尚无凭证号为 {reference}、金额为 {amount_fen} 元的退汇。"


class NotInstructedError(MarketError):
    """The bank is told to pay what is instructed, and not what has ended."""

    status = 409
    en = "The settlement {number} is not with the bank; there is no file of its payment."
    zh = "结算单 {number} 不在付款环节,没有付款文件。"


class NotReadyError(MarketError):
    """A supplier takes transfers when the provider knows enough of it."""

    status = 409
    en = "The supplier's account at the payment provider takes no transfers yet; settlement {number} waits."
    zh = "供应商的在线支付账户尚不能收款,结算单 {number} 暂不能支付。"


class LeftAlreadyError(MarketError):
    """What a statement tells has left did not fail."""

    status = 409
    en = "A statement tells that the payment of settlement {number} left; confirm it."
    zh = "流水显示结算单 {number} 的款项已付出,请办理确认。"
