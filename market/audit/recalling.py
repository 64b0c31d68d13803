"""Recall: where all of a lot is now, and which orders hold something of it or of what was made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import lcm
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.identity.rules import Actor
from market.lots.lineage import Flow, Reached, trace
from market.lots.models import Lot
from market.lots.queries import DESCENDING, one_lot

# ruff: noqa: S608 - put together from the fragments of this package alone; every value is bound

# Every part of it in one statement, so that nothing moves in between.
_RECALL = sa.text(
    DESCENDING
    + """
    , made AS (
      SELECT e.lot_id, e.input_lot_id, e.quantity_milli
        FROM edges e JOIN lots l ON l.id = e.lot_id AND l.status <> 'discarded'
    ), concerned AS (
      SELECT CAST(:lot AS uuid) AS id UNION SELECT lot_id FROM made
    )
    SELECT json_build_object(
      'made', (SELECT coalesce(json_agg(m), '[]') FROM made m),
      'lots', (SELECT json_agg(json_build_object(
                        'lot_id', l.id, 'number', l.number, 'product_id', l.product_id, 'status', l.status,
                        'origin', l.origin, 'base_unit', l.base_unit, 'quantity_milli', l.quantity_milli,
                        'available_milli', l.available_milli, 'spoiled_milli', l.spoiled_milli))
                 FROM concerned c JOIN lots l ON l.id = c.id),
      'deliveries', (SELECT coalesce(json_agg(json_build_object(
                        'lot_id', r.lot_id, 'order_line_id', l.id, 'order_id', o.id, 'order_number', o.number,
                        'order_status', o.status, 'product_name', l.product_name, 'buyer_id', b.id,
                        'buyer_name', b.name, 'shipped_on', o.shipped_on, 'accepted_on', l.accepted_on,
                        'reserved_milli', r.reserved_milli, 'shipped_milli', r.shipped_milli,
                        'accepted_milli', r.accepted_milli) ORDER BY o.number, l.position, r.lot_id), '[]')
                       FROM concerned c
                       JOIN reservations r ON r.lot_id = c.id
                       JOIN order_lines l ON l.id = r.order_line_id
                       JOIN orders o ON o.id = l.order_id
                       JOIN organisations b ON b.id = o.buyer_id
                      WHERE r.reserved_milli + r.shipped_milli + r.accepted_milli > 0))
    """
)


@dataclass(frozen=True, slots=True)
class RecalledLot:
    """A lot in which something of the recalled one is: how much of that is still there, and how much spoiled."""

    facts: Mapping[str, Any]
    generation: int
    in_stock_milli: int
    spoiled_milli: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an order line holds of such a lot, and how much of the recalled one is in it."""

    facts: Mapping[str, Any]
    lot_number: str
    base_unit: str
    recalled_milli: int


@dataclass(frozen=True, slots=True)
class Recall:
    """Where all of a lot is: what is in stock, what spoiled and what orders hold sum to its quantity."""

    lot: Lot
    lots: Sequence[RecalledLot]
    deliveries: Sequence[Delivery]


def recall(session: orm.Session, actor: Actor, lot_id: UUID) -> Recall:
    """Trace a lot forward over all that was made of it to everybody who holds something of it, in one statement.

    Quantities are in milli-units of the recalled lot, in proportion, and sum to it exactly. Raises `NotFoundError`.
    """
    lot = one_lot(session, actor, lot_id)
    found = session.scalars(_RECALL, {"lot": lot_id}).one()
    lots = {row["lot_id"]: row for row in found["lots"]}
    flows = [
        Flow(
            UUID(row["input_lot_id"]),
            UUID(row["lot_id"]),
            row["quantity_milli"],
            lots[row["input_lot_id"]]["quantity_milli"],
        )
        for row in found["made"]
    ]
    reached = {str(each): held for each, held in trace(lot_id, lot.quantity_milli, flows).items()}
    parts = _parts(lot, lots, reached, found["deliveries"])
    recalled = [
        RecalledLot(row, reached[row["lot_id"]].generation, parts[in_stock(row)], parts[spoiled(row)])
        for row in sorted(lots.values(), key=lambda row: (reached[row["lot_id"]].generation, row["number"]))
    ]
    deliveries = [
        Delivery(row, lots[row["lot_id"]]["number"], lots[row["lot_id"]]["base_unit"], parts[held(row)])
        for row in found["deliveries"]
    ]
    return Recall(lot, recalled, deliveries)


def in_stock(row: Mapping[str, Any]) -> str:
    """Return the name of what is still in stock of a lot."""
    return f"available {row['lot_id']}"


def spoiled(row: Mapping[str, Any]) -> str:
    """Return the name of what spoiled of a lot."""
    return f"spoiled {row['lot_id']}"


def held(row: Mapping[str, Any]) -> str:
    """Return the name of what an order line holds of a lot."""
    return f"line {row['order_line_id']} {row['lot_id']}"


def _parts(
    lot: Lot,
    lots: Mapping[str, Mapping[str, Any]],
    reached: Mapping[str, Reached],
    deliveries: Sequence[Mapping[str, Any]],
) -> dict[str, int]:
    """Split the lot over all the places where it now is, in proportion, by largest remainder."""

    def share(lot_id: str, milli: int) -> Fraction:
        return reached[lot_id].milli * Fraction(milli, lots[lot_id]["quantity_milli"])

    places: dict[str, Fraction] = {}
    for row in lots.values():
        places[in_stock(row)] = share(row["lot_id"], row["available_milli"])
        places[spoiled(row)] = share(row["lot_id"], row["spoiled_milli"])
    for row in deliveries:
        milli = row["reserved_milli"] + row["shipped_milli"] + row["accepted_milli"]
        places[held(row)] = share(row["lot_id"], milli)
    common = reduce(lcm, (place.denominator for place in places.values()), 1)
    weights = [(name, (place * common).numerator) for name, place in places.items()]
    return dict(zip(places, money.allocate(lot.quantity_milli, weights, salt=str(lot.id)), strict=True))
