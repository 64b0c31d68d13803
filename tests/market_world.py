"""A market to play in: built once in a clone of its own, entered for a while, left as it was found."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.rules import Mechanism, PlanBody, Pool
from market.catalog.models import Product
from market.db import Database
from market.households.models import Household, HouseholdStatusPeriod
from market.households.rules import HouseholdStatus
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.quantities import Unit
from tests import factories, schema, undoing
from tests.story import open_channels

FIRST_DAY = date(2026, 3, 25)
LAST_DAY = date(2026, 4, 28)
FIRST_NOON = datetime(2026, 3, 25, 4, tzinfo=UTC)
BECOMES_ORDINARY = date(2026, 3, 27)
DEPARTS = date(2026, 3, 28)
LOT_EXPIRES = date(2026, 3, 29)

BUSY = (
    "lots",
    "reservations",
    "orders",
    "order_lines",
    "order_changes",
    "payments",
    "release_carries",
    "ledger_entries",
    "ledger_accounts",
    "ledger_transfers",
)
"""The tables that a visit fills or changes most."""

Payee = tuple[str, str]
"""Kind of account and id of its owner."""


@dataclass(frozen=True)
class Weight:
    """A payee of a pool: its weight, when it leaves the register, and from when it is no longer assisted."""

    payee: Payee
    weight: int
    departs: date = date.max
    ordinary_from: date | None = date.max

    def assisted_on(self, day: date) -> bool | None:
        """Tell whether its income of that day is assistance income; None for a collective."""
        return None if self.ordinary_from is None else day < self.ordinary_from


@dataclass(frozen=True)
class PoolTerms:
    """A pool of a plan."""

    mechanism: str
    bp: int
    weights: Sequence[Weight]


@dataclass(frozen=True)
class LotTerms:
    """A lot: its quantity in milli-units and what each contribution to it is owed (id → household, fen)."""

    id: str
    quantity_milli: int
    expires_on: date | None
    contributions: Mapping[str, tuple[str, int]]


@dataclass(frozen=True)
class ProductTerms:
    """What the market promised of a product; tiers are (from milli-units, fen per unit), in rising order."""

    id: str
    supplier: int
    unit: str
    unit_milli: int
    tiers: Sequence[tuple[int, int]]
    tax_bp: int
    pools: Sequence[PoolTerms]
    lots: Sequence[LotTerms]


@dataclass
class Supplier:
    """A cooperative, who acts for it, and whom it may pay."""

    id: str
    clerk: Actor
    payees: list[Payee] = field(default_factory=list)


@dataclass(frozen=True)
class Buyer:
    """A unit and who orders and receives for it."""

    id: str
    orderer: Actor
    receiver: Actor


@dataclass
class World:
    """Who and what is in the market before anything is sold, and the one connection through which it is entered."""

    db: Database
    owner_url: str
    suppliers: list[Supplier]
    buyers: list[Buyer]
    village: Actor
    officers: tuple[Actor, Actor]
    products: list[ProductTerms]
    _connection: sa.Connection | None = None

    @contextmanager
    def entered(self) -> Iterator[sa.Connection]:
        """Yield a connection whose transaction is undone at the end."""
        if self._connection is None:
            self._connection = self.db.engine.connect()
        outer = undoing.begin(self._connection)
        # At once instead of at the commit that never comes.
        self._connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        try:
            yield self._connection
        finally:
            undoing.undo(self._connection, outer)

    def sweep(self) -> None:
        """Remove what undone visits left in the tables, so that late ones are as quick as early ones."""
        with psycopg.connect(schema.plain(self.owner_url), autocommit=True) as connection:
            connection.execute(f"VACUUM {', '.join(BUSY)}")

    def close(self) -> None:
        """Drop the connections."""
        if self._connection is not None:
            self._connection.close()
        self.db.close()


def build(url: str) -> World:
    """Commit the market's parties, products and lots to a database."""
    db = Database(url, threads=2)
    with db.transaction() as session:
        open_channels(session)
        world = _populate(session, db, url)
        for month in range(2, 6):
            session.execute(sa.text("SELECT ledger_open_month(:day)"), {"day": date(2026, month, 1)})
    return world


