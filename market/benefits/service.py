"""Drafting, submitting and deciding plan versions, and what is in force."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits import deciding
from market.benefits.models import Enrolment, Plan, PlanVersion
from market.benefits.queries import (
    code_known_to,
    simulated_as,
    versions_in_force,
    visible_plans,
    visible_versions,
)
from market.benefits.refusals import (
    CollectiveElsewhereError,
    NotCollectiveError,
    NotEnrolledError,
    PlanNameTakenError,
    PlanNotSimulatedError,
)
from market.benefits.rules import Mechanism, Payee, PlanBody, PlanEvent, PlanStatus, payees, plan_body
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

    Raises `NotFoundError`, `PlanBodyError`, `NotEnrolledError`, `NotCollectiveError` or `CollectiveElsewhereError`.
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
    check_collectives(session, supplier_id, named_in[Payee.COLLECTIVE])


def check_enrolled(session: orm.Session, supplier_id: UUID, households: Mapping[str, str]) -> None:
    """Raise `NotEnrolledError` unless every household (id as text → pointer to where it is named) takes part."""
    taking_part = enrolled(session, supplier_id, map(UUID, households))
    for key, pointer in households.items():
        if UUID(key) not in taking_part:
            code = code_known_to(session, supplier_id, UUID(key))
            raise NotEnrolledError(household=named(code), pointer=pointer)


def check_collectives(session: orm.Session, supplier_id: UUID, bodies: Mapping[str, str]) -> None:
    """Raise unless every organisation (id as text → pointer) is a village collective of the supplier's county.

    That of an enrolled household's village always is: only the county's households enrol. Raises
    `NotCollectiveError` or `CollectiveElsewhereError`.
    """
    county = session.get_one(Organisation, supplier_id).region_code[:6]
    found = {
        organisation.id: organisation
        for organisation in session.scalars(sa.select(Organisation).where(Organisation.id.in_(map(UUID, bodies))))
    }
    for key, pointer in bodies.items():
        body = found.get(UUID(key))
        if body is None or body.kind is not OrganisationKind.VILLAGE_COLLECTIVE or not body.active:
            raise NotCollectiveError(organisation=named(body.name if body else None), pointer=pointer)
        if not body.region_code.startswith(county):
            raise CollectiveElsewhereError(organisation=named(body.name), pointer=pointer)


def submit(session: orm.Session, actor: Actor, *, version_id: UUID) -> PlanVersion:
    """Ask the county to decide a draft; raises `NotFoundError` or `TransitionError`."""
    version = deciding.locked(session, visible_versions(actor), PlanVersion, version_id)
    deciding.submit(session, version)
    return version


def approve(session: orm.Session, actor: Actor, *, version_id: UUID, opinion: str, now: datetime) -> PlanVersion:
    """Put a submitted version in force from its `valid_from`; it never changes again.

    Whoever submitted it, somebody has simulated it since. Raises `NotFoundError`, `TransitionError`, `FourEyesError` or
    `PlanNotSimulatedError`.
    """
    version, supplier_id = _locked(session, actor, version_id)
    deciding.check(actor, version, PlanEvent.APPROVE, owner_id=supplier_id)
    if not simulated_as(session, version_id, PlanStatus.SUBMITTED):
        raise PlanNotSimulatedError(version=version_id)
    deciding.decide(session, actor, version, PlanEvent.APPROVE, owner_id=supplier_id, opinion=opinion, now=now)
    return version


def reject(session: orm.Session, actor: Actor, *, version_id: UUID, opinion: str, now: datetime) -> PlanVersion:
    """Turn a submitted version down, simulated or not; a better one is a new version.

    Raises `NotFoundError`, `TransitionError` or `FourEyesError`.
    """
    version, supplier_id = _locked(session, actor, version_id)
    deciding.decide(session, actor, version, PlanEvent.REJECT, owner_id=supplier_id, opinion=opinion, now=now)
    return version


def _locked(session: orm.Session, actor: Actor, version_id: UUID) -> tuple[PlanVersion, UUID]:
    """Return a version that the actor may see, locked until the commit, and its supplier."""
    version = deciding.locked(session, visible_versions(actor), PlanVersion, version_id)
    return version, session.get_one(Plan, version.plan_id).supplier_id


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


def reserve_bp_on(session: orm.Session, supplier_id: UUID, on: date) -> int:
    """Return what part of a supplier's surplus is held back as a reserve: the lowest that its plans state on a day.

    A plan that returns by volume and states none holds nothing back; so it is where no plan does. The law sets no
    figure (农民专业合作社法 art. 42: as the articles say), so it is the one that the county approved.
    """
    plans = sa.select(Plan.id).where(Plan.supplier_id == supplier_id)
    bodies = [
        plan_body(version.body)
        for version in session.scalars(versions_in_force(on).where(PlanVersion.plan_id.in_(plans)))
    ]
    stated = [pool.reserve_bp or 0 for body in bodies for pool in body.pools if pool.mechanism is Mechanism.PATRONAGE]
    return min(stated, default=0)


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
