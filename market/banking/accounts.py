"""Bank accounts: which are custody, which a supplier's own; who opened them, and who confirmed them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking import queries
from market.banking.models import BankAccount
from market.banking.rules import AccountConfirmedError, AccountPurpose, BankAccountTakenError
from market.banks.rules import account_key
from market.db import lock_by, new_id
from market.errors import ConflictError, FourEyesError
from market.identity.models import Organisation
from market.identity.rules import Actor, Side


def register(
    session: orm.Session, actor: Actor, *, bank_name: str, bank_code: str, number: str, now: datetime
) -> BankAccount:
    """Register an account of the actor's organisation, which holds it: the platform's is custody, a supplier's its own.

    It does not count before another confirmed it. Raises `BankAccountTakenError`.
    """
    key = account_key(number)
    _check_free(session, key)
    account = BankAccount(
        id=new_id(),
        organisation_id=actor.organisation_id,
        purpose=AccountPurpose.CUSTODY if actor.side is Side.OPERATOR else AccountPurpose.OWN,
        holder=session.get_one(Organisation, actor.organisation_id).name,
        bank_name=bank_name,
        bank_code=bank_code,
        number=number,
        number_key=key,
        opened_by=actor.member_id,
        opened_at=now,
    )
    session.add(account)
    session.flush()
    return account


def _check_free(session: orm.Session, key: str) -> None:
    """What nobody confirmed blocks nobody: anyone could register another's number."""
    confirmed = sa.select(BankAccount.id).where(BankAccount.number_key == key, BankAccount.confirmed_at.is_not(None))
    if session.scalar(confirmed):
        raise BankAccountTakenError(pointer="/number")


def confirm(session: orm.Session, actor: Actor, *, account_id: UUID, now: datetime) -> BankAccount:
    """Have an account count: statements are imported into it, payments go to it and from it.

    The name in which custody is held stays. Raises `NotFoundError`, `AccountConfirmedError`, `BankAccountTakenError`,
    `FourEyesError` for who opened it, or `ConflictError` if its organisation was renamed since.
    """
    account = queries.one_account(session, actor, account_id)
    session.refresh(account, with_for_update=True)
    if account.confirmed_at is not None:
        raise AccountConfirmedError
    if account.opened_by == actor.member_id:
        raise FourEyesError(rule="bank_account")
    lock_by(session, kind="bank_account_number", key=account.number_key)
    _check_free(session, account.number_key)
    holder = session.get_one(Organisation, account.organisation_id, with_for_update=True, populate_existing=True)
    if account.holder != holder.name:
        raise ConflictError
    holder.name_is_kept = holder.name_is_kept or account.purpose is AccountPurpose.CUSTODY
    account.confirmed_by, account.confirmed_at = actor.member_id, now
    session.flush()
    return account
