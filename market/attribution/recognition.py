"""Recognition: the buyer's money for lines has reached the supplier; their shares climb."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    session: orm.Session,
    paid: Mapping[str, Sequence[PaidLine]],
    *,
    supplier_id: UUID,
    on: date,
    last_on: Mapping[str, date],
) -> set[UUID]:
    """Post what the paid part of lines makes recognised, an entry for each trigger; return the payees who gain by it.

    Goods paid ahead are recognised on the day they are accepted. What climbs beyond what is paid rests on money that
    was left over when goods came back: it counts once all money was there (`last_on`), and they had come back. The
    caller holds the supplier's lock.
    """
    standing = queries.standings(session, [line.order_line_id for lines in paid.values() for line in lines])
    drafts = [
        _once_free(session, _draft(trigger, lines, standing, supplier_id, on), lines, last_on[trigger])
        for trigger, lines in paid.items()
    ]
    posting.post(session, drafts)
    return {move.share.owner_id for draft in drafts for move in draft.moves if move.share.kind in PAYEES}


def _draft(
    trigger: str, lines: Sequence[PaidLine], standing: Mapping[UUID, Sequence[Standing]], supplier_id: UUID, on: date
) -> posting.Draft:
    source = f"recognition:{trigger}"
    moves: list[posting.Move] = []
    for line in lines:
        line_id = line.order_line_id
        accrued = [found for found in standing[line_id] if found.step is Step.ACCRUED]
        on = max([on, *(found.since for found in accrued)])
        moves += climbs(_climb(accrued, line, f"{source}|{line_id}"), supplier_id, line_id)
    return posting.Draft(source, "recognition", on, moves, {"lines": [list(line) for line in lines]})


def _once_free(session: orm.Session, draft: posting.Draft, lines: Sequence[PaidLine], last_on: date) -> posting.Draft:
    if sum(move.fen for move in draft.moves) <= sum(line.paid_fen for line in lines):
        return draft
    fell_on = queries.fell_on(session, [line.order_line_id for line in lines])
    return replace(draft, effective_on=max([draft.effective_on, last_on, *fell_on]))


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
