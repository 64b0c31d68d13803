"""The people of the households: sealed on the way in, masked on the way out."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import new_id
from market.errors import InvalidInputError, NotFoundError
from market.households import continuing, keys
from market.households.models import Household, Person
from market.households.particulars import Particulars, checked, masked
from market.households.queries import Home, homes, visible_households, visible_people
from market.households.rules import (
    INDEXED,
    SHOWN,
    PeopleExceedHeadsError,
    PersonalField,
    ResidentIdTakenError,
    check_present,
)
from market.households.service import household_to_change
from market.households.vault import DataKey, Place, Vault
from market.identity.rules import Actor

_TABLE = "people"
_MASKED = "masked"
Given = Mapping[PersonalField, str | None]
"""What is given of a person; None takes a value away."""


def sealed(vault: Vault, key: DataKey, person_id: UUID, known: Given) -> dict[str, bytes | None]:
    """Return the columns of what is given, sealed and indexed; not the masks."""
    columns: dict[str, bytes | None] = {}
    for field, value in known.items():
        columns[field.value] = None if value is None else key.seal(Place(_TABLE, field.value, person_id), value)
        if field in INDEXED:
            columns[f"{field}_index"] = None if value is None else index_of(vault, field, value)
    return columns


def index_of(vault: Vault, field: PersonalField, value: str) -> bytes:
    """Return the blind index of a value in its one way of writing."""
    return vault.blind(f"{_TABLE}.{field}", value)


def sealed_masks(key: DataKey, person_id: UUID, masks: Mapping[str, str]) -> bytes:
    """Return what a listing shows, sealed."""
    return key.seal(Place(_TABLE, _MASKED, person_id), json.dumps(masks, ensure_ascii=False))


def masks_of(key: DataKey, person: Person) -> dict[str, str]:
    """Return what a listing shows of a person, for who may see every field; raises `VaultError`."""
    masks: dict[str, str] = json.loads(key.open(Place(_TABLE, _MASKED, person.id), person.masked))
    return masks


def clear(key: DataKey, person: Person, fields: frozenset[PersonalField]) -> dict[PersonalField, str]:
    """Return what is known of a person in clear; whoever calls this has logged it. Raises `VaultError`."""
    found = {}
    for field in PersonalField:
        ciphertext = getattr(person, field.value)
        if field in fields and ciphertext is not None:
            found[field] = key.open(Place(_TABLE, field.value, person.id), ciphertext)
    return found


def row_of(vault: Vault, key: DataKey, household_id: UUID, known: Particulars) -> dict[str, Any]:
    """Return the row of a new person."""
    person_id = new_id()
    masks = {field.value: masked(field, value) for field, value in known.items()}
    nothing = dict.fromkeys(PersonalField)
    return {
        "id": person_id,
        "household_id": household_id,
        "departed_on": None,
        "version": 1,
        "masked": sealed_masks(key, person_id, masks),
        **sealed(vault, key, person_id, {**nothing, **known}),
    }


class Shown(NamedTuple):
    """A person as a role sees it: each of its fields masked, or None."""

    person: Person
    masks: dict[str, str | None]


class ShownHome(NamedTuple):
    """A household's people as a role sees them; of an erased household nobody."""

    household: Household
    erased: bool
    people: list[Shown]


def list_people(
    session: orm.Session,
    actor: Actor,
    vault: Vault,
    *,
    village_code: str | None,
    household_id: UUID | None,
    after: str | None,
    limit: int,
) -> list[ShownHome]:
    """Return households by code with their people, masked as the actor's role sees them; one statement."""
    households = visible_households(actor).order_by(Household.code).limit(limit)
    if village_code is not None:
        households = households.where(Household.village_code.startswith(village_code, autoescape=True))
    if household_id is not None:
        households = households.where(Household.id == household_id)
    if after is not None:
        households = households.where(Household.code > after)
    return [_shown(vault, actor, home) for home in homes(session, households)]


