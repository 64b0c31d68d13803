"""Publishing batches of certificates, and what becomes of a certificate afterwards."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.certification.models import (
    Application,
    Batch,
    Certificate,
    CertificateChange,
    Objection,
    PriceEvidence,
    Review,
)
from market.certification.queries import terms_on, visible_applications, visible_certificates, with_product
from market.certification.rules import (
    COUNTY_DIGITS,
    ApplicationEvent,
    CertificateEvent,
    CertificateStatus,
    MixedCountiesError,
    OpenObjectionError,
    ReviewStep,
    certificate_after,
    certificate_number,
    last_valid_day,
    status_after,
)
from market.clock import business_date
from market.db import lock_by
from market.errors import FourEyesError, NotFoundError
from market.identity.rules import Actor


def publish_batch(
    session: orm.Session, actor: Actor, *, application_ids: Sequence[UUID], now: datetime
) -> tuple[Batch, list[Certificate]]:
    """Publish cleared applications of one county as its next numbered batch, with a certificate each.

    The county may publish what it decided, but by another person, and no body that recommended may publish.
    Raises `NotFoundError`, `OpenObjectionError`, `TransitionError`, `MixedCountiesError` or `FourEyesError`.
    """
    applications = _locked(session, actor, application_ids)
    _check_objections(session, application_ids)
    after = [status_after(application.status, ApplicationEvent.LIST) for application in applications]
    counties = {application.origin_code[:COUNTY_DIGITS] for application in applications}
    if len(counties) > 1:
        raise MixedCountiesError(pointer="/application_ids")
    _check_four_eyes(session, actor, application_ids)
    for application, status in zip(applications, after, strict=True):
        application.status = status
    batch = _next_batch(session, actor, counties.pop(), now)
    return batch, _certify(session, applications, batch)


def _locked(session: orm.Session, actor: Actor, application_ids: Sequence[UUID]) -> list[Application]:
    applications = session.scalars(
        visible_applications(actor)
        .where(Application.id.in_(application_ids))
        .order_by(Application.id)
        .with_for_update()
    ).all()
    found = {application.id for application in applications}
    for index, application_id in enumerate(application_ids):
        if application_id not in found:
            raise NotFoundError(what="application", pointer=f"/application_ids/{index}")
    return list(applications)


def _check_objections(session: orm.Session, application_ids: Sequence[UUID]) -> None:
    still_open = sa.select(Objection.application_id).where(
        Objection.application_id.in_(application_ids), Objection.settled_at.is_(None)
    )
    objected = set(session.scalars(still_open))
    for index, application_id in enumerate(application_ids):
        if application_id in objected:
            raise OpenObjectionError(pointer=f"/application_ids/{index}")


def _check_four_eyes(session: orm.Session, actor: Actor, application_ids: Sequence[UUID]) -> None:
    recommended = sa.and_(Review.step != ReviewStep.COUNTY, Review.organisation_id == actor.organisation_id)
    decided = sa.exists().where(
        Review.application_id.in_(application_ids), sa.or_(Review.reviewer_id == actor.member_id, recommended)
    )
    if session.scalar(sa.select(decided)):
        raise FourEyesError(rule="batch")


def _next_batch(session: orm.Session, actor: Actor, county_code: str, now: datetime) -> Batch:
    lock_by(session, kind="batch", key=county_code)
    last = session.scalar(sa.select(sa.func.max(Batch.number)).where(Batch.county_code == county_code))
    batch = Batch(
        county_code=county_code,
        number=(last or 0) + 1,
        published_on=business_date(now),
        published_by=actor.member_id,
    )
    session.add(batch)
    session.flush()
    return batch


def _certify(session: orm.Session, applications: Sequence[Application], batch: Batch) -> list[Certificate]:
    valid_to = last_valid_day(
        batch.published_on, terms_on(session, batch.county_code, batch.published_on).validity_days
    )
    ceilings = _ceilings(session, applications)
    certificates = [
        Certificate(
            number=certificate_number(batch.county_code, batch.published_on, batch.number, position),
            application=application,
            batch=batch,
            supplier_id=application.supplier_id,
            status=CertificateStatus.VALID,
            valid_from=batch.published_on,
            valid_to=valid_to,
            price_ceiling_fen=ceilings[application.id],
        )
        for position, application in enumerate(applications, start=1)
    ]
    session.add_all(certificates)
    session.flush()
    return certificates


def _ceilings(session: orm.Session, applications: Sequence[Application]) -> dict[UUID, int]:
    rows = session.execute(
        sa.select(PriceEvidence.application_id, sa.func.min(PriceEvidence.price_fen))
        .where(PriceEvidence.application_id.in_([application.id for application in applications]))
        .group_by(PriceEvidence.application_id)
    )
    return {row[0]: row[1] for row in rows}


def change(
    session: orm.Session, actor: Actor, *, certificate_id: UUID, event: CertificateEvent, reason: str, now: datetime
) -> Certificate:
    """Suspend, reinstate or revoke a certificate at once; orders already placed keep what they were placed under.

    Raises `NotFoundError` or `TransitionError`. A reinstated certificate keeps its dates: it revives none that lapsed.
    """
    certificate = session.scalar(
        with_product(visible_certificates(actor))
        .where(Certificate.id == certificate_id)
        .with_for_update(of=Certificate)
    )
    if certificate is None:
        raise NotFoundError(what="certificate")
    certificate.status = certificate_after(certificate.status, event)
    certificate.version += 1
    session.add(
        CertificateChange(
            certificate_id=certificate_id, event=event, reason=reason, changed_by=actor.member_id, changed_at=now
        )
    )
    session.flush()
    return certificate
