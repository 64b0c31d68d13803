"""Disbursements and their confirmation over HTTP."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, Query, Response
from sqlalchemy import orm

from market.api import (
    Page,
    after_id,
    answer,
    cut,
    declared,
    decode_cursor,
    encode_cursor,
    file_body,
    file_content,
    read_file,
    router_of,
    tried,
)
from market.attribution import disbursing, evidence, pay_lists, pictures, queries
from market.attribution.models import Disbursement, Payment
from market.attribution.payables import payables, set_terms
from market.attribution.paying import (
    CashNeedsWitnessError,
    EinvoiceNumberError,
    EinvoiceTakenError,
    EvidenceTypeError,
    EvidenceUsedError,
    ForeignContributionError,
    InvoiceNotForProduceError,
    PaidBeyondDeliveryError,
    PayeeWithoutTieError,
    PaymentReferenceTakenError,
    UnreadablePdfError,
    UnreadablePictureError,
)
from market.attribution.pictures import MEDIA_TYPES
from market.attribution.rules import (
    Kind,
    PaymentOrder,
)
from market.attribution.schemas import (
    AddEvidence,
    CaptureQuery,
    ConfirmationOut,
    Disburse,
    DisbursementOut,
    DisbursementRead,
    EvidenceOut,
    PayableOut,
    PayableQuery,
    PaymentIn,
    PaymentListed,
    PaymentQuery,
    SetTerms,
    TermsOut,
    Uploaded,
    payment_out,
)
from market.clock import business_date, utc_now
from market.errors import FutureDateError, InvalidInputError, NotFoundError, check_not_ahead
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.lots.rules import ContributionAnnulledError
from market.money import MAX_FEN
from market.regions.rules import UnknownRegionError

router = router_of("disbursements")

_LISTED = tuple(name for name in PaymentListed.model_fields if name not in {"paid_on", "recorded_at", "confirmation"})


@router.post(
    "/disbursements",
    status_code=201,
    response_model=DisbursementOut,
    responses=tried(DisbursementOut)
    | declared(
        FutureDateError,
        PayeeWithoutTieError,
        ForeignContributionError,
        ContributionAnnulledError,
        PaymentReferenceTakenError,
        EinvoiceNumberError,
        EinvoiceTakenError,
        InvoiceNotForProduceError,
        PaidBeyondDeliveryError,
        CashNeedsWitnessError,
        EvidenceUsedError,
        NotFoundError,
        PeriodClosedError,
    ),
)
def disburse(
    request: Disburse,
    caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)],
    *,
    dry_run: bool = False,
) -> Response:
    """Record payments made to households and collectives; each settles what its payee is owed, oldest first."""
    now = utc_now()
    check_not_ahead(request.paid_on, today=business_date(now), pointer="/paid_on")
    payments, amount_fen = orders_of(request.payments)

    def work(session: orm.Session, actor: Actor) -> DisbursementOut:
        disbursement, rows, settlements = disbursing.disburse(
            session,
            actor,
            paid_on=request.paid_on,
            method=request.method,
            evidence=request.evidence,
            evidence_ids=request.evidence_ids,
            payments=payments,
            now=now,
        )
        listed = _on_open_lists(session, actor, payments)
        paid = [payment_out(row.id, settlement, listed) for row, settlement in zip(rows, settlements, strict=True)]
        return DisbursementOut(id=disbursement.id, paid_on=request.paid_on, amount_fen=amount_fen, payments=paid)

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        settlements = disbursing.predict(
            session, actor, paid_on=request.paid_on, payments=payments, method=request.method
        )
        listed = _on_open_lists(session, actor, payments)
        paid = [payment_out(None, settlement, listed) for settlement in settlements]
    return answer(DisbursementOut(id=None, paid_on=request.paid_on, amount_fen=amount_fen, payments=paid))


def _on_open_lists(session: orm.Session, actor: Actor, payments: Sequence[PaymentOrder]) -> dict[UUID, int]:
    payee_ids = {payment.payee_id for payment in payments}
    return pay_lists.on_open_lists(session, actor.organisation_id, payee_ids)


def orders_of(payments: Sequence[PaymentIn]) -> tuple[list[PaymentOrder], int]:
    """Return the payments of a request, and what they come to."""
    orders = [
        PaymentOrder(
            Kind(payment.payee_kind),
            payment.payee_id,
            payment.amount_fen,
            payment.reference,
            payment.contribution_id,
            payment.invoice_number,
        )
        for payment in payments
    ]
    amount_fen = sum(order.amount_fen for order in orders)
    if amount_fen > MAX_FEN:
        raise InvalidInputError("the payments come to too large an amount", "合计金额过大", pointer="/payments")
    return orders, amount_fen


@router.get("/disbursements/{disbursement_id}", responses=declared(NotFoundError))
def read_disbursement(
    disbursement_id: UUID, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> DisbursementRead:
    """Return a disbursement with the files that prove it."""
    with caller.transaction() as (session, actor):
        return disbursement_read(session, actor, disbursing.find(session, actor, disbursement_id))


def disbursement_read(session: orm.Session, actor: Actor, disbursement: Disbursement) -> DisbursementRead:
    """Show a disbursement with the files that prove it, and of its payments those that the actor may know of."""
    names = DisbursementRead.model_fields.keys() - {"evidence_ids", "payments"}
    own = queries.visible_payments(actor).where(Payment.disbursement_id == disbursement.id).order_by(Payment.id)
    payments = [(payment, disbursement) for payment in session.scalars(own)]
    return DisbursementRead(
        evidence_ids=list(evidence.proving(session, disbursement.id)),
        payments=_listed(session, actor, payments),
        **{name: getattr(disbursement, name) for name in names},
    )


def _listed(session: orm.Session, actor: Actor, rows: Iterable[tuple[Payment, Disbursement]]) -> list[PaymentListed]:
    """Show payments, each with its day and when that was recorded, and how it was confirmed."""
    paid = list(rows)
    hows = queries.confirmed_how(session, actor, [payment.id for payment, _ in paid])
    return [
        PaymentListed(
            paid_on=disbursement.paid_on,
            recorded_at=disbursement.made_at,
            confirmation=ConfirmationOut.model_validate(hows[payment.id]) if payment.id in hows else None,
            **{name: getattr(payment, name) for name in _LISTED},
        )
        for payment, disbursement in paid
    ]


@router.post(
    "/disbursements/{disbursement_id}/evidence",
    status_code=201,
    response_model=DisbursementRead,
    responses=declared(NotFoundError, EvidenceUsedError),
)
def add_evidence(
    disbursement_id: UUID,
    request: AddEvidence,
    caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)],
) -> Response:
    """Add files that prove a disbursement; none is ever taken away."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> DisbursementRead:
        disbursement = disbursing.add_evidence(
            session, actor, disbursement_id=disbursement_id, evidence_ids=request.evidence_ids, now=now
        )
        return disbursement_read(session, actor, disbursement)

    return caller.once(request, work)


