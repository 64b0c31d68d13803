"""Matching: what payees are owed claims what they were paid ahead, as soon as both stand."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import orm

from market.attribution import posting, queries
from market.attribution.claiming import Match, match
from market.attribution.rules import CLAIMING, PAID_STEP, Step
from market.db import lock_by


def lock_supplier(session: orm.Session, supplier_id: UUID) -> None:
    """Serialise whatever reads and moves what a supplier's payees have standing; taken after orders and lots."""
    lock_by(session, kind="attribution", key=supplier_id)


def match_advances(
    session: orm.Session, owner_ids: Collection[UUID], *, supplier_id: UUID, trigger: str, on: date
) -> None:
    """Post which of their advances these payees claim, oldest first; the caller holds the supplier's lock.

    An entry for each day: none is dated before what it claims, or what claims it, was there.
    """
    advances = queries.advances(session, supplier_id, owner_ids) if owner_ids else []
    if not advances:
        return
    owed = queries.owed(session, supplier_id, {advance.owner[1] for advance in advances}, steps=CLAIMING)
    moves: dict[date, list[posting.Move]] = defaultdict(list)
    for found in match(owed, advances):
        moves[max(on, found.owed.since, found.advance.since)] += _moves(found, supplier_id)
    posting.post(session, drafts(trigger, moves))


def drafts(trigger: str, moves: dict[date, list[posting.Move]]) -> list[posting.Draft]:
    """Return the entries by which what a trigger brought about is matched, one a day."""
    return [
        posting.Draft(f"matching:{trigger}:{day}", "matching", day, moves[day], {"trigger": trigger})
        for day in sorted(moves)
    ]


def _moves(found: Match, supplier_id: UUID) -> list[posting.Move]:
    """Let the owed part be disbursed (confirmed, if its payment was), and the advance shrink by as much."""
    owed, advance, fen = found
    confirmed = advance.confirmed and owed.step is Step.RECOGNISED
    source = posting.account(owed.share, supplier_id, owed.step)
    paid = posting.account(owed.share, supplier_id, Step.CONFIRMED if confirmed else PAID_STEP[owed.step])
    ahead = posting.account(owed.share, supplier_id, Step.ADVANCE)
    claimed = owed.share._replace(contribution_id=advance.contribution_id)
    line_id, payment_id = owed.order_line_id, advance.payment_id
    return [
        posting.Move(source, paid, fen, owed.share, line_id, payment_id),
        posting.Move(ahead, posting.paid_ahead(supplier_id), fen, claimed, line_id, payment_id),
    ]
