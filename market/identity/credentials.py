"""What is kept of a token, a key or an admission code, and how a member's tokens and keys end."""

import hmac
import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.identifiers import CODE_LETTERS, reference_key
from market.identity.models import Credential

_GROUPS, _GROUP = 7, 4


def digest(secret: str) -> bytes:
    """Return what is kept of a secret: it has at least 128 random bits, so a plain hash cannot be reversed."""
    return sha256(secret.encode()).digest()


def new_admission_code() -> str:
    """Return a code of 138 random bits, in groups, to be told to a person."""
    return "-".join("".join(secrets.choice(CODE_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def admission_digest(code: str) -> bytes:
    """Return what is kept of an admission code, however its groups are typed."""
    return digest(reference_key(code))


def is_admission_code(code: str, kept: bytes | None) -> bool:
    """Tell whether this is the code of which that is kept."""
    return kept is not None and hmac.compare_digest(admission_digest(code), kept)


def end_all(session: orm.Session, member_id: UUID, *, now: datetime, but: str | None = None) -> None:
    """End a member's tokens and keys, at once and for ever; `but` is the secret of one that stays."""
    ending = sa.update(Credential).where(Credential.member_id == member_id, Credential.revoked_at.is_(None))
    if but is not None:
        ending = ending.where(Credential.secret_hash != digest(but))
    session.execute(ending.values(revoked_at=now))
