"""The people of one county and the steps of a certification, by the services."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import orm

from market.certification import listing, service
from market.certification.models import Application, Certificate, Objection, PriceEvidence
from market.certification.rules import ApplicationStatus, Decision, EvidenceKind
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.quantities import Unit
from market.regions.models import Region
from market.regions.queries import regions_on
from tests import factories

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""A Monday, noon in China."""
MONDAY = date(2026, 3, 2)
LAST_DAY = date(2026, 3, 9)
"""Five working days after the Monday of the county's pass: the notice's last day."""
AFTER_NOTICE = NOW + timedelta(days=8)


@dataclass(frozen=True)
class County:
    """A supplier with a plan and a household, and everybody who decides on its products."""

    supplier: Organisation
    plan_id: UUID
    clerk: Actor
    township: Actor
    trade: Actor
    county: Actor
    publisher: Actor
    citizen: Actor

    @property
    def reviewers(self) -> tuple[Actor, Actor, Actor]:
        """Township, trade, county."""
        return self.township, self.trade, self.county


def county(session: orm.Session, code: str = "141122") -> County:
    """Set a county with one township up; the publisher is another member of the deciding department."""
    if not session.scalar(regions_on(MONDAY).where(Region.code == f"{code}106")):
        factories.region(session, code=f"{code}106", name="洪相镇")
    supplier = factories.organisation(session, region_code=code)
    factories.enrolment(session, supplier, factories.household(session, village_code=f"{code}106201"))
    department = factories.organisation(session, kind=OrganisationKind.REVITALISATION_DEPARTMENT, region_code=code)

    def reviewer(kind: OrganisationKind, role: Role, region_code: str) -> Actor:
        body = factories.organisation(session, kind=kind, region_code=region_code)
        return factories.actor(session, factories.member(session, body, role), Scope.REGION)

    def at_department() -> Actor:
        return factories.actor(session, factories.member(session, department, Role.COUNTY_REVIEWER), Scope.REGION)

    school = factories.organisation(session, kind=OrganisationKind.SCHOOL)
    return County(
        supplier=supplier,
        plan_id=factories.plan(session, supplier).id,
        clerk=factories.actor(session, factories.member(session, supplier)),
        township=reviewer(OrganisationKind.TOWNSHIP_GOVERNMENT, Role.TOWNSHIP_REVIEWER, f"{code}106"),
        trade=reviewer(OrganisationKind.AGRICULTURE_DEPARTMENT, Role.TRADE_REVIEWER, code),
        county=at_department(),
        publisher=at_department(),
        citizen=factories.actor(session, factories.member(session, school), Scope.ALL),
    )


def apply(session: orm.Session, people: County, *, price_fen: int = 6_000, now: datetime = NOW) -> Application:
    """Apply for red dates in boxes of 2.5 kg."""
    return service.apply(
        session,
        people.clerk,
        plan_id=people.plan_id,
        product_name="骏枣",
        specification="特级 2.5kg/箱",
        category_code="fruit",
        origin_code=f"{people.supplier.region_code}106",
        unit=Unit.BOX,
        content=("2.5", Unit.KG),
        price_fen=price_fen,
        declared_value_fen=50_000_000,
        people_driven=127,
        now=now,
    )


def evidence(
    session: orm.Session, people: County, application: Application, price_fen: int = 6_500, *, now: datetime = NOW
) -> PriceEvidence:
    """Show what a box costs elsewhere."""
    return service.record_evidence(
        session,
        people.clerk,
        application_id=application.id,
        kind=EvidenceKind.LINK,
        reference="https://shop.example/junzao",
        price_fen=price_fen,
        observed_on=MONDAY,
        now=now,
    )


def decide(
    session: orm.Session,
    reviewer: Actor,
    application: Application,
    decision: Decision = Decision.PASS,
    *,
    now: datetime = NOW,
) -> Application:
    """One review."""
    return service.review(
        session,
        reviewer,
        application_id=application.id,
        decision=decision,
        opinion="同意",
        attachment_sha256=None,
        now=now,
    )


def bring_to(session: orm.Session, people: County, status: ApplicationStatus) -> Application:
    """An application that has come to a status by the services; the worker's step is taken for it."""
    application = apply(session, people)
    evidence(session, people, application)
    if status is ApplicationStatus.REJECTED:
        return decide(session, people.township, application, Decision.REJECT)
    way = [
        ApplicationStatus.SUBMITTED,
        ApplicationStatus.TOWNSHIP_PASSED,
        ApplicationStatus.TRADE_PASSED,
        ApplicationStatus.ON_NOTICE,
    ]
    for reviewer in people.reviewers[: len(way) - 1 if status not in way else way.index(status)]:
        decide(session, reviewer, application)
    if status in (ApplicationStatus.CLEARED, ApplicationStatus.LISTED):
        application.status = ApplicationStatus.CLEARED
        session.flush()
    if status is ApplicationStatus.LISTED:
        listing.publish_batch(session, people.publisher, application_ids=[application.id], now=AFTER_NOTICE)
    return application


def certified(session: orm.Session, people: County) -> Certificate:
    """A certificate by the whole way."""
    application = bring_to(session, people, ApplicationStatus.CLEARED)
    _, certificates = listing.publish_batch(
        session, people.publisher, application_ids=[application.id], now=AFTER_NOTICE
    )
    return certificates[0]


def object_to(session: orm.Session, people: County, application: Application) -> Objection:
    """An objection of a citizen."""
    return service.object_to(session, people.citizen, application_id=application.id, reason="产地与申报不符", now=NOW)


def settle(session: orm.Session, judge: Actor, objection: Objection, *, upheld: bool) -> Objection:
    """The answer to it."""
    return service.settle(session, judge, objection_id=objection.id, upheld=upheld, settlement="已核实", now=NOW)
