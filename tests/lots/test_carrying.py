"""What moves along when a lot goes into another, and how far a lot can be followed."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import orm

from market.attribution import pay_lists
from market.attribution.paying import Method
from market.attribution.rules import Kind, PaymentOrder
from market.audit.doctoring import examine
from market.catalog.models import Product
from market.db import new_id
from market.errors import InvalidInputError, TransitionError
from market.lots import opening, queries, stock
from market.lots.lineage import InputLotError, NotCoveredError
from market.lots.models import Contribution, Lot
from market.lots.rules import (
    InputDrawnSinceError,
    LotStatus,
    Move,
    OutOfStockError,
    PaidLotError,
    Stock,
    Want,
    newly_released,
)
from tests.lots.village import NOW, TODAY, Village
from tests.money_out import paid_out


@pytest.fixture
def village(session: orm.Session) -> Village:
    return Village(session)


def carried(session: orm.Session, lot_id: UUID) -> dict[UUID, tuple[UUID, int]]:
    """Return by household which contribution came along, and its amount."""
    rows = session.scalars(sa.select(Contribution).where(Contribution.lot_id == lot_id))
    return {row.household_id: (row.carried_from, row.amount_fen or 0) for row in rows if row.carried_from}


def came_along(session: orm.Session, *lot_ids: UUID) -> list[tuple[int, int]]:
    """Return the measures (milli-units) and amounts (fen) that came along, in the order of the lots."""
    rows = sa.select(Contribution.measure_milli, Contribution.amount_fen).where(Contribution.carried_from.is_not(None))
    return [
        (row.measure_milli, row.amount_fen)
        for lot_id in lot_ids
        for row in session.execute(rows.where(Contribution.lot_id == lot_id).order_by(Contribution.id))
    ]


def test_moving_a_lot_on_takes_its_contributions_along(village: Village) -> None:
    session = village.session
    source = village.opened(3_000)
    given_ = {row.household_id: row for row in village.kept(source)}
    target = village.draft(900, loss_milli=100, inputs=[(source.id, 1_000)])
    session.refresh(source)
    assert (source.available_milli, source.moved_milli) == (2_000, 1_000)
    assert carried(session, target.id) == {
        household: (row.id, (row.amount_fen or 0) // 3) for household, row in given_.items()
    }
    assert opening.open_lot(session, village.manager, lot_id=target.id, now=NOW).status is LotStatus.OPEN
    assert {row.delivered_on for row in village.kept(target)} == {TODAY}


def test_carried_quantities_do_not_cover_a_lot_twice(village: Village) -> None:
    source = village.opened(3_000)
    target = village.draft(1_001, inputs=[(source.id, 1_000)])
    with pytest.raises(NotCoveredError):
        opening.open_lot(village.session, village.manager, lot_id=target.id, now=NOW)


def test_a_part_worth_no_fen_carries_its_quantity_and_the_rest_the_fen(village: Village) -> None:
    session = village.session
    source = village.draft(1_000_000, bought_in_milli=999_000)
    village.record(source, village.gives(village.households[0], 1_000, 1))
    opening.open_lot(session, village.manager, lot_id=source.id, now=NOW)
    nothing = village.draft(999_999, inputs=[(source.id, 999_999)])
    rest = village.draft(1, inputs=[(source.id, 1)])
    assert came_along(session, nothing.id, rest.id) == [(999, 0), (1, 1)]


def test_a_discarded_draft_gives_its_inputs_back_as_if_it_had_never_been(village: Village) -> None:
    session = village.session
    first, second = village.opened(3_000), village.opened(1_000)
    earlier = village.draft(100, inputs=[(first.id, 100)])
    mistake = village.draft(900, inputs=[(second.id, 400), (first.id, 1_000)])
    assert opening.discard(session, village.clerk, lot_id=mistake.id).discarded_by == village.clerk.member_id
    assert stock_of(session, first) == (2_900, 100, 1)
    assert stock_of(session, second) == (1_000, 0, 0)
    assert queries.graph(session, second.id).descendants == queries.graph(session, mistake.id).ancestors == []
    assert examine(session) == []
    opening.discard(session, village.clerk, lot_id=earlier.id)
    assert stock_of(session, first) == (3_000, 0, 0)
    for step in (opening.discard, partial(opening.open_lot, now=NOW)):
        with pytest.raises(TransitionError):
            step(session, village.manager, lot_id=mistake.id)


def test_an_input_that_was_drawn_from_since_takes_nothing_back(village: Village) -> None:
    session, source = village.session, village.opened(3_000)
    mistake = village.draft(1_000, inputs=[(source.id, 1_000)])
    (held,) = stock.reserve(session, [Want(new_id(), village.product.id, 500, 0, "kg", 1_000)], on=TODAY)
    for step in ((Stock.RESERVED, Stock.SHIPPED), (Stock.SHIPPED, Stock.ACCEPTED)):
        stock.move(session, [Move(held.reservation_id, source.id, *step, 500)])
    with pytest.raises(InputDrawnSinceError):
        opening.discard(session, village.clerk, lot_id=mistake.id)


def test_a_lot_of_which_a_contribution_was_paid_for_is_not_discarded(village: Village) -> None:
    session, lot = village.session, village.draft(1_000)
    (given_,) = village.record(lot, village.gives(village.households[0], 1_000))
    payment = PaymentOrder(Kind.HOUSEHOLD, given_.household_id, 100, "B-1", given_.id)
    paid_out(session, village.clerk, [payment], on=TODAY, now=NOW)
    with pytest.raises(PaidLotError):
        opening.discard(session, village.clerk, lot_id=lot.id)


def test_a_lot_of_which_an_open_list_pays_a_contribution_is_not_discarded(village: Village) -> None:
    session, lot = village.session, village.draft(1_000)
    village.opened(3_000)
    (given_,) = village.record(lot, village.gives(village.households[0], 1_000))
    pay_list = pay_lists.prepare(
        session,
        village.clerk,
        method=Method.BANK_TRANSFER,
        paid_on=None,
        evidence="代发清单",
        payments=[PaymentOrder(Kind.HOUSEHOLD, given_.household_id, 100, "B-1", given_.id)],
        now=NOW,
    )
    with pytest.raises(PaidLotError):
        opening.discard(session, village.clerk, lot_id=lot.id)
    pay_lists.withdraw(session, village.clerk, pay_list_id=pay_list.id)
    assert opening.discard(session, village.clerk, lot_id=lot.id).status is LotStatus.DISCARDED


def stock_of(session: orm.Session, lot: Lot) -> tuple[int, int, int]:
    session.refresh(lot)
    return lot.available_milli, lot.moved_milli, lot.draws


@pytest.mark.parametrize("which", ["draft", "twice", "too much"])
def test_inputs_that_cannot_be_used_are_refused(village: Village, which: str) -> None:
    lot = village.opened(1_000)
    inputs, refusal = {
        "draft": ([(village.draft(1_000).id, 1)], InputLotError),
        "twice": ([(lot.id, 1), (lot.id, 1)], InvalidInputError),
        "too much": ([(lot.id, 1_001)], OutOfStockError),
    }[which]
    with pytest.raises(refusal), village.session.begin_nested():
        village.draft(1_000, inputs=inputs)
    village.session.refresh(lot)
    assert lot.available_milli == 1_000


def test_the_graph_shows_both_ways_however_far(village: Village) -> None:
    session = village.session
    first, second = village.opened(1_000), village.opened(1_000)
    mixed = village.draft(1_500, inputs=[(first.id, 1_000), (second.id, 500)])
    opening.open_lot(session, village.manager, lot_id=mixed.id, now=NOW)
    packed = village.draft(300, inputs=[(mixed.id, 300)])
    graph = queries.graph(session, packed.id)
    assert {(edge.lot_id, edge.input_lot_id, edge.quantity_milli) for edge in graph.ancestors} == {
        (packed.id, mixed.id, 300),
        (mixed.id, first.id, 1_000),
        (mixed.id, second.id, 500),
    }
    assert graph.descendants == []
    ahead = queries.graph(session, second.id).descendants
    assert [(edge.lot_number, edge.input_lot_number) for edge in ahead] == [
        (mixed.number, second.number),
        (packed.number, mixed.number),
    ]


def test_the_number_of_statements_does_not_grow_with_the_inputs(session: orm.Session) -> None:
    counts = []
    for inputs, households in ((1, 1), (6, 8)):
        village = Village(session, households=households)
        lots = [village.opened(1_000) for _ in range(inputs)]
        statements: list[str] = []

        def seen(*call: Any, into: list[str] = statements) -> None:
            into.append(call[2])

        sa.event.listen(session.connection(), "before_cursor_execute", seen)
        village.draft(500, inputs=[(lot.id, 500) for lot in lots])
        sa.event.remove(session.connection(), "before_cursor_execute", seen)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_lot_moved_and_sold_until_nothing_is_left_has_given_each_contribution_away(session: orm.Session) -> None:
    village = Village(session, households=4)

    @settings(max_examples=40, deadline=None)
    @given(
        whole=st.integers(2, 5_000),
        steps=st.lists(st.tuples(st.booleans(), st.integers(1, 2_000)), max_size=6),
        prices=st.lists(st.integers(1, 99_999), min_size=4, max_size=4),
    )
    def to_the_fen(whole: int, steps: list[tuple[bool, int]], prices: list[int]) -> None:
        whole += 4 * 1_234
        lot = village.draft(whole, bought_in_milli=whole - 4 * 1_234)
        rows = village.record(lot, *map(village.gives, village.households, [1_234] * 4, prices))
        opening.open_lot(session, village.manager, lot_id=lot.id, now=NOW)
        owed = {row.id: row.amount_fen or 0 for row in rows}
        given_away = dict.fromkeys(owed, 0)
        for is_sale, milli in [*steps, (False, whole)]:
            session.refresh(lot)
            if part := min(milli, lot.available_milli):
                parts = _sell(session, village.product, part, owed) if is_sale else _move_on(village, lot, part)
                for key, amount_fen in parts.items():
                    given_away[key] += amount_fen
        assert given_away == owed

    to_the_fen()


def _move_on(village: Village, lot: Lot, milli: int) -> dict[UUID, int]:
    """Move a part into a new lot; return what of each contribution went along."""
    target = village.draft(milli, inputs=[(lot.id, milli)])
    return dict(carried(village.session, target.id).values())


def _sell(session: orm.Session, product: Product, milli: int, owed: dict[UUID, int]) -> dict[UUID, int]:
    """Reserve, ship and accept; return what each contribution releases, as attribution computes it."""
    (held,) = stock.reserve(session, [Want(new_id(), product.id, milli, 0, "kg", 1_000)], on=TODAY)
    for source, target in ((Stock.RESERVED, Stock.SHIPPED), (Stock.SHIPPED, Stock.ACCEPTED)):
        stock.move(session, [Move(held.reservation_id, held.lot_id, source, target, milli)])
    return {
        key: newly_released(
            amount_fen, drawn_milli=held.lot_drawn_milli, more_milli=milli, whole_milli=held.lot_quantity_milli
        )
        for key, amount_fen in owed.items()
    }
