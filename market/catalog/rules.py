"""Units of sale, price tiers, minimum and multiple, the life of a product, and what is sellable on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from market import quantities
from market.benefits.rules import PlanNotApprovedError
from market.certification.rules import CertificateStatus, check_usable
from market.errors import InvalidInputError, MarketError


class ProductStatus(StrEnum):
    """The life of a product."""

    DRAFT = "draft"
    LISTED = "listed"
    WITHDRAWN = "withdrawn"


class ProductEvent(StrEnum):
    """What happens to a product."""

    LIST = "list"
    WITHDRAW = "withdraw"


TRANSITIONS: Mapping[tuple[ProductStatus, ProductEvent], ProductStatus] = {
    (ProductStatus.DRAFT, ProductEvent.LIST): ProductStatus.LISTED,
    (ProductStatus.LISTED, ProductEvent.WITHDRAW): ProductStatus.WITHDRAWN,
    (ProductStatus.WITHDRAWN, ProductEvent.LIST): ProductStatus.LISTED,
}


class Sort(StrEnum):
    """The orders in which products can be listed; a price is that of one unit at the least order."""

    NAME = "name"
    NAME_DOWN = "-name"
    PRICE = "price"
    PRICE_DOWN = "-price"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Offer:
    """All that decides on a day whether, and at what price, a product can be ordered; `tiers` by rising quantity."""

    product_id: UUID
    supplier_id: UUID
    supplier_name: str
    supplier_active: bool
    name: str
    specification: str
    category_code: str
    needs_quality_certificate: bool
    unit: str
    unit_milli: int
    minimum_milli: int
    multiple_milli: int
    tax_bp: int
    weight_tolerance_bp: int | None
    status: ProductStatus
    tiers: tuple[tuple[int, int], ...]
    certificate_id: UUID
    certificate_number: str
    certificate_status: CertificateStatus
    certificate_valid_from: date
    certificate_valid_to: date
    plan_id: UUID
    plan_version_id: UUID | None
    plan_sha256: str | None


def check_sellable(offer: Offer, on: date) -> None:
    """Raise the reason why a product cannot be sold on a day, if there is one.

    The same rule in SQL, for the public listing, is `queries.SELLABLE`; a test holds the two together. Raises
    `NotListedError` or what `check_backing` raises.
    """
    if offer.status is not ProductStatus.LISTED:
        raise NotListedError(name=offer.name)
    check_backing(offer, on)


def check_backing(offer: Offer, on: date) -> None:
    """Raise the reason why a product cannot be listed on a day: all that sellable means but the listing itself.

    Raises `SupplierClosedError`, `CertificateSuspendedError`, `CertificateExpiredError` or `PlanNotApprovedError`.
    """
    if not offer.supplier_active:
        raise SupplierClosedError(supplier=offer.supplier_name)
    check_usable(
        number=offer.certificate_number,
        status=offer.certificate_status,
        valid_from=offer.certificate_valid_from,
        valid_to=offer.certificate_valid_to,
        on=on,
    )
    if offer.plan_version_id is None:
        raise PlanNotApprovedError(on=on)


def price_at(tiers: Sequence[tuple[int, int]], quantity_milli: int) -> int:
    """Return the price in fen of a unit for a quantity that `check_quantity` let pass.

    The tiers are `(from_milli, price_fen)` in any order; the one with the largest quantity not above the given wins.
    """
    return max(tier for tier in tiers if tier[0] <= quantity_milli)[1]


def check_quantity(quantity_milli: int, *, minimum_milli: int, multiple_milli: int, unit: str, unit_milli: int) -> None:
    """Raise `BelowMinimumError` or `NotAMultipleError` unless the quantity may be ordered."""
    if quantity_milli < minimum_milli:
        raise BelowMinimumError(minimum=quantities.text(minimum_milli, unit_milli), unit=unit)
    if quantity_milli % multiple_milli:
        raise NotAMultipleError(multiple=quantities.text(multiple_milli, unit_milli), unit=unit)


def milli_in(unit: str, offer: Offer) -> int:
    """Return the milli-units of a unit in which a product may be ordered: its own, or a mass where it is sold by mass.

    Minimum, multiple and price stay those of the product's unit. Raises `UnitMismatchError`.
    """
    if unit == offer.unit:
        return offer.unit_milli
    ordered, sold = quantities.Unit(unit), quantities.Unit(offer.unit)
    if not quantities.BASE_OF.get(ordered) is quantities.BASE_OF.get(sold) is quantities.Unit.KG:
        raise UnitMismatchError(unit=offer.unit)
    return quantities.MILLI_OF[ordered]


def milli_of(quantity: str, unit_milli: int, *, pointer: str) -> int:
    """Return the milli-units of a decimal string in a product's unit.

    Raises `InexactQuantityError`, with the pointer, for what `quantities.parse` refuses.
    """
    try:
        return quantities.parse(quantity, unit_milli)
    except quantities.QuantityError:
        raise InexactQuantityError(quantity=quantity, pointer=pointer) from None


def check_weighed(unit: str) -> None:
    """Raise `InvalidInputError` unless what is sold in the unit can be settled by the weight found: it is mass.

    A piece that is about so heavy is sold by weight, with its weight as the multiple.
    """
    if quantities.BASE_OF.get(quantities.Unit(unit)) is not quantities.Unit.KG:
        reason = "only what is sold in a unit of mass is settled by its weight"
        raise InvalidInputError(reason, "只有按重量单位销售的产品才能按实际重量结算", pointer="/weight_tolerance_bp")


def check_steps(minimum_milli: int, multiple_milli: int) -> None:
    """Raise `InvalidInputError` unless both are positive and the minimum can itself be ordered."""
    if multiple_milli <= 0:
        raise InvalidInputError("the multiple must be above zero", "订购倍数必须大于零", pointer="/multiple")
    if minimum_milli <= 0 or minimum_milli % multiple_milli:
        reason = "the minimum must be one or more whole multiples"
        raise InvalidInputError(reason, "起订量必须是订购倍数的整数倍", pointer="/minimum")


def check_tiers(tiers: Sequence[tuple[int, int]], minimum_milli: int) -> None:
    """Raise `TierError` unless tiers `(from_milli, price_fen)` begin at the minimum order and rise in quantity."""
    if not tiers:
        raise TierError(reason="there is none", reason_zh="未设价格", pointer="/tiers")
    starts = [from_milli for from_milli, _ in tiers]
    if starts[0] != minimum_milli:
        reason = "the first must begin at the minimum order"
        raise TierError(reason=reason, reason_zh="首档须从起订量开始", pointer="/tiers/0/from_quantity")
    for index in range(1, len(starts)):
        if starts[index] <= starts[index - 1]:
            pointer = f"/tiers/{index}/from_quantity"
            raise TierError(reason="the quantities must rise", reason_zh="各档数量须递增", pointer=pointer)


def moved_to_minimum(tiers: Sequence[tuple[int, int]], minimum_milli: int) -> list[tuple[int, int]]:
    """Return the tiers with the first begun at a new minimum; raises `TierError` when it meets the second."""
    (_, first_price_fen), *others = tiers
    if others and others[0][0] <= minimum_milli:
        reason = "the new minimum reaches the second tier; set the tiers anew"
        raise TierError(reason=reason, reason_zh="新的起订量已达第二档,请重新设定阶梯价", pointer="/minimum")
    return [(minimum_milli, first_price_fen), *others]


def within_ceiling(price_fen: int, unit_milli: int, ceiling_fen: int, ceiling_unit_milli: int) -> bool:
    """Tell whether a price per unit is at most the evidenced price per its unit, as exact rationals."""
    return price_fen * ceiling_unit_milli <= ceiling_fen * unit_milli


class BelowMinimumError(MarketError):
    """Less than the least order."""

    en = "The quantity is below the minimum of {minimum} {unit}."
    zh = "数量低于起订量({minimum} {unit})。"


class NotAMultipleError(MarketError):
    """Not a whole number of steps."""

    en = "The quantity is not a multiple of {multiple} {unit}."
    zh = "数量不是 {multiple} {unit} 的整数倍。"


class UnitMismatchError(MarketError):
    """Products are ordered in the unit they are sold in, or in one that converts to it exactly."""

    en = "This product is sold in this unit: {unit}."
    zh = "该产品按{unit}销售。"


class NotListedError(MarketError):
    """Draft or withdrawn."""

    status = 409
    en = "The product {name} is not listed."
    zh = "产品 {name} 未上架。"


class TierError(MarketError):
    """Tiers must begin at the minimum order and never repeat a quantity."""

    en = "The price tiers are not sound: {reason}."
    zh = "阶梯价格不成立:{reason_zh}。"


class ForeignCertificateError(MarketError):
    """A product needs its own supplier's certificate for the same product."""

    status = 409
    en = "The certificate is not this supplier's, or was given for another product."
    zh = "证书不属于该供应商,或不是为该产品颁发。"


class InexactQuantityError(MarketError):
    """A quantity is never rounded (market.quantities)."""

    en = "{quantity} cannot be expressed exactly in this unit, or is too large."
    zh = "数量 {quantity} 无法以该单位精确表示,或数值过大。"


class SupplierClosedError(MarketError):
    """A supplier that has left the market sells nothing."""

    status = 409
    en = "The supplier {supplier} has left the market."
    zh = "供应商 {supplier} 已退出平台。"


class MandateMissingError(MarketError):
    """A trading agent sells only under a supplier's written mandate (domain.md §2); none can be recorded yet."""

    status = 409
    en = "A trading agent may list products only under a supplier's written mandate."
    zh = "代理商须持有供应商书面授权方可上架产品。"


class CategoryTakenError(MarketError):
    """One code, one category."""

    status = 409
    en = "There is already a category {code}."
    zh = "类别 {code} 已存在。"
