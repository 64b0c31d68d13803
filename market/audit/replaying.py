"""Replaying a supplier's history: from each fact, in the order in which they posted, the entries it must have made."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from market.audit.eligibility import Eligibility, Hints
from market.audit.facts import (
    AcceptedFact,
    ContributionFact,
    DrawFact,
    Event,
    EventKind,
    PaymentFact,
    ReturnedFact,
    SupplierFacts,
)
from market.audit.oracle import (
    ACCRUED,
    ADVANCE,
    BASE,
    CONFIRMED,
    DISBURSED,
    PAID_AHEAD,
    PAID_STEPS,
    PAYEES,
    RECOGNISED,
    SALE_STEPS,
    TOP_UP,
    TOP_UP_BASE,
    TOP_UP_PAID,
    TOP_UP_STEPS,
    Stake,
    explain,
    falls,
    portion,
    split,
)
from market.audit.rules import Difference, Finding
from market.audit.standing import Account, Amount, Claim, Place, Standing, moving
from market.clock import business_date

AT_ONCE = timedelta(minutes=1)
"""Two requests whose clocks are closer than a request may last: only the book can say which came first."""

PAID_AS = {RECOGNISED: DISBURSED, TOP_UP: TOP_UP_PAID}


@dataclass(slots=True)
class Expected:
    """An entry that the facts ask for; without moves nothing is posted."""

    source: str
    reason: str
    effective_on: date
    moves: list[Amount]
    facts: Mapping[str, object]
    original_on: date | None = None
    order_id: UUID | None = None
    weights: Mapping[str, Collection[tuple[Stake, int]]] = field(default_factory=dict)

    @property
    def payees(self) -> set[UUID]:
        """Return the households and collectives that it concerns."""
        return {move.stake.owner_id for move, _ in self.moves if move.stake.kind in PAYEES}


@dataclass(slots=True)
class _Sale:
    """An order as it stands: what receipts brought, and by line when and what was accepted, owed, paid (gross fen)."""

    paid_fen: int = 0
    paid_on: date = date.min
    accepted_on: dict[UUID, date] = field(default_factory=dict)
    owed: dict[UUID, int] = field(default_factory=dict)
    paid: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))

    def unpaid(self, line_id: UUID) -> int:
        return max(self.owed[line_id] - self.paid[line_id], 0)


class Replay:
    """One supplier's history; `expected` must be asked for every event in turn."""

    def __init__(self, facts: SupplierFacts) -> None:
        """Begin before the first event."""
        self._facts = facts
        self._supplier_id = facts.supplier_id
        self.remarks: list[Finding] = []
        self._standing = Standing()
        self._eligible = Eligibility(facts, self.remarks)
        self._sales: dict[UUID, _Sale] = defaultdict(_Sale)
        self._drawn: dict[UUID, int] = {}
        self._moved: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
        self._payments = {payment.id: payment for event in facts.events for payment in event.payments}
        self._confirmed_by_entry: set[UUID] = set()

    def announce_confirmations(self, payment_ids: Collection[UUID]) -> None:
        """Say which payments a later entry confirms; the others were confirmed before they were matched at all."""
        self._confirmed_by_entry.update(payment_ids)

    def expected(self, event: Event, hints: Mapping[str, Hints]) -> list[Expected]:
        """Return the entries an event makes and count them as posted."""
        work = {
            EventKind.ACCEPTANCE: self._accept,
            EventKind.RECEIPT: self._receive,
            EventKind.RETURN: self._take_back,
            EventKind.DISBURSEMENT: self._disburse,
            EventKind.CONFIRMATION: self._confirm,
        }[event.kind]
        entries: list[Expected] = []
        for entry in work(event, hints):
            self._standing.post(entry.moves, entry.effective_on)
            entries.append(entry)
        return entries

    def _of(self, stake: Stake, step: str) -> Account:
        return Account(stake.kind, stake.owner_id, self._supplier_id if stake.kind in PAYEES else None, step)

    def _source(self, kind: str) -> Account:
        return Account(kind, self._supplier_id, None, ADVANCE if kind == PAID_AHEAD else ACCRUED)

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
                stake = self._eligible.stake(given, source, hints)
                due[stake] = max(self._left(given, draw, draw.after_milli), 0)
                if carry := self._left(given, draw, draw.before_milli):
                    carries[str(given.id)] = carry
        pools = self._eligible.pools(line, event.on, source, hints)
        explained = explain(fact.net_fen, due, pools, supplier_id=self._supplier_id, salt=source)
        base, top = self._source(BASE), self._source(TOP_UP_BASE)
        moves = [moving(base, self._of(s, ACCRUED), s, fen, line.id) for s, fen in explained.shares.items()]
        moves += [moving(top, self._of(s, TOP_UP), s, fen, line.id) for s, fen in explained.top_ups.items()]
        facts = {
            "order_line": str(line.id),
            "net_fen": fact.net_fen,
            "plan_version": str(line.plan_version_id),
            "plan_sha256": line.plan_sha256,
            "draws": [[str(draw.lot_id), *draw[1:]] for draw in fact.draws],
            "carries": carries,
            "pools": [[pool.mechanism, pool.bp] for pool in pools],
        }
        weights = {pool.mechanism: list(pool.weights.items()) for pool in pools}
        return Expected(source, "accrual", event.on, moves, facts, weights=weights)

    def _follow(self, draw: DrawFact, begins: int, ends: int, source: str, event: Event) -> None:
        """Go on from where the lot stood; what lies between was moved into other lots and took its part along."""
        whole, moved = self._facts.lots[draw.lot_id]
        stood = self._drawn.get(draw.lot_id, 0)
        if begins > stood:
            self._moved[draw.lot_id].append((stood, begins))
        gaps = sum(end - begin for begin, end in self._moved[draw.lot_id])
        if draw.whole_milli != whole or begins < stood or gaps > moved:
            detail = f"{draw.lot_id}: {stood} → {begins} / {draw.whole_milli} ({whole})"
            self.remarks.append(Finding(Difference.DRAW, source, event.order_id, detail=detail))
        self._drawn[draw.lot_id] = ends

    def _left(self, given: ContributionFact, draw: DrawFact, drawn_milli: int) -> int:
        """Return what a contribution has still to release when so much of its lot is drawn: the whole less the past."""
        whole = draw.whole_milli
        carried = sum(
            portion(given.amount_fen, end, whole) - portion(given.amount_fen, begin, whole)
            for begin, end in self._moved[draw.lot_id]
        )
        return portion(given.amount_fen, drawn_milli, whole) - carried - self._standing.released[given.id]

    def _receive(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        claiming: set[UUID] = set()
        for fact in event.received:
            sale = self._sales[fact.order_id]
            sale.paid_fen += fact.amount_fen
            sale.paid_on = max(event.on, sale.paid_on)
            for recognised in self._recognise(fact.order_id, sale, f"{event.kind}:{fact.id}", event.on):
                claiming |= recognised.payees
                yield recognised
        yield from self._match(event, claiming, event.on, hints)

    def _settle(
        self, event: Event, sale: _Sale, on: date, payees: Collection[UUID], hints: Mapping[str, Hints]
    ) -> Iterator[Expected]:
        """Recognise what an order can pay by now; then let what is owed claim advances."""
        assert event.order_id, "money settles an order"  # noqa: S101
        claiming = set(payees)
        for recognised in self._recognise(event.order_id, sale, event.trigger, on):
            claiming |= recognised.payees
            yield recognised
        yield from self._match(event, claiming, on, hints)

    def _recognise(self, order_id: UUID, sale: _Sale, trigger: str, on: date) -> Iterator[Expected]:
        """Spread what an order has and its lines have not over what they owe, and let of each climb what is paid of it.

        It counts from the day of the money, or of the goods if those came later.
        """
        lines = [line_id for line_id in self._facts.orders[order_id] if line_id in sale.owed]
        unpaid = {line_id: fen for line_id in lines if (fen := sale.unpaid(line_id))}
        spending = min(sale.paid_fen - sum(sale.paid.values()), sum(unpaid.values()))
        if spending <= 0:
            return
        parts = {line_id: fen for line_id, fen in (split(spending, unpaid, trigger) or {}).items() if fen}
        source = f"recognition:{trigger}"
        moves: list[Amount] = []
        for line_id, part in parts.items():
            sale.paid[line_id] += part
            accrued = self._standing.at_step(line_id, ACCRUED)
            on = max([on, *(self._standing.last_on(line_id, (stake, ACCRUED, None)) for stake in accrued)])
            whole = sum(accrued.values())
            fen = whole if part == unpaid[line_id] else portion(whole, part, unpaid[line_id])
            moves += self._climb(line_id, (split(fen, accrued, f"{source}|{line_id}") or {}) if fen else {})
        facts = {"lines": [[str(line_id), part, unpaid[line_id]] for line_id, part in parts.items()]}
        yield Expected(source, "recognition", on, moves, facts, order_id=order_id)

    def _climb(self, line_id: UUID, climbed: Mapping[Stake, int]) -> list[Amount]:
        return [
            moving(self._of(stake, ACCRUED), self._of(stake, RECOGNISED), stake, fen, line_id)
            for stake, fen in climbed.items()
            if fen
        ]

    def _match(
        self, event: Event, owner_ids: Collection[UUID], on: date, hints: Mapping[str, Hints]
    ) -> Iterator[Expected]:
        """Let what these payees are owed use up what they were paid ahead, oldest first; an entry for each day."""
        days: dict[date, list[Amount]] = defaultdict(list)
        for owner in ((kind, owner_id) for owner_id in sorted(owner_ids) for kind in sorted(PAYEES)):
            purse = sorted(self._standing.ahead(owner), key=lambda ahead: self._paid_for(ahead.payment_id) is None)
            for claim in self._standing.owed(owner) if purse else ():
                wanted = claim.fen
                for place, ahead in enumerate(purse):
                    fits = self._paid_for(ahead.payment_id) in (None, claim.stake.contribution_id)
                    if fits and (part := min(wanted, ahead.fen)):
                        wanted -= part
                        purse[place] = ahead._replace(fen=ahead.fen - part)
                        if claim.step == ACCRUED:
                            continue
                        confirmed_on = self._confirmed_on(ahead.payment_id, event, hints)
                        day = max(on, claim.last_on, ahead.last_on, confirmed_on or on)
                        days[day] += self._claim(claim, ahead.payment_id, part, confirmed=confirmed_on is not None)
        yield from self._matching(event, days)

    def _claim(self, claim: Claim, payment_id: UUID, fen: int, *, confirmed: bool) -> list[Amount]:
        """Return the two moves of a match: the share is paid, and what was paid ahead is less by as much."""
        stake = claim.stake
        paid = self._of(stake, CONFIRMED if confirmed and claim.step == RECOGNISED else PAID_AS[claim.step])
        paid_for = stake._replace(contribution_id=self._paid_for(payment_id))
        return [
            moving(self._of(stake, claim.step), paid, stake, fen, claim.line_id, payment_id),
            moving(self._of(stake, ADVANCE), self._source(PAID_AHEAD), paid_for, fen, claim.line_id, payment_id),
        ]

    def _paid_for(self, payment_id: UUID) -> UUID | None:
        return self._payments[payment_id].contribution_id

    def _matching(self, event: Event, days: Mapping[date, list[Amount]]) -> Iterator[Expected]:
        for day, moves in sorted(days.items()):
            yield Expected(f"matching:{event.trigger}:{day}", "matching", day, moves, {"trigger": event.trigger})

    def _confirmed_on(self, payment_id: UUID, event: Event, hints: Mapping[str, Hints]) -> date | None:
        """Return when a payment that an event claims had been confirmed; one confirmed while unclaimed has no entry."""
        confirmed_at = self._payments[payment_id].confirmed_at
        if confirmed_at is None:
            return None
        if payment_id in self._confirmed_by_entry:
            confirmed = payment_id in self._standing.confirmed
        elif abs(confirmed_at - event.now) <= AT_ONCE:
            confirmed = any(payment_id in each.confirmed for each in hints.values())
        else:
            confirmed = confirmed_at < event.now
        return business_date(confirmed_at) if confirmed else None

    def _take_back(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        assert event.order_id, "a return is of an order"  # noqa: S101
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

    def _reverse(self, event: Event, fact: ReturnedFact, sale: _Sale) -> Expected:
        """Take off what came back of a line, no earlier than all of it was there; what is paid up is all recognised."""
        source = f"return:{fact.id}"
        for draw in fact.draws:
            self._follow(draw, draw.after_milli, draw.before_milli, source, event)
        fallen = self._falls(fact)
        on = max([event.on, *(self._standing.last_on(fact.line_id, place) for place in fallen)])
        if on != fact.counts_on:
            self.remarks.append(Finding(Difference.DATE, source, event.order_id, detail=f"{on} ≠ {fact.counts_on}"))
        moves = self._fall(fact.line_id, fallen)
        if not sale.unpaid(fact.line_id):
            rest = self._standing.at_step(fact.line_id, ACCRUED)
            rest = {stake: fen - fallen.get((stake, ACCRUED, None), 0) for stake, fen in rest.items()}
            moves += self._climb(fact.line_id, rest)
        facts = {"order_line": str(fact.line_id), "net_fen": fact.net_fen}
        return Expected(source, "return", on, moves, facts, original_on=sale.accepted_on.get(fact.line_id))

    def _falls(self, fact: ReturnedFact) -> dict[Place, int]:
        """Return what comes off a line's shares, and off its top-ups in the same proportion."""
        standing = self._standing.line(fact.line_id)
        salt = f"return:{fact.id}"
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
            if step in PAID_STEPS and stake.kind in PAYEES:
                assert payment_id, "what was paid was paid by a payment"  # noqa: S101
                ahead = self._of(stake, ADVANCE)
                paid_for = stake._replace(contribution_id=self._paid_for(payment_id))
                moves.append(moving(self._source(PAID_AHEAD), ahead, paid_for, fen, line_id, payment_id))
        return moves

    def _disburse(self, event: Event, _: Mapping[str, Hints]) -> Iterator[Expected]:
        """Settle what each payee is owed; what was recognised only after the payment was ahead of it in between."""
        moves: list[Amount] = []
        days: dict[date, list[Amount]] = defaultdict(list)
        used: dict[tuple[UUID, Stake, str], int] = defaultdict(int)
        for payment in event.payments:
            left, ahead = payment.amount_fen, 0
            for claim in self._standing.owed((payment.kind, payment.payee_id)):
                if claim.step == ACCRUED:
                    continue
                key = (claim.line_id, claim.stake, claim.step)
                part = min(left, claim.fen - used[key])
                if part and payment.contribution_id in (None, claim.stake.contribution_id):
                    used[key] += part
                    left -= part
                    later = claim.last_on > event.on
                    source, paid = self._of(claim.stake, claim.step), self._of(claim.stake, PAID_AS[claim.step])
                    own = days[claim.last_on] if later else moves
                    own.append(moving(source, paid, claim.stake, part, claim.line_id, payment.id))
                    if later:
                        ahead += part
                        own.append(self._ahead(payment, -part))
            if left + ahead:
                moves.append(self._ahead(payment, left + ahead))
        facts = {"disbursement": str(event.id), "payments": len(event.payments)}
        yield Expected(event.trigger, "disbursement", event.on, moves, facts)
        yield from self._matching(event, days)

    def _ahead(self, payment: PaymentFact, fen: int) -> Amount:
        stake = Stake(payment.kind, payment.payee_id, None, payment.contribution_id)
        source, ahead = self._source(PAID_AHEAD), self._of(stake, ADVANCE)
        if fen < 0:
            return moving(ahead, source, stake, -fen, None, payment.id)
        return moving(source, ahead, stake, fen, None, payment.id)

    def _confirm(self, event: Event, _: Mapping[str, Hints]) -> Iterator[Expected]:
        moves: list[Amount] = []
        on = event.on
        for payment in event.payments:
            self._standing.confirmed.add(payment.id)
            for claim in self._standing.disbursed_by(payment.id):
                source, target = self._of(claim.stake, DISBURSED), self._of(claim.stake, CONFIRMED)
                moves.append(moving(source, target, claim.stake, claim.fen, claim.line_id, payment.id))
                on = max(on, claim.last_on)
        facts = {"payments": [str(payment.id) for payment in event.payments]}
        yield Expected(event.trigger, "confirmation", on, moves, facts)

    def unconfirmed(self) -> Iterator[tuple[PaymentFact, Claim]]:
        """Yield, at the end, what payments on record as confirmed paid without the book having confirmed it."""
        for payment in self._payments.values():
            if payment.confirmed_at is not None:
                for claim in self._standing.disbursed_by(payment.id):
                    yield payment, claim
