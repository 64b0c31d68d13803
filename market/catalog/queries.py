"""What the catalogue shows, each answer in one statement: listing, facets, one product, and offers for an order.

PostgreSQL builds the JSON of the hot reads; their shape is documented, and checked in tests, by `schemas`.
"""

# ruff: noqa: S608 - statements are assembled only from the fragments of this file; every value is bound

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.catalog.rules import Offer, ProductStatus, Sort
from market.certification.rules import CertificateStatus
from market.db import array
from market.identity.rules import Actor, Side

EMPTY_PAGE = '{"items" : [], "next_cursor" : null}'
"""How PostgreSQL writes a page without products."""

_FACTS = """
  FROM products
  JOIN organisations ON organisations.id = products.supplier_id
  JOIN certificates ON certificates.id = products.certificate_id
  JOIN batches ON batches.id = certificates.batch_id
"""

_IN_FORCE = """
         FROM plan_versions
        WHERE plan_versions.plan_id = products.plan_id
          AND plan_versions.status = 'approved' AND plan_versions.valid_from <= :on
"""

SELLABLE = f"""
       products.status = 'listed' AND organisations.active AND certificates.status = 'valid'
       AND :on BETWEEN certificates.valid_from AND certificates.valid_to AND EXISTS (SELECT {_IN_FORCE})
"""
"""`rules.check_sellable`, in SQL."""

_VISIBLE = """
       (products.status = 'listed' OR products.supplier_id = :own_id
        OR CAST(:oversees AS boolean) AND starts_with(organisations.region_code, :region_code))
"""
"""A draft or withdrawn product is seen by its supplier, by authorities of its region, by auditors and the operator."""

# The stock is that of the domain above, read here as a plain table: a buyer wants to see it beside the price, and a
# second statement would cost a second round trip. Nothing is decided by it; placing an order locks and asks again.
_ON_SALE = """
          FROM lots
         WHERE lots.product_id = products.id AND lots.status = 'open' AND lots.available_milli > 0
           AND (lots.expires_on IS NULL OR lots.expires_on >= :on)
"""


def _in_units(milli: str) -> str:
    """Return SQL for milli-units as the decimal string of `quantities.text`; a rest below 1/1,000,000 is left out."""
    decimal = f"trim_scale(div({milli} * 1000000::numeric, products.unit_milli) * 0.000001)"
    # Nearly every quantity is a whole number of units, which integers divide several times faster.
    whole = f"mod({milli}, products.unit_milli) = 0 THEN {milli} / products.unit_milli"
    return f"(CASE WHEN {whole} ELSE {decimal} END)::text"


_ITEM = f"""
       'id', products.id,
       'name', products.name,
       'specification', products.specification,
       'category_code', products.category_code,
       'supplier', json_build_object(
           'id', organisations.id, 'name', organisations.name, 'county_code', left(organisations.region_code, 6)),
       'unit', products.unit,
       'unit_milli', products.unit_milli,
       'base_unit', products.base_unit,
       'minimum', {_in_units("products.minimum_milli")},
       'multiple', {_in_units("products.multiple_milli")},
       'price_tiers', coalesce((
           SELECT json_agg(json_build_object(
                      'from_quantity', {_in_units("price_tiers.from_milli")}, 'price_fen', price_tiers.price_fen)
                  ORDER BY price_tiers.from_milli)
             FROM price_tiers WHERE price_tiers.product_id = products.id), '[]'::json),
       'certificate', json_build_object(
           'number', certificates.number, 'valid_to', certificates.valid_to, 'batch_number', batches.number),
       'available', (SELECT {_in_units("CAST(coalesce(sum(lots.available_milli), 0) AS bigint)")} {_ON_SALE})
"""

_ONE = sa.text(
    f"""
SELECT products.version, json_build_object({_ITEM},
       'description', products.description,
       'origin_code', products.origin_code,
       'tax_bp', products.tax_bp,
       'weight_tolerance_bp', products.weight_tolerance_bp,
       'plan_id', products.plan_id,
       'status', products.status,
       'sellable', {SELLABLE},
       'version', products.version)::text AS body
{_FACTS}
 WHERE products.id = :product_id AND {_VISIBLE}
"""
)

