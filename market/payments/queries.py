"""What may be read of receipts, and of what bank lines may pay."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.queries import one_account, visible_lines
from market.banking.rules import MODELS, AccountPurpose, Waiting
from market.banks.rules import settlement_numbers_in
from market.channels.rules import FundsModel
from market.errors import NotFoundError
from market.identity.rules import Actor, Scope, Side
from market.orders.models import Order, OrderGroup
from market.orders.queries import visible_orders
from market.payments.models import (
    Dispute,
    OnlinePart,
    OnlinePayment,
    Proposal,
    ProposedPart,
    ProviderCall,
    ProviderMovement,
    Receipt,
    ReceiptAllocation,
    ReceiptFound,
    Refund,
)
from market.payments.rules import (
    DAYS_APART,
    ENDED,
    LONGEST_PAUSE,
    CallStatus,
    DisputeStatus,
    OnlineStatus,
    Operation,
    OrderPart,
    ProposalStatus,
)


def is_due(next_at: orm.InstrumentedAttribute[datetime], now: datetime) -> sa.ColumnElement[bool]:
    """Say of what was put off that its time has come, whatever the clock was that put it off."""
    return sa.or_(next_at <= now, next_at > now + LONGEST_PAUSE)


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


def open_lines(session: orm.Session, account: BankAccount) -> Sequence[BankLine]:
    """Return the lines of an account of which something is not accounted for, oldest first."""
    lines = sa.select(BankLine).where(BankLine.bank_account_id == account.id, BankLine.open_fen != 0)
    return session.scalars(lines.order_by(BankLine.booked_on, BankLine.id)).all()


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


def lines_to_match(session: orm.Session, supplier_id: UUID) -> Sequence[BankLine]:
    """Return the lines of a supplier's own accounts that brought money of which something is open, oldest first."""
    lines = (
        sa.select(BankLine)
        .join(BankAccount, BankAccount.id == BankLine.bank_account_id)
        .where(
            BankAccount.organisation_id == supplier_id,
            BankAccount.purpose == AccountPurpose.OWN,
            BankLine.open_fen > 0,
            BankLine.waiting != Waiting.REVERSAL,
        )
    )
    wanted = lines.order_by(BankLine.booked_on, BankLine.id).execution_options(populate_existing=True)
    return session.scalars(wanted).all()


def lines_about(session: orm.Session, account: BankAccount, day: date) -> Sequence[BankLine]:
    """Return the lines that brought an account money within some days of one."""
    apart = timedelta(days=DAYS_APART)
    lines = sa.select(BankLine).where(
        BankLine.bank_account_id == account.id,
        BankLine.amount_fen > 0,
        BankLine.booked_on.between(day - apart, day + apart),
    )
    return session.scalars(lines.order_by(BankLine.id)).all()


def received_fen(session: orm.Session, lines: Collection[BankLine]) -> int:
    """Return what lines have paid orders already, in fen."""
    paid = sa.select(sa.func.coalesce(sa.func.sum(Receipt.amount_fen), 0))
    return int(session.scalars(paid.where(Receipt.bank_line_id.in_([line.id for line in lines]))).one())


def sent_before(session: orm.Session, account: BankAccount, lines: Collection[BankLine]) -> set[UUID]:
    """Return which lines carry the number of a settlement under which money had left the account: it came back."""
    back: set[UUID] = set()
    told = sa.func.concat_ws(" ", BankLine.payment_reference, BankLine.remark)
    for line in lines:
        for number in settlement_numbers_in(f"{line.payment_reference} {line.remark}"):
            left = sa.exists().where(
                BankLine.bank_account_id == account.id, BankLine.amount_fen < 0, told.contains(number)
            )
            if session.scalar(sa.select(left)):
                back.add(line.id)
    return back


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


