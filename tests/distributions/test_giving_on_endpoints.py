"""Giving on by HTTP: stated by the village collective, decided by the county, confirmed in the village."""

from collections.abc import Iterator

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.distributions.season import NOW, Season
from tests.distributions.test_endpoints import asked, gift, pages, refusal, signed_in, sold
from tests.story import open_channels


@pytest.fixture(autouse=True)
def _january() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def season(session: orm.Session) -> Season:
    """A cooperative that gives its village a tenth of what lines bring."""
    open_channels(session)
    return Season(session, collective_bp=1_000)


@pytest.fixture
def county(season: Season) -> dict[str, str]:
    return signed_in(season, season.reviewer)


@pytest.fixture
def village(season: Season) -> dict[str, str]:
    return signed_in(season, season.village)


@pytest.fixture
def keeper(season: Season) -> dict[str, str]:
    return signed_in(season, season.keeper)


def test_a_village_gives_on_what_it_received_the_county_approves_and_the_village_office_confirms_it(
    client: TestClient, season: Season, keeper: dict[str, str], county: dict[str, str], village: dict[str, str]
) -> None:
    first, second = sold(season, lines=2)
    season.pay_collective(25_00)  # lines brought 20 of it
    body = gift(season, {first: 2, second: 1}, 15_00)
    dry = asked(client, keeper, "/second-distributions", body, dry_run="true").json()
    made = asked(client, keeper, "/second-distributions", body).json()
    assert dry == made | {"id": None}
    assert (made["amount_fen"], made["kept_fen"], made["held_before_fen"]) == (15_00, 0, 20_00)
    assert {item["payee_id"]: item["amount_fen"] for item in made["items"]} == {str(first): 10_00, str(second): 5_00}
    where = f"/second-distributions/{made['id']}"
    assert refusal(asked(client, village, f"{where}/confirmation"))[:2] == (409, "second_not_approved")
    account = f"/v1/collectives/{season.collective.id}/account"
    (money,) = client.get(account, headers=keeper).json()["items"]
    assert (money["given_on_fen"], money["held_fen"]) == (0, 20_00), "nothing is given before it is approved"
    approved = asked(client, county, f"{where}/approval", {"opinion": "同意"})
    assert (approved.status_code, approved.json()["status"], approved.json()["opinion"]) == (200, "approved", "同意")
    assert refusal(asked(client, county, f"{where}/rejection", {"opinion": "再议"}))[:2] == (409, "transition")
    (money,) = client.get(account, headers=keeper).json()["items"]
    assert {name: fen for name, fen in money.items() if name.endswith("_fen")} == {
        "received_fen": 25_00,
        "given_on_fen": 15_00,
        "held_fen": 5_00,
        "advance_fen": 5_00,
    }
    assert client.get(account, headers=village).json() == client.get(account, headers=keeper).json()
    where += "/confirmation"
    assert asked(client, keeper, where).status_code == 403
    confirmed = asked(client, village, where)
    assert (confirmed.status_code, confirmed.json()["confirmed_at"]) == (200, "2027-01-15T04:00:00Z")
    assert refusal(asked(client, village, where))[:2] == (409, "second_confirmed")


def test_a_village_gives_on_what_it_holds_once_and_not_before_it_is_given(
    client: TestClient, season: Season, keeper: dict[str, str], county: dict[str, str]
) -> None:
    (household,) = sold(season, 1)
    season.pay_collective(10_00)
    too_much = asked(client, keeper, "/second-distributions", gift(season, {household: 1}, 10_01))
    assert refusal(too_much) == (409, "not_enough_received", "/amount_fen")
    before = gift(season, {household: 1}, 1_00) | {"given_on": "2027-01-14"}
    early = asked(client, keeper, "/second-distributions", before)
    assert refusal(early) == (409, "given_before_received", "/given_on")
    assert "came in on 2027-01-15" in early.json()["detail"]
    tomorrow = gift(season, {household: 1}, 1_00) | {"given_on": "2027-01-16"}
    assert refusal(asked(client, keeper, "/second-distributions", tomorrow)) == (422, "future_date", "/given_on")
    assert asked(client, keeper, "/second-distributions", gift(season, {household: 1}, 4_00)).status_code == 201
    twice = asked(client, keeper, "/second-distributions", gift(season, {household: 1}, 4_00, "二次分配  1"))
    assert refusal(twice) == (409, "second_reference_taken", "/reference")
    (waiting,) = client.get("/v1/second-distributions", headers=keeper).json()["items"]
    path = f"/second-distributions/{waiting['id']}/rejection"
    assert asked(client, county, path, {"opinion": "签字不全"}).json()["status"] == "rejected"
    anew = asked(client, keeper, "/second-distributions", gift(season, {household: 1}, 4_00, "二次分配  1"))
    assert anew.status_code == 201, "what was turned down gives its reference back"
    others = gift(season, {household: 1}, 1_00, "二次分配 2") | {
        "register_version_id": str(Season(season.session).listed({household: 1}).id)
    }
    assert refusal(asked(client, keeper, "/second-distributions", others)) == (
        404,
        "not_found",
        "/register_version_id",
    )


def test_second_distributions_follow_each_other_page_by_page_and_stand_in_the_households_trace(
    client: TestClient, season: Season, keeper: dict[str, str], county: dict[str, str], village: dict[str, str]
) -> None:
    (household,) = sold(season, 1)
    season.pay_collective(10_00)
    ids = []
    for number in range(3):
        body = gift(season, {household: 1}, 1_00, f"二次分配 {number}")
        ids.append(asked(client, keeper, "/second-distributions", body).json()["id"])
        asked(client, county, f"/second-distributions/{ids[-1]}/approval", {"opinion": "同意"})
    assert [row["id"] for row in pages(client, village, "/second-distributions")] == ids[::-1]
    auditor = factories.signed_in(season.session, Role.AUDITOR, kind=OrganisationKind.AUDIT_OFFICE)
    trace = client.get(
        f"/v1/audit/households/{household}/trace", headers=auditor, params={"from": "2027-01-01", "to": "2027-01-31"}
    ).json()
    (line,) = [item["line"] for item in trace["items"]]
    assert [(proof["id"], proof["amount_fen"]) for proof in line["second_distributions"]] == [
        (id_, 1_00) for id_ in ids
    ]
    assert {proof["evidence"] for proof in line["second_distributions"]} == {"村民代表会议决议、领款签字表"}


def test_a_village_sees_its_own_collectives_account_alone(
    client: TestClient, season: Season, keeper: dict[str, str]
) -> None:
    elsewhere = factories.organisation(
        season.session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code="141125101201"
    )
    assert client.get(f"/v1/collectives/{elsewhere.id}/account", headers=keeper).status_code == 404
    assert client.get(f"/v1/collectives/{season.story.supplier.id}/account", headers=keeper).status_code == 404
    assert client.get(f"/v1/collectives/{season.collective.id}/account", headers=keeper).json() == {"items": []}
