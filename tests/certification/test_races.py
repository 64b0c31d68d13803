"""Two at once: an objection and the end of its notice, two workers, two batches, two reviewers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier
from typing import TypeVar

import psycopg
import sqlalchemy as sa

from market.certification import listing, service, tasks
from market.certification.models import Application, Batch, Certificate, CertificateAlert, Objection
from market.certification.rules import ApplicationStatus, NoticeOverError
from market.db import Database
from market.errors import TransitionError
from tests import factories
from tests.certification import steps
from tests.certification.steps import AFTER_NOTICE, MONDAY, NOW

Result = TypeVar("Result")

IN_TIME = AFTER_NOTICE - timedelta(days=1)


def at_once(*works: Callable[[], Result]) -> list[Result]:
    start = Barrier(len(works))

    def run(work: Callable[[], Result]) -> Result:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_an_objection_at_midnight_is_either_too_late_or_holds_the_notice(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        people = steps.county(session)
        applications = [steps.bring_to(session, people, ApplicationStatus.ON_NOTICE).id for _ in range(12)]

    for application_id in applications:

        def object_in_time(application_id: object = application_id) -> int:
            try:
                with committed_db.transaction() as session:
                    service.object_to(
                        session,
                        people.citizen,
                        application_id=application_id,  # type: ignore[arg-type]
                        reason="存疑",
                        now=AFTER_NOTICE - timedelta(days=1),
                    )
            except (TransitionError, NoticeOverError):
                return 0
            return 1

        at_once(object_in_time, lambda: tasks.end_notices(committed_db, AFTER_NOTICE))
    with committed_db.transaction() as session:
        cleared_over_an_objection = session.scalar(
            sa.select(sa.func.count())
            .select_from(Application)
            .join(Objection, Objection.application_id == Application.id)
            .where(Application.status != ApplicationStatus.ON_NOTICE, Objection.settled_at.is_(None))
        )
    assert cleared_over_an_objection == 0


GATE = 20_261_122
"""An advisory lock before which whoever reads the objections waits, and so is caught with his snapshot taken."""


@contextmanager
def objections_read_slowly(owner: psycopg.Connection) -> Iterator[None]:
    """Have whoever looks for an objection wait for the gate: the time between a look and its lock, made long."""
    owner.execute(
        "CREATE FUNCTION waited() RETURNS boolean LANGUAGE plpgsql AS "
        f"'BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN true; END'"
    )
    owner.execute("CREATE POLICY slowly ON objections USING (waited()) WITH CHECK (true)")
    owner.execute("ALTER TABLE objections ENABLE ROW LEVEL SECURITY")
    try:
        yield
    finally:
        owner.execute("ALTER TABLE objections DISABLE ROW LEVEL SECURITY")


def after_an_objection_between_look_and_lock(
    database: Database, end_notices: Callable[[Database, datetime], int]
) -> ApplicationStatus | None:
    """Commit an objection after a worker has looked for one, and before it locks; return the application's status."""
    with database.transaction() as session:
        people = steps.county(session)
        opposed, late = (steps.bring_to(session, people, ApplicationStatus.ON_NOTICE).id for _ in range(2))
        service.object_to(session, people.citizen, application_id=opposed, reason="存疑", now=IN_TIME)
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as owner, objections_read_slowly(owner):
        owner.execute("SELECT pg_advisory_lock(%s)", [GATE])
        with ThreadPoolExecutor(1) as pool:
            ending = pool.submit(end_notices, database, AFTER_NOTICE)
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while owner.execute(waiting).fetchone() != (1,):
                assert not ending.done()
            with database.transaction() as session:
                service.object_to(session, people.citizen, application_id=late, reason="存疑", now=IN_TIME)
            owner.execute("SELECT pg_advisory_unlock(%s)", [GATE])
            ending.result()
    with database.transaction() as session:
        return session.scalar(sa.select(Application.status).where(Application.id == late))


def test_an_objection_that_comes_while_the_worker_looks_holds_the_notice(committed_db: Database) -> None:
    found = after_an_objection_between_look_and_lock(committed_db, tasks.end_notices)
    assert found is ApplicationStatus.ON_NOTICE


def test_a_worker_that_looks_once_clears_over_such_an_objection(committed_db: Database) -> None:
    def end_at_a_look(db: Database, now: datetime) -> int:
        unopposed = ~sa.exists().where(Objection.application_id == Application.id)
        due = sa.select(Application.id).where(Application.notice_ends_on < now.date(), unopposed)
        with db.transaction() as session:
            ids = due.with_for_update(skip_locked=True)
            session.execute(sa.update(Application).where(Application.id.in_(ids)).values(status="cleared"))
        return 1

    found = after_an_objection_between_look_and_lock(committed_db, end_at_a_look)
    assert found is ApplicationStatus.CLEARED


def test_two_workers_end_each_notice_and_raise_each_alert_once(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        people = steps.county(session)
        for _ in range(10):
            steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
            factories.certificate(session, people.supplier, valid_to=MONDAY + timedelta(days=20))
    ended = at_once(*[lambda: tasks.end_notices(committed_db, AFTER_NOTICE)] * 4)
    raised = at_once(*[lambda: tasks.raise_alerts(committed_db, NOW)] * 4)
    assert (sum(ended), sum(raised)) == (10, 10)
    with committed_db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(CertificateAlert)) == 10


def test_batches_published_at_once_get_numbers_of_their_own(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        people = steps.county(session)
        applications = [steps.bring_to(session, people, ApplicationStatus.CLEARED).id for _ in range(6)]

    def publishing(application_id: object) -> Callable[[], int]:
        def publish() -> int:
            with committed_db.transaction() as session:
                batch, _ = listing.publish_batch(
                    session,
                    people.publisher,
                    application_ids=[application_id],  # type: ignore[list-item]
                    now=AFTER_NOTICE,
                )
                return batch.number

        return publish

    assert sorted(at_once(*map(publishing, applications))) == [1, 2, 3, 4, 5, 6]


def test_an_application_published_twice_at_once_gets_one_certificate(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        people = steps.county(session)
        application_id = steps.bring_to(session, people, ApplicationStatus.CLEARED).id

    def publish() -> int:
        try:
            with committed_db.transaction() as session:
                listing.publish_batch(session, people.publisher, application_ids=[application_id], now=AFTER_NOTICE)
        except TransitionError:
            return 0
        return 1

    assert sum(at_once(*[publish] * 4)) == 1
    with committed_db.transaction() as session:
        counts = [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Batch, Certificate)]
    assert counts == [1, 1]
