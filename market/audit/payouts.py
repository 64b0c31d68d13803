"""What money brings about: a receipt lets shares climb, a disbursement pays them, a confirmation ends them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from market.audit.eligibility import Hints
from market.audit.facts import Event, PaymentFact
from market.audit.history import OWED_AS, PAID_AS, Expected, History
from market.audit.oracle import ACCRUED, ADVANCE, CONFIRMED, DISBURSED, PAID_AHEAD, Stake
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
