"""Annulling a contribution: what stands of it, and of all that was carried from it, stays with the supplier.

Nobody else's share moves: the split of a line is never made anew.
"""

from uuid import UUID

from sqlalchemy import orm

from market.annulments import queries
from market.annulments.rules import Fall, Undone, retained
from market.attribution.queries import standings
from market.lots import annulling
from market.lots.models import Contribution


def undone(session: orm.Session, contribution_id: UUID, supplier_id: UUID) -> Undone:
    """Return what falls of a contribution and of what was carried from it, all of which the supplier retains.

    It is known under the day on which the first of it was accepted, or of the delivery where nothing of it stands.
    """
    family = annulling.family(session, contribution_id)
    falls = [
        Fall(line_id, found)
        for line_id, on_line in standings(session, queries.lines_released_to(session, family)).items()
        for found in on_line
        if found.share.contribution_id in family
    ]
    accepted_on = queries.accepted_on(session, {line_id for line_id, _ in falls})
    delivered_on = session.get_one(Contribution, contribution_id).delivered_on
    return Undone(falls, retained(falls, supplier_id), accepted_on or delivered_on)


def annul(session: orm.Session, contribution_id: UUID, annulment_id: UUID) -> list[UUID]:
    """Let a contribution and all that was carried from it count for nothing; return them in order.

    The caller holds the locks of their lots.
    """
    family = sorted(annulling.family(session, contribution_id))
    annulling.mark(session, family, annulment_id)
    return family
