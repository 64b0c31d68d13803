"""Stock for orders: reserve, move, and account for every milli-unit in a constant number of statements.

Every statement here locks lots in the order of their ids and a reservation only after its lot, so that no two wait for
each other. Rows of `lots` and `reservations` that the session has loaded are stale afterwards.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import array, new_id
from market.errors import InvalidInputError
from market.identity.rules import Actor
from market.lots.models import Lot, Spoilage
from market.lots.queries import locked_lot
from market.lots.rules import (
    Draw,
    Move,
    OpenLot,
    OutOfStockError,
    StockMovedError,
    Want,
    check_moves,
    draw,
)
from market.quantities import base_units

_OPEN_LOTS = """
    SELECT id, product_id, expires_on, available_milli, quantity_milli, accepted_milli + moved_milli AS drawn_milli
      FROM lots
     WHERE product_id = ANY(CAST(:products AS uuid[])) AND status = 'open' AND available_milli > 0
       AND (expires_on IS NULL OR expires_on >= :on)
     ORDER BY id
"""
_READ_OPEN_LOTS = sa.text(_OPEN_LOTS)
_LOCK_OPEN_LOTS = sa.text(_OPEN_LOTS + " FOR UPDATE")

_RESERVING = """
    WITH wanted AS (
      SELECT *
        FROM unnest(CAST(:ids AS uuid[]), CAST(:lines AS uuid[]), CAST(:lots AS uuid[]), CAST(:milli AS bigint[]))
          AS w (id, order_line_id, lot_id, milli)
    ), per_lot AS (
      SELECT lot_id, CAST(sum(milli) AS bigint) AS milli FROM wanted GROUP BY lot_id
    ), taken AS (
      UPDATE lots l
         SET available_milli = l.available_milli - p.milli, reserved_milli = l.reserved_milli + p.milli
        FROM per_lot p
       WHERE l.id = p.lot_id AND l.status = 'open' AND l.available_milli >= p.milli
      RETURNING l.id
    )
    INSERT INTO reservations (id, order_line_id, lot_id, quantity_milli, reserved_milli, shipped_milli, accepted_milli)
    SELECT w.id, w.order_line_id, w.lot_id, w.milli, w.milli, 0, 0 FROM wanted w JOIN taken t ON t.id = w.lot_id
"""
_RESERVE = sa.text(_RESERVING + " RETURNING id")
_RESERVE_MORE = sa.text(
    _RESERVING
    + """
    ON CONFLICT (order_line_id, lot_id) DO UPDATE
       SET quantity_milli = reservations.quantity_milli + excluded.quantity_milli,
           reserved_milli = reservations.reserved_milli + excluded.reserved_milli
    RETURNING id
    """
)

_MORE_LOTS = """
    SELECT id, product_id, expires_on,
           CASE WHEN status = 'open' AND (expires_on IS NULL OR expires_on >= :on) THEN available_milli ELSE 0 END
             AS available_milli,
           quantity_milli, accepted_milli + moved_milli AS drawn_milli
      FROM lots
     WHERE (product_id = ANY(CAST(:products AS uuid[])) AND status = 'open' AND available_milli > 0)
        OR id IN (SELECT lot_id FROM reservations WHERE order_line_id = ANY(CAST(:lines AS uuid[])))
     ORDER BY id
"""
_READ_MORE_LOTS = sa.text(_MORE_LOTS)
_LOCK_MORE_LOTS = sa.text(_MORE_LOTS + " FOR UPDATE")
_HELD = sa.text("SELECT order_line_id, lot_id FROM reservations WHERE order_line_id = ANY(CAST(:lines AS uuid[]))")

_DRAWS = """
    SELECT r.id AS reservation_id, r.order_line_id, r.lot_id, r.quantity_milli, r.reserved_milli, r.shipped_milli,
           r.accepted_milli, l.quantity_milli AS lot_quantity_milli,
           l.accepted_milli + l.moved_milli AS lot_drawn_milli, l.expires_on
      FROM reservations r
      JOIN lots l ON l.id = r.lot_id
     WHERE r.order_line_id = ANY(CAST(:lines AS uuid[]))
     ORDER BY l.id, r.id
