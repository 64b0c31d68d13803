"""The state that a replay carries from fact to fact, and what several kinds of fact bring about alike."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from market.audit.eligibility import Eligibility, Hints
from market.audit.facts import Event, SupplierFacts
from market.audit.oracle import (
    ACCRUED,
    ADVANCE,
    CONFIRMED,
    DISBURSED,
    PAID_AHEAD,
    PAID_STEPS,
    PAYEES,
    RECOGNISED,
    TOP_UP,
    TOP_UP_PAID,
    Stake,
    portion,
    split,
)
from market.audit.rules import Finding
from market.audit.standing import Account, Ahead, Amount, Claim, Place, Standing, moving
from market.clock import business_date

AT_ONCE = timedelta(minutes=1)
"""Two requests whose clocks are closer than a request may last: only the book can say which came first."""

PAID_AS = {RECOGNISED: DISBURSED, TOP_UP: TOP_UP_PAID}
OWED_AS = {paid: owed for owed, paid in PAID_AS.items()}


@dataclass(slots=True)
class Expected:
    """An entry that the facts ask for; without moves nothing is posted. A list takes what came in its `period`.

    An annulment gives that back: it `undoes` the entry of a source, of the day `undone_on`.
    """

    source: str
    reason: str
    effective_on: date
    moves: list[Amount]
    facts: Mapping[str, object]
    original_on: date | None = None
    order_id: UUID | None = None
    period: tuple[date, date] | None = None
    undoes: str | None = None
    undone_on: date | None = None
    weights: Mapping[str, Collection[tuple[Stake, int]]] = field(default_factory=dict)

    @property
    def payees(self) -> set[UUID]:
        """Return the households and collectives that it concerns."""
        return {move.stake.owner_id for move, _ in self.moves if move.stake.kind in PAYEES}


@dataclass(slots=True)
class Sale:
    """An order as it stands: what receipts brought, and by line when and what was accepted, owed, paid (gross fen)."""

    paid_fen: int = 0
    paid_on: date = date.min
    accepted_on: dict[UUID, date] = field(default_factory=dict)
    fell_on: dict[UUID, date] = field(default_factory=dict)
    owed: dict[UUID, int] = field(default_factory=dict)
    paid: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))

    def unpaid(self, line_id: UUID) -> int:
        """Return what the buyer owes for a line and has not paid."""
        return max(self.owed[line_id] - self.paid[line_id], 0)


class Gift(NamedTuple):
    """Where what a collective gives on comes to stand: the order line, the household's stake, the payment it is of."""

    line_id: UUID
    stake: Stake
    payment_id: UUID

    @property
    def place(self) -> tuple[Stake, str, UUID]:
        """Return the place on its line."""
        return self.stake, DISBURSED, self.payment_id


