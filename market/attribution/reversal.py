"""Reversal: goods of accepted lines came back, or their price was cut; shares fall by what remains posted.

Money received stays received. When the price of goods that stay is cut, their lots have been drawn from all the same,
and what contributions have released of their amounts stands: what a cut takes off it the supplier tops up, as what a
line never brought (domain.md §5, From order line to household, 6-8).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import orm

from market.attribution import posting, queries
from market.attribution.recognition import climbs
from market.attribution.rules import PAYEES, ContributionFact, Kind, LotDraw, Share, Standing, Step, fall
from market.ledger.rules import AccountKey
from market.lots.carrying import keep_carries


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """An order line of which `net_fen` comes off; its draws shrink from `after_milli` to `before_milli`.

    `reason` says what it is in the book: a return, or a price cut, whose draws stay as they are.
    """

    source: str
    reason: str
    order_line_id: UUID
    accepted_on: date
    net_fen: int
    paid_up: bool
    """Whether the buyer has by now paid all that it still owes for the line."""
    draws: Sequence[LotDraw]

    @property
    def goods_stay(self) -> bool:
        """Tell whether nothing goes back into a lot: it is the price that is cut."""
        return all(draw.before_milli == draw.after_milli for draw in self.draws)


@dataclass(frozen=True, slots=True)
class Fallen:
    """What fell of a line and what is topped up for it, the day from which that counts, and the payees it concerns."""

    falls: Sequence[Standing]
    top_ups: Sequence[tuple[Share, int]]
    counts_on: date
    payees: Collection[UUID] = ()


def reverse(session: orm.Session, lines: Sequence[ReturnedLine], *, supplier_id: UUID, on: date) -> list[Fallen]:
    """Post the reversal of lines, an entry each; return what fell. The caller locks the lots and the supplier.

    What is recorded after payments of a later day counts from that day, when all that it takes off was there;
    one of a closed month from the first day after.
    """
    standing = queries.standings(session, [line.order_line_id for line in lines])
    contributions = queries.contribution_facts(session, {draw.lot_id for line in lines for draw in line.draws})
    drafts: list[posting.Draft] = []
    carries: dict[UUID, int] = {}
    falling: list[Fallen] = []
    for line in lines:
        line_id = line.order_line_id
        fallen = _fallen(standing[line_id], line, contributions, on)
        moves = [move for part in fallen.falls for move in off(part, supplier_id, line_id)]
        if line.paid_up:
            moves += climbs(_still_accrued(standing[line_id], fallen.falls), supplier_id, line_id)
        moves += posting.topping_up(fallen.top_ups, supplier_id, line_id)
        facts = {"order_line": line_id, "net_fen": line.net_fen}
        drafts.append(
            posting.Draft(
                line.source, line.reason, fallen.counts_on, moves, facts, original_effective_on=line.accepted_on
            )
        )
        falling.append(replace(fallen, payees={move.share.owner_id for move in moves if move.share.kind in PAYEES}))
        if not line.goods_stay:
            carries |= _carries(line.draws, contributions, fallen.falls, carries)
    first_on = posting.post(session, drafts)
    keep_carries(session, carries)
    return [replace(fallen, counts_on=max(fallen.counts_on, first_on)) for fallen in falling]


def predict(session: orm.Session, lines: Sequence[ReturnedLine], *, on: date) -> list[Fallen]:
    """Return what would fall of each line on that day; writes nothing."""
    on = max(on, posting.opens_on(session))
    standing = queries.standings(session, [line.order_line_id for line in lines])
    contributions = queries.contribution_facts(session, {draw.lot_id for line in lines for draw in line.draws})
    return [_fallen(standing[line.order_line_id], line, contributions, on) for line in lines]


def _fallen(
    standing: Sequence[Standing], line: ReturnedLine, contributions: Sequence[ContributionFact], on: date
) -> Fallen:
    falls = falls_of(standing, line)
    top_ups: Counter[Share] = Counter()
    if line.goods_stay:
        amounts = {fact.contribution_id for fact in contributions}
        for part in falls:
            top_ups[part.share] += part.fen if part.share.contribution_id in amounts else 0
    return Fallen(falls, [(share, fen) for share, fen in top_ups.items() if fen], max([on, *(p.since for p in falls)]))


def falls_of(standing: Sequence[Standing], line: ReturnedLine) -> list[Standing]:
    """Return what falls of a line's shares; of its top-ups in the same proportion, if it is goods that came back."""
    shares = [found for found in standing if not found.is_top_up]
    tops = [found for found in standing if found.is_top_up]
    shares_fen, tops_fen = (sum(found.fen for found in part) for part in (shares, tops))
    falls = fall(shares, line.net_fen, salt=line.source)
    if tops_fen and not line.goods_stay:
        # A line that brought nothing has top-ups alone.
        fallen_fen = tops_fen * line.net_fen // shares_fen if shares_fen else tops_fen
        falls += fall(tops, fallen_fen, salt=line.source)
    return falls


def off(fallen: Standing, supplier_id: UUID, line_id: UUID) -> list[posting.Move]:
    """Take a fallen part off its line."""
    target = posting.base(supplier_id, Kind.TOP_UP_BASE if fallen.is_top_up else Kind.BASE)
    return falling_to(target, fallen, supplier_id, line_id)


def falling_to(target: AccountKey, fallen: Standing, supplier_id: UUID, line_id: UUID) -> list[posting.Move]:
    """Move a fallen part; what of it the payee has received becomes an advance, again for what it was paid for."""
    share, fen, payment_id = fallen.share, fallen.fen, fallen.payment_id
    moves = [posting.Move(posting.account(share, supplier_id, fallen.step), target, fen, share, line_id, payment_id)]
    if fallen.is_received:
        ahead = posting.account(share, supplier_id, Step.ADVANCE)
        again = share._replace(contribution_id=fallen.paid_for)
        moves.append(posting.Move(posting.paid_ahead(supplier_id), ahead, fen, again, line_id, payment_id))
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
