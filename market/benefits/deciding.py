"""The life of a version of a plan or of a register: drafted by its owner, submitted, decided by another body."""

from datetime import date, datetime
from typing import Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.models import PinnedVersion, PlanVersion, RegisterVersion
from market.benefits.rules import PlanEvent, PlanStatus, status_after
from market.errors import FourEyesError, NotFoundError
from market.identity.rules import Actor

Version = TypeVar("Version", PlanVersion, RegisterVersion)


class Body(Protocol):
    """What a version says, with the one byte string that is hashed."""

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""

    def canonical(self) -> bytes:
        """Return the bytes that are hashed."""

    def sha256(self) -> str:
        """Return the hash of the bytes."""


def draft(
    session: orm.Session,
    actor: Actor,
    kind: type[Version],
    owner: orm.InstrumentedAttribute[UUID],
    owner_id: UUID,
    *,
    body: Body,
    valid_from: date,
    now: datetime,
    **stated: str,
) -> Version:
    """Add the next version of what `owner_id` names, with its bytes and their hash; the caller has locked that.

    `stated` is what versions of this kind say beside their body.
    """
    last = session.scalar(sa.select(sa.func.max(kind.number)).where(owner == owner_id))
    version = kind(
        number=(last or 0) + 1,
        status=PlanStatus.DRAFT,
        body=body.as_json(),
        canonical=body.canonical(),
        sha256=body.sha256(),
        valid_from=valid_from,
        made_by=actor.member_id,
        made_at=now,
        **{owner.key: owner_id},
        **stated,
    )
    session.add(version)
    session.flush()
    return version


def locked(session: orm.Session, visible: sa.Select[Version], kind: type[Version], version_id: UUID) -> Version:
    """Return one of the visible versions, locked until the commit; raises `NotFoundError`."""
    version = session.scalar(visible.where(kind.id == version_id).with_for_update())
    if version is None:
        raise NotFoundError(what=kind.machine)
    return version


def submit(session: orm.Session, version: PinnedVersion) -> None:
    """Ask the county to decide a locked draft; raises `TransitionError`."""
    version.status = status_after(version.status, PlanEvent.SUBMIT, machine=version.machine)
    session.flush()


def check(actor: Actor, version: PinnedVersion, event: PlanEvent, *, owner_id: UUID) -> PlanStatus:
    """Return what a locked version of the organisation `owner_id` becomes by the actor's decision.

    Raises `TransitionError`, or `FourEyesError` for its maker and for everybody of the maker's organisation.
    """
    after = status_after(version.status, event, machine=version.machine)
    if actor.member_id == version.made_by or actor.organisation_id == owner_id:
        raise FourEyesError(rule=version.machine)
    return after


def decide(
    session: orm.Session,
    actor: Actor,
    version: PinnedVersion,
    event: PlanEvent,
    *,
    owner_id: UUID,
    opinion: str,
    now: datetime,
) -> None:
    """Approve or reject a locked version of the organisation `owner_id`; it never changes again. Raises as `check`."""
    version.status = check(actor, version, event, owner_id=owner_id)
    version.decided_by = actor.member_id
    version.decided_at = now
    version.opinion = opinion
    session.flush()
