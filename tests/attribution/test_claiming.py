"""Advances that are claimed, and payments that settle what is owed."""

from collections import defaultdict
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
from market.attribution.rules import Advance, Kind, Owed, Step
from tests.attribution.shares import LINE, OWNERS, household


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
