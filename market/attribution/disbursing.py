"""Disbursing: a supplier pays households and collectives, with evidence."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import evidence as evidence_files
from market.attribution import matching, posting, queries
from market.attribution.ahead import check_paid_ahead
from market.attribution.claiming import pay
from market.attribution.matching import lock_supplier
from market.attribution.models import Disbursement, PayListLine, Payment
from market.attribution.paying import (
    CashNeedsWitnessError,
    EinvoiceTakenError,
    ForeignContributionError,
    LineStatus,
    Method,
    PayeeWithoutTieError,
    PaymentReferenceTakenError,
    invoice_number,
)
from market.attribution.rules import (
    PAID_STEP,
    Kind,
    Owed,
    PaymentOrder,
    Settlement,
    Share,
    Step,
)
from market.benefits import service as benefits
from market.benefits.queries import code_known_to
from market.benefits.rules import MECHANISMS, Payee
from market.db import new_id
from market.errors import InvalidInputError, NotFoundError, named
from market.identifiers import reference_key
from market.identity.models import Organisation
from market.identity.rules import Actor
from market.lots.models import Contribution, Lot
from market.lots.rules import LotStatus


class Batch(NamedTuple):
    """Payments that a supplier made on one day: by whom recorded, how, and by whose second signature."""

    supplier_id: UUID
    made_by: UUID
    made_at: datetime
    paid_on: date
    method: Method
    evidence: str
    payments: Sequence[PaymentOrder]
    pointers: Sequence[str]
    """Of each payment, the JSON pointer at which a refusal points."""
    countersigned_by: UUID | None = None
    pay_list_id: UUID | None = None
    """The list that holds these references already."""


def predict(
    session: orm.Session,
    actor: Actor,
    *,
    paid_on: date,
    payments: Sequence[PaymentOrder],
    method: str = Method.BANK_TRANSFER,
) -> list[Settlement]:
    """Return what the payments would settle; writes nothing. Raises what `disburse` raises."""
    orders = invoiced(Method(method), payments)
    check(session, actor.organisation_id, orders, pointers_of(orders))
    check_day(session, actor.organisation_id, paid_on)
    return settle_delivered(session, actor.organisation_id, orders)


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

    Raises `PayeeWithoutTieError`, `ForeignContributionError`, `PaymentReferenceTakenError`, `EinvoiceNumberError`,
    `EinvoiceTakenError`, `PaidBeyondDeliveryError`, `CashNeedsWitnessError`, `EvidenceUsedError` or `InvalidInputError`
    (the day).
    """
    orders = invoiced(Method(method), payments)
    lock_supplier(session, actor.organisation_id)
    batch = Batch(
        supplier_id=actor.organisation_id,
        made_by=actor.member_id,
        made_at=now,
        paid_on=paid_on,
        method=Method(method),
        evidence=evidence,
        payments=orders,
        pointers=pointers_of(orders),
    )
    check(session, batch.supplier_id, batch.payments, batch.pointers)
    check_day(session, batch.supplier_id, batch.paid_on)
    settlements = settle_delivered(session, batch.supplier_id, batch.payments)
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


def invoiced(method: Method, payments: Sequence[PaymentOrder]) -> list[PaymentOrder]:
    """Return the payments with the numbers of their invoices; raises `EinvoiceNumberError` or `CashNeedsWitnessError`.

    Cash that one person alone would record is refused here; a list of cash comes by `record`.
    """
    if method is Method.CASH:
        raise CashNeedsWitnessError(pointer="/method")
    return with_invoices(method, payments)


def with_invoices(method: Method, payments: Sequence[PaymentOrder]) -> list[PaymentOrder]:
    """Return the payments with the numbers of their invoices; raises `EinvoiceNumberError`."""
    return [
        payment._replace(
            invoice_number=invoice_number(method, payment.reference, payment.invoice_number, pointer=pointer)
        )
        for payment, pointer in zip(payments, pointers_of(payments), strict=True)
    ]


def pointers_of(payments: Sequence[PaymentOrder]) -> list[str]:
    """Return where each payment stands in a request."""
    return [f"/payments/{position}" for position in range(len(payments))]


def record(session: orm.Session, batch: Batch) -> tuple[Disbursement, list[Payment], list[Settlement]]:
    """Record what of a list was paid and post it; the caller holds the supplier's lock. Raises what `disburse` raises.

    How much may be paid was asked when the list was prepared: money that has left is not refused.
    """
    check(session, batch.supplier_id, batch.payments, batch.pointers, pay_list_id=batch.pay_list_id)
    check_day(session, batch.supplier_id, batch.paid_on)
    settlements = settle(session, batch.supplier_id, batch.payments)
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
    posting.post(session, _drafts(disbursement, rows, settlements))
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


