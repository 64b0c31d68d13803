"""From public notice to certificates: objections, batches, and certificates that can be withdrawn."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.certification import listing, service
from market.certification.models import Application, Batch, Certificate, CertificateChange, Objection
from market.certification.queries import visible_applications, visible_certificates
from market.certification.rules import (
    CERTIFICATE_TRANSITIONS,
    ApplicationStatus,
    CertificateEvent,
    CertificateStatus,
    MixedCountiesError,
    NoticeOverError,
    OpenObjectionError,
)
from market.db import new_id
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.identity.rules import Actor, Scope
from tests.certification import steps
from tests.certification.steps import AFTER_NOTICE, NOW, County, object_to, settle


def test_anybody_objects_until_the_end_of_the_last_day(session: orm.Session, people: County) -> None:
    application = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)

    def at(days: int) -> Objection:
        return service.object_to(
            session, people.citizen, application_id=application.id, reason="价格虚高", now=NOW + timedelta(days=days)
        )

    assert at(7).settled_at is None
    with pytest.raises(NoticeOverError):
        at(8)
    with pytest.raises(NotFoundError):
        service.object_to(session, people.citizen, application_id=new_id(), reason="价格虚高", now=NOW)


def test_an_upheld_objection_rejects_and_a_dismissed_one_does_not(session: orm.Session, people: County) -> None:
    application = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    first, second, third = (object_to(session, people, application) for _ in range(3))
    came_to = []
    for objection, judge, upheld in (
        (first, people.county, False),
        (second, people.county, True),
        (third, people.publisher, False),
    ):
        settle(session, judge, objection, upheld=upheld)
        came_to.append(application.status)
    assert came_to == [ApplicationStatus.ON_NOTICE, ApplicationStatus.REJECTED, ApplicationStatus.REJECTED]
    assert (second.upheld, second.settled_by, second.settled_at) == (True, people.county.member_id, NOW)


def test_an_objection_is_settled_once_by_another_person_of_the_county(session: orm.Session, people: County) -> None:
    application = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    objection = object_to(session, people, application)
    own = service.object_to(session, people.publisher, application_id=application.id, reason="存疑", now=NOW)
    for judge in (people.publisher, replace(people.county, organisation_id=people.supplier.id)):
        with pytest.raises(FourEyesError):
            settle(session, judge, own, upheld=False)
    with pytest.raises(NotFoundError):
        settle(session, steps.county(session, "141130").county, objection, upheld=True)
    with pytest.raises(NotFoundError):
        service.settle(session, people.county, objection_id=new_id(), upheld=True, settlement="无", now=NOW)
    settle(session, people.county, objection, upheld=False)
    with pytest.raises(TransitionError):
        settle(session, people.county, objection, upheld=True)


def test_a_batch_numbers_its_certificates_and_dates_them(session: orm.Session, people: County) -> None:
    applications = [steps.bring_to(session, people, ApplicationStatus.CLEARED) for _ in range(3)]
    steps.evidence(session, people, late := steps.apply(session, people))
    batch, certificates = listing.publish_batch(
        session, people.publisher, application_ids=[found.id for found in applications], now=AFTER_NOTICE
    )
    assert (batch.county_code, batch.number, batch.published_on) == ("141122", 1, date(2026, 3, 10))
    assert [found.number for found in certificates] == [f"JC-141122-2026-01-000{place}" for place in (1, 2, 3)]
    assert {(found.valid_from, found.valid_to) for found in certificates} == {(date(2026, 3, 10), date(2027, 3, 9))}
    assert {found.price_ceiling_fen for found in certificates} == {6_500}
    assert {found.status for found in applications} == {ApplicationStatus.LISTED}
    assert late.status is ApplicationStatus.SUBMITTED


def test_batches_are_numbered_county_by_county(session: orm.Session, people: County) -> None:
    other = steps.county(session, "141130")
    for each in (people, people, other):
        steps.certified(session, each)
    numbers = session.execute(sa.select(Batch.county_code, Batch.number).order_by(Batch.id)).all()
    assert [tuple(row) for row in numbers] == [("141122", 1), ("141122", 2), ("141130", 1)]


def test_a_batch_is_of_one_county_cleared_and_without_open_objections(session: orm.Session, people: County) -> None:
    other = steps.county(session, "141130")
    here = steps.bring_to(session, people, ApplicationStatus.CLEARED)
    there = steps.bring_to(session, other, ApplicationStatus.CLEARED)
    objected = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    object_to(session, people, objected)
    prefecture = replace(people.publisher, region_code="1411")

    def publish(publisher: Actor, *applications: Application) -> None:
        ids = [application.id for application in applications]
        listing.publish_batch(session, publisher, application_ids=ids, now=AFTER_NOTICE)

    with pytest.raises(MixedCountiesError):
        publish(prefecture, here, there)
    with pytest.raises(NotFoundError) as unseen:
        publish(people.publisher, here, there)
    assert unseen.value.pointer == "/application_ids/1"
    with pytest.raises(OpenObjectionError) as opposed:
        publish(people.publisher, here, objected)
    assert opposed.value.pointer == "/application_ids/1"
    assert here.status is ApplicationStatus.CLEARED
    assert session.scalar(sa.select(sa.func.count()).select_from(Certificate)) == 0


def test_who_recommended_or_decided_does_not_publish(session: orm.Session, people: County) -> None:
    application = steps.bring_to(session, people, ApplicationStatus.CLEARED)
    recommender = replace(people.publisher, organisation_id=people.trade.organisation_id)
    for publisher in (people.county, recommender):
        with pytest.raises(FourEyesError):
            listing.publish_batch(session, publisher, application_ids=[application.id], now=AFTER_NOTICE)


@pytest.mark.parametrize("event", list(CertificateEvent))
@pytest.mark.parametrize("status", list(CertificateStatus))
def test_a_certificate_follows_its_table_and_says_why(
    session: orm.Session, people: County, status: CertificateStatus, event: CertificateEvent
) -> None:
    certificate = steps.certified(session, people)
    certificate.status = status
    session.flush()

    def change() -> Certificate:
        return listing.change(
            session, people.county, certificate_id=certificate.id, event=event, reason="抽检不合格", now=NOW
        )

    if (status, event) in CERTIFICATE_TRANSITIONS:
        assert change().status is CERTIFICATE_TRANSITIONS[status, event]
        assert certificate.version == 2
        noted = session.scalars(sa.select(CertificateChange)).one()
        assert (noted.event, noted.reason, noted.changed_by) == (event, "抽检不合格", people.county.member_id)
    else:
        with pytest.raises(TransitionError):
            change()
        assert certificate.status is status


def test_another_county_touches_no_certificate_of_ours(session: orm.Session, people: County) -> None:
    certificate = steps.certified(session, people)
    with pytest.raises(NotFoundError):
        listing.change(
            session,
            steps.county(session, "141130").county,
            certificate_id=certificate.id,
            event=CertificateEvent.REVOKE,
            reason="无",
            now=NOW,
        )


def test_applications_and_certificates_are_seen_by_their_people(session: orm.Session, people: County) -> None:
    steps.certified(session, people)
    other = steps.county(session, "141130")
    watchers = {
        "supplier": (people.clerk, True),
        "another supplier": (other.clerk, False),
        "its township": (people.township, True),
        "the next township": (replace(people.township, region_code="141122107"), False),
        "its county": (people.county, True),
        "another county": (other.county, False),
        "everybody, where all is public": (replace(other.clerk, scope=Scope.ALL), True),
    }
    for who, (watcher, sees) in watchers.items():
        assert (len(session.scalars(visible_applications(watcher)).all()) == 1) is sees, who
        assert (len(session.scalars(visible_certificates(watcher)).all()) == 1) is sees, who


@pytest.mark.parametrize("size", [1, 12])
def test_a_batch_costs_as_many_statements_whatever_its_size(session: orm.Session, people: County, size: int) -> None:
    ids = [steps.bring_to(session, people, ApplicationStatus.CLEARED).id for _ in range(size)]
    session.flush()
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", count)
    listing.publish_batch(session, people.publisher, application_ids=ids, now=AFTER_NOTICE)
    sa.event.remove(connection, "before_cursor_execute", count)
    assert len(statements) == 10, statements
