"""How each line of the matrix is asked for by HTTP: a request that only its access can refuse."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import python_calamine

from tests.access.ask import Ask, Asked, item, said, thing
from tests.access.banking import BANKING
from tests.access.living import LIVING
from tests.access.membership import MEMBERSHIP
from tests.access.online import ONLINE
from tests.access.paying import PAYING
from tests.access.people import PEOPLE
from tests.access.sharing import SHARING
from tests.stalls import EVIDENCE, TODAY

WHOLE = {"from": "2026-01-01", "to": "2026-12-31"}


def _report_names(answer: Any) -> set[str]:
    return {row["name"] for row in answer.json()["rows"]}


def _workbook_texts(answer: Any) -> set[str]:
    sheet = python_calamine.CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0)
    return {str(cell) for row in sheet.to_python() for cell in row}


def _in_turn(asked: Asked) -> str:
    """Return the application that waits for this role's step."""
    waiting = {"trade_reviewer": asked.place.township_passed, "county_reviewer": asked.place.trade_passed}
    return waiting.get(asked.role, asked.place.submitted)


def _scheme(_: Asked) -> Any:
    channel = {
        "code": "canteen",
        "name": "进食堂",
        "buyer_kinds": ["school"],
        "evidence_kinds": [],
        "needs_external_number": False,
        "counts_to_reserved_share": True,
    }
    return {"code": "wu_jin", "name": "五进", "valid_from": "2026-04-01", "channels": [channel]}


def _version(*households: str) -> Any:
    shares = [{"payee_id": household, "weight": 1} for household in households]
    pool = {"mechanism": "share_dividend", "bp": 500, "assisted_only": False, "shares": shares}
    return {
        "lot_mechanisms": ["order_purchase"],
        "pools": [pool] if shares else [],
        "valid_from": "2026-04-01",
    }


def _register(household_code: str) -> Any:
    shares = [{"household_code": household_code, "own_fen": 100_000}]
    return {"valid_from": TODAY, "evidence": "入股凭证", "shares": shares}


def _application(asked: Asked) -> Any:
    return {
        "plan_id": asked.place.plan,
        "product_name": "骏枣",
        "specification": "特级",
        "category_code": "fruit",
        "origin_code": asked.home.code,
        "unit": "kg",
        "price_fen": 6_000,
        "declared_value_fen": 50_000_000,
        "people_driven": 12,
    }


def _product(certificate: str, category: str) -> Any:
    return {
        "certificate_id": certificate,
        "category_code": category,
        "unit": "kg",
        "name": "骏枣",
        "specification": "一级",
        "description": "自然晾晒",
        "minimum": "1",
        "multiple": "1",
        "tax_bp": 900,
    }


def _lot(asked: Asked, product: str) -> Any:
    return {
        "product_id": product,
        "unit": "kg",
        "quantity": "1",
        "produced_on": TODAY,
        "origin_code": asked.home.code,
    }


def _processed(asked: Asked, product: str, lot: str) -> Any:
    return _lot(asked, product) | {"inputs": [{"lot_id": lot, "quantity": "1"}]}


def _contribution(household: str) -> Any:
    given = {
        "household_id": household,
        "mechanism": "order_purchase",
        "measure": "10",
        "unit": "kg",
        "unit_price_fen": 600,
        "delivered_on": TODAY,
        "evidence": "收购单-1",
    }
    return {"contributions": [given]}


def _shipment(line: str) -> Any:
    return {"shipped_on": TODAY, "lines": [{"order_line_id": line, "quantity": "5"}]}


def _acceptance(line: str) -> Any:
    found = {"received": "5", "accepted": "5", "rejected": "0", "damaged": "0", "short": "0"}
    return {"accepted_on": TODAY, "evidence": EVIDENCE, "lines": [{"order_line_id": line} | found]}


def _price_cut(line: str) -> Any:
    cut = {"order_line_id": line, "amount_fen": 100}
    return {"cut_on": TODAY, "reason": "果径偏小", "evidence": "折让协议 2026-031", "lines": [cut]}


