"""Share registers: opened by a supplier or a village collective, in versions that the county decides."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits import deciding
from market.benefits.formulas import percent
from market.benefits.holdings import (
    RegisterBody,
    SchemeBeyondRuleError,
    check_register,
    collectives_of,
    households_of,
    register_body,
)
from market.benefits.models import Register, RegisterVersion, SchemeRule
from market.benefits.queries import register_versions_in_force, visible_register_versions, visible_registers
from market.benefits.refusals import NotEnrolledError
from market.benefits.rules import PlanEvent, RegisterKind
from market.benefits.service import check_collectives, check_enrolled
from market.db import within
from market.errors import MarketError, NotFoundError, named
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind


def open_register(session: orm.Session, actor: Actor, *, kind: RegisterKind, name: str) -> Register:
    """Open a register of the actor's own organisation; raises `RegisterNameTakenError` or `ListKeeperError`."""
    if kind is RegisterKind.LIST and actor.kind is not OrganisationKind.VILLAGE_COLLECTIVE:
        raise ListKeeperError(pointer="/kind")
    own = sa.select(Register.id).where(Register.organisation_id == actor.organisation_id, Register.name == name)
    if session.scalar(own):
        raise RegisterNameTakenError(name=name, pointer="/name")
    register = Register(organisation_id=actor.organisation_id, kind=kind, name=name)
    session.add(register)
    session.flush()
    return register


def one(session: orm.Session, actor: Actor, register_id: UUID) -> Register:
    """Return a register that the actor may see; raises `NotFoundError`."""
    register = session.scalar(visible_registers(actor).where(Register.id == register_id))
    if register is None:
        raise NotFoundError(what="register")
    return register


def draft(
    session: orm.Session,
    actor: Actor,
    *,
    register_id: UUID,
    body: RegisterBody,
    valid_from: date,
    evidence: str,
    now: datetime,
) -> RegisterVersion:
    """Add the next version of a register, with the bytes and the hash that distributions will pin, and its evidence.

    Raises `NotFoundError`, also for a body of another kind; `RegisterBodyError`, `ModePartMissingError`,
    `SchemeBeyondRuleError`, `NotEnrolledError`, `NotOfVillageError`, `NotCollectiveError` or
    `CollectiveElsewhereError`, each pointing at the row.
    """
    register = session.scalar(visible_registers(actor).where(Register.id == register_id).with_for_update())
    if register is None or register.kind is not body.kind:
        raise NotFoundError(what="register")
    check_register(body)
    _check_rule(body, rule_of(session, register))
    if register.kind is RegisterKind.LIST:
        _check_of_village(session, register.organisation_id, households_of(body))
    else:
        check_enrolled(session, register.organisation_id, households_of(body))
        check_collectives(session, register.organisation_id, collectives_of(body))
    return deciding.draft(
        session,
        actor,
        RegisterVersion,
        RegisterVersion.register_id,
        register_id,
        body=body,
        valid_from=valid_from,
        now=now,
        evidence=evidence,
    )


def rule_of(session: orm.Session, register: Register) -> SchemeRule | None:
    """Return what the place of a register's keeper allows a scheme of share modes, if it has a rule."""
    keeper = session.get_one(Organisation, register.organisation_id)
    return session.scalar(
        sa.select(SchemeRule)
        .where(sa.literal(keeper.region_code).startswith(SchemeRule.region_code))
        .order_by(sa.func.length(SchemeRule.region_code).desc())
        .limit(1)
    )


def _check_rule(body: RegisterBody, rule: SchemeRule | None) -> None:
    """Raise `SchemeBeyondRuleError` for bounds wider, or years more, than the rule of the place allows."""
    scheme = body.scheme
    if scheme is None or rule is None:
        return
    bounded = rule.lowest_bp <= scheme.lowest_bp and scheme.highest_bp <= rule.highest_bp
    if not bounded or scheme.first_year < rule.first_year or scheme.last_year > rule.last_year:
        raise SchemeBeyondRuleError(
            region=rule.region_code,
            lowest=percent(rule.lowest_bp),
            highest=percent(rule.highest_bp),
            first=rule.first_year,
            last=rule.last_year,
            pointer="/scheme",
        )


