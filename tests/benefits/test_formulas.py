"""The formulas of a period's distribution, with the figures that the sources print."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.benefits.formulas import (
    Due,
    NoSurplusError,
    NoWeightError,
    PatronageFloorError,
    SchemeMissingError,
    SchemeYearError,
    by_land,
    by_weight,
    custody,
    divided,
    dividend,
    profit_share,
)
from market.benefits.holdings import (
    Entitlement,
    Holding,
    Listed,
    Part,
    RegisterBody,
    RegisterBodyError,
    SchemeCapital,
    ShareMode,
    ShareScheme,
    Source,
    check_register,
    register_body,
)
from market.benefits.rules import Payee, RegisterKind

YUAN = 100
JIN = 500
"""Grams in a jin: volumes are counted in grams."""

MEMBERS = RegisterBody(
    RegisterKind.SHARES, (Holding("a", own_fen=700_000 * YUAN), Holding("b", own_fen=1_000_000 * YUAN))
)
VOLUMES = [("a", 6_000_000 * JIN), ("b", 2_000_000 * JIN)]


def due(household: str, weight: int, fen: int) -> Due:
    return Due(Payee.HOUSEHOLD, household, weight, fen)


def test_a_surplus_of_400_000_with_10_percent_reserve_returns_252_000_by_volume_and_108_000_by_capital() -> None:
    found = divided(400_000 * YUAN, 1_000, 7_000)
    assert found == (4_000_000, 25_200_000, 10_800_000)
    assert Fraction(found.by_volume_fen, 8_000_000 * YUAN) == Fraction("0.0315"), "yuan a jin"
    # Three quarters and one quarter of 252,000.00; 7 and 10 seventeenths of 108,000.00.
    returned = by_weight(found.by_volume_fen, VOLUMES, salt="2017")
    assert returned == [due("a", 6_000_000 * JIN, 18_900_000), due("b", 2_000_000 * JIN, 6_300_000)]
    shared = dividend(found.by_capital_fen, MEMBERS, averages_grants=True, salt="2017")
    assert shared == [due("a", 70_000_000, 4_447_059), due("b", 100_000_000, 6_352_941)]


def test_the_law_refuses_59_percent_by_volume_and_takes_60() -> None:
    with pytest.raises(PatronageFloorError) as refusal:
        divided(400_000 * YUAN, 1_000, 5_900)
    assert "60 %" in refusal.value.detail("en")
    assert "59 %" in refusal.value.detail("zh")
    assert divided(400_000 * YUAN, 1_000, 6_000).by_volume_fen == 21_600_000


def test_a_fraction_of_a_fen_goes_by_volume_so_that_60_percent_is_never_undercut() -> None:
    assert divided(101, 0, 6_000) == (0, 61, 40)


def test_grant_property_is_averaged_over_the_members_whoever_it_is_written_to() -> None:
    granted = RegisterBody(
        RegisterKind.SHARES,
        (
            Holding("a", grant_fen=600_000 * YUAN),
            Holding("b", own_fen=200_000 * YUAN),
            Holding("c", land_fen=300_000 * YUAN, loan_fen=100_000 * YUAN, area_milli_mu=9_000),
        ),
    )
    # Of 60,000.00 by capital one, two and three sixths: 200,000 of the grant for each.
    assert [one.fen for one in dividend(60_000 * YUAN, granted, averages_grants=True, salt="s")] == [
        1_000_000,
        2_000_000,
        3_000_000,
    ]
    assert [one.fen for one in dividend(60_000 * YUAN, granted, salt="s")] == [3_000_000, 1_000_000, 2_000_000]
    own = dividend(60_000 * YUAN, granted, sources={Source.OWN}, averages_grants=True, salt="s")
    assert [one.fen for one in own] == [0, 6_000_000, 0]


def test_a_grant_that_no_number_of_members_divides_is_averaged_to_the_fen() -> None:
    members = RegisterBody(RegisterKind.SHARES, (Holding("a", grant_fen=100), Holding("b", 1), Holding("c", 1)))
    weights = [one.weight for one in dividend(5, members, averages_grants=True, salt="s")]
    assert sum(weights) == 102
    assert weights[0] in {33, 34}
    assert {*weights[1:]} <= {34, 35}


@pytest.mark.parametrize(("surplus_fen", "reserve_bp"), [(0, 0), (-1, 0), (100, 10_000), (100, -1)])
def test_without_a_surplus_there_is_nothing_to_return(surplus_fen: int, reserve_bp: int) -> None:
    with pytest.raises(NoSurplusError):
        divided(surplus_fen, reserve_bp, 6_000)


def test_nothing_is_split_over_nobody() -> None:
    for weighted in ([], [("a", 0)]):
        with pytest.raises(NoWeightError):
            by_weight(100, weighted, salt="s")


volumes = st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any)


@given(st.integers(1, 10**12), st.integers(0, 9_999), st.integers(6_000, 10_000), volumes)
def test_a_surplus_is_divided_to_the_fen(
    surplus: int, reserve_bp: int, by_volume_bp: int, delivered: list[int]
) -> None:
    keyed = [(f"h{number}", volume) for number, volume in enumerate(delivered)]
    members = RegisterBody(
        RegisterKind.SHARES, tuple(Holding(key, own_fen=volume, grant_fen=1) for key, volume in keyed)
    )
    found = divided(surplus, reserve_bp, by_volume_bp)
    by_volume = by_weight(found.by_volume_fen, keyed, salt="s")
    by_capital = dividend(found.by_capital_fen, members, averages_grants=True, salt="s")
    assert found.reserve_fen + sum(one.fen for one in [*by_volume, *by_capital]) == surplus
    distributable_fen = surplus - found.reserve_fen
    assert Fraction(found.by_volume_fen) >= Fraction(distributable_fen * by_volume_bp, 10_000)


def test_a_dividend_is_split_by_the_capital_of_the_sources_that_count() -> None:
    shares = RegisterBody(
        RegisterKind.SHARES, (Holding("a", own_fen=100, loan_fen=300), Holding("b", own_fen=100, grant_fen=100))
    )
    assert dividend(600, shares, salt="s") == [due("a", 400, 400), due("b", 200, 200)]
    assert dividend(600, shares, sources={Source.OWN}, salt="s") == [due("a", 100, 300), due("b", 100, 300)]
    assert dividend(600, shares, sources={Source.GRANT}, salt="s") == [due("a", 0, 0), due("b", 100, 600)]
    with pytest.raises(NoWeightError):
        dividend(600, shares, sources={Source.LAND}, salt="s")


def test_a_collectives_own_list_splits_by_its_weights_to_the_fen() -> None:
    listed = RegisterBody(RegisterKind.LIST, (Listed("a", 1), Listed("b", 1), Listed("c", 1)))
    dues = dividend(1_000, listed, salt="s")
    assert sorted(one.fen for one in dues) == [333, 333, 334]


def entrusted(*rows: Entitlement) -> RegisterBody:
    return RegisterBody(RegisterKind.ENTITLEMENTS, rows)


def village(weight: int, fen: int) -> Due:
    return Due(Payee.COLLECTIVE, "village", weight, fen)


def test_100_000_entrusted_at_6_6_percent_bring_6_000_to_the_household_and_600_to_the_collective() -> None:
    capital = 100_000 * YUAN
    agreement = entrusted(Entitlement("a", capital, 660, 600, 60, "village"))
    check_register(agreement)
    assert custody(agreement, months=12) == [due("a", capital, 6_000 * YUAN), village(capital, 600 * YUAN)]
    assert [one.fen for one in custody(agreement, months=5)] == [2_500 * YUAN, 250 * YUAN]


def test_a_collectives_part_is_summed_over_its_households_and_fractions_of_a_fen_are_not_due() -> None:
    agreement = entrusted(Entitlement("a", 10_001, 100, 50, 50, "village"), Entitlement("b", 1, 100, 50, 50, "village"))
    assert custody(agreement, months=12) == [due("a", 10_001, 50), due("b", 1, 0), village(10_002, 50)]


def test_the_shares_of_a_register_are_no_entrusted_capital() -> None:
    assert custody(MEMBERS, months=12) == []


KIWI = SchemeCapital(150_000_000 * YUAN, 300_000_000 * YUAN, 20_000_000)


def test_150_million_over_20_000_mu_are_a_base_share_of_7_500_which_is_half_of_the_capital_of_a_mu() -> None:
    assert (KIWI.base_share_fen(), KIWI.base_bp) == (7_500 * YUAN, 5_000)
    assert SchemeCapital(KIWI.whole_fen, KIWI.whole_fen, KIWI.area_milli_mu).base_share_fen() == 15_000 * YUAN


def leye(base_bp: int = 5_000, full_bp: int = 9_420) -> ShareScheme:
    return ShareScheme(
        first_year=2020,
        years=15,
        lowest_bp=5_000,
        highest_bp=9_420,
        modes=(
            ShareMode("base", "基础股", (Part.BASE,), base_bp),
            ShareMode("base_own", "基础股+自筹资金", (Part.BASE, Part.OWN_FUNDS), 6_667),
            ShareMode("base_tending", "基础股+管护费", (Part.BASE, Part.TENDING), 7_000),
            ShareMode("base_own_tending", "基础股+自筹+管护费", (Part.BASE, Part.OWN_FUNDS, Part.TENDING), full_bp),
            ShareMode("land", "土地入股", (Part.LAND,), 8_000),
        ),
        capital=KIWI,
    )


def kiwi(scheme: ShareScheme | None = None) -> RegisterBody:
    half = {"grant_fen": 3_750 * YUAN, "area_milli_mu": 500}
    rows = (
        Holding("least", **half, mode="base"),
        Holding("most", **half, own_fen=1_250 * YUAN, mode="base_own_tending"),
    )
    return RegisterBody(RegisterKind.SHARES, rows, scheme or leye())


def test_land_weighs_by_its_mode() -> None:
    assert by_land(kiwi()) == [("least", 500 * 5_000), ("most", 500 * 9_420)]
    with pytest.raises(SchemeMissingError):
        by_land(replace(kiwi(), scheme=None))


def test_half_a_mu_at_10_000_of_profit_a_mu_gives_2_500_in_the_least_mode_and_4_710_in_the_best() -> None:
    check_register(kiwi())
    assert profit_share(10_000 * YUAN, kiwi(), begins=2020, ends=2020) == [
        due("least", 500, 250_000),
        due("most", 500, 471_000),
    ]


@pytest.mark.parametrize(
    ("scheme", "pointer"),
    [(leye(base_bp=4_990), "/scheme/modes/0/household_bp"), (leye(full_bp=9_430), "/scheme/modes/3/household_bp")],
)
def test_49_9_percent_and_94_3_percent_are_refused(scheme: ShareScheme, pointer: str) -> None:
    with pytest.raises(RegisterBodyError) as refusal:
        check_register(kiwi(scheme))
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize(
    ("begins", "ends", "pointer"),
    [
        (2019, 2019, "/period_from"),
        (2019, 2020, "/period_from"),
        (2034, 2035, "/period_to"),
        (2035, 2035, "/period_from"),
    ],
)
def test_the_year_before_the_first_and_the_sixteenth_are_refused(begins: int, ends: int, pointer: str) -> None:
    with pytest.raises(SchemeYearError) as refusal:
        profit_share(10_000 * YUAN, kiwi(), begins=begins, ends=ends)
    assert "2020 to 2034" in refusal.value.detail("en")
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("year", [2020, 2034])
def test_the_first_and_the_fifteenth_year_pay(year: int) -> None:
    assert sum(one.fen for one in profit_share(10_000 * YUAN, kiwi(), begins=year, ends=year)) == 721_000


def test_a_profit_is_shared_by_a_scheme_and_a_loss_is_not() -> None:
    with pytest.raises(SchemeMissingError):
        profit_share(1, MEMBERS, begins=2020, ends=2020)
    with pytest.raises(NoSurplusError):
        profit_share(-1, kiwi(), begins=2020, ends=2020)
    assert {one.fen for one in profit_share(0, kiwi(), begins=2020, ends=2020)} == {0}


def test_a_scheme_is_part_of_the_bytes_that_are_pinned() -> None:
    assert register_body(kiwi().as_json()) == register_body(register_body(kiwi().as_json()).as_json())
    assert kiwi(leye(full_bp=9_000)).sha256() != kiwi().sha256()
    assert register_body(kiwi().as_json()).sha256() == kiwi().sha256()
