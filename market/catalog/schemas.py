"""What the catalogue's endpoints take and give."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import (
    BasisPoints,
    Code,
    Count,
    CountyCode,
    Day,
    Flag,
    LongText,
    PageQuery,
    PositiveCount,
    PositiveFen,
    Quantity,
    RegionCode,
    Schema,
    Text,
    Wording,
)
from market.catalog.rules import ProductStatus, Sort
from market.money import MAX_FEN
from market.quantities import Unit

Id = Annotated[UUID, Field(examples=["0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33"])]
CategoryCode = Annotated[Code, Field(examples=["dried_fruit"])]
SoldIn = Annotated[Unit, Field(examples=["jin"])]
Status = Annotated[ProductStatus, Field(examples=["listed"])]
UnitMilli = Annotated[
    PositiveCount,
    Field(examples=[500], description="milli-units of the base unit (grams, or thousandths of a piece) in one unit"),
]
Tax = Annotated[int, Field(strict=True, ge=0, le=2000, examples=[900], description="1/100 of 1 %")]


Tolerance = Annotated[
    int | None,
    Field(
        strict=True,
        ge=1,
        le=2000,
        examples=[None],
        description="1/100 of 1 %: settled by the weight found (按实际重量结算), at most so much above the order",
    ),
]


class AddCategory(Schema):
    """A kind of product; `needs_quality_certificate` as Ministry order 2025 no. 4 says."""

    code: CategoryCode
    name: Annotated[Wording, Field(examples=["干果"])]
    needs_quality_certificate: Flag
    most_kg_per_mu: Annotated[
        PositiveCount | None,
        Field(examples=[None], description="what a mu (亩) bears of it in a year at most; lots above it are looked at"),
    ] = None


class CategoryOut(Schema):
    """A kind of product."""

    code: CategoryCode
    name: Annotated[Wording, Field(examples=["干果"])]
    needs_quality_certificate: Flag
    most_kg_per_mu: Annotated[int | None, Field(examples=[5_000])]


class PriceTierIn(Schema):
    """The price of one unit from a quantity on."""

    from_quantity: Quantity
    price_fen: PositiveFen


class PriceTierOut(Schema):
    """The price of one unit from a quantity on."""

    from_quantity: Quantity
    price_fen: PositiveFen


Tiers = Annotated[list[PriceTierIn], Field(max_length=20, examples=[[{"from_quantity": "10", "price_fen": 1280}]])]


class CreateProduct(Schema):
    """A product of the caller's own organisation, in the unit and category that its certificate was given for.

    It follows the benefit plan with which it was reviewed: another one only with another certificate.
    """

    certificate_id: Id
    category_code: CategoryCode
    unit: SoldIn
    name: Wording
    specification: Annotated[Wording, Field(examples=["一级,散装"])]
    description: Annotated[LongText, Field(examples=["吕梁山区骏枣,自然晾晒。"])]
    minimum: Annotated[Quantity, Field(examples=["10"])]
    multiple: Annotated[Quantity, Field(examples=["5"])]
    tax_bp: Tax
    weight_tolerance_bp: Tolerance = None
    tiers: Tiers = Field(default_factory=list)


class EditProduct(Schema):
    """What is left out stays as it is; with another certificate the product follows the plan of that."""

    name: Wording | None = None
    specification: Annotated[Wording | None, Field(examples=["一级,散装"])] = None
    description: Annotated[LongText | None, Field(examples=["吕梁山区骏枣,自然晾晒。"])] = None
    minimum: Annotated[Quantity | None, Field(examples=["10"])] = None
    multiple: Annotated[Quantity | None, Field(examples=["5"])] = None
    certificate_id: Id | None = None


class SetPriceTiers(Schema):
    """All price tiers, by rising quantity; the first begins at the minimum order."""

    tiers: Tiers


class SupplierOfProduct(Schema):
    """Who sells it."""

    id: Id
    name: Annotated[Wording, Field(examples=["富山种植专业合作社"])]
    county_code: RegionCode


class CertificateOfProduct(Schema):
    """Under which certificate it is sold, and in which batch that was published."""

    number: Annotated[str, Field(examples=["141122-3-0007"])]
    valid_to: Day
    batch_number: PositiveCount


class ProductItem(Schema):
    """A product as a listing shows it; quantities are in its unit, `available` is what its lots now hold."""

    id: Id
    name: Wording
    specification: Annotated[Wording, Field(examples=["一级,散装"])]
    category_code: CategoryCode
    supplier: SupplierOfProduct
    unit: SoldIn
    unit_milli: UnitMilli
    base_unit: Annotated[Unit, Field(examples=["kg"])]
    minimum: Annotated[Quantity, Field(examples=["10"])]
    multiple: Annotated[Quantity, Field(examples=["5"])]
    price_tiers: list[PriceTierOut]
    certificate: CertificateOfProduct
    available: Annotated[str, Field(pattern=r"^\d+(\.\d{1,6})?$", examples=["1800"])]


class ProductOut(ProductItem):
    """A product in full; `sellable` says whether it can be ordered today."""

    description: Annotated[LongText, Field(examples=["吕梁山区骏枣,自然晾晒。"])]
    origin_code: RegionCode
    tax_bp: BasisPoints
    weight_tolerance_bp: Tolerance
    plan_id: Id
    status: Status
    sellable: Flag
    version: PositiveCount


_SEARCHED = (
    "words, in any order, of name, specification, description, category and place of origin; not of the supplier's"
    " name: for its products use `supplier_id`"
)


class ProductFilter(Schema):
    """Which products; the price is that of one unit at the least order."""

    q: Annotated[Text | None, Field(max_length=100, examples=["骏枣"], description=_SEARCHED)] = None
    category: Annotated[CategoryCode | None, Field(examples=["dried_fruit"])] = None
    county: Annotated[CountyCode | None, Field(description="the county of the supplier: 6 digits")] = None
    supplier_id: Id | None = None
    batch_id: Annotated[Id | None, Field(description="of the certificate")] = None
    min_price_fen: Annotated[int | None, Field(ge=0, le=MAX_FEN, examples=[500])] = None
    max_price_fen: Annotated[int | None, Field(ge=0, le=MAX_FEN, examples=[5000])] = None
    in_stock: Annotated[bool | None, Field(examples=[True])] = None
    status: Annotated[
        Status | None, Field(description="also products not on sale: the caller's own, or those it oversees")
    ] = None


class ProductQuery(PageQuery, ProductFilter):
    """Which page of which products; without a status only what can be ordered today."""

    sort: Annotated[Sort, Field(examples=["name"])] = Sort.NAME


class CategoryFacet(Schema):
    """Products of one category."""

    code: CategoryCode
    name: Annotated[Wording, Field(examples=["干果"])]
    products: Count


class CountyFacet(Schema):
    """Products from one county; the name is null where the county is not in the register of regions."""

    code: RegionCode
    name: Annotated[str | None, Field(examples=["交城县"])]
    products: Count


class SupplierFacet(Schema):
    """Products of one supplier."""

    id: Id
    name: Annotated[Wording, Field(examples=["富山种植专业合作社"])]
    products: Count


class BatchFacet(Schema):
    """Products certified in one batch."""

    id: Id
    county_code: RegionCode
    number: PositiveCount
    products: Count


class FacetsOut(Schema):
    """How many of the products found fall to each."""

    categories: list[CategoryFacet]
    counties: list[CountyFacet]
    suppliers: list[SupplierFacet]
    batches: list[BatchFacet]
