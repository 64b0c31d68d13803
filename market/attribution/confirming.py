"""Confirming: a payee has the money, by the word of its village clerk, who acts for it, or by its own one-time code."""

import secrets
from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import orm

from market.attribution import evidence as evidence_files
from market.attribution import posting, queries
from market.attribution.matching import lock_supplier
from market.attribution.models import Confirmation, ConfirmationCode, ConfirmedPayment, Disbursement, Payment
from market.attribution.paying import AlreadyConfirmedError, PaymentReversedError
from market.attribution.rules import Means, Step
from market.clock import business_date
from market.db import new_id
from market.errors import FourEyesError, NotFoundError
from market.households import proxies
from market.households.rules import Deed, check_says_no_number
from market.identifiers import CODE_LETTERS
from market.identity.rules import Actor

CODE_LENGTH = 8
MOST_ATTEMPTS = 5

_BY_WORD, _PRINTED = "代办员确认到账", "打印确认码"
"""What shows an act that has no note."""

_HASHER = PasswordHasher()
_NOBODYS_HASH = _HASHER.hash(secrets.token_hex())


def confirm(
    session: orm.Session,
    actor: Actor,
    *,
    payment_ids: Sequence[UUID],
    on: date,
    now: datetime,
    note: str | None = None,
    evidence_ids: Collection[UUID] = (),
) -> list[Payment]:
    """Record, for their payees, that they have the money: the payments disbursed become confirmed, and later matches.

    Who acted, for whom and on what evidence is kept. Raises `NotFoundError`, `AlreadyConfirmedError`,
    `PaymentReversedError`, `NumberInTextError`, `EvidenceUsedError`, or `FourEyesError` for who paid or countersigned;
    posts one entry a supplier.
    """
    visible = queries.visible_payments(actor).where(Payment.id.in_(payment_ids)).order_by(Payment.id)
    payments = list(session.scalars(visible.with_for_update(of=Payment)))
    if len(payments) < len(set(payment_ids)):
        raise NotFoundError(what="payment", pointer="/payment_ids")
    if any(payment.confirmed_at for payment in payments):
        raise AlreadyConfirmedError(pointer="/payment_ids")
    if any(payment.reversed_at for payment in payments):
        raise PaymentReversedError(pointer="/payment_ids")
    _check_independent(session, actor, payments)
    if note is not None:
        check_says_no_number(note, pointer="/note")
    act = Confirmation(id=new_id(), means=Means.VILLAGE_CLERK.value, made_by=actor.member_id, note=note, made_at=now)
    _record(session, act, payments, on)
    about = [(payment.household_id, payment.id) for payment in payments if payment.household_id is not None]
    proxies.record(session, actor, deed=Deed.PAYMENT_CONFIRMED, about=about, evidence=note or _BY_WORD, now=now)
    evidence_files.use(session, actor, evidence_ids, now=now, confirmation_id=act.id)
    return payments


def _check_independent(session: orm.Session, actor: Actor, payments: Sequence[Payment]) -> None:
    """Refuse whoever belongs to the payer, recorded the payment, or signed for its being handed over."""
    signed = sa.select(Disbursement.id).where(
        Disbursement.id.in_({payment.disbursement_id for payment in payments}),
        (Disbursement.supplier_id == actor.organisation_id)
        | (Disbursement.made_by == actor.member_id)
        | (Disbursement.countersigned_by == actor.member_id),
    )
    if session.scalars(signed.limit(1)).first() is not None:
        raise FourEyesError(rule="payment_confirmation", pointer="/payment_ids")


def _record(session: orm.Session, act: Confirmation, payments: Sequence[Payment], on: date) -> None:
    session.add(act)
    for payment in payments:
        payment.confirmed_at, payment.confirmed_by = act.made_at, act.made_by
    session.flush()
    session.add_all(ConfirmedPayment(payment_id=payment.id, confirmation_id=act.id) for payment in payments)
    session.flush()
    suppliers = sorted({payment.supplier_id for payment in payments})
    for supplier_id in suppliers:
        lock_supplier(session, supplier_id)
    for supplier_id in suppliers:
        own = [payment.id for payment in payments if payment.supplier_id == supplier_id]
        _post(session, supplier_id, own, on)


