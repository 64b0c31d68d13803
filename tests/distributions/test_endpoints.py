"""Distributions by HTTP: proposed by the cooperative, decided by the county, given on and confirmed in the village."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.benefits.holdings import Entitlement, Holding
from market.benefits.rules import Mechanism
from market.db import Database
from market.households.models import Household
from market.identity.models import Member
from market.identity.rules import Actor, Role
from tests import factories
from tests.benefits.test_endpoints import again
from tests.distributions.season import NOW, Season
from tests.story import open_channels
from tests.test_statement_counts import cost

YEAR = {"period_from": "2026-01-01", "period_to": "2026-12-31", "evidence": "成员大会决议及盈余核算表"}


@pytest.fixture(autouse=True)
def _january() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def season(session: orm.Session) -> Season:
    """A cooperative that keeps a tenth of what lines bring, and gives its village a tenth."""
    open_channels(session)
    return Season(session, collective_bp=1_000, reserve_bp=1_000)


@pytest.fixture
def clerk(season: Season) -> dict[str, str]:
    return signed_in(season, season.story.clerk)


@pytest.fixture
def county(season: Season) -> dict[str, str]:
    return signed_in(season, season.reviewer)


def signed_in(season: Season, who: Actor) -> dict[str, str]:
    return factories.headers(season.session, season.session.get_one(Member, who.member_id))


def sold(season: Season, households: int = 2, lines: int = 1) -> list[UUID]:
    """Let households deliver alike and lines of 100 yuan be paid: 10 go to the pool and the village each."""
    found = [season.story.household().id for _ in range(households)]
    season.deliver(dict.fromkeys(found, 100 * lines))
    season.sell(*["10"] * lines)
    return found


def patronage(surplus_fen: int, **changed: Any) -> dict[str, Any]:
    formula = {"formula": "patronage", "surplus_fen": surplus_fen, "by_volume_bp": 7_000}
    return YEAR | {"formula": formula | {"counted": "volume"} | changed}


def asked(client: TestClient, who: dict[str, str], path: str, body: Any = None, **params: Any) -> Any:
    return client.post(f"/v1{path}", json=body, headers=again(who), params=params)


def proposed(client: TestClient, clerk: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    answer = asked(client, clerk, "/distributions", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refusal(answer: Any) -> tuple[int, str, str | None]:
    errors = answer.json().get("errors") or [{}]
    return answer.status_code, answer.json()["code"], errors[0].get("pointer")


def test_a_surplus_goes_from_proposal_to_approval_with_its_figures_in_fen(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    first, second = sold(season)
    body = patronage(50_00)
    dry = asked(client, clerk, "/distributions", body, dry_run="true").json()
    assert client.get("/v1/distributions", headers=clerk).json()["items"] == []
    made = proposed(client, clerk, body)
    assert dry == made | {"id": None}
    # 50.00 less 5.00 of reserve, of which 70 %: 31.50; the pool has 10.00 of it.
    figures = {name: fen for name, fen in made.items() if name.endswith("_fen")}
    assert figures == {
        "amount_fen": 31_50,
        "kept_fen": 0,
        "pool_fen": 10_00,
        "retained_fen": 80_00,
        "from_pool_fen": 10_00,
        "from_retained_fen": 21_50,
        "remainder_fen": 13_50,
    }
    assert {item["payee_id"]: item["amount_fen"] for item in made["items"]} == {str(first): 15_75, str(second): 15_75}
    where = f"/distributions/{made['id']}"
    waiting = client.get(f"/v1{where}", headers=county).json()
    assert (waiting["status"], waiting["from_pool_fen"], waiting["items"]) == ("proposed", None, made["items"])
    approved = asked(client, county, f"{where}/approval", {"opinion": "同意"})
    assert approved.status_code == 200, approved.text
    shown = client.get(f"/v1{where}", headers=clerk).json()
    assert shown["evidence"] == waiting["evidence"] == YEAR["evidence"]
    assert approved.json() | {"items": made["items"], "overlapping": []} == shown
    assert (shown["status"], shown["opinion"]) == ("approved", "同意")
    assert (shown["from_pool_fen"], shown["from_retained_fen"]) == (10_00, 21_50)
    (pool,) = client.get("/v1/pools", headers=clerk).json()["items"]
    assert (pool["brought_fen"], pool["distributed_fen"], pool["recognised_fen"]) == (10_00, 10_00, 0)


@pytest.mark.parametrize(
    ("formula", "proof"),
    [
        ({"formula": "patronage", "surplus_fen": 1, "by_volume_bp": 7_000}, "the members' resolution and the accounts"),
        ({"formula": "dividend", "amount_fen": 1}, "the members' resolution on the dividend"),
        ({"formula": "profit", "profit_fen_per_mu": 1}, "the members' resolution on the dividend"),
        ({"formula": "custody"}, "the custody agreement"),
    ],
)
def test_a_list_without_evidence_is_refused_by_naming_what_proves_its_mechanism(
    client: TestClient, clerk: dict[str, str], formula: dict[str, Any], proof: str
) -> None:
    if formula["formula"] != "patronage":
        formula |= {"register_version_id": "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"}
    unproved = {name: value for name, value in YEAR.items() if name != "evidence"}
    answer = asked(client, clerk, "/distributions", unproved | {"formula": formula})
    assert refusal(answer) == (422, "invalid_input", "/evidence")
    assert answer.json()["errors"] == [{"pointer": "/evidence", "detail": f"must name what proves it: {proof}"}]


def test_what_the_county_rejects_gives_nothing_and_a_decision_stands(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    sold(season)
    where = f"/distributions/{proposed(client, clerk, patronage(50_00))['id']}"
    rejected = asked(client, county, f"{where}/rejection", {"opinion": "名单有误"}).json()
    assert (rejected["status"], rejected["opinion"], rejected["from_pool_fen"]) == ("rejected", "名单有误", None)
    for decision in ("approval", "rejection"):
        again_decided = asked(client, county, f"{where}/{decision}", {"opinion": "再议"})
        assert refusal(again_decided)[:2] == (409, "transition")
    (pool,) = client.get("/v1/pools", headers=clerk).json()["items"]
    assert (pool["distributed_fen"], pool["recognised_fen"]) == (0, 10_00)


def test_one_distribution_is_posted_once_and_its_period_gives_no_more_than_is_left(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    sold(season)
    whole = patronage(100_00, by_volume_bp=10_000)
    one = f"/distributions/{proposed(client, clerk, whole)['id']}"
    assert refusal(asked(client, clerk, "/distributions", whole)) == (409, "period_already_shared", "/period_from")
    key = again(county)
    first, repeated = (
        client.post(f"/v1{one}/approval", json={"opinion": "同意"}, headers=key, params={}) for _ in range(2)
    )
    assert (repeated.status_code, repeated.json(), repeated.headers["Idempotency-Hit"]) == (200, first.json(), "true")
    assert refusal(asked(client, county, f"{one}/approval", {"opinion": "同意"}))[:2] == (409, "transition")
    early = patronage(1_00) | {"period_to": "2026-12-30"}
    assert refusal(asked(client, clerk, "/distributions", early))[:2] == (409, "period_already_shared")


def test_who_decides_sees_what_another_register_shares_out_of_the_same_days(
    client: TestClient, season: Season, clerk: dict[str, str]
) -> None:
    (household,) = sold(season, 1)
    first, second = (season.propose(season.dividend(9_00, Holding(str(household), own_fen=1))) for _ in range(2))
    for one, other in ((first, second), (second, first)):
        shown = client.get(f"/v1/distributions/{one.id}", headers=clerk).json()["overlapping"]
        assert [(each["id"], each["status"], each["amount_fen"]) for each in shown] == [
            (str(other.id), "proposed", 900)
        ]


@pytest.mark.parametrize("same_member", [True, False])
def test_whoever_made_a_distribution_or_belongs_to_its_maker_does_not_approve_it(
    client: TestClient, season: Season, clerk: dict[str, str], *, same_member: bool
) -> None:
    sold(season)
    where = f"/distributions/{proposed(client, clerk, patronage(50_00))['id']}"
    assert asked(client, clerk, f"{where}/approval", {"opinion": "同意"}).status_code == 403
    if same_member:  # the clerk has gone over to the county since
        member = season.session.get_one(Member, season.story.clerk.member_id)
        member.organisation_id, member.role = season.reviewer.organisation_id, Role.COUNTY_REVIEWER
        season.session.flush()
        checker = clerk
    else:
        colleague = factories.member(season.session, season.story.supplier, Role.COUNTY_REVIEWER)
        checker = factories.headers(season.session, colleague)
    for decision in ("approval", "rejection"):
        answer = asked(client, checker, f"{where}/{decision}", {"opinion": "同意"})
        assert refusal(answer)[:2] == (403, "four_eyes"), answer.text


@pytest.mark.parametrize(
    ("changed", "status", "code", "pointer"),
    [
        ({"period_to": "2027-01-16"}, 422, "invalid_input", "/period_to"),
        ({"period_from": "2027-01-01"}, 422, "invalid_input", "/period_to"),
        ({"by_volume_bp": 5_999}, 422, "patronage_floor", "/formula/by_volume_bp"),
        ({"reserve_bp": 9_900}, 422, "invalid_input", "/formula/reserve_bp"),
        ({"surplus_fen": 1_000_00}, 409, "not_enough_recognised", None),
        ({"period_from": "2025-01-01", "period_to": "2025-12-31"}, 422, "nobody_listed", None),
        ({"formula": "dividend"}, 422, "invalid_input", None),
    ],
)
def test_a_distribution_that_cannot_be_is_refused_and_says_why(  # noqa: PLR0917 - the case, and who asks
    client: TestClient,
    season: Season,
    clerk: dict[str, str],
    changed: dict[str, Any],
    status: int,
    code: str,
    pointer: str | None,
) -> None:
    sold(season)
    body = patronage(50_00)
    days = {name: value for name, value in changed.items() if name in YEAR}
    body |= days | {"formula": body["formula"] | {name: changed[name] for name in changed.keys() - days.keys()}}
    found = refusal(asked(client, clerk, "/distributions", body))
    assert found[:2] == (status, code)
    assert pointer in {None, found[2]}


def test_a_register_of_somebody_else_lists_nobody(client: TestClient, season: Season, clerk: dict[str, str]) -> None:
    (household,) = sold(season, 1)
    for version in (season.listed({household: 1}), Season(season.session).listed({household: 1})):
        formula = {"formula": "dividend", "register_version_id": str(version.id), "amount_fen": 100}
        answer = asked(client, clerk, "/distributions", YEAR | {"formula": formula})
        assert refusal(answer) == (404, "not_found", "/formula/register_version_id")


def test_the_capital_of_a_whole_village_is_listed_however_large_it_is(
    client: TestClient, season: Season, clerk: dict[str, str]
) -> None:
    (household,) = sold(season, 1)
    capital_fen = 20_000_000_00
    entitlement = Entitlement(str(household), capital_fen, 2, 1, 1, str(season.collective.id))
    version_id = season.custody(entitlement).register_version_id
    formula = {"formula": "custody", "register_version_id": str(version_id), "months": 1}
    answer = asked(client, clerk, "/distributions", YEAR | {"formula": formula}, dry_run="true")
    assert refusal(answer)[:2] == (409, "not_enough_recognised"), "166.66 yuan each"
    season.deliver({household: 1_000})
    season.sell("100")
    listed = proposed(client, clerk, YEAR | {"formula": formula})
    assert {(item["payee_kind"], item["weight"], item["amount_fen"]) for item in listed["items"]} == {
        ("household", capital_fen, 166_66),
        ("collective", capital_fen, 166_66),
    }


def pages(client: TestClient, who: dict[str, str], path: str, **params: Any) -> list[dict[str, Any]]:
    """Return what a list has, one thing a page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(f"/v1{path}", headers=who, params={"limit": 1, **params, **cursor}).json()
        assert len(page["items"]) == 1
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def test_distributions_follow_each_other_page_by_page_newest_first(
    client: TestClient, season: Season, clerk: dict[str, str], county: dict[str, str]
) -> None:
    sold(season)
    ids = []
    for opinion in ("金额有误", "重复", None):
        ids.append(proposed(client, clerk, patronage(10_00))["id"])
        if opinion:
            asked(client, county, f"/distributions/{ids[-1]}/rejection", {"opinion": opinion})
    assert [row["id"] for row in pages(client, clerk, "/distributions")] == ids[::-1]
    assert [row["id"] for row in pages(client, county, "/distributions", status="rejected")] == [ids[1], ids[0]]
    stranger = factories.headers(
        season.session, factories.member(season.session, factories.organisation(season.session))
    )
    assert client.get("/v1/distributions", headers=stranger).json()["items"] == []
    assert client.get(f"/v1/distributions/{ids[0]}", headers=stranger).status_code == 404


