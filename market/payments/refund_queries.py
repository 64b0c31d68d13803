"""What may be read of refunds: of what an order's money came by, who sends which, and which lines tell of them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.rules import AccountPurpose
from market.errors import NotFoundError
from market.identity.rules import Actor, Side
from market.orders.models import Order
from market.orders.queries import visible_orders
from market.payments.models import ProviderMovement, Receipt, ReceiptAllocation, Refund, RefundChange
from market.payments.rules import CLAIMING, REFUND_NUMBER, RefundRoute, RefundStatus


class RefundSource(NamedTuple):
    """A payment that an order's money came by, what of it can still go back (fen), and to whom by which account."""

    allocation_id: UUID
    left_fen: int
    payer_name: str
    payer_account: str
    bank_account_id: UUID | None


def refundable_sources(session: orm.Session, order_id: UUID, *, line_id: UUID | None = None) -> list[RefundSource]:
    """Return what an order's money came by, or by one line, and was not asked back, the oldest first."""
    asked = (
        sa.select(sa.func.coalesce(sa.func.sum(Refund.amount_fen), 0))
        .where(Refund.allocation_id == ReceiptAllocation.id, Refund.status.in_(CLAIMING))
        .scalar_subquery()
    )
    left = (ReceiptAllocation.amount_fen - asked).label("left_fen")
    wanted = (
        sa.select(
            ReceiptAllocation.id,
            left,
            Receipt.payer_name,
            sa.func.coalesce(BankLine.counterparty_account, ""),
            BankLine.bank_account_id,
        )
        .join(Receipt, Receipt.id == ReceiptAllocation.receipt_id)
        .outerjoin(BankLine, BankLine.id == Receipt.bank_line_id)
        .where(ReceiptAllocation.order_id == order_id, left > 0, BankLine.id == line_id if line_id else sa.true())
        .order_by(ReceiptAllocation.id)
    )
    return [RefundSource(*row) for row in session.execute(wanted)]


def claimed_fen(session: orm.Session, order_id: UUID, *, but: UUID | None = None) -> int:
    """Return what is asked back of an order and not sent yet, but for one refund."""
    wanted = sa.select(sa.func.coalesce(sa.func.sum(Refund.amount_fen), 0)).where(
        Refund.order_id == order_id,
        Refund.status.in_((RefundStatus.REQUESTED, RefundStatus.APPROVED)),
        Refund.id != but if but else sa.true(),
    )
    return int(session.scalars(wanted).one())


def asked_back(session: orm.Session, order_id: UUID) -> Sequence[Refund]:
    """Return the refunds of a locked order on which nobody has decided, locked."""
    wanted = sa.select(Refund).where(Refund.order_id == order_id, Refund.status == RefundStatus.REQUESTED)
    return session.scalars(wanted.order_by(Refund.id).with_for_update()).all()


def charge_of(session: orm.Session, allocation_id: UUID) -> str | None:
    """Return the provider's charge that brought a part of a receipt."""
    wanted = (
        sa.select(ProviderMovement.source_id)
        .join(Receipt, Receipt.bank_line_id == ProviderMovement.line_id)
        .join(ReceiptAllocation, ReceiptAllocation.receipt_id == Receipt.id)
        .where(ReceiptAllocation.id == allocation_id)
    )
    return session.scalar(wanted)


def visible_refunds(actor: Actor) -> sa.Select[Refund]:
    """Return the refunds of the orders an actor may see."""
    return sa.select(Refund).where(Refund.order_id.in_(visible_orders(actor).with_only_columns(Order.id)))


def one_refund(session: orm.Session, actor: Actor, refund_id: UUID) -> Refund:
    """Return a refund that the actor may see; raises `NotFoundError`."""
    refund = session.scalar(visible_refunds(actor).where(Refund.id == refund_id))
    if refund is None:
        raise NotFoundError(what="refund")
    return refund


def refund_kept(session: orm.Session, actor: Actor, refund_id: UUID) -> Refund:
    """Return a refund that the actor's side sends: a supplier what it was paid itself, the platform all else."""
    refund = one_refund(session, actor, refund_id)
    if (refund.route is RefundRoute.SUPPLIER) is not (actor.side is Side.SUPPLIER):
        raise NotFoundError(what="refund")
    return refund


def paying_account(session: orm.Session, refund: Refund, order: Order) -> UUID | None:
    """Return the account that pays a refund: the supplier's own, or custody; the one that was registered last."""
    wanted = sa.select(BankAccount.id).order_by(BankAccount.id.desc()).limit(1)
    if refund.route is RefundRoute.SUPPLIER:
        wanted = wanted.where(
            BankAccount.purpose == AccountPurpose.OWN, BankAccount.organisation_id == order.supplier_id
        )
    else:
        wanted = wanted.where(BankAccount.purpose == AccountPurpose.CUSTODY)
    return session.scalar(wanted)


def sent_from(session: orm.Session, account_id: UUID) -> Sequence[Refund]:
    """Return the refunds that are with the bank of an account."""
    wanted = sa.select(Refund).where(Refund.account_id == account_id, Refund.status == RefundStatus.SENT)
    return session.scalars(wanted.order_by(Refund.id)).all()


def changes_of(session: orm.Session, refund_id: UUID) -> Sequence[RefundChange]:
    """Return the steps of a refund, oldest first."""
    changes = sa.select(RefundChange).where(RefundChange.refund_id == refund_id)
    return session.scalars(changes.order_by(RefundChange.id)).all()


def refund_seen(session: orm.Session, provider_id: str, our_id: UUID | None) -> Refund | None:
    """Return the refund that the provider tells of, by its id or by ours."""
    wanted = sa.select(Refund).where(sa.or_(Refund.provider_id == provider_id, Refund.id == our_id))
    return session.scalars(wanted).first()


def refunds_told(session: orm.Session, lines: Sequence[BankLine]) -> list[tuple[BankLine, UUID]]:
    """Return the refunds whose numbers open lines of the bank that pays them carry; what left comes first."""
    told = [
        (line, number)
        for line in sorted(lines, key=lambda each: each.amount_fen > 0)
        if line.open_fen
        for number in REFUND_NUMBER.findall(f"{line.payment_reference} {line.remark}")
    ]
    wanted = sa.select(Refund.number, Refund.id, Refund.account_id).where(
        Refund.number.in_({number for _, number in told}), Refund.route.in_((RefundRoute.BANK, RefundRoute.SUPPLIER))
    )
    found = {row.number: row for row in session.execute(wanted)}
    return [
        (line, found[number].id)
        for line, number in told
        if number in found and found[number].account_id == line.bank_account_id
    ]
