"""The register of households over time."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.models import Enrolment
from market.errors import FutureDateError, MarketError, NotFoundError
from market.households import queries, service
from market.households.models import Household
from market.households.removal import RemovalTooEarlyError
from market.households.rules import (
    HeadCountError,
    HouseholdCodeTakenError,
    HouseholdDepartedError,
    HouseholdStatus,
    StatusOrderError,
    VillageOutsideRegionError,
)
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.regions.rules import UnknownRegionError
from tests import factories

VILLAGE = "141122106201"
TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
REGISTERED = date(2020, 1, 1)


def actor_of(session: orm.Session, role: Role, region_code: str, scope: Scope = Scope.REGION) -> Actor:
    kind = OrganisationKind.REVITALISATION_DEPARTMENT if scope is Scope.REGION else OrganisationKind.AUDIT_OFFICE
    body = factories.organisation(session, kind=kind, region_code=region_code)
    return factories.actor(session, factories.member(session, body, role), scope)


@pytest.fixture
def officer(session: orm.Session) -> Actor:
    factories.region(session, code=VILLAGE)
    return actor_of(session, Role.COUNTY_REVIEWER, "141122")


def register(session: orm.Session, actor: Actor, **facts: object) -> Household:
    default = {
        "code": "1411221062010001",
        "village_code": VILLAGE,
        "head_count": 4,
        "status": HouseholdStatus.UNSTABLE,
        "registered_on": REGISTERED,
        "now": NOW,
    }
    return service.register(session, actor, **(default | facts))  # type: ignore[arg-type]


def test_a_household_has_its_first_status_from_the_day_of_registration(session: orm.Session, officer: Actor) -> None:
    household = register(session, officer)
    assert [(row.status, row.valid_from) for row in queries.statuses_of(session, household)] == [
        (HouseholdStatus.UNSTABLE, REGISTERED)
    ]


def test_a_household_that_cannot_be_is_not_registered(session: orm.Session, officer: Actor) -> None:
    factories.region(session, code="141130100201", valid_from=date(2010, 1, 1))
    register(session, officer)
    refusals: list[tuple[type[MarketError], dict[str, object]]] = [
        (HouseholdCodeTakenError, {}),
        (HeadCountError, {"head_count": 0}),
        (FutureDateError, {"registered_on": date(2026, 3, 3)}),
        (VillageOutsideRegionError, {"village_code": "141130100201"}),
        (UnknownRegionError, {"village_code": "141122106999"}),
        (UnknownRegionError, {"registered_on": date(2009, 12, 31)}),
    ]
    for error, facts in refusals:
        with pytest.raises(error):
            register(session, officer, **facts)


def test_a_later_status_rewrites_nothing(session: orm.Session, officer: Actor) -> None:
    household = register(session, officer)
    exit_day = date(2024, 7, 1)
    service.record_status(
        session, officer, household_id=household.id, status=HouseholdStatus.ORDINARY, valid_from=exit_day, now=NOW
    )
    found = [
        queries.eligibility_on(session, [household.id], on)[household.id]
        for on in (date(2019, 12, 31), REGISTERED, date(2024, 6, 30), exit_day)
    ]
    assert [(each.status, each.on_register, each.assisted) for each in found] == [
        (None, False, False),
        (HouseholdStatus.UNSTABLE, True, True),
        (HouseholdStatus.UNSTABLE, True, True),
        (HouseholdStatus.ORDINARY, True, False),
    ]
    assert household.version == 2


def test_statuses_are_added_in_order_and_not_ahead_of_time(session: orm.Session, officer: Actor) -> None:
    household = register(session, officer)
    for error, day in [
        (StatusOrderError, REGISTERED),
        (StatusOrderError, date(2019, 1, 1)),
        (FutureDateError, date(2026, 3, 3)),
    ]:
        with pytest.raises(error):
            service.record_status(
                session,
                officer,
                household_id=household.id,
                status=HouseholdStatus.MARGINAL,
                valid_from=day,
                now=NOW,
            )


def test_a_household_that_left_counts_until_the_day_before_and_changes_no_more(
    session: orm.Session, officer: Actor
) -> None:
    household = register(session, officer)
    left = date(2025, 1, 1)
    service.depart(session, officer, household_id=household.id, departed_on=left, now=NOW)
    before, after = (
        queries.eligibility_on(session, [household.id], on)[household.id] for on in (date(2024, 12, 31), left)
    )
    assert (before.on_register, before.assisted) == (True, True)
    assert (after.on_register, after.status, after.assisted) == (False, None, False)
    with pytest.raises(HouseholdDepartedError):
        service.depart(session, officer, household_id=household.id, departed_on=TODAY, now=NOW)
    with pytest.raises(HouseholdDepartedError):
        service.change_head_count(session, officer, household, head_count=2, valid_from=TODAY, now=NOW)
    with pytest.raises(HouseholdDepartedError):
        service.record_status(
            session,
            officer,
            household_id=household.id,
            status=HouseholdStatus.ORDINARY,
            valid_from=TODAY,
            now=NOW,
        )


def test_a_household_leaves_after_its_latest_status_and_not_ahead_of_time(session: orm.Session, officer: Actor) -> None:
    household = register(session, officer)
    for error, day in [(StatusOrderError, REGISTERED), (FutureDateError, date(2026, 3, 3))]:
        with pytest.raises(error):
            service.depart(session, officer, household_id=household.id, departed_on=day, now=NOW)


def test_eligibility_of_many_households_cost_one_statement(session: orm.Session) -> None:
    households = [factories.household(session, status=status) for status in HouseholdStatus for _ in range(20)]
    ids = [household.id for household in households]
    statements: list[str] = []
    sa.event.listen(session.connection(), "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    found = queries.eligibility_on(session, [*ids, uuid4()], TODAY)
    assert len(statements) == 1
    assert set(found) == set(ids)
    assert sum(each.assisted for each in found.values()) == 80
    assert queries.eligibility_on(session, [], TODAY) == {}


def test_a_history_tells_of_any_day_what_the_register_tells_of_it(session: orm.Session, officer: Actor) -> None:
    household = register(session, officer)
    turned, left = date(2024, 7, 1), date(2025, 1, 1)
    service.record_status(
        session, officer, household_id=household.id, status=HouseholdStatus.ORDINARY, valid_from=turned, now=NOW
    )
    service.depart(session, officer, household_id=household.id, departed_on=left, now=NOW)
    history = queries.histories(session, [household.id, uuid4()])[household.id]
    assert history.turns() == {REGISTERED, turned, left}
    for turn in history.turns():
        for day in (turn - timedelta(days=1), turn, turn + timedelta(days=1)):
            assert history.on(day) == queries.eligibility_on(session, [household.id], day)[household.id]


def seen_by(session: orm.Session, actor: Actor) -> set[str]:
    return {household.code for household in session.scalars(queries.visible_households(actor))}


def test_an_officer_sees_the_own_county_and_an_auditor_every_household(session: orm.Session) -> None:
    here, there = factories.household(session), factories.household(session, village_code="141130100201")
    assert seen_by(session, actor_of(session, Role.COUNTY_REVIEWER, "141122")) == {here.code}
    assert seen_by(session, actor_of(session, Role.VILLAGE_CLERK, VILLAGE)) == {here.code}
    assert seen_by(session, actor_of(session, Role.AUDITOR, "11", Scope.ALL)) == {here.code, there.code}


def test_a_supplier_sees_the_households_that_a_village_confirmed_as_its_own(session: orm.Session) -> None:
    supplier, rival = factories.organisation(session), factories.organisation(session)
    confirmed, claimed, foreign = (factories.household(session) for _ in range(3))
    factories.enrolment(session, supplier, confirmed)
    factories.enrolment(session, supplier, claimed, confirmed=False)
    factories.enrolment(session, rival, foreign)
    assert seen_by(session, factories.actor(session, factories.member(session, supplier))) == {confirmed.code}


def test_what_an_officer_may_not_see_it_cannot_change(session: orm.Session) -> None:
    household = factories.household(session, village_code="141130100201")
    with pytest.raises(NotFoundError):
        service.household_to_change(
            session, actor_of(session, Role.COUNTY_REVIEWER, "141122"), household_id=household.id
        )


def test_the_enrolments_named_here_are_those_of_the_benefits(session: orm.Session) -> None:
    del session
    assert {column.name for column in queries._ENROLMENTS.columns} <= set(Enrolment.__table__.columns.keys())
    assert queries._ENROLMENTS.name == Enrolment.__tablename__


def test_no_household_is_removed_from_monitoring_within_six_months(session: orm.Session, officer: Actor) -> None:
    household = register(session, officer, status=HouseholdStatus.REGISTERED_POOR)

    def become(status: HouseholdStatus, on: date) -> None:
        service.record_status(session, officer, household_id=household.id, status=status, valid_from=on, now=NOW)

    become(HouseholdStatus.MARGINAL, date(2025, 8, 31))
    become(HouseholdStatus.SUDDEN_HARDSHIP, date(2025, 12, 1))
    with pytest.raises(RemovalTooEarlyError, match="from 2026-02-28 on"):
        become(HouseholdStatus.REGISTERED_POOR, date(2026, 2, 27))
    become(HouseholdStatus.REGISTERED_POOR, date(2026, 2, 28))
    become(HouseholdStatus.ORDINARY, date(2026, 3, 1))
