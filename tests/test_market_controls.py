"""Negative controls: with a guard taken away, the random market is seen to break within some hundred steps.

Nowhere else but in the controls of races do tests replace the market's own code.
"""

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import Phase
from sqlalchemy import orm

from market.annulments import of_contribution
from market.attribution import matching, queries, reversal
from market.attribution.claiming import Match
from market.attribution.rules import LADDER, Advance, Owed, Share, Standing, Step
from market.lots import stock
from market.lots.models import Lot, Reservation
from market.lots.rules import Draw, OutOfStockError, Want
from market.money import allocate
from market.orders import acceptance, changing, placing, returns
from market.orders.rules import TRANSITIONS, OrderEvent, OrderStatus
from tests import schema
from tests.conftest import clone
from tests.market_machine import play
from tests.market_model import BrokenInvariantError, Model, check_stock, facts_of
from tests.market_world import FIRST_DAY, FIRST_NOON, World, build

STEPS = 600
CHANCE = 7
"""Where most of them are seen soon."""


@contextmanager
def built(server_url: str, template: str, name: str) -> Iterator[World]:
    with clone(server_url, template, f"market_{name}_{os.getpid()}") as url:
        world = build(url)
        yield world
        world.close()


@pytest.fixture(scope="module")
def world(server_url: str, template: str) -> Iterator[World]:
    """A world to play in, of which nothing stays."""
    with built(server_url, template, "control") as world:
        yield world


@pytest.fixture
def raced_world(server_url: str, template: str) -> Iterator[World]:
    """A world in which both buyers commit."""
    with built(server_url, template, "race_control") as world:
        yield world


def breaks(world: World, how: str, *, steps: int = STEPS, chance: int = CHANCE) -> None:
    """Hold that the machine reports an invariant broken in this way."""
    with pytest.raises(BrokenInvariantError, match=how):
        play(world, steps=steps, chance=chance, phases=[Phase.generate], audited=False)


def test_without_the_state_check_orders_take_wrong_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to = {event: status for (_, event), status in TRANSITIONS.items()}

    def anything_goes(status: OrderStatus, event: OrderEvent) -> OrderStatus:
        return TRANSITIONS.get((status, event), leads_to[event])

    for module in (changing, acceptance, returns):
        monkeypatch.setattr(module, "after", anything_goes)
    breaks(world, "take_a_wrong_step was not refused with TransitionError")


