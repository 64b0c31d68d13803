"""The register by HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.clock import business_date, utc_now
from market.households.rules import HouseholdStatus
from market.identity.rules import Role
from tests import factories

VILLAGE = "141122106201"
ASKED: dict[str, Any] = {
    "code": "1411221062010001",
    "village_code": VILLAGE,
    "head_count": 4,
    "status": "unstable",
    "registered_on": "2020-01-01",
}


@pytest.fixture
def officer(session: orm.Session) -> dict[str, str]:
    factories.region(session, code=VILLAGE)
    return factories.signed_in(session, Role.COUNTY_REVIEWER)


def again(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"Idempotency-Key": uuid4().hex}


def test_a_household_lives_on_the_register(client: TestClient, officer: dict[str, str]) -> None:
    made = client.post("/v1/households", json=ASKED, headers=officer)
    assert made.status_code == 201
    path = f"/v1/households/{made.json()['id']}"
    assert client.get(path, headers=officer).json() == made.json()
    changed = client.patch(path, json={"head_count": 5}, headers=officer | {"If-Match": '"1"'})
    assert (changed.json()["head_count"], changed.headers["etag"]) == (5, '"2"')
    moved = client.post(
        f"{path}/statuses", json={"status": "ordinary", "valid_from": "2024-07-01"}, headers=again(officer)
    )
    assert [row["status"] for row in moved.json()["statuses"]] == ["unstable", "ordinary"]
    left = client.post(f"{path}/departure", json={"departed_on": "2025-01-01"}, headers=again(officer))
    assert (left.status_code, left.json()["departed_on"], left.json()["version"]) == (201, "2025-01-01", 4)
    for on, assisted, on_register in [
        ("2024-06-30", True, True),
        ("2024-07-01", False, True),
        ("2025-01-01", False, False),
    ]:
        told = client.get(f"{path}/eligibility?on={on}", headers=officer).json()
        assert (told["assisted"], told["on_register"]) == (assisted, on_register)
    late = client.patch(path, json={"head_count": 6}, headers=officer | {"If-Match": '"4"'})
    assert (late.status_code, late.json()["code"]) == (409, "household_departed")


@pytest.mark.parametrize("code", ["141122198603122173", "13912345678", "6222020200112230004"])
def test_no_number_of_a_person_is_a_household_s_code(client: TestClient, officer: dict[str, str], code: str) -> None:
    refused = client.post("/v1/households", json=ASKED | {"code": code}, headers=officer)
    assert (refused.status_code, refused.json()["code"]) == (422, "number_in_text")
    assert refused.json()["errors"][0]["pointer"] == "/code"
    assert code not in refused.text


def test_a_head_count_holds_from_a_day_and_what_was_counted_before_stays(
    client: TestClient, officer: dict[str, str]
) -> None:
    path = f"/v1/households/{client.post('/v1/households', json=ASKED, headers=officer).json()['id']}"

    def change(version: int, **said: object) -> dict[str, Any]:
        answer = client.patch(path, json=said, headers=officer | {"If-Match": f'"{version}"'})
        return answer.json()  # type: ignore[no-any-return]

    assert change(1, head_count=5)["head_count"] == 5
    earlier = change(2, head_count=2, valid_from="2022-01-01")
    assert earlier["head_count"] == 5, "a later count stays in force from its own day"
    corrected = change(3, head_count=3, valid_from="2022-01-01")
    counts = [(row["valid_from"], row["head_count"]) for row in corrected["head_counts"]]
    today = str(business_date(utc_now()))
    assert counts == [(ASKED["registered_on"], 4), ("2022-01-01", 2), ("2022-01-01", 3), (today, 5)]
    assert all(row["recorded_by"] and row["recorded_at"] for row in corrected["head_counts"])
    assert change(4, head_count=3, valid_from="2199-01-01")["code"] == "future_date"
    assert change(4, head_count=3, valid_from="2001-01-01")["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("altered", "code", "pointer"),
    [
        ({"head_count": 0}, "invalid_input", "/head_count"),
        ({"head_count": 31}, "invalid_input", "/head_count"),
        ({"head_count": 4.0}, "invalid_input", "/head_count"),
        ({"code": "王二"}, "invalid_input", "/code"),
        ({"village_code": "141122"}, "invalid_input", "/village_code"),
        ({"village_code": "141122106999"}, "unknown_region", "/village_code"),
        ({"village_code": "141130100201"}, "village_outside_region", "/village_code"),
        ({"status": "rich"}, "invalid_input", "/status"),
        ({"registered_on": "2199-01-01"}, "future_date", "/registered_on"),
        ({"registered_on": 20200101}, "invalid_input", "/registered_on"),
        ({"name": "王二"}, "invalid_input", "/name"),
    ],
)
def test_a_household_that_cannot_be_is_refused_with_a_pointer(
    client: TestClient, officer: dict[str, str], altered: dict[str, object], code: str, pointer: str
) -> None:
    answer = client.post("/v1/households", json=ASKED | altered, headers=officer)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_a_code_is_given_once(client: TestClient, officer: dict[str, str]) -> None:
    client.post("/v1/households", json=ASKED, headers=officer)
    taken = client.post("/v1/households", json=ASKED, headers=again(officer))
    assert (taken.status_code, taken.json()["code"]) == (409, "household_code_taken")


def test_an_edit_names_the_version_that_it_read(
    client: TestClient, session: orm.Session, officer: dict[str, str]
) -> None:
    path = f"/v1/households/{factories.household(session).id}"
    assert client.patch(path, json={"head_count": 5}, headers=officer).status_code == 428
    stale = client.patch(path, json={"head_count": 5}, headers=officer | {"If-Match": '"7"'})
    assert stale.status_code == 412
    assert client.get(path, headers=officer).json()["head_count"] == 3


def test_households_are_listed_as_they_stood_on_a_day(client: TestClient, session: orm.Session) -> None:
    reader = factories.signed_in(session, Role.COUNTY_REVIEWER)
    other_village = "141122202201"
    statuses = [HouseholdStatus.REGISTERED_POOR, HouseholdStatus.ORDINARY, HouseholdStatus.ORDINARY]
    for number, status in enumerate(statuses):
        factories.household(session, code=f"A{number:02d}", status=status)
    factories.household(session, code="B01", village_code=other_village)
    factories.household(session, code="C01", village_code="141130100201")
    for village_code in (other_village, "141122106201", "141130100201"):
        factories.region(session, code=village_code)

    def codes(query: str) -> list[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = client.get(f"/v1/households?limit=2&{query}{cursor and f'&cursor={cursor}'}", headers=reader).json()
            found += [item["code"] for item in page["items"]]
            cursor = page["next_cursor"]
        return found

    assert codes("") == ["A00", "A01", "A02", "B01"]
    assert codes("status=ordinary") == ["A01", "A02"]
    assert codes("status=ordinary&on=2019-12-31") == []
    assert codes(f"village_code={other_village}") == ["B01"]
    assert codes("village_code=141122106&status=registered_poor") == ["A00"]
    assert codes("village_code=141130") == []
    first = client.get("/v1/households?limit=1&on=2021-01-01", headers=reader).json()["items"][0]
    assert first["eligibility"] == {"status": "registered_poor", "on_register": True, "assisted": True}


def test_what_the_caller_may_not_see_does_not_exist(client: TestClient, session: orm.Session) -> None:
    path = f"/v1/households/{factories.household(session, village_code='141130100201').id}"
    officer = factories.signed_in(session, Role.COUNTY_REVIEWER)
    supplier = factories.signed_in(session, Role.SUPPLIER_CLERK)
    for caller in (officer, supplier):
        for answer in (
            client.get(path, headers=caller),
            client.get(f"{path}/eligibility?on=2026-01-01", headers=caller),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for answer in (
        client.patch(path, json={"head_count": 2}, headers=officer | {"If-Match": '"1"'}),
        client.post(f"{path}/statuses", json={"status": "ordinary", "valid_from": "2024-01-01"}, headers=officer),
        client.post(f"{path}/departure", json={"departed_on": "2024-01-01"}, headers=again(officer)),
    ):
        assert answer.status_code == 404
    assert client.get("/v1/households", headers=supplier).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("role", [Role.SUPPLIER_CLERK, Role.VILLAGE_CLERK, Role.AUDITOR, Role.BUYER_CLERK])
def test_only_the_county_writes_the_register(client: TestClient, session: orm.Session, role: Role) -> None:
    answer = client.post("/v1/households", json=ASKED, headers=factories.signed_in(session, role))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_eligibility_is_asked_of_a_day(client: TestClient, session: orm.Session, officer: dict[str, str]) -> None:
    path = f"/v1/households/{factories.household(session).id}/eligibility"
    missing = client.get(path, headers=officer)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/query/on")
