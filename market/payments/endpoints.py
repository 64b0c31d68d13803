"""Receipts over HTTP: by hand, out of imported statements, and by matches of which two people decide."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from sqlalchemy import orm

from market.api import Page, declared, file_body, newest, read_file, router_of
from market.banking.rules import (
    AccountClosedError,
    AccountNotConfirmedError,
    CountedByHandError,
    StatementTakenError,
    ToldByStatementError,
)
from market.banks.rules import StatementAccountError, StatementFaultsError, StatementFileError
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
from market.payments import matching, meaning, queries, service
from market.payments.models import Proposal, Receipt
from market.payments.rules import (
    LineSpentError,
    MatchedOnceError,
    NotOfThisAccountError,
    NotPayableError,
    NotUndoneError,
    OrderNamedTwiceError,
    OrderPart,
    OverpaidError,
    ReceiptSumError,
    ReceiptTakenError,
)
from market.payments.schemas import (
    DecideMatch,
    ProposalOut,
    ProposalQuery,
    ProposeMatch,
    ReceiptDetail,
    ReceiptOut,
    ReceiptPart,
    ReceiptQuery,
    RecordReceipt,
    StatementFile,
    StatementOut,
    StatementQuery,
    UndoMatch,
)

router = router_of("receipts")
_MATCHING = (NotFoundError, LineSpentError, CountedByHandError, NotOfThisAccountError, NotPayableError, OverpaidError)
_MEDIA_TYPES = (
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/xml",
)


@router.post(
    "/receipts",
    status_code=201,
    response_model=ReceiptDetail,
    responses=declared(
        NotFoundError,
        FutureDateError,
        OrderNamedTwiceError,
        ReceiptSumError,
        ReceiptTakenError,
        ToldByStatementError,
        OverpaidError,
        NotPayableError,
        NotOfThisAccountError,
        PeriodClosedError,
    ),
)
def record_receipt(request: RecordReceipt, caller: Annotated[Caller, requires(Permission.RECEIPT_WRITE)]) -> Response:
    """Record a buyer's money seen at the supplier's bank, whole, for the orders that it pays."""
    now = utc_now()
    check_not_ahead(request.received_on, today=business_date(now), pointer="/received_on")

    def work(session: orm.Session, actor: Actor) -> ReceiptDetail:
        receipt, allocations = service.record(
            session,
            actor,
            bank_reference=request.bank_reference,
            payer_name=request.payer_name,
            amount_fen=request.amount_fen,
            received_on=request.received_on,
            parts=[OrderPart(part.order_id, part.amount_fen) for part in request.orders],
            now=now,
        )
        return _detail(receipt, [ReceiptPart.model_validate(allocation) for allocation in allocations])

    return caller.once(request, work)


def _detail(receipt: Receipt, parts: list[ReceiptPart]) -> ReceiptDetail:
    return ReceiptDetail(**ReceiptOut.model_validate(receipt).model_dump(), orders=parts)


@router.get("/receipts")
def list_receipts(
    query: Annotated[ReceiptQuery, Query()], caller: Annotated[Caller, requires(Permission.RECEIPT_READ)]
) -> Page[ReceiptOut]:
    """List receipts, newest first."""
    with caller.transaction() as (session, actor):
        receipts = queries.visible_receipts(actor)
        if query.received_from:
            receipts = receipts.where(Receipt.received_on >= query.received_from)
        if query.received_to:
            receipts = receipts.where(Receipt.received_on <= query.received_to)
        page, next_cursor = newest(session, receipts, Receipt.id, query)
    return Page(items=[ReceiptOut.model_validate(receipt) for receipt in page], next_cursor=next_cursor)


@router.get("/receipts/{receipt_id}", responses=declared(NotFoundError))
def show_receipt(receipt_id: UUID, caller: Annotated[Caller, requires(Permission.RECEIPT_READ)]) -> ReceiptDetail:
    """Show a receipt and the orders that it pays."""
    with caller.transaction() as (session, actor):
        receipt = queries.one_receipt(session, actor, receipt_id)
        parts = queries.allocations_of(session, actor, receipt.id)
        return _detail(receipt, [ReceiptPart.model_validate(part) for part in parts])


@router.post(
    "/bank-accounts/{account_id}/statements",
    status_code=201,
    response_model=StatementOut,
    responses=declared(
        NotFoundError,
        AccountNotConfirmedError,
        AccountClosedError,
        StatementTakenError,
        StatementFileError,
        StatementFaultsError,
        StatementAccountError,
        PeriodClosedError,
    ),
    openapi_extra=file_body(*_MEDIA_TYPES),
)
def import_statement(
    account_id: UUID,
    content: Annotated[bytes, Depends(read_file)],
    query: Annotated[StatementQuery, Query()],
    caller: Annotated[Caller, requires(Permission.BANK_WRITE)],
) -> Response:
    """Import a bank's export (CSV, XLSX, camt.053), the body of the request: whole, or with every fault named.

    Each movement is taken over once, whatever other statements tell it. A line whose remark has the identification code
    (识别码) of an order group pays it, if the amounts are equal to the fen; lines with one code count together, so that
    what was paid too little waits for the rest, and what was paid twice for two people, as does all else.

    A closed account goes on telling what its bank booked, until its number is another account's that is in use.
    """
    now = utc_now()
    asked = StatementFile(sha256=sha256(content + account_id.bytes).hexdigest(), profile=query.profile)

    def work(session: orm.Session, actor: Actor) -> StatementOut:
        statement, matched, gap_fen = matching.take_over(
            session, actor, account_id=account_id, content=content, profile=query.profile, now=now
        )
        plain = StatementOut.model_fields.keys() - {"matched_count", "gap_fen"}
        told = {name: getattr(statement, name) for name in plain}
        return StatementOut(**told, matched_count=matched, gap_fen=gap_fen)

    return caller.once(asked, work)


@router.post(
    "/bank-lines/{line_id}/matches",
    status_code=201,
    response_model=ProposalOut,
    responses=declared(*_MATCHING, OrderNamedTwiceError, MatchedOnceError),
)
def propose_match(
    line_id: UUID, request: ProposeMatch, caller: Annotated[Caller, requires(Permission.BANK_WRITE)]
) -> Response:
    """Propose what a waiting line pays, or what it is if it belongs to no order; another member decides."""
    if bool(request.orders) is (request.meaning is not None):
        raise InvalidInputError("name the orders or the meaning", "请填写订单或流水性质,二者择一", pointer="/orders")
    parts = [OrderPart(part.order_id, part.amount_fen) for part in request.orders]
    reason, now = request.reason, utc_now()

    def work(session: orm.Session, actor: Actor) -> ProposalOut:
        if request.meaning is None:
            proposal = matching.propose(session, actor, line_id=line_id, parts=parts, reason=reason, now=now)
        else:
            means = request.meaning
            proposal = meaning.propose(session, actor, line_id=line_id, meaning=means, reason=reason, now=now)
        return _proposal(session, proposal)

    return caller.once(request, work)


@router.post(
    "/matches/{proposal_id}/undoing",
    status_code=201,
    response_model=ProposalOut,
    responses=declared(NotFoundError, MatchedOnceError, NotUndoneError),
)
def undo_match(
    proposal_id: UUID, request: UndoMatch, caller: Annotated[Caller, requires(Permission.BANK_WRITE)]
) -> Response:
    """Propose to take back what a line that belongs to no order was said to be; another member decides."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> ProposalOut:
        undoing = meaning.undo(session, actor, proposal_id=proposal_id, reason=request.reason, now=now)
        return _proposal(session, undoing)

    return caller.once(request, work)


