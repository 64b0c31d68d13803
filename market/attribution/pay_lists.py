"""Lists of payments to be made: prepared by one person, then answered by the bank, countersigned, or withdrawn.

A list moves no money and posts nothing. Each payment it holds has a reference of its own, which nothing else may use.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import disbursing, queries
from market.attribution.matching import lock_supplier
from market.attribution.models import PayList, PayListLine, Payment
from market.attribution.paying import LIST_TRANSITIONS, LineStatus, ListEvent, ListStatus, Method
from market.attribution.rules import Kind, PaymentOrder
from market.db import new_id
from market.errors import NotFoundError, follow
from market.identifiers import reference_key
from market.identity.rules import Actor


def prepare(
    session: orm.Session,
    actor: Actor,
    *,
    method: Method,
    paid_on: date | None,
    evidence: str,
    payments: Sequence[PaymentOrder],
    now: datetime,
) -> PayList:
    """Write a list of payments to be made by the bank, or handed over in cash on a day.

    Raises what `disbursing.disburse` raises of its payees, references and invoices.
    """
    supplier_id = actor.organisation_id
    lock_supplier(session, supplier_id)
    orders = disbursing.with_invoices(method, payments)
    disbursing.check(session, supplier_id, orders, disbursing.pointers_of(orders))
    if paid_on is not None:
        disbursing.check_day(session, supplier_id, paid_on)
    disbursing.settle_delivered(session, supplier_id, orders)
    row = PayList(
        id=new_id(),
        supplier_id=supplier_id,
        method=method.value,
        status=ListStatus.OPEN.value,
        paid_on=paid_on,
        evidence=evidence,
        made_by=actor.member_id,
        made_at=now,
    )
    session.add(row)
    session.flush()
    session.add_all(_line(row, position, order) for position, order in enumerate(orders))
    session.flush()
    return row


def _line(pay_list: PayList, position: int, order: PaymentOrder) -> PayListLine:
    is_household = order.kind is Kind.HOUSEHOLD
    return PayListLine(
        id=new_id(),
        pay_list_id=pay_list.id,
        supplier_id=pay_list.supplier_id,
        position=position,
        household_id=order.payee_id if is_household else None,
        collective_id=None if is_household else order.payee_id,
        contribution_id=order.contribution_id,
        amount_fen=order.amount_fen,
        reference=order.reference,
        reference_key=reference_key(order.reference),
        invoice_number=order.invoice_number,
        status=LineStatus.OPEN.value,
    )


def find(session: orm.Session, actor: Actor, pay_list_id: UUID, *, lock: bool = False) -> PayList:
    """Return a list the actor may know of, if asked locked after its supplier; raises `NotFoundError`."""
    visible = queries.visible_pay_lists(actor).where(PayList.id == pay_list_id)
    if lock:
        supplier_id = session.scalar(visible.with_only_columns(PayList.supplier_id))
        if supplier_id is not None:
            lock_supplier(session, supplier_id)
        visible = visible.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(visible)
    if found is None:
        raise NotFoundError(what="pay_list")
    return found


def lines_of(session: orm.Session, pay_list: PayList) -> Sequence[PayListLine]:
    """Return the payments of a list, in their order."""
    lines = sa.select(PayListLine).where(PayListLine.pay_list_id == pay_list.id).order_by(PayListLine.position)
    return session.scalars(lines.execution_options(populate_existing=True)).all()


def order_of(line: PayListLine) -> PaymentOrder:
    """Return the payment that a line asks for."""
    kind, payee_id = (
        (Kind.HOUSEHOLD, line.household_id) if line.household_id is not None else (Kind.COLLECTIVE, line.collective_id)
    )
    if payee_id is None:
        raise LookupError(line.id)
    return PaymentOrder(kind, payee_id, line.amount_fen, line.reference, line.contribution_id, line.invoice_number)


def mark_paid(lines: Collection[PayListLine], payments: Collection[Payment]) -> None:
    """Let each line say by which payment it was made."""
    for line, payment in zip(lines, payments, strict=True):
        line.status, line.payment_id = LineStatus.PAID.value, payment.id


def move(pay_list: PayList, event: ListEvent) -> None:
    """Let an event happen to a locked list; raises `TransitionError`."""
    pay_list.status = follow(LIST_TRANSITIONS, ListStatus(pay_list.status), event, machine="pay_list").value


def withdraw(session: orm.Session, actor: Actor, *, pay_list_id: UUID) -> PayList:
    """Give up what of a list is still open; its references are free again. Raises `NotFoundError`, `TransitionError`.

    What the bank has paid of it stays paid.
    """
    pay_list = find(session, actor, pay_list_id, lock=True)
    move(pay_list, ListEvent.WITHDRAW)
    for line in lines_of(session, pay_list):
        if line.status == LineStatus.OPEN:
            line.status = LineStatus.WITHDRAWN.value
    session.flush()
    return pay_list
