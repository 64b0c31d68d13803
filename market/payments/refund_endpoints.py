"""Refunds over HTTP: asked for, decided by another, sent, told by the bank or the provider."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, declared, file_content, newest, router_of
from market.banking.rules import AccountClosedError, NoPayingAccountError, PaidAfterAllError, ToldByStatementError
from market.banks.payment_forms import MEDIA_TYPES
from market.banks.rules import PaymentFileError
from market.clock import business_date, utc_now
from market.errors import (
    FourEyesError,
    FutureDateError,
    InvalidInputError,
    NotFoundError,
    TransitionError,
    check_not_ahead,
)
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.payments import refund_files, refund_queries, refunding
from market.payments.asking import Book, ProviderIfAny, once_asking
from market.payments.models import Refund
from market.payments.refund_schemas import (
    DecideRefund,
    FailRefund,
    PrepareRefundFile,
    RecordRefund,
    RefundChangeOut,
    RefundDetail,
    RefundFileOut,
    RefundOut,
    RefundQuery,
    RefundsOut,
    RequestRefund,
    RerouteRefund,
    SendRefund,
)
from market.payments.rules import (
    DisputeOpenError,
    NoPayeeError,
    NotSentError,
    RefundEvent,
    RefundInFileFailedError,
    RefundReferenceTakenError,
    RefundTooMuchError,
    RefundUnclearError,
    WithProviderError,
)

router = router_of("refunds")
Sender = Annotated[Caller, requires(Permission.REFUND_SEND)]
Reader = Annotated[Caller, requires(Permission.REFUND_READ)]
_STEP = (NotFoundError, TransitionError, PeriodClosedError)
_BLOCKED = (DisputeOpenError, RefundUnclearError, PaidAfterAllError)


@router.post(
    "/orders/{order_id}/refunds",
    status_code=201,
    response_model=RefundsOut,
    responses=declared(NotFoundError, *_BLOCKED, RefundTooMuchError),
)
def request_refund(
    order_id: UUID, request: RequestRefund, caller: Annotated[Caller, requires(Permission.REFUND_REQUEST)]
) -> Response:
    """Ask for what the buyer paid of an order and does not owe: by the way it came, or to another account."""
    payee = refunding.Payee(request.payee.name, request.payee.account) if request.payee else None
    wish = refunding.Wish(request.amount_fen, request.reason, payee)

    def work(session: orm.Session, actor: Actor) -> RefundsOut:
        made = refunding.request(session, actor, order_id=order_id, wish=wish, now=utc_now())
        return RefundsOut(refunds=[RefundOut.model_validate(refund) for refund in made])

    return caller.once(request, work)


@router.post(
    "/refunds/{refund_id}/decision",
    status_code=201,
    response_model=RefundDetail,
    responses=declared(*_STEP, FourEyesError, *_BLOCKED, RefundTooMuchError, WithProviderError),
)
def decide_refund(refund_id: UUID, request: DecideRefund, caller: Sender, gateway: ProviderIfAny, db: Book) -> Response:
    """Approve or decline a refund that another asked for; approved, the provider sends what came by it."""
    if request.event not in (RefundEvent.APPROVE, RefundEvent.DECLINE):
        raise InvalidInputError("a refund is approved or declined", "退款只能批准或退回", pointer="/event")

    def work(session: orm.Session, actor: Actor) -> tuple[RefundDetail, UUID]:
        refund = refunding.decide(session, actor, refund_id=refund_id, event=request.event, now=utc_now())
        return _detail(session, refund), refund.id

    return once_asking(caller, gateway, db, request, work)


@router.post(
    "/refunds/{refund_id}/sending",
    status_code=201,
    response_model=RefundDetail,
    responses=declared(
        *_STEP, FourEyesError, NoPayeeError, NoPayingAccountError, AccountClosedError, *_BLOCKED, RefundTooMuchError
    ),
)
def send_refund(refund_id: UUID, request: SendRefund, caller: Sender) -> Response:
    """Hand an approved refund to the bank: the account's file of payments has it from now on."""

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        sent = refunding.send(session, actor, refund_id=refund_id, bank_name=request.bank_name, now=utc_now())
        return _detail(session, sent)

    return caller.once(request, work)


