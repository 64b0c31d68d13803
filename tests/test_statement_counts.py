"""How many SQL statements a request takes: the same for one line or fifty, for one household or two hundred.

Counted at the database driver, from the check of the token to the stored answer; a batch counts once. Savepoints stand
here for the transaction itself and are not counted.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.models import Payment
from market.benefits import enrolling
from market.catalog.models import Product
from market.db import Database
from market.households.models import Household
from market.identity.rules import Scope
from tests import factories
from tests.conftest import RolledBackDatabase, Standing
from tests.stalls import NOON, Stalls

LISTING = 2
"""Who asks, and the page."""
PLACING = 9
"""Who asks; the key; channel, offers; lots locked; reserved; placed; the accounts to pay into; the answer kept."""
PREDICTION = 5
ACCEPTANCE = 23
"""With an order come accounts of its money: they are opened and read. Its invoice is taken for it."""
RECEIPT = 21
RETURN = 22
DISBURSEMENT = 13
AHEAD = 1
"""More, of payments beyond what is owed: how far each payee may be paid ahead."""
CONFIRMATION = 13
"""The lock of each payment, who paid it, who acted for whom and in whose place, and the posting."""
OPENING = 2
"""More, the first time, of each book: accounts that do not exist are opened and read."""
READING_PLANS = 1
"""More, the first time: versions of plans, which never change, are kept once read."""


@pytest.fixture
def db(market_day: Standing[Stalls]) -> Database:
    """The database at which the stalls stand."""
    return market_day.db


@contextmanager
def counted(db: Database) -> Iterator[list[str]]:
    """Collect the statements that reach the database within."""
    assert isinstance(db, RolledBackDatabase)
    statements: list[str] = []

    def listen(*seen: Any) -> None:
        if not seen[2].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            statements.append(seen[2])

    sa.event.listen(db.connection, "before_cursor_execute", listen)
    yield statements
    sa.event.remove(db.connection, "before_cursor_execute", listen)


def cost(db: Database, ask: Callable[[], Any]) -> int:
    """Return how many statements a request that succeeds takes, without the one that keeps roundings, if there are."""
    with counted(db) as statements:
        answer = ask()
    assert answer.status_code in {200, 201}, answer.text
    carries = sum("INTO release_carries" in statement for statement in statements)
    assert carries <= 1
    return len(statements) - carries


def households(stalls: Stalls, number: int) -> list[Household]:
    """Put households on the register and enrol them with the first supplier."""
    session = stalls.session
    made = factories.village(session, number)
    clerk = factories.actor(session, stalls.clerk.member)
    enrolling.enrol(session, clerk, household_codes=[household.code for household in made], on=made[0].registered_on)
    village = factories.actor(session, stalls.village.member, Scope.REGION)
    ids = [household.id for household in made]
    enrolling.confirm_enrolments(session, village, supplier_id=stalls.supplier.id, household_ids=ids, now=NOON)
    return made


def products(stalls: Stalls, number: int, contributors: Sequence[Household] = ()) -> list[Product]:
    """Put products of the first supplier on sale, each with a lot of a tonne to which households contributed."""
    session = stalls.session
    plan = factories.plan(session, stalls.supplier)
    certificate = factories.certificate(session, stalls.supplier, plan=plan)
    made = [factories.product(session, stalls.supplier, plan=plan, certificate=certificate) for _ in range(number)]
    for product in made:
        lot = factories.lot(session, product, quantity_milli=1_000_000)
        for household in contributors or stalls.households[:1]:
            factories.contribution(session, lot, household, amount_fen=4_400)
    return made


def test_statements_in_a_loop_are_seen(db: Database, session: orm.Session) -> None:
    with counted(db) as statements:
        for number in range(3):
            session.scalar(sa.text(f"SELECT {number}"))
    assert len(statements) == 3


@pytest.mark.parametrize("number", [1, 20])
def test_a_listing(stalls: Stalls, db: Database, number: int) -> None:
    products(stalls, number)
    assert cost(db, lambda: stalls.orderer.get("/products", limit=number)) == LISTING


@pytest.mark.parametrize("number", [1, 50])
def test_placing_lines(stalls: Stalls, db: Database, number: int) -> None:
    wanted = stalls.wanted(*(stalls.line(product) for product in products(stalls, number)))
    assert cost(db, lambda: stalls.orderer.post("/order-groups", wanted)) == PLACING
    assert cost(db, lambda: stalls.orderer.post("/order-groups?dry_run=true", wanted)) == PREDICTION + READING_PLANS


def test_placing_with_two_suppliers_takes_no_more(stalls: Stalls, db: Database) -> None:
    wanted = stalls.wanted(stalls.line(stalls.dates), stalls.line(stalls.walnuts))
    assert cost(db, lambda: stalls.orderer.post("/order-groups", wanted)) == PLACING


def life(stalls: Stalls, db: Database, lines: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Return what acceptance, receipt of half the money, and return of 1 kg of each line take."""
    order = stalls.shipped(*lines)
    path, half_fen = f"/orders/{order['id']}", order["amount_fen"] // 2
    acceptance = cost(db, lambda: stalls.receiver.post(f"{path}/acceptances", stalls.acceptance(order)))
    receipt = cost(db, lambda: stalls.clerk.post("/receipts", stalls.money(order, half_fen)))
    claim = stalls.coming_back(order)
    claim["lines"] = [claim["lines"][0] | {"order_line_id": line["id"]} for line in order["lines"]]
    return acceptance, receipt, cost(db, lambda: stalls.receiver.post(f"{path}/returns", claim))


