"""Certification by HTTP: applications, reviews, objections, batches, certificates, alerts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, PageQuery, declared, decode_cursor, encode_cursor, router_of
from market.benefits.endpoints import page_by_ids
from market.certification import listing, queries, service
from market.certification.models import Application, Batch, Certificate
from market.certification.rules import (
    CertificateEvent,
    MissingEvidenceError,
    MixedCountiesError,
    NoBenefitError,
    NoticeOverError,
    NotProducerError,
    OpenObjectionError,
    OriginError,
    PriceAboveEvidenceError,
    UnitContentError,
)
from market.certification.schemas import (
    AlertOut,
    ApplicationDetailOut,
    ApplicationOut,
    ApplicationQuery,
    Apply,
    BatchOut,
    BatchQuery,
    CertificateChangeOut,
    CertificateDetailOut,
    CertificateOut,
    CertificateQuery,
    ChangeCertificate,
    EvidenceOut,
    NoticeOut,
    Object,
    ObjectionOut,
    PublishBatch,
    PublishedBatchOut,
    RecordEvidence,
    ReviewApplication,
    ReviewOut,
    SettleObjection,
)
from market.clock import business_date, utc_now
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.regions import service as regions
from market.regions.rules import UnknownRegionError

router = router_of("certification")


@router.post(
    "/applications",
    status_code=201,
    response_model=ApplicationOut,
    responses=declared(
        NotProducerError, OriginError, UnknownRegionError, UnitContentError, NotFoundError, NoBenefitError
    ),
)
def apply(request: Apply, caller: Annotated[Caller, requires(Permission.APPLICATION_WRITE)]) -> Response:
    """Ask to have a product certified."""
    content = (request.content.quantity, request.content.unit) if request.content else None
    return caller.once(
        request,
        lambda session, actor: ApplicationOut.model_validate(
            service.apply(
                session,
                actor,
                plan_id=request.plan_id,
                product_name=request.product_name,
                specification=request.specification,
                category_code=request.category_code,
                origin_code=request.origin_code,
                unit=request.unit,
                content=content,
                price_fen=request.price_fen,
                declared_value_fen=request.declared_value_fen,
                people_driven=request.people_driven,
                now=utc_now(),
            )
        ),
    )


@router.get("/applications")
def list_applications(
    query: Annotated[ApplicationQuery, Query()], caller: Annotated[Caller, requires(Permission.APPLICATION_READ)]
) -> Page[ApplicationOut]:
    """List the applications you may see, oldest first."""
    with caller.transaction() as (session, actor):
        rows = queries.applications(actor, status=query.status, supplier_id=query.supplier_id)
        return page_by_ids(session, rows, (Application.id,), query, ApplicationOut)


@router.get("/applications/{application_id}", responses=declared(NotFoundError))
def show_application(
    application_id: UUID, caller: Annotated[Caller, requires(Permission.APPLICATION_READ)]
) -> ApplicationDetailOut:
    """Show an application with its reviews, price evidence and objections."""
    with caller.transaction() as (session, actor):
        row = session.scalar(queries.visible_applications(actor).where(Application.id == application_id))
        if row is None:
            raise NotFoundError(what="application")
        said = queries.said_of(session, application_id)
        return ApplicationDetailOut(
            application=ApplicationOut.model_validate(row),
            reviews=[ReviewOut.model_validate(review) for review in said.reviews],
            evidences=[EvidenceOut.model_validate(evidence) for evidence in said.evidences],
            objections=[ObjectionOut.model_validate(objection) for objection in said.objections],
        )


@router.post(
    "/applications/{application_id}/price-evidences",
    status_code=201,
    response_model=EvidenceOut,
    responses=declared(NotFoundError, TransitionError, InvalidInputError),
)
def record_evidence(
    application_id: UUID, request: RecordEvidence, caller: Annotated[Caller, requires(Permission.APPLICATION_WRITE)]
) -> Response:
    """Record what the same product costs elsewhere, until the county decides."""
    return caller.once(
        request,
        lambda session, actor: EvidenceOut.model_validate(
            service.record_evidence(
                session,
                actor,
                application_id=application_id,
                kind=request.kind,
                reference=request.reference,
                price_fen=request.price_fen,
                observed_on=request.observed_on,
                now=utc_now(),
            )
        ),
    )


@router.post(
    "/applications/{application_id}/reviews",
    status_code=201,
    response_model=ApplicationOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError, MissingEvidenceError, PriceAboveEvidenceError),
)
def review(
    application_id: UUID,
    request: ReviewApplication,
    caller: Annotated[Caller, requires(Permission.APPLICATION_REVIEW)],
) -> Response:
    """Decide your step: township, then trade, then county, whose pass starts the public notice."""
    return caller.once(
        request,
        lambda session, actor: ApplicationOut.model_validate(
            service.review(
                session,
                actor,
                application_id=application_id,
                decision=request.decision,
                opinion=request.opinion,
                attachment_sha256=request.attachment_sha256,
                now=utc_now(),
            )
        ),
    )


@router.get("/public-notices")
def list_notices(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.CERTIFICATE_READ)]
) -> Page[NoticeOut]:
    """List the applications on public notice, to which anybody may object."""
    with caller.transaction() as (session, _):
        return page_by_ids(session, queries.on_notice(), (Application.id,), query, NoticeOut)


@router.post(
    "/applications/{application_id}/objections",
    status_code=201,
    response_model=ObjectionOut,
    responses=declared(NotFoundError, TransitionError, NoticeOverError),
)
def object_to(
    application_id: UUID, request: Object, caller: Annotated[Caller, requires(Permission.OBJECTION_WRITE)]
) -> Response:
    """Object to an application on public notice."""
    return caller.once(
        request,
        lambda session, actor: ObjectionOut.model_validate(
            service.object_to(session, actor, application_id=application_id, reason=request.reason, now=utc_now())
        ),
    )


@router.post(
    "/objections/{objection_id}/settlement",
    response_model=ObjectionOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def settle_objection(
    objection_id: UUID, request: SettleObjection, caller: Annotated[Caller, requires(Permission.OBJECTION_SETTLE)]
) -> Response:
    """Answer an objection; one that is upheld rejects the application."""
    return caller.once(
        request,
        lambda session, actor: ObjectionOut.model_validate(
            service.settle(
                session,
                actor,
                objection_id=objection_id,
                upheld=request.upheld,
                settlement=request.settlement,
                now=utc_now(),
            )
        ),
        status=200,
    )


@router.post(
    "/batches",
    status_code=201,
    response_model=PublishedBatchOut,
    responses=declared(NotFoundError, TransitionError, OpenObjectionError, MixedCountiesError, FourEyesError),
)
def publish_batch(request: PublishBatch, caller: Annotated[Caller, requires(Permission.BATCH_WRITE)]) -> Response:
    """Publish cleared applications as the county's next batch; each becomes a certificate."""

    def work(session: orm.Session, actor: Actor) -> PublishedBatchOut:
        batch, certificates = listing.publish_batch(
            session, actor, application_ids=request.application_ids, now=utc_now()
        )
        return PublishedBatchOut(
            batch=BatchOut.model_validate(batch),
            certificates=[CertificateOut.model_validate(certificate) for certificate in certificates],
        )

    return caller.once(request, work)


