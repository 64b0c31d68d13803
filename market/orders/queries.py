"""What may be read of orders."""

# ruff: noqa: S608 - statements are assembled only from the fragments of this file; every value is bound

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import within
from market.errors import NotFoundError
from market.identity.models import Member, Organisation
from market.identity.rules import Actor, Scope, Side
from market.orders.models import AcceptanceLine, Order, OrderChange, OrderLine, PriceCut, PriceCutLine
from market.orders.rules import GIVEN_UP


def visible_orders(actor: Actor) -> sa.Select[Order]:
    """Return the orders an actor may know of: those it placed or is to deliver, of its region's parties, or all."""
    orders = sa.select(Order)
    if actor.scope is Scope.ALL:
        return orders
    if actor.scope is Scope.REGION:
        ours = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
        return orders.where(Order.supplier_id.in_(ours) | Order.buyer_id.in_(ours))
    party = Order.supplier_id if actor.side is Side.SUPPLIER else Order.buyer_id
    return orders.where(party == actor.organisation_id)


def orders_placed(actor: Actor, first: date | None, last: date | None, *, before: UUID | None) -> sa.Select[Order]:
    """Return the orders that the actor may see, placed from one day to another, newest first from a place on."""
    orders = visible_orders(actor).order_by(Order.id.desc())
    if first:
        orders = orders.where(Order.placed_on >= first)
    if last:
        orders = orders.where(Order.placed_on <= last)
    return orders.where(Order.id < before) if before else orders


def one_order(session: orm.Session, actor: Actor, order_id: UUID) -> Order:
    """Return an order that the actor may see; raises `NotFoundError`."""
    order = session.scalar(visible_orders(actor).where(Order.id == order_id))
    if order is None:
        raise NotFoundError(what="order")
    return order


def locked_orders(session: orm.Session, actor: Actor, order_ids: Collection[UUID]) -> list[Order]:
    """Return orders that the actor may see, locked in the order of their ids; raises `NotFoundError`."""
    wanted = visible_orders(actor).where(Order.id.in_(order_ids)).order_by(Order.id).with_for_update(of=Order)
    orders = list(session.scalars(wanted.execution_options(populate_existing=True)))
    if len(orders) < len(set(order_ids)):
        raise NotFoundError(what="order")
    return orders


def locked_order(session: orm.Session, actor: Actor, order_id: UUID) -> Order:
    """Return one order that the actor may see, locked; raises `NotFoundError`."""
    return locked_orders(session, actor, [order_id])[0]


def lines_of(session: orm.Session, order_ids: Collection[UUID]) -> list[OrderLine]:
    """Return the lines of orders as they are now, by order and position."""
    lines = (
        sa.select(OrderLine).where(OrderLine.order_id.in_(order_ids)).order_by(OrderLine.order_id, OrderLine.position)
    )
    return list(session.scalars(lines.execution_options(populate_existing=True)))


def dealt_with(session: orm.Session, line_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these lines an acceptance has dealt with."""
    lines = sa.select(AcceptanceLine.order_line_id).where(AcceptanceLine.order_line_id.in_(line_ids))
    return set(session.scalars(lines))


OWED_BACK = f"""
    greatest(o.captured_fen - o.refunded_fen -
      CASE WHEN o.status IN ({", ".join(f"'{status}'" for status in GIVEN_UP)}) THEN 0 ELSE
      (SELECT CAST(sum(CASE
                WHEN EXISTS (SELECT FROM acceptance_lines a WHERE a.order_line_id = l.id)
                THEN l.accepted_fen - l.returned_fen
                WHEN o.shipped_on IS NOT NULL
                THEN div(2::numeric * l.unit_price_fen * l.shipped_milli + l.unit_milli, 2 * l.unit_milli)
                ELSE l.amount_fen END) AS bigint)
         FROM order_lines l WHERE l.order_id = o.id) END, 0)
"""
"""SQL for what of the order `o` was paid, and is owed neither for what was accepted and kept nor for what may yet come.

Nothing is owed for an order that was given up.
"""

_OWED_BACK = sa.text(f"SELECT o.id, {OWED_BACK} AS fen FROM orders o WHERE o.id = ANY(CAST(:orders AS uuid[]))")


def owed_back(session: orm.Session, order_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return by order what its supplier owes back to the buyer, in fen."""
    return {row.id: row.fen for row in session.execute(_OWED_BACK, {"orders": list(order_ids)})}


def visible_price_cuts(actor: Actor) -> sa.Select[PriceCut]:
    """Return the price cuts offered of the orders that an actor may see."""
    return sa.select(PriceCut).where(PriceCut.order_id.in_(visible_orders(actor).with_only_columns(Order.id)))


def one_price_cut(session: orm.Session, actor: Actor, price_cut_id: UUID) -> PriceCut:
    """Return a price cut that the actor may see; raises `NotFoundError`."""
    price_cut = session.scalar(visible_price_cuts(actor).where(PriceCut.id == price_cut_id))
    if price_cut is None:
        raise NotFoundError(what="price_cut")
    return price_cut


def cut_lines(session: orm.Session, price_cut_ids: Collection[UUID]) -> Sequence[sa.Row[Any]]:
    """Return what price cuts take off which lines, in the order in which they were given."""
    wanted = (
        sa.select(PriceCutLine.__table__, OrderLine.product_name)
        .join(OrderLine, OrderLine.id == PriceCutLine.order_line_id)
        .where(PriceCutLine.price_cut_id.in_(price_cut_ids))
        .order_by(PriceCutLine.price_cut_id, PriceCutLine.position)
    )
    return session.execute(wanted).all()


def changes_of(session: orm.Session, order_id: UUID) -> Sequence[sa.Row[Any]]:
    """Return the steps of an order, oldest first, each with who took it; nobody took what the market did when due.

    A member is named by its id, its role and its organisation: a login may be a person's name, and is not for the other
    party of an order.
    """
    steps = (
        sa.select(OrderChange.__table__, Member.role, Organisation.name.label("organisation_name"))
        .outerjoin(Member, Member.id == OrderChange.changed_by)
        .outerjoin(Organisation, Organisation.id == Member.organisation_id)
        .where(OrderChange.order_id == order_id)
        .order_by(OrderChange.id)
    )
    return session.execute(steps).all()
