"""Payments by the oracle's reckoning: what they settle, what is ahead, what claims it, what is confirmed or undone.

The oldest first (domain.md §5, 5): by the first day on which something came to a place, then by the line's id.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date

from tests.year.facts import Facts, Payment
from tests.year.standing import (
    ADVANCE,
    CLAIMING,
    CONFIRMED,
    DISBURSED,
    PAID_STEP,
    RECOGNISED,
    TOP_UP_PAID,
    Place,
    Share,
    Standing,
)

Payee = tuple[str, str]
LAST = "~"


class Paying:
    """What stands, month after month closed, and what payments do to it."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.standing = Standing(facts.supplier)
        self.opens_on = date.min
        self.wrong: list[str] = []
        self.undone: set[str] = set()
        self._confirmed_on: dict[str, date] = {}
        self.had_on: dict[tuple[str, str], list[date | None]] = defaultdict(list)
        """By household and payment: when it confirmed what its collective gave on to it of that payment, each time."""
        self._batches: dict[str, list[Payment]] = defaultdict(list)
        for payment in facts.payments.values():
            self._batches[payment.disbursement].append(payment)

    def close(self, _: int, opens_on: date) -> None:
        """Post nothing any more before a day: what is recorded of days before is posted on it."""
        self.opens_on = max(opens_on, self.opens_on)

    def posted_on(self, on: date, places: Collection[Place] = ()) -> date:
        """Return the day on which something of a day is posted: when all that it takes was there, in an open month."""
        return max([on, self.opens_on, *(self.standing.last(place) for place in places)])

    def disburse(self, disbursement: str, paid_on: date) -> None:
        """Let each payment settle what its payee is owed; what it does not settle is ahead."""
        for payment in self._batches[disbursement]:
            left = payment.amount_fen
            settled: list[tuple[Place, int]] = []
            for place, fen in self._in_turn((payment.kind, payment.payee), tuple(PAID_STEP)):
                reasons = self.facts.behind(place.share.contribution)
                if left and payment.contribution in reasons and payment.is_for(place.share):
                    settled.append((place, min(left, fen)))
                    left -= settled[-1][1]
            later = [(place, fen) for place, fen in settled if self.standing.last(place) > paid_on]
            ahead = _advance(payment.kind, payment.payee, payment.id)
            day = self.posted_on(paid_on)
            self.standing.move("paid_ahead", ahead, left + sum(fen for _, fen in later), day)
            for place, fen in settled:
                paid = place._replace(step=PAID_STEP[place.step], payment=payment.id)
                if (place, fen) in later:
                    on = self.posted_on(self.standing.last(place))
                    self.standing.move(ahead, "paid_ahead", fen, on)
                    self.standing.move(place, paid, fen, on)
                else:
                    self.standing.move(place, paid, fen, day)

    def _in_turn(self, payee: Payee, steps: Sequence[str]) -> list[tuple[Place, int]]:
        """Return what a payee has at these steps in the order in which it is paid and claims."""

        def turn(each: tuple[Place, int]) -> tuple[object, ...]:
            place = each[0]
            share = place.share
            oldest = self.standing.first(place)
            return (
                steps.index(place.step),
                oldest,
                place.line or LAST,
                share.mechanism or LAST,
                share.contribution or LAST,
            )

        return sorted(self.standing.of_owner(*payee, *steps), key=turn)

    def match(self, payees: Collection[Payee], on: date) -> None:
        """Let payees claim what they were paid ahead; what waits for the buyer's money keeps what it will claim."""
        for payee in payees:
            ahead = self.standing.of_owner(*payee, ADVANCE)
            ahead.sort(key=lambda each: (self.standing.first(each[0]), each[0].payment))
            left = dict(ahead)
            matches: list[tuple[Place, Place, int, date]] = []
            for claim, fen in self._in_turn(payee, CLAIMING) if ahead else ():
                if not any(left.values()):
                    break
                wanted = fen
                for reason in self.facts.behind(claim.share.contribution):
                    for advance in [each for each, _ in ahead if self._fits(each, reason, claim)]:
                        part = min(wanted, left[advance])
                        wanted -= part
                        left[advance] -= part
                        if part and claim.step in PAID_STEP:
                            day = max(self.posted_on(on, [claim, advance]), self._confirmed(advance) or on)
                            matches.append((claim, advance, part, day))
            for claim, advance, fen, day in matches:
                step = CONFIRMED if claim.step == RECOGNISED and self._confirmed(advance) else PAID_STEP[claim.step]
                self.standing.move(claim, claim._replace(step=step, payment=advance.payment), fen, day)
                self.standing.move(advance, "paid_ahead", fen, day)

    def _fits(self, advance: Place, reason: str | None, claim: Place) -> bool:
        payment = self.facts.payments[advance.payment or ""]
        return payment.contribution == reason and payment.is_for(claim.share)

    def _confirmed(self, advance: Place) -> date | None:
        """Return when what was paid ahead was confirmed: of what a collective gave on, when the last of it was."""
        payment = self.facts.payments[advance.payment or ""]
        if payment.payee == advance.share.owner:
            return self._confirmed_on.get(payment.id)
        return self.all_had_on(advance.share.owner, payment.id)

    def all_had_on(self, owner: str, payment_id: str) -> date | None:
        """Return when a household had confirmed all that its collective gave on to it of a payment."""
        days = [day for day in self.had_on[owner, payment_id] if day]
        return max(days) if days and len(days) == len(self.had_on[owner, payment_id]) else None

    def _paid_by(self, payment: Payment, *steps: str) -> list[tuple[Place, int]]:
        standing = self.standing.of_owner(payment.kind, payment.payee, *steps)
        return [each for each in standing if each[0].payment == payment.id]

    def confirm(self, _: str, on: date, payments: Sequence[str]) -> None:
        """Confirm what of payments is disbursed."""
        found = [each for payment in payments for each in self._paid_by(self.facts.payments[payment], DISBURSED)]
        self._confirmed_on |= dict.fromkeys(payments, on)
        self.confirm_places(found, on)

    def confirm_places(self, found: Sequence[tuple[Place, int]], on: date) -> None:
        """Confirm so much of these places."""
        day = self.posted_on(on, [place for place, _ in found])
        for place, fen in found:
            self.standing.move(place, place._replace(step=CONFIRMED), fen, day)

    def reverse(self, _: str, payment_id: str, on: date) -> None:
        """Undo a payment: what it settled is owed again, what it paid ahead is no more."""
        payment = self.facts.payments[payment_id]
        self.undone.add(payment_id)
        undone = self._paid_by(payment, DISBURSED, TOP_UP_PAID, ADVANCE)
        day = self.posted_on(on, [place for place, _ in undone])
        if sum(fen for _, fen in undone) != payment.amount_fen:
            self.wrong.append(f"payment {payment_id} was reversed, of which {undone} was left")
        owed = {paid: step for step, paid in PAID_STEP.items()}
        for place, fen in undone:
            back = "paid_ahead" if place.step == ADVANCE else place._replace(step=owed[place.step], payment=None)
            self.standing.move(place, back, fen, day)
        self.match({(payment.kind, payment.payee)}, day)

    def ahead_again(self, place: Place, fen: int, day: date) -> None:
        """Let what a payee received of a place that falls be ahead."""
        if place.step in {DISBURSED, CONFIRMED, TOP_UP_PAID} and place.payment:
            self.standing.move("paid_ahead", _advance(*place.share[:2], place.payment), fen, day)


def _advance(kind: str, payee: str, payment: str) -> Place:
    return Place(None, Share(kind, payee), ADVANCE, payment)
