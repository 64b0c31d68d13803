"""Who becomes a member, by whom, and with which password."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from httpx2 import Response
from sqlalchemy import exc, orm
from starlette.testclient import TestClient

from market.identity import members, service
from market.identity.models import Member
from market.identity.rules import OrganisationKind, Permission, Role
from tests import factories


@pytest.fixture
def operator(session: orm.Session) -> dict[str, str]:
    return factories.signed_in(session, Role.OPERATOR)


def again(headers: dict[str, str]) -> dict[str, str]:
    """The same caller's next request."""
    return headers | {"Idempotency-Key": uuid4().hex}


def bearer(token: str) -> dict[str, str]:
    """The head of who carries this token or key."""
    return {"Authorization": f"Bearer {token}"}


def said(answer: Response) -> tuple[int, str | None]:
    """The status and, if it is a refusal, its code."""
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else None


def test_nobody_becomes_a_second_person_by_adding_a_member(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    body, known = factories.organisation(session, kind=OrganisationKind.PLATFORM), "a long enough one"
    asked = {"login": "straw.man", "password": known, "role": "operator"}
    added = client.post(f"/v1/organisations/{body.id}/members", json=asked, headers=operator)
    assert (added.status_code, added.json()["admitted_at"]) == (201, None)
    assert "password" not in added.text
    signing_in = {"login": "straw.man", "password": known}
    assert said(client.post("/v1/tokens", json=signing_in)) == (403, "not_admitted")
    straw_man = session.get_one(Member, UUID(added.json()["id"]))
    assert said(client.get("/v1/me", headers=factories.headers(session, straw_man))) == (403, "not_admitted")
    path, matching = f"/v1/members/{straw_man.id}/admission", {"If-Match": '"1"'}
    assert said(client.post(path, headers=again(operator) | matching)) == (403, "four_eyes")
    auditor = factories.signed_in(session, Role.AUDITOR)
    assert said(client.post(path, headers=auditor)) == (428, "precondition_required")
    admitted = client.post(path, headers=auditor | matching).json()
    assert admitted["added_by"] != admitted["admitted_by"]
    assert None not in {admitted["added_by"], admitted["added_at"], admitted["admitted_by"], admitted["admitted_at"]}
    assert said(client.post(path, headers=again(auditor) | {"If-Match": '"2"'})) == (409, "already_admitted")


def test_the_first_two_come_from_the_command_line_into_one_platform(session: orm.Session) -> None:
    first, second = (service.platform(session, name="测试平台", region_code="110101") for _ in range(2))
    facts: dict[str, Any] = {"organisation_id": second.id, "password_hash": "no hash", "role": Role.OPERATOR}
    person = members.add(session, None, login="first", now=factories.LONG_AGO, **facts)
    assert (first.id, person.admitted_at, person.own_password) == (second.id, factories.LONG_AGO, False)


def test_the_password_that_another_chose_opens_nothing_but_a_new_one(client: TestClient, session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session))
    person.own_password = False
    session.flush()
    told = {"login": person.login, "password": factories.PASSWORD}
    first, second = (bearer(client.post("/v1/tokens", json=told).json()["token"]) for _ in range(2))
    assert said(client.get("/v1/me", headers=first)) == (403, "password_not_own")
    changing = {"old_password": factories.PASSWORD, "new_password": "known to me alone"}
    unproven, unchanged = changing | {"old_password": "wrong"}, changing | {"new_password": factories.PASSWORD}
    assert said(client.put("/v1/me/password", json=unproven, headers=first)) == (422, "wrong_password")
    assert said(client.put("/v1/me/password", json=unchanged, headers=first)) == (422, "same_password")
    key = bearer(factories.token(session, person, scopes=[Permission.SELF_READ]))
    assert client.put("/v1/me/password", json=changing, headers=first).status_code == 204
    assert client.get("/v1/me", headers=first).status_code == 200
    for other in (second, key):
        assert said(client.get("/v1/me", headers=other)) == (401, "token_expired")
    assert said(client.post("/v1/tokens", json=told)) == (401, "login_failed")
    assert client.post("/v1/tokens", json=told | {"password": "known to me alone"}).status_code == 201


