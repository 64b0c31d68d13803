"""What a kept pool brings is told of those who would be given it by the shares known today, before and after alike."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.benefits.holdings import Entitlement, Holding, RegisterBody
from market.benefits.models import Plan, PlanVersion
from market.benefits.rules import Mechanism, PlanBody, PlanStatus, Pool, RegisterKind
from market.distributions.rules import Period
from market.households.models import Household
from market.quantities import MeasuredIn
from tests import factories
from tests.benefits.test_formulas import leye
from tests.distributions.season import NOW, Season
from tests.distributions.test_by_value import deliver
from tests.distributions.test_endpoints import signed_in
from tests.story import open_channels

FEBRUARY = date(2026, 2, 1)
TENTH = Pool(Mechanism.PATRONAGE, 1_000, (), kept=True)
DIVIDEND = Pool(Mechanism.SHARE_DIVIDEND, 1_000, (), kept=True)


@pytest.fixture(autouse=True)
def _january(session: orm.Session) -> Iterator[None]:
    """The year that is simulated ends on 15 January 2027, so that the season of 2026 lies in it."""
    open_channels(session)
    with time_machine.travel(NOW, tick=False):
        yield


def simulated(client: TestClient, season: Season, *pools: Pool) -> dict[str, Any]:
    """The answer for a version with these pools; both sides sum to what the year brought."""
    session, plan_id = season.session, season.story.product.plan_id
    number = session.scalars(sa.select(sa.func.max(PlanVersion.number)).filter_by(plan_id=plan_id)).one() + 1
    body = PlanBody((Mechanism.ORDER_PURCHASE, Mechanism.LABOUR), pools)
    plan = session.get_one(Plan, plan_id)
    version = factories.plan_version(session, plan, number=number, body=body, status=PlanStatus.SUBMITTED)
    county = signed_in(season, season.reviewer)
    answer = client.get(f"/v1/plan-versions/{version.id}/simulation", params={"limit": 100}, headers=county)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    for side in ("before_fen", "after_fen"):
        assert sum(item[side] for item in found["items"]) == found["net_fen"]
        guessed = sum(item[f"estimated_{side}"] for item in found["items"])
        assert guessed == found[f"estimated_{side}"]
    return found


def figures(found: dict[str, Any], *whose: UUID) -> list[tuple[int, int, int, int]]:
    """What each had and would have had, and how much of either is an estimate."""
    names = ("before_fen", "after_fen", "estimated_before_fen", "estimated_after_fen")
    items = {UUID(item["owner_id"]): tuple(item[name] for name in names) for item in found["items"]}
    return [items[each] for each in whose]


def estimates(found: dict[str, Any]) -> list[tuple[str, str | None, int]]:
    return [(each["mechanism"], each["expected_by"], each["payees"]) for each in found["estimates"]]


def holdings(**own_fen: int) -> RegisterBody:
    return RegisterBody(RegisterKind.SHARES, tuple(Holding(each, own_fen=fen) for each, fen in own_fen.items()))


def test_a_season_whose_patronage_ten_yuan_reached_two_households_names_them_as_losing_without_it(
    client: TestClient, session: orm.Session
) -> None:
    """100.00 were sold, a tenth kept and returned by what was delivered: 7.50 to Wang, 2.50 to Li."""
    season = Season(session)
    wang, li = (season.story.household().id for _ in range(2))
    season.deliver({wang: 300, li: 100})
    season.sell("10")
    assert season.share_out(season.patronage(1_000)).from_pool_fen == 1_000
    found = simulated(client, season)
    losing = {"gaining": 0, "gained_fen": 0, "losing": 2, "lost_fen": 1_000, "unchanged": 0}
    assert found["households"] == losing
    assert figures(found, wang, li) == [(750, 0, 750, 0), (250, 0, 250, 0)]
    assert estimates(found) == [("patronage", "distributions", 2)]
    doubled = simulated(client, season, Pool(Mechanism.PATRONAGE, 2_000, (), kept=True))
    assert figures(doubled, wang, li) == [(750, 1_500, 750, 1_500), (250, 500, 250, 500)]
    assert (doubled["pool_before_fen"], doubled["pool_after_fen"]) == (0, 0)


def test_the_lists_of_a_year_weigh_by_what_each_took_of_the_pool(client: TestClient, session: orm.Session) -> None:
    """Of the pool's 20.00 the first list took 5.00 for Wang alone, the second 15.00 for Wang and Li alike."""
    season = Season(session)
    wang, li = (season.story.household().id for _ in range(2))
    season.deliver({wang: 100}, delivered_on=FEBRUARY)
    season.deliver({wang: 100, li: 100}, delivered_on=date(2026, 7, 1))
    season.sell("20")
    season.share_out(season.patronage(500), period=Period(date(2026, 1, 1), date(2026, 6, 30)))
    season.share_out(season.patronage(1_500), period=Period(date(2026, 7, 1), date(2026, 12, 31)))
    found = simulated(client, season, TENTH)
    assert figures(found, wang, li) == [(1_250, 1_250, 1_250, 1_250), (750, 750, 750, 750)]


