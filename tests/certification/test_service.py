"""From application to public notice: three tests, four eyes, and the terms of the place."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

from market.certification import listing, service
from market.certification.models import Application, Review
from market.certification.queries import terms_on
from market.certification.rules import (
    DEFAULT_TERMS,
    TRANSITIONS,
    ApplicationEvent,
    ApplicationStatus,
    Decision,
    EvidenceKind,
    MissingEvidenceError,
    NoBenefitError,
    NotProducerError,
    OriginError,
    PriceAboveEvidenceError,
    ReviewStep,
    Terms,
    UnitContentError,
)
from market.db import new_id
from market.errors import FourEyesError, FutureDateError, NotFoundError, TransitionError
from market.identity.rules import Actor, OrganisationKind
from market.quantities import Unit
from market.regions.rules import UnknownRegionError
from tests import factories
from tests.certification import steps
from tests.certification.steps import AFTER_NOTICE, LAST_DAY, MONDAY, NOW, County, object_to

PASSED = {
    ApplicationStatus.SUBMITTED: ApplicationStatus.TOWNSHIP_PASSED,
    ApplicationStatus.TOWNSHIP_PASSED: ApplicationStatus.TRADE_PASSED,
    ApplicationStatus.TRADE_PASSED: ApplicationStatus.ON_NOTICE,
}


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
    with pytest.raises(FutureDateError):
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
