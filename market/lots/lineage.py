"""What a lot may be made of, and whether what went into it covers what it claims to be."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from market import quantities
from market.errors import InvalidInputError, MarketError
from market.lots.rules import LotStatus, OutOfStockError
from market.quantities import MILLI_IN, MeasuredIn, Unit, base_units


@dataclass(frozen=True, slots=True)
class InputLot:
    """A lot from which another is made, as it stands before."""

    id: UUID
    number: str
    status: LotStatus
    base_unit: Unit
    produced_on: date
    expires_on: date | None
    available_milli: int
    quantity_milli: int
    drawn_milli: int


def check_input(
    source: InputLot,
    quantity_milli: int,
    *,
    base_unit: Unit,
    measured_in: MeasuredIn,
    produced_on: date,
    pointer: str,
) -> None:
    """Raise `InputLotError` or `OutOfStockError` unless the quantity may go into a lot produced on that day."""
    reason = _unfit(source, base_unit, produced_on)
    if reason is not None:
        raise InputLotError(number=source.number, reason=reason[0], reason_zh=reason[1], pointer=f"{pointer}/lot_id")
    if quantity_milli <= 0:
        raise InvalidInputError("it must be above zero", "必须大于零", pointer=f"{pointer}/quantity")
    if quantity_milli > source.available_milli:
        available = quantities.whole_or_exact(source.available_milli, MILLI_IN[measured_in])
        raise OutOfStockError(available=available, unit=measured_in, pointer=f"{pointer}/quantity")


def _unfit(source: InputLot, base_unit: Unit, produced_on: date) -> tuple[str, str] | None:
    if source.status is not LotStatus.OPEN:
        return "it is not on sale, so what went into it is not settled", "该批次未开售"
    if source.base_unit is not base_unit:
        return "one is weighed and the other counted", "计量单位不同"
    if source.produced_on > produced_on:
        return "it was produced later", "其生产日期晚于本批次"
    if source.expires_on is not None and source.expires_on < produced_on:
        return "it had expired", "当时已过保质期"
    return None


def check_coverage(covered_milli: int, quantity_milli: int, base_unit: Unit) -> None:
    """Raise `NotCoveredError` unless contributions + bought-in + inputs - loss cover the lot (milli-units)."""
    if covered_milli < quantity_milli:
        covered = base_units(max(covered_milli, 0))
        raise NotCoveredError(covered=covered, quantity=base_units(quantity_milli), unit=base_unit)


class NotCoveredError(MarketError):
    """Conservation of quantity (domain.md §5, From order line to household, 1)."""

    status = 409
    en = "The lot claims {quantity} {unit}, but what went into it covers {covered}."
    zh = "批次数量 {quantity} {unit}超过其投入所能覆盖的 {covered} {unit}。"


class InputLotError(MarketError):
    """A lot is made only of lots that are themselves on sale and still good."""

    status = 409
    en = "The lot {number} cannot be used: {reason}."
    zh = "批次 {number} 不能作为原料:{reason_zh}。"
