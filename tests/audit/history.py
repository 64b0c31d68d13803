"""A committed history in a database of its own, to be spoilt by its owner inside a transaction that rolls back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankLine
from market.banking.rules import Meaning
from market.banks.rules import identification_code
from market.channels.rules import FundsModel
from market.db import Database
from market.identity.rules import OrganisationKind, Role
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.lots.registering import register_lot
from market.orders.models import OrderGroup
from market.payments import matching, meaning
from market.payments.rules import ProposalEvent
from market.quantities import MeasuredIn
from market.reports import rollups
from tests import factories
from tests.audit.annulled import annul_a_contribution, annul_a_list
from tests.audit.decisions import decide
from tests.audit.online import pay_online
from tests.audit.walk import Walk
from tests.payments.bank import Movement, export
from tests.payments.desk import in_custody, of_supplier
from tests.settlements.custody import comes_back, paid, settle
from tests.story import NOON, Story, open_channels

SEED, STEPS = 7, 60
USER_TRIGGERS = """
    SELECT tgrelid::regclass, tgname FROM pg_trigger
     WHERE NOT tgisinternal AND tgrelid = ANY (CAST(:tables AS regclass[]))
"""
CHANGED = re.compile(r"\b(?:UPDATE|INSERT INTO|DELETE FROM) ([\w.]+)")


def write(url: str) -> None:
    """Walk, sell one lot out, leave an order placed and a lot untouched, close the first month and roll it up."""
    database = Database(url, threads=2)
    with database.transaction() as session:
        open_channels(session)
        walk = Walk(session, SEED)
        for _ in range(STEPS):
            walk.step()
        other = Story(session, price_fen=1_000)
        first, second = other.household(), other.household()
        lot, _ = other.lot(10_000, {first.id: 3_333, second.id: 1_111})
        other.cut(other.sell("3"), 300)
        order = other.sell("7")
        other.pay(order, 5_000)
        other.disburse({first.id: 1_000, second.id: 2_000})
        third = Story(session, price_fen=1_000)
        family = third.household()
        consigned, _ = third.consign(10_000, {family.id: 8_000}, others_milli=2_000)
        third.cut(third.sell("3"), 300)
        inputs = [(consigned.id, 4_000)]
        register_lot(
            session,
            third.clerk,
            product_id=third.product.id,
            quantity_milli=4_000,
            measured_in=MeasuredIn.KG,
            produced_on=NOON.date(),
            expires_on=None,
            origin_code=consigned.origin_code,
            inputs=inputs,
            now=NOON,
        )
        untouched, _ = third.lot(20_000, {family.id: 5_555})
        decide(session, third, untouched)
        lot, _ = other.lot(20_000)
        other.place("5")
        settle_twice(session)
        annul_a_list(session)
        annul_a_contribution(session)
        keep_in_custody(session, other)
        pay_online(session)
        ledger.close_month(session, Book.ATTRIBUTION, month=NOON.date(), closed_by=lot.made_by, today=date(2026, 6, 1))
        rollups.roll_up(session)
    database.close()


def keep_in_custody(session: orm.Session, story: Story) -> None:
    """Let a buyer pay one order into custody, half of which is accepted, and somebody pay who knows what for."""
    platform = factories.organisation(session, kind=OrganisationKind.PLATFORM)
    clerk, colleague = (factories.actor(session, factories.member(session, platform, Role.OPERATOR)) for _ in range(2))
    account = factories.bank_account(session, clerk)
    order = story.place("1", "1", funds_model=FundsModel.CUSTODIAN)
    code = identification_code(session.get_one(OrderGroup, order.group_id).number)
    told = export(Movement(2_000, code, "A1"), Movement(777, "货款", "A2"), Movement(-50, "手续费", "A3"))
    matching.take_over(session, clerk, account_id=account.id, content=told, profile=None, now=NOON)
    fee_id = session.scalars(sa.select(BankLine.id).where(BankLine.amount_fen == -50)).one()
    fee = meaning.propose(session, clerk, line_id=fee_id, meaning=Meaning.BANK_FEE, reason="手续费", now=NOON)
    matching.decide(session, colleague, proposal_id=fee.id, event=ProposalEvent.APPROVE, now=NOON)
    story.deliver(order)
    story.accept(order, only=[0])


def settle_twice(session: orm.Session) -> None:
    """Let a supplier be paid out of custody, a household by it; then the money comes back, and is paid anew."""
    custody, story = in_custody(session), Story(session, price_fen=1_000)
    of_supplier(story)
    family = story.household()
    story.lot(10_000, {family.id: 3_333})
    paid(story, custody, "7")
    returned = settle(story, custody)
    story.disburse({family.id: 1_000})
    comes_back(custody, returned)
    settle(story, custody)


@contextmanager
def owned(url: str) -> Iterator[sa.Engine]:
    """Yield connections of the owner of the tables, one after the other the same: it knows tables and statements."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


@contextmanager
def as_owner(engine: sa.Engine) -> Iterator[orm.Session]:
    """Open the history as the owner of its tables; whatever is done is undone."""
    with engine.connect() as connection, connection.begin() as transaction:
        session = orm.Session(connection, join_transaction_mode="create_savepoint")
        yield session
        session.close()
        transaction.rollback()


def spoil(session: orm.Session, *statements: str) -> None:
    """Run statements behind the guards: the triggers of what they change are off meanwhile, and on again after."""
    tables = {table for statement in statements for table in CHANGED.findall(statement)}
    guards = session.execute(sa.text(USER_TRIGGERS), {"tables": list(tables)}).all()
    for table in tables:
        session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for statement in statements:
        changed = session.connection().exec_driver_sql(statement.replace("%", "%%"))
        assert changed.rowcount, statement
    for table, guard in guards:
        session.execute(sa.text(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}"))


def without(session: orm.Session, table: str, *constraints: str) -> None:
    """Drop constraints that would refuse what a test does."""
    for constraint in constraints:
        session.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint} CASCADE"))
