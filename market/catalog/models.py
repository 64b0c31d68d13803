"""Tables: categories, products, price tiers."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.catalog.rules import ProductStatus
from market.db import Base, new_id


class Category(Base):
    """A kind of product; `needs_quality_certificate` as Ministry order 2025 no. 4 says.

    `most_kg_per_mu` is what a mu can bear in a year at most; none for what does not grow on land.
    """

    __tablename__ = "categories"
    __table_args__ = (sa.CheckConstraint("most_kg_per_mu > 0", name="yield_is_positive"),)

    code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    needs_quality_certificate: orm.Mapped[bool]
    most_kg_per_mu: orm.Mapped[int | None]


class Product(Base):
    """What a supplier sells, in one unit, under one certificate and the benefit plan with which that was reviewed.

    One unit holds `unit_milli` milli-units of `base_unit`. `first_price_fen` repeats the price of the first tier, by
    which products are sorted (0: no tiers yet); `search` holds the lexemes of its texts, category and origin. With a
    `weight_tolerance_bp` what is ordered is an estimate, settled by the weight found (按实际重量结算).
    """

    __tablename__ = "products"
    __table_args__ = (
        sa.CheckConstraint("unit_milli > 0", name="unit_is_positive"),
        sa.CheckConstraint("minimum_milli > 0 AND multiple_milli > 0", name="steps_are_positive"),
        sa.CheckConstraint("mod(minimum_milli, greatest(multiple_milli, 1)) = 0", name="minimum_can_be_ordered"),
        sa.CheckConstraint("first_price_fen >= 0", name="price_is_not_negative"),
        sa.CheckConstraint("status <> 'listed' OR first_price_fen > 0", name="listed_product_has_a_price"),
        sa.CheckConstraint("tax_bp BETWEEN 0 AND 2000", name="tax_is_plausible"),
        sa.CheckConstraint(
            "weight_tolerance_bp IS NULL"
            " OR (weight_tolerance_bp BETWEEN 1 AND 2000 AND unit IN ('kg', 'g', 't', 'jin', 'liang'))",
            name="mass_alone_is_settled_by_weight",
        ),
        # Without a list of pending entries: products are read far more often than written.
        sa.Index("products_search_idx", "search", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        sa.Index("products_by_name_idx", "name", "id", postgresql_where=sa.text("status = 'listed'")),
        sa.Index("products_by_price_idx", "first_price_fen", "id", postgresql_where=sa.text("status = 'listed'")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    certificate_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("certificates.id"), index=True)
    plan_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("plans.id"))
    category_code: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("categories.code"), index=True)
    name: orm.Mapped[str]
    specification: orm.Mapped[str]
    description: orm.Mapped[str]
    origin_code: orm.Mapped[str]
    unit: orm.Mapped[str]
    unit_milli: orm.Mapped[int]
    base_unit: orm.Mapped[str]
    minimum_milli: orm.Mapped[int]
    multiple_milli: orm.Mapped[int]
    tax_bp: orm.Mapped[int]
    weight_tolerance_bp: orm.Mapped[int | None]
    first_price_fen: orm.Mapped[int] = orm.mapped_column(default=0)
    status: orm.Mapped[ProductStatus]
    search: orm.Mapped[Any] = orm.mapped_column(postgresql.TSVECTOR, deferred=True)
    version: orm.Mapped[int] = orm.mapped_column(default=1)


class PriceTier(Base):
    """The price of one unit from a quantity on; the tier with the largest quantity not above the ordered one wins."""

    __tablename__ = "price_tiers"
    __table_args__ = (sa.CheckConstraint("price_fen > 0", name="price_is_positive"),)

    product_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    from_milli: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    price_fen: orm.Mapped[int]
