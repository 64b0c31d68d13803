"""What may be read of settlements, and of what is to be settled."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.rules import MODELS
from market.channels.rules import FundsModel
from market.db import lock_by
from market.errors import NotFoundError
from market.identity.rules import Actor, Scope
from market.orders.models import Order, OrderLine
from market.payments.models import ProviderCall
from market.payments.rules import Operation
from market.settlements.models import Settlement, SettlementChange, SettlementItem
from market.settlements.rules import SettlementEvent, SettlementStatus


def visible_settlements(actor: Actor) -> sa.Select[Settlement]:
    """Return the settlements an actor may know of: those of its organisation as supplier, or all."""
    settlements = sa.select(Settlement)
    return (
        settlements if actor.scope is Scope.ALL else settlements.where(Settlement.supplier_id == actor.organisation_id)
    )


def one_settlement(session: orm.Session, actor: Actor, settlement_id: UUID, *, lock: bool = False) -> Settlement:
    """Return a settlement that the actor may see, locked if asked; raises `NotFoundError`."""
    wanted = visible_settlements(actor).where(Settlement.id == settlement_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    settlement = session.scalar(wanted)
    if settlement is None:
        raise NotFoundError(what="settlement")
    return settlement


def count_at_bank(session: orm.Session, account_id: UUID) -> int:
    """Return how many settlements a bank was told to pay from or to an account, of which none has told."""
    wanted = sa.select(sa.func.count()).where(
        sa.or_(Settlement.paying_account_id == account_id, Settlement.payee_account_id == account_id),
        Settlement.status == SettlementStatus.INSTRUCTED,
    )
    return session.scalars(wanted).one()


def items_of(session: orm.Session, settlement_ids: Collection[UUID]) -> Sequence[SettlementItem]:
    """Return the items of settlements, by settlement and in the order in which they were made."""
    items = sa.select(SettlementItem).where(SettlementItem.settlement_id.in_(settlement_ids))
    return session.scalars(items.order_by(SettlementItem.settlement_id, SettlementItem.id)).all()


def orders_paid_for(
    session: orm.Session, supplier_id: UUID, model: FundsModel, *, lock: bool = True
) -> Sequence[Order]:
    """Return a supplier's orders of a funds model of which something was paid and accepted, oldest first."""
    accepted = sa.exists().where(OrderLine.order_id == Order.id, OrderLine.accepted_fen > 0)
    wanted = sa.select(Order).where(
        Order.supplier_id == supplier_id,
        Order.funds_model == model,
        Order.captured_fen > 0,
        accepted,
    )
    wanted = (wanted.with_for_update() if lock else wanted).execution_options(populate_existing=True)
    return session.scalars(wanted.order_by(Order.id)).all()


def line_told(session: orm.Session, settlement: Settlement, fen: int) -> BankLine | None:
    """Return the line, locked, by which so much moved at once for a settlement; below zero it left.

    A bank's carries the settlement's number, the provider's the transfer that was asked for.
    """
    wanted = _lines_about(session, settlement, fen).where(BankLine.open_fen == fen)
    return session.scalar(wanted.order_by(BankLine.id).limit(1).with_for_update())


def has_left(session: orm.Session, settlement: Settlement) -> bool:
    """Tell whether a line says that a settlement was paid, whatever else people said that line means."""
    return session.scalar(_lines_about(session, settlement, -settlement.amount_fen).limit(1)) is not None


def paid_after_all(session: orm.Session, supplier_id: UUID) -> str | None:
    """Return the number of a failed settlement of a supplier of which a line tells that it left, and waits."""
    told = sa.func.concat_ws(" ", BankLine.payment_reference, BankLine.remark)
    waits = sa.exists().where(
        BankLine.bank_account_id == Settlement.paying_account_id,
        BankLine.open_fen == -Settlement.amount_fen,
        told.contains(Settlement.number),
    )
    failed = sa.select(Settlement.number).where(
        Settlement.supplier_id == supplier_id, Settlement.status == SettlementStatus.FAILED, waits
    )
    return session.scalar(failed.order_by(Settlement.id).limit(1))


def instructed_by(session: orm.Session, settlement_id: UUID) -> UUID | None:
    """Return who handed a settlement to the bank."""
    return session.scalar(
        sa.select(SettlementChange.changed_by)
        .where(SettlementChange.settlement_id == settlement_id, SettlementChange.event == SettlementEvent.INSTRUCT)
        .limit(1)
    )


def _lines_about(session: orm.Session, settlement: Settlement, fen: int) -> sa.Select[BankLine]:
    # Statements of an account are matched one at a time, and not while one of its lines is taken.
    lock_by(session, kind="bank_account", key=str(settlement.paying_account_id))
    return sa.select(BankLine).where(
        BankLine.bank_account_id == settlement.paying_account_id,
        BankLine.amount_fen == fen,
        sa.or_(
            sa.func.concat_ws(" ", BankLine.payment_reference, BankLine.remark).contains(settlement.number),
            BankLine.payment_reference.in_(
                sa.select(ProviderCall.object_id).where(ProviderCall.subject_id == settlement.id)
            ),
        ),
    )


def model_of(session: orm.Session, settlement: Settlement) -> FundsModel:
    """Return of which funds model the orders are that a settlement pays."""
    return MODELS[session.get_one(BankAccount, settlement.paying_account_id).purpose]


def transfer_call(session: orm.Session, settlement_id: UUID, operation: Operation) -> ProviderCall | None:
    """Return what was asked of the provider for a settlement last."""
    wanted = sa.select(ProviderCall).where(
        ProviderCall.subject_id == settlement_id, ProviderCall.operation == operation
    )
    return session.scalars(wanted.order_by(ProviderCall.id.desc()).limit(1)).first()


def fault_of(session: orm.Session, settlement_id: UUID) -> str | None:
    """Return why what the provider was asked for a settlement last was not done, in its words."""
    wanted = sa.select(ProviderCall.fault).where(ProviderCall.subject_id == settlement_id)
    return session.scalars(wanted.order_by(ProviderCall.id.desc()).limit(1)).first()


def with_provider(session: orm.Session) -> list[UUID]:
    """Return the settlements of which the provider has been asked something and that have not ended by it."""
    asked = sa.exists().where(
        ProviderCall.subject_id == Settlement.id,
        sa.or_(
            sa.and_(ProviderCall.operation == Operation.TRANSFER, Settlement.status == SettlementStatus.INSTRUCTED),
            sa.and_(
                ProviderCall.operation == Operation.REVERSE_TRANSFER, Settlement.status == SettlementStatus.CONFIRMED
            ),
        ),
    )
    return list(session.scalars(sa.select(Settlement.id).where(asked).order_by(Settlement.id)))


def changes_of(session: orm.Session, settlement_id: UUID) -> Sequence[SettlementChange]:
    """Return the steps of a settlement, oldest first."""
    changes = sa.select(SettlementChange).where(SettlementChange.settlement_id == settlement_id)
    return session.scalars(changes.order_by(SettlementChange.id)).all()
