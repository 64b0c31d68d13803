"""Steps of an order that move no money: confirm, decline, cancel, expire, ship."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.catalog.rules import milli_of
from market.clock import business_date
from market.errors import InvalidInputError
from market.identity.rules import Actor
from market.lots import stock
from market.lots.rules import Move, Stock, Want
from market.orders import funding, queries
from market.orders.models import Order, OrderChange, OrderLine
from market.orders.rules import (
    LineNotOfOrderError,
    OrderEvent,
    OrderStatus,
    WeighNoteError,
    after,
    check_shipped,
    check_weigh_note,
)


def change(
    session: orm.Session, order: Order, event: OrderEvent, *, member_id: UUID | None, now: datetime, reason: str | None
) -> None:
    """Move a locked order by an event and record who did it and why; raises `TransitionError`."""
    order.status = after(order.status, event)
    order.version += 1
    session.add(
        OrderChange(
            order_id=order.id,
            event=event.value,
            status=order.status,
            reason=reason,
            changed_by=member_id,
            changed_at=now,
        )
    )
    session.flush()


def confirm(session: orm.Session, actor: Actor, *, order_id: UUID, now: datetime) -> Order:
    """The supplier takes the order; its reservation no longer expires."""
    order = queries.locked_order(session, actor, order_id)
    change(session, order, OrderEvent.CONFIRM, member_id=actor.member_id, now=now, reason=None)
    return order


def give_up(
    session: orm.Session, actor: Actor, *, order_id: UUID, event: OrderEvent, reason: str, now: datetime
) -> Order:
    """Decline (supplier) or cancel (either party) an order that is not shipped; its stock is free again."""
    order = queries.locked_order(session, actor, order_id)
    _give_up(session, order, event, member_id=actor.member_id, now=now, reason=reason)
    return order


def due_orders(session: orm.Session, *, now: datetime) -> list[UUID]:
    """Return the placed orders whose reservation has run out, oldest first."""
    due = sa.select(Order.id).where(Order.status == OrderStatus.PLACED, Order.reserved_until < now)
    return list(session.scalars(due.order_by(Order.id)))


def expire(session: orm.Session, *, order_id: UUID, now: datetime) -> bool:
    """Expire an order that is still due; tell whether it was: others may confirm it, or expire it, meanwhile."""
    order = session.scalar(
        sa.select(Order)
        .where(Order.id == order_id, Order.status == OrderStatus.PLACED, Order.reserved_until < now)
        .with_for_update(skip_locked=True)
    )
    if order is None:
        return False
    _give_up(session, order, OrderEvent.EXPIRE, member_id=None, now=now, reason=None)
    return True


def _give_up(
    session: orm.Session, order: Order, event: OrderEvent, *, member_id: UUID | None, now: datetime, reason: str | None
) -> None:
    """Let an order come to nothing: its stock is free, and what was paid for it is to go back."""
    lines = queries.lines_of(session, [order.id])
    before = funding.funds_of(order, lines, ())
    change(session, order, event, member_id=member_id, now=now, reason=reason)
    _free_stock(session, lines)
    after_it = funding.funds_of(order, lines, ())
    funding.restate(session, order, before, after_it, trigger=f"{event}:{order.id}", on=business_date(now))


def _free_stock(session: orm.Session, lines: Sequence[OrderLine]) -> None:
    draws = stock.draws_of(session, [line.id for line in lines], lock=True)
    stock.move(
        session,
        [
            Move(held.reservation_id, held.lot_id, Stock.RESERVED, Stock.AVAILABLE, held.reserved_milli)
            for held in draws
        ],
    )


class Shipped(NamedTuple):
    """How much of a line is shipped, as a decimal string in its unit; by which weigh note, if weight settles it."""

    order_line_id: UUID
    quantity: str
    weigh_note: str | None = None


def ship(
    session: orm.Session,
    actor: Actor,
    *,
    order_id: UUID,
    quantities: Sequence[Shipped] | None,
    shipped_on: date,
    now: datetime,
) -> Order:
    """Ship the order whole, or the given quantity of each line; what is not shipped goes back on sale.

    What is settled by its weight is shipped as weighed, and may be over what was ordered within its tolerance as far as
    stock is there. Raises `LineNotOfOrderError` for a foreign line, `ShippedTooMuchError`, `OverToleranceError`,
    `WeighNoteError`, `NotWeighedError`, `OutOfStockError`, `InvalidInputError` for nothing at all or a day before the
    order, or `TransitionError`.
    """
    order = queries.locked_order(session, actor, order_id)
    after(order.status, OrderEvent.SHIP)
    if shipped_on < order.placed_on:
        raise InvalidInputError("shipped before it was ordered", "发货日期早于下单日期", pointer="/shipped_on")
    lines = queries.lines_of(session, [order.id])
    wanted = _to_ship(lines, quantities)
    over = [
        Want(line.id, line.product_id, wanted[line.id] - line.quantity_milli, position, line.unit, line.unit_milli)
        for position, line in enumerate(lines)
        if wanted[line.id] > line.quantity_milli
    ]
    if over:
        stock.reserve_more(session, over, on=shipped_on)
    draws = stock.draws_of(session, [line.id for line in lines], lock=True)
    left = dict(wanted)
    moves: list[Move] = []
    for held in draws:
        part = min(left[held.order_line_id], held.reserved_milli)
        left[held.order_line_id] -= part
        moves.append(Move(held.reservation_id, held.lot_id, Stock.RESERVED, Stock.SHIPPED, part))
        rest = held.reserved_milli - part
        moves.append(Move(held.reservation_id, held.lot_id, Stock.RESERVED, Stock.AVAILABLE, rest))
    stock.move(session, moves)
    notes = {each.order_line_id: each.weigh_note for each in quantities or ()}
    before = funding.funds_of(order, lines, ())
    for line in lines:
        line.shipped_milli = wanted[line.id]
        line.weigh_note = notes.get(line.id)
    order.shipped_on = shipped_on
    change(session, order, OrderEvent.SHIP, member_id=actor.member_id, now=now, reason=None)
    after_it = funding.funds_of(order, lines, ())
    funding.restate(session, order, before, after_it, trigger=f"{OrderEvent.SHIP}:{order.id}", on=shipped_on)
    return order


def _to_ship(lines: Sequence[OrderLine], quantities: Sequence[Shipped] | None) -> dict[UUID, int]:
    if quantities is None:
        if any(line.weight_tolerance_bp for line in lines):
            raise WeighNoteError(pointer="/lines")
        return {line.id: line.quantity_milli for line in lines}
    by_id = {line.id: line for line in lines}
    wanted = dict.fromkeys(by_id, 0)
    for position, each in enumerate(quantities):
        pointer = f"/lines/{position}"
        line = by_id.get(each.order_line_id)
        if line is None:
            raise LineNotOfOrderError(pointer=f"{pointer}/order_line_id")
        wanted[line.id] += milli_of(each.quantity, line.unit_milli, pointer=f"{pointer}/quantity")
        check_weigh_note(each.weigh_note, by_weight=line.weight_tolerance_bp is not None, pointer=pointer)
        check_shipped(
            wanted[line.id],
            quantity_milli=line.quantity_milli,
            weight_tolerance_bp=line.weight_tolerance_bp,
            unit=line.unit,
            unit_milli=line.unit_milli,
            pointer=f"{pointer}/quantity",
        )
    if not any(wanted.values()):
        raise InvalidInputError("nothing is shipped", "发货数量全部为零", pointer="/lines")
    return wanted
