"""Applying for certification, price evidence, reviews, and objections during the public notice."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.models import Plan
from market.benefits.queries import visible_plans
from market.benefits.service import has_enrolled, version_in_force
from market.certification.models import Application, CertificationPolicy, Objection, PriceEvidence, Review
from market.certification.queries import terms_on, visible_applications
from market.certification.rules import (
    COUNTY_DIGITS,
    STEP_OF,
    ApplicationEvent,
    ApplicationStatus,
    Decision,
    EvidenceKind,
    NoBenefitError,
    NoticeOverError,
    NotProducerError,
    Terms,
    check_origin,
    check_price,
    status_after,
    status_after_review,
    unit_measure,
    working_days_after,
)
from market.clock import business_date
from market.errors import FourEyesError, NotFoundError, TransitionError, check_not_ahead
from market.identity.rules import Actor, OrganisationKind
from market.quantities import Unit
from market.regions.service import require_region


def set_terms(session: orm.Session, *, region_code: str, valid_from: date, terms: Terms) -> CertificationPolicy:
    """Put on record how long notice and validity are in a region, from a day on."""
    policy = CertificationPolicy(
        region_code=region_code,
        valid_from=valid_from,
        notice_working_days=terms.notice_working_days,
        validity_days=terms.validity_days,
    )
    session.add(policy)
    session.flush()
    return policy


def apply(
    session: orm.Session,
    actor: Actor,
    *,
    plan_id: UUID,
    product_name: str,
    specification: str,
    category_code: str,
    origin_code: str,
    unit: Unit,
    content: tuple[str, Unit] | None,
    price_fen: int,
    declared_value_fen: int,
    people_driven: int,
    now: datetime,
) -> Application:
    """Ask to have one product of the actor's organisation certified.

    `price_fen` is per `unit`, `content` says what a box holds, `declared_value_fen` is per year. Raises
    `NotProducerError`, `OriginError`, `UnknownRegionError`, `UnitContentError`, `NoBenefitError`, or `NotFoundError`
    for a plan of others.
    """
    if actor.kind is OrganisationKind.TRADING_AGENT:
        raise NotProducerError
    today = business_date(now)
    check_origin(origin_code, actor.region_code)
    require_region(session, origin_code, today, pointer="/origin_code")
    unit_milli, base_unit = unit_measure(unit, content)
    if session.scalar(visible_plans(actor).where(Plan.id == plan_id)) is None:
        raise NotFoundError(what="plan", pointer="/plan_id")
    in_force = version_in_force(session, plan_id, today)
    if in_force is None or not has_enrolled(session, actor.organisation_id):
        raise NoBenefitError(pointer="/plan_id")
    application = Application(
        supplier_id=actor.organisation_id,
        plan_id=plan_id,
        product_name=product_name,
        specification=specification,
        category_code=category_code,
        origin_code=origin_code,
        unit=unit,
        unit_milli=unit_milli,
        base_unit=base_unit,
        price_fen=price_fen,
        declared_value_fen=declared_value_fen,
        people_driven=people_driven,
        status=ApplicationStatus.SUBMITTED,
        made_by=actor.member_id,
        made_at=now,
    )
    session.add(application)
    session.flush()
    return application


def record_evidence(
    session: orm.Session,
    actor: Actor,
    *,
    application_id: UUID,
    kind: EvidenceKind,
    reference: str,
    price_fen: int,
    observed_on: date,
    now: datetime,
) -> PriceEvidence:
    """Record what one unit of the same product costs elsewhere, until the county decides.

    Raises `NotFoundError`, `TransitionError`, or `FutureDateError`.
    """
    application = _locked(session, actor, application_id)
    application.status = status_after(application.status, ApplicationEvent.RECORD_EVIDENCE)
    check_not_ahead(observed_on, today=business_date(now), pointer="/observed_on")
    evidence = PriceEvidence(
        application_id=application_id,
        kind=kind,
        reference=reference,
        price_fen=price_fen,
        observed_on=observed_on,
        recorded_by=actor.member_id,
    )
    session.add(evidence)
    session.flush()
    return evidence


def review(
    session: orm.Session,
    actor: Actor,
    *,
    application_id: UUID,
    decision: Decision,
    opinion: str,
    attachment_sha256: str | None,
    now: datetime,
) -> Application:
    """Decide the step that the actor's role stands for; the county's pass starts the public notice.

    Raises `NotFoundError`, `TransitionError` out of order, `FourEyesError`, `MissingEvidenceError` or
    `PriceAboveEvidenceError`.
    """
    application = _locked(session, actor, application_id)
    step = STEP_OF[actor.role]
    after = status_after_review(application.status, step, decision)
    _check_four_eyes(session, actor, application)
    if after is ApplicationStatus.ON_NOTICE:
        check_price(application.price_fen, lowest_evidence(session, application_id), application.unit)
        today = business_date(now)
        terms = terms_on(session, application.origin_code[:COUNTY_DIGITS], today)
        application.notice_ends_on = working_days_after(today, terms.notice_working_days)
    application.status = after
    session.add(
        Review(
            application_id=application_id,
            step=step,
            decision=decision,
            opinion=opinion,
            attachment_sha256=attachment_sha256,
            organisation_id=actor.organisation_id,
            reviewer_id=actor.member_id,
            reviewed_at=now,
        )
    )
    session.flush()
    return application


def lowest_evidence(session: orm.Session, application_id: UUID) -> int | None:
    """Return the lowest evidenced price of an application's unit, in fen, or None without evidence."""
    return session.scalar(
        sa.select(sa.func.min(PriceEvidence.price_fen)).where(PriceEvidence.application_id == application_id)
    )


