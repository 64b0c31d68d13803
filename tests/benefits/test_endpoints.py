"""Plans, the table of mechanisms and enrolments, by HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.api import encode_cursor
from market.identity.models import Organisation
from market.identity.rules import OrganisationKind, Role
from tests import factories


@pytest.fixture
def supplier(session: orm.Session) -> Organisation:
    return factories.organisation(session)


@pytest.fixture
def clerk(session: orm.Session, supplier: Organisation) -> dict[str, str]:
    return factories.headers(session, factories.member(session, supplier))


@pytest.fixture
def county(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(session, Role.COUNTY_REVIEWER, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)


@pytest.fixture
def village(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(
        session, Role.VILLAGE_CLERK, kind=OrganisationKind.VILLAGE_OFFICE, region_code="141122106201"
    )


def again(headers: dict[str, str]) -> dict[str, str]:
    """The same caller's next request."""
    return headers | {"Idempotency-Key": uuid4().hex}


def body(*households: UUID, **changed: Any) -> dict[str, Any]:
    shares = [{"payee_id": str(household), "weight": 3} for household in households]
    pool = {"mechanism": "share_dividend", "bp": 800, "assisted_only": False, "shares": shares}
    whole = {"lot_mechanisms": ["order_purchase", "labour"], "pools": [pool], "valid_from": "2025-01-01"}
    return whole | changed


def create(client: TestClient, clerk: dict[str, str], name: str = "羊肚菌分红方案") -> dict[str, Any]:
    answer = client.post("/v1/plans", json={"name": name}, headers=again(clerk))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_anybody_reads_the_table_of_mechanisms(client: TestClient) -> None:
    rows = client.get("/v1/mechanisms").json()["items"]
    assert {row["code"]: row["basis"] for row in rows} == {
        "order_purchase": "lot",
        "consignment": "proceeds",
        "patronage": "period",
        "labour": "lot",
        "share_dividend": "pool",
        "land_rent": "lot",
        "custody": "period",
        "contracting": "lot",
        "collective_dividend": "pool",
    }
    assert rows[-1] == {
        "code": "collective_dividend",
        "name": "村集体分红",
        "income_class": "property",
        "basis": "pool",
        "payee": "collective",
        "proof": {
            "en": "the villagers' resolution and the signed list of who was paid",
            "zh": "村民代表会议决议及领款签字表",
        },
        "measures": [],
        "pricings": [],
    }


def test_a_plan_goes_from_draft_to_approval(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str], county: dict[str, str]
) -> None:
    household = factories.enrolment(session, supplier, factories.household(session)).household_id
    plan = create(client, clerk)
    drafted = client.post(f"/v1/plans/{plan['id']}/versions", json=body(household), headers=again(clerk))
    assert drafted.status_code == 201, drafted.text
    version = drafted.json()
    assert (version["number"], version["status"], len(version["sha256"])) == (1, "draft", 64)
    assert version["body"]["pools"][0]["shares"] == [{"payee_id": str(household), "weight": 3}]
    where = f"/v1/plan-versions/{version['id']}"
    assert client.post(f"{where}/submission", headers=again(clerk)).json()["status"] == "submitted"
    assert client.post(f"{where}/simulations", headers=again(clerk)).status_code == 201
    approval = client.post(f"{where}/approval", json={"opinion": "同意"}, headers=again(county))
    assert (approval.status_code, approval.json()["status"], approval.json()["opinion"]) == (200, "approved", "同意")
    shown = client.get(f"/v1/plans/{plan['id']}", headers=clerk).json()
    assert [found["sha256"] for found in shown["versions"]] == [version["sha256"]]
    late = client.post(f"{where}/rejection", json={"opinion": "再议"}, headers=again(county))
    assert (late.status_code, late.json()["code"]) == (409, "transition")


def test_a_kept_pool_is_drafted_without_payees(client: TestClient, clerk: dict[str, str]) -> None:
    plan = create(client, clerk)
    kept = {"mechanism": "patronage", "bp": 700, "assisted_only": False, "shares": [], "kept": True}
    split = {"mechanism": "share_dividend", "bp": 800, "assisted_only": False, "shares": []}
    answer = client.post(f"/v1/plans/{plan['id']}/versions", json=body(pools=[split, kept]), headers=again(clerk))
    unsaid = {"reserve_bp": None}
    assert answer.json()["body"]["pools"] == [kept | unsaid, split | unsaid | {"kept": False}]
    reserved = kept | {"reserve_bp": 1_000}
    answer = client.post(f"/v1/plans/{plan['id']}/versions", json=body(pools=[reserved]), headers=again(clerk))
    assert answer.json()["body"]["pools"] == [reserved]
    refused = body(pools=[kept | {"kept": False}])
    answer = client.post(f"/v1/plans/{plan['id']}/versions", json=refused, headers=again(clerk))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/pools/0/kept")