def lock_orders_told(
    session: orm.Session, account: BankAccount, group_ids: Collection[UUID], refund_ids: Collection[UUID]
) -> None:
    """Lock the orders that groups have paid into an account and those of refunds, in the order of their ids.

    Then the refunds, in theirs.
    """
    told = sa.select(Refund.order_id).where(Refund.id.in_(refund_ids))
    paid = sa.and_(Order.group_id.in_(group_ids), _paid_into(account))
    wanted = sa.select(Order.id).where(sa.or_(paid, Order.id.in_(told))).order_by(Order.id)
    session.execute(wanted.with_for_update())
    session.execute(sa.select(Refund.id).where(Refund.id.in_(refund_ids)).order_by(Refund.id).with_for_update())


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


def line_of(session: orm.Session, proposal_id: UUID) -> UUID:
    """Return the line that a proposal is about; raises `NotFoundError`."""
    line_id = session.scalar(sa.select(Proposal.bank_line_id).where(Proposal.id == proposal_id))
    if line_id is None:
        raise NotFoundError(what="proposal")
    return line_id


def is_undone(session: orm.Session, proposal_id: UUID) -> bool:
    """Tell whether the meaning that a line was given has been undone."""
    undone = sa.exists().where(Proposal.undoes_id == proposal_id, Proposal.status == ProposalStatus.APPROVED)
    return bool(session.scalar(sa.select(undone)))


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


def visible_payments(actor: Actor) -> sa.Select[OnlinePayment]:
    """Return the online payments an actor may know of: those of its organisation as buyer, or all."""
    payments = sa.select(OnlinePayment)
    return payments if actor.scope is Scope.ALL else payments.where(OnlinePayment.buyer_id == actor.organisation_id)


def one_payment(session: orm.Session, actor: Actor, payment_id: UUID) -> OnlinePayment:
    """Return an online payment that the actor may see; raises `NotFoundError`."""
    payment = session.scalar(visible_payments(actor).where(OnlinePayment.id == payment_id))
    if payment is None:
        raise NotFoundError(what="online_payment")
    return payment


def visible_group(session: orm.Session, actor: Actor, group_id: UUID) -> OrderGroup:
    """Return an order group of the actor's organisation as buyer; raises `NotFoundError`."""
    wanted = sa.select(OrderGroup).where(OrderGroup.id == group_id, OrderGroup.buyer_id == actor.organisation_id)
    group = session.scalar(wanted)
    if group is None:
        raise NotFoundError(what="order_group")
    return group


def open_payment(session: orm.Session, group_id: UUID) -> UUID | None:
    """Return the payment of a group that has not ended."""
    wanted = sa.select(OnlinePayment.id).where(
        OnlinePayment.group_id == group_id, OnlinePayment.status.not_in(tuple(ENDED))
    )
    return session.scalar(wanted)


def open_payments(session: orm.Session, *, unasked_since: datetime) -> Sequence[UUID]:
    """Return the payments that the provider waits for and about which nothing was asked of it for a while."""
    asked = sa.exists().where(
        ProviderCall.subject_id == OnlinePayment.id,
        sa.or_(
            ProviderCall.status.in_((CallStatus.DUE, CallStatus.PARKED)),
            sa.and_(ProviderCall.operation != Operation.CREATE_PAYMENT, ProviderCall.made_at > unasked_since),
        ),
    )
    wanted = sa.select(OnlinePayment.id).where(OnlinePayment.status == OnlineStatus.OPEN, ~asked)
    return session.scalars(wanted.order_by(OnlinePayment.id)).all()


def payment_seen(session: orm.Session, provider_id: str, our_id: UUID | None) -> OnlinePayment | None:
    """Return the payment that the provider tells of, by its id or by ours."""
    wanted = sa.select(OnlinePayment).where(
        sa.or_(OnlinePayment.provider_id == provider_id, OnlinePayment.id == our_id)
    )
    return session.scalars(wanted).first()


def locked_payment(session: orm.Session, charge_id: str) -> OnlinePayment | None:
    """Return the payment of ours that a charge captured, locked, as it is before an account by all who lock both."""
    wanted = sa.select(OnlinePayment).where(OnlinePayment.charge_id == charge_id).with_for_update()
    return session.scalar(wanted.execution_options(populate_existing=True))


def online_parts(session: orm.Session, payment_id: UUID) -> list[OrderPart]:
    """Return what a payment is meant for."""
    parts = sa.select(OnlinePart).where(OnlinePart.payment_id == payment_id).order_by(OnlinePart.order_id)
    return [OrderPart(part.order_id, part.amount_fen) for part in session.scalars(parts)]


