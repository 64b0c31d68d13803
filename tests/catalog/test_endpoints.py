from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.api import Page, decode_cursor, encode_cursor
from market.catalog.schemas import FacetsOut, ProductItem, ProductOut
from market.db import Database
from market.identity.models import Organisation
from market.identity.rules import OrganisationKind, Role
from market.quantities import Unit
from market.regions.models import Region
from tests import factories

PRODUCTS = "/v1/products"


@pytest.fixture
def buyer(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(session, Role.BUYER_CLERK)


@pytest.fixture
def supplier(session: orm.Session) -> Organisation:
    return factories.organisation(session, name="富山合作社")


@pytest.fixture
def clerk(session: orm.Session, supplier: Organisation) -> dict[str, str]:
    return factories.headers(session, factories.member(session, supplier))


@contextmanager
def _statements(db: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(db.engine, "before_cursor_execute", note)


def _names(client: TestClient, headers: dict[str, str], **filters: object) -> list[str]:
    answer = client.get(PRODUCTS, params=filters, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def test_the_listing_shows_a_product_as_its_schema_says(
    client: TestClient, session: orm.Session, buyer: dict[str, str], supplier: Organisation
) -> None:
    certificate = factories.certificate(session, supplier, unit=Unit.JIN, unit_milli=500)
    product = factories.product(
        session,
        supplier,
        certificate=certificate,
        minimum="10",
        multiple="2.5",
        tiers=[("10", 1_280), ("100.5", 1_100)],
    )
    factories.lot(session, product, quantity_milli=100_001)
    factories.lot(session, product, quantity_milli=500)
    factories.lot(session, product, quantity_milli=70_000, expires_on=date(2026, 1, 31))
    answer = client.get(PRODUCTS, headers=buyer)
    assert answer.headers["content-type"] == "application/json"
    page = Page[ProductItem].model_validate_json(answer.content)
    assert page.next_cursor is None
    (item,) = answer.json()["items"]
    assert item == {
        "id": str(product.id),
        "name": "骏枣",
        "specification": "一级",
        "category_code": product.category_code,
        "supplier": {"id": str(supplier.id), "name": "富山合作社", "county_code": "141122"},
        "unit": "jin",
        "unit_milli": 500,
        "base_unit": "kg",
        "minimum": "10",
        "multiple": "2.5",
        "price_tiers": [
            {"from_quantity": "10", "price_fen": 1_280},
            {"from_quantity": "100.5", "price_fen": 1_100},
        ],
        "certificate": {
            "number": certificate.number,
            "valid_to": "2199-12-31",
            "batch_number": item["certificate"]["batch_number"],
        },
        "available": "201.002",
    }


def test_stock_that_the_unit_cannot_express_is_never_shown_as_more_than_there_is(
    client: TestClient, session: orm.Session, buyer: dict[str, str], supplier: Organisation
) -> None:
    certificate = factories.certificate(session, supplier, unit=Unit.BOX, unit_milli=3_000)
    product = factories.product(session, supplier, certificate=certificate)
    factories.lot(session, product, quantity_milli=20_000)
    assert client.get(PRODUCTS, headers=buyer).json()["items"][0]["available"] == "6.666666"


@pytest.mark.parametrize("sort", ["name", "-name", "price", "-price", "newest"])
def test_pages_follow_each_other_without_gap_or_repeat_in_every_sort(
    client: TestClient, session: orm.Session, buyer: dict[str, str], supplier: Organisation, sort: str
) -> None:
    certificate = factories.certificate(session, supplier)
    for name, price in [("枣", 5), ("枣", 5), ("梨", 5), ("枣", 9), ("核桃" * 30, 7), ("a", 1), ("B", 3)]:
        factories.product(session, supplier, certificate=certificate, name=name, tiers=[("1", price)])
    whole = client.get(PRODUCTS, params={"sort": sort}, headers=buyer).json()["items"]
    walked: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"sort": sort, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = client.get(PRODUCTS, params=asked, headers=buyer).json()
        assert len(page["items"]) in (1, 2)
        walked += page["items"]
        cursor = page["next_cursor"]
    assert walked == whole
    keys: dict[str, Any] = {
        "name": lambda item: item["name"],
        "price": lambda item: item["price_tiers"][0]["price_fen"],
        "newest": lambda item: item["id"],
    }
    backwards = sort.startswith("-") or sort == "newest"
    asked_order = [keys[sort.removeprefix("-")](item) for item in whole]
    assert asked_order == sorted(asked_order, reverse=backwards)
    assert len(whole) == 7


def test_a_cursor_is_the_one_that_other_lists_give(
    client: TestClient, session: orm.Session, buyer: dict[str, str], supplier: Organisation
) -> None:
    certificate = factories.certificate(session, supplier)
    first, _ = (factories.product(session, supplier, certificate=certificate, name=name * 40) for name in "枣梨")
    second = client.get(PRODUCTS, params={"limit": 1}, headers=buyer).json()
    keys = decode_cursor(second["next_cursor"], keys=3)
    assert second["next_cursor"] == encode_cursor(*keys)
    assert keys[0] == "name"
    assert first.name in ("枣" * 40, "梨" * 40)


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("name", "?"),
        ("name", encode_cursor("price", 5, "0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33")),
        ("name", encode_cursor("name", "枣", "no-id")),
        ("name", encode_cursor("name", "\0", "0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33")),
        ("price", encode_cursor("price", "x", "0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33")),
        ("price", encode_cursor("price", 10**30, "0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33")),
        ("newest", encode_cursor("newest", "x", "0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33")),
        ("other", encode_cursor("other", "x", "0198c2f0-7a3e-7c21-9d52-6a1f0e4b8c33")),
    ],
)
def test_a_cursor_or_sort_that_was_never_given_is_refused(
    client: TestClient, buyer: dict[str, str], sort: str, cursor: str
) -> None:
    answer = client.get(PRODUCTS, params={"sort": sort, "cursor": cursor}, headers=buyer)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"


@pytest.mark.parametrize("path", [PRODUCTS, f"{PRODUCTS}/facets"])
def test_a_parameter_nobody_knows_is_refused(client: TestClient, buyer: dict[str, str], path: str) -> None:
    for asked in (
        {"colour": "red"},
        {"county": "14"},
        {"min_price_fen": "-1"},
        {"q": ""},
        {"q": "\0"},
        {"status": "x"},
    ):
        answer = client.get(path, params=asked, headers=buyer)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"/query/{next(iter(asked))}"


def test_every_filter_narrows_the_listing_and_all_work_together(
    client: TestClient, session: orm.Session, buyer: dict[str, str], supplier: Organisation
) -> None:
    elsewhere = factories.organisation(session, region_code="621022", name="环县羊业合作社")
    certificate = factories.certificate(
        session, supplier, category_code=factories.category(session, code="dried_fruit").code
    )
    dates = factories.product(session, supplier, certificate=certificate, name="交城骏枣")
    mutton = factories.product(session, elsewhere, name="环县肉羊", tiers=[("1", 9_000)])
    factories.lot(session, mutton)
    narrow: dict[str, tuple[object, list[str]]] = {
        "q": ("骏枣", ["交城骏枣"]),
        "category": ("dried_fruit", ["交城骏枣"]),
        "county": ("621022", ["环县肉羊"]),
        "supplier_id": (str(supplier.id), ["交城骏枣"]),
        "batch_id": (str(certificate.batch_id), ["交城骏枣"]),
        "min_price_fen": (1_001, ["环县肉羊"]),
        "max_price_fen": (1_000, ["交城骏枣"]),
        "in_stock": (True, ["环县肉羊"]),
    }
    assert _names(client, buyer) == ["交城骏枣", "环县肉羊"]
    for name, (value, names) in narrow.items():
        assert _names(client, buyer, **{name: value}) == names
    of_dates = {name: value for name, (value, names) in narrow.items() if names == ["交城骏枣"]}
    assert _names(client, buyer, **of_dates, in_stock=False) == ["交城骏枣"]
    assert _names(client, buyer, **of_dates, in_stock=True) == []
    assert _names(client, buyer, q="肉羊 环县") == ["环县肉羊"]
    assert _names(client, buyer, q="…!") == []
    assert dates.status == "listed"


def test_a_listing_costs_one_statement_beside_the_callers_own_whatever_it_shows(
    client: TestClient, session: orm.Session, db: Database, buyer: dict[str, str], supplier: Organisation
) -> None:
    counts = []
    certificate = factories.certificate(session, supplier)
    for more in (1, 12):
        for _ in range(more):
            factories.lot(session, factories.product(session, supplier, certificate=certificate))
        for path in (PRODUCTS, f"{PRODUCTS}/facets", f"{PRODUCTS}?q=骏枣&sort=price&limit=5"):
            with _statements(db) as seen:
                assert client.get(path, headers=buyer).status_code == 200
            counts.append(len(seen))
    assert counts == [2] * 6


def test_facets_count_what_the_listing_finds(
    client: TestClient, session: orm.Session, buyer: dict[str, str], supplier: Organisation
) -> None:
    session.add(Region(code="141122", valid_from=date(2000, 1, 1), valid_until=None, name="交城县"))
    session.add(Region(code="141122", valid_from=date(1990, 1, 1), valid_until=date(2000, 1, 1), name="旧名"))
    certificate = factories.certificate(session, supplier)
    product, *_ = (
        factories.product(session, supplier, certificate=certificate, name=name) for name in ("骏枣", "灰枣", "核桃")
    )
    elsewhere = factories.product(session, factories.organisation(session, region_code="621022"), name="枣糕")
    answer = client.get(f"{PRODUCTS}/facets", params={"q": "枣"}, headers=buyer)
    facets = FacetsOut.model_validate_json(answer.content)
    assert {facet.code: facet.products for facet in facets.categories} == {
        product.category_code: 2,
        elsewhere.category_code: 1,
    }
    assert [(facet.code, facet.name, facet.products) for facet in facets.counties] == [
        ("141122", "交城县", 2),
        ("621022", None, 1),
    ]
    assert {facet.id: facet.products for facet in facets.suppliers} == {supplier.id: 2, elsewhere.supplier_id: 1}
    assert sum(facet.products for facet in facets.batches) == 3
    empty = client.get(f"{PRODUCTS}/facets", params={"q": "无此物"}, headers=buyer).json()
    assert empty == {"categories": [], "counties": [], "suppliers": [], "batches": []}


def test_a_draft_is_seen_by_its_supplier_and_those_who_oversee_it_and_by_nobody_else(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str], buyer: dict[str, str]
) -> None:
    draft = factories.product(session, supplier, listed=False)
    county = OrganisationKind.AGRICULTURE_DEPARTMENT
    seen_by = {
        "its supplier": (clerk, 200),
        "its county": (factories.signed_in(session, Role.COUNTY_REVIEWER, kind=county), 200),
        "another county": (factories.signed_in(session, Role.COUNTY_REVIEWER, kind=county, region_code="141130"), 404),
        "an auditor": (factories.signed_in(session, Role.AUDITOR, region_code="99"), 200),
        "the operator": (factories.signed_in(session, Role.OPERATOR, region_code="99"), 200),
        "another supplier": (factories.signed_in(session, Role.SUPPLIER_CLERK), 404),
        "a buyer": (buyer, 404),
    }
    for who, (headers, status) in seen_by.items():
        assert client.get(f"{PRODUCTS}/{draft.id}", headers=headers).status_code == status, who
        found = _names(client, headers, status="draft")
        assert found == ([draft.name] if status == 200 else []), who
        assert _names(client, headers) == [], who


