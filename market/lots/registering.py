"""Registering lots and what they are made of, their quality certificates."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.catalog.models import Product
from market.certification.models import Application, Certificate
from market.clock import business_date
from market.db import new_id
from market.errors import InvalidInputError, NotFoundError
from market.identifiers import county_of
from market.identity.rules import Actor
from market.lots.contributing import carry
from market.lots.lineage import InputLot, check_input
from market.lots.models import Lot
from market.lots.queries import ancestors, locked_lot
from market.lots.rules import (
    LotStatus,
    OutsideOriginError,
    ReusedQualityCertificateError,
    SealedLotError,
    StockMovedError,
    check_days,
    check_unit,
    lot_number,
)
from market.quantities import MeasuredIn, Unit

_TAKE_INPUTS = sa.text(
    """
    WITH part AS (
      SELECT * FROM unnest(CAST(:inputs AS uuid[]), CAST(:milli AS bigint[])) AS p (id, milli)
    ), taken AS (
      UPDATE lots l
         SET available_milli = l.available_milli - p.milli, moved_milli = l.moved_milli + p.milli, draws = l.draws + 1
        FROM part p
       WHERE l.id = p.id AND l.status = 'open' AND l.available_milli >= p.milli
      RETURNING l.id, p.milli, l.draws
    )
    INSERT INTO lot_inputs (lot_id, input_lot_id, quantity_milli, draws) SELECT :lot, id, milli, draws FROM taken
    RETURNING input_lot_id
    """
)


def register_lot(
    session: orm.Session,
    actor: Actor,
    *,
    product_id: UUID,
    quantity_milli: int,
    measured_in: MeasuredIn,
    produced_on: date,
    expires_on: date | None,
    origin_code: str,
    area_milli_mu: int | None = None,
    bought_in_milli: int = 0,
    loss_milli: int = 0,
    inputs: Sequence[tuple[UUID, int]] = (),
    now: datetime,
) -> Lot:
    """Put a lot of the actor's own product on record as a draft; what it is made of moves into it at once.

    Quantities are milli-units of the base of `measured_in`; `inputs` are `(lot, milli)`, and each takes its part of the
    contributions along. Raises `NotFoundError`, `OutsideOriginError`, `WrongUnitError`, `InvalidInputError`,
    `InputLotError`, `OutOfStockError`.
    """
    product, base_unit = _own_product(session, actor, product_id)
    county = county_of(product.origin_code)
    if not origin_code.startswith(county):
        raise OutsideOriginError(county=county, pointer="/origin_code")
    check_unit(measured_in, base_unit, pointer="/unit")
    check_days(produced_on=produced_on, expires_on=expires_on, today=business_date(now))
    if quantity_milli <= 0:
        raise InvalidInputError("it must be above zero", "必须大于零", pointer="/quantity")
    lot_id = new_id()
    lot = Lot(
        id=lot_id,
        number=lot_number(lot_id, produced_on),
        product_id=product.id,
        supplier_id=product.supplier_id,
        status=LotStatus.DRAFT,
        produced_on=produced_on,
        expires_on=expires_on,
        origin_code=origin_code,
        area_milli_mu=area_milli_mu,
        base_unit=base_unit,
        quality_certificate=None,
        quantity_milli=quantity_milli,
        bought_in_milli=bought_in_milli,
        loss_milli=loss_milli,
        available_milli=quantity_milli,
        made_by=actor.member_id,
        made_at=now,
        opened_by=None,
        discarded_by=None,
    )
    session.add(lot)
    session.flush()
    if inputs:
        _take_inputs(session, actor, lot, inputs, measured_in)
    return lot


def _own_product(session: orm.Session, actor: Actor, product_id: UUID) -> tuple[Product, Unit]:
    found = session.execute(
        sa.select(Product, Application.base_unit)
        .join(Certificate, Certificate.id == Product.certificate_id)
        .join(Application, Application.id == Certificate.application_id)
        .where(Product.id == product_id, Product.supplier_id == actor.organisation_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(what="product", pointer="/product_id")
    product, base_unit = found
    return product, base_unit


def _take_inputs(
    session: orm.Session, actor: Actor, lot: Lot, inputs: Sequence[tuple[UUID, int]], measured_in: MeasuredIn
) -> None:
    """Move the inputs' stock and contributions into a new lot: a constant number of statements."""
    sources = _locked_inputs(session, actor, [lot_id for lot_id, _ in inputs])
    seen: set[UUID] = set()
    for index, (lot_id, milli) in enumerate(inputs):
        pointer = f"/inputs/{index}"
        if lot_id not in sources:
            raise NotFoundError(what="lot", pointer=f"{pointer}/lot_id")
        if lot_id in seen:
            raise InvalidInputError("it is listed twice", "重复列出", pointer=f"{pointer}/lot_id")
        seen.add(lot_id)
        check_input(
            sources[lot_id],
            milli,
            base_unit=lot.base_unit,
            measured_in=measured_in,
            produced_on=lot.produced_on,
            pointer=pointer,
        )
    carry(session, actor, lot_id=lot.id, parts=[(sources[lot_id], milli) for lot_id, milli in inputs])
    parameters = {"lot": lot.id, "inputs": [lot_id for lot_id, _ in inputs], "milli": [milli for _, milli in inputs]}
    if len(session.execute(_TAKE_INPUTS, parameters).all()) != len(inputs):
        raise StockMovedError


def _locked_inputs(session: orm.Session, actor: Actor, lot_ids: Sequence[UUID]) -> dict[UUID, InputLot]:
    """Return the actor's own lots among these, locked in the order of their ids."""
    rows = session.execute(
        sa.select(
            Lot.id,
            Lot.number,
            Lot.status,
            Lot.base_unit,
            Lot.produced_on,
            Lot.expires_on,
            Lot.available_milli,
            Lot.quantity_milli,
            Lot.accepted_milli + Lot.moved_milli,
        )
        .where(Lot.id == sa.any_(sa.cast(list(lot_ids), sa.ARRAY(sa.Uuid))), Lot.supplier_id == actor.organisation_id)
        .order_by(Lot.id)
        .with_for_update()
    )
    return {row.id: InputLot(*row) for row in rows}


def attach_quality_certificate(session: orm.Session, actor: Actor, *, lot_id: UUID, number: str) -> Lot:
    """Attach a quality certificate (承诺达标合格证) to a draft lot, in place of an earlier one.

    Raises `NotFoundError`, `SealedLotError`, or `ReusedQualityCertificateError` for that of a lot which went into it.
    """
    lot = locked_lot(session, actor, lot_id)
    if lot.status is not LotStatus.DRAFT:
        raise SealedLotError
    for edge in ancestors(session, lot_id):
        if edge.input_quality_certificate == number:
            raise ReusedQualityCertificateError(number=edge.input_lot_number, pointer="/number")
    lot.quality_certificate = number
    session.flush()
    return lot
