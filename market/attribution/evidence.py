"""Evidence: files by the hash of their bytes, with the day of capture, the uploader, and the one thing each proves.

The bytes are in the database, written in the transaction that acknowledges them: a backup of it has them all. They may
show persons and their papers, which no program takes out of a photograph; so they lie in the schema `vault`, of which a
backup of the public one has nothing, are shown to those who may see what they prove, and each look is recorded in the
transaction that answers it. They prove what was paid, often to many, and outlive the erasure of one household's data.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.models import Evidence, EvidenceContent, EvidenceReading, EvidenceUse
from market.attribution.paying import EvidenceUsedError
from market.attribution.pictures import Seen
from market.attribution.queries import visible_evidences
from market.db import new_id
from market.errors import NotFoundError, named
from market.identity.rules import Actor, Scope

MOST_FILE_BYTES = 10_000_000
"""A telephone's photograph has some 5 MB."""

LOOK_ALIKE_BITS = 3
"""So many of the 64 bits of `looks` differ at most between a picture and the same one scaled or saved again."""

MOST_LOOK_ALIKES = 5

_KEEP = sa.text(
    """
    WITH kept AS (
        INSERT INTO vault.evidence_contents (sha256, content, size_count, media_type)
        VALUES (:sha256, :content, :size, :media_type)
        ON CONFLICT DO NOTHING
    )
    INSERT INTO evidences (id, sha256, organisation_id, stated_on, taken_at, looks, uploaded_by, uploaded_at)
    VALUES (:id, :sha256, :organisation, :stated_on, :taken_at, :looks, :member, :now)
    ON CONFLICT DO NOTHING
    """
)
_USES = sa.text(
    """
    SELECT DISTINCT ON (u.sha256) u.sha256, u.turn, u.disbursement_id, u.confirmation_id, u.used_at,
           o.id AS organisation_id, o.name AS organisation, o.region_code,
           u.disbursement_id IS NOT NULL AND NOT EXISTS (
               SELECT FROM payments p WHERE p.disbursement_id = u.disbursement_id AND p.reversed_at IS NULL)
             AS is_reversed
      FROM evidence_uses u
      JOIN members m ON m.id = u.used_by
      JOIN organisations o ON o.id = m.organisation_id
     WHERE u.sha256 = ANY(:hashes)
     ORDER BY u.sha256, u.turn DESC
    """
)
_LOOK_ALIKES = sa.text(
    """
    SELECT id FROM evidences
     WHERE organisation_id = :organisation AND id <> :id AND bit_count(CAST(looks # :looks AS bit(64))) <= :bits
     ORDER BY id DESC
     LIMIT :most
    """
)


class Use(NamedTuple):
    """What a file proves, and who says so; null where the reader may not know."""

    disbursement_id: UUID | None
    confirmation_id: UUID | None
    organisation: str | None
    used_at: datetime


@dataclass(frozen=True, slots=True)
class File:
    """A file as its readers know it: `use` is what these bytes prove, whoever uploaded them."""

    id: UUID
    sha256: str
    media_type: str
    size: int
    stated_on: date | None
    taken_at: datetime | None
    uploaded_by: UUID
    uploaded_at: datetime
    duplicate: bool
    use: Use | None
    look_alikes: Sequence[UUID]


def store(
    session: orm.Session, actor: Actor, content: bytes, seen: Seen, *, stated_on: date | None, now: datetime
) -> File:
    """Keep a file of the actor's organisation; one that it has uploaded before is found, as it was stated then."""
    digest = sha256(content).hexdigest()
    evidence_id = new_id()
    session.execute(
        _KEEP,
        {
            "id": evidence_id,
            "sha256": digest,
            "content": content,
            "size": len(content),
            "media_type": seen.media_type,
            "organisation": actor.organisation_id,
            "stated_on": stated_on,
            "taken_at": seen.taken_at,
            "looks": seen.looks,
            "member": actor.member_id,
            "now": now,
        },
    )
    own = sa.select(Evidence).where(Evidence.organisation_id == actor.organisation_id, Evidence.sha256 == digest)
    evidence = session.scalars(own).one()
    return _file(session, actor, evidence, duplicate=evidence.id != evidence_id)


def find(session: orm.Session, actor: Actor, evidence_id: UUID) -> File:
    """Return a file the actor may know of, without its bytes; raises `NotFoundError`."""
    return _file(session, actor, _visible(session, actor, evidence_id), duplicate=False)


