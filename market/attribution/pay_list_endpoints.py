"""Lists of payments over HTTP: prepared, answered by the bank, countersigned, withdrawn."""

from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from sqlalchemy import orm

from market.api import Page, answer, declared, file_body, newest, read_file, router_of, tried
from market.attribution import bank_file, bank_results, cash, disbursing, pay_lists, queries
from market.attribution.endpoints import disbursement_read, orders_of
from market.attribution.models import PayList
from market.attribution.pay_list_schemas import (
    BankResultOut,
    ClaimOut,
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
    InvoiceNotForProduceError,
    Method,
    PaidBeyondDeliveryError,
    PayeeWithoutTieError,
    PaymentReferenceTakenError,
)
from market.attribution.rules import Kind
from market.attribution.schemas import DisbursementRead
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
from market.lots.rules import ContributionAnnulledError

router = router_of("disbursements")

_PAYING = (
    PayeeWithoutTieError,
    ForeignContributionError,
    ContributionAnnulledError,
    PaymentReferenceTakenError,
    EinvoiceNumberError,
    EinvoiceTakenError,
    InvoiceNotForProduceError,
    PaidBeyondDeliveryError,
)
_POSTING = (PeriodClosedError, NotFoundError, TransitionError)


_BANK_FILE = f"""Take over the bank's result file, the body of the request: whole, or with every fault named.

What the bank paid is disbursed; the same file again posts nothing. Only its hash is kept: it names persons. Whoever
wrote the list does not take over the result: another member of the supplier does.

A table as CSV (UTF-8 or GB 18030) or XLSX. Above its headings may stand up to nine rows. Columns (those with `?` may be
missing, others are not read): {bank_file.headings("en")}. Amounts are in yuan. `result` is one of
{bank_file.results(paid=True, language="en")} (paid) or {bank_file.results(paid=False, language="en")} (not paid), after
which a reason may follow (`failed: name mismatch`) if there is no column for it. `date` is needed of what was paid. A
row that says `total` is the sum of the rows, and a fault if its amount is not.

导入银行回盘文件(CSV 或 XLSX),整份导入或逐条指出错误;清单经办人不得自行导入,须由本单位另一人办理。表头之上可有
至多九行说明。列名(带 ? 者可缺,其余列不读取):{bank_file.headings("zh")}。金额单位为元。处理结果:
{bank_file.results(paid=True, language="zh")}(已付),{bank_file.results(paid=False, language="zh")}(未付);
没有“失败原因”列时,原因可写在结果之后(如“失败:户名不符”)。已付的须有日期。
“合计”“总计”(及“成功合计”“失败合计”)行须等于各行之和,金额为空则不核对。
"""


@router.post("/pay-lists", status_code=201, response_model=PayListOut, responses=declared(FutureDateError, *_PAYING))
def prepare_pay_list(request: Prepare, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)]) -> Response:
    """Write a list of payments to be made: nothing counts as paid until the bank, or a second person, has said so.

    Two open lists may ask for one debt. That is not refused (a bank may fail to pay the one, and what is paid beyond
    what is owed becomes the payee's advance); `claims` tells of each payee what it is owed, what other open lists hold,
    and what goes beyond.

    同一笔应付款可能列入两份待付清单:系统不拒绝,但在 `claims` 中逐户提示应付、其他清单已列与超出金额。
    """
    now = utc_now()
    if (request.method == "cash") != (request.paid_on is not None):
        reason, reason_zh = (
            "cash has the day on which it is handed over, a bank says its own",
            "现金须填付款日期,银行代发不填",
        )
        raise InvalidInputError(reason, reason_zh, pointer="/paid_on")
    if request.paid_on is not None:
        check_not_ahead(request.paid_on, today=business_date(now), pointer="/paid_on")
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
    lines = pay_lists.lines_of(session, pay_list)
    listed = PayListListed.model_validate(pay_list)
    return PayListOut(
        amount_fen=sum(line.amount_fen for line in lines),
        lines=[ListLineOut.model_validate(line) for line in lines],
        claims=[
            ClaimOut(
                payee_kind="household" if claim.kind is Kind.HOUSEHOLD else "collective",
                payee_id=claim.payee_id,
                listed_fen=claim.listed_fen,
                owed_fen=claim.owed_fen,
                on_other_lists_fen=claim.on_other_lists_fen,
                beyond_fen=claim.beyond_fen,
            )
            for claim in pay_lists.claims(session, pay_list, lines)
        ],
        **dict(listed),
    )


@router.get("/pay-lists")
def list_pay_lists(
    query: Annotated[PayListQuery, Query()], caller: Annotated[Caller, requires(Permission.DISBURSEMENT_READ)]
) -> Page[PayListListed]:
    """List lists of payments, newest first."""
    with caller.transaction() as (session, actor):
        found = queries.visible_pay_lists(actor)
        if query.status is not None:
            found = found.where(PayList.status == query.status)
        page, next_cursor = newest(session, found, PayList.id, query)
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
    responses=tried(BankResultOut) | declared(BankFileError, BankResultError, FourEyesError, *_POSTING),
    openapi_extra=file_body(*bank_file.MEDIA_TYPES),
    description=_BANK_FILE,
)
def take_over_bank_result(
    pay_list_id: UUID,
    content: Annotated[bytes, Depends(read_file)],
    query: Annotated[ResultQuery, Query()],
    caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)],
) -> Response:
    """Take over what the bank says of a list."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> BankResultOut:
        rows, faults = bank_file.read(content)
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
        return disbursement_read(session, actor, disbursing.find(session, actor, disbursement.id))

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
