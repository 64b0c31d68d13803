"""Two requests at once with one Idempotency-Key have one effect and one answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.requests import Request
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.identity import service
from market.identity.access import Caller
from market.identity.models import Organisation
from market.identity.refusals import OrganisationNameTakenError
from market.identity.rules import Actor, OrganisationKind, Permission, Role
from market.identity.schemas import OrganisationOut
from tests import factories


def caller(db: Database, headers: dict[str, str]) -> Caller:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/organisations",
        "query_string": b"",
        "server": ("market", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "app": create_app(db),
    }
    return Caller(Request(scope), Permission.ORGANISATION_WRITE)


def register(session: orm.Session, _: Actor) -> OrganisationOut:
    row = service.register_organisation(
        session, kind=OrganisationKind.COOPERATIVE, name="富山", region_code="141122", credit_code=None
    )
    return OrganisationOut.model_validate(row)


@pytest.fixture
def operator(committed_db: Database) -> dict[str, str]:
    with committed_db.transaction() as session:
        return factories.signed_in(session, Role.OPERATOR)


def test_a_repeat_that_stumbles_over_what_the_first_did_gets_the_first_answer(
    committed_db: Database, operator: dict[str, str]
) -> None:
    second_is_inside, first_is_done = Event(), Event()

    def late(session: orm.Session, actor: Actor) -> OrganisationOut:
        second_is_inside.set()
        assert first_is_done.wait(10)
        return register(session, actor)

    with ThreadPoolExecutor(1) as pool:
        repeat = pool.submit(caller(committed_db, operator).once, None, late)
        assert second_is_inside.wait(10)
        first = caller(committed_db, operator).once(None, register)
        first_is_done.set()
        answer = repeat.result(10)
    assert (first.headers.get("idempotency-hit"), answer.headers["idempotency-hit"]) == (None, "true")
    assert (answer.status_code, answer.body) == (first.status_code, first.body)


def test_a_refusal_that_no_first_answer_explains_stays_a_refusal(
    committed_db: Database, operator: dict[str, str]
) -> None:
    caller(committed_db, operator).once(None, register)
    with pytest.raises(OrganisationNameTakenError):
        caller(committed_db, operator | {"Idempotency-Key": "another"}).once(None, register)


def test_a_constraint_broken_inside_the_work_stays_a_refusal(committed_db: Database, operator: dict[str, str]) -> None:
    def nameless(session: orm.Session, _: Actor) -> OrganisationOut:
        session.execute(sa.insert(Organisation).values(kind="cooperative", name="富山"))
        raise AssertionError

    with pytest.raises(sa.exc.IntegrityError):
        caller(committed_db, operator).once(None, nameless)
    assert caller(committed_db, operator).once(None, register).status_code == 201


def test_eight_at_once_with_one_key_have_one_effect(committed_db: Database, operator: dict[str, str]) -> None:
    app, start = create_app(committed_db), Barrier(8)
    TestClient(app).get("/healthz")  # an application is put together at its first request, by one server loop

    def post(number: int) -> tuple[int, str | None, bytes]:
        asked = {"kind": "cooperative", "name": f"富山{number}", "region_code": "141122"}
        start.wait(10)
        answer = TestClient(app).post(
            "/v1/organisations", json=asked, headers=operator | {"Idempotency-Key": f"round {number}"}
        )
        return answer.status_code, answer.headers.get("idempotency-hit"), answer.content

    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            answers = list(pool.map(post, [number] * 8))
            assert {status for status, _, _ in answers} == {201}
            assert len({body for _, _, body in answers}) == 1
            assert sorted(hit or "" for _, hit, _ in answers) == ["", *["true"] * 7]
    with committed_db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Organisation.name.startswith("富山"))) == 10
