"""Who is in the market of the year: cooperatives with their households, plans that change in July, buyers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.benefits.holdings import Entitlement, Holding, Listed, RegisterBody
from market.benefits.models import Enrolment, Plan
from market.benefits.rules import (
    MECHANISMS,
    Measure,
    Mechanism,
    PlanBody,
    Pool,
    PriceTerms,
    Pricing,
    RegisterKind,
)
from market.catalog.models import Product
from market.db import new_id
from market.households.models import Household, HouseholdStatusPeriod, ProxyAct
from market.households.rules import Deed, HouseholdStatus
from market.identity.models import Member, Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from tests import factories
from tests.story import open_channels

YEAR = 2025
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
PLANS_CHANGE_ON = date(YEAR, 7, 1)
VILLAGE = "141122106201"
SHARERS = 15
"""Households in each dividend pool."""
LEAVES_ON = date(YEAR, 6, 20)
"""One of them leaves the register."""
RESERVE_BP, CONSIGNED_BP = 1_000, 9_000
GIVING = (
    Mechanism.LABOUR,
    Mechanism.ORDER_PURCHASE,
    Mechanism.CONSIGNMENT,
    Mechanism.LAND_RENT,
    Mechanism.CONTRACTING,
)
"""By what one household after the other gives to lots."""
DEAR_MONTHS = {3, 8}
"""When households are promised more than the produce brings."""


@dataclass(frozen=True)
class Size:
    """How large a year is, how often goods come back or are paid in parts, and the last day of it that is played."""

    suppliers: int
    households_each: int
    orders: int
    returns_percent: int = 6
    parts_percent: int = 12
    last: date = LAST
    chance: int = 2025


@dataclass
class Cooperative:
    """A cooperative with who acts for it, whom it may pay, and its two products."""

    id: UUID
    clerk: Actor
    manager: Actor
    households: Sequence[UUID]
    keeper: Actor
    registers: "Registers"
    products: list[UUID] = field(default_factory=list)

    @property
    def collective_id(self) -> UUID:
        return self.keeper.organisation_id


@dataclass(frozen=True)
class Registers:
    """The versions of registers by which is shared out: capital, entrusted capital, the collective's own list."""

    shares: UUID
    entitlements: UUID
    listed: UUID


@dataclass(frozen=True)
class Buyer:
    """A school, who orders and who receives for it."""

    orderer: Actor
    receiver: Actor


@dataclass
class World:
    """Everybody."""

    size: Size
    cooperatives: list[Cooperative]
    buyers: list[Buyer]
    county: Actor
    village: Actor


def build(session: orm.Session, size: Size) -> World:
    """Bring everybody together on the first day of the year."""
    open_channels(session)
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE, region_code=VILLAGE)
    village_clerk = factories.member(session, office, Role.VILLAGE_CLERK)
    return World(
        size=size,
        cooperatives=[_cooperative(session, size, number, village_clerk.id) for number in range(size.suppliers)],
        buyers=[_buyer(session) for _ in range(7)],
        county=factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.ALL),
        village=factories.actor(session, village_clerk, Scope.ALL),
    )


def _cooperative(session: orm.Session, size: Size, number: int, village_clerk: UUID) -> Cooperative:
    row = factories.organisation(session)
    collective = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE)
    clerk, manager, keeper = (
        factories.actor(session, factories.member(session, of, role))
        for of, role in (
            (row, Role.SUPPLIER_CLERK),
            (row, Role.SUPPLIER_MANAGER),
            (collective, Role.SUPPLIER_CLERK),
        )
    )
    households = _households(session, number, size.households_each)
    _enrol(session, row, households, clerk.member_id, village_clerk)
    registers = _registers(session, row, collective, households)
    cooperative = Cooperative(row.id, clerk, manager, households, keeper, registers)
    for tax_bp in (0, 900):
        plan = _plan(session, row, cooperative)
        product = factories.product(
            session,
            row,
            plan=plan,
            tax_bp=tax_bp,
            minimum="0.1",
            multiple="0.1",
            tiers=(("0.1", 1_130), ("100", 1_037)),
        )
        cooperative.products.append(product.id)
    return cooperative


def _households(session: orm.Session, number: int, count: int) -> list[UUID]:
    """Put a cooperative's households on the register; every tenth is an ordinary one from April on, one leaves."""
    since = date(2020, 1, 1)
    families = [
        Household(
            id=new_id(),
            code=f"{VILLAGE}{number:02d}{position:04d}",
            village_code=VILLAGE,
            head_count=1 + position % 6,
            registered_on=since,
            departed_on=LEAVES_ON if position == SHARERS // 2 else None,
        )
        for position in range(count)
    ]
    session.add_all(families)
    session.flush()
    session.add_all(
        HouseholdStatusPeriod(household_id=family.id, valid_from=since, status=HouseholdStatus.REGISTERED_POOR)
        for family in families
    )
    session.add_all(
        HouseholdStatusPeriod(household_id=family.id, valid_from=date(YEAR, 4, 1), status=HouseholdStatus.ORDINARY)
        for family in families[::10]
    )
    session.flush()
    return [family.id for family in families]