def check(
    session: orm.Session,
    supplier_id: UUID,
    payments: Sequence[PaymentOrder],
    pointers: Sequence[str],
    *,
    pay_list_id: UUID | None = None,
) -> None:
    """Refuse strangers, contributions of other households, and references and invoices used before."""
    households = {payment.payee_id for payment in payments if payment.kind is Kind.HOUSEHOLD}
    known = {
        Kind.HOUSEHOLD: set(benefits.enrolled(session, supplier_id, households)),
        Kind.COLLECTIVE: _collectives(session, supplier_id, payments),
    }
    makers = _makers(session, supplier_id, {payment.contribution_id for payment in payments} - {None})
    used = _used(session, supplier_id, payments, pay_list_id)
    invoices = _invoices(session, {payment.invoice_number for payment in payments} - {None}, pay_list_id)
    for payment, pointer in zip(payments, pointers, strict=True):
        if payment.payee_id not in known[payment.kind]:
            name = _name_of(session, supplier_id, payment)
            raise PayeeWithoutTieError(payee=named(name), pointer=f"{pointer}/payee_id")
        if payment.contribution_id and makers.get(payment.contribution_id) != payment.payee_id:
            raise ForeignContributionError(pointer=f"{pointer}/contribution_id")
        key = reference_key(payment.reference)
        if key in used:
            raise PaymentReferenceTakenError(reference=payment.reference, pointer=f"{pointer}/reference")
        used.add(key)
        if payment.invoice_number in invoices:
            raise EinvoiceTakenError(number=payment.invoice_number, pointer=f"{pointer}/invoice_number")
        invoices |= {payment.invoice_number} - {None}


def _used(
    session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder], pay_list_id: UUID | None
) -> set[str]:
    """Return which references were used: by payments, however made, and by the lines of other lists, paid or not."""
    keys = [reference_key(payment.reference) for payment in payments]
    paid = sa.select(Payment.reference_key).where(
        Payment.supplier_id == supplier_id, Payment.reference_key.in_(keys), Payment.reversed_at.is_(None)
    )
    listed = sa.select(PayListLine.reference_key).where(
        PayListLine.supplier_id == supplier_id,
        PayListLine.reference_key.in_(keys),
        PayListLine.status != LineStatus.WITHDRAWN,
        PayListLine.pay_list_id.is_distinct_from(pay_list_id),
    )
    return set(session.scalars(paid.union(listed)))


def _invoices(session: orm.Session, numbers: Collection[str | None], pay_list_id: UUID | None) -> set[str | None]:
    """Return which invoices stand behind a payment, or behind one that another list asks for, of whatever supplier."""
    if not numbers:
        return set()
    paid = sa.select(Payment.invoice_number).where(Payment.invoice_number.in_(numbers), Payment.reversed_at.is_(None))
    listed = sa.select(PayListLine.invoice_number).where(
        PayListLine.invoice_number.in_(numbers),
        PayListLine.status == LineStatus.OPEN,
        PayListLine.pay_list_id.is_distinct_from(pay_list_id),
    )
    return set(session.scalars(paid.union(listed)))


_BEGAN_ON = sa.text(
    """
    SELECT least((SELECT min(v.valid_from) FROM plans p JOIN plan_versions v ON v.plan_id = p.id
                   WHERE p.supplier_id = :supplier AND v.status = 'approved'),
                 (SELECT min(c.delivered_on) FROM lots l JOIN contributions c ON c.lot_id = l.id
                   WHERE l.supplier_id = :supplier AND l.status <> 'discarded'))
    """
)


def check_day(session: orm.Session, supplier_id: UUID, paid_on: date) -> None:
    """Refuse a day before anybody could be paid: before the first plan in force and the first delivery alike."""
    began_on = session.scalar(_BEGAN_ON, {"supplier": supplier_id})
    if began_on is not None and paid_on < began_on:
        reason = f"nobody was owed anything before {began_on}"
        raise InvalidInputError(reason, f"早于首个带农方案生效日及首次交货日({began_on})", pointer="/paid_on")


def _name_of(session: orm.Session, supplier_id: UUID, payment: PaymentOrder) -> str | None:
    """Return what the supplier may know a payee by: a household's code, an organisation's name."""
    if payment.kind is Kind.HOUSEHOLD:
        return code_known_to(session, supplier_id, payment.payee_id)
    return session.scalar(sa.select(Organisation.name).where(Organisation.id == payment.payee_id))


_COLLECTIVES = sa.text(
    """
    SELECT DISTINCT CAST(share ->> 0 AS uuid)
      FROM plans p
      JOIN plan_versions v ON v.plan_id = p.id AND v.status = 'approved'
      CROSS JOIN LATERAL jsonb_array_elements(v.body -> 'pools') AS pool
      CROSS JOIN LATERAL jsonb_array_elements(pool -> 'shares') AS share
     WHERE p.supplier_id = :supplier AND pool ->> 'mechanism' = ANY(:mechanisms)
     UNION
    SELECT owner_id FROM ledger_accounts
     WHERE book = 'attribution' AND kind = 'collective' AND counterpart_id = :supplier
    """
)


