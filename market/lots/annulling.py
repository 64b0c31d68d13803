"""Contributions that never were: what goes with one, under which locks, and that it counts for nobody from then on.

The quantity stays in its lots: the goods were there; whose they were is unproven.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import NotFoundError
from market.identity.rules import Actor
from market.lots.models import Contribution, Lot
from market.lots.queries import visible_lots
from market.lots.rules import CarriedContributionError, ContributionAnnulledError, LotStatus, NeverOpenedError

_FAMILY = sa.text(
    """
    WITH RECURSIVE family AS (
      SELECT id, lot_id FROM contributions WHERE id = :contribution
       UNION ALL
      SELECT c.id, c.lot_id FROM family f JOIN contributions c ON c.carried_from = f.id
    )
    SELECT id, lot_id FROM family ORDER BY id
    """
)
_ORIGIN = sa.text(
    """
    WITH RECURSIVE up AS (
      SELECT id, carried_from FROM contributions WHERE id = :contribution
       UNION ALL
      SELECT c.id, c.carried_from FROM up JOIN contributions c ON c.id = up.carried_from
    )
    SELECT id FROM up WHERE carried_from IS NULL
    """
)
_LOCK = sa.text("SELECT id FROM lots WHERE id = ANY(CAST(:lots AS uuid[])) ORDER BY id FOR UPDATE")
_MARK = sa.text("UPDATE contributions SET annulment_id = :annulment WHERE id = ANY(CAST(:contributions AS uuid[]))")


def annullable(session: orm.Session, actor: Actor, contribution_id: UUID) -> Lot:
    """Return the lot of a contribution that the actor may know of and that can be annulled.

    Raises `NotFoundError`, `ContributionAnnulledError`, `CarriedContributionError` or `NeverOpenedError`.
    """
    known = visible_lots(actor).with_only_columns(Lot.id)
    given = session.scalar(
        sa.select(Contribution)
        .where(Contribution.id == contribution_id, Contribution.lot_id.in_(known))
        .execution_options(populate_existing=True)
    )
    if given is None:
        raise NotFoundError(what="contribution")
    if given.annulment_id is not None:
        raise ContributionAnnulledError
    if given.carried_from is not None:
        raise CarriedContributionError(contribution=session.scalar(_ORIGIN, {"contribution": contribution_id}))
    lot = session.get_one(Lot, given.lot_id)
    if lot.status in {LotStatus.DRAFT, LotStatus.DISCARDED}:
        raise NeverOpenedError(number=lot.number)
    return lot


def family(session: orm.Session, contribution_id: UUID) -> dict[UUID, UUID]:
    """Return a contribution and all that were carried from it, however far, each with its lot."""
    return {row.id: row.lot_id for row in session.execute(_FAMILY, {"contribution": contribution_id})}


def locked_family(session: orm.Session, contribution_id: UUID) -> dict[UUID, UUID]:
    """Return the same while nothing can be sold, moved or returned of these lots, until the commit.

    The lots are locked in the order of their ids. One that took a part along while this waited is younger than all
    that it was made of, and locked after them.
    """
    locked: set[UUID] = set()
    while new := set((found := family(session, contribution_id)).values()) - locked:
        session.execute(_LOCK, {"lots": list(new)})
        locked |= new
    return found


def mark(session: orm.Session, contribution_ids: Collection[UUID], annulment_id: UUID) -> None:
    """Let contributions count for nothing from now on; the caller holds the locks of their lots."""
    session.execute(_MARK, {"contributions": list(contribution_ids), "annulment": annulment_id})
