"""Lists of payments to be made: prepared by one person, then answered by the bank, countersigned, or withdrawn.

A list moves no money and posts nothing. Each payment it holds has a reference of its own, which nothing else may use.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import checking, queries, settling
from market.attribution.matching import lock_supplier
from market.attribution.models import PayList, PayListLine, Payment
from market.attribution.paying import LIST_TRANSITIONS, LineStatus, ListEvent, ListStatus, Method
from market.attribution.rules import Kind, PaymentOrder
from market.clock import business_date
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

    Raises what `disbursing.disburse` raises of its payees, amounts, references and invoices.
    """
    supplier_id = actor.organisation_id
    lock_supplier(session, supplier_id)
    orders = checking.with_invoices(method, payments, by=paid_on or business_date(now))
    checking.check_payments(session, supplier_id, orders)
    if paid_on is not None:
        checking.check_day(session, supplier_id, paid_on)
    settling.settle_delivered(session, supplier_id, orders, on=paid_on or business_date(now))
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


class Claim(NamedTuple):
    """What a list still asks to be paid to a payee, beside what it is owed and what other open lists hold for it.

    Nothing keeps two lists from asking for one debt: the bank may refuse the one, and what is paid beyond what is owed
    becomes an advance. So it is told, not refused.
    """

    kind: Kind
    payee_id: UUID
    listed_fen: int
    owed_fen: int
    on_other_lists_fen: int

    @property
    def beyond_fen(self) -> int:
        """Return how much of it would be an advance if all that is listed were paid."""
        return max(min(self.listed_fen, self.listed_fen + self.on_other_lists_fen - self.owed_fen), 0)


def on_open_lists(
    session: orm.Session, supplier_id: UUID, payee_ids: Collection[UUID], *, but: UUID | None = None
) -> dict[UUID, int]:
    """Return what lists of the supplier that are still open hold for each of these payees (fen), but for one list."""
    payee = sa.func.coalesce(PayListLine.household_id, PayListLine.collective_id)
    held = (
        sa.select(payee, sa.func.sum(PayListLine.amount_fen))
        .join(PayList, PayList.id == PayListLine.pay_list_id)
        .where(
            PayList.supplier_id == supplier_id,
            PayList.status == ListStatus.OPEN,
            PayList.id.is_distinct_from(but),
            PayListLine.status == LineStatus.OPEN,
            payee.in_(payee_ids),
        )
        .group_by(payee)
    )
    return {row[0]: int(row[1]) for row in session.execute(held)}


def claims(session: orm.Session, pay_list: PayList, lines: Sequence[PayListLine]) -> list[Claim]:
    """Return what the open lines of a list ask for, by payee in the order of the list, as things stand now."""
    listed: dict[tuple[Kind, UUID], int] = defaultdict(int)
    for order in (order_of(line) for line in lines if line.status == LineStatus.OPEN):
        listed[order.kind, order.payee_id] += order.amount_fen
    payee_ids = {payee_id for _, payee_id in listed}
    if not payee_ids:
        return []
    owed: dict[UUID, int] = defaultdict(int)
    for item in queries.owed(session, pay_list.supplier_id, payee_ids):
        owed[item.share.owner_id] += item.fen
    others = on_open_lists(session, pay_list.supplier_id, payee_ids, but=pay_list.id)
    return [
        Claim(kind, payee_id, fen, owed[payee_id], others.get(payee_id, 0)) for (kind, payee_id), fen in listed.items()
    ]


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
