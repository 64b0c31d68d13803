"""Two at once: versions keep their numbers apart, and a version is decided once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

from market.benefits import service
from market.benefits.rules import Mechanism, PlanBody, PlanStatus
from market.db import Database
from market.errors import TransitionError
from market.identity.rules import OrganisationKind, Role, Scope
from tests import factories

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
BODY = PlanBody((Mechanism.ORDER_PURCHASE,), ())


def test_versions_drafted_at_once_are_numbered_without_gap_or_double(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        maker = factories.actor(session, factories.member(session, factories.organisation(session)))
        plan_id = service.create_plan(session, maker, name="方案").id
    start = Barrier(6)

    def draft(_: int) -> int:
        start.wait()
        with committed_db.transaction() as session:
            drafted = service.draft_version(
                session, maker, plan_id=plan_id, body=BODY, valid_from=date(2026, 1, 1), now=NOW
            )
            return drafted.number

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(draft, range(6))) == [1, 2, 3, 4, 5, 6]


def test_a_version_approved_and_rejected_at_once_is_decided_once(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        maker = factories.actor(session, factories.member(session, factories.organisation(session)))
        plan_id = service.create_plan(session, maker, name="方案").id
        version = service.draft_version(
            session, maker, plan_id=plan_id, body=BODY, valid_from=date(2026, 1, 1), now=NOW
        )
        service.submit(session, maker, version_id=version.id)
        factories.plan_simulation(session, version)
        county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
        judge = factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)
    start = Barrier(6)

    def decide(index: int) -> PlanStatus | None:
        act = service.approve if index % 2 else service.reject
        start.wait()
        try:
            with committed_db.transaction() as session:
                return act(session, judge, version_id=version.id, opinion="意见", now=NOW).status
        except TransitionError:
            return None

    with ThreadPoolExecutor(6) as pool:
        decided = [status for status in pool.map(decide, range(6)) if status is not None]
    assert len(decided) == 1
