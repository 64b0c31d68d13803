"""Simulating a version of a plan on a year of past sales, with what its later distributions are expected to give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import orm

from market.attribution import simulating
from market.attribution.rules import Kind
from market.attribution.simulating import Simulation, tally
from market.benefits.models import Plan, PlanSimulation, PlanVersion
from market.benefits.queries import visible_versions
from market.benefits.rules import PlanEvent, status_after
from market.db import plan_anew
from market.distributions.expecting import Expected, expected
from market.distributions.rules import Period
from market.errors import NotFoundError
from market.identity.rules import Actor

DAYS = 365
"""How far back the simulated acceptances lie, today included."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulation, and by what it is known who is expected to be given what is kept, by mechanism."""

    simulation: Simulation
    expected: Mapping[str, Expected]


def simulate(session: orm.Session, actor: Actor, *, version_id: UUID, today: date) -> Simulated:
    """Return what a version of a plan would have made of a year of the plan's acceptances, beside what was posted.

    Of a plan under which nothing was sold it goes over all that its supplier sold under others.
    So many statements, whatever the year; writes nothing. Raises `NotFoundError`.
    """
    plan_anew(session)
    version = session.scalar(visible_versions(actor).where(PlanVersion.id == version_id))
    if version is None:
        raise NotFoundError(what="plan_version")
    supplier_id = session.get_one(Plan, version.plan_id).supplier_id
    year = Period(today - timedelta(days=DAYS - 1), today)
    known = {mechanism.value: each for mechanism, each in expected(session, supplier_id, year).items()}
    simulation = simulating.simulate(
        session,
        version,
        supplier_id=supplier_id,
        since=year.begins_on,
        until=year.ends_on,
        expected={mechanism: each.weights for mechanism, each in known.items()},
    )
    return Simulated(simulation, known)


def record(session: orm.Session, actor: Actor, *, version_id: UUID, today: date, now: datetime) -> Simulated:
    """Simulate a version and write down what was told of it, so that it may be approved.

    Nobody decides the version meanwhile. Raises `NotFoundError`, or `TransitionError` for one that has been decided.
    """
    version = session.scalar(visible_versions(actor).where(PlanVersion.id == version_id).with_for_update(read=True))
    if version is None:
        raise NotFoundError(what="plan_version")
    status = status_after(version.status, PlanEvent.SIMULATE)
    found = simulate(session, actor, version_id=version_id, today=today)
    simulation = found.simulation
    of_households = tally(simulation.of(Kind.HOUSEHOLD))
    session.add(
        PlanSimulation(
            plan_version_id=version_id,
            version_status=status,
            made_by=actor.member_id,
            made_at=now,
            since=simulation.since,
            until=simulation.until,
            lines=simulation.lines,
            of_other_plans=simulation.of_other_plans,
            net_fen=simulation.net_fen,
            households_gaining=of_households.gaining,
            gained_fen=of_households.gained_fen,
            households_losing=of_households.losing,
            lost_fen=of_households.lost_fen,
            households_unchanged=of_households.unchanged,
        )
    )
    session.flush()
    return found
