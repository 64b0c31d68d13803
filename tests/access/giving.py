"""What a place shares out, gives on and annuls."""

from datetime import date
from uuid import UUID

from sqlalchemy import orm

from market.annulments import deciding
from market.attribution.rules import Kind, PaymentOrder
from market.benefits.holdings import Holding, Listed, RegisterBody, Source
from market.benefits.rules import RegisterKind
from market.distributions import giving_on, proposing
from market.distributions.listing import Dividend
from market.distributions.rules import Period
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories
from tests.money_out import paid_out
from tests.story import NOON, TODAY, Story


def sharing(session: orm.Session, story: Story, household: Household, collective: Organisation) -> dict[str, str]:
    """Propose a dividend, and let the collective give on what it was paid."""
    holdings = RegisterBody(RegisterKind.SHARES, (Holding(str(household.id), own_fen=100),))
    shares = factories.register_version(session, story.supplier, holdings)
    others = factories.register_version(session, story.supplier, holdings)
    proposed, _ = proposing.propose(
        session,
        story.clerk,
        formula=Dividend(others.id, 100, (Source.OWN,)),
        period=Period(date(2026, 1, 1), TODAY),
        evidence="成员大会决议",
        now=NOON,
    )
    payment = PaymentOrder(Kind.COLLECTIVE, collective.id, 200, f"集体{collective.id}", None)
    unproved, _, _ = paid_out(session, story.clerk, [payment], on=TODAY, now=NOON)
    rows = RegisterBody(RegisterKind.LIST, (Listed(str(household.id), 1),))
    own_list = factories.register_version(session, collective, rows)
    keeper = factories.actor(session, factories.member(session, collective))
    given = giving_on.Given(story.supplier.id, own_list.id, 50, TODAY, "签字表", "二次分配 1")
    second, _ = giving_on.give_on(session, keeper, given=given, now=NOON)
    county = factories.organisation(
        session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code=collective.region_code[:6]
    )
    reviewer = factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)
    giving_on.approve(session, reviewer, distribution_id=second.id, opinion="同意", now=NOON)
    other = giving_on.Given(story.supplier.id, own_list.id, 50, TODAY, "签字表", "二次分配 3")
    stated, _ = giving_on.give_on(session, keeper, given=other, now=NOON)
    made = {
        "unproved": unproved.id,
        "shares": shares.id,
        "distribution": proposed.id,
        "own_list": own_list.id,
        "second": second.id,
        "stated": stated.id,
        **_annulled(session, story, holdings, reviewer),
    }
    return {name: str(id_) for name, id_ in made.items()}


def _annulled(session: orm.Session, story: Story, holdings: RegisterBody, reviewer: Actor) -> dict[str, UUID]:
    """Share out twice, and propose that the second time never was."""
    shared: list[UUID] = []
    for _ in range(2):
        version = factories.register_version(session, story.supplier, holdings)
        made, _ = proposing.propose(
            session,
            story.clerk,
            formula=Dividend(version.id, 10, (Source.OWN,)),
            period=Period(date(2026, 1, 1), TODAY),
            evidence="成员大会决议",
            now=NOON,
        )
        proposing.approve(session, reviewer, distribution_id=made.id, opinion="同意", on=TODAY, now=NOON)
        shared.append(made.id)
    manager = factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))
    subject = deciding.Subject(shared[1])
    annulment, _ = deciding.propose(session, manager, subject=subject, reason="有误", evidence="审计报告", now=NOON)
    return {"shared_out": shared[0], "annulment": annulment.id}
