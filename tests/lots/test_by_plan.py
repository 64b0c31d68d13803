"""Contributions follow the plan version in force on the day of delivery, and the land on which the lot grew."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import orm

from market.audit.doctoring import examine
from market.benefits.models import Plan, PlanVersion
from market.benefits.rules import Mechanism, PlanBody, PlanNotApprovedError, PriceTerms, Pricing
from market.lots import opening
from market.lots.models import Contribution, Lot
from market.lots.pricing import LandNotOfLotError, MarketPrice, NewContribution, PriceNotByPlanError
from market.lots.queries import made_of
from market.quantities import MeasuredIn
from tests import factories
from tests.lots.village import NOW, TODAY, Village

EVERY = (
    Mechanism.ORDER_PURCHASE,
    Mechanism.CONSIGNMENT,
    Mechanism.LABOUR,
    Mechanism.LAND_RENT,
    Mechanism.CONTRACTING,
)
CONSIGNED = PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=9_000)


def promising(*terms: PriceTerms) -> PlanBody:
    return PlanBody(EVERY, (), (CONSIGNED, *terms))


@pytest.fixture
def village(session: orm.Session) -> Village:
    village = Village(session)
    plan = factories.plan(session, village.supplier, body=promising())
    village.product = factories.product(session, village.supplier, plan=plan)
    return village


def change_plan(village: Village, *terms: PriceTerms, valid_from: date) -> PlanVersion:
    plan = village.session.get_one(Plan, village.product.plan_id)
    return factories.plan_version(village.session, plan, number=2, body=promising(*terms), valid_from=valid_from)


def versions(village: Village) -> list[Any]:
    found = sa.select(PlanVersion.id).where(PlanVersion.plan_id == village.product.plan_id)
    return list(village.session.scalars(found.order_by(PlanVersion.number)))


def row(village: Village, lot: Lot) -> Contribution:
    return village.session.scalars(sa.select(Contribution).where(Contribution.lot_id == lot.id)).one()


def test_a_delivery_follows_the_version_of_its_day_and_pins_it(village: Village) -> None:
    floor = PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.FLOOR, unit=MeasuredIn.KG, least_fen=700)
    change_plan(village, floor, valid_from=TODAY)
    lot = village.draft(1_000)
    before = replace(village.gives(village.households[0], 1_000, 600), delivered_on=TODAY - timedelta(days=1))
    (first,) = village.record(lot, before)
    priced = replace(
        village.gives(village.households[0], 1_000), unit_price_fen=None, market=MarketPrice(650, "日报价", TODAY)
    )
    (second,) = village.record(lot, priced)
    assert (first.amount_fen, second.amount_fen) == (600, 700)
    pinned = {each.id: each.plan_version_id for each in village.session.scalars(sa.select(Contribution))}
    assert [pinned[first.id], pinned[second.id]] == versions(village)
    with pytest.raises(PriceNotByPlanError) as refused:
        village.record(lot, village.gives(village.households[0], 1_000, 600))
    assert refused.value.pointer == "/contributions/0/market"


def test_before_the_first_version_nothing_can_be_delivered(session: orm.Session) -> None:
    village = Village(session)
    village.product.plan_id = factories.plan(session, village.supplier, valid_from=TODAY).id
    lot = village.draft(1_000)
    early = replace(village.gives(village.households[0], 1_000), delivered_on=TODAY - timedelta(days=1))
    with pytest.raises(PlanNotApprovedError):
        village.record(lot, early)
    assert village.record(lot, village.gives(village.households[0], 1_000))


def on_land(village: Village, mechanism: Mechanism, milli_mu: int, price_fen: int) -> NewContribution:
    page = f"土地台账-{factories.number()}"
    return NewContribution(village.households[0], mechanism, milli_mu, MeasuredIn.MU, price_fen, TODAY, page)


def test_tending_of_20_000_mu_at_1_500_yuan_is_30_000_000_yuan_of_wage(village: Village) -> None:
    lot = village.draft(1_000, area_milli_mu=20_000_000)
    (tended,) = village.record(lot, on_land(village, Mechanism.LABOUR, 20_000_000, 1_500_00))
    assert tended.amount_fen == 30_000_000_00


def test_land_is_let_only_for_a_lot_that_grew_on_it(village: Village) -> None:
    lot = village.draft(1_000, area_milli_mu=3_000)
    village.record(lot, on_land(village, Mechanism.LAND_RENT, 2_000, 800_00))
    village.record(lot, *(on_land(village, Mechanism.LABOUR, milli_mu, 100_00) for milli_mu in (3_000, 1)))
    with pytest.raises(LandNotOfLotError):
        village.record(lot, on_land(village, Mechanism.LAND_RENT, 1_001, 800_00))
    with pytest.raises(LandNotOfLotError):
        village.record(lot, on_land(village, Mechanism.LABOUR, 3_001, 100_00))
    village.record(lot, on_land(village, Mechanism.LAND_RENT, 1_000, 800_00))
    with pytest.raises(LandNotOfLotError):
        village.record(village.draft(1_000), on_land(village, Mechanism.LAND_RENT, 1, 800_00))


def test_consigned_and_contracted_produce_cover_a_lot_and_land_does_not(village: Village) -> None:
    first, second, _ = village.households
    lot = village.draft(1_000, area_milli_mu=1_000, loss_milli=100)
    contracted = replace(village.gives(second, 500), mechanism=Mechanism.CONTRACTING)
    village.record(lot, village.consigns(first, 600), contracted, on_land(village, Mechanism.LAND_RENT, 1_000, 1))
    assert made_of(village.session, [lot.id]) == {lot.id: 1_100}
    assert opening.open_lot(village.session, village.manager, lot_id=lot.id, now=NOW).opened_by


def consigned_in(village: Village, lot: Lot) -> dict[Any, int]:
    found = sa.select(Contribution).where(Contribution.lot_id == lot.id, Contribution.amount_fen.is_(None))
    return {each.household_id: each.measure_milli for each in village.session.scalars(found)}


def test_what_is_consigned_goes_on_by_its_part_of_the_quantity_also_after_a_loss(village: Village) -> None:
    first, second, _ = village.households
    fresh = village.draft(90_000, loss_milli=30_000, bought_in_milli=20_000)
    village.record(fresh, village.consigns(first, 60_000), village.consigns(second, 40_000))
    opening.open_lot(village.session, village.manager, lot_id=fresh.id, now=NOW)
    dried = village.draft(15_000, loss_milli=20_000, inputs=[(fresh.id, 30_000)])
    assert consigned_in(village, dried) == {first: 15_000, second: 10_000}
    village.record(dried, village.consigns(second, 5_000))
    opening.open_lot(village.session, village.manager, lot_id=dried.id, now=NOW)
    packed = village.draft(7_000, inputs=[(dried.id, 7_000)])
    rows = village.session.scalars(sa.select(Contribution).where(Contribution.lot_id == packed.id)).all()
    assert [(each.household_id, each.measure_milli, each.proceeds_bp) for each in rows] == [
        (first, 3_000, 9_000),
        (second, 2_000, 9_000),
        (second, 1_000, 9_000),
    ]
    assert examine(village.session) == []


def test_a_wholly_consigned_lot_stays_so_however_it_is_split(village: Village) -> None:
    @settings(max_examples=30, deadline=None)
    @given(
        given_=st.lists(st.integers(1, 50_000), min_size=3, max_size=3),
        parts=st.lists(st.integers(1, 60_000), min_size=1, max_size=4),
    )
    def to_the_gram(given_: list[int], parts: list[int]) -> None:
        whole = village.draft(sum(given_))
        village.record(whole, *map(village.consigns, village.households, given_))
        opening.open_lot(village.session, village.manager, lot_id=whole.id, now=NOW)
        for part in parts:
            village.session.refresh(whole)
            if taken := min(part, whole.available_milli):
                split = village.draft(taken, inputs=[(whole.id, taken)])
                found = consigned_in(village, split)
                assert sum(found.values()) == taken == made_of(village.session, [split.id])[split.id]
                for household, milli in zip(village.households, given_, strict=True):
                    assert abs(found.get(household, 0) * sum(given_) - taken * milli) < sum(given_)

    to_the_gram()


def test_what_goes_on_with_a_market_price_keeps_it(village: Village) -> None:
    change_plan(village, PriceTerms(Mechanism.ORDER_PURCHASE, Pricing.MARKET_PLUS, bp=500), valid_from=TODAY)
    lot = village.draft(3_000)
    by_market = replace(
        village.gives(village.households[0], 3_000), unit_price_fen=None, market=MarketPrice(1_000, "日报价", TODAY)
    )
    village.record(lot, by_market)
    opening.open_lot(village.session, village.manager, lot_id=lot.id, now=NOW)
    went = row(village, village.draft(1_000, inputs=[(lot.id, 1_000)]))
    assert (went.amount_fen, went.unit_price_fen, went.market_price_fen, went.market_source) == (
        1_050,
        1_050,
        1_000,
        "日报价",
    )
