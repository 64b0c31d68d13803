"""Putting lots on sale: four eyes, quantity conserved, the quality certificate; holding, releasing, discarding."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.catalog.models import Category, Product
from market.clock import business_date
from market.db import lock_by
from market.errors import FourEyesError
from market.identity.rules import Actor
from market.lots.carrying import take_back
from market.lots.lineage import balanced, balanced_in, check_balance
from market.lots.models import Contribution, Lot
from market.lots.queries import locked_lot, made_of, one_lot
from market.lots.rules import (
    ExpiredLotError,
    InputDrawnSinceError,
    LotEvent,
    MissingQualityCertificateError,
    PaidLotError,
    status_after,
)

# Payments are those of a domain above, read here as plain tables: a contribution stays that was paid for, or that an
# open list names, whose money may have left already.
_PAID_OR_LISTED = sa.text(
    """
    SELECT EXISTS (SELECT FROM payments p JOIN contributions c ON c.id = p.contribution_id
                    WHERE c.lot_id = :lot AND p.reversed_at IS NULL)
        OR EXISTS (SELECT FROM pay_list_lines l JOIN contributions c ON c.id = l.contribution_id
                    WHERE c.lot_id = :lot AND l.status = 'open')
    """
)
_LOCK_WITH_INPUTS = sa.text(
    """
    SELECT id FROM lots
     WHERE id = :lot OR id IN (SELECT input_lot_id FROM lot_inputs WHERE lot_id = :lot)
     ORDER BY id FOR UPDATE
    """
)
_DRAWN_SINCE = sa.text(
    """
    SELECT l.number FROM lot_inputs i JOIN lots l ON l.id = i.input_lot_id
     WHERE i.lot_id = :lot AND l.draws <> i.draws ORDER BY l.id LIMIT 1
    """
)
_GIVE_BACK = sa.text(
    """
    UPDATE lots l
       SET available_milli = l.available_milli + i.quantity_milli, moved_milli = l.moved_milli - i.quantity_milli,
           draws = l.draws - 1
      FROM lot_inputs i
     WHERE i.lot_id = :lot AND l.id = i.input_lot_id
    """
)


def open_lot(session: orm.Session, actor: Actor, *, lot_id: UUID, now: datetime) -> Lot:
    """Put a draft lot on sale and seal what went into it.

    The opener neither made the lot nor recorded a contribution to it. Raises `NotFoundError`, `TransitionError`,
    `FourEyesError`, `ExpiredLotError`, `MissingQualityCertificateError`, `NotCoveredError` or `InflatedLotError`.
    """
    lot = locked_lot(session, actor, lot_id)
    after = status_after(lot.status, LotEvent.OPEN)
    if actor.member_id in _makers(session, lot):
        raise FourEyesError(rule="lot_opener_is_not_maker")
    if lot.expires_on is not None and lot.expires_on < business_date(now):
        raise ExpiredLotError(number=lot.number, expired_on=lot.expires_on)
    if lot.quality_certificate is None and _needs_quality_certificate(session, lot):
        raise MissingQualityCertificateError
    check_balance(
        made_of(session, [lot.id])[lot.id],
        lot.loss_milli,
        balanced(lot.quantity_milli, lot.base_unit, lot.content_milli),
        balanced_in(lot.base_unit, lot.content_milli),
    )
    lot.status = after
    lot.opened_by, lot.opened_at = actor.member_id, now
    session.flush()
    return lot


def _makers(session: orm.Session, lot: Lot) -> set[UUID]:
    recorded = sa.select(Contribution.made_by).where(Contribution.lot_id == lot.id).distinct()
    return {lot.made_by, *session.scalars(recorded)}


def _needs_quality_certificate(session: orm.Session, lot: Lot) -> bool:
    flagged = sa.select(Category.needs_quality_certificate).join(Product, Product.category_code == Category.code)
    return session.scalars(flagged.where(Product.id == lot.product_id)).one()


def discard(session: orm.Session, actor: Actor, *, lot_id: UUID) -> Lot:
    """Give up a draft: its inputs have back what was taken of them, as if it had never been.

    Its rows stay on record and count for nothing. Raises `NotFoundError`, `TransitionError`, `PaidLotError`, or
    `InputDrawnSinceError`: what an input released later began where this lot had left it.
    """
    one_lot(session, actor, lot_id)
    session.execute(_LOCK_WITH_INPUTS, {"lot": lot_id})
    lot = locked_lot(session, actor, lot_id)
    after = status_after(lot.status, LotEvent.DISCARD)
    # Under the lock that payments and lists are made under: neither names a contribution that is being given up.
    lock_by(session, kind="attribution", key=lot.supplier_id)
    if session.scalar(_PAID_OR_LISTED, {"lot": lot_id}):
        raise PaidLotError
    drawn_since = session.scalar(_DRAWN_SINCE, {"lot": lot_id})
    if drawn_since is not None:
        raise InputDrawnSinceError(number=drawn_since)
    take_back(session, lot_id)
    session.execute(_GIVE_BACK, {"lot": lot_id})
    lot.status, lot.discarded_by = after, actor.member_id
    session.flush()
    return lot


def hold(session: orm.Session, actor: Actor, *, lot_id: UUID) -> Lot:
    """Take a lot off sale; what is already reserved stays so. Raises `NotFoundError` or `TransitionError`."""
    return _step(session, actor, lot_id, LotEvent.HOLD)


def release(session: orm.Session, actor: Actor, *, lot_id: UUID) -> Lot:
    """Put a held lot back on sale; raises `NotFoundError` or `TransitionError`."""
    return _step(session, actor, lot_id, LotEvent.RELEASE)


def _step(session: orm.Session, actor: Actor, lot_id: UUID, event: LotEvent) -> Lot:
    lot = locked_lot(session, actor, lot_id)
    lot.status = status_after(lot.status, event)
    session.flush()
    return lot