def _check_county(session: orm.Session, county: str | None) -> None:
    if county is not None:
        regions.check_known(session, county, business_date(utc_now()), pointer="/query/county")


@router.get("/batches", responses=declared(UnknownRegionError))
def list_batches(
    query: Annotated[BatchQuery, Query()], caller: Annotated[Caller, requires(Permission.CERTIFICATE_READ)]
) -> Page[BatchOut]:
    """List the published batches, oldest first."""
    with caller.transaction() as (session, _):
        _check_county(session, query.county)
        return page_by_ids(session, queries.batches(county=query.county), (Batch.id,), query, BatchOut)


@router.get("/certificates", responses=declared(UnknownRegionError))
def list_certificates(
    query: Annotated[CertificateQuery, Query()], caller: Annotated[Caller, requires(Permission.CERTIFICATE_READ)]
) -> Page[CertificateOut]:
    """List the certificates, oldest first."""
    with caller.transaction() as (session, actor):
        _check_county(session, query.county)
        rows = queries.certificates(
            actor,
            status=query.status,
            supplier_id=query.supplier_id,
            county=query.county,
            today=business_date(utc_now()),
            lapsing_within_days=query.lapsing_within_days,
        )
        return page_by_ids(session, rows, (Certificate.id,), query, CertificateOut)


