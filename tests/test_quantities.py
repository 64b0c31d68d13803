"""Quantities in and out of their units, exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.quantities import BASE_OF, MAX_MILLI, MILLI_OF, QuantityError, Unit, parse, text, whole_or_exact

UNIT_MILLI = st.sampled_from(sorted(MILLI_OF.values()))
DECIMALS = st.from_regex(r"\A[0-9]{1,10}(\.[0-9]{1,6})?\Z")


@given(milli=st.integers(0, 10**9), unit=UNIT_MILLI)
def test_what_a_unit_writes_it_reads_back(milli: int, unit: int) -> None:
    assert parse(text(milli, unit), unit) == milli


@given(decimal=DECIMALS, unit=UNIT_MILLI)
def test_a_decimal_is_read_exactly_or_refused(decimal: str, unit: int) -> None:
    exact = Fraction(decimal) * unit
    if exact.denominator == 1 and exact <= MAX_MILLI:
        assert parse(decimal, unit) == exact
        assert Fraction(text(int(exact), unit)) == Fraction(decimal)
    else:
        with pytest.raises(QuantityError):
            parse(decimal, unit)


@given(milli=st.integers(-(10**9), 10**9), unit=st.integers(1, 5000))
def test_what_is_written_is_exact_and_without_needless_zeros(milli: int, unit: int) -> None:
    exact = Fraction(milli, unit)
    if (exact * 10**6).denominator != 1:
        with pytest.raises(QuantityError):
            text(milli, unit)
        return
    written = text(milli, unit)
    assert Fraction(written) == exact
    assert "." not in written or not written.endswith(("0", "."))


def test_a_jin_is_exactly_500_grams() -> None:
    assert parse("1", MILLI_OF[Unit.JIN]) == 500 == parse("0.5", MILLI_OF[Unit.KG])
    assert parse("900000", MILLI_OF[Unit.JIN]) == parse("450", MILLI_OF[Unit.TONNE])
    assert parse("0.002", MILLI_OF[Unit.JIN]) == 1
    assert text(1, MILLI_OF[Unit.JIN]) == "0.002"
    with pytest.raises(QuantityError):
        parse("0.001", MILLI_OF[Unit.JIN])


def test_ten_liang_are_one_jin_and_two_jin_one_kilogram() -> None:
    assert parse("10", MILLI_OF[Unit.LIANG]) == parse("1", MILLI_OF[Unit.JIN])
    assert parse("2", MILLI_OF[Unit.JIN]) == parse("1", MILLI_OF[Unit.KG]) == parse("1000", MILLI_OF[Unit.GRAM])


def test_every_unit_but_the_box_has_a_base_and_a_size() -> None:
    assert set(BASE_OF) == set(MILLI_OF) == set(Unit) - {Unit.BOX}


@pytest.mark.parametrize(
    "wrong",
    ["", " ", "-1", "+1", "1e3", "1,000", ".5", "1.", "1.2.3", "0x10", "NaN", "inf", "1\n", " 1", "1_000"],
)
def test_anything_but_plain_decimals_is_refused(wrong: str) -> None:
    with pytest.raises(QuantityError):
        parse(wrong, 1000)


@pytest.mark.parametrize("wrong", ["１２", "٣", "१", "12.５", "二", "½"])
def test_digits_of_other_scripts_are_refused(wrong: str) -> None:
    with pytest.raises(QuantityError):
        parse(wrong, 1000)


def test_a_huge_quantity_is_refused_not_computed() -> None:
    assert parse("10000000", MILLI_OF[Unit.TONNE]) == MAX_MILLI
    with pytest.raises(QuantityError):
        parse("10000000.000001", MILLI_OF[Unit.TONNE])
    with pytest.raises(QuantityError):
        parse("9" * 11, 1)
    with pytest.raises(QuantityError):
        parse("1" * 5000, 1000)


def test_a_third_of_a_box_has_no_decimal() -> None:
    with pytest.raises(QuantityError):
        text(1000, 3000)


def test_a_difference_may_be_negative() -> None:
    assert text(-1500, 1000) == "-1.5"
    assert text(0, 1000) == "0"


def test_what_is_left_is_said_exactly_or_in_whole_units() -> None:
    assert [whole_or_exact(milli, 500) for milli in (1_250, 0)] == ["2.5", "0"]
    assert whole_or_exact(7_000, 3_000) == "2"
