"""The arithmetic of attribution, pure: facts of a line in, shares out; and how shares climb, fall and are paid.

Sources: domain.md §5, From order line to household, 4-8.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from market import money
from market.lots.rules import after_carry, newly_released


class Kind(StrEnum):
    """Kinds of account in the attribution book.

    Base is debited with what lines bring, top-up base with what a supplier owes households beyond that, paid ahead
    with money that no recognised order claims yet. A pool is what a supplier keeps until a period's distribution, for a
    mechanism that its transfers name.
    """

    BASE = "base"
    HOUSEHOLD = "household"
    COLLECTIVE = "collective"
    RETAINED = "retained"
    POOL = "pool"
    SUSPENSE = "suspense"
    TOP_UP_BASE = "top_up_base"
    PAID_AHEAD = "paid_ahead"


PAYEES = frozenset({Kind.HOUSEHOLD, Kind.COLLECTIVE})


class Step(StrEnum):
    """Steps of the ladder, each an account of its own."""

    ACCRUED = "accrued"
    RECOGNISED = "recognised"
    DISBURSED = "disbursed"
    CONFIRMED = "confirmed"
    ADVANCE = "advance"
    TOP_UP = "top_up"
    TOP_UP_PAID = "top_up_paid"


LADDER = (Step.ACCRUED, Step.RECOGNISED, Step.DISBURSED, Step.CONFIRMED)
"""A share is reversed from the lowest step it stands on."""


class Means(StrEnum):
    """By whose word a payee has the money."""

    VILLAGE_CLERK = "village_clerk"
    HOUSEHOLD_CODE = "household_code"


class Share(NamedTuple):
    """Whose income a part of a line is, and why."""

    kind: Kind
    owner_id: UUID
    mechanism: str | None = None
    contribution_id: UUID | None = None
    assisted: bool | None = None

    @property
    def key(self) -> str:
        """Return the text by which ties between shares are broken."""
        return f"{self.kind}:{self.owner_id}:{self.mechanism or ''}:{self.contribution_id or ''}"


@dataclass(frozen=True, slots=True)
class LotDraw:
    """Part of a lot that a line's acceptance takes, as cumulative milli-units drawn from the lot."""

    lot_id: UUID
    before_milli: int
    after_milli: int
    whole_milli: int

    def released_of(self, amount_fen: int) -> int:
        """Return what this draw releases of a contribution of `amount_fen`; draws of a whole lot sum to it."""
        return newly_released(
            amount_fen,
            drawn_milli=self.before_milli,
            more_milli=self.after_milli - self.before_milli,
            whole_milli=self.whole_milli,
        )


class ContributionFact(NamedTuple):
    """A contribution to a drawn lot; `carry_fen` is what roundings of returns left to release (or over-released)."""

    contribution_id: UUID
    lot_id: UUID
    household_id: UUID
    mechanism: str
    amount_fen: int
    assisted: bool
    carry_fen: int = 0

    @property
    def share(self) -> Share:
        """Return the household's share for it."""
        return Share(Kind.HOUSEHOLD, self.household_id, self.mechanism, self.contribution_id, self.assisted)


class ConsignedFact(NamedTuple):
    """Produce that a household consigned to a drawn lot (milli), and its basis points of what that brings."""

    contribution_id: UUID
    lot_id: UUID
    household_id: UUID
    mechanism: str
    measure_milli: int
    proceeds_bp: int
    assisted: bool

    @property
    def share(self) -> Share:
        """Return the household's share for it."""
        return Share(Kind.HOUSEHOLD, self.household_id, self.mechanism, self.contribution_id, self.assisted)

    @property
    def weight(self) -> int:
        """Return what it counts in its lot: quantity x basis points."""
        return self.measure_milli * self.proceeds_bp


@dataclass(frozen=True, slots=True)
class PoolFact:
    """A pool of the plan: kept, or with the payees that are eligible on the day of acceptance, and their weights."""

    mechanism: str
    bp: int
    shares: Sequence[tuple[Share, int]]
    kept: bool = False

    def salt(self, posting: str) -> str:
        """Return the text that, with a share's key, breaks ties within the pool of a posting."""
        return f"{posting}|{self.mechanism}"


