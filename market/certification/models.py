"""Tables: policies, applications, reviews, price evidence, objections, batches, certificates, alerts."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.certification.rules import (
    ApplicationStatus,
    CertificateEvent,
    CertificateStatus,
    Decision,
    EvidenceKind,
    ReviewStep,
)
from market.db import Base, new_id
from market.quantities import Unit

# Read as a unit, but without the check that `unit` already has under the same name; its own is below.
_BASE = sa.Enum(
    Unit,
    native_enum=False,
    create_constraint=False,
    length=40,
    values_callable=lambda members: [member.value for member in members],
)


class CertificationPolicy(Base):
    """How long notice and validity are, by region prefix, from a day on; the longest prefix wins."""

    __tablename__ = "certification_policies"
    __table_args__ = (sa.CheckConstraint("notice_working_days > 0 AND validity_days > 0", name="periods_are_positive"),)

    region_code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    valid_from: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    notice_working_days: orm.Mapped[int]
    validity_days: orm.Mapped[int]


class Application(Base):
    """A supplier asks to have one product certified; what it says of the product is never edited afterwards.

    `price_fen` is per `unit`; one unit holds `unit_milli` milli-units of `base_unit`.
    """

    __tablename__ = "applications"
    __table_args__ = (
        sa.CheckConstraint("declared_value_fen > 0", name="value_is_declared"),
        sa.CheckConstraint("price_fen > 0", name="price_is_positive"),
        sa.CheckConstraint("unit_milli > 0", name="unit_is_positive"),
        sa.CheckConstraint("base_unit IN ('kg', 'piece')", name="base_unit_is_kg_or_piece"),
        sa.CheckConstraint("people_driven > 0", name="people_are_driven"),
        sa.CheckConstraint("status <> 'on_notice' OR notice_ends_on IS NOT NULL", name="notice_has_an_end"),
        sa.Index("applications_on_notice_idx", "notice_ends_on", postgresql_where=sa.text("status = 'on_notice'")),
        sa.Index("applications_origin_idx", "origin_code", postgresql_ops={"origin_code": "text_pattern_ops"}),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    plan_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("plans.id"))
    product_name: orm.Mapped[str]
    specification: orm.Mapped[str]
    category_code: orm.Mapped[str]
    origin_code: orm.Mapped[str]
    unit: orm.Mapped[Unit]
    unit_milli: orm.Mapped[int]
    base_unit: orm.Mapped[Unit] = orm.mapped_column(_BASE)
    price_fen: orm.Mapped[int]
    declared_value_fen: orm.Mapped[int]
    people_driven: orm.Mapped[int]
    status: orm.Mapped[ApplicationStatus]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    notice_ends_on: orm.Mapped[date | None]


class Review(Base):
    """One decision on an application; no person and no organisation decides two steps, no step is decided twice."""

    __tablename__ = "reviews"
    __table_args__ = (
        sa.UniqueConstraint("application_id", "organisation_id"),
        sa.UniqueConstraint("application_id", "reviewer_id"),
        sa.UniqueConstraint("application_id", "step"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    application_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("applications.id"))
    step: orm.Mapped[ReviewStep]
    decision: orm.Mapped[Decision]
    opinion: orm.Mapped[str]
    attachment_sha256: orm.Mapped[str | None]
    organisation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    reviewer_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    reviewed_at: orm.Mapped[datetime]


class PriceEvidence(Base):
    """What one unit of the same specification, variety and quality costs elsewhere; kept, not public."""

    __tablename__ = "price_evidences"
    __table_args__ = (sa.CheckConstraint("price_fen > 0", name="price_is_positive"),)

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    application_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("applications.id"), index=True)
    kind: orm.Mapped[EvidenceKind]
    reference: orm.Mapped[str]
    price_fen: orm.Mapped[int]
    observed_on: orm.Mapped[date]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))


class Objection(Base):
    """Somebody objects during the public notice; a county reviewer upholds or dismisses it."""

    __tablename__ = "objections"
    __table_args__ = (
        sa.CheckConstraint("settled_by IS NULL OR settled_by <> raised_by", name="objector_does_not_settle"),
        sa.CheckConstraint(
            "num_nulls(upheld, settlement, settled_by, settled_at) IN (0, 4)", name="settlement_is_signed"
        ),
        sa.Index("objections_open_idx", "application_id", postgresql_where=sa.text("settled_at IS NULL")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    application_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("applications.id"), index=True)
    reason: orm.Mapped[str]
    raised_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    raised_at: orm.Mapped[datetime]
    upheld: orm.Mapped[bool | None]
    settlement: orm.Mapped[str | None]
    settled_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    settled_at: orm.Mapped[datetime | None]


class Batch(Base):
    """A numbered batch (批次) of the catalogue of certified products."""

    __tablename__ = "batches"
    __table_args__ = (
        sa.UniqueConstraint("county_code", "number"),
        sa.CheckConstraint("number > 0", name="number_is_positive"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    county_code: orm.Mapped[str]
    number: orm.Mapped[int]
    published_on: orm.Mapped[date]
    published_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))


class Certificate(Base):
    """The right to sell a product as certified, from `valid_from` to `valid_to`, both days included.

    `price_ceiling_fen` is the lowest evidenced price of one unit, in the application's unit and its content.
    """

    __tablename__ = "certificates"
    __table_args__ = (
        sa.CheckConstraint("valid_to >= valid_from", name="validity_is_a_period"),
        sa.CheckConstraint("price_ceiling_fen > 0", name="ceiling_is_positive"),
        sa.Index("certificates_lapsing_idx", "valid_to", postgresql_where=sa.text("status <> 'revoked'")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    application_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("applications.id"), unique=True)
    batch_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("batches.id"), index=True)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    status: orm.Mapped[CertificateStatus]
    valid_from: orm.Mapped[date]
    valid_to: orm.Mapped[date]
    price_ceiling_fen: orm.Mapped[int]
    version: orm.Mapped[int] = orm.mapped_column(default=1)

    application: orm.Mapped[Application] = orm.relationship(lazy="raise")
    batch: orm.Mapped[Batch] = orm.relationship(lazy="raise")


class CertificateChange(Base):
    """Why a certificate was suspended, reinstated or revoked, and by whom."""

    __tablename__ = "certificate_changes"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    certificate_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("certificates.id"), index=True)
    event: orm.Mapped[CertificateEvent]
    reason: orm.Mapped[str]
    changed_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    changed_at: orm.Mapped[datetime]


class CertificateAlert(Base):
    """A certificate lapses in `days` days, or lapsed (0); raised once each."""

    __tablename__ = "certificate_alerts"

    certificate_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("certificates.id"), primary_key=True)
    days: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    raised_at: orm.Mapped[datetime]
