"""Whom the register contradicts is named: who delivers beyond its land, and who is assisted no more but counted so."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.monitoring import alerts
from market.audit.rules import MonitoringRule
from market.benefits.holdings import Holding
from market.benefits.models import Plan
from market.benefits.rules import Measure, Mechanism, PlanBody, Pool
from market.households.models import Household, HouseholdStatusPeriod
from market.households.rules import HouseholdStatus
from market.identity.rules import Actor, Scope
from tests import factories
from tests.distributions.season import AFTER, YEAR, Season
from tests.story import TODAY, Story, open_channels

ON = date(2026, 4, 15)
"""The last twelve months end with March 2026."""
LATER = date(2027, 2, 15)
"""The last twelve months end with January 2027, in which the year was shared out."""
BEYOND, LAPSED = MonitoringRule.DELIVERED_BEYOND_LAND, MonitoringRule.ASSISTANCE_LAPSED


@pytest.fixture
def auditor(session: orm.Session) -> Actor:
    return factories.actor(session, factories.member(session, factories.organisation(session)), Scope.ALL)


@pytest.fixture
def story(session: orm.Session) -> Story:
    open_channels(session)
    return Story(session)


def found(session: orm.Session, actor: Actor, rule: MonitoringRule, *, on: date = ON) -> dict[str, Mapping[str, int]]:
    session.flush()
    listed = alerts(session, actor, region_code="141122", on=on, rules=[rule])
    return {alert.household.code: alert.figures for alert in listed}


def farming(story: Story, mu: int | None) -> Household:
    """Return an enrolled household that farms so much land; a mu bears at most 3,000 kg of the product."""
    household = story.household()
    household.land_milli_mu = None if mu is None else mu * 1_000
    return household


def status(household: Household, status: HouseholdStatus, valid_from: date) -> HouseholdStatusPeriod:
    return HouseholdStatusPeriod(household_id=household.id, valid_from=valid_from, status=status)


# Land.


@pytest.mark.parametrize(("kg", "told"), [(6_000, False), (6_001, True)])
def test_who_delivers_more_than_its_land_bears_is_named(
    session: orm.Session, auditor: Actor, story: Story, kg: int, *, told: bool
) -> None:
    farmer, unknown = farming(story, 2), farming(story, None)
    for household in (farmer, unknown):
        story.lot(kg * 1_000, {household.id: 10_000})
    figures = {"year": 2026, "delivered_kg": kg, "most_kg": 6_000, "land_milli_mu": 2_000}
    assert found(session, auditor, BEYOND) == ({farmer.code: figures} if told else {})


def test_what_goes_to_several_cooperatives_grew_on_the_same_land(
    session: orm.Session, auditor: Actor, story: Story
) -> None:
    farmer, other = farming(story, 1), Story(session)
    story.lot(2_000_000, {farmer.id: 10_000})
    other.product.category_code = story.product.category_code
    other.consign(1_000_001, {farmer.id: 1_000_001})
    figures = {"year": 2026, "delivered_kg": 3_000, "most_kg": 3_000, "land_milli_mu": 1_000}
    assert found(session, auditor, BEYOND) == {farmer.code: figures}, "by one gram"


def test_land_bears_anew_in_each_calendar_year_and_of_each_category(
    session: orm.Session, auditor: Actor, story: Story
) -> None:
    farmer, other = farming(story, 1), Story(session)
    other.product.category_code = factories.category(session, code="grain", name="杂粮", most_kg_per_mu=1_500).code
    other.lot(1_500_000, {farmer.id: 10_000})
    lot, _ = story.lot(3_000_000, {farmer.id: 10_000})
    for day, milli in ((date(2025, 1, 1), 3_000_001), (date(2024, 12, 31), 9_000_000)):
        factories.contribution(session, lot, farmer, delivered_on=day, measure_milli=milli, amount_fen=1)
    (figures,) = found(session, auditor, BEYOND).values()
    assert (figures["year"], figures["delivered_kg"]) == (2025, 3_000), "all of the year in which the window begins"


def test_work_and_what_is_grown_on_the_suppliers_land_is_not_measured_by_ones_own(
    session: orm.Session, auditor: Actor, story: Story
) -> None:
    landless = farming(story, 0)
    lot, _ = story.lot(1_000_000)
    for mechanism, measure in ((Mechanism.CONTRACTING, Measure.QUANTITY), (Mechanism.LABOUR, Measure.HOURS)):
        factories.contribution(session, lot, landless, mechanism=mechanism, measure=measure)
    assert found(session, auditor, BEYOND) == {}
    factories.contribution(session, lot, landless)
    assert list(found(session, auditor, BEYOND)) == [landless.code]


# Status.


def test_what_was_delivered_before_the_registration_is_found(
    session: orm.Session, auditor: Actor, story: Story
) -> None:
    """Deliveries of the factories are of 4 January."""
    new, that_day = (story.household(registered_on=date(2026, 1, day)) for day in (5, 4))
    story.lot(10_000, {new.id: 5_000, that_day.id: 5_000})
    figures = {"off_register_deliveries": 1, "off_register_fen": 5_000}
    assert found(session, auditor, MonitoringRule.STATUS_LAPSED) == {new.code: figures}


@pytest.mark.parametrize("lapse", ["ordinary", "left", "ordinary tomorrow", "assisted again"])
def test_who_is_assisted_no_more_but_in_a_pool_for_assisted_ones_is_named(
    session: orm.Session, auditor: Actor, story: Story, lapse: str
) -> None:
    household, poor = story.household(), story.household()
    shares = [(household.id, 1), (poor.id, 1)]
    Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, shares)], assisted_only=True)
    Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, shares)])
    if lapse == "left":
        household.departed_on = ON
    else:
        day = date(2026, 4, 16) if "tomorrow" in lapse else date(2025, 9, 1)
        session.add(status(household, HouseholdStatus.ORDINARY, day))
    if lapse == "assisted again":
        session.add(status(household, HouseholdStatus.UNSTABLE, ON))
    told = {household.code: {"pools": 1, "reported_fen": 0}} if lapse in {"ordinary", "left"} else {}
    assert found(session, auditor, LAPSED) == told


def test_who_was_reported_as_assisted_for_a_day_on_which_it_was_not_is_named(
    session: orm.Session, auditor: Actor, story: Story
) -> None:
    """The status was recorded after the order was posted, and holds from before the delivery of 4 January."""
    late, later, gone, back = households = [story.household() for _ in range(4)]
    story.lot(40_000, {household.id: 3_000 for household in households})
    story.sell("40")
    assert found(session, auditor, LAPSED) == {}
    session.add(status(late, HouseholdStatus.ORDINARY, date(2026, 1, 4)))
    session.add(status(later, HouseholdStatus.ORDINARY, date(2026, 1, 5)))
    gone.departed_on = date(2026, 1, 4)
    session.add(status(back, HouseholdStatus.ORDINARY, date(2026, 1, 1)))
    session.add(status(back, HouseholdStatus.UNSTABLE, date(2026, 1, 5)))
    told = {"pools": 0, "reported_fen": 3_000}
    assert found(session, auditor, LAPSED) == {household.code: told for household in (late, gone, back)}


def test_what_a_pool_brought_counts_by_the_day_of_acceptance(
    session: orm.Session, auditor: Actor, story: Story
) -> None:
    lapsed, lapses_tomorrow = story.household(), story.household()
    shares = [(lapsed.id, 1), (lapses_tomorrow.id, 1)]
    dividends = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, shares)])
    dividends.lot(10_000)
    order = dividends.sell("10")
    session.add(status(lapsed, HouseholdStatus.ORDINARY, TODAY))
    session.add(status(lapses_tomorrow, HouseholdStatus.ORDINARY, TODAY + timedelta(days=1)))
    assert found(session, auditor, LAPSED) == {lapsed.code: {"pools": 0, "reported_fen": 500}}
    dividends.give_back(order, "10")
    assert found(session, auditor, LAPSED) == {}, "nothing of it stands any more"


@pytest.mark.parametrize("told", [False, True], ids=["without the pool", "with the pool"])
def test_of_two_versions_of_one_day_the_later_number_holds(session: orm.Session, auditor: Actor, *, told: bool) -> None:
    """Whichever of them the database happens to read first."""
    open_channels(session)
    ordinary = factories.household(session, status=HouseholdStatus.ORDINARY)
    for _ in range(3):
        Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(ordinary.id, 1)])], assisted_only=True)
    pool = Pool(Mechanism.SHARE_DIVIDEND, 1_000, ((str(ordinary.id), 1),), assisted_only=True)
    bodies = [PlanBody((Mechanism.ORDER_PURCHASE,), ()), PlanBody((Mechanism.ORDER_PURCHASE,), (pool,))]
    for plan in session.scalars(sa.select(Plan)).all():
        for number, body in ((3, bodies[told]), (2, bodies[not told])):
            factories.plan_version(session, plan, number=number, body=body)
    figures = {"pools": 3, "reported_fen": 0}
    assert found(session, auditor, LAPSED) == ({ordinary.code: figures} if told else {})


def test_what_a_list_of_a_period_gave_counts_by_its_last_day(session: orm.Session, auditor: Actor) -> None:
    """One was identified after the sale, one lost its status after it, as was recorded when all was shared out."""
    open_channels(session)
    season = Season(session)
    identified = season.story.household(status=HouseholdStatus.ORDINARY)
    lapsed = season.story.household()
    session.add(status(identified, HouseholdStatus.UNSTABLE, date(2026, 10, 1)))
    season.deliver({identified.id: 50, lapsed.id: 50})
    order = season.sell("100")
    season.share_out(season.patronage(10_000))
    assert found(session, auditor, LAPSED, on=LATER) == {}
    session.add(status(lapsed, HouseholdStatus.ORDINARY, YEAR.ends_on))
    assert found(session, auditor, LAPSED, on=LATER) == {lapsed.code: {"pools": 0, "reported_fen": 5_000}}
    season.story.give_back(order, "100", on=AFTER)
    assert found(session, auditor, LAPSED, on=LATER) == {}, "nothing of it stands any more"


def test_what_a_collective_gave_on_counts_by_the_day_on_which_it_did(session: orm.Session, auditor: Actor) -> None:
    """The second time the household was assisted no more, which the register learnt later."""
    open_channels(session)
    season = Season(session, pools=(), collective_bp=2_000)
    season.story.lot(1_000_000)
    household = factories.household(session, status=HouseholdStatus.ORDINARY)
    session.add(status(household, HouseholdStatus.UNSTABLE, date(2026, 10, 1)))
    session.flush()
    season.sell("100")
    season.pay_collective(20_000)
    season.give_on(8_000, {household.id: 1})
    season.give_on(5_000, {household.id: 1}, on=AFTER + timedelta(days=5))
    assert found(session, auditor, LAPSED, on=LATER) == {}
    session.add(status(household, HouseholdStatus.ORDINARY, AFTER + timedelta(days=1)))
    assert found(session, auditor, LAPSED, on=LATER) == {household.code: {"pools": 0, "reported_fen": 5_000}}


def test_what_a_pool_brought_is_not_judged_by_a_list_that_gave_of_the_same_line(
    session: orm.Session, auditor: Actor
) -> None:
    open_channels(session)
    season = Season(session, pools=())
    household = season.story.household()
    split_at_once = [(Mechanism.SHARE_DIVIDEND, 1_000, [(household.id, 1)])]
    season.story = Story(session, pools=split_at_once)
    factories.enrolment(session, season.story.supplier, household)
    season.story.lot(100_000)
    season.sell("100")
    season.share_out(season.dividend(5_000, Holding(str(household.id), own_fen=1)))
    session.add(status(household, HouseholdStatus.ORDINARY, YEAR.ends_on))
    assert found(session, auditor, LAPSED, on=LATER) == {household.code: {"pools": 0, "reported_fen": 5_000}}