def test_what_left_the_pool_for_nobody_names_nobody_and_a_list_out_of_retained_money_tells_nothing_of_it(
    client: TestClient, session: orm.Session
) -> None:
    """Nothing was kept, the return was paid out of what was retained; the register of volumes tells of the new pool."""
    season = Season(session, pools=[])
    wang, li = (season.story.household().id for _ in range(2))
    season.deliver({wang: 100})
    season.sell("10")
    assert season.share_out(season.patronage(500)).from_pool_fen == 0
    season.deliver({li: 300}, delivered_on=FEBRUARY)
    found = simulated(client, season, TENTH)
    assert estimates(found) == [("patronage", "volumes", 1)]
    assert figures(found, li) == [(0, 1_000, 0, 1_000)]


def test_without_a_list_a_return_is_expected_by_what_was_delivered_in_the_year(
    client: TestClient, session: orm.Session
) -> None:
    season = Season(session)
    wang, li = (season.story.household().id for _ in range(2))
    season.deliver({wang: 100_000}, delivered_on=date(2026, 1, 15))
    season.deliver({wang: 300, li: 100}, delivered_on=FEBRUARY)
    season.sell("10")
    found = simulated(client, season, TENTH)
    assert figures(found, wang, li) == [(750, 750, 750, 750), (250, 250, 250, 250)]
    assert estimates(found) == [("patronage", "volumes", 2)]


def test_what_is_weighed_and_counted_is_expected_by_its_value_and_what_has_neither_names_nobody(
    client: TestClient, session: orm.Session
) -> None:
    season = Season(session)
    wang, li = season.story.household(), season.story.household()
    season.story.lot(100_000)
    season.sell("10")
    deliver(season, wang, 50_000, MeasuredIn.KG, grams=500)
    deliver(season, li, 150_000, MeasuredIn.PIECE, grams=None)
    with time_machine.travel(datetime(2026, 12, 31, 4, tzinfo=UTC), tick=False):
        found = simulated(client, season, TENTH)
    assert figures(found, wang.id, li.id) == [(250, 250, 250, 250), (750, 750, 750, 750)]
    season.story.consign(1_000, {wang.id: 1_000})
    found = simulated(client, season, TENTH)
    assert estimates(found) == [("patronage", None, 0)]
    assert (found["pool_before_fen"], found["pool_after_fen"], found["estimated_after_fen"]) == (1_000, 1_000, 0)
    assert found["households"]["losing"] == 0


