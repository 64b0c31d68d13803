"""Blocking: orders of which no money moves, as a payer's bank contests it, or it is not known whose part went back."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import orm

from market.errors import MarketError
from market.orders.models import Order
from market.payments import queries
from market.payments.rules import DisputeOpenError, RefundUnclearError


def blocked(session: orm.Session, order_ids: Collection[UUID]) -> Mapping[UUID, type[MarketError]]:
    """Return those of the orders of which nothing is refunded or settled now, each with the error that says why."""
    unclear = dict.fromkeys(queries.unclear_refunds(session, order_ids), RefundUnclearError)
    return {**unclear, **dict.fromkeys(queries.open_disputes(session, order_ids), DisputeOpenError)}


def check_free(session: orm.Session, order_ids: Collection[UUID]) -> None:
    """Raise `DisputeOpenError` or `RefundUnclearError` if nothing of one of the orders is refunded or settled now."""
    found = blocked(session, order_ids)
    for order_id in sorted(found):
        raise found[order_id](number=session.get_one(Order, order_id).number)
