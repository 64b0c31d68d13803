"""What is kept of a token or key, and how a member's end."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.identity.models import Credential


def digest(secret: str) -> bytes:
    """Return what is kept of a secret: it has 256 random bits, so a plain hash cannot be reversed."""
    return sha256(secret.encode()).digest()


def end_all(session: orm.Session, member_id: UUID, *, now: datetime, but: str | None = None) -> None:
    """End a member's tokens and keys, at once and for ever; `but` is the secret of one that stays."""
    ending = sa.update(Credential).where(Credential.member_id == member_id, Credential.revoked_at.is_(None))
    if but is not None:
        ending = ending.where(Credential.secret_hash != digest(but))
    session.execute(ending.values(revoked_at=now))
