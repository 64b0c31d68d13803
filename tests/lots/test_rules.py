"""The rules of lots, without a database."""

from dataclasses import replace
from datetime import date
from itertools import pairwise, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.db import new_id
from market.errors import FutureDateError, InvalidInputError, TransitionError
from market.lots.baselines import check_period, gross_of_harvest
from market.lots.rules import (
    BASELINE_TRANSITIONS,
    TRANSITIONS,
    BaselineEvent,
    BaselineStatus,
    ImpossibleMoveError,
    LotEvent,
    LotStatus,
    Move,
    OpenLot,
    OutOfStockError,
    Stock,
    Want,
    WrongUnitError,
    after_carry,
    baseline_after,
    carried_measures,
    check_days,
    check_moves,
    check_unit,
    draw,
    lot_number,
    newly_released,
    over_market,
    status_after,
)
from market.quantities import MeasuredIn, Unit, base_units

TODAY = date(2026, 3, 2)
DATES = UUID(int=1)


@pytest.mark.parametrize(("status", "event"), list(product(LotStatus, LotEvent)))
def test_a_lot_takes_the_steps_of_its_table_and_no_other(status: LotStatus, event: LotEvent) -> None:
    steps = {
        ("draft", "open"): "open",
        ("draft", "discard"): "discarded",
        ("open", "hold"): "held",
        ("held", "release"): "open",
    }
    expected = steps.get((status, event))
    assert TRANSITIONS.get((status, event)) == expected
    if expected is None:
        with pytest.raises(TransitionError):
            status_after(status, event)
    else:
        assert status_after(status, event) == expected


@pytest.mark.parametrize(("status", "event"), list(product(BaselineStatus, BaselineEvent)))
def test_a_baseline_takes_the_steps_of_its_table_and_no_other(status: BaselineStatus, event: BaselineEvent) -> None:
    steps = {
        ("proposed", "confirm"): "confirmed",
        ("proposed", "reject"): "rejected",
        ("rejected", "propose"): "proposed",
    }
    expected = steps.get((status, event))
    assert BASELINE_TRANSITIONS.get((status, event)) == expected
    if expected is None:
        with pytest.raises(TransitionError):
            baseline_after(status, event)
    else:
        assert baseline_after(status, event) == expected


def on_shelf(available_milli: int, expires_on: date | None = None, lot: int = 1) -> OpenLot:
    return OpenLot(UUID(int=lot), DATES, expires_on, available_milli, available_milli, 0)


def want(milli: int, position: int = 0) -> Want:
    return Want(new_id(), DATES, milli, position, "kg", 1_000)


def test_lots_that_expire_on_one_day_are_drawn_in_the_order_of_their_ids() -> None:
    drawn = draw([on_shelf(5, TODAY, 2), on_shelf(5, TODAY, 1), on_shelf(5, None, 3)], [want(12)])
    assert [(lot.id.int, milli) for _, lot, milli in drawn] == [(1, 5), (2, 5), (3, 2)]


def test_a_lot_that_one_line_has_emptied_is_passed_over_by_the_next() -> None:
    drawn = draw([on_shelf(5, TODAY, 1), on_shelf(9, None, 2)], [want(5), want(3, position=1)])
    assert [(of.position, lot.id.int, milli) for of, lot, milli in drawn] == [(0, 1, 5), (1, 2, 3)]


def test_a_line_takes_the_lots_it_is_paired_with_before_those_that_expire_first() -> None:
    own = want(7)
    drawn = draw([on_shelf(5, TODAY, 1), on_shelf(5, None, 2)], [own], first={(own.order_line_id, UUID(int=2))})
    assert [(lot.id.int, milli) for _, lot, milli in drawn] == [(2, 5), (1, 2)]


def test_a_want_of_a_product_without_lots_is_out_of_stock() -> None:
    with pytest.raises(OutOfStockError) as refused:
        draw([], [want(1, position=3)])
    assert refused.value.pointer == "/lines/3/quantity"
    assert refused.value.detail("zh") == "库存不足,仅余 0 千克。"


@given(stock=st.lists(st.integers(0, 50), max_size=6), asked=st.lists(st.integers(1, 40), max_size=6))
def test_what_is_drawn_is_what_was_wanted_and_never_more_than_there_is(stock: list[int], asked: list[int]) -> None:
    lots = [on_shelf(milli, lot=index) for index, milli in enumerate(stock)]
    wants = [want(milli, index) for index, milli in enumerate(asked)]
    try:
        drawn = draw(lots, wants)
    except OutOfStockError:
        assert sum(asked) > sum(stock)
        return
    for each in wants:
        assert sum(milli for of, _, milli in drawn if of == each) == each.quantity_milli
    for lot in lots:
        assert sum(milli for _, of, milli in drawn if of == lot) <= lot.available_milli


