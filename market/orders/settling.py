"""Settling: money that reached an order's supplier is spread over what its lines owe; what went back is taken off."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market import money
from market.attribution import matching, recognition, unrecognition
from market.orders.models import Order, OrderLine


def unpaid_fen(line: OrderLine) -> int:
    """Return what the buyer still owes for a line: accepted, not returned, not paid (gross fen)."""
    return max(line.accepted_fen - line.returned_fen - line.paid_fen, 0)


class Funded(NamedTuple):
    """An order that may have money to spend, its lines, and the fact that brought it or the need for it."""

    order: Order
    lines: Sequence[OrderLine]
    trigger: str


def settle(
    session: orm.Session,
    funded: Sequence[Funded],
    *,
    supplier_id: UUID,
    trigger: str,
    on: date,
    payees: Collection[UUID] = (),
) -> None:
    """Spend what orders of a supplier have on what their lines still owe, and recognise it.

    These payees, and those who gain by it, then claim what they were paid ahead. `on` is no earlier than the money. The
    caller holds the locks of the orders and of the supplier.
    """
    paid = {each.trigger: spent for each in funded if (spent := _spend(each))}
    if not paid and not payees:
        return
    session.flush()
    claiming = set(payees)
    if paid:
        last_on = {each.trigger: each.order.paid_on or on for each in funded}
        claiming |= recognition.recognise(session, paid, supplier_id=supplier_id, on=on, last_on=last_on)
    matching.match_advances(session, claiming, supplier_id=supplier_id, trigger=trigger, on=on)


def unsettle(session: orm.Session, funded: Sequence[Funded], *, supplier_id: UUID, trigger: str, on: date) -> None:
    """Take off the lines of a supplier's orders what these have no more, and un-recognise it; then settle anew.

    The caller holds the locks of the orders and of the supplier.
    """
    unpaid = {each.trigger: lost for each in funded if (lost := _lose(each))}
    session.flush()
    payees = unrecognition.unrecognise(session, unpaid, supplier_id=supplier_id, on=on)
    settle(session, funded, supplier_id=supplier_id, trigger=trigger, on=on, payees=payees)


def _lose(funded: Funded) -> list[unrecognition.UnpaidLine]:
    """Spread what the order's lines are paid beyond what it has over them, by what they are paid."""
    order, lines, salt = funded
    paid = [(line, line.paid_fen) for line in lines if line.paid_fen]
    lost_fen = sum(fen for _, fen in paid) - max(order.paid_fen, 0)
    if lost_fen <= 0:
        return []
    parts = money.allocate(lost_fen, [(str(line.id), fen) for line, fen in paid], salt=salt)
    for (line, _), part in zip(paid, parts, strict=True):
        line.paid_fen -= part
    return [unrecognition.UnpaidLine(line.id, part, fen) for (line, fen), part in zip(paid, parts, strict=True) if part]


def _spend(funded: Funded) -> list[recognition.PaidLine]:
    """Spread the order's unspent money over its unpaid lines."""
    order, lines, salt = funded
    unspent_fen = order.paid_fen - sum(line.paid_fen for line in lines)
    unpaid = [(line, fen) for line in lines if (fen := unpaid_fen(line))]
    spending_fen = min(unspent_fen, sum(fen for _, fen in unpaid))
    if spending_fen <= 0:
        return []
    parts = money.allocate(spending_fen, [(str(line.id), fen) for line, fen in unpaid], salt=salt)
    for (line, _), part in zip(unpaid, parts, strict=True):
        line.paid_fen += part
    return [recognition.PaidLine(line.id, part, fen) for (line, fen), part in zip(unpaid, parts, strict=True) if part]
