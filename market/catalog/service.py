"""Putting products into the catalogue, pricing them, and taking them on and off sale."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.catalog import queries, search
from market.catalog.models import Category, PriceTier, Product
from market.catalog.rules import (
    TRANSITIONS,
    CategoryTakenError,
    ForeignCertificateError,
    MandateMissingError,
    ProductEvent,
    ProductStatus,
    UnitMismatchError,
    check_backing,
    check_steps,
    check_tiers,
    check_weighed,
    milli_of,
    moved_to_minimum,
    within_ceiling,
)
from market.certification.models import Application, Certificate
from market.certification.rules import PriceAboveEvidenceError
from market.errors import NotFoundError, follow
from market.identity.rules import Actor, OrganisationKind
from market.quantities import Unit
from market.regions.models import Region
from market.regions.rules import DIGITS_OF, Level

_COUNTY_DIGITS = DIGITS_OF[Level.COUNTY]


def add_category(
    session: orm.Session, *, code: str, name: str, needs_quality_certificate: bool, most_kg_per_mu: int | None = None
) -> Category:
    """Add a kind of product, with the most that a mu bears of it in a year; raises `CategoryTakenError`."""
    if session.get(Category, code) is not None:
        raise CategoryTakenError(code=code, pointer="/code")
    category = Category(
        code=code,
        name=name,
        needs_quality_certificate=needs_quality_certificate,
        most_kg_per_mu=most_kg_per_mu,
    )
    session.add(category)
    session.flush()
    return category


def create_product(
    session: orm.Session,
    actor: Actor,
    *,
    certificate_id: UUID,
    category_code: str,
    unit: Unit,
    name: str,
    specification: str,
    description: str,
    minimum: str,
    multiple: str,
    tax_bp: int,
    weight_tolerance_bp: int | None = None,
    tiers: Sequence[tuple[str, int]] = (),
) -> Product:
    """Write down a product as a draft, in the unit, of the category and under the plan with which it was certified.

    Quantities are decimal strings in the unit; tiers are `(from quantity, fen per unit)`. With a weight tolerance what
    is ordered is settled by the weight found, at most so much above it. Raises `NotFoundError`,
    `ForeignCertificateError`, `UnitMismatchError`, `InexactQuantityError`, `InvalidInputError`, `TierError`,
    `PriceAboveEvidenceError`.
    """
    application = _certified(session, actor, certificate_id)
    if category_code != application.category_code:
        raise ForeignCertificateError(pointer="/category_code")
    if unit.value != application.unit:
        raise UnitMismatchError(unit=application.unit, pointer="/unit")
    unit_milli = application.unit_milli
    minimum_milli = milli_of(minimum, unit_milli, pointer="/minimum")
    multiple_milli = milli_of(multiple, unit_milli, pointer="/multiple")
    check_steps(minimum_milli, multiple_milli)
    if weight_tolerance_bp is not None:
        check_weighed(unit)
    product = Product(
        supplier_id=actor.organisation_id,
        certificate_id=certificate_id,
        plan_id=application.plan_id,
        category_code=category_code,
        name=name,
        specification=specification,
        description=description,
        origin_code=application.origin_code,
        unit=unit.value,
        unit_milli=unit_milli,
        base_unit=application.base_unit,
        minimum_milli=minimum_milli,
        multiple_milli=multiple_milli,
        tax_bp=tax_bp,
        weight_tolerance_bp=weight_tolerance_bp,
        status=ProductStatus.DRAFT,
    )
    _index(session, product)
    session.add(product)
    session.flush()
    if tiers:
        _write_tiers(session, product, _parsed(tiers, unit_milli))
    return product


def own_product(session: orm.Session, actor: Actor, *, product_id: UUID) -> Product:
    """Return a product of the actor's organisation, locked; raises `NotFoundError`."""
    product = session.scalar(
        sa.select(Product)
        .where(Product.id == product_id, Product.supplier_id == actor.organisation_id)
        .with_for_update()
    )
    if product is None:
        raise NotFoundError(what="product")
    return product


def edit_product(
    session: orm.Session,
    actor: Actor,
    *,
    product: Product,
    name: str | None = None,
    specification: str | None = None,
    description: str | None = None,
    minimum: str | None = None,
    multiple: str | None = None,
    certificate_id: UUID | None = None,
) -> None:
    """Change what is given of a product locked by `own_product`; a renewed certificate is linked in this way.

    With it the product follows the plan with which that was reviewed. The first price tier moves with the minimum.
    Raises as `create_product` does.
    """
    product.name = name or product.name
    product.specification = specification or product.specification
    product.description = description or product.description
    if minimum is not None or multiple is not None:
        _change_steps(session, product, minimum=minimum, multiple=multiple)
    if certificate_id is not None:
        _link_certificate(session, actor, product, certificate_id)
    _index(session, product)
    product.version += 1
    session.flush()


def set_tiers(session: orm.Session, *, product: Product, tiers: Sequence[tuple[str, int]]) -> None:
    """Replace the price tiers `(from quantity, fen per unit)` of a product locked by `own_product`.

    Raises `InexactQuantityError`, `TierError`, `PriceAboveEvidenceError`.
    """
    _write_tiers(session, product, _parsed(tiers, product.unit_milli))
    product.version += 1
    session.flush()


