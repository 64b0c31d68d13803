"""The way from application to certificate by HTTP, and every refusal with its code."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.api import encode_cursor
from market.certification import tasks
from market.certification.rules import ApplicationStatus
from market.db import Database
from market.identity.models import Member
from market.identity.rules import Actor, OrganisationKind, Role
from tests import factories
from tests.certification import steps
from tests.certification.steps import AFTER_NOTICE, NOW, County


class Desk:
    """One person's requests: each with the token and an Idempotency-Key of its own."""

    def __init__(self, client: TestClient, session: orm.Session, actor: Actor) -> None:
        self.client = client
        self.headers = factories.headers(session, session.get_one(Member, actor.member_id))

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.client.post(f"/v1{path}", json=body, headers=self.headers | {"Idempotency-Key": uuid4().hex})

    def get(self, path: str, **params: str | int) -> Any:
        return self.client.get(f"/v1{path}", params=params, headers=self.headers)


@pytest.fixture
def desks(client: TestClient, session: orm.Session, people: County) -> dict[str, Desk]:
    names = ("clerk", "township", "trade", "county", "publisher", "citizen")
    return {name: Desk(client, session, getattr(people, name)) for name in names}


def product(people: County, **changed: Any) -> dict[str, Any]:
    return {
        "plan_id": str(people.plan_id),
        "product_name": "骏枣",
        "specification": "特级 2.5kg/箱",
        "category_code": "fruit",
        "origin_code": "141122106",
        "unit": "box",
        "content": {"quantity": "2.5", "unit": "kg"},
        "price_fen": 6_000,
        "declared_value_fen": 50_000_000,
        "people_driven": 127,
    } | changed


EVIDENCE = {
    "kind": "link",
    "reference": "https://shop.example/junzao",
    "price_fen": 6_500,
    "observed_on": "2026-03-01",
}
PASS = {"decision": "pass", "opinion": "同意"}


