"""What the provider has done against what the market knows: each thing once, and no fen apart."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import stripe
from sqlalchemy import orm

from market.audit.reconciling import reconcile
from market.cash.rules import CashKind
from market.clock import utc_now
from market.ledger import queries as ledger
from market.ledger.rules import Book
from market.payments.models import ProviderCall, ProviderEvent
from market.payments.rules import CallStatus, EventStatus
from tests.crash.asking import today
from tests.crash.provider import Provider
from tests.failures.world import moved, told_of

PAGE: Any = {"limit": 100}


@dataclass
class Reckoned:
    """What moved at the provider by kind, what is there and what the book says of it in fen, and what is wrong."""

    moved: Counter[str]
    there_fen: int
    booked_fen: int
    complaints: list[str]


def reckon(session: orm.Session, provider: Provider) -> Reckoned:
    """Compare the provider with a market at rest."""
    with provider.gateway() as gateway, provider.client() as client:
        there_fen, booked_fen = gateway.balance_fen(), _booked_fen(session)
        movements = moved(client)
        said = [*_discrepancies(provider), *_doubled(client), *_unlike(movements, told_of(session)), *_open(session)]
    if there_fen != booked_fen:
        said.append(f"drift: {there_fen} fen are at the provider, and {booked_fen} in the book")
    if unexplained_fen := reconcile(session, now=utc_now()).unexplained_fen:
        said.append(f"{unexplained_fen} fen of what is under way are unexplained")
    return Reckoned(Counter(kind for _, kind, _ in movements), there_fen, booked_fen, said)


def _booked_fen(session: orm.Session) -> int:
    standing = ledger.balances(session, Book.CASH, on=today())
    there = [standing[kind] for kind in (CashKind.PROVIDER_PENDING, CashKind.PROVIDER_AVAILABLE) if kind in standing]
    return sum(each.debit_fen - each.credit_fen for each in there)


def _discrepancies(provider: Provider) -> Iterator[str]:
    """Yield what does not add up at the provider itself."""
    try:
        provider.command("check")
    except ValueError as error:
        yield str(error)


def _doubled(client: stripe.StripeClient) -> Iterator[str]:
    """Yield what was done there more than once of what was asked for once."""
    v1 = client.v1
    done = {
        "charges for order group": (
            each.transfer_group for each in v1.charges.list(PAGE).auto_paging_iter() if each.status == "succeeded"
        ),
        "payments for online payment": (our_id(each) for each in v1.payment_intents.list(PAGE).auto_paging_iter()),
        "refunds for refund": (our_id(each) for each in v1.refunds.list(PAGE).auto_paging_iter()),
        "transfers for settlement": (our_id(each) for each in v1.transfers.list(PAGE).auto_paging_iter()),
    }
    for what, subjects in done.items():
        for subject, times in Counter(subjects).items():
            if times > 1:
                yield f"{times} {what} {subject}"


def our_id(thing: Any) -> str:
    """Return the id that the market gave to an object of the provider's."""
    return str(thing.metadata["market_id"])


def _unlike(there: Counter[tuple[str, str, int]], told: Counter[tuple[str, str, int]]) -> Iterator[str]:
    for movement in there - told:
        yield "{} ({}, {} fen) moved at the provider, and is no line".format(*movement)
    for movement in told - there:
        yield "{} ({}, {} fen) is a line, and did not move at the provider".format(*movement)


def _open(session: orm.Session) -> Iterator[str]:
    """Yield what has not come to its end though everything was done that was due."""
    open_lines = sa.text("""
        SELECT l.line_key, l.waiting FROM bank_lines l JOIN bank_accounts a ON a.id = l.bank_account_id
         WHERE l.open_fen <> 0 AND a.purpose = 'provider'
    """)
    for key, waiting in session.execute(open_lines):
        yield f"movement {key} waits: {waiting}"
    for call in session.scalars(sa.select(ProviderCall).where(ProviderCall.status != CallStatus.DONE)):
        yield f"{call.operation} of {call.subject_id} is {call.status} after {call.tries} tries: {call.fault}"
    for event in session.scalars(sa.select(ProviderEvent).where(ProviderEvent.status != EventStatus.HANDLED)):
        yield f"event {event.id} is {event.status} after {event.tries} tries: {event.fault}"
