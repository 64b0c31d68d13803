"""The steps of a refund's life: each is written down, and says what it does to its order's money."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.attribution.matching import lock_supplier
from market.cash import posting as cash
from market.channels.rules import FundsModel
from market.clock import business_date
from market.db import new_id
from market.orders.funding import funds_of, restated
from market.orders.models import Order, OrderLine
from market.orders.settling import Funded, unsettle
from market.payments.models import Refund, RefundChange
from market.payments.receiving import paying
from market.payments.rules import RefundEvent, away_fen, refunded


def change(
    session: orm.Session,
    refund: Refund,
    order: Order,
    event: RefundEvent,
    *,
    by: UUID | None,
    now: datetime,
    on: date | None = None,
) -> None:
    """Move a locked refund of a locked order by an event; nobody did what the provider or a bank told.

    Raises `TransitionError`.
    """
    before_status, refund.status = refund.status, refunded(refund.status, event)
    done = RefundChange(
        id=new_id(),
        refund_id=refund.id,
        event=event,
        status=refund.status,
        away_fen=away_fen(before_status, refund.status, refund.amount_fen),
        counts_on=on or business_date(now),
        changed_by=by,
        changed_at=now,
    )
    session.add(done)
    if done.away_fen:
        _move(session, order, done)
    session.flush()


def _move(session: orm.Session, order: Order, done: RefundChange) -> None:
    """Take what went away off what an order has, or give it back what came back."""
    money = paying(session, [order])
    lines = money.lines[order.id]
    before = funds_of(order, lines, money.dealt_with)
    order.refunded_fen += done.away_fen
    if order.funds_model is FundsModel.DIRECT:
        _take_off(session, order, lines, done)
    session.flush()
    after = funds_of(order, lines, money.dealt_with)
    trigger = f"refund:{done.id}"
    told = restated(order, before, after, trigger=trigger, on=done.counts_on, till_id=done.refund_id)
    cash.restate(session, [told])


def _take_off(session: orm.Session, order: Order, lines: Sequence[OrderLine], done: RefundChange) -> None:
    """A supplier has so much less of a directly paid order, or more: lines that need it are paid by it or not."""
    order.paid_fen -= done.away_fen
    order.paid_on = max(done.counts_on, order.paid_on or done.counts_on)
    lock_supplier(session, order.supplier_id)
    trigger = f"refund:{done.id}"
    funded = [Funded(order, lines, trigger)]
    unsettle(session, funded, supplier_id=order.supplier_id, trigger=trigger, on=done.counts_on)
