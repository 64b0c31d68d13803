"""What lists give, as events: a supplier's distribution of a period, and what a village collective gave on."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import orm

from market.clock import business_date
from market.distributions import giving_on, proposing
from market.distributions.listing import Custody, Formula, Patronage, Profit
from market.distributions.rules import Counted, Period
from market.identity.rules import Permission, Role
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, fen
from market.seeding.timeline import Event, Turn


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return the proposals, the decisions on them, and what villages confirmed of their collectives' lists."""
    for row in sample.distributions:
        name = f"distribution {row['distribution']}"
        yield Event(day(row["proposed_on"]), Turn.DISTRIBUTION, name, partial(_propose, known, row))
        if row["decided_on"]:
            yield Event(day(row["decided_on"]), Turn.DISTRIBUTION, name, partial(_decide, known, row))
    for row in sample.second_distributions:
        name = f"second distribution {row['second_distribution']}"
        yield Event(day(row["stated_on"]), Turn.GIVEN_ON, name, partial(_state, known, row))
        if row["decided_on"]:
            yield Event(day(row["decided_on"]), Turn.GIVEN_ON, name, partial(_decide_second, known, row))
        if row["confirmed_on"]:
            yield Event(day(row["confirmed_on"]), Turn.RECEIVED, name, partial(_confirm, known, row))


def _propose(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    clerk = known.actor(f"{row['supplier']}.clerk", Permission.DISTRIBUTION_WRITE)
    period = Period(day(row["period_from"]), day(row["period_to"]))
    proposed, _ = proposing.propose(
        session, clerk, formula=_formula(known, row), period=period, evidence=row["evidence"], now=now
    )
    known.distributions[row["distribution"]] = proposed.id


def _formula(known: Known, row: Row) -> Formula:
    match row["formula"]:
        case "profit":
            return Profit(known.registers[row["register"]], fen(row["profit_yuan_per_mu"]))
        case "custody":
            return Custody(known.registers[row["register"]], int(row["months"]))
        case "patronage":
            return Patronage(fen(row["surplus_yuan"]), int(row["by_volume_bp"]), Counted.VALUE)
    raise LookupError(row["formula"])


def _decide(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    region_code = known.organisations[row["supplier"]].region_code
    county = known.officer(Role.COUNTY_REVIEWER, region_code, Permission.DISTRIBUTION_APPROVE)
    distribution_id, opinion = known.distributions[row["distribution"]], row["opinion"]
    proposing.approve(session, county, distribution_id=distribution_id, opinion=opinion, on=business_date(now), now=now)


def _state(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    given = giving_on.Given(
        supplier_id=known.organisations[row["supplier"]].id,
        register_version_id=known.registers[row["register"]],
        amount_fen=fen(row["amount_yuan"]),
        given_on=day(row["given_on"]),
        evidence=row["evidence"],
        reference=row["reference"],
    )
    clerk = known.actor(f"{row['collective']}.clerk", Permission.DISTRIBUTION_WRITE)
    stated, _ = giving_on.give_on(session, clerk, given=given, now=now)
    known.second_distributions[row["second_distribution"]] = stated.id


def _decide_second(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    region_code = known.organisations[row["collective"]].region_code
    county = known.officer(Role.COUNTY_REVIEWER, region_code, Permission.DISTRIBUTION_APPROVE)
    distribution_id, opinion = known.second_distributions[row["second_distribution"]], row["opinion"]
    giving_on.approve(session, county, distribution_id=distribution_id, opinion=opinion, now=now)


def _confirm(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    region_code = known.organisations[row["collective"]].region_code
    village = known.officer(Role.VILLAGE_CLERK, region_code, Permission.DISBURSEMENT_CONFIRM)
    distribution_id = known.second_distributions[row["second_distribution"]]
    giving_on.confirm(session, village, distribution_id=distribution_id, on=business_date(now), now=now)