def is_being_asked(session: orm.Session, subject_id: UUID) -> bool:
    """Tell whether an answer of the provider about an object of ours is still to come, as of a call that is parked."""
    is_open = ProviderCall.status.in_((CallStatus.DUE, CallStatus.PARKED))
    return bool(session.scalar(sa.select(sa.exists().where(ProviderCall.subject_id == subject_id, is_open))))


def is_withdrawn(session: orm.Session, subject_id: UUID) -> bool:
    """Tell whether something that was asked of an object of ours is not wanted any more."""
    wanted = sa.exists().where(ProviderCall.subject_id == subject_id, ProviderCall.is_withdrawn)
    return bool(session.scalar(sa.select(wanted)))


def locked_orders(session: orm.Session, order_ids: Collection[UUID]) -> Sequence[Order]:
    """Return orders, locked in the order of their ids."""
    wanted = sa.select(Order).where(Order.id.in_(order_ids)).order_by(Order.id)
    return session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()


def locked_orders_of_model(session: orm.Session, group_id: UUID, model: FundsModel) -> Sequence[Order]:
    """Return the orders of a group that are paid one way, locked in the order of their ids."""
    wanted = sa.select(Order).where(Order.group_id == group_id, Order.funds_model == model).order_by(Order.id)
    return session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()


def account_paying_refunds(session: orm.Session, actor: Actor, account_id: UUID) -> BankAccount:
    """Return an account from which the actor's side pays refunds: a supplier its own, the platform custody."""
    account = one_account(session, actor, account_id)
    if account.purpose is not (AccountPurpose.OWN if actor.side is Side.SUPPLIER else AccountPurpose.CUSTODY):
        raise NotFoundError(what="bank_account")
    return account


def open_disputes(session: orm.Session, order_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the orders about a payment of which a dispute is open."""
    wanted = (
        sa.select(OnlinePart.order_id)
        .join(Dispute, Dispute.payment_id == OnlinePart.payment_id)
        .where(OnlinePart.order_id.in_(order_ids), Dispute.status == DisputeStatus.OPEN)
    )
    return set(session.scalars(wanted))


def unclear_refunds(session: orm.Session, order_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the orders of a payment of which something went back, and it is not known of which order."""
    wanted = (
        sa.select(OnlinePart.order_id)
        .join(ProviderMovement, ProviderMovement.payment_id == OnlinePart.payment_id)
        .join(BankLine, BankLine.id == ProviderMovement.line_id)
        .where(OnlinePart.order_id.in_(order_ids), BankLine.waiting == Waiting.REFUNDED_UNASKED)
        .group_by(OnlinePart.order_id, ProviderMovement.source_id)
        .having(sa.func.sum(BankLine.open_fen) < 0)
    )
    return set(session.scalars(wanted))


def lost_disputes(session: orm.Session, order_id: UUID) -> Sequence[Dispute]:
    """Return the disputes about payments of an order that were lost, oldest first."""
    wanted = sa.select(Dispute).join(OnlinePart, OnlinePart.payment_id == Dispute.payment_id)
    lost = wanted.where(OnlinePart.order_id == order_id, Dispute.status == DisputeStatus.LOST)
    return session.scalars(lost.order_by(Dispute.id)).all()


def lost_fen(session: orm.Session, dispute: Dispute) -> int:
    """Return what was lost in a dispute and has not paid anything that was to go back, in fen."""
    spent = sa.select(sa.func.coalesce(sa.func.sum(Refund.amount_fen), 0)).where(Refund.dispute_id == dispute.id)
    return dispute.amount_fen - int(session.scalars(spent).one())


def all_disputes() -> sa.Select[Dispute]:
    """Return the disputes; whoever may read the cash book may know of all."""
    return sa.select(Dispute)


def calls_in(status: CallStatus | None) -> sa.Select[ProviderCall]:
    """Return what was asked of the provider, in one state or in any."""
    found = sa.select(ProviderCall)
    return found.where(ProviderCall.status == status) if status else found
