"""What one order reached, as a sentence; and what the public is told of it: closed months, no small group, no id."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution import disbursing, evidence
from market.attribution.models import Payment
from market.attribution.pictures import look
from market.benefits.rules import Mechanism
from market.db import Database
from market.households.rules import HouseholdStatus
from market.identity.rules import Role
from market.orders.models import Order
from market.reach import service as reach
from market.reach.service import Figures, reach_of_order
from tests import factories
from tests.conftest import RolledBackDatabase
from tests.papers import pdf
from tests.reports.test_rollups import close
from tests.story import NOON, TODAY, Story, open_channels
from tests.test_statement_counts import counted


def prove(story: Story, payment_id: UUID) -> None:
    """Add a file of evidence to the batch of a payment."""
    batch = story.session.get_one(Payment, payment_id).disbursement_id
    content = pdf("receipt")
    file = evidence.store(story.session, story.clerk, content, look(content), stated_on=TODAY, now=NOON)
    disbursing.add_evidence(story.session, story.clerk, disbursement_id=batch, evidence_ids=[file.id], now=NOON)


@pytest.fixture(scope="module")
def db(worker_db: Database) -> Iterator[Database]:
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture(scope="module")
def settled(db: Database) -> tuple[Story, Order]:
    """An order that 38 households delivered to and one worked for; half of it is paid, one payment without evidence."""
    with db.transaction() as session:
        return settle(session)


@pytest.fixture
def session(db: RolledBackDatabase) -> Iterator[orm.Session]:
    """A session whose test leaves the village as it was."""
    with db.connection.begin_nested() as savepoint:
        with db.transaction() as session:
            yield session
        savepoint.rollback()


@pytest.fixture
def village(session: orm.Session, settled: tuple[Story, Order]) -> tuple[Story, Order]:
    story, order = settled
    return story.elsewhere(session), order


def settle(session: orm.Session) -> tuple[Story, Order]:
    open_channels(session)
    story = Story(session, price_fen=1_000)
    people = [story.household() for _ in range(36)]
    people += [story.household(status=HouseholdStatus.ORDINARY) for _ in range(2)]
    lot, _ = story.lot(100_000, {each.id: 1_001 + place for place, each in enumerate(people)})
    factories.contribution(session, lot, story.household(), mechanism=Mechanism.LABOUR, amount_fen=7_777)
    order = story.sell("100")
    story.pay(order, 50_000)
    paid = story.disburse({each.id: 400 for each in people[:10]})
    prove(story, paid[0])
    story.disburse({each.id: 400 for each in people[10:12]})
    return story, order


def test_an_order_says_whom_it_reached(session: orm.Session, village: tuple[Story, Order]) -> None:
    story, order = village
    found = reach_of_order(session.connection(), story.clerk, order.id)
    assert (found.sale_fen, found.households.payees, found.assisted.payees, found.ordinary.payees) == (
        100_000,
        39,
        37,
        2,
    )
    contributed = sum(range(1_001, 1_039)) + 7_777
    assert (found.households.accrued_fen, found.households.disbursed_fen) == (contributed, 12 * 400)
    assert found.households.proven_fen == 10 * 400
    assert (found.households.paid_bp, found.households.proven_bp) == (4_800 * 10_000 // contributed, 8_333)
    assert found.households.median_fen == 1_020
    en, zh = reach.said(found)
    assert en == (
        f"{order.number}: sold for ¥1,000.00; reached 39 households, median ¥10.20, 10 % paid, 83 % of that with proof."
    )
    assert zh == (f"{order.number}:销售额 1,000.00 元;带动 39 户,户均中位数 10.20 元,已兑付 10%,其中 83% 有凭证。")


def test_what_nobody_bought_reached_nobody(session: orm.Session, village: tuple[Story, Order]) -> None:
    story, _ = village
    story.lot(1_000)
    order = story.place("1")
    found = reach_of_order(session.connection(), story.clerk, order.id)
    assert found.households == Figures()
    assert reach.said(found)[0] == f"{order.number}: sold for ¥0.00; reached 0 households."


# What anybody may read.


def public(client: TestClient, path: str, **params: str) -> dict[str, Any]:
    answer = client.get(f"/v1/public/{path}/reach", params=params)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_the_public_is_told_of_closed_months_only(
    client: TestClient, session: orm.Session, village: tuple[Story, Order]
) -> None:
    _, order = village
    before = public(client, f"orders/{order.id}")
    assert (before["as_of"], before["households"], before["left_out"]) == (None, None, False)
    close(session, TODAY)
    told = public(client, f"orders/{order.id}")
    assert (told["as_of"], told["households"]) == ("2026-03-31", 39)
    assert told["accrued_fen"] == sum(range(1_001, 1_039)) + 7_777
    assert (told["paid_bp"], told["proven_bp"]) == (1_000, 8_000)
    bought, together = told["mechanisms"] if len(told["mechanisms"]) == 2 else (None, told["mechanisms"][0])
    assert bought is None, "one labourer and two ordinary households are three: the others are told with them"
    assert (together["mechanism"], together["assisted"], together["households"]) == (None, None, 39)
    assert order.number in told["said"]["en"]


def test_the_public_is_told_of_a_product_by_calendar_periods(
    client: TestClient, session: orm.Session, village: tuple[Story, Order]
) -> None:
    story, order = village
    close(session, TODAY)
    of_order = public(client, f"orders/{order.id}")
    for period in ("2026", "2026-03"):
        told = public(client, f"products/{story.product.id}", period=period)
        assert {**told, "said": None, "accepted_in": None} == {**of_order, "said": None}
        assert told["accepted_in"] == period
        assert f"({period}验收)" in told["said"]["zh"]
    later = public(client, f"products/{story.product.id}", period="2026-04")
    assert later["households"] == 0
    assert later["said"]["zh"].endswith("截至 2026-03-31 已结账的月份中尚无农户收入。")
    for period in ("2026-3", "2026-03-02", "2026-13", "9999", "today"):
        answer = client.get(f"/v1/public/products/{story.product.id}/reach", params={"period": period})
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/period"]
    answer = client.get(f"/v1/public/products/{story.product.id}/reach", params={"from": "2026-03-02"})
    assert answer.status_code == 422


def test_a_small_order_is_not_the_rest_of_its_product(
    client: TestClient, session: orm.Session, village: tuple[Story, Order]
) -> None:
    story, order = village
    few = [story.household() for _ in range(3)]
    story.lot(10_000, {each.id: 4_321 for each in few})
    small = story.sell("10")
    close(session, TODAY)
    assert public(client, f"orders/{small.id}")["households"] is None
    told, product = public(client, f"orders/{order.id}"), public(client, f"products/{story.product.id}", period="2026")
    assert product["accrued_fen"] == told["accrued_fen"]
    assert (product["left_out"], told["left_out"]) == (True, False)


def test_the_public_is_told_no_id_and_no_sale(
    client: TestClient, session: orm.Session, village: tuple[Story, Order]
) -> None:
    _, order = village
    close(session, TODAY)
    answer = client.get(f"/v1/public/orders/{order.id}/reach")
    owners = session.scalars(sa.text("SELECT id FROM households UNION SELECT id FROM organisations")).all()
    assert not [owner for owner in owners if str(owner) in answer.text]
    assert "sale" not in answer.text


@pytest.mark.parametrize("what", ["orders", "products"])
def test_the_public_is_told_nothing_of_what_does_not_exist(client: TestClient, what: str) -> None:
    assert client.get(f"/v1/public/{what}/{uuid4()}/reach").status_code == 404


def test_a_reach_takes_as_many_statements_for_one_household_as_for_all(
    client: TestClient, db: Database, session: orm.Session, village: tuple[Story, Order]
) -> None:
    story, order = village
    headers = factories.signed_in(session, Role.AUDITOR)
    one = Story(session)
    household = one.household()
    one.lot(1_000, {household.id: 100})
    small = one.sell("1")
    taken = []
    for of, product in ((order.id, story.product.id), (small.id, one.product.id)):
        for path in (f"orders/{of}", f"products/{product}", f"public/orders/{of}", f"public/products/{product}"):
            with counted(db) as statements:
                assert client.get(f"/v1/{path}/reach", headers=headers).status_code == 200
            taken.append(len(statements))
    assert taken[:4] == taken[4:] == [4, 5, 3, 3]
