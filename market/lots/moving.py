"""Moving parts of lots into new ones: the stock and what households contributed go along, none twice and none lost."""

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.identity.rules import Actor
from market.lots.carrying import carry
from market.lots.lineage import InputLot, Part
from market.lots.models import Lot
from market.lots.rules import StockMovedError

_TAKE = sa.text(
    """
    WITH part AS (
      SELECT *
        FROM unnest(CAST(:lots AS uuid[]), CAST(:inputs AS uuid[]), CAST(:milli AS bigint[]), CAST(:nth AS bigint[]))
          AS p (lot_id, id, milli, nth)
    ), whole AS (
      SELECT id, CAST(sum(milli) AS bigint) AS milli, count(*) AS parts FROM part GROUP BY id
    ), taken AS (
      UPDATE lots l
         SET available_milli = l.available_milli - w.milli, moved_milli = l.moved_milli + w.milli,
             draws = l.draws + w.parts
        FROM whole w
       WHERE l.id = w.id AND l.status = 'open' AND l.available_milli >= w.milli
      RETURNING l.id, l.draws - w.parts AS draws
    )
    INSERT INTO lot_inputs (lot_id, input_lot_id, quantity_milli, draws)
    SELECT p.lot_id, p.id, p.milli, t.draws + p.nth FROM part p JOIN taken t ON t.id = p.id
    RETURNING input_lot_id
    """
)


def locked_inputs(session: orm.Session, actor: Actor, lot_ids: Collection[UUID]) -> dict[UUID, InputLot]:
    """Return the actor's own lots among these, locked in the order of their ids until the commit."""
    rows = session.execute(
        sa.select(
            Lot.id,
            Lot.number,
            Lot.product_id,
            Lot.status,
            Lot.base_unit,
            Lot.origin_code,
            Lot.produced_on,
            Lot.expires_on,
            Lot.available_milli,
            Lot.moved_milli,
            Lot.quantity_milli,
            (Lot.accepted_milli + Lot.moved_milli).label("drawn_milli"),
            Lot.quality_certificate,
            Lot.certified_lot_id,
        )
        .where(Lot.id == sa.any_(sa.cast(list(lot_ids), sa.ARRAY(sa.Uuid))), Lot.supplier_id == actor.organisation_id)
        .order_by(Lot.id)
        .with_for_update()
    )
    return {row["id"]: InputLot(**row) for row in rows.mappings()}


def move_into(session: orm.Session, actor: Actor, parts: Sequence[Part]) -> None:
    """Move parts of locked lots into new ones, all or nothing, in a constant number of statements.

    Parts of one lot leave it in the order given. Raises `StockMovedError` when a lot holds less than is to leave it.
    """
    carry(session, actor, parts)
    taken: Counter[UUID] = Counter()
    nth = []
    for part in parts:
        taken[part.source.id] += 1
        nth.append(taken[part.source.id])
    parameters = {
        "lots": [part.lot_id for part in parts],
        "inputs": [part.source.id for part in parts],
        "milli": [part.quantity_milli for part in parts],
        "nth": nth,
    }
    if len(session.execute(_TAKE, parameters).all()) != len(parts):
        raise StockMovedError
