"""Organisations, their members, and what signs these in."""

import itertools
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

from argon2 import PasswordHasher
from sqlalchemy import orm

from market.identity.models import Credential, Member, Organisation
from market.identity.rules import ROLES_OF, SIDE_OF, Actor, OrganisationKind, Permission, Role, Scope

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2199, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"
# argon2 reads its cost from the hash, so one cheap hash made here signs every test member in.
_CHEAP_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
_numbers = itertools.count(1)


def number() -> int:
    """A number that no other row of this process has."""
    return next(_numbers)


def organisation(
    session: orm.Session,
    *,
    kind: OrganisationKind = OrganisationKind.COOPERATIVE,
    region_code: str = "141122",
    name: str | None = None,
    active: bool = True,
) -> Organisation:
    """A body of any kind; its name is made up unless given."""
    row = Organisation(
        kind=kind, name=name or f"测试单位{number()}", region_code=region_code, credit_code=None, active=active
    )
    session.add(row)
    session.flush()
    return row


def member(
    session: orm.Session,
    organisation: Organisation,
    role: Role | None = None,
    *,
    login: str | None = None,
    active: bool = True,
) -> Member:
    """An admitted person of the organisation, with `PASSWORD`; the role is the first of its side unless given."""
    row = Member(
        organisation_id=organisation.id,
        login=login or f"member{number()}",
        password_hash=_CHEAP_HASH,
        own_password=True,
        added_at=LONG_AGO,
        admitted_at=LONG_AGO,
        role=role or min(ROLES_OF[SIDE_OF[organisation.kind]]),
        active=active,
    )
    session.add(row)
    session.flush()
    return row


def actor(session: orm.Session, member: Member, scope: Scope = Scope.OWN) -> Actor:
    """The member as a service sees it."""
    body = session.get_one(Organisation, member.organisation_id)
    return Actor(
        member_id=member.id,
        organisation_id=body.id,
        kind=body.kind,
        role=member.role,
        region_code=body.region_code,
        scope=scope,
    )


def token(session: orm.Session, member: Member, *, scopes: list[Permission] | None = None) -> str:
    """A bearer token of the member; with scopes it is an API key."""
    secret = f"mt_{uuid4().hex}"
    session.add(
        Credential(
            member_id=member.id,
            secret_hash=sha256(secret.encode()).digest(),
            label=None if scopes is None else "测试密钥",
            scopes=None if scopes is None else [scope.value for scope in scopes],
            created_at=LONG_AGO,
            expires_at=FAR_AHEAD,
            revoked_at=None,
        )
    )
    session.flush()
    return secret


def headers(session: orm.Session, member: Member, *, key: str | None = None) -> dict[str, str]:
    """The headers of one request of the member: a bearer token and an Idempotency-Key of its own."""
    return {"Authorization": f"Bearer {token(session, member)}", "Idempotency-Key": key or uuid4().hex}


def signed_in(
    session: orm.Session, role: Role, *, kind: OrganisationKind | None = None, region_code: str = "141122"
) -> dict[str, str]:
    """The headers of a new member with this role, in a new organisation of a kind that has it."""
    if kind is None:
        kind = next(kind for kind in OrganisationKind if role in ROLES_OF[SIDE_OF[kind]])
    return headers(session, member(session, organisation(session, kind=kind, region_code=region_code), role))
