"""What may be read of refunds: of what an order's money came by, who sends which, and which lines tell of them."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.queries import account_to_pay
from market.banking.rules import AccountPurpose
from market.errors import NotFoundError
from market.identifiers import reference_key
from market.identity.rules import Actor, Side
from market.orders.models import Order
from market.orders.queries import visible_orders
from market.payments.models import ProviderMovement, Receipt, ReceiptAllocation, Refund, RefundChange, RefundFile
from market.payments.rules import CLAIMING, REFUND_NUMBER, RefundEvent, RefundRoute, RefundStatus


class RefundSource(NamedTuple):
    """A payment that an order's money came by, what of it can still go back (fen), and to whom by which account."""

    allocation_id: UUID
    left_fen: int
    payer_name: str
    payer_account: str
    bank_account_id: UUID | None


def refundable_sources(
    session: orm.Session,
    order_id: UUID,
    *,
    line_id: UUID | None = None,
    allocation_id: UUID | None = None,
    claiming: Collection[RefundStatus] = CLAIMING,
) -> list[RefundSource]:
    """Return what an order's money came by, or by one line or part of a receipt, less refunds of these statuses.

    The oldest comes first.
    """
    asked = (
        sa.select(sa.func.coalesce(sa.func.sum(Refund.amount_fen), 0))
        .where(Refund.allocation_id == ReceiptAllocation.id, Refund.status.in_(claiming))
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
        .where(
            ReceiptAllocation.order_id == order_id,
            left > 0,
            BankLine.id == line_id if line_id else sa.true(),
            ReceiptAllocation.id == allocation_id if allocation_id else sa.true(),
        )
        .order_by(ReceiptAllocation.id)
    )
    return [RefundSource(*row) for row in session.execute(wanted)]


_NOT_SENT = (RefundStatus.REQUESTED, RefundStatus.APPROVED)