def test_pools_follow_each_other_page_by_page_over_mechanisms_and_suppliers(
    client: TestClient, session: orm.Session
) -> None:
    open_channels(session)
    kept = [(Mechanism.PATRONAGE, 1_000, None), (Mechanism.CUSTODY, 500, None)]
    seasons = [Season(session, pools=kept), Season(session, pools=kept[:1])]
    for season in seasons:
        season.story.lot(10_000)
        season.sell("10")
    county = signed_in(seasons[0], seasons[0].reviewer)
    found = [(row["supplier_id"], row["mechanism"], row["brought_fen"]) for row in pages(client, county, "/pools")]
    one, other = (str(season.story.supplier.id) for season in seasons)
    assert found == [(one, "custody", 5_00), (one, "patronage", 10_00), (other, "patronage", 10_00)]
    forged = client.get("/v1/pools", headers=county, params={"cursor": "eA"})
    assert forged.status_code == 422


def gift(season: Season, weights: dict[UUID, int], amount_fen: int, reference: str = "二次分配 1") -> dict[str, Any]:
    return {
        "supplier_id": str(season.story.supplier.id),
        "register_version_id": str(season.listed(weights).id),
        "amount_fen": amount_fen,
        "given_on": "2027-01-15",
        "evidence": "村民代表会议决议、领款签字表",
        "reference": reference,
    }


