"""The database is restored from an older copy: what provider and banks know is told again, and nothing twice."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from market.banking.models import BankLine
from market.banking.rules import StatementTakenError
from market.channels.rules import FundsModel
from market.clock import business_date, utc_now
from market.db import Database
from market.orders.models import Order
from market.payments.models import Refund
from market.payments.rules import OnlineStatus
from tests import schema
from tests.failures.test_calls import begin, give_back
from tests.failures.world import World, receipts
from tests.payments.bank import Movement
from tests.payments.desk import Bank, code, in_custody

SOON = timedelta(minutes=30)


@contextmanager
def restorable(at_stake: World) -> Iterator[World]:
    """Copy the database as it is now; yield the market in the copy, which knows nothing of what comes after."""
    name = str(sa.make_url(at_stake.url).database)
    at_stake.db.close()  # a database is copied when nobody is connected to it
    older, url = f"{name}_older", schema.on_database(at_stake.url, f"{name}_older")
    with psycopg.connect(schema.plain(schema.on_database(at_stake.url, "postgres")), autocommit=True) as connection:
        names = sql.Identifier(older), sql.Identifier(name)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        with closing(Database(url, threads=4)) as db:
            yield replace(at_stake, db=db, url=url)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))


def test_f24_what_the_provider_did_since_is_told_again_once(at_stake: World) -> None:
    begin(at_stake)
    at_stake.work()
    with restorable(at_stake) as restored:
        at_stake.charge()
        at_stake.work()
        give_back(at_stake)
        at_stake.work(ahead=SOON)
        assert at_stake.agrees() == Counter(charge=1, refund=1)
        for _ in range(2):
            restored.work(ahead=SOON)
        assert restored.payments() == [OnlineStatus.CAPTURED]
        with restored.db.transaction() as session:
            assert not session.scalar(sa.select(BankLine).where(BankLine.open_fen != 0))
            refund = session.scalars(sa.select(Refund)).one()
            assert (refund.amount_fen, refund.requested_by) == (10_000, None)  # as far as this market knows
            assert receipts(session) == [10_000]
        assert restored.agrees() == Counter(charge=1, refund=1)


@pytest.fixture
def custody(at_stake: World) -> Bank:
    with at_stake.db.transaction() as session:
        return in_custody(session)


def tell(at_stake: World, custody: Bank, *orders: UUID) -> int:
    """Import a statement that tells of the whole price of orders; return how many lines were matched with it."""
    with at_stake.db.transaction() as session:
        clerk, story = copy(custody), at_stake.story.elsewhere(session)
        clerk.session, clerk.account = session, session.merge(custody.account)
        found = [session.get_one(Order, order_id) for order_id in orders]
        today = business_date(utc_now())
        told = [Movement(order.amount_fen, code(story, order), f"IN-{order.id}", on=today) for order in found]
        return clerk.tell(*told, now=utc_now())


def into_custody(at_stake: World, quantity: str) -> UUID:
    with at_stake.db.transaction() as session:
        placed = at_stake.story.elsewhere(session).place(quantity, now=utc_now(), funds_model=FundsModel.CUSTODIAN)
        return placed.id


def test_f24_statements_imported_again_are_counted_once(at_stake: World, custody: Bank) -> None:
    orders = [into_custody(at_stake, quantity) for quantity in ("10", "7")]
    assert tell(at_stake, custody, orders[0]) == 1
    with restorable(at_stake) as restored:
        assert tell(at_stake, custody, *orders) == 1
        with pytest.raises(StatementTakenError):
            tell(restored, custody, orders[0])
        assert tell(restored, custody, *orders) == 1
        with restored.db.transaction() as session:
            assert sorted(receipts(session)) == [7_000, 10_000]
        assert restored.agrees() == Counter()
