"""Stock as orders use it: reserved first to expire first out, moved all or nothing, always conserved."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import orm

from market.catalog.models import Product
from market.db import new_id
from market.lots import stock
from market.lots.models import Lot, Reservation
from market.lots.rules import (
    ORDER_MOVES,
    Draw,
    ImpossibleMoveError,
    LotStatus,
    Move,
    OutOfStockError,
    Stock,
    StockMovedError,
    Want,
)
from tests import factories

TODAY = date(2026, 3, 2)
PLACES = tuple(Stock)


def sold_product(session: orm.Session) -> Product:
    return factories.product(session, factories.organisation(session))


def wants(*asked: tuple[Product, int]) -> list[Want]:
    return [Want(new_id(), wanted.id, milli, position, "kg", 1_000) for position, (wanted, milli) in enumerate(asked)]


def reserved(session: orm.Session, *asked: tuple[Product, int]) -> list[Draw]:
    return stock.reserve(session, wants(*asked), on=TODAY)


def places(session: orm.Session, lot_id: UUID) -> dict[Stock, int]:
    lot = session.get_one(Lot, lot_id, populate_existing=True)
    return {place: getattr(lot, f"{place}_milli") for place in PLACES if getattr(lot, f"{place}_milli")}


def shipped(draws: Sequence[Draw]) -> list[Move]:
    return [
        Move(held.reservation_id, held.lot_id, Stock.RESERVED, Stock.SHIPPED, held.quantity_milli) for held in draws
    ]


def test_the_first_to_expire_goes_out_first_and_goods_that_keep_go_last(session: orm.Session) -> None:
    dates = sold_product(session)
    keeps = factories.lot(session, dates, quantity_milli=5_000, expires_on=None)
    later = factories.lot(session, dates, quantity_milli=5_000, expires_on=date(2026, 5, 1))
    sooner = factories.lot(session, dates, quantity_milli=5_000, expires_on=date(2026, 4, 1))
    draws = reserved(session, (dates, 11_000))
    assert [(held.lot_id, held.quantity_milli) for held in draws] == [
        (sooner.id, 5_000),
        (later.id, 5_000),
        (keeps.id, 1_000),
    ]
    assert places(session, keeps.id) == {Stock.AVAILABLE: 4_000, Stock.RESERVED: 1_000}


@pytest.mark.parametrize("status", [LotStatus.DRAFT, LotStatus.HELD])
def test_only_open_lots_are_drawn_from(session: orm.Session, status: LotStatus) -> None:
    dates = sold_product(session)
    factories.lot(session, dates, quantity_milli=5_000, status=status)
    with pytest.raises(OutOfStockError):
        reserved(session, (dates, 1_000))


def test_a_lot_is_good_on_the_day_it_expires_and_not_the_day_after(session: orm.Session) -> None:
    dates = sold_product(session)
    factories.lot(session, dates, quantity_milli=5_000, expires_on=TODAY)
    assert reserved(session, (dates, 1_000))
    with pytest.raises(OutOfStockError):
        stock.reserve(session, wants((dates, 1_000)), on=date(2026, 3, 3))


def test_lines_of_one_product_share_its_stock_and_the_refusal_points_at_the_line(session: orm.Session) -> None:
    dates, walnuts = sold_product(session), sold_product(session)
    lot = factories.lot(session, dates, quantity_milli=10_000)
    factories.lot(session, walnuts, quantity_milli=10_000)
    with pytest.raises(OutOfStockError) as refused:
        reserved(session, (dates, 6_000), (walnuts, 10_000), (dates, 4_001))
    assert (refused.value.pointer, refused.value.facts) == ("/lines/2/quantity", {"available": "4", "unit": "kg"})
    draws = reserved(session, (dates, 6_000), (walnuts, 10_000), (dates, 4_000))
    assert len(draws) == 3
    assert places(session, lot.id) == {Stock.RESERVED: 10_000}


def test_a_preview_says_what_would_be_drawn_and_writes_nothing(session: orm.Session) -> None:
    dates = sold_product(session)
    lot = factories.lot(session, dates, quantity_milli=10_000)
    (foreseen,) = stock.preview(session, wants((dates, 4_000)), on=TODAY).draws
    assert (foreseen.lot_id, foreseen.quantity_milli, foreseen.lot_quantity_milli) == (lot.id, 4_000, 10_000)
    assert places(session, lot.id) == {Stock.AVAILABLE: 10_000}
    assert session.scalar(sa.select(sa.func.count()).select_from(Reservation)) == 0


def test_lines_know_what_they_hold_and_how_far_their_lots_are_drawn(session: orm.Session) -> None:
    dates = sold_product(session)
    lot = factories.lot(session, dates, quantity_milli=10_000, expires_on=date(2026, 5, 1))
    (first,) = reserved(session, (dates, 4_000))
    assert first.lot_drawn_milli == 0
    stock.move(session, shipped([first]))
    stock.move(session, [Move(first.reservation_id, lot.id, Stock.SHIPPED, Stock.ACCEPTED, 3_000)])
    (second,) = reserved(session, (dates, 1_000))
    found = stock.draws_of(session, [first.order_line_id, second.order_line_id], lock=True)
    assert found == stock.draws_of(session, [second.order_line_id, first.order_line_id], lock=False)
    assert (
        Draw(first.reservation_id, first.order_line_id, lot.id, 4_000, 0, 1_000, 3_000, 10_000, 3_000, date(2026, 5, 1))
        in found
    )
    assert (
        Draw(second.reservation_id, second.order_line_id, lot.id, 1_000, 1_000, 0, 0, 10_000, 3_000, date(2026, 5, 1))
        in found
    )


def test_one_call_accepts_rejects_and_writes_off_parts_of_a_line(session: orm.Session) -> None:
    dates = sold_product(session)
    lot = factories.lot(session, dates, quantity_milli=10_000)
    draws = reserved(session, (dates, 4_000), (dates, 2_000))
    stock.move(session, shipped(draws))
    first, second = draws
    stock.move(
        session,
        [
            Move(first.reservation_id, lot.id, Stock.SHIPPED, Stock.ACCEPTED, 2_500),
            Move(first.reservation_id, lot.id, Stock.SHIPPED, Stock.AVAILABLE, 1_000),
            Move(first.reservation_id, lot.id, Stock.SHIPPED, Stock.SPOILED, 500),
            Move(second.reservation_id, lot.id, Stock.SHIPPED, Stock.ACCEPTED, 2_000),
            Move(second.reservation_id, lot.id, Stock.SHIPPED, Stock.SPOILED, 0),
        ],
    )
    assert places(session, lot.id) == {Stock.AVAILABLE: 5_000, Stock.ACCEPTED: 4_500, Stock.SPOILED: 500}
    held = {draw.reservation_id: draw for draw in stock.draws_of(session, [d.order_line_id for d in draws], lock=False)}
    assert held[first.reservation_id].accepted_milli == 2_500
    assert held[first.reservation_id].shipped_milli == 0


def test_more_than_a_reservation_holds_cannot_move(session: orm.Session) -> None:
    dates = sold_product(session)
    lot = factories.lot(session, dates, quantity_milli=10_000)
    first, second = reserved(session, (dates, 4_000), (dates, 2_000))
    too_much = [Move(first.reservation_id, lot.id, Stock.RESERVED, Stock.SHIPPED, 4_001)]
    with pytest.raises(StockMovedError), session.begin_nested():
        stock.move(session, too_much)
    with pytest.raises(StockMovedError), session.begin_nested():
        stock.move(session, [*shipped([second]), Move(first.reservation_id, lot.id, Stock.SHIPPED, Stock.ACCEPTED, 1)])
    assert places(session, lot.id) == {Stock.AVAILABLE: 4_000, Stock.RESERVED: 6_000}


def test_a_reservation_moves_in_its_own_lot_only(session: orm.Session) -> None:
    dates = sold_product(session)
    lot = factories.lot(session, dates, quantity_milli=4_000, expires_on=TODAY)
    other = factories.lot(session, dates, quantity_milli=4_000)
    first, second = reserved(session, (dates, 4_000), (dates, 4_000))
    assert (first.lot_id, second.lot_id) == (lot.id, other.id)
    with pytest.raises(StockMovedError):
        stock.move(session, [Move(first.reservation_id, other.id, Stock.RESERVED, Stock.SHIPPED, 1_000)])


def test_moving_nothing_is_nothing_and_moving_backwards_is_a_mistake(session: orm.Session) -> None:
    stock.move(session, [])
    for way, milli in [((Stock.AVAILABLE, Stock.ACCEPTED), 1), ((Stock.RESERVED, Stock.SHIPPED), -1)]:
        with pytest.raises(ImpossibleMoveError):
            stock.move(session, [Move(new_id(), new_id(), *way, milli)])


@pytest.mark.parametrize("lines", [1, 30])
def test_the_number_of_statements_does_not_grow_with_the_lines(session: orm.Session, lines: int) -> None:
    dates = [sold_product(session) for _ in range(3)]
    for each in dates * 2:
        factories.lot(session, each, quantity_milli=100_000)
    session.flush()
    statements: list[str] = []
    sa.event.listen(session.connection(), "before_cursor_execute", lambda *call: statements.append(call[2]))
    draws = reserved(session, *((dates[line % 3], 7_000) for line in range(lines)))
    assert len(statements) == 2
    draws = stock.draws_of(session, [held.order_line_id for held in draws], lock=True)
    assert len(statements) == 3
    stock.move(session, shipped(draws))
    assert len(statements) == 4


WAYS = sorted(ORDER_MOVES)
STEPS = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(WAYS), st.integers(0, 4_000)), min_size=1, max_size=4),
    max_size=12,
)


def test_whatever_moves_stock_is_conserved_and_never_negative(session: orm.Session) -> None:
    dates = sold_product(session)

    @settings(max_examples=30, deadline=None)
    @given(steps=STEPS)
    def conserved(steps: list[list[tuple[int, tuple[Stock, Stock], int]]]) -> None:
        session.execute(sa.update(Lot).values(status=LotStatus.HELD))
        lots = [factories.lot(session, dates, quantity_milli=6_000).id for _ in range(2)]
        draws = reserved(session, (dates, 3_000), (dates, 4_000), (dates, 2_000))
        held = {draw.reservation_id: {Stock.RESERVED: draw.quantity_milli} for draw in draws}
        for step in steps:
            chosen = [(draws[index % len(draws)], way, milli) for index, way, milli in step]
            moves = [Move(draw.reservation_id, draw.lot_id, *way, milli) for draw, way, milli in chosen]
            if _applied(held, moves):
                stock.move(session, moves)
            else:
                with pytest.raises(StockMovedError), session.begin_nested():
                    stock.move(session, moves)
            _check(session, lots, draws, held)

    conserved()


def _applied(held: dict[UUID, dict[Stock, int]], moves: list[Move]) -> bool:
    """Do the moves in the model, all or nothing; a step nets out within one reservation."""
    after = {key: dict(value) for key, value in held.items()}
    for move in moves:
        places = after[move.reservation_id]
        places[move.source] = places.get(move.source, 0) - move.quantity_milli
        places[move.target] = places.get(move.target, 0) + move.quantity_milli
    inside = (Stock.RESERVED, Stock.SHIPPED, Stock.ACCEPTED)
    if any(places.get(place, 0) < 0 for places in after.values() for place in inside):
        return False
    held.update(after)
    return True


def _check(session: orm.Session, lots: list[UUID], draws: list[Draw], held: dict[UUID, dict[Stock, int]]) -> None:
    total = dict.fromkeys(PLACES, 0)
    for lot in lots:
        found = places(session, lot)
        assert sum(found.values()) == 6_000
        for place, milli in found.items():
            assert milli > 0
            total[place] += milli
    for place in (Stock.RESERVED, Stock.SHIPPED, Stock.ACCEPTED, Stock.SPOILED):
        assert total[place] == sum(places.get(place, 0) for places in held.values())
    for draw in stock.draws_of(session, [draw.order_line_id for draw in draws], lock=False):
        model = held[draw.reservation_id]
        assert (draw.reserved_milli, draw.shipped_milli, draw.accepted_milli) == tuple(
            model.get(place, 0) for place in (Stock.RESERVED, Stock.SHIPPED, Stock.ACCEPTED)
        )