class Newcomer:
    """A person whom an operator added, of whom this has what that operator knows: the login and the first password."""

    def __init__(self, client: TestClient, session: orm.Session, operator: dict[str, str]) -> None:
        """Have the person added."""
        self._client, self.operator = client, operator
        self.auditor = factories.signed_in(session, Role.AUDITOR)
        self.told = {"login": "newcomer", "password": "known to the two"}
        body, asked = factories.organisation(session), self.told | {"role": "supplier_clerk"}
        added = client.post(f"/v1/organisations/{body.id}/members", json=asked, headers=again(operator))
        self.path, self.version = f"/v1/members/{added.json()['id']}", 1

    def changed(self, how: Callable[..., Response], path: str, caller: dict[str, str], **asked: Any) -> dict[str, Any]:
        """What is said to who changes the member."""
        answer = how(self.path + path, headers=again(caller) | {"If-Match": f'"{self.version}"'}, **asked)
        assert answer.is_success, answer.text
        self.version += 1
        return dict(answer.json())

    def code(self) -> str | None:
        """The code that an auditor is shown who admits the person."""
        shown: str | None = self.changed(self._client.post, "/admission", self.auditor)["admission_code"]
        return shown

    def setting(self, **named: str | None) -> Response:
        """What is said to who signs in with the first password and sets another."""
        signed_in = bearer(self._client.post("/v1/tokens", json=self.told).json()["token"])
        asked = {"old_password": self.told["password"], "new_password": "known to me alone"} | named
        return self._client.put("/v1/me/password", json=asked, headers=signed_in)


@pytest.fixture
def newcomer(client: TestClient, session: orm.Session, operator: dict[str, str]) -> Newcomer:
    return Newcomer(client, session, operator)


def test_who_added_a_member_cannot_set_its_own_password_without_the_code_of_who_admitted_it(newcomer: Newcomer) -> None:
    code = newcomer.code()
    assert code is not None
    for guessed in ({}, {"admission_code": None}, {"admission_code": ""}, {"admission_code": code[:-1]}):
        refused = newcomer.setting(**guessed)
        assert said(refused) == (422, "wrong_admission_code")
        assert refused.json()["errors"][0]["pointer"] == "/admission_code"
    assert newcomer.setting(admission_code=f" {code.lower().replace('-', ' – ')}").status_code == 204
    newcomer.told["password"] = "known to me alone"
    assert newcomer.setting(new_password="and changed by me alone").status_code == 204


def test_codes_are_guessed_no_oftener_than_passwords(client: TestClient, newcomer: Newcomer) -> None:
    newcomer.code()
    signed_in = bearer(client.post("/v1/tokens", json=newcomer.told).json()["token"])
    asked = {"old_password": newcomer.told["password"], "new_password": "known to me alone", "admission_code": "2222"}
    answers = [client.put("/v1/me/password", json=asked, headers=signed_in) for _ in range(11)]
    assert [said(answer) for answer in answers[-2:]] == [(422, "wrong_admission_code"), (429, "too_many_sign_ins")]


def test_a_code_is_shown_once_and_kept_nowhere(client: TestClient, session: orm.Session, newcomer: Newcomer) -> None:
    request = newcomer.auditor | {"If-Match": '"1"'}
    first, second = (client.post(f"{newcomer.path}/admission", headers=request) for _ in range(2))
    code = first.json()["admission_code"]
    assert second.headers["idempotency-hit"] == "true"
    assert second.json() == first.json() | {"admission_code": None}
    kept = [
        row
        for table in ("members", "idempotent_answers")
        for row in session.scalars(sa.text(f"SELECT to_jsonb(t)::text FROM {table} t"))
    ]
    assert any(first.json()["id"].encode().hex() in row for row in kept)
    assert not any(code in row or code.encode().hex() in row for row in kept)


def test_each_admission_before_the_own_password_makes_a_new_code_and_ends_the_one_before(
    client: TestClient, newcomer: Newcomer
) -> None:
    reset = {"password": newcomer.told["password"]}
    codes = [newcomer.code()]
    for how, path, asked in (
        (client.patch, "", {"role": "supplier_manager"}),
        (client.post, "/password-reset", reset),
        (client.patch, "", {"active": False}),
    ):
        newcomer.changed(how, path, newcomer.operator, json=asked)
        if asked == {"active": False}:
            newcomer.changed(client.patch, "", newcomer.operator, json={"active": True})
        codes.append(newcomer.code())
    *ended, last = codes
    for code in ended:
        assert said(newcomer.setting(admission_code=code)) == (422, "wrong_admission_code")
    assert newcomer.setting(admission_code=last).status_code == 204


