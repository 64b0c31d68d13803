"""Connecting: the platform's own account at the provider, and those of the suppliers that are to be paid there."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banking.rules import AccountPurpose, BankAccountTakenError
from market.banks.rules import account_key
from market.db import lock_by, new_id
from market.errors import NotFoundError
from market.identity.models import Member, Organisation
from market.identity.rules import Actor
from market.payments import calls, movements
from market.payments.models import ConnectedAccount, ProviderCall
from market.payments.provider import AccountSeen
from market.payments.rules import CURRENCY, CallStatus, ConnectedOnceError, Operation


def connect_platform(session: orm.Session, actor: Actor, seen: AccountSeen, *, now: datetime) -> BankAccount:
    """Register the account whose key the market uses; raises `BankAccountTakenError` if there is one already."""
    lock_by(session, kind="provider_account", key="platform")
    wanted = sa.select(BankAccount.id).where(BankAccount.purpose == AccountPurpose.PROVIDER)
    if session.scalar(wanted):
        raise BankAccountTakenError
    return _registered(session, actor.organisation_id, actor.member_id, AccountPurpose.PROVIDER, seen.id, now=now)


def connect(session: orm.Session, actor: Actor, *, now: datetime) -> ProviderCall:
    """Ask the provider for an account of the actor's organisation; raises `NoProviderError` or `ConnectedOnceError`."""
    movements.provider_account(session)
    lock_by(session, kind="provider_account", key=actor.organisation_id)
    asked = _openings(actor.organisation_id).where(ProviderCall.status != CallStatus.REFUSED)
    if session.scalars(asked).first():
        raise ConnectedOnceError
    params = {
        "country": "CN",
        "capabilities": {"transfers": {"requested": True}},
        "metadata": {"member": str(actor.member_id)},
    }
    return calls.ask(session, Operation.OPEN_ACCOUNT, actor.organisation_id, params, now=now)


def _openings(organisation_id: UUID) -> sa.Select[ProviderCall]:
    """Return what was asked for an organisation, the last first; what is refused may be asked for again."""
    wanted = sa.select(ProviderCall).where(
        ProviderCall.operation == Operation.OPEN_ACCOUNT, ProviderCall.subject_id == organisation_id
    )
    return wanted.order_by(ProviderCall.id.desc()).limit(1)


def account_of(session: orm.Session, organisation_id: UUID) -> tuple[BankAccount, ConnectedAccount | None]:
    """Return an organisation's account at the provider, and what a supplier's may do; raises `NotFoundError`."""
    wanted = sa.select(BankAccount).where(
        BankAccount.purpose.in_((AccountPurpose.PROVIDER, AccountPurpose.CONNECTED)),
        BankAccount.organisation_id == organisation_id,
    )
    account = session.scalars(wanted).first()
    if account is None:
        raise NotFoundError(what="provider_account")
    return account, session.get(ConnectedAccount, account.id)


def pay_out(session: orm.Session, actor: Actor, *, amount_fen: int, now: datetime) -> ProviderCall:
    """Ask the provider to pay out to the supplier's bank; raises `NotFoundError` without an account there."""
    account, _ = account_of(session, actor.organisation_id)
    params = {"amount": amount_fen, "currency": CURRENCY, "account": account.number}
    return calls.ask(session, Operation.PAYOUT, new_id(), params, now=now)


def note(session: orm.Session, seen: AccountSeen, *, now: datetime) -> None:
    """Take note of what a supplier's account may do; an account that nobody here asked for is none of ours."""
    found = _account(session, seen, now)
    if found is None:
        return
    known = session.get(ConnectedAccount, found.id, with_for_update=True)
    if known is None:
        known = ConnectedAccount(account_id=found.id)
        session.add(known)
    known.takes_transfers, known.pays_out = seen.takes_transfers, seen.pays_out
    known.due, known.seen_at = list(seen.due), now
    session.flush()


def _account(session: orm.Session, seen: AccountSeen, now: datetime) -> BankAccount | None:
    wanted = sa.select(BankAccount).where(
        BankAccount.purpose == AccountPurpose.CONNECTED, BankAccount.number == seen.id
    )
    found = session.scalar(wanted)
    if found is not None or seen.our_id is None or session.get(Organisation, seen.our_id) is None:
        return found
    call = session.scalars(_openings(seen.our_id)).first()
    if call is None:
        return None
    calls.settled_by_others(session, Operation.OPEN_ACCOUNT, seen.our_id, seen.id)
    member_id = UUID(call.params["metadata"]["member"])
    return _registered(session, seen.our_id, member_id, AccountPurpose.CONNECTED, seen.id, now=now)


def _registered(
    session: orm.Session, organisation_id: UUID, member_id: UUID, purpose: AccountPurpose, number: str, *, now: datetime
) -> BankAccount:
    organisation = session.get_one(Organisation, organisation_id)
    account = BankAccount(
        id=new_id(),
        organisation_id=organisation.id,
        purpose=purpose,
        holder=organisation.name,
        bank_name="Stripe",
        bank_code="",
        number=number,
        number_key=account_key(number),
        opened_by=session.get_one(Member, member_id).id,
        opened_at=now,
        confirmed_at=now,  # by the provider, which told of it
    )
    session.add(account)
    session.flush()
    return account