def _enrol(
    session: orm.Session, supplier: Organisation, households: Sequence[UUID], enrolled_by: UUID, village_clerk: UUID
) -> None:
    session.add_all(
        Enrolment(
            supplier_id=supplier.id,
            household_id=household_id,
            enrolled_on=date(2020, 1, 1),
            enrolled_by=enrolled_by,
            confirmed_by=village_clerk,
            confirmed_at=datetime(2020, 1, 1, 4, tzinfo=UTC),
        )
        for household_id in households
    )
    clerk = session.get_one(Member, village_clerk)
    session.add_all(
        ProxyAct(
            household_id=household_id,
            deed=Deed.ENROLMENT_CONFIRMED,
            about_id=supplier.id,
            evidence="代办员确认农户参与",
            member_id=clerk.id,
            acting_for=clerk.organisation_id,
            acted_at=datetime(2020, 1, 1, 4, tzinfo=UTC),
        )
        for household_id in households
    )
    session.flush()


def _registers(
    session: orm.Session, supplier: Organisation, collective: Organisation, households: Sequence[UUID]
) -> Registers:
    """Say whose capital is shared or entrusted, and whom the collective lists; not all are the same people."""
    capital = [
        Holding(str(each), 1_000_00 + 37 * place, grant_fen=500_00) for place, each in enumerate(households[:20])
    ]
    entrusted = [
        Entitlement(str(each), 100_00 + 7 * place, 660, 600, 60, str(collective.id))
        for place, each in enumerate(households[5:17])
    ]
    listed = [Listed(str(each), 1 + place % 4) for place, each in enumerate(households[:24])]
    return Registers(
        *(
            factories.register_version(session, keeper, RegisterBody(kind, rows)).id
            for keeper, kind, rows in (
                (supplier, RegisterKind.SHARES, capital),
                (supplier, RegisterKind.ENTITLEMENTS, entrusted),
                (collective, RegisterKind.LIST, listed),
            )
        )
    )


def _plan(session: orm.Session, supplier: Organisation, cooperative: Cooperative) -> Plan:
    """Promise a dividend and a part to the village, and keep two pools; from July on more to fewer.

    Produce is consigned by a second version, which holds from the next day on.
    """
    first, second = cooperative.households[:SHARERS], cooperative.households[SHARERS // 3 : SHARERS]
    body = _body(cooperative, first, dividend_bp=1_211, village_bp=307)
    changed = _body(cooperative, second, dividend_bp=1_503, village_bp=211)
    plan = factories.plan(session, supplier, body=body)
    factories.plan_version(session, plan, number=2, body=_with_consignment(body), valid_from=date(2020, 1, 2))
    factories.plan_version(session, plan, number=3, body=_with_consignment(changed), valid_from=PLANS_CHANGE_ON)
    return plan


def _body(cooperative: Cooperative, sharers: Sequence[UUID], *, dividend_bp: int, village_bp: int) -> PlanBody:
    weights = [(str(household), 1 + position * 7 % 13) for position, household in enumerate(sharers)]
    return PlanBody(
        lot_mechanisms=tuple(each for each in GIVING if each is not Mechanism.CONSIGNMENT),
        pools=(
            Pool(Mechanism.SHARE_DIVIDEND, dividend_bp, weights),
            Pool(Mechanism.COLLECTIVE_DIVIDEND, village_bp, [(str(cooperative.collective_id), 1)]),
            Pool(Mechanism.PATRONAGE, 503, (), kept=True, reserve_bp=RESERVE_BP),
            Pool(Mechanism.CUSTODY, 199, (), kept=True),
        ),
    )


def _with_consignment(body: PlanBody) -> PlanBody:
    terms = PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=CONSIGNED_BP)
    return replace(body, lot_mechanisms=(*body.lot_mechanisms, Mechanism.CONSIGNMENT), terms=(terms,))


def harvest(session: orm.Session, cooperative: Cooperative, month: int, quantity_milli: int) -> None:
    """Open a lot of each product; between them the lots of a year reach every household."""
    each = -(-len(cooperative.households) // (12 * len(cooperative.products)))
    for position, product_id in enumerate(cooperative.products):
        begin = ((month - 1) * len(cooperative.products) + position) * each
        giving = [
            (GIVING[(begin + place) % len(GIVING)], household_id)
            for place, household_id in enumerate(cooperative.households[begin : begin + each])
        ]
        weighed = sum(1 for mechanism, _ in giving if Measure.QUANTITY in MECHANISMS[mechanism].measures)
        measure_milli = quantity_milli // (3 * each)
        lot = factories.lot(
            session,
            session.get_one(Product, product_id),
            quantity_milli=quantity_milli,
            bought_in_milli=quantity_milli - weighed * measure_milli,
            area_milli_mu=measure_milli * each,
            produced_on=date(YEAR, month, 1),
        )
        dear = 4 if month in DEAR_MONTHS and position == 0 else 1
        for place, (mechanism, household_id) in enumerate(giving):
            amount_fen = dear * quantity_milli * (300 + place % 200) // (1_000 * each) + place
            factories.contribution(
                session,
                lot,
                session.get_one(Household, household_id),
                mechanism=mechanism,
                measure_milli=measure_milli,
                delivered_on=date(YEAR, month, 1),
                amount_fen=None if mechanism is Mechanism.CONSIGNMENT else amount_fen,
                proceeds_bp=CONSIGNED_BP if mechanism is Mechanism.CONSIGNMENT else None,
            )


def _buyer(session: orm.Session) -> Buyer:
    row = factories.organisation(session, kind=OrganisationKind.SCHOOL)
    orderer, receiver = (
        factories.actor(session, factories.member(session, row, role))
        for role in (Role.BUYER_CLERK, Role.BUYER_RECEIVER)
    )
    return Buyer(orderer, receiver)