def test_who_has_a_password_of_its_own_keeps_it_with_another_role_and_is_given_a_code_with_a_first_one_again(
    client: TestClient, newcomer: Newcomer
) -> None:
    assert newcomer.setting(admission_code=newcomer.code()).status_code == 204
    newcomer.changed(client.patch, "", newcomer.operator, json={"role": "supplier_manager"})
    assert newcomer.code() is None
    newcomer.told["password"] = "known to two again"
    newcomer.changed(client.post, "/password-reset", newcomer.operator, json={"password": newcomer.told["password"]})
    code = newcomer.code()
    assert said(newcomer.setting()) == (422, "wrong_admission_code")
    assert newcomer.setting(admission_code=code).status_code == 204


def test_the_database_admits_nobody_to_a_first_password_without_a_code(
    session: orm.Session, newcomer: Newcomer
) -> None:
    newcomer.code()
    with pytest.raises(exc.IntegrityError, match="first_password_takes_a_code"), session.begin_nested():
        session.execute(sa.update(Member).where(Member.login == "newcomer").values(admission_code_hash=None))


def test_a_member_is_added_once_and_in_a_role_of_its_side(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    body = factories.organisation(session, kind=OrganisationKind.SCHOOL)
    taken_login = factories.member(session, body).login
    asked = {"login": taken_login, "password": "a long enough one", "role": "buyer_clerk"}
    foreign = client.post(
        f"/v1/organisations/{body.id}/members",
        json=asked | {"login": "other", "role": "auditor"},
        headers=again(operator),
    )
    assert (foreign.status_code, foreign.json()["code"]) == (422, "role_not_of_kind")
    taken = client.post(f"/v1/organisations/{body.id}/members", json=asked, headers=again(operator))
    assert (taken.status_code, taken.json()["code"]) == (409, "login_taken")


@pytest.mark.parametrize("wrong", [{"password": "short"}, {"password": "x" * 129}, {"login": "Ab"}, {"login": "a b c"}])
def test_a_weak_password_or_an_odd_login_is_refused_without_being_repeated(
    client: TestClient, session: orm.Session, operator: dict[str, str], wrong: dict[str, str]
) -> None:
    body = factories.organisation(session)
    asked = {"login": "clerk", "password": "a long enough one", "role": "supplier_clerk"} | wrong
    answer = client.post(f"/v1/organisations/{body.id}/members", json=asked, headers=operator)
    assert answer.status_code == 422
    assert asked["password"] not in answer.text


def test_a_manager_sees_the_members_of_the_own_organisation_alone(client: TestClient, session: orm.Session) -> None:
    own, other = factories.organisation(session), factories.organisation(session)
    manager = factories.member(session, own, Role.SUPPLIER_MANAGER)
    clerk = factories.member(session, own, Role.SUPPLIER_CLERK)
    stranger = factories.member(session, other)
    headers = factories.headers(session, manager)
    first = client.get(f"/v1/organisations/{own.id}/members?limit=1", headers=headers).json()
    second = client.get(
        f"/v1/organisations/{own.id}/members", params={"cursor": first["next_cursor"]}, headers=headers
    ).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [str(manager.id), str(clerk.id)]
    assert client.get(f"/v1/members/{clerk.id}", headers=headers).headers["etag"] == '"1"'
    assert client.get(f"/v1/organisations/{other.id}/members", headers=headers).status_code == 404
    assert client.get(f"/v1/members/{stranger.id}", headers=headers).status_code == 404


def test_a_deactivated_member_is_locked_out_at_once(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    person = factories.member(session, factories.organisation(session))
    token = bearer(factories.token(session, person))
    key = bearer(factories.token(session, person, scopes=[Permission.SELF_READ]))
    assert client.get("/v1/me", headers=token).status_code == client.get("/v1/me", headers=key).status_code == 200
    locked = client.patch(f"/v1/members/{person.id}", json={"active": False}, headers=operator | {"If-Match": '"1"'})
    assert locked.json()["active"] is False
    assert client.get("/v1/me", headers=token).status_code == client.get("/v1/me", headers=key).status_code == 401
    asked = {"login": person.login, "password": factories.PASSWORD}
    assert client.post("/v1/tokens", json=asked).status_code == 401
    back = client.patch(f"/v1/members/{person.id}", json={"active": True}, headers=operator | {"If-Match": '"2"'})
    assert (back.json()["admitted_at"], said(client.get("/v1/me", headers=key))) == (None, (401, "token_expired"))


def test_the_members_of_a_closed_organisation_are_locked_out_at_once_and_come_back_by_two_peoples_doing(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    body = factories.organisation(session)
    person = factories.member(session, body)
    headers = factories.headers(session, person)
    path = f"/v1/organisations/{body.id}"
    assert client.patch(path, json={"active": False}, headers=operator | {"If-Match": '"1"'}).status_code == 200
    assert client.get("/v1/me", headers=headers).status_code == 401
    assert client.patch(path, json={"active": True}, headers=operator | {"If-Match": '"2"'}).status_code == 200
    assert client.get("/v1/me", headers=headers).status_code == 401
    told = {"login": person.login, "password": factories.PASSWORD}
    assert said(client.post("/v1/tokens", json=told)) == (403, "not_admitted")
    admission, second = f"/v1/members/{person.id}/admission", {"If-Match": '"2"'}
    assert said(client.post(admission, headers=again(operator) | second)) == (403, "four_eyes")
    auditor = factories.signed_in(session, Role.AUDITOR)
    assert client.post(admission, headers=auditor | second).status_code == 201
    assert client.post("/v1/tokens", json=told).status_code == 201


def test_a_changed_role_counts_once_another_admitted_it(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    person = factories.member(session, factories.organisation(session), Role.SUPPLIER_CLERK)
    path, matching = f"/v1/members/{person.id}", operator | {"If-Match": '"1"'}
    headers, told = factories.headers(session, person), {"login": person.login, "password": factories.PASSWORD}
    assert client.get(path, headers=headers).status_code == 403
    refused = client.patch(path, json={"role": "auditor"}, headers=matching)
    assert (refused.status_code, refused.json()["code"]) == (422, "role_not_of_kind")
    assert client.patch(path, json={"role": "supplier_manager"}, headers=matching).status_code == 200
    assert said(client.post("/v1/tokens", json=told)) == (403, "not_admitted")
    second = {"If-Match": '"2"'}
    assert said(client.post(f"{path}/admission", headers=again(operator) | second)) == (403, "four_eyes")
    colleague = factories.signed_in(session, Role.OPERATOR)
    assert client.post(f"{path}/admission", headers=colleague | second).status_code == 201
    assert said(client.get(path, headers=headers)) == (401, "token_expired")
    signed_in = bearer(client.post("/v1/tokens", json=told).json()["token"])
    assert client.get(path, headers=signed_in).status_code == 200


def test_who_lost_the_password_is_given_a_first_one_again_and_comes_in_as_one_added_anew(
    client: TestClient, session: orm.Session, operator: dict[str, str]
) -> None:
    person = factories.member(session, factories.organisation(session))
    key = bearer(factories.token(session, person, scopes=[Permission.SELF_READ]))
    path, told = f"/v1/members/{person.id}", {"login": person.login, "password": "known to the two"}
    asked = {"password": told["password"]}
    assert said(client.post(f"{path}/password-reset", json=asked, headers=operator)) == (428, "precondition_required")
    reset = client.post(f"{path}/password-reset", json=asked, headers=operator | {"If-Match": '"1"'})
    assert (reset.status_code, reset.json()["admitted_at"]) == (201, None)
    assert said(client.get("/v1/me", headers=key)) == (401, "token_expired")
    assert said(client.post("/v1/tokens", json=told)) == (403, "not_admitted")
    second = {"If-Match": '"2"'}
    assert said(client.post(f"{path}/admission", headers=again(operator) | second)) == (403, "four_eyes")
    auditor = factories.signed_in(session, Role.AUDITOR)
    assert client.post(f"{path}/admission", headers=auditor | second).status_code == 201
    signed_in = bearer(client.post("/v1/tokens", json=told).json()["token"])
    assert said(client.get("/v1/me", headers=signed_in)) == (403, "password_not_own")