def claimed_fen(
    session: orm.Session, order_id: UUID, *, but: UUID | None = None, claiming: Collection[RefundStatus] = _NOT_SENT
) -> int:
    """Return what is asked back of an order by refunds of these statuses, but for one refund."""
    wanted = sa.select(sa.func.coalesce(sa.func.sum(Refund.amount_fen), 0)).where(
        Refund.order_id == order_id,
        Refund.status.in_(claiming),
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
    """Return the account that pays a refund: into which it was paid, unless that is closed.

    Else it is the supplier's own, or custody; the one that was confirmed last.
    """
    if refund.account_id and session.get_one(BankAccount, refund.account_id).closed_at is None:
        return refund.account_id
    if refund.route is RefundRoute.SUPPLIER:
        account = account_to_pay(session, AccountPurpose.OWN, order.supplier_id)
    else:
        account = account_to_pay(session, AccountPurpose.CUSTODY)
    return account.id if account else None


def is_reference_taken(session: orm.Session, supplier_id: UUID, key: str) -> bool:
    """Tell whether a line of a supplier's bank is said already to have paid a refund."""
    taken = sa.select(Refund.id).where(Refund.supplier_id == supplier_id, Refund.reference_key == key)
    return session.scalar(taken) is not None


def count_at_bank(session: orm.Session, account_id: UUID) -> int:
    """Return how many refunds the bank of an account was told to pay, of which it has told nothing."""
    wanted = sa.select(sa.func.count()).where(Refund.account_id == account_id, Refund.status == RefundStatus.SENT)
    return session.scalars(wanted).one()


def locked_for_file(session: orm.Session, account_id: UUID) -> Sequence[Refund]:
    """Return the refunds that are with the bank of an account and in no file yet, locked."""
    wanted = sa.select(Refund).where(
        Refund.account_id == account_id, Refund.status == RefundStatus.SENT, Refund.file_id.is_(None)
    )
    return session.scalars(wanted.order_by(Refund.id).with_for_update()).all()


def handed_on_by(session: orm.Session, refund: Refund) -> set[UUID | None]:
    """Return who sent a refund, who said that it was paid, and who prepared the file that it is in."""
    made_by = sa.select(RefundFile.made_by).where(RefundFile.id == refund.file_id)
    sent_by = sa.select(RefundChange.changed_by).where(
        RefundChange.refund_id == refund.id, RefundChange.event.in_((RefundEvent.SEND, RefundEvent.SUCCEED))
    )
    return {*session.scalars(made_by), *session.scalars(sent_by)}


def failed_in_file(session: orm.Session, file_id: UUID) -> str | None:
    """Return the number of the first refund of a file that failed, also if it left after all."""
    failed = sa.exists().where(RefundChange.refund_id == Refund.id, RefundChange.event == RefundEvent.FAIL)
    wanted = sa.select(Refund.number).where(Refund.file_id == file_id, failed)
    return session.scalar(wanted.order_by(Refund.id).limit(1))


def changes_of(session: orm.Session, refund_id: UUID) -> Sequence[RefundChange]:
    """Return the steps of a refund, oldest first."""
    changes = sa.select(RefundChange).where(RefundChange.refund_id == refund_id)
    return session.scalars(changes.order_by(RefundChange.id)).all()


def refunds_seen(session: orm.Session, provider_id: str, our_id: UUID | None) -> Sequence[Refund]:
    """Return the refunds that the provider tells of as one: by its id, or the one by ours that has none of its yet."""
    ours = sa.and_(Refund.id == our_id, Refund.provider_id.is_(None))
    wanted = sa.select(Refund).where(sa.or_(Refund.provider_id == provider_id, ours))
    return session.scalars(wanted.order_by(Refund.id)).all()


def approved_unmade(session: orm.Session, line_id: UUID, fen: int) -> Refund | None:
    """Return the oldest approved refund of so much, of what a line brought, of which the provider has told nothing."""
    wanted = (
        sa.select(Refund)
        .join(ReceiptAllocation, ReceiptAllocation.id == Refund.allocation_id)
        .join(Receipt, Receipt.id == ReceiptAllocation.receipt_id)
        .where(
            Receipt.bank_line_id == line_id,
            Refund.status == RefundStatus.APPROVED,
            Refund.route == RefundRoute.PROVIDER,
            Refund.amount_fen == fen,
            Refund.provider_id.is_(None),
        )
    )
    return session.scalars(wanted.order_by(Refund.id).limit(1)).first()


def refunds_told(session: orm.Session, account: BankAccount, lines: Sequence[BankLine]) -> list[tuple[BankLine, UUID]]:
    """Return the refunds of which open lines of an account tell; what left comes first.

    A line tells of a refund that its bank pays by its number, and of one that a supplier has recorded by the reference
    under which it did.
    """
    told = [
        (line, word)
        for line in sorted(lines, key=lambda each: each.amount_fen > 0)
        if line.open_fen
        for word in _words_of(line)
    ]
    words = {word for _, word in told}
    recorded = sa.and_(Refund.account_id.is_(None), Order.supplier_id == account.organisation_id)
    wanted = (
        sa.select(Refund.id, Refund.number, Refund.reference_key)
        .join(Order, Order.id == Refund.order_id)
        .where(
            sa.or_(Refund.number.in_(words), Refund.reference_key.in_(words)),
            Refund.route.in_((RefundRoute.BANK, RefundRoute.SUPPLIER)),
            sa.or_(Refund.account_id == account.id, sa.and_(recorded, Refund.route == RefundRoute.SUPPLIER)),
        )
    )
    found = {word: row.id for row in session.execute(wanted) for word in (row.number, row.reference_key) if word}
    return list(dict.fromkeys((line, found[word]) for line, word in told if word in found))


def _words_of(line: BankLine) -> list[str]:
    numbers = REFUND_NUMBER.findall(f"{line.payment_reference} {line.remark}")
    return [*numbers, reference_key(line.bank_reference)] if line.bank_reference else numbers


def lines_told(session: orm.Session, supplier_id: UUID, refund: Refund, reference: str) -> list[BankLine]:
    """Return the open lines of a supplier's own accounts that tell of a refund by its number or this reference."""
    wanted = (
        sa.select(BankLine)
        .join(BankAccount, BankAccount.id == BankLine.bank_account_id)
        .where(BankAccount.organisation_id == supplier_id, BankAccount.purpose == AccountPurpose.OWN)
        .where(BankLine.open_fen < 0)
        .order_by(BankLine.id)
    )
    words = {refund.number, reference_key(reference)}
    return [line for line in session.scalars(wanted) if words.intersection(_words_of(line))]


def paid_after_all(session: orm.Session, order_id: UUID) -> str | None:
    """Return the number of a failed refund of an order of which an open line tells that it left."""
    told = sa.func.concat_ws(" ", BankLine.payment_reference, BankLine.remark)
    waits = sa.exists().where(
        BankLine.bank_account_id == Refund.account_id,
        BankLine.open_fen == -Refund.amount_fen,
        told.contains(Refund.number),
    )
    failed = sa.select(Refund.number).where(
        Refund.order_id == order_id, Refund.status.in_((RefundStatus.FAILED, RefundStatus.REROUTED)), waits
    )
    return session.scalar(failed.order_by(Refund.id).limit(1))
