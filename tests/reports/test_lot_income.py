"""What a lot brought, to the fen; and an increase only against a confirmed baseline."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.benefits.rules import Mechanism
from market.errors import NotFoundError
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.lots import baselines, registering
from market.lots.models import Lot
from market.lots.rules import BaselineEvent
from market.orders.models import OrderLine
from market.quantities import MeasuredIn
from market.reports.lot_income import LotIncome, lot_income
from tests import factories
from tests.story import CHANNELS, Story, open_channels


@pytest.fixture(autouse=True)
def _channels(session: orm.Session) -> None:
    open_channels(session)


def income(story: Story, lot: Lot, actor: Actor | None = None) -> LotIncome:
    return lot_income(story.session.connection(), actor or story.clerk, lot.id)


def wang_village(session: orm.Session) -> tuple[Story, Lot, dict[UUID, int]]:
    """80 + 100 mu, 900,000 jin at 1.2 yuan per jin, by 31 households in unequal parts."""
    story = Story(session, price_fen=300)
    households = [story.household() for _ in range(31)]
    amounts = {
        household.id: 108_000_000 * weight // sum(range(3, 34)) for weight, household in enumerate(households, 3)
    }
    amounts[households[0].id] += 108_000_000 - sum(amounts.values())
    lot, _ = story.lot(450_000_000, amounts)
    return story, lot, amounts


def state_baseline(story: Story, lot: Lot, *, confirmed: bool = True) -> None:
    """2,000 jin per mu at the same price."""
    session = story.session
    baselines.propose_baseline(
        session,
        story.clerk,
        lot_id=lot.id,
        period_from=date(2018, 1, 1),
        period_to=date(2018, 12, 31),
        source="村委会 2018 年产量台账",
        area_milli_mu=180_000,
        yield_milli_per_mu=2_000 * 500,
        measured_in=MeasuredIn.JIN,
        unit_price_fen=120,
    )
    if confirmed:
        county = factories.member(session, factories.organisation(session), Role.COUNTY_REVIEWER)
        reviewer, now = factories.actor(session, county, Scope.REGION), datetime(2026, 3, 2, tzinfo=UTC)
        event, opinion = BaselineEvent.CONFIRM, "与台账一致"
        baselines.decide_baseline(session, reviewer, lot_id=lot.id, event=event, opinion=opinion, now=now)


def test_wang_village_earned_648_000_yuan_more_than_its_baseline(session: orm.Session) -> None:
    story, lot, amounts = wang_village(session)
    state_baseline(story, lot)
    for part, quantity in enumerate(("1", "123456", "199999", "100000", "26543", "1")):
        found = income(story, lot)
        assert found.increase
        assert not found.increase.sold_out
        assert found.increase.increase_fen < 648_000_00
        story.sell(quantity, channel=CHANNELS[part])
    found = income(story, lot)
    (produce,) = found.contributions
    assert (produce.households, produce.contributed_fen) == (31, 1_080_000_00)
    assert found.total.accrued_fen == sum(amounts.values()) == 1_080_000_00
    assert found.increase
    assert found.increase.sold_out
    assert (found.increase.gross_fen, found.increase.baseline_fen) == (1_080_000_00, 432_000_00)
    assert found.increase.increase_fen == 648_000_00
    assert (found.sale_fen, found.accepted_milli) == (450_000 * 300, lot.quantity_milli)


def test_without_a_baseline_the_api_gives_no_increase_but_says_why(client: TestClient, session: orm.Session) -> None:
    story, lot, _ = wang_village(session)
    story.sell("450000")
    reader = factories.signed_in(session, Role.AUDITOR)
    shown = client.get(f"/v1/lots/{lot.id}/income", headers=reader).json()
    assert shown["total"]["accrued_fen"] == 1_080_000_00
    assert (shown["increase"], shown["no_increase"]) == (None, "no_baseline_confirmed")
    state_baseline(story, lot, confirmed=False)
    shown = client.get(f"/v1/lots/{lot.id}/income", headers=reader).json()
    assert (shown["increase"], shown["no_increase"]) == (None, "no_baseline_confirmed")
    county = factories.signed_in(session, Role.COUNTY_REVIEWER)
    said = {"confirmed": True, "opinion": "与台账一致"}
    assert (
        client.post(f"/v1/lots/{lot.id}/baseline/decision", json=said, headers=county).json()["status"] == "confirmed"
    )
    shown = client.get(f"/v1/lots/{lot.id}/income", headers=reader).json()
    assert shown["no_increase"] is None
    assert shown["increase"] == {
        "measure": "gross",
        "gross_fen": 108000000,
        "baseline_fen": 43200000,
        "baseline_from": "2018-01-01",
        "baseline_to": "2018-12-31",
        "baseline_source": "村委会 2018 年产量台账",
        "increase_fen": 64800000,
        "sold_out": True,
    }


def test_wages_are_no_part_of_what_the_land_brought_more(session: orm.Session) -> None:
    story, lot, _ = wang_village(session)
    state_baseline(story, lot)
    worker = story.household()
    factories.contribution(session, lot, worker, mechanism=Mechanism.LABOUR, amount_fen=5_000_00)
    story.sell("450000")
    found = income(story, lot)
    assert found.total.accrued_fen == 1_085_000_00
    assert found.increase
    assert found.increase.increase_fen == 648_000_00


def test_a_top_up_is_posted_and_still_no_income_that_counts(session: orm.Session) -> None:
    story = Story(session, price_fen=100)
    household = story.household()
    lot, _ = story.lot(10_000, {household.id: 4_000})
    story.sell("10")
    (found,) = income(story, lot).contributions
    assert (found.flow.accrued_fen, found.flow.top_up_fen) == (1_000, 3_000)


def test_a_line_from_two_lots_is_shared_between_them_to_the_fen(session: orm.Session) -> None:
    story = Story(session, tax_bp=900, price_fen=333)
    household = story.household()
    lots = [story.lot(quantity, {household.id: 1_000})[0] for quantity in (7_000, 5_000, 30_000)]
    order = story.sell("17", "11")
    story.give_back(order, "3")
    found = [income(story, lot) for lot in lots]
    lines = session.execute(
        sa.select(
            sa.func.sum(OrderLine.accepted_fen - OrderLine.returned_fen),
            sa.func.sum(OrderLine.accepted_net_fen - OrderLine.returned_net_fen),
        )
    ).one()
    assert (sum(each.sale_fen for each in found), sum(each.sale_net_fen for each in found)) == tuple(lines)
    assert all(each.sale_fen > 0 for each in found)
    assert sum(each.total.accrued_fen for each in found) == sum(
        fen for (kind, _, _), fen in story.held([order]).items() if kind == "household"
    )


def test_what_moved_on_with_the_goods_is_said(session: orm.Session) -> None:
    story = Story(session)
    household = story.household()
    lot, _ = story.lot(10_000, {household.id: 4_000})
    story.sell("2")
    now = factories.LONG_AGO.replace(year=2026, month=3)
    dried = registering.register_lot(
        session,
        story.clerk,
        product_id=story.product.id,
        quantity_milli=3_000,
        measured_in=MeasuredIn.KG,
        produced_on=date(2026, 2, 1),
        expires_on=None,
        origin_code="141122",
        loss_milli=1_000,
        inputs=[(lot.id, 4_000)],
        now=now,
    )
    (given,) = income(story, lot).contributions
    assert (given.contributed_fen, given.flow.accrued_fen, given.carried_fen) == (4_000, 800, 1_600)
    (carried,) = income(story, dried).contributions
    assert (carried.contributed_fen, carried.flow.accrued_fen) == (1_600, 0)


def test_market_plus_5_percent_is_told_as_the_increase_it_is_beside_its_source(
    client: TestClient, session: orm.Session
) -> None:
    story = Story(session)
    first, second = story.household(), story.household()
    lot, _ = story.lot(200_000, {second.id: 1_000})
    priced: dict[str, Any] = {"unit_price_fen": 105, "market_price_fen": 100}
    factories.contribution(session, lot, first, measure_milli=100_000, **priced)
    factories.contribution(session, lot, second, measure_milli=100_000, **priced)
    floored: dict[str, Any] = {"unit_price_fen": 300, "mechanism": Mechanism.CONTRACTING}
    factories.contribution(session, lot, first, measure_milli=50_000, market_price_fen=240, **floored)
    factories.contribution(session, lot, second, measure_milli=50_000, market_price_fen=300, **floored)
    reader = factories.signed_in(session, Role.AUDITOR)
    shown: dict[str, Any] = {}
    for sold, gross_fen, increase_fen, floor_fen in (("1", 52 * 2, 2 * 2, 15), ("199", 210_00, 10_00, 30_00)):
        story.sell(sold)
        shown = client.get(f"/v1/lots/{lot.id}/income", headers=reader).json()
        contracting, bought = shown["over_market"]
        assert (bought["gross_fen"], bought["increase_fen"]) == (gross_fen, increase_fen)
        assert (contracting["mechanism_name"], contracting["increase_fen"]) == ("承包经营", floor_fen)
    _, bought = shown["over_market"]
    assert bought["gross_fen"] * 5 == bought["increase_fen"] * 105
    assert bought["market"] == {"price_fen": 100, "source": "批发市场日报价", "on": "2026-01-04"}
    assert (bought["unit_price_fen"], bought["price_per"], bought["measure"]) == (105, "1", "gross")
    assert (shown["increase"], shown["no_increase"]) == (None, "no_baseline_confirmed")


def test_what_is_consigned_comes_to_no_amount_before_it_is_sold(session: orm.Session) -> None:
    story = Story(session)
    household = story.household()
    lot, _ = story.consign(10_000, {household.id: 10_000})
    (found,) = income(story, lot).contributions
    assert (found.mechanism, found.contributed_fen, found.carried_fen) == (Mechanism.CONSIGNMENT, None, None)
    state_baseline(story, lot)
    story.sell("4")
    found_ = income(story, lot)
    assert found_.contributions[0].flow.accrued_fen == 36_00
    assert found_.increase
    assert found_.increase.gross_fen == 36_00


def test_a_lot_of_another_supplier_is_not_found(session: orm.Session, client: TestClient) -> None:
    story, other = Story(session), Story(session)
    lot, _ = story.lot(1_000)
    with pytest.raises(NotFoundError):
        income(story, lot, other.clerk)
    reader = factories.signed_in(session, Role.AUDITOR)
    assert client.get(f"/v1/lots/{uuid4()}/income", headers=reader).status_code == 404
    buyer = factories.signed_in(session, Role.BUYER_CLERK, kind=OrganisationKind.SCHOOL)
    assert client.get(f"/v1/lots/{lot.id}/income", headers=buyer).status_code == 403
