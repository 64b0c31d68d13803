"""What goods bring about: an acceptance gives a line its shares, a return or price cut takes them off again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from market.audit.eligibility import Hints
from market.audit.facts import AcceptedFact, ContributionFact, DrawFact, Event, EventKind, ReturnedFact
from market.audit.history import Expected, History, Sale
from market.audit.oracle import (
    ACCRUED,
    BASE,
    SALE_STEPS,
    TOP_UP,
    TOP_UP_BASE,
    TOP_UP_STEPS,
    Stake,
    consigned,
    explain,
    falls,
    portion,
)
from market.audit.rules import Difference, Finding
from market.audit.standing import Amount, Place, moving


class Goods(History):
    """Acceptances, returns and price cuts."""

    def _accept(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        assert event.order_id, "an acceptance is of an order"  # noqa: S101
        sale = self._sales[event.order_id]
        for fact in event.accepted:
            source = f"acceptance:{fact.id}"
            yield self._accrue(event, fact, source, hints.get(source, Hints()))
            sale.owed[fact.line_id] = fact.accepted_fen
            sale.accepted_on[fact.line_id] = event.on
        short = {stake.owner_id for fact in event.accepted for stake in self._standing.at_step(fact.line_id, TOP_UP)}
        yield from self._settle(event, sale, max(event.on, sale.paid_on), short, hints)

    def _accrue(self, event: Event, fact: AcceptedFact, source: str, hints: Hints) -> Expected:
        line = self._facts.lines[fact.line_id]
        due: dict[Stake, int] = {}
        carries: dict[str, int] = {}
        for draw in fact.draws:
            self._follow(draw, draw.before_milli, draw.after_milli, source, event)
            for given in self._facts.contributions.get(draw.lot_id, ()):
                if given.amount_fen is None or given.id in self._annulled:
                    continue
                stake = self._eligible.stake(given, source, hints)
                due[stake] = max(self._left(given, draw.after_milli, draw.whole_milli), 0)
                if carry := self._left(given, draw.before_milli, draw.whole_milli):
                    carries[str(given.id)] = carry
        pools = self._eligible.pools(line, event.on, source, hints)
        lots = self._eligible.consigned(fact.draws, source, hints)
        own = consigned(fact.net_fen, lots, salt=source)
        explained = explain(fact.net_fen, own, due, pools, supplier_id=self._supplier_id, salt=source)
        base, top = self._source(BASE), self._source(TOP_UP_BASE)
        moves = [moving(base, self._of(s, ACCRUED), s, fen, line.id) for s, fen in explained.shares.items()]
        moves += [moving(top, self._of(s, TOP_UP), s, fen, line.id) for s, fen in explained.top_ups.items()]
        pinned = [lot.pinned for lot in lots if lot.weights]
        facts = ({"consigned": pinned} if pinned else {}) | {
            "order_line": str(line.id),
            "net_fen": fact.net_fen,
            "plan_version": str(line.plan_version_id),
            "plan_sha256": line.plan_sha256,
            "draws": [[str(draw.lot_id), *draw[1:]] for draw in fact.draws],
            "carries": carries,
            "pools": [[pool.mechanism, pool.bp] for pool in pools],
        }
        weights = {pool.mechanism: list(pool.weights.items()) for pool in pools}
        if moves:
            self._check_day(fact, max(event.on, self._opens_on), source, event)
        return Expected(source, "accrual", event.on, moves, facts, weights=weights)

    def _check_day(self, fact: AcceptedFact | ReturnedFact, on: date, source: str, event: Event) -> None:
        """Remark on a sale, or on what is taken off one, that counts on another day than its income."""
        if on != fact.counts_on:
            self.remarks.append(Finding(Difference.DATE, source, event.order_id, detail=f"{on} ≠ {fact.counts_on}"))

    def _follow(self, draw: DrawFact, begins: int, ends: int, source: str, event: Event) -> None:
        """Go on from where the lot stood; what lies between was moved into other lots and took its part along."""
        whole, moved, _ = self._facts.lots[draw.lot_id]
        stood = self._drawn.get(draw.lot_id, 0)
        if begins > stood:
            self._moved[draw.lot_id] += begins - stood
            for given in self._facts.contributions.get(draw.lot_id, ()):
                self._carried[given.id] += max(self._left(given, begins, draw.whole_milli), 0)
        if draw.whole_milli != whole or begins < stood or self._moved[draw.lot_id] > moved:
            detail = f"{draw.lot_id}: {stood} → {begins} / {draw.whole_milli} ({whole})"
            self.remarks.append(Finding(Difference.DRAW, source, event.order_id, detail=detail))
        self._drawn[draw.lot_id] = ends

    def _left(self, given: ContributionFact, drawn_milli: int, whole_milli: int) -> int:
        """Return what a contribution has still to release when so much of its lot is drawn: the whole less the past."""
        due = portion(given.amount_fen or 0, drawn_milli, whole_milli)
        return due - self._carried[given.id] - self._standing.released[given.id]

    def _take_back(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        assert event.order_id, "what is taken back is of an order"  # noqa: S101
        sale = self._sales[event.order_id]
        payees: set[UUID] = set()
        freed_on = sale.paid_on
        for fact in event.returned:
            sale.owed[fact.line_id] = sale.owed.get(fact.line_id, 0) - fact.amount_fen
            fallen = self._reverse(event, fact, sale)
            payees |= fallen.payees
            freed_on = max(freed_on, fallen.effective_on)
            yield fallen
            sale.paid[fact.line_id] = min(sale.paid[fact.line_id], sale.owed[fact.line_id])
        yield from self._settle(event, sale, freed_on, payees, hints)

    def _reverse(self, event: Event, fact: ReturnedFact, sale: Sale) -> Expected:
        """Take off what was taken back, no earlier than all of it was there; what is paid up is all recognised."""
        source = f"{event.kind}:{fact.id}"
        for draw in fact.draws:
            self._follow(draw, draw.after_milli, draw.before_milli, source, event)
        goods_stay = event.kind is EventKind.PRICE_CUT
        fallen = self._falls(fact, source, goods_stay=goods_stay)
        on = max([event.on, self._opens_on, *(self._standing.last_on(fact.line_id, place) for place in fallen)])
        self._check_day(fact, on, source, event)
        sale.fell_on[fact.line_id] = max(on, sale.fell_on.get(fact.line_id, on))
        moves = self._fall(fact.line_id, fallen)
        if not sale.unpaid(fact.line_id):
            rest = self._standing.at_step(fact.line_id, ACCRUED)
            rest = {stake: fen - fallen.get((stake, ACCRUED, None), 0) for stake, fen in rest.items()}
            moves += self._climb(fact.line_id, rest)
        if goods_stay:
            moves += self._top_up(fact, fallen)
        facts = {"order_line": str(fact.line_id), "net_fen": fact.net_fen}
        return Expected(source, event.kind, on, moves, facts, original_on=sale.accepted_on.get(fact.line_id))

    def _top_up(self, fact: ReturnedFact, fallen: Mapping[Place, int]) -> list[Amount]:
        """Return what the supplier owes for goods that stay: what contributions released of their amounts stands."""
        lots = {draw.lot_id for draw in fact.draws}
        priced = {
            given.id for lot_id in lots for given in self._facts.contributions.get(lot_id, ()) if given.amount_fen
        }
        short: dict[Stake, int] = defaultdict(int)
        for (stake, _, _), fen in fallen.items():
            if stake.contribution_id in priced:
                short[stake] += fen
        top = self._source(TOP_UP_BASE)
        return [moving(top, self._of(stake, TOP_UP), stake, fen, fact.line_id) for stake, fen in short.items()]

    def _falls(self, fact: ReturnedFact, salt: str, *, goods_stay: bool) -> dict[Place, int]:
        """Return what comes off a line's shares, and with goods that came back off its top-ups in proportion."""
        standing = self._standing.line(fact.line_id)
        if goods_stay:
            return falls(standing, fact.net_fen, SALE_STEPS, salt)
        sold, topped = (
            sum(fen for (_, step, _), fen in standing.items() if step in steps) for steps in (SALE_STEPS, TOP_UP_STEPS)
        )
        topped = portion(topped, fact.net_fen, sold) if sold else topped
        return falls(standing, fact.net_fen, SALE_STEPS, salt) | falls(standing, topped, TOP_UP_STEPS, salt)

    def _fall(self, line_id: UUID, fallen: Mapping[Place, int]) -> list[Amount]:
        """Take parts off; what of them was paid out stays with whom it was paid to, ahead of later orders."""
        moves: list[Amount] = []
        for (stake, step, payment_id), fen in fallen.items():
            target = self._source(TOP_UP_BASE if step in TOP_UP_STEPS else BASE)
            moves.append(moving(self._of(stake, step), target, stake, fen, line_id, payment_id))
            moves += self._stays_received(line_id, (stake, step, payment_id), fen)
        return moves