def test_a_kept_dividend_for_the_same_shares_as_a_direct_one_shows_nobody_as_losing(
    client: TestClient, session: orm.Session
) -> None:
    """To the fen, whatever the roundings of 4 lines are, and whatever came back of them."""
    shares = [(factories.household(session), weight) for weight in (1, 1, 5)]
    pools = [(Mechanism.SHARE_DIVIDEND, 777, [(household.id, weight) for household, weight in shares])]
    season = Season(session, pools=pools)
    for household, _ in shares:
        factories.enrolment(session, season.story.supplier, household)
    season.story.lot(100_000, {shares[0][0].id: 7_001})
    orders = [season.sell(quantity, paid=False) for quantity in ("1", "2", "3", "7")]
    season.story.give_back(orders[-1], "2")
    kept = Pool(Mechanism.SHARE_DIVIDEND, 777, (), kept=True)
    unknown = simulated(client, season, kept)
    assert estimates(unknown) == [("share_dividend", None, 0)]
    assert unknown["households"]["losing"] == 3
    assert unknown["pool_after_fen"] == unknown["households"]["lost_fen"]
    body = holdings(**{str(household.id): 100_00 * weight for household, weight in shares})
    factories.register_version(session, season.story.supplier, body)
    found = simulated(client, season, kept)
    nobody = {"gaining": 0, "gained_fen": 0, "losing": 0, "lost_fen": 0, "unchanged": 3}
    assert (found["households"], estimates(found)) == (nobody, [("share_dividend", "register", 3)])
    assert (found["estimated_before_fen"], found["pool_after_fen"]) == (0, 0)
    assert found["estimated_after_fen"] > 0


def test_a_dividend_is_expected_by_the_register_in_force_of_those_who_may_still_be_paid(
    client: TestClient, session: orm.Session
) -> None:
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    wang, li, gone = (season.story.household() for _ in range(3))
    stranger = factories.household(session)
    body = holdings(**{str(each.id): 100_00 for each in (wang, li, gone, stranger)})
    of_li = holdings(**{str(li.id): 900_00})
    factories.register_version(session, season.story.supplier, body)
    factories.register_version(session, season.story.supplier, of_li, status=PlanStatus.REJECTED)
    factories.register_version(session, season.story.supplier, of_li, valid_from=date(2027, 6, 1))
    session.get_one(Household, gone.id).departed_on = date(2026, 12, 1)
    season.story.lot(100_000)
    season.sell("10")
    found = simulated(client, season, Pool(Mechanism.SHARE_DIVIDEND, 2_000, (), kept=True))
    assert figures(found, wang.id, li.id) == [(500, 1_000, 500, 1_000)] * 2
    assert estimates(found) == [("share_dividend", "register", 2)]


def test_a_dividend_on_land_is_expected_by_its_modes_unless_other_shares_have_none(
    client: TestClient, session: orm.Session
) -> None:
    """Half a mu each: of its profit Wang has 50 %, Li 94.2 %; of the capital Li has 5,000 yuan, Wang then 7,500."""
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_442, None)])
    wang, li = (season.story.household().id for _ in range(2))
    season.profit(1, leye(), base=wang, base_own_tending=li)
    season.story.lot(100_000)
    season.sell("10")
    assert figures(simulated(client, season), wang, li) == [(500, 0, 500, 0), (942, 0, 942, 0)]
    factories.register_version(session, season.story.supplier, holdings(**{str(wang): 3_750_00}))
    assert figures(simulated(client, season), li) == [(577, 0, 577, 0)]


def test_custody_is_expected_by_the_entitlements_in_force_for_household_and_collective(
    client: TestClient, session: orm.Session
) -> None:
    """660 basis points of 100,000 yuan, 600 the household's: of each 11.00 it has 10.00, the collective 1.00."""
    season = Season(session, pools=[(Mechanism.CUSTODY, 1_100, None)])
    wang = season.story.household().id
    entitlement = Entitlement(str(wang), 100_000_00, 660, 600, 60, str(season.collective.id))
    season.custody(entitlement)
    season.story.lot(100_000)
    season.sell("10")
    found = simulated(client, season, Pool(Mechanism.CUSTODY, 2_200, (), kept=True))
    assert figures(found, wang, season.collective.id) == [(1_000, 2_000, 1_000, 2_000), (100, 200, 100, 200)]
    assert found["collectives"]["gained_fen"] == 100


def test_what_came_back_is_off_the_estimate_too(client: TestClient, session: orm.Session) -> None:
    season = Season(session)
    wang = season.story.household().id
    season.deliver({wang: 300}, delivered_on=FEBRUARY)
    season.story.give_back(season.sell("10", paid=False), "4")
    found = simulated(client, season, Pool(Mechanism.PATRONAGE, 500, (), kept=True))
    assert figures(found, wang) == [(600, 300, 600, 300)]
    assert (found["estimated_before_fen"], found["estimated_after_fen"]) == (600, 300)
