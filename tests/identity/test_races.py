"""Two requests at once: with one Idempotency-Key they have one effect; a password that changes opens nothing after."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.requests import Request
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.errors import MarketError
from market.identity import members, service
from market.identity.access import Caller
from market.identity.models import Credential, Member, Organisation
from market.identity.refusals import LoginFailedError, NotAdmittedError, OrganisationNameTakenError
from market.identity.rules import Actor, OrganisationKind, Permission, Role, Scope
from market.identity.schemas import OrganisationOut
from tests import factories
from tests.racing import crossings


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


NEW = service.NewPassword("", "another hash")


def own(session: orm.Session, person: Member, actor: Actor) -> None:
    """Let the person change its password."""
    row = members.locked(session, actor, member_id=person.id)
    password = NEW._replace(old_hash=row.password_hash)
    service.set_password(session, row, password, admission_code="", secret="of no token", now=factories.LONG_AGO)


def reset(session: orm.Session, person: Member, actor: Actor) -> None:
    """Let an operator give the person a first password again."""
    row = members.locked(session, actor, member_id=person.id)
    members.reset_password(session, actor, row, password_hash=NEW.new_hash, now=factories.LONG_AGO)


def let_go(session: orm.Session, person: Member, actor: Actor) -> None:
    """Let an operator deactivate the person."""
    row = members.locked(session, actor, member_id=person.id)
    members.change(session, actor, row, role=None, active=False, now=factories.LONG_AGO)


def promote(session: orm.Session, person: Member, actor: Actor) -> None:
    """Let an operator give the person another role."""
    row = members.locked(session, actor, member_id=person.id)
    members.change(session, actor, row, role=Role.SUPPLIER_MANAGER, active=None, now=factories.LONG_AGO)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [(own, LoginFailedError), (reset, LoginFailedError), (let_go, LoginFailedError), (promote, NotAdmittedError)],
)
def test_no_token_outlives_the_change_of_what_let_it_in(
    committed_db: Database, change: Callable[[orm.Session, Member, Actor], None], refusal: type[MarketError]
) -> None:
    db = committed_db

    def begin() -> tuple[Callable[[], object], Callable[[], object]]:
        with db.transaction() as session:
            person = factories.member(session, factories.organisation(session))
            operator = factories.member(session, factories.organisation(session), Role.OPERATOR)
            actor = factories.actor(session, operator, Scope.ALL)
        with db.reading() as connection:
            checked = service.check_password(connection, login=person.login, password=factories.PASSWORD)

        def changes() -> None:
            with db.transaction() as session:
                change(session, person, actor)

        def signs_in() -> str:
            with db.transaction() as session:
                return service.sign_in(session, checked, now=factories.LONG_AGO, hours=1)[0]

        return changes, signs_in

    answers = [crossed.second for crossed in crossings(db, begin, least=1)]
    assert {type(answer) for answer in answers} == {str, refusal}
    with db.transaction() as session:
        assert session.scalars(sa.select(Credential.id).where(Credential.revoked_at.is_(None))).all() == []
