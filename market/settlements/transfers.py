"""Transfers: a settlement of what was paid online goes to the supplier's account at the provider, or comes back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankAccount
from market.errors import TransitionError
from market.identity.rules import Actor
from market.orders.models import Order
from market.payments import calls
from market.payments.models import ConnectedAccount
from market.payments.queries import open_disputes
from market.payments.rules import CURRENCY, DisputeOpenError, Operation
from market.settlements import queries
from market.settlements.models import Settlement
from market.settlements.rules import NotReadyError, SettlementStatus


def check_undisputed(session: orm.Session, settlement: Settlement) -> None:
    """Raise `DisputeOpenError` while a payer's bank contests a payment of an order that is to be settled."""
    order_ids = [row.order_id for row in queries.items_of(session, [settlement.id])]
    for order_id in sorted(open_disputes(session, order_ids)):
        raise DisputeOpenError(number=session.get_one(Order, order_id).number)


def ask(session: orm.Session, settlement: Settlement, *, now: datetime) -> None:
    """Ask the provider for the transfer; raises `NotReadyError` if the supplier's account cannot take it yet."""
    payee = session.get_one(BankAccount, settlement.payee_account_id)
    may = session.get(ConnectedAccount, payee.id)
    if may is None or not may.takes_transfers:
        raise NotReadyError(number=settlement.number)
    params = {
        "amount": settlement.amount_fen,
        "currency": CURRENCY,
        "destination": payee.number,
        "transfer_group": settlement.number,
        "description": f"结算 {settlement.number}",
    }
    calls.ask(session, Operation.TRANSFER, settlement.id, params, now=now)


def ask_back(session: orm.Session, actor: Actor, *, settlement_id: UUID, now: datetime) -> Settlement:
    """Ask the provider to take the transfer of a confirmed settlement back whole.

    Raises `NotFoundError` or `TransitionError`; the settlement is returned when the provider has done it.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    sent = queries.transfer_call(session, settlement.id, Operation.TRANSFER)
    asked = queries.transfer_call(session, settlement.id, Operation.REVERSE_TRANSFER)
    if settlement.status is not SettlementStatus.CONFIRMED or sent is None or (asked and asked.status.is_open):
        raise TransitionError(machine="settlement", status=settlement.status, event="reverse")
    params = {"transfer": sent.object_id, "amount": settlement.amount_fen}
    calls.ask(session, Operation.REVERSE_TRANSFER, settlement.id, params, now=now)
    return settlement