def assert_constant(stalls: Stalls, db: Database, lines: list[dict[str, Any]]) -> None:
    first = life(stalls, db, lines)
    assert first == (ACCEPTANCE + OPENING + READING_PLANS, RECEIPT + 2 * OPENING, RETURN)
    assert life(stalls, db, lines) == (ACCEPTANCE, RECEIPT, RETURN)


@pytest.mark.parametrize("number", [1, 10])
def test_acceptance_receipt_and_return_of_lines(stalls: Stalls, db: Database, number: int) -> None:
    assert_constant(stalls, db, [stalls.line(product, "500") for product in products(stalls, number)])


@pytest.mark.parametrize("number", [1, 12])
def test_a_receipt_that_pays_orders(stalls: Stalls, db: Database, number: int) -> None:
    (product,) = products(stalls, 1)
    orders = [stalls.accepted(stalls.line(product, "10")) for _ in range(number)]
    parts = [{"order_id": order["id"], "amount_fen": order["amount_fen"]} for order in orders]
    receipt = stalls.money(orders[0], sum(part["amount_fen"] for part in parts), orders=parts)
    assert cost(db, lambda: stalls.clerk.post("/receipts", receipt)) == RECEIPT + 2 * OPENING


@pytest.mark.parametrize("number", [1, 200])
def test_acceptance_receipt_and_return_with_households(stalls: Stalls, db: Database, number: int) -> None:
    contributors = factories.village(stalls.session, number)
    (product,) = products(stalls, 1, contributors)
    assert_constant(stalls, db, [stalls.line(product, "500")])


@pytest.mark.parametrize("number", [1, 100])
def test_disbursement_and_confirmation_of_payments(stalls: Stalls, db: Database, number: int) -> None:
    payees = households(stalls, number)
    (product,) = products(stalls, 1, payees)
    stalls.clerk.made("/receipts", stalls.money(stalls.accepted(stalls.line(product, "500")), 500_000))
    batch = stalls.payment()
    for expected in (DISBURSEMENT + OPENING, DISBURSEMENT + AHEAD + OPENING, DISBURSEMENT + AHEAD):
        batch["payments"] = [stalls.payment(1_200, payee_id=str(payee.id))["payments"][0] for payee in payees]
        assert cost(db, lambda: stalls.clerk.post("/disbursements", batch)) == expected
    paid = stalls.session.scalars(sa.select(Payment.id).order_by(Payment.id).limit(number)).all()
    confirmation = {"payment_ids": [str(payment_id) for payment_id in paid]}
    assert cost(db, lambda: stalls.village.post("/payments/confirmations", confirmation)) == CONFIRMATION + OPENING
