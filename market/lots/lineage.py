"""What a lot may be made of, and whether what went into it is all that it claims to be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from market import quantities
from market.errors import InvalidInputError, MarketError
from market.lots.rules import LotStatus, OutOfStockError
from market.quantities import BASE_MILLI, MILLI_IN, MeasuredIn, Unit, base_of, base_units


@dataclass(frozen=True, slots=True)
class InputLot:
    """A lot from which another is made, as it stands before."""

    id: UUID
    number: str
    product_id: UUID
    status: LotStatus
    base_unit: Unit
    origin_code: str
    produced_on: date
    expires_on: date | None
    available_milli: int
    moved_milli: int
    quantity_milli: int
    drawn_milli: int
    quality_certificate: str | None
    certified_lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class Part:
    """Milli-units of one lot that go into another, and how much a piece weighs if that one converts."""

    lot_id: UUID
    source: InputLot
    quantity_milli: int
    content_milli: int | None = None


def check_source(source: InputLot, *, unit: Unit, made_on: date, pointer: str | None) -> None:
    """Raise `InputLotError` unless something measured in that unit may be made of the lot on that day."""
    reason = _unfit(source, unit, made_on)
    if reason is not None:
        raise InputLotError(number=source.number, reason=reason[0], reason_zh=reason[1], pointer=pointer)


def _unfit(source: InputLot, unit: Unit, made_on: date) -> tuple[str, str] | None:
    if source.status is not LotStatus.OPEN:
        return "it is not on sale, so what went into it is not settled", "该批次未开售"
    if source.base_unit is not unit:
        return "one is weighed and the other counted", "计量单位不同"
    if source.produced_on > made_on:
        return "it was produced later", "其生产日期晚于本批次"
    if source.expires_on is not None and source.expires_on < made_on:
        return "it had expired", "当时已过保质期"
    return None


def check_taken(milli: int, left_milli: int, *, measured_in: MeasuredIn, pointer: str) -> None:
    """Raise `InvalidInputError` or `OutOfStockError` unless something, and no more than is left, is taken."""
    if milli <= 0:
        raise InvalidInputError("it must be above zero", "必须大于零", pointer=pointer)
    if milli > left_milli:
        available = quantities.whole_or_exact(left_milli, MILLI_IN[measured_in])
        raise OutOfStockError(available=available, unit=measured_in, pointer=pointer)


def check_alike(sources: Sequence[InputLot]) -> None:
    """Raise `InputLotError`, with a pointer to the lot, unless all are of one product: others are processed."""
    for index, source in enumerate(sources):
        if source.product_id != sources[0].product_id:
            raise InputLotError(
                number=source.number,
                reason="it is of another product, which only processing can make into one",
                reason_zh="产品不同,只能通过加工合为一个批次",
                pointer=f"/inputs/{index}/lot_id",
            )


def region_of_all(codes: Sequence[str]) -> str:
    """Return the smallest region in which all these regions of one county lie (GB/T 2260, township +3, village +3)."""
    return next(codes[0][:length] for length in (12, 9, 6) if len({code[:length] for code in codes}) == 1)


def input_unit(base_unit: Unit, content_milli: int | None) -> Unit:
    """Return the base unit of what a lot is made of; one that says how much a piece weighs converts."""
    if content_milli is None:
        return base_unit
    return Unit.KG if base_unit is Unit.PIECE else Unit.PIECE


def balanced_in(base_unit: Unit, content_milli: int | None) -> Unit:
    """Return the base unit in which what went into a lot is held against what it claims: a lot that converts weighs."""
    return base_unit if content_milli is None else Unit.KG


def balanced(milli: int, unit: Unit, content_milli: int | None) -> int:
    """Return milli-units of a base unit in those of the balance; raises `InvalidInputError` unless they are whole."""
    if content_milli is None or unit is Unit.KG:
        return milli
    grams, rest = divmod(milli * content_milli, BASE_MILLI)
    if rest:
        reason = "so many pieces of this weight are no whole number of grams"
        raise InvalidInputError(reason, "件数与单件重量之积不是整克数", pointer="/content")
    return grams


def check_content(content_milli: int | None, *, base_unit: Unit, went_in: MeasuredIn) -> None:
    """Raise `InvalidInputError` unless a lot says how much a piece weighs when it converts, and only then."""
    converts = base_of(went_in).value != base_unit.value
    if converts and not content_milli:
        reason = "pieces made of what is weighed, or the reverse, need the weight of a piece"
        raise InvalidInputError(reason, "投料与成品计量单位不同,须填写单件重量", pointer="/content")
    if not converts and content_milli is not None:
        reason = "what goes in is measured as the lot is; nothing converts"
        raise InvalidInputError(reason, "投料与成品计量单位相同,无须填写单件重量", pointer="/content")


def check_balance(went_in_milli: int, loss_milli: int, claimed_milli: int, unit: Unit) -> None:
    """Raise `NotCoveredError` or `InflatedLotError` unless all that went in less the loss is what the lot claims.

    All in milli-units of `unit`. What went in is contributed, bought in, and of other lots; more of it than the lot
    holds would be income for produce that is in no lot.
    """
    kept_milli = went_in_milli - loss_milli
    if kept_milli < claimed_milli:
        covered = base_units(max(kept_milli, 0))
        raise NotCoveredError(covered=covered, quantity=base_units(claimed_milli), unit=unit)
    if kept_milli > claimed_milli:
        raise InflatedLotError(covered=base_units(kept_milli), quantity=base_units(claimed_milli), unit=unit)


class Flow(NamedTuple):
    """How much of what one lot holds went on into another, or came from it: `part` of `whole` milli-units."""

    begin: UUID
    end: UUID
    part: int
    whole: int


class Reached(NamedTuple):
    """How much of a traced quantity is in a lot, exactly, and how few steps away that is."""

    milli: Fraction
    generation: int


def trace(start: UUID, quantity_milli: int, flows: Sequence[Flow]) -> dict[UUID, Reached]:
    """Follow a quantity of a lot along every way it took, in proportion; what went two ways is counted once on each.

    The flows are all those that can be reached, each once, and lead in no circle. A lot is dealt with when all that
    comes to it has come, so that the work grows with the flows and not with the ways.
    """
    leaving: dict[UUID, list[Flow]] = {}
    awaited: Counter[UUID] = Counter()
    for flow in flows:
        leaving.setdefault(flow.begin, []).append(flow)
        awaited[flow.end] += 1
    reached = {start: Reached(Fraction(quantity_milli), 0)}
    ready = [start]
    while ready:
        held = reached[begin := ready.pop()]
        for flow in leaving.get(begin, ()):
            before = reached.get(flow.end, Reached(Fraction(0), held.generation + 1))
            milli = before.milli + held.milli * Fraction(flow.part, flow.whole)
            reached[flow.end] = Reached(milli, min(before.generation, held.generation + 1))
            awaited[flow.end] -= 1
            if not awaited[flow.end]:
                ready.append(flow.end)
    return reached


def whole_milli(quantity: Fraction) -> int:
    """Return an exact quantity in whole milli-units, the last part of one left out."""
    return quantity.numerator // quantity.denominator


class NotCoveredError(MarketError):
    """Conservation of quantity (domain.md §5, From order line to household, 1)."""

    status = 409
    en = "The lot claims {quantity} {unit}, but what went into it covers {covered}."
    zh = "批次数量 {quantity} {unit}超过其投入所能覆盖的 {covered} {unit}。"


class InflatedLotError(MarketError):
    """Conservation of quantity: produce that is in no lot brings nothing, and is owed nothing from one."""

    status = 409
    en = (
        "The lot holds {quantity} {unit}, but {covered} went in beyond the declared loss; discard it and enter it anew."
    )
    zh = "扣除申报损耗后投入为 {covered} {unit},超过批次数量 {quantity} {unit}。如系录错,请作废该批次后重新录入。"


class InputLotError(MarketError):
    """A lot is made only of lots that are themselves on sale and still good."""

    status = 409
    en = "The lot {number} cannot be used: {reason}."
    zh = "批次 {number} 不能作为原料:{reason_zh}。"
