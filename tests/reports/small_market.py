"""A small market over four months, the first closed: three suppliers in two counties, three buyers.

All that can befall an order befalls one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from sqlalchemy import orm

from market.attribution import confirming
from market.attribution.rules import Kind, PaymentOrder
from market.benefits.rules import Mechanism
from market.households.models import Household
from market.households.rules import HouseholdStatus
from market.identity.models import Member, Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.ledger import service as ledger
from market.ledger.rules import Book
from market.orders import returns
from market.orders.models import Order
from tests import factories
from tests.money_out import paid_out
from tests.story import Story, open_channels

NOON = datetime(2026, 6, 30, 4, tzinfo=UTC)
APRIL, MAY, JUNE = date(2026, 4, 10), date(2026, 5, 11), date(2026, 6, 12)
WINDOW = (date(2026, 1, 1), date(2026, 12, 31))


@dataclass
class Buyer:
    """A buyer with the two members that buying takes."""

    organisation: Organisation
    orderer: Actor
    receiver: Actor


@dataclass
class SmallMarket:
    """Who is in it; what happened is in the database."""

    stories: Sequence[Story]
    buyers: Sequence[Buyer]
    households: Sequence[Household]
    collective: Organisation
    village: Actor
    member: Member
    """A clerk of the first supplier."""


def buyer(session: orm.Session, kind: OrganisationKind, region_code: str) -> Buyer:
    """Register a buyer."""
    body = factories.organisation(session, kind=kind, region_code=region_code)
    return Buyer(
        body,
        factories.actor(session, factories.member(session, body, Role.BUYER_CLERK)),
        factories.actor(session, factories.member(session, body, Role.BUYER_RECEIVER)),
    )


def settle_in(story: Story, region_code: str, households: Sequence[Household]) -> None:
    """Give a story's supplier its county and households."""
    story.supplier.region_code = region_code
    story.clerk = replace(story.clerk, region_code=region_code)
    for household in households:
        factories.enrolment(story.session, story.supplier, household)


def buys(
    story: Story,
    by: Buyer,
    *quantities: str,
    channel: str,
    found: Mapping[int, Mapping[str, str]] | None = None,
    on: date,
) -> Order:
    """Order, deliver and accept on a day."""
    story.buyer, story.orderer, story.receiver = by.organisation, by.orderer, by.receiver
    order = story.place(*quantities, channel=channel)
    story.deliver(order)
    story.accept(order, found=found, on=on)
    return order


def accepts_late(story: Story, by: Buyer, quantity: str, *, on: date) -> None:
    """Order and deliver; accept, after its month was closed, on a day in it."""
    story.buyer, story.orderer, story.receiver = by.organisation, by.orderer, by.receiver
    order = story.place(quantity)
    story.deliver(order)
    ledger.close_month(story.session, Book.ATTRIBUTION, month=on, closed_by=uuid4(), today=date(2026, 7, 1))
    story.accept(order, on=on)


def sends_back(story: Story, by: Buyer, order: Order, quantity: str, *, position: int = 0, on: date) -> None:
    """Return part of a line on a day."""
    line = story.lines(order)[position]
    claim = returns.Claim([returns.ComesBack(line.id, quantity, resaleable=True)], "品质不符", on)
    returns.take_back(story.session, by.receiver, order_id=order.id, claim=claim, now=NOON)


def pays_collective(story: Story, collective: Organisation, amount_fen: int, *, on: date) -> UUID:
    """Pay a village collective; return the payment's id."""
    payment = PaymentOrder(Kind.COLLECTIVE, collective.id, amount_fen, uuid4().hex, None)
    _, (row,), _ = paid_out(story.session, story.clerk, [payment], on=on, now=NOON)
    return row.id