def list_product(session: orm.Session, actor: Actor, *, product_id: UUID, on: date) -> Product:
    """Put a product on sale.

    Raises `NotFoundError`, `MandateMissingError`, `TransitionError`, `TierError` or what `check_backing` does.
    """
    product = own_product(session, actor, product_id=product_id)
    if actor.kind is OrganisationKind.TRADING_AGENT:
        raise MandateMissingError
    status = follow(TRANSITIONS, product.status, ProductEvent.LIST, machine="product")
    offer = queries.offers_for(session, [product.id], on)[product.id]
    check_tiers(offer.tiers, offer.minimum_milli)
    check_backing(offer, on)
    product.status = status
    product.version += 1
    session.flush()
    return product


def withdraw_product(session: orm.Session, actor: Actor, *, product_id: UUID) -> Product:
    """Take a product off sale; orders already placed stand. Raises `TransitionError`."""
    product = own_product(session, actor, product_id=product_id)
    product.status = follow(TRANSITIONS, product.status, ProductEvent.WITHDRAW, machine="product")
    product.version += 1
    session.flush()
    return product


def _certified(session: orm.Session, actor: Actor, certificate_id: UUID) -> Application:
    """Return the application behind a certificate of the actor's; all may see a foreign one, so it is called that."""
    found = session.execute(
        sa.select(Certificate.supplier_id, Application)
        .join(Application, Application.id == Certificate.application_id)
        .where(Certificate.id == certificate_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(what="certificate", pointer="/certificate_id")
    supplier_id, application = found
    if supplier_id != actor.organisation_id:
        raise ForeignCertificateError(pointer="/certificate_id")
    return application


def _link_certificate(session: orm.Session, actor: Actor, product: Product, certificate_id: UUID) -> None:
    application = _certified(session, actor, certificate_id)
    certified = (application.category_code, application.unit, application.unit_milli, application.base_unit)
    if certified != (product.category_code, product.unit, product.unit_milli, product.base_unit):
        raise ForeignCertificateError(pointer="/certificate_id")
    product.certificate_id = certificate_id
    product.plan_id = application.plan_id
    product.origin_code = application.origin_code
    _check_ceiling(session, product, _tiers_of(session, product), "/certificate_id")


def _change_steps(session: orm.Session, product: Product, *, minimum: str | None, multiple: str | None) -> None:
    if minimum is not None:
        product.minimum_milli = milli_of(minimum, product.unit_milli, pointer="/minimum")
    if multiple is not None:
        product.multiple_milli = milli_of(multiple, product.unit_milli, pointer="/multiple")
    check_steps(product.minimum_milli, product.multiple_milli)
    if tiers := _tiers_of(session, product):
        _write_tiers(session, product, moved_to_minimum(tiers, product.minimum_milli))


def _parsed(tiers: Sequence[tuple[str, int]], unit_milli: int) -> list[tuple[int, int]]:
    return [
        (milli_of(start, unit_milli, pointer=f"/tiers/{index}/from_quantity"), price_fen)
        for index, (start, price_fen) in enumerate(tiers)
    ]


def _tiers_of(session: orm.Session, product: Product) -> list[tuple[int, int]]:
    rows = session.execute(
        sa.select(PriceTier.from_milli, PriceTier.price_fen)
        .where(PriceTier.product_id == product.id)
        .order_by(PriceTier.from_milli)
    )
    return [(from_milli, price_fen) for from_milli, price_fen in rows]


def _write_tiers(session: orm.Session, product: Product, tiers: Sequence[tuple[int, int]]) -> None:
    check_tiers(tiers, product.minimum_milli)
    _check_ceiling(session, product, tiers)
    session.execute(sa.delete(PriceTier).where(PriceTier.product_id == product.id))
    session.execute(
        sa.insert(PriceTier),
        [{"product_id": product.id, "from_milli": start, "price_fen": price_fen} for start, price_fen in tiers],
    )
    product.first_price_fen = tiers[0][1]


def _check_ceiling(
    session: orm.Session, product: Product, tiers: Sequence[tuple[int, int]], pointer: str | None = None
) -> None:
    ceiling_fen, ceiling_unit_milli = session.execute(
        sa.select(Certificate.price_ceiling_fen, Application.unit_milli)
        .join(Application, Application.id == Certificate.application_id)
        .where(Certificate.id == product.certificate_id)
    ).one()
    for index, (_, price_fen) in enumerate(tiers):
        if not within_ceiling(price_fen, product.unit_milli, ceiling_fen, ceiling_unit_milli):
            at = pointer or f"/tiers/{index}/price_fen"
            raise PriceAboveEvidenceError(ceiling_fen=ceiling_fen, unit=product.unit, pointer=at)


def _index(session: orm.Session, product: Product) -> None:
    """Rebuild what the product is found by: its own texts, its category, and every name its place of origin has borne.

    Not its supplier's name: cooperatives are named after produce, and 香菇 would find all that a 香菇合作社 sells.
    """
    category = session.get_one(Category, product.category_code)
    within = [product.origin_code[:digits] for digits in sorted(DIGITS_OF.values()) if digits >= _COUNTY_DIGITS]
    places = session.scalars(sa.select(Region.name).where(Region.code.in_(within)))
    lexemes = search.lexemes([product.name, product.specification, product.description, category.name, *places])
    product.search = sa.func.array_to_tsvector(sa.cast(lexemes, postgresql.ARRAY(sa.Text)))
