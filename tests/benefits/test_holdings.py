"""What a register says: its bytes, what makes it sound, and the weights it gives."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.benefits.holdings import (
    Entitlement,
    Holding,
    Listed,
    ModePartMissingError,
    Part,
    RegisterBody,
    RegisterBodyError,
    SchemeCapital,
    ShareMode,
    ShareScheme,
    Source,
    check_register,
    collectives_of,
    households_of,
    register_body,
    weights,
)
from market.benefits.rules import RegisterKind
from market.money import MAX_FEN

WANG = Holding("b", own_fen=2_500_00, grant_fen=7_500_00)
LI = Holding("a", land_fen=3_000_00, loan_fen=50_000_00, area_milli_mu=500)
SHARES = RegisterBody(RegisterKind.SHARES, (WANG, LI))
CUSTODY = RegisterBody(RegisterKind.ENTITLEMENTS, (Entitlement("a", 100_000_00, 660, 600, 60, "c"),))
LIST = RegisterBody(RegisterKind.LIST, (Listed("b", 3), Listed("a", 1)))


def test_a_household_weighs_its_capital_or_what_of_it_a_formula_counts() -> None:
    assert weights(SHARES) == [("b", 10_000_00), ("a", 53_000_00)]
    assert weights(SHARES, {Source.GRANT, Source.LAND}) == [("b", 7_500_00), ("a", 3_000_00)]
    assert weights(SHARES, {Source.OWN}) == [("b", 2_500_00), ("a", 0)]
    assert weights(SHARES, [Source.LOAN, Source.LOAN]) == [("b", 0), ("a", 50_000_00)]


def test_entrusted_capital_and_listed_weights_weigh_what_they_say() -> None:
    assert weights(CUSTODY) == [("a", 100_000_00)]
    assert weights(LIST) == [("b", 3), ("a", 1)]


@pytest.mark.parametrize("body", [SHARES, CUSTODY, LIST])
def test_a_stored_body_reads_back_to_the_same_bytes_whatever_the_order_of_writing(body: RegisterBody) -> None:
    stored = json.loads(body.canonical())
    assert register_body(stored).sha256() == body.sha256()
    assert RegisterBody(body.kind, tuple(reversed(body.rows))).canonical() == body.canonical()
    assert b" " not in body.canonical()
    check_register(body)


fens = st.integers(0, 10**9)


@given(st.dictionaries(st.uuids().map(str), st.tuples(fens, fens, fens, fens, st.integers(1, 10**6)), max_size=6))
def test_weights_by_source_sum_to_the_capital(rows: dict[str, tuple[int, int, int, int, int]]) -> None:
    body = RegisterBody(RegisterKind.SHARES, tuple(Holding(key, *row) for key, row in rows.items()))
    parts = [sum(weight for _, weight in weights(body, {source})) for source in Source]
    assert sum(parts) == sum(weight for _, weight in weights(register_body(json.loads(body.canonical()))))


def test_a_register_tells_whom_it_names_and_where() -> None:
    assert households_of(SHARES) == {"b": "/shares/0/household_code", "a": "/shares/1/household_code"}
    assert collectives_of(CUSTODY) == {"c": "/entitlements/0/collective_id"}
    assert collectives_of(LIST) == {}


def of(kind: RegisterKind, *rows: Holding | Entitlement | Listed) -> RegisterBody:
    return RegisterBody(kind, rows)


MODE = ShareMode("base", "基础股", (Part.BASE,), 5_000)
SCHEME = ShareScheme(2020, 15, 5_000, 9_420, (MODE,))


def moded(*modes: ShareMode, mode: str = "base", area_milli_mu: int = 500, **stated: Any) -> RegisterBody:
    scheme = replace(SCHEME, modes=modes, **stated)
    return RegisterBody(
        RegisterKind.SHARES, (Holding("a", grant_fen=1, area_milli_mu=area_milli_mu, mode=mode),), scheme
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (of(RegisterKind.SHARES), "/shares"),
        (of(RegisterKind.SHARES, LI, LI), "/shares/1/household_code"),
        (of(RegisterKind.SHARES, Holding("a", own_fen=-1, land_fen=5, area_milli_mu=1)), "/shares/0/own_fen"),
        (of(RegisterKind.SHARES, Holding("a", own_fen=1, area_milli_mu=-1)), "/shares/0/area_mu"),
        (of(RegisterKind.SHARES, Holding("a", area_milli_mu=500)), "/shares/0"),
        (of(RegisterKind.SHARES, Holding("a", land_fen=1)), "/shares/0/area_mu"),
        (of(RegisterKind.SHARES, Holding("a", own_fen=MAX_FEN), Holding("b", own_fen=1)), "/shares"),
        (of(RegisterKind.ENTITLEMENTS, Entitlement("a", 0, 660, 600, 60, "c")), "/entitlements/0/capital_fen"),
        (of(RegisterKind.ENTITLEMENTS, Entitlement("a", 1, 0, 0, 0, "c")), "/entitlements/0/rate_bp"),
        (of(RegisterKind.ENTITLEMENTS, Entitlement("a", 1, 10_001, 10_001, 0, "c")), "/entitlements/0/rate_bp"),
        (of(RegisterKind.ENTITLEMENTS, Entitlement("a", 1, 660, 600, 61, "c")), "/entitlements/0/household_bp"),
        (of(RegisterKind.ENTITLEMENTS, Entitlement("a", 1, 660, 661, -1, "c")), "/entitlements/0/household_bp"),
        (of(RegisterKind.LIST, Listed("a", 0)), "/list/0/weight"),
        (of(RegisterKind.SHARES, Holding("a", own_fen=1, mode="base", area_milli_mu=1)), "/shares/0/mode"),
        (moded(MODE, mode="land"), "/shares/0/mode"),
        (moded(MODE, area_milli_mu=0), "/shares/0/area_mu"),
        (replace(LIST, scheme=SCHEME), "/scheme"),
        (moded(MODE, years=0), "/scheme"),
        (moded(MODE, lowest_bp=0), "/scheme"),
        (moded(MODE, highest_bp=10_001), "/scheme"),
        (moded(MODE, lowest_bp=9_421), "/scheme"),
        (moded(MODE, MODE), "/scheme/modes"),
        (moded(replace(MODE, parts=())), "/scheme/modes/0/parts"),
        (moded(replace(MODE, parts=(Part.BASE, Part.BASE))), "/scheme/modes/0/parts"),
        (moded(MODE, capital=SchemeCapital(1, 2, 0)), "/scheme/capital"),
        (moded(MODE, capital=SchemeCapital(0, 2, 500)), "/scheme/capital"),
        (moded(MODE, capital=SchemeCapital(3, 2, 500)), "/scheme/capital"),
        (moded(MODE, capital=SchemeCapital(100_001, 200_000, 10**9)), "/scheme/lowest_bp"),
        (moded(MODE, capital=SchemeCapital(2, 4, 500)), "/shares/0/grant_fen"),
    ],
)
def test_an_unsound_register_is_refused_and_pointed_at(body: RegisterBody, pointer: str) -> None:
    with pytest.raises(RegisterBodyError) as refusal:
        check_register(body)
    assert refusal.value.pointer == pointer


EVERY = ShareMode("every", "全部", tuple(Part), 9_420)


@pytest.mark.parametrize(
    ("parts", "held", "pointer", "said"),
    [
        ((Part.BASE,), {"own_fen": 5, "land_fen": 5}, "/shares/0/grant_fen", "配股"),
        ((Part.BASE, Part.OWN_FUNDS, Part.TENDING), {"grant_fen": 5, "loan_fen": 5}, "/shares/0/own_fen", "自筹资金"),
        ((Part.LAND,), {"own_fen": 5, "grant_fen": 5}, "/shares/0/land_fen", "土地入股"),
    ],
)
def test_who_lacks_what_a_mode_takes_cannot_hold_in_it(
    parts: tuple[Part, ...], held: dict[str, int], pointer: str, said: str
) -> None:
    mode = replace(EVERY, parts=parts)
    row = Holding("a", **held, area_milli_mu=500, mode="every")
    body = RegisterBody(RegisterKind.SHARES, (row,), replace(SCHEME, modes=(mode,)))
    with pytest.raises(ModePartMissingError) as refusal:
        check_register(body)
    assert refusal.value.pointer == pointer
    assert refusal.value.detail("zh") == f"股份模式「every」须有{said},该农户没有。"


def test_who_has_put_in_all_that_a_mode_takes_holds_in_it() -> None:
    rows = (
        Holding("a", own_fen=1, land_fen=1, grant_fen=1, area_milli_mu=500, mode="every"),
        Holding("b", grant_fen=1, area_milli_mu=500, mode="tended"),
    )
    modes = (EVERY, ShareMode("tended", "基础股+管护费", (Part.BASE, Part.TENDING), 6_000))
    check_register(RegisterBody(RegisterKind.SHARES, rows, replace(SCHEME, modes=modes)))


def test_who_holds_by_land_alone_needs_no_base_share_and_who_has_it_may_hold_more() -> None:
    capital = SchemeCapital(1, 2, 500)
    check_register(moded(MODE, capital=capital))
    check_register(moded(MODE, capital=SchemeCapital(1, 2, 1_000)))
    by_land = Holding("a", land_fen=1, area_milli_mu=500, mode="base")
    of_land = replace(SCHEME, modes=(replace(MODE, parts=(Part.LAND,)),), capital=SchemeCapital(2, 4, 500))
    check_register(RegisterBody(RegisterKind.SHARES, (by_land,), of_land))
    stated = moded(MODE, capital=capital)
    assert register_body(json.loads(stated.canonical())).sha256() == stated.sha256()
    assert stated.sha256() != moded(MODE).sha256()
    assert b"capital" not in moded(MODE).canonical()