"""
_READ_DRAWS = sa.text(_DRAWS)
_LOCK_DRAWS = sa.text(_DRAWS + " FOR UPDATE OF l, r")

_MOVE = sa.text(
    """
    WITH step AS (
      SELECT *
        FROM unnest(CAST(:reservations AS uuid[]), CAST(:lots AS uuid[]), CAST(:sources AS text[]),
                    CAST(:targets AS text[]), CAST(:milli AS bigint[]))
          AS s (reservation_id, lot_id, source, target, milli)
    ), change AS (
      SELECT reservation_id, lot_id, source AS place, -milli AS milli FROM step
       UNION ALL
      SELECT reservation_id, lot_id, target, milli FROM step
    ), held AS (
      SELECT reservation_id, lot_id,
             CAST(sum(milli * CAST(place = 'available' AS int)) AS bigint) AS available,
             CAST(sum(milli * CAST(place = 'reserved' AS int)) AS bigint) AS reserved,
             CAST(sum(milli * CAST(place = 'shipped' AS int)) AS bigint) AS shipped,
             CAST(sum(milli * CAST(place = 'accepted' AS int)) AS bigint) AS accepted,
             CAST(sum(milli * CAST(place = 'spoiled' AS int)) AS bigint) AS spoiled
        FROM change
       GROUP BY reservation_id, lot_id
    ), per_lot AS (
      SELECT lot_id, CAST(sum(available) AS bigint) AS available, CAST(sum(reserved) AS bigint) AS reserved,
             CAST(sum(shipped) AS bigint) AS shipped, CAST(sum(accepted) AS bigint) AS accepted,
             CAST(sum(spoiled) AS bigint) AS spoiled
        FROM held
       GROUP BY lot_id
    ), locked AS (
      SELECT id FROM lots WHERE id IN (SELECT lot_id FROM per_lot) ORDER BY id FOR UPDATE
    ), lots_moved AS (
      UPDATE lots l
         SET available_milli = l.available_milli + p.available, reserved_milli = l.reserved_milli + p.reserved,
             shipped_milli = l.shipped_milli + p.shipped, accepted_milli = l.accepted_milli + p.accepted,
             spoiled_milli = l.spoiled_milli + p.spoiled, draws = l.draws + CAST(p.accepted <> 0 AS int)
        FROM locked JOIN per_lot p ON p.lot_id = locked.id
       WHERE l.id = locked.id
         AND least(l.available_milli + p.available, l.reserved_milli + p.reserved, l.shipped_milli + p.shipped,
                   l.accepted_milli + p.accepted, l.spoiled_milli + p.spoiled) >= 0
      RETURNING l.id
    ), reservations_moved AS (
      UPDATE reservations r
         SET reserved_milli = r.reserved_milli + h.reserved, shipped_milli = r.shipped_milli + h.shipped,
             accepted_milli = r.accepted_milli + h.accepted
        FROM held h JOIN lots_moved ON lots_moved.id = h.lot_id
       WHERE r.id = h.reservation_id AND r.lot_id = h.lot_id
         AND least(r.reserved_milli + h.reserved, r.shipped_milli + h.shipped, r.accepted_milli + h.accepted) >= 0
      RETURNING r.id
    )
    SELECT (SELECT count(*) FROM lots_moved) AS lots, (SELECT count(*) FROM reservations_moved) AS reservations
    """
)


def reserve(session: orm.Session, wants: Sequence[Want], *, on: date) -> list[Draw]:
    """Hold stock for order lines, first to expire first out, in two statements.

    A lot is still good on the day it expires. Raises `OutOfStockError` at the first line that cannot be met whole.
    """
    draws = _plan(session, _LOCK_OPEN_LOTS, wants, on)
    _hold(session, _RESERVE, draws)
    return draws


def reserve_more(session: orm.Session, wants: Sequence[Want], *, on: date) -> None:
    """Hold more stock for lines that hold some: what they weigh above what was ordered, of their own lots first.

    Raises `OutOfStockError` as `reserve` does: nothing is delivered that is in no lot.
    """
    _hold(session, _RESERVE_MORE, _plan_more(session, _LOCK_MORE_LOTS, wants, on))


def preview_more(session: orm.Session, wants: Sequence[Want], *, on: date) -> list[Draw]:
    """Return what `reserve_more` would hold now, without lock or write; the reservation ids name nothing."""
    return _plan_more(session, _READ_MORE_LOTS, wants, on)


def _hold(session: orm.Session, reserving: sa.TextClause, draws: Sequence[Draw]) -> None:
    parameters = {
        "ids": array(held.reservation_id for held in draws),
        "lines": array(held.order_line_id for held in draws),
        "lots": array(held.lot_id for held in draws),
        "milli": array(held.quantity_milli for held in draws),
    }
    if len(session.execute(reserving, parameters).all()) != len(draws):
        raise StockMovedError


def _plan_more(session: orm.Session, lots: sa.TextClause, wants: Sequence[Want], on: date) -> list[Draw]:
    lines = array({want.order_line_id for want in wants})
    products = array({want.product_id for want in wants})
    rows = session.execute(lots, {"products": products, "lines": lines, "on": on}).all()
    held = {(row.order_line_id, row.lot_id) for row in session.execute(_HELD, {"lines": lines})}
    return _planned(draw([OpenLot(*row) for row in rows], wants, first=held))


class Preview(NamedTuple):
    """What would be held now, and how much of each product is on sale now (milli)."""

    draws: list[Draw]
    on_sale: Mapping[UUID, int]


def preview(session: orm.Session, wants: Sequence[Want], *, on: date) -> Preview:
    """Return what `reserve` would hold now, without lock or write; the reservation ids name nothing."""
    lots = _open_lots(session, _READ_OPEN_LOTS, wants, on)
    on_sale: dict[UUID, int] = defaultdict(int)
    for lot in lots:
        on_sale[lot.product_id] += lot.available_milli
    return Preview(_planned(draw(lots, wants)), on_sale)


def _plan(session: orm.Session, open_lots: sa.TextClause, wants: Sequence[Want], on: date) -> list[Draw]:
    return _planned(draw(_open_lots(session, open_lots, wants, on), wants))


def _open_lots(session: orm.Session, open_lots: sa.TextClause, wants: Sequence[Want], on: date) -> list[OpenLot]:
    products = {want.product_id for want in wants}
    rows = session.execute(open_lots, {"products": array(products), "on": on}).all()
    return [OpenLot(*row) for row in rows]


def _planned(drawn: Sequence[tuple[Want, OpenLot, int]]) -> list[Draw]:
    return [
        Draw(
            reservation_id=new_id(),
            order_line_id=want.order_line_id,
            lot_id=lot.id,
            quantity_milli=milli,
            reserved_milli=milli,
            shipped_milli=0,
            accepted_milli=0,
            lot_quantity_milli=lot.quantity_milli,
            lot_drawn_milli=lot.drawn_milli,
            expires_on=lot.expires_on,
        )
        for want, lot, milli in drawn
    ]


def draws_of(session: orm.Session, order_line_ids: Sequence[UUID], *, lock: bool) -> list[Draw]:
    """Return what these lines hold, by lot; with `lock`, the lots and reservations stay as read until the commit."""
    rows = session.execute(_LOCK_DRAWS if lock else _READ_DRAWS, {"lines": list(order_line_ids)})
    return [Draw(*row) for row in rows]


def move(session: orm.Session, moves: Sequence[Move]) -> None:
    """Move reserved stock between places of its lots, all or nothing, in one statement.

    Raises `StockMovedError` when a lot or a reservation holds less than is to leave it, or the reservation is not of
    that lot; `ImpossibleMoveError` for a way no order takes. Moves of nothing are allowed.
    """
    check_moves(moves)
    steps = [step for step in moves if step.quantity_milli]
    if not steps:
        return
    parameters: dict[str, Any] = {
        "reservations": [step.reservation_id for step in steps],
        "lots": [step.lot_id for step in steps],
        "sources": [step.source.value for step in steps],
        "targets": [step.target.value for step in steps],
        "milli": [step.quantity_milli for step in steps],
    }
    moved = session.execute(_MOVE, parameters).one()
    expected = len({step.lot_id for step in steps}), len({(step.reservation_id, step.lot_id) for step in steps})
    if (moved.lots, moved.reservations) != expected:
        raise StockMovedError


def record_spoilage(
    session: orm.Session, actor: Actor, *, lot_id: UUID, quantity_milli: int, reason: str, now: datetime
) -> Lot:
    """Write off available milli-units of a lot; raises `NotFoundError`, `InvalidInputError` or `OutOfStockError`."""
    if quantity_milli <= 0:
        raise InvalidInputError("it must be above zero", "必须大于零", pointer="/quantity")
    lot = locked_lot(session, actor, lot_id)
    if lot.available_milli < quantity_milli:
        raise OutOfStockError(available=base_units(lot.available_milli), unit=lot.base_unit, pointer="/quantity")
    lot.available_milli -= quantity_milli
    lot.spoiled_milli += quantity_milli
    session.add(
        Spoilage(
            lot_id=lot.id,
            quantity_milli=quantity_milli,
            reason=reason,
            recorded_by=actor.member_id,
            recorded_at=now,
        )
    )
    session.flush()
    return lot