@given(
    amount_fen=st.integers(1, 10**9),
    whole=st.integers(1, 10**6),
    cuts=st.lists(st.integers(0, 10**6), max_size=20),
)
def test_a_lot_drawn_whole_has_released_each_amount_to_the_fen(amount_fen: int, whole: int, cuts: list[int]) -> None:
    positions = sorted({0, whole, *(cut % (whole + 1) for cut in cuts)})
    parts = [
        newly_released(amount_fen, drawn_milli=start, more_milli=end - start, whole_milli=whole)
        for start, end in pairwise(positions)
    ]
    assert sum(parts) == amount_fen
    assert min(parts) >= 0


@pytest.mark.parametrize(
    ("amount_fen", "price_fen", "market_fen", "increase_fen"),
    [
        (1_050_00, 105, 100, 50_00),  # market + 5 %: amount x 5 / 105
        (1_000_00, 105, 100, 47_61),
        (104, 105, 100, 4),
        (1_100_00, 110, 100, 100_00),  # a floor of 110 above the market's 100
        (1_100_00, 110, 110, 0),
    ],
)
def test_above_the_market_is_no_more_than_the_price_carries(
    amount_fen: int, price_fen: int, market_fen: int, increase_fen: int
) -> None:
    assert over_market(amount_fen, unit_price_fen=price_fen, market_price_fen=market_fen) == increase_fen


@pytest.mark.parametrize(
    ("due_fen", "carry_fen", "released_fen", "left_fen"),
    [(50, 0, 50, 0), (50, 2, 52, 0), (50, -2, 48, 0), (50, -50, 0, 0), (50, -60, 0, -10)],
)
def test_what_was_over_released_is_made_good_by_what_comes_next_and_taken_from_nobody(
    due_fen: int, carry_fen: int, released_fen: int, left_fen: int
) -> None:
    assert after_carry(due_fen, carry_fen) == (released_fen, left_fen)


def test_wang_village_brought_432000_yuan_before() -> None:
    gross_fen = gross_of_harvest(
        area_milli_mu=180_000, yield_milli_per_mu=2_000 * 500, unit_price_fen=120, price_unit_milli=500
    )
    assert gross_fen == 43_200_000
    with pytest.raises(InvalidInputError):
        gross_of_harvest(area_milli_mu=10**13, yield_milli_per_mu=10**13, unit_price_fen=1, price_unit_milli=1)


@pytest.mark.parametrize(
    ("period_from", "period_to", "pointer"),
    [(date(2025, 2, 1), date(2025, 1, 1), "/period_to"), (date(2025, 1, 1), TODAY, "/period_to")],
)
def test_a_baseline_is_a_period_before_the_lot(period_from: date, period_to: date, pointer: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_period(period_from=period_from, period_to=period_to, produced_on=TODAY)
    assert refused.value.pointer == pointer
    check_period(period_from=date(2025, 1, 1), period_to=date(2026, 3, 1), produced_on=TODAY)


def test_lots_are_of_the_past_and_expire_after_they_were_made() -> None:
    check_days(produced_on=TODAY, expires_on=TODAY, today=TODAY)
    check_days(produced_on=TODAY, expires_on=None, today=TODAY)
    with pytest.raises(FutureDateError):
        check_days(produced_on=date(2026, 3, 3), expires_on=None, today=TODAY)
    with pytest.raises(InvalidInputError):
        check_days(produced_on=TODAY, expires_on=date(2026, 3, 1), today=TODAY)


def test_mass_is_not_pieces_and_neither_is_hours() -> None:
    check_unit(MeasuredIn.JIN, Unit.KG, pointer="/unit")
    check_unit(MeasuredIn.PIECE, Unit.PIECE, pointer="/unit")
    for measured_in, base in [
        (MeasuredIn.JIN, Unit.PIECE),
        (MeasuredIn.PIECE, Unit.KG),
        (MeasuredIn.HOUR, Unit.KG),
        (MeasuredIn.MU, Unit.KG),
    ]:
        with pytest.raises(WrongUnitError):
            check_unit(measured_in, base, pointer="/unit")


def test_what_goes_on_in_the_names_of_consignors_and_the_rest_is_what_was_taken() -> None:
    thirds = [(name, 30_000) for name in "abc"]
    assert sorted(carried_measures(50_000, thirds, made_of_milli=90_000, salt="x")) == [16_666, 16_667, 16_667]
    assert carried_measures(45_000, thirds, made_of_milli=180_000, salt="x") == [7_500] * 3


def test_stock_moves_only_the_ways_orders_take() -> None:
    there = Move(new_id(), new_id(), Stock.RESERVED, Stock.SHIPPED, 0)
    check_moves([there])
    for wrong in (replace(there, target=Stock.ACCEPTED), replace(there, quantity_milli=-1)):
        with pytest.raises(ImpossibleMoveError):
            check_moves([there, wrong])


def test_a_number_names_the_day_and_is_not_given_twice() -> None:
    numbers = {lot_number(new_id(), TODAY) for _ in range(5_000)}
    assert len(numbers) == 5_000
    assert all(number.startswith("L-20260302-") and len(number) == 19 for number in numbers)


def test_milli_units_read_as_base_units() -> None:
    assert [base_units(milli) for milli in (0, 1, 1_500, 450_000_000)] == ["0", "0.001", "1.5", "450000"]
