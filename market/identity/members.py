"""Adding, admitting and changing members: nobody comes to act in the market by one person's doing."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import FourEyesError, NotFoundError
from market.identity import credentials, queries
from market.identity.models import Member, Organisation
from market.identity.refusals import AlreadyAdmittedError, LoginTakenError
from market.identity.rules import Actor, Role, check_role


def add(
    session: orm.Session,
    added_by: UUID | None,
    *,
    organisation_id: UUID,
    login: str,
    password_hash: str,
    role: Role,
    now: datetime,
) -> Member:
    """Give a person an account with a hash of `hash_password`; another member must admit it.

    Added by nobody is who comes from the command line, and admitted with that: whoever runs it owns the database.
    Raises `NotFoundError`, `RoleNotOfKindError` or `LoginTakenError`.
    """
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFoundError(what="organisation")
    check_role(organisation.kind, role)
    if session.scalar(sa.select(Member.id).where(Member.login == login)):
        raise LoginTakenError(pointer="/login")
    member = Member(
        organisation_id=organisation_id,
        login=login,
        password_hash=password_hash,
        role=role,
        added_by=added_by,
        added_at=now,
        admitted_at=now if added_by is None else None,
    )
    session.add(member)
    session.flush()
    return member


def locked(session: orm.Session, actor: Actor, *, member_id: UUID) -> Member:
    """Return a member that the actor may see, locked; raises `NotFoundError`."""
    member = session.scalar(queries.visible_members(actor).where(Member.id == member_id).with_for_update())
    if member is None:
        raise NotFoundError(what="member")
    return member


def admit(session: orm.Session, actor: Actor, member: Member, *, now: datetime) -> str | None:
    """Let a locked member act in its role.

    Return the code without which it cannot set its first own password: the admitter hands it to the person, so that
    whoever added the member, and knows the first password, does not come in by it. None if it has its own password.
    Raises `AlreadyAdmittedError`, or `FourEyesError` for who added it and for the member itself.
    """
    if member.admitted_at is not None:
        raise AlreadyAdmittedError
    if actor.member_id in (member.added_by, member.id):
        raise FourEyesError(rule="admission")
    member.admitted_by, member.admitted_at = actor.member_id, now
    code = None if member.own_password else credentials.new_admission_code()
    member.admission_code_hash = credentials.admission_digest(code) if code else None
    member.version += 1
    session.flush()
    return code


def change(
    session: orm.Session, actor: Actor, member: Member, *, role: Role | None, active: bool | None, now: datetime
) -> None:
    """Change a locked member's role, lock the person out or let it in again; None leaves a fact as it is.

    Another role, and coming back, need another admission; locking out does not. Each ends the member's tokens and keys.
    Raises `RoleNotOfKindError`.
    """
    if role is not None and role is not member.role:
        check_role(session.get_one(Organisation, member.organisation_id).kind, role)
        member.role = role
        _add_anew(session, member, actor, now)
    if active is not None and active is not member.active:
        member.active = active
        if active:
            _add_anew(session, member, actor, now)
        else:
            credentials.end_all(session, member.id, now=now)
    member.version += 1
    session.flush()


def reset_password(session: orm.Session, actor: Actor, member: Member, *, password_hash: str, now: datetime) -> None:
    """Give a locked member a first password again, with a hash of `hash_password`: it comes in as one added anew."""
    member.password_hash, member.own_password = password_hash, False
    _add_anew(session, member, actor, now)
    member.version += 1
    session.flush()


def add_all_anew(session: orm.Session, actor: Actor, *, organisation_id: UUID, now: datetime) -> None:
    """Have another admit each member of a locked organisation again."""
    all_of_it = sa.select(Member).where(Member.organisation_id == organisation_id).order_by(Member.id)
    for member in session.scalars(all_of_it.with_for_update()):
        _add_anew(session, member, actor, now)
        member.version += 1
    session.flush()


def _add_anew(session: orm.Session, member: Member, actor: Actor, now: datetime) -> None:
    """Have another admit a locked member again; whatever it held of the time before opens nothing after."""
    member.added_by, member.added_at = actor.member_id, now
    member.admitted_by = member.admitted_at = member.admission_code_hash = None
    credentials.end_all(session, member.id, now=now)
