"""Cutting the price of accepted goods: the supplier offers it, and nothing is cut before the buyer takes it.

A cut takes from households what a sale had brought them. So it takes two organisations: the supplier, whose claim it
is, and the buyer, who says what was agreed.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import new_id
from market.errors import follow
from market.identity.rules import Actor
from market.orders import queries, returns
from market.orders.models import PriceCut, PriceCutLine
from market.orders.rules import PRICE_CUT_TRANSITIONS, PriceCutEvent, PriceCutOpenError, PriceCutStatus


class Offer(NamedTuple):
    """What a supplier offers to take off the price of an order, why, on which day, and what it was agreed by."""

    lines: Sequence[returns.IsCut]
    reason: str
    cut_on: date
    evidence: str


def offer(session: orm.Session, actor: Actor, *, order_id: UUID, offered: Offer, now: datetime) -> PriceCut:
    """Offer the buyer a price cut; nothing falls yet.

    Raises `PriceCutOpenError`, or what taking it would be refused for now: `LineNotOfOrderError`,
    `PriceCutTooMuchError`, `InvalidInputError` or `TransitionError`.
    """
    order = queries.locked_order(session, actor, order_id)
    open_one = sa.select(PriceCut.id).where(PriceCut.order_id == order.id, PriceCut.status == PriceCutStatus.OFFERED)
    if session.scalar(open_one):
        raise PriceCutOpenError
    predict(session, actor, order_id=order_id, offered=offered)
    price_cut = PriceCut(
        id=new_id(),
        order_id=order.id,
        cut_on=offered.cut_on,
        reason=offered.reason,
        evidence=offered.evidence,
        status=PriceCutStatus.OFFERED,
        offered_by=actor.member_id,
        offered_at=now,
    )
    session.add(price_cut)
    session.flush()
    session.add_all(
        PriceCutLine(price_cut_id=price_cut.id, position=position, **line._asdict())
        for position, line in enumerate(offered.lines)
    )
    session.flush()
    return price_cut


def predict(session: orm.Session, actor: Actor, *, order_id: UUID, offered: Offer) -> returns.Returned:
    """Return what would fall if the buyer took it now; writes nothing."""
    cut = returns.Cut(offered.lines, offered.reason, offered.cut_on, new_id())
    return returns.predict(session, actor, order_id=order_id, claim=cut)


def accept(session: orm.Session, actor: Actor, *, price_cut_id: UUID, now: datetime) -> returns.Returned:
    """Take an offered price cut, as the order's buyer: it is checked anew, posted, and counts from its day.

    Raises `NotFoundError`, `TransitionError`, `PriceCutTooMuchError`, or what the ledger raises.
    """
    price_cut = _decide(session, actor, PriceCutEvent.ACCEPT, price_cut_id=price_cut_id, now=now)
    return returns.take_back(session, actor, order_id=price_cut.order_id, claim=_cut(session, price_cut), now=now)


def predict_acceptance(session: orm.Session, actor: Actor, *, price_cut_id: UUID) -> returns.Returned:
    """Return what `accept` would post now; writes nothing, raises the same."""
    price_cut = queries.one_price_cut(session, actor, price_cut_id)
    _after(price_cut, PriceCutEvent.ACCEPT)
    return returns.predict(session, actor, order_id=price_cut.order_id, claim=_cut(session, price_cut))


def decline(session: orm.Session, actor: Actor, *, price_cut_id: UUID, reason: str, now: datetime) -> PriceCut:
    """Decline an offered price cut, as the order's buyer: the price stays. Raises as `accept` does."""
    return _decide(session, actor, PriceCutEvent.DECLINE, price_cut_id=price_cut_id, now=now, because=reason)


def withdraw(session: orm.Session, actor: Actor, *, price_cut_id: UUID, now: datetime) -> PriceCut:
    """Take an offer back that the buyer has not answered, as its supplier. Raises as `accept` does."""
    return _decide(session, actor, PriceCutEvent.WITHDRAW, price_cut_id=price_cut_id, now=now)


def _decide(
    session: orm.Session,
    actor: Actor,
    event: PriceCutEvent,
    *,
    price_cut_id: UUID,
    now: datetime,
    because: str | None = None,
) -> PriceCut:
    """Move an offer on, with its order locked, and sign it."""
    price_cut = queries.one_price_cut(session, actor, price_cut_id)
    queries.locked_order(session, actor, price_cut.order_id)
    session.refresh(price_cut, with_for_update=True)
    price_cut.status = _after(price_cut, event)
    price_cut.decided_by, price_cut.decided_at, price_cut.declined_because = actor.member_id, now, because
    session.flush()
    return price_cut


def _after(price_cut: PriceCut, event: PriceCutEvent) -> PriceCutStatus:
    return follow(PRICE_CUT_TRANSITIONS, price_cut.status, event, machine="price_cut")


def _cut(session: orm.Session, price_cut: PriceCut) -> returns.Cut:
    lines = queries.cut_lines(session, [price_cut.id])
    return returns.Cut(
        [returns.IsCut(line.order_line_id, line.amount_fen) for line in lines],
        price_cut.reason,
        price_cut.cut_on,
        price_cut.id,
    )
