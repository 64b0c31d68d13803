"""The catalogue by HTTP: categories, products on sale, and a supplier's own products."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Header, Query, Response
from sqlalchemy import orm

from market.api import (
    Page,
    PageQuery,
    PreconditionFailedError,
    PreconditionRequiredError,
    check_version,
    declared,
    decode_cursor,
    encode_cursor,
    etag,
    router_of,
)
from market.benefits.rules import PlanNotApprovedError
from market.catalog import queries, search, service
from market.catalog.models import Category, Product
from market.catalog.rules import (
    CategoryTakenError,
    ForeignCertificateError,
    InexactQuantityError,
    MandateMissingError,
    Sort,
    SupplierClosedError,
    TierError,
    UnitMismatchError,
)
from market.catalog.schemas import (
    AddCategory,
    CategoryOut,
    CreateProduct,
    EditProduct,
    FacetsOut,
    PriceTierIn,
    ProductFilter,
    ProductItem,
    ProductOut,
    ProductQuery,
    SetPriceTiers,
)
from market.certification.rules import CertificateExpiredError, CertificateSuspendedError, PriceAboveEvidenceError
from market.clock import business_date, utc_now
from market.errors import InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.money import MAX_FEN
from market.regions import service as regions
from market.regions.rules import UnknownRegionError

router = router_of("catalog")

JSON = "application/json"
Reader = Annotated[Caller, requires(Permission.PRODUCT_READ)]
Writer = Annotated[Caller, requires(Permission.PRODUCT_WRITE)]
IfMatch = Annotated[str | None, Header(examples=['"1"'])]

_PRICING = (InexactQuantityError, TierError, PriceAboveEvidenceError)
_EDITING = (NotFoundError, PreconditionRequiredError, PreconditionFailedError)
_BACKING = (SupplierClosedError, CertificateSuspendedError, CertificateExpiredError, PlanNotApprovedError)


@router.get("/categories")
def list_categories(query: Annotated[PageQuery, Query()], caller: Reader) -> Page[CategoryOut]:
    """List the categories of products by code."""
    with caller.transaction() as (session, _):
        categories = sa.select(Category).order_by(Category.code).limit(query.limit + 1)
        if query.cursor is not None:
            categories = categories.where(Category.code > decode_cursor(query.cursor, keys=1)[0])
        found = session.scalars(categories).all()
    shown = found[: query.limit]
    return Page(
        items=[CategoryOut.model_validate(category) for category in shown],
        next_cursor=encode_cursor(shown[-1].code) if len(found) > query.limit else None,
    )


@router.post("/categories", status_code=201, response_model=CategoryOut, responses=declared(CategoryTakenError))
def add_category(request: AddCategory, caller: Annotated[Caller, requires(Permission.CATEGORY_WRITE)]) -> Response:
    """Add a category of products."""
    return caller.once(
        request,
        lambda session, _: CategoryOut.model_validate(
            service.add_category(
                session,
                code=request.code,
                name=request.name,
                needs_quality_certificate=request.needs_quality_certificate,
                most_kg_per_mu=request.most_kg_per_mu,
            )
        ),
    )


@router.get("/products", response_model=Page[ProductItem], responses=declared(UnknownRegionError))
def list_products(query: Annotated[ProductQuery, Query()], caller: Reader) -> Response:
    """List the products that can be ordered today, with prices, certificate and stock."""
    after = None if query.cursor is None else _after(query.cursor, query.sort)
    on = business_date(utc_now())
    with caller.reading() as (connection, actor):
        page = queries.listing(
            connection,
            actor,
            filters=_filters(query),
            sort=query.sort,
            after=after,
            limit=query.limit,
            on=on,
        )
        if query.county is not None and page == queries.EMPTY_PAGE:  # only then: a listing is one statement
            regions.check_known(connection, query.county, on, pointer="/query/county")
    return Response(page, media_type=JSON)


@router.get("/products/facets", response_model=FacetsOut, responses=declared(UnknownRegionError))
def count_facets(query: Annotated[ProductFilter, Query()], caller: Reader) -> Response:
    """Count the products of a listing by category, county, supplier and batch."""
    on = business_date(utc_now())
    with caller.reading() as (connection, actor):
        if query.county is not None:
            regions.check_known(connection, query.county, on, pointer="/query/county")
        counts = queries.facets(connection, actor, filters=_filters(query), on=on)
    return Response(counts, media_type=JSON)


@router.get("/products/{product_id}", response_model=ProductOut, responses=declared(NotFoundError))
def show_product(product_id: UUID, caller: Reader) -> Response:
    """Show one product; drafts and withdrawn ones only to their supplier and to those who oversee it."""
    with caller.reading() as (connection, actor):
        return _answer(connection, actor, product_id)


@router.post(
    "/products",
    status_code=201,
    response_model=ProductOut,
    responses=declared(NotFoundError, ForeignCertificateError, UnitMismatchError, InvalidInputError, *_PRICING),
)
def create_product(request: CreateProduct, caller: Writer) -> Response:
    """Write down a product as a draft, under one of your certificates and the plan that was reviewed with it."""

    def work(session: orm.Session, actor: Actor) -> ProductOut:
        product = service.create_product(
            session,
            actor,
            certificate_id=request.certificate_id,
            category_code=request.category_code,
            unit=request.unit,
            name=request.name,
            specification=request.specification,
            description=request.description,
            minimum=request.minimum,
            multiple=request.multiple,
            tax_bp=request.tax_bp,
            weight_tolerance_bp=request.weight_tolerance_bp,
            tiers=_tiers(request.tiers),
        )
        return _out(session, actor, product)

    return caller.once(request, work)


@router.patch(
    "/products/{product_id}",
    response_model=ProductOut,
    responses=declared(*_EDITING, ForeignCertificateError, InvalidInputError, *_PRICING),
)
def edit_product(product_id: UUID, request: EditProduct, caller: Writer, if_match: IfMatch = None) -> Response:
    """Change a product of yours, or link it to its renewed certificate; the first price tier moves with the minimum."""
    with caller.transaction() as (session, actor):
        product = service.own_product(session, actor, product_id=product_id)
        check_version(if_match, product.version)
        service.edit_product(session, actor, product=product, **request.model_dump(exclude_none=True))
        return _answer(session.connection(), actor, product_id)


@router.put(
    "/products/{product_id}/price-tiers",
    response_model=ProductOut,
    responses=declared(*_EDITING, *_PRICING),
)
def set_price_tiers(product_id: UUID, request: SetPriceTiers, caller: Writer, if_match: IfMatch = None) -> Response:
    """Replace the price tiers of a product of yours; none may exceed the price its certificate was given for."""
    with caller.transaction() as (session, actor):
        product = service.own_product(session, actor, product_id=product_id)
        check_version(if_match, product.version)
        service.set_tiers(session, product=product, tiers=_tiers(request.tiers))
        return _answer(session.connection(), actor, product_id)


@router.post(
    "/products/{product_id}/listing",
    response_model=ProductOut,
    responses=declared(NotFoundError, TransitionError, MandateMissingError, TierError, *_BACKING),
)
def list_product(product_id: UUID, caller: Writer) -> Response:
    """Put a product of yours on sale."""
    today = business_date(utc_now())
    return caller.once(
        None,
        lambda session, actor: _out(
            session, actor, service.list_product(session, actor, product_id=product_id, on=today)
        ),
        status=200,
    )


@router.post(
    "/products/{product_id}/withdrawal",
    response_model=ProductOut,
    responses=declared(NotFoundError, TransitionError),
)
def withdraw_product(product_id: UUID, caller: Writer) -> Response:
    """Take a product of yours off sale; orders already placed stand."""
    return caller.once(
        None,
        lambda session, actor: _out(session, actor, service.withdraw_product(session, actor, product_id=product_id)),
        status=200,
    )


def _filters(query: ProductFilter) -> dict[str, object]:
    """Return what is asked for, by the names of the listing's conditions."""
    filters: dict[str, object] = {
        name: value for name in ProductFilter.model_fields if (value := getattr(query, name)) is not None
    }
    if (words := filters.pop("q", None)) is not None:
        filters["tsquery"] = search.tsquery(str(words))
    return filters


