"""Payment reversal: a payment that its payee never had is taken off the book; what it had settled is owed again.

Not a return of goods (`reversal.py`): there money that was received stays received. A payment whose receipt was
confirmed is never reversed.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.attribution import posting, queries
from market.attribution.matching import lock_supplier, match_advances
from market.attribution.models import Disbursement, Payment, PaymentReversal
from market.attribution.paying import AlreadyConfirmedError, PaymentGivenOnError, PaymentReversedError
from market.attribution.rules import PAID_STEP, Kind, Share, Step
from market.db import new_id
from market.errors import FourEyesError, NotFoundError
from market.identity.rules import Actor

_OWED_STEP = {paid: owed for owed, paid in PAID_STEP.items()}


def reverse_payment(
    session: orm.Session, actor: Actor, *, payment_id: UUID, reason: str, on: date, now: datetime
) -> tuple[Payment, PaymentReversal]:
    """Reverse a payment of the actor's organisation: what it settled is owed again, what it paid ahead is no more.

    It is known under the day of the payment, so that figures as now known never had it. Other advances to the payee
    claim what is owed again. Raises `NotFoundError`, `PaymentReversedError`, `AlreadyConfirmedError`,
    `PaymentGivenOnError`, or `FourEyesError` for who recorded it.
    """
    payment, disbursement = _reversible(session, actor, payment_id)
    lock_supplier(session, payment.supplier_id)
    moves, since = _back(session, payment)
    row = PaymentReversal(
        id=new_id(), payment_id=payment.id, reversed_on=on, reason=reason, made_by=actor.member_id, made_at=now
    )
    payment.reversed_at = now
    session.add(row)
    session.flush()
    trigger, day = f"payment_reversal:{row.id}", max(on, since)
    facts = {"payment": payment.id}
    draft = posting.Draft(trigger, "payment_reversal", day, moves, facts, original_effective_on=disbursement.paid_on)
    posting.post(session, [draft])
    match_advances(session, {_payee(payment).owner_id}, supplier_id=payment.supplier_id, trigger=trigger, on=day)
    return payment, row


def _reversible(session: orm.Session, actor: Actor, payment_id: UUID) -> tuple[Payment, Disbursement]:
    visible = queries.visible_payments(actor).where(Payment.id == payment_id)
    payment = session.scalar(visible.with_for_update(of=Payment).execution_options(populate_existing=True))
    if payment is None:
        raise NotFoundError(what="payment")
    if payment.reversed_at is not None:
        raise PaymentReversedError
    if payment.confirmed_at is not None:
        raise AlreadyConfirmedError
    disbursement = session.get_one(Disbursement, payment.disbursement_id)
    if actor.member_id == disbursement.made_by:
        raise FourEyesError(rule="payment_reversal")
    return payment, disbursement


def _payee(payment: Payment) -> Share:
    """Return the stake of what a payment paid ahead."""
    if payment.household_id is not None:
        return Share(Kind.HOUSEHOLD, payment.household_id, None, payment.contribution_id)
    if payment.collective_id is None:
        raise LookupError(payment.id)
    return Share(Kind.COLLECTIVE, payment.collective_id, None, payment.contribution_id)


def _back(session: orm.Session, payment: Payment) -> tuple[list[posting.Move], date]:
    """Return the moves that undo all that stands of a payment, and the day of the last that came in.

    What a collective gave on of it stands with others: then it is not undone.
    """
    supplier_id, payee = payment.supplier_id, _payee(payment)
    settled = [item for _, item in queries.paid_by(session, [payment.id], steps=list(_OWED_STEP))]
    moves = [
        posting.Move(
            posting.account(item.share, supplier_id, item.step),
            posting.account(item.share, supplier_id, _OWED_STEP[item.step]),
            item.fen,
            item.share,
            item.order_line_id,
            payment.id,
        )
        for item in settled
    ]
    since = [item.since for item in settled]
    for advance in queries.advances(session, supplier_id, [payee.owner_id]):
        if advance.payment_id == payment.id:
            ahead, source = posting.account(payee, supplier_id, Step.ADVANCE), posting.paid_ahead(supplier_id)
            moves.append(posting.Move(ahead, source, advance.fen, payee, None, payment.id))
            since.append(advance.since)
    if sum(move.fen for move in moves) != payment.amount_fen:
        raise PaymentGivenOnError
    return moves, max(since)
