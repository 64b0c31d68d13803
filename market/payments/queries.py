"""What may be read of receipts, and of what bank lines may pay."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.queries import visible_lines
from market.banking.rules import AccountPurpose, Waiting
from market.errors import NotFoundError
from market.identity.rules import Actor, Scope, Side
from market.orders.models import Order, OrderGroup
from market.orders.queries import visible_orders
from market.payments.models import Proposal, ProposedPart, Receipt, ReceiptAllocation, ReceiptFound
from market.payments.rules import MODELS, OrderPart, ProposalStatus


def visible_receipts(actor: Actor) -> sa.Select[Receipt]:
    """Return the receipts an actor may know of: the supplier's own, or those that pay an order the actor may see."""
    if actor.side is Side.SUPPLIER and actor.scope is Scope.OWN:
        return sa.select(Receipt).where(Receipt.supplier_id == actor.organisation_id)
    paying = sa.select(ReceiptAllocation.receipt_id).where(
        ReceiptAllocation.order_id.in_(visible_orders(actor).with_only_columns(Order.id))
    )
    return sa.select(Receipt).where(Receipt.id.in_(paying))


def one_receipt(session: orm.Session, actor: Actor, receipt_id: UUID) -> Receipt:
    """Return a receipt that the actor may see; raises `NotFoundError`."""
    receipt = session.scalar(visible_receipts(actor).where(Receipt.id == receipt_id))
    if receipt is None:
        raise NotFoundError(what="receipt")
    return receipt


def allocations_of(session: orm.Session, actor: Actor, receipt_id: UUID) -> Sequence[ReceiptAllocation]:
    """Return what a receipt pays, of the orders that the actor may see."""
    seen = visible_orders(actor).with_only_columns(Order.id)
    found = sa.select(ReceiptAllocation).where(
        ReceiptAllocation.receipt_id == receipt_id, ReceiptAllocation.order_id.in_(seen)
    )
    return session.scalars(found.order_by(ReceiptAllocation.id)).all()


def recorded_by_hand(session: orm.Session, account: BankAccount, keys: Collection[str]) -> Sequence[Receipt]:
    """Return the receipts that a supplier recorded by hand under references, and no statement told yet."""
    receipts = sa.select(Receipt).where(
        Receipt.supplier_id == account.organisation_id,
        Receipt.bank_line_id.is_(None),
        Receipt.reference_key.in_(keys),
        ~sa.exists().where(ReceiptFound.receipt_id == Receipt.id),
    )
    return session.scalars(receipts.order_by(Receipt.id)).all()


def untouched_lines(session: orm.Session, account: BankAccount) -> Sequence[BankLine]:
    """Return the lines of an account that brought money of which nothing is matched, oldest first."""
    lines = sa.select(BankLine).where(
        BankLine.bank_account_id == account.id,
        BankLine.open_fen != 0,
        BankLine.open_fen == BankLine.amount_fen,
        BankLine.amount_fen > 0,
        BankLine.waiting != Waiting.REVERSAL,
        ~sa.exists().where(Proposal.bank_line_id == BankLine.id, Proposal.status == ProposalStatus.PROPOSED),
    )
    return session.scalars(lines.order_by(BankLine.booked_on, BankLine.id)).all()


def _delivered_by(account: BankAccount) -> sa.ColumnElement[bool]:
    """Say of whom an account takes money: a supplier's own of its orders alone, custody of any."""
    return Order.supplier_id == account.organisation_id if account.purpose is AccountPurpose.OWN else sa.true()


def _paid_into(account: BankAccount) -> sa.ColumnElement[bool]:
    """Say which orders are paid into an account."""
    return sa.and_(Order.funds_model == MODELS[account.purpose], _delivered_by(account))


def groups_numbered(session: orm.Session, account: BankAccount, numbers: Collection[str]) -> dict[UUID, OrderGroup]:
    """Return the order groups of these numbers that have an order paid into an account."""
    paid = sa.exists().where(Order.group_id == OrderGroup.id, _paid_into(account))
    groups = session.scalars(sa.select(OrderGroup).where(OrderGroup.number.in_(numbers), paid))
    return {group.id: group for group in groups}


def locked_orders_of(session: orm.Session, account: BankAccount, group_ids: Collection[UUID]) -> Sequence[Order]:
    """Return the orders of groups that are paid into an account, locked in the order of their ids."""
    wanted = sa.select(Order).where(Order.group_id.in_(group_ids), _paid_into(account)).order_by(Order.id)
    return session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()


def locked_orders_named(session: orm.Session, account: BankAccount, order_ids: Collection[UUID]) -> Sequence[Order]:
    """Return orders of whom an account takes money, locked in the order of their ids; raises `NotFoundError`."""
    wanted = sa.select(Order).where(Order.id.in_(order_ids), _delivered_by(account)).order_by(Order.id)
    found = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()
    if len(found) < len(set(order_ids)):
        raise NotFoundError(what="order")
    return found


def open_proposal(session: orm.Session, line_id: UUID) -> bool:
    """Tell whether a match of a line waits for its decision."""
    waiting = sa.exists().where(Proposal.bank_line_id == line_id, Proposal.status == ProposalStatus.PROPOSED)
    return bool(session.scalar(sa.select(waiting)))


def parts_of(session: orm.Session, proposal_ids: Collection[UUID]) -> dict[UUID, list[OrderPart]]:
    """Return what proposals would pay, by proposal."""
    parts: dict[UUID, list[OrderPart]] = {proposal_id: [] for proposal_id in proposal_ids}
    found = sa.select(ProposedPart.proposal_id, ProposedPart.order_id, ProposedPart.amount_fen)
    wanted = found.where(ProposedPart.proposal_id.in_(proposal_ids)).order_by(ProposedPart.order_id)
    for row in session.execute(wanted):
        parts[row.proposal_id].append(OrderPart(row.order_id, row.amount_fen))
    return parts


def visible_proposals(actor: Actor) -> sa.Select[Proposal]:
    """Return the matches proposed of lines that the actor may know of."""
    return sa.select(Proposal).where(Proposal.bank_line_id.in_(visible_lines(actor).with_only_columns(BankLine.id)))