def test_a_version_is_rejected_with_an_opinion(
    client: TestClient, clerk: dict[str, str], county: dict[str, str]
) -> None:
    plan = create(client, clerk)
    version = client.post(f"/v1/plans/{plan['id']}/versions", json=body(pools=[]), headers=again(clerk)).json()
    client.post(f"/v1/plan-versions/{version['id']}/submission", headers=again(clerk))
    where = f"/v1/plan-versions/{version['id']}/rejection"
    assert client.post(where, json={"opinion": ""}, headers=again(county)).status_code == 422
    answer = client.post(where, json={"opinion": "比例过低"}, headers=again(county))
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"lot_mechanisms": [], "pools": []}, None),
        ({"lot_mechanisms": ["share_dividend"]}, "/lot_mechanisms"),
        ({"lot_mechanisms": ["lottery"]}, "/lot_mechanisms/0"),
        ({"pools": [{"mechanism": "share_dividend", "bp": 0, "assisted_only": False, "shares": []}]}, "/pools/0/bp"),
        ({"pools": [{"mechanism": "share_dividend", "bp": 8.5, "assisted_only": False, "shares": []}]}, "/pools/0/bp"),
        ({"pools": [{"mechanism": "share_dividend", "bp": 1, "shares": []}]}, "/pools/0/assisted_only"),
        (
            {"pools": [{"mechanism": "share_dividend", "bp": 1, "assisted_only": False, "shares": [[]]}]},
            "/pools/0/shares/0",
        ),
        ({"valid_from": 20250101}, "/valid_from"),
        ({"note": "?"}, "/note"),
    ],
)
def test_an_unsound_body_is_refused_with_a_pointer(
    client: TestClient, clerk: dict[str, str], changed: dict[str, Any], pointer: str | None
) -> None:
    plan = create(client, clerk)
    answer = client.post(f"/v1/plans/{plan['id']}/versions", json=body(**changed), headers=again(clerk))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ([pointer] if pointer else [])
    assert client.get(f"/v1/plans/{plan['id']}", headers=clerk).json()["versions"] == []


def test_shares_of_strangers_are_refused(client: TestClient, clerk: dict[str, str]) -> None:
    plan = create(client, clerk)
    answer = client.post(f"/v1/plans/{plan['id']}/versions", json=body(uuid4()), headers=again(clerk))
    assert (answer.status_code, answer.json()["code"]) == (422, "not_enrolled")
    assert answer.json()["errors"][0]["pointer"] == "/pools/0/shares/0/payee_id"
    collective = body(supplier_pool := uuid4())
    collective["pools"][0]["mechanism"] = "collective_dividend"
    answer = client.post(f"/v1/plans/{plan['id']}/versions", json=collective, headers=again(clerk))
    assert (answer.status_code, answer.json()["code"]) == (422, "not_collective")
    assert str(supplier_pool) not in answer.json()["detail"]


