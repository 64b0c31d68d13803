"""Importing a file of the register: checked whole, then recorded whole or not at all; what is there already stays.

A household that the register has is compared with the file; where they differ the register keeps its word, unless the
changes are asked for. To compare, what is sealed is opened: that is logged like any reading, and nobody is shown more
than which columns differ.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from typing_extensions import override

from market.db import lock_by, new_id
from market.errors import MarketError
from market.households import keys, people, register_faults, revealing
from market.households.models import Household, HouseholdHeadCount, HouseholdStatusPeriod, Person
from market.households.particulars import Particulars
from market.households.queries import Home, homes
from market.households.register_file import (
    AnyColumn,
    HouseholdInFile,
    Remark,
    read,
)
from market.households.rules import AccessKind, Column, FileKind, HouseholdStatus, PersonalField
from market.households.service import change_head_count, change_land
from market.households.vault import DataKey, Vault
from market.identity.rules import Actor

MAX_TOLD = 100
"""Faults that are told of a file, the first ones."""


class RegisterFileError(MarketError):
    """A file with a fault is not recorded at all."""

    en = "The file has {number} faults; nothing was recorded."
    zh = "文件有 {number} 处错误,未登记任何内容。"

    def __init__(self, remarks: Sequence[Remark]) -> None:
        """Keep the faults, each with row and column."""
        self._remarks = remarks[:MAX_TOLD]
        super().__init__(number=len(remarks))

    @override
    def faults(self, language: str) -> list[tuple[str, str]]:
        """Return the first faults, by row and column."""
        return [
            (
                f"/content/{remark.row}/{remark.column.value if remark.column else ''}".rstrip("/"),
                remark.sentence(language),
            )
            for remark in self._remarks
        ]


class Difference(NamedTuple):
    """In what the file differs from the register: a row, or (0) people of the household who are not in the file."""

    row: int
    household_code: str
    columns: list[AnyColumn]


@dataclass
class Report:
    """What a file would bring, or brought."""

    rows: int = 0
    households_new: int = 0
    households_unchanged: int = 0
    people_new: int = 0
    changed: bool = False
    differences: list[Difference] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)


def import_file(
    session: orm.Session,
    actor: Actor,
    vault: Vault,
    *,
    kind: FileKind,
    content: bytes,
    apply_changes: bool,
    dry_run: bool,
    reading: revealing.Reading,
    today: date,
) -> Report:
    """Record a file of the register, or with `dry_run` say what it would bring; raises `RegisterFileError`.

    A dry run answers with the faults. The same file again brings nothing new.
    """
    told, faults, odd = read(kind, content, today=today)
    lock_by(session, kind="register_import", key=actor.region_code)
    there = {home.household.code: home for home in _there(session, told)}
    faults += register_faults.of_places(session, actor, told)
    faults += register_faults.of_register(actor, told, there)
    faults += register_faults.of_people(session, vault, told, there)
    odd += register_faults.odd_accounts(session, vault, told)
    odd += register_faults.odd_regions(session, told)
    report = Report(
        rows=sum(len(household.people) for household in told), faults=_in_order(faults), warnings=_in_order(odd)
    )
    if faults:
        if not dry_run:
            raise RegisterFileError(report.faults)
        return report
    new = [household for household in told if household.code not in there]
    report.households_new, report.people_new = len(new), sum(household.head_count for household in new)
    if there:
        _log_comparison(session, actor, there.values(), reading)
    statuses = _statuses(session, there.values())
    plans = [
        _compared(vault, household, home, statuses[home.household.id])
        for household in told
        if (home := there.get(household.code)) is not None
    ]
    report.differences = [difference for plan in plans for difference in plan.differences]
    report.households_unchanged = sum(not plan.differences for plan in plans)
    if not dry_run:
        _record(session, actor, vault, new, reading)
        if apply_changes:
            _apply(session, actor, vault, plans, reading=reading, today=today)
            report.changed = bool(report.differences)
    return report


def _in_order(remarks: Collection[Remark]) -> list[Remark]:
    return sorted(remarks, key=lambda remark: (remark.row, remark.column or ""))


def _there(session: orm.Session, told: Sequence[HouseholdInFile]) -> list[Home]:
    codes = [household.code for household in told]
    session.execute(sa.select(Household.id).where(Household.code.in_(codes)).order_by(Household.id).with_for_update())
    return homes(session, sa.select(Household).where(Household.code.in_(codes)))


def _log_comparison(session: orm.Session, actor: Actor, there: Collection[Home], reading: revealing.Reading) -> None:
    revealing.log(
        session,
        actor,
        kind=AccessKind.COMPARISON,
        household_ids=sorted(home.household.id for home in there),
        fields=list(PersonalField),
        person_count=sum(len(home.people) for home in there),
        reading=reading,
    )


class Plan(NamedTuple):
    """What would have to change for the register to say what the file says of a household."""

    home: Home
    told: HouseholdInFile
    changed: list[tuple[Person, dict[PersonalField, str | None]]]
    new: list[Particulars]
    gone: list[Person]
    differences: list[Difference]


def _statuses(session: orm.Session, there: Collection[Home]) -> dict[UUID, HouseholdStatus]:
    """Return the latest status of each household."""
    periods = (
        sa.select(HouseholdStatusPeriod.household_id, HouseholdStatusPeriod.status)
        .where(HouseholdStatusPeriod.household_id.in_([home.household.id for home in there]))
        .order_by(HouseholdStatusPeriod.valid_from)
    )
    return {row.household_id: row.status for row in session.execute(periods)}  # the last one stays


def _compared(vault: Vault, told: HouseholdInFile, home: Home, status: HouseholdStatus) -> Plan:
    key = keys.opened(vault, home.key) if home.key is not None else None
    known = _known(key, home.people)
    plan = Plan(home, told, [], [], [], [])
    columns: list[AnyColumn] = [
        column
        for column in (Column.VILLAGE_CODE, Column.HEAD_COUNT, Column.REGISTERED_ON)
        if getattr(home.household, column) != getattr(told, column)
    ]
    if status is not told.status:
        columns.append(Column.STATUS)
    if told.land_milli_mu not in (None, home.household.land_milli_mu):
        columns.append(Column.LAND_MU)
    if columns:
        plan.differences.append(Difference(told.row, told.code, columns))
    for row, person in told.people.items():
        match = _match(person, known)
        if match is None:
            plan.new.append(person)
            plan.differences.append(Difference(row, told.code, list(person)))
            continue
        before = known.pop(match.id)[1]
        changes = {field: person.get(field) for field in PersonalField if person.get(field) != before.get(field)}
        if changes:
            plan.changed.append((match, changes))
            plan.differences.append(Difference(row, told.code, list(changes)))
    plan.gone.extend(person for person, _ in known.values())
    if plan.gone:
        plan.differences.append(Difference(0, told.code, []))
    return plan


def _known(key: DataKey | None, sealed: Sequence[Person]) -> dict[UUID, tuple[Person, Particulars]]:
    everything = frozenset(PersonalField)
    return {person.id: (person, people.clear(key, person, everything)) for person in sealed if key is not None}


def _match(told: Particulars, known: Mapping[UUID, tuple[Person, Particulars]]) -> Person | None:
    """Return the person of the register that a row is about: the one with its resident ID, else the one of its name."""
    by = [PersonalField.RESIDENT_ID, PersonalField.NAME]
    for column in by:
        value = told.get(column)
        for person, before in known.values():
            unlike = all(PersonalField.RESIDENT_ID in one for one in (told, before)) and column is PersonalField.NAME
            if value is not None and before.get(column) == value and not unlike:
                return person
    return None


def _record(
    session: orm.Session, actor: Actor, vault: Vault, new: Sequence[HouseholdInFile], reading: revealing.Reading
) -> None:
    if not new:
        return
    ids = {household.code: new_id() for household in new}
    session.execute(sa.insert(Household), [_row_of(household, ids[household.code]) for household in new])
    since = [
        {"household_id": ids[one.code], "valid_from": one.registered_on}
        | {"recorded_by": actor.member_id, "recorded_at": reading.now}
        for one in new
    ]
    statuses = [known | {"status": one.status} for known, one in zip(since, new, strict=True)]
    session.execute(sa.insert(HouseholdStatusPeriod), statuses)
    counts = [known | {"id": new_id(), "head_count": one.head_count} for known, one in zip(since, new, strict=True)]
    session.execute(sa.insert(HouseholdHeadCount), counts)
    data_keys = keys.keys_for(session, vault, list(ids.values()), now=reading.now)
    rows = [
        people.row_of(vault, data_keys[ids[household.code]], ids[household.code], person)
        for household in new
        for person in household.people.values()
    ]
    session.execute(sa.insert(Person), rows)


def _row_of(household: HouseholdInFile, household_id: UUID) -> dict[str, Any]:
    return {
        "id": household_id,
        "code": household.code,
        "village_code": household.village_code,
        "head_count": household.head_count,
        "land_milli_mu": household.land_milli_mu,
        "registered_on": household.registered_on,
        "departed_on": None,
        "version": 1,
    }


def _apply(
    session: orm.Session,
    actor: Actor,
    vault: Vault,
    plans: Sequence[Plan],
    *,
    reading: revealing.Reading,
    today: date,
) -> None:
    """Let the register say of these people what the file says; who is in it no more has departed.

    Another head count holds from today, the land at once. Village, status and day of registration stay: these have
    requests, and dates, of their own.
    """
    plans = [plan for plan in plans if plan.differences]
    ids = [plan.home.household.id for plan in plans]
    data_keys = keys.keys_for(session, vault, ids, now=reading.now) if ids else {}
    for person in (person for plan in plans for person in plan.gone):
        person.departed_on = today
        person.version += 1
    session.flush()  # which frees their resident IDs
    rows = []
    for household, told, changed, new, _, _ in ((plan.home.household, *plan[1:]) for plan in plans):
        for person, changes in changed:
            people.change(vault, data_keys[household.id], person, changes)
        rows += [people.row_of(vault, data_keys[household.id], household.id, person) for person in new]
        if household.head_count != told.head_count:
            change_head_count(session, actor, household, head_count=told.head_count, valid_from=today, now=reading.now)
        if told.land_milli_mu is not None:
            change_land(session, household, land_milli_mu=told.land_milli_mu)
    session.flush()
    if rows:
        session.execute(sa.insert(Person), rows)
