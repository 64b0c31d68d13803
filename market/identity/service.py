"""Registering organisations and members, signing in, keys, and the memory behind idempotency keys."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import orm

from market import identifiers
from market.errors import InvalidInputError, NotFoundError
from market.identity import credentials, members, queries
from market.identity.models import Credential, Member, Organisation
from market.identity.refusals import (
    CreditCodeError,
    CreditCodeTakenError,
    IdempotencyKeyReusedError,
    LoginFailedError,
    NotAdmittedError,
    OrganisationNameKeptError,
    OrganisationNameTakenError,
    PasswordNotOwnError,
    SamePasswordError,
    TokenExpiredError,
    UnauthenticatedError,
    WrongAdmissionCodeError,
    WrongPasswordError,
)
from market.identity.rules import (
    Actor,
    OrganisationKind,
    Permission,
    Role,
    check_key_scopes,
    scope_of,
)

_HASHER = PasswordHasher()
_NOBODYS_HASH = _HASHER.hash(secrets.token_hex())
TOKEN_PREFIX = "mt_"  # noqa: S105 - a prefix, no secret
KEY_PREFIX = "mk_"


def register_organisation(
    session: orm.Session, *, kind: OrganisationKind, name: str, region_code: str, credit_code: str | None
) -> Organisation:
    """Register a body.

    Raises `InvalidInputError` (region), `CreditCodeError`, `CreditCodeTakenError` or `OrganisationNameTakenError`.
    """
    if not identifiers.is_region_code(region_code):
        raise InvalidInputError("not a region code", "行政区划代码无效", pointer="/region_code")
    if credit_code is not None:
        if not identifiers.is_credit_code(credit_code):
            raise CreditCodeError(code=credit_code, pointer="/credit_code")
        if session.scalar(sa.select(Organisation.id).where(Organisation.credit_code == credit_code)):
            raise CreditCodeTakenError(pointer="/credit_code")
    _check_name(session, name)
    organisation = Organisation(kind=kind, name=name, region_code=region_code, credit_code=credit_code)
    session.add(organisation)
    session.flush()
    return organisation


def platform(session: orm.Session, *, name: str, region_code: str) -> Organisation:
    """Return the operating body of this name, registered if need be; raises what `register_organisation` raises."""
    known = sa.select(Organisation).where(Organisation.kind == OrganisationKind.PLATFORM, Organisation.name == name)
    return session.scalar(known) or register_organisation(
        session, kind=OrganisationKind.PLATFORM, name=name, region_code=region_code, credit_code=None
    )


def organisation_to_change(session: orm.Session, actor: Actor, *, organisation_id: UUID) -> Organisation:
    """Return an organisation, locked; raises `NotFoundError`."""
    organisation = session.scalar(
        queries.visible_organisations(actor).where(Organisation.id == organisation_id).with_for_update()
    )
    if organisation is None:
        raise NotFoundError(what="organisation")
    return organisation


def change_organisation(
    session: orm.Session,
    actor: Actor,
    organisation: Organisation,
    *,
    name: str | None,
    active: bool | None,
    now: datetime,
) -> None:
    """Rename, close or reopen a locked organisation; None leaves a fact as it is.

    A closed one locks its members out at once; reopened, each needs another admission. Raises
    `OrganisationNameTakenError` or `OrganisationNameKeptError`.
    """
    if name is not None and name != organisation.name:
        if organisation.name_is_kept:
            raise OrganisationNameKeptError(pointer="/name")
        _check_name(session, name)
        organisation.name = name
    if active is not None:
        if active and not organisation.active:
            members.add_all_anew(session, actor, organisation_id=organisation.id, now=now)
        organisation.active = active
    organisation.version += 1
    session.flush()


def _check_name(session: orm.Session, name: str) -> None:
    if session.scalar(sa.select(Organisation.id).where(Organisation.name == name)):
        raise OrganisationNameTakenError(pointer="/name")


def hash_password(password: str) -> str:
    """Return what is kept of a password (argon2id, salted); slow on purpose, so call it before the transaction."""
    return _HASHER.hash(password)


_PASSWORD_OF = sa.text(
    """
    SELECT m.id, m.password_hash, m.admitted_at FROM members m JOIN organisations o ON o.id = m.organisation_id
     WHERE m.login = :login AND m.active AND o.active
    """
)


class CheckedPassword(NamedTuple):
    """Whose password was right, and what was kept of it then."""

    member_id: UUID
    password_hash: str


def check_password(connection: sa.Connection, *, login: str, password: str) -> CheckedPassword:
    """Return the member with this login and password; slow on purpose, so call it before the transaction.

    Raises `LoginFailedError` for an unknown login, a wrong password and a deactivated member or organisation alike,
    after the same work, so that an answer does not tell which logins exist; `NotAdmittedError` only to who knows both.
    """
    found = connection.execute(_PASSWORD_OF, {"login": login}).one_or_none()
    try:
        _HASHER.verify(found.password_hash if found else _NOBODYS_HASH, password)
    except VerificationError:
        raise LoginFailedError from None
    if found is None:
        raise LoginFailedError
    if found.admitted_at is None:
        raise NotAdmittedError
    return CheckedPassword(found.id, found.password_hash)


class NewPassword(NamedTuple):
    """What is kept of a member's password, and what shall be."""

    old_hash: str
    new_hash: str


