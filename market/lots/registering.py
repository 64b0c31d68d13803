"""Registering lots: what was harvested or produced, or processed out of other lots; their quality certificates."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.catalog.models import Product
from market.certification.models import Application, Certificate
from market.clock import business_date
from market.db import lock_by, new_id
from market.errors import InvalidInputError, NotFoundError
from market.identifiers import county_of, reference_key
from market.identity.rules import Actor
from market.lots.lineage import InputLot, Part, balanced, check_content, check_source, check_taken, input_unit
from market.lots.models import Lot
from market.lots.moving import locked_inputs, move_into
from market.lots.queries import locked_lot
from market.lots.rules import (
    LotStatus,
    Origin,
    OutsideOriginError,
    ReusedQualityCertificateError,
    SealedLotError,
    check_days,
    check_unit,
    lot_number,
)
from market.quantities import MeasuredIn, Unit


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
    went_in: MeasuredIn | None = None,
    content_milli: int | None = None,
    bought_in_milli: int = 0,
    loss_milli: int = 0,
    inputs: Sequence[tuple[UUID, int]] = (),
    now: datetime,
) -> Lot:
    """Put a lot of the actor's own product on record as a draft; what it is made of moves into it at once.

    Quantities are milli-units of the base of `measured_in`. `inputs` are `(lot, milli)` of whatever product of the
    actor's, measured in `went_in` if that is another unit; each takes its part of the contributions along, and the lot
    is processed. Pieces made of what is weighed, or the reverse, weigh `content_milli` grams each; what is bought in
    and lost is then in grams too. Raises `NotFoundError`, `OutsideOriginError`, `WrongUnitError`, `InvalidInputError`,
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
    went_in = went_in or measured_in
    check_content(content_milli, base_unit=base_unit, went_in=went_in)
    balanced(quantity_milli, base_unit, content_milli)
    lot = draft(
        actor,
        origin=Origin.PROCESSED if inputs or content_milli else Origin.PRODUCED,
        product_id=product.id,
        base_unit=base_unit,
        quantity_milli=quantity_milli,
        produced_on=produced_on,
        expires_on=expires_on,
        origin_code=origin_code,
        area_milli_mu=area_milli_mu,
        content_milli=content_milli,
        bought_in_milli=bought_in_milli,
        loss_milli=loss_milli,
        now=now,
    )
    session.add(lot)
    session.flush()
    if inputs:
        sources = locked_inputs(session, actor, [lot_id for lot_id, _ in inputs])
        unit = input_unit(base_unit, content_milli)
        chosen = chosen_inputs(sources, inputs, unit=unit, measured_in=went_in, on=produced_on)
        balanced(sum(milli for _, milli in chosen), unit, content_milli)
        move_into(session, actor, [Part(lot.id, source, milli, content_milli) for source, milli in chosen])
    return lot


def draft(
    actor: Actor,
    *,
    origin: Origin,
    product_id: UUID,
    base_unit: Unit,
    quantity_milli: int,
    produced_on: date,
    expires_on: date | None,
    origin_code: str,
    content_milli: int | None = None,
    area_milli_mu: int | None = None,
    bought_in_milli: int = 0,
    loss_milli: int = 0,
    now: datetime,
) -> Lot:
    """Return a new draft of the actor's, all of it available, with a number of its own."""
    lot_id = new_id()
    return Lot(
        id=lot_id,
        number=lot_number(lot_id, produced_on),
        product_id=product_id,
        supplier_id=actor.organisation_id,
        status=LotStatus.DRAFT,
        origin=origin,
        produced_on=produced_on,
        expires_on=expires_on,
        origin_code=origin_code,
        area_milli_mu=area_milli_mu,
        base_unit=base_unit,
        content_milli=content_milli,
        quality_certificate=None,
        quality_certificate_key=None,
        certified_lot_id=None,
        quantity_milli=quantity_milli,
        bought_in_milli=bought_in_milli,
        loss_milli=loss_milli,
        available_milli=quantity_milli,
        made_by=actor.member_id,
        made_at=now,
        opened_by=None,
        opened_at=None,
        discarded_by=None,
    )


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


def chosen_inputs(
    sources: dict[UUID, InputLot],
    inputs: Sequence[tuple[UUID, int]],
    *,
    unit: Unit,
    measured_in: MeasuredIn,
    on: date,
) -> list[tuple[InputLot, int]]:
    """Return the locked lots with what is taken of each; raises, with a pointer, for one that cannot be used."""
    chosen: list[tuple[InputLot, int]] = []
    seen: set[UUID] = set()
    for index, (lot_id, milli) in enumerate(inputs):
        pointer = f"/inputs/{index}"
        if lot_id not in sources:
            raise NotFoundError(what="lot", pointer=f"{pointer}/lot_id")
        if lot_id in seen:
            raise InvalidInputError("it is listed twice", "重复列出", pointer=f"{pointer}/lot_id")
        seen.add(lot_id)
        source = sources[lot_id]
        check_source(source, unit=unit, made_on=on, pointer=f"{pointer}/lot_id")
        check_taken(milli, source.available_milli, measured_in=measured_in, pointer=f"{pointer}/quantity")
        chosen.append((source, milli))
    return chosen


def attach_quality_certificate(session: orm.Session, actor: Actor, *, lot_id: UUID, number: str) -> Lot:
    """Attach a quality certificate (承诺达标合格证) to a draft lot, in place of an earlier one or of its origin's.

    However it is typed it is the same. It is kept as long as the lot is, which nothing deletes; the law asks for six
    months (Ministry order 2025 no. 4).
    Raises `NotFoundError`, `SealedLotError`, or `ReusedQualityCertificateError` for that of another lot of one's own.
    """
    lot = locked_lot(session, actor, lot_id)
    if lot.status is not LotStatus.DRAFT:
        raise SealedLotError
    lock_by(session, kind="quality_certificate", key=lot.supplier_id)
    holding = sa.select(Lot.number).where(
        Lot.supplier_id == lot.supplier_id,
        Lot.quality_certificate_key == reference_key(number),
        Lot.status != LotStatus.DISCARDED,
        Lot.id != lot.id,
    )
    if holder := session.scalar(holding):
        raise ReusedQualityCertificateError(number=holder, pointer="/number")
    lot.quality_certificate, lot.quality_certificate_key = number, reference_key(number)
    lot.certified_lot_id = None
    session.flush()
    return lot