@router.post(
    "/bank-accounts/{account_id}/refund-files",
    status_code=201,
    response_model=RefundFileOut,
    responses=declared(NotFoundError, NotSentError, PaymentFileError),
)
def prepare_refund_file(account_id: UUID, request: PrepareRefundFile, caller: Sender) -> Response:
    """Write the file by which the bank of an account is told to pay the refunds that are with it and in no other."""

    def work(session: orm.Session, actor: Actor) -> RefundFileOut:
        file = refund_files.prepare(session, actor, account_id=account_id, form=request.form, now=utc_now())
        return RefundFileOut.model_validate(file)

    return caller.once(request, work)


@router.get(
    "/refund-files/{file_id}",
    response_class=Response,
    responses={
        200: {"content": file_content(*MEDIA_TYPES.values()), "description": "The file for the bank"},
        **declared(NotFoundError, RefundInFileFailedError),
    },
)
def download_refund_file(file_id: UUID, caller: Sender) -> Response:
    """Download a file of refunds as it was written, however often, until one of them fails."""
    with caller.transaction() as (session, actor):
        file = refund_files.find(session, actor, file_id)
        content, form, name = file.content, file.form, f"{file.number}.{file.form}"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=MEDIA_TYPES[form], headers=disposition)


@router.post(
    "/refunds/{refund_id}/payment",
    status_code=201,
    response_model=RefundDetail,
    responses=declared(*_STEP, FutureDateError, FourEyesError, RefundReferenceTakenError, ToldByStatementError),
)
def record_refund(refund_id: UUID, request: RecordRefund, caller: Sender) -> Response:
    """Record that the supplier's own bank paid a refund that another member approved."""
    now = utc_now()
    check_not_ahead(request.paid_on, today=business_date(now), pointer="/paid_on")

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        recorded = refunding.record(session, actor, refund_id=refund_id, **request.model_dump(), now=now)
        return _detail(session, recorded)

    return caller.once(request, work)


@router.post(
    "/refunds/{refund_id}/failure",
    status_code=201,
    response_model=RefundDetail,
    responses=declared(*_STEP, FourEyesError),
)
def fail_refund(refund_id: UUID, request: FailRefund, caller: Sender) -> Response:
    """Take note that the bank did not pay: the money is to go back still.

    One that is in a file is said to have failed by another than who sent it or prepared the file.
    """

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        failed = refunding.fail(session, actor, refund_id=refund_id, reason=request.reason, now=utc_now())
        return _detail(session, failed)

    return caller.once(request, work)


@router.post(
    "/refunds/{refund_id}/rerouting",
    status_code=201,
    response_model=RefundDetail,
    responses=declared(*_STEP, *_BLOCKED, RefundTooMuchError),
)
def reroute_refund(refund_id: UUID, request: RerouteRefund, caller: Sender) -> Response:
    """Ask for a failed refund anew, by a bank to another account; another member decides."""
    payee = refunding.Payee(request.payee.name, request.payee.account)

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        again = refunding.reroute(
            session, actor, refund_id=refund_id, payee=payee, reason=request.reason, now=utc_now()
        )
        return _detail(session, again)

    return caller.once(request, work)


@router.get("/refunds")
def list_refunds(query: Annotated[RefundQuery, Query()], caller: Reader) -> Page[RefundOut]:
    """List refunds, newest first."""
    filters = query.model_dump(include={"order_id", "status"}, exclude_none=True)
    with caller.transaction() as (session, actor):
        refunds = refund_queries.visible_refunds(actor).filter_by(**filters)
        page, next_cursor = newest(session, refunds, Refund.id, query)
    return Page(items=[RefundOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/refunds/{refund_id}", responses=declared(NotFoundError))
def show_refund(refund_id: UUID, caller: Reader) -> RefundDetail:
    """Show a refund with its history."""
    with caller.transaction() as (session, actor):
        return _detail(session, refund_queries.one_refund(session, actor, refund_id))


def _detail(session: orm.Session, refund: Refund) -> RefundDetail:
    return RefundDetail(
        **RefundOut.model_validate(refund).model_dump(),
        changes=[RefundChangeOut.model_validate(row) for row in refund_queries.changes_of(session, refund.id)],
    )
