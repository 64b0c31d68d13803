"""Tables: households, their statuses over time, their people (sealed) and who read what of them; the vault's keys."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.db import Base, new_id
from market.households.rules import (
    AccessKind,
    ConsentPurpose,
    Deed,
    DepartureReason,
    ErasureStatus,
    HouseholdStatus,
    Purpose,
)
from market.identity.rules import Role


class Household(Base):
    """A family on the register, from `registered_on` until the day before `departed_on` (null: still on it).

    Who recorded the departure, and when, is null where no member did; a reason is asked of who leaves while monitored.
    `head_count` is the one that holds last; those before are in `household_head_counts`. `land_milli_mu` is what
    it farms, as the county knows it now, in thousandths of a mu; null where nobody has told.
    """

    __tablename__ = "households"
    __table_args__ = (
        sa.CheckConstraint("head_count BETWEEN 1 AND 30", name="head_count_is_plausible"),
        sa.CheckConstraint("land_milli_mu BETWEEN 0 AND 999999", name="land_is_plausible"),
        sa.CheckConstraint("departed_on > registered_on", name="departure_follows_registration"),
        sa.CheckConstraint(
            "num_nulls(departure_recorded_by, departure_recorded_at) IN (0, 2)"
            " AND (departed_on IS NOT NULL OR num_nonnulls(departure_reason, departure_recorded_at) = 0)",
            name="departure_has_a_recorder",
        ),
        # Few have left: whoever asks of many whether they did need not visit those who have not.
        sa.Index(
            "households_departed_idx",
            "id",
            postgresql_include=["departed_on"],
            postgresql_where=sa.text("departed_on IS NOT NULL"),
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    code: orm.Mapped[str] = orm.mapped_column(unique=True)
    village_code: orm.Mapped[str] = orm.mapped_column(index=True)
    head_count: orm.Mapped[int]
    land_milli_mu: orm.Mapped[int | None]
    registered_on: orm.Mapped[date]
    departed_on: orm.Mapped[date | None]
    departure_reason: orm.Mapped[DepartureReason | None]
    departure_recorded_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    departure_recorded_at: orm.Mapped[datetime | None]
    version: orm.Mapped[int] = orm.mapped_column(default=1)


class HouseholdStatusPeriod(Base):
    """A household's status from `valid_from` until the next period begins; periods are only ever added.

    Who recorded it, and when, stands beside the day from which it holds: null where no member did.
    """

    __tablename__ = "household_statuses"

    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), primary_key=True)
    valid_from: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    status: orm.Mapped[HouseholdStatus]
    recorded_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime] = orm.mapped_column(server_default=sa.func.now())


class HouseholdHeadCount(Base):
    """How many a household counts from `valid_from` on; of one day the row recorded last holds. Only ever added."""

    __tablename__ = "household_head_counts"
    __table_args__ = (
        sa.CheckConstraint("head_count BETWEEN 1 AND 30", name="head_count_is_plausible"),
        sa.Index("household_head_counts_household_idx", "household_id", "valid_from"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"))
    valid_from: orm.Mapped[date]
    head_count: orm.Mapped[int]
    recorded_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime] = orm.mapped_column(server_default=sa.func.now())


class Person(Base):
    """A person of a household, in ciphertext alone; departed persons stay on record.

    `masked` is what a listing shows, sealed as well: to list people nothing is opened that is not shown.
    """

    __tablename__ = "people"
    __table_args__ = (
        sa.Index(
            "people_resident_id_index_once", "resident_id_index", unique=True, postgresql_where="departed_on IS NULL"
        ),
        sa.Index("people_departed_idx", "resident_id_index", postgresql_where="departed_on IS NOT NULL"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), index=True)
    name: orm.Mapped[bytes]
    resident_id: orm.Mapped[bytes | None]
    relation: orm.Mapped[bytes | None]
    phone: orm.Mapped[bytes | None]
    bank_name: orm.Mapped[bytes | None]
    bank_account: orm.Mapped[bytes | None]
    health: orm.Mapped[bytes | None]
    masked: orm.Mapped[bytes]
    resident_id_index: orm.Mapped[bytes | None]
    phone_index: orm.Mapped[bytes | None] = orm.mapped_column(index=True)
    bank_account_index: orm.Mapped[bytes | None] = orm.mapped_column(index=True)
    departed_on: orm.Mapped[date | None]
    version: orm.Mapped[int] = orm.mapped_column(default=1)


class HouseholdKey(Base):
    """A household's data key, wrapped; once it is destroyed, what it sealed stays unreadable for ever.

    In a schema of its own: a backup of the public one is of no use to whoever has the master key too.
    """

    __tablename__ = "household_keys"
    __table_args__ = (
        sa.CheckConstraint(
            "num_nonnulls(wrapped, destroyed_at) = 1 AND num_nulls(destroyed_at, destroyed_by, reason) IN (0, 3)",
            name="destroyed_by_somebody_for_a_reason",
        ),
        {"schema": "vault"},
    )

    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), primary_key=True)
    key_id: orm.Mapped[UUID] = orm.mapped_column(unique=True, default=new_id)
    master_version: orm.Mapped[int] = orm.mapped_column(index=True)
    wrapped: orm.Mapped[bytes | None]
    made_at: orm.Mapped[datetime]
    destroyed_at: orm.Mapped[datetime | None]
    destroyed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    reason: orm.Mapped[str | None]


class KeyFingerprint(Base):
    """By what a key of the keyring is known again: another keyring than the one in use is refused."""

    __tablename__ = "key_fingerprints"
    __table_args__ = ({"schema": "vault"},)

    name: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    fingerprint: orm.Mapped[bytes]


class PersonalDataAccess(Base):
    """Who read whose personal data in clear, or looked them up; written before, and never changed."""

    __tablename__ = "personal_data_accesses"
    __table_args__ = (
        sa.Index("personal_data_accesses_member_id_accessed_at_idx", "member_id", "accessed_at"),
        sa.Index("personal_data_accesses_household_ids_idx", "household_ids", postgresql_using="gin"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    kind: orm.Mapped[AccessKind]
    member_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    role: orm.Mapped[Role]
    acting_for: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    purpose: orm.Mapped[Purpose]
    reason: orm.Mapped[str]
    household_ids: orm.Mapped[list[UUID]] = orm.mapped_column(postgresql.ARRAY(sa.Uuid))
    fields: orm.Mapped[list[str]]
    person_count: orm.Mapped[int]
    ip: orm.Mapped[str]
    request_id: orm.Mapped[str]
    accessed_at: orm.Mapped[datetime]


class Consent(Base):
    """What a household agreed to, from a day until one; a withdrawal ends it and leaves it on record."""

    __tablename__ = "consents"
    __table_args__ = (
        sa.UniqueConstraint("household_id", "purpose", "valid_from"),
        sa.CheckConstraint("valid_until > valid_from", name="consent_is_for_a_period"),
        sa.CheckConstraint("(withdrawn_on IS NULL) = (withdrawn_by IS NULL)", name="withdrawal_has_a_recorder"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"))
    purpose: orm.Mapped[ConsentPurpose]
    valid_from: orm.Mapped[date]
    valid_until: orm.Mapped[date | None]
    evidence: orm.Mapped[str]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime]
    withdrawn_on: orm.Mapped[date | None]
    withdrawn_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))


class ProxyAct(Base):
    """What a village clerk did in a household's place; only ever added."""

    __tablename__ = "proxy_acts"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), index=True)
    deed: orm.Mapped[Deed]
    about_id: orm.Mapped[UUID | None]
    evidence: orm.Mapped[str]
    member_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    acting_for: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    acted_at: orm.Mapped[datetime]


class Erasure(Base):
    """The request to destroy a household's key, and what was decided.

    `shared_with` is with how many other households it shared a bank account until its key was destroyed: a trace that
    one may not remove by asking to be forgotten.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        sa.Index("erasures_household_id_once", "household_id", unique=True, postgresql_where="status <> 'rejected'"),
        sa.CheckConstraint("(status = 'requested') = (decided_at IS NULL)", name="decision_has_an_instant"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"))
    status: orm.Mapped[ErasureStatus]
    reason: orm.Mapped[str]
    requested_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    requested_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    opinion: orm.Mapped[str | None]
    shared_with: orm.Mapped[int | None]
