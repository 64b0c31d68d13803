"""Settlements over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, declared, file_content, newest, router_of
from market.banking.rules import AccountClosedError, NoPayingAccountError, PaidAfterAllError
from market.banks.payment_forms import MEDIA_TYPES
from market.banks.rules import Form, PaymentFileError
from market.channels.rules import FundsModel
from market.clock import utc_now
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.payments.asking import Book, ProviderIfAny, once_asking
from market.payments.rules import DisputeOpenError, RefundUnclearError, WithProviderError
from market.settlements import paying, queries, service, transfers
from market.settlements.models import Settlement
from market.settlements.rules import (
    ON_REVERSAL,
    LeftAlreadyError,
    NoPayeeAccountError,
    NothingToSettleError,
    NotInstructedError,
    NotOnStatementError,
    NotReadyError,
    NotReturnedError,
    OpenSettlementError,
    SettlementEvent,
    StaleSettlementError,
)
from market.settlements.schemas import (
    DecideSettlement,
    DraftSettlement,
    PaymentFileQuery,
    SettlementBrief,
    SettlementChangeOut,
    SettlementItemOut,
    SettlementOut,
    SettlementQuery,
    SettlementStatementOut,
)
from market.settlements.statement import Statement, statement
from market.settlements.statement_page import PDF, statement_page
from market.settlements.statement_sheet import statement_sheet

router = router_of("settlements")
Settler = Annotated[Caller, requires(Permission.SETTLEMENT_WRITE)]
Reader = Annotated[Caller, requires(Permission.SETTLEMENT_READ)]
_STEP = (NotFoundError, TransitionError, PeriodClosedError)


@router.post(
    "/settlements",
    status_code=201,
    response_model=SettlementOut,
    responses=declared(
        NotFoundError,
        NothingToSettleError,
        OpenSettlementError,
        PaidAfterAllError,
        NoPayeeAccountError,
        NoPayingAccountError,
    ),
)
def draft_settlement(request: DraftSettlement, caller: Settler) -> Response:
    """Draft what a supplier has earned in custody and was not settled, less what it owes, up to half of that."""
    now = utc_now()

    if request.funds_model is FundsModel.DIRECT:
        raise InvalidInputError("what is paid directly is not settled", "直付货款无需结算", pointer="/funds_model")

    def work(session: orm.Session, actor: Actor) -> SettlementOut:
        drafted = service.draft(session, actor, supplier_id=request.supplier_id, model=request.funds_model, now=now)
        return _out(session, drafted)

    return caller.once(request, work)


@router.post(
    "/settlements/{settlement_id}/decision",
    status_code=201,
    response_model=SettlementOut,
    responses=declared(*_STEP, FourEyesError, PaidAfterAllError, StaleSettlementError),
)
def decide_settlement(settlement_id: UUID, request: DecideSettlement, caller: Settler) -> Response:
    """Approve or decline a draft that another member made."""
    now = utc_now()
    if request.event not in (SettlementEvent.APPROVE, SettlementEvent.DECLINE):
        raise InvalidInputError("a draft is approved or declined", "草稿只能批准或退回", pointer="/event")

    def work(session: orm.Session, actor: Actor) -> SettlementOut:
        decided = service.decide(session, actor, settlement_id=settlement_id, event=request.event, now=now)
        return _out(session, decided)

    return caller.once(request, work)


@router.post(
    "/settlements/{settlement_id}/instruction",
    status_code=201,
    response_model=SettlementOut,
    responses=declared(
        *_STEP, PaidAfterAllError, AccountClosedError, DisputeOpenError, RefundUnclearError, NotReadyError
    ),
)
def instruct_settlement(settlement_id: UUID, caller: Settler, gateway: ProviderIfAny, db: Book) -> Response:
    """Hand an approved settlement to the bank, whose file can be downloaded then, or have the provider transfer it."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> tuple[SettlementOut, UUID]:
        instructed = service.instruct(session, actor, settlement_id=settlement_id, now=now)
        return _out(session, instructed), instructed.id

    return once_asking(caller, gateway, db, None, work)


@router.post(
    "/settlements/{settlement_id}/reversal", status_code=201, response_model=SettlementOut, responses=declared(*_STEP)
)
def ask_settlement_back(settlement_id: UUID, caller: Settler) -> Response:
    """Ask to have the transfer of a confirmed settlement taken back; another member decides."""
    now = utc_now()
    return caller.once(
        None,
        lambda session, actor: _out(session, transfers.ask_back(session, actor, settlement_id=settlement_id, now=now)),
    )


@router.post(
    "/settlements/{settlement_id}/reversal-decision",
    status_code=201,
    response_model=SettlementOut,
    responses=declared(*_STEP, FourEyesError),
)
def decide_settlement_reversal(
    settlement_id: UUID, request: DecideSettlement, caller: Settler, gateway: ProviderIfAny, db: Book
) -> Response:
    """Approve or decline what another asked to have taken back; approved, the provider is asked.

    What it settled is owed again when the provider has done it.
    """
    now = utc_now()
    if request.event not in ON_REVERSAL:
        raise InvalidInputError("a request is approved or declined", "申请只能批准或退回", pointer="/event")

    def work(session: orm.Session, actor: Actor) -> tuple[SettlementOut, UUID]:
        decided = transfers.decide_back(session, actor, settlement_id=settlement_id, event=request.event, now=now)
        return _out(session, decided), decided.id

    return once_asking(caller, gateway, db, request, work)


