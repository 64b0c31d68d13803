"""What a household is owed for what it gave, by the terms of the plan."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from market.benefits.rules import MECHANISMS, IncomeClass, Measure, Mechanism, PriceTerms, Pricing
from market.errors import FutureDateError, InvalidInputError, MarketError
from market.lots.pricing import (
    Agreed,
    MarketPrice,
    NewContribution,
    NotMeasuredSoError,
    Priced,
    PriceNotByPlanError,
    agree,
    price_by,
)
from market.lots.rules import WrongUnitError
from market.money import MAX_FEN
from market.quantities import MeasuredIn, Unit

TODAY = date(2026, 3, 2)

DELIVERY = NewContribution(
    household_id=UUID(int=9),
    mechanism=Mechanism.ORDER_PURCHASE,
    measure_milli=29_032_500 * 500 // 1_000,
    measured_in=MeasuredIn.JIN,
    unit_price_fen=120,
    delivered_on=TODAY,
    evidence="收购单-1",
)
WORK = replace(
    DELIVERY, mechanism=Mechanism.LABOUR, measured_in=MeasuredIn.HOUR, measure_milli=7_500, unit_price_fen=1_500
)


AGREED = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FIXED)
WAGE = PriceTerms(Mechanism.LABOUR, Pricing.FIXED)


def agreed(given: NewContribution, terms: PriceTerms = AGREED, base_unit: Unit = Unit.KG) -> Agreed:
    return agree(given, terms, base_unit=base_unit, today=TODAY, pointer="/contributions/0")


def test_an_amount_follows_from_measure_and_price() -> None:
    assert agreed(DELIVERY).amount_fen == 3_483_900
    assert agreed(WORK, WAGE) == Agreed(Measure.HOURS, 1_500, 11_250, None)


def test_work_is_paid_by_the_hour_by_the_piece_or_by_the_mu() -> None:
    packing = replace(WORK, measured_in=MeasuredIn.PIECE, measure_milli=1_250_000, unit_price_fen=30)
    assert agreed(packing, WAGE) == Agreed(Measure.PIECES, 30, 37_500, None)
    tending = replace(WORK, measured_in=MeasuredIn.MU, measure_milli=20_000_000, unit_price_fen=1_500_00)
    assert agreed(tending, WAGE) == Agreed(Measure.AREA, 1_500_00, 30_000_000_00, None)
    assert MECHANISMS[Mechanism.LABOUR].income_class is IncomeClass.WAGE


def test_eggs_are_a_quantity_and_eggs_packed_are_work() -> None:
    eggs = replace(DELIVERY, measured_in=MeasuredIn.PIECE, measure_milli=1_000)
    assert agreed(eggs, base_unit=Unit.PIECE).measure is Measure.QUANTITY
    packed = replace(eggs, mechanism=Mechanism.LABOUR)
    assert agreed(packed, WAGE, base_unit=Unit.PIECE).measure is Measure.PIECES


def test_land_is_let_by_the_mu() -> None:
    let = replace(DELIVERY, mechanism=Mechanism.LAND_RENT, measured_in=MeasuredIn.MU, unit_price_fen=80_000)
    terms = PriceTerms(Mechanism.LAND_RENT, Pricing.FIXED)
    assert agreed(replace(let, measure_milli=2_345), terms) == Agreed(Measure.AREA, 80_000, 187_600, None)
    with pytest.raises(NotMeasuredSoError, match="mu"):
        agreed(replace(DELIVERY, measured_in=MeasuredIn.MU))


@pytest.mark.parametrize(
    ("given_", "terms", "refusal", "field"),
    [
        (replace(DELIVERY, measured_in=MeasuredIn.HOUR), AGREED, NotMeasuredSoError, "unit"),
        (replace(DELIVERY, measured_in=MeasuredIn.PIECE), AGREED, WrongUnitError, "unit"),
        (replace(WORK, measured_in=MeasuredIn.KG), WAGE, NotMeasuredSoError, "unit"),
        (replace(DELIVERY, measure_milli=0), AGREED, InvalidInputError, "measure"),
        (replace(DELIVERY, measure_milli=1, unit_price_fen=1), AGREED, InvalidInputError, "measure"),
        (replace(DELIVERY, measure_milli=MAX_FEN, unit_price_fen=1_000), AGREED, InvalidInputError, "measure"),
        (replace(DELIVERY, delivered_on=date(2026, 3, 3)), AGREED, FutureDateError, "delivered_on"),
        (replace(DELIVERY, unit_price_fen=None), AGREED, PriceNotByPlanError, "unit_price_fen"),
        (replace(DELIVERY, market=MarketPrice(100, "报价", TODAY)), AGREED, PriceNotByPlanError, "market"),
    ],
)
def test_a_contribution_that_cannot_be_is_refused(
    given_: NewContribution, terms: PriceTerms, refusal: type[MarketError], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        agreed(given_, terms)
    assert refused.value.pointer == f"/contributions/0/{field}"


BY_MARKET = replace(DELIVERY, unit_price_fen=None, market=MarketPrice(100, "河西市场日报价", date(2026, 2, 23)))
PLUS_5 = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.MARKET_PLUS, bp=500)
FLOOR = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FLOOR, unit=MeasuredIn.JIN, least_fen=110)
BOUNDED = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FIXED, unit=MeasuredIn.JIN, least_fen=100, most_fen=120)
BELOW = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FIXED, unit=MeasuredIn.JIN, most_fen=119)


@pytest.mark.parametrize(
    ("market_fen", "price_fen"), [(100, 105), (120, 126), (123, 129), (130, 137), (9, 9), (10, 11)]
)
def test_market_plus_is_rounded_half_up_to_the_fen(market_fen: int, price_fen: int) -> None:
    given_ = replace(BY_MARKET, market=MarketPrice(market_fen, "报价", TODAY))
    assert agreed(given_, PLUS_5).unit_price_fen == price_fen
    assert agreed(replace(given_, unit_price_fen=price_fen), PLUS_5).unit_price_fen == price_fen


def test_what_is_bought_at_market_and_5_percent_is_owed_at_that_price() -> None:
    found = agreed(replace(BY_MARKET, measure_milli=500_000), PLUS_5)
    assert found == Agreed(Measure.QUANTITY, 105, 1_050_00, None)


@pytest.mark.parametrize(("market_fen", "price_fen"), [(100, 110), (110, 110), (120, 120)])
def test_a_floor_holds_when_the_market_is_lower(market_fen: int, price_fen: int) -> None:
    given_ = replace(BY_MARKET, measure_milli=500_000, market=MarketPrice(market_fen, "报价", TODAY))
    found = agreed(given_, FLOOR)
    assert (found.unit_price_fen, found.amount_fen) == (price_fen, price_fen * 1_000)


@pytest.mark.parametrize(
    ("given_", "terms", "field"),
    [
        (replace(BY_MARKET, market=None), PLUS_5, "market"),
        (replace(BY_MARKET, unit_price_fen=104), PLUS_5, "unit_price_fen"),
        (replace(BY_MARKET, market=MarketPrice(100, "报价", date(2026, 2, 22))), PLUS_5, "market/on"),
        (replace(BY_MARKET, market=MarketPrice(100, "报价", date(2026, 3, 3))), FLOOR, "market/on"),
        (replace(BY_MARKET, measured_in=MeasuredIn.KG), FLOOR, "unit"),
        (replace(DELIVERY, unit_price_fen=99), BOUNDED, "unit_price_fen"),
        (replace(DELIVERY, unit_price_fen=121), BOUNDED, "unit_price_fen"),
        (DELIVERY, BELOW, "unit_price_fen"),
        (replace(DELIVERY, measured_in=MeasuredIn.KG), BOUNDED, "unit"),
        (DELIVERY, PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.PROCEEDS, bp=1), "unit_price_fen"),
        (BY_MARKET, PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.PROCEEDS, bp=1), "unit_price_fen"),
    ],
)
def test_a_price_that_the_plan_does_not_make_is_refused(given_: NewContribution, terms: PriceTerms, field: str) -> None:
    with pytest.raises(PriceNotByPlanError) as refused:
        agreed(given_, terms)
    assert refused.value.pointer == f"/contributions/0/{field}"


@pytest.mark.parametrize("price_fen", [100, 120])
def test_an_agreed_price_may_be_either_bound(price_fen: int) -> None:
    assert agreed(replace(DELIVERY, unit_price_fen=price_fen), BOUNDED).unit_price_fen == price_fen


def test_consigned_produce_has_no_price_and_no_amount_but_a_part_of_what_it_brings() -> None:
    consigned = replace(DELIVERY, mechanism=Mechanism.CONSIGNMENT, unit_price_fen=None)
    terms = PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=9_000)
    assert agreed(consigned, terms) == Agreed(Measure.QUANTITY, None, None, 9_000)


BOUGHT_BY_MARKET = Priced(525, 500, MeasuredIn.KG, 500)
BOUGHT_AS_AGREED = BOUGHT_BY_MARKET._replace(market_fen=None)


def terms(pricing: Pricing, **stated: Any) -> PriceTerms:
    return PriceTerms(Mechanism.ORDER_PURCHASE, pricing, **stated)


@pytest.mark.parametrize(
    ("priced", "by", "price_fen"),
    [
        (BOUGHT_BY_MARKET, terms(Pricing.MARKET_PLUS, bp=1_000), 550),
        (BOUGHT_BY_MARKET, terms(Pricing.FLOOR, unit=MeasuredIn.JIN, least_fen=480), 500),
        (BOUGHT_BY_MARKET, terms(Pricing.FLOOR, unit=MeasuredIn.KG, least_fen=1_200), 600),
        (BOUGHT_AS_AGREED, terms(Pricing.FIXED), 525),
        (BOUGHT_AS_AGREED, terms(Pricing.FIXED, unit=MeasuredIn.JIN, least_fen=520, most_fen=530), 525),
        (BOUGHT_AS_AGREED, terms(Pricing.FIXED, unit=MeasuredIn.JIN, least_fen=530), 530),
        (BOUGHT_AS_AGREED, terms(Pricing.FIXED, unit=MeasuredIn.KG, most_fen=1_000), 500),
        (BOUGHT_AS_AGREED, terms(Pricing.MARKET_PLUS, bp=1_000), None),
        (BOUGHT_AS_AGREED, terms(Pricing.FLOOR, unit=MeasuredIn.JIN, least_fen=600), 600),
        (BOUGHT_AS_AGREED, terms(Pricing.FLOOR, unit=MeasuredIn.JIN, least_fen=500), 525),
        (BOUGHT_AS_AGREED, terms(Pricing.FIXED, unit=MeasuredIn.PIECE, least_fen=600), None),
    ],
)
def test_what_was_priced_once_is_priced_by_other_terms_as_far_as_they_tell(
    priced: Priced, by: PriceTerms, price_fen: int | None
) -> None:
    """What was delivered by the jin (500 g) is told bounds by the kilogram too."""
    assert price_by(priced, by) == price_fen
