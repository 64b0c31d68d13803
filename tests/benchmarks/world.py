"""A committed market to measure: products with tiers and stock, a buyer with a token, lots with many contributions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy import orm

from market import embedded
from market.attribution.accrual import AcceptedLine, accrue
from market.attribution.rules import LotDraw
from market.benefits.models import PlanVersion
from market.catalog.models import Product
from market.db import Database, new_id
from market.identity.rules import OrganisationKind, Role
from market.lots.models import Lot
from market.migrating import migrate
from tests import factories, schema, story

PRODUCTS = 200
SUPPLIERS = 10
PLENTY_MILLI = 10**12
HOUSEHOLDS = (50, 200, 500)
TIERS = (("1", 1_000), ("10", 950), ("100", 900), ("1000", 850))

FIRST_DAY = date(2026, 2, 2)


@dataclass(frozen=True)
class World:
    """What the measurements need to know."""

    token: str
    products: list[UUID]
    contributed: dict[int, AcceptedLine]
    """By number of households: a line that draws on a lot to which so many contributed."""


@contextmanager
def prepared() -> Iterator[tuple[str, World]]:
    """Yield the URL of a database with the world in it, on a server with PostgreSQL's own defaults."""
    with embedded.start(Path(".data/benchmarks")) as server:
        name = "market_benchmarks"
        with psycopg.connect(schema.plain(server.url), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        url = schema.on_database(server.url, name)
        migrate(url)
        database = Database(url, threads=2)
        with database.transaction() as session:
            world = build(session)
            # A book in use: its statistics are those of rows, not of empty tables.
            accrue(session, list(world.contributed.values()), on=FIRST_DAY)
        database.close()
        with psycopg.connect(schema.plain(url), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield url, world


def build(session: orm.Session, *, products: int = PRODUCTS, households: Sequence[int] = HOUSEHOLDS) -> World:
    """Write the world into an empty market."""
    story.open_channels(session)
    buyer = factories.organisation(session, kind=OrganisationKind.SCHOOL)
    token = factories.token(session, factories.member(session, buyer, Role.BUYER_CLERK))
    suppliers = [factories.organisation(session) for _ in range(SUPPLIERS)]
    plans = [factories.plan(session, supplier) for supplier in suppliers]
    category = factories.category(session)
    neighbours = [factories.household(session) for _ in range(10)]
    on_sale = []
    for position in range(products):
        supplier, plan = suppliers[position % SUPPLIERS], plans[position % SUPPLIERS]
        product = factories.product(
            session, supplier, plan=plan, name=f"骏枣{position:03d}", category_code=category.code, tiers=TIERS
        )
        lot = factories.lot(session, product, quantity_milli=PLENTY_MILLI)
        # Every lot has its contributions, as in use: what reads those of one lot has to find them among the others'.
        for household in neighbours:
            factories.contribution(session, lot, household)
        on_sale.append(product)
    contributed = {count: _contributed(session, on_sale[0], count) for count in households}
    return World(token, [product.id for product in on_sale], contributed)


def _contributed(session: orm.Session, product: Product, count: int) -> AcceptedLine:
    lot: Lot = factories.lot(session, product, quantity_milli=PLENTY_MILLI)
    for position in range(count):
        household = factories.household(session)
        factories.contribution(session, lot, household, amount_fen=10**12 + position)
    version = session.execute(
        sa.select(PlanVersion.id, PlanVersion.sha256).where(PlanVersion.plan_id == product.plan_id)
    ).one()
    return AcceptedLine(
        source=f"acceptance:{lot.id}",
        order_line_id=new_id(),
        supplier_id=product.supplier_id,
        net_fen=count * 1_100_000,
        draws=[LotDraw(lot.id, 0, 1_000_000, PLENTY_MILLI)],
        plan_version_id=version.id,
        plan_sha256=version.sha256,
    )
