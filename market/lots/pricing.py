"""What a household is owed for what it gave to a lot, by the plan version in force on the day of delivery."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from market import money
from market.benefits.rules import MEASURES_IN, MECHANISMS, Measure, Mechanism, PriceTerms, Pricing
from market.errors import InvalidInputError, MarketError, check_not_ahead
from market.lots.rules import check_unit
from market.quantities import MILLI_IN, MeasuredIn, Unit, base_of

MARKET_PRICE_AGE = timedelta(days=7)
"""How old a market price may be on the day of delivery: price lists come out once a week."""


class NotMeasuredSoError(MarketError):
    """Produce is weighed or counted, work counted in hours, pieces or mu, land in mu."""

    en = "Contributions by {mechanism} are not measured in {unit}."
    zh = "「{mechanism}」的投入不以{unit}计量。"


class PriceNotByPlanError(MarketError):
    """The price of a contribution follows from the plan version in force on the day of delivery."""

    en = "By the benefit plan in force on {on}, {reason}."
    zh = "按 {on} 生效的带农方案,{reason_zh}。"


class LandNotOfLotError(MarketError):
    """Rent and tending count where they are crop-linked: the land is that on which the lot grew (domain.md §5)."""

    en = "The lot grew on {area} mu; {found} mu are contributed to it."
    zh = "该批次种植面积为 {area} 亩,投入面积合计 {found} 亩。"


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """What the market paid for one unit on a day, and where that is printed."""

    price_fen: int
    source: str
    on: date


@dataclass(frozen=True, slots=True)
class NewContribution:
    """What a supplier states of a contribution; what the household is owed follows from the plan.

    `measure_milli` is in milli-units of the base of `measured_in`; the prices are per one of `measured_in`. The unit
    price is stated where it is agreed, and may be left out where the plan makes it from the market's.
    """

    household_id: UUID
    mechanism: Mechanism
    measure_milli: int
    measured_in: MeasuredIn
    unit_price_fen: int | None
    delivered_on: date
    evidence: str
    market: MarketPrice | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """What follows of a contribution from its plan: a price and an amount, or basis points of the proceeds."""

    measure: Measure
    unit_price_fen: int | None
    amount_fen: int | None
    proceeds_bp: int | None


def agree(given: NewContribution, terms: PriceTerms, *, base_unit: Unit, today: date, pointer: str) -> Agreed:
    """Return what a contribution brings its household by the terms of its plan.

    Raises `NotMeasuredSoError`, `WrongUnitError`, `PriceNotByPlanError`, `FutureDateError` or `InvalidInputError`.
    """
    measure = _measure(given, base_unit, pointer)
    check_not_ahead(given.delivered_on, today=today, pointer=f"{pointer}/delivered_on")
    if given.measure_milli <= 0:
        raise InvalidInputError("it must be above zero", "必须大于零", pointer=f"{pointer}/measure")
    if terms.pricing is Pricing.PROCEEDS:
        if given.unit_price_fen is not None or given.market is not None:
            raise _refusal(given, "consigned produce has no price", "代销产品不计单价", f"{pointer}/unit_price_fen")
        return Agreed(measure, None, None, terms.bp)
    unit_price_fen = _unit_price(given, terms, pointer)
    amount_fen = money.price_of(unit_price_fen, given.measure_milli, MILLI_IN[given.measured_in])
    if not 0 < amount_fen <= money.MAX_FEN:
        reason = "measure and price make no amount, or one too large"
        raise InvalidInputError(reason, "数量与单价所得金额为零或过大", pointer=f"{pointer}/measure")
    return Agreed(measure, unit_price_fen, amount_fen, None)


def _measure(given: NewContribution, base_unit: Unit, pointer: str) -> Measure:
    allowed = MECHANISMS[given.mechanism].measures
    for measure in MEASURES_IN[given.measured_in]:
        if measure in allowed:
            if measure is Measure.QUANTITY:
                check_unit(given.measured_in, base_unit, pointer=f"{pointer}/unit")
            return measure
    raise NotMeasuredSoError(mechanism=given.mechanism, unit=given.measured_in, pointer=f"{pointer}/unit")


def _unit_price(given: NewContribution, terms: PriceTerms, pointer: str) -> int:
    """Return the price of one unit (fen); what the supplier states must be it."""
    if terms.unit not in {None, given.measured_in}:
        reason, reason_zh = f"the price is per {terms.unit}", f"应按每 {terms.unit} 计价"
        raise _refusal(given, reason, reason_zh, f"{pointer}/unit")
    if terms.pricing is Pricing.FIXED:
        return _agreed_price(given, terms, pointer)
    market_fen = _market_price(given, pointer)
    due_fen = money.plus_bp(market_fen, terms.bp or 0)
    if terms.pricing is Pricing.FLOOR:
        due_fen = max(market_fen, terms.least_fen or 0)
    if given.unit_price_fen not in {None, due_fen}:
        reason, reason_zh = f"the price is {money.yuan(due_fen)} yuan", f"单价应为 {money.yuan(due_fen)} 元"
        raise _refusal(given, reason, reason_zh, f"{pointer}/unit_price_fen")
    return due_fen


def _agreed_price(given: NewContribution, terms: PriceTerms, pointer: str) -> int:
    price_fen = given.unit_price_fen
    if given.market is not None:
        raise _refusal(given, "no market price decides", "不以市场价计价", f"{pointer}/market")
    if price_fen is None:
        raise _refusal(given, "the price is agreed and must be stated", "须填写约定单价", f"{pointer}/unit_price_fen")
    least, most = terms.least_fen, terms.most_fen
    if least is not None and price_fen < least:
        reason, reason_zh = f"the price is at least {money.yuan(least)} yuan", f"单价不得低于 {money.yuan(least)} 元"
        raise _refusal(given, reason, reason_zh, f"{pointer}/unit_price_fen")
    if most is not None and price_fen > most:
        reason, reason_zh = f"the price is at most {money.yuan(most)} yuan", f"单价不得高于 {money.yuan(most)} 元"
        raise _refusal(given, reason, reason_zh, f"{pointer}/unit_price_fen")
    return price_fen


def _market_price(given: NewContribution, pointer: str) -> int:
    if given.market is None:
        reason, reason_zh = "the market's price decides and must be stated with its source", "须填写市场价及其来源"
        raise _refusal(given, reason, reason_zh, f"{pointer}/market")
    if not given.delivered_on - MARKET_PRICE_AGE <= given.market.on <= given.delivered_on:
        days = MARKET_PRICE_AGE.days
        reason, reason_zh = f"the market's price is of the {days} days up to delivery", f"市场价须为交货前 {days} 日内"
        raise _refusal(given, reason, reason_zh, f"{pointer}/market/on")
    return given.market.price_fen


def _refusal(given: NewContribution, reason: str, reason_zh: str, pointer: str) -> PriceNotByPlanError:
    return PriceNotByPlanError(on=given.delivered_on, reason=reason, reason_zh=reason_zh, pointer=pointer)


class Priced(NamedTuple):
    """What so many milli-units of a contribution were priced at, and the market's price of them (fen).

    The market's is null where it did not decide, as then nobody recorded it.
    """

    price_fen: int
    price_unit_milli: int
    measured_in: MeasuredIn
    market_fen: int | None


def price_by(priced: Priced, terms: PriceTerms) -> int | None:
    """Return what a contribution would have been priced at by other terms (fen per the same unit), if that can be told.

    An agreed price moves only as far as the bounds of the terms make it, or their floor. Null where the market's price
    decides and was not recorded, or where the terms price another measure.
    """
    if terms.unit is not None and base_of(terms.unit) is not priced.measured_in:
        return None
    least_fen = _bound(terms, terms.least_fen, priced, otherwise=1)
    if terms.pricing is Pricing.FIXED:
        return min(max(priced.price_fen, least_fen), _bound(terms, terms.most_fen, priced, otherwise=money.MAX_FEN))
    if terms.pricing is Pricing.FLOOR:
        return max(priced.market_fen or priced.price_fen, least_fen)
    return None if priced.market_fen is None else money.plus_bp(priced.market_fen, terms.bp or 0)


def _bound(terms: PriceTerms, bound_fen: int | None, priced: Priced, *, otherwise: int) -> int:
    """Return a bound of the terms for the unit in which the contribution was priced, a fen at least."""
    if bound_fen is None or terms.unit is None:
        return otherwise
    return max(money.price_of(bound_fen, priced.price_unit_milli, MILLI_IN[terms.unit]), 1)
