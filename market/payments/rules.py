"""What a receipt must be, and which lines of bank statements pay which orders: exactly, or a person decides."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from market.banking.rules import AccountPurpose, Waiting
from market.channels.rules import FundsModel
from market.errors import MarketError, follow

MODELS: Mapping[AccountPurpose, FundsModel] = {
    AccountPurpose.CUSTODY: FundsModel.CUSTODIAN,
    AccountPurpose.OWN: FundsModel.DIRECT,
}
"""Orders of which funds model are paid into an account."""


class OrderPart(NamedTuple):
    """What of a receipt pays an order, in fen."""

    order_id: UUID
    amount_fen: int


class OpenLine(NamedTuple):
    """Money that came in, in fen, and the order groups that its remark names."""

    id: UUID
    fen: int
    groups: Sequence[str]


class Payable(NamedTuple):
    """What an order can still be paid, in fen, and the group of which it is a part."""

    order_id: UUID
    group: str
    fen: int


class Part(NamedTuple):
    """What of a line pays an order, in fen."""

    line_id: UUID
    order_id: UUID
    fen: int


class Matched(NamedTuple):
    """What pays what, and why each of the other lines waits."""

    parts: Sequence[Part]
    waiting: Mapping[UUID, Waiting]


def match(lines: Sequence[OpenLine], payable: Sequence[Payable]) -> Matched:
    """Match lines to the orders of the groups that they name, many to many, where the sums are equal to the fen.

    Lines that name a group together pay it together, and a line that names several pays all of them. Where the sums
    differ nothing is guessed: all lines that hang together wait.
    """
    orders: dict[str, list[Payable]] = defaultdict(list)
    for order in payable:
        orders[order.group].append(order)
    parts: list[Part] = []
    waiting: dict[UUID, Waiting] = {}
    for together, groups in _hanging_together(lines, orders):
        owed = [order for group in groups for order in orders[group] if order.fen]
        paid_fen, owed_fen = sum(line.fen for line in together), sum(order.fen for order in owed)
        if paid_fen == owed_fen:
            parts += _spread(together, owed)
        else:
            why = Waiting.NOTHING_OWED if not owed else Waiting.TOO_LITTLE if paid_fen < owed_fen else Waiting.TOO_MUCH
            waiting |= {line.id: why for line in together}
    for line in lines:
        if not any(group in orders for group in line.groups):
            waiting[line.id] = Waiting.UNKNOWN_CODE if line.groups else Waiting.NO_CODE
    return Matched(parts, waiting)


def _hanging_together(
    lines: Sequence[OpenLine], orders: Mapping[str, Sequence[Payable]]
) -> Iterator[tuple[list[OpenLine], list[str]]]:
    """Yield the lines that name a group in common, directly or by way of others, with all groups that they name."""
    naming: dict[str, list[OpenLine]] = defaultdict(list)
    for line in lines:
        for group in line.groups:
            if group in orders:
                naming[group].append(line)
    seen: set[UUID] = set()
    for line in lines:
        if line.id in seen or not any(group in orders for group in line.groups):
            continue
        together, groups = [line], dict[str, None]()
        seen.add(line.id)
        for reached in together:  # grows while it is walked
            for group in reached.groups:
                if group in orders and group not in groups:
                    groups[group] = None
                    joined = [other for other in naming[group] if other.id not in seen]
                    seen.update(other.id for other in joined)
                    together += joined
        yield together, list(groups)


def _spread(lines: Sequence[OpenLine], owed: Sequence[Payable]) -> Iterator[Part]:
    """Fill one order after the other; the sums are equal, so that the last fen of a line ends with an order's."""
    orders = iter(owed)
    order, wanted_fen = None, 0
    for line in lines:
        left_fen = line.fen
        while left_fen:
            if not wanted_fen:
                order = next(orders)
                wanted_fen = order.fen
            part_fen = min(left_fen, wanted_fen)
            left_fen -= part_fen
            wanted_fen -= part_fen
            assert order  # noqa: S101 - there is one as long as anything is left
            yield Part(line.id, order.order_id, part_fen)


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


class LineSpentError(MarketError):
    """A fen of a line pays once."""

    status = 409
    en = "Of this line {open_fen} fen are open; {amount_fen} were given."
    zh = "该笔流水尚未匹配 {open_fen} 分,所填为 {amount_fen} 分。"


class MatchedOnceError(MarketError):
    """A line has one proposal at a time."""

    status = 409
    en = "A match of this line is already proposed; let it be decided first."
    zh = "该笔流水已有待审批的匹配,请先审批。"


class NotOfThisAccountError(MarketError):
    """A supplier's own account takes money for its own orders paid directly, custody that of orders in custody."""

    en = "The order {number} is not paid into this account."
    zh = "订单 {number} 的货款不进入该账户。"


class ReceiptTakenError(MarketError):
    """One bank line counts once."""

    status = 409
    en = "The bank reference {reference} is already recorded."
    zh = "银行流水号 {reference} 已登记。"


class ReceiptSumError(MarketError):
    """A plain receipt is matched whole."""

    en = "The parts for the orders sum to {parts_fen} fen, the receipt is {amount_fen} fen."
    zh = "各订单金额合计 {parts_fen} 分,与到款 {amount_fen} 分不符。"


class OrderNamedTwiceError(MarketError):
    """One part of a receipt for each order that it pays."""

    en = "This order is named twice; give it one part of the receipt."
    zh = "该订单重复列出,请合并为一项。"


class OverpaidError(MarketError):
    """Amounts that do not fit wait; they are never guessed."""

    status = 409
    en = "The order {number} can still be paid {payable_fen} fen; {amount_fen} were given."
    zh = "订单 {number} 尚可付款 {payable_fen} 分,所填为 {amount_fen} 分。"


class NotPayableError(MarketError):
    """An order that was given up takes no money."""

    status = 409
    en = "The order {number} is {order_status}; it takes no payment."
    zh = "订单 {number} 当前状态({order_status})不可收款。"
