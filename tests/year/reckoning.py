"""What lines bring to whom, by the oracle's reckoning: accepted, paid by the buyer, come back. Source: domain.md §5."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from fractions import Fraction
from math import floor
from typing import Any

from tests.year.facts import Facts, Given, Line
from tests.year.paying import Payee, Paying
from tests.year.splitting import NobodyError, split
from tests.year.standing import ACCRUED, LADDER, PAYEES, RECOGNISED, TOP_UP, TOP_UP_PAID, Place, Share

Parts = list[tuple[Share, int]]
Drawn = tuple[str, int, int]


class Reckoning(Paying):
    """Lines and lots with what is accepted of them, orders with what is paid, contributions with what they carry."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.left: dict[str, int] = defaultdict(int)
        self.paid: dict[str, int] = defaultdict(int)
        self.drawn: dict[str, int] = defaultdict(int)
        self.moved: dict[str, int] = defaultdict(int)
        self.carry: dict[str, int] = defaultdict(int)
        self._received: dict[str, int] = defaultdict(int)
        self._paid_on: dict[str, date] = {}
        self._fell_on: dict[str, date] = {}
        self._lines: dict[str, list[Line]] = defaultdict(list)
        for line in facts.lines.values():
            self._lines[line.order].append(line)

    def released(self, given: Given, drawn_milli: int) -> int:
        """Return what a contribution has released when so much of its lot is drawn."""
        return floor(Fraction((given.amount_fen or 0) * drawn_milli, self.facts.lots[given.lot].quantity_milli))

    def release(self, given: Given, before: int, after: int) -> int:
        """Let a contribution release what is due; what roundings of returns left over-released is made good first."""
        due = self.released(given, after) - self.released(given, before) + self.carry[given.id]
        self.carry[given.id] = min(due, 0)
        return max(due, 0)

    def _draw(self, draws: Sequence[Any], way: int) -> list[Drawn]:
        """Draw on lots, or give back: which lots, from where to where."""
        found = []
        for lot, before, after, _ in draws:
            drawn = self.drawn[lot]
            self.drawn[lot] += way * (after - before)
            found.append((lot, drawn, self.drawn[lot]))
        return found

    def accept(self, acceptance: str, order: str, on: date, rows: Sequence[Sequence[Any]]) -> None:
        """Split what each accepted line brings, and top up what it does not."""
        topped: set[Payee] = set()
        for row, line_id, milli, draws in rows:
            line, source = self.facts.lines[line_id], f"acceptance:{row}"
            self.left[line_id] = milli
            shares, top_ups = self._attribute(line, self._draw(draws, 1), on, source)
            day = self.posted_on(on)
            for share, fen in shares:
                self.standing.move("base", Place(line_id, share, ACCRUED), fen, day)
            for share, fen in top_ups:
                self.standing.move("top_up_base", Place(line_id, share, TOP_UP), fen, day)
            topped |= {share[:2] for share, fen in top_ups if fen}
        self._settle(order, f"acceptance:{acceptance}", max(on, self._paid_on.get(order, on)), topped)

    def _attribute(self, line: Line, drawn: Sequence[Drawn], on: date, source: str) -> tuple[Parts, Parts]:
        net = line.net(self.left[line.id])
        shares = self._consigned(net, drawn, source)
        left = net - _sum(shares)
        releases = [
            (self.facts.share(given), self.release(given, before, after))
            for lot, before, after in drawn
            for given in self.facts.lots[lot].given
            if given.amount_fen is not None
        ]
        funded = releases if _sum(releases) <= left else _split(left, releases, source)
        left -= _sum(funded)
        pooled = self._pooled(line, net, left, on, source)
        retained = Share("retained", self.facts.supplier), left - _sum(pooled)
        top_ups = [(share, due - fen) for (share, due), (_, fen) in zip(releases, funded, strict=True)]
        return [*shares, *funded, *pooled, retained], top_ups

    def _consigned(self, net: int, drawn: Sequence[Drawn], source: str) -> Parts:
        """Give households what the produce brings that they consigned: their part of each lot's part of the line."""
        whole = sum(after - before for _, before, after in drawn)
        shares: Parts = []
        for lot_id, before, after in drawn:
            lot = self.facts.lots[lot_id]
            weighted = [
                (self.facts.share(given), given.measure_milli * (given.proceeds_bp or 0))
                for given in lot.given
                if given.amount_fen is None
            ]
            if weighted:
                theirs = Fraction(_sum(weighted), 10_000 * lot.made_of) * Fraction(after - before, whole)
                shares += _split(floor(net * theirs), weighted, f"{source}|{lot_id}")
        return shares

    def _pooled(self, line: Line, net: int, left: int, on: date, source: str) -> Parts:
        """Fill the plan's pools, no further than what is left; one for nobody is kept, or in suspense."""
        pools = line.plan["pools"]
        amounts = [floor(Fraction(net * pool["bp"], 10_000)) for pool in pools]
        if sum(amounts) > left:
            keyed = [(pool["mechanism"], fen) for pool, fen in zip(pools, amounts, strict=True)]
            amounts = split(left, keyed, source)
        shares: Parts = []
        for pool, fen in zip(pools, amounts, strict=True):
            try:
                shares += _split(fen, self._eligible(pool, on), f"{source}|{pool['mechanism']}")
            except NobodyError:
                kind = "pool" if pool.get("kept") else "suspense"
                shares.append((Share(kind, self.facts.supplier, pool["mechanism"]), fen))
        return shares

    def _eligible(self, pool: Any, on: date) -> Parts:
        if pool["mechanism"] == "collective_dividend":
            return [(Share("collective", payee, pool["mechanism"]), weight) for payee, weight in pool["shares"]]
        found = [(self.facts.households[payee], weight) for payee, weight in pool["shares"]]
        return [
            (Share("household", each.id, pool["mechanism"], None, each.assisted(on)), weight)
            for each, weight in found
            if each.on_register(on) and (each.assisted(on) or not pool["assisted_only"])
        ]

    def receive(self, allocation: str, order: str, on: date, fen: int) -> None:
        """Take in the buyer's money for an order."""
        self._received[order] += fen
        self._paid_on[order] = max(on, self._paid_on.get(order, on))
        self._settle(order, f"receipt:{allocation}", on, set())

    def _unpaid(self, line: Line) -> int:
        return max(line.gross(self.left[line.id]) - self.paid[line.id], 0)

    def _settle(self, order: str, trigger: str, on: date, payees: Collection[Payee]) -> None:
        """Spend what an order has on what its lines still cost, recognise it, and let payees claim."""
        lines = self._lines[order]
        unpaid = [(line.id, fen) for line in lines if (fen := self._unpaid(line))]
        spending = min(self._received[order] - sum(self.paid[line.id] for line in lines), sum(fen for _, fen in unpaid))
        gaining = set(payees)
        if spending > 0:
            spent = split(spending, unpaid, trigger)
            gaining |= self._recognise(
                [(*each, fen) for each, fen in zip(unpaid, spent, strict=True) if fen],
                trigger,
                on,
                self._paid_on[order],
            )
        self.match(gaining, on)

    def _recognise(self, spent: Sequence[tuple[str, int, int]], trigger: str, on: date, last_on: date) -> set[Payee]:
        """Let shares climb with the part of their line that is paid, the last payment all that waits.

        More than was paid now had been paid before, and was free once goods had come back.
        """
        climbing: list[tuple[Place, int]] = []
        waiting: list[Place] = []
        for line_id, unpaid, fen in spent:
            self.paid[line_id] += fen
            accrued = [each for each in self.standing.of_line(line_id) if each[0].step == ACCRUED]
            waiting += [place for place, _ in accrued]
            part = floor(Fraction(_sum(accrued) * fen, unpaid))
            if part:
                keyed = [(place.share.key, stands) for place, stands in accrued]
                parts = split(part, keyed, f"recognition:{trigger}|{line_id}")
                climbing += [(place, part) for (place, _), part in zip(accrued, parts, strict=True) if part]
        if sum(part for _, part in climbing) > sum(fen for _, _, fen in spent):
            on = max([on, last_on, *(self._fell_on[line_id] for line_id, _, _ in spent if line_id in self._fell_on)])
        return self._climb(climbing, self.posted_on(on, waiting))

    def _climb(self, climbing: Sequence[tuple[Place, int]], day: date) -> set[Payee]:
        for place, fen in climbing:
            self.standing.move(place, place._replace(step=RECOGNISED), fen, day)
        return {place.share[:2] for place, _ in climbing if place.share.kind in PAYEES}

    def take_back(self, returned: str, order: str, on: date, rows: Sequence[Sequence[Any]]) -> None:
        """Let what came back fall off its lines, and recognise what roundings left of a line that is paid."""
        payees: set[Payee] = set()
        days = [self._paid_on.get(order, on)]
        for row, line_id, milli, draws in rows:
            line = self.facts.lines[line_id]
            before = self.left[line_id]
            self.left[line_id] -= milli
            falls = self._falls(line_id, line.net(before) - line.net(self.left[line_id]), f"return:{row}")
            self._keep_carries(self._draw(draws, -1), falls)
            days.append(self.posted_on(on, [place for place, _ in falls]))
            self._fell_on[line_id] = max(days[-1], self._fell_on.get(line_id, days[-1]))
            for place, fen in falls:
                target = "top_up_base" if place.step in {TOP_UP, TOP_UP_PAID} else "base"
                self.standing.move(place, target, fen, days[-1])
                self.ahead_again(place, fen, days[-1])
            payees |= {place.share[:2] for place, _ in falls if place.share.kind in PAYEES}
            costs = line.gross(self.left[line_id])
            if costs <= self.paid[line_id]:
                waiting = [each for each in self.standing.of_line(line_id) if each[0].step == ACCRUED]
                payees |= self._climb(waiting, days[-1])
                self.paid[line_id] = costs
        self._settle(order, f"return:{returned}", max(days), payees)

    def _falls(self, line_id: str, net: int, source: str) -> list[tuple[Place, int]]:
        """Split what comes off over what remains of the shares; top-ups fall in the same proportion."""
        standing = self.standing.of_line(line_id)
        tops = [each for each in standing if each[0].step in {TOP_UP, TOP_UP_PAID}]
        shares = [each for each in standing if each[0].step in LADDER]
        off = floor(Fraction(_sum(tops) * net, _sum(shares))) if shares else _sum(tops)
        return [*_fall(shares, net, source), *_fall(tops, off, source)]

    def _keep_carries(self, drawn: Sequence[Drawn], falls: Sequence[tuple[Place, int]]) -> None:
        """Keep how far what fell of a contribution is off what its lot took back."""
        fallen: dict[str | None, int] = defaultdict(int)
        for place, fen in falls:
            fallen[place.share.contribution] += fen
        for lot, after, before in drawn:
            for given in self.facts.lots[lot].given:
                if given.amount_fen is not None:
                    due = self.released(given, after) - self.released(given, before)
                    self.carry[given.id] += fallen[given.id] - due


def _sum(parts: Sequence[tuple[Any, int]]) -> int:
    return sum(fen for _, fen in parts)


def _split(fen: int, weighted: Parts, salt: str) -> Parts:
    parts = split(fen, [(share.key, weight) for share, weight in weighted], salt)
    return [(share, part) for (share, _), part in zip(weighted, parts, strict=True)]


def _fall(standing: Sequence[tuple[Place, int]], fen: int, salt: str) -> list[tuple[Place, int]]:
    """Take fen off in proportion to what remains of each share, and of a share from the lowest step."""
    remaining: dict[Share, int] = defaultdict(int)
    for place, stands in standing:
        remaining[place.share] += stands
    if not fen:
        return []
    taken = dict(_split(fen, sorted(remaining.items(), key=lambda each: each[0].key), salt))
    steps = (*LADDER, TOP_UP, TOP_UP_PAID)
    falls = []
    for place, stands in sorted(standing, key=lambda each: (steps.index(each[0].step), str(each[0].payment))):
        part = min(taken[place.share], stands)
        taken[place.share] -= part
        if part:
            falls.append((place, part))
    return falls