def _collectives(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> set[UUID]:
    """Return the collectives that share in a pool of an approved plan of the supplier, or were given something."""
    if all(payment.kind is not Kind.COLLECTIVE for payment in payments):
        return set()
    mechanisms = [code.value for code, terms in MECHANISMS.items() if terms.payee is Payee.COLLECTIVE]
    return set(session.scalars(_COLLECTIVES, {"supplier": supplier_id, "mechanisms": mechanisms}))


def _makers(session: orm.Session, supplier_id: UUID, contribution_ids: Collection[UUID | None]) -> Mapping[UUID, UUID]:
    """Return the household of each contribution to the supplier's lots."""
    if not contribution_ids:
        return {}
    found = (
        sa.select(Contribution.id, Contribution.household_id)
        .join(Lot, Lot.id == Contribution.lot_id)
        .where(Contribution.id.in_(contribution_ids), Lot.supplier_id == supplier_id, Lot.status != LotStatus.DISCARDED)
    )
    return {row.id: row.household_id for row in session.execute(found)}


def settle_delivered(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> list[Settlement]:
    """Return what the payments settle; raises `PaidBeyondDeliveryError` for one that pays more than it may."""
    settlements = settle(session, supplier_id, payments)
    check_paid_ahead(session, supplier_id, settlements, pointers_of(payments))
    return settlements


def settle(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> list[Settlement]:
    """Let each payment in turn settle what is still owed to its payee."""
    owed: dict[tuple[Kind, UUID], list[Owed]] = defaultdict(list)
    for item in queries.owed(session, supplier_id, {payment.payee_id for payment in payments}):
        owed[item.share.kind, item.share.owner_id].append(item)
    settlements: list[Settlement] = []
    for payment in payments:
        payee = (payment.kind, payment.payee_id)
        settled, left = pay(owed[payee], payment.amount_fen, contribution_id=payment.contribution_id)
        owed[payee] = _less(owed[payee], settled)
        settlements.append(Settlement(payment, settled, left))
    return settlements


def _less(owed: Sequence[Owed], settled: Sequence[Owed]) -> list[Owed]:
    paid = {item[:3]: item.fen for item in settled}
    rest = (item._replace(fen=item.fen - paid.get(item[:3], 0)) for item in owed)
    return [item for item in rest if item.fen]


def _drafts(
    disbursement: Disbursement, rows: Sequence[Payment], settlements: Sequence[Settlement]
) -> list[posting.Draft]:
    """Return an entry of the day of payment, and one for each later day on which a settled share was recognised.

    What was paid before it was recognised was an advance in between, and is posted so.
    """
    supplier_id, paid_on = disbursement.supplier_id, disbursement.paid_on
    source = f"disbursement:{disbursement.id}"
    paid: list[posting.Move] = []
    matched: dict[date, list[posting.Move]] = defaultdict(list)
    for row, settlement in zip(rows, settlements, strict=True):
        ahead_fen = settlement.advance_fen
        for item in settlement.settled:
            moves = matched[item.since] if item.since > paid_on else paid
            moves.append(_settles(item, supplier_id, row.id))
            if item.since > paid_on:
                ahead_fen += item.fen
                moves.append(_ahead(settlement.payment, supplier_id, -item.fen, row.id))
        if ahead_fen:
            paid.append(_ahead(settlement.payment, supplier_id, ahead_fen, row.id))
    facts = {"disbursement": disbursement.id, "payments": len(rows)}
    return [posting.Draft(source, "disbursement", paid_on, paid, facts), *matching.drafts(source, matched)]


def _settles(item: Owed, supplier_id: UUID, payment_id: UUID) -> posting.Move:
    source = posting.account(item.share, supplier_id, item.step)
    target = posting.account(item.share, supplier_id, PAID_STEP[item.step])
    return posting.Move(source, target, item.fen, item.share, item.order_line_id, payment_id)


def _ahead(payment: PaymentOrder, supplier_id: UUID, fen: int, payment_id: UUID) -> posting.Move:
    """Return the move that adds to (or with a negative amount takes from) the payee's advance."""
    share = Share(payment.kind, payment.payee_id, None, payment.contribution_id)
    ahead, source = posting.account(share, supplier_id, Step.ADVANCE), posting.paid_ahead(supplier_id)
    debit, credit = (source, ahead) if fen > 0 else (ahead, source)
    return posting.Move(debit, credit, abs(fen), share, None, payment_id)