def ids_of(session: orm.Session, kind: RegisterKind, codes: Mapping[str, str]) -> dict[str, str]:
    """Return the ids, as text, of households by the code on their papers; `codes` maps each to where it is named.

    An unknown code is refused like a household that such a register may not name, so that the answer tells nothing of
    who lives where. Raises `NotEnrolledError` or `NotOfVillageError`.
    """
    known = session.execute(sa.select(Household.code, Household.id).where(Household.code.in_(codes)))
    found = {row.code: str(row.id) for row in known}
    for code, pointer in codes.items():
        if code not in found:
            refusal = NotOfVillageError if kind is RegisterKind.LIST else NotEnrolledError
            raise refusal(household=named(None), pointer=pointer)
    return found


def _check_of_village(session: orm.Session, collective_id: UUID, households: Mapping[str, str]) -> None:
    """Raise `NotOfVillageError` unless every household lives in the collective's village and is on the register."""
    collective = session.get_one(Organisation, collective_id)
    of_village = set(
        session.scalars(
            sa.select(Household.id).where(
                Household.id.in_(map(UUID, households)),
                within(Household.village_code, collective.region_code),
                Household.departed_on.is_(None),
            )
        )
    )
    for key, pointer in households.items():
        if UUID(key) not in of_village:
            raise NotOfVillageError(household=named(None), pointer=pointer)


def submit(session: orm.Session, actor: Actor, *, version_id: UUID) -> RegisterVersion:
    """Ask the county to decide a draft; raises `NotFoundError` or `TransitionError`."""
    version = deciding.locked(session, visible_register_versions(actor), RegisterVersion, version_id)
    deciding.submit(session, version)
    return version


def approve(session: orm.Session, actor: Actor, *, version_id: UUID, opinion: str, now: datetime) -> RegisterVersion:
    """Put a submitted version in force from its `valid_from`; it never changes again.

    Raises `NotFoundError`, `TransitionError` or `FourEyesError`.
    """
    return _decide(session, actor, version_id, PlanEvent.APPROVE, opinion=opinion, now=now)


def reject(session: orm.Session, actor: Actor, *, version_id: UUID, opinion: str, now: datetime) -> RegisterVersion:
    """Turn a submitted version down; a better one is a new version. Raises as `approve`."""
    return _decide(session, actor, version_id, PlanEvent.REJECT, opinion=opinion, now=now)


def _decide(
    session: orm.Session, actor: Actor, version_id: UUID, event: PlanEvent, *, opinion: str, now: datetime
) -> RegisterVersion:
    version = deciding.locked(session, visible_register_versions(actor), RegisterVersion, version_id)
    keeper_id = session.get_one(Register, version.register_id).organisation_id
    deciding.decide(session, actor, version, event, owner_id=keeper_id, opinion=opinion, now=now)
    return version


def version_on(session: orm.Session, register_id: UUID, on: date) -> RegisterVersion | None:
    """Return the approved version of a register that holds on a day: the latest `valid_from`, then number."""
    return session.scalar(register_versions_in_force(on).where(RegisterVersion.register_id == register_id))


def body_of(version: RegisterVersion) -> RegisterBody:
    """Return what a version says."""
    return register_body(version.body)


def codes_of(session: orm.Session, body: RegisterBody) -> dict[str, str]:
    """Return the code of each household that a body names by its id (as text)."""
    ids = [UUID(row.household) for row in body.rows]
    rows = session.execute(sa.select(Household.id, Household.code).where(Household.id.in_(ids)))
    return {str(row.id): row.code for row in rows}


class NotOfVillageError(MarketError):
    """A village collective lists the households of its own village that are on the register."""

    en = "This household{household} is not on the register of the collective's village."
    zh = "该农户{household}不在该集体所在村的登记名册中。"


class ListKeeperError(MarketError):
    """Only a village collective distributes by a list of its own."""

    en = "Only a village collective keeps a list of its own."
    zh = "只有村集体经济组织可建立自己的分配名单。"


class RegisterNameTakenError(MarketError):
    """One name, one register of an organisation; a change is a new version."""

    status = 409
    en = "You already have a register named {name}; draft a new version of it."
    zh = "已有名为 {name} 的名册,请起草新版本。"
