"""A market with real commits at an emulated provider: who buys in it, what moved there, what its books say."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import sqlalchemy as sa
import stripe
from sqlalchemy import orm

from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.banking.models import BankAccount, BankLine
from market.banking.rules import AccountPurpose
from market.clock import utc_now
from market.db import Database
from market.identity.models import Member
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.orders.models import Order
from market.payments import connecting, tasks
from market.payments.gateway import Gateway
from market.payments.models import OnlinePayment, ProviderCall, ProviderMovement, Receipt, Refund
from market.payments.rules import CallStatus, OnlineStatus
from tests import factories
from tests.payments.desk import selling
from tests.payments.till import CARD
from tests.story import Story
from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import calling
from tests.stripe_emulator.server import running


@dataclass
class World:
    """The market of one test."""

    db: Database
    url: str
    emulator: Emulator
    client: stripe.StripeClient
    gateway: Gateway
    story: Story
    people: Mapping[str, Actor]
    tokens: Mapping[str, str]

    def order(self, quantity: str = "10") -> dict[str, Any]:
        """Return a new order group's wish, that pays online."""
        line = {"product_id": str(self.story.product.id), "quantity": quantity, "unit": "kg"}
        return {"channel_code": "canteen", "funds_model": "stripe", "lines": [line]}

    def headers(self, who: str, key: str | None = None) -> dict[str, str]:
        """Return the headers of one request."""
        return {"Authorization": f"Bearer {self.tokens[who]}", "Idempotency-Key": key or uuid4().hex}

    def placed(self, post: Any) -> str:
        """Place an order over HTTP; return its group's id."""
        answer = post("/v1/order-groups", json=self.order(), headers=self.headers("orderer"))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def work(self, *, ahead: timedelta = timedelta()) -> None:
        """Do once, so much later, what a worker does with the provider."""
        now = utc_now() + ahead
        for task in tasks.provider_tasks(self.gateway).values():
            task(self.db, now)

    def charge(self, card: str = CARD) -> None:
        """Pay the one payment that is open, as the payer's browser does."""
        with self.db.transaction() as session:
            provider_id = session.scalars(sa.select(OnlinePayment.provider_id)).one()
        params: stripe.params.PaymentIntentConfirmParams = {
            "payment_method": card,
            "return_url": "https://example.org/back",
        }
        self.client.v1.payment_intents.confirm(str(provider_id), params)

    def payments(self) -> list[OnlineStatus]:
        """Return how the online payments stand."""
        with self.db.transaction() as session:
            return list(session.scalars(sa.select(OnlinePayment.status).order_by(OnlinePayment.id)))

    def calls(self) -> list[CallStatus]:
        """Return how the calls stand."""
        with self.db.transaction() as session:
            return list(session.scalars(sa.select(ProviderCall.status).order_by(ProviderCall.id)))

    def tries(self) -> int:
        """Return how often the provider was asked."""
        with self.db.transaction() as session:
            return int(session.scalar(sa.select(sa.func.sum(ProviderCall.tries))) or 0)

    def refunds(self) -> list[Any]:
        """Return how the refunds stand."""
        with self.db.transaction() as session:
            return list(session.scalars(sa.select(Refund.status).order_by(Refund.id)))

    def count(self, model: Any) -> int:
        """Return how many rows a table has."""
        with self.db.transaction() as session:
            return int(session.scalar(sa.select(sa.func.count()).select_from(model)) or 0)

    def agrees(self) -> Counter[str]:
        """Return what moved at the provider, by kind; the market has told just that, and its books are sound."""
        self.emulator.check()
        with self.db.transaction() as session:
            told = told_of(session)
        with self.db.transaction() as session:
            said = [finding.line() for finding in verify(session).findings]
        with self.db.transaction() as session:
            said += [symptom.line() for symptom in examine(session)]
        assert said == []
        assert told == moved(self.client)
        return Counter(kind for _, kind, _ in told)

    def order_of(self, session: orm.Session) -> Order:
        """Return the one order there is."""
        return session.scalars(sa.select(Order)).one()


Movements = Counter[tuple[str, str, int]]


def moved(client: stripe.StripeClient) -> Movements:
    """Return every movement of the platform's balance: id, kind, fen."""
    found = client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter()
    return Counter((each.id, each.type, each.amount) for each in found)


def told_of(session: orm.Session) -> Movements:
    """Return every movement that the market knows of, as often as it does."""
    wanted = (
        sa.select(BankLine.line_key, ProviderMovement.kind, BankLine.amount_fen)
        .join(BankAccount, BankAccount.id == BankLine.bank_account_id)
        .join(ProviderMovement, ProviderMovement.line_id == BankLine.id)
        .where(BankAccount.purpose == AccountPurpose.PROVIDER)
    )
    return Counter((row[0], row[1], row[2]) for row in session.execute(wanted))


def receipts(session: orm.Session) -> list[int]:
    """Return what was received, receipt by receipt, in fen."""
    return list(session.scalars(sa.select(Receipt.amount_fen).order_by(Receipt.id)))


@contextmanager
def opened(db: Database, url: str) -> Iterator[World]:
    """Build a market in an empty database, at an emulated provider that runs as long as the block."""
    with running() as emulator, calling(emulator) as client:
        gateway = Gateway(
            emulator.key, webhook_secret=emulator.webhook_secret, base_url=emulator.url, timeout_seconds=2
        )
        with closing(gateway), db.transaction() as session:
            story = selling(session)
            platform = factories.organisation(session, kind=OrganisationKind.PLATFORM)
            rows = [factories.member(session, platform, Role.OPERATOR) for _ in range(2)]
            clerk, colleague = (factories.actor(session, row, Scope.ALL) for row in rows)
            connecting.connect_platform(session, clerk, gateway.account(), now=utc_now())
            people = {"orderer": story.orderer, "clerk": story.clerk, "platform": clerk, "colleague": colleague}
            tokens = {
                name: factories.token(session, session.get_one(Member, who.member_id)) for name, who in people.items()
            }
        with closing(gateway):
            yield World(db, url, emulator, client, gateway, story, people, tokens)


def later(**span: float) -> datetime:
    """Return an instant so much after now."""
    return utc_now() + timedelta(**span)


def over(address: str) -> httpx2.Client:
    """Return a client of an application."""
    return httpx2.Client(base_url=address, timeout=60, trust_env=False)
