"""Signing in and out, organisations, members and keys, by HTTP."""

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.identity.models import IdempotentAnswer
from market.identity.rules import OrganisationKind, Permission, Role
from tests import factories

COLLECTIVE: dict[str, Any] = {
    "kind": "village_collective",
    "name": "王村股份经济合作社",
    "region_code": "141122106201",
    "credit_code": "N2141122MF0000051D",
}


@pytest.fixture
def operator(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(session, Role.OPERATOR)


def again(headers: dict[str, str]) -> dict[str, str]:
    """The same caller's next request."""
    return headers | {"Idempotency-Key": uuid4().hex}


def test_a_person_signs_in_sees_who_they_are_and_signs_out(client: TestClient, session: orm.Session) -> None:
    body = factories.organisation(session, name="富山")
    person = factories.member(session, body, Role.SUPPLIER_CLERK)
    answer = client.post("/v1/tokens", json={"login": person.login, "password": factories.PASSWORD})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    me = client.get("/v1/me", headers=bearer).json()
    assert (me["member"]["login"], me["organisation"]["name"]) == (person.login, "富山")
    assert {"permission": "product:write", "scope": "own"} in me["permissions"]
    assert client.delete("/v1/tokens/current", headers=bearer).status_code == 204
    ended = client.get("/v1/me", headers=bearer)
    assert (ended.status_code, ended.json()["code"]) == (401, "token_expired")
    assert ended.headers["www-authenticate"] == "Bearer"


def test_a_token_lives_as_long_as_the_application_says(db: Database, session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session))
    asked = {"login": person.login, "password": factories.PASSWORD}
    with TestClient(create_app(db, token_hours=1)) as short, TestClient(create_app(db, token_hours=9)) as long:
        ends = [client.post("/v1/tokens", json=asked).json()["expires_at"] for client in (short, long)]
    assert ends[0] < ends[1]


def test_a_failed_sign_in_does_not_say_why(client: TestClient, session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session))
    known = client.post("/v1/tokens", json={"login": person.login, "password": "wrong"})
    unknown = client.post("/v1/tokens", json={"login": "nobody", "password": "wrong"})
    assert known.status_code == unknown.status_code == 401
    assert known.json()["detail"] == unknown.json()["detail"]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer mt_nobody", "mt_nobody", "Bearer é"]
)
def test_without_a_token_of_ours_nobody_comes_in(client: TestClient, header: str | None) -> None:
    sent = {} if header is None else {"Authorization": header.encode()}
    answer = client.get("/v1/me", headers=sent)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_the_scheme_of_the_authorization_header_is_read_in_any_case(client: TestClient, session: orm.Session) -> None:
    token = factories.token(session, factories.member(session, factories.organisation(session)))
    assert client.get("/v1/me", headers={"Authorization": f"bEARER {token}"}).status_code == 200


