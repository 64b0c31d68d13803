"""The arithmetic of attribution, without a database: who gets what of a line, and how it climbs, falls and is paid.

The properties hold for any facts; the examples say what they mean.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import date
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.attribution.rules import (
    PAID_STEP,
    Kind,
    LineFacts,
    LotDraw,
    Owed,
    PaymentOrder,
    PoolFact,
    Settlement,
    Share,
    Standing,
    Step,
    attribute,
    climb,
    fall,
)
from tests.attribution.shares import (
    LINE,
    LOT,
    OTHER_LOT,
    OWNERS,
    RETAINED,
    SUPPLIER,
    consigned,
    contribution,
    facts,
    fens,
    household,
    line_facts,
    of_kind,
    total,
)

STEPS = [Step.ACCRUED, Step.RECOGNISED, Step.DISBURSED, Step.CONFIRMED]
PAYMENT = UUID(int=7)


@given(line_facts())
def test_the_shares_of_a_line_are_its_net_amount_to_the_fen_and_none_is_negative(line: LineFacts) -> None:
    found = attribute(line)
    assert total(found.shares) == line.net_fen
    assert all(fen > 0 for _, fen in [*found.shares, *found.top_ups])


@given(line_facts())
def test_top_ups_complete_what_the_contributions_release_and_carries_keep_the_rest(line: LineFacts) -> None:
    found = attribute(line)
    drawn = {draw.lot_id: draw for draw in line.draws}
    got: dict[UUID | None, int] = defaultdict(int)
    for share, fen in [*found.shares, *found.top_ups]:
        got[share.contribution_id] += fen
    for fact in line.contributions:
        due = drawn[fact.lot_id].released_of(fact.amount_fen)
        left = found.carries.get(fact.contribution_id, fact.carry_fen)
        assert got[fact.contribution_id] + left == due + fact.carry_fen
        assert fact.contribution_id not in found.carries or left <= 0


@given(line_facts())
def test_contributions_come_before_pools_and_pools_before_the_supplier(line: LineFacts) -> None:
    found = attribute(line)
    contributed = sum(fen for share, fen in found.shares if share.contribution_id)
    pooled = line.net_fen - contributed - of_kind(found.shares, Kind.RETAINED)
    assert contributed <= line.net_fen
    if found.top_ups:
        assert contributed == line.net_fen
    promised = sum(line.net_fen * pool.bp // 10_000 for pool in line.pools)
    assert pooled == min(promised, line.net_fen - contributed)


@given(line_facts())
def test_a_pool_is_split_among_its_payees_or_waits_whole_in_suspense(line: LineFacts) -> None:
    found = attribute(line)
    suspended = {share.mechanism for share, _ in found.shares if share.kind is Kind.SUSPENSE}
    for pool in line.pools:
        paid = {share.mechanism for share, _ in found.shares if share.kind is Kind.HOUSEHOLD}
        if pool.kept or sum(weight for _, weight in pool.shares) > 0:
            assert pool.mechanism not in suspended
        else:
            assert pool.mechanism not in paid


@given(line_facts())
def test_the_same_facts_give_the_same_shares(line: LineFacts) -> None:
    assert attribute(line) == attribute(replace(line))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.lists(fens, min_size=1, max_size=5))
def test_a_lot_sold_in_any_portions_releases_every_contribution_to_the_fen(
    portions: list[int], amounts: list[int]
) -> None:
    whole, drawn = sum(portions), 0
    got = [0] * len(amounts)
    for portion in portions:
        line = facts(
            10**12,
            contributions=[contribution(number, fen) for number, fen in enumerate(amounts)],
            draws=[LotDraw(LOT, drawn, drawn := drawn + portion, whole)],
        )
        for share, fen in attribute(line).shares:
            if share.contribution_id:
                got[share.contribution_id.int - 1000] += fen
    assert got == amounts


def test_a_line_that_brings_less_than_it_releases_is_shared_in_proportion_and_topped_up() -> None:
    found = attribute(facts(100, contributions=[contribution(0, 300), contribution(1, 100)]))
    assert found.shares == [(household(0, contribution=0), 75), (household(1, contribution=1), 25)]
    assert found.top_ups == [(household(0, contribution=0), 225), (household(1, contribution=1), 75)]


def test_pools_that_promise_more_than_is_left_are_scaled_to_it() -> None:
    promised = [("collective_dividend", 6_000), ("rent", 3_000)]
    pools = [PoolFact(name, bp, [(household(0, name), 1)]) for name, bp in promised]
    found = attribute(facts(1_000, contributions=[contribution(1, 400)], pools=pools))
    assert found.shares == [
        (household(1, contribution=1), 400),
        (household(0, "collective_dividend"), 400),
        (household(0, "rent"), 200),
    ]


@pytest.mark.parametrize("payees", [[], [(household(0, "share_dividend"), 0)]])
def test_a_pool_without_payees_waits_in_suspense_under_its_mechanism(payees: list[tuple[Share, int]]) -> None:
    found = attribute(facts(1_000, pools=[PoolFact("share_dividend", 2_500, payees)]))
    assert found.shares == [(Share(Kind.SUSPENSE, SUPPLIER, "share_dividend"), 250), (RETAINED, 750)]


def test_a_kept_pool_waits_whole_under_its_mechanism_apart_from_what_the_supplier_retains() -> None:
    pools = [PoolFact("patronage", 1_500, (), kept=True), PoolFact("share_dividend", 1_000, [(household(0), 1)])]
    found = attribute(facts(999, pools=pools))
    assert found.shares == [
        (Share(Kind.POOL, SUPPLIER, "patronage"), 149),
        (household(0), 99),
        (RETAINED, 751),
    ]


def test_what_returns_left_to_release_is_released_with_the_next_draw() -> None:
    half = [LotDraw(LOT, 0, 5, 10)]
    behind = attribute(facts(1_000, contributions=[contribution(0, 100, carry_fen=2)], draws=half))
    assert behind.shares == [(household(0, contribution=0), 52), (RETAINED, 948)]
    assert behind.carries == {UUID(int=1000): 0}
    ahead = attribute(facts(1_000, contributions=[contribution(0, 100, carry_fen=-2)], draws=half))
    assert ahead.shares[0] == (household(0, contribution=0), 48)
    far_ahead = attribute(facts(1_000, contributions=[contribution(0, 100, carry_fen=-60)], draws=half))
    assert (far_ahead.shares, far_ahead.carries) == ([(RETAINED, 1_000)], {UUID(int=1000): -10})
    even = attribute(facts(1_000, contributions=[contribution(0, 100)], draws=half))
    assert even.carries == {}


def test_a_lot_wholly_consigned_brings_its_households_their_part_by_quantity() -> None:
    found = attribute(facts(100_00, consigned=[consigned(0, 6), consigned(1, 4)]))
    assert dict(found.shares) == {
        household(0, "consignment", 0): 54_00,
        household(1, "consignment", 1): 36_00,
        RETAINED: 10_00,
    }


def test_of_a_lot_partly_bought_in_only_the_consigned_part_counts() -> None:
    found = attribute(facts(100_00, consigned=[consigned(0, 3), consigned(1, 1)]))
    assert dict(found.shares) == {
        household(0, "consignment", 0): 27_00,
        household(1, "consignment", 1): 9_00,
        RETAINED: 64_00,
    }


def test_what_was_lost_in_the_making_is_everybodys_loss() -> None:
    found = attribute(facts(100_00, consigned=[consigned(0, 8), consigned(1, 4)], made_of=12))
    assert dict(found.shares) == {
        household(0, "consignment", 0): 60_00,
        household(1, "consignment", 1): 30_00,
        RETAINED: 10_00,
    }


def test_each_delivery_keeps_the_basis_points_of_its_day() -> None:
    found = attribute(facts(100_00, consigned=[consigned(0, 5, bp=9_000), consigned(1, 5, bp=8_000)]))
    assert dict(found.shares) == {
        household(0, "consignment", 0): 45_00,
        household(1, "consignment", 1): 40_00,
        RETAINED: 15_00,
    }


def test_a_line_of_two_lots_gives_each_its_part_by_what_was_drawn() -> None:
    draws = (LotDraw(LOT, 0, 30, 100), LotDraw(OTHER_LOT, 5, 15, 100))
    found = attribute(facts(100_00, consigned=[consigned(0, 100)], made_of=100, draws=draws))
    assert dict(found.shares) == {household(0, "consignment", 0): 67_50, RETAINED: 32_50}


def test_what_consigned_produce_brings_pays_for_nothing_else() -> None:
    bought = contribution(2, 90_00)
    pool = PoolFact("share_dividend", 1_000, [(household(3, "share_dividend"), 1)])
    found = attribute(facts(100_00, consigned=[consigned(0, 5)], contributions=[bought], pools=[pool]))
    assert dict(found.shares) == {household(0, "consignment", 0): 45_00, bought.share: 55_00}
    assert dict(found.top_ups) == {bought.share: 35_00}
    found = attribute(facts(100_00, consigned=[consigned(0, 10)], pools=[pool]))
    assert dict(found.shares) == {household(0, "consignment", 0): 90_00, household(3, "share_dividend"): 10_00}


def test_a_line_that_brings_nothing_or_takes_nothing_brings_consignors_nothing() -> None:
    assert attribute(facts(0, consigned=[consigned(0, 5)])).shares == []
    found = attribute(facts(7, consigned=[consigned(0, 5)], draws=[LotDraw(LOT, 5, 5, 10)]))
    assert dict(found.shares) == {RETAINED: 7}


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10_000)), min_size=1, max_size=5),
    st.integers(0, 10**6),
    st.integers(1, 10**6),
)
def test_it_is_conserved_and_nobody_is_off_his_part_by_more_than_a_fen(
    net_fen: int, given_: list[tuple[int, int]], others: int, drawn: int
) -> None:
    deliveries = [consigned(number, milli, bp=bp) for number, (milli, bp) in enumerate(given_)]
    made_of = others + sum(milli for milli, _ in given_)
    draws = [LotDraw(LOT, 0, drawn, drawn)]
    found = dict(attribute(facts(net_fen, consigned=deliveries, made_of=made_of, draws=draws)).shares)
    assert sum(found.values()) == net_fen
    assert min(found.values(), default=0) >= 0
    for fact in deliveries:
        exact = Fraction(net_fen * fact.measure_milli * fact.proceeds_bp, made_of * 10_000)
        assert abs(found.get(fact.share, 0) - exact) < 2


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    keys = st.tuples(st.integers(0, 4), st.sampled_from(["order_purchase", "labour"]), st.sampled_from(STEPS))
    found = draw(st.dictionaries(keys, st.integers(1, 10**6), max_size=12))
    return [
        Standing(household(number, mechanism), step, PAYMENT if step in STEPS[2:] else None, fen)
        for (number, mechanism, step), fen in found.items()
    ]


@given(standings(), st.data())
def test_a_fall_takes_exactly_its_amount_from_what_stands_and_from_nobody_more_than_stands(
    standing: list[Standing], data: st.DataObject
) -> None:
    amount_fen = data.draw(st.integers(0, sum(found.fen for found in standing)))
    falls = fall(standing, amount_fen, salt="return:1")
    assert sum(fallen.fen for fallen in falls) == amount_fen
    had = {found[:3]: found.fen for found in standing}
    assert all(0 < fallen.fen <= had[fallen[:3]] for fallen in falls)
    assert len({fallen[:3] for fallen in falls}) == len(falls)


@given(standings())
def test_a_full_fall_leaves_nothing_standing(standing: list[Standing]) -> None:
    falls = fall(standing, sum(found.fen for found in standing), salt="return:1")
    assert sorted(falls, key=str) == sorted(standing, key=str)


@given(standings(), st.lists(st.integers(0, 10**6), max_size=5))
def test_falls_one_after_the_other_never_give_back_and_end_at_zero(
    standing: list[Standing], amounts: list[int]
) -> None:
    for number, wanted_fen in enumerate([*amounts, 10**9]):
        amount_fen = min(wanted_fen, sum(found.fen for found in standing))
        taken = {fallen[:3]: fallen.fen for fallen in fall(standing, amount_fen, salt=f"return:{number}")}
        standing = [found._replace(fen=found.fen - taken.get(found[:3], 0)) for found in standing]
        assert all(found.fen >= 0 for found in standing)
        standing = [found for found in standing if found.fen]
    assert standing == []


@given(standings(), st.data())
def test_a_share_falls_from_its_lowest_step_first(standing: list[Standing], data: st.DataObject) -> None:
    amount_fen = data.draw(st.integers(0, sum(found.fen for found in standing)))
    taken = {fallen[:3]: fallen.fen for fallen in fall(standing, amount_fen, salt="return:1")}
    for share in {found.share for found in standing}:
        own = sorted((found for found in standing if found.share == share), key=lambda found: STEPS.index(found.step))
        left = [found.fen - taken.get(found[:3], 0) for found in own]
        touched = [index for index, found in enumerate(own) if found[:3] in taken]
        assert all(left[index] == 0 for index in range(max(touched, default=0)))


@pytest.mark.parametrize(
    ("amount_fen", "taken"),
    [
        (0, []),
        (60, [(0, Step.ACCRUED, 30), (1, Step.RECOGNISED, 30)]),
        (120, [(0, Step.ACCRUED, 40), (1, Step.RECOGNISED, 60), (0, Step.DISBURSED, 20)]),
        (200, [(0, Step.ACCRUED, 40), (1, Step.RECOGNISED, 100), (0, Step.DISBURSED, 60)]),
    ],
)
def test_a_return_is_taken_of_all_in_proportion_to_what_remains_of_theirs(
    amount_fen: int, taken: list[tuple[int, Step, int]]
) -> None:
    standing = [
        Standing(household(0), Step.DISBURSED, PAYMENT, 60),
        Standing(household(0), Step.ACCRUED, None, 40),
        Standing(household(1), Step.RECOGNISED, None, 100),
    ]
    falls = fall(standing, amount_fen, salt="return:1")
    assert [(OWNERS.index(each.share.owner_id), each.step, each.fen) for each in falls] == taken


def test_an_unpaid_top_up_falls_before_a_paid_one() -> None:
    standing = [
        Standing(household(0), Step.TOP_UP_PAID, PAYMENT, 50),
        Standing(household(0), Step.TOP_UP, None, 30),
    ]
    assert [(each.step, each.fen) for each in fall(standing, 40, salt="return:1")] == [
        (Step.TOP_UP, 30),
        (Step.TOP_UP_PAID, 10),
    ]


def test_only_what_payees_hold_of_paid_steps_is_received() -> None:
    collective = Share(Kind.COLLECTIVE, OWNERS[0], "collective_dividend")
    for share in (household(0), collective):
        received = {step for step in Step if Standing(share, step, None, 1).is_received}
        assert received == {Step.DISBURSED, Step.CONFIRMED, Step.TOP_UP_PAID}
    assert not any(Standing(RETAINED, step, None, 1).is_received for step in Step)
    assert {step for step in Step if Standing(RETAINED, step, None, 1).is_top_up} == {Step.TOP_UP, Step.TOP_UP_PAID}


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5), st.data())
def test_what_climbs_is_the_paid_amount_and_no_share_climbs_above_itself(
    amounts: list[int], data: st.DataObject
) -> None:
    accrued = [(household(number), fen) for number, fen in enumerate(amounts)]
    paid_fen = data.draw(st.integers(0, sum(amounts)))
    climbed = climb(accrued, paid_fen, salt="receipt:1")
    assert total(climbed) == paid_fen
    assert all(0 < fen <= dict(accrued)[share] for share, fen in climbed)


def test_a_part_payment_makes_that_part_of_every_share_recognised() -> None:
    accrued = [(household(0), 100), (household(1), 50), (RETAINED, 850)]
    assert climb(accrued, 500, salt="receipt:1") == [(household(0), 50), (household(1), 25), (RETAINED, 425)]
    assert climb(accrued, 0, salt="receipt:1") == climb([], 0, salt="receipt:1") == []


def test_a_settlement_tells_shares_that_orders_brought_from_top_ups() -> None:
    payment = PaymentOrder(Kind.HOUSEHOLD, OWNERS[0], 60, "B1", None)
    items = [
        Owed(LINE, household(0), step, fen, date(2026, 3, 2)) for step, fen in zip(PAID_STEP, (30, 20), strict=True)
    ]
    settlement = Settlement(payment, items, 10)
    assert (settlement.settled_fen, settlement.top_up_fen, settlement.advance_fen) == (30, 20, 10)


def test_ties_between_shares_go_by_all_that_tells_them_apart() -> None:
    shares = [household(0), household(1), household(0, "labour"), household(0, contribution=1), RETAINED]
    assert len({share.key for share in shares}) == len(shares)