_CONDITIONS: Mapping[str, str] = {
    "tsquery": "products.search @@ CAST(:tsquery AS tsquery)",
    "category": "products.category_code = :category",
    "county": "left(organisations.region_code, 6) = :county",
    "supplier_id": "products.supplier_id = :supplier_id",
    "batch_id": "certificates.batch_id = :batch_id",
    "min_price_fen": "products.first_price_fen >= :min_price_fen",
    "max_price_fen": "products.first_price_fen <= :max_price_fen",
    "in_stock": f"EXISTS (SELECT {_ON_SALE}) = :in_stock",
    "status": "products.status = :status",
}


@dataclass(frozen=True, slots=True)
class _Order:
    """How a sort reads: its key, the direction, and how the key of a cursor is cast back."""

    key: str
    comes_after: str
    direction: str
    type: str


_ORDERS: Mapping[Sort, _Order] = {
    Sort.NAME: _Order("products.name", ">", "ASC", "text"),
    Sort.NAME_DOWN: _Order("products.name", "<", "DESC", "text"),
    Sort.PRICE: _Order("products.first_price_fen", ">", "ASC", "bigint"),
    Sort.PRICE_DOWN: _Order("products.first_price_fen", "<", "DESC", "bigint"),
    # Identifiers are UUIDv7: the latest is the greatest.
    Sort.NEWEST: _Order("products.id", "<", "DESC", "uuid"),
}


def _where(filters: frozenset[str]) -> str:
    """Return the condition of a listing; only who asks for a status sees what is not on sale."""
    shown = _VISIBLE if "status" in filters else SELLABLE
    return " AND ".join([shown, *(_CONDITIONS[name] for name in sorted(filters))])


@lru_cache(maxsize=1024)
def _listing(filters: frozenset[str], sort: Sort, *, goes_on: bool) -> sa.TextClause:
    order = _ORDERS[sort]
    after = f"AND ({order.key}, products.id) {order.comes_after} (CAST(:after_key AS {order.type}), :after_id)"
    # The cursor is what market.api.encode_cursor gives: base64url of the keys, separated by U+001F, without padding.
    return sa.text(
        f"""
SELECT json_build_object(
       'items', coalesce(json_agg(item ORDER BY position) FILTER (WHERE position <= :limit), '[]'::json),
       'next_cursor', CASE WHEN count(*) > :limit THEN
           translate(encode(convert_to(
               max(concat_ws(E'\\x1f', '{sort.value}', sort_key, id)) FILTER (WHERE position = :limit), 'UTF8'),
               'base64'), E'+/=\\n', '-_') END)::text
  FROM (SELECT page.*, row_number() OVER () AS position
          FROM (SELECT json_build_object({_ITEM}) AS item, {order.key} AS sort_key, products.id AS id
                {_FACTS}
                 WHERE {_where(filters)} {after if goes_on else ""}
                 ORDER BY {order.key} {order.direction}, products.id {order.direction}
                 LIMIT :limit + 1) AS page) AS numbered
"""
    )


@lru_cache(maxsize=1024)
def _facets(filters: frozenset[str]) -> sa.TextClause:
    def counted(columns: str, pairs: str) -> str:
        counts = f"SELECT {columns}, count(*) AS products FROM found GROUP BY {columns} ORDER BY {columns}"
        objects = f"json_agg(json_build_object({pairs}, 'products', products))"
        return f"(SELECT coalesce({objects}, '[]'::json) FROM ({counts}) AS counted)"

    return sa.text(
        f"""
  WITH found AS (
SELECT categories.code AS category_code, categories.name AS category_name,
       left(organisations.region_code, 6) AS county_code, regions.name AS county_name,
       organisations.id AS supplier_id, organisations.name AS supplier_name,
       batches.id AS batch_id, batches.county_code AS batch_county_code, batches.number AS batch_number
{_FACTS}
  JOIN categories ON categories.code = products.category_code
  LEFT JOIN regions ON regions.code = left(organisations.region_code, 6)
       AND regions.valid_from <= :on AND (regions.valid_until IS NULL OR regions.valid_until > :on)
 WHERE {_where(filters)})
SELECT json_build_object(
       'categories', {counted("category_code, category_name", "'code', category_code, 'name', category_name")},
       'counties', {counted("county_code, county_name", "'code', county_code, 'name', county_name")},
       'suppliers', {counted("supplier_name, supplier_id", "'id', supplier_id, 'name', supplier_name")},
       'batches', {
            counted(
                "batch_county_code, batch_number, batch_id",
                "'id', batch_id, 'county_code', batch_county_code, 'number', batch_number",
            )
        })::text
"""
    )


