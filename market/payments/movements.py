"""Movements: what moved on the platform's balance at the provider, each once, as lines of an account like a bank's."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.rules import AccountPurpose, Waiting
from market.cash import posting as cash
from market.cash.rules import PLATFORM, CashKind
from market.clock import business_date
from market.db import lock_by, new_id
from market.ledger.rules import AccountKey
from market.payments.models import ProviderMovement
from market.payments.provider import MovementSeen
from market.payments.rules import NoProviderError


def provider_account(session: orm.Session) -> BankAccount:
    """Return the platform's account at the provider; raises `NoProviderError`."""
    wanted = sa.select(BankAccount).where(BankAccount.purpose == AccountPurpose.PROVIDER).order_by(BankAccount.id)
    account = session.scalars(wanted.limit(1)).first()
    if account is None:
        raise NoProviderError
    return account


def locked_provider_account(session: orm.Session) -> BankAccount:
    """Return the platform's account at the provider, locked: its movements are taken over one after the other."""
    account = provider_account(session)
    lock_by(session, kind="bank_account", key=str(account.id))
    return account


def known(session: orm.Session, account: BankAccount, movement_id: str) -> BankLine | None:
    """Return the line of a movement that was taken over."""
    return session.scalar(
        sa.select(BankLine).where(BankLine.bank_account_id == account.id, BankLine.line_key == movement_id)
    )


class Told(NamedTuple):
    """The line of a movement; a new one is to be posted when the transaction has its other locks."""

    line: BankLine
    is_new: bool


def take_over(session: orm.Session, account: BankAccount, movement: MovementSeen) -> Told:
    """Return the line of a movement of the locked account, new if it was not told before."""
    line = known(session, account, movement.id)
    if line is not None:
        return Told(line, is_new=False)
    line = BankLine(
        id=new_id(),
        bank_account_id=account.id,
        line_key=movement.id,
        booked_on=movement.booked_on,
        amount_fen=movement.amount_fen,
        counterparty_name="",
        counterparty_account="",
        bank_reference=movement.id,
        payment_reference=movement.source_id,
        remark=movement.kind,
        open_fen=movement.amount_fen,
        waiting=Waiting.NO_CODE if movement.amount_fen > 0 else Waiting.WENT_OUT,
    )
    session.add(line)
    session.flush()
    session.add(
        ProviderMovement(
            line_id=line.id,
            kind=movement.kind,
            source_id=movement.source_id,
            fee_fen=movement.fee_fen,
            available_on=max(movement.available_on, movement.booked_on),
        )
    )
    session.flush()
    return Told(line, is_new=True)


def mirror(session: orm.Session, account: BankAccount, told: Sequence[Told]) -> None:
    """Post what new lines moved, before it is known what for, and the fee that the provider kept."""
    cash.post(session, [_mirrored(session, account, line) for line, is_new in told if is_new])


def _mirrored(session: orm.Session, account: BankAccount, line: BankLine) -> cash.Draft:
    movement = session.get_one(ProviderMovement, line.id)
    pending, unmatched = AccountKey(CashKind.PROVIDER_PENDING, account.id), AccountKey(CashKind.UNMATCHED, line.id)
    fee = AccountKey(CashKind.PROVIDER_FEE, PLATFORM)
    sides = (pending, unmatched) if line.amount_fen > 0 else (unmatched, pending)
    moves = [cash.Move(*sides, abs(line.amount_fen))]
    if movement.fee_fen:
        moves.append(cash.Move(fee, pending, movement.fee_fen))
    facts = {"bank_account": str(account.id), "line_key": line.line_key}
    return cash.Draft(f"cash:bank_line:{line.id}", "bank_line", line.booked_on, moves, facts)


def release(session: orm.Session, line_id: UUID, *, on: date) -> None:
    """Post that the rest of a movement is there to be sent, from the day that the provider named."""
    movement = session.get_one(ProviderMovement, line_id, with_for_update=True)
    line = session.get_one(BankLine, line_id)
    if movement.released_on is not None:
        return
    movement.released_on = on
    pending, available = (
        AccountKey(kind, line.bank_account_id) for kind in (CashKind.PROVIDER_PENDING, CashKind.PROVIDER_AVAILABLE)
    )
    net_fen = line.amount_fen - movement.fee_fen
    sides = (available, pending) if net_fen > 0 else (pending, available)
    moves = [cash.Move(*sides, abs(net_fen))] if net_fen else []
    facts = {"line_key": line.line_key}
    cash.post(session, [cash.Draft(f"cash:released:{line.id}", "released", movement.available_on, moves, facts)])
    session.flush()


def pending(session: orm.Session, *, now: datetime) -> list[UUID]:
    """Return the movements whose rest is there by now and was not posted as such."""
    wanted = sa.select(ProviderMovement.line_id).where(
        ProviderMovement.released_on.is_(None), ProviderMovement.available_on <= business_date(now)
    )
    return list(session.scalars(wanted.order_by(ProviderMovement.line_id)))
