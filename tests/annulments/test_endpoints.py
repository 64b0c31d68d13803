"""Annulments by HTTP: proposed by the supplier's manager, the county or an auditor, decided by the county."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.models import Member
from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.annulments.annulling_lists import LATER_NOON, manager
from tests.benefits.test_endpoints import again
from tests.distributions.season import AFTER, Season
from tests.distributions.test_endpoints import asked, patronage, refusal, signed_in
from tests.story import open_channels

WHY = {"reason": "名单误用了上一年度的名册", "evidence": "审计报告 2027-003 号"}


@pytest.fixture(autouse=True)
def _february() -> Iterator[None]:
    with time_machine.travel(LATER_NOON, tick=False):
        yield


@pytest.fixture
def season(session: orm.Session) -> Season:
    open_channels(session)
    return Season(session)


@pytest.fixture
def boss(season: Season) -> dict[str, str]:
    return signed_in(season, manager(season))


@pytest.fixture
def county(season: Season) -> dict[str, str]:
    return signed_in(season, season.reviewer)


def shared_out(season: Season) -> tuple[UUID, dict[str, str]]:
    """Give 40 yuan out of a line, 10 of them of the pool, of which 25 are paid; return to whom and what names it."""
    household = season.story.household().id
    season.deliver({household: 100})
    season.sell("10")
    distribution = season.share_out(season.patronage(40_00))
    season.story.disburse({household: 25_00}, on=AFTER)
    return household, {"distribution_id": str(distribution.id)}


def test_a_wrong_list_goes_from_proposal_to_approval_and_its_days_are_free_again(
    client: TestClient, season: Season, boss: dict[str, str], county: dict[str, str]
) -> None:
    household, named = shared_out(season)
    dry = asked(client, boss, "/annulments", WHY | named, dry_run="true")
    assert dry.status_code == 200, dry.text
    assert client.get("/v1/annulments", headers=boss).json()["items"] == []
    made = asked(client, boss, "/annulments", WHY | named)
    assert made.status_code == 201, made.text
    assert dry.json() == made.json() | {"id": None}
    supplier = str(season.story.supplier.id)
    payee = {"kind": "household", "owner_id": str(household), "mechanism": "patronage"}
    assert made.json() == {
        "id": made.json()["id"],
        "supplier_id": supplier,
        "amount_fen": 40_00,
        "advance_fen": 25_00,
        "counts_on": "2027-02-15",
        "known_on": "2027-01-15",
        "fallen": [
            payee | {"step": "recognised", "amount_fen": 15_00},
            payee | {"step": "disbursed", "amount_fen": 25_00},
        ],
        "back": [
            {"kind": "pool", "mechanism": "patronage", "step": "recognised", "amount_fen": 10_00},
            {"kind": "retained", "mechanism": None, "step": "recognised", "amount_fen": 30_00},
        ],
    }
    where = f"/annulments/{made.json()['id']}"
    waiting = client.get(f"/v1{where}", headers=county).json()
    assert (waiting["status"], waiting["distribution_id"]) == ("proposed", named["distribution_id"])
    assert {name: waiting[name] for name in WHY} == WHY
    approved = asked(client, county, f"{where}/approval", {"opinion": "属实"})
    assert approved.status_code == 200, approved.text
    shown = client.get(f"/v1{where}", headers=boss).json()
    assert approved.json() == shown
    assert (shown["status"], shown["opinion"], shown["decided_at"]) == ("approved", "属实", "2027-02-15T04:00:00Z")
    found = client.get("/v1/annulments", headers=boss, params={"status": "approved"}).json()["items"]
    assert found == [shown]
    assert client.get("/v1/annulments", headers=boss, params={"status": "proposed"}).json()["items"] == []
    distribution = client.get(f"/v1/distributions/{named['distribution_id']}", headers=boss).json()
    assert (distribution["status"], distribution["from_pool_fen"]) == ("annulled", 10_00)
    listed = client.get("/v1/distributions", headers=boss, params={"status": "annulled"}).json()["items"]
    assert [each["id"] for each in listed] == [named["distribution_id"]]
    (pool,) = client.get("/v1/pools", headers=boss).json()["items"]
    assert (pool["brought_fen"], pool["distributed_fen"], pool["recognised_fen"]) == (10_00, 0, 10_00)
    clerk = signed_in(season, season.story.clerk)
    right = asked(client, clerk, "/distributions", patronage(30_00, by_volume_bp=10_000))
    assert (right.status_code, right.json()["from_pool_fen"]) == (201, 10_00), right.text


def test_what_was_asked_twice_with_one_key_is_done_once(
    client: TestClient, season: Season, boss: dict[str, str], county: dict[str, str], session: orm.Session
) -> None:
    _, named = shared_out(season)
    key = again(boss)
    first, repeated = (client.post("/v1/annulments", json=WHY | named, headers=key) for _ in range(2))
    assert (repeated.status_code, repeated.json(), repeated.headers["Idempotency-Hit"]) == (201, first.json(), "true")
    assert refusal(asked(client, boss, "/annulments", WHY | named))[:2] == (409, "annulment_proposed")
    where, key = f"/v1/annulments/{first.json()['id']}/approval", again(county)
    done, repeated = (client.post(where, json={"opinion": "属实"}, headers=key) for _ in range(2))
    assert (repeated.status_code, repeated.json(), repeated.headers["Idempotency-Hit"]) == (200, done.json(), "true")
    entries = "SELECT count(*) FROM ledger_entries WHERE reason = 'annulment'"
    assert session.scalar(sa.text(entries)) == 1
    for decision in ("approval", "rejection"):
        decided = asked(client, county, f"/annulments/{first.json()['id']}/{decision}", {"opinion": "再议"})
        assert refusal(decided)[:2] == (409, "transition")


def test_what_the_county_rejects_stands_and_may_be_proposed_anew(
    client: TestClient, season: Season, boss: dict[str, str], county: dict[str, str]
) -> None:
    _, named = shared_out(season)
    first = asked(client, boss, "/annulments", WHY | named).json()["id"]
    rejected = asked(client, county, f"/annulments/{first}/rejection", {"opinion": "名单无误"}).json()
    assert (rejected["status"], rejected["opinion"]) == ("rejected", "名单无误")
    distribution = client.get(f"/v1/distributions/{named['distribution_id']}", headers=boss).json()
    assert distribution["status"] == "approved"
    assert asked(client, boss, "/annulments", WHY | named).status_code == 201


def test_an_auditor_proposes_and_the_county_that_proposes_does_not_decide(
    client: TestClient, season: Season, county: dict[str, str], session: orm.Session
) -> None:
    _, named = shared_out(season)
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    auditor = factories.headers(session, factories.member(session, office, Role.AUDITOR))
    assert asked(client, auditor, "/annulments", WHY | named, dry_run="true").status_code == 200
    made = asked(client, county, "/annulments", WHY | named).json()["id"]
    answer = asked(client, county, f"/annulments/{made}/approval", {"opinion": "属实"})
    assert refusal(answer)[:2] == (403, "four_eyes")
    zh = client.post(
        f"/v1/annulments/{made}/approval", json={"opinion": "属实"}, headers=again(county) | {"Accept-Language": "zh"}
    )
    assert zh.json()["detail"] == "撤销审批须由不同人员复核:经办人或前一审核方不得再次审批。"
    gone_over = session.get_one(Member, season.story.clerk.member_id)
    gone_over.role = Role.COUNTY_REVIEWER
    session.flush()
    answer = asked(client, factories.headers(session, gone_over), f"/annulments/{made}/approval", {"opinion": "属实"})
    assert refusal(answer)[:2] == (403, "four_eyes"), "of the supplier"


@pytest.mark.parametrize(
    ("changed", "status", "code", "pointer"),
    [
        ({"distribution_id": "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"}, 404, "not_found", "/distribution_id"),
        ({"reason": " "}, 422, "invalid_input", "/reason"),
        ({"evidence": ""}, 422, "invalid_input", "/evidence"),
        ({"reason": "户主身份证 11010519491231002X"}, 422, "invalid_input", "/reason"),
        ({"amount_fen": 1}, 422, "invalid_input", "/amount_fen"),
    ],
)
def test_what_cannot_be_annulled_is_named(  # noqa: PLR0917 - fixtures and what is told
    client: TestClient,
    season: Season,
    boss: dict[str, str],
    changed: dict[str, Any],
    status: int,
    code: str,
    pointer: str,
) -> None:
    _, named = shared_out(season)
    for dry_run in ("true", "false"):
        answer = asked(client, boss, "/annulments", WHY | named | changed, dry_run=dry_run)
        assert refusal(answer) == (status, code, pointer), answer.text


def test_what_is_only_proposed_is_refused_in_both_languages(
    client: TestClient, season: Season, boss: dict[str, str]
) -> None:
    season.deliver({season.story.household().id: 100})
    season.sell("10")
    named = {"distribution_id": str(season.propose(season.patronage(10_00)).id)}
    answer = asked(client, boss, "/annulments", WHY | named)
    assert refusal(answer)[:2] == (409, "transition")
    assert answer.json()["detail"] == "This distribution is proposed; it cannot be annulled."
    zh = client.post("/v1/annulments", json=WHY | named, headers=again(boss) | {"Accept-Language": "zh"})
    assert zh.json()["detail"] == "该按期分配当前状态为「待审批」,不能撤销。"
