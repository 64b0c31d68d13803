"""Recording a receipt and matching it to the orders it pays; recognition follows at once."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.matching import lock_supplier
from market.cash import posting as cash
from market.db import new_id
from market.errors import InvalidInputError, at
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.orders import queries as orders
from market.orders.funding import funds_of, payable_fen, restated
from market.orders.models import Order, OrderLine
from market.orders.rules import GIVEN_UP
from market.orders.settling import Funded, settle
from market.payments.models import Receipt, ReceiptAllocation
from market.payments.rules import (
    NotPayableError,
    OrderNamedTwiceError,
    OverpaidError,
    ReceiptSumError,
    ReceiptTakenError,
)


class OrderPart(NamedTuple):
    """What of a receipt pays an order, in fen."""

    order_id: UUID
    amount_fen: int


def record(
    session: orm.Session,
    actor: Actor,
    *,
    bank_reference: str,
    payer_name: str,
    amount_fen: int,
    received_on: date,
    parts: Sequence[OrderPart],
    now: datetime,
) -> tuple[Receipt, list[ReceiptAllocation]]:
    """Record a line of the supplier's bank statement and recognise what it pays.

    Raises `OrderNamedTwiceError`, `ReceiptSumError`, `ReceiptTakenError`, `NotFoundError`, `InvalidInputError` (a day
    before an order that it pays), `NotPayableError` or `OverpaidError`.
    """
    _check(session, actor, bank_reference, amount_fen, parts)
    with at("/orders"):
        locked = orders.locked_orders(session, actor, [part.order_id for part in parts])
    if received_on < max(order.placed_on for order in locked):
        reason = "the money came before the order was placed"
        raise InvalidInputError(reason, "到款日期早于下单日期", pointer="/received_on")
    paying = {order.id: order for order in locked}
    lines: dict[UUID, list[OrderLine]] = {order_id: [] for order_id in paying}
    for line in orders.lines_of(session, list(paying)):
        lines[line.order_id].append(line)
    dealt_with = orders.dealt_with(session, [line.id for own in lines.values() for line in own])
    receipt = Receipt(
        id=new_id(),
        supplier_id=actor.organisation_id,
        bank_reference=bank_reference,
        reference_key=reference_key(bank_reference),
        payer_name=payer_name,
        amount_fen=amount_fen,
        received_on=received_on,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(receipt)
    session.flush()
    allocations: list[ReceiptAllocation] = []
    standing: list[cash.Restated] = []
    for position, part in enumerate(parts):
        order = paying[part.order_id]
        most_fen = payable_fen(order, lines[order.id], dealt_with)
        _check_fits(order, most_fen, part, f"/orders/{position}/amount_fen")
        before = funds_of(order, lines[order.id], dealt_with)
        order.captured_fen += part.amount_fen
        order.paid_fen += part.amount_fen
        order.paid_on = max(received_on, order.paid_on or received_on)
        allocation = ReceiptAllocation(
            id=new_id(), receipt_id=receipt.id, order_id=order.id, amount_fen=part.amount_fen
        )
        allocations.append(allocation)
        after = funds_of(order, lines[order.id], dealt_with)
        standing.append(restated(order, before, after, trigger=f"receipt:{allocation.id}", on=received_on))
    session.add_all(allocations)
    funded = [Funded(paying[each.order_id], lines[each.order_id], f"receipt:{each.id}") for each in allocations]
    lock_supplier(session, receipt.supplier_id)
    settle(session, funded, supplier_id=receipt.supplier_id, trigger=f"receipt:{receipt.id}", on=received_on)
    cash.restate(session, standing)
    session.flush()
    return receipt, allocations


def _check(
    session: orm.Session, actor: Actor, bank_reference: str, amount_fen: int, parts: Sequence[OrderPart]
) -> None:
    named = [part.order_id for part in parts]
    for position, order_id in enumerate(named):
        if order_id in named[:position]:
            raise OrderNamedTwiceError(pointer=f"/orders/{position}/order_id")
    parts_fen = sum(part.amount_fen for part in parts)
    if parts_fen != amount_fen:
        raise ReceiptSumError(parts_fen=parts_fen, amount_fen=amount_fen, pointer="/orders")
    known = sa.select(Receipt.id).where(
        Receipt.supplier_id == actor.organisation_id, Receipt.reference_key == reference_key(bank_reference)
    )
    if session.scalar(known):
        raise ReceiptTakenError(reference=bank_reference, pointer="/bank_reference")


def _check_fits(order: Order, most_fen: int, part: OrderPart, pointer: str) -> None:
    if order.status in GIVEN_UP:
        raise NotPayableError(number=order.number, order_status=order.status, pointer=pointer)
    if part.amount_fen > most_fen:
        raise OverpaidError(number=order.number, payable_fen=most_fen, amount_fen=part.amount_fen, pointer=pointer)
