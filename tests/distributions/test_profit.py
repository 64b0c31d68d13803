"""The profit of land by HTTP: to each household by its land and the mode of its shares, in the years of a scheme."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.verifying import verify
from market.benefits.holdings import Holding
from market.benefits.models import RegisterVersion
from market.benefits.rules import Mechanism
from tests.benefits.test_formulas import leye
from tests.distributions.season import NOW, Season
from tests.distributions.test_endpoints import YEAR, asked, proposed, refusal, signed_in
from tests.story import open_channels

LEYE = {
    "base": 2_500_00,
    "base_own": 3_333_50,
    "base_tending": 3_500_00,
    "base_own_tending": 4_710_00,
    "land": 4_000_00,
}
"""What half a mu at 10,000 yuan of profit a mu gives by mode; of 乐业's parts 50 % and 94.2 % alone are printed."""


@pytest.fixture(autouse=True)
def _january() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def kiwi(session: orm.Session) -> Season:
    """A cooperative that keeps a tenth of what lines bring for the dividends of its shares."""
    open_channels(session)
    season = Season(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, None)])
    season.story.lot(2_000_000)
    season.sell("2000")
    return season


def profit(version_id: UUID, **changed: Any) -> dict[str, Any]:
    formula = {"formula": "profit", "register_version_id": str(version_id), "profit_fen_per_mu": 10_000_00}
    return YEAR | {"formula": formula} | changed


def test_half_a_mu_at_10000_of_profit_a_mu_gives_2500_in_the_least_mode_and_4710_in_the_best(
    client: TestClient, kiwi: Season
) -> None:
    clerk, county = signed_in(kiwi, kiwi.story.clerk), signed_in(kiwi, kiwi.reviewer)
    households = {mode: kiwi.story.household().id for mode in LEYE}
    version_id = kiwi.profit(1, leye(), **households).register_version_id
    dry = asked(client, clerk, "/distributions", profit(version_id), dry_run="true").json()
    made = proposed(client, clerk, profit(version_id))
    assert dry == made | {"id": None}
    given = {item["payee_id"]: (item["weight"], item["amount_fen"]) for item in made["items"]}
    assert given == {str(households[mode]): (500, fen) for mode, fen in LEYE.items()}
    # 18,043.50 in all, of which the pool has a tenth of 20,000.
    assert (made["mechanism"], made["amount_fen"], made["from_pool_fen"]) == ("share_dividend", 18_043_50, 2_000_00)
    where = f"/distributions/{made['id']}"
    assert asked(client, county, f"{where}/approval", {"opinion": "同意"}).status_code == 200
    shown = client.get(f"/v1{where}", headers=clerk).json()
    assert shown["inputs"] == {"formula": "profit", "profit_fen_per_mu": 10_000_00}
    assert shown["register_sha256"] == kiwi.session.get_one(RegisterVersion, version_id).sha256
    (pool,) = client.get("/v1/pools", headers=clerk).json()["items"]
    assert (pool["brought_fen"], pool["distributed_fen"], pool["recognised_fen"]) == (2_000_00, 2_000_00, 0)
    assert verify(kiwi.session).sound


@pytest.mark.parametrize(
    ("begins", "ends", "pointer"),
    [
        (2019, 2019, "/period_from"),
        (2019, 2020, "/period_from"),
        (2034, 2035, "/period_to"),
        (2035, 2035, "/period_from"),
    ],
)
def test_the_year_before_a_scheme_and_its_sixteenth_are_refused(
    client: TestClient, kiwi: Season, begins: int, ends: int, pointer: str
) -> None:
    version_id = kiwi.profit(1, leye(), base=kiwi.story.household().id).register_version_id
    with time_machine.travel(datetime(2036, 1, 15, 4, tzinfo=UTC), tick=False):
        days = {"period_from": f"{begins}-01-01", "period_to": f"{ends}-12-31"}
        clerk = signed_in(kiwi, kiwi.story.clerk)
        answer = asked(client, clerk, "/distributions", profit(version_id, **days), dry_run="true")
    assert refusal(answer) == (422, "scheme_year", pointer)


def test_a_profit_is_not_shared_without_a_scheme_nor_by_land_that_the_register_no_longer_shows(
    client: TestClient, kiwi: Season
) -> None:
    session, clerk = kiwi.session, signed_in(kiwi, kiwi.story.clerk)
    household = kiwi.story.household()
    where = "/formula/register_version_id"
    without = kiwi.shares(Holding(str(household.id), own_fen=1))
    assert refusal(asked(client, clerk, "/distributions", profit(without.id))) == (422, "scheme_missing", where)
    old = session.get_one(RegisterVersion, kiwi.profit(1, leye(), base=household.id).register_version_id)
    new = kiwi.next_version(old, valid_from=date(2026, 12, 31))
    assert refusal(asked(client, clerk, "/distributions", profit(old.id))) == (409, "register_not_in_force", where)
    early = profit(new.id, period_to="2026-12-30")
    assert refusal(asked(client, clerk, "/distributions", early)) == (409, "register_not_in_force", where)
    assert proposed(client, clerk, profit(new.id))["amount_fen"] == 2_500_00
