"""Two at once: an objection and the end of its notice, two workers, two batches, two reviewers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

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
