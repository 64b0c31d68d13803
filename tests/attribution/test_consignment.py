"""What consigned produce brings: the household's basis points of its part of the proceeds, and never more."""

from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import orm

from market.attribution.rules import ConsignedFact, Kind, LineFacts, LotDraw, PoolFact, Share, Step, attribute
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.ledger.models import LedgerEntry
from tests.attribution.shares import LOT, OTHER_LOT, OWNERS, RETAINED, SUPPLIER, contribution, household
from tests.story import Story, open_channels


def consigned(number: int, milli: int, *, bp: int = 9_000, lot: UUID = LOT) -> ConsignedFact:
    return ConsignedFact(UUID(int=1000 + number), lot, OWNERS[number % 5], "consignment", milli, bp, True)


def share(number: int) -> Share:
    return household(number % 5, "consignment", number)


def line(net_fen: int, *facts: ConsignedFact, made_of: int = 10, **others: Any) -> LineFacts:
    draws = others.pop("draws", (LotDraw(LOT, 0, 10, 10),))
    parts = {"contributions": (), "pools": (), **others}
    return LineFacts("acceptance:1", SUPPLIER, net_fen, draws, **parts, consigned=facts, made_of={LOT: made_of})


def test_a_lot_wholly_consigned_brings_its_households_their_part_by_quantity() -> None:
    found = attribute(line(100_00, consigned(0, 6), consigned(1, 4)))
    assert dict(found.shares) == {share(0): 54_00, share(1): 36_00, RETAINED: 10_00}


def test_of_a_lot_partly_bought_in_only_the_consigned_part_counts() -> None:
    found = attribute(line(100_00, consigned(0, 3), consigned(1, 1)))
    assert dict(found.shares) == {share(0): 27_00, share(1): 9_00, RETAINED: 64_00}


def test_what_was_lost_in_the_making_is_everybodys_loss() -> None:
    found = attribute(line(100_00, consigned(0, 8), consigned(1, 4), made_of=12))
    assert dict(found.shares) == {share(0): 60_00, share(1): 30_00, RETAINED: 10_00}


def test_each_delivery_keeps_the_basis_points_of_its_day() -> None:
    found = attribute(line(100_00, consigned(0, 5, bp=9_000), consigned(1, 5, bp=8_000)))
    assert dict(found.shares) == {share(0): 45_00, share(1): 40_00, RETAINED: 15_00}


def test_a_line_of_two_lots_gives_each_its_part_by_what_was_drawn() -> None:
    draws = (LotDraw(LOT, 0, 30, 100), LotDraw(OTHER_LOT, 5, 15, 100))
    found = attribute(line(100_00, consigned(0, 100), made_of=100, draws=draws))
    assert dict(found.shares) == {share(0): 67_50, RETAINED: 32_50}


def test_what_consigned_produce_brings_pays_for_nothing_else() -> None:
    bought = contribution(2, 90_00)
    pool = PoolFact("share_dividend", 1_000, [(household(3, "share_dividend"), 1)])
    found = attribute(line(100_00, consigned(0, 5), contributions=[bought], pools=[pool]))
    assert dict(found.shares) == {share(0): 45_00, bought.share: 55_00}
    assert dict(found.top_ups) == {bought.share: 35_00}
    found = attribute(line(100_00, consigned(0, 10), pools=[pool]))
    assert dict(found.shares) == {share(0): 90_00, household(3, "share_dividend"): 10_00}


def test_a_line_that_brings_nothing_or_takes_nothing_brings_consignors_nothing() -> None:
    assert attribute(line(0, consigned(0, 5))).shares == []
    found = attribute(line(7, consigned(0, 5), draws=(LotDraw(LOT, 5, 5, 10),)))
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
    facts = [consigned(number, milli, bp=bp) for number, (milli, bp) in enumerate(given_)]
    made_of = others + sum(milli for milli, _ in given_)
    draws = (LotDraw(LOT, 0, drawn, drawn),)
    found = dict(attribute(line(net_fen, *facts, made_of=made_of, draws=draws)).shares)
    assert sum(found.values()) == net_fen
    assert min(found.values(), default=0) >= 0
    for fact in facts:
        exact = Fraction(net_fen * fact.measure_milli * fact.proceeds_bp, made_of * 10_000)
        assert abs(found.get(fact.share, 0) - exact) < 2


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session, tax_bp=900, price_fen=1_090)


def brought(story: Story, *orders: object) -> dict[UUID, int]:
    sums: dict[UUID, int] = {}
    for (kind, owner, _), fen in story.held(orders).items():  # type: ignore[arg-type]
        if kind is Kind.HOUSEHOLD:
            sums[owner] = sums.get(owner, 0) + fen
    return sums


def test_a_consigned_lot_brings_what_it_is_sold_for_and_falls_with_returns(story: Story) -> None:
    session = story.session
    first, second = story.household(), story.household()
    story.consign(100_000, {first.id: 45_000, second.id: 30_000}, others_milli=25_000)
    order = story.sell("40")
    assert brought(story, order) == {first.id: 162_00, second.id: 108_00}
    facts = session.scalars(sa.select(LedgerEntry.facts).where(LedgerEntry.reason == "accrual")).one()
    assert [row[1:] for row in facts["consigned"]] == [[75_000 * 9_000, 100_000]]
    story.pay(order, 436_00)
    story.disburse({first.id: 100_00})
    story.give_back(order, "10")
    assert brought(story, order) == {first.id: 121_50, second.id: 81_00}
    story.give_back(order, "30")
    assert brought(story, order) == {}
    assert story.advances(first.id) == 100_00
    assert verify(session).findings == ()
    assert examine(session) == []


def test_a_payment_ahead_for_consigned_produce_waits_for_what_it_brings(story: Story) -> None:
    first = story.household()
    _, (given_,) = story.consign(100_000, {first.id: 100_000})
    story.disburse({first.id: 500_00}, contributions={first.id: given_.id})
    order = story.sell("10")
    story.pay(order, 109_00)
    assert story.held([order])[Kind.HOUSEHOLD, first.id, Step.DISBURSED] == 90_00
    assert story.advances(first.id) == 410_00


def test_two_lots_sold_by_many_lines_and_taken_back_in_part_are_verified(story: Story) -> None:
    session = story.session
    families = [story.household() for _ in range(3)]
    story.consign(33_000, {family.id: 7_001 + place for place, family in enumerate(families)}, others_milli=11_994)
    story.lot(20_000, {families[0].id: 77_77})
    dried, _ = story.consign(29_000, {families[1].id: 29_500}, bp=7_777)
    dried.loss_milli = 500
    orders = [story.sell("17", "11"), story.sell("23"), story.sell("31")]
    for order in orders:
        story.give_back(order, "3", resaleable=False)
    assert verify(session).findings == ()
    assert examine(session) == []
