"""Transfers: a settlement of what was paid online goes to the supplier's account at the provider, or comes back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankAccount
from market.errors import FourEyesError, TransitionError
from market.identity.rules import Actor
from market.payments import calls
from market.payments.models import ConnectedAccount
from market.payments.rules import CURRENCY, Operation
from market.settlements import queries
from market.settlements.changing import change
from market.settlements.models import Settlement
from market.settlements.rules import ON_REVERSAL, NotReadyError, SettlementEvent


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
    """Ask to have a confirmed settlement's transfer taken back whole; another member decides on it.

    Raises `NotFoundError` or `TransitionError`, also while that is asked, or the provider busy with it.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    sent = queries.transfer_call(session, settlement.id, Operation.TRANSFER)
    asked = queries.transfer_call(session, settlement.id, Operation.REVERSE_TRANSFER)
    if sent is None or _is_asked_back(settlement) or (asked and asked.status.is_open):
        raise TransitionError(machine="settlement", status=settlement.status, event=SettlementEvent.REVERSE)
    change(session, actor.member_id, settlement, SettlementEvent.REVERSE, now)
    settlement.reversal_asked_by, settlement.reversal_approved_by = actor.member_id, None
    session.flush()
    return settlement


def decide_back(
    session: orm.Session, actor: Actor, *, settlement_id: UUID, event: SettlementEvent, now: datetime
) -> Settlement:
    """Approve or decline what another asked to have taken back; approved, the provider is asked.

    Raises `NotFoundError`, `TransitionError` or `FourEyesError`; it is returned when the provider has done it.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    sent = queries.transfer_call(session, settlement.id, Operation.TRANSFER)
    step = ON_REVERSAL[event]
    if sent is None or not _is_asked_back(settlement):
        raise TransitionError(machine="settlement", status=settlement.status, event=step)
    if settlement.reversal_asked_by == actor.member_id:
        raise FourEyesError(rule="settlement_reversal")
    change(session, actor.member_id, settlement, step, now)
    if step is SettlementEvent.APPROVE_REVERSAL:
        settlement.reversal_approved_by = actor.member_id
        params = {"transfer": sent.object_id, "amount": settlement.amount_fen}
        calls.ask(session, Operation.REVERSE_TRANSFER, settlement.id, params, now=now)
    else:
        settlement.reversal_asked_by = None
    session.flush()
    return settlement


def _is_asked_back(settlement: Settlement) -> bool:
    return settlement.reversal_asked_by is not None and settlement.reversal_approved_by is None
