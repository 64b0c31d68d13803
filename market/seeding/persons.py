"""The people of a few households, sealed, and what they consent to: told last, where no other identifier follows."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import orm

from market.clock import business_date
from market.households import consents, people
from market.households.rules import ConsentPurpose, PersonalField
from market.households.vault import Vault
from market.identity.rules import Permission, Role
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day
from market.seeding.timeline import Event, Turn

_FIELDS = frozenset(PersonalField) - {PersonalField.HEALTH}


def events(sample: Sample, known: Known, vault: Vault) -> Iterator[Event]:
    """Return the people that counties put on the register, and the consents that villages record."""
    for row in sample.people:
        add = partial(_add, known, vault, row)
        yield Event(day(row["recorded_on"]), Turn.PERSON, f"person of {row['household']}", add)
    for row in sample.consents:
        give = partial(_consent, known, row)
        yield Event(day(row["given_on"]), Turn.CONSENT, f"consent of {row['household']}", give)


def _add(known: Known, vault: Vault, row: Row, session: orm.Session, now: datetime) -> None:
    household_id = known.households[row["household"]]
    county = known.officer(Role.COUNTY_REVIEWER, known.village_of[household_id], Permission.PERSON_WRITE)
    people.add_person(
        session,
        county,
        vault,
        household_id=household_id,
        given={field: row[field] for field in PersonalField if field in _FIELDS and row[field]},
        now=now,
        today=business_date(now),
    )


def _consent(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    household_id = known.households[row["household"]]
    consents.give(
        session,
        known.officer(Role.VILLAGE_CLERK, known.village_of[household_id], Permission.CONSENT_WRITE),
        household_id=household_id,
        purpose=ConsentPurpose(row["purpose"]),
        valid_from=business_date(now),
        valid_until=None,
        evidence=row["evidence"],
        now=now,
        today=business_date(now),
    )