def test_a_state_check_that_knows_one_step_too_many_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table alone is wrong, as it would be after a slip: an order is shipped before it is confirmed."""
    monkeypatch.setattr(
        "market.orders.rules.TRANSITIONS",
        {**TRANSITIONS, (OrderStatus.PLACED, OrderEvent.SHIP): OrderStatus.SHIPPED},
    )
    breaks(world, "take_a_wrong_step was not refused with TransitionError")


def test_refunds_split_by_the_original_weights_are_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    original: dict[UUID, dict[Share, int]] = {}
    sound = reversal.falls_of

    def by_original_weights(standing: Sequence[Standing], line: reversal.ReturnedLine) -> list[Standing]:
        if not line.net_fen:
            return sound(standing, line)
        shares = [found for found in standing if not found.is_top_up]
        weights = original.setdefault(line.order_line_id, _sums(shares))
        parts = allocate(line.net_fen, [(share.key, fen) for share, fen in weights.items()], salt=line.source)
        falls = [found for found in sound(standing, line) if found.is_top_up]
        for share, part in zip(weights, parts, strict=True):
            falls += _taken(share, part, [found for found in shares if found.share == share])
        return falls

    monkeypatch.setattr(reversal, "falls_of", by_original_weights)
    breaks(world, "a share is negative|what a return takes off line", chance=9)


def test_entries_dated_before_what_they_take_from_are_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = queries.standings

    def of_any_day(session: orm.Session, line_ids: Collection[UUID]) -> dict[UUID, list[Standing]]:
        found = sound(session, line_ids)
        return {line_id: [each._replace(since=date.min) for each in own] for line_id, own in found.items()}

    monkeypatch.setattr(queries, "standings", of_any_day)
    # It takes longer to come up, as no money is dated before its order.
    breaks(world, "a place is negative on", steps=1_500, chance=5)


def test_money_ahead_that_nothing_claims_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(claims: Sequence[Owed], advances: Sequence[Advance]) -> list[Match]:
        del claims, advances
        return []

    monkeypatch.setattr(matching, "match", nothing)
    breaks(world, "is unclaimed beside")


def test_an_annulment_that_leaves_what_was_paid_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpaid(session: orm.Session, line_ids: Collection[UUID]) -> dict[UUID, list[Standing]]:
        found = queries.standings(session, line_ids)
        return {line_id: [each for each in on_line if not each.is_received] for line_id, on_line in found.items()}

    monkeypatch.setattr(of_contribution, "standings", unpaid)
    breaks(world, "of what was annulled")


def _sums(standings: Sequence[Standing]) -> dict[Share, int]:
    sums: dict[Share, int] = defaultdict(int)
    for found in standings:
        sums[found.share] += found.fen
    return dict(sums)


def _taken(share: Share, fen: int, standings: Sequence[Standing]) -> list[Standing]:
    """Take a part off a share from its lowest step, whatever is left of it."""
    falls = []
    for found in sorted(standings, key=lambda found: LADDER.index(found.step)):
        part = min(fen, found.fen)
        fen -= part
        falls.append(found._replace(fen=part))
    falls.append(Standing(share, Step.RECOGNISED, None, fen))
    return [found for found in falls if found.fen]


def race(world: World) -> list[placing.PlacedGroup]:
    """Let both buyers order two thirds of a shelf at once; return what was placed."""
    product = world.products[2]
    milli = sum(lot.quantity_milli for lot in product.lots) * 2 // 3 // 1_000 * 1_000
    request = placing.Request(
        "canteen", None, 30, [placing.WantedLine(UUID(product.id), str(milli // product.unit_milli), "jin", None)]
    )

    def order(buyer: int) -> placing.PlacedGroup | None:
        try:
            with world.db.transaction() as session:
                return placing.place(
                    session,
                    world.buyers[buyer].orderer,
                    request=request,
                    on=FIRST_DAY,
                    now=FIRST_NOON,
                    reserved_until=FIRST_NOON + timedelta(hours=72),
                )
        except OutOfStockError:
            return None

    with ThreadPoolExecutor(2) as buyers:
        return [group for group in buyers.map(order, range(2)) if group]


def stock_is_sound(world: World, placed: Sequence[placing.PlacedGroup]) -> None:
    """Hold the stock against a model in which the orders that were placed were placed one after the other."""
    model = Model(world)
    for group in placed:
        (line,) = group.lines
        drawn = model.draws([(world.products[2], line.quantity_milli)], FIRST_DAY)
        if drawn is not None:
            model.place(group, [(world.products[2], line.quantity_milli)], drawn, buyer=0, on=FIRST_DAY)
    with world.entered() as connection:
        check_stock(model, facts_of(connection))


def test_two_buyers_at_once_cannot_have_more_than_there_is(raced_world: World) -> None:
    placed = race(raced_world)
    assert len(placed) == 1
    stock_is_sound(raced_world, placed)


def test_a_naive_stock_read_is_seen_to_oversell(raced_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(schema.plain(raced_world.owner_url)) as owner:
        owner.execute("ALTER TABLE lots DROP CONSTRAINT lots_stock_is_never_oversold")
    both_have_read = Barrier(2)

    def naive(session: orm.Session, wants: Sequence[Want], *, on: date) -> list[Draw]:
        draws = stock.preview(session, wants, on=on).draws
        both_have_read.wait(timeout=10)
        for held in sorted(draws, key=lambda held: held.lot_id):
            session.execute(
                sa.update(Lot)
                .where(Lot.id == held.lot_id)
                .values(
                    available_milli=Lot.available_milli - held.quantity_milli,
                    reserved_milli=Lot.reserved_milli + held.quantity_milli,
                )
            )
            session.add(
                Reservation(
                    id=held.reservation_id,
                    order_line_id=held.order_line_id,
                    lot_id=held.lot_id,
                    quantity_milli=held.quantity_milli,
                    reserved_milli=held.quantity_milli,
                )
            )
        return draws

    monkeypatch.setattr(stock, "reserve", naive)
    placed = race(raced_world)
    assert len(placed) == 2
    with pytest.raises(BrokenInvariantError, match="oversold"):
        stock_is_sound(raced_world, placed)