@dataclass(frozen=True, slots=True)
class LineFacts:
    """All that the attribution of one accepted line follows from; `salt` names the posting.

    `made_of` says of lots with consigned produce how much they were made of (milli), whosever it was.
    """

    salt: str
    supplier_id: UUID
    net_fen: int
    draws: Sequence[LotDraw]
    contributions: Sequence[ContributionFact]
    pools: Sequence[PoolFact]
    consigned: Sequence[ConsignedFact] = ()
    made_of: Mapping[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The shares of a line; they sum to its net amount. Top-ups stand apart."""

    shares: Sequence[tuple[Share, int]]
    top_ups: Sequence[tuple[Share, int]]
    carries: Mapping[UUID, int]


def attribute(facts: LineFacts) -> Attribution:
    """Split a line's net amount: consigned produce, contributions, pools; the supplier retains the rest.

    What consigned produce brings is its household's, so nothing else is paid out of it. Contributions are capped by
    what is left of the line, pools by what these leave.
    """
    consigned = _consigned(facts)
    left_fen = facts.net_fen - sum(fen for _, fen in consigned)
    releases, carries = _release(facts)
    released_fen = sum(fen for _, fen in releases)
    funded = releases if released_fen <= left_fen else _split(left_fen, releases, facts.salt)
    left_fen -= sum(fen for _, fen in funded)
    pooled = _pool(facts, left_fen)
    left_fen -= sum(fen for _, fen in pooled)
    retained = (Share(Kind.RETAINED, facts.supplier_id), left_fen)
    top_ups = [(share, fen - paid_fen) for (share, fen), (_, paid_fen) in zip(releases, funded, strict=True)]
    return Attribution(
        shares=_positive([*consigned, *funded, *pooled, retained]), top_ups=_positive(top_ups), carries=carries
    )


def _consigned(facts: LineFacts) -> list[tuple[Share, int]]:
    """Return what consigned produce brings its households: of each draw the part of the lot that is theirs.

    A draw brings its part of the line by quantity; of that, each household's basis points of its part of what the lot
    was made of, in whole fen for the lot and split by largest remainder.
    """
    line_milli = sum(draw.after_milli - draw.before_milli for draw in facts.draws)
    shares: list[tuple[Share, int]] = []
    for draw in facts.draws:
        weighted = [(fact.share, fact.weight) for fact in facts.consigned if fact.lot_id == draw.lot_id]
        if weighted and line_milli:
            theirs = (draw.after_milli - draw.before_milli) * sum(weight for _, weight in weighted)
            whole = line_milli * facts.made_of[draw.lot_id] * money.WHOLE_BP
            shares += _split(facts.net_fen * theirs // whole, weighted, f"{facts.salt}|{draw.lot_id}")
    return shares


def _release(facts: LineFacts) -> tuple[list[tuple[Share, int]], dict[UUID, int]]:
    """Return what each contribution releases with this line, and every carry that changed."""
    drawn = {draw.lot_id: draw for draw in facts.draws}
    releases: list[tuple[Share, int]] = []
    carries: dict[UUID, int] = {}
    for fact in facts.contributions:
        draw = drawn[fact.lot_id]
        due = draw.released_of(fact.amount_fen)
        if fact.carry_fen:
            due, carries[fact.contribution_id] = after_carry(due, fact.carry_fen)
        releases.append((fact.share, due))
    return releases, carries


def pool_amounts(pools: Sequence[PoolFact], net_fen: int, left_fen: int, *, salt: str) -> list[int]:
    """Return what each pool takes of a line (fen); pools that together exceed what is left are scaled to it."""
    amounts = [money.share_bp(net_fen, pool.bp) for pool in pools]
    if sum(amounts) <= left_fen:
        return amounts
    keyed = [(pool.mechanism, fen) for pool, fen in zip(pools, amounts, strict=True)]
    return money.allocate(left_fen, keyed, salt=salt)


def _pool(facts: LineFacts, left_fen: int) -> list[tuple[Share, int]]:
    """Return the pools' shares."""
    amounts = pool_amounts(facts.pools, facts.net_fen, left_fen, salt=facts.salt)
    shares: list[tuple[Share, int]] = []
    for pool, fen in zip(facts.pools, amounts, strict=True):
        try:
            shares += _split(fen, pool.shares, pool.salt(facts.salt))
        except money.AllocationError:
            # Never silently to the cooperative: kept, or in suspense, it is named by its mechanism.
            kind = Kind.POOL if pool.kept else Kind.SUSPENSE
            shares.append((Share(kind, facts.supplier_id, pool.mechanism), fen))
    return shares


def _split(total_fen: int, weighted: Sequence[tuple[Share, int]], salt: str) -> list[tuple[Share, int]]:
    parts = money.allocate(total_fen, [(share.key, weight) for share, weight in weighted], salt=salt)
    return [(share, part) for (share, _), part in zip(weighted, parts, strict=True)]


def _positive(shares: Iterable[tuple[Share, int]]) -> list[tuple[Share, int]]:
    return [(share, fen) for share, fen in shares if fen]


class Standing(NamedTuple):
    """What stands posted of a share of a line: at a step, and if it was paid, by which payment.

    `since` is the day of the last that came in; `paid_for` the contribution that the payment was for, if for one.
    """

    share: Share
    step: Step
    payment_id: UUID | None
    fen: int
    since: date = date.min
    paid_for: UUID | None = None

    @property
    def is_top_up(self) -> bool:
        """Tell whether the supplier owes it beyond what the line brought."""
        return self.step in {Step.TOP_UP, Step.TOP_UP_PAID}

    @property
    def is_received(self) -> bool:
        """Tell whether a household or collective already has the money."""
        return self.share.kind in PAYEES and self.step in {Step.DISBURSED, Step.CONFIRMED, Step.TOP_UP_PAID}


def climb(accrued: Sequence[tuple[Share, int]], amount_fen: int, *, salt: str) -> list[tuple[Share, int]]:
    """Return what of each accrued share becomes recognised when `amount_fen` of them is paid for."""
    return _positive(_split(amount_fen, accrued, salt)) if amount_fen else []


def fall(standings: Sequence[Standing], amount_fen: int, *, salt: str) -> list[Standing]:
    """Return what is taken off when `amount_fen` of a line is returned: split over what remains, lowest step first.

    The rule of a return (domain.md §5, 8), before that of a release, floor(amount x S / Q): a contribution may so stand
    a fen off that per return, which its carry keeps and the next release makes good.

    Never by the original weights, which over-reverses somebody, and never by splitting anew, which can make a
    household gain from a refund.
    """
    remaining: dict[Share, int] = defaultdict(int)
    for standing in standings:
        remaining[standing.share] += standing.fen
    if not amount_fen:
        return []
    taken = dict(_split(amount_fen, sorted(remaining.items(), key=lambda item: item[0].key), salt))
    falls: list[Standing] = []
    for standing in sorted(standings, key=_from_the_bottom):
        part = min(taken[standing.share], standing.fen)
        if part:
            taken[standing.share] -= part
            falls.append(standing._replace(fen=part))
    return falls


def _from_the_bottom(standing: Standing) -> tuple[int, str]:
    order = (*LADDER, Step.TOP_UP, Step.TOP_UP_PAID)
    return order.index(standing.step), str(standing.payment_id)


class Advance(NamedTuple):
    """What is left of a payment ahead of recognition; one for a contribution is claimed by what became of it only.

    `since` is the day from which it stands as it is: paid, come back from a return, confirmed. What was
    `invoiced`, by a purchase invoice, is claimed by produce only.
    """

    owner: tuple[Kind, UUID]
    payment_id: UUID
    contribution_id: UUID | None
    confirmed: bool
    fen: int
    since: date = date.min
    invoiced: bool = False


class Owed(NamedTuple):
    """A share of a line, or a top-up, that is not yet paid; `since` is the day of the last that came in.

    `carried_from` are the contributions from which its own came along, the nearest first, where its lot was made of
    others.
    """

    order_line_id: UUID
    share: Share
    step: Step
    fen: int
    since: date = date.min
    carried_from: tuple[UUID, ...] = ()

    @property
    def payable_for(self) -> tuple[UUID | None, ...]:
        """Return for what it may have been paid: its contribution, one that this was carried from, or anything."""
        own = self.share.contribution_id
        return (None,) if own is None else (own, *self.carried_from, None)


class PaymentOrder(NamedTuple):
    """One payment of a batch: to a household or a collective, perhaps for one contribution, in fen."""

    kind: Kind
    payee_id: UUID
    amount_fen: int
    reference: str
    contribution_id: UUID | None
    invoice_number: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one payment did: the shares it settled, and what of it is an advance (fen)."""

    payment: PaymentOrder
    settled: Sequence[Owed]
    advance_fen: int

    @property
    def settled_fen(self) -> int:
        """Return what of the payment settles shares that orders brought."""
        return sum(item.fen for item in self.settled if item.step is Step.RECOGNISED)

    @property
    def top_up_fen(self) -> int:
        """Return what of the payment settles top-ups."""
        return sum(item.fen for item in self.settled if item.step is Step.TOP_UP)


DUE = (Step.RECOGNISED, Step.TOP_UP)
"""What is to be paid now, in the order in which it is paid."""

CLAIMING = (Step.RECOGNISED, Step.ACCRUED, Step.TOP_UP)
"""What claims money paid ahead, in the order in which it does: a top-up only what no order will claim."""

PAID_STEP: Mapping[Step, Step] = {Step.RECOGNISED: Step.DISBURSED, Step.TOP_UP: Step.TOP_UP_PAID}
"""Where what is owed goes when it is paid."""
