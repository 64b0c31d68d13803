"""What a return by volume leaves of a surplus goes to the members by capital, once and whole."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.verifying import verify
from market.benefits.holdings import Holding
from market.benefits.rules import Mechanism
from market.distributions.models import Distribution
from tests.distributions.season import NOW, Season
from tests.distributions.test_endpoints import YEAR, asked, patronage, proposed, refusal, signed_in
from tests.story import open_channels

YUAN = 100


@pytest.fixture(autouse=True)
def _january() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def season(session: orm.Session) -> Season:
    """A cooperative that holds back a tenth of its surplus, and keeps two small pools."""
    open_channels(session)
    pools = [(mechanism, 100, None) for mechanism in (Mechanism.PATRONAGE, Mechanism.SHARE_DIVIDEND)]
    return Season(session, pools=pools, reserve_bp=1_000)


@pytest.fixture
def clerk(season: Season) -> dict[str, str]:
    return signed_in(season, season.story.clerk)


@pytest.fixture
def county(season: Season) -> dict[str, str]:
    return signed_in(season, season.reviewer)


def members(season: Season, kilogrammes: int) -> tuple[UUID, UUID]:
    """Let two households deliver alike, and have all of it sold and paid."""
    first, second = season.story.household().id, season.story.household().id
    season.deliver({first: kilogrammes // 2, second: kilogrammes // 2})
    season.sell(str(kilogrammes))
    return first, second


def by_volume(client: TestClient, clerk: dict[str, str], county: dict[str, str], surplus_fen: int) -> dict[str, Any]:
    made = proposed(client, clerk, patronage(surplus_fen))
    approved = asked(client, county, f"/distributions/{made['id']}/approval", {"opinion": "同意"})
    assert approved.status_code == 200, approved.text
    found: dict[str, Any] = approved.json()
    return found


def by_capital(season: Season, shared: object, fen: int, *holdings: Holding, **changed: Any) -> dict[str, Any]:
    version_id = str(season.shares(*holdings).id)
    terms = {"formula": "dividend", "register_version_id": version_id, "amount_fen": fen, "remainder_of": str(shared)}
    return YEAR | {"formula": terms} | changed


def test_of_a_surplus_of_400_000_the_108_000_that_volume_leaves_go_by_capital_with_grants_averaged(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    first, second = members(season, 40_000)
    returned = by_volume(client, clerk, county, 400_000 * YUAN)
    assert (returned["amount_fen"], returned["remainder_fen"]) == (252_000 * YUAN, 108_000 * YUAN)
    capital = Holding(str(first), own_fen=1_000_000 * YUAN), Holding(str(second), grant_fen=700_000 * YUAN)
    made = proposed(client, clerk, by_capital(season, returned["id"], 108_000 * YUAN, *capital))
    given = {item["payee_id"]: (item["weight"], item["amount_fen"]) for item in made["items"]}
    assert given == {
        str(first): (1_350_000 * YUAN, 85_764_71),
        str(second): (350_000 * YUAN, 22_235_29),
    }
    approved = asked(client, county, f"/distributions/{made['id']}/approval", {"opinion": "同意"}).json()
    assert (approved["status"], approved["remainder_of"], approved["remainder_fen"]) == (
        "approved",
        returned["id"],
        None,
    )
    assert approved["inputs"]["averages_grants"] is True
    assert verify(season.session).findings == ()


def test_grants_are_not_averaged_where_the_members_decided_otherwise(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    first, second = members(season, 100)
    returned = by_volume(client, clerk, county, 100 * YUAN)
    body = by_capital(season, returned["id"], 27_00, Holding(str(first), own_fen=1), Holding(str(second), grant_fen=2))
    body["formula"]["averages_grants"] = False
    made = proposed(client, clerk, body)
    assert {item["payee_id"]: item["amount_fen"] for item in made["items"]} == {str(first): 9_00, str(second): 18_00}


def test_where_grants_are_averaged_no_source_of_capital_is_left_out_of_a_remainder(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    """With own capital alone nothing would be left to average, though the list said that it was."""
    first, second = members(season, 100)
    returned = by_volume(client, clerk, county, 100 * YUAN)
    capital = Holding(str(first), own_fen=2), Holding(str(second), grant_fen=2)
    body = by_capital(season, returned["id"], 27_00, *capital)
    for sources in (["own"], ["own", "land", "grant"]):
        body["formula"]["sources"] = sources
        answer = asked(client, clerk, "/distributions", body)
        assert refusal(answer) == (422, "invalid_input", "/formula/sources")
    body["formula"]["averages_grants"] = False
    made = proposed(client, clerk, body)
    assert {item["payee_id"]: item["amount_fen"] for item in made["items"]} == {str(first): 13_50, str(second): 13_50}
    body["formula"] |= {"averages_grants": True, "sources": ["loan", "grant", "land", "own"]}
    assert asked(client, county, f"/distributions/{made['id']}/rejection", {"opinion": "名单有误"}).status_code == 200
    made = proposed(client, clerk, body)
    assert {item["payee_id"]: item["amount_fen"] for item in made["items"]} == {str(first): 20_25, str(second): 6_75}


@pytest.mark.parametrize(
    ("fen", "changed", "expected"),
    [
        (26_99, {}, (422, "remainder_amount", "/formula/amount_fen")),
        (27_01, {}, (422, "remainder_amount", "/formula/amount_fen")),
        (27_00, {"period_to": "2026-12-30"}, (409, "no_remainder", "/formula/remainder_of")),
        (27_00, {"period_from": "2026-01-02"}, (409, "no_remainder", "/formula/remainder_of")),
    ],
)
def test_a_remainder_is_shared_whole_and_for_its_own_period(  # noqa: PLR0917 - the case, and who asks
    client: TestClient,
    season: Season,
    clerk: dict[str, str],
    county: dict[str, str],
    fen: int,
    changed: dict[str, str],
    expected: tuple[int, str, str],
) -> None:
    first, _ = members(season, 100)
    returned = by_volume(client, clerk, county, 100 * YUAN)
    body = by_capital(season, returned["id"], fen, Holding(str(first), own_fen=1), **changed)
    assert refusal(asked(client, clerk, "/distributions", body)) == expected


def test_a_remainder_is_shared_once_unless_the_county_turned_the_first_list_down(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    first, _ = members(season, 100)
    returned = by_volume(client, clerk, county, 100 * YUAN)
    member = Holding(str(first), own_fen=1)
    made = proposed(client, clerk, by_capital(season, returned["id"], 27_00, member))
    again = by_capital(season, returned["id"], 27_00, member)
    assert refusal(asked(client, clerk, "/distributions", again)) == (409, "remainder_shared", "/formula/remainder_of")
    assert asked(client, county, f"/distributions/{made['id']}/rejection", {"opinion": "名单有误"}).status_code == 200
    proposed(client, clerk, again)
    with pytest.raises(sa.exc.IntegrityError, match="share_a_remainder_once"), season.session.begin_nested():
        season.session.execute(sa.update(Distribution).where(Distribution.id == UUID(made["id"])).values(SHARED_AGAIN))


SHARED_AGAIN = {"status": "proposed", "decided_by": None, "decided_at": None}


def test_what_is_not_yet_approved_or_no_return_by_volume_leaves_nothing_to_share(
    client: TestClient, season: Season, clerk: dict[str, str]
) -> None:
    first, _ = members(season, 100)
    waiting = proposed(client, clerk, patronage(100 * YUAN))
    dividend = proposed(client, clerk, _plain(season, Holding(str(first), own_fen=1)))
    where = "/formula/remainder_of"
    for shared, expected in (
        (waiting["id"], (409, "no_remainder", where)),
        (dividend["id"], (409, "no_remainder", where)),
        (uuid4(), (404, "not_found", where)),
    ):
        body = by_capital(season, shared, 27_00, Holding(str(first), own_fen=1))
        assert refusal(asked(client, clerk, "/distributions", body)) == expected


def _plain(season: Season, holding: Holding) -> dict[str, Any]:
    body = by_capital(season, uuid4(), 1_00, holding)
    del body["formula"]["remainder_of"]
    return body
