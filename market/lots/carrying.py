"""Contributions that go along when part of their lot goes into another, and how far their releases are off."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import new_id
from market.identity.rules import Actor
from market.lots import queries
from market.lots.contributing import NewRow, insert
from market.lots.lineage import Part, balanced, balanced_in
from market.lots.models import Contribution, ReleaseCarry
from market.lots.rules import after_carry, carried_measures, newly_released
from market.quantities import MeasuredIn

_KEEP = sa.text(
    """
    INSERT INTO release_carries (contribution_id, fen)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:fens AS bigint[]))
        ON CONFLICT (contribution_id) DO UPDATE SET fen = excluded.fen
    """
)
# Before the inputs stand lower: what the discarded lot took along, less what its part of them had to release.
_TAKE_BACK = sa.text(
    """
    WITH part AS (
      SELECT c.id, c.amount_fen::numeric AS fen, l.quantity_milli AS whole, l.accepted_milli + l.moved_milli AS drawn,
             i.quantity_milli AS milli, coalesce(n.amount_fen, 0) AS carried_fen
        FROM lot_inputs i
        JOIN lots l ON l.id = i.input_lot_id
        JOIN contributions c ON c.lot_id = l.id AND c.amount_fen IS NOT NULL
        LEFT JOIN contributions n ON n.lot_id = i.lot_id AND n.carried_from = c.id
       WHERE i.lot_id = :lot
    ), off AS (
      SELECT id, carried_fen - div(fen * drawn, whole) + div(fen * (drawn - milli), whole) AS fen FROM part
    )
    INSERT INTO release_carries (contribution_id, fen)
    SELECT id, fen FROM off WHERE fen <> 0
        ON CONFLICT (contribution_id) DO UPDATE SET fen = release_carries.fen + excluded.fen
    """
)


def carry(session: orm.Session, actor: Actor, parts: Sequence[Part]) -> None:
    """Give new lots what the contributions of their inputs release for each part, before the inputs are drawn.

    Each input must be locked, and stands as it was before. Parts of one input follow each other, so that together they
    carry what one part of their size would: an amount by what is sold or moved of the lot, its measure by what is
    moved, each to the last unit when nothing is left. Of consigned produce the part of the quantity goes along that is
    the household's. Of what was annulled nothing goes along.
    """
    by_source: dict[UUID, list[Part]] = {}
    for part in sorted(parts, key=lambda part: part.source.id):
        by_source.setdefault(part.source.id, []).append(part)
    contributed: dict[UUID, list[Contribution]] = {source_id: [] for source_id in by_source}
    carries: dict[UUID, int] = {}
    for given, carry_fen in session.execute(
        sa.select(Contribution, sa.func.coalesce(ReleaseCarry.fen, 0))
        .outerjoin(ReleaseCarry, ReleaseCarry.contribution_id == Contribution.id)
        .where(
            Contribution.lot_id == sa.any_(sa.cast(list(by_source), sa.ARRAY(sa.Uuid))),
            Contribution.annulment_id.is_(None),
        )
        .order_by(Contribution.lot_id, Contribution.id)
    ):
        contributed[given.lot_id].append(given)
        carries[given.id] = carry_fen
    consigned_to = [key for key, own in contributed.items() if any(given.amount_fen is None for given in own)]
    made_of = queries.made_of(session, consigned_to) if consigned_to else {}
    rows: list[NewRow] = []
    left: dict[UUID, int] = {}
    for source_id, own in contributed.items():
        consigned = [given for given in own if given.amount_fen is None]
        if consigned:
            rows += _consigned(consigned, by_source[source_id], made_of[source_id], actor)
        for given in own:
            if given.amount_fen is not None:
                going, left[given.id] = _priced(given, carries[given.id], by_source[source_id], actor)
                rows += going
    insert(session, [row for row in rows if row.amount_fen or row.measure_milli])
    keep_carries(session, {given_id: fen for given_id, fen in left.items() if fen != carries[given_id]})


def _consigned(consigned: Sequence[Contribution], parts: Sequence[Part], made_of: int, actor: Actor) -> list[NewRow]:
    """Give each part what is the consignors' of what is taken, measured as the new lot is held against its inputs."""
    weights = [(str(given.id), given.measure_milli) for given in consigned]
    rows: list[NewRow] = []
    for part in parts:
        base_unit = part.source.base_unit
        taken_milli = balanced(part.quantity_milli, base_unit, part.content_milli)
        parted = carried_measures(taken_milli, weights, made_of_milli=made_of, salt=str(part.lot_id))
        unit = MeasuredIn(balanced_in(base_unit, part.content_milli).value)
        for given, milli in zip(consigned, parted, strict=True):
            rows.append(_going_on(given, part.lot_id, actor, milli, None)._replace(measured_in=unit))
    return rows


def _priced(given: Contribution, carry_fen: int, parts: Sequence[Part], actor: Actor) -> tuple[list[NewRow], int]:
    """Return what goes along with each part, and how far the releases are off then."""
    source = parts[0].source
    drawn_milli, moved_milli, whole_milli = source.drawn_milli, source.moved_milli, source.quantity_milli
    rows: list[NewRow] = []
    for part in parts:
        more_milli = part.quantity_milli
        measure_milli = newly_released(
            given.measure_milli, drawn_milli=moved_milli, more_milli=more_milli, whole_milli=whole_milli
        )
        due_fen = newly_released(
            given.amount_fen or 0, drawn_milli=drawn_milli, more_milli=more_milli, whole_milli=whole_milli
        )
        amount_fen, carry_fen = after_carry(due_fen, carry_fen)
        rows.append(_going_on(given, part.lot_id, actor, measure_milli, amount_fen))
        drawn_milli += more_milli
        moved_milli += more_milli
    return rows, carry_fen


def _going_on(given: Contribution, lot_id: UUID, actor: Actor, measure_milli: int, amount_fen: int | None) -> NewRow:
    kept = {name: getattr(given, name) for name in NewRow._fields}
    own = {"id": new_id(), "lot_id": lot_id, "carried_from": given.id, "slip_key": None, "made_by": actor.member_id}
    return NewRow(**kept | own | {"measure_milli": measure_milli, "amount_fen": amount_fen})


def keep_carries(session: orm.Session, carries: Mapping[UUID, int]) -> None:
    """Store how far each contribution's releases are off, in fen; the lots' locks keep it in order."""
    if carries:
        session.execute(_KEEP, {"ids": list(carries), "fens": list(carries.values())})


def take_back(session: orm.Session, lot_id: UUID) -> None:
    """Let contributions have back what they gave along to a lot that is discarded, before its inputs have theirs."""
    session.execute(_TAKE_BACK, {"lot": lot_id})
