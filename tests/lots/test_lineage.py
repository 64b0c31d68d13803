"""What a lot may be made of, when what went into it is all that it claims, and where a quantity of it went."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InvalidInputError, MarketError
from market.lots.lineage import (
    Flow,
    InflatedLotError,
    InputLot,
    InputLotError,
    NotCoveredError,
    Reached,
    balanced,
    balanced_in,
    check_alike,
    check_balance,
    check_content,
    check_source,
    check_taken,
    input_unit,
    region_of_all,
    trace,
    whole_milli,
)
from market.lots.rules import (
    LotStatus,
    OutOfStockError,
)
from market.quantities import (
    MeasuredIn,
    Unit,
)

TODAY = date(2026, 3, 2)
GOOD = InputLot(
    id=UUID(int=1),
    number="L-1",
    product_id=UUID(int=2),
    status=LotStatus.OPEN,
    base_unit=Unit.KG,
    origin_code="141122106",
    produced_on=date(2026, 2, 1),
    expires_on=TODAY,
    available_milli=1_000,
    moved_milli=0,
    quantity_milli=5_000,
    drawn_milli=0,
    quality_certificate=None,
    certified_lot_id=None,
)


@pytest.mark.parametrize(
    "source",
    [
        replace(GOOD, status=LotStatus.DRAFT),
        replace(GOOD, status=LotStatus.HELD),
        replace(GOOD, base_unit=Unit.PIECE),
        replace(GOOD, produced_on=date(2026, 3, 3)),
        replace(GOOD, expires_on=date(2026, 3, 1)),
    ],
)
def test_a_lot_is_made_only_of_lots_on_sale_that_are_good(source: InputLot) -> None:
    with pytest.raises(InputLotError) as refused:
        check_source(source, unit=Unit.KG, made_on=TODAY, pointer="/inputs/0/lot_id")
    assert refused.value.pointer == "/inputs/0/lot_id"
    for good in (GOOD, replace(GOOD, expires_on=None)):
        check_source(good, unit=Unit.KG, made_on=TODAY, pointer=None)


def test_something_and_no_more_than_is_there_is_taken_of_a_lot() -> None:
    check_taken(1_000, 1_000, measured_in=MeasuredIn.JIN, pointer="/quantity")
    with pytest.raises(OutOfStockError, match="Only 2 jin") as refused:
        check_taken(1_001, 1_000, measured_in=MeasuredIn.JIN, pointer="/quantity")
    assert refused.value.pointer == "/quantity"
    with pytest.raises(InvalidInputError):
        check_taken(0, 1_000, measured_in=MeasuredIn.KG, pointer="/quantity")


def test_lots_of_several_products_are_not_merged() -> None:
    check_alike([GOOD, replace(GOOD, id=UUID(int=3))])
    with pytest.raises(InputLotError) as refused:
        check_alike([GOOD, replace(GOOD, number="L-2", product_id=UUID(int=4))])
    assert refused.value.pointer == "/inputs/1/lot_id"


@pytest.mark.parametrize(
    ("codes", "region"),
    [
        (["141122106201"], "141122106201"),
        (["141122106201", "141122106201"], "141122106201"),
        (["141122106201", "141122106202"], "141122106"),
        (["141122106201", "141122106"], "141122106"),
        (["141122106201", "141122100"], "141122"),
        (["141122", "141122106201"], "141122"),
    ],
)
def test_mixed_produce_comes_from_the_region_in_which_all_of_it_lies(codes: list[str], region: str) -> None:
    assert region_of_all(codes) == region


def test_what_went_in_less_the_loss_is_what_the_lot_holds() -> None:
    check_balance(1_000, 0, 1_000, Unit.KG)
    check_balance(1_200, 200, 1_000, Unit.KG)
    for went_in, loss, says in ((1_000, 0, r"claims 1\.001 kg"), (1_000, 5_000, "covers 0")):
        with pytest.raises(NotCoveredError, match=says):
            check_balance(went_in, loss, 1_001, Unit.KG)
    with pytest.raises(InflatedLotError, match=r"holds 1 kg, but 1\.001 went in"):
        check_balance(1_201, 200, 1_000, Unit.KG)


def test_a_lot_that_converts_is_held_against_its_inputs_by_weight() -> None:
    # 800 boxes of 500 g hold 400 kg; ten sheep of 40 kg are 400 kg of meat and what the butcher throws away.
    assert (input_unit(Unit.PIECE, 500), input_unit(Unit.KG, 40_000), input_unit(Unit.KG, None)) == (
        "kg",
        "piece",
        "kg",
    )
    assert (balanced_in(Unit.PIECE, 500), balanced_in(Unit.KG, 40_000), balanced_in(Unit.PIECE, None)) == (
        *("kg", "kg"),
        "piece",
    )
    assert balanced(800_000, Unit.PIECE, 500) == 400_000
    assert balanced(10_000, Unit.PIECE, 40_000) == 400_000
    assert balanced(400_000, Unit.KG, 500) == 400_000
    assert balanced(800_000, Unit.PIECE, None) == 800_000
    with pytest.raises(InvalidInputError):
        balanced(1, Unit.PIECE, 500)


@pytest.mark.parametrize(
    ("content", "base_unit", "went_in"),
    [
        (None, Unit.PIECE, MeasuredIn.JIN),
        (0, Unit.PIECE, MeasuredIn.KG),
        (None, Unit.KG, MeasuredIn.PIECE),
        (500, Unit.KG, MeasuredIn.JIN),
        (500, Unit.PIECE, MeasuredIn.PIECE),
        (None, Unit.KG, MeasuredIn.HOUR),
    ],
)
def test_the_weight_of_a_piece_is_said_when_pieces_are_made_of_what_is_weighed_and_only_then(
    content: int | None, base_unit: Unit, went_in: MeasuredIn
) -> None:
    refusals: tuple[type[MarketError], ...] = (InvalidInputError,)
    with pytest.raises(refusals) as refused:
        check_content(content, base_unit=base_unit, went_in=went_in)
    assert refused.value.pointer == "/content"


def test_a_lot_that_says_what_it_must_of_its_pieces_is_let_through() -> None:
    check_content(500, base_unit=Unit.PIECE, went_in=MeasuredIn.JIN)
    check_content(40_000, base_unit=Unit.KG, went_in=MeasuredIn.PIECE)
    check_content(None, base_unit=Unit.KG, went_in=MeasuredIn.JIN)


FIRST, SECOND, THIRD, FOURTH = (UUID(int=10 + number) for number in range(4))


def test_a_quantity_goes_on_in_the_proportion_of_what_was_taken() -> None:
    flows = [Flow(FIRST, SECOND, 300, 1_200), Flow(SECOND, THIRD, 100, 300)]
    assert trace(FIRST, 1_200, flows) == {
        FIRST: Reached(Fraction(1_200), 0),
        SECOND: Reached(Fraction(300), 1),
        THIRD: Reached(Fraction(100), 2),
    }
    assert trace(THIRD, 7, []) == {THIRD: Reached(Fraction(7), 0)}


def test_a_trace_waits_for_all_that_comes_to_a_lot() -> None:
    flows = [Flow(FIRST, THIRD, 1, 4), Flow(FIRST, SECOND, 1, 2), Flow(SECOND, THIRD, 1, 1), Flow(THIRD, FOURTH, 1, 3)]
    for found in (trace(FIRST, 1_000, flows), trace(FIRST, 1_000, flows[::-1])):
        assert found[THIRD] == Reached(Fraction(750), 1)
        assert found[FOURTH] == Reached(Fraction(250), 2)


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), max_size=5), st.integers(1, 10**9))
def test_what_is_given_on_whole_arrives_whole_whatever_the_ways(layers: list[list[int]], milli: int) -> None:
    flows: list[Flow] = []
    held: dict[UUID, int] = {FIRST: 1}
    for depth, weights in enumerate(layers, 1):
        targets = {UUID(int=100 * depth + place): weight + 1 for place, weight in enumerate(weights)}
        whole = sum(targets.values())
        flows += [Flow(begin, end, part, whole) for begin in held for end, part in targets.items()]
        held = targets
    found = trace(FIRST, milli, flows)
    assert sum(found[end].milli for end in held) == milli
    assert {found[end].generation for end in held} == {len(layers)}


def test_the_last_part_of_a_milli_unit_is_left_out() -> None:
    assert [whole_milli(Fraction(part, 3)) for part in (0, 2, 3, 1_001)] == [0, 0, 1, 333]
