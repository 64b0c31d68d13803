"""Disbursing: a supplier pays households and collectives, with evidence."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.attribution import checking, posting, queries, settling
from market.attribution import evidence as evidence_files
from market.attribution.matching import lock_supplier
from market.attribution.models import Disbursement, Payment
from market.attribution.paying import Method
from market.attribution.rules import Kind, PaymentOrder, Settlement
from market.db import new_id
from market.errors import NotFoundError
from market.identifiers import reference_key
from market.identity.rules import Actor


class Batch(NamedTuple):
    """Payments that a supplier made on one day: by whom recorded, how, and by whose second signature."""

    supplier_id: UUID
    made_by: UUID
    made_at: datetime
    paid_on: date
    method: Method
    evidence: str
    payments: Sequence[PaymentOrder]
    countersigned_by: UUID | None = None


def predict(
    session: orm.Session,
    actor: Actor,
    *,
    paid_on: date,
    payments: Sequence[PaymentOrder],
    method: str = Method.BANK_TRANSFER,
) -> list[Settlement]:
    """Return what the payments would settle; writes nothing. Raises what `disburse` raises."""
    orders = checking.invoiced(Method(method), payments, by=paid_on)
    checking.check_payments(session, actor.organisation_id, orders)
    checking.check_day(session, actor.organisation_id, paid_on)
    return settling.settle_delivered(session, actor.organisation_id, orders, on=paid_on)


def disburse(
    session: orm.Session,
    actor: Actor,
    *,
    paid_on: date,
    method: str,
    evidence: str,
    payments: Sequence[PaymentOrder],
    now: datetime,
    evidence_ids: Collection[UUID] = (),
) -> tuple[Disbursement, list[Payment], list[Settlement]]:
    """Record payments made: each settles what its payee is owed, oldest first; the rest is an advance.

    Raises `PayeeWithoutTieError`, `ForeignContributionError`, `ContributionAnnulledError`,
    `PaymentReferenceTakenError`, `EinvoiceNumberError`, `EinvoiceTakenError`, `InvoiceNotForProduceError`,
    `PaidBeyondDeliveryError`, `CashNeedsWitnessError`, `EvidenceUsedError` or `InvalidInputError` (the day).
    """
    orders = checking.invoiced(Method(method), payments, by=paid_on)
    lock_supplier(session, actor.organisation_id)
    batch = Batch(
        supplier_id=actor.organisation_id,
        made_by=actor.member_id,
        made_at=now,
        paid_on=paid_on,
        method=Method(method),
        evidence=evidence,
        payments=orders,
    )
    checking.check_payments(session, batch.supplier_id, batch.payments)
    checking.check_day(session, batch.supplier_id, batch.paid_on)
    settlements = settling.settle_delivered(session, batch.supplier_id, batch.payments, on=batch.paid_on)
    disbursement, rows = _write(session, batch, settlements)
    evidence_files.use(session, actor, evidence_ids, now=now, disbursement_id=disbursement.id)
    return disbursement, rows, settlements


def add_evidence(
    session: orm.Session, actor: Actor, *, disbursement_id: UUID, evidence_ids: Collection[UUID], now: datetime
) -> Disbursement:
    """Let more files prove a disbursement of the actor's organisation: a bank's receipt often comes days later.

    Raises `NotFoundError` or `EvidenceUsedError`.
    """
    lock_supplier(session, actor.organisation_id)
    disbursement = find(session, actor, disbursement_id)
    evidence_files.use(session, actor, evidence_ids, now=now, disbursement_id=disbursement.id)
    return disbursement


def find(session: orm.Session, actor: Actor, disbursement_id: UUID) -> Disbursement:
    """Return a disbursement the actor may know of; raises `NotFoundError`."""
    disbursement = session.scalar(queries.visible_disbursements(actor).where(Disbursement.id == disbursement_id))
    if disbursement is None:
        raise NotFoundError(what="disbursement")
    return disbursement


def record(session: orm.Session, batch: Batch) -> tuple[Disbursement, list[Payment], list[Settlement]]:
    """Record what of a list was paid and post it; the caller holds the supplier's lock.

    What may be paid, to whom, and by which references was asked when the list was prepared, and the list holds these
    since: money that has left is not refused, whatever has become of what it was for.
    """
    settlements = settling.settle(session, batch.supplier_id, batch.payments)
    disbursement, rows = _write(session, batch, settlements)
    return disbursement, rows, settlements


def _write(session: orm.Session, batch: Batch, settlements: Sequence[Settlement]) -> tuple[Disbursement, list[Payment]]:
    disbursement = Disbursement(
        id=new_id(),
        supplier_id=batch.supplier_id,
        paid_on=batch.paid_on,
        method=batch.method.value,
        evidence=batch.evidence,
        made_by=batch.made_by,
        made_at=batch.made_at,
        countersigned_by=batch.countersigned_by,
    )
    session.add(disbursement)
    session.flush()
    rows = [_row(disbursement, payment) for payment in batch.payments]
    session.add_all(rows)
    session.flush()
    posting.post(session, settling.drafts(disbursement, rows, settlements))
    return disbursement, rows


def _row(disbursement: Disbursement, payment: PaymentOrder) -> Payment:
    is_household = payment.kind is Kind.HOUSEHOLD
    return Payment(
        id=new_id(),
        disbursement_id=disbursement.id,
        supplier_id=disbursement.supplier_id,
        household_id=payment.payee_id if is_household else None,
        collective_id=None if is_household else payment.payee_id,
        contribution_id=payment.contribution_id,
        amount_fen=payment.amount_fen,
        reference=payment.reference,
        reference_key=reference_key(payment.reference),
        invoice_number=payment.invoice_number,
    )