@router.post(
    "/evidence",
    status_code=201,
    response_model=EvidenceOut,
    responses=declared(FutureDateError, EvidenceTypeError, UnreadablePictureError, UnreadablePdfError),
    openapi_extra=file_body(*MEDIA_TYPES),
)
def upload_evidence(
    content: Annotated[bytes, Depends(read_file)],
    query: Annotated[CaptureQuery, Query()],
    caller: Annotated[Caller, requires(Permission.EVIDENCE_WRITE)],
) -> Response:
    """Keep a picture or a PDF, the body of the request, as evidence; the same bytes again are found, not kept twice."""
    now = utc_now()
    if query.taken_on is not None:
        check_not_ahead(query.taken_on, today=business_date(now), pointer="/query/taken_on")
    upload = Uploaded(sha256=sha256(content).hexdigest(), taken_on=query.taken_on)

    def work(session: orm.Session, actor: Actor) -> EvidenceOut:
        seen = pictures.look(content)
        return EvidenceOut.model_validate(
            evidence.store(session, actor, content, seen, stated_on=query.taken_on, now=now)
        )

    return caller.once(upload, work)


@router.get("/evidence/{evidence_id}", responses=declared(NotFoundError))
def read_evidence(evidence_id: UUID, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]) -> EvidenceOut:
    """Say what is known of a file, and what it proves."""
    with caller.transaction() as (session, actor):
        return EvidenceOut.model_validate(evidence.find(session, actor, evidence_id))


@router.get(
    "/evidence/{evidence_id}/content",
    response_class=Response,
    responses=declared(NotFoundError) | {200: {"content": file_content(*MEDIA_TYPES)}},
)
def read_evidence_content(
    evidence_id: UUID, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> Response:
    """Return the bytes of a file; it may show persons, so it is recorded who looked."""
    with caller.transaction() as (session, actor):
        content, media_type = evidence.read(session, actor, evidence_id, now=utc_now())
    headers = {"Cache-Control": "no-store", "Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)


@router.get("/payments")
def list_payments(
    query: Annotated[PaymentQuery, Query()], caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> Page[PaymentListed]:
    """List payments to households and collectives, newest first."""
    with caller.transaction() as (session, actor):
        payments = queries.visible_payments(actor).join(Disbursement).add_columns(Disbursement)
        if query.payee_id is not None:
            payments = payments.where(sa.func.coalesce(Payment.household_id, Payment.collective_id) == query.payee_id)
        if query.confirmed is not None:
            payments = payments.where(Payment.confirmed_at.is_not(None) == query.confirmed)
        if last := after_id(query.cursor):
            payments = payments.where(Payment.id < last)
        rows = session.execute(payments.order_by(Payment.id.desc()).limit(query.limit + 1)).all()
        page, next_cursor = cut(rows, query.limit, lambda row: row[0].id)
        return Page(items=_listed(session, actor, ((row[0], row[1]) for row in page)), next_cursor=next_cursor)


@router.get("/payables")
def list_payables(
    query: Annotated[PayableQuery, Query()], caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> Page[PayableOut]:
    """List what each supplier owes to each household and collective and has not paid, and what of it is overdue."""
    with caller.transaction() as (session, actor):
        found = payables(
            session,
            actor,
            on=business_date(utc_now()),
            after=_after(query.cursor),
            limit=query.limit + 1,
            supplier_id=query.supplier_id,
            payee_id=query.payee_id,
            overdue=query.overdue,
        )
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    items = [PayableOut.model_validate(row) for row in page]
    return Page(items=items, next_cursor=last and encode_cursor(last.supplier_id, last.payee_id))


@router.post(
    "/payment-terms",
    status_code=201,
    response_model=TermsOut,
    responses=declared(UnknownRegionError, NotFoundError),
)
def set_payment_terms(
    request: SetTerms, caller: Annotated[Caller, requires(Permission.PAYMENT_TERMS_WRITE)]
) -> Response:
    """Put on record within how many days of recognition payees of one's region are paid, from a day on."""
    today = business_date(utc_now())
    return caller.once(
        request,
        lambda session, actor: TermsOut.model_validate(set_terms(session, actor, **dict(request), today=today)),
    )


def _after(cursor: str | None) -> tuple[UUID, UUID] | None:
    if cursor is None:
        return None
    try:
        supplier_id, payee_id = map(UUID, decode_cursor(cursor, keys=2))
    except ValueError:
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None
    return supplier_id, payee_id
