"""Settling by the weight found (按实际重量结算): an estimate is ordered, what is weighed is paid and attributed."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.db import Database
from market.errors import InvalidInputError, MarketError
from market.identity.rules import Role
from market.lots.models import Lot, Reservation
from market.lots.rules import OutOfStockError
from market.orders import acceptance, changing
from market.orders.models import Order, OrderLine
from market.orders.rules import (
    NotWeighedError,
    OutcomeError,
    OverToleranceError,
    ShippedTooMuchError,
    WeighNoteError,
)
from market.quantities import Unit
from tests import factories
from tests.story import ALL_EVIDENCE, NOON, TODAY, Story, open_channels

TEN_PERCENT = 1_000


def by_weight(session: orm.Session, *, tolerance_bp: int | None = TEN_PERCENT) -> Story:
    """A story whose product is settled by its weight: 10 yuan a kilogram, no tax."""
    story = Story(session, tax_bp=0, price_fen=1_000)
    plan = factories.plan(session, story.supplier)
    story.product = factories.product(
        session, story.supplier, plan=plan, tax_bp=0, tiers=(("1", 1_000),), weight_tolerance_bp=tolerance_bp
    )
    return story


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return by_weight(session)


def ship(story: Story, order: Order, *weights: str, note: str | None = "过磅单-1") -> None:
    changing.confirm(story.session, story.clerk, order_id=order.id, now=NOON)
    lines = [changing.Shipped(line.id, weight, note) for line, weight in zip(story.lines(order), weights, strict=True)]
    changing.ship(story.session, story.clerk, order_id=order.id, quantities=lines, shipped_on=TODAY, now=NOON)


def found(line: OrderLine, **weights: str) -> acceptance.FoundLine:
    nothing = dict.fromkeys(("rejected", "damaged", "short"), "0")
    return acceptance.FoundLine(order_line_id=line.id, reason=None, **(nothing | weights))


def accept(story: Story, order: Order, *lines: acceptance.FoundLine, dry: bool = False) -> acceptance.Accepted:
    report = acceptance.Report(lines, ALL_EVIDENCE, TODAY)
    if dry:
        return acceptance.predict(story.session, story.receiver, order_id=order.id, report=report, now=NOON)
    return acceptance.accept(story.session, story.receiver, order_id=order.id, report=report, now=NOON)


def places(session: orm.Session, lot: Lot) -> Mapping[str, int]:
    session.refresh(lot)
    names = ("available", "reserved", "shipped", "accepted", "spoiled")
    return {name: milli for name in names if (milli := getattr(lot, f"{name}_milli"))}


def healthy(session: orm.Session) -> None:
    assert [symptom.line() for symptom in examine(session)] == []
    assert not verify(session).findings


def test_stock_price_and_attribution_follow_the_weight(session: orm.Session, story: Story) -> None:
    household = story.household()
    lot, _ = story.lot(20_000, {household.id: 10_000})
    order = story.place("10")
    ship(story, order, "10.8")
    assert places(session, lot) == {"available": 9_200, "shipped": 10_800}
    (line,) = story.lines(order)
    accepted = accept(story, order, found(line, received="10.8", accepted="10.8"))
    ((_, row),) = accepted.lines
    assert (row.accepted_milli, row.accepted_fen) == (10_800, 10_800)
    # 10.8 kg of 20: the household's 100 yuan are released by 54.
    assert dict(accepted.attributions[0].shares)[next(iter(dict(accepted.attributions[0].shares)))] == 5_400
    assert places(session, lot) == {"available": 9_200, "accepted": 10_800}
    story.pay(order, 10_800)
    healthy(session)


def test_a_lighter_weight_goes_back_on_sale_when_it_is_shipped(session: orm.Session, story: Story) -> None:
    lot, _ = story.lot(20_000)
    order = story.place("10")
    ship(story, order, "9.73")
    assert places(session, lot) == {"available": 10_270, "shipped": 9_730}
    (line,) = story.lines(order)
    accept(story, order, found(line, received="9.73", accepted="9.73"))
    (line,) = story.lines(order)
    assert (line.amount_fen, line.accepted_fen) == (10_000, 9_730)
    healthy(session)


def test_the_buyer_weighs_again_and_what_is_over_is_taken_from_stock(session: orm.Session, story: Story) -> None:
    lot, _ = story.lot(12_000)
    order = story.place("5", "5")
    ship(story, order, "5", "5.2")
    first, second = story.lines(order)
    weighed = {"received": "5.3", "accepted": "5.3", "over": "0.3"}
    lighter = {"received": "5.1", "accepted": "5.1", "short": "0.1"}
    with pytest.raises(WeighNoteError) as refused, session.begin_nested():
        accept(story, order, found(first, **weighed))
    assert refused.value.pointer == "/lines/0/weigh_note"
    report = [found(first, **weighed, weigh_note="复磅-1"), found(second, **lighter, weigh_note="复磅-2")]
    would_be = accept(story, order, *report, dry=True)
    assert places(session, lot) == {"available": 1_800, "shipped": 10_200}
    accepted = accept(story, order, *report)
    assert [row.accepted_fen for _, row in would_be.lines] == [row.accepted_fen for _, row in accepted.lines]
    assert [row.draws for _, row in would_be.lines] == [row.draws for _, row in accepted.lines]
    assert [row.accepted_fen for _, row in accepted.lines] == [5_300, 5_100]
    assert places(session, lot) == {"available": 1_500, "accepted": 10_400, "spoiled": 100}
    healthy(session)
    story.give_back(order, "5.3")
    assert places(session, lot) == {"available": 6_800, "accepted": 5_100, "spoiled": 100}
    healthy(session)


def test_what_is_over_is_taken_of_the_lines_own_lot_first(session: orm.Session, story: Story) -> None:
    own, _ = story.lot(10_500)
    order = story.place("10")
    later, _ = story.lot(5_000)
    session.execute(sa.update(Lot).where(Lot.id == later.id).values(expires_on=TODAY))
    ship(story, order, "11")
    assert places(session, own) == {"shipped": 10_500}
    assert places(session, later) == {"available": 4_500, "shipped": 500}
    held = session.scalars(sa.select(Reservation.quantity_milli).order_by(Reservation.quantity_milli)).all()
    assert held == [500, 10_500]
    healthy(session)


def test_a_weight_that_was_not_agreed_is_not_there_or_has_no_note_is_refused(
    session: orm.Session, story: Story
) -> None:
    lot, _ = story.lot(10_500)
    order = story.place("10")
    refusals: list[tuple[str, str | None, type[MarketError], str]] = [
        ("11.001", "过磅单-1", OverToleranceError, "/lines/0/quantity"),
        ("10.6", "过磅单-1", OutOfStockError, "/lines/0/quantity"),
        ("10", None, WeighNoteError, "/lines/0/weigh_note"),
    ]
    for weight, note, refusal, pointer in refusals:
        with pytest.raises(refusal) as refused, session.begin_nested():
            ship(story, order, weight, note=note)
        assert refused.value.pointer == pointer
        assert places(session, lot) == {"available": 500, "reserved": 10_000}


def test_what_is_settled_by_weight_is_not_shipped_unweighed(story: Story) -> None:
    story.lot(10_000)
    with pytest.raises(WeighNoteError):
        story.deliver(story.place("10"))


def test_everything_else_stays_as_ordered(session: orm.Session) -> None:
    open_channels(session)
    story = by_weight(session, tolerance_bp=None)
    story.lot(20_000)
    order = story.place("10")
    for weight, note, refusal in (("10.1", None, ShippedTooMuchError), ("10", "过磅单-1", NotWeighedError)):
        with pytest.raises(refusal), session.begin_nested():
            ship(story, order, weight, note=note)
    story.deliver(order)
    (line,) = story.lines(order)
    with pytest.raises(OutcomeError), session.begin_nested():
        accept(story, order, found(line, received="10.1", accepted="10.1", over="0.1"))
    with pytest.raises(NotWeighedError), session.begin_nested():
        accept(story, order, found(line, received="10", accepted="10", weigh_note="复磅-1"))


def test_only_mass_is_settled_by_weight(session: orm.Session) -> None:
    supplier = factories.organisation(session)
    for unit, unit_milli in ((Unit.PIECE, 1_000), (Unit.BOX, 5_000)):
        with pytest.raises(InvalidInputError) as refused:
            factories.product(session, supplier, unit=unit, unit_milli=unit_milli, weight_tolerance_bp=500)
        assert refused.value.pointer == "/weight_tolerance_bp"
    factories.product(session, supplier, unit=Unit.JIN, unit_milli=500, weight_tolerance_bp=500)


def test_two_who_weigh_over_at_once_never_have_more_than_is_there(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        open_channels(session)
        story = by_weight(session)
        lot, _ = story.lot(20_500)
        orders = [story.place("10") for _ in range(2)]
        for order in orders:
            changing.confirm(session, story.clerk, order_id=order.id, now=NOON)
        wanted = [(order.id, story.lines(order)[0].id) for order in orders]
        lot_id = lot.id

    def send(order: Any) -> bool:
        order_id, line_id = order
        lines = [changing.Shipped(line_id, "10.5", "过磅单-1")]
        try:
            with committed_db.transaction() as session:
                changing.ship(session, story.clerk, order_id=order_id, quantities=lines, shipped_on=TODAY, now=NOON)
        except OutOfStockError:
            return False
        return True

    with ThreadPoolExecutor(2) as clerks:
        assert sorted(clerks.map(send, wanted)) == [False, True]
    with committed_db.transaction() as session:
        assert places(session, session.get_one(Lot, lot_id)) == {"reserved": 10_000, "shipped": 10_500}


def test_the_weight_is_settled_over_http(session: orm.Session, client: TestClient, story: Story) -> None:
    story.lot(20_000)
    order = story.place("10")
    changing.confirm(session, story.clerk, order_id=order.id, now=NOON)
    (line,) = story.lines(order)
    clerk = factories.headers(session, factories.member(session, story.supplier, Role.SUPPLIER_CLERK))
    body: dict[str, Any] = {"shipped_on": str(TODAY), "lines": [{"order_line_id": str(line.id), "quantity": "10.5"}]}
    answer = client.post(f"/v1/orders/{order.id}/shipment", json=body, headers=clerk)
    assert (answer.status_code, answer.json()["code"]) == (422, "weigh_note")
    body["lines"][0]["weigh_note"] = "过磅单-1"
    clerk = factories.headers(session, factories.member(session, story.supplier, Role.SUPPLIER_CLERK))
    answer = client.post(f"/v1/orders/{order.id}/shipment", json=body, headers=clerk)
    (shown,) = answer.json()["lines"]
    assert (shown["quantity"], shown["shipped"], shown["weigh_note"]) == ("10", "10.5", "过磅单-1")
    assert shown["weight_tolerance_bp"] == TEN_PERCENT
