"""What may be read of bank accounts and their lines."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.rules import Waiting
from market.banks.rules import codes_in
from market.db import lock_by
from market.errors import NotFoundError
from market.identity.rules import Actor, Scope


def visible_accounts(actor: Actor) -> sa.Select[BankAccount]:
    """Return the bank accounts an actor may know of: its organisation's own, or all."""
    accounts = sa.select(BankAccount)
    if actor.scope is Scope.ALL:
        return accounts
    return accounts.where(BankAccount.organisation_id == actor.organisation_id)


def visible_lines(actor: Actor) -> sa.Select[BankLine]:
    """Return the lines of statements of the accounts that the actor may know of."""
    accounts = visible_accounts(actor).with_only_columns(BankAccount.id)
    return sa.select(BankLine).where(BankLine.bank_account_id.in_(accounts))


def one_account(session: orm.Session, actor: Actor, account_id: UUID) -> BankAccount:
    """Return an account that the actor may see; raises `NotFoundError`."""
    account = session.scalar(visible_accounts(actor).where(BankAccount.id == account_id))
    if account is None:
        raise NotFoundError(what="bank_account")
    return account


def locked_account(session: orm.Session, actor: Actor, account_id: UUID) -> BankAccount:
    """Return an account that the actor may use, locked: its statements are imported and matched one at a time."""
    account = one_account(session, actor, account_id)
    lock_by(session, kind="bank_account", key=str(account.id))
    return account


def locked_line(session: orm.Session, actor: Actor, line_id: UUID) -> tuple[BankLine, BankAccount]:
    """Return a line that the actor may see, and its account, both locked; raises `NotFoundError`."""
    account_id = session.scalar(
        visible_lines(actor).where(BankLine.id == line_id).with_only_columns(BankLine.bank_account_id)
    )
    if account_id is None:
        raise NotFoundError(what="bank_line")
    account = locked_account(session, actor, account_id)
    return session.get_one(BankLine, line_id, with_for_update=True, populate_existing=True), account


def lines_asked(
    actor: Actor, bank_account_id: UUID | None, waiting: Waiting | None, *, is_open: bool | None
) -> sa.Select[BankLine]:
    """Return the lines that an actor may know of, of an account, open or not, and of those that wait for one reason."""
    lines = visible_lines(actor)
    if bank_account_id:
        lines = lines.where(BankLine.bank_account_id == bank_account_id)
    if is_open is not None:
        lines = lines.where((BankLine.open_fen != 0) == is_open)
    return lines.where(BankLine.waiting == waiting) if waiting else lines


def codes_of(line: BankLine) -> list[str]:
    """Return the identification codes that a line carries, in its remark or in the payer's reference."""
    return list(dict.fromkeys([*codes_in(line.remark), *codes_in(line.payment_reference)]))
