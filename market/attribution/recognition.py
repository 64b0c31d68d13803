"""Recognition: the buyer's money for lines has reached the supplier; shares climb, and advances are claimed."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.attribution import posting, queries
from market.attribution.rules import PAID_STEP, PAYEES, Owed, Share, Standing, Step, climb, match
from market.db import lock_by


class PaidLine(NamedTuple):
    """What a receipt pays of a line, of what was unpaid of it before (gross fen)."""

    order_line_id: UUID
    paid_fen: int
    unpaid_fen: int


def lock_supplier(session: orm.Session, supplier_id: UUID) -> None:
    """Serialise whatever reads and moves what a supplier's payees have standing; taken after orders and lots."""
    lock_by(session, kind="attribution", key=supplier_id)


def recognise(session: orm.Session, lines: Sequence[PaidLine], *, supplier_id: UUID, trigger: str, on: date) -> None:
    """Post what the paid part of each line makes recognised, and the advances that it claims, as one entry."""
    paid = [line for line in lines if line.paid_fen]
    if not paid:
        return
    lock_supplier(session, supplier_id)
    source = f"recognition:{trigger}"
    standing = queries.standings(session, [line.order_line_id for line in paid])
    moves: list[posting.Move] = []
    claims: list[Owed] = []
    for line in paid:
        line_id = line.order_line_id
        climbed = _climb(standing[line_id], line, f"{source}|{line_id}")
        moves += climbs(climbed, supplier_id, line_id)
        claims += [Owed(line_id, share, Step.RECOGNISED, fen) for share, fen in climbed if share.kind in PAYEES]
        claims += [
            Owed(line_id, found.share, Step.TOP_UP, found.fen)
            for found in standing[line_id]
            if found.step is Step.TOP_UP
        ]
    moves += claim_advances(session, claims, supplier_id=supplier_id)
    facts = {"lines": [list(line) for line in paid]}
    posting.post(session, [posting.Draft(source, "recognition", on, moves, facts)])


def _climb(standing: Sequence[Standing], line: PaidLine, salt: str) -> list[tuple[Share, int]]:
    """Recognise in proportion to the paid part; the last payment recognises all that is accrued."""
    accrued = [(found.share, found.fen) for found in standing if found.step is Step.ACCRUED]
    total_fen = sum(fen for _, fen in accrued)
    paid_fen = total_fen if line.paid_fen == line.unpaid_fen else total_fen * line.paid_fen // line.unpaid_fen
    return climb(accrued, paid_fen, salt=salt)


def climbs(climbed: Sequence[tuple[Share, int]], supplier_id: UUID, line_id: UUID) -> list[posting.Move]:
    """Return the moves of shares of a line from accrued to recognised."""
    return [
        posting.Move(
            posting.account(share, supplier_id, Step.ACCRUED),
            posting.account(share, supplier_id, Step.RECOGNISED),
            fen,
            share,
            line_id,
        )
        for share, fen in climbed
    ]


def claim_advances(session: orm.Session, claims: Sequence[Owed], *, supplier_id: UUID) -> list[posting.Move]:
    """Return the moves by which owed shares claim what was paid ahead, oldest first.

    The claimed part of a share is disbursed (or confirmed, if its payment was); the advance shrinks by as much.
    """
    owners = {claim.share.owner_id for claim in claims}
    if not owners:
        return []
    moves: list[posting.Move] = []
    for owed, advance, fen in match(claims, queries.advances(session, supplier_id, owners)):
        confirmed = advance.confirmed and owed.step is Step.RECOGNISED
        paid = posting.account(owed.share, supplier_id, Step.CONFIRMED if confirmed else PAID_STEP[owed.step])
        source = posting.account(owed.share, supplier_id, owed.step)
        moves.append(posting.Move(source, paid, fen, owed.share, owed.order_line_id, advance.payment_id))
        ahead = posting.account(owed.share, supplier_id, Step.ADVANCE)
        claimed = owed.share._replace(contribution_id=advance.contribution_id)
        target = posting.paid_ahead(supplier_id)
        moves.append(posting.Move(ahead, target, fen, claimed, owed.order_line_id, advance.payment_id))
    return moves