@router.post(
    "/matches/{proposal_id}/decision",
    status_code=201,
    response_model=ProposalOut,
    responses=declared(*_MATCHING, TransitionError, FourEyesError),
)
def decide_match(
    proposal_id: UUID, request: DecideMatch, caller: Annotated[Caller, requires(Permission.BANK_WRITE)]
) -> Response:
    """Approve or decline a match that another member proposed; approved, it pays the orders, or has its meaning."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> ProposalOut:
        return _proposal(
            session, matching.decide(session, actor, proposal_id=proposal_id, event=request.event, now=now)
        )

    return caller.once(request, work)


@router.get("/matches")
def list_matches(
    query: Annotated[ProposalQuery, Query()], caller: Annotated[Caller, requires(Permission.BANK_READ)]
) -> Page[ProposalOut]:
    """List the matches that people proposed, newest first."""
    with caller.transaction() as (session, actor):
        proposals = queries.visible_proposals(actor)
        if query.status:
            proposals = proposals.where(Proposal.status == query.status)
        page, next_cursor = newest(session, proposals, Proposal.id, query)
        return Page(items=_proposals(session, page), next_cursor=next_cursor)


def _proposal(session: orm.Session, proposal: Proposal) -> ProposalOut:
    return _proposals(session, [proposal])[0]


def _proposals(session: orm.Session, proposals: Sequence[Proposal]) -> list[ProposalOut]:
    parts = queries.parts_of(session, [proposal.id for proposal in proposals])
    plain = ProposalOut.model_fields.keys() - {"orders"}
    return [
        ProposalOut(
            **{name: getattr(proposal, name) for name in plain},
            orders=[ReceiptPart(**part._asdict()) for part in parts[proposal.id]],
        )
        for proposal in proposals
    ]
