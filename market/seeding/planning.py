"""Benefit plans as events: a supplier's clerk drafts and submits a version, the county simulates and decides it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import orm

from market.benefits import service as benefits
from market.benefits.rules import Mechanism, PlanBody, Pool
from market.clock import business_date
from market.distributions import simulations
from market.identity.rules import Permission, Role
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, yes
from market.seeding.timeline import Event, Turn


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return the drafts of plan versions and the decisions on them."""
    for row in sample.plans:
        name = f"plan {row['plan']} version {row['version']}"
        yield Event(day(row["drafted_on"]), Turn.PLAN, name, partial(_draft, sample, known, row))
        yield Event(day(row["decided_on"]), Turn.PLAN, name, partial(_decide, known, row))


def _draft(sample: Sample, known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    clerk = known.actor(f"{row['supplier']}.clerk", Permission.PLAN_WRITE)
    if row["plan"] not in known.plans:
        known.plans[row["plan"]] = benefits.create_plan(session, clerk, name=row["name"]).id
    version = benefits.draft_version(
        session,
        clerk,
        plan_id=known.plans[row["plan"]],
        body=_body(sample, known, row),
        valid_from=day(row["valid_from"]),
        now=now,
    )
    benefits.submit(session, clerk, version_id=version.id)
    known.versions[row["plan"], row["version"]] = version.id


def _body(sample: Sample, known: Known, row: Row) -> PlanBody:
    return PlanBody(
        lot_mechanisms=tuple(Mechanism(code) for code in row["lot_mechanisms"].split()),
        pools=tuple(
            Pool(
                mechanism=Mechanism(pool["mechanism"]),
                bp=int(pool["share_bp"]),
                shares=_shares(sample, known, pool),
                assisted_only=yes(pool["assisted_only"]),
                kept=yes(pool["kept"]),
            )
            for pool in _of_version(sample.plan_pools, row)
        ),
    )


def _shares(sample: Sample, known: Known, pool: Row) -> list[tuple[str, int]]:
    """Return the payees by id; a name that is no household's is that of a collective."""
    return [
        (str(known.households.get(row["payee"]) or known.organisations[row["payee"]].id), int(row["weight"]))
        for row in _of_version(sample.plan_shares, pool)
        if row["mechanism"] == pool["mechanism"]
    ]


def _of_version(rows: Sequence[Row], version: Row) -> list[Row]:
    return [row for row in rows if (row["plan"], row["version"]) == (version["plan"], version["version"])]


def _decide(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    region_code = known.organisations[row["supplier"]].region_code
    county = known.officer(Role.COUNTY_REVIEWER, region_code, Permission.PLAN_APPROVE)
    decide = {"approve": benefits.approve, "reject": benefits.reject}[row["decision"]]
    version_id = known.versions[row["plan"], row["version"]]
    reader = known.officer(Role.COUNTY_REVIEWER, region_code, Permission.PLAN_SIMULATE)
    simulations.record(session, reader, version_id=version_id, today=business_date(now), now=now)
    decide(session, county, version_id=version_id, opinion=row["opinion"], now=now)
