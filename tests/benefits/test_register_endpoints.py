"""Share registers by HTTP: opened, drafted by the codes on households' papers, decided, and read back."""

from typing import Any

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.models import Organisation
from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.benefits.test_endpoints import again

VILLAGE = "141122106201"
SCHEME: dict[str, Any] = {
    "first_year": 2020,
    "years": 15,
    "lowest_bp": 5_000,
    "highest_bp": 9_420,
    "modes": [{"code": "base_own", "name": "基础股+自筹资金", "parts": ["base", "own_funds"], "household_bp": 6_667}],
    "capital": {"public_fen": 15_000_000_000, "whole_fen": 30_000_000_000, "area_mu": "20000"},
}


@pytest.fixture
def supplier(session: orm.Session) -> Organisation:
    return factories.organisation(session)


@pytest.fixture
def clerk(session: orm.Session, supplier: Organisation) -> dict[str, str]:
    return factories.headers(session, factories.member(session, supplier))


@pytest.fixture
def county(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(session, Role.COUNTY_REVIEWER, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)


def opened(client: TestClient, who: dict[str, str], kind: str = "shares") -> dict[str, Any]:
    answer = client.post("/v1/registers", json={"kind": kind, "name": f"名册-{kind}"}, headers=again(who))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def drafted(client: TestClient, who: dict[str, str], register: dict[str, Any], **body: Any) -> Any:
    whole = {"valid_from": "2026-01-01", "evidence": "入股凭证"} | body
    return client.post(f"/v1/registers/{register['id']}/versions", json=whole, headers=again(who))


def test_a_share_register_goes_from_draft_to_approval_and_reads_back_as_it_was_written(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str], county: dict[str, str]
) -> None:
    household = factories.household(session)
    factories.enrolment(session, supplier, household)
    register = opened(client, clerk)
    row = {
        "household_code": household.code,
        "own_fen": 250_000,
        "land_fen": 0,
        "grant_fen": 375_000,
        "loan_fen": 0,
        "area_mu": "0.5",
        "mode": "base_own",
    }
    answer = drafted(client, clerk, register, shares=[row], scheme=SCHEME)
    assert answer.status_code == 201, answer.text
    where = f"/v1/register-versions/{answer.json()['id']}"
    shown = client.get(where, headers=county).json()
    assert shown["evidence"] == "入股凭证"
    assert shown["shares"] == [row | {"household_id": str(household.id)}]
    assert (shown["scheme"].pop("capital"), shown["entitlements"], shown["list"]) == (
        SCHEME["capital"] | {"base_share_fen_per_mu": 750_000, "base_bp": 5_000},
        [],
        [],
    )
    assert shown["scheme"] | {"capital": SCHEME["capital"]} == SCHEME
    assert client.post(f"{where}/submission", headers=again(clerk)).json()["status"] == "submitted"
    approval = client.post(f"{where}/approval", json={"opinion": "同意"}, headers=again(county))
    assert (approval.status_code, approval.json()["status"]) == (200, "approved")
    bounds = approval.json()["scheme"]
    assert (bounds["lowest_bp"], bounds["highest_bp"], approval.json()["rule"]) == (5_000, 9_420, None), "as it states"
    late = client.post(f"{where}/rejection", json={"opinion": "再议"}, headers=again(county))
    assert (late.status_code, late.json()["code"]) == (409, "transition")
    detail = client.get(f"/v1/registers/{register['id']}", headers=clerk).json()
    assert [version["sha256"] for version in detail["versions"]] == [shown["sha256"]]
    for kind, found in (("shares", [register]), ("list", [])):
        assert client.get("/v1/registers", params={"kind": kind}, headers=clerk).json()["items"] == found


def test_a_register_may_be_rejected(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str], county: dict[str, str]
) -> None:
    household = factories.household(session)
    factories.enrolment(session, supplier, household)
    row = {"household_code": household.code, "own_fen": 1}
    where = f"/v1/register-versions/{drafted(client, clerk, opened(client, clerk), shares=[row]).json()['id']}"
    client.post(f"{where}/submission", headers=again(clerk))
    answer = client.post(f"{where}/rejection", json={"opinion": "金额不符"}, headers=again(county))
    assert (answer.status_code, answer.json()["opinion"]) == (200, "金额不符")


