"""Receipts over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, after_id, cut, declared, router_of
from market.clock import business_date, utc_now
from market.errors import InvalidInputError, NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.payments import queries, service
from market.payments.models import Receipt
from market.payments.rules import (
    NotPayableError,
    OrderNamedTwiceError,
    OverpaidError,
    ReceiptSumError,
    ReceiptTakenError,
)
from market.payments.schemas import ReceiptDetail, ReceiptOut, ReceiptPart, ReceiptQuery, RecordReceipt

router = router_of("receipts")


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
            parts=[service.OrderPart(part.order_id, part.amount_fen) for part in request.orders],
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