def _populate(session: orm.Session, db: Database, url: str) -> World:
    first, second = (_supplier(session) for _ in range(2))
    families = [factories.household(session, head_count=1 + number % 4) for number in range(9)]
    for position, family in enumerate(families):
        for supplier in (first, second):
            # The last family is a stranger to the second supplier.
            if supplier is first or position < 8:
                _enrol(session, supplier, family)
    _unsettle(session, families)
    collectives = [factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE) for _ in range(2)]
    for supplier in (first, second):
        supplier.payees += [("collective", str(collective.id)) for collective in collectives]
    dividends = PoolTerms(
        Mechanism.SHARE_DIVIDEND,
        1_500,
        [
            _weight(family, weight, position)
            for position, (family, weight) in enumerate(zip(families[:8], (3, 5, 7, 0, 11, 1, 2, 13), strict=True))
        ],
    )
    to_villages = PoolTerms(
        Mechanism.COLLECTIVE_DIVIDEND,
        501,
        [
            Weight(("collective", str(each.id)), weight, ordinary_from=None)
            for each, weight in zip(collectives, (1, 2), strict=True)
        ],
    )
    nobody = PoolTerms(Mechanism.SHARE_DIVIDEND, 777, [_weight(families[3], 0, 3), _weight(families[5], 0, 5)])
    ids = [str(family.id) for family in families]
    products = _first_products(session, first, [dividends, to_villages], ids)
    products += _second_products(session, second, [nobody, to_villages], ids)
    office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE)
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    officers = [
        factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.ALL) for _ in range(2)
    ]
    return World(
        db=db,
        owner_url=url,
        suppliers=[first, second],
        buyers=[_buyer(session) for _ in range(2)],
        village=factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.ALL),
        officers=(officers[0], officers[1]),
        products=products,
    )


def _first_products(
    session: orm.Session, supplier: Supplier, pools: Sequence[PoolTerms], ids: Sequence[str]
) -> list[ProductTerms]:
    """Taxed dates in three lots, one of which leaves too little for the pools; walnuts that need top-ups."""
    dates = _Shelf(session, supplier, 0, pools, tax_bp=900, tiers=((100, 1_000), (10_000, 937)))
    dates.lot(60_000, None, {ids[0]: 20_003, ids[1]: 7_777, ids[2]: 1})
    dates.lot(40_000, date(2026, 12, 31), {ids[2]: 30_011, ids[3]: 5_003})
    dates.lot(20_000, LOT_EXPIRES, {ids[0]: 3_333, ids[8]: 4_444})
    walnuts = _Shelf(session, supplier, 0, pools, tax_bp=0, tiers=((100, 311),))
    walnuts.lot(50_000, date(2026, 10, 1), {ids[4]: 15_007, ids[5]: 4_999, ids[0]: 1_237})
    walnuts.lot(30_000, date(2026, 9, 1), {ids[4]: 2_003, ids[6]: 3_001})
    return [dates.terms, walnuts.terms]


def _second_products(
    session: orm.Session, supplier: Supplier, pools: Sequence[PoolTerms], ids: Sequence[str]
) -> list[ProductTerms]:
    """Potatoes by the jin without a household in their pool; chaff so cheap that a little of it is worth nothing."""
    potatoes = _Shelf(session, supplier, 1, pools, tax_bp=600, tiers=((50, 120), (5_000, 113)), unit=Unit.JIN)
    potatoes.lot(45_000, None, {ids[7]: 5_001, ids[1]: 1_999})
    potatoes.lot(35_000, date(2026, 11, 1), {})
    chaff = _Shelf(session, supplier, 1, (), tax_bp=0, tiers=((100, 3),))
    chaff.lot(70_000, None, {ids[7]: 1_501, ids[2]: 7})
    return [potatoes.terms, chaff.terms]


