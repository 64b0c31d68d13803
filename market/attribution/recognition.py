"""Recognition: the buyer's money for lines has reached the supplier; their shares climb."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.attribution import posting, queries
from market.attribution.rules import PAYEES, Share, Standing, Step, climb


class PaidLine(NamedTuple):
    """What a receipt pays of a line, of what was unpaid of it before (gross fen)."""

    order_line_id: UUID
    paid_fen: int
    unpaid_fen: int


def recognise(
    session: orm.Session, lines: Sequence[PaidLine], *, supplier_id: UUID, trigger: str, on: date
) -> set[UUID]:
    """Post what the paid part of each line makes recognised, as one entry; return the payees who gain by it.

    Goods paid ahead are recognised on the day they are accepted. The caller holds the supplier's lock.
    """
    source = f"recognition:{trigger}"
    standing = queries.standings(session, [line.order_line_id for line in lines])
    moves: list[posting.Move] = []
    day = on
    for line in lines:
        line_id = line.order_line_id
        accrued = [found for found in standing[line_id] if found.step is Step.ACCRUED]
        day = max([day, *(found.since for found in accrued)])
        moves += climbs(_climb(accrued, line, f"{source}|{line_id}"), supplier_id, line_id)
    facts = {"lines": [list(line) for line in lines]}
    posting.post(session, [posting.Draft(source, "recognition", day, moves, facts)])
    return {move.share.owner_id for move in moves if move.share.kind in PAYEES}


def _climb(accrued: Sequence[Standing], line: PaidLine, salt: str) -> list[tuple[Share, int]]:
    """Recognise in proportion to the paid part; the last payment recognises all that is accrued."""
    total_fen = sum(found.fen for found in accrued)
    paid_fen = total_fen if line.paid_fen == line.unpaid_fen else total_fen * line.paid_fen // line.unpaid_fen
    return climb([(found.share, found.fen) for found in accrued], paid_fen, salt=salt)


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
