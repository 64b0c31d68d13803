"""What payments settle: of what their payees are owed the oldest first, and the entries by which it is posted."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import orm

from market.attribution import matching, posting, queries
from market.attribution.ahead import check_paid_ahead
from market.attribution.checking import check_produce, pointers_of
from market.attribution.claiming import pay
from market.attribution.models import Disbursement, Payment
from market.attribution.rules import PAID_STEP, Kind, Owed, PaymentOrder, Settlement, Share, Step


def settle_delivered(
    session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder], *, on: date
) -> list[Settlement]:
    """Return what payments of a day settle.

    Raises `PaidBeyondDeliveryError` for one that pays more than it may, `InvoiceNotForProduceError` for one by purchase
    invoice that would settle something else.
    """
    settlements, pointers = _settle(session, supplier_id, payments, whatever=True), pointers_of(payments)
    for settlement, pointer in zip(settlements, pointers, strict=True):
        check_produce(settlement.payment, {item.share.mechanism for item in settlement.settled}, pointer=pointer)
    check_paid_ahead(session, supplier_id, settlements, pointers, on=on)
    return settlements


def settle(session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder]) -> list[Settlement]:
    """Let each payment in turn settle what is still owed to its payee: one by purchase invoice, produce alone."""
    return _settle(session, supplier_id, payments, whatever=False)


def _settle(
    session: orm.Session, supplier_id: UUID, payments: Sequence[PaymentOrder], *, whatever: bool
) -> list[Settlement]:
    """Let each payment settle what it may, or by invoice too whatever is owed."""
    owed: dict[tuple[Kind, UUID], list[Owed]] = defaultdict(list)
    for item in queries.owed(session, supplier_id, {payment.payee_id for payment in payments}):
        owed[item.share.kind, item.share.owner_id].append(item)
    settlements: list[Settlement] = []
    for payment in payments:
        payee = (payment.kind, payment.payee_id)
        invoiced = payment.invoice_number is not None and not whatever
        settled, left = pay(owed[payee], payment.amount_fen, contribution_id=payment.contribution_id, invoiced=invoiced)
        owed[payee] = _less(owed[payee], settled)
        settlements.append(Settlement(payment, settled, left))
    return settlements


def _less(owed: Sequence[Owed], settled: Sequence[Owed]) -> list[Owed]:
    paid = {item[:3]: item.fen for item in settled}
    rest = (item._replace(fen=item.fen - paid.get(item[:3], 0)) for item in owed)
    return [item for item in rest if item.fen]


def drafts(
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
