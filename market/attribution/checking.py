"""What may be paid: to whom, for which contribution, under which reference and invoice, from which day on."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.models import PayListLine, Payment
from market.attribution.paying import (
    CashNeedsWitnessError,
    EinvoiceTakenError,
    ForeignContributionError,
    LineStatus,
    Method,
    PayeeWithoutTieError,
    PaymentReferenceTakenError,
    check_purchase_invoice,
    invoice_number,
)
from market.attribution.rules import Kind, PaymentOrder
from market.benefits import service as benefits
from market.benefits.queries import code_known_to
from market.benefits.rules import MECHANISMS, Payee
from market.db import lock_by
from market.errors import InvalidInputError, named
from market.identifiers import reference_key
from market.identity.models import Organisation
from market.lots.models import Contribution, Lot
from market.lots.rules import ContributionAnnulledError, LotStatus


def invoiced(method: Method, payments: Sequence[PaymentOrder], *, by: date) -> list[PaymentOrder]:
    """Return the payments with the numbers of their invoices; raises `EinvoiceNumberError` or `CashNeedsWitnessError`.

    Cash that one person alone would record is refused here; a list of cash comes by `record`.
    """
    if method is Method.CASH:
        raise CashNeedsWitnessError(pointer="/method")
    return with_invoices(method, payments, by=by)


def with_invoices(method: Method, payments: Sequence[PaymentOrder], *, by: date) -> list[PaymentOrder]:
    """Return the payments with the numbers of their invoices, issued by a day; raises `EinvoiceNumberError`."""
    return [
        payment._replace(
            invoice_number=invoice_number(method, payment.reference, payment.invoice_number, by=by, pointer=pointer)
        )
        for payment, pointer in zip(payments, pointers_of(payments), strict=True)
    ]


def pointers_of(payments: Sequence[PaymentOrder]) -> list[str]:
    """Return where each payment stands in a request."""
    return [f"/payments/{position}" for position in range(len(payments))]


def check_payments(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> None:
    """Refuse strangers, contributions of others, annulled or of no produce, references and invoices used before."""
    households = {payment.payee_id for payment in payments if payment.kind is Kind.HOUSEHOLD}
    known = {
        Kind.HOUSEHOLD: set(benefits.enrolled(session, supplier_id, households)),
        Kind.COLLECTIVE: _collectives(session, supplier_id, payments),
    }
    makers = _makers(session, supplier_id, {payment.contribution_id for payment in payments} - {None})
    used = _used(session, supplier_id, payments)
    invoices = _invoices(session, {payment.invoice_number for payment in payments} - {None})
    for payment, pointer in zip(payments, pointers_of(payments), strict=True):
        if payment.payee_id not in known[payment.kind]:
            name = _name_of(session, supplier_id, payment)
            raise PayeeWithoutTieError(payee=named(name), pointer=f"{pointer}/payee_id")
        maker, mechanism, annulment_id = makers.get(payment.contribution_id, (None, None, None))
        if payment.contribution_id and maker != payment.payee_id:
            raise ForeignContributionError(pointer=f"{pointer}/contribution_id")
        if annulment_id is not None:
            raise ContributionAnnulledError(pointer=f"{pointer}/contribution_id")
        check_produce(payment, {mechanism}, pointer=pointer)
        key = reference_key(payment.reference)
        if key in used:
            raise PaymentReferenceTakenError(reference=payment.reference, pointer=f"{pointer}/reference")
        used.add(key)
        if payment.invoice_number in invoices:
            raise EinvoiceTakenError(number=payment.invoice_number, pointer=f"{pointer}/invoice_number")
        invoices |= {payment.invoice_number} - {None}


def check_produce(payment: PaymentOrder, mechanisms: Collection[str | None], *, pointer: str) -> None:
    """Raise `InvoiceNotForProduceError` for an invoiced payment that is for anything but a household's produce."""
    if payment.invoice_number is not None:
        payee = Payee.HOUSEHOLD if payment.kind is Kind.HOUSEHOLD else Payee.COLLECTIVE
        check_purchase_invoice(payee, mechanisms, pointer=f"{pointer}/invoice_number")


def _used(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> set[str]:
    """Return which references were used: by payments, however made, and by the lines of lists, paid or not."""
    keys = [reference_key(payment.reference) for payment in payments]
    paid = sa.select(Payment.reference_key).where(
        Payment.supplier_id == supplier_id, Payment.reference_key.in_(keys), Payment.reversed_at.is_(None)
    )
    listed = sa.select(PayListLine.reference_key).where(
        PayListLine.supplier_id == supplier_id,
        PayListLine.reference_key.in_(keys),
        PayListLine.status != LineStatus.WITHDRAWN,
    )
    return set(session.scalars(paid.union(listed)))


def _invoices(session: orm.Session, numbers: Collection[str | None]) -> set[str | None]:
    """Return which invoices stand behind a payment, or behind one that a list asks for, of whatever supplier.

    Serialises who names invoices until the transaction ends: a payment and a list have no index in common that would
    keep two suppliers from naming one at once, and the list could never be booked then.
    """
    if not numbers:
        return set()
    lock_by(session, kind="purchase_invoices", key="market")
    paid = sa.select(Payment.invoice_number).where(Payment.invoice_number.in_(numbers), Payment.reversed_at.is_(None))
    listed = sa.select(PayListLine.invoice_number).where(
        PayListLine.invoice_number.in_(numbers), PayListLine.status == LineStatus.OPEN
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


def _makers(
    session: orm.Session, supplier_id: UUID, contribution_ids: Collection[UUID | None]
) -> Mapping[UUID | None, tuple[UUID, str, UUID | None]]:
    """Return the household, the mechanism and perhaps the annulment of each contribution to the supplier's lots."""
    if not contribution_ids:
        return {}
    found = (
        sa.select(Contribution.id, Contribution.household_id, Contribution.mechanism, Contribution.annulment_id)
        .join(Lot, Lot.id == Contribution.lot_id)
        .where(Contribution.id.in_(contribution_ids), Lot.supplier_id == supplier_id, Lot.status != LotStatus.DISCARDED)
    )
    return {row.id: (row.household_id, row.mechanism, row.annulment_id) for row in session.execute(found)}