def test_distributions_take_as_many_statements_for_twenty_households_as_for_two(
    client: TestClient, session: orm.Session, db: Database
) -> None:
    open_channels(session)

    def costs(households: int, lines: int) -> list[int]:
        season = Season(session, collective_bp=1_000)
        found = sold(season, households, lines)
        clerk, county = signed_in(season, season.story.clerk), signed_in(season, season.reviewer)
        keeper, village = signed_in(season, season.keeper), signed_in(season, season.village)
        season.pay_collective(10_00 * lines)
        gave = gift(season, dict.fromkeys(found, 1), 5_00 * lines)
        counts = [cost(db, lambda: asked(client, clerk, "/distributions", patronage(20_00 * lines)))]
        (first,) = client.get("/v1/distributions", headers=clerk).json()["items"]
        counts += [
            cost(db, lambda: asked(client, county, f"/distributions/{first['id']}/approval", {"opinion": "同意"})),
            cost(db, lambda: asked(client, keeper, "/second-distributions", gave)),
        ]
        (given,) = client.get("/v1/second-distributions", headers=keeper).json()["items"]
        second = f"/second-distributions/{given['id']}/approval"
        counts.append(cost(db, lambda: asked(client, county, second, {"opinion": "同意"})))
        counts.append(cost(db, lambda: asked(client, village, f"/second-distributions/{given['id']}/confirmation")))
        account = f"/collectives/{season.collective.id}/account"
        counts.append(cost(db, lambda: client.get(f"/v1{account}", headers=keeper)))
        reads = ("/distributions", f"/distributions/{first['id']}", "/pools", "/second-distributions")
        return counts + [cost(db, partial(client.get, f"/v1{path}", headers=clerk)) for path in reads]

    few, many = costs(2, 1), costs(20, 4)
    assert few == many


def test_a_pool_may_hold_what_a_list_left_there_though_no_line_brought_it_anything(
    client: TestClient, session: orm.Session
) -> None:
    open_channels(session)
    season = Season(session, pools=[])
    stays, left = season.story.household(), season.story.household()
    season.deliver({stays.id: 75, left.id: 25})
    season.sell("10")
    session.get_one(Household, left.id).departed_on = date(2026, 6, 1)
    session.flush()
    season.share_out(season.patronage(8_00))
    (pool,) = client.get("/v1/pools", headers=signed_in(season, season.story.clerk)).json()["items"]
    assert (pool["brought_fen"], pool["distributed_fen"], pool["recognised_fen"]) == (0, -2_00, 2_00)
