"""Reach: whom an order, a product, a buyer, a channel reached, to the fen; and what the public is told of it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from statistics import median_low
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution import disbursing, evidence
from market.attribution.models import Disbursement
from market.attribution.pictures import look
from market.db import Database
from market.errors import NotFoundError
from market.identity.rules import Actor, Role
from market.orders.models import Order
from market.reach.rules import Reached
from market.reach.service import Figures, Reach, reach_of, reach_of_order, said
from tests import factories
from tests.conftest import RolledBackDatabase
from tests.papers import pdf
from tests.reports.slow_way import FURTHER, Rows, raw_rows
from tests.reports.small_market import APRIL, SmallMarket, small_market
from tests.reports.test_rollups import auditor, rolled_up
from tests.story import Story

MONTHS = (date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1))


@pytest.fixture(scope="module")
def db(worker_db: Database) -> Iterator[Database]:
    database = RolledBackDatabase(worker_db)
    yield database
    database.close()


@pytest.fixture(scope="module")
def market(db: Database) -> SmallMarket:
    with db.transaction() as session:
        built = small_market(session)
        for story in built.stories:
            prove_every_other(story)
        return built


def prove_every_other(story: Story) -> None:
    """Add a file of evidence to the supplier's second batch, its fourth, and so on; of one alone to that."""
    own = sa.select(Disbursement.id).where(Disbursement.supplier_id == story.supplier.id).order_by(Disbursement.id)
    batches = story.session.scalars(own).all()
    for batch in batches[1::2] or batches:
        content = pdf(f"receipt {batch}")
        now = datetime(2026, 7, 1, tzinfo=UTC)
        file = evidence.store(story.session, story.clerk, content, look(content), stated_on=APRIL, now=now)
        disbursing.add_evidence(story.session, story.clerk, disbursement_id=batch, evidence_ids=[file.id], now=now)


def slowly(rows: Rows, wanted: Any) -> dict[str, dict[str, Any]]:
    """Return households, assisted and ordinary of the lines that are wanted, from the raw rows one by one."""
    accounts = {row["id"]: row for row in rows["ledger_accounts"]}
    orders = {row["id"]: row for row in rows["orders"]}
    lines = {row["id"] for row in rows["order_lines"] if wanted(row, orders[row["order_id"]])}
    proved = {row["disbursement_id"] for row in rows["evidence_uses"]}
    payments = {row["id"] for row in rows["payments"] if row["disbursement_id"] in proved}
    matching = {row["id"] for row in rows["ledger_entries"] if row["reason"] == "matching"}
    found: dict[str, dict[str, Any]] = {name: defaultdict(int) for name in ("households", "assisted", "ordinary")}
    each: dict[str, dict[Any, int]] = defaultdict(lambda: defaultdict(int))
    for move in (row for row in rows["ledger_transfers"] if row["order_line_id"] in lines):
        for side, sign in (("credit_account_id", 1), ("debit_account_id", -1)):
            account = accounts[move[side]]
            if account["kind"] == "household" and account["step"] != "advance":
                for group in ("households", "assisted" if move["assisted"] else "ordinary"):
                    _leg(found[group], account["step"], sign * move["amount_fen"], move["entry_id"] in matching)
                    if move["payment_id"] in payments and FURTHER.get(account["step"], 0) >= FURTHER["disbursed"]:
                        found[group]["proven_fen"] += sign * move["amount_fen"]
                    each[group][account["owner_id"]] += sign * move["amount_fen"] if account["step"] in FURTHER else 0
    for group, own in found.items():
        reached = [fen for fen in each[group].values() if fen > 0]
        own["payees"], own["median_fen"] = len(reached), median_low(reached) if reached else None
    return found


def _leg(figures: dict[str, Any], step: str, fen: int, matching: bool) -> None:  # noqa: FBT001 - of one caller
    for name, least in FURTHER.items():
        figures[f"{name}_fen"] += fen if FURTHER.get(step, 0) >= least else 0
    figures["top_up_fen"] += fen if step not in FURTHER else 0
    figures["matched_fen"] += fen if matching and fen > 0 and step in ("disbursed", "confirmed") else 0


