"""A small market to crash: suppliers with plenty of stock, their buyers, custody, and accounts at the provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banking.rules import AccountPurpose
from market.benefits.rules import Mechanism
from market.clock import utc_now
from market.db import Database
from market.identity.models import Member
from market.identity.rules import Role
from market.payments import connecting, sweeping, tasks
from tests import factories
from tests.crash.provider import Provider
from tests.payments.desk import Bank, in_custody, of_supplier
from tests.story import Story, open_channels

LOTS_MILLI = (300_000, 300_000, 10**9)
"""The first ones run out on the way, so that orders draw on two."""
OWED_FEN_PER_KG = 50
"""To each of two households that gave to a lot."""
PRICES_FEN = (997, 313)


@dataclass(frozen=True)
class Stall:
    """A supplier, its product, the account that its buyers pay into, and the tokens of those who ask, by role."""

    supplier: str
    product: str
    custody: str
    tokens: dict[str, str]


class Stalls(NamedTuple):
    """Those at which everybody orders, and one for each writer, whose supplier is paid, one settlement at a time."""

    shared: Sequence[Stall]
    own: Sequence[Stall]


def build(db: Database, provider: Provider, *, writers: int) -> Stalls:
    """Write the market into an empty database, and open its accounts at the provider."""
    with provider.gateway() as gateway:
        with db.transaction() as session:
            open_channels(session)
            custody = in_custody(session)
            connecting.connect_platform(session, custody.clerk, gateway.account(), now=utc_now())
            shared = [_stall(session, custody, provider, price_fen=fen) for fen in PRICES_FEN]
            own = [_stall(session, custody, provider, price_fen=PRICES_FEN[0]) for _ in range(writers)]
        tasks.make_calls(db, gateway, utc_now())
        with db.transaction() as session:
            wanted = sa.select(BankAccount.number).where(BankAccount.purpose == AccountPurpose.CONNECTED)
            connected = list(session.scalars(wanted))
        for number in connected:
            provider.command("activate", account=number)
        sweeping.sweep(db, gateway, now=utc_now())
    return Stalls(shared, own)


def _stall(session: orm.Session, custody: Bank, provider: Provider, *, price_fen: int) -> Stall:
    payees = [factories.household(session).id for _ in range(3)]
    dividends = (Mechanism.SHARE_DIVIDEND, 1_000, [(payee, 3 - place) for place, payee in enumerate(payees)])
    story = Story(session, pools=[dividends], tax_bp=900, price_fen=price_fen)
    givers = [story.household().id for _ in range(2)]
    for milli in LOTS_MILLI:
        story.lot(milli, dict.fromkeys(givers, milli // 1_000 * OWED_FEN_PER_KG))
    of_supplier(story)
    connecting.connect(session, story.clerk, now=utc_now())
    manager = factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))
    acting = {
        "orderer": story.orderer,
        "clerk": story.clerk,
        "manager": manager,
        "receiver": story.receiver,
        "custodian": custody.clerk,
        "colleague": custody.colleague,
    }
    tokens = {name: factories.token(session, session.get_one(Member, who.member_id)) for name, who in acting.items()}
    tokens["payer"] = provider.key
    return Stall(str(story.supplier.id), str(story.product.id), str(custody.account.id), tokens)
