"""Who acts: organisations and their members, and the register of households with who takes part where."""

from collections import defaultdict
from datetime import date, datetime

from sqlalchemy import orm

from market.benefits import enrolling
from market.households import service as register
from market.households.rules import HouseholdStatus
from market.identity import members
from market.identity import service as identity
from market.identity.rules import OrganisationKind, Permission, Role
from market.seeding.known import Known
from market.seeding.reading import Sample, day
from market.seeding.timeline import morning

DEMO_PASSWORD = "seven-into-demo"  # noqa: S105 - documented, and of the sample alone
"""Every member of the sample signs in with this."""


def load_people(session: orm.Session, sample: Sample, known: Known, *, now: datetime) -> None:
    """Load organisations and members; all share one hash of `DEMO_PASSWORD`, which takes most of a second to make."""
    password_hash = identity.hash_password(DEMO_PASSWORD)
    for row in sample.organisations:
        body = identity.register_organisation(
            session,
            kind=OrganisationKind(row["kind"]),
            name=row["name"],
            region_code=row["region_code"],
            credit_code=row["credit_code"],
        )
        known.organisations[row["organisation"]] = body
        known.village_of[body.id] = body.region_code
    for row in sample.members:
        known.members[row["login"]] = member = members.add(
            session,
            None,
            organisation_id=known.organisations[row["organisation"]].id,
            login=row["login"],
            password_hash=password_hash,
            role=Role(row["role"]),
            now=now,
        )
        member.own_password = True  # told in the manual, to be signed in with


def load_households(session: orm.Session, sample: Sample, known: Known, village_code: str) -> int:
    """Load the households of a village with all their statuses, as its county recorded them; return how many."""
    later: dict[str, list[tuple[date, HouseholdStatus]]] = defaultdict(list)
    for row in sample.household_statuses:
        later[row["household"]].append((day(row["valid_from"]), HouseholdStatus(row["status"])))
    officer = known.officer(Role.COUNTY_REVIEWER, village_code, Permission.HOUSEHOLD_WRITE)
    rows = [row for row in sample.households if row["village_code"] == village_code]
    for row in rows:
        registered_on = day(row["registered_on"])
        household = register.register(
            session,
            officer,
            code=row["household"],
            village_code=village_code,
            head_count=int(row["head_count"]),
            status=HouseholdStatus(row["status"]),
            registered_on=registered_on,
            now=morning(registered_on),
        )
        known.households[household.code] = household.id
        known.village_of[household.id] = village_code
        for valid_from, status in later[household.code]:
            register.record_status(
                session,
                officer,
                household_id=household.id,
                status=status,
                valid_from=valid_from,
                now=morning(valid_from),
            )
        if row["departed_on"]:
            departed_on = day(row["departed_on"])
            register.depart(
                session, officer, household_id=household.id, departed_on=departed_on, now=morning(departed_on)
            )
    return len(rows)


def villages(sample: Sample) -> list[str]:
    """Return the code of every village that has households, in the order of the file."""
    return list(dict.fromkeys(row["village_code"] for row in sample.households))


def load_enrolments(session: orm.Session, sample: Sample, known: Known) -> None:
    """Load who takes part with which supplier: the supplier says so, each village confirms its own."""
    groups: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for row in sample.enrolments:
        village_code = known.village_of[known.households[row["household"]]]
        groups[row["supplier"], village_code, row["enrolled_on"], row["confirmed_on"]].append(row["household"])
    for (supplier, village_code, enrolled_on, confirmed_on), codes in groups.items():
        clerk = known.actor(f"{supplier}.clerk", Permission.ENROLMENT_WRITE)
        enrolling.enrol(session, clerk, household_codes=codes, on=day(enrolled_on))
        village = known.officer(Role.VILLAGE_CLERK, village_code, Permission.ENROLMENT_CONFIRM)
        enrolling.confirm_enrolments(
            session,
            village,
            supplier_id=known.organisations[supplier].id,
            household_ids=[known.households[code] for code in codes],
            now=morning(day(confirmed_on)),
        )