def _check_four_eyes(session: orm.Session, actor: Actor, application: Application) -> None:
    earlier = session.execute(
        sa.select(Review.reviewer_id, Review.organisation_id).where(Review.application_id == application.id)
    ).all()
    people = {application.made_by, *(reviewer_id for reviewer_id, _ in earlier)}
    bodies = {application.supplier_id, *(organisation_id for _, organisation_id in earlier)}
    if actor.member_id in people or actor.organisation_id in bodies:
        raise FourEyesError(rule="review")


def object_to(session: orm.Session, actor: Actor, *, application_id: UUID, reason: str, now: datetime) -> Objection:
    """Object to an application on public notice; it is not cleared before the objection is settled.

    Raises `NotFoundError`, `TransitionError`, or `NoticeOverError` after the last day.
    """
    application = _locked(session, actor, application_id)
    application.status = status_after(application.status, ApplicationEvent.OBJECT)
    if application.notice_ends_on is not None and business_date(now) > application.notice_ends_on:
        raise NoticeOverError(ended_on=application.notice_ends_on)
    objection = Objection(application_id=application_id, reason=reason, raised_by=actor.member_id, raised_at=now)
    session.add(objection)
    session.flush()
    return objection


def settle(
    session: orm.Session, actor: Actor, *, objection_id: UUID, upheld: bool, settlement: str, now: datetime
) -> Objection:
    """Answer an objection; one that is upheld rejects the application.

    Raises `NotFoundError`, `TransitionError` when it is settled already, or `FourEyesError` for its own objector.
    """
    application_id = session.scalar(sa.select(Objection.application_id).where(Objection.id == objection_id))
    if application_id is None:
        raise NotFoundError(what="objection")
    application = _locked(session, actor, application_id, what="objection")
    objection = session.get_one(Objection, objection_id, with_for_update=True, populate_existing=True)
    if objection.settled_at is not None:
        raise TransitionError(machine="objection", status="settled", event="settle")
    if actor.member_id == objection.raised_by or actor.organisation_id == application.supplier_id:
        raise FourEyesError(rule="objection")
    event = ApplicationEvent.UPHOLD_OBJECTION if upheld else ApplicationEvent.DISMISS_OBJECTION
    application.status = status_after(application.status, event)
    objection.upheld = upheld
    objection.settlement = settlement
    objection.settled_by = actor.member_id
    objection.settled_at = now
    session.flush()
    return objection


def _locked(session: orm.Session, actor: Actor, application_id: UUID, *, what: str = "application") -> Application:
    application = session.scalar(visible_applications(actor).where(Application.id == application_id).with_for_update())
    if application is None:
        raise NotFoundError(what=what)
    return application
