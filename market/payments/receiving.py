"""Receiving: money that is known for which orders is theirs from now on, and what it pays directly is recognised."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.attribution import posting
from market.attribution.matching import lock_supplier
from market.cash import posting as cash
from market.cash.rules import PLATFORM
from market.channels.rules import FundsModel
from market.db import new_id
from market.errors import InvalidInputError
from market.orders import queries as orders
from market.orders.funding import funds_of, payable_fen, restated
from market.orders.models import Order, OrderLine
from market.orders.rules import GIVEN_UP
from market.orders.settling import Funded, settle
from market.payments.models import Receipt, ReceiptAllocation
from market.payments.rules import NotPayableError, OrderPart, OverpaidError


class Paying(NamedTuple):
    """Locked orders that money is for, with their lines, and which of these an acceptance has dealt with."""

    orders: Mapping[UUID, Order]
    lines: Mapping[UUID, Sequence[OrderLine]]
    dealt_with: Collection[UUID]

    def payable_fen(self, order_id: UUID) -> int:
        """Return what an order can still be paid."""
        return payable_fen(self.orders[order_id], self.lines[order_id], self.dealt_with)


def paying(session: orm.Session, locked: Sequence[Order]) -> Paying:
    """Read what locked orders can be paid, in two statements."""
    lines: dict[UUID, list[OrderLine]] = {order.id: [] for order in locked}
    for line in orders.lines_of(session, list(lines)):
        lines[line.order_id].append(line)
    dealt_with = orders.dealt_with(session, [line.id for own in lines.values() for line in own])
    return Paying({order.id: order for order in locked}, lines, dealt_with)


def check_fits(money: Paying, part: OrderPart, *, on: date, pointer: str) -> None:
    """Raise unless an order can be paid so much on a day.

    `NotPayableError` for an order that was given up, `OverpaidError` for more than it can be paid, `InvalidInputError`
    for money that came before it was placed.
    """
    order = money.orders[part.order_id]
    if on < order.placed_on:
        reason = f"the money came before the order {order.number} was placed"
        raise InvalidInputError(reason, f"到款日期早于订单 {order.number} 的下单日期", pointer=pointer)
    if order.status in GIVEN_UP:
        raise NotPayableError(number=order.number, order_status=order.status, pointer=pointer)
    most_fen = money.payable_fen(order.id)
    if part.amount_fen > most_fen:
        raise OverpaidError(number=order.number, payable_fen=most_fen, amount_fen=part.amount_fen, pointer=pointer)


def receive(
    session: orm.Session, receipt: Receipt, parts: Sequence[OrderPart], money: Paying
) -> list[ReceiptAllocation]:
    """Give orders their parts of a receipt; what a supplier was paid itself is recognised at once.

    The parts fit. Money in custody is held for the orders until it is settled.
    """
    receipt.counts_on = max(receipt.received_on, posting.opens_on(session))
    session.add(receipt)
    session.flush()
    allocations: list[ReceiptAllocation] = []
    standing: list[cash.Restated] = []
    for part in parts:
        allocation = ReceiptAllocation(
            id=new_id(), receipt_id=receipt.id, order_id=part.order_id, amount_fen=part.amount_fen
        )
        allocations.append(allocation)
        standing.append(_capture(receipt, allocation, money))
    session.add_all(allocations)
    if receipt.supplier_id is not None:
        _recognise(session, receipt.supplier_id, receipt, allocations, money, on=receipt.received_on)
    cash.restate(session, standing)
    session.flush()
    return allocations


def _capture(receipt: Receipt, allocation: ReceiptAllocation, money: Paying) -> cash.Restated:
    order, lines = money.orders[allocation.order_id], money.lines[allocation.order_id]
    before = funds_of(order, lines, money.dealt_with)
    order.captured_fen += allocation.amount_fen
    order.captured_on = max(receipt.received_on, order.captured_on or receipt.received_on)
    if order.funds_model is FundsModel.DIRECT:
        order.paid_fen += allocation.amount_fen
        order.paid_on = max(receipt.received_on, order.paid_on or receipt.received_on)
    after = funds_of(order, lines, money.dealt_with)
    trigger = f"receipt:{allocation.id}"
    till_id = receipt.bank_line_id or PLATFORM
    return restated(order, before, after, trigger=trigger, on=receipt.received_on, till_id=till_id)


def _recognise(
    session: orm.Session,
    supplier_id: UUID,
    receipt: Receipt,
    allocations: Sequence[ReceiptAllocation],
    money: Paying,
    *,
    on: date,
) -> None:
    funded = [
        Funded(money.orders[each.order_id], money.lines[each.order_id], f"receipt:{each.id}") for each in allocations
    ]
    lock_supplier(session, supplier_id)
    settle(session, funded, supplier_id=supplier_id, trigger=f"receipt:{receipt.id}", on=on)
