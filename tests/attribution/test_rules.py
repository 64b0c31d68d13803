"""The arithmetic of attribution, without a database: who gets what of a line.

The properties hold for any facts; the examples say what they mean.
"""

from collections import defaultdict
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.attribution.rules import (
    Kind,
    LineFacts,
    LotDraw,
    PoolFact,
    Share,
    attribute,
)
from market.attribution.schemas import reach_out
from tests.attribution.shares import (
    LOT,
    OWNERS,
    RETAINED,
    SUPPLIER,
    contribution,
    facts,
    fens,
    household,
    line_facts,
    of_kind,
    total,
)


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


def test_the_reach_counts_a_household_once_and_keeps_top_ups_apart() -> None:
    ordinary = Share(Kind.HOUSEHOLD, OWNERS[1], "order_purchase", None, assisted=False)
    shares = [
        (household(0), 10),
        (household(0, contribution=1), 5),
        (household(0, "labour"), 7),
        (ordinary, 20),
        (Share(Kind.COLLECTIVE, OWNERS[2], "collective_dividend"), 3),
        (Share(Kind.SUSPENSE, SUPPLIER, "share_dividend"), 4),
        (Share(Kind.POOL, SUPPLIER, "patronage"), 6),
        (RETAINED, 51),
    ]
    found = reach_out(shares, [(household(0), 9)])
    assert (found.households, found.assisted_households, found.collectives) == (2, 1, 1)
    assert [(each.mechanism, each.payees, each.fen, each.assisted_fen) for each in found.mechanisms] == [
        ("collective_dividend", 1, 3, 0),
        ("labour", 1, 7, 7),
        ("order_purchase", 2, 35, 15),
    ]
    assert (found.retained_fen, found.pool_fen, found.suspense_fen, found.top_up_fen) == (51, 6, 4, 9)
    assert (reach_out([]).mechanisms, reach_out([]).household_median_fen) == ([], 0)


def test_who_is_brought_nothing_is_not_reached_and_the_median_shows_crumbs() -> None:
    mechanism = "order_purchase"
    brought = [(Share(Kind.HOUSEHOLD, owner, mechanism), fen) for owner, fen in zip(OWNERS, (0, 1, 900), strict=False)]
    found = reach_out([*brought, (household(2, "labour"), 100), (household(0, "labour"), 0)])
    assert (found.households, found.household_median_fen) == (2, 1)
    assert [(each.payees, each.median_fen) for each in found.mechanisms] == [(1, 100), (2, 1)]


@given(line_facts())
def test_the_reach_of_a_line_adds_up_to_its_net_amount(line: LineFacts) -> None:
    found = attribute(line)
    reached = reach_out(found.shares, found.top_ups)
    brought = sum(mechanism.fen for mechanism in reached.mechanisms)
    assert brought + reached.retained_fen + reached.pool_fen + reached.suspense_fen == line.net_fen
    assert reached.top_up_fen == total(found.top_ups)
