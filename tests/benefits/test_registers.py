"""Share registers: what they say, who decides them, and that they never change once decided."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

from market.benefits import registers
from market.benefits.holdings import Entitlement, Holding, Listed, RegisterBody, SchemeBeyondRuleError, weights
from market.benefits.models import Register, RegisterVersion
from market.benefits.refusals import NotCollectiveError, NotEnrolledError
from market.benefits.registers import ListKeeperError, NotOfVillageError, RegisterNameTakenError
from market.benefits.rules import PlanStatus, RegisterKind
from market.db import new_id
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories
from tests.benefits.test_formulas import leye

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
VILLAGE = "141122202201"
names = (f"名册{number}" for number in itertools.count(1))


@pytest.fixture
def supplier(session: orm.Session) -> Organisation:
    return factories.organisation(session)


@pytest.fixture
def maker(session: orm.Session, supplier: Organisation) -> Actor:
    return factories.actor(session, factories.member(session, supplier))


@pytest.fixture
def collective(session: orm.Session) -> Organisation:
    return factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code=VILLAGE)


def reviewer(session: orm.Session, region_code: str = "141122") -> Actor:
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code=region_code)
    return factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)


def member_of(session: orm.Session, supplier: Organisation) -> str:
    return str(factories.enrolment(session, supplier, factories.household(session)).household_id)


def shares(*households: str) -> RegisterBody:
    return RegisterBody(RegisterKind.SHARES, tuple(Holding(household, own_fen=100_00) for household in households))


def drafted(
    session: orm.Session,
    maker: Actor,
    body: RegisterBody,
    *,
    register: Register | None = None,
    valid_from: date = date(2026, 1, 1),
) -> RegisterVersion:
    register = register or registers.open_register(session, maker, kind=body.kind, name=next(names))
    return registers.draft(
        session, maker, register_id=register.id, body=body, valid_from=valid_from, evidence="入股凭证", now=NOW
    )


def approved(
    session: orm.Session, maker: Actor, body: RegisterBody, *, register: Register, valid_from: date
) -> RegisterVersion:
    version = drafted(session, maker, body, register=register, valid_from=valid_from)
    registers.submit(session, maker, version_id=version.id)
    return registers.approve(session, reviewer(session), version_id=version.id, opinion="同意", now=NOW)


def test_a_draft_keeps_its_canonical_bytes_and_their_hash(
    session: orm.Session, supplier: Organisation, maker: Actor
) -> None:
    body = shares(*(member_of(session, supplier) for _ in range(3)))
    version = drafted(session, maker, body)
    session.refresh(version)
    assert (version.number, version.status) == (1, PlanStatus.DRAFT)
    assert bytes(version.canonical) == body.canonical()
    assert version.sha256 == sha256(body.canonical()).hexdigest() == registers.body_of(version).sha256()
    assert json.loads(version.canonical) == version.body


def test_a_name_is_taken_once_by_one_organisation(session: orm.Session, maker: Actor) -> None:
    registers.open_register(session, maker, kind=RegisterKind.SHARES, name="股份登记")
    with pytest.raises(RegisterNameTakenError):
        registers.open_register(session, maker, kind=RegisterKind.ENTITLEMENTS, name="股份登记")
    other = factories.actor(session, factories.member(session, factories.organisation(session)))
    registers.open_register(session, other, kind=RegisterKind.SHARES, name="股份登记")


def test_a_register_names_households_that_take_part_alone(
    session: orm.Session, supplier: Organisation, maker: Actor
) -> None:
    sure = member_of(session, supplier)
    unsure = factories.enrolment(session, supplier, factories.household(session), confirmed=False).household_id
    for stranger in (unsure, new_id()):
        with pytest.raises(NotEnrolledError) as refusal:
            drafted(session, maker, shares(sure, str(stranger)))
        assert refusal.value.pointer == "/shares/1/household_code"


def test_an_unknown_code_is_refused_like_a_household_that_does_not_take_part(session: orm.Session) -> None:
    household = factories.household(session)
    assert registers.ids_of(session, RegisterKind.SHARES, {household.code: "/shares/0/household_code"}) == {
        household.code: str(household.id)
    }
    pointers = {household.code: "/shares/0/household_code", "无": "/shares/1/household_code"}
    with pytest.raises(NotEnrolledError) as refusal:
        registers.ids_of(session, RegisterKind.SHARES, pointers)
    assert refusal.value.pointer == "/shares/1/household_code"
    with pytest.raises(NotOfVillageError):
        registers.ids_of(session, RegisterKind.LIST, {"无": "/list/0/household_code"})


def of_leye(session: orm.Session) -> tuple[Actor, str]:
    supplier = factories.organisation(session, region_code="451028100201")
    household = factories.household(session, village_code="451028100201")
    factories.enrolment(session, supplier, household)
    return factories.actor(session, factories.member(session, supplier)), str(household.id)


def in_mode(household: str, **terms: int) -> RegisterBody:
    scheme = replace(leye(), capital=None, **terms)  # type: ignore[arg-type] # each names a number
    holding = Holding(household, own_fen=1, grant_fen=1, area_milli_mu=500, mode="base_own")
    return RegisterBody(RegisterKind.SHARES, (holding,), scheme)


@pytest.mark.parametrize(
    "terms", [{"lowest_bp": 4_990}, {"highest_bp": 9_430}, {"first_year": 2019}, {"first_year": 2021}, {"years": 16}]
)
def test_a_scheme_in_leye_states_no_bounds_or_years_wider_than_the_countys_rule(
    session: orm.Session, terms: dict[str, int]
) -> None:
    maker, household = of_leye(session)
    with pytest.raises(SchemeBeyondRuleError, match=r"households 50 % to 94\.2 % in the years 2020 to 2034"):
        drafted(session, maker, in_mode(household, **terms))


def test_a_scheme_within_the_rule_of_its_place_is_shown_with_it(session: orm.Session) -> None:
    maker, household = of_leye(session)
    version = drafted(session, maker, in_mode(household, lowest_bp=5_000, highest_bp=9_420, first_year=2021, years=14))
    rule = registers.rule_of(session, session.get_one(Register, version.register_id))
    assert rule
    assert (rule.lowest_bp, rule.highest_bp, rule.first_year, rule.last_year) == (5_000, 9_420, 2020, 2034)
    assert "乐业" in rule.source


def test_entrusted_capital_shares_its_return_with_a_village_collective(
    session: orm.Session, supplier: Organisation, maker: Actor, collective: Organisation
) -> None:
    household = member_of(session, supplier)

    def body(collective_id: object) -> RegisterBody:
        row = Entitlement(household, 100_000_00, 660, 600, 60, str(collective_id))
        return RegisterBody(RegisterKind.ENTITLEMENTS, (row,))

    assert weights(registers.body_of(drafted(session, maker, body(collective.id)))) == [(household, 100_000_00)]
    with pytest.raises(NotCollectiveError) as refusal:
        drafted(session, maker, body(maker.organisation_id))
    assert refusal.value.pointer == "/entitlements/0/collective_id"


def test_a_village_collective_lists_the_households_of_its_own_village(
    session: orm.Session, collective: Organisation
) -> None:
    clerk = factories.actor(session, factories.member(session, collective))
    ours, gone = (factories.household(session, village_code=VILLAGE) for _ in range(2))
    theirs = factories.household(session, village_code="141122202202")
    gone.departed_on = date(2026, 1, 1)
    session.flush()

    def body(*households: object) -> RegisterBody:
        return RegisterBody(RegisterKind.LIST, tuple(Listed(str(household), 3) for household in households))

    assert weights(registers.body_of(drafted(session, clerk, body(ours.id)))) == [(str(ours.id), 3)]
    for stranger in (gone.id, theirs.id, new_id()):
        with pytest.raises(NotOfVillageError) as refusal:
            drafted(session, clerk, body(ours.id, stranger))
        assert refusal.value.pointer == "/list/1/household_code"


def test_only_a_village_collective_keeps_a_list(session: orm.Session, maker: Actor) -> None:
    with pytest.raises(ListKeeperError):
        registers.open_register(session, maker, kind=RegisterKind.LIST, name="名单")


def test_the_rows_of_another_kind_or_of_another_keeper_find_no_register(
    session: orm.Session, supplier: Organisation, maker: Actor
) -> None:
    household = member_of(session, supplier)
    register = registers.open_register(session, maker, kind=RegisterKind.ENTITLEMENTS, name="代养协议")
    other = factories.actor(session, factories.member(session, factories.organisation(session)))
    for who in (maker, other):
        with pytest.raises(NotFoundError):
            drafted(session, who, shares(household), register=register)


def test_the_county_decides_and_nobody_of_the_keeper_does(
    session: orm.Session, supplier: Organisation, maker: Actor
) -> None:
    version = drafted(session, maker, shares(member_of(session, supplier)))
    county = reviewer(session)
    with pytest.raises(TransitionError):
        registers.approve(session, county, version_id=version.id, opinion="同意", now=NOW)
    registers.submit(session, maker, version_id=version.id)
    colleague = factories.actor(session, factories.member(session, supplier))
    for judge in (maker, colleague):
        with pytest.raises(FourEyesError):
            registers.approve(session, judge, version_id=version.id, opinion="同意", now=NOW)
    with pytest.raises(NotFoundError):
        registers.approve(session, reviewer(session, "141130"), version_id=version.id, opinion="同意", now=NOW)
    registers.reject(session, county, version_id=version.id, opinion="金额不符", now=NOW)
    assert (version.status, version.decided_by, version.opinion) == (PlanStatus.REJECTED, county.member_id, "金额不符")
    with pytest.raises(TransitionError) as refusal:
        registers.submit(session, maker, version_id=version.id)
    assert refusal.value.detail("en") == "This version of the register is rejected; it cannot be submitted."


def test_the_latest_approved_version_holds_from_its_day_on(
    session: orm.Session, supplier: Organisation, maker: Actor
) -> None:
    body = shares(member_of(session, supplier))
    register = registers.open_register(session, maker, kind=RegisterKind.SHARES, name="股份登记")
    first = approved(session, maker, body, register=register, valid_from=date(2026, 1, 1))
    second = approved(session, maker, body, register=register, valid_from=date(2026, 3, 1))
    drafted(session, maker, body, register=register, valid_from=date(2026, 2, 1))
    assert registers.version_on(session, register.id, date(2025, 12, 31)) is None
    assert registers.version_on(session, register.id, date(2026, 2, 28)) is first
    assert registers.version_on(session, register.id, date(2026, 3, 1)) is second


@pytest.mark.parametrize(
    "changed",
    [{"sha256": "0" * 64}, {"valid_from": date(2020, 1, 1)}, {"number": 7}, {"opinion": "另议"}, {"made_at": NOW}],
)
def test_the_database_refuses_any_change_of_a_decided_version(
    session: orm.Session, supplier: Organisation, maker: Actor, changed: dict[str, object]
) -> None:
    register = registers.open_register(session, maker, kind=RegisterKind.SHARES, name="股份登记")
    body = shares(member_of(session, supplier))
    version = approved(session, maker, body, register=register, valid_from=date(2026, 1, 1))
    with pytest.raises(exc.IntegrityError), session.begin_nested():
        session.execute(sa.update(RegisterVersion).where(RegisterVersion.id == version.id).values(**changed))
    with pytest.raises(exc.ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(sa.delete(RegisterVersion).where(RegisterVersion.id == version.id))


def test_the_database_refuses_to_reword_a_draft(session: orm.Session, supplier: Organisation, maker: Actor) -> None:
    version = drafted(session, maker, shares(member_of(session, supplier)))
    other = shares(member_of(session, supplier))
    reworded = {"body": other.as_json(), "canonical": other.canonical(), "sha256": other.sha256()}
    with pytest.raises(exc.IntegrityError, match="a version never changes"), session.begin_nested():
        session.execute(sa.update(RegisterVersion).where(RegisterVersion.id == version.id).values(**reworded))
