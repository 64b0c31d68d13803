"""Who may see which plans, registers and enrolments, and which versions are in force."""

from collections.abc import Collection
from datetime import date
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.benefits.models import Enrolment, Plan, PlanSimulation, PlanVersion, Register, RegisterVersion
from market.benefits.rules import PlanStatus
from market.db import within
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor, Scope


def visible_plans(actor: Actor) -> sa.Select[Plan]:
    """Return the plans of the actor's own organisation, of the suppliers in its region, or all."""
    return _kept_within(sa.select(Plan), Plan.supplier_id, actor)


def visible_versions(actor: Actor) -> sa.Select[PlanVersion]:
    """Return the versions of the plans the actor may see."""
    return sa.select(PlanVersion).where(PlanVersion.plan_id.in_(visible_plans(actor).with_only_columns(Plan.id)))


def visible_registers(actor: Actor) -> sa.Select[Register]:
    """Return the registers of the actor's own organisation, of the organisations in its region, or all."""
    return _kept_within(sa.select(Register), Register.organisation_id, actor)


def visible_register_versions(actor: Actor) -> sa.Select[RegisterVersion]:
    """Return the versions of the registers the actor may see."""
    registers = visible_registers(actor).with_only_columns(Register.id)
    return sa.select(RegisterVersion).where(RegisterVersion.register_id.in_(registers))


Kept = TypeVar("Kept", Plan, Register)


def _kept_within(rows: sa.Select[Kept], keeper: orm.InstrumentedAttribute[UUID], actor: Actor) -> sa.Select[Kept]:
    if actor.scope is Scope.OWN:
        return rows.where(keeper == actor.organisation_id)
    if actor.scope is Scope.REGION:
        covered = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
        return rows.where(keeper.in_(covered))
    return rows


def latest_simulations(session: orm.Session, version_ids: Collection[UUID]) -> dict[UUID, PlanSimulation]:
    """Return the latest simulation of each version that has one."""
    latest = (
        sa.select(PlanSimulation)
        .ext(postgresql.distinct_on(PlanSimulation.plan_version_id))
        .where(PlanSimulation.plan_version_id.in_(version_ids))
        .order_by(PlanSimulation.plan_version_id, PlanSimulation.made_at.desc(), PlanSimulation.id.desc())
    )
    return {each.plan_version_id: each for each in session.scalars(latest)}


def simulated_as(session: orm.Session, version_id: UUID, status: PlanStatus) -> bool:
    """Tell whether a version was simulated when it had a status."""
    found = sa.exists().where(PlanSimulation.plan_version_id == version_id, PlanSimulation.version_status == status)
    return bool(session.scalar(sa.select(found)))


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
    return _in_force(PlanVersion, PlanVersion.plan_id, on)


def register_versions_in_force(on: date) -> sa.Select[RegisterVersion]:
    """Return of each register the approved version that holds on a day, chosen like a plan's."""
    return _in_force(RegisterVersion, RegisterVersion.register_id, on)


Version = TypeVar("Version", PlanVersion, RegisterVersion)


def _in_force(kind: type[Version], owner: orm.InstrumentedAttribute[UUID], on: date) -> sa.Select[Version]:
    return (
        sa.select(kind)
        .ext(postgresql.distinct_on(owner))
        .where(kind.status == PlanStatus.APPROVED, kind.valid_from <= on)
        .order_by(owner, kind.valid_from.desc(), kind.number.desc())
    )
