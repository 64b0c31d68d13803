"""The e-invoices (数电发票) that acceptances rest on: of the right form, and each for one order of its supplier."""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import insert

from market.channels.rules import EvidenceKind
from market.identifiers import is_einvoice_number
from market.orders.models import AcceptanceInvoice, Order
from market.orders.rules import InvoiceNumberError, InvoiceTakenError

_POINTER = f"/evidence/{EvidenceKind.INVOICE}"


def check(evidence: Mapping[str, str], *, by: date) -> None:
    """Raise `InvoiceNumberError` for an invoice whose number is not that of an e-invoice issued by a day."""
    number = evidence.get(EvidenceKind.INVOICE)
    if number is not None and not is_einvoice_number(number, by=by):
        raise InvoiceNumberError(number=number, pointer=_POINTER)


def use(session: orm.Session, order: Order, evidence: Mapping[str, str]) -> None:
    """Take the invoice for the order; raises `InvoiceTakenError` if it was given for another, even at this moment."""
    number = evidence.get(EvidenceKind.INVOICE)
    if number is None:
        return
    row = {"supplier_id": order.supplier_id, "number": number, "order_id": order.id}
    taken = insert(AcceptanceInvoice).values(row).on_conflict_do_nothing().returning(AcceptanceInvoice.number)
    if session.scalar(taken) is None:
        check_unused(session, order, evidence)


def check_unused(session: orm.Session, order: Order, evidence: Mapping[str, str]) -> None:
    """Raise `InvoiceTakenError` if the invoice was given for another order of the supplier."""
    number = evidence.get(EvidenceKind.INVOICE)
    for_another = sa.select(
        sa.exists().where(
            AcceptanceInvoice.supplier_id == order.supplier_id,
            AcceptanceInvoice.number == number,
            AcceptanceInvoice.order_id != order.id,
        )
    )
    if session.scalar(for_another):
        raise InvoiceTakenError(number=number, pointer=_POINTER)