class History:
    """What stands of one supplier at a point of its history, and what any fact sets off: recognition and matching."""

    def __init__(self, facts: SupplierFacts) -> None:
        """Begin before the first event."""
        self._facts = facts
        self._supplier_id = facts.supplier_id
        self.remarks: list[Finding] = []
        self._standing = Standing()
        self._annulled: set[UUID] = set()
        self._eligible = Eligibility(facts, self.remarks, self._annulled)
        self._sales: dict[UUID, Sale] = defaultdict(Sale)
        self._drawn: dict[UUID, int] = {}
        self._moved: dict[UUID, int] = defaultdict(int)
        self._carried: dict[UUID, int] = defaultdict(int)
        self._carried_from = {
            given.id: given.carried_from for contributed in facts.contributions.values() for given in contributed
        }
        self._payments = {payment.id: payment for event in facts.events for payment in event.payments}
        self._confirmed_by_entry: set[UUID] = set()
        self._given_on: dict[UUID, dict[Gift, int]] = {}
        self._unconfirmed: dict[Gift, dict[UUID, int]] = defaultdict(dict)
        self._seconds = {event.id: event.second for event in facts.events if event.second}
        self._opens_on = date.min
        self._lists: dict[UUID, Expected] = {}
        self._sources: dict[tuple[UUID, Stake], dict[str, int]] = defaultdict(dict)

    def _of(self, stake: Stake, step: str) -> Account:
        return Account(stake.kind, stake.owner_id, self._supplier_id if stake.kind in PAYEES else None, step)

    def _source(self, kind: str) -> Account:
        return Account(kind, self._supplier_id, None, ADVANCE if kind == PAID_AHEAD else ACCRUED)

    def _settle(
        self, event: Event, sale: Sale, on: date, payees: Collection[UUID], hints: Mapping[str, Hints]
    ) -> Iterator[Expected]:
        """Recognise what an order can pay by now; then let what is owed claim advances."""
        assert event.order_id, "money settles an order"  # noqa: S101
        claiming = set(payees)
        for recognised in self._recognise(event.order_id, sale, event.trigger, on):
            claiming |= recognised.payees
            yield recognised
        yield from self._match(event, claiming, on, hints)

    def _recognise(self, order_id: UUID, sale: Sale, trigger: str, on: date) -> Iterator[Expected]:
        """Spread what an order has and its lines have not over what they owe, and let of each climb what is paid of it.

        It counts from the day of the money, or of the goods if those came later; what is more than the money, once all
        of it was there and what freed it had fallen.
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
        if sum(fen for _, fen in moves) > spending:
            on = max([on, sale.paid_on, *(sale.fell_on[line_id] for line_id in parts if line_id in sale.fell_on)])
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
            purse = self._standing.ahead(owner)
            for claim in self._standing.owed(owner) if purse else ():
                wanted = claim.fen
                for place, ahead in self._fitting(claim, purse):
                    if part := min(wanted, ahead.fen):
                        wanted -= part
                        purse[place] = ahead._replace(fen=ahead.fen - part)
                        if claim.step == ACCRUED:
                            continue
                        confirmed_on = self._confirmed_on(ahead.payment_id, owner[1], event, hints)
                        day = max(on, claim.last_on, ahead.last_on, confirmed_on or on)
                        days[day] += self._claim(claim, ahead.payment_id, part, confirmed=confirmed_on is not None)
        yield from self._matching(event, days)

    def _fitting(self, claim: Claim, purse: Sequence[Ahead]) -> list[tuple[int, Ahead]]:
        """Return which advances a claim may use, with their places: what is nearest to its contribution first."""
        stems = self._stems(claim.stake.contribution_id)
        fitting = [
            (stems.index(paid_for), place, ahead)
            for place, ahead in enumerate(purse)
            if (paid_for := self._paid_for(ahead.payment_id)) in stems
            and self._payments[ahead.payment_id].may_pay(claim.stake.mechanism)
        ]
        return [(place, ahead) for _, place, ahead in sorted(fitting, key=lambda each: each[:2])]

    def _stems(self, contribution_id: UUID | None) -> list[UUID | None]:
        """Return a contribution, each that it was carried from, and at last none."""
        stems: list[UUID | None] = [contribution_id]
        while stems[-1] is not None:
            stems.append(self._carried_from.get(stems[-1]))
        return stems

    def _claim(self, claim: Claim, payment_id: UUID, fen: int, *, confirmed: bool) -> list[Amount]:
        """Return the two moves of a match: the share is paid, and what was paid ahead is less by as much."""
        stake = claim.stake
        paid = self._of(stake, CONFIRMED if confirmed and claim.step == RECOGNISED else PAID_AS[claim.step])
        paid_for = stake._replace(contribution_id=self._paid_for(payment_id))
        return [
            moving(self._of(stake, claim.step), paid, stake, fen, claim.line_id, payment_id),
            moving(self._of(stake, ADVANCE), self._source(PAID_AHEAD), paid_for, fen, claim.line_id, payment_id),
        ]

    def _stays_received(self, line_id: UUID, place: Place, fen: int) -> list[Amount]:
        """Return the move by which what a payee was paid stays with it when it falls off a line: paid ahead."""
        stake, step, payment_id = place
        if step not in PAID_STEPS or stake.kind not in PAYEES:
            return []
        assert payment_id, "what was paid was paid by a payment"  # noqa: S101
        paid_for = stake._replace(contribution_id=self._paid_for(payment_id))
        ahead = self._of(stake, ADVANCE)
        return [moving(self._source(PAID_AHEAD), ahead, paid_for, fen, line_id, payment_id)]

    def _paid_for(self, payment_id: UUID) -> UUID | None:
        return self._payments[payment_id].contribution_id

    def _matching(self, event: Event, days: Mapping[date, list[Amount]]) -> Iterator[Expected]:
        for day, moves in sorted(days.items()):
            yield Expected(f"matching:{event.trigger}:{day}", "matching", day, moves, {"trigger": event.trigger})

    def _confirmed_on(self, payment_id: UUID, owner_id: UUID, event: Event, hints: Mapping[str, Hints]) -> date | None:
        """Return when a payment that an event claims had been confirmed; one confirmed while unclaimed has no entry.

        What a household was given by its collective, the confirmation of the collective's payment does not concern: all
        that it was given of that payment has been confirmed.
        """
        payment = self._payments[payment_id]
        if payment.payee_id == owner_id:
            words = [(payment_id, payment.confirmed_at)]
        else:
            words = [
                (second_id, self._seconds[second_id].confirmed_at) for second_id in self._gave(payment_id, owner_id)
            ]
        days = [self._was_confirmed(word, at, (payment_id, owner_id), event, hints) for word, at in words]
        return max(day for day in days if day) if days and all(days) else None

    def _gave(self, payment_id: UUID, owner_id: UUID) -> list[UUID]:
        """Return the second distributions that gave a household something of a payment."""
        return [
            second_id
            for second_id, given in self._given_on.items()
            if any((gift.payment_id, gift.stake.owner_id) == (payment_id, owner_id) for gift in given)
        ]

    def _was_confirmed(
        self,
        word: UUID,
        confirmed_at: datetime | None,
        place: tuple[UUID, UUID],
        event: Event,
        hints: Mapping[str, Hints],
    ) -> date | None:
        """Return the day of a confirmation, of a payment or a second distribution, if it came before an event.

        The place is the payment and whose money it is: what one has confirmed says nothing of another.
        """
        if confirmed_at is None:
            return None
        if word in self._confirmed_by_entry:
            confirmed = word in self._standing.confirmed
        elif abs(confirmed_at - event.now) <= AT_ONCE:
            confirmed = any(place in each.confirmed for each in hints.values())
        else:
            confirmed = confirmed_at < event.now
        return business_date(confirmed_at) if confirmed else None
