"""Settling: the money that receipts brought for an order is spread over what its accepted lines still owe."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import orm

from market import money
from market.attribution import recognition
from market.orders.models import Order, OrderLine


def unpaid_fen(line: OrderLine) -> int:
    """Return what the buyer still owes for a line: accepted, not returned, not paid (gross fen)."""
    return max(line.accepted_fen - line.returned_fen - line.paid_fen, 0)


def payable_fen(order: Order, lines: Sequence[OrderLine]) -> int:
    """Return what an order can still be paid: what is accepted of it and what may yet be, less what was paid."""
    return max(sum(_owed_fen(order, line) for line in lines) - order.paid_fen, 0)


def _owed_fen(order: Order, line: OrderLine) -> int:
    """Return what is owed for a line: as accepted, until then as shipped, and before that as ordered (gross fen)."""
    if line.accepted_milli > 0 or order.status == "accepted":
        return line.accepted_fen - line.returned_fen
    if order.shipped_on:
        return money.price_of(line.unit_price_fen, line.shipped_milli, line.unit_milli)
    return line.amount_fen


def settle(session: orm.Session, order: Order, lines: Sequence[OrderLine], *, trigger: str, on: date) -> None:
    """Spread the order's unspent money over its unpaid lines and recognise what it pays; the order is locked."""
    unspent_fen = order.paid_fen - sum(line.paid_fen for line in lines)
    unpaid = [(line, unpaid_fen(line)) for line in lines if unpaid_fen(line)]
    spending_fen = min(unspent_fen, sum(fen for _, fen in unpaid))
    if spending_fen <= 0:
        return
    parts = money.allocate(spending_fen, [(str(line.id), fen) for line, fen in unpaid], salt=trigger)
    paid = [recognition.PaidLine(line.id, part, fen) for (line, fen), part in zip(unpaid, parts, strict=True)]
    for (line, _), part in zip(unpaid, parts, strict=True):
        line.paid_fen += part
    session.flush()
    day = max(on, order.accepted_on) if order.accepted_on else on
    recognition.recognise(session, paid, supplier_id=order.supplier_id, trigger=trigger, on=day)
