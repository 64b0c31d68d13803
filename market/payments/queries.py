"""What may be read of receipts."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import NotFoundError
from market.identity.rules import Actor, Scope, Side
from market.orders.models import Order
from market.orders.queries import visible_orders
from market.payments.models import Receipt, ReceiptAllocation


def visible_receipts(actor: Actor) -> sa.Select[Receipt]:
    """Return the receipts an actor may know of: the supplier's own, or those that pay an order the actor may see."""
    if actor.side is Side.SUPPLIER and actor.scope is Scope.OWN:
        return sa.select(Receipt).where(Receipt.supplier_id == actor.organisation_id)
    paying = sa.select(ReceiptAllocation.receipt_id).where(
        ReceiptAllocation.order_id.in_(visible_orders(actor).with_only_columns(Order.id))
    )
    return sa.select(Receipt).where(Receipt.id.in_(paying))


def one_receipt(session: orm.Session, actor: Actor, receipt_id: UUID) -> Receipt:
    """Return a receipt that the actor may see; raises `NotFoundError`."""
    receipt = session.scalar(visible_receipts(actor).where(Receipt.id == receipt_id))
    if receipt is None:
        raise NotFoundError(what="receipt")
    return receipt


def allocations_of(session: orm.Session, actor: Actor, receipt_id: UUID) -> Sequence[ReceiptAllocation]:
    """Return what a receipt pays, of the orders that the actor may see."""
    seen = visible_orders(actor).with_only_columns(Order.id)
    found = sa.select(ReceiptAllocation).where(
        ReceiptAllocation.receipt_id == receipt_id, ReceiptAllocation.order_id.in_(seen)
    )
    return session.scalars(found.order_by(ReceiptAllocation.id)).all()
