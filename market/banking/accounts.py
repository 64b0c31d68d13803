"""Bank accounts: which are custody, which a supplier's own."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banking.rules import AccountPurpose, BankAccountTakenError
from market.banks.rules import account_key
from market.db import new_id
from market.identity.rules import Actor, Side


def register(
    session: orm.Session, actor: Actor, *, holder: str, bank_name: str, bank_code: str, number: str, now: datetime
) -> BankAccount:
    """Register an account of the actor's organisation: the platform's is custody, a supplier's its own.

    Raises `BankAccountTakenError`.
    """
    key = account_key(number)
    if session.scalar(sa.select(BankAccount.id).where(BankAccount.number_key == key)):
        raise BankAccountTakenError(pointer="/number")
    account = BankAccount(
        id=new_id(),
        organisation_id=actor.organisation_id,
        purpose=AccountPurpose.CUSTODY if actor.side is Side.OPERATOR else AccountPurpose.OWN,
        holder=holder,
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
