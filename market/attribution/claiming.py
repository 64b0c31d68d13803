"""Which of what is owed a payment settles, and which money paid ahead it claims; pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from market.attribution.paying import PRODUCE
from market.attribution.rules import Advance, Kind, Owed, Step


class Match(NamedTuple):
    """Something owed claims part of an advance."""

    owed: Owed
    advance: Advance
    fen: int


def match(claims: Sequence[Owed], advances: Sequence[Advance]) -> list[Match]:
    """Return which advances the claims use up; `advances` come oldest first.

    One for a contribution is used before one for what this was carried from, and that before one for anything: others
    may need those. One by purchase invoice is used for produce alone. What is accrued claims nothing yet, but what it
    will claim is kept for it.
    """
    left: dict[Advance, int] = {advance: advance.fen for advance in advances}
    paid_for: dict[tuple[Kind, UUID, UUID | None], list[Advance]] = defaultdict(list)
    for advance in advances:
        paid_for[*advance.owner, advance.contribution_id].append(advance)
    matches: list[Match] = []
    for claim in claims:
        wanted = claim.fen
        owner = claim.share.kind, claim.share.owner_id
        for advance in [found for reason in claim.payable_for for found in paid_for.get((*owner, reason), ())]:
            part = min(wanted, left[advance])
            if part and (claim.share.mechanism in PRODUCE or not advance.invoiced):
                left[advance] -= part
                wanted -= part
                if claim.step is not Step.ACCRUED:
                    matches.append(Match(claim, advance, part))
    return matches


def pay(
    owed: Sequence[Owed], amount_fen: int, *, contribution_id: UUID | None, invoiced: bool = False
) -> tuple[list[Owed], int]:
    """Return what a payment settles, oldest first, and what is left of it as an advance.

    A payment for a contribution settles only what is owed for it, in whatever lots it went on; one that is invoiced
    settles only produce.
    """
    settled: list[Owed] = []
    left = amount_fen
    for item in owed:
        if contribution_id not in item.payable_for or (invoiced and item.share.mechanism not in PRODUCE):
            continue
        part = min(left, item.fen)
        if part:
            left -= part
            settled.append(item._replace(fen=part))
    return settled, left