def code(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def test_a_product_is_certified_suspended_reinstated_and_revoked(
    db: Database, people: County, desks: dict[str, Desk]
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        applied = desks["clerk"].post("/applications", product(people))
        assert applied.status_code == 201, applied.text
        where = f"/applications/{applied.json()['id']}"
        assert applied.json()["content"] == {"quantity": "2.5", "unit": "kg"}
        assert desks["clerk"].post(f"{where}/price-evidences", EVIDENCE).status_code == 201
        attached = PASS | {"attachment_sha256": "ab" * 32}
        statuses = [desks[step].post(f"{where}/reviews", attached).json()["status"] for step in ("township", "trade")]
        passed = desks["county"].post(f"{where}/reviews", PASS).json()
        assert [*statuses, passed["status"]] == ["township_passed", "trade_passed", "on_notice"]
        assert passed["notice_ends_on"] == "2026-03-09"
        (notice,) = desks["citizen"].get("/public-notices").json()["items"]
        assert (notice["product_name"], notice["notice_ends_on"]) == ("骏枣", "2026-03-09")
        objection = desks["citizen"].post(f"{where}/objections", {"reason": "产地存疑"}).json()
        answer = {"upheld": False, "settlement": "经核实,产地属实"}
        settled = desks["county"].post(f"/objections/{objection['id']}/settlement", answer)
        assert (settled.status_code, settled.json()["upheld"]) == (200, False)
        clock.move_to(AFTER_NOTICE)
        assert tasks.end_notices(db, AFTER_NOTICE) == 1
        published = desks["publisher"].post("/batches", {"application_ids": [applied.json()["id"]]})
        assert published.status_code == 201, published.text
        (certificate,) = published.json()["certificates"]
        assert certificate["number"] == "JC-141122-2026-01-0001"
        assert certificate["product"]["declared_value_fen"] == 50_000_000
        assert "price_ceiling_fen" not in certificate
        for act, status in (("suspension", "suspended"), ("reinstatement", "valid"), ("revocation", "revoked")):
            changed = desks["county"].post(f"/certificates/{certificate['id']}/{act}", {"reason": "抽检"})
            assert (changed.status_code, changed.json()["status"]) == (200, status)
        again = desks["county"].post(f"/certificates/{certificate['id']}/suspension", {"reason": "抽检"})
        assert code(again) == (409, "transition")
        shown = desks["citizen"].get(f"/certificates/{certificate['id']}").json()
        assert [change["event"] for change in shown["changes"]] == ["suspend", "reinstate", "revoke"]
        told = desks["clerk"].get(where).json()
        assert [review["step"] for review in told["reviews"]] == ["township", "trade", "county"]
        assert (told["application"]["status"], len(told["evidences"]), len(told["objections"])) == ("listed", 1, 1)
        assert desks["citizen"].get("/public-notices").json()["items"] == []


@pytest.mark.parametrize(
    ("changed", "refusal", "pointer"),
    [
        ({"unit": "kg"}, "unit_content", None),
        ({"content": None}, "unit_content", None),
        ({"content": {"quantity": "1e3", "unit": "kg"}}, "invalid_input", "/content/quantity"),
        ({"content": {"quantity": 2.5, "unit": "kg"}}, "invalid_input", "/content/quantity"),
        ({"unit": "bushel"}, "invalid_input", "/unit"),
        ({"price_fen": 60.0}, "invalid_input", "/price_fen"),
        ({"price_fen": 0}, "invalid_input", "/price_fen"),
        ({"declared_value_fen": 10**14}, "invalid_input", "/declared_value_fen"),
        ({"people_driven": 0}, "invalid_input", "/people_driven"),
        ({"origin_code": "141130103"}, "origin", "/origin_code"),
        ({"origin_code": "141122999"}, "unknown_region", "/origin_code"),
        ({"origin_code": "甲"}, "invalid_input", "/origin_code"),
        ({"organic": True}, "invalid_input", "/organic"),
    ],
)
def test_a_bad_application_is_refused_and_nothing_is_written(
    people: County, desks: dict[str, Desk], changed: dict[str, Any], refusal: str, pointer: str | None
) -> None:
    answer = desks["clerk"].post("/applications", product(people, **changed))
    assert code(answer) == (422, refusal)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ([pointer] if pointer else [])
    assert desks["clerk"].get("/applications").json()["items"] == []


def test_who_may_not_apply_is_told_why(
    client: TestClient, session: orm.Session, people: County, desks: dict[str, Desk]
) -> None:
    agent = factories.organisation(session, kind=OrganisationKind.TRADING_AGENT)
    trader = Desk(client, session, factories.actor(session, factories.member(session, agent)))
    assert code(trader.post("/applications", product(people))) == (403, "not_producer")
    lonely = factories.organisation(session)
    plan_id = str(factories.plan(session, lonely).id)
    farmer = Desk(client, session, factories.actor(session, factories.member(session, lonely)))
    assert code(farmer.post("/applications", product(people, plan_id=plan_id))) == (422, "no_benefit")
    assert code(farmer.post("/applications", product(people))) == (404, "not_found")
    assert code(desks["county"].post("/applications", product(people))) == (403, "forbidden")


def test_reviews_are_refused_out_of_order_without_evidence_and_by_the_same_eyes(
    client: TestClient, session: orm.Session, people: County, desks: dict[str, Desk]
) -> None:
    application = steps.apply(session, people)
    where = f"/applications/{application.id}/reviews"
    assert code(desks["trade"].post(where, PASS)) == (409, "transition")
    department = factories.organisation(session, kind=OrganisationKind.TOWNSHIP_GOVERNMENT)
    both = {
        role: Desk(client, session, factories.actor(session, factories.member(session, department, role)))
        for role in (Role.TOWNSHIP_REVIEWER, Role.TRADE_REVIEWER)
    }
    assert both[Role.TOWNSHIP_REVIEWER].post(where, PASS).status_code == 201
    assert code(both[Role.TRADE_REVIEWER].post(where, PASS)) == (403, "four_eyes")
    assert desks["trade"].post(where, PASS).status_code == 201
    assert code(desks["county"].post(where, PASS)) == (409, "missing_evidence")
    steps.evidence(session, people, application, 5_000)
    session.flush()
    assert code(desks["county"].post(where, PASS)) == (422, "price_above_evidence")
    assert code(desks["county"].post(where, {"decision": "perhaps", "opinion": "?"})) == (422, "invalid_input")
    session.refresh(application)
    assert application.status is ApplicationStatus.TRADE_PASSED


def test_objections_are_heard_during_the_notice_alone(
    session: orm.Session, people: County, desks: dict[str, Desk]
) -> None:
    early = steps.apply(session, people)
    application = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    reason = {"reason": "价格虚高"}
    assert code(desks["citizen"].post(f"/applications/{early.id}/objections", reason)) == (409, "transition")
    assert code(desks["citizen"].post(f"/applications/{uuid4()}/objections", reason)) == (404, "not_found")
    with time_machine.travel(AFTER_NOTICE, tick=False):
        late = desks["citizen"].post(f"/applications/{application.id}/objections", reason)
        assert code(late) == (409, "notice_over")
    with time_machine.travel(NOW, tick=False):
        objection = desks["county"].post(f"/applications/{application.id}/objections", reason).json()
        answer = {"upheld": True, "settlement": "属实"}
        own = desks["county"].post(f"/objections/{objection['id']}/settlement", answer)
        assert code(own) == (403, "four_eyes")
        vague = desks["publisher"].post(f"/objections/{objection['id']}/settlement", answer | {"upheld": "yes"})
        assert code(vague) == (422, "invalid_input")
        settled = desks["publisher"].post(f"/objections/{objection['id']}/settlement", answer)
        assert settled.json()["upheld"] is True
        twice = desks["publisher"].post(f"/objections/{objection['id']}/settlement", answer)
        assert code(twice) == (409, "transition")
    (shown,) = desks["clerk"].get("/applications", status="rejected").json()["items"]
    assert shown["id"] == str(application.id)


def test_a_batch_says_which_application_holds_it_up(
    session: orm.Session, people: County, desks: dict[str, Desk]
) -> None:
    cleared = str(steps.bring_to(session, people, ApplicationStatus.CLEARED).id)
    opposed = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    with time_machine.travel(NOW, tick=False):
        desks["citizen"].post(f"/applications/{opposed.id}/objections", {"reason": "存疑"})
    held = desks["publisher"].post("/batches", {"application_ids": [cleared, str(opposed.id)]})
    assert (*code(held), held.json()["errors"][0]["pointer"]) == (409, "open_objection", "/application_ids/1")
    unknown = desks["publisher"].post("/batches", {"application_ids": [cleared, str(uuid4())]})
    assert (*code(unknown), unknown.json()["errors"][0]["pointer"]) == (404, "not_found", "/application_ids/1")
    assert code(desks["county"].post("/batches", {"application_ids": [cleared]})) == (403, "four_eyes")
    assert code(desks["publisher"].post("/batches", {"application_ids": []})) == (422, "invalid_input")
    assert desks["citizen"].get("/batches").json()["items"] == []


def test_certificates_are_found_by_status_supplier_county_and_lapse(
    session: orm.Session, people: County, desks: dict[str, Desk]
) -> None:
    ours = steps.certified(session, people)
    theirs = steps.certified(session, steps.county(session, "141130"))
    desk = desks["citizen"]

    def found(**params: str | int) -> list[str]:
        answer = desk.get("/certificates", **params)
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]

    both = [ours.number, theirs.number]
    first = desk.get("/certificates", limit=1).json()
    assert [item["number"] for item in first["items"]] == both[:1]
    assert found(cursor=first["next_cursor"]) == both[1:]
    assert found(status="valid") == both
    assert found(status="revoked") == []
    assert found(county="141130") == [theirs.number]
    assert found(supplier_id=str(people.supplier.id)) == [ours.number]
    lapses_in_a_month = AFTER_NOTICE + timedelta(days=334)
    with time_machine.travel(lapses_in_a_month, tick=False):
        assert (found(lapsing_within_days=29), found(lapsing_within_days=30)) == ([], both)
    with time_machine.travel(lapses_in_a_month + timedelta(days=31), tick=False):
        assert found(lapsing_within_days=30) == []
    assert [item["county_code"] for item in desk.get("/batches", county="141130").json()["items"]] == ["141130"]
    for params in ({"status": "expired"}, {"county": "1411"}, {"lapsing_within_days": -1}, {"name": "骏枣"}):
        assert code(desk.get("/certificates", **params)) == (422, "invalid_input")


def test_alerts_come_newest_first_in_pages_to_those_in_charge(
    db: Database, session: orm.Session, people: County, desks: dict[str, Desk]
) -> None:
    certificate = steps.certified(session, people)
    session.flush()
    for days in (90, 30, 7, -1):
        tasks.raise_alerts(db, AFTER_NOTICE + timedelta(days=364 - days))
    first = desks["clerk"].get("/certificate-alerts", limit=3).json()
    rest = desks["clerk"].get("/certificate-alerts", limit=3, cursor=first["next_cursor"]).json()
    assert [alert["days"] for alert in first["items"] + rest["items"]] == [0, 7, 30, 90]
    assert rest["next_cursor"] is None
    forged = encode_cursor("yesterday", uuid4(), 1)
    assert code(desks["clerk"].get("/certificate-alerts", cursor=forged)) == (422, "invalid_input")
    assert len(desks["county"].get("/certificate-alerts").json()["items"]) == 4
    shown = desks["citizen"].get(f"/certificates/{certificate.id}").json()
    assert [alert["days"] for alert in shown["alerts"]] == [90, 30, 7, 0]


def test_what_others_apply_for_is_not_found(
    client: TestClient, session: orm.Session, people: County, desks: dict[str, Desk]
) -> None:
    application = steps.apply(session, people)
    certificate = steps.certified(session, people)
    other = steps.county(session, "141130")
    supplier, county = (Desk(client, session, actor) for actor in (other.clerk, other.county))
    where = f"/applications/{application.id}"
    answers = [
        supplier.get(where),
        supplier.post(f"{where}/price-evidences", EVIDENCE),
        county.get(where),
        county.post(f"{where}/reviews", PASS),
        county.post(f"/certificates/{certificate.id}/revocation", {"reason": "无"}),
        desks["citizen"].get(f"/certificates/{uuid4()}"),
    ]
    assert [code(answer) for answer in answers] == [(404, "not_found")] * len(answers)
    assert supplier.get("/applications").json()["items"] == []
    assert len(desks["township"].get("/applications", supplier_id=str(people.supplier.id)).json()["items"]) == 2


def test_a_repeated_review_is_answered_once(people: County, session: orm.Session, desks: dict[str, Desk]) -> None:
    application = steps.apply(session, people)
    desk = desks["township"]
    path = f"/v1/applications/{application.id}/reviews"
    first, second = (desk.client.post(path, json=PASS, headers=desk.headers) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-hit"] == "true"
    missing = desk.client.post(path, json=PASS, headers={"Authorization": desk.headers["Authorization"]})
    assert code(missing) == (400, "missing_idempotency_key")