@router.get(
    "/settlements/{settlement_id}/payment-file",
    response_class=Response,
    responses={
        200: {"content": file_content(*MEDIA_TYPES.values()), "description": "The file for the bank"},
        **declared(NotFoundError, NotInstructedError, PaymentFileError),
    },
)
def download_payment_file(
    settlement_id: UUID, query: Annotated[PaymentFileQuery, Query()], caller: Settler
) -> Response:
    """Download the file by which the bank is told to pay; the payment's reference is the settlement's number."""
    with caller.transaction() as (session, actor):
        settlement = queries.one_settlement(session, actor, settlement_id)
        content = paying.payment_file(session, settlement, query.form)
        name = f"{settlement.number}.{query.form}"
    return _file(content, MEDIA_TYPES[query.form], name)


@router.post(
    "/settlements/{settlement_id}/confirmation",
    status_code=201,
    response_model=SettlementOut,
    responses=declared(*_STEP, NotOnStatementError),
)
def confirm_settlement(settlement_id: UUID, caller: Settler) -> Response:
    """Take note that an imported statement tells the payment: what it settles is recognised for the households."""
    now = utc_now()
    return caller.once(
        None,
        lambda session, actor: _out(session, service.confirm(session, actor, settlement_id=settlement_id, now=now)),
    )


@router.post(
    "/settlements/{settlement_id}/failure",
    status_code=201,
    response_model=SettlementOut,
    responses=declared(*_STEP, FourEyesError, LeftAlreadyError, WithProviderError),
)
def fail_settlement(settlement_id: UUID, caller: Settler) -> Response:
    """Take note that the bank did not pay, or will not be asked: what was to be settled is owed again.

    Once it is with the bank, another member than handed it there says so.
    """
    now = utc_now()
    return caller.once(
        None,
        lambda session, actor: _out(session, service.fail(session, actor, settlement_id=settlement_id, now=now)),
    )


@router.post(
    "/settlements/{settlement_id}/return",
    status_code=201,
    response_model=SettlementOut,
    responses=declared(*_STEP, NotReturnedError),
)
def return_settlement(settlement_id: UUID, caller: Settler) -> Response:
    """Take note that an imported statement tells the payment back: it is owed to the supplier again.

    What it settled is not recognised any more; what households were paid of it they keep, as paid ahead.
    """
    now = utc_now()
    return caller.once(
        None,
        lambda session, actor: _out(session, service.take_back(session, actor, settlement_id=settlement_id, now=now)),
    )


@router.get("/settlements")
def list_settlements(query: Annotated[SettlementQuery, Query()], caller: Reader) -> Page[SettlementBrief]:
    """List settlements, newest first."""
    filters = query.model_dump(include={"supplier_id", "status"}, exclude_none=True)
    with caller.transaction() as (session, actor):
        settlements = queries.visible_settlements(actor).filter_by(**filters)
        page, next_cursor = newest(session, settlements, Settlement.id, query)
    return Page(items=[SettlementBrief.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/settlements/{settlement_id}", responses=declared(NotFoundError))
def show_settlement(settlement_id: UUID, caller: Reader) -> SettlementOut:
    """Show a settlement with what it pays of which order, and its history."""
    with caller.transaction() as (session, actor):
        return _out(session, queries.one_settlement(session, actor, settlement_id))


@router.get("/settlements/{settlement_id}/statement", responses=declared(NotFoundError))
def show_settlement_statement(settlement_id: UUID, caller: Reader) -> SettlementStatementOut:
    """Show the statement of a settlement: order by order what was accepted, settled before, settled now and paid."""
    return SettlementStatementOut.model_validate(_statement(settlement_id, caller))


@router.get(
    "/settlements/{settlement_id}/statement.pdf",
    response_class=Response,
    responses={200: {"content": file_content(PDF), "description": "The pages"}, **declared(NotFoundError)},
)
def print_settlement_statement(settlement_id: UUID, caller: Reader) -> Response:
    """Print the statement of a settlement on A4, in Chinese."""
    found = _statement(settlement_id, caller)
    return _file(statement_page(found), PDF, f"{found.number}-statement.pdf")


@router.get(
    "/settlements/{settlement_id}/statement.xlsx",
    response_class=Response,
    responses={
        200: {"content": file_content(MEDIA_TYPES[Form.XLSX]), "description": "The workbook"},
        **declared(NotFoundError),
    },
)
def download_settlement_statement(settlement_id: UUID, caller: Reader) -> Response:
    """Download the statement of a settlement as a workbook, in yuan and in fen."""
    found = _statement(settlement_id, caller)
    return _file(statement_sheet(found), MEDIA_TYPES[Form.XLSX], f"{found.number}-statement.xlsx")


def _statement(settlement_id: UUID, caller: Caller) -> Statement:
    with caller.transaction() as (session, actor):
        return statement(session, queries.one_settlement(session, actor, settlement_id))


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _out(session: orm.Session, settlement: Settlement) -> SettlementOut:
    return SettlementOut(
        **SettlementBrief.model_validate(settlement).model_dump(),
        fault=queries.fault_of(session, settlement.id),
        reversal_asked_by=settlement.reversal_asked_by,
        reversal_approved_by=settlement.reversal_approved_by,
        items=[SettlementItemOut.model_validate(row) for row in queries.items_of(session, [settlement.id])],
        changes=[SettlementChangeOut.model_validate(row) for row in queries.changes_of(session, settlement.id)],
    )
