"""Tables: organisations, members, credentials, idempotent answers."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.identity.rules import OrganisationKind, Role


class Organisation(Base):
    """A body that acts in the market. One that has traded is closed, never deleted."""

    __tablename__ = "organisations"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    kind: orm.Mapped[OrganisationKind]
    name: orm.Mapped[str] = orm.mapped_column(unique=True)
    name_is_kept: orm.Mapped[bool] = orm.mapped_column(default=False)
    """Whether a confirmed custody account is held in the name, which stays then."""
    credit_code: orm.Mapped[str | None] = orm.mapped_column(unique=True)
    region_code: orm.Mapped[str]
    active: orm.Mapped[bool] = orm.mapped_column(default=True)
    version: orm.Mapped[int] = orm.mapped_column(default=1)
    registered_at: orm.Mapped[datetime] = orm.mapped_column(server_default=sa.func.now())


class Member(Base):
    """A person's account in one organisation, known by its login alone; it opens nothing before another admitted it.

    Who changes the role, or lets a locked out person in again, adds anew. The first come from the command line: nobody
    added or admitted these.
    """

    __tablename__ = "members"
    __table_args__ = (
        sa.CheckConstraint(
            "added_by IS NULL OR (admitted_by IS NULL) = (admitted_at IS NULL)", name="admission_is_signed"
        ),
        sa.CheckConstraint("admitted_by NOT IN (added_by, id)", name="another_admits"),
        sa.CheckConstraint(
            "(admission_code_hash IS NOT NULL)"
            " = (added_by IS NOT NULL AND admitted_at IS NOT NULL AND NOT own_password)",
            name="first_password_takes_a_code",
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    organisation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    login: orm.Mapped[str] = orm.mapped_column(unique=True)
    password_hash: orm.Mapped[str]
    own_password: orm.Mapped[bool] = orm.mapped_column(default=False)
    """Whether the person chose it; who added the member knows the first one."""
    role: orm.Mapped[Role]
    added_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    added_at: orm.Mapped[datetime]
    admitted_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    admitted_at: orm.Mapped[datetime | None]
    admission_code_hash: orm.Mapped[bytes | None]
    """What is kept of the code by which an admitted member sets a password of its own, until it did."""
    active: orm.Mapped[bool] = orm.mapped_column(default=True)
    version: orm.Mapped[int] = orm.mapped_column(default=1)


class Credential(Base):
    """A token of a signed-in member, or an API key (then with a label and scopes); only its hash is kept."""

    __tablename__ = "credentials"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    member_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"), index=True)
    secret_hash: orm.Mapped[bytes] = orm.mapped_column(unique=True)
    label: orm.Mapped[str | None]
    scopes: orm.Mapped[list[str] | None]
    created_at: orm.Mapped[datetime]
    expires_at: orm.Mapped[datetime]
    revoked_at: orm.Mapped[datetime | None]


class IdempotentAnswer(Base):
    """The first answer to a member's key, written in the transaction whose effect it reports."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (sa.Index("idempotent_answers_lately", "member_id", "answered_at"),)

    member_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"), primary_key=True)
    key: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    request_hash: orm.Mapped[bytes]
    status: orm.Mapped[int]
    body: orm.Mapped[bytes]
    answered_at: orm.Mapped[datetime] = orm.mapped_column(server_default=sa.func.now())
