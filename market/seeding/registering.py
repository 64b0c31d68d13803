"""Share registers as events: a supplier or a village collective drafts and submits its own, the county decides it."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import orm

from market.benefits import registers
from market.benefits.holdings import (
    Entitlement,
    Holding,
    Listed,
    Part,
    RegisterBody,
    SchemeCapital,
    ShareMode,
    ShareScheme,
)
from market.benefits.rules import RegisterKind
from market.identity.rules import Permission, Role
from market.quantities import MILLI_MU, parse
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, fen
from market.seeding.timeline import Event, Turn


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return the drafts of registers and the decisions on them."""
    for row in sample.registers:
        name = f"register {row['register']}"
        yield Event(day(row["drafted_on"]), Turn.REGISTER, name, partial(_draft, sample, known, row))
        yield Event(day(row["decided_on"]), Turn.REGISTER, name, partial(_decide, known, row))


def _draft(sample: Sample, known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    clerk = known.actor(f"{row['keeper']}.clerk", Permission.REGISTER_WRITE)
    body = _body(sample, known, row)
    register = registers.open_register(session, clerk, kind=body.kind, name=row["name"])
    version = registers.draft(
        session,
        clerk,
        register_id=register.id,
        body=body,
        valid_from=day(row["valid_from"]),
        evidence=row["evidence"],
        now=now,
    )
    registers.submit(session, clerk, version_id=version.id)
    known.registers[row["register"]] = version.id


def _body(sample: Sample, known: Known, row: Row) -> RegisterBody:
    """Return what a register says; of the three files of rows one names it, as its kind is."""
    rows: list[Holding | Entitlement | Listed] = [
        *(_holding(known, each) for each in sample.holdings if each["register"] == row["register"]),
        *(_entitlement(known, each) for each in sample.entitlements if each["register"] == row["register"]),
        *(_listed(known, each) for each in sample.listed_households if each["register"] == row["register"]),
    ]
    return RegisterBody(RegisterKind(row["kind"]), rows, _scheme(sample, row["register"]))


def _holding(known: Known, row: Row) -> Holding:
    return Holding(
        str(known.households[row["household"]]),
        own_fen=fen(row["own_yuan"]),
        land_fen=fen(row["land_yuan"]),
        grant_fen=fen(row["grant_yuan"]),
        area_milli_mu=parse(row["area_mu"], MILLI_MU),
        mode=row["mode"],
    )


def _entitlement(known: Known, row: Row) -> Entitlement:
    return Entitlement(
        str(known.households[row["household"]]),
        capital_fen=fen(row["capital_yuan"]),
        rate_bp=int(row["rate_bp"]),
        household_bp=int(row["household_bp"]),
        collective_bp=int(row["collective_bp"]),
        collective=str(known.organisations[row["collective"]].id),
    )


def _listed(known: Known, row: Row) -> Listed:
    return Listed(str(known.households[row["household"]]), int(row["weight"]))


def _scheme(sample: Sample, register: str) -> ShareScheme | None:
    """Return the modes in which a register's shares are held, if it has a scheme of them."""
    for row in sample.share_schemes:
        if row["register"] == register:
            return ShareScheme(
                first_year=int(row["first_year"]),
                years=int(row["years"]),
                lowest_bp=int(row["lowest_bp"]),
                highest_bp=int(row["highest_bp"]),
                modes=[_mode(each) for each in sample.share_modes if each["register"] == register],
                capital=SchemeCapital(fen(row["public_yuan"]), fen(row["whole_yuan"]), parse(row["area_mu"], MILLI_MU)),
            )
    return None


def _mode(row: Row) -> ShareMode:
    parts = [Part(part) for part in row["parts"].split()]
    return ShareMode(row["mode"], row["name"], parts, int(row["household_bp"]))


def _decide(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    region_code = known.organisations[row["keeper"]].region_code
    county = known.officer(Role.COUNTY_REVIEWER, region_code, Permission.REGISTER_APPROVE)
    version_id = known.registers[row["register"]]
    registers.approve(session, county, version_id=version_id, opinion=row["opinion"], now=now)
