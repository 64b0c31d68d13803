"""What the worker does: notices end by themselves, lapsing certificates are announced once."""

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.certification import listing, service, tasks
from market.certification.models import Application, Certificate, CertificateAlert
from market.certification.queries import visible_alerts
from market.certification.rules import ApplicationStatus, CertificateStatus
from market.db import Database
from tests import factories
from tests.certification import steps
from tests.certification.steps import AFTER_NOTICE, MONDAY, NOW, County


def status(session: orm.Session, application: Application) -> ApplicationStatus:
    session.flush()
    session.refresh(application)
    return application.status


def test_a_notice_ends_after_its_last_day_and_then_the_product_can_be_listed(
    session: orm.Session, db: Database, people: County
) -> None:
    application = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    during = [tasks.end_notices(db, NOW + timedelta(days=days)) for days in range(8)]
    assert (during, status(session, application)) == ([0] * 8, ApplicationStatus.ON_NOTICE)
    assert tasks.end_notices(db, AFTER_NOTICE) == 1
    assert status(session, application) is ApplicationStatus.CLEARED
    assert tasks.end_notices(db, AFTER_NOTICE) == 0
    _, (certificate,) = listing.publish_batch(
        session, people.publisher, application_ids=[application.id], now=AFTER_NOTICE
    )
    assert certificate.status is CertificateStatus.VALID


def test_the_last_day_ends_at_midnight_in_china(session: orm.Session, db: Database, people: County) -> None:
    steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    assert tasks.end_notices(db, datetime.fromisoformat("2026-03-09T23:59:59+08:00")) == 0
    assert tasks.end_notices(db, datetime.fromisoformat("2026-03-10T00:00:00+08:00")) == 1


def test_an_open_objection_holds_the_notice_until_it_is_settled(
    session: orm.Session, db: Database, people: County
) -> None:
    opposed, free = (steps.bring_to(session, people, ApplicationStatus.ON_NOTICE) for _ in range(2))
    objection = service.object_to(session, people.citizen, application_id=opposed.id, reason="存疑", now=NOW)
    assert tasks.end_notices(db, AFTER_NOTICE) == 1
    assert (status(session, opposed), status(session, free)) == (ApplicationStatus.ON_NOTICE, ApplicationStatus.CLEARED)
    service.settle(
        session, people.county, objection_id=objection.id, upheld=False, settlement="不成立", now=AFTER_NOTICE
    )
    session.flush()
    assert tasks.end_notices(db, AFTER_NOTICE) == 1
    assert status(session, opposed) is ApplicationStatus.CLEARED


def test_more_notices_than_one_transaction_takes_all_end(
    session: orm.Session, db: Database, people: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    monkeypatch.setattr(tasks, "CLEARED_AT_ONCE", 2)
    assert tasks.end_notices(db, AFTER_NOTICE) == 5


def lapsing(session: orm.Session, days: int, status: CertificateStatus = CertificateStatus.VALID) -> Certificate:
    """A certificate that ends so many days after the Monday."""
    supplier = factories.organisation(session)
    return factories.certificate(session, supplier, valid_to=MONDAY + timedelta(days=days), status=status)


def alerts(session: orm.Session, certificate: Certificate) -> list[int]:
    return list(
        session.scalars(
            sa.select(CertificateAlert.days)
            .where(CertificateAlert.certificate_id == certificate.id)
            .order_by(CertificateAlert.days.desc())
        )
    )


@pytest.mark.parametrize(
    ("days", "raised"),
    [(91, []), (90, [90]), (31, [90]), (30, [30]), (8, [30]), (7, [7]), (0, [7]), (-1, [0]), (-400, [0])],
)
def test_a_certificate_gets_the_alert_it_has_come_to(
    session: orm.Session, db: Database, days: int, raised: list[int]
) -> None:
    certificate = lapsing(session, days)
    assert tasks.raise_alerts(db, NOW) == len(raised)
    assert alerts(session, certificate) == raised


def test_each_alert_is_raised_once_on_the_way(session: orm.Session, db: Database) -> None:
    certificate = lapsing(session, 100)
    days = {ahead: tasks.raise_alerts(db, NOW + timedelta(days=ahead)) for ahead in range(110)}
    assert {ahead for ahead, raised in days.items() if raised} == {10, 70, 93, 101}
    assert alerts(session, certificate) == [90, 30, 7, 0]
    assert session.scalar(sa.select(sa.func.min(CertificateAlert.raised_at))) == NOW + timedelta(days=10)


def test_a_suspended_certificate_is_announced_and_a_revoked_one_is_not(session: orm.Session, db: Database) -> None:
    suspended = lapsing(session, 5, status=CertificateStatus.SUSPENDED)
    revoked = lapsing(session, 5, status=CertificateStatus.REVOKED)
    assert tasks.raise_alerts(db, NOW) == 1
    assert (alerts(session, suspended), alerts(session, revoked)) == ([7], [])


def test_alerts_are_seen_by_the_supplier_and_its_county(session: orm.Session, db: Database, people: County) -> None:
    certificate = steps.certified(session, people)
    tasks.raise_alerts(db, datetime(2027, 3, 1, tzinfo=NOW.tzinfo))
    other = steps.county(session, "141130")
    seen = {
        who: [alert.certificate_id for alert in session.scalars(visible_alerts(watcher))]
        for who, watcher in {
            "supplier": people.clerk,
            "county": people.county,
            "another supplier": other.clerk,
            "another county": other.county,
        }.items()
    }
    assert seen == {
        "supplier": [certificate.id],
        "county": [certificate.id],
        "another supplier": [],
        "another county": [],
    }
    assert certificate.valid_to == date(2027, 3, 9)
