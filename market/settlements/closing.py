"""Closing a bank account, which waits for all that a bank was told to pay from or to it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.banking import accounts
from market.banking.models import BankAccount
from market.identity.rules import Actor
from market.payments import refund_queries
from market.settlements import queries
from market.settlements.rules import AccountBusyError


def close(session: orm.Session, actor: Actor, *, account_id: UUID, reason: str, now: datetime) -> BankAccount:
    """Take an account out of use: nobody is told to pay into it, and nothing is instructed from or to it.

    Its statements are imported as before. Raises `AccountBusyError`, or what `accounts.account_to_close` raises.
    """
    account = accounts.account_to_close(session, actor, account_id)
    refunds = refund_queries.count_at_bank(session, account.id)
    settlements = queries.count_at_bank(session, account.id)
    if refunds or settlements:
        raise AccountBusyError(refunds=refunds, settlements=settlements)
    accounts.close(session, actor, account, reason=reason, now=now)
    return account
