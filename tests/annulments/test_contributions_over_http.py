"""A contribution is annulled by HTTP: an auditor states it, the county decides, and what was foretold falls."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.attribution import queries
from market.audit.doctoring import examine
from market.audit.verifying import verify
from tests.stalls import NOON, Stalls

DAY = "2026-03-12"


@pytest.fixture
def stalls(client: TestClient, session: orm.Session) -> Iterator[Stalls]:
    """Sell 10 kg of a lot of two households, of whom the first has been paid, and let ten days pass."""
    with time_machine.travel(NOON, tick=False):
        built = paid(client, session)
    with time_machine.travel(NOON + timedelta(days=10), tick=False):
        yield built


def paid(client: TestClient, session: orm.Session) -> Stalls:
    built = Stalls.paid(client, session)
    household = built.households[0]
    payment = {
        "payee_kind": "household",
        "payee_id": str(household.id),
        "amount_fen": 1_000,
        "reference": "DF-1",
        "contribution_id": str(built.contributions[0]),
    }
    batch = {"paid_on": "2026-03-02", "method": "bank_transfer", "evidence": "银行回单", "payments": [payment]}
    built.clerk.made("/disbursements", batch)
    return built


def stated(stalls: Stalls, position: int = 0, **changed: Any) -> dict[str, Any]:
    """Return what is stated of the contribution of a household."""
    told = {"contribution_id": str(stalls.contributions[position]), "reason": "未交售", "evidence": "审计报告 7 号"}
    return told | changed


def test_what_a_dry_run_tells_is_what_falls(session: orm.Session, stalls: Stalls) -> None:
    lines = session.scalars(sa.text("SELECT id FROM order_lines")).all()
    before = queries.standings(session, lines)
    dry = stalls.auditor.post("/annulments?dry_run=true", stated(stalls)).json()
    assert stalls.county.get("/annulments").json()["items"] == []
    made = stalls.auditor.made("/annulments", stated(stalls))
    assert dry == made | {"id": None}
    assert queries.standings(session, lines) == before, "nothing falls before it is decided"
    household = str(stalls.households[0].id)
    assert made["advance_fen"] == 1_000
    assert {(row["step"], row["amount_fen"]) for row in made["fallen"]} == {("recognised", 2_000), ("disbursed", 1_000)}
    assert {row["owner_id"] for row in made["fallen"]} == {household}
    assert [(row["kind"], row["step"], row["amount_fen"]) for row in made["back"]] == [
        ("retained", "recognised", 3_000)
    ]
    assert (made["amount_fen"], made["counts_on"], made["known_on"]) == (3_000, DAY, "2026-03-02")

    where = f"/annulments/{made['id']}"
    approved = stalls.county.post(f"{where}/approval", {"opinion": "属实"})
    assert approved.status_code == 200, approved.text
    assert approved.json() == stalls.clerk.get(where).json()
    assert (approved.json()["status"], approved.json()["contribution_id"]) == ("approved", str(stalls.contributions[0]))
    fallen: Counter[str] = Counter()
    for line, left in queries.standings(session, lines).items():
        for sign, found in ((1, before[line]), (-1, left)):
            for each in found:
                fallen[each.step.value] += sign * each.fen if each.share.owner_id == stalls.households[0].id else 0
        assert stalls.contributions[0] not in {each.share.contribution_id for each in left}
    assert +fallen == Counter({row["step"]: row["amount_fen"] for row in made["fallen"]})
    lot_id = session.scalar(sa.text("SELECT lot_id FROM contributions LIMIT 1"))
    given = stalls.clerk.get(f"/lots/{lot_id}/contributions").json()["items"]
    assert [row["annulment_id"] for row in given] == [made["id"], None]
    assert verify(session).findings == ()
    symptoms = {symptom.invariant for symptom in examine(session)}
    assert symptoms <= {"lot_is_covered"}, "the stalls' lots come from nowhere"


def test_the_same_word_twice_is_one_annulment(stalls: Stalls) -> None:
    first = stalls.auditor.post("/annulments", stated(stalls), key="once")
    again = stalls.auditor.post("/annulments", stated(stalls), key="once")
    assert (first.json(), again.headers["Idempotency-Hit"]) == (again.json(), "true")
    assert len(stalls.county.get("/annulments").json()["items"]) == 1


@pytest.mark.parametrize("named", [{}, {"distribution_id": "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"}])
def test_it_names_one_thing(stalls: Stalls, named: dict[str, str]) -> None:
    told = (
        stated(stalls) | named if named else {key: text for key, text in stated(stalls).items() if "id" not in key[-3:]}
    )
    refused = stalls.auditor.post("/annulments", told)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


def test_a_stranger_to_the_supplier_states_nothing_of_it(stalls: Stalls) -> None:
    stranger = stalls.desk(stalls.other_supplier, stalls.manager.member.role)
    assert stranger.post("/annulments", stated(stalls)).status_code == 404
    assert stalls.clerk.post("/annulments", stated(stalls)).status_code == 403
    made = stalls.manager.made("/annulments", stated(stalls))
    assert stalls.other_county.post(f"/annulments/{made['id']}/approval", {"opinion": "属实"}).status_code == 404
    waiting = stalls.auditor.post("/annulments", stated(stalls))
    assert (waiting.status_code, waiting.json()["code"]) == (409, "annulment_proposed")