def _return(line: str) -> Any:
    back = {"order_line_id": line, "quantity": "1", "resaleable": True}
    return {"returned_on": TODAY, "reason": "品质不符", "lines": [back]}


def _receipt(asked: Asked) -> Any:
    order = {"order_id": asked.place.accepted, "amount_fen": 100}
    return {
        "bank_reference": f"ICBC-{uuid4().hex[:12]}",
        "payer_name": "交城县财政国库支付中心",
        "amount_fen": 100,
        "received_on": TODAY,
        "orders": [order],
    }


def _order(asked: Asked) -> Any:
    line = {"product_id": asked.place.product, "quantity": "5", "unit": "kg"}
    return {"channel_code": "canteen", "lines": [line]}


BASELINE = said(
    period_from="2025-01-01",
    period_to="2025-12-31",
    source="村委会2025年产量登记表",
    area_mu="180",
    yield_per_mu="2000",
    unit="jin",
    unit_price_fen=120,
)
HOUSEHOLD = said(
    code="1411221062019999",
    village_code="",
    head_count=4,
    status="ordinary",
    registered_on="2026-03-01",
)
EVIDENCED = said(kind="link", reference="https://shop.example/junzao", price_fen=6_500, observed_on=TODAY)
OPINION, REASON, PASSED = said(opinion="同意"), said(reason="抽检不合格"), {"decision": "pass", "opinion": "同意"}
READ, OPEN_LOT = Ask(), Ask(thing("open_lot"))
"""The simplest: to read what is nobody's, or one lot."""

LAST_YEAR = said(
    figure="net", amount_fen=100, period_from="2025-01-01", period_to="2025-12-31", source="年度收入采集表"
)


