"""Which of what is owed a payment settles, and which money paid ahead it claims; pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from market.attribution.rules import Advance, Kind, Owed, Step


class Match(NamedTuple):
    """Something owed claims part of an advance."""

    owed: Owed
    advance: Advance
    fen: int


def match(claims: Sequence[Owed], advances: Sequence[Advance]) -> list[Match]:
    """Return which advances the claims use up; `advances` come oldest first.

    One for a contribution is used before one for anything, which others may need. What is accrued claims nothing yet,
    but what it will claim is kept for it.
    """
    left: dict[Advance, int] = {advance: advance.fen for advance in advances}
    by_owner: dict[tuple[Kind, UUID], list[Advance]] = defaultdict(list)
    for advance in sorted(advances, key=lambda advance: advance.contribution_id is None):
        by_owner[advance.owner].append(advance)
    matches: list[Match] = []
    for claim in claims:
        wanted = claim.fen
        for advance in by_owner[claim.share.kind, claim.share.owner_id]:
            if advance.contribution_id not in (None, claim.share.contribution_id):
                continue
            part = min(wanted, left[advance])
            if part:
                left[advance] -= part
                wanted -= part
                if claim.step is not Step.ACCRUED:
                    matches.append(Match(claim, advance, part))
    return matches


def pay(owed: Sequence[Owed], amount_fen: int, *, contribution_id: UUID | None) -> tuple[list[Owed], int]:
    """Return what a payment settles, oldest first, and what is left of it as an advance.

    A payment for a contribution settles only what that contribution is owed.
    """
    settled: list[Owed] = []
    left = amount_fen
    for item in owed:
        if contribution_id not in (None, item.share.contribution_id):
            continue
        part = min(left, item.fen)
        if part:
            left -= part
            settled.append(item._replace(fen=part))
    return settled, left