def small_market(session: orm.Session) -> SmallMarket:
    """Build it through the services."""
    open_channels(session)
    poor = [factories.household(session) for _ in range(3)]
    ordinary = factories.household(session, status=HouseholdStatus.ORDINARY)
    afar = factories.household(session, village_code="141130101201", status=HouseholdStatus.UNSTABLE)
    collective = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code="141122106201")
    shares = [(poor[0].id, 3), (poor[1].id, 2), (ordinary.id, 4)]
    rich = Story(
        session,
        pools=[
            (Mechanism.SHARE_DIVIDEND, 700, shares),
            (Mechanism.COLLECTIVE_DIVIDEND, 333, [(collective.id, 1)]),
            (Mechanism.PATRONAGE, 150, None),
        ],
        tax_bp=900,
        price_fen=1_234,
    )
    cheap = Story(session, price_fen=111)
    lonely = Story(
        session,
        pools=[(Mechanism.SHARE_DIVIDEND, 1_000, []), (Mechanism.COLLECTIVE_DIVIDEND, 500, [(collective.id, 0)])],
        price_fen=777,
    )
    settle_in(rich, "141122", [*poor, ordinary])
    settle_in(cheap, "141130", [poor[0], afar])
    settle_in(lonely, "141122", [poor[2]])
    lot, _ = rich.lot(500_000, {poor[0].id: 100_003, poor[1].id: 70_001, ordinary.id: 50_005})
    factories.contribution(session, lot, poor[2], mechanism=Mechanism.LABOUR, amount_fen=33_331)
    _, given = cheap.lot(200_000, {poor[0].id: 40_000, afar.id: 9_999})
    lonely.lot(100_000, {poor[2].id: 12_345})
    school = buyer(session, OrganisationKind.SCHOOL, "141122")
    firm = buyer(session, OrganisationKind.FIRM, "141130")
    family = buyer(session, OrganisationKind.FAMILY, "140105")
    session.flush()
    office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE, region_code="141122106201")
    village = factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.REGION)
    market = SmallMarket(
        [rich, cheap, lonely],
        [school, firm, family],
        [*poor, ordinary, afar],
        collective,
        village,
        session.get_one(Member, rich.clerk.member_id),
    )
    _play(market, given[0].id)
    session.flush()
    return market


def _play(market: SmallMarket, contribution_id: UUID) -> None:
    rich, cheap, lonely = market.stories
    school, firm, family = market.buyers
    poor = market.households[:3]
    session = rich.session
    cheap.disburse({poor[0].id: 15_000}, contributions={poor[0].id: contribution_id}, on=date(2026, 3, 5))
    rich.disburse({poor[1].id: 4_000, market.households[3].id: 700}, on=date(2026, 3, 6))
    accepts_late(lonely, school, "11", on=date(2026, 3, 20))
    lunch = buys(
        rich,
        school,
        "60",
        "41",
        channel="canteen",
        on=APRIL,
        found={1: {"received": "40", "accepted": "37", "rejected": "2", "damaged": "1", "short": "1"}},
    )
    gifts = buys(rich, firm, "55", channel="workshop", on=date(2026, 4, 30))
    parcel = buys(rich, family, "13", channel="online", on=MAY)
    sacks = buys(cheap, school, "77", channel="canteen", on=MAY)
    bags = buys(cheap, firm, "31", "9", channel="workshop", on=JUNE)
    odd = buys(lonely, family, "21", channel="online", on=APRIL)
    rich.pay(lunch, 30_001, on=date(2026, 4, 20))
    rich.pay(gifts, 67_870, on=date(2026, 5, 2))
    cheap.pay(sacks, 5_000, on=date(2026, 5, 20))
    lonely.pay(odd, 21 * 777, on=date(2026, 6, 1))
    may_15 = date(2026, 5, 15)
    paid = rich.disburse({poor[0].id: 9_000, market.households[3].id: 2_000, poor[2].id: 100_000}, on=may_15)
    rich.disburse({poor[1].id: 2_000}, on=may_15)
    # Paid before it was recognised, recorded after: an advance in between, matched on the day of recognition.
    lonely.disburse({poor[2].id: 2_000}, on=date(2026, 5, 25))
    paid[2] = pays_collective(rich, market.collective, 1_000, on=date(2026, 5, 16))
    confirming.confirm(session, market.village, payment_ids=paid, on=date(2026, 5, 18), now=NOON)
    sends_back(rich, school, lunch, "17", on=date(2026, 5, 21))
    sends_back(rich, firm, gifts, "20", on=JUNE)
    sends_back(cheap, school, sacks, "7", on=JUNE)
    sends_back(rich, family, parcel, "13", on=JUNE)
    cheap.disburse({poor[0].id: 9_000, market.households[4].id: 8_000}, on=date(2026, 6, 20))
    cheap.pay(bags, 2_222, on=date(2026, 6, 25))
    later = buys(rich, school, "30", channel="canteen", on=date(2026, 6, 26))
    rich.pay(later, 37_020, on=date(2026, 6, 28))