_HASH_OF = sa.text("SELECT password_hash FROM members WHERE id = :id")


def check_new_password(connection: sa.Connection, actor: Actor, *, old: str, new: str) -> NewPassword:
    """Return what shall be kept of the actor's new password; slow on purpose, so call it before the transaction.

    Raises `WrongPasswordError` or `SamePasswordError`.
    """
    old_hash = connection.execute(_HASH_OF, {"id": actor.member_id}).scalar_one()
    try:
        _HASHER.verify(old_hash, old)
    except VerificationError:
        raise WrongPasswordError(pointer="/old_password") from None
    if new == old:
        raise SamePasswordError(pointer="/new_password")
    return NewPassword(old_hash, hash_password(new))


def set_password(
    session: orm.Session, member: Member, password: NewPassword, *, admission_code: str, secret: str, now: datetime
) -> None:
    """Give a locked member a password of its own, and end its tokens and keys but the token with this secret.

    Whoever knew the old password may hold one of them. Raises `WrongPasswordError` if it was changed meanwhile, or
    `WrongAdmissionCodeError`; whom the command line made needs no code.
    """
    if member.password_hash != password.old_hash:
        raise WrongPasswordError(pointer="/old_password")
    needs_code = not member.own_password and member.added_by is not None
    if needs_code and not credentials.is_admission_code(admission_code, member.admission_code_hash):
        raise WrongAdmissionCodeError(pointer="/admission_code")
    member.admission_code_hash = None
    member.password_hash, member.own_password = password.new_hash, True
    credentials.end_all(session, member.id, now=now, but=secret)
    session.flush()


_STILL_OPENS = sa.text(
    """
    SELECT m.admitted_at FROM members m JOIN organisations o ON o.id = m.organisation_id
     WHERE m.id = :id AND m.password_hash = :hash AND m.active AND o.active FOR SHARE OF m
    """
)


def sign_in(session: orm.Session, checked: CheckedPassword, *, now: datetime, hours: int) -> tuple[str, Credential]:
    """Return a new token of a member whose password was checked, and its record.

    Who changes the password, the role or the member ends its tokens: this waits for one who does, and the next for
    this. Raises `LoginFailedError` if the password opens nothing any more, or `NotAdmittedError`.
    """
    still = session.execute(_STILL_OPENS, {"id": checked.member_id, "hash": checked.password_hash}).one_or_none()
    if still is None:
        raise LoginFailedError
    if still.admitted_at is None:
        raise NotAdmittedError
    life = timedelta(hours=hours)
    return _issue(session, checked.member_id, prefix=TOKEN_PREFIX, label=None, scopes=None, now=now, life=life)


