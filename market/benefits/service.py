"""Drafting, submitting and deciding plan versions, and what is in force."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits import deciding
from market.benefits.models import Enrolment, Plan, PlanVersion
from market.benefits.queries import code_known_to, versions_in_force, visible_plans, visible_versions
from market.benefits.rules import (
    NotCollectiveError,
    NotEnrolledError,
    Payee,
    PlanBody,
    PlanEvent,
    PlanNameTakenError,
    PlanStatus,
    payees,
)
from market.benefits.soundness import check_body
from market.errors import NotFoundError, named
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind


def create_plan(session: orm.Session, actor: Actor, *, name: str) -> Plan:
    """Open a plan of the actor's own organisation, still without a version; raises `PlanNameTakenError`."""
    taken = sa.select(Plan.id).where(Plan.supplier_id == actor.organisation_id, Plan.name == name)
    if session.scalar(taken):
        raise PlanNameTakenError(name=name, pointer="/name")
    plan = Plan(supplier_id=actor.organisation_id, name=name)
    session.add(plan)
    session.flush()
    return plan


def draft_version(
    session: orm.Session, actor: Actor, *, plan_id: UUID, body: PlanBody, valid_from: date, now: datetime
) -> PlanVersion:
    """Add the next version of a plan, with the bytes and the hash that order lines will pin.

    Raises `NotFoundError`, `PlanBodyError`, `NotEnrolledError` or `NotCollectiveError`.
    """
    plan = session.scalar(visible_plans(actor).where(Plan.id == plan_id).with_for_update())
    if plan is None:
        raise NotFoundError(what="plan")
    check_body(body)
    _check_payees(session, plan.supplier_id, body)
    return deciding.draft(
        session, actor, PlanVersion, PlanVersion.plan_id, plan_id, body=body, valid_from=valid_from, now=now
    )


def _check_payees(session: orm.Session, supplier_id: UUID, body: PlanBody) -> None:
    named_in = payees(body)
    check_enrolled(session, supplier_id, named_in[Payee.HOUSEHOLD])
    check_collectives(session, named_in[Payee.COLLECTIVE])


def check_enrolled(session: orm.Session, supplier_id: UUID, households: Mapping[str, str]) -> None:
    """Raise `NotEnrolledError` unless every household (id as text → pointer to where it is named) takes part."""
    taking_part = enrolled(session, supplier_id, map(UUID, households))
    for key, pointer in households.items():
        if UUID(key) not in taking_part:
            code = code_known_to(session, supplier_id, UUID(key))
            raise NotEnrolledError(household=named(code), pointer=pointer)


def check_collectives(session: orm.Session, bodies: Mapping[str, str]) -> None:
    """Raise `NotCollectiveError` unless every organisation (id as text → pointer) is a village collective."""
    collectives = set(
        session.scalars(
            sa.select(Organisation.id).where(
                Organisation.id.in_(map(UUID, bodies)),
                Organisation.kind == OrganisationKind.VILLAGE_COLLECTIVE,
                Organisation.active,
            )
        )
    )
    for key, pointer in bodies.items():
        if UUID(key) not in collectives:
            name = session.scalar(sa.select(Organisation.name).where(Organisation.id == UUID(key)))
            raise NotCollectiveError(organisation=named(name), pointer=pointer)


def submit(session: orm.Session, actor: Actor, *, version_id: UUID) -> PlanVersion:
    """Ask the county to decide a draft; raises `NotFoundError` or `TransitionError`."""
    version = deciding.locked(session, visible_versions(actor), PlanVersion, version_id)
    deciding.submit(session, version)
    return version


def approve(session: orm.Session, actor: Actor, *, version_id: UUID, opinion: str, now: datetime) -> PlanVersion:
    """Put a submitted version in force from its `valid_from`; it never changes again.

    Raises `NotFoundError`, `TransitionError` or `FourEyesError`.
    """
    return _decide(session, actor, version_id, PlanEvent.APPROVE, opinion=opinion, now=now)


def reject(session: orm.Session, actor: Actor, *, version_id: UUID, opinion: str, now: datetime) -> PlanVersion:
    """Turn a submitted version down; a better one is a new version. Raises as `approve`."""
    return _decide(session, actor, version_id, PlanEvent.REJECT, opinion=opinion, now=now)


def _decide(
    session: orm.Session, actor: Actor, version_id: UUID, event: PlanEvent, *, opinion: str, now: datetime
) -> PlanVersion:
    version = deciding.locked(session, visible_versions(actor), PlanVersion, version_id)
    supplier_id = session.get_one(Plan, version.plan_id).supplier_id
    deciding.decide(session, actor, version, event, owner_id=supplier_id, opinion=opinion, now=now)
    return version


def version_in_force(session: orm.Session, plan_id: UUID, on: date) -> PlanVersion | None:
    """Return the approved version of a plan that holds on a day: the latest `valid_from`, then number."""
    return session.scalar(versions_in_force(on).where(PlanVersion.plan_id == plan_id))


def versions_on(session: orm.Session, plan_id: UUID, days: Collection[date]) -> dict[date, PlanVersion | None]:
    """Return the version in force on each of the days, as `version_in_force` does for one; in one statement."""
    approved = session.scalars(
        sa.select(PlanVersion)
        .where(PlanVersion.plan_id == plan_id, PlanVersion.status == PlanStatus.APPROVED)
        .order_by(PlanVersion.valid_from.desc(), PlanVersion.number.desc())
    ).all()
    return {on: next((version for version in approved if version.valid_from <= on), None) for on in days}


def enrolled(session: orm.Session, supplier_id: UUID, household_ids: Iterable[UUID]) -> dict[UUID, date]:
    """Return from which day on those of the households take part whose enrolment their village has confirmed."""
    taking_part = sa.select(Enrolment.household_id, Enrolment.enrolled_on).where(
        Enrolment.supplier_id == supplier_id,
        Enrolment.household_id == sa.any_(sa.cast(list(household_ids), sa.ARRAY(sa.Uuid))),
        Enrolment.confirmed_at.is_not(None),
    )
    return {row.household_id: row.enrolled_on for row in session.execute(taking_part)}


def has_enrolled(session: orm.Session, supplier_id: UUID) -> bool:
    """Tell whether any household takes part with the supplier, confirmed by its village."""
    confirmed = sa.exists().where(Enrolment.supplier_id == supplier_id, Enrolment.confirmed_at.is_not(None))
    return bool(session.scalar(sa.select(confirmed)))
