"""Backward to the fields and forward to the buyers, at ten generations and over many ways, in one query each."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit import recalling
from market.audit.doctoring import examine
from market.identity.rules import OrganisationKind, Role
from market.lots import making, opening, queries
from market.lots.lineage import Flow, trace, whole_milli
from market.lots.models import Lot
from market.quantities import MeasuredIn
from tests import factories
from tests.lots.cooperative import refused
from tests.lots.village import NOW, Village
from tests.story import Story, open_channels

GENERATIONS = 10
WIDE = 4


class Chain(Village):
    """A village whose lot of 1,024 kg goes on, ten times over: split, half of it repacked, all of it merged."""

    def __init__(self, session: orm.Session, story: Story) -> None:
        self.session, self.supplier, self.product = session, story.supplier, story.product
        self.clerk, self.manager = self.actor(Role.SUPPLIER_CLERK), self.actor(Role.SUPPLIER_MANAGER)
        self.households = [self.household() for _ in range(2)]
        self.first = self.opened(1_024_000)

    def on_sale(self, lot: Lot) -> Lot:
        return opening.open_lot(self.session, self.manager, lot_id=lot.id, now=NOW)

    def split(self, lot: Lot, *quantities_milli: int) -> list[Lot]:
        asked: dict[str, Any] = {"measured_in": MeasuredIn.KG, "now": NOW}
        lots = making.split(self.session, self.clerk, lot_id=lot.id, quantities_milli=quantities_milli, **asked)
        return [self.on_sale(each) for each in lots]

    def merged(self, *lots: Lot) -> Lot:
        inputs = [(lot.id, lot.quantity_milli) for lot in lots]
        return self.on_sale(making.merge(self.session, self.clerk, inputs=inputs, measured_in=MeasuredIn.KG, now=NOW))

    def halved(self, lot: Lot) -> Lot:
        """Half of a lot, repacked."""
        asked: dict[str, Any] = {"loss_milli": 0, "measured_in": MeasuredIn.KG, "now": NOW}
        half = lot.quantity_milli // 2
        return self.on_sale(making.repack(self.session, self.clerk, lot_id=lot.id, quantity_milli=half, **asked))

    def diamonds(self) -> Lot:
        """All of it split four ways and merged again, five times over: ten generations and 4^5 ways."""
        lot = self.first
        for _ in range(GENERATIONS // 2):
            lot = self.merged(*self.split(lot, *[lot.quantity_milli // WIDE] * WIDE))
        return lot


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


@pytest.fixture
def chain(session: orm.Session, story: Story) -> Chain:
    return Chain(session, story)


@contextmanager
def counted(session: orm.Session) -> Iterator[list[str]]:
    statements: list[str] = []

    def seen(*call: Any) -> None:
        statements.append(call[2])

    session.flush()
    sa.event.listen(session.connection(), "before_cursor_execute", seen)
    yield statements
    sa.event.remove(session.connection(), "before_cursor_execute", seen)


def sources_of(session: orm.Session, lot: Lot) -> dict[UUID, tuple[int, int]]:
    """Return how much of every lot behind one is in it, and how many steps back it is."""
    edges = queries.ancestors(session, lot.id)
    flows = [Flow(edge.lot_id, edge.input_lot_id, edge.quantity_milli, edge.lot_quantity_milli) for edge in edges]
    reached = trace(lot.id, lot.quantity_milli, flows)
    return {each: (whole_milli(held.milli), held.generation) for each, held in reached.items()}


def test_ten_generations_back_every_half_is_halved_again(session: orm.Session, chain: Chain) -> None:
    lots = [chain.first]
    for _ in range(GENERATIONS):
        lots.append(chain.halved(lots[-1]))
    assert lots[-1].quantity_milli == 1_000
    with counted(session) as statements:
        found = sources_of(session, lots[-1])
    assert len(statements) == 1
    assert found == {lot.id: (1_000, GENERATIONS - generation) for generation, lot in enumerate(lots)}
    assert examine(session) == []


def test_what_went_a_thousand_ways_is_counted_once(session: orm.Session, chain: Chain) -> None:
    last = chain.diamonds()
    found = sources_of(session, last)
    assert len(found) == 1 + GENERATIONS // 2 * (WIDE + 1)
    assert found[chain.first.id] == (1_024_000, GENERATIONS)
    assert sum(1 for milli, _ in found.values() if milli == 256_000) == GENERATIONS // 2 * WIDE
    with counted(session) as statements:
        recalled = recalling.recall(session, chain.clerk, chain.first.id)
    assert len(statements) == 2, "who may see it, and the trace"
    assert max(lot.generation for lot in recalled.lots) == GENERATIONS
    assert [lot.in_stock_milli for lot in recalled.lots if lot.in_stock_milli] == [1_024_000]
    assert recalled.deliveries == []


def test_uneven_ways_are_traced_in_proportion(session: orm.Session, chain: Chain) -> None:
    """Of a quarter, half stays; the other half and another lot of the same size become one that is a quarter of it."""
    other = chain.opened(128_000)
    quarter, _ = chain.split(chain.first, 256_000, 768_000)
    half, _ = chain.split(quarter, 128_000, 128_000)
    mixed = chain.merged(half, other)
    (part,) = chain.split(mixed, 64_000)
    found = sources_of(session, part)
    assert found[chain.first.id] == (32_000, 4)
    assert found[other.id] == (32_000, 2)
    assert found[mixed.id] == (64_000, 1)


def test_the_recall_names_every_buyer_and_accounts_for_every_gram(
    session: orm.Session, story: Story, chain: Chain
) -> None:
    other = chain.opened(300_000)
    some, _ = chain.split(chain.first, 100_000, 24_000)
    mixed = chain.merged(some, other)  # a quarter of it is of the first
    session.execute(sa.update(Lot).where(Lot.id.not_in([mixed.id])).values(status="held"))
    sold = story.sell("40", "8")
    coming = story.place("20")
    recalled = recalling.recall(session, chain.clerk, chain.first.id)
    assert [
        (row.facts["order_number"], row.lot_number, row.facts["buyer_name"], row.recalled_milli)
        for row in recalled.deliveries
    ] == [
        (sold.number, mixed.number, story.buyer.name, 10_000),
        (sold.number, mixed.number, story.buyer.name, 2_000),
        (coming.number, mixed.number, story.buyer.name, 5_000),
    ]
    there = {row.facts["number"]: row.in_stock_milli for row in recalled.lots}
    assert there[mixed.number] == 83_000
    assert sum(there.values()) + 17_000 == chain.first.quantity_milli
    story.give_back(sold, "8", position=1, resaleable=False)
    again = recalling.recall(session, chain.clerk, chain.first.id)
    assert [row.recalled_milli for row in again.deliveries] == [10_000, 5_000]
    assert sum(row.spoiled_milli for row in again.lots) == 2_000


def test_what_does_not_divide_still_sums_to_the_lot(session: orm.Session, story: Story, chain: Chain) -> None:
    seven, eleven = chain.split(chain.first, 7_001, 11_003)
    mixed = chain.merged(seven, eleven, chain.opened(13))
    session.execute(sa.update(Lot).where(Lot.id != mixed.id).values(status="held"))
    story.sell("3", "5", "7")
    recalled = recalling.recall(session, chain.clerk, chain.first.id)
    parts = [row.recalled_milli for row in recalled.deliveries] + [row.in_stock_milli for row in recalled.lots]
    assert sum(parts) == 1_024_000
    share = Fraction(18_004, 18_017)
    for row in recalled.deliveries:
        assert abs(row.recalled_milli - row.facts["accepted_milli"] * share) < 1


def test_a_discarded_draft_is_on_no_trace(session: orm.Session, chain: Chain) -> None:
    kept, draft = making.split(
        session,
        chain.clerk,
        lot_id=chain.first.id,
        quantities_milli=[1_000, 2_000],
        measured_in=MeasuredIn.KG,
        now=NOW,
    )
    opening.discard(session, chain.clerk, lot_id=draft.id)
    recalled = recalling.recall(session, chain.clerk, chain.first.id)
    assert {row.facts["number"] for row in recalled.lots} == {chain.first.number, kept.number}
    assert set(sources_of(session, draft)) == {draft.id}


def test_traces_read_by_index_among_many_lots(session: orm.Session, chain: Chain) -> None:
    last = chain.diamonds()
    names = Lot.__table__.columns.keys()
    made = {"id": "gen_random_uuid()", "number": "concat('L-MANY-', n)"}
    values = ", ".join(made.get(name, name) for name in names)
    many = (
        f"INSERT INTO lots ({', '.join(names)}) SELECT {values} FROM lots, generate_series(1, 10000) n WHERE id = :lot"
    )
    session.execute(sa.text(many), {"lot": last.id})
    # Only the owner of a table counts it.
    session.execute(sa.text("SET LOCAL ROLE NONE"))
    session.execute(sa.text("ANALYZE lots"))
    session.execute(
        sa.text(
            """
            INSERT INTO lot_inputs (lot_id, input_lot_id, quantity_milli, draws)
            SELECT id, input_id, 1, 1 FROM (SELECT id, lag(id) OVER (ORDER BY number) AS input_id FROM lots
                                             WHERE number LIKE 'L-MANY-%') made WHERE input_id IS NOT NULL
            """
        )
    )
    session.execute(sa.text("ANALYZE lots, lot_inputs, reservations"))
    session.execute(sa.text("SET LOCAL random_page_cost = 1.1"))  # no disk of today has a head to move
    backward, forward = queries._ANCESTORS, queries._DESCENDANTS
    for query, lot in ((backward, last), (forward, chain.first), (recalling._RECALL, chain.first)):
        plan = "\n".join(session.scalars(sa.text(f"EXPLAIN {query.text}"), {"lot": lot.id}))
        assert "Seq Scan on lot_inputs" not in plan, plan
        assert "Seq Scan on lots" not in plan, plan
        assert "Index" in plan


def test_a_supplier_sees_its_own_traces_and_overseers_theirs(
    session: orm.Session, client: TestClient, chain: Chain
) -> None:
    lot = chain.halved(chain.first)
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    elsewhere = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code="141130")
    auditor = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    stranger = factories.organisation(session)

    def ask(body: Any, role: Role, path: str, lot_id: UUID) -> Any:
        headers = factories.headers(session, factories.member(session, body, role))
        return client.get(f"/v1/lots/{lot_id}/{path}", headers=headers)

    for body, role in (
        (chain.supplier, Role.SUPPLIER_CLERK),
        (county, Role.COUNTY_REVIEWER),
        (auditor, Role.AUDITOR),
    ):
        (source,) = ask(body, role, "sources", lot.id).json()["sources"]
        assert (source["number"], source["quantity"], source["generation"]) == (chain.first.number, "512", 1)
        recall = ask(body, role, "recall", chain.first.id).json()
        assert [(each["generation"], each["recalled_available"]) for each in recall["lots"]] == [(0, "512"), (1, "512")]
    for body, role in ((stranger, Role.SUPPLIER_CLERK), (elsewhere, Role.COUNTY_REVIEWER)):
        for path in ("sources", "recall"):
            refused(ask(body, role, path, lot.id), 404, "not_found")
            refused(ask(chain.supplier, Role.SUPPLIER_CLERK, path, uuid4()), 404, "not_found")
