"""Shares, contributions and facts of order lines, made up by hand and at random."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from hypothesis import strategies as st

from market.attribution.rules import (
    ConsignedFact,
    ContributionFact,
    Kind,
    LineFacts,
    LotDraw,
    PoolFact,
    Share,
)

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


def consigned(number: int, milli: int, *, bp: int = 9_000) -> ConsignedFact:
    owner = OWNERS[number % len(OWNERS)]
    return ConsignedFact(UUID(int=1000 + number), LOT, owner, "consignment", milli, bp, True)


def facts(
    net_fen: int,
    *,
    contributions: Sequence[ContributionFact] = (),
    pools: Sequence[PoolFact] = (),
    draws: Sequence[LotDraw] = (LotDraw(LOT, 0, 10, 10),),
    consigned: Sequence[ConsignedFact] = (),
    made_of: int = 10,
) -> LineFacts:
    return LineFacts("acceptance:1", SUPPLIER, net_fen, draws, contributions, pools, consigned, {LOT: made_of})


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
        if mechanism != "patronage"
        else PoolFact(mechanism, bp, (), kept=True)
        for mechanism, bp, own in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["share_dividend", "collective_dividend", "patronage"]),
                    st.integers(0, 10_000),
                    weights,
                ),
                max_size=3,
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