ASKS: dict[str, Ask] = {
    **MEMBERSHIP,
    "GET /v1/regions": READ,
    "POST /v1/regions": Ask(body=said(code="141125", name="新县", valid_from="2026-03-02")),
    "GET /v1/channels": READ,
    "POST /v1/channel-schemes": Ask(body=_scheme),
    "POST /v1/households village": Ask(body=lambda asked: HOUSEHOLD(asked) | {"village_code": asked.place.code}),
    "GET /v1/households households": Ask(thing("household"), lists=item()),
    "GET /v1/households/{household_id} household": Ask(thing("household")),
    "PATCH /v1/households/{household_id} household": Ask(thing("household"), said(head_count=5), version=1),
    "POST /v1/households/{household_id}/statuses household": Ask(
        thing("household"), said(status="ordinary", valid_from=TODAY)
    ),
    "POST /v1/households/{household_id}/departure household": Ask(thing("household"), said(departed_on=TODAY)),
    "GET /v1/households/{household_id}/eligibility household": Ask(thing("household"), params=lambda _: {"on": TODAY}),
    "POST /v1/households/{household_id}/baselines household": Ask(thing("household"), LAST_YEAR),
    "GET /v1/households/{household_id}/baselines household": Ask(thing("household")),
    "POST /v1/household-baselines/{baseline_id}/decision baseline": Ask(
        thing("household_baseline"), said(confirmed=True, opinion="与采集表一致")
    ),
    **PEOPLE,
    "GET /v1/mechanisms": READ,
    "POST /v1/plans": Ask(body=said(name="新方案")),
    "GET /v1/plans plans": Ask(thing("plan"), lists=item()),
    "GET /v1/plans/{plan_id} plan": Ask(thing("plan")),
    "POST /v1/plans/{plan_id}/versions plan": Ask(thing("plan"), lambda _: _version()),
    "POST /v1/plans/{plan_id}/versions household": Ask(
        body=lambda asked: _version(asked.place.household), path=lambda asked: asked.home.plan
    ),
    "POST /v1/plan-versions/{version_id}/submission draft version": Ask(thing("draft_version")),
    "POST /v1/plan-versions/{version_id}/approval submitted version": Ask(thing("submitted_version"), OPINION),
    "POST /v1/plan-versions/{version_id}/rejection submitted version": Ask(thing("submitted_version"), OPINION),
    "POST /v1/plan-versions/{version_id}/simulations submitted version": Ask(thing("submitted_version")),
    "GET /v1/plan-versions/{version_id}/simulation submitted version": Ask(thing("submitted_version")),
    "POST /v1/registers": Ask(body=said(kind="shares", name="新名册")),
    "GET /v1/registers registers": Ask(thing("register"), lists=item()),
    "GET /v1/registers/{register_id} register": Ask(thing("register")),
    "POST /v1/registers/{register_id}/versions register": Ask(
        thing("register"), lambda asked: _register(asked.home.household_code)
    ),
    "POST /v1/registers/{register_id}/versions household": Ask(
        body=lambda asked: _register(asked.place.household_code), path=lambda asked: asked.home.register
    ),
    "GET /v1/register-versions/{version_id} draft register": Ask(thing("draft_register")),
    "POST /v1/register-versions/{version_id}/submission draft register": Ask(thing("draft_register")),
    "POST /v1/register-versions/{version_id}/approval submitted register": Ask(thing("submitted_register"), OPINION),
    "POST /v1/register-versions/{version_id}/rejection submitted register": Ask(thing("submitted_register"), OPINION),
    "POST /v1/enrolments newcomer": Ask(body=lambda asked: {"household_codes": [asked.place.newcomer_code]}),
    "GET /v1/enrolments enrolments": Ask(thing("newcomer"), lists=item("household_id")),
    "POST /v1/enrolments/confirmations enrolment": Ask(
        body=lambda asked: {"supplier_id": asked.place.supplier, "household_ids": [asked.place.newcomer]}
    ),
    "POST /v1/applications plan": Ask(body=_application),
    "GET /v1/applications applications": Ask(thing("submitted"), lists=item()),
    "GET /v1/applications/{application_id} application": Ask(thing("submitted")),
    "POST /v1/applications/{application_id}/price-evidences application": Ask(thing("submitted"), EVIDENCED),
    "POST /v1/applications/{application_id}/reviews application in turn": Ask(_in_turn, lambda _: PASSED),
    "GET /v1/public-notices notices": Ask(thing("notice"), lists=item()),
    "POST /v1/applications/{application_id}/objections notice": Ask(thing("notice"), REASON),
    "POST /v1/objections/{objection_id}/settlement objection": Ask(
        thing("objection"), said(upheld=False, settlement="经核实,产地属实")
    ),
    "POST /v1/batches cleared application": Ask(body=lambda asked: {"application_ids": [asked.place.cleared]}),
    "GET /v1/batches batches": Ask(thing("batch"), lists=item()),
    "GET /v1/certificates certificates": Ask(thing("certificate"), lists=item()),
    "GET /v1/certificates/{certificate_id} certificate": Ask(thing("certificate")),
    "POST /v1/certificates/{certificate_id}/suspension certificate": Ask(thing("certificate"), REASON),
    "POST /v1/certificates/{certificate_id}/reinstatement suspended certificate": Ask(thing("suspended"), REASON),
    "POST /v1/certificates/{certificate_id}/revocation certificate": Ask(thing("certificate"), REASON),
    "GET /v1/certificate-alerts alerts": Ask(thing("certificate"), lists=item("certificate_id")),
    "GET /v1/categories": READ,
    "POST /v1/categories": Ask(body=said(code="tea", name="茶叶", needs_quality_certificate=True)),
    "GET /v1/products products": Ask(thing("product"), lists=item()),
    "GET /v1/products drafts": Ask(thing("draft"), params=lambda _: {"status": "draft"}, lists=item()),
    "POST /v1/products certificate": Ask(body=lambda asked: _product(asked.place.certificate, asked.home.category)),
    "GET /v1/products/facets": READ,
    "GET /v1/products/{product_id} product": Ask(thing("product")),
    "GET /v1/products/{product_id} draft": Ask(thing("draft")),
    "PATCH /v1/products/{product_id} draft": Ask(thing("draft"), said(description="新描述"), version=1),
    "PATCH /v1/products/{product_id} certificate": Ask(
        body=lambda asked: {"certificate_id": asked.place.certificate}, path=lambda asked: asked.home.draft, version=1
    ),
    "PUT /v1/products/{product_id}/price-tiers draft": Ask(
        thing("draft"), said(tiers=[{"from_quantity": "1", "price_fen": 900}]), version=1
    ),
    "POST /v1/products/{product_id}/listing draft": Ask(thing("draft")),
    "POST /v1/products/{product_id}/withdrawal product": Ask(thing("product")),
    "POST /v1/lots product": Ask(body=lambda asked: _lot(asked, asked.place.product)),
    "POST /v1/lots/processing product": Ask(
        body=lambda asked: _processed(asked, asked.place.product, asked.home.open_lot)
    ),
    "POST /v1/lots/processing open lot": Ask(
        body=lambda asked: _processed(asked, asked.home.product, asked.place.open_lot)
    ),
    "POST /v1/lots/merging open lot": Ask(
        body=lambda asked: {
            "unit": "kg",
            "inputs": [{"lot_id": lot, "quantity": "1"} for lot in (asked.home.open_lot, asked.place.measured_lot)],
        }
    ),
    "POST /v1/lots/{lot_id}/splitting open lot": Ask(thing("open_lot"), said(unit="kg", parts=["1"])),
    "POST /v1/lots/{lot_id}/repacking open lot": Ask(thing("open_lot"), said(unit="kg", quantity="1")),
    "GET /v1/lots lots": Ask(thing("open_lot"), lists=item()),
    "GET /v1/lots/{lot_id} open lot": OPEN_LOT,
    "POST /v1/lots/{lot_id}/contributions draft lot": Ask(
        thing("draft_lot"), lambda asked: _contribution(asked.home.household)
    ),
    "POST /v1/lots/{lot_id}/contributions household": Ask(
        body=lambda asked: _contribution(asked.place.household), path=lambda asked: asked.home.draft_lot
    ),
    "GET /v1/lots/{lot_id}/contributions open lot": OPEN_LOT,
    "POST /v1/lots/{lot_id}/quality-certificate draft lot": Ask(thing("draft_lot"), said(number="HGZ-141122-1")),
    "POST /v1/lots/{lot_id}/discarding draft lot": Ask(thing("draft_lot")),
    "POST /v1/lots/{lot_id}/opening draft lot": Ask(thing("draft_lot")),
    "POST /v1/lots/{lot_id}/hold open lot": OPEN_LOT,
    "POST /v1/lots/{lot_id}/release held lot": Ask(thing("held_lot")),
    "POST /v1/lots/{lot_id}/spoilage open lot": Ask(thing("open_lot"), said(quantity="1", reason="受潮霉变")),
    "GET /v1/lots/{lot_id}/graph open lot": OPEN_LOT,
    "GET /v1/lots/{lot_id}/sources open lot": OPEN_LOT,
    "GET /v1/lots/{lot_id}/recall open lot": OPEN_LOT,
    "PUT /v1/lots/{lot_id}/baseline open lot": Ask(thing("open_lot"), BASELINE),
    "POST /v1/lots/{lot_id}/baseline/decision measured lot": Ask(
        thing("measured_lot"), said(confirmed=True, opinion="与村台账一致")
    ),
    "POST /v1/periods": Ask(body=said(book="attribution", month="2026-02")),
    "GET /v1/periods": READ,
    "GET /v1/trial-balance": READ,
    **LIVING,
    **PAYING,
    **BANKING,
    **ONLINE,
    **SHARING,
    "POST /v1/order-groups product": Ask(body=_order),
    "GET /v1/orders orders": Ask(thing("paid"), lists=item()),
    "GET /v1/orders/{order_id} paid order": Ask(thing("paid")),
    "POST /v1/orders/{order_id}/confirmation placed order": Ask(thing("placed")),
    "POST /v1/orders/{order_id}/refusal placed order": Ask(thing("placed"), REASON),
    "POST /v1/orders/{order_id}/cancellation placed order": Ask(thing("placed"), REASON),
    "POST /v1/orders/{order_id}/shipment confirmed order": Ask(thing("confirmed"), said(shipped_on=TODAY)),
    "POST /v1/orders/{order_id}/shipment line": Ask(
        body=lambda asked: _shipment(asked.place.confirmed_line), path=lambda asked: asked.home.confirmed
    ),
    "POST /v1/orders/{order_id}/acceptances shipped order": Ask(
        thing("shipped"), lambda asked: _acceptance(asked.place.shipped_line)
    ),
    "POST /v1/orders/{order_id}/acceptances line": Ask(
        body=lambda asked: _acceptance(asked.place.shipped_line), path=lambda asked: asked.home.shipped
    ),
    "POST /v1/orders/{order_id}/returns accepted order": Ask(
        thing("accepted"), lambda asked: _return(asked.place.accepted_line)
    ),
    "POST /v1/orders/{order_id}/returns line": Ask(
        body=lambda asked: _return(asked.place.accepted_line), path=lambda asked: asked.home.accepted
    ),
    "POST /v1/orders/{order_id}/price-cuts accepted order": Ask(
        thing("accepted"), lambda asked: _price_cut(asked.place.accepted_line)
    ),
    "POST /v1/orders/{order_id}/price-cuts line": Ask(
        body=lambda asked: _price_cut(asked.place.accepted_line), path=lambda asked: asked.home.accepted
    ),
    "GET /v1/price-cuts price cuts": Ask(thing("price_cut"), lists=item()),
    "GET /v1/price-cuts/{price_cut_id} price cut": Ask(thing("price_cut")),
    "POST /v1/price-cuts/{price_cut_id}/acceptance price cut": Ask(thing("price_cut")),
    "POST /v1/price-cuts/{price_cut_id}/refusal price cut": Ask(thing("price_cut"), said(reason="与协议金额不符")),
    "POST /v1/price-cuts/{price_cut_id}/withdrawal price cut": Ask(thing("price_cut")),
    "POST /v1/receipts accepted order": Ask(body=_receipt),
    "GET /v1/receipts receipts": Ask(thing("receipt"), lists=item()),
    "GET /v1/receipts/{receipt_id} receipt": Ask(thing("receipt")),
    "GET /v1/audit/orders/{order_id}/trace paid order": Ask(thing("paid")),
    "GET /v1/audit/households/{household_id}/trace household": Ask(thing("household"), params=lambda _: WHOLE),
    "GET /v1/audit/verification paid order": Ask(params=lambda asked: {"order_id": asked.place.paid}),
    "GET /v1/audit/verification household": Ask(params=lambda asked: {"household_id": asked.place.household}),
    "GET /v1/audit/invariants": READ,
    "GET /v1/households/{household_id}/statement household": Ask(thing("household")),
    "GET /v1/households/{household_id}/account household": Ask(thing("household")),
    "GET /v1/organisations/{organisation_id}/statement supplier": Ask(thing("supplier")),
    "GET /v1/lots/{lot_id}/income open lot": OPEN_LOT,
    "GET /v1/reports/{dimension} sales": Ask(
        thing("supplier_name"), path=lambda _: "cooperative", params=lambda _: WHOLE, lists=_report_names
    ),
    "GET /v1/reports/{dimension}.xlsx sales": Ask(
        thing("supplier_name"), path=lambda _: "cooperative", params=lambda _: WHOLE, lists=_workbook_texts
    ),
    "GET /v1/orders/{order_id}/reach paid order": Ask(thing("paid")),
    "GET /v1/products/{product_id}/reach": Ask(path=lambda asked: asked.home.product),
    "GET /v1/organisations/{organisation_id}/reach": Ask(path=lambda asked: asked.home.buyer),
    "GET /v1/channels/{channel_code}/reach": Ask(path=lambda _: "canteen"),
    "GET /v1/public/orders/{order_id}/reach": Ask(path=lambda asked: asked.home.paid),
    "GET /v1/public/products/{product_id}/reach": Ask(path=lambda asked: asked.home.product),
    "GET /healthz": READ,
    "GET /readyz": READ,
    "GET /metrics": READ,
    "GET /docs": READ,
    "GET /openapi.json": READ,
    "GET /static": Ask(path=lambda _: "/docs.js"),
}
"""By method, path and what it is about."""
