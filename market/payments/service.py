"""Recording a receipt by hand, and what of it pays which order; recognition follows at once."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.queries import lock_own_accounts
from market.channels.rules import FundsModel
from market.db import new_id
from market.errors import InvalidInputError, at
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.orders import queries as orders
from market.payments import finding
from market.payments.models import Receipt, ReceiptAllocation
from market.payments.receiving import Paying, check_fits, paying, receive
from market.payments.rules import (
    NotOfThisAccountError,
    OrderNamedTwiceError,
    OrderPart,
    ReceiptSumError,
    ReceiptTakenError,
)


def record(
    session: orm.Session,
    actor: Actor,
    *,
    bank_reference: str,
    payer_name: str,
    amount_fen: int,
    received_on: date,
    parts: Sequence[OrderPart],
    now: datetime,
) -> tuple[Receipt, list[ReceiptAllocation]]:
    """Record a line of the supplier's bank statement and recognise what it pays; close it if its bank has told it.

    Raises `OrderNamedTwiceError`, `ReceiptSumError`, `ReceiptTakenError`, `ToldByStatementError`, `NotFoundError`,
    `InvalidInputError` (a day before an order that it pays), `NotOfThisAccountError` (an order paid into custody),
    `NotPayableError` or `OverpaidError`.
    """
    lock_own_accounts(session, actor.organisation_id)
    _check(session, actor, bank_reference, amount_fen, parts)
    receipt = Receipt(
        id=new_id(),
        supplier_id=actor.organisation_id,
        bank_reference=bank_reference,
        reference_key=reference_key(bank_reference),
        payer_name=payer_name,
        amount_fen=amount_fen,
        received_on=received_on,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    line = finding.line_told(session, actor.organisation_id, receipt)
    money = _fitting(session, actor, received_on, parts)
    allocations = receive(session, receipt, parts, money)
    if line is not None:
        finding.close(session, line, receipt)
        session.flush()
    return receipt, allocations


def _fitting(session: orm.Session, actor: Actor, received_on: date, parts: Sequence[OrderPart]) -> Paying:
    """Return the orders that the parts of a receipt pay, locked; raise unless every part fits."""
    with at("/orders"):
        locked = orders.locked_orders(session, actor, [part.order_id for part in parts])
    if received_on < max(order.placed_on for order in locked):
        reason = "the money came before the order was placed"
        raise InvalidInputError(reason, "到款日期早于下单日期", pointer="/received_on")
    money = paying(session, locked)
    for position, part in enumerate(parts):
        order = money.orders[part.order_id]
        if order.funds_model is not FundsModel.DIRECT:
            raise NotOfThisAccountError(number=order.number, pointer=f"/orders/{position}/order_id")
        check_fits(money, part, on=received_on, pointer=f"/orders/{position}/amount_fen")
    return money


def _check(
    session: orm.Session, actor: Actor, bank_reference: str, amount_fen: int, parts: Sequence[OrderPart]
) -> None:
    check_named_once(parts)
    parts_fen = sum(part.amount_fen for part in parts)
    if parts_fen != amount_fen:
        raise ReceiptSumError(parts_fen=parts_fen, amount_fen=amount_fen, pointer="/orders")
    known = sa.select(Receipt.id).where(
        Receipt.supplier_id == actor.organisation_id, Receipt.reference_key == reference_key(bank_reference)
    )
    if session.scalar(known):
        raise ReceiptTakenError(reference=bank_reference, pointer="/bank_reference")


def check_named_once(parts: Sequence[OrderPart]) -> None:
    """Raise `OrderNamedTwiceError` unless each order has one part."""
    named = [part.order_id for part in parts]
    for position, order_id in enumerate(named):
        if order_id in named[:position]:
            raise OrderNamedTwiceError(pointer=f"/orders/{position}/order_id")
