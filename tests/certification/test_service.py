"""From application to batch: three tests, four eyes, a public notice, and certificates that can be withdrawn."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

from market.certification import listing, service
from market.certification.models import Application, Batch, Certificate, CertificateChange, Objection, Review
from market.certification.queries import terms_on, visible_applications, visible_certificates
from market.certification.rules import (
    CERTIFICATE_TRANSITIONS,
    DEFAULT_TERMS,
    TRANSITIONS,
    ApplicationEvent,
    ApplicationStatus,
    CertificateEvent,
    CertificateStatus,
    Decision,
    EvidenceKind,
    MissingEvidenceError,
    MixedCountiesError,
    NoBenefitError,
    NoticeOverError,
    NotProducerError,
    OpenObjectionError,
    OriginError,
    PriceAboveEvidenceError,
    ReviewStep,
    Terms,
    UnitContentError,
)
from market.db import new_id
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.rules import Actor, OrganisationKind, Scope
from market.quantities import Unit
from market.regions.rules import UnknownRegionError
from tests import factories
from tests.certification import steps
from tests.certification.steps import AFTER_NOTICE, LAST_DAY, MONDAY, NOW, County

PASSED = {
    ApplicationStatus.SUBMITTED: ApplicationStatus.TOWNSHIP_PASSED,
    ApplicationStatus.TOWNSHIP_PASSED: ApplicationStatus.TRADE_PASSED,
    ApplicationStatus.TRADE_PASSED: ApplicationStatus.ON_NOTICE,
}


@pytest.fixture
def people(session: orm.Session) -> County:
    return steps.county(session)


def object_to(session: orm.Session, people: County, application: Application) -> Objection:
    return service.object_to(session, people.citizen, application_id=application.id, reason="产地与申报不符", now=NOW)


def settle(session: orm.Session, judge: Actor, objection: Objection, *, upheld: bool) -> Objection:
    return service.settle(session, judge, objection_id=objection.id, upheld=upheld, settlement="已核实", now=NOW)


def test_an_application_states_the_product_and_its_unit_exactly(session: orm.Session, people: County) -> None:
    application = steps.apply(session, people)
    assert application.status is ApplicationStatus.SUBMITTED
    assert (application.unit, application.unit_milli, application.base_unit) == (Unit.BOX, 2_500, Unit.KG)
    assert (application.supplier_id, application.made_by) == (people.supplier.id, people.clerk.member_id)


def applied(session: orm.Session, actor: Actor, people: County, **changed: Any) -> Application:
    facts: dict[str, Any] = {
        "plan_id": people.plan_id,
        "product_name": "骏枣",
        "specification": "特级",
        "category_code": "fruit",
        "origin_code": "141122106",
        "unit": Unit.KG,
        "content": None,
        "price_fen": 6_000,
        "declared_value_fen": 50_000_000,
        "people_driven": 127,
        "now": NOW,
    }
    return service.apply(session, actor, **(facts | changed))


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"origin_code": "141130103"}, OriginError),
        ({"origin_code": "141122"}, OriginError),
        ({"origin_code": "141122999"}, UnknownRegionError),
        ({"unit": Unit.BOX}, UnitContentError),
        ({"plan_id": new_id()}, NotFoundError),
    ],
)
def test_an_application_that_cannot_stand_is_refused(
    session: orm.Session, people: County, changed: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        applied(session, people.clerk, people, **changed)
    assert session.scalar(sa.select(sa.func.count()).select_from(Application)) == 0


def test_a_trading_agent_does_not_apply(session: orm.Session, people: County) -> None:
    with pytest.raises(NotProducerError):
        applied(session, replace(people.clerk, kind=OrganisationKind.TRADING_AGENT), people)


def test_a_plan_of_another_supplier_is_not_found(session: orm.Session, people: County) -> None:
    other = factories.plan(session, factories.organisation(session))
    with pytest.raises(NotFoundError) as refusal:
        applied(session, people.clerk, people, plan_id=other.id)
    assert refusal.value.pointer == "/plan_id"


def test_no_benefit_no_certification(session: orm.Session, people: County) -> None:
    later = factories.plan(session, people.supplier, valid_from=MONDAY + timedelta(days=1))
    with pytest.raises(NoBenefitError):
        applied(session, people.clerk, people, plan_id=later.id)
    lonely = factories.organisation(session)
    factories.enrolment(session, lonely, factories.household(session), confirmed=False)
    clerk = factories.actor(session, factories.member(session, lonely))
    with pytest.raises(NoBenefitError):
        applied(session, clerk, people, plan_id=factories.plan(session, lonely).id)


def test_three_passes_start_the_public_notice(session: orm.Session, people: County) -> None:
    application = steps.apply(session, people)
    steps.evidence(session, people, application)
    for reviewer in people.reviewers:
        expected = PASSED[application.status]
        assert steps.decide(session, reviewer, application).status is expected
    assert application.notice_ends_on == LAST_DAY
    reviews = session.scalars(sa.select(Review).order_by(Review.id)).all()
    assert [review.step for review in reviews] == [ReviewStep.TOWNSHIP, ReviewStep.TRADE, ReviewStep.COUNTY]


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_any_reviewer_can_reject_in_turn(session: orm.Session, people: County, passes: int) -> None:
    application = steps.apply(session, people)
    for reviewer in people.reviewers[:passes]:
        steps.decide(session, reviewer, application)
    steps.decide(session, people.reviewers[passes], application, Decision.REJECT)
    assert application.status is ApplicationStatus.REJECTED
    assert application.notice_ends_on is None


def test_reviewers_decide_for_their_own_region(session: orm.Session, people: County) -> None:
    application = steps.apply(session, people)
    for region_code in ("141122107", "141130"):
        with pytest.raises(NotFoundError):
            steps.decide(session, replace(people.township, region_code=region_code), application)


def test_no_person_and_no_body_decides_two_steps(session: orm.Session, people: County) -> None:
    application = steps.apply(session, people)
    supplier_body = replace(people.township, organisation_id=people.supplier.id)
    supplier_person = replace(people.township, member_id=people.clerk.member_id)
    for reviewer in (supplier_body, supplier_person):
        with pytest.raises(FourEyesError):
            steps.decide(session, reviewer, application)
    steps.decide(session, people.township, application)
    same_body = replace(people.trade, organisation_id=people.township.organisation_id)
    same_person = replace(people.trade, member_id=people.township.member_id)
    for reviewer in (same_body, same_person):
        with pytest.raises(FourEyesError):
            steps.decide(session, reviewer, application)
        with pytest.raises(FourEyesError):
            steps.decide(session, reviewer, application, Decision.REJECT)
    assert application.status is ApplicationStatus.TOWNSHIP_PASSED


@pytest.mark.parametrize("same", ["organisation_id", "reviewer_id", "step"])
def test_the_database_itself_refuses_a_second_decision(session: orm.Session, people: County, same: str) -> None:
    application = steps.apply(session, people)
    steps.decide(session, people.township, application)
    facts: dict[str, Any] = {
        "organisation_id": people.trade.organisation_id,
        "reviewer_id": people.trade.member_id,
        "step": ReviewStep.TRADE,
    }
    first = session.scalars(sa.select(Review)).one()
    facts[same] = getattr(first, same)
    with pytest.raises(exc.IntegrityError), session.begin_nested():
        session.execute(
            sa.insert(Review).values(
                **facts, application_id=application.id, decision=Decision.PASS, opinion="同意", reviewed_at=NOW
            )
        )


def test_the_county_passes_no_price_above_the_lowest_evidence(session: orm.Session, people: County) -> None:
    application = steps.apply(session, people, price_fen=6_000)
    for reviewer in people.reviewers[:2]:
        steps.decide(session, reviewer, application)
    with pytest.raises(MissingEvidenceError):
        steps.decide(session, people.county, application)
    steps.evidence(session, people, application, 7_000)
    steps.evidence(session, people, application, 5_999)
    with pytest.raises(PriceAboveEvidenceError) as refusal:
        steps.decide(session, people.county, application)
    assert refusal.value.facts["ceiling_fen"] == 5_999
    assert steps.decide(session, people.county, application, Decision.REJECT).status is ApplicationStatus.REJECTED


def test_evidence_is_not_of_the_future_nor_of_others(session: orm.Session, people: County) -> None:
    application = steps.apply(session, people)
    with pytest.raises(InvalidInputError):
        service.record_evidence(
            session,
            people.clerk,
            application_id=application.id,
            kind=EvidenceKind.STAMPED_DOCUMENT,
            reference="购销合同 2026-01",
            price_fen=6_000,
            observed_on=MONDAY + timedelta(days=1),
            now=NOW,
        )
    other = steps.county(session)
    with pytest.raises(NotFoundError):
        steps.evidence(session, other, application)


EVENTS: dict[ApplicationEvent, Callable[[orm.Session, County, Application], object]] = {
    ApplicationEvent.RECORD_EVIDENCE: steps.evidence,
    ApplicationEvent.PASS_TOWNSHIP: lambda session, people, application: steps.decide(
        session, people.township, application
    ),
    ApplicationEvent.PASS_TRADE: lambda session, people, application: steps.decide(session, people.trade, application),
    ApplicationEvent.PASS_COUNTY: lambda session, people, application: steps.decide(
        session, people.county, application
    ),
    ApplicationEvent.OBJECT: object_to,
    ApplicationEvent.LIST: lambda session, people, application: listing.publish_batch(
        session, people.publisher, application_ids=[application.id], now=AFTER_NOTICE
    ),
}


@pytest.mark.parametrize("event", list(EVENTS))
@pytest.mark.parametrize("status", list(ApplicationStatus))
def test_the_services_follow_the_table_from_every_status(
    session: orm.Session, people: County, status: ApplicationStatus, event: ApplicationEvent
) -> None:
    application = steps.bring_to(session, people, status)
    assert application.status is status
    if (status, event) in TRANSITIONS:
        EVENTS[event](session, people, application)
        assert application.status is TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionError):
            EVENTS[event](session, people, application)
        assert application.status is status


@pytest.mark.parametrize(
    ("county_code", "on", "terms"),
    [
        ("141122", date(2026, 3, 2), Terms(7, 730)),
        ("141122", date(2026, 2, 28), Terms(3, 100)),
        ("141130", date(2026, 3, 2), Terms(6, 500)),
        ("621022", date(2026, 3, 2), DEFAULT_TERMS),
        ("141130", date(2025, 12, 31), DEFAULT_TERMS),
    ],
)
def test_the_longest_prefix_and_then_the_latest_policy_holds(
    session: orm.Session, county_code: str, on: date, terms: Terms
) -> None:
    for region_code, valid_from, policy in (
        ("14", date(2026, 2, 1), Terms(4, 400)),
        ("1411", date(2026, 1, 1), Terms(6, 500)),
        ("141122", date(2026, 1, 1), Terms(3, 100)),
        ("141122", date(2026, 3, 1), Terms(7, 730)),
        ("141122", date(2026, 4, 1), Terms(9, 900)),
    ):
        service.set_terms(session, region_code=region_code, valid_from=valid_from, terms=policy)
    assert terms_on(session, county_code, on) == terms


def test_the_countys_policy_sets_notice_and_validity(session: orm.Session, people: County) -> None:
    service.set_terms(session, region_code="141122", valid_from=MONDAY, terms=Terms(7, 730))
    application = steps.bring_to(session, people, ApplicationStatus.ON_NOTICE)
    assert application.notice_ends_on == date(2026, 3, 11)
    certificate = steps.certified(session, people)
    assert (certificate.valid_to - certificate.valid_from).days == 729


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
