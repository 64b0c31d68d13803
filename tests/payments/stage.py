"""A stage on which tales of payments are told, each from the same beginning and undone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import stripe
import time_machine
from sqlalchemy import orm
from typing_extensions import override

from market.db import counting_ids
from market.payments import connecting
from market.payments.gateway import Gateway
from tests.conftest import RolledBackDatabase
from tests.payments.desk import Bank, in_custody, selling
from tests.payments.till import Till
from tests.story import NOON, Story
from tests.stripe_emulator.answering import Asked, encoded
from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.faults import NoAnswerError

OWN_MONEY = 10_000_000
"""What the platform has at the provider and in custody of its own, for losses and for refunds by bank, in fen."""


class Direct(stripe.HTTPClient):
    """The way from the SDK to an emulator without a network between them."""

    name = "direct"

    def __init__(self, emulator: Emulator) -> None:
        """Call this emulator alone."""
        super().__init__()
        self.emulator = emulator

    @override
    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> tuple[str, int, Any]:
        parts = urlsplit(url)
        asked = Asked(method.lower(), parts.path, post_data if method == "post" else parts.query, headers)
        try:
            answer = self.emulator.service.answer(asked)
        except NoAnswerError as error:
            raise stripe.APIConnectionError(str(error)) from error  # type: ignore[no-untyped-call] # so is the SDK
        return encoded(answer.body).decode(), answer.status, answer.headers

    @override
    def close(self) -> None:
        """Nothing is open."""


class Stage:
    """Who sells, buys and keeps the money, before any order."""

    def __init__(self, db: RolledBackDatabase) -> None:
        """Bring the parties together; the supplier's account at the provider takes transfers."""
        self.db = db
        with time_machine.travel(NOON, tick=False), counting_ids(NOON), db.transaction() as session:
            self.story = selling(session)
            emulator = Emulator()
            emulator.url = "https://provider.invalid"
            emulator.top_up(OWN_MONEY)
            gateway, client = _connected(emulator)
            self.till = Till(db, session, emulator, client, gateway=gateway)
            connecting.connect(session, self.story.clerk, now=self.till.now)
            self.till.work()
            account, _ = connecting.account_of(session, self.story.supplier.id)
            emulator.activate(account.number)
            self.till.later(minutes=11)
            self.till.work(sweep=True)
            self.custody = in_custody(session)
        self.began = self.till.now

    @contextmanager
    def told(self) -> Iterator["Cast"]:
        """Yield the people as they were before any order, at a provider of their own, and undo what they do."""
        with (
            self.db.connection.begin_nested() as savepoint,
            time_machine.travel(self.began, tick=False),
            counting_ids(self.began),
        ):
            with self.db.transaction() as session:
                yield Cast(self, session)
            savepoint.rollback()


class Cast:
    """The people of a stage in one telling."""

    def __init__(self, stage: Stage, session: orm.Session) -> None:
        """Let them work in a session of their own, with a copy of the provider as it was."""
        self.session, self.db = session, stage.db
        self.story: Story = stage.story.elsewhere(session)
        self.custody: Bank = copy(stage.custody)
        self.custody.session, self.custody.account = session, session.merge(stage.custody.account, load=False)
        self.till: Till = copy(stage.till)
        self.till.session, self.till.emulator = session, _copied(stage.till.emulator)
        self.till.gateway, self.till.client = _connected(self.till.emulator)
        self.till.listen()
        self.people: dict[UUID, str] = {
            self.story.supplier.id: "supplier",
            self.story.buyer.id: "buyer",
        }


def _copied(emulator: Emulator) -> Emulator:
    other = Emulator()
    other.url, other.key, other.webhook_secret = emulator.url, emulator.key, emulator.webhook_secret
    other.service.key = emulator.key
    known = emulator.world
    world = other.world
    world.books, world.homes, world.funds = deepcopy((known.books, known.homes, known.funds))
    world.token, world.numbers = "told", count(1)
    return other


def _connected(emulator: Emulator) -> tuple[Gateway, stripe.StripeClient]:
    """Return the market's way to the emulator, and the payers'."""
    gateway = Gateway(emulator.key, webhook_secret=emulator.webhook_secret, base_url=emulator.url)
    client = stripe.StripeClient(
        emulator.key, base_addresses={"api": emulator.url}, max_network_retries=0, http_client=Direct(emulator)
    )
    gateway.close()
    gateway._client = client
    return gateway, client
