"""Who may come in, and what they bring."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import orm

from market.errors import InvalidInputError, NotFoundError
from market.identity import members, queries, service
from market.identity.models import Credential, Organisation
from market.identity.refusals import (
    CreditCodeError,
    CreditCodeTakenError,
    LoginFailedError,
    LoginTakenError,
    OrganisationNameTakenError,
    TokenExpiredError,
    UnauthenticatedError,
)
from market.identity.rules import KeyScopeError, OrganisationKind, Permission, Role, RoleNotOfKindError, Scope
from tests import factories

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
COLLECTIVE_CODE = "N2141122MF0000051D"


def register(session: orm.Session, **facts: object) -> Organisation:
    default = {"kind": OrganisationKind.COOPERATIVE, "name": "富山", "region_code": "141122", "credit_code": None}
    return service.register_organisation(session, **(default | facts))  # type: ignore[arg-type]


def sign_in(session: orm.Session, *, login: str, password: str, now: datetime, hours: int) -> tuple[str, Credential]:
    """Check the password, then issue a token, as the endpoint does."""
    checked = service.check_password(session.connection(), login=login, password=password)
    return service.sign_in(session, checked, now=now, hours=hours)


def test_a_village_collective_registers_with_its_n_code(session: orm.Session) -> None:
    body = register(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, credit_code=COLLECTIVE_CODE)
    assert (body.active, body.version) == (True, 1)


def test_a_body_is_registered_once(session: orm.Session) -> None:
    register(session, credit_code=COLLECTIVE_CODE)
    with pytest.raises(CreditCodeTakenError):
        register(session, name="富水", credit_code=COLLECTIVE_CODE)
    with pytest.raises(OrganisationNameTakenError):
        register(session)


def test_a_wrong_credit_code_or_region_is_refused(session: orm.Session) -> None:
    with pytest.raises(CreditCodeError):
        register(session, credit_code="91350100M000100Y4A")
    with pytest.raises(InvalidInputError):
        register(session, region_code="14112")


def test_a_member_has_a_role_of_its_side_and_a_login_of_its_own(session: orm.Session) -> None:
    body = factories.organisation(session)

    def add(login: str, role: Role, organisation_id: UUID = body.id) -> None:
        facts: dict[str, Any] = {"login": login, "password_hash": "no hash", "role": role}
        members.add(session, None, organisation_id=organisation_id, now=NOW, **facts)

    add("clerk", Role.SUPPLIER_CLERK)
    with pytest.raises(LoginTakenError):
        add("clerk", Role.SUPPLIER_MANAGER)
    with pytest.raises(RoleNotOfKindError):
        add("auditor", Role.AUDITOR)
    with pytest.raises(NotFoundError):
        add("other", Role.SUPPLIER_CLERK, uuid4())


def test_a_member_signs_in_with_the_password_that_was_set(session: orm.Session) -> None:
    body = factories.organisation(session)
    person = factories.member(session, body, Role.SUPPLIER_CLERK)
    person.password_hash = service.hash_password("羊肚菌 0123")
    session.flush()
    secret, credential = sign_in(session, login=person.login, password="羊肚菌 0123", now=NOW, hours=12)
    assert credential.expires_at == NOW + timedelta(hours=12)
    assert secret.encode() not in credential.secret_hash
    actor = service.authenticate(session.connection(), secret, Permission.PRODUCT_WRITE, now=NOW)
    assert (actor.organisation_id, actor.role, actor.scope) == (body.id, Role.SUPPLIER_CLERK, Scope.OWN)


def test_a_wrong_password_an_unknown_login_and_a_locked_out_person_get_one_answer(session: orm.Session) -> None:
    cases = [
        (factories.member(session, factories.organisation(session)).login, "wrong"),
        ("nobody", factories.PASSWORD),
        (factories.member(session, factories.organisation(session), active=False).login, factories.PASSWORD),
        (factories.member(session, factories.organisation(session, active=False)).login, factories.PASSWORD),
    ]
    for login, password in cases:
        with pytest.raises(LoginFailedError):
            sign_in(session, login=login, password=password, now=NOW, hours=1)


def test_a_token_ends_on_its_hour(session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session))
    secret, _ = sign_in(session, login=person.login, password=factories.PASSWORD, now=NOW, hours=1)
    connection = session.connection()
    service.authenticate(connection, secret, Permission.SELF_READ, now=NOW + timedelta(minutes=59))
    with pytest.raises(TokenExpiredError):
        service.authenticate(connection, secret, Permission.SELF_READ, now=NOW + timedelta(hours=1))
    with pytest.raises(UnauthenticatedError):
        service.authenticate(connection, secret + "x", Permission.SELF_READ, now=NOW)


def test_an_api_key_carries_permissions_of_its_maker_and_never_the_making_of_keys(session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session), Role.SUPPLIER_CLERK)
    actor = factories.actor(session, person)
    for refused in (Permission.LOT_OPEN, Permission.ORDER_PLACE, Permission.API_KEY_WRITE):
        with pytest.raises(KeyScopeError):
            service.make_key(session, actor, label="ERP", scopes=[Permission.LOT_READ, refused], now=NOW, days=1)
    _, key = service.make_key(session, actor, label="ERP", scopes=[Permission.LOT_READ], now=NOW, days=366)
    assert key.expires_at == NOW + timedelta(days=366)
    assert key.scopes == ["lot:read"]


def test_nobody_revokes_or_sees_another_members_key(session: orm.Session) -> None:
    body = factories.organisation(session)
    mine, other = (factories.actor(session, factories.member(session, body)) for _ in range(2))
    _, key = service.make_key(session, mine, label="ERP", scopes=[Permission.LOT_READ], now=NOW, days=1)
    with pytest.raises(NotFoundError):
        service.revoke_key(session, other, key_id=key.id, now=NOW)
    assert queries.find_keys(session, other, after=None, limit=10) == []
    service.revoke_key(session, mine, key_id=key.id, now=NOW)
    service.revoke_key(session, mine, key_id=key.id, now=NOW + timedelta(days=1))
    assert key.revoked_at == NOW


def test_a_token_is_no_key(session: orm.Session) -> None:
    person = factories.member(session, factories.organisation(session))
    _, token = sign_in(session, login=person.login, password=factories.PASSWORD, now=NOW, hours=1)
    with pytest.raises(NotFoundError):
        service.revoke_key(session, factories.actor(session, person), key_id=token.id, now=NOW)
    assert session.get_one(Credential, token.id).revoked_at is None


@pytest.mark.parametrize(
    ("scope", "seen"), [(Scope.OWN, {"甲"}), (Scope.REGION, {"甲", "乙"}), (Scope.ALL, {"甲", "乙", "丙"})]
)
def test_scope_decides_which_organisations_and_members_are_seen(
    session: orm.Session, scope: Scope, seen: set[str]
) -> None:
    bodies = [
        factories.organisation(session, name="甲", region_code="141122"),
        factories.organisation(session, name="乙", region_code="141122106"),
        factories.organisation(session, name="丙", region_code="141130"),
    ]
    people = {factories.member(session, body).id: body.name for body in bodies}
    actor = factories.actor(session, factories.member(session, bodies[0]), scope)
    found = session.scalars(queries.visible_organisations(actor)).all()
    assert {body.name for body in found} & {"甲", "乙", "丙"} == seen
    members = {person.id for person in session.scalars(queries.visible_members(actor))}
    assert {name for person, name in people.items() if person in members} == seen
