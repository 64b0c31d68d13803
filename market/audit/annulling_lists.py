"""What an annulment brings about: what a list gave goes back to where it had come from, as far as it still stands."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from market.audit.eligibility import Hints
from market.audit.facts import Event
from market.audit.history import Expected
from market.audit.oracle import ACCRUED, BASE, PAYEES, POOL, RECOGNISED, SALE_STEPS, Stake, falls, split
from market.audit.sharing import Sharing
from market.audit.standing import Amount, Place, moving

Shares = dict[UUID, dict[Stake, int]]
Places = Mapping[tuple[UUID, Stake], int]


class AnnullingLists(Sharing):
    """Annulments of distributions."""

    def _annul_list(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        assert event.annuls_list, "an annulment of a list names it"  # noqa: S101
        listed = self._lists[event.annuls_list]
        given, taken = _given_and_taken(listed.moves)
        moves: list[Amount] = []
        on = event.on
        for line_id, shares in given.items():
            fallen = self._undone(line_id, shares, listed.source)
            on = max([on, *(self._standing.last_on(line_id, place) for place in fallen)])
            moves += self._off(line_id, fallen)
            moves += self._back(line_id, taken[line_id], fallen, f"{listed.source}|{line_id}")
        payees = {move.stake.owner_id for move, _ in moves if move.stake.kind in PAYEES}
        yield Expected(
            event.trigger,
            "annulment",
            on,
            moves,
            {"annulment": str(event.id), "distribution": str(event.annuls_list)},
            original_on=listed.original_on or listed.effective_on,
            period=listed.period,
            undoes=listed.source,
            undone_on=listed.effective_on,
        )
        yield from self._match(event, payees, on, hints)

    def _undone(self, line_id: UUID, shares: Collection[Stake], source: str) -> dict[Place, int]:
        """Return what falls of a line: of each share what is left of what the list gave it, what is accrued last."""
        fallen: dict[Place, int] = {}
        for stake in shares:
            wanted = self._sources[line_id, stake].get(source, 0)
            standing = {place: fen for place, fen in self._standing.line(line_id).items() if place[0] == stake}
            for steps in (SALE_STEPS[1:], SALE_STEPS[:1]):
                part = min(wanted, sum(fen for (_, step, _), fen in standing.items() if step in steps))
                fallen |= falls(standing, part, steps, source)
                wanted -= part
        return fallen

    def _off(self, line_id: UUID, fallen: Mapping[Place, int]) -> list[Amount]:
        moves: list[Amount] = []
        for (stake, step, payment_id), fen in fallen.items():
            moves.append(moving(self._of(stake, step), self._source(BASE), stake, fen, line_id, payment_id))
            moves += self._stays_received(line_id, (stake, step, payment_id), fen)
        return moves

    def _back(self, line_id: UUID, taken: Mapping[Stake, int], fallen: Mapping[Place, int], salt: str) -> list[Amount]:
        """Return how it goes back: to each by what was taken of it, what was accrued to the first of them."""
        moves: list[Amount] = []
        accrued = sum(fen for (_, step, _), fen in fallen.items() if step == ACCRUED)
        parts = split(sum(fallen.values()), taken, salt) or {}
        for stake in sorted(parts, key=lambda stake: stake.text):
            unpaid = min(accrued, parts[stake])
            accrued -= unpaid
            for step, fen in ((ACCRUED, unpaid), (RECOGNISED, parts[stake] - unpaid)):
                if fen:
                    moves.append(moving(self._source(BASE), self._of(stake, step), stake, fen, line_id))
        return moves

    def _keep_sources(self, entry: Expected) -> None:
        """Keep which entry gave a share of a line what of it is left, as far as no contribution did.

        An entry takes before it gives: a list may put into a pool that it took of.
        """
        fell, came = self._through_base(entry.moves)
        for place, fen in fell.items():
            left = self._sources[place]
            parts = {entry.undoes: fen} if entry.undoes else split(fen, left, entry.source) or {}
            for source, part in parts.items():
                left[source] -= part
        for place, fen in came.items():
            left = self._sources[place]
            left[entry.source] = left.get(entry.source, 0) + fen

    @staticmethod
    def _through_base(moves: Sequence[Amount]) -> tuple[Places, Places]:
        """Return what fell of shares of lines that no contribution made, and what came to them."""
        fell, came = Counter[tuple[UUID, Stake]](), Counter[tuple[UUID, Stake]]()
        for move, fen in moves:
            stake = move.stake
            if move.order_line_id and stake.kind in PAYEES | {POOL} and stake.contribution_id is None:
                for side, kind in ((fell, move.credit.kind), (came, move.debit.kind)):
                    if kind == BASE:
                        side[move.order_line_id, stake] += fen
        return fell, came


def _given_and_taken(moves: Sequence[Amount]) -> tuple[Shares, Shares]:
    """Return what a list gave on each line to which stakes, and what it took there of which."""
    given: Shares = defaultdict(dict)
    taken: Shares = defaultdict(dict)
    for move, fen in moves:
        assert move.order_line_id, "a list moves what stands on lines"  # noqa: S101
        side = taken if move.credit.kind == BASE else given
        side[move.order_line_id][move.stake] = side[move.order_line_id].get(move.stake, 0) + fen
    return given, taken
