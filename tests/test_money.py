"""Dividing money: nothing lost, nothing made, nobody favoured. The oracle is exact fractions."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import MAX_FEN, AllocationError, allocate, net_of_tax, plus_bp, price_of, released, share_bp, yuan

FEN = st.integers(0, MAX_FEN)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any)
EQUAL_HOUSEHOLDS = [(f"household-{number}", 1) for number in range(7)]


def shares_of(weights: list[int]) -> list[tuple[str, int]]:
    return [(f"household-{number}", weight) for number, weight in enumerate(weights)]


@given(total=FEN, weights=WEIGHTS, salt=st.text(max_size=8))
def test_the_parts_of_a_pool_sum_to_it_and_each_is_the_floor_or_ceiling_of_its_quota(
    total: int, weights: list[int], salt: str
) -> None:
    parts = allocate(total, shares_of(weights), salt=salt)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        quota = Fraction(total * weight, sum(weights))
        assert part in {floor(quota), ceil(quota)}


@given(total=FEN, weights=WEIGHTS)
def test_the_fen_left_over_go_to_the_largest_remainders(total: int, weights: list[int]) -> None:
    quotas = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = allocate(total, shares_of(weights), salt="posting")
    gained = [quota - floor(quota) for quota, part in zip(quotas, parts, strict=True) if part > floor(quota)]
    missed = [quota - floor(quota) for quota, part in zip(quotas, parts, strict=True) if part == floor(quota)]
    assert not gained or not missed or min(gained) >= max(missed)


@given(total=FEN, weights=WEIGHTS)
def test_a_household_without_weight_gets_nothing(total: int, weights: list[int]) -> None:
    parts = allocate(total, shares_of([*weights, 0]), salt="posting")
    assert all(part == 0 for part, weight in zip(parts, [*weights, 0], strict=True) if weight == 0)


@given(total=FEN, weights=WEIGHTS, order=st.randoms(use_true_random=False))
def test_a_split_depends_on_who_shares_and_not_on_the_order_in_which_they_are_listed(
    total: int, weights: list[int], order: object
) -> None:
    shares = shares_of(weights)
    shuffled = list(shares)
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    def by_key(listed: list[tuple[str, int]]) -> dict[str, int]:
        parts = allocate(total, listed, salt="posting")
        return {key: part for (key, _), part in zip(listed, parts, strict=True)}

    assert by_key(shares) == by_key(shuffled) == by_key(shares)


def test_a_contested_fen_goes_round_from_posting_to_posting() -> None:
    winners = {allocate(1, EQUAL_HOUSEHOLDS, salt=f"posting-{number}").index(1) for number in range(200)}
    assert winners == set(range(7))


def test_over_many_postings_no_household_is_favoured() -> None:
    won = [0] * 7
    for number in range(2100):
        for index, part in enumerate(allocate(3, EQUAL_HOUSEHOLDS, salt=f"posting-{number}")):
            won[index] += part
    assert sum(won) == 6300
    assert all(800 <= count <= 1000 for count in won)


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (100, []), (100, [0, 0]), (100, [3, -1]), (100, [-1, -1])])
def test_a_pool_that_nobody_can_carry_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(AllocationError):
        allocate(total, shares_of(weights), salt="posting")


@given(amount=FEN, bp=st.integers(0, 10_000))
def test_basis_points_take_whole_fen_and_never_more_than_their_share(amount: int, bp: int) -> None:
    assert share_bp(amount, bp) == floor(Fraction(amount * bp, 10_000))


@given(amount=FEN, draws=st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any))
def test_the_draws_of_a_lot_sold_out_release_a_contribution_to_the_fen(amount: int, draws: list[int]) -> None:
    whole = sum(draws)
    drawn = released_so_far = 0
    for draw in draws:
        step = released(amount, drawn + draw, whole) - released(amount, drawn, whole)
        assert step >= 0
        drawn += draw
        released_so_far += step
        assert released_so_far == floor(Fraction(amount * drawn, whole))
    assert released_so_far == amount


@given(price=st.integers(0, 10**9), quantity=st.integers(0, 10**10), unit=st.integers(1, 10**6))
def test_a_price_is_rounded_half_up_once(price: int, quantity: int, unit: int) -> None:
    assert price_of(price, quantity, unit) == floor(Fraction(price * quantity, unit) + Fraction(1, 2))


def test_half_a_fen_is_rounded_up() -> None:
    assert price_of(1, 500, 1000) == 1
    assert price_of(1, 499, 1000) == 0
    assert price_of(120, 900_000 * 500, 500) == 108_000_000


@given(gross=FEN, tax_bp=st.integers(0, 10_000))
def test_the_net_amount_is_the_gross_without_its_tax_rounded_half_up_once(gross: int, tax_bp: int) -> None:
    exact = Fraction(gross * 10_000, 10_000 + tax_bp)
    assert net_of_tax(gross, tax_bp) == floor(exact + Fraction(1, 2))


def test_without_tax_the_net_amount_is_the_gross() -> None:
    assert net_of_tax(12345, 0) == 12345


@given(price=FEN, bp=st.integers(0, 10_000))
def test_a_price_raised_by_basis_points_is_rounded_half_up_once(price: int, bp: int) -> None:
    assert plus_bp(price, bp) == floor(Fraction(price * (10_000 + bp), 10_000) + Fraction(1, 2))


@pytest.mark.parametrize(("market", "bp", "price"), [(100, 500, 105), (10, 500, 11), (9, 500, 9), (130, 0, 130)])
def test_market_and_5_percent_is_that_much_above_the_market(market: int, bp: int, price: int) -> None:
    assert plus_bp(market, bp) == price


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "0.00"), (7, "0.07"), (-7, "-0.07"), (108_000_000, "1,080,000.00"), (-123_456, "-1,234.56")],
)
def test_a_person_reads_yuan(amount: int, said: str) -> None:
    assert yuan(amount) == said