def sign_out(session: orm.Session, *, secret: str, now: datetime) -> None:
    """End the credential with this secret, at once and for ever."""
    session.execute(
        sa.update(Credential)
        .where(Credential.secret_hash == credentials.digest(secret), Credential.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def make_key(
    session: orm.Session, actor: Actor, *, label: str, scopes: Iterable[Permission], now: datetime, days: int
) -> tuple[str, Credential]:
    """Return a new API key for the actor and its record; raises `KeyScopeError`."""
    wanted = sorted(set(scopes))
    check_key_scopes(actor.role, wanted)
    values = [permission.value for permission in wanted]
    return _issue(
        session, actor.member_id, prefix=KEY_PREFIX, label=label, scopes=values, now=now, life=timedelta(days=days)
    )


def _issue(
    session: orm.Session,
    member_id: UUID,
    *,
    prefix: str,
    label: str | None,
    scopes: list[str] | None,
    now: datetime,
    life: timedelta,
) -> tuple[str, Credential]:
    secret = prefix + secrets.token_urlsafe(32)
    credential = Credential(
        member_id=member_id,
        secret_hash=credentials.digest(secret),
        label=label,
        scopes=scopes,
        created_at=now,
        expires_at=now + life,
    )
    session.add(credential)
    session.flush()
    return secret, credential


def revoke_key(session: orm.Session, actor: Actor, *, key_id: UUID, now: datetime) -> None:
    """End one of the actor's own API keys at once, or again; raises `NotFoundError`."""
    key = session.scalar(queries.visible_keys(actor).where(Credential.id == key_id).with_for_update())
    if key is None:
        raise NotFoundError(what="api_key")
    key.revoked_at = key.revoked_at or now
    session.flush()


_WHO = sa.text(
    """
    SELECT m.id AS member_id, m.organisation_id, m.role, o.kind, o.region_code, c.scopes, m.own_password,
           m.admitted_at IS NOT NULL AS admitted,
           c.expires_at <= :now OR c.revoked_at IS NOT NULL OR NOT m.active OR NOT o.active AS ended
      FROM credentials c
      JOIN members m ON m.id = c.member_id
      JOIN organisations o ON o.id = m.organisation_id
     WHERE c.secret_hash = :secret_hash
    """
)


def authenticate(connection: sa.Connection, secret: str, permission: Permission, *, now: datetime) -> Actor:
    """Return the actor behind a secret, in one statement.

    Raises `UnauthenticatedError`, `TokenExpiredError`, `NotAdmittedError`, `PasswordNotOwnError` or `ForbiddenError`.
    """
    if not secret:
        raise UnauthenticatedError
    found: Any = connection.execute(_WHO, {"secret_hash": credentials.digest(secret), "now": now}).one_or_none()
    if found is None:
        raise UnauthenticatedError
    if found.ended:
        raise TokenExpiredError
    if not found.admitted:
        raise NotAdmittedError
    if not found.own_password and permission is not Permission.PASSWORD_WRITE:
        raise PasswordNotOwnError
    scopes = frozenset(found.scopes) if found.scopes is not None else None
    role = Role(found.role)
    return Actor(
        member_id=found.member_id,
        organisation_id=found.organisation_id,
        kind=OrganisationKind(found.kind),
        role=role,
        region_code=found.region_code,
        scope=scope_of(role, permission, scopes),
        key_scopes=scopes,
    )


class Answer(NamedTuple):
    """What was answered to an idempotency key."""

    status: int
    body: bytes


_ANSWER = sa.text("SELECT request_hash, status, body FROM idempotent_answers WHERE member_id = :member AND key = :key")
_REMEMBER = sa.text(
    """
    INSERT INTO idempotent_answers (member_id, key, request_hash, status, body)
    VALUES (:member, :key, :request_hash, :status, :body)
    """
)

_REMEMBER_UNLESS_JUST_ANSWERED = sa.text(
    """
    INSERT INTO idempotent_answers (member_id, key, request_hash, status, body)
    SELECT CAST(:member AS uuid), CAST(:key AS text), CAST(:request_hash AS bytea), CAST(:status AS bigint),
           CAST(:body AS bytea)
     WHERE NOT EXISTS (
         SELECT FROM idempotent_answers
          WHERE member_id = CAST(:member AS uuid) AND request_hash = CAST(:request_hash AS bytea)
            AND answered_at > clock_timestamp() - CAST(:within AS interval)
     )
    """
)


def answer_to(session: orm.Session, actor: Actor, *, key: str, request_hash: bytes) -> Answer | None:
    """Return the first answer to this key, or None; raises `IdempotencyKeyReusedError` for another request."""
    answered = session.execute(_ANSWER, {"member": actor.member_id, "key": key}).one_or_none()
    if answered is None:
        return None
    if answered.request_hash != request_hash:
        raise IdempotencyKeyReusedError
    return Answer(answered.status, answered.body)


def remember_answer(session: orm.Session, actor: Actor, *, key: str, request_hash: bytes, answer: Answer) -> None:
    """Store the answer beside the effect it reports."""
    session.execute(
        _REMEMBER,
        {"member": actor.member_id, "key": key, "request_hash": request_hash, **answer._asdict()},
    )


def remember_unless_just_answered(
    session: orm.Session, actor: Actor, *, key: str, request_hash: bytes, answer: Answer, seconds: int
) -> bool:
    """Store the answer, unless the same was asked so lately under another key; return whether it was stored.

    Of two at once the second must wait for the first before this, by a lock of what both change.
    """
    row = {"member": actor.member_id, "key": key, "request_hash": request_hash, **answer._asdict()}
    stored = session.execute(_REMEMBER_UNLESS_JUST_ANSWERED, row | {"within": timedelta(seconds=seconds)})
    return bool(cast("sa.CursorResult[Any]", stored).rowcount)
