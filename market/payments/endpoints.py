"""Receipts over HTTP: by hand, out of imported statements, and by matches of which two people decide."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from sqlalchemy import orm

from market.api import Page, after_id, cut, declared, file_body, read_file, router_of
from market.banking.rules import StatementTakenError
from market.banks.rules import StatementAccountError, StatementFaultsError, StatementFileError
from market.clock import business_date, utc_now
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.payments import matching, queries, service
from market.payments.models import Proposal, Receipt
from market.payments.rules import (
    LineSpentError,
    MatchedOnceError,
    NotOfThisAccountError,
    NotPayableError,
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
)

router = router_of("receipts")
_MATCHING = (NotFoundError, LineSpentError, NotOfThisAccountError, NotPayableError, OverpaidError)
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
        OrderNamedTwiceError,
        ReceiptSumError,
        ReceiptTakenError,
        OverpaidError,
        NotPayableError,
        NotOfThisAccountError,
        PeriodClosedError,
    ),
)
def record_receipt(request: RecordReceipt, caller: Annotated[Caller, requires(Permission.RECEIPT_WRITE)]) -> Response:
    """Record a buyer's money seen at the supplier's bank, whole, for the orders that it pays."""
    now = utc_now()
    if request.received_on > business_date(now):
        raise InvalidInputError("a receipt cannot lie in the future", "到款日期不得晚于今天", pointer="/received_on")

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
        if last := after_id(query.cursor):
            receipts = receipts.where(Receipt.id < last)
        rows = session.scalars(receipts.order_by(Receipt.id.desc()).limit(query.limit + 1)).all()
    page, next_cursor = cut(rows, query.limit, lambda receipt: receipt.id)
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
    (识别码) of an order group pays it, if the amounts are equal to the fen; all others wait for two people.
    """
    now = utc_now()
    asked = StatementFile(sha256=sha256(content + account_id.bytes).hexdigest(), profile=query.profile)

    def work(session: orm.Session, actor: Actor) -> StatementOut:
        statement, matched = matching.take_over(
            session, actor, account_id=account_id, content=content, profile=query.profile, now=now
        )
        told = {name: getattr(statement, name) for name in StatementOut.model_fields if name != "matched_count"}
        return StatementOut(**told, matched_count=matched)

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
    """Propose what a waiting line pays; another member of the organisation decides."""
    now = utc_now()
    parts = [OrderPart(part.order_id, part.amount_fen) for part in request.orders]

    def work(session: orm.Session, actor: Actor) -> ProposalOut:
        return _proposals(
            session, [matching.propose(session, actor, line_id=line_id, parts=parts, reason=request.reason, now=now)]
        )[0]

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
    """Approve or decline a match that another member proposed; approved, it pays the orders."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> ProposalOut:
        return _proposals(
            session, [matching.decide(session, actor, proposal_id=proposal_id, event=request.event, now=now)]
        )[0]

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
        if last := after_id(query.cursor):
            proposals = proposals.where(Proposal.id < last)
        rows = session.scalars(proposals.order_by(Proposal.id.desc()).limit(query.limit + 1)).all()
        page, next_cursor = cut(rows, query.limit, lambda proposal: proposal.id)
        return Page(items=_proposals(session, page), next_cursor=next_cursor)


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
