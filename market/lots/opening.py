"""Putting lots on sale: four eyes, quantity conserved, the quality certificate; holding and releasing them."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.rules import MECHANISMS, Measure
from market.catalog.models import Category, Product
from market.errors import FourEyesError
from market.identity.rules import Actor
from market.lots.models import Contribution, Lot, LotInput
from market.lots.queries import locked_lot
from market.lots.rules import LotEvent, MissingQualityCertificateError, check_coverage, status_after

_BY_QUANTITY = [mechanism for mechanism, terms in MECHANISMS.items() if terms.measure is Measure.QUANTITY]


def open_lot(session: orm.Session, actor: Actor, *, lot_id: UUID) -> Lot:
    """Put a draft lot on sale and seal what went into it.

    The opener neither made the lot nor recorded a contribution to it. Raises `NotFoundError`, `TransitionError`,
    `FourEyesError`, `MissingQualityCertificateError` or `NotCoveredError`.
    """
    lot = locked_lot(session, actor, lot_id)
    after = status_after(lot.status, LotEvent.OPEN)
    if actor.member_id in _makers(session, lot):
        raise FourEyesError(rule="lot_opener_is_not_maker")
    if lot.quality_certificate is None and _needs_quality_certificate(session, lot):
        raise MissingQualityCertificateError
    check_coverage(
        contributed_milli=_total(session, Contribution.measure_milli, _own_quantities(lot)),
        bought_in_milli=lot.bought_in_milli,
        inputs_milli=_total(session, LotInput.quantity_milli, LotInput.lot_id == lot.id),
        loss_milli=lot.loss_milli,
        quantity_milli=lot.quantity_milli,
    )
    lot.status = after
    lot.opened_by = actor.member_id
    session.flush()
    return lot


def _makers(session: orm.Session, lot: Lot) -> set[UUID]:
    recorded = sa.select(Contribution.made_by).where(Contribution.lot_id == lot.id).distinct()
    return {lot.made_by, *session.scalars(recorded)}


def _needs_quality_certificate(session: orm.Session, lot: Lot) -> bool:
    flagged = sa.select(Category.needs_quality_certificate).join(Product, Product.category_code == Category.code)
    return session.scalars(flagged.where(Product.id == lot.product_id)).one()


def _own_quantities(lot: Lot) -> sa.ColumnElement[bool]:
    """Return which contributions are quantities of this lot: carried ones are already in its inputs."""
    return sa.and_(
        Contribution.lot_id == lot.id,
        Contribution.carried_from.is_(None),
        Contribution.mechanism.in_(_BY_QUANTITY),
    )


def _total(session: orm.Session, column: orm.InstrumentedAttribute[int], condition: sa.ColumnElement[bool]) -> int:
    return int(session.scalars(sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(condition)).one())


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