def test_entrusted_capital_reads_back_with_its_split(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str]
) -> None:
    household = factories.household(session)
    factories.enrolment(session, supplier, household)
    collective = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE)
    row = {
        "household_code": household.code,
        "capital_fen": 10_000_000,
        "rate_bp": 660,
        "household_bp": 600,
        "collective_bp": 60,
        "collective_id": str(collective.id),
    }
    register = opened(client, clerk, "entitlements")
    version = drafted(client, clerk, register, entitlements=[row]).json()
    shown = client.get(f"/v1/register-versions/{version['id']}", headers=clerk).json()
    assert shown["entitlements"] == [row | {"household_id": str(household.id)}]
    refused = drafted(client, clerk, register, entitlements=[row | {"collective_bp": 61}])
    assert (refused.status_code, refused.json()["code"]) == (422, "register_body")
    assert refused.json()["errors"][0]["pointer"] == "/entitlements/0/household_bp"


def test_a_village_collective_lists_its_households_by_the_code_on_their_papers(
    client: TestClient, session: orm.Session
) -> None:
    body = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code=VILLAGE)
    clerk = factories.headers(session, factories.member(session, body))
    ours = factories.household(session, village_code=VILLAGE)
    theirs = factories.household(session, village_code="141122106202")
    register = opened(client, clerk, "list")
    row = {"household_code": ours.code, "weight": 3}
    version = drafted(client, clerk, register, list=[row]).json()
    shown = client.get(f"/v1/register-versions/{version['id']}", headers=clerk).json()
    assert shown["list"] == [row | {"household_id": str(ours.id)}]
    refusals = [
        drafted(client, clerk, register, list=[row, {"household_code": code, "weight": 1}]).json()
        for code in (theirs.code, "无此户")
    ]
    assert [refusal["code"] for refusal in refusals] == ["not_of_village"] * 2
    assert refusals[0]["errors"] == refusals[1]["errors"]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"list": [{"household_code": "", "weight": 1}]}, "/list/0/household_code"),
        ({"shares": [{"household_code": "无", "own_fen": 1}]}, "/shares/0/household_code"),
        ({"shares": [{"own_fen": 1.5}]}, "/shares/0/household_code"),
        ({"shares": []}, "/shares"),
        ({"lottery": []}, "/lottery"),
    ],
)
def test_a_draft_that_is_none_is_refused_and_pointed_at(
    client: TestClient, clerk: dict[str, str], changed: dict[str, Any], pointer: str
) -> None:
    answer = drafted(client, clerk, opened(client, clerk), **changed)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_rows_of_another_kind_and_land_measured_too_finely_are_refused(
    client: TestClient, session: orm.Session, supplier: Organisation, clerk: dict[str, str]
) -> None:
    household = factories.household(session)
    factories.enrolment(session, supplier, household)
    register = opened(client, clerk, "entitlements")
    row = {"household_code": household.code, "own_fen": 1}
    assert drafted(client, clerk, register, shares=[row]).json()["errors"][0]["pointer"] == "/shares"
    shares = opened(client, clerk)
    answer = drafted(client, clerk, shares, shares=[row | {"area_mu": "0.0005"}])
    assert answer.json()["errors"][0]["pointer"] == "/shares/0/area_mu"
    unknown = client.get("/v1/register-versions/0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a", headers=clerk)
    assert unknown.status_code == 404


def test_an_ordinary_supplier_keeps_no_list_and_a_name_is_taken_once(client: TestClient, clerk: dict[str, str]) -> None:
    answer = client.post("/v1/registers", json={"kind": "list", "name": "名单"}, headers=again(clerk))
    assert (answer.status_code, answer.json()["code"]) == (422, "list_keeper")
    opened(client, clerk)
    answer = client.post("/v1/registers", json={"kind": "shares", "name": "名册-shares"}, headers=again(clerk))
    assert (answer.status_code, answer.json()["code"]) == (409, "register_name_taken")
