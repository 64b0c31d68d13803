"""Un-recognition: money for lines that had reached the supplier has gone back; their shares fall to accrued again.

As in a return of goods they fall by what remains, and what a payee has received stays received: it is an advance again.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.attribution import posting, queries
from market.attribution.reversal import falling_to
from market.attribution.rules import LADDER, PAYEES, Standing, Step, fall


class UnpaidLine(NamedTuple):
    """What of a line is after all not paid, of what was paid of it before (gross fen)."""

    order_line_id: UUID
    unpaid_fen: int
    paid_fen: int


def unrecognise(
    session: orm.Session, unpaid: Mapping[str, Sequence[UnpaidLine]], *, supplier_id: UUID, on: date
) -> set[UUID]:
    """Post what falls back to accrued of lines, an entry for each trigger; return the payees from whom it fell.

    It counts from the day on which all of it was there. The caller holds the supplier's lock.
    """
    standing = queries.standings(session, [line.order_line_id for lines in unpaid.values() for line in lines])
    drafts = [_draft(trigger, lines, standing, supplier_id, on) for trigger, lines in unpaid.items()]
    posting.post(session, drafts)
    return {move.share.owner_id for draft in drafts for move in draft.moves if move.share.kind in PAYEES}


def _draft(
    trigger: str, lines: Sequence[UnpaidLine], standing: Mapping[UUID, Sequence[Standing]], supplier_id: UUID, on: date
) -> posting.Draft:
    source = f"unrecognition:{trigger}"
    moves: list[posting.Move] = []
    for line in lines:
        line_id = line.order_line_id
        falls = _falls(standing[line_id], line, f"{source}|{line_id}")
        on = max([on, *(fallen.since for fallen in falls)])
        for fallen in falls:
            accrued = posting.account(fallen.share, supplier_id, Step.ACCRUED)
            moves += falling_to(accrued, fallen, supplier_id, line_id)
    return posting.Draft(source, "unrecognition", on, moves, {"lines": [list(line) for line in lines]})


def _falls(standing: Sequence[Standing], line: UnpaidLine, salt: str) -> list[Standing]:
    """Un-recognise in proportion to what is not paid any more; with the last of it all that is recognised."""
    recognised = [found for found in standing if found.step in LADDER[1:]]
    whole_fen = sum(found.fen for found in recognised)
    return fall(recognised, whole_fen * line.unpaid_fen // line.paid_fen, salt=salt)
