"""A simulation by HTTP: read page by page, recorded by a POST, and asked for before the county approves a version."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.benefits.models import PlanSimulation
from market.benefits.rules import Mechanism
from market.identity.models import Member
from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.distributions.test_simulating import dividend, proposed
from tests.story import NOON, Story, open_channels


@pytest.fixture(autouse=True)
def _noon(session: orm.Session) -> Iterator[None]:
    open_channels(session)
    with time_machine.travel(NOON, tick=False):
        yield


def test_the_county_approves_only_what_was_simulated_and_sees_what_it_was_told(
    client: TestClient, session: orm.Session
) -> None:
    payees = [factories.household(session).id for _ in range(2)]
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_000, [(payees[0], 1)])])
    story.lot(100_000)
    story.sell("10")
    county = factories.signed_in(session, Role.COUNTY_REVIEWER, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    version = proposed(story, dividend(1_500, [(payees[1], 1)]))
    where = f"/v1/plan-versions/{version.id}"

    def posted(action: str, key: str, language: str = "en", **body: Any) -> Any:
        headers = county | {"Idempotency-Key": key, "Accept-Language": language}
        return client.post(f"{where}/{action}", headers=headers, json=body or None)

    refused = posted("approval", "1", opinion="同意")
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_not_simulated")
    assert f"POST {where}/simulations" in refused.json()["detail"]
    assert "尚未测算" in posted("approval", "2", "zh", opinion="同意").json()["detail"]
    read = client.get(f"{where}/simulation", headers=county, params={"limit": 100})
    assert posted("approval", "3", opinion="同意").status_code == 409, "reading it records nothing"
    first, repeat = posted("simulations", "4"), posted("simulations", "4")
    assert (first.status_code, first.json()) == (201, read.json())
    assert (repeat.json(), repeat.headers["idempotency-hit"]) == (first.json(), "true")
    approved = posted("approval", "5", opinion="同意").json()
    assert approved["status"] == "approved"
    late = posted("simulations", "6")
    assert (late.status_code, late.json()["code"]) == (409, "transition")
    assert late.json()["detail"] == "This version of the plan is approved; it cannot be simulated."
    told = approved["simulation"]
    assert told == {
        "id": told["id"],
        "version_status": "submitted",
        "made_by": approved["decided_by"],
        "made_at": "2026-03-02T04:00:00Z",
        "since": "2025-03-03",
        "until": "2026-03-02",
        "lines": 1,
        "of_other_plans": False,
        "without_sales": False,
        "net_fen": 10_000,
        "households_gaining": 1,
        "gained_fen": 1_500,
        "households_losing": 1,
        "lost_fen": 1_000,
        "households_unchanged": 0,
    }
    assert session.scalars(sa.select(sa.func.count()).select_from(PlanSimulation).filter_by(id=told["id"])).one() == 1
    versions = client.get(f"/v1/plans/{version.plan_id}", headers=county).json()["versions"]
    assert versions[-1]["simulation"] == told


def test_the_latest_simulation_is_shown_and_one_without_sales_says_so(client: TestClient, session: orm.Session) -> None:
    story = Story(session)
    version = proposed(story)
    clerk = factories.headers(session, session.get_one(Member, story.clerk.member_id))
    assert client.get(f"/v1/plans/{version.plan_id}", headers=clerk).json()["versions"][-1]["simulation"] is None
    made = []
    for key in ("1", "2"):
        path = f"/v1/plan-versions/{version.id}/simulations"
        assert client.post(path, headers=clerk | {"Idempotency-Key": key}).json()["items"] == []
        shown = client.get(f"/v1/plans/{version.plan_id}", headers=clerk).json()["versions"][-1]["simulation"]
        assert (shown["lines"], shown["without_sales"], shown["households_losing"]) == (0, True, 0)
        made.append(shown["id"])
    assert len(set(made)) == 2


def test_the_reviewer_pages_through_it_and_the_totals_are_of_the_whole_year(
    client: TestClient, session: orm.Session
) -> None:
    payees = [(factories.household(session).id, weight) for weight in (1, 2, 3)]
    story = Story(session, pools=[(Mechanism.SHARE_DIVIDEND, 1_200, payees)])
    story.lot(100_000)
    story.sell("10")
    version = proposed(story, dividend(1_200, [(payee, 1) for payee, _ in payees]))
    reviewer = factories.signed_in(session, Role.COUNTY_REVIEWER, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    where = f"/v1/plan-versions/{version.id}/simulation"
    items = []
    cursor = None
    while True:
        page = client.get(where, params={"limit": 3} | ({"cursor": cursor} if cursor else {}), headers=reviewer).json()
        items += page["items"]
        assert page["households"] == {"gaining": 1, "gained_fen": 200, "losing": 1, "lost_fen": 200, "unchanged": 1}
        assert (page["net_fen"], page["retained_before_fen"], page["retained_after_fen"]) == (10_000, 8_800, 8_800)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [(item["kind"], item["difference_fen"]) for item in items] == [
        ("household", -200),
        ("household", 0),
        ("retained", 0),
        ("household", 200),
    ]
    for bad in ("!", "MQ"):
        assert client.get(where, params={"cursor": bad}, headers=reviewer).status_code == 422
    assert client.get(f"/v1/plan-versions/{uuid4()}/simulation", headers=reviewer).status_code == 404
