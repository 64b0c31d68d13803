"""What is odd about what is on record is listed for who audits, by named rules; what is in order is not."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.rules import RECORD_WORDS, RecordRule
from market.benefits.holdings import Holding, RegisterBody
from market.benefits.models import PlanVersion
from market.benefits.rules import Measure, Mechanism, RegisterKind
from market.lots.models import Lot
from market.orders.models import Order
from tests import factories
from tests.payments.bank import Movement
from tests.payments.test_refund_endpoints import tell
from tests.stalls import NOON, TODAY, Desk, Stalls


@pytest.fixture
def stalls(client: TestClient, session: orm.Session) -> Iterator[Stalls]:
    with time_machine.travel(NOON, tick=False):
        yield Stalls(client, session)


def odd(desk: Desk, rule: RecordRule, **asked: str) -> list[dict[str, Any]]:
    answer = desk.get("/monitoring/records", rule=rule.value, **asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def lot(stalls: Stalls, tonnes: int, mu: int | None) -> Lot:
    """Return a lot of dates so large, from so much land; a mu bears at most 3,000 kg of them."""
    row = factories.lot(stalls.session, stalls.dates, quantity_milli=tonnes * 1_000_000)
    row.area_milli_mu = None if mu is None else mu * 1_000
    row.made_at = NOON
    stalls.session.flush()
    return row


def test_every_rule_is_told_in_both_languages() -> None:
    assert set(RECORD_WORDS) == set(RecordRule)


def test_a_lot_beyond_what_its_land_bears_is_listed_to_the_auditor_and_its_county(stalls: Stalls) -> None:
    impossible = lot(stalls, 10_000_000, 1)
    lot(stalls, 3, 1)
    lot(stalls, 3, None)
    (found,) = odd(stalls.auditor, RecordRule.YIELD_BEYOND_LAND)
    assert (found["id"], found["supplier_id"]) == (str(impossible.id), str(stalls.supplier.id))
    assert found["figures"] == {"kg_per_mu": 10_000_000_000, "most_kg_per_mu": 3_000}
    assert (found["en"], found["zh"]) == RECORD_WORDS[RecordRule.YIELD_BEYOND_LAND]
    assert odd(stalls.county, RecordRule.YIELD_BEYOND_LAND) == [found]
    assert odd(stalls.other_county, RecordRule.YIELD_BEYOND_LAND) == []
    assert odd(stalls.auditor, RecordRule.YIELD_BEYOND_LAND, supplier_id=str(stalls.other_supplier.id)) == []


def test_bought_in_goods_and_kinds_that_do_not_grow_on_land_are_not_measured_by_it(stalls: Stalls) -> None:
    bought = lot(stalls, 4, 1)
    bought.bought_in_milli = 1_000_000
    stalls.session.flush()
    assert odd(stalls.auditor, RecordRule.YIELD_BEYOND_LAND) == []
    bought.bought_in_milli = 999_999
    stalls.session.flush()
    assert len(odd(stalls.auditor, RecordRule.YIELD_BEYOND_LAND)) == 1
    other = factories.category(stalls.session, code="livestock", name="活畜禽", most_kg_per_mu=None)
    product = factories.product(stalls.session, stalls.supplier, category_code=other.code)
    bought.product_id = product.id
    stalls.session.flush()
    assert odd(stalls.auditor, RecordRule.YIELD_BEYOND_LAND) == []


@pytest.mark.parametrize(("price_fen", "listed"), [(2_000, 0), (2_001, 1)])
def test_produce_bought_for_more_than_twice_the_price_is_listed(stalls: Stalls, price_fen: int, listed: int) -> None:
    sold_at = lot(stalls, 1, 1)
    given = factories.contribution(stalls.session, sold_at, stalls.households[0], unit_price_fen=price_fen)
    found = odd(stalls.auditor, RecordRule.PRICE_FAR_ABOVE_SALE)
    assert [(each["id"], each["household_id"], each["figures"]) for each in found] == [
        (str(given.id), str(stalls.households[0].id), {"price_fen": 2_001, "sale_price_fen": 1_000})
    ][:listed]


@pytest.mark.parametrize(("price_fen", "listed"), [(100, 0), (99, 1)])
def test_produce_bought_for_less_than_a_tenth_of_the_price_is_listed(
    stalls: Stalls, price_fen: int, listed: int
) -> None:
    """A delivery in name costs nothing, and counts for whatever is returned by volume."""
    given = factories.contribution(
        stalls.session, lot(stalls, 100, None), stalls.households[0], unit_price_fen=price_fen
    )
    found = odd(stalls.auditor, RecordRule.PRICE_FAR_BELOW_SALE)
    assert [(each["id"], each["figures"]) for each in found] == [
        (str(given.id), {"price_fen": 99, "sale_price_fen": 1_000})
    ][:listed]


@pytest.mark.parametrize(("amount_fen", "listed"), [(1_000_000, 0), (1_000_001, 1)])
def test_a_lot_that_cost_more_than_it_can_bring_is_listed(stalls: Stalls, amount_fen: int, listed: int) -> None:
    row = lot(stalls, 1, 1)
    work: dict[str, Any] = {"mechanism": Mechanism.LABOUR, "measure_milli": 1_000}
    factories.contribution(stalls.session, row, stalls.households[0], amount_fen=amount_fen, **work)
    found = odd(stalls.auditor, RecordRule.WORTH_MORE_THAN_SALE)
    figures = {"contributed_fen": 1_000_001, "sale_fen": 1_000_000}
    assert [(each["id"], each["figures"]) for each in found] == [(str(row.id), figures)][:listed]


@pytest.mark.parametrize(("milli_hours", "listed"), [(72_000, 0), (72_001, 1)])
def test_more_hours_than_the_days_have_are_listed(stalls: Stalls, milli_hours: int, listed: int) -> None:
    """One person, enrolled on the last day of February, has the hours of three days on 2 March."""
    household = factories.household(stalls.session, head_count=1)
    factories.enrolment(stalls.session, stalls.supplier, household, on=date(2026, 2, 28))
    row = lot(stalls, 1, 1)
    work: dict[str, Any] = {"mechanism": Mechanism.LABOUR, "measure": Measure.HOURS, "measure_milli": milli_hours}
    factories.contribution(stalls.session, row, household, amount_fen=1, delivered_on=date(2026, 3, 2), **work)
    found = odd(stalls.auditor, RecordRule.HOURS_BEYOND_THE_DAYS)
    figures = {"hours": 72, "days": 3, "heads": 1}
    assert [(each["household_id"], each["figures"]) for each in found] == [(str(household.id), figures)][:listed]


@pytest.mark.parametrize(("day", "listed"), [("2026-01-31", 0), ("2026-01-30", 1)])
def test_a_payment_dated_back_is_listed_and_shows_both_days(stalls: Stalls, day: str, listed: int) -> None:
    made = stalls.clerk.made("/disbursements", stalls.payment(1_000) | {"paid_on": day})
    found = odd(stalls.auditor, RecordRule.PAYMENT_DATED_BACK)
    both = [(each["id"], each["effective_on"], each["recorded_on"], each["figures"]) for each in found]
    assert both == [(made["id"], day, TODAY, {"days": 31})][:listed]
    (paid,) = stalls.clerk.get("/payments").json()["items"]
    assert (paid["paid_on"], paid["recorded_at"]) == (day, "2026-03-02T04:00:00Z")


def test_a_receipt_dated_back_is_listed_and_shows_both_days(stalls: Stalls) -> None:
    order = stalls.accepted()
    stalls.session.execute(sa.update(Order).where(Order.id == UUID(order["id"])).values(placed_on=date(2026, 1, 1)))
    for day in ("2026-01-31", "2026-01-30"):
        money = stalls.money(order, 1_000, bank_reference=day) | {"received_on": day}
        stalls.clerk.made("/receipts", money)
    (found,) = odd(stalls.auditor, RecordRule.RECEIPT_DATED_BACK)
    assert (found["effective_on"], found["recorded_on"]) == ("2026-01-30", TODAY)
    listed = stalls.clerk.get("/receipts").json()["items"]
    assert {each["recorded_at"] for each in listed} == {"2026-03-02T04:00:00Z"}


def test_a_receipt_of_which_the_suppliers_own_bank_tells_nothing_is_listed(stalls: Stalls) -> None:
    told, untold, before, after = ("ICBC-1", "ICBC-2", "ICBC-3", "ICBC-4")
    days = {told: "2026-02-10", untold: "2026-02-10", before: "2026-02-08", after: "2026-02-25"}
    order = stalls.accepted()
    stalls.session.execute(sa.update(Order).where(Order.id == UUID(order["id"])).values(placed_on=date(2026, 1, 1)))
    for reference, day in days.items():
        stalls.clerk.made("/receipts", stalls.money(order, 1_000, bank_reference=reference) | {"received_on": day})
    assert odd(stalls.auditor, RecordRule.RECEIPT_ON_NO_STATEMENT) == []  # its bank has told nothing yet
    account = stalls.bank_account(stalls.manager, "14 0001 0002", stalls.operator)
    lines = (Movement(1_000, reference=told, on=date(2026, 2, 9)), Movement(1_000, on=date(2026, 2, 26)))
    tell(stalls.manager, account, *lines)
    (found,) = odd(stalls.auditor, RecordRule.RECEIPT_ON_NO_STATEMENT)
    listed = {each["id"]: each["bank_reference"] for each in stalls.clerk.get("/receipts").json()["items"]}
    assert (listed[found["id"]], found["figures"]) == (untold, {"amount_fen": 1_000})


@pytest.mark.parametrize(("days", "listed"), [(30, 0), (31, 1)])
def test_a_plan_approved_long_after_it_began_is_listed(stalls: Stalls, days: int, listed: int) -> None:
    decided_on = factories.LONG_AGO.date()
    plan = factories.plan(stalls.session, stalls.supplier, valid_from=decided_on - timedelta(days=days))
    (version_id,) = stalls.session.scalars(sa.select(PlanVersion.id).where(PlanVersion.plan_id == plan.id))
    asked = {"from": decided_on.isoformat(), "to": decided_on.isoformat()}
    found = odd(stalls.auditor, RecordRule.VERSION_DATED_BACK, **asked)
    assert [(each["id"], each["figures"]) for each in found] == [(str(version_id), {"days": 31})][:listed]


@pytest.mark.parametrize(("days", "listed"), [(30, 0), (31, 1)])
def test_a_share_register_approved_long_after_it_began_is_listed(stalls: Stalls, days: int, listed: int) -> None:
    decided_on = factories.LONG_AGO.date()
    body = RegisterBody(RegisterKind.SHARES, (Holding(str(factories.household(stalls.session).id), own_fen=1),))
    version = factories.register_version(
        stalls.session, stalls.supplier, body, valid_from=decided_on - timedelta(days=days)
    )
    asked = {"from": decided_on.isoformat(), "to": decided_on.isoformat()}
    found = odd(stalls.auditor, RecordRule.VERSION_DATED_BACK, **asked)
    own = [each["figures"] for each in found if each["id"] == str(version.id)]
    assert own == [{"days": 31}][:listed]


def test_the_list_is_read_page_by_page_and_by_the_day_of_recording(stalls: Stalls) -> None:
    rows = {str(lot(stalls, 10_000_000, 1).id) for _ in range(3)}
    seen: set[str] = set()
    cursor: dict[str, Any] = {}
    for _ in range(3):
        answer = stalls.auditor.get("/monitoring/records", rule="yield_beyond_land", limit="1", **cursor).json()
        seen |= {each["id"] for each in answer["items"]}
        cursor = {"cursor": answer["next_cursor"]}
    assert (seen, cursor) == (rows, {"cursor": None})
    assert odd(stalls.auditor, RecordRule.YIELD_BEYOND_LAND, **{"from": "2027-01-01", "to": "2027-12-31"}) == []
