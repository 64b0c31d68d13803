"""Bank accounts that count."""

from sqlalchemy import orm

from market.banking import accounts
from market.banking.models import BankAccount
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests.factories.people import LONG_AGO, actor, member, number, organisation


def bank_account(
    session: orm.Session, opener: Actor, *, account_number: str | None = None, confirmed: bool = True
) -> BankAccount:
    """An account of the opener's organisation, confirmed by an operator of another unless not."""
    facts = {"bank_name": "农行", "bank_code": "", "number": account_number or f"1400 {number():09d}"}
    account = accounts.register(session, opener, **facts, now=LONG_AGO)
    if confirmed:
        confirm(session, account)
    return account


def confirm(session: orm.Session, account: BankAccount) -> None:
    """Have an operator confirm an account who had nothing to do with it."""
    another = member(session, organisation(session, kind=OrganisationKind.PLATFORM), Role.OPERATOR)
    accounts.confirm(session, actor(session, another, Scope.ALL), account_id=account.id, now=account.opened_at)
