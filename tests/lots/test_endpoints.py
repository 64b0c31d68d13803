"""Lots by HTTP: from registration to sale, and every refusal as problem+json."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.benefits.rules import Mechanism, PlanBody, PriceTerms, Pricing
from market.catalog.models import Product
from market.identity.rules import OrganisationKind, Role
from market.lots.models import Lot
from tests import factories
from tests.lots.cooperative import LOT, Cooperative, refused


@pytest.fixture
def cooperative(session: orm.Session, client: TestClient) -> Cooperative:
    return Cooperative(session, client)


BASELINE = {
    "period_from": "2025-01-01",
    "period_to": "2025-12-31",
    "source": "村委会2025年产量登记表",
    "area_mu": "180",
    "yield_per_mu": "2000",
    "unit": "jin",
    "unit_price_fen": 120,
}


def gave(household_id: str, **facts: Any) -> dict[str, Any]:
    return {
        "household_id": household_id,
        "mechanism": "order_purchase",
        "measure": "29032.5",
        "unit": "jin",
        "unit_price_fen": 120,
        "delivered_on": "2026-01-04",
        "evidence": f"收购单-{factories.number()}",
        **facts,
    }


def test_the_lot_of_wang_village_from_registration_to_sale(cooperative: Cooperative) -> None:
    lot = cooperative.lot(quantity="900000", bought_in="0", area_mu="180", expires_on="2099-12-31")
    path = f"/lots/{lot['id']}"
    assert (lot["quantity"], lot["base_unit"], lot["area_mu"], lot["status"]) == ("450000", "kg", "180", "draft")
    households = [cooperative.household() for _ in range(31)]
    deliveries = [gave(each, measure="29032") for each in households[1:]] + [gave(households[0], measure="29040")]
    recorded = cooperative.post(f"{path}/contributions", {"contributions": deliveries})
    assert recorded.json() == {"lot_id": lot["id"], "recorded": 31, "amount_fen": 108_000_000}
    refused(cooperative.post(f"{path}/opening", by=cooperative.manager), 409, "missing_quality_certificate")
    assert cooperative.post(f"{path}/quality-certificate", {"number": "HGZ-1"}).json()["quality_certificate"] == "HGZ-1"
    assert cooperative.post(f"{path}/opening", by=cooperative.manager).json()["status"] == "open"
    stated = cooperative.put(f"{path}/baseline", BASELINE)
    assert (stated.status_code, stated.json()["gross_fen"], stated.json()["yield_per_mu"]) == (201, 43_200_000, "1000")
    shown = cooperative.get(path).json()
    assert (shown["baseline"], shown["available"]) == (stated.json(), "450000")
    refused(cooperative.put(f"{path}/baseline", BASELINE), 409, "transition")
    refused(cooperative.post(f"{path}/contributions", {"contributions": deliveries}), 409, "sealed_lot")


def test_contributions_are_listed_page_by_page(cooperative: Cooperative) -> None:
    path = f"/lots/{cooperative.lot()['id']}/contributions"
    households = [cooperative.household() for _ in range(3)]
    worked = gave(households[2], mechanism="labour", unit="hour", measure="7.5", unit_price_fen=1500)
    given = [gave(households[0]), gave(households[1], measure="0.2"), worked]
    assert cooperative.post(path, {"contributions": given}).status_code == 201
    first = cooperative.get(path, limit=2).json()
    rest = cooperative.get(path, limit=2, cursor=first["next_cursor"]).json()
    rows = first["items"] + rest["items"]
    assert rest["next_cursor"] is None
    assert [row["household_id"] for row in rows] == households
    assert [(row["measure"], row["unit"], row["price_per"], row["amount_fen"]) for row in rows] == [
        ("14516.25", "kg", "0.5", 3_483_900),
        ("0.1", "kg", "0.5", 24),
        ("7.5", "hour", "1", 11_250),
    ]
    refused(cooperative.get(path, cursor="zzz"), 422, "invalid_input", "/query/cursor")


def test_a_price_made_from_the_markets_is_told_with_what_it_is_above(
    cooperative: Cooperative, session: orm.Session
) -> None:
    terms = (
        PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.MARKET_PLUS, bp=500),
        PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=9_000),
    )
    body = PlanBody((Mechanism.ORDER_PURCHASE, Mechanism.CONSIGNMENT), (), terms)
    plan = factories.plan(session, cooperative.body, body=body)
    session.get_one(Product, UUID(cooperative.product_id)).plan_id = plan.id
    session.flush()
    path = f"/lots/{cooperative.lot()['id']}/contributions"
    household = cooperative.household()
    market = {"price_fen": 100, "source": "河西市场日报价", "on": "2026-01-02"}
    by_market = gave(household, measure="1000", market=market) | {"unit_price_fen": None}
    consigned = gave(household, measure="500", mechanism="consignment") | {"unit_price_fen": None}
    assert cooperative.post(path, {"contributions": [by_market, consigned]}).json()["amount_fen"] == 105_000
    bought, sold = cooperative.get(path).json()["items"]
    assert (bought["unit_price_fen"], bought["amount_fen"], bought["proceeds_bp"]) == (105, 105_000, None)
    assert bought["over_market"] == {"measure": "gross", "market": market, "increase_fen": 5_000}
    assert (sold["unit_price_fen"], sold["price_per"], sold["amount_fen"]) == (None, None, None)
    assert (sold["proceeds_bp"], sold["measure"], sold["unit"], sold["over_market"]) == (9_000, "250", "kg", None)
    answer = cooperative.post(path, {"contributions": [by_market | {"unit_price_fen": 104}]})
    refused(answer, 422, "price_not_by_plan", "/contributions/0/unit_price_fen")
    assert answer.json()["detail"] == "By the benefit plan in force on 2026-01-04, the price is 1.05 yuan."


@pytest.mark.parametrize(
    ("facts", "code", "field"),
    [
        ({"mechanism": "share_dividend"}, "mechanism_not_in_plan", "mechanism"),
        ({"unit": "hour"}, "not_measured_so", "unit"),
        ({"unit": "piece"}, "wrong_unit", "unit"),
        ({"unit": "box"}, "invalid_input", "unit"),
        ({"measure": "0.0001"}, "inexact_quantity", "measure"),
        ({"measure": "0"}, "invalid_input", "measure"),
        ({"measure": "-1"}, "invalid_input", "measure"),
        ({"measure": 5}, "invalid_input", "measure"),
        ({"unit_price_fen": 1.5}, "invalid_input", "unit_price_fen"),
        ({"amount_fen": 5}, "invalid_input", "amount_fen"),
        ({"delivered_on": "2199-01-01"}, "future_date", "delivered_on"),
        ({"delivered_on": "2025-10-01"}, "invalid_input", "delivered_on"),  # long before the lot: an old status
        ({"household_id": str(uuid4())}, "not_enrolled", "household_id"),
    ],
)
def test_a_contribution_at_fault_is_pointed_at_and_none_is_recorded(
    cooperative: Cooperative, facts: dict[str, Any], code: str, field: str
) -> None:
    path = f"/lots/{cooperative.lot()['id']}/contributions"
    household = cooperative.household()
    answer = cooperative.post(path, {"contributions": [gave(household), gave(household) | facts]})
    refused(answer, 422, code, f"/contributions/1/{field}")
    assert cooperative.get(path).json()["items"] == []


@pytest.mark.parametrize("evidence", [{"evidence": ""}, {"evidence": " "}, {}])
@pytest.mark.parametrize(
    ("mechanism", "en", "zh"),
    [
        ("order_purchase", "the weigh note or the purchase slip", "过磅单或收购单"),
        ("labour", "the record of the work", "务工考勤表或计件记录"),
        ("land_rent", "the lease contract", "土地流转合同"),
    ],
)
def test_a_contribution_without_evidence_is_refused_by_naming_what_proves_its_mechanism(
    cooperative: Cooperative, mechanism: str, en: str, zh: str, evidence: dict[str, str]
) -> None:
    unproved = {name: value for name, value in gave(cooperative.household()).items() if name != "evidence"}
    path = f"/v1/lots/{cooperative.lot()['id']}/contributions"
    headers = factories.headers(cooperative.session, cooperative.clerk)
    for language, said in (("en", f"must name what proves it: {en}"), ("zh", f"须注明凭证:{zh}")):
        answer = cooperative.client.post(
            path,
            json={"contributions": [unproved | {"mechanism": mechanism} | evidence]},
            headers=headers | {"Accept-Language": language},
        )
        refused(answer, 422, "invalid_input", "/contributions/0/evidence")
        assert [fault["detail"] for fault in answer.json()["errors"]] == [said]


@pytest.mark.parametrize(
    ("facts", "code", "pointer"),
    [
        ({"quantity": "0"}, "invalid_input", "/quantity"),
        ({"quantity": "0.0001"}, "inexact_quantity", "/quantity"),
        ({"unit": "piece"}, "wrong_unit", "/unit"),
        ({"produced_on": "2199-01-01"}, "future_date", "/produced_on"),
        ({"expires_on": "2026-01-04"}, "invalid_input", "/expires_on"),
        ({"origin_code": "交城"}, "invalid_input", "/origin_code"),
        ({"origin_code": "141130103"}, "outside_origin", "/origin_code"),
        ({"colour": "red"}, "invalid_input", "/colour"),
    ],
)
def test_a_lot_that_cannot_be_is_refused(
    cooperative: Cooperative, facts: dict[str, Any], code: str, pointer: str
) -> None:
    refused(cooperative.post("/lots", LOT | {"product_id": cooperative.product_id} | facts), 422, code, pointer)
    assert cooperative.get("/lots").json() == {"items": [], "next_cursor": None}


def test_lots_are_listed_newest_first_and_by_product_and_status(cooperative: Cooperative) -> None:
    opened, drafts = cooperative.open_lot(), [cooperative.lot() for _ in range(2)]
    newest = [drafts[1]["id"], drafts[0]["id"], opened["id"]]
    first = cooperative.get("/lots", limit=2).json()
    rest = cooperative.get("/lots", limit=2, cursor=first["next_cursor"]).json()
    assert [lot["id"] for lot in first["items"] + rest["items"]] == newest
    assert [lot["id"] for lot in cooperative.get("/lots", status="open").json()["items"]] == [opened["id"]]
    assert cooperative.get("/lots", product_id=str(uuid4())).json()["items"] == []
    assert len(cooperative.get("/lots", product_id=cooperative.product_id).json()["items"]) == 3
    refused(cooperative.get("/lots", colour="red"), 422, "invalid_input", "/query/colour")


def test_a_lot_is_held_released_and_written_off(cooperative: Cooperative) -> None:
    path = f"/lots/{cooperative.open_lot()['id']}"
    assert cooperative.post(f"{path}/hold").json()["status"] == "held"
    refused(cooperative.post(f"{path}/hold"), 409, "transition")
    refused(cooperative.post(f"{path}/release"), 403, "forbidden")
    assert cooperative.post(f"{path}/release", by=cooperative.manager).json()["status"] == "open"
    written_off = cooperative.post(f"{path}/spoilage", {"quantity": "0.25", "reason": "受潮霉变"}, key="once")
    assert (written_off.status_code, written_off.json()["available"], written_off.json()["spoiled"]) == (
        201,
        "499.75",
        "0.25",
    )
    again = cooperative.post(f"{path}/spoilage", {"quantity": "0.25", "reason": "受潮霉变"}, key="once")
    assert again.headers["idempotency-hit"] == "true"
    too_much = cooperative.post(f"{path}/spoilage", {"quantity": "499.751", "reason": "受潮霉变"})
    refused(too_much, 409, "out_of_stock", "/quantity")


def test_the_maker_does_not_open_the_lot_and_a_clerk_opens_none(cooperative: Cooperative) -> None:
    answer = cooperative.post("/lots", LOT | {"product_id": cooperative.product_id}, by=cooperative.manager)
    path = f"/lots/{answer.json()['id']}/opening"
    refused(cooperative.post(path, by=cooperative.manager), 403, "four_eyes")
    refused(cooperative.post(path), 403, "forbidden")


def test_others_do_not_know_the_lot_exists(session: orm.Session, cooperative: Cooperative) -> None:
    lot = cooperative.open_lot()
    stranger = factories.member(session, factories.organisation(session), Role.SUPPLIER_MANAGER)
    path = f"/lots/{lot['id']}"
    for each in ("", "/contributions", "/graph"):
        refused(cooperative.get(path + each, by=stranger), 404, "not_found")
    for each, body in (
        ("/contributions", {"contributions": [gave(str(uuid4()))]}),
        ("/quality-certificate", {"number": "HGZ-1"}),
        ("/opening", None),
        ("/hold", None),
        ("/release", None),
        ("/spoilage", {"quantity": "1", "reason": "x"}),
    ):
        refused(cooperative.post(path + each, body, by=stranger), 404, "not_found")
    refused(cooperative.put(f"{path}/baseline", BASELINE, by=stranger), 404, "not_found")
    assert cooperative.get("/lots", by=stranger).json()["items"] == []
    unit = factories.organisation(session, kind=OrganisationKind.BUDGET_UNIT)
    refused(cooperative.get(path, by=factories.member(session, unit)), 403, "forbidden")
    assert session.get_one(Lot, UUID(lot["id"]), populate_existing=True).available_milli == 500_000


def test_a_mistaken_draft_is_discarded_and_its_input_has_its_stock_again(cooperative: Cooperative) -> None:
    source = cooperative.open_lot()
    (mistake,) = cooperative.post(f"/lots/{source['id']}/splitting", {"unit": "jin", "parts": ["400"]}).json()["lots"]
    assert cooperative.post(f"/lots/{mistake['id']}/discarding").json()["status"] == "discarded"
    shown = cooperative.get(f"/lots/{source['id']}").json()
    assert (shown["available"], shown["moved"]) == (source["available"], "0")
    refused(cooperative.post(f"/lots/{source['id']}/discarding"), 409, "transition")


def test_a_baseline_must_be_sound(cooperative: Cooperative) -> None:
    path = f"/lots/{cooperative.lot()['id']}/baseline"
    for facts, code, pointer in (
        ({"unit": "piece"}, "wrong_unit", "/unit"),
        ({"period_to": "2026-01-05"}, "invalid_input", "/period_to"),
        ({"area_mu": "0.0001"}, "inexact_quantity", "/area_mu"),
        ({"source": ""}, "invalid_input", "/source"),
    ):
        refused(cooperative.put(path, BASELINE | facts), 422, code, pointer)
    assert cooperative.put(path, BASELINE).status_code == 201
