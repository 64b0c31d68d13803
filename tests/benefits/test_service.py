"""Plans decided by four eyes, versions that never change, and households that their village confirms."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

from market.benefits import enrolling, service
from market.benefits.models import Enrolment, Plan, PlanVersion
from market.benefits.queries import visible_enrolments, visible_plans
from market.benefits.refusals import (
    CollectiveElsewhereError,
    NotCollectiveError,
    NotEnrolledError,
    PlanBodyError,
    PlanNameTakenError,
    PlanNotSimulatedError,
)
from market.benefits.rules import Mechanism, PlanBody, PlanStatus, Pool, plan_body
from market.db import new_id
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = date(2026, 3, 2)
BODY = PlanBody((Mechanism.ORDER_PURCHASE,), ())


@pytest.fixture
def supplier(session: orm.Session) -> Organisation:
    return factories.organisation(session)


@pytest.fixture
def maker(session: orm.Session, supplier: Organisation) -> Actor:
    return factories.actor(session, factories.member(session, supplier))


def reviewer(session: orm.Session, region_code: str = "141122") -> Actor:
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code=region_code)
    return factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)


def village_clerk(session: orm.Session, region_code: str = "141122106201") -> Actor:
    office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE, region_code=region_code)
    return factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.REGION)


def drafted(
    session: orm.Session, maker: Actor, *, plan: Plan | None = None, body: PlanBody = BODY, valid_from: date = TODAY
) -> PlanVersion:
    plan = plan or service.create_plan(session, maker, name=f"方案{factories.number()}")
    return service.draft_version(session, maker, plan_id=plan.id, body=body, valid_from=valid_from, now=NOW)


def approved(session: orm.Session, maker: Actor, plan: Plan, valid_from: date) -> PlanVersion:
    version = drafted(session, maker, plan=plan, valid_from=valid_from)
    service.submit(session, maker, version_id=version.id)
    factories.plan_simulation(session, version)
    return service.approve(session, reviewer(session), version_id=version.id, opinion="同意", now=NOW)


def test_a_draft_keeps_its_canonical_bytes_and_their_hash(session: orm.Session, maker: Actor) -> None:
    version = drafted(session, maker)
    session.refresh(version)
    assert (version.number, version.status) == (1, PlanStatus.DRAFT)
    assert bytes(version.canonical) == BODY.canonical()
    assert version.sha256 == plan_body(version.body).sha256() == BODY.sha256()


def test_versions_are_numbered_one_after_the_other(session: orm.Session, maker: Actor) -> None:
    plan = service.create_plan(session, maker, name="方案")
    assert [drafted(session, maker, plan=plan).number for _ in range(3)] == [1, 2, 3]


def test_a_name_is_taken_once_by_one_supplier(session: orm.Session, maker: Actor) -> None:
    service.create_plan(session, maker, name="方案")
    with pytest.raises(PlanNameTakenError):
        service.create_plan(session, maker, name="方案")
    other = factories.actor(session, factories.member(session, factories.organisation(session)))
    service.create_plan(session, other, name="方案")


def test_the_plan_of_another_supplier_does_not_exist(session: orm.Session, maker: Actor) -> None:
    version = drafted(session, maker)
    other = factories.actor(session, factories.member(session, factories.organisation(session)))
    with pytest.raises(NotFoundError):
        service.draft_version(session, other, plan_id=version.plan_id, body=BODY, valid_from=TODAY, now=NOW)
    with pytest.raises(NotFoundError):
        service.submit(session, other, version_id=version.id)


def test_an_unsound_body_is_never_stored(session: orm.Session, maker: Actor) -> None:
    with pytest.raises(PlanBodyError):
        drafted(session, maker, body=PlanBody((), ()))
    assert session.scalar(sa.select(sa.func.count()).select_from(PlanVersion)) == 0


def test_share_dividends_go_to_households_their_village_confirmed(
    session: orm.Session, supplier: Organisation, maker: Actor
) -> None:
    sure = factories.enrolment(session, supplier, factories.household(session)).household_id
    unsure = factories.enrolment(session, supplier, factories.household(session), confirmed=False).household_id

    def body(*households: object) -> PlanBody:
        shares = tuple((str(household), 1) for household in households)
        return PlanBody((), (Pool(Mechanism.SHARE_DIVIDEND, 800, shares),))

    assert drafted(session, maker, body=body(sure)).status is PlanStatus.DRAFT
    for stranger in (unsure, new_id()):
        with pytest.raises(NotEnrolledError) as refusal:
            drafted(session, maker, body=body(sure, stranger))
        assert refusal.value.pointer == "/pools/0/shares/1/payee_id"


def test_collective_dividends_go_to_village_collectives(session: orm.Session, maker: Actor) -> None:
    def body(payee: object) -> PlanBody:
        return PlanBody((), (Pool(Mechanism.COLLECTIVE_DIVIDEND, 800, ((str(payee), 1),)),))

    village = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE)
    assert drafted(session, maker, body=body(village.id)).status is PlanStatus.DRAFT
    closed = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, active=False)
    for stranger in (maker.organisation_id, closed.id, new_id()):
        with pytest.raises(NotCollectiveError):
            drafted(session, maker, body=body(stranger))
    elsewhere = factories.organisation(
        session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code="141130101201", name="邻县某村合作社"
    )
    with pytest.raises(CollectiveElsewhereError, match=r"\(邻县某村合作社\) is a village collective of another county"):
        drafted(session, maker, body=body(elsewhere.id))


def test_the_county_approves_what_the_supplier_submitted(session: orm.Session, maker: Actor) -> None:
    version = drafted(session, maker)
    service.submit(session, maker, version_id=version.id)
    county = reviewer(session)
    factories.plan_simulation(session, version)
    service.approve(session, county, version_id=version.id, opinion="同意", now=NOW)
    assert (version.status, version.decided_by, version.decided_at) == (PlanStatus.APPROVED, county.member_id, NOW)


def test_what_nobody_simulated_since_it_was_submitted_is_not_approved(session: orm.Session, maker: Actor) -> None:
    version = drafted(session, maker)
    factories.plan_simulation(session, version, status=PlanStatus.DRAFT)
    service.submit(session, maker, version_id=version.id)
    factories.plan_simulation(session, drafted(session, maker, plan=session.get_one(Plan, version.plan_id)))
    county = reviewer(session)
    with pytest.raises(PlanNotSimulatedError, match=f"/v1/plan-versions/{version.id}/simulations"):
        service.approve(session, county, version_id=version.id, opinion="同意", now=NOW)
    assert version.decided_by is None
    rejected = service.reject(session, county, version_id=version.id, opinion="无须测算", now=NOW)
    assert rejected.status is PlanStatus.REJECTED


def test_another_county_cannot_see_what_it_would_approve(session: orm.Session, maker: Actor) -> None:
    version = drafted(session, maker)
    service.submit(session, maker, version_id=version.id)
    with pytest.raises(NotFoundError):
        service.approve(session, reviewer(session, "141130"), version_id=version.id, opinion="同意", now=NOW)


def test_neither_the_maker_nor_the_makers_body_decides(
    session: orm.Session, supplier: Organisation, maker: Actor
) -> None:
    version = drafted(session, maker)
    service.submit(session, maker, version_id=version.id)
    colleague = factories.actor(session, factories.member(session, supplier))
    moved = replace(reviewer(session), member_id=maker.member_id)
    for judge in (maker, colleague, moved):
        with pytest.raises(FourEyesError):
            service.approve(session, judge, version_id=version.id, opinion="同意", now=NOW)
        with pytest.raises(FourEyesError):
            service.reject(session, judge, version_id=version.id, opinion="不同意", now=NOW)
    assert version.status is PlanStatus.SUBMITTED


def test_a_decided_version_takes_no_further_event(session: orm.Session, maker: Actor) -> None:
    version = drafted(session, maker)
    with pytest.raises(TransitionError):
        service.approve(session, reviewer(session), version_id=version.id, opinion="同意", now=NOW)
    service.submit(session, maker, version_id=version.id)
    service.reject(session, reviewer(session), version_id=version.id, opinion="比例过低", now=NOW)
    assert version.opinion == "比例过低"
    judge = reviewer(session)
    with pytest.raises(TransitionError):
        service.submit(session, maker, version_id=version.id)
    for decide in (service.approve, service.reject):
        with pytest.raises(TransitionError):
            decide(session, judge, version_id=version.id, opinion="再议", now=NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "0" * 64},
        {"canonical": b"{}"},
        {"body": {"lot_mechanisms": [], "pools": []}},
        {"decided_by": None},
    ],
)
def test_the_database_refuses_a_version_that_contradicts_its_hash_or_its_signature(
    session: orm.Session, maker: Actor, changed: dict[str, object]
) -> None:
    version = approved(session, maker, service.create_plan(session, maker, name="方案"), TODAY)
    with pytest.raises(exc.IntegrityError), session.begin_nested():
        session.execute(sa.update(PlanVersion).where(PlanVersion.id == version.id).values(**changed))


def test_the_latest_approved_version_holds_from_its_day_on(session: orm.Session, maker: Actor) -> None:
    plan = service.create_plan(session, maker, name="方案")
    first = approved(session, maker, plan, date(2026, 1, 1))
    second = approved(session, maker, plan, date(2026, 3, 1))
    corrected = approved(session, maker, plan, date(2026, 3, 1))
    drafted(session, maker, plan=plan, valid_from=date(2026, 2, 1))
    assert service.version_in_force(session, plan.id, date(2025, 12, 31)) is None
    assert service.version_in_force(session, plan.id, date(2026, 2, 28)) is first
    assert service.version_in_force(session, plan.id, date(2026, 3, 1)) is corrected
    assert second.status is PlanStatus.APPROVED


def test_a_supplier_proposes_and_the_village_confirms(session: orm.Session, maker: Actor) -> None:
    rows = [factories.household(session) for _ in range(3)]
    households = [row.id for row in rows]
    proposed = enrolling.enrol(session, maker, household_codes=[row.code for row in rows], on=TODAY)
    assert [row.household_id for row in proposed] == sorted(households)
    assert service.enrolled(session, maker.organisation_id, households) == {}
    assert not service.has_enrolled(session, maker.organisation_id)
    clerk = village_clerk(session)
    enrolling.confirm_enrolments(
        session, clerk, supplier_id=maker.organisation_id, household_ids=households[:2], now=NOW
    )
    assert service.enrolled(session, maker.organisation_id, households) == dict.fromkeys(households[:2], TODAY)
    assert service.enrolled(session, maker.organisation_id, []) == {}
    assert service.has_enrolled(session, maker.organisation_id)


def test_proposing_and_confirming_again_changes_nothing(session: orm.Session, maker: Actor) -> None:
    row = factories.household(session)
    household = row.id
    (first,) = enrolling.enrol(session, maker, household_codes=[row.code, row.code], on=TODAY)
    clerk = village_clerk(session)

    def confirm(village: Actor, now: datetime) -> None:
        enrolling.confirm_enrolments(
            session, village, supplier_id=maker.organisation_id, household_ids=[household], now=now
        )

    confirm(clerk, NOW)
    (again,) = enrolling.enrol(session, maker, household_codes=[row.code], on=date(2027, 1, 1))
    confirm(village_clerk(session), datetime(2027, 1, 1, tzinfo=UTC))
    session.refresh(again)
    assert (again.enrolled_on, again.confirmed_by, again.confirmed_at) == (TODAY, clerk.member_id, NOW)
    assert again is first


def test_only_households_on_the_register_are_enrolled(session: orm.Session, maker: Actor) -> None:
    here, gone = factories.household(session), factories.household(session)
    gone.departed_on = TODAY
    session.flush()
    with pytest.raises(NotFoundError) as departed:
        enrolling.enrol(session, maker, household_codes=[here.code, gone.code], on=TODAY)
    assert departed.value.pointer == "/household_codes/1"
    elsewhere = factories.household(session, village_code="141130103201")
    for stranger in ("无", elsewhere.code):
        with pytest.raises(NotFoundError):
            enrolling.enrol(session, maker, household_codes=[stranger], on=TODAY)
    assert session.scalar(sa.select(sa.func.count()).select_from(Enrolment)) == 0


def test_a_clerk_confirms_for_the_own_village_alone(session: orm.Session, maker: Actor) -> None:
    rows = [factories.household(session, village_code=f"14112210620{last}") for last in (1, 2, 1)]
    ours, theirs, never = (row.id for row in rows)
    enrolling.enrol(session, maker, household_codes=[row.code for row in rows[:2]], on=TODAY)
    for stranger in (theirs, never):
        with pytest.raises(NotFoundError) as refusal:
            enrolling.confirm_enrolments(
                session,
                village_clerk(session),
                supplier_id=maker.organisation_id,
                household_ids=[ours, stranger],
                now=NOW,
            )
        assert refusal.value.pointer == "/household_ids/1"
    assert service.enrolled(session, maker.organisation_id, [ours]) == {}


def test_a_supplier_never_confirms_what_it_proposed(session: orm.Session, maker: Actor) -> None:
    row = factories.household(session)
    enrolling.enrol(session, maker, household_codes=[row.code], on=TODAY)
    disguised = replace(village_clerk(session), organisation_id=maker.organisation_id)
    with pytest.raises(FourEyesError):
        enrolling.confirm_enrolments(
            session, disguised, supplier_id=maker.organisation_id, household_ids=[row.id], now=NOW
        )


@pytest.mark.parametrize("households", [1, 50])
def test_enrolling_costs_as_many_statements_for_one_as_for_fifty(
    session: orm.Session, maker: Actor, households: int
) -> None:
    rows = [factories.household(session) for _ in range(households)]
    ids, codes = [row.id for row in rows], [row.code for row in rows]
    clerk = village_clerk(session)
    session.flush()
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", count)
    enrolling.enrol(session, maker, household_codes=codes, on=TODAY)
    enrolling.confirm_enrolments(session, clerk, supplier_id=maker.organisation_id, household_ids=ids, now=NOW)
    sa.event.remove(connection, "before_cursor_execute", count)
    assert len(statements) == 6


def test_plans_and_enrolments_are_seen_by_their_supplier_their_county_and_the_auditor(
    session: orm.Session, maker: Actor
) -> None:
    drafted(session, maker)
    household = factories.household(session, village_code="141122106201")
    enrolling.enrol(session, maker, household_codes=[household.code], on=TODAY)
    stranger = factories.actor(session, factories.member(session, factories.organisation(session)))
    village = village_clerk(session, "141122106201")
    watchers = {
        "supplier": (maker, True, True),
        "another supplier": (stranger, False, False),
        "its county": (reviewer(session, "141122"), True, True),
        "its prefecture": (reviewer(session, "1411"), True, True),
        "its village": (village, False, True),
        "the next village": (village_clerk(session, "141122106202"), False, False),
        "another county": (reviewer(session, "141130"), False, False),
        "the auditor": (replace(stranger, scope=Scope.ALL), True, True),
    }
    for who, (watcher, plans, enrolments) in watchers.items():
        assert (len(session.scalars(visible_plans(watcher)).all()) == 1) is plans, who
        assert (len(session.scalars(visible_enrolments(watcher)).all()) == 1) is enrolments, who