def _after(cursor: str, sort: Sort) -> tuple[object, UUID]:
    """Return the sort key and id in a cursor; raises `InvalidInputError` for one that this sort never gave."""
    given, key, product_id = decode_cursor(cursor, keys=3)
    try:
        return _key(key, Sort(given) if given == sort else None), UUID(product_id)
    except ValueError:
        raise InvalidInputError("the cursor is not one of this list", "游标无效", pointer="/query/cursor") from None


def _key(key: str, sort: Sort | None) -> object:
    """Return a cursor's sort key as the database takes it; raises `ValueError`."""
    if sort is Sort.NEWEST:
        return UUID(key)
    if sort in (Sort.PRICE, Sort.PRICE_DOWN) and 0 <= (price_fen := int(key)) <= MAX_FEN:
        return price_fen
    if sort in (Sort.NAME, Sort.NAME_DOWN) and key.isprintable():
        return key
    raise ValueError(key)


def _tiers(tiers: list[PriceTierIn]) -> list[tuple[str, int]]:
    return [(tier.from_quantity, tier.price_fen) for tier in tiers]


def _out(session: orm.Session, actor: Actor, product: Product) -> ProductOut:
    """Return a product of the actor's own as its answer."""
    body, _ = _shown(session.connection(), actor, product.id)
    return ProductOut.model_validate_json(body)


def _answer(connection: sa.Connection, actor: Actor, product_id: UUID) -> Response:
    body, version = _shown(connection, actor, product_id)
    return Response(body, headers={"ETag": etag(version)}, media_type=JSON)


def _shown(connection: sa.Connection, actor: Actor, product_id: UUID) -> tuple[str, int]:
    found = queries.product(connection, actor, product_id=product_id, on=business_date(utc_now()))
    if found is None:
        raise NotFoundError(what="product")
    return found
