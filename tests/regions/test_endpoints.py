"""Regions by HTTP."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import Role
from tests import factories

NAMES = {
    "14": "山西省",
    "1411": "吕梁市",
    "141122": "交城县",
    "141122106": "洪相镇",
    "141122202": "东坡底乡",
    "141122106201": "王村",
    "141130": "交口县",
}


@pytest.fixture
def reader(session: orm.Session) -> dict[str, str]:
    for code, name in NAMES.items():
        factories.region(session, code=code, name=name)
    return factories.signed_in(session, Role.BUYER_CLERK)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", sorted(NAMES)),
        ("parent=14", ["1411"]),
        ("parent=1411", ["141122", "141130"]),
        ("parent=141122", ["141122106", "141122202"]),
        ("parent=1411&level=village", ["141122106201"]),
        ("parent=141122&level=county", []),
        ("parent=141122106201", []),
        ("level=county", ["141122", "141130"]),
        ("on=2009-12-31", []),
    ],
)
def test_regions_are_found_by_parent_level_and_day(
    client: TestClient, reader: dict[str, str], query: str, codes: list[str]
) -> None:
    answer = client.get(f"/v1/regions?{query}", headers=reader)
    assert [item["code"] for item in answer.json()["items"]] == codes


def test_regions_come_page_by_page(client: TestClient, reader: dict[str, str]) -> None:
    codes: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"/v1/regions?limit=3{cursor and f'&cursor={cursor}'}", headers=reader).json()
        codes += [item["code"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert codes == sorted(NAMES)


@pytest.mark.parametrize("query", ["parent=141", "level=hamlet", "on=yesterday", "name=x", "cursor=AA", "cursor=*"])
def test_an_unclear_question_is_refused(client: TestClient, reader: dict[str, str], query: str) -> None:
    answer = client.get(f"/v1/regions?{query}", headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_an_operator_renames_a_township_and_nobody_else_does(
    client: TestClient, session: orm.Session, reader: dict[str, str]
) -> None:
    operator = factories.signed_in(session, Role.OPERATOR)
    asked = {"code": "141122202", "name": "东坡底镇", "valid_from": "2026-01-01"}
    assert client.post("/v1/regions", json=asked, headers=reader).status_code == 403
    renamed = client.post("/v1/regions", json=asked, headers=operator)
    assert (renamed.status_code, renamed.json()) == (201, asked | {"valid_until": None})
    then = client.get("/v1/regions?parent=141122&on=2025-12-31", headers=reader).json()["items"][1]
    assert (then["name"], then["valid_until"]) == ("东坡底乡", "2026-01-01")
    overlapping = client.post("/v1/regions", json=asked, headers=operator | {"Idempotency-Key": uuid4().hex})
    assert (overlapping.status_code, overlapping.json()["code"]) == (409, "region_overlap")
    assert overlapping.json()["errors"][0]["pointer"] == "/valid_from"


def test_a_region_without_an_end_is_valid_today(client: TestClient, session: orm.Session) -> None:
    factories.region(session, valid_from=date(2199, 1, 1))
    reader = factories.signed_in(session, Role.AUDITOR)
    assert client.get("/v1/regions", headers=reader).json()["items"] == []
