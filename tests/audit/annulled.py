"""What never was: of two lists of one cooperative the wrong one, of two households of another the invented one."""

from datetime import date

from sqlalchemy import orm

from market.annulments import deciding
from market.benefits.holdings import Holding, RegisterBody, Source
from market.benefits.rules import Mechanism, RegisterKind
from market.distributions import proposing
from market.distributions.listing import Dividend
from market.distributions.rules import Period
from market.identity.rules import OrganisationKind, Role, Scope
from tests import factories
from tests.attribution.test_moving_on import move_on
from tests.story import NOON, TODAY, Story


def annul_a_list(session: orm.Session) -> None:
    """Share out twice on one line, once to two households, pay one of them, and take the first list back."""
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    family, neighbours = story.household(), story.household()
    story.lot(10_000)
    order = story.sell("5")
    story.pay(order, order.amount_fen)
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    reviewer = factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)
    holdings = (Holding(str(family.id), own_fen=200), Holding(str(neighbours.id), own_fen=100))
    made = []
    for amount_fen, listed in ((1_500, holdings), (300, holdings[:1])):
        body = RegisterBody(RegisterKind.SHARES, listed)
        version = factories.register_version(session, story.supplier, body)
        distribution, _ = proposing.propose(
            session,
            story.clerk,
            formula=Dividend(version.id, amount_fen, (Source.OWN,)),
            period=Period(date(2026, 1, 1), TODAY),
            evidence="成员大会决议",
            now=NOON,
        )
        proposing.approve(session, reviewer, distribution_id=distribution.id, opinion="同意", on=TODAY, now=NOON)
        made.append(distribution.id)
    story.disburse({family.id: 700})
    manager = factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))
    annulment, _ = deciding.propose(
        session, manager, subject=deciding.Subject(made[0]), reason="名单有误", evidence="审计报告", now=NOON
    )
    deciding.approve(session, reviewer, annulment_id=annulment.id, opinion="属实", on=TODAY, now=NOON)


def annul_a_contribution(session: orm.Session) -> None:
    """Sell of a lot to which an invented household gave, move part of it on, pay; annul, and sell on."""
    story = Story(session, price_fen=1_000)
    lot, (_, false) = story.lot(
        10_000, {(real := story.household()).id: 3_333, (invented := story.household()).id: 2_222}
    )
    order = story.sell("3")
    story.pay(order, order.amount_fen)
    story.disburse({invented.id: 500, real.id: 500})
    move_on(story, lot, 4_000)
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    maker, checker = (
        factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)
        for _ in range(2)
    )
    subject = deciding.Subject(contribution_id=false.id)
    annulment, _ = deciding.propose(session, maker, subject=subject, reason="未交售", evidence="审计报告", now=NOON)
    deciding.approve(session, checker, annulment_id=annulment.id, opinion="属实", on=TODAY, now=NOON)
    story.sell("2")
