"""What is odd about the proof of a payment is listed for who audits, by named rules; what is in order is not."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.rules import PROOF_WORDS, ProofRule
from tests.attribution.test_evidence import picture, proved, send, uploaded
from tests.papers import pdf
from tests.stalls import NOON, TODAY, Desk, Stalls


@pytest.fixture
def stalls(client: TestClient, session: orm.Session) -> Iterator[Stalls]:
    with time_machine.travel(NOON, tick=False):
        yield Stalls(client, session)


def paid(stalls: Stalls, *evidence_ids: str, day: str = TODAY) -> str:
    """Pay a household, proved by files; return the disbursement."""
    batch = stalls.payment(1_000) | {"evidence_ids": list(evidence_ids), "paid_on": day}
    return str(stalls.clerk.made("/disbursements", batch)["id"])


def odd(desk: Desk, rule: ProofRule, **asked: str) -> list[dict[str, Any]]:
    answer = desk.get("/monitoring/evidence", rule=rule.value, **asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_every_rule_is_told_in_both_languages() -> None:
    assert set(PROOF_WORDS) == set(ProofRule)


def test_a_payment_without_a_file_is_listed_until_it_has_one(stalls: Stalls) -> None:
    bare, proof = paid(stalls), uploaded(stalls.clerk, pdf("receipt"), taken_on=TODAY)["id"]
    paid(stalls, uploaded(stalls.clerk, pdf("another"), taken_on=TODAY)["id"])
    (found,) = odd(stalls.auditor, ProofRule.NO_EVIDENCE_FILE)
    assert (found["disbursement_id"], found["evidence_id"], found["paid_on"]) == (bare, None, TODAY)
    assert (found["en"], found["zh"]) == PROOF_WORDS[ProofRule.NO_EVIDENCE_FILE]
    stalls.clerk.made(f"/disbursements/{bare}/evidence", {"evidence_ids": [proof]})
    assert stalls.auditor.get("/monitoring/evidence").json()["items"] == []


@pytest.mark.parametrize(
    ("stated", "paid_on", "rule", "days"),
    [
        ("2026-03-02", "2026-03-01", ProofRule.CAPTURED_AFTER_PAYMENT, 1),
        ("2026-01-30", "2026-03-02", ProofRule.CAPTURED_LONG_BEFORE, -31),
        ("2026-01-31", "2026-03-02", None, 0),
        ("2026-03-01", "2026-03-01", None, 0),
    ],
)
def test_a_file_captured_after_the_payment_or_long_before_is_listed(
    stalls: Stalls, stated: str, paid_on: str, rule: ProofRule | None, days: int
) -> None:
    file = uploaded(stalls.clerk, pdf("receipt"), taken_on=stated)["id"]
    made = paid(stalls, file, day=paid_on)
    items = stalls.auditor.get("/monitoring/evidence").json()["items"]
    found = [(item["rule"], item["disbursement_id"], item["evidence_id"], item["days"]) for item in items]
    assert found == ([(rule.value, made, file, days)] if rule else [])


def test_what_the_camera_noted_goes_before_what_is_stated_and_by_the_day_in_china(stalls: Stalls) -> None:
    taken = picture(taken="2026:03:02 00:30:00")
    made = paid(stalls, uploaded(stalls.clerk, taken, taken_on="2026-03-01")["id"], day="2026-03-01")
    (found,) = odd(stalls.auditor, ProofRule.CAPTURED_AFTER_PAYMENT)
    assert (found["disbursement_id"], found["captured_on"]) == (made, "2026-03-02")


def test_what_confirms_a_payment_is_not_captured_before_it(stalls: Stalls) -> None:
    for stated, listed in (("2026-03-01", True), ("2026-03-02", False)):
        batch = stalls.clerk.made("/disbursements", stalls.payment(1_000))
        sheet = uploaded(stalls.village, pdf(stated), taken_on=stated)["id"]
        request = {"payment_ids": [batch["payments"][0]["id"]], "evidence_ids": [sheet]}
        stalls.village.made("/payments/confirmations", request)
        found = [item["evidence_id"] for item in odd(stalls.auditor, ProofRule.CAPTURED_LONG_BEFORE)]
        assert (sheet in found) is listed
    (item,) = odd(stalls.auditor, ProofRule.CAPTURED_LONG_BEFORE)
    assert (item["disbursement_id"], item["confirmation_id"] is not None) == (None, True)


def test_a_picture_with_a_changed_chunk_is_listed_beside_the_one_it_looks_like(stalls: Stalls) -> None:
    first = uploaded(stalls.clerk, picture())["id"]
    changed = uploaded(stalls.clerk, picture(form="JPEG", size=60))["id"]
    unlike = uploaded(stalls.clerk, picture(shade=90))["id"]
    one, two = paid(stalls, first), paid(stalls, changed, unlike)
    found = odd(stalls.auditor, ProofRule.LOOKS_LIKE_ANOTHER)
    assert {(item["disbursement_id"], item["evidence_id"], item["other_evidence_id"]) for item in found} == {
        (one, first, changed),
        (two, changed, first),
    }


def test_look_alikes_that_prove_one_thing_are_in_order(stalls: Stalls) -> None:
    pictures = [uploaded(stalls.clerk, picture(form="JPEG", size=size))["id"] for size in (90, 60)]
    paid(stalls, *pictures)
    assert odd(stalls.auditor, ProofRule.LOOKS_LIKE_ANOTHER) == []


def test_a_file_that_another_organisation_put_forward_too_is_listed(stalls: Stalls) -> None:
    content = pdf("receipt")
    file = uploaded(stalls.clerk, content, taken_on=TODAY)["id"]
    made = paid(stalls, file)
    assert odd(stalls.auditor, ProofRule.HELD_BY_TWO_ORGANISATIONS) == []
    assert send(stalls.other_clerk, content).status_code == 201
    (found,) = odd(stalls.auditor, ProofRule.HELD_BY_TWO_ORGANISATIONS)
    assert (found["disbursement_id"], found["evidence_id"]) == (made, file)
    assert found["other_organisation_id"] == str(stalls.other_supplier.id)


def test_a_county_sees_what_concerns_its_payees_and_a_page_leads_to_the_next(stalls: Stalls) -> None:
    made = [paid(stalls) for _ in range(3)]
    first = stalls.county.get("/monitoring/evidence", limit=2).json()
    rest = stalls.county.get("/monitoring/evidence", limit=2, cursor=first["next_cursor"]).json()
    assert [item["disbursement_id"] for item in first["items"] + rest["items"]] == sorted(made, reverse=True)
    assert rest["next_cursor"] is None
    assert stalls.other_county.get("/monitoring/evidence").json()["items"] == []
    assert stalls.clerk.get("/monitoring/evidence").status_code == 403
    elsewhere = {"supplier_id": str(stalls.other_supplier.id)}
    assert odd(stalls.auditor, ProofRule.NO_EVIDENCE_FILE, **elsewhere) == []
    assert odd(stalls.auditor, ProofRule.NO_EVIDENCE_FILE, to="2026-03-01") == []


def test_the_traces_of_order_and_household_name_the_files_and_who_confirmed(stalls: Stalls) -> None:
    order = stalls.accepted()
    stalls.clerk.made("/receipts", stalls.money(order, 10_000))
    receipt = uploaded(stalls.clerk, pdf("receipt"))["id"]
    payment = proved(stalls, receipt).json()["payments"][0]["id"]
    sheet = uploaded(stalls.village, pdf("sheet"))["id"]
    stalls.village.made("/payments/confirmations", {"payment_ids": [payment], "evidence_ids": [sheet]})
    household = stalls.households[0].id
    traced = stalls.auditor.get(f"/audit/orders/{order['id']}/trace").json()["lines"]
    period = {"from": "2026-01-01", "to": TODAY}
    back = stalls.auditor.get(f"/audit/households/{household}/trace", **period).json()["items"]
    for lines in (traced, [item["line"] for item in back]):
        payments = [share["payment"] for line in lines for share in line["shares"] if share["payment"]]
        assert {each["id"] for each in payments} == {payment}
        for each in payments:
            assert (each["evidence_ids"], each["confirmation_evidence_ids"]) == ([receipt], [sheet])
            assert each["confirmed_by"] == "village_clerk"
