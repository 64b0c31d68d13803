"""Many buyers at once, each in a transaction of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.catalog.models import Product
from market.db import Database, new_id
from market.lots import stock
from market.lots.models import Lot, Reservation
from market.lots.rules import Draw, Move, OutOfStockError, Stock, StockMovedError, Want
from tests import factories

TODAY = date(2026, 3, 2)
BUYERS = 16
UNITS = 10


def products(db: Database, count: int) -> list[UUID]:
    with db.transaction() as session:
        supplier = factories.organisation(session)
        return [factories.product(session, supplier).id for _ in range(count)]


def put_on_sale(db: Database, product_id: UUID, units: Sequence[int]) -> list[UUID]:
    """Put lots of so many units on sale."""
    with db.transaction() as session:
        product = session.get_one(Product, product_id)
        return [factories.lot(session, product, quantity_milli=1_000 * each).id for each in units]


def restock(db: Database) -> None:
    """Put everything back on the shelf."""
    with db.transaction() as session:
        session.execute(sa.update(Lot).values(available_milli=Lot.quantity_milli, reserved_milli=0, shipped_milli=0))


def all_at_once(buy: Callable[[int], bool], buyers: ThreadPoolExecutor) -> int:
    """Let all buyers buy; return how many got something."""
    return sum(buyers.map(buy, range(BUYERS)))


def reserve_one_of_each(db: Database, wanted: list[UUID]) -> bool:
    try:
        with db.transaction() as session:
            wants = [Want(new_id(), product_id, 1_000, line, "kg", 1_000) for line, product_id in enumerate(wanted)]
            stock.reserve(session, wants, on=TODAY)
    except OutOfStockError:
        return False
    return True


@pytest.mark.parametrize(("rounds", "shelves"), [(200, 1), (25, 2)])
def test_sixteen_buyers_never_get_more_than_ten_units(committed_db: Database, rounds: int, shelves: int) -> None:
    """With two products, asked for in opposite orders, whoever locked in the order asked would deadlock."""
    wanted = products(committed_db, shelves)
    for product_id in wanted:
        put_on_sale(committed_db, product_id, [4, 6])

    def buy(buyer: int) -> bool:
        return reserve_one_of_each(committed_db, wanted if buyer % 2 else wanted[::-1])

    with ThreadPoolExecutor(BUYERS) as buyers:
        for _ in range(rounds):
            restock(committed_db)
            assert all_at_once(buy, buyers) == UNITS
            with committed_db.transaction() as session:
                assert set(session.scalars(sa.select(Lot.available_milli))) == {0}


def test_the_naive_way_oversells(committed_db: Database) -> None:
    """The control: read, decide, write what was read less one. The CHECK on the lot holds, and too much is sold."""
    (dates,) = products(committed_db, 1)
    (lot_id,) = put_on_sale(committed_db, dates, [UNITS])
    everybody_has_read = Barrier(BUYERS)

    def buy(_: int) -> bool:
        with committed_db.transaction() as session:
            lot = session.get_one(Lot, lot_id)
            available_milli = lot.available_milli
            everybody_has_read.wait()
            if available_milli < 1_000:
                return False
            left = available_milli - 1_000
            session.execute(
                sa.update(Lot)
                .where(Lot.id == lot_id)
                .values(available_milli=left, reserved_milli=Lot.quantity_milli - left)
            )
            session.add(Reservation(order_line_id=new_id(), lot_id=lot_id, quantity_milli=1_000, reserved_milli=1_000))
        return True

    with ThreadPoolExecutor(BUYERS) as buyers:
        assert all_at_once(buy, buyers) > UNITS


def test_a_step_taken_twice_at_once_is_taken_once(committed_db: Database) -> None:
    """Two deliveries of one line, without a lock on the order above: only one finds the stock where it expects it."""
    (dates,) = products(committed_db, 1)
    (lot_id,) = put_on_sale(committed_db, dates, [UNITS])
    for _ in range(20):
        restock(committed_db)
        with committed_db.transaction() as session:
            (held,) = stock.reserve(session, [Want(new_id(), dates, 10_000, 0, "kg", 1_000)], on=TODAY)
        ship = [Move(held.reservation_id, lot_id, Stock.RESERVED, Stock.SHIPPED, 10_000)]
        with ThreadPoolExecutor(2) as clerks:
            assert sorted(clerks.map(moved, [committed_db] * 2, [ship] * 2)) == [False, True]


def test_lots_are_moved_in_either_order_without_deadlock(committed_db: Database) -> None:
    (dates,) = products(committed_db, 1)
    put_on_sale(committed_db, dates, [BUYERS] * 4)
    held: list[list[Draw]] = []
    for _ in range(BUYERS):
        with committed_db.transaction() as session:
            held.append(stock.reserve(session, [Want(new_id(), dates, 4_000, 0, "kg", 1_000)], on=TODAY))
    everything = [draw for draws in held for draw in draws]

    def ship_and_release(buyer: int) -> bool:
        order = everything if buyer % 2 else everything[::-1]
        there = [Move(draw.reservation_id, draw.lot_id, Stock.RESERVED, Stock.SHIPPED, 100) for draw in order]
        return moved(committed_db, there)

    with ThreadPoolExecutor(BUYERS) as clerks:
        assert all_at_once(ship_and_release, clerks) == BUYERS
    with committed_db.transaction() as session:
        assert shipped_in_all(session) == BUYERS * len(everything) * 100


def moved(db: Database, moves: list[Move]) -> bool:
    try:
        with db.transaction() as session:
            stock.move(session, moves)
    except StockMovedError:
        return False
    return True


def shipped_in_all(session: orm.Session) -> int:
    return int(session.scalars(sa.select(sa.func.sum(Lot.shipped_milli))).one())


def test_a_line_that_is_locked_is_read_as_it_is_then_and_not_as_it_was_when_asked_for(committed_db: Database) -> None:
    (dates,) = products(committed_db, 1)
    (lot_id,) = put_on_sale(committed_db, dates, [UNITS])
    with committed_db.transaction() as session:
        (held,) = stock.reserve(session, [Want(new_id(), dates, 10_000, 0, "kg", 1_000)], on=TODAY)
    with ThreadPoolExecutor(1) as other:
        with committed_db.transaction() as session:
            stock.move(session, [Move(held.reservation_id, lot_id, Stock.RESERVED, Stock.SHIPPED, 3_000)])
            reading = other.submit(locked_draw, committed_db, held.order_line_id)
            while not session.scalar(_SOMEBODY_WAITS):
                assert not reading.done()
        seen = reading.result()
    assert (seen.reserved_milli, seen.shipped_milli) == (7_000, 3_000)


_SOMEBODY_WAITS = sa.text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
)


def locked_draw(db: Database, order_line_id: UUID) -> Draw:
    with db.transaction() as session:
        (draw,) = stock.draws_of(session, [order_line_id], lock=True)
        return draw