def test_a_plan_of_others_is_not_found_by_any_route(
    client: TestClient, session: orm.Session, clerk: dict[str, str]
) -> None:
    plan = create(client, clerk)
    version = client.post(f"/v1/plans/{plan['id']}/versions", json=body(pools=[]), headers=again(clerk)).json()
    stranger = factories.signed_in(session, Role.SUPPLIER_CLERK)
    elsewhere = factories.signed_in(
        session, Role.COUNTY_REVIEWER, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code="141130"
    )
    decision = {"opinion": "同意"}
    answers = [
        client.get(f"/v1/plans/{plan['id']}", headers=stranger),
        client.post(f"/v1/plans/{plan['id']}/versions", json=body(pools=[]), headers=again(stranger)),
        client.post(f"/v1/plan-versions/{version['id']}/submission", headers=again(stranger)),
        client.post(f"/v1/plan-versions/{version['id']}/approval", json=decision, headers=again(elsewhere)),
        client.post(f"/v1/plan-versions/{version['id']}/rejection", json=decision, headers=again(elsewhere)),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 5
    assert client.get("/v1/plans", headers=stranger).json()["items"] == []


def test_a_name_taken_is_a_conflict_and_a_repeat_is_the_first_answer(client: TestClient, clerk: dict[str, str]) -> None:
    first = client.post("/v1/plans", json={"name": "方案"}, headers=clerk)
    repeat = client.post("/v1/plans", json={"name": "方案"}, headers=clerk)
    assert (repeat.json(), repeat.headers["idempotency-hit"]) == (first.json(), "true")
    taken = client.post("/v1/plans", json={"name": "方案"}, headers=again(clerk))
    assert (taken.status_code, taken.json()["code"]) == (409, "plan_name_taken")


def test_plans_come_in_pages_and_a_forged_cursor_is_refused(
    client: TestClient, supplier: Organisation, clerk: dict[str, str], county: dict[str, str]
) -> None:
    names = [create(client, clerk, name=f"方案{number}")["name"] for number in range(3)]
    first = client.get("/v1/plans", params={"limit": 2}, headers=county).json()
    rest = client.get("/v1/plans", params={"limit": 2, "cursor": first["next_cursor"]}, headers=county).json()
    assert [plan["name"] for plan in first["items"] + rest["items"]] == names
    assert rest["next_cursor"] is None
    for forged in ("x", encode_cursor("not-an-id"), encode_cursor(uuid4(), uuid4())):
        answer = client.get("/v1/plans", params={"cursor": forged}, headers=county)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    ours = client.get("/v1/plans", params={"supplier_id": str(supplier.id)}, headers=county).json()
    theirs = client.get("/v1/plans", params={"supplier_id": str(uuid4())}, headers=county).json()
    assert (len(ours["items"]), theirs["items"]) == (3, [])
    assert client.get("/v1/plans", params={"name": "方案"}, headers=county).status_code == 422


def test_households_are_proposed_in_bulk_and_confirmed_by_their_village(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str], village: dict[str, str]
) -> None:
    rows = [factories.household(session) for _ in range(3)]
    codes, households = [row.code for row in rows], [str(row.id) for row in rows]
    proposed = client.post("/v1/enrolments", json={"household_codes": codes}, headers=again(clerk))
    assert proposed.status_code == 201, proposed.text
    assert [row["confirmed_at"] for row in proposed.json()["items"]] == [None] * 3
    confirmation = {"supplier_id": str(supplier.id), "household_ids": households[:2]}
    confirmed = client.post("/v1/enrolments/confirmations", json=confirmation, headers=again(village))
    assert confirmed.status_code == 200, confirmed.text
    assert all(row["confirmed_at"] for row in confirmed.json()["items"])
    by = {"supplier_id": str(supplier.id), "confirmed": "true", "limit": "1"}
    first = client.get("/v1/enrolments", params=by, headers=village).json()
    rest = client.get("/v1/enrolments", params=by | {"cursor": first["next_cursor"]}, headers=village).json()
    assert [row["household_id"] for row in first["items"] + rest["items"]] == sorted(households[:2])
    one = client.get("/v1/enrolments", params={"household_id": households[2]}, headers=clerk).json()
    assert [row["confirmed_at"] for row in one["items"]] == [None]


def test_taking_part_may_be_recorded_late_and_never_ahead(
    client: TestClient, session: orm.Session, clerk: dict[str, str]
) -> None:
    since = {"household_codes": [factories.household(session).code], "enrolled_on": "2026-01-05"}
    late = client.post("/v1/enrolments", json=since, headers=again(clerk))
    assert late.json()["items"][0]["enrolled_on"] == "2026-01-05"
    ahead = client.post("/v1/enrolments", json=since | {"enrolled_on": "2199-01-01"}, headers=again(clerk))
    assert (ahead.status_code, ahead.json()["errors"][0]["pointer"]) == (422, "/enrolled_on")


def test_enrolments_are_refused_with_a_pointer(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str], village: dict[str, str]
) -> None:
    here = factories.household(session)
    unknown = client.post("/v1/enrolments", json={"household_codes": [here.code, "无"]}, headers=again(clerk))
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (404, "/household_codes/1")
    confirmation = {"supplier_id": str(supplier.id), "household_ids": [str(here.id)]}
    never = client.post("/v1/enrolments/confirmations", json=confirmation, headers=again(village))
    assert (never.status_code, never.json()["errors"][0]["pointer"]) == (404, "/household_ids/0")
    many = client.post("/v1/enrolments", json={"household_codes": [here.code] * 501}, headers=again(clerk))
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "/household_codes")
    village_proposes = client.post("/v1/enrolments", json={"household_codes": [here.code]}, headers=again(village))
    assert village_proposes.status_code == 403


def test_the_terms_of_prices_come_back_as_they_were_written(client: TestClient, session: orm.Session) -> None:
    clerk = factories.signed_in(session, Role.SUPPLIER_CLERK)
    plan = client.post("/v1/plans", json={"name": "保护价收购方案"}, headers=clerk).json()
    terms = [
        {"mechanism": "consignment", "pricing": "proceeds", "bp": 9_000},
        {"mechanism": "order_purchase", "pricing": "floor", "unit": "jin", "least_fen": 110},
    ]
    wanted = {
        "lot_mechanisms": ["consignment", "order_purchase"],
        "terms": terms,
        "pools": [],
        "valid_from": "2026-01-01",
    }
    where = f"/v1/plans/{plan['id']}/versions"
    drafted = client.post(where, json=wanted, headers=again(clerk)).json()
    nothing = dict.fromkeys(("bp", "unit", "least_fen", "most_fen"))
    assert drafted["body"]["terms"] == [nothing | each for each in terms]
    answer = client.post(where, json=wanted | {"terms": [terms[1]]}, headers=again(clerk))
    assert (answer.status_code, answer.json()["code"]) == (422, "plan_body")
    assert answer.json()["errors"][0]["pointer"] == "/terms"
