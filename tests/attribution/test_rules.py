"""The arithmetic of attribution, without a database: who gets what of a line, and what of it climbs, falls and is paid.

The properties hold for any facts; the examples say what they mean.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.attribution.rules import (
    PAID_STEP,
    Advance,
    AlreadyConfirmedError,
    ContributionFact,
    ForeignContributionError,
    Kind,
    LineFacts,
    LotDraw,
    Match,
    Owed,
    PayeeError,
    PaymentOrder,
    PaymentReferenceTakenError,
    PoolFact,
    Settlement,
    Share,
    Standing,
    Step,
    attribute,
    climb,
    fall,
    match,
    pay,
)
from market.attribution.schemas import reach_out

SUPPLIER, LOT, OTHER_LOT = UUID(int=1), UUID(int=2), UUID(int=3)
LINE = UUID(int=4)
OWNERS = [UUID(int=100 + number) for number in range(5)]
RETAINED = Share(Kind.RETAINED, SUPPLIER)


def household(number: int, mechanism: str = "order_purchase", contribution: int | None = None) -> Share:
    made = None if contribution is None else UUID(int=1000 + contribution)
    return Share(Kind.HOUSEHOLD, OWNERS[number], mechanism, made, assisted=True)


def contribution(number: int, amount_fen: int, *, lot: UUID = LOT, carry_fen: int = 0) -> ContributionFact:
    owner = OWNERS[number % len(OWNERS)]
    return ContributionFact(UUID(int=1000 + number), lot, owner, "order_purchase", amount_fen, True, carry_fen)


def facts(
    net_fen: int,
    *,
    contributions: Sequence[ContributionFact] = (),
    pools: Sequence[PoolFact] = (),
    draws: Sequence[LotDraw] = (LotDraw(LOT, 0, 10, 10),),
) -> LineFacts:
    return LineFacts("acceptance:1", SUPPLIER, net_fen, draws, contributions, pools)


def total(shares: Iterable[tuple[Share, int]]) -> int:
    return sum(fen for _, fen in shares)


def of_kind(shares: Iterable[tuple[Share, int]], *kinds: Kind) -> int:
    return sum(fen for share, fen in shares if share.kind in kinds)


fens = st.integers(0, 10**9)
weights = st.lists(st.integers(0, 10**4), max_size=5)


@st.composite
def draws(draw: st.DrawFn, lot: UUID) -> LotDraw:
    before, after, whole = sorted(draw(st.lists(st.integers(0, 10**7), min_size=3, max_size=3)))
    return LotDraw(lot, before, after, whole or 1)


@st.composite
def line_facts(draw: st.DrawFn) -> LineFacts:
    pools = [
        PoolFact(mechanism, bp, [(household(number, mechanism), weight) for number, weight in enumerate(own)])
        for mechanism, bp, own in draw(
            st.lists(
                st.tuples(st.sampled_from(["share_dividend", "collective_dividend"]), st.integers(0, 10_000), weights),
                max_size=2,
                unique_by=lambda pool: pool[0],
            )
        )
    ]
    amounts = draw(st.lists(st.tuples(fens, st.sampled_from([LOT, OTHER_LOT]), st.integers(-3, 3)), max_size=8))
    contributions = [
        contribution(number, fen, lot=lot, carry_fen=carry_fen) for number, (fen, lot, carry_fen) in enumerate(amounts)
    ]
    drawn = [draw(draws(LOT)), draw(draws(OTHER_LOT))]
    return facts(draw(fens), contributions=contributions, pools=pools, draws=drawn)


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
        if sum(weight for _, weight in pool.shares):
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


STEPS = [Step.ACCRUED, Step.RECOGNISED, Step.DISBURSED, Step.CONFIRMED]


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    keys = st.tuples(st.integers(0, 4), st.sampled_from(["order_purchase", "labour"]), st.sampled_from(STEPS))
    found = draw(st.dictionaries(keys, st.integers(1, 10**6), max_size=12))
    return [
        Standing(household(number, mechanism), step, UUID(int=7) if step in STEPS[2:] else None, fen)
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


def test_when_nothing_is_paid_nothing_climbs() -> None:
    assert climb([], 0, salt="receipt:1") == []


@st.composite
def claims_and_advances(draw: st.DrawFn) -> tuple[list[Owed], list[Advance]]:
    contributions = st.sampled_from([None, 1, 2])
    claims = [
        Owed(LINE, household(number, contribution=made), step, fen)
        for number, made, step, fen in draw(
            st.lists(
                st.tuples(
                    st.integers(0, 1),
                    contributions,
                    st.sampled_from([Step.RECOGNISED, Step.TOP_UP]),
                    st.integers(1, 100),
                ),
                max_size=6,
            )
        )
    ]
    advances = [
        Advance(
            (Kind.HOUSEHOLD, OWNERS[number]),
            UUID(int=500 + position),
            None if made is None else UUID(int=1000 + made),
            confirmed,
            fen,
        )
        for position, (number, made, confirmed, fen) in enumerate(
            draw(st.lists(st.tuples(st.integers(0, 1), contributions, st.booleans(), st.integers(1, 100)), max_size=6))
        )
    ]
    return claims, advances


def fits(claim: Owed, advance: Advance) -> bool:
    return advance.owner == (claim.share.kind, claim.share.owner_id) and (
        advance.contribution_id is None or advance.contribution_id == claim.share.contribution_id
    )


@given(claims_and_advances())
def test_advances_are_claimed_by_their_owner_and_their_contribution_and_never_above(
    given_: tuple[list[Owed], list[Advance]],
) -> None:
    claims, advances = given_
    used: dict[Advance, int] = defaultdict(int)
    claimed = [0] * len(claims)
    for found in match(claims, advances):
        assert fits(found.owed, found.advance)
        assert found.fen > 0
        used[found.advance] += found.fen
    for position, claim in enumerate(claims):
        claimed[position] = sum(found.fen for found in match(claims, advances) if found.owed is claim)
        assert claimed[position] <= claim.fen
    assert all(used[advance] <= advance.fen for advance in advances)
    for position, claim in enumerate(claims):
        if claimed[position] < claim.fen:
            assert all(used[advance] == advance.fen for advance in advances if fits(claim, advance))


@given(claims_and_advances())
def test_the_oldest_advance_that_fits_is_claimed_first(given_: tuple[list[Owed], list[Advance]]) -> None:
    claims, advances = given_
    left = {advance: advance.fen for advance in advances}
    for found in match(claims, advances):
        older = advances[: advances.index(found.advance)]
        assert all(left[advance] == 0 for advance in older if fits(found.owed, advance))
        left[found.advance] -= found.fen


def test_an_advance_for_one_contribution_waits_for_it() -> None:
    claims = [Owed(LINE, household(0, contribution=made), Step.RECOGNISED, 30) for made in (1, 2)]
    tied = Advance((Kind.HOUSEHOLD, OWNERS[0]), UUID(int=5), UUID(int=1002), False, 50)
    free = Advance((Kind.HOUSEHOLD, OWNERS[0]), UUID(int=6), None, False, 10)
    assert match(claims, [tied, free]) == [Match(claims[0], free, 10), Match(claims[1], tied, 30)]


@given(st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.integers(1, 100)), max_size=6), st.integers(1, 500))
def test_a_payment_settles_what_is_owed_in_turn_and_the_rest_is_an_advance(
    amounts: list[tuple[int | None, int]], amount_fen: int
) -> None:
    owed = [Owed(LINE, household(0, contribution=made), Step.RECOGNISED, fen) for made, fen in amounts]
    settled, left_fen = pay(owed, amount_fen, contribution_id=None)
    assert sum(item.fen for item in settled) + left_fen == amount_fen
    assert settled[:-1] == owed[: max(len(settled) - 1, 0)]
    assert left_fen == max(amount_fen - sum(item.fen for item in owed), 0)


def test_a_payment_for_a_contribution_settles_that_alone() -> None:
    owed = [Owed(LINE, household(0, contribution=made), Step.RECOGNISED, 30) for made in (1, 2, 2)]
    settled, left_fen = pay(owed, 70, contribution_id=UUID(int=1002))
    assert (settled, left_fen) == (owed[1:], 10)


def test_a_settlement_tells_shares_that_orders_brought_from_top_ups() -> None:
    payment = PaymentOrder(Kind.HOUSEHOLD, OWNERS[0], 60, "B1", None)
    items = [
        Owed(LINE, household(0), step, fen, date(2026, 3, 2)) for step, fen in zip(PAID_STEP, (30, 20), strict=True)
    ]
    settlement = Settlement(payment, items, 10)
    assert (settlement.settled_fen, settlement.top_up_fen, settlement.advance_fen) == (30, 20, 10)


def test_the_reach_counts_a_household_once_and_keeps_top_ups_apart() -> None:
    ordinary = Share(Kind.HOUSEHOLD, OWNERS[1], "order_purchase", None, assisted=False)
    shares = [
        (household(0), 10),
        (household(0, contribution=1), 5),
        (household(0, "labour"), 7),
        (ordinary, 20),
        (Share(Kind.COLLECTIVE, OWNERS[2], "collective_dividend"), 3),
        (Share(Kind.SUSPENSE, SUPPLIER, "share_dividend"), 4),
        (RETAINED, 51),
    ]
    found = reach_out(shares, [(household(0), 9)])
    assert (found.households, found.assisted_households, found.collectives) == (2, 1, 1)
    assert [(each.mechanism, each.payees, each.fen, each.assisted_fen) for each in found.mechanisms] == [
        ("collective_dividend", 1, 3, 0),
        ("labour", 1, 7, 7),
        ("order_purchase", 2, 35, 15),
    ]
    assert (found.retained_fen, found.suspense_fen, found.top_up_fen) == (51, 4, 9)
    assert reach_out([]).mechanisms == []


@given(line_facts())
def test_the_reach_of_a_line_adds_up_to_its_net_amount(line: LineFacts) -> None:
    found = attribute(line)
    reached = reach_out(found.shares, found.top_ups)
    brought = sum(mechanism.fen for mechanism in reached.mechanisms)
    assert brought + reached.retained_fen + reached.suspense_fen == line.net_fen
    assert reached.top_up_fen == total(found.top_ups)


def test_ties_between_shares_go_by_all_that_tells_them_apart() -> None:
    shares = [household(0), household(1), household(0, "labour"), household(0, contribution=1), RETAINED]
    assert len({share.key for share in shares}) == len(shares)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PayeeError(payee="x"), 422, "payee"),
        (ForeignContributionError(), 422, "foreign_contribution"),
        (PaymentReferenceTakenError(reference="B1"), 409, "payment_reference_taken"),
        (AlreadyConfirmedError(), 409, "already_confirmed"),
    ],
)
def test_refusals_of_payments_have_stable_codes(
    error: PayeeError | ForeignContributionError | PaymentReferenceTakenError | AlreadyConfirmedError,
    status: int,
    code: str,
) -> None:
    assert (error.status, error.code()) == (status, code)
