"""What money brings about: a receipt lets shares climb, a disbursement pays them, a confirmation ends them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from market.audit.eligibility import Hints
from market.audit.facts import Event, PaymentFact
from market.audit.history import OWED_AS, PAID_AS, Expected, History
from market.audit.oracle import (
    ACCRUED,
    ADVANCE,
    CONFIRMED,
    DISBURSED,
    PAID_AHEAD,
    SALE_STEPS,
    Stake,
    falls,
    portion,
    split,
)
from market.audit.standing import Amount, Claim, moving


class Money(History):
    """Receipts, disbursements and confirmations."""

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

    def _lose(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        """Take off lines what their orders have no more; what payees had of it is matched as what came back is."""
        payees: set[UUID] = set()
        for fact in event.received:
            sale = self._sales[fact.order_id]
            sale.paid_fen += fact.amount_fen
            sale.paid_on = max(event.on, sale.paid_on)
            for fallen in self._unrecognise(fact.order_id, f"{event.kind}:{fact.id}", event.on):
                payees |= fallen.payees
                yield fallen
        for fact in event.received:
            sale = self._sales[fact.order_id]
            for recognised in self._recognise(fact.order_id, sale, f"{event.kind}:{fact.id}", event.on):
                payees |= recognised.payees
                yield recognised
        yield from self._match(event, payees, event.on, hints)

    def _unrecognise(self, order_id: UUID, trigger: str, on: date) -> Iterator[Expected]:
        sale = self._sales[order_id]
        paid = {line_id: fen for line_id in self._facts.orders[order_id] if (fen := sale.paid[line_id])}
        lost = sum(paid.values()) - max(sale.paid_fen, 0)
        if lost <= 0:
            return
        source = f"unrecognition:{trigger}"
        parts = {line_id: fen for line_id, fen in (split(lost, paid, trigger) or {}).items() if fen}
        moves: list[Amount] = []
        for line_id, part in parts.items():
            sale.paid[line_id] -= part
            standing = self._standing.line(line_id)
            whole = sum(fen for (_, step, _), fen in standing.items() if step in SALE_STEPS[1:])
            fallen = falls(standing, portion(whole, part, paid[line_id]), SALE_STEPS[1:], f"{source}|{line_id}")
            on = max([on, *(self._standing.last_on(line_id, place) for place in fallen)])
            for (stake, step, payment_id), fen in fallen.items():
                down = self._of(stake, ACCRUED)
                moves.append(moving(self._of(stake, step), down, stake, fen, line_id, payment_id))
                moves += self._stays_received(line_id, (stake, step, payment_id), fen)
        facts = {"lines": [[str(line_id), part, paid[line_id]] for line_id, part in parts.items()]}
        yield Expected(source, "unrecognition", on, moves, facts, order_id=order_id)

    def _disburse(self, event: Event, _: Mapping[str, Hints]) -> Iterator[Expected]:
        """Settle what each payee is owed; what was recognised only after the payment was ahead of it in between."""
        moves: list[Amount] = []
        days: dict[date, list[Amount]] = defaultdict(list)
        used: dict[tuple[UUID, Stake, str], int] = defaultdict(int)
        for payment in event.payments:
            left, ahead = payment.amount_fen, 0
            for claim in self._standing.owed((payment.kind, payment.payee_id)):
                if claim.step == ACCRUED or not payment.may_pay(claim.stake.mechanism):
                    continue
                key = (claim.line_id, claim.stake, claim.step)
                part = min(left, claim.fen - used[key])
                if part and payment.contribution_id in self._stems(claim.stake.contribution_id):
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
            for claim in self._disbursed_by(payment):
                source, target = self._of(claim.stake, DISBURSED), self._of(claim.stake, CONFIRMED)
                moves.append(moving(source, target, claim.stake, claim.fen, claim.line_id, payment.id))
                on = max(on, claim.last_on)
        facts = {"payments": [str(payment.id) for payment in event.payments]}
        yield Expected(event.trigger, "confirmation", on, moves, facts)

    def _reverse_payment(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        """Take off what stands of a payment that its payee never had; what that is owed again may claim advances."""
        assert event.reversed, "it is about a payment"  # noqa: S101
        payment = self._payments[event.reversed.payment_id]
        moves: list[Amount] = []
        on = event.on
        for claim in self._standing.paid_by(payment.id):
            source, target = self._of(claim.stake, claim.step), self._of(claim.stake, OWED_AS[claim.step])
            moves.append(moving(source, target, claim.stake, claim.fen, claim.line_id, payment.id))
            on = max(on, claim.last_on)
        for ahead in self._standing.ahead((payment.kind, payment.payee_id)):
            if ahead.payment_id == payment.id:
                moves.append(self._ahead(payment, -ahead.fen))
                on = max(on, ahead.last_on)
        facts = {"payment": str(payment.id)}
        paid_on = event.reversed.paid_on
        yield Expected(event.trigger, "payment_reversal", on, moves, facts, original_on=paid_on)
        yield from self._match(event, {payment.payee_id}, on, hints)

    def unconfirmed(self) -> Iterator[tuple[PaymentFact, Claim]]:
        """Yield, at the end, what payments on record as confirmed paid without the book having confirmed it."""
        for payment in self._payments.values():
            if payment.confirmed_at is not None:
                for claim in self._disbursed_by(payment):
                    yield payment, claim

    def _disbursed_by(self, payment: PaymentFact) -> Iterator[Claim]:
        """Yield what a payment paid its payee, who has not given it on, and nobody has confirmed."""
        for claim in self._standing.paid_by(payment.id):
            if claim.step == DISBURSED and claim.stake.owner_id == payment.payee_id:
                yield claim
