"""Advances that are claimed, and payments that settle what is owed."""

from collections import defaultdict
from collections.abc import Sequence
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
    paid_for = st.sampled_from([None, 1, 2, 3, 4])
    carried_from = st.sampled_from([(), (3,), (3, 4), (4,)])
    claims = [
        Owed(LINE, household(number, mechanism, made), step, fen, carried_from=carried_from_of(made, stems))
        for number, mechanism, made, stems, step, fen in draw(
            st.lists(
                st.tuples(
                    st.integers(0, 1),
                    st.sampled_from(["order_purchase", "labour"]),
                    contributions,
                    carried_from,
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
            invoiced=invoiced,
        )
        for position, (number, made, confirmed, fen, invoiced) in enumerate(
            draw(
                st.lists(
                    st.tuples(st.integers(0, 1), paid_for, st.booleans(), st.integers(1, 100), st.booleans()),
                    max_size=6,
                )
            )
        )
    ]
    return claims, advances


def carried_from_of(made: int | None, stems: Sequence[int]) -> tuple[UUID, ...]:
    return () if made is None else tuple(UUID(int=1000 + stem) for stem in stems)


def distance(claim: Owed, advance: Advance) -> int | None:
    """Return how far what an advance was paid for lies from a claim's contribution: none if it is not for it."""
    if advance.owner != (claim.share.kind, claim.share.owner_id):
        return None
    if advance.invoiced and claim.share.mechanism == "labour":
        return None
    if advance.contribution_id is None:
        return 99
    if advance.contribution_id == claim.share.contribution_id:
        return 0
    stems = list(claim.carried_from)
    return 1 + stems.index(advance.contribution_id) if advance.contribution_id in stems else None


def fits(claim: Owed, advance: Advance) -> bool:
    return distance(claim, advance) is not None


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
def test_what_was_paid_for_the_nearest_is_claimed_first_and_then_the_oldest(
    given_: tuple[list[Owed], list[Advance]],
) -> None:
    claims, advances = given_
    left = {advance: advance.fen for advance in advances}
    for found in match(claims, advances):
        fitting = [advance for advance in advances if fits(found.owed, advance)]
        in_turn = sorted(fitting, key=lambda advance: distance(found.owed, advance) or 0)
        assert all(left[advance] == 0 for advance in in_turn[: in_turn.index(found.advance)])
        left[found.advance] -= found.fen


def test_an_advance_for_one_contribution_waits_for_it() -> None:
    claims = [Owed(LINE, household(0, contribution=made), Step.RECOGNISED, 30) for made in (1, 2)]
    tied = Advance((Kind.HOUSEHOLD, OWNERS[0]), UUID(int=5), UUID(int=1002), False, 50)
    free = Advance((Kind.HOUSEHOLD, OWNERS[0]), UUID(int=6), None, False, 10)
    assert match(claims, [tied, free]) == [Match(claims[0], free, 10), Match(claims[1], tied, 30)]


def test_what_a_purchase_invoice_paid_is_kept_for_produce_alone() -> None:
    produce, wages = household(0, contribution=1), household(0, "labour", contribution=2)
    claims = [
        Owed(LINE, wages, Step.RECOGNISED, 30),
        Owed(LINE, wages, Step.ACCRUED, 30),
        Owed(LINE, produce, Step.TOP_UP, 30),
    ]
    invoice = Advance((Kind.HOUSEHOLD, OWNERS[0]), UUID(int=5), None, False, 20, invoiced=True)
    assert match(claims, [invoice]) == [Match(claims[2], invoice, 20)]
    assert pay(claims, 50, contribution_id=None, invoiced=True) == ([claims[2]], 20)


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


def test_a_payment_for_a_contribution_settles_what_was_carried_from_it_too() -> None:
    origin, on, further = (UUID(int=1000 + made) for made in (1, 2, 3))
    owed = [
        Owed(LINE, household(0, contribution=3), Step.RECOGNISED, 30, carried_from=(on, origin)),
        Owed(LINE, household(0, contribution=2), Step.RECOGNISED, 30, carried_from=(origin,)),
        Owed(LINE, household(0, contribution=1), Step.RECOGNISED, 30),
    ]
    assert pay(owed, 100, contribution_id=origin) == (owed, 10)
    assert pay(owed, 100, contribution_id=on) == (owed[:2], 40)
    assert pay(owed, 100, contribution_id=further) == (owed[:1], 70)


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