def listing(
    connection: sa.Connection,
    actor: Actor,
    *,
    filters: Mapping[str, object],
    sort: Sort,
    after: tuple[object, UUID] | None,
    limit: int,
    on: date,
) -> str:
    """Return a page of products as JSON text: those sellable on a day, or of a `status` those the actor may see.

    `filters` holds values by the names of `_CONDITIONS`; `after` is the sort key and id of the last product seen.
    """
    statement = _listing(frozenset(filters), sort, goes_on=after is not None)
    values = {**filters, **_seen_by(actor, filters), "on": on, "limit": limit}
    if after is not None:
        values["after_key"], values["after_id"] = after
    page: str = connection.execute(statement, values).scalar_one()
    return page


def facets(connection: sa.Connection, actor: Actor, *, filters: Mapping[str, object], on: date) -> str:
    """Return as JSON text how many products of a listing fall to each category, county, supplier and batch."""
    values = {**filters, **_seen_by(actor, filters), "on": on}
    counts: str = connection.execute(_facets(frozenset(filters)), values).scalar_one()
    return counts


def product(connection: sa.Connection, actor: Actor, *, product_id: UUID, on: date) -> tuple[str, int] | None:
    """Return one product as JSON text, and its version; None when the actor may not see it."""
    found = connection.execute(_ONE, {"product_id": product_id, "on": on, **_visibility(actor)}).one_or_none()
    return None if found is None else (found.body, found.version)


def _seen_by(actor: Actor, filters: Mapping[str, object]) -> dict[str, object]:
    return _visibility(actor) if "status" in filters else {}


def _visibility(actor: Actor) -> dict[str, object]:
    """Return the values of `_VISIBLE`."""
    return {
        "own_id": actor.organisation_id,
        "oversees": actor.side in (Side.AUTHORITY, Side.AUDITOR, Side.OPERATOR),
        "region_code": actor.region_code if actor.side is Side.AUTHORITY else "",
    }


_OFFERS = sa.text(
    f"""
SELECT products.id AS product_id, products.supplier_id, organisations.name AS supplier_name,
       organisations.active AS supplier_active, products.name, products.specification, products.category_code,
       categories.needs_quality_certificate, products.unit, products.unit_milli, products.minimum_milli,
       products.multiple_milli, products.tax_bp, products.weight_tolerance_bp, products.status,
       ARRAY(SELECT ARRAY[price_tiers.from_milli, price_tiers.price_fen] FROM price_tiers
              WHERE price_tiers.product_id = products.id ORDER BY price_tiers.from_milli) AS tiers,
       certificates.id AS certificate_id, certificates.number AS certificate_number,
       certificates.status AS certificate_status, certificates.valid_from AS certificate_valid_from,
       certificates.valid_to AS certificate_valid_to,
       products.plan_id, plan_version.id AS plan_version_id, plan_version.sha256 AS plan_sha256
{_FACTS}
  JOIN categories ON categories.code = products.category_code
  LEFT JOIN LATERAL (
       SELECT plan_versions.id, plan_versions.sha256 {_IN_FORCE}
        ORDER BY plan_versions.valid_from DESC, plan_versions.number DESC
        LIMIT 1) AS plan_version ON true
 WHERE products.id = ANY(CAST(:product_ids AS uuid[]))
"""
)


def offers_for(session: orm.Session, product_ids: Sequence[UUID], on: date) -> dict[UUID, Offer]:
    """Return what decides on an order of these products, by id, in one statement; unknown products are left out."""
    rows = session.execute(_OFFERS, {"product_ids": array(product_ids), "on": on}).mappings()
    return {row["product_id"]: _offer(row) for row in rows}


def _offer(row: sa.RowMapping) -> Offer:
    return Offer(
        **{
            **row,
            "status": ProductStatus(row["status"]),
            "certificate_status": CertificateStatus(row["certificate_status"]),
            "tiers": tuple((from_milli, price_fen) for from_milli, price_fen in row["tiers"]),
        }
    )
