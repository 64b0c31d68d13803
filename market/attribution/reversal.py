"""Reversal: goods of accepted lines came back; shares fall by what remains posted, money received stays received."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import orm

from market.attribution import accrual, posting, queries
from market.attribution.recognition import claim_advances, climbs, lock_supplier
from market.attribution.rules import PAYEES, ContributionFact, Kind, LotDraw, Owed, Share, Standing, Step, fall


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """An order line of which `net_fen` comes off; its draws shrink from `after_milli` to `before_milli`."""

    salt: str
    order_line_id: UUID
    net_fen: int
    paid_up: bool
    """Whether the buyer has by now paid all that it still owes for the line."""
    draws: Sequence[LotDraw]


def reverse(
    session: orm.Session,
    lines: Sequence[ReturnedLine],
    *,
    source: str,
    supplier_id: UUID,
    on: date,
    original_on: date,
) -> list[list[Standing]]:
    """Post the reversal of returned lines as one entry; return what fell of each. The caller locks the lots."""
    lock_supplier(session, supplier_id)
    standing = queries.standings(session, [line.order_line_id for line in lines])
    contributions = queries.contribution_facts(session, {draw.lot_id for line in lines for draw in line.draws})
    moves: list[posting.Move] = []
    claims: list[Owed] = []
    carries: dict[UUID, int] = {}
    falling = [falls_of(standing[line.order_line_id], line) for line in lines]
    for line, falls in zip(lines, falling, strict=True):
        line_id = line.order_line_id
        moves += [move for fallen in falls for move in _moves(fallen, supplier_id, line_id)]
        if line.paid_up:
            rest = _still_accrued(standing[line_id], falls)
            moves += climbs(rest, supplier_id, line_id)
            claims += [Owed(line_id, share, Step.RECOGNISED, fen) for share, fen in rest if share.kind in PAYEES]
        carries |= _carries(line.draws, contributions, falls, carries)
    moves += claim_advances(session, claims, supplier_id=supplier_id)
    facts = {"lines": [[line.order_line_id, line.net_fen] for line in lines]}
    draft = posting.Draft(source, "return", on, moves, facts, original_effective_on=original_on)
    posting.post(session, [draft])
    accrual.keep_carries(session, carries)
    return falling


def predict(session: orm.Session, lines: Sequence[ReturnedLine]) -> list[list[Standing]]:
    """Return what would fall of each line; writes nothing."""
    standing = queries.standings(session, [line.order_line_id for line in lines])
    return [falls_of(standing[line.order_line_id], line) for line in lines]


def falls_of(standing: Sequence[Standing], line: ReturnedLine) -> list[Standing]:
    """Return what falls of a line's shares, and of its top-ups in the same proportion."""
    shares = [found for found in standing if not found.is_top_up]
    tops = [found for found in standing if found.is_top_up]
    shares_fen, tops_fen = (sum(found.fen for found in part) for part in (shares, tops))
    falls = fall(shares, line.net_fen, salt=line.salt)
    if tops_fen:
        # A line that brought nothing has top-ups alone.
        fallen_fen = tops_fen * line.net_fen // shares_fen if shares_fen else tops_fen
        falls += fall(tops, fallen_fen, salt=line.salt)
    return falls


def _moves(fallen: Standing, supplier_id: UUID, line_id: UUID) -> list[posting.Move]:
    """Take a fallen part off; what of it the household has received becomes an advance again."""
    share, step, payment_id, fen = fallen
    target = posting.base(supplier_id, Kind.TOP_UP_BASE if fallen.is_top_up else Kind.BASE)
    moves = [posting.Move(posting.account(share, supplier_id, step), target, fen, share, line_id, payment_id)]
    if fallen.is_received:
        ahead = posting.account(share, supplier_id, Step.ADVANCE)
        moves.append(posting.Move(posting.paid_ahead(supplier_id), ahead, fen, share, line_id, payment_id))
    return moves


def _still_accrued(standing: Sequence[Standing], falls: Sequence[Standing]) -> list[tuple[Share, int]]:
    """Return the fen that rounding left accrued; of a line with nothing unpaid they are recognised at once."""
    left: dict[Share, int] = {found.share: found.fen for found in standing if found.step is Step.ACCRUED}
    for fallen in falls:
        if fallen.step is Step.ACCRUED:
            left[fallen.share] -= fallen.fen
    return [(share, fen) for share, fen in left.items() if fen]


def _carries(
    draws: Sequence[LotDraw],
    contributions: Sequence[ContributionFact],
    falls: Sequence[Standing],
    so_far: Mapping[UUID, int],
) -> dict[UUID, int]:
    """Return how far each contribution of the draws is now off its cumulative release, in fen."""
    fallen: dict[UUID | None, int] = defaultdict(int)
    for part in falls:
        fallen[part.share.contribution_id] += part.fen
    by_lot = {draw.lot_id: draw for draw in draws}
    carries: dict[UUID, int] = {}
    for fact in contributions:
        if fact.lot_id not in by_lot:
            continue
        due = by_lot[fact.lot_id].released_of(fact.amount_fen)
        carry = so_far.get(fact.contribution_id, fact.carry_fen)
        changed = carry + fallen[fact.contribution_id] - due
        if changed != carry:
            carries[fact.contribution_id] = changed
    return carries