def _post(session: orm.Session, supplier_id: UUID, payment_ids: Sequence[UUID], on: date) -> None:
    disbursed = queries.disbursed_by(session, payment_ids)
    moves = [
        posting.Move(
            posting.account(item.share, supplier_id, Step.DISBURSED),
            posting.account(item.share, supplier_id, Step.CONFIRMED),
            item.fen,
            item.share,
            item.order_line_id,
            payment_id,
        )
        for payment_id, item in disbursed
    ]
    source = f"confirmation:{min(payment_ids)}"
    day = max([on, *(item.since for _, item in disbursed)])
    posting.post(session, [posting.Draft(source, "confirmation", day, moves, {"payments": list(payment_ids)})])


def issue_code(session: orm.Session, actor: Actor, *, payment_id: UUID, now: datetime) -> str:
    """Return a new code by which the household confirms this payment, to be printed for it; an earlier one is void.

    Its village issues it, never the supplier, who would confirm itself, nor who signed for the money. Whoever prints a
    code has seen it: each printing is on record as done in the household's place. Raises `NotFoundError` (collectives
    have accounts of their own and need none), `AlreadyConfirmedError`, `FourEyesError` or
    `PaymentReversedError`.
    """
    visible = queries.visible_payments(actor).where(Payment.id == payment_id, Payment.household_id.is_not(None))
    payment = session.scalar(visible.with_for_update(of=Payment))
    if payment is None:
        raise NotFoundError(what="payment")
    if payment.confirmed_at is not None:
        raise AlreadyConfirmedError
    if payment.reversed_at is not None:
        raise PaymentReversedError
    _check_independent(session, actor, [payment])
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    row = session.get(ConfirmationCode, payment_id) or ConfirmationCode(payment_id=payment_id)
    row.code_hash, row.attempt_count, row.used_at = _HASHER.hash(code), 0, None
    row.issued_by, row.issued_at = actor.member_id, now
    session.add(row)
    session.flush()
    about = [(payment.household_id, payment.id)] if payment.household_id is not None else []
    proxies.record(session, actor, deed=Deed.CODE_PRINTED, about=about, evidence=_PRINTED, now=now)
    return code


def confirm_by_code(session: orm.Session, *, payment_id: UUID, code: str, now: datetime) -> int | None:
    """Confirm a payment by the household's code; return its amount (fen), or None if the code is not right.

    A wrong code is counted, so do commit. Whoever asks learns nothing else: an unknown payment takes as long. The
    payment's lock is its code's as well, when it is printed and when it is typed in.
    """
    typed = "".join(code.split()).replace("-", "").upper()
    payment = session.scalar(sa.select(Payment).where(Payment.id == payment_id).with_for_update())
    row = session.get(ConfirmationCode, payment_id)
    usable = row is not None and row.used_at is None and row.attempt_count < MOST_ATTEMPTS
    if not _matches(row.code_hash if row is not None and usable else _NOBODYS_HASH, typed):
        if row is not None and usable:
            row.attempt_count += 1
            session.flush()
        return None
    if row is None or payment is None or payment.confirmed_at is not None or payment.reversed_at is not None:
        return None
    row.used_at = now
    act = Confirmation(
        id=new_id(),
        means=Means.HOUSEHOLD_CODE.value,
        made_by=None,
        note=None,
        made_at=now,
        code_issued_by=row.issued_by,
        code_issued_at=row.issued_at,
    )
    _record(session, act, [payment], business_date(now))
    return payment.amount_fen


def _matches(code_hash: str, code: str) -> bool:
    try:
        return _HASHER.verify(code_hash, code)
    except VerificationError:
        return False
