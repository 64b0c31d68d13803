"""Who says that a household has its money: its village clerk for it, by name, or itself by a code on paper."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from market.attribution import confirming
from market.attribution.code_limits import OF_AN_ADDRESS
from market.attribution.confirming import MOST_ATTEMPTS
from market.attribution.models import Confirmation, ConfirmationCode, ConfirmedPayment, EvidenceUse, Payment
from tests.attribution.test_evidence import PDF, uploaded
from tests.stalls import NOON, TODAY, Stalls

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def stalls(paid_stalls: Stalls, monkeypatch: pytest.MonkeyPatch) -> Stalls:
    """Everybody after the first order; codes are hashed as quickly as they can be."""
    monkeypatch.setattr(confirming, "_HASHER", CHEAP)
    monkeypatch.setattr(confirming, "_NOBODYS_HASH", CHEAP.hash("nobody's"))
    return paid_stalls


def paid(stalls: Stalls, **changed: Any) -> str:
    payment = {"amount_fen": 3_058} | changed
    return str(stalls.clerk.made("/disbursements", stalls.payment(**payment))["payments"][0]["id"])


def code_for(stalls: Stalls, payment_id: str) -> str:
    return str(stalls.village.made(f"/payments/{payment_id}/confirmation-code")["code"])


def by_code(stalls: Stalls, payment_id: str, code: str) -> Any:
    return stalls.client.post("/v1/household-confirmations", json={"payment_id": payment_id, "code": code})


def test_a_village_clerk_acts_for_a_household_by_name_and_on_evidence(stalls: Stalls) -> None:
    payment, sheet = paid(stalls), uploaded(stalls.village, PDF)["id"]
    request = {"payment_ids": [payment], "note": "入户核对", "evidence_ids": [sheet]}
    stalls.village.made("/payments/confirmations", request)
    acted = sa.select(Confirmation, Payment.household_id, EvidenceUse.evidence_id).select_from(Confirmation)
    acted = acted.join(ConfirmedPayment).join(Payment, Payment.id == ConfirmedPayment.payment_id)
    act, household, evidence = stalls.session.execute(acted.join(EvidenceUse)).one()
    assert (act.means, act.made_by, act.note) == ("village_clerk", stalls.village.member.id, "入户核对")
    assert (household, str(evidence)) == (stalls.households[0].id, sheet)
    again = stalls.village.post("/payments/confirmations", request | {"payment_ids": [paid(stalls)]})
    assert (again.status_code, again.json()["code"]) == (409, "evidence_used")


def test_a_household_confirms_its_payment_by_the_code_on_its_paper_once(stalls: Stalls) -> None:
    payment = paid(stalls)
    code = code_for(stalls, payment)
    confirmed = by_code(stalls, payment, f" {code[:4].lower()}-{code[4:]} ")
    assert (confirmed.status_code, confirmed.json()) == (201, {"payments": 1, "amount_fen": 3_058})
    row = stalls.session.get_one(Payment, UUID(payment), populate_existing=True)
    assert (row.confirmed_at, row.confirmed_by) == (NOON, None)
    assert stalls.session.scalars(sa.select(Confirmation.means)).all() == ["household_code"]
    assert by_code(stalls, payment, code).status_code == 422
    assert stalls.village.post(f"/payments/{payment}/confirmation-code").json()["code"] == "already_confirmed"


def test_a_code_is_kept_as_a_slow_hash_and_shown_once(paid_stalls: Stalls) -> None:
    payment = paid(paid_stalls)
    path = f"/payments/{payment}/confirmation-code"
    code = paid_stalls.village.post(path, key="print").json()["code"]
    assert paid_stalls.village.post(path, key="print").json()["code"] is None
    kept = paid_stalls.session.scalars(sa.select(ConfirmationCode.code_hash)).one()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert code not in kept


def test_a_code_confirms_its_own_payment_alone(stalls: Stalls) -> None:
    first, second = paid(stalls), paid(stalls, household=1)
    code_for(stalls, second)
    assert by_code(stalls, second, code_for(stalls, first)).json()["code"] == "confirmation_code"


def test_a_code_is_void_after_some_wrong_attempts_and_when_another_is_printed(stalls: Stalls) -> None:
    payment = paid(stalls)
    first, code = code_for(stalls, payment), code_for(stalls, payment)
    assert by_code(stalls, payment, first).status_code == 422
    for _ in range(MOST_ATTEMPTS - 1):
        assert by_code(stalls, payment, "AAAA-AAAA").status_code == 422
    assert by_code(stalls, payment, code).json()["code"] == "confirmation_code"
    assert by_code(stalls, payment, code_for(stalls, payment)).status_code == 201


def test_whoever_tries_codes_of_unknown_payments_is_told_the_same_and_soon_to_wait(stalls: Stalls) -> None:
    unknown = "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"
    for _ in range(OF_AN_ADDRESS.amount):
        assert by_code(stalls, unknown, "AAAA-AAAA").json()["code"] == "confirmation_code"
    refused = by_code(stalls, unknown, "AAAA-AAAA")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_trials")
    assert int(refused.headers["retry-after"]) >= 1


def test_the_supplier_gets_no_code_and_a_collective_needs_none(stalls: Stalls) -> None:
    payment = paid(stalls)
    assert stalls.clerk.post(f"/payments/{payment}/confirmation-code").status_code == 403
    assert stalls.other_county.post(f"/payments/{payment}/confirmation-code").status_code == 403
    collective = paid(stalls, amount_fen=19, payee_kind="collective", payee_id=str(stalls.collective.id))
    assert stalls.village.post(f"/payments/{collective}/confirmation-code").status_code == 404


def test_what_a_clerk_confirms_or_prints_for_a_household_is_on_record_as_done_in_its_place(stalls: Stalls) -> None:
    payment, other = paid(stalls), paid(stalls, household=1)
    code_for(stalls, payment)
    code_for(stalls, payment)
    stalls.village.made("/payments/confirmations", {"payment_ids": [payment], "note": "入户核对"})
    collective = paid(stalls, amount_fen=19, payee_kind="collective", payee_id=str(stalls.collective.id))
    stalls.village.made("/payments/confirmations", {"payment_ids": [other, collective]})
    acts = stalls.auditor.get("/proxy-acts").json()["items"][:4]  # before these they were enrolled
    assert [(act["deed"], act["about_id"], act["evidence"]) for act in reversed(acts)] == [
        ("confirmation_code_printed", payment, "打印确认码"),
        ("confirmation_code_printed", payment, "打印确认码"),
        ("payment_confirmed", payment, "入户核对"),
        ("payment_confirmed", other, "代办员确认到账"),
    ]
    assert {act["member_id"] for act in acts} == {str(stalls.village.member.id)}


def test_a_payment_says_by_whose_word_it_is_confirmed_and_to_county_and_audit_who_printed_the_code(
    stalls: Stalls,
) -> None:
    coded, clerked = (paid(stalls, household=place) for place in range(2))
    silent = paid(stalls, amount_fen=19, household=2)
    by_code(stalls, coded, code_for(stalls, coded))
    sheet = uploaded(stalls.village, PDF)["id"]
    stalls.village.made("/payments/confirmations", {"payment_ids": [clerked], "evidence_ids": [sheet]})
    clerk, moment = str(stalls.village.member.id), "2026-03-02T04:00:00Z"
    for desk in (stalls.county, stalls.auditor, stalls.clerk):
        told = {item["id"]: item["confirmation"] for item in desk.get("/payments").json()["items"]}
        assert (told[clerked]["means"], told[clerked]["made_by"], told[silent]) == ("village_clerk", clerk, None)
        assert (told[clerked]["confirmed_at"], told[clerked]["evidence_ids"]) == (moment, [sheet])
        printed = (told[coded]["means"], told[coded]["code_issued_by"], told[coded]["code_issued_at"])
        assert printed == ("household_code", *((None, None) if desk is stalls.clerk else (clerk, moment)))
    batch = stalls.county.get("/payments").json()["items"][-1]["disbursement_id"]
    (payment,) = stalls.county.get(f"/disbursements/{batch}").json()["payments"]
    assert (payment["id"], payment["confirmation"]["means"]) == (coded, "household_code")


def test_the_account_and_the_statement_say_by_whose_word_the_household_has_its_money(stalls: Stalls) -> None:
    payment = paid(stalls)
    path = f"/households/{stalls.households[0].id}"
    for told in ("statement", "account"):
        (received,) = stalls.village.get(f"{path}/{told}").json()["payments"]
        assert (received["id"], received["means"], received["confirmed_at"]) == (payment, None, None)
    by_code(stalls, payment, code_for(stalls, payment))
    for desk, told in ((stalls.clerk, "statement"), (stalls.village, "statement"), (stalls.county, "account")):
        (received,) = desk.get(f"{path}/{told}").json()["payments"]
        assert (received["means"], received["amount_fen"]) == ("household_code", 3_058)
        assert received["confirmed_at"] == "2026-03-02T04:00:00Z"
    assert stalls.other_clerk.get(f"{path}/statement").status_code == 404


def test_who_signed_for_the_money_prints_no_code_for_it(stalls: Stalls) -> None:
    request = {"method": "cash", "paid_on": TODAY, "evidence": "签收表", "payments": stalls.payment(100)["payments"]}
    cash = stalls.clerk.made("/pay-lists", request)
    signed = stalls.village.made(f"/pay-lists/{cash['id']}/countersignature", {})
    refused = stalls.village.post(f"/payments/{signed['payments'][0]['id']}/confirmation-code")
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
