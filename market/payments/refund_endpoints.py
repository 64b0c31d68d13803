"""Refunds over HTTP: asked for, decided by another, sent, told by the bank or the provider."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import orm

from market.api import Page, after_id, cut, declared, file_content, router_of
from market.banks.payment_forms import MEDIA_TYPES
from market.banks.rules import PaymentFileError
from market.clock import business_date, utc_now
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.payments import queries, refund_files, refund_queries, refunding
from market.payments.models import Refund
from market.payments.refund_schemas import (
    DecideRefund,
    FailRefund,
    RecordRefund,
    RefundChangeOut,
    RefundDetail,
    RefundFileQuery,
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
    RefundTooMuchError,
    WithProviderError,
)
from market.payments.tasks import push

router = router_of("refunds")
Sender = Annotated[Caller, requires(Permission.REFUND_SEND)]
Reader = Annotated[Caller, requires(Permission.REFUND_READ)]
_STEP = (NotFoundError, TransitionError, PeriodClosedError)


@router.post(
    "/orders/{order_id}/refunds",
    status_code=201,
    response_model=RefundsOut,
    responses=declared(NotFoundError, DisputeOpenError, RefundTooMuchError),
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
    responses=declared(*_STEP, FourEyesError, DisputeOpenError, RefundTooMuchError, WithProviderError),
)
def decide_refund(refund_id: UUID, request: DecideRefund, caller: Sender, http: Request) -> Response:
    """Approve or decline a refund that another asked for; approved, the provider sends what came by it."""
    if request.event not in (RefundEvent.APPROVE, RefundEvent.DECLINE):
        raise InvalidInputError("a refund is approved or declined", "退款只能批准或退回", pointer="/event")
    asked: list[UUID] = []

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        refund = refunding.decide(session, actor, refund_id=refund_id, event=request.event, now=utc_now())
        asked.append(refund.id)
        return _detail(session, refund)

    response = caller.once(request, work)
    for each in asked if http.app.state.gateway else ():
        push(http.app.state.db, http.app.state.gateway, each, utc_now())
    return response


@router.post(
    "/refunds/{refund_id}/sending",
    status_code=201,
    response_model=RefundDetail,
    responses=declared(*_STEP, NoPayeeError, DisputeOpenError, RefundTooMuchError),
)
def send_refund(refund_id: UUID, request: SendRefund, caller: Sender) -> Response:
    """Hand an approved refund to the bank: the account's file of payments has it from now on."""

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        sent = refunding.send(session, actor, refund_id=refund_id, bank_name=request.bank_name, now=utc_now())
        return _detail(session, sent)

    return caller.once(request, work)


@router.get(
    "/bank-accounts/{account_id}/refund-file",
    response_class=Response,
    responses={
        200: {"content": file_content(*MEDIA_TYPES.values()), "description": "The file for the bank"},
        **declared(NotFoundError, NotSentError, PaymentFileError),
    },
)
def download_refund_file(account_id: UUID, query: Annotated[RefundFileQuery, Query()], caller: Sender) -> Response:
    """Download the file by which the bank of an account is told to pay the refunds that are with it."""
    with caller.transaction() as (session, actor):
        account = queries.account_paying_refunds(session, actor, account_id)
        content = refund_files.payment_file(session, account, query.form, now=utc_now())
    disposition = {"Content-Disposition": f'attachment; filename="refunds.{query.form}"'}
    return Response(content, media_type=MEDIA_TYPES[query.form], headers=disposition)


@router.post("/refunds/{refund_id}/payment", status_code=201, response_model=RefundDetail, responses=declared(*_STEP))
def record_refund(refund_id: UUID, request: RecordRefund, caller: Sender) -> Response:
    """Record that the supplier's own bank paid an approved refund."""
    now = utc_now()
    if request.paid_on > business_date(now):
        raise InvalidInputError("a payment cannot lie in the future", "付款日期不得晚于今天", pointer="/paid_on")

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        recorded = refunding.record(session, actor, refund_id=refund_id, **request.model_dump(), now=now)
        return _detail(session, recorded)

    return caller.once(request, work)


@router.post("/refunds/{refund_id}/failure", status_code=201, response_model=RefundDetail, responses=declared(*_STEP))
def fail_refund(refund_id: UUID, request: FailRefund, caller: Sender) -> Response:
    """Take note that the bank did not pay: the money is to go back still."""

    def work(session: orm.Session, actor: Actor) -> RefundDetail:
        failed = refunding.fail(session, actor, refund_id=refund_id, reason=request.reason, now=utc_now())
        return _detail(session, failed)

    return caller.once(request, work)


@router.post(
    "/refunds/{refund_id}/rerouting",
    status_code=201,
    response_model=RefundDetail,
    responses=declared(*_STEP, RefundTooMuchError),
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
        if last := after_id(query.cursor):
            refunds = refunds.where(Refund.id < last)
        rows = session.scalars(refunds.order_by(Refund.id.desc()).limit(query.limit + 1)).all()
    page, next_cursor = cut(rows, query.limit, lambda refund: refund.id)
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