def _shown(vault: Vault, actor: Actor, home: Home) -> ShownHome:
    household, kept, people = home
    if kept is None or kept.wrapped is None:
        return ShownHome(household, kept is not None, [])
    key = keys.opened(vault, kept)
    fields = SHOWN.get(actor.role, frozenset())
    shown = []
    for person in people:
        masks = masks_of(key, person)
        shown.append(Shown(person, {field.value: masks.get(field) if field in fields else None for field in _FIELDS}))
    return ShownHome(household, erased=False, people=shown)


_FIELDS = tuple(PersonalField)


def add_person(
    session: orm.Session, actor: Actor, vault: Vault, *, household_id: UUID, given: Given, now: datetime, today: date
) -> Person:
    """Put a person on the register, in a household that counts more heads than it has people there.

    Raises `NotFoundError`, `HouseholdDepartedError`, `HouseholdErasedError`, `InvalidInputError`,
    `PeopleExceedHeadsError`, `ResidentIdTakenError` or `MonitoringContinuesError`.
    """
    household = household_to_change(session, actor, household_id=household_id)
    check_present(household.departed_on)
    known = checked(given, today=today)
    present = sa.select(sa.func.count()).where(Person.household_id == household_id, Person.departed_on.is_(None))
    if session.scalars(present).one() >= household.head_count:
        raise PeopleExceedHeadsError(heads=household.head_count)
    key = keys.keys_for(session, vault, [household_id], now=now)[household_id]
    _check_resident_id(session, vault, known.get(PersonalField.RESIDENT_ID), household, besides=None)
    person = Person(**row_of(vault, key, household_id, known))
    session.add(person)
    session.flush()
    return person


def person_to_change(session: orm.Session, actor: Actor, *, person_id: UUID) -> Person:
    """Return a person of today, locked after its household; raises `NotFoundError`."""
    person = session.scalar(visible_people(actor).where(Person.id == person_id, Person.departed_on.is_(None)))
    if person is None:
        raise NotFoundError(what="person")
    household_to_change(session, actor, household_id=person.household_id)
    session.refresh(person, with_for_update=True)
    return person


def correct_person(
    session: orm.Session, vault: Vault, person: Person, *, given: Given, now: datetime, today: date
) -> None:
    """Replace what is given of a locked person; of the rest nothing is opened but the masks.

    Raises `HouseholdErasedError`, `InvalidInputError`, `ResidentIdTakenError` or `MonitoringContinuesError`.
    """
    known: dict[PersonalField, str | None] = {**given, **checked(given, today=today)}
    if PersonalField.NAME in known and known[PersonalField.NAME] is None:
        raise InvalidInputError("a person has a name", "姓名不能为空", pointer="/name")
    key = keys.keys_for(session, vault, [person.household_id], now=now)[person.household_id]
    household = session.get_one(Household, person.household_id)
    _check_resident_id(session, vault, known.get(PersonalField.RESIDENT_ID), household, besides=person.id)
    change(vault, key, person, known)
    session.flush()


def change(vault: Vault, key: DataKey, person: Person, known: Given) -> None:
    """Seal anew what is given of a person, and its masks."""
    masks = masks_of(key, person) | {field.value: masked(field, value) for field, value in known.items() if value}
    gone = {field.value for field, value in known.items() if value is None}
    person.masked = sealed_masks(key, person.id, {name: mask for name, mask in masks.items() if name not in gone})
    for column, content in sealed(vault, key, person.id, known).items():
        setattr(person, column, content)
    person.version += 1


def depart_person(session: orm.Session, actor: Actor, *, person_id: UUID, today: date) -> Person:
    """Take a person off the household from today on; what is sealed stays, and the resident ID is free again.

    Raises `NotFoundError`.
    """
    person = person_to_change(session, actor, person_id=person_id)
    person.departed_on = today
    person.version += 1
    session.flush()
    return person


def _check_resident_id(
    session: orm.Session, vault: Vault, resident_id: str | None, household: Household, *, besides: UUID | None
) -> None:
    if resident_id is None:
        return
    index = index_of(vault, PersonalField.RESIDENT_ID, resident_id)
    taken = sa.select(Person.id).where(Person.resident_id_index == index, Person.departed_on.is_(None))
    if session.scalar(taken) not in {None, besides}:
        raise ResidentIdTakenError(pointer="/resident_id")
    continuing.check_takes_up(session, household, index, pointer="/resident_id")
