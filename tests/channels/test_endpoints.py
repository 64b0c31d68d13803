"""The channel scheme by HTTP."""

from typing import Any

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import Role
from tests import factories

SCHEME: dict[str, Any] = {
    "code": "ba_jin",
    "name": "八进",
    "valid_from": "2020-01-01",
    "channels": [
        {
            "code": "canteen",
            "name": "进食堂",
            "buyer_kinds": ["hospital", "school"],
            "evidence_kinds": ["invoice"],
            "needs_external_number": False,
            "counts_to_reserved_share": True,
            "funds_models": ["custodian"],
            "fee_bp": 100,
            "reserve_bp": 1_000,
            "reserve_days": 30,
        }
    ],
}


@pytest.fixture
def operator(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(session, Role.OPERATOR)


def test_the_scheme_of_a_day_is_read_whole_and_in_order(client: TestClient, session: orm.Session) -> None:
    factories.seven_into(session)
    reader = factories.signed_in(session, Role.BUYER_CLERK)
    scheme = client.get("/v1/channels", headers=reader).json()
    assert (scheme["code"], len(scheme["channels"])) == ("qi_jin", 7)
    assert scheme["channels"][0]["name"] == "进食堂"
    assert scheme["channels"][0]["evidence_kinds"] == ["acceptance_note", "invoice"]
    assert client.get("/v1/channels?on=2018-12-31", headers=reader).json()["code"] == "not_found"


def test_another_scheme_is_published_beside_the_default_one(client: TestClient, operator: dict[str, str]) -> None:
    published = client.post("/v1/channel-schemes", json=SCHEME, headers=operator)
    assert published.status_code == 201
    read = client.get("/v1/channels?scheme=ba_jin&on=2020-01-01", headers=operator).json()
    assert read == published.json() == {**SCHEME, "id": published.json()["id"]}


def test_a_version_is_not_slipped_under_orders_already_placed(client: TestClient, operator: dict[str, str]) -> None:
    client.post("/v1/channel-schemes", json=SCHEME, headers=operator)
    later = client.post(
        "/v1/channel-schemes",
        json=SCHEME | {"valid_from": "2021-01-01"},
        headers=operator | {"Idempotency-Key": "later"},
    )
    assert (later.status_code, later.json()["code"]) == (409, "scheme_order")


@pytest.mark.parametrize(
    ("altered", "pointer"),
    [
        ({"evidence_kinds": ["photograph"]}, "/channels/0/evidence_kinds/0"),
        ({"buyer_kinds": []}, "/channels/0/buyer_kinds"),
        ({"buyer_kinds": ["bank"]}, "/channels/0/buyer_kinds/0"),
        ({"needs_external_number": "no"}, "/channels/0/needs_external_number"),
        ({"code": "Canteen"}, "/channels/0/code"),
    ],
)
def test_an_unclear_channel_is_refused_with_a_pointer(
    client: TestClient, operator: dict[str, str], altered: dict[str, object], pointer: str
) -> None:
    wrong = SCHEME | {"channels": [SCHEME["channels"][0] | altered]}
    answer = client.post("/v1/channel-schemes", json=wrong, headers=operator)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_two_channels_of_one_code_are_refused(client: TestClient, operator: dict[str, str]) -> None:
    answer = client.post("/v1/channel-schemes", json=SCHEME | {"channels": SCHEME["channels"] * 2}, headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (422, "scheme_body")


def test_only_the_operator_publishes(client: TestClient, session: orm.Session) -> None:
    reader = factories.signed_in(session, Role.AUDITOR)
    assert client.post("/v1/channel-schemes", json=SCHEME, headers=reader).status_code == 403
