"""What may be read of bank accounts and their lines."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine, BankStatement
from market.banking.rules import PAID_INTO, AccountPurpose, Waiting
from market.banks.rules import codes_in
from market.channels.rules import FundsModel
from market.db import lock_by
from market.errors import NotFoundError
from market.identity.rules import Actor, Scope

GAPS = """
    WITH told AS (
      SELECT id, bank_account_id, closes_on, lag(id) OVER before AS last_id, lag(closes_on) OVER before AS last_on,
             closing_fen - lag(closing_fen) OVER before AS moved_fen
        FROM bank_statements WHERE closing_fen IS NOT NULL AND closes_on IS NOT NULL
      WINDOW before AS (PARTITION BY bank_account_id ORDER BY closes_on, id))
    SELECT t.id, t.bank_account_id, t.closes_on, t.moved_fen - coalesce(sum(l.amount_fen), 0) AS gap_fen
      FROM told t
      LEFT JOIN bank_lines l ON l.bank_account_id = t.bank_account_id
                            AND (l.booked_on, l.statement_id) > (t.last_on, t.last_id)
                            AND (l.booked_on, l.statement_id) <= (t.closes_on, t.id)
     WHERE t.last_id IS NOT NULL
     GROUP BY t.id, t.bank_account_id, t.closes_on, t.moved_fen
"""
"""By how much each closing balance is not the one before it and the lines between them: a statement is missing there.

Lines of a day that were told later than its closing balance happened later: the statement was taken during the day.
"""


def gap_of(session: orm.Session, statement: BankStatement) -> int | None:
    """Return the gap before a statement in fen; None if it, or all before it, tell no balance."""
    gaps = sa.text(f"SELECT gap_fen FROM ({GAPS}) g WHERE bank_account_id = :account AND id = :id")  # noqa: S608
    fen = session.scalar(gaps, {"account": statement.bank_account_id, "id": statement.id})
    return None if fen is None else int(fen)


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


def usable_accounts(purpose: AccountPurpose) -> sa.Select[BankAccount]:
    """Return the accounts of a purpose that a second person confirmed and nobody closed, the last confirmed first."""
    wanted = sa.select(BankAccount).where(
        BankAccount.purpose == purpose, BankAccount.confirmed_at.is_not(None), BankAccount.closed_at.is_(None)
    )
    return wanted.order_by(BankAccount.confirmed_at.desc(), BankAccount.id.desc())


def account_to_pay(session: orm.Session, purpose: AccountPurpose, owner_id: UUID | None = None) -> BankAccount | None:
    """Return the account that pays or is paid: of an organisation, or of whoever keeps custody."""
    wanted = usable_accounts(purpose)
    return session.scalar((wanted.filter_by(organisation_id=owner_id) if owner_id else wanted).limit(1))


def accounts_to_pay_into(
    session: orm.Session, model: FundsModel, supplier_ids: Collection[UUID]
) -> dict[UUID, BankAccount]:
    """Return by supplier the account into which its orders of a funds model are paid, of those that have one."""
    wanted = usable_accounts(PAID_INTO[model])
    if model is FundsModel.DIRECT:
        own = session.scalars(wanted.where(BankAccount.organisation_id.in_(supplier_ids)))
        return {account.organisation_id: account for account in reversed(own.all())}
    shared = session.scalars(wanted.limit(1)).first()
    return dict.fromkeys(supplier_ids, shared) if shared else {}


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


def lock_own_accounts(session: orm.Session, supplier_id: UUID) -> None:
    """Lock a supplier's own accounts, in the order of their ids, as who imports or matches locks one of them."""
    own = sa.select(BankAccount.id).where(
        BankAccount.organisation_id == supplier_id, BankAccount.purpose == AccountPurpose.OWN
    )
    for account_id in session.scalars(own.order_by(BankAccount.id)).all():
        lock_by(session, kind="bank_account", key=str(account_id))


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


def waiting_under(session: orm.Session, account: BankAccount, code: str) -> int:
    """Return what came into an account under an identification code and is not accounted for yet, in fen."""
    waiting = sa.select(BankLine).where(BankLine.bank_account_id == account.id, BankLine.open_fen > 0)
    return sum(line.open_fen for line in session.scalars(waiting.order_by(BankLine.id)) if code in codes_of(line))


def codes_of(line: BankLine) -> list[str]:
    """Return the identification codes that a line carries, in its remark or in the payer's reference."""
    return list(dict.fromkeys([*codes_in(line.remark), *codes_in(line.payment_reference)]))
