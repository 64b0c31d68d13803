"""Who may see which applications and certificates, and which terms hold where."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.certification.models import (
    Application,
    Batch,
    Certificate,
    CertificateAlert,
    CertificateChange,
    CertificationPolicy,
    Objection,
    PriceEvidence,
    Review,
)
from market.certification.rules import DEFAULT_TERMS, ApplicationStatus, CertificateStatus, Terms
from market.db import within
from market.identity.rules import Actor, Scope


def visible_applications(actor: Actor) -> sa.Select[Application]:
    """Return the applications of the actor's own organisation, of origins in its region, or all."""
    applications = sa.select(Application)
    if actor.scope is Scope.OWN:
        return applications.where(Application.supplier_id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        return applications.where(within(Application.origin_code, actor.region_code))
    return applications


def on_notice() -> sa.Select[Application]:
    """Return the applications on public notice, which everyone may see."""
    return sa.select(Application).where(Application.status == ApplicationStatus.ON_NOTICE)


def visible_certificates(actor: Actor) -> sa.Select[Certificate]:
    """Return the certificates of the actor's own organisation, of origins in its region, or all."""
    certificates = sa.select(Certificate)
    if actor.scope is Scope.OWN:
        return certificates.where(Certificate.supplier_id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        covered = visible_applications(actor).with_only_columns(Application.id)
        return certificates.where(Certificate.application_id.in_(covered))
    return certificates


def visible_alerts(actor: Actor) -> sa.Select[CertificateAlert]:
    """Return the alerts of the certificates the actor may see."""
    return sa.select(CertificateAlert).where(
        CertificateAlert.certificate_id.in_(visible_certificates(actor).with_only_columns(Certificate.id))
    )


def terms_on(session: orm.Session, county_code: str, on: date) -> Terms:
    """Return the terms that hold for a county on a day: of the longest region prefix, the latest policy."""
    policy = session.scalar(
        sa.select(CertificationPolicy)
        .where(
            sa.literal(county_code).startswith(CertificationPolicy.region_code),
            CertificationPolicy.valid_from <= on,
        )
        .order_by(sa.func.length(CertificationPolicy.region_code).desc(), CertificationPolicy.valid_from.desc())
        .limit(1)
    )
    if policy is None:
        return DEFAULT_TERMS
    return Terms(notice_working_days=policy.notice_working_days, validity_days=policy.validity_days)


def applications(actor: Actor, *, status: ApplicationStatus | None, supplier_id: UUID | None) -> sa.Select[Application]:
    """Return the visible applications that pass the filters."""
    rows = visible_applications(actor)
    if status is not None:
        rows = rows.where(Application.status == status)
    if supplier_id is not None:
        rows = rows.where(Application.supplier_id == supplier_id)
    return rows


class Said(NamedTuple):
    """What was said of an application, oldest first."""

    reviews: Sequence[Review]
    evidences: Sequence[PriceEvidence]
    objections: Sequence[Objection]


def said_of(session: orm.Session, application_id: UUID) -> Said:
    """Return the reviews, price evidence and objections of an application."""
    reviews = sa.select(Review).where(Review.application_id == application_id).order_by(Review.id)
    evidences = sa.select(PriceEvidence).where(PriceEvidence.application_id == application_id)
    objections = sa.select(Objection).where(Objection.application_id == application_id).order_by(Objection.id)
    return Said(
        reviews=session.scalars(reviews).all(),
        evidences=session.scalars(evidences.order_by(PriceEvidence.id)).all(),
        objections=session.scalars(objections).all(),
    )


def batches(*, county: str | None) -> sa.Select[Batch]:
    """Return the published batches, which everyone may see, of one county or all."""
    return sa.select(Batch) if county is None else sa.select(Batch).where(Batch.county_code == county)


def with_product(rows: sa.Select[Certificate]) -> sa.Select[Certificate]:
    """Load each certificate's application and batch in the same statement."""
    return rows.options(orm.joinedload(Certificate.application), orm.joinedload(Certificate.batch))


def certificates(
    actor: Actor,
    *,
    status: CertificateStatus | None,
    supplier_id: UUID | None,
    county: str | None,
    today: date,
    lapsing_within_days: int | None,
) -> sa.Select[Certificate]:
    """Return the visible certificates that pass the filters, with their products.

    One that lapses within some days is still running today and not revoked.
    """
    rows = with_product(visible_certificates(actor))
    if status is not None:
        rows = rows.where(Certificate.status == status)
    if supplier_id is not None:
        rows = rows.where(Certificate.supplier_id == supplier_id)
    if county is not None:
        rows = rows.where(Certificate.batch_id.in_(batches(county=county).with_only_columns(Batch.id)))
    if lapsing_within_days is not None:
        last = today + timedelta(days=lapsing_within_days)
        rows = rows.where(Certificate.valid_to.between(today, last), Certificate.status != CertificateStatus.REVOKED)
    return rows


def history_of(
    session: orm.Session, certificate_id: UUID
) -> tuple[Sequence[CertificateChange], Sequence[CertificateAlert]]:
    """Return the changes and the alerts of a certificate, oldest first."""
    changes = sa.select(CertificateChange).where(CertificateChange.certificate_id == certificate_id)
    alerts = sa.select(CertificateAlert).where(CertificateAlert.certificate_id == certificate_id)
    return (
        session.scalars(changes.order_by(CertificateChange.id)).all(),
        session.scalars(alerts.order_by(CertificateAlert.days.desc())).all(),
    )


def alerts_after(actor: Actor, after: tuple[datetime, UUID, int] | None) -> sa.Select[CertificateAlert]:
    """Return the visible alerts, newest first, from the one after `(raised_at, certificate_id, days)` on."""
    keys = (CertificateAlert.raised_at, CertificateAlert.certificate_id, CertificateAlert.days)
    rows = visible_alerts(actor).order_by(*(key.desc() for key in keys))
    return rows if after is None else rows.where(sa.tuple_(*keys) < sa.tuple_(*after))