class _Shelf:
    """A product while its lots are put on sale."""

    def __init__(
        self,
        session: orm.Session,
        supplier: Supplier,
        position: int,
        pools: Sequence[PoolTerms],
        *,
        tax_bp: int,
        tiers: Sequence[tuple[int, int]],
        unit: Unit = Unit.KG,
    ) -> None:
        self.session, self.position, self.pools = session, position, pools
        self.unit_milli = 500 if unit is Unit.JIN else 1_000
        self.tax_bp, self.tiers, self.unit = tax_bp, tiers, unit
        body = PlanBody(
            lot_mechanisms=(Mechanism.ORDER_PURCHASE, Mechanism.LABOUR),
            pools=[
                Pool(Mechanism(pool.mechanism), pool.bp, [(each.payee[1], each.weight) for each in pool.weights])
                for pool in pools
            ],
        )
        organisation = session.get_one(Organisation, UUID(supplier.id))
        plan = factories.plan(session, organisation, body=body)
        certificate = factories.certificate(session, organisation, plan=plan, unit=unit, unit_milli=self.unit_milli)
        self.product: Product = factories.product(
            session,
            organisation,
            plan=plan,
            certificate=certificate,
            unit=unit,
            tax_bp=tax_bp,
            minimum="0.1",
            multiple="0.1",
            tiers=[(self._quantity(milli), fen) for milli, fen in tiers],
        )
        self.lots: list[LotTerms] = []

    def _quantity(self, milli: int) -> str:
        return f"{milli // self.unit_milli}.{milli % self.unit_milli * 1_000 // self.unit_milli:03d}"

    def lot(self, quantity_milli: int, expires_on: date | None, amounts: Mapping[str, int]) -> None:
        """Open a lot to which households contributed these amounts (fen)."""
        part_milli = quantity_milli // 10
        lot = factories.lot(
            self.session,
            self.product,
            quantity_milli=quantity_milli,
            expires_on=expires_on,
            bought_in_milli=quantity_milli - part_milli * len([*amounts][::2]),
        )
        made = {}
        for position, (household_id, amount_fen) in enumerate(amounts.items()):
            family = self.session.get_one(Household, UUID(household_id))
            row = factories.contribution(
                self.session,
                lot,
                family,
                amount_fen=amount_fen,
                measure_milli=part_milli,
                mechanism=Mechanism.LABOUR if position % 2 else Mechanism.ORDER_PURCHASE,
            )
            made[str(row.id)] = (household_id, amount_fen)
        self.lots.append(LotTerms(str(lot.id), quantity_milli, expires_on, made))

    @property
    def terms(self) -> ProductTerms:
        return ProductTerms(
            id=str(self.product.id),
            supplier=self.position,
            unit=self.unit,
            unit_milli=self.unit_milli,
            tiers=self.tiers,
            tax_bp=self.tax_bp,
            pools=self.pools,
            lots=self.lots,
        )


def _supplier(session: orm.Session) -> Supplier:
    row = factories.organisation(session)
    return Supplier(str(row.id), factories.actor(session, factories.member(session, row, Role.SUPPLIER_CLERK)))


def _enrol(session: orm.Session, supplier: Supplier, family: Household) -> None:
    factories.enrolment(session, session.get_one(Organisation, UUID(supplier.id)), family)
    supplier.payees.append(("household", str(family.id)))


def _buyer(session: orm.Session) -> Buyer:
    row = factories.organisation(session, kind=OrganisationKind.SCHOOL)
    orderer, receiver = (
        factories.actor(session, factories.member(session, row, role))
        for role in (Role.BUYER_CLERK, Role.BUYER_RECEIVER)
    )
    return Buyer(str(row.id), orderer, receiver)


def _unsettle(session: orm.Session, families: Sequence[Household]) -> None:
    """Let one family be ordinary from the start, one become so, and one leave the register."""
    for family, day in ((families[1], date(2020, 2, 1)), (families[4], BECOMES_ORDINARY)):
        session.add(HouseholdStatusPeriod(household_id=family.id, valid_from=day, status=HouseholdStatus.ORDINARY))
    families[6].departed_on = DEPARTS
    session.flush()


def _weight(family: Household, weight: int, position: int) -> Weight:
    departs = DEPARTS if position == 6 else date.max
    ordinary_from = {1: date(2020, 2, 1), 4: BECOMES_ORDINARY}.get(position, date.max)
    return Weight(("household", str(family.id)), weight, departs, ordinary_from)


def rows(connection: sa.Connection, query: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
    """Run plain SQL on the open transaction and return its rows."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()
