"""The formulas of a period's distribution, with the figures that the sources print."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.benefits.formulas import (
    Due,
    NoSurplusError,
    NotMemberError,
    NoWeightError,
    PatronageFloorError,
    PeriodError,
    SchemeMissingError,
    SchemeYearError,
    base_share,
    custody,
    dividend,
    patronage,
    profit_share,
    yuan_per_unit,
)
from market.benefits.holdings import (
    Entitlement,
    Holding,
    Listed,
    Part,
    RegisterBody,
    RegisterBodyError,
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


def due(household: str, fen: int) -> Due:
    return Due(Payee.HOUSEHOLD, household, fen)


def test_a_surplus_of_400_000_with_10_percent_reserve_returns_252_000_by_volume_and_108_000_by_capital() -> None:
    found = patronage(400_000 * YUAN, 1_000, 7_000, VOLUMES, MEMBERS, salt="2017")
    assert (found.reserve_fen, found.distributable_fen) == (4_000_000, 36_000_000)
    assert (found.by_volume_fen, found.by_capital_fen) == (25_200_000, 10_800_000)
    assert yuan_per_unit(found.by_volume_fen, 8_000_000 * JIN, JIN) == "0.0315"
    # Three quarters and one quarter of 252,000.00; 7 and 10 seventeenths of 108,000.00.
    assert found.dues == [due("a", 18_900_000 + 4_447_059), due("b", 6_300_000 + 6_352_941)]


def test_the_law_refuses_59_percent_by_volume_and_takes_60() -> None:
    with pytest.raises(PatronageFloorError) as refusal:
        patronage(400_000 * YUAN, 1_000, 5_900, VOLUMES, MEMBERS, salt="2017")
    assert "60 %" in refusal.value.detail("en")
    assert "59 %" in refusal.value.detail("zh")
    assert patronage(400_000 * YUAN, 1_000, 6_000, VOLUMES, MEMBERS, salt="2017").by_volume_fen == 21_600_000


def test_a_fraction_of_a_fen_goes_by_volume_so_that_60_percent_is_never_undercut() -> None:
    found = patronage(101, 0, 6_000, VOLUMES, MEMBERS, salt="2017")
    assert (found.by_volume_fen, found.by_capital_fen) == (61, 40)


def test_grant_property_is_averaged_over_the_members_whoever_it_is_written_to() -> None:
    granted = RegisterBody(
        RegisterKind.SHARES,
        (
            Holding("a", grant_fen=600_000 * YUAN),
            Holding("b", own_fen=200_000 * YUAN),
            Holding("c", land_fen=300_000 * YUAN, loan_fen=100_000 * YUAN, area_milli_mu=9_000),
        ),
    )
    volumes = [("a", 1), ("b", 1), ("c", 1)]
    found = patronage(150_000 * YUAN, 0, 6_000, volumes, granted, salt="s")
    # 30,000.00 each by volume; of 60,000.00 by capital one, two and three sixths: 200,000 of the grant for each.
    assert [one.fen for one in found.dues] == [4_000_000, 5_000_000, 6_000_000]


@pytest.mark.parametrize(("surplus_fen", "reserve_bp"), [(0, 0), (-1, 0), (100, 10_000), (100, -1)])
def test_without_a_surplus_there_is_nothing_to_return(surplus_fen: int, reserve_bp: int) -> None:
    with pytest.raises(NoSurplusError):
        patronage(surplus_fen, reserve_bp, 6_000, VOLUMES, MEMBERS, salt="s")


def test_volumes_are_returned_to_members_who_delivered() -> None:
    with pytest.raises(NotMemberError):
        patronage(100, 0, 6_000, [("x", 1)], MEMBERS, salt="s")
    with pytest.raises(NoWeightError):
        patronage(100, 0, 6_000, [("a", 0)], MEMBERS, salt="s")
    only = patronage(100, 0, 10_000, [("a", 1)], MEMBERS, salt="s")
    assert (only.by_capital_fen, only.dues) == (0, [due("a", 100)])


volumes = st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any)


@given(st.integers(1, 10**12), st.integers(0, 9_999), st.integers(6_000, 10_000), volumes)
def test_a_surplus_is_divided_to_the_fen(
    surplus: int, reserve_bp: int, by_volume_bp: int, delivered: list[int]
) -> None:
    keyed = [(f"h{number}", volume) for number, volume in enumerate(delivered)]
    members = RegisterBody(
        RegisterKind.SHARES, tuple(Holding(key, own_fen=volume, grant_fen=1) for key, volume in keyed)
    )
    found = patronage(surplus, reserve_bp, by_volume_bp, keyed, members, salt="s")
    assert found.reserve_fen + sum(one.fen for one in found.dues) == surplus
    assert Fraction(found.by_volume_fen) >= Fraction(found.distributable_fen * by_volume_bp, 10_000)


@pytest.mark.parametrize(
    ("fen", "milli", "unit", "text"),
    [
        (25_200_000, 8_000_000 * JIN, JIN, "0.0315"),
        (100, 3_000, 1_000, "1/3"),
        (500, 1_000, 1_000, "5"),
        (1, 1, 1, "0.01"),
    ],
)
def test_an_amount_per_unit_is_said_exactly(fen: int, milli: int, unit: int, text: str) -> None:
    assert yuan_per_unit(fen, milli, unit) == text


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_an_amount_per_unit_is_never_rounded(fen: int, milli: int) -> None:
    assert Fraction(yuan_per_unit(fen, milli, 500)) == Fraction(fen * 500, milli * 100)


def test_no_quantity_has_no_amount_per_unit() -> None:
    with pytest.raises(NoWeightError):
        yuan_per_unit(1, 0, 500)


def test_a_dividend_is_split_by_the_capital_of_the_sources_that_count() -> None:
    shares = RegisterBody(
        RegisterKind.SHARES, (Holding("a", own_fen=100, loan_fen=300), Holding("b", own_fen=100, grant_fen=100))
    )
    assert dividend(600, shares, salt="s") == [due("a", 400), due("b", 200)]
    assert dividend(600, shares, sources={Source.OWN}, salt="s") == [due("a", 300), due("b", 300)]
    assert dividend(600, shares, sources={Source.GRANT}, salt="s") == [due("b", 600)]
    assert dividend(0, shares, salt="s") == []
    with pytest.raises(NoWeightError):
        dividend(600, shares, sources={Source.LAND}, salt="s")


def test_a_collectives_own_list_splits_by_its_weights_to_the_fen() -> None:
    listed = RegisterBody(RegisterKind.LIST, (Listed("a", 1), Listed("b", 1), Listed("c", 1)))
    dues = dividend(1_000, listed, salt="s")
    assert sorted(one.fen for one in dues) == [333, 333, 334]


def entrusted(*rows: Entitlement) -> RegisterBody:
    return RegisterBody(RegisterKind.ENTITLEMENTS, rows)


def test_100_000_entrusted_at_6_6_percent_bring_6_000_to_the_household_and_600_to_the_collective() -> None:
    agreement = entrusted(Entitlement("a", 100_000 * YUAN, 660, 600, 60, "village"))
    check_register(agreement)
    of_a_year = [due("a", 6_000 * YUAN), Due(Payee.COLLECTIVE, "village", 600 * YUAN)]
    assert sorted(custody(agreement, years=1)) == sorted(of_a_year)
    assert sorted(custody(agreement, days=365)) == sorted(of_a_year)
    assert {one.fen for one in custody(agreement, years=1, days=73)} == {7_200 * YUAN, 720 * YUAN}


def test_a_collectives_part_is_summed_over_its_households_and_fractions_of_a_fen_are_not_due() -> None:
    agreement = entrusted(Entitlement("a", 10_001, 100, 50, 50, "village"), Entitlement("b", 1, 100, 50, 50, "village"))
    assert sorted(custody(agreement, years=1)) == sorted([Due(Payee.COLLECTIVE, "village", 50), due("a", 50)])


@pytest.mark.parametrize("period", [{}, {"years": -1, "days": 365}, {"days": -1}])
def test_a_return_is_earned_over_time(period: dict[str, int]) -> None:
    with pytest.raises(PeriodError):
        custody(entrusted(Entitlement("a", 1, 100, 50, 50, "v")), **period)


def test_the_shares_of_a_register_are_no_entrusted_capital() -> None:
    assert custody(MEMBERS, years=1) == []


def test_150_million_over_20_000_mu_are_a_base_share_of_7_500_which_is_half_of_the_capital_of_a_mu() -> None:
    found = base_share(150_000_000 * YUAN, 300_000_000 * YUAN, 20_000_000)
    assert (found.fen_per_mu, found.bp) == (7_500 * YUAN, 5_000)
    assert base_share(300_000_000 * YUAN, 300_000_000 * YUAN, 20_000_000).fen_per_mu == 15_000 * YUAN


@pytest.mark.parametrize(("public", "whole", "area"), [(0, 1, 1), (2, 1, 1), (1, 1, 0)])
def test_a_base_share_needs_money_and_land(public: int, whole: int, area: int) -> None:
    with pytest.raises(NoWeightError):
        base_share(public, whole, area)


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
    )


def kiwi(scheme: ShareScheme | None = None) -> RegisterBody:
    half = {"grant_fen": 3_750 * YUAN, "area_milli_mu": 500}
    rows = (Holding("least", **half, mode="base"), Holding("most", **half, mode="base_own_tending"))
    return RegisterBody(RegisterKind.SHARES, rows, scheme or leye())


def test_half_a_mu_at_10_000_of_profit_a_mu_gives_2_500_in_the_least_mode_and_4_710_in_the_best() -> None:
    check_register(kiwi())
    assert profit_share(10_000 * YUAN, 2020, kiwi()) == [due("least", 250_000), due("most", 471_000)]


@pytest.mark.parametrize(
    ("scheme", "pointer"),
    [(leye(base_bp=4_990), "/scheme/modes/0/household_bp"), (leye(full_bp=9_430), "/scheme/modes/3/household_bp")],
)
def test_49_9_percent_and_94_3_percent_are_refused(scheme: ShareScheme, pointer: str) -> None:
    with pytest.raises(RegisterBodyError) as refusal:
        check_register(kiwi(scheme))
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("year", [2019, 2035])
def test_the_year_before_the_first_and_the_sixteenth_are_refused(year: int) -> None:
    with pytest.raises(SchemeYearError) as refusal:
        profit_share(10_000 * YUAN, year, kiwi())
    assert "2020 to 2034" in refusal.value.detail("en")


@pytest.mark.parametrize("year", [2020, 2034])
def test_the_first_and_the_fifteenth_year_pay(year: int) -> None:
    assert sum(one.fen for one in profit_share(10_000 * YUAN, year, kiwi())) == 721_000


def test_a_profit_is_shared_by_a_scheme_and_a_loss_is_not() -> None:
    with pytest.raises(SchemeMissingError):
        profit_share(1, 2020, MEMBERS)
    with pytest.raises(NoSurplusError):
        profit_share(-1, 2020, kiwi())
    assert profit_share(0, 2020, kiwi()) == []


def test_a_scheme_is_part_of_the_bytes_that_are_pinned() -> None:
    assert register_body(kiwi().as_json()) == register_body(register_body(kiwi().as_json()).as_json())
    assert kiwi(leye(full_bp=9_000)).sha256() != kiwi().sha256()
    assert register_body(kiwi().as_json()).sha256() == kiwi().sha256()
