"""Lists of payments over HTTP: prepared, answered by the bank, countersigned, withdrawn."""

from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from sqlalchemy import orm

from market.api import Page, after_id, answer, cut, declared, file_body, read_file, router_of
from market.attribution import bank_file, bank_results, cash, disbursing, pay_lists, queries
from market.attribution.endpoints import disbursement_read, orders_of
from market.attribution.models import PayList
from market.attribution.pay_list_schemas import (
    BankResultOut,
    Countersign,
    ListLineOut,
    PayListListed,
    PayListOut,
    PayListQuery,
    Prepare,
    ResultFile,
    ResultQuery,
)
from market.attribution.paying import (
    BankFileError,
    BankResultError,
    EinvoiceNumberError,
    EinvoiceTakenError,
    EvidenceUsedError,
    ForeignContributionError,
    Method,
    PayeeWithoutTieError,
    PaymentReferenceTakenError,
)
from market.attribution.schemas import DisbursementRead
from market.clock import business_date, utc_now
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError

router = router_of("disbursements")

_PAYING = (
    PayeeWithoutTieError,
    ForeignContributionError,
    PaymentReferenceTakenError,
    EinvoiceNumberError,
    EinvoiceTakenError,
)
_POSTING = (*_PAYING, PeriodClosedError, NotFoundError, TransitionError)


@router.post("/pay-lists", status_code=201, response_model=PayListOut, responses=declared(*_PAYING))
def prepare_pay_list(request: Prepare, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)]) -> Response:
    """Write a list of payments to be made: nothing counts as paid until the bank, or a second person, has said so."""
    now = utc_now()
    if (request.method == "cash") != (request.paid_on is not None):
        reason, reason_zh = (
            "cash has the day on which it is handed over, a bank says its own",
            "现金须填付款日期,银行代发不填",
        )
        raise InvalidInputError(reason, reason_zh, pointer="/paid_on")
    if request.paid_on is not None and request.paid_on > business_date(now):
        raise InvalidInputError("a payment cannot lie in the future", "付款日期不得晚于今天", pointer="/paid_on")
    payments, _ = orders_of(request.payments)

    def work(session: orm.Session, actor: Actor) -> PayListOut:
        pay_list = pay_lists.prepare(
            session,
            actor,
            method=Method(request.method),
            paid_on=request.paid_on,
            evidence=request.evidence,
            payments=payments,
            now=now,
        )
        return _out(session, pay_list)

    return caller.once(request, work)


def _out(session: orm.Session, pay_list: PayList) -> PayListOut:
    lines = [ListLineOut.model_validate(line) for line in pay_lists.lines_of(session, pay_list)]
    listed = PayListListed.model_validate(pay_list)
    return PayListOut(amount_fen=sum(line.amount_fen for line in lines), lines=lines, **dict(listed))


@router.get("/pay-lists")
def list_pay_lists(
    query: Annotated[PayListQuery, Query()], caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> Page[PayListListed]:
    """List lists of payments, newest first."""
    with caller.transaction() as (session, actor):
        found = queries.visible_pay_lists(actor)
        if query.status is not None:
            found = found.where(PayList.status == query.status)
        if last := after_id(query.cursor):
            found = found.where(PayList.id < last)
        rows = session.scalars(found.order_by(PayList.id.desc()).limit(query.limit + 1)).all()
    page, next_cursor = cut(rows, query.limit, lambda row: row.id)
    return Page(items=[PayListListed.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/pay-lists/{pay_list_id}", responses=declared(NotFoundError))
def read_pay_list(pay_list_id: UUID, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]) -> PayListOut:
    """Return a list with what became of each payment."""
    with caller.transaction() as (session, actor):
        return _out(session, pay_lists.find(session, actor, pay_list_id))


@router.post(
    "/pay-lists/{pay_list_id}/bank-results",
    status_code=201,
    response_model=BankResultOut,
    responses=declared(BankFileError, BankResultError, *_POSTING),
    openapi_extra=file_body(*bank_file.MEDIA_TYPES),
)
def take_over_bank_result(
    pay_list_id: UUID,
    content: Annotated[bytes, Depends(read_file)],
    query: Annotated[ResultQuery, Query()],
    caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)],
) -> Response:
    """Take over the bank's result file (CSV or XLSX), the body of the request: whole, or with every fault named.

    What the bank paid is disbursed; the same file again posts nothing. Only its hash is kept: it names persons.
    """
    now = utc_now()
    rows, faults = bank_file.read(content)

    def work(session: orm.Session, actor: Actor) -> BankResultOut:
        return BankResultOut.model_validate(
            bank_results.take_over(
                session,
                actor,
                pay_list_id=pay_list_id,
                content=content,
                rows=rows,
                faults=faults,
                now=now,
                dry_run=query.dry_run,
            )
        )

    if not query.dry_run:
        return caller.once(ResultFile(sha256=sha256(content).hexdigest()), work)
    with caller.transaction() as (session, actor):
        return answer(work(session, actor))


@router.post(
    "/pay-lists/{pay_list_id}/countersignature",
    status_code=201,
    response_model=DisbursementRead,
    responses=declared(FourEyesError, EvidenceUsedError, *_POSTING),
)
def countersign_cash(
    pay_list_id: UUID,
    request: Countersign,
    caller: Annotated[Caller, requires(Permission.DISBURSEMENT_COUNTERSIGN)],
) -> Response:
    """Witness, as a second person, that the cash of a list was handed over: it is disbursed."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> DisbursementRead:
        disbursement = cash.countersign(
            session, actor, pay_list_id=pay_list_id, evidence_ids=request.evidence_ids, now=now
        )
        return disbursement_read(session, disbursing.find(session, actor, disbursement.id))

    return caller.once(request, work)


@router.post(
    "/pay-lists/{pay_list_id}/withdrawal",
    status_code=201,
    response_model=PayListOut,
    responses=declared(NotFoundError, TransitionError),
)
def withdraw_pay_list(
    pay_list_id: UUID, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)]
) -> Response:
    """Give up what of a list is still open; its references are free again."""
    return caller.once(
        None, lambda session, actor: _out(session, pay_lists.withdraw(session, actor, pay_list_id=pay_list_id))
    )
