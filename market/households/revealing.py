"""Reading personal data in clear, and looking people up: for a purpose, within a quota, logged before it is done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.clock import business_date
from market.db import lock_by
from market.errors import InvalidInputError, NotFoundError
from market.households import keys
from market.households.models import Household, Person, PersonalDataAccess
from market.households.particulars import normalised
from market.households.people import clear, index_of
from market.households.queries import Home, consenting, homes, visible_households, visible_people
from market.households.rules import (
    INDEXED,
    NEEDS_CONSENT,
    AccessKind,
    ConsentMissingError,
    PersonalField,
    Purpose,
    check_quota,
    check_reveal,
    check_says_no_number,
)
from market.households.vault import Vault
from market.identity.rules import Actor

_HOUR = timedelta(hours=1)


class Reading(NamedTuple):
    """Why somebody reads, from where, in which request, and when."""

    purpose: Purpose
    reason: str
    ip: str
    request_id: str
    now: datetime


class Revealed(NamedTuple):
    """A household's people with the fields that were asked for, in clear; of an erased household nobody."""

    household: Household
    erased: bool
    people: list[tuple[UUID, dict[PersonalField, str]]]


def reveal(
    session: orm.Session,
    actor: Actor,
    vault: Vault,
    *,
    household_ids: Sequence[UUID],
    fields: Sequence[PersonalField],
    reading: Reading,
) -> list[Revealed]:
    """Return people of up to 20 households in clear; the access is logged first, in this transaction.

    Raises `ForbiddenError`, `RevealNotAllowedError`, `NumberInTextError`, `NotFoundError`, `ConsentMissingError` or
    `RevealQuotaError`; then nothing was opened.
    """
    check_reveal(actor.role, reading.purpose, fields)
    found = homes(session, visible_households(actor).where(Household.id.in_(household_ids)))
    seen = {home.household.id for home in found}
    for index, household_id in enumerate(household_ids):
        if household_id not in seen:
            raise NotFoundError(what="household", pointer=f"/household_ids/{index}")
    _check_consent(session, actor, household_ids, reading)
    log(
        session,
        actor,
        kind=AccessKind.REVEAL,
        household_ids=sorted(seen),
        fields=fields,
        person_count=sum(len(home.people) for home in found),
        reading=reading,
    )
    return [_revealed(vault, home, frozenset(fields)) for home in found]


def _check_consent(session: orm.Session, actor: Actor, household_ids: Sequence[UUID], reading: Reading) -> None:
    consent = NEEDS_CONSENT.get((actor.role, reading.purpose))
    if consent is not None:
        agreed = consenting(session, consent, household_ids, business_date(reading.now))
        for index, household_id in enumerate(household_ids):
            if household_id not in agreed:
                raise ConsentMissingError(consent=consent.value, pointer=f"/household_ids/{index}")


def _revealed(vault: Vault, home: Home, fields: frozenset[PersonalField]) -> Revealed:
    household, kept, people = home
    if kept is None or kept.wrapped is None:
        return Revealed(household, kept is not None, [])
    key = keys.opened(vault, kept)
    return Revealed(household, erased=False, people=[(person.id, clear(key, person, fields)) for person in people])


def search(
    session: orm.Session, actor: Actor, vault: Vault, *, field: PersonalField, value: str, reading: Reading
) -> list[tuple[Person, Household]]:
    """Return the people with exactly this number, by its blind index; nothing is opened.

    Logged like a reading: who asks learns to whom the number belongs. Raises `InvalidInputError` for a field without
    an index, and what `reveal` raises.
    """
    if field not in INDEXED:
        raise InvalidInputError("this field cannot be looked up", "该字段不支持检索", pointer="/field")
    check_reveal(actor.role, reading.purpose, [field])
    keys.check_keyring(session, vault)
    index = index_of(vault, field, normalised(field, value))
    column = getattr(Person, f"{field}_index")
    found = [
        (person, household)
        for person, household in session.execute(
            visible_people(actor)
            .join(Household, Household.id == Person.household_id)
            .add_columns(Household)
            .where(column == index, Person.departed_on.is_(None))
            .order_by(Person.id)
        )
    ]
    log(
        session,
        actor,
        kind=AccessKind.SEARCH,
        household_ids=sorted({household.id for _, household in found}),
        fields=[field],
        person_count=len(found),
        reading=reading,
    )
    return found


def log(
    session: orm.Session,
    actor: Actor,
    *,
    kind: AccessKind,
    household_ids: Sequence[UUID],
    fields: Sequence[PersonalField],
    person_count: int,
    reading: Reading,
) -> None:
    """Write an access down, before it happens; raises `NumberInTextError` or `RevealQuotaError`.

    Comparisons by an import of the register show nobody anything in clear, and count for nobody's quota.
    """
    check_says_no_number(reading.reason, pointer="/reason")
    if kind is not AccessKind.COMPARISON:
        lock_by(session, kind="personal_data", key=actor.member_id)
        already = sa.select(
            sa.func.coalesce(sa.func.sum(sa.func.greatest(sa.func.cardinality(PersonalDataAccess.household_ids), 1)), 0)
        ).where(
            PersonalDataAccess.member_id == actor.member_id,
            PersonalDataAccess.kind != AccessKind.COMPARISON,
            PersonalDataAccess.accessed_at > reading.now - _HOUR,
        )
        check_quota(int(session.scalars(already).one()), max(len(household_ids), 1))
    session.add(
        PersonalDataAccess(
            kind=kind,
            member_id=actor.member_id,
            role=actor.role,
            acting_for=actor.organisation_id,
            purpose=reading.purpose,
            reason=reading.reason,
            household_ids=list(household_ids),
            fields=[field.value for field in fields],
            person_count=person_count,
            ip=reading.ip,
            request_id=reading.request_id,
            accessed_at=reading.now,
        )
    )
    session.flush()
