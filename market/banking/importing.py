"""Importing a bank's statement: each of its movements once."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking import accounts, queries
from market.banking.models import BankAccount, BankLine, BankStatement
from market.banking.rules import AccountNotConfirmedError, AccountPurpose, StatementTakenError, Waiting
from market.banks.reading import check_account, read_statements
from market.banks.rules import (
    Fault,
    Statement,
    StatementFaultsError,
    StatementLine,
    closing_of,
    last_day,
    line_keys,
)
from market.cash import posting as cash
from market.cash.rules import CashKind
from market.clock import business_date
from market.db import lock_by, new_id
from market.identity.rules import Actor
from market.ledger.rules import AccountKey


def import_statement(
    session: orm.Session, actor: Actor, *, account_id: UUID, content: bytes, profile: str | None, now: datetime
) -> tuple[BankStatement, BankAccount]:
    """Take over the lines of a file that are not there yet; return the statement and its account, locked.

    Raises `NotFoundError`, `AccountNotConfirmedError`, `AccountClosedError`, `StatementTakenError`, and what the file
    is refused for.
    """
    statements = read_statements(content, profile=profile)  # which may take a second: before anything is locked
    account = queries.locked_account(session, actor, account_id)
    if account.confirmed_at is None:
        raise AccountNotConfirmedError
    _check_tells(session, account)
    digest = sha256(content).hexdigest()
    known = session.scalar(
        sa.select(BankStatement.imported_at).where(
            BankStatement.bank_account_id == account.id, BankStatement.file_sha256 == digest
        )
    )
    if known:
        raise StatementTakenError(on=business_date(known))
    check_account(statements, account.number)
    _check_days(statements, business_date(now))
    lines = _new_lines(session, account, statements)
    last = max(reversed(statements), key=lambda each: last_day(each) or date.min)
    statement = BankStatement(
        id=new_id(),
        bank_account_id=account.id,
        file_sha256=digest,
        form=statements[0].form,
        closing_fen=closing_of(last),
        closes_on=last_day(last),
        line_count=sum(len(each.lines) for each in statements),
        new_count=len(lines),
        imported_by=actor.member_id,
        imported_at=now,
    )
    session.add(statement)
    session.flush()
    rows = [_row(account, statement, key, line) for key, line in lines]
    session.add_all(rows)
    session.flush()
    return statement, account


def _check_tells(session: orm.Session, account: BankAccount) -> None:
    """Let a closed account tell what its bank still booked, until another is in use with its number."""
    session.refresh(account, with_for_update={"read": True})
    if account.closed_at is not None:
        lock_by(session, kind="bank_account_number", key=account.number_key)
        if accounts.is_in_use(session, account.number_key):
            accounts.check_open(account)


MOST_DAYS_AGO = 400
"""A statement older than that is no news; its days would open months that the book has long left behind."""


def _check_days(statements: Sequence[Statement], today: date) -> None:
    """Refuse what a bank cannot have booked yet, and what it booked too long ago."""
    days = (today - timedelta(days=MOST_DAYS_AGO), today)
    faults = [
        Fault(line.row, "day", f"lies outside {days[0]} – {days[1]}", f"日期须在 {days[0]} 至 {days[1]} 之间")
        for statement in statements
        for line in statement.lines
        if not days[0] <= line.booked_on <= days[1]
    ]
    if faults:
        raise StatementFaultsError(faults)


def mirror(session: orm.Session, account: BankAccount, statement: BankStatement) -> None:
    """Post what the new lines of a statement moved, if the account is in custody."""
    if account.purpose is AccountPurpose.CUSTODY:
        rows = session.scalars(sa.select(BankLine).where(BankLine.statement_id == statement.id).order_by(BankLine.id))
        cash.post(session, [_mirrored(account, row) for row in rows])


def _new_lines(
    session: orm.Session, account: BankAccount, statements: Sequence[Statement]
) -> list[tuple[str, StatementLine]]:
    lines = [line for statement in statements for line in statement.lines]
    keyed = dict(zip(line_keys(account.number_key, lines), lines, strict=True))
    known = (
        sa.select(BankLine.line_key)
        .join(BankAccount, BankAccount.id == BankLine.bank_account_id)
        .where(BankAccount.number_key == account.number_key, BankLine.line_key.in_(keyed))
    )
    for key in session.scalars(known):
        del keyed[key]
    return list(keyed.items())


def _row(account: BankAccount, statement: BankStatement, key: str, line: StatementLine) -> BankLine:
    return BankLine(
        id=new_id(),
        bank_account_id=account.id,
        statement_id=statement.id,
        line_key=key,
        booked_on=line.booked_on,
        amount_fen=line.amount_fen,
        counterparty_name=line.counterparty_name,
        counterparty_account=line.counterparty_account,
        bank_reference=line.reference,
        payment_reference=line.payment_reference,
        remark=line.remark,
        open_fen=line.amount_fen,
        waiting=_waits(line),
    )


def _waits(line: StatementLine) -> Waiting:
    if line.is_reversal:
        return Waiting.REVERSAL
    return Waiting.NO_CODE if line.amount_fen > 0 else Waiting.WENT_OUT


def _mirrored(account: BankAccount, line: BankLine) -> cash.Draft:
    """Post what moved on the custodian's account, on the bank's day, before it is known what for."""
    custody, unmatched = AccountKey(CashKind.CUSTODY, account.id), AccountKey(CashKind.UNMATCHED, line.id)
    sides = (custody, unmatched) if line.amount_fen > 0 else (unmatched, custody)
    move = cash.Move(*sides, abs(line.amount_fen))
    facts = {"bank_account": str(account.id), "line_key": line.line_key}
    return cash.Draft(f"cash:bank_line:{line.id}", "bank_line", line.booked_on, [move], facts)
