"""What may be read of lots: visibility, contributions, and the graph."""

from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.rules import Mechanism
from market.db import within
from market.errors import NotFoundError
from market.identity.models import Organisation
from market.identity.rules import Actor, Scope
from market.lots.models import Lot


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
    amount_fen: int
    delivered_on: date


class LotEdge(NamedTuple):
    """`quantity_milli` of the lot `input_lot_id` went into the lot `lot_id`."""

    lot_id: UUID
    lot_number: str
    input_lot_id: UUID
    input_lot_number: str
    input_quality_certificate: str | None
    quantity_milli: int


class LotGraph(NamedTuple):
    """All that went into a lot, and all that was made of it."""

    ancestors: list[LotEdge]
    descendants: list[LotEdge]


_ANCESTORS = sa.text(
    """
    WITH RECURSIVE edges AS (
      SELECT lot_id, input_lot_id, quantity_milli FROM lot_inputs WHERE lot_id = :lot
       UNION
      SELECT n.lot_id, n.input_lot_id, n.quantity_milli FROM lot_inputs n JOIN edges e ON n.lot_id = e.input_lot_id
    )
    SELECT e.lot_id, l.number, e.input_lot_id, i.number, i.quality_certificate, e.quantity_milli
      FROM edges e JOIN lots l ON l.id = e.lot_id JOIN lots i ON i.id = e.input_lot_id
     WHERE l.status <> 'discarded'
     ORDER BY e.lot_id, e.input_lot_id
    """
)
_DESCENDANTS = sa.text(
    """
    WITH RECURSIVE edges AS (
      SELECT lot_id, input_lot_id, quantity_milli FROM lot_inputs WHERE input_lot_id = :lot
       UNION
      SELECT n.lot_id, n.input_lot_id, n.quantity_milli FROM lot_inputs n JOIN edges e ON n.input_lot_id = e.lot_id
    )
    SELECT e.lot_id, l.number, e.input_lot_id, i.number, i.quality_certificate, e.quantity_milli
      FROM edges e JOIN lots l ON l.id = e.lot_id JOIN lots i ON i.id = e.input_lot_id
     WHERE l.status <> 'discarded'
     ORDER BY e.lot_id, e.input_lot_id
    """
)


def ancestors(session: orm.Session, lot_id: UUID) -> list[LotEdge]:
    """Return all that went into a lot, however far back, as edges in one statement."""
    return [LotEdge(*row) for row in session.execute(_ANCESTORS, {"lot": lot_id})]


def graph(session: orm.Session, lot_id: UUID) -> LotGraph:
    """Return the lots behind and ahead of one, each way in one statement."""
    descendants = [LotEdge(*row) for row in session.execute(_DESCENDANTS, {"lot": lot_id})]
    return LotGraph(ancestors=ancestors(session, lot_id), descendants=descendants)