def test_an_operator_registers_a_body_and_finds_it(client: TestClient, operator: dict[str, str]) -> None:
    made = client.post("/v1/organisations", json=COLLECTIVE, headers=operator)
    assert made.status_code == 201
    read = client.get(f"/v1/organisations/{made.json()['id']}", headers=operator)
    assert read.json() == made.json() == {**COLLECTIVE, "id": made.json()["id"], "active": True, "version": 1}
    assert read.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("altered", "code", "pointer"),
    [
        ({"credit_code": "91350100M000100Y4A"}, "credit_code", "/credit_code"),
        ({"kind": "bank"}, "invalid_input", "/kind"),
        ({"name": ""}, "invalid_input", "/name"),
        ({"name": "王\u202e村"}, "invalid_input", "/name"),
        ({"region_code": "14112"}, "invalid_input", "/region_code"),
        ({"region_code": "１４"}, "invalid_input", "/region_code"),
        ({"owner": "x"}, "invalid_input", "/owner"),
    ],
)
def test_a_body_that_cannot_be_registered_is_refused_with_a_pointer(
    client: TestClient, operator: dict[str, str], altered: dict[str, str], code: str, pointer: str
) -> None:
    answer = client.post("/v1/organisations", json=COLLECTIVE | altered, headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_organisations_are_listed_page_by_page_with_their_filters(client: TestClient, session: orm.Session) -> None:
    headers = factories.signed_in(session, Role.BUYER_CLERK, region_code="6210")
    for number in range(5):
        factories.organisation(session, name=f"富山{number}", region_code="141122106")
    factories.organisation(session, name="100%富山", region_code="141130")
    factories.organisation(session, name="校", kind=OrganisationKind.SCHOOL, region_code="141122")

    def names(**query: object) -> list[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            sent = {"limit": 2} | query | ({"cursor": cursor} if cursor else {})
            page = client.get("/v1/organisations", params=sent, headers=headers).json()  # type: ignore[arg-type]
            assert len(page["items"]) <= 2
            found += [item["name"] for item in page["items"]]
            cursor = page["next_cursor"]
        return found

    assert names(q="富山") == [f"富山{number}" for number in range(5)]
    assert names(q="100%") == ["100%富山"]
    assert names(q="%") == []
    assert names(region_code="141122", side="buyer") == ["校"]
    assert names(region_code="1411", kind="school") == ["校"]
    assert names(region_code="141130") == ["100%富山"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "sort=name", "cursor=bm9uZQ", "cursor=%ff", "kind=bank"])
def test_a_list_refuses_what_it_does_not_know(client: TestClient, operator: dict[str, str], query: str) -> None:
    answer = client.get(f"/v1/organisations?{query}", headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_an_edit_names_the_version_that_it_read(client: TestClient, operator: dict[str, str]) -> None:
    made = client.post("/v1/organisations", json=COLLECTIVE, headers=operator).json()
    path = f"/v1/organisations/{made['id']}"
    blind = client.patch(path, json={"name": "新名"}, headers=operator)
    assert (blind.status_code, blind.json()["code"]) == (428, "precondition_required")
    edited = client.patch(path, json={"name": "新名"}, headers=operator | {"If-Match": '"1"'})
    assert (edited.json()["name"], edited.json()["version"], edited.headers["etag"]) == ("新名", 2, '"2"')
    late = client.patch(path, json={"name": "旧名"}, headers=operator | {"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert client.get(path, headers=operator).json()["name"] == "新名"


def test_a_name_is_changed_only_to_a_free_one(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    factories.organisation(session, name="富水")
    made = client.post("/v1/organisations", json=COLLECTIVE, headers=operator).json()
    path, matching = f"/v1/organisations/{made['id']}", operator | {"If-Match": '"1"'}
    taken = client.patch(path, json={"name": "富水"}, headers=matching)
    assert (taken.status_code, taken.json()["code"]) == (409, "organisation_name_taken")
    assert client.patch(path, json={"name": made["name"]}, headers=matching).status_code == 200


def test_an_organisation_is_never_deleted(client: TestClient, session: orm.Session, operator: dict[str, str]) -> None:
    body = factories.organisation(session)
    assert client.delete(f"/v1/organisations/{body.id}", headers=operator).status_code == 405


def test_what_does_not_exist_is_not_found(client: TestClient, operator: dict[str, str]) -> None:
    nobody = uuid4()
    matching = operator | {"If-Match": '"1"'}
    added = {"login": "clerk", "password": factories.PASSWORD, "role": "operator"}
    answers = [
        client.get(f"/v1/organisations/{nobody}", headers=operator),
        client.patch(f"/v1/organisations/{nobody}", json={}, headers=matching),
        client.get(f"/v1/organisations/{nobody}/members", headers=operator),
        client.post(f"/v1/organisations/{nobody}/members", json=added, headers=operator),
        client.get(f"/v1/members/{nobody}", headers=operator),
        client.patch(f"/v1/members/{nobody}", json={}, headers=matching),
        client.post(f"/v1/members/{nobody}/admission", headers=again(matching)),
        client.delete(f"/v1/api-keys/{nobody}", headers=operator),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}


def test_a_key_is_shown_once_and_does_only_what_it_was_made_for(client: TestClient, session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session), Role.SUPPLIER_MANAGER)
    headers = factories.headers(session, person)
    asked = {"label": "进销存系统", "scopes": ["self:read"], "days": 366}
    made = client.post("/v1/api-keys", json=asked, headers=headers).json()
    key = {"Authorization": f"Bearer {made['secret']}", "Idempotency-Key": "k"}
    assert client.get("/v1/me", headers=key).json()["permissions"] == [{"permission": "self:read", "scope": "own"}]
    refused = client.get(f"/v1/members/{person.id}", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert client.post("/v1/api-keys", json=asked, headers=key).status_code == 403
    listed = client.get("/v1/api-keys", headers=headers)
    assert [item["id"] for item in listed.json()["items"]] == [made["id"]]
    assert made["secret"] not in listed.text
    assert client.delete(f"/v1/api-keys/{made['id']}", headers=headers).status_code == 204
    assert client.get("/v1/me", headers=key).json()["code"] == "token_expired"


def test_the_secret_of_a_key_is_kept_nowhere_not_even_for_a_repeat(client: TestClient, session: orm.Session) -> None:
    headers = factories.headers(session, factories.member(session, factories.organisation(session)))
    asked = {"label": "ERP", "scopes": ["self:read"], "days": 1}
    first = client.post("/v1/api-keys", json=asked, headers=headers).json()
    repeat = client.post("/v1/api-keys", json=asked, headers=headers)
    assert repeat.headers["idempotency-hit"] == "true"
    assert repeat.json() == first | {"secret": None}
    stored = session.scalars(sa.select(IdempotentAnswer.body)).all()
    assert first["secret"].encode() not in b"".join(stored)


@pytest.mark.parametrize(
    "wrong",
    [{"days": 367}, {"days": 0}, {"days": 1.0}, {"scopes": []}, {"scopes": ["self:read"] * 2}, {"scopes": ["all"]}],
)
def test_a_key_that_lives_too_long_or_names_no_permission_is_refused(
    client: TestClient, session: orm.Session, wrong: dict[str, object]
) -> None:
    headers = factories.headers(session, factories.member(session, factories.organisation(session)))
    asked = {"label": "ERP", "scopes": ["self:read"], "days": 1} | wrong
    assert client.post("/v1/api-keys", json=asked, headers=headers).status_code == 422


def test_a_repeated_request_gets_the_first_answer_and_does_nothing(
    client: TestClient, operator: dict[str, str]
) -> None:
    first = client.post("/v1/organisations", json=COLLECTIVE, headers=operator)
    repeat = client.post("/v1/organisations", json=dict(reversed(COLLECTIVE.items())), headers=operator)
    assert (repeat.status_code, repeat.content) == (201, first.content)
    assert "idempotency-hit" not in first.headers
    assert repeat.headers["idempotency-hit"] == "true"


def test_a_key_used_for_another_request_is_refused(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    body = factories.organisation(session)
    client.post("/v1/organisations", json=COLLECTIVE, headers=operator)
    member = {"login": "clerk", "password": factories.PASSWORD, "role": "supplier_clerk"}
    answers = [
        client.post("/v1/organisations", json=COLLECTIVE | {"name": "别名"}, headers=operator),
        client.post(f"/v1/organisations/{body.id}/members", json=member, headers=operator),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "idempotency_key_reused")}


def test_a_password_is_short_by_characters_not_by_things(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    body = factories.organisation(session)
    member = {"login": "clerk", "password": "太短", "role": "supplier_clerk"}
    headers = operator | {"Accept-Language": "zh-CN"}
    answer = client.post(f"/v1/organisations/{body.id}/members", json=member, headers=headers)
    assert answer.json()["errors"] == [{"pointer": "/password", "detail": "至少 10 个字符"}]


def test_the_key_of_another_member_is_another_key(client: TestClient, session: orm.Session) -> None:
    one, two = (factories.signed_in(session, Role.OPERATOR) | {"Idempotency-Key": "same"} for _ in range(2))
    assert client.post("/v1/organisations", json=COLLECTIVE, headers=one).status_code == 201
    other = client.post("/v1/organisations", json=COLLECTIVE | {"name": "别村", "credit_code": None}, headers=two)
    assert (other.status_code, other.json()["name"]) == (201, "别村")


def test_a_refused_request_is_not_remembered(client: TestClient, operator: dict[str, str]) -> None:
    refused = client.post("/v1/organisations", json=COLLECTIVE | {"credit_code": "X"}, headers=operator)
    assert refused.status_code == 422
    assert client.post("/v1/organisations", json=COLLECTIVE, headers=operator).status_code == 201


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 400, "missing_idempotency_key"),
        ("", 400, "missing_idempotency_key"),
        ("k" * 201, 422, "invalid_input"),
        ("é", 422, "invalid_input"),
    ],
)
def test_a_post_without_a_usable_idempotency_key_is_refused(
    client: TestClient, operator: dict[str, str], key: str | None, status: int, code: str
) -> None:
    sent: dict[str, Any] = {"Authorization": operator["Authorization"]}
    if key is not None:
        sent["Idempotency-Key"] = key.encode()
    answer = client.post("/v1/organisations", json=COLLECTIVE, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_answer_is_not_given_to_a_key_that_may_not_ask(client: TestClient, session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session, kind=OrganisationKind.PLATFORM))
    headers = factories.headers(session, person)
    client.post("/v1/organisations", json=COLLECTIVE, headers=headers)
    narrow = factories.token(session, person, scopes=[Permission.SELF_READ])
    answer = client.post("/v1/organisations", json=COLLECTIVE, headers=headers | {"Authorization": f"Bearer {narrow}"})
    assert answer.status_code == 403


def test_refusals_are_read_in_the_language_of_the_reader(client: TestClient, operator: dict[str, str]) -> None:
    client.post("/v1/organisations", json=COLLECTIVE, headers=operator)
    said = client.post("/v1/organisations", json=COLLECTIVE, headers=again(operator) | {"Accept-Language": "zh-CN"})
    assert said.json()["detail"] == "该统一社会信用代码已登记。"
    assert said.headers["content-type"] == "application/problem+json"


def test_half_a_surrogate_pair_is_no_password(client: TestClient) -> None:
    answer = client.post(
        "/v1/tokens",
        content=b'{"login": "nobody", "password": "\\ud800xxxxxxxxxxxx"}',
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/password"]
