"""Disbursements and their confirmation over HTTP."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, PageQuery, after_id, answer, cut, declared, decode_cursor, encode_cursor, router_of
from market.attribution import disbursing, queries
from market.attribution.models import Disbursement, Payment
from market.attribution.payables import payables
from market.attribution.rules import (
    AlreadyConfirmedError,
    ForeignContributionError,
    Kind,
    PayeeWithoutTieError,
    PaymentOrder,
    PaymentReferenceTakenError,
)
from market.attribution.schemas import (
    Confirm,
    Confirmed,
    Disburse,
    DisbursementOut,
    PayableOut,
    PaymentListed,
    PaymentQuery,
    payment_out,
)
from market.clock import business_date, utc_now
from market.errors import InvalidInputError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.money import MAX_FEN

router = router_of("disbursements")


@router.post(
    "/disbursements",
    status_code=201,
    response_model=DisbursementOut,
    responses=declared(PayeeWithoutTieError, ForeignContributionError, PaymentReferenceTakenError, PeriodClosedError),
)
def disburse(
    request: Disburse,
    caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)],
    *,
    dry_run: bool = False,
) -> Response:
    """Record payments made to households and collectives; each settles what its payee is owed, oldest first."""
    now = utc_now()
    if request.paid_on > business_date(now):
        raise InvalidInputError("a payment cannot lie in the future", "付款日期不得晚于今天", pointer="/paid_on")
    payments = [
        PaymentOrder(
            Kind(payment.payee_kind), payment.payee_id, payment.amount_fen, payment.reference, payment.contribution_id
        )
        for payment in request.payments
    ]
    amount_fen = sum(payment.amount_fen for payment in payments)
    if amount_fen > MAX_FEN:
        raise InvalidInputError("the payments come to too large an amount", "合计金额过大", pointer="/payments")

    def work(session: orm.Session, actor: Actor) -> DisbursementOut:
        disbursement, rows, settlements = disbursing.disburse(
            session,
            actor,
            paid_on=request.paid_on,
            method=request.method,
            evidence=request.evidence,
            payments=payments,
            now=now,
        )
        paid = [payment_out(row.id, settlement) for row, settlement in zip(rows, settlements, strict=True)]
        return DisbursementOut(id=disbursement.id, paid_on=request.paid_on, amount_fen=amount_fen, payments=paid)

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        settlements = disbursing.predict(session, actor, paid_on=request.paid_on, payments=payments)
        paid = [payment_out(None, settlement) for settlement in settlements]
    return answer(DisbursementOut(id=None, paid_on=request.paid_on, amount_fen=amount_fen, payments=paid))


@router.get("/payments")
def list_payments(
    query: Annotated[PaymentQuery, Query()], caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> Page[PaymentListed]:
    """List payments to households and collectives, newest first."""
    with caller.transaction() as (session, actor):
        payments = queries.visible_payments(actor).join(Disbursement).add_columns(Disbursement.paid_on)
        if query.payee_id is not None:
            payments = payments.where(sa.func.coalesce(Payment.household_id, Payment.collective_id) == query.payee_id)
        if query.confirmed is not None:
            payments = payments.where(Payment.confirmed_at.is_not(None) == query.confirmed)
        if last := after_id(query.cursor):
            payments = payments.where(Payment.id < last)
        rows = session.execute(payments.order_by(Payment.id.desc()).limit(query.limit + 1)).all()
    page, next_cursor = cut(rows, query.limit, lambda row: row[0].id)
    listed = [
        PaymentListed(paid_on=paid_on, **{name: getattr(payment, name) for name in _LISTED})
        for payment, paid_on in page
    ]
    return Page(items=listed, next_cursor=next_cursor)


@router.get("/payables")
def list_payables(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> Page[PayableOut]:
    """List what a supplier owes to each household and collective: recognised or to be topped up, and not yet paid."""
    with caller.transaction() as (session, actor):
        found = payables(session, actor, after=_after(query.cursor), limit=query.limit + 1)
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    items = [PayableOut.model_validate(row) for row in page]
    return Page(items=items, next_cursor=last and encode_cursor(last.supplier_id, last.payee_id))


def _after(cursor: str | None) -> tuple[UUID, UUID] | None:
    if cursor is None:
        return None
    try:
        supplier_id, payee_id = map(UUID, decode_cursor(cursor, keys=2))
    except ValueError:
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None
    return supplier_id, payee_id


_LISTED = tuple(name for name in PaymentListed.model_fields if name != "paid_on")


@router.post(
    "/payments/confirmations", status_code=201, response_model=Confirmed, responses=declared(AlreadyConfirmedError)
)
def confirm_payments(
    request: Confirm, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_CONFIRM)]
) -> Response:
    """Confirm for households of one's village that they have received these payments."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> Confirmed:
        payments = disbursing.confirm(session, actor, payment_ids=request.payment_ids, on=business_date(now), now=now)
        return Confirmed(payments=len(payments), amount_fen=sum(payment.amount_fen for payment in payments))

    return caller.once(request, work)