@router.get("/certificates/{certificate_id}", responses=declared(NotFoundError))
def show_certificate(
    certificate_id: UUID, caller: Annotated[Caller, requires(Permission.CERTIFICATE_READ)]
) -> CertificateDetailOut:
    """Show a certificate with its changes and alerts."""
    with caller.transaction() as (session, actor):
        rows = queries.with_product(queries.visible_certificates(actor))
        row = session.scalar(rows.where(Certificate.id == certificate_id))
        if row is None:
            raise NotFoundError(what="certificate")
        changes, alerts = queries.history_of(session, certificate_id)
        return CertificateDetailOut(
            certificate=CertificateOut.model_validate(row),
            changes=[CertificateChangeOut.model_validate(change) for change in changes],
            alerts=[AlertOut.model_validate(alert) for alert in alerts],
        )


def _change(caller: Caller, request: ChangeCertificate, certificate_id: UUID, event: CertificateEvent) -> Response:
    return caller.once(
        request,
        lambda session, actor: CertificateOut.model_validate(
            listing.change(
                session, actor, certificate_id=certificate_id, event=event, reason=request.reason, now=utc_now()
            )
        ),
        status=200,
    )


@router.post(
    "/certificates/{certificate_id}/suspension",
    response_model=CertificateOut,
    responses=declared(NotFoundError, TransitionError),
)
def suspend(
    certificate_id: UUID, request: ChangeCertificate, caller: Annotated[Caller, requires(Permission.CERTIFICATE_WRITE)]
) -> Response:
    """Suspend a certificate: its product cannot be sold from now on."""
    return _change(caller, request, certificate_id, CertificateEvent.SUSPEND)


@router.post(
    "/certificates/{certificate_id}/reinstatement",
    response_model=CertificateOut,
    responses=declared(NotFoundError, TransitionError),
)
def reinstate(
    certificate_id: UUID, request: ChangeCertificate, caller: Annotated[Caller, requires(Permission.CERTIFICATE_WRITE)]
) -> Response:
    """Lift a suspension; the dates of the certificate stay what they are."""
    return _change(caller, request, certificate_id, CertificateEvent.REINSTATE)


@router.post(
    "/certificates/{certificate_id}/revocation",
    response_model=CertificateOut,
    responses=declared(NotFoundError, TransitionError),
)
def revoke(
    certificate_id: UUID, request: ChangeCertificate, caller: Annotated[Caller, requires(Permission.CERTIFICATE_WRITE)]
) -> Response:
    """Revoke a certificate for good."""
    return _change(caller, request, certificate_id, CertificateEvent.REVOKE)


@router.get("/certificate-alerts")
def list_alerts(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.APPLICATION_READ)]
) -> Page[AlertOut]:
    """List the alerts of the certificates in your care, newest first."""
    with caller.transaction() as (session, actor):
        after = _alert_after(query.cursor) if query.cursor is not None else None
        found = session.scalars(queries.alerts_after(actor, after).limit(query.limit + 1)).all()
        shown = found[: query.limit]
        last = shown[-1] if len(found) > query.limit else None
        return Page(
            items=[AlertOut.model_validate(alert) for alert in shown],
            next_cursor=last and encode_cursor(last.raised_at.isoformat(), last.certificate_id, last.days),
        )


def _alert_after(cursor: str) -> tuple[datetime, UUID, int]:
    raised_at, certificate_id, days = decode_cursor(cursor, keys=3)
    try:
        return datetime.fromisoformat(raised_at), UUID(certificate_id), int(days)
    except ValueError:
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None
