"""What was odd about a delivery that never was is no hint any more, nor is it told as if it had been."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import orm

from market.audit.records import odd_records
from market.audit.rules import MonitoringRule, RecordRule
from market.benefits.rules import Measure, Mechanism, Pool
from market.identity.rules import Actor, Scope
from market.lots.models import Contribution
from market.reports.lot_income import lot_income
from tests import factories
from tests.annulments.annulling_contributions import annul
from tests.audit.test_lapsing import farming
from tests.audit.test_monitoring import found
from tests.distributions.test_simulating import figures, proposed
from tests.distributions.test_simulating import found as simulated
from tests.story import NOON, TODAY, Story, open_channels


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


@pytest.fixture
def auditor(session: orm.Session) -> Actor:
    return factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)


def after_leaving(story: Story) -> Contribution:
    gone = story.household()
    _, (given,) = story.lot(10_000, {gone.id: 5_000})
    gone.departed_on = date(2026, 1, 1)
    return given


def beyond_the_land(story: Story) -> Contribution:
    _, (given,) = story.lot(3_001_000, {farming(story, 1).id: 10_000})
    return given


def by_a_status_recorded_late(story: Story) -> Contribution:
    household = story.household(recorded_at=datetime(2026, 2, 1, tzinfo=UTC))
    _, (given,) = story.lot(10_000, {household.id: 5_000})
    return given


@pytest.mark.parametrize(
    ("rule", "give"),
    [
        (MonitoringRule.STATUS_LAPSED, after_leaving),
        (MonitoringRule.DELIVERED_BEYOND_LAND, beyond_the_land),
        (MonitoringRule.STATUS_RECORDED_LATE, by_a_status_recorded_late),
    ],
)
def test_no_household_is_warned_of_for_what_it_never_delivered(
    story: Story, auditor: Actor, rule: MonitoringRule, give: Callable[[Story], Contribution]
) -> None:
    given = give(story)
    story.session.flush()
    assert found(story.session, auditor, rule)
    annul(story.session, given.id)
    assert found(story.session, auditor, rule) == {}


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (RecordRule.PRICE_FAR_ABOVE_SALE, {"unit_price_fen": 2_001}),
        (RecordRule.WORTH_MORE_THAN_SALE, {"measure_milli": 1_000, "amount_fen": 100_001}),
        (
            RecordRule.HOURS_BEYOND_THE_DAYS,
            {"mechanism": Mechanism.LABOUR, "measure": Measure.HOURS, "measure_milli": 90_000_000},
        ),
    ],
)
def test_no_record_is_odd_that_never_was(story: Story, auditor: Actor, rule: RecordRule, given: dict[str, Any]) -> None:
    lot = factories.lot(story.session, story.product)
    lot.made_at = NOON
    row = factories.contribution(story.session, lot, story.household(), **given)

    def odd() -> list[UUID]:
        listed = odd_records(story.session, auditor, begin=TODAY, end=TODAY, after=None, limit=9, rules=[rule])
        return [each.id for each in listed]

    assert odd()
    annul(story.session, row.id)
    assert odd() == []


def test_nothing_is_said_to_have_been_bought_above_the_market_that_was_not_bought(story: Story, auditor: Actor) -> None:
    lot = factories.lot(story.session, story.product)
    priced = factories.contribution(story.session, lot, story.household(), unit_price_fen=105, market_price_fen=100)

    def above() -> int:
        return len(lot_income(story.session.connection(), auditor, lot.id).over_market)

    assert above() == 1
    annul(story.session, priced.id)
    assert above() == 0


def test_a_simulation_says_that_the_supplier_had_what_an_invented_household_was_to_have(story: Story) -> None:
    real, invented = story.household(), story.household()
    _, (_, false) = story.lot(10_000, {real.id: 8_000, invented.id: 8_000})
    story.sell("10")
    version = proposed(story, Pool(Mechanism.PATRONAGE, 500, (), kept=True))
    before = simulated(story, version)
    assert (before.topped_up_fen, before.top_up_fen) == (6_000, 6_000)
    annul(story.session, false.id)
    after = simulated(story, version)
    assert (after.topped_up_fen, after.top_up_fen) == (3_000, 0)
    told = figures(after)
    assert told["household", real.id, None] == (5_000, 8_500, 3_500), "and all that is returned by volume"
    assert told["retained", story.supplier.id, None] == (5_000, 1_500, -3_500)
    assert ("household", invented.id, None) not in told
