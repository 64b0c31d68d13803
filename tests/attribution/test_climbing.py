"""What stands on a line, falling and climbing; advances that are claimed; payments that settle."""

from collections import defaultdict
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.attribution.claiming import Match, match, pay
from market.attribution.paying import (
    AlreadyConfirmedError,
    ForeignContributionError,
    PayeeWithoutTieError,
    PaymentReferenceTakenError,
)
from market.attribution.rules import (
    PAID_STEP,
    Advance,
    Kind,
    Owed,
    PaymentOrder,
    Settlement,
    Share,
    Standing,
    Step,
    climb,
    fall,
)
from tests.attribution.shares import (
    LINE,
    OWNERS,
    RETAINED,
    household,
    total,
)

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
def test_what_fits_nothing_else_is_claimed_first_and_then_the_oldest(given_: tuple[list[Owed], list[Advance]]) -> None:
    claims, advances = given_
    left = {advance: advance.fen for advance in advances}
    in_turn = sorted(advances, key=lambda advance: advance.contribution_id is None)
    for found in match(claims, advances):
        before = in_turn[: in_turn.index(found.advance)]
        assert all(left[advance] == 0 for advance in before if fits(found.owed, advance))
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


def test_ties_between_shares_go_by_all_that_tells_them_apart() -> None:
    shares = [household(0), household(1), household(0, "labour"), household(0, contribution=1), RETAINED]
    assert len({share.key for share in shares}) == len(shares)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PayeeWithoutTieError(payee="x"), 422, "payee_without_tie"),
        (ForeignContributionError(), 422, "foreign_contribution"),
        (PaymentReferenceTakenError(reference="B1"), 409, "payment_reference_taken"),
        (AlreadyConfirmedError(), 409, "already_confirmed"),
    ],
)
def test_refusals_of_payments_have_stable_codes(
    error: PayeeWithoutTieError | ForeignContributionError | PaymentReferenceTakenError | AlreadyConfirmedError,
    status: int,
    code: str,
) -> None:
    assert (error.status, error.code()) == (status, code)
