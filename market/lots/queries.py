"""What may be read of lots: visibility, contributions, and the graph."""

# ruff: noqa: S608 - statements are assembled only from the fragments of this file; every value is bound

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.rules import Mechanism
from market.db import within
from market.errors import NotFoundError
from market.identity.models import Organisation
from market.identity.rules import Actor, Scope
from market.lots.models import Contribution, Lot
from market.lots.rules import Origin, over_market
from market.quantities import Unit, base_units


def visible_lots(actor: Actor) -> sa.Select[Lot]:
    """Return the lots an actor may know of: its own, those of the suppliers in its region, or all."""
    lots = sa.select(Lot)
    if actor.scope is Scope.OWN:
        return lots.where(Lot.supplier_id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        suppliers = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
        return lots.where(Lot.supplier_id.in_(suppliers))
    return lots


def one_lot(session: orm.Session, actor: Actor, lot_id: UUID) -> Lot:
    """Return a lot that the actor may see; raises `NotFoundError`."""
    lot = session.scalar(visible_lots(actor).where(Lot.id == lot_id))
    if lot is None:
        raise NotFoundError(what="lot")
    return lot


def locked_lot(session: orm.Session, actor: Actor, lot_id: UUID) -> Lot:
    """Return a lot that the actor may see as it is now, locked until the commit; raises `NotFoundError`."""
    locked = visible_lots(actor).where(Lot.id == lot_id).with_for_update(of=Lot)
    lot = session.scalar(locked.execution_options(populate_existing=True))
    if lot is None:
        raise NotFoundError(what="lot")
    return lot


class ContributionRow(NamedTuple):
    """What attribution needs to know of a contribution."""

    id: UUID
    lot_id: UUID
    household_id: UUID
    mechanism: Mechanism
    amount_fen: int | None
    delivered_on: date


def told(given: Contribution) -> dict[str, object]:
    """Return a contribution as it is told: its measure in words, and its increase over a market price that decided."""
    above: dict[str, object] | None = None
    if given.amount_fen and given.unit_price_fen and given.market_price_fen:
        prices = {"unit_price_fen": given.unit_price_fen, "market_price_fen": given.market_price_fen}
        stated = {"price_fen": given.market_price_fen, "source": given.market_source, "on": given.market_on}
        above = {"measure": "gross", "market": stated, "increase_fen": over_market(given.amount_fen, **prices)}
    shown = ("id", "lot_id", "household_id", "mechanism", "unit_price_fen", "amount_fen", "proceeds_bp", "delivered_on")
    known = (*shown, "evidence", "plan_version_id", "carried_from", "annulment_id")
    return {name: getattr(given, name) for name in known} | {
        "measure": base_units(given.measure_milli),
        "unit": given.measured_in,
        "price_per": base_units(given.price_unit_milli) if given.price_unit_milli is not None else None,
        "over_market": above,
    }


class LotEdge(NamedTuple):
    """`quantity_milli` of the lot `input_lot_id` went into the lot `lot_id`; each is held in its own base unit."""

    lot_id: UUID
    lot_number: str
    lot_quantity_milli: int
    input_lot_id: UUID
    input_lot_number: str
    input_product_id: UUID
    input_origin: Origin
    input_base_unit: Unit
    input_produced_on: date
    input_origin_code: str
    input_quality_certificate: str | None
    input_quantity_milli: int
    quantity_milli: int


class LotGraph(NamedTuple):
    """All that went into a lot, and all that was made of it."""

    ancestors: list[LotEdge]
    descendants: list[LotEdge]


_EDGES = """
    SELECT e.lot_id, l.number, l.quantity_milli, e.input_lot_id, i.number, i.product_id, i.origin, i.base_unit,
           i.produced_on, i.origin_code, i.quality_certificate, i.quantity_milli, e.quantity_milli
      FROM edges e JOIN lots l ON l.id = e.lot_id JOIN lots i ON i.id = e.input_lot_id
     WHERE l.status <> 'discarded'
     ORDER BY e.lot_id, e.input_lot_id
"""
_ANCESTORS = sa.text(
    """
    WITH RECURSIVE edges AS (
      SELECT lot_id, input_lot_id, quantity_milli FROM lot_inputs WHERE lot_id = :lot
       UNION
      SELECT n.lot_id, n.input_lot_id, n.quantity_milli FROM lot_inputs n JOIN edges e ON n.lot_id = e.input_lot_id
    )
    """
    + _EDGES
)
DESCENDING = """
    WITH RECURSIVE edges AS (
      SELECT lot_id, input_lot_id, quantity_milli FROM lot_inputs WHERE input_lot_id = :lot
       UNION
      SELECT n.lot_id, n.input_lot_id, n.quantity_milli FROM lot_inputs n JOIN edges e ON n.input_lot_id = e.lot_id
    )
"""
"""SQL for the edges ahead of a lot, each once, however many ways lead there."""

_DESCENDANTS = sa.text(DESCENDING + _EDGES)


_MADE_OF = sa.text(
    """
    SELECT l.id, l.bought_in_milli
           + coalesce((SELECT sum(c.measure_milli) FROM contributions c
                        WHERE c.lot_id = l.id AND c.carried_from IS NULL AND c.measure = 'quantity'), 0)
           + CASE l.base_unit WHEN 'kg' THEN coalesce(l.content_milli, 1000) ELSE 1000 END
             * coalesce((SELECT sum(i.quantity_milli) FROM lot_inputs i WHERE i.lot_id = l.id), 0) / 1000
      FROM lots l
     WHERE l.id = ANY(CAST(:lots AS uuid[]))
    """
)


def made_of(session: orm.Session, lot_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how much each lot was made of: contributed by quantity, bought in and put in, before any loss (milli).

    A lot that converts is weighed (`lineage.balanced`).
    """
    return {row[0]: int(row[1]) for row in session.execute(_MADE_OF, {"lots": list(lot_ids)})}


def ancestors(session: orm.Session, lot_id: UUID) -> list[LotEdge]:
    """Return all that went into a lot, however far back, as edges in one statement."""
    return [_edge(row) for row in session.execute(_ANCESTORS, {"lot": lot_id})]


def graph(session: orm.Session, lot_id: UUID) -> LotGraph:
    """Return the lots behind and ahead of one, each way in one statement."""
    descendants = [_edge(row) for row in session.execute(_DESCENDANTS, {"lot": lot_id})]
    return LotGraph(ancestors=ancestors(session, lot_id), descendants=descendants)


def _edge(row: sa.Row[Any]) -> LotEdge:
    edge = LotEdge._make(row)
    return edge._replace(input_origin=Origin(edge.input_origin), input_base_unit=Unit(edge.input_base_unit))