def read(session: orm.Session, actor: Actor, evidence_id: UUID, *, now: datetime) -> tuple[bytes, str]:
    """Return the bytes of a file and their type, and record who looked; raises `NotFoundError`."""
    evidence = _visible(session, actor, evidence_id)
    session.add(EvidenceReading(evidence_id=evidence.id, read_by=actor.member_id, read_at=now))
    found = sa.select(EvidenceContent.content, EvidenceContent.media_type)
    content, media_type = session.execute(found.where(EvidenceContent.sha256 == evidence.sha256)).one()
    session.flush()
    return content, media_type


def _visible(session: orm.Session, actor: Actor, evidence_id: UUID) -> Evidence:
    evidence = session.scalar(visible_evidences(actor).where(Evidence.id == evidence_id))
    if evidence is None:
        raise NotFoundError(what="evidence")
    return evidence


def _file(session: orm.Session, actor: Actor, evidence: Evidence, *, duplicate: bool) -> File:
    found = sa.select(EvidenceContent.media_type, EvidenceContent.size_count)
    media_type, size = session.execute(found.where(EvidenceContent.sha256 == evidence.sha256)).one()
    look_alikes: Sequence[UUID] = ()
    if evidence.looks is not None:
        alike = {"organisation": evidence.organisation_id, "id": evidence.id, "looks": evidence.looks}
        look_alikes = session.scalars(_LOOK_ALIKES, alike | {"bits": LOOK_ALIKE_BITS, "most": MOST_LOOK_ALIKES}).all()
    used = session.execute(_USES, {"hashes": [evidence.sha256]}).one_or_none()
    return File(
        id=evidence.id,
        sha256=evidence.sha256,
        media_type=media_type,
        size=size,
        stated_on=evidence.stated_on,
        taken_at=evidence.taken_at,
        uploaded_by=evidence.uploaded_by,
        uploaded_at=evidence.uploaded_at,
        duplicate=duplicate,
        use=_told(actor, used) if used and not used.is_reversed else None,
        look_alikes=look_alikes,
    )


def _told(actor: Actor, row: sa.Row[Any]) -> Use:
    """Return a use as the actor may know it: that there is one, and more of one's own organisation or region."""
    known = (
        actor.scope is Scope.ALL
        or row.organisation_id == actor.organisation_id
        or (actor.scope is Scope.REGION and row.region_code.startswith(actor.region_code))
    )
    if not known:
        return Use(None, None, None, row.used_at)
    return Use(row.disbursement_id, row.confirmation_id, row.organisation, row.used_at)


def proving(session: orm.Session, disbursement_id: UUID) -> Sequence[UUID]:
    """Return the files that prove a disbursement."""
    used = sa.select(EvidenceUse.evidence_id).where(EvidenceUse.disbursement_id == disbursement_id)
    return session.scalars(used.order_by(EvidenceUse.evidence_id)).all()


def use(
    session: orm.Session,
    actor: Actor,
    evidence_ids: Collection[UUID],
    *,
    now: datetime,
    disbursement_id: UUID | None = None,
    confirmation_id: UUID | None = None,
    pointer: str = "/evidence_ids",
) -> None:
    """Let files of the actor's organisation prove one disbursement or confirmation.

    Raises `NotFoundError` for files of others, and `EvidenceUsedError` for bytes that prove something else already,
    whoever uploaded them; what they prove already by the same request is no fault, and a disbursement that was wholly
    reversed is no longer proved by them.
    """
    if not evidence_ids:
        return
    found = sa.select(Evidence.id, Evidence.sha256)
    own = found.where(Evidence.id.in_(evidence_ids), Evidence.organisation_id == actor.organisation_id)
    hashes = {row.sha256: row.id for row in session.execute(own.order_by(Evidence.id))}
    if len(hashes) < len(set(evidence_ids)):
        raise NotFoundError(what="evidence", pointer=pointer)
    last = {row.sha256: row for row in session.execute(_USES, {"hashes": list(hashes)})}
    used = {digest: row for digest, row in last.items() if not row.is_reversed}
    for row in used.values():
        if (row.disbursement_id, row.confirmation_id) != (disbursement_id, confirmation_id):
            seen = _told(actor, row)
            raise EvidenceUsedError(where=named(seen.organisation and f"{row.used_at:%Y-%m-%d}"), pointer=pointer)
    session.add_all(
        EvidenceUse(
            sha256=digest,
            turn=last[digest].turn + 1 if digest in last else 0,
            evidence_id=evidence_id,
            disbursement_id=disbursement_id,
            confirmation_id=confirmation_id,
            used_by=actor.member_id,
            used_at=now,
        )
        for digest, evidence_id in hashes.items()
        if digest not in used
    )
    session.flush()
