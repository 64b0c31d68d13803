"""Bank accounts: which are custody, which a supplier's own; who opened, who confirmed, and who closed them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking import queries
from market.banking.models import BankAccount
from market.banking.rules import (
    AccountClosedError,
    AccountConfirmedError,
    AccountPurpose,
    BankAccountTakenError,
)
from market.banks.rules import account_key
from market.clock import business_date
from market.db import lock_by, new_id
from market.errors import ConflictError, FourEyesError, InvalidInputError
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
    if is_in_use(session, key):
        raise BankAccountTakenError(pointer="/number")


def is_in_use(session: orm.Session, key: str) -> bool:
    """Tell whether a number is a confirmed account's that is not closed.

    What nobody confirmed blocks nobody: anyone could register another's number.
    """
    in_use = sa.select(BankAccount.id).where(
        BankAccount.number_key == key, BankAccount.confirmed_at.is_not(None), BankAccount.closed_at.is_(None)
    )
    return session.scalar(in_use) is not None


def confirm(session: orm.Session, actor: Actor, *, account_id: UUID, now: datetime) -> BankAccount:
    """Have an account count: statements are imported into it, payments go to it and from it.

    The name in which custody is held stays. Raises `NotFoundError`, `AccountClosedError`, `AccountConfirmedError`,
    `BankAccountTakenError`, `FourEyesError` for who opened it, or `ConflictError` if its organisation was renamed
    since.
    """
    account = queries.one_account(session, actor, account_id)
    session.refresh(account, with_for_update=True)
    check_open(account)
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


def account_to_close(session: orm.Session, actor: Actor, account_id: UUID) -> BankAccount:
    """Return an account that the actor may close, locked, so that nothing is instructed from or to it meanwhile.

    Raises `NotFoundError`, `AccountClosedError`, or `InvalidInputError` for one at the payment provider.
    """
    account = queries.one_account(session, actor, account_id)
    session.refresh(account, with_for_update=True)
    check_open(account)
    if account.purpose not in (AccountPurpose.CUSTODY, AccountPurpose.OWN):
        raise InvalidInputError("the payment provider keeps this account", "该账户由支付机构管理,不在此停用")
    return account


def close(session: orm.Session, actor: Actor, account: BankAccount, *, reason: str, now: datetime) -> None:
    """Take a locked account out of use for ever, by one person: money that stays where it is goes to nobody.

    Its number is free; to use it again takes a new registration and another's confirmation.
    """
    account.closed_by, account.closed_at, account.closing_reason = actor.member_id, now, reason
    session.flush()


def hold_open(session: orm.Session, account_ids: Collection[UUID]) -> None:
    """Keep accounts from being closed until the transaction ends; raises `AccountClosedError`."""
    held = sa.select(BankAccount).where(BankAccount.id.in_(account_ids)).order_by(BankAccount.id)
    for account in session.scalars(held.with_for_update(read=True).execution_options(populate_existing=True)):
        check_open(account)


def check_open(account: BankAccount) -> None:
    """Raise `AccountClosedError` for a closed account."""
    if account.closed_at is not None:
        raise AccountClosedError(on=business_date(account.closed_at))