def check(found: Reach, expected: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold a reach against the slow way, and its parts against each other."""
    for group, figures in expected.items():
        whole = getattr(found, group)
        for name in Figures.__dataclass_fields__:
            assert getattr(whole, name) == figures.get(name, 0), (group, name)
    for name in ("accrued_fen", "recognised_fen", "disbursed_fen", "confirmed_fen", "matched_fen", "proven_fen"):
        cells = sum(getattr(cell.figures, name) for cell in found.cells)
        assert cells == getattr(found.households, name) + getattr(found.collectives, name)
        assert getattr(found.households, name) == getattr(found.assisted, name) + getattr(found.ordinary, name)


@pytest.mark.parametrize("months", [0, 2, 4])
def test_the_reach_of_every_order_is_what_the_raw_rows_say(
    session: orm.Session, market: SmallMarket, months: int
) -> None:
    assert market.stories
    with rolled_up(session, months):
        rows = raw_rows(session.connection())
        for order in session.scalars(sa.select(Order)):
            found = reach_of_order(session.connection(), auditor(session), order.id)
            check(found, slowly(rows, lambda line, _, order=order: line["order_id"] == order.id))
            assert found.name == order.number


@pytest.mark.parametrize("months", [0, 1, 2, 3, 4])
def test_the_reach_of_months_is_what_the_raw_rows_say(session: orm.Session, market: SmallMarket, months: int) -> None:
    keys: list[tuple[Reached, Any, str]] = [
        *((Reached.PRODUCT, story.product.id, "product_id") for story in market.stories),
        *((Reached.BUYER, buyer.organisation.id, "buyer_id") for buyer in market.buyers),
        *((Reached.CHANNEL, code, "channel_code") for code in ("canteen", "online", "scenic")),
    ]
    windows = [(first, last) for first in MONTHS for last in MONTHS if first <= last]
    with rolled_up(session, months):
        rows, actor = raw_rows(session.connection()), auditor(session)
        for of, key, column in keys:
            for first, last in windows:

                def wanted(
                    line: Any, order: Any, key: Any = key, column: str = column, span: Any = (first, last)
                ) -> bool:
                    accepted = line["accepted_on"]
                    return {**order, **line}[column] == key and bool(
                        accepted and span[0] <= accepted.replace(day=1) <= span[1]
                    )

                found = reach_of(session.connection(), actor, of, key, first=first, last=last)
                check(found, slowly(rows, wanted))


def test_a_share_of_what_was_paid_has_evidence_by_product_buyer_and_channel(
    session: orm.Session, market: SmallMarket
) -> None:
    """What files prove of what households were paid, in basis points: some of it, where not every batch has a file."""
    (rich, cheap, lonely), (school, firm, family) = market.stories, market.buyers
    of: dict[Reached, tuple[UUID | str, ...]] = {
        Reached.PRODUCT: (rich.product.id, cheap.product.id, lonely.product.id),
        Reached.BUYER: (school.organisation.id, firm.organisation.id, family.organisation.id),
        Reached.CHANNEL: ("canteen", "workshop", "online"),
    }

    def shares(reached: Reached) -> list[int | None]:
        found = (
            reach_of(session.connection(), auditor(session), reached, key, first=MONTHS[0], last=MONTHS[-1]).households
            for key in of[reached]
        )
        return [each.proven_bp for each in found]

    assert shares(Reached.PRODUCT) == [7_167, 1_999, 10_000], "lonely paid once, with a file"
    assert shares(Reached.BUYER) == shares(Reached.CHANNEL) == [5_869, 6_138, 10_000], "each bought through one channel"


def test_a_reach_adds_up_to_that_of_its_orders(session: orm.Session, market: SmallMarket) -> None:
    actor, product = auditor(session), market.stories[0].product.id
    whole = reach_of(session.connection(), actor, Reached.PRODUCT, product, first=MONTHS[0], last=MONTHS[-1])
    orders = session.scalars(sa.select(Order.id).where(Order.supplier_id == market.stories[0].supplier.id)).all()
    parts = [reach_of_order(session.connection(), actor, order) for order in orders]
    assert whole.sale_fen == sum(part.sale_fen for part in parts)
    assert whole.orders == len(orders)
    for name in ("accrued_fen", "disbursed_fen", "top_up_fen"):
        assert getattr(whole.households, name) == sum(getattr(part.households, name) for part in parts)
    assert whole.households.payees == 4 < sum(part.households.payees for part in parts), "each household once"


def test_each_reads_the_reach_of_its_own_orders(session: orm.Session, market: SmallMarket) -> None:
    rich, cheap, _ = market.stories
    school, firm, _ = market.buyers
    months = {"first": MONTHS[0], "last": MONTHS[-1]}

    def sale(actor: Actor, of: Reached, key: Any) -> int:
        return reach_of(session.connection(), actor, of, key, **months).sale_fen

    whole = sale(auditor(session), Reached.BUYER, school.organisation.id)
    assert sale(school.orderer, Reached.BUYER, school.organisation.id) == whole
    assert sale(firm.orderer, Reached.BUYER, school.organisation.id) == 0
    own = [sale(story.clerk, Reached.BUYER, school.organisation.id) for story in (rich, cheap)]
    assert sum(own) == whole != own[0]
    told = [
        said(reach_of(session.connection(), actor, Reached.BUYER, school.organisation.id, **months))[1]
        for actor in (auditor(session), rich.clerk)
    ]
    assert ["限您可见的订单" in sentence for sentence in told] == [False, True]
    order = session.scalars(sa.select(Order.id).where(Order.supplier_id == rich.supplier.id)).first()
    assert order
    assert reach_of_order(session.connection(), rich.clerk, order).orders == 1
    with pytest.raises(NotFoundError):
        reach_of_order(session.connection(), cheap.clerk, order)


@pytest.mark.parametrize("of", Reached)
def test_what_does_not_exist_reaches_nobody(session: orm.Session, of: Reached) -> None:
    key = "seventh" if of is Reached.CHANNEL else uuid4()
    with pytest.raises(NotFoundError):
        reach_of(session.connection(), auditor(session), of, key, first=APRIL, last=APRIL)


# Over HTTP.


@pytest.fixture
def headers(session: orm.Session, market: SmallMarket) -> dict[str, str]:
    assert market.stories
    return factories.signed_in(session, Role.AUDITOR)


def test_reaches_over_http(client: TestClient, session: orm.Session, market: SmallMarket, headers: Any) -> None:
    order = session.scalars(sa.select(Order.id)).first()
    shown = client.get(f"/v1/orders/{order}/reach", headers=headers).json()
    assert shown["households"]["accrued_fen"] == sum(
        cell["accrued_fen"] for cell in shown["mechanisms"] if cell["payee"] == "household"
    )
    assert {count["figure"] for count in shown["counts"]} >= {"paid_bp", "proven_bp", "median_fen"}
    months = {"from": "2026-04", "to": "2026-06"}
    paths = (
        f"products/{market.stories[0].product.id}",
        f"organisations/{market.buyers[0].organisation.id}",
        "channels/canteen",
    )
    for path in paths:
        answer = client.get(f"/v1/{path}/reach", params=months, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["orders"] > 0
        assert client.get(f"/v1/{path}/reach", headers=headers).status_code == 200
        far = client.get(f"/v1/{path}/reach", params={"from": "1900-01", "to": "2199-12"}, headers=headers).json()
        assert far["orders"] >= answer.json()["orders"]
        turned = client.get(f"/v1/{path}/reach", params={"from": "2026-06", "to": "2026-04"}, headers=headers)
        assert [fault["pointer"] for fault in turned.json()["errors"]] == ["/query/to"]


def test_a_channel_over_the_whole_sample_is_answered_however_often_it_is_asked(seeded_db: Database) -> None:
    """From the sixth time on, the plan for any values that PostgreSQL may then prefer took longer than is allowed."""
    with seeded_db.transaction() as session:
        by = auditor(session)
    for _ in range(8):
        with seeded_db.transaction() as session:
            reached = reach_of(session.connection(), by, Reached.CHANNEL, "canteen", first=MONTHS[0], last=MONTHS[-1])
        assert reached.households.payees > 100