def test_a_listed_product_without_a_valid_certificate_is_shown_as_not_sellable(
    client: TestClient, session: orm.Session, supplier: Organisation, buyer: dict[str, str]
) -> None:
    lapsed = factories.certificate(session, supplier, valid_to=date(2026, 1, 1))
    product = factories.product(session, supplier, certificate=lapsed)
    answer = client.get(f"{PRODUCTS}/{product.id}", headers=buyer)
    shown = ProductOut.model_validate_json(answer.content)
    assert (shown.status.value, shown.sellable) == ("listed", False)
    assert answer.headers["etag"] == f'"{product.version}"'
    assert _names(client, buyer) == []


def test_a_product_is_written_priced_listed_edited_and_withdrawn(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str]
) -> None:
    plan = factories.plan(session, supplier)
    category = factories.category(session)
    certificate = factories.certificate(session, supplier, plan=plan, category_code=category.code)
    request = {
        "certificate_id": str(certificate.id),
        "category_code": category.code,
        "unit": "kg",
        "name": "骏枣",
        "specification": "一级,散装",
        "description": "自然晾晒。",
        "minimum": "10",
        "multiple": "5",
        "tax_bp": 900,
    }
    created = client.post(PRODUCTS, json=request, headers=clerk)
    assert created.status_code == 201, created.text
    product = ProductOut.model_validate_json(created.content)
    assert (product.status.value, product.version, product.price_tiers) == ("draft", 1, [])
    repeated = client.post(PRODUCTS, json=request, headers=clerk)
    assert (repeated.headers["idempotency-hit"], repeated.json()) == ("true", created.json())

    path = f"{PRODUCTS}/{product.id}"
    tiers = {"tiers": [{"from_quantity": "10", "price_fen": 1_280}, {"from_quantity": "100", "price_fen": 1_100}]}
    assert client.put(f"{path}/price-tiers", json=tiers, headers=clerk).status_code == 428
    priced = client.put(f"{path}/price-tiers", json=tiers, headers=clerk | {"If-Match": '"1"'})
    assert (priced.status_code, priced.headers["etag"]) == (200, '"2"')
    listed = client.post(f"{path}/listing", headers=clerk | {"Idempotency-Key": "list"})
    assert (listed.status_code, listed.json()["status"], listed.json()["sellable"]) == (200, "listed", True)
    stale = client.patch(path, json={"name": "灰枣"}, headers=clerk | {"If-Match": '"2"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    edited = client.patch(path, json={"name": "灰枣", "minimum": "20"}, headers=clerk | {"If-Match": '"3"'})
    assert edited.json()["name"] == "灰枣"
    other = {"plan_id": str(factories.plan(session, supplier).id)}
    moved = client.patch(path, json=other, headers=clerk | {"If-Match": '"4"'})
    assert (moved.status_code, moved.json()["errors"][0]["pointer"]) == (422, "/plan_id")
    assert client.post(PRODUCTS, json=request | other, headers=clerk | {"Idempotency-Key": "other"}).status_code == 422
    assert edited.json()["plan_id"] == str(plan.id), "the plan with which it was certified"
    assert edited.json()["price_tiers"][0] == {"from_quantity": "20", "price_fen": 1_280}
    withdrawn = client.post(f"{path}/withdrawal", headers=clerk | {"Idempotency-Key": "withdraw"})
    assert (withdrawn.status_code, withdrawn.json()["status"], withdrawn.json()["version"]) == (200, "withdrawn", 5)


def test_a_price_above_the_evidence_is_refused_at_its_tier_and_changes_nothing(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str]
) -> None:
    product = factories.product(session, supplier)
    tiers = {"tiers": [{"from_quantity": "1", "price_fen": 100_001}]}
    answer = client.put(f"{PRODUCTS}/{product.id}/price-tiers", json=tiers, headers=clerk | {"If-Match": '"2"'})
    assert (answer.status_code, answer.json()["code"]) == (422, "price_above_evidence")
    assert answer.json()["errors"][0]["pointer"] == "/tiers/0/price_fen"
    shown = client.get(f"{PRODUCTS}/{product.id}", headers=clerk)
    assert (shown.json()["price_tiers"][0]["price_fen"], shown.headers["etag"]) == (1_000, '"2"')


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_fen": 12.5},
        {"price_fen": "1280"},
        {"price_fen": 0},
        {"from_quantity": 1},
        {"from_quantity": "-1"},
        {"x": 1},
    ],
)
def test_prices_and_quantities_in_the_wrong_form_are_refused(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str], wrong: dict[str, object]
) -> None:
    product = factories.product(session, supplier)
    tier: dict[str, object] = {"from_quantity": "1", "price_fen": 900}
    answer = client.put(
        f"{PRODUCTS}/{product.id}/price-tiers", json={"tiers": [tier | wrong]}, headers=clerk | {"If-Match": '"2"'}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/tiers/0/{next(iter(wrong))}"


def test_categories_are_added_by_the_operator_and_listed_in_pages(
    client: TestClient, session: orm.Session, buyer: dict[str, str]
) -> None:
    operator = factories.signed_in(session, Role.OPERATOR)
    request = {"code": "egg", "name": "蛋果薯", "needs_quality_certificate": True}
    for code in ("egg", "fruit", "tuber"):
        request["code"] = code
        assert (
            client.post("/v1/categories", json=request, headers=operator | {"Idempotency-Key": code}).status_code == 201
        )
    taken = client.post("/v1/categories", json=request, headers=operator | {"Idempotency-Key": "again"})
    assert (taken.status_code, taken.json()["code"]) == (409, "category_taken")
    assert client.post("/v1/categories", json=request, headers=buyer).status_code == 403
    first = client.get("/v1/categories", params={"limit": 2}, headers=buyer).json()
    second = client.get("/v1/categories", params={"limit": 2, "cursor": first["next_cursor"]}, headers=buyer).json()
    codes = [item["code"] for item in first["items"] + second["items"]]
    assert (codes, second["next_cursor"]) == (["egg", "fruit", "tuber"], None)
