"""Who may see which plans and enrolments, and which versions are in force."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.benefits.models import Enrolment, Plan, PlanVersion
from market.benefits.rules import PlanStatus
from market.db import within
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor, Scope


def visible_plans(actor: Actor) -> sa.Select[Plan]:
    """Return the plans of the actor's own organisation, of the suppliers in its region, or all."""
    plans = sa.select(Plan)
    if actor.scope is Scope.OWN:
        return plans.where(Plan.supplier_id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        covered = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
        return plans.where(Plan.supplier_id.in_(covered))
    return plans


def visible_versions(actor: Actor) -> sa.Select[PlanVersion]:
    """Return the versions of the plans the actor may see."""
    return sa.select(PlanVersion).where(PlanVersion.plan_id.in_(visible_plans(actor).with_only_columns(Plan.id)))


def visible_enrolments(actor: Actor) -> sa.Select[Enrolment]:
    """Return the enrolments with the actor's own organisation, of the households in its region, or all."""
    enrolments = sa.select(Enrolment)
    if actor.scope is Scope.OWN:
        return enrolments.where(Enrolment.supplier_id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        covered = sa.select(Household.id).where(within(Household.village_code, actor.region_code))
        return enrolments.where(Enrolment.household_id.in_(covered))
    return enrolments


def code_known_to(session: orm.Session, supplier_id: UUID, household_id: UUID) -> str | None:
    """Return a household's code if the supplier has proposed it, and so knows it; a stranger's is not told."""
    return session.scalar(
        sa.select(Household.code)
        .join(Enrolment, Enrolment.household_id == Household.id)
        .where(Enrolment.supplier_id == supplier_id, Household.id == household_id)
    )


def versions_in_force(on: date) -> sa.Select[PlanVersion]:
    """Return of each plan the approved version with the latest `valid_from` not after a day, then number."""
    return (
        sa.select(PlanVersion)
        .ext(postgresql.distinct_on(PlanVersion.plan_id))
        .where(PlanVersion.status == PlanStatus.APPROVED, PlanVersion.valid_from <= on)
        .order_by(PlanVersion.plan_id, PlanVersion.valid_from.desc(), PlanVersion.number.desc())
    )
