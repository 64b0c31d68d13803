"""What stands posted while a supplier's history is replayed: shares by line and step, advances, releases."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from market.audit.oracle import (
    ACCRUED,
    ADVANCE,
    BASE,
    DISBURSED,
    PAID_AHEAD,
    PAID_STEPS,
    PAYEES,
    POOL,
    RECOGNISED,
    RETAINED,
    TOP_UP,
    TOP_UP_BASE,
    TOP_UP_PAID,
    Stake,
)

CLAIMING = (RECOGNISED, ACCRUED, TOP_UP)
"""What claims money paid ahead, first to last; what is accrued only keeps its part of it."""

_SOURCES = frozenset({BASE, TOP_UP_BASE, PAID_AHEAD})


class Account(NamedTuple):
    """An account by what it is."""

    kind: str
    owner_id: UUID
    counterpart_id: UUID | None
    step: str | None


class Move(NamedTuple):
    """A transfer: from where to where, and what it concerns."""

    debit: Account
    credit: Account
    order_line_id: UUID | None
    mechanism: str | None
    contribution_id: UUID | None
    payment_id: UUID | None
    assisted: bool | None

    @property
    def stake(self) -> Stake:
        """Return the stake that the move is about: that of its account that is not a source."""
        account = self.debit if self.credit.kind in _SOURCES else self.credit
        return Stake(account.kind, account.owner_id, self.mechanism, self.contribution_id, self.assisted)


class Amount(NamedTuple):
    """A move and its fen."""

    move: Move
    fen: int


def moving(  # noqa: PLR0917 - as a transfer is read: from, to, what, how much
    debit: Account,
    credit: Account,
    stake: Stake,
    fen: int,
    line_id: UUID | None,
    payment_id: UUID | None = None,
) -> Amount:
    """Return the move of an amount of a stake between two accounts."""
    about = (line_id, stake.mechanism, stake.contribution_id, payment_id, stake.assisted)
    return Amount(Move(debit, credit, *about), fen)


class Claim(NamedTuple):
    """Part of a line that its owner is owed: when the first and the last of it came in."""

    line_id: UUID
    stake: Stake
    step: str
    fen: int
    first_on: date
    last_on: date


class Ahead(NamedTuple):
    """What is left of a payment that nothing owed has claimed: when the first and the last of it came in."""

    payment_id: UUID
    fen: int
    first_on: date
    last_on: date


class Held(NamedTuple):
    """What of a line stands at a place: when the first and the last of it came in."""

    line_id: UUID
    stake: Stake
    step: str
    payment_id: UUID | None
    fen: int
    first_on: date
    last_on: date


Place = tuple[Stake, str, UUID | None]
Owner = tuple[str, UUID]


class Change(NamedTuple):
    """What came to a place on a day or, below zero, left it: of a list's period, or of any day until it left.

    What an annulled list gives back is of the period that it had been of.
    """

    fen: int
    first_on: date
    last_on: date


class Standing:
    """The running sums of one supplier's book, changed by nothing but posted moves."""

    def __init__(self) -> None:
        """Begin with an empty book."""
        self.released: dict[UUID, int] = defaultdict(int)
        self.confirmed: set[UUID] = set()
        self._lines: dict[UUID, dict[Place, int]] = defaultdict(dict)
        self._days: dict[tuple[UUID, Place], tuple[date, date]] = {}
        self._owed: dict[Owner, set[tuple[UUID, Place]]] = defaultdict(set)
        self._ahead: dict[Owner, dict[UUID, Ahead]] = defaultdict(dict)
        self._paid: dict[UUID, set[tuple[UUID, Stake, str]]] = defaultdict(set)
        self._changes: dict[tuple[UUID, Place], list[Change]] = defaultdict(list)

    def post(
        self,
        amounts: Sequence[Amount],
        on: date,
        *,
        period: tuple[date, date] | None = None,
        undone_on: date | None = None,
    ) -> None:
        """Count what an entry moves; a list takes what came in its period, and gives it back if it is annulled."""
        for move, fen in amounts:
            for account, change in ((move.debit, -fen), (move.credit, fen)):
                self._count(account, move, change, on)
                if account.kind in {POOL, RETAINED} and account.step == RECOGNISED and move.order_line_id:
                    place = (move.order_line_id, (move.stake, RECOGNISED, None))
                    made = _change(account.kind, change, on, period)
                    if period and undone_on:
                        made = _undone(account.kind, change, period, undone_on)
                    self._changes[place].append(made)

    def _count(self, account: Account, move: Move, fen: int, on: date) -> None:
        owner = (account.kind, account.owner_id)
        if account.kind in _SOURCES:
            if move.contribution_id and account.kind != PAID_AHEAD:
                self.released[move.contribution_id] -= fen
        elif account.step == ADVANCE:
            assert move.payment_id, "an advance is of a payment"  # noqa: S101
            before = self._ahead[owner].get(move.payment_id, Ahead(move.payment_id, 0, date.max, date.min))
            days = (min(on, before.first_on), max(on, before.last_on)) if fen > 0 else before[2:]
            self._ahead[owner][move.payment_id] = Ahead(move.payment_id, before.fen + fen, *days)
        elif move.order_line_id and account.step:
            self._count_line(move.order_line_id, account.step, move, fen, on)

    def _count_line(self, line_id: UUID, step: str, move: Move, fen: int, on: date) -> None:
        stake = move.stake
        place = (stake, step, move.payment_id if step in PAID_STEPS else None)
        line = self._lines[line_id]
        left = line.get(place, 0) + fen
        if left:
            line[place] = left
        else:
            line.pop(place, None)
        if fen > 0:
            first, last = self._days.get((line_id, place), (on, on))
            self._days[line_id, place] = (min(first, on), max(last, on))
        if step in {DISBURSED, TOP_UP_PAID} and move.payment_id:
            self._paid[move.payment_id].add((line_id, stake, step))
        if step in CLAIMING and stake.kind in PAYEES:
            owed = self._owed[stake.kind, stake.owner_id]
            (owed.add if left > 0 else owed.discard)((line_id, place))

    def line(self, line_id: UUID) -> dict[Place, int]:
        """Return what stands on a line."""
        return dict(self._lines.get(line_id, {}))

    def of_contributions(self, ids: Collection[UUID]) -> dict[UUID, dict[Place, int]]:
        """Return what stands of these contributions, line by line."""
        found = {
            line_id: {place: fen for place, fen in line.items() if place[0].contribution_id in ids}
            for line_id, line in self._lines.items()
        }
        return {line_id: places for line_id, places in found.items() if places}

    def last_on(self, line_id: UUID, place: Place) -> date:
        """Return the day on which the last of a place of a line came in."""
        return self._days[line_id, place][1]

    def at_step(self, line_id: UUID, step: str) -> dict[Stake, int]:
        """Return the stakes of a line that stand at an unpaid step, in order."""
        found = {stake: fen for (stake, at, _), fen in self._lines.get(line_id, {}).items() if at == step}
        return dict(sorted(found.items(), key=lambda item: item[0].place))

    def held(self, kind: str, owner_id: UUID, step: str, **only: str | None) -> list[Held]:
        """Return what an owner has standing at a step, line by line, oldest first; perhaps of one `mechanism` alone."""
        found = [
            Held(line_id, stake, step, payment_id, fen, *self._days[line_id, (stake, at, payment_id)])
            for line_id, line in self._lines.items()
            for (stake, at, payment_id), fen in line.items()
            if (stake.kind, stake.owner_id, at) == (kind, owner_id, step) and fen > 0
        ]
        wanted = [held for held in found if not only or held.stake.mechanism == only["mechanism"]]
        return sorted(wanted, key=lambda held: (held.first_on, held.line_id))

    def of_period(self, held: Sequence[Held], first: date, last: date) -> list[Held]:
        """Return what a list of a period may take of what is held: of no span of days more than that has over."""
        found = []
        for each in held:
            changes = self._changes[each.line_id, (each.stake, each.step, each.payment_id)]
            firsts = {first, *(change.first_on for change in changes if change.fen < 0 and change.first_on < first)}
            lasts = {last, *(change.last_on for change in changes if change.fen < 0 and change.last_on > last)}
            fen = min(_over(changes, begin, end) for begin in firsts for end in lasts)
            if fen > 0:
                found.append(each._replace(fen=fen))
        return found

    def owed(self, owner: Owner) -> list[Claim]:
        """Return what of an owner's shares is not paid, step after step, oldest first."""
        claims = [
            Claim(line_id, place[0], place[1], self._lines[line_id][place], *self._days[line_id, place])
            for line_id, place in self._owed[owner]
        ]
        return sorted(
            claims, key=lambda claim: (CLAIMING.index(claim.step), claim.first_on, claim.line_id, claim.stake.place)
        )

    def ahead(self, owner: Owner) -> list[Ahead]:
        """Return what is left of an owner's advances, oldest first."""
        left = [ahead for ahead in self._ahead[owner].values() if ahead.fen > 0]
        return sorted(left, key=lambda ahead: (ahead.first_on, ahead.payment_id))

    def paid_by(self, payment_id: UUID) -> Iterator[Claim]:
        """Yield what a payment paid and nobody has confirmed, top-ups too."""
        for line_id, stake, step in self._paid[payment_id]:
            place = (stake, step, payment_id)
            if (fen := self._lines[line_id].get(place, 0)) > 0:
                yield Claim(line_id, stake, step, fen, *self._days[line_id, place])


def _change(kind: str, fen: int, on: date, period: tuple[date, date] | None) -> Change:
    if fen > 0:
        return Change(fen, on, on)
    first, last = period or (date.min, on)
    return Change(fen, date.min if kind == POOL else first, last)


def _undone(kind: str, fen: int, period: tuple[date, date], undone_on: date) -> Change:
    """Return what an annulment changes: the reverse of what its list had changed, of the same days."""
    if fen < 0:
        return Change(fen, undone_on, undone_on)
    return Change(fen, date.min if kind == POOL else period[0], period[1])


def _over(changes: Sequence[Change], first: date, last: date) -> int:
    """Return what came in a span of days, less what left of days that all lie in it."""
    return sum(change.fen for change in changes if first <= change.first_on and change.last_on <= last)
