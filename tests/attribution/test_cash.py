"""Cash counts when a second person has signed for it."""

from datetime import date
from typing import Any

import pytest

from market.identity.rules import OrganisationKind, Role
from market.lots.rules import LotStatus
from tests import factories
from tests.attribution.test_evidence import PDF, uploaded
from tests.stalls import TODAY, Stalls


@pytest.fixture
def stalls(paid_stalls: Stalls) -> Stalls:
    return paid_stalls


def in_cash(stalls: Stalls, amount_fen: int = 3_058, **changed: Any) -> dict[str, Any]:
    request = {
        "method": "cash",
        "paid_on": TODAY,
        "evidence": "现金发放签收表",
        "payments": stalls.payment(amount_fen)["payments"],
    }
    return dict(stalls.clerk.made("/pay-lists", request | changed))


def test_the_one_who_wrote_the_list_does_not_countersign_it(stalls: Stalls) -> None:
    pay_list = in_cash(stalls)
    refused = stalls.clerk.post(f"/pay-lists/{pay_list['id']}/countersignature", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    assert stalls.clerk.get("/payments").json()["items"] == []


def test_a_second_member_of_the_supplier_countersigns_and_it_posts_once(stalls: Stalls) -> None:
    pay_list = in_cash(stalls)
    colleague = stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER)
    sheet = uploaded(colleague, PDF)["id"]
    signed = colleague.made(f"/pay-lists/{pay_list['id']}/countersignature", {"evidence_ids": [sheet]})
    assert (signed["method"], signed["evidence_ids"]) == ("cash", [sheet])
    assert (signed["made_by"], signed["countersigned_by"]) == (str(stalls.clerk.member.id), str(colleague.member.id))
    (payment,) = stalls.clerk.get("/payments").json()["items"]
    assert payment["amount_fen"] == 3_058
    again = colleague.post(f"/pay-lists/{pay_list['id']}/countersignature", {})
    assert (again.status_code, again.json()["code"]) == (409, "transition")


def test_the_clerk_of_the_payees_village_countersigns_and_then_does_not_confirm_too(stalls: Stalls) -> None:
    pay_list = in_cash(stalls)
    stalls.village.made(f"/pay-lists/{pay_list['id']}/countersignature", {})
    (payment,) = stalls.village.get("/payments").json()["items"]
    refused = stalls.village.post("/payments/confirmations", {"payment_ids": [payment["id"]]})
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    another = stalls.official(OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, "141122106201")
    assert another.made("/payments/confirmations", {"payment_ids": [payment["id"]]})["payments"] == 1


def test_a_clerk_of_another_village_witnesses_nothing_here(stalls: Stalls) -> None:
    pay_list = in_cash(stalls)
    elsewhere = stalls.official(OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, "141122106202")
    assert elsewhere.post(f"/pay-lists/{pay_list['id']}/countersignature", {}).status_code == 404
    other = stalls.desk(stalls.other_supplier, Role.SUPPLIER_MANAGER)
    assert other.post(f"/pay-lists/{pay_list['id']}/countersignature", {}).status_code == 404


def test_a_bank_list_is_not_countersigned_and_a_cash_list_is_not_answered_by_a_bank(stalls: Stalls) -> None:
    colleague = stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER)
    listed = in_cash(stalls, method="bank_transfer", paid_on=None)
    assert colleague.post(f"/pay-lists/{listed['id']}/countersignature", {}).status_code == 409


def test_cash_that_was_handed_over_is_countersigned_though_the_first_delivery_was_given_up_since(
    stalls: Stalls,
) -> None:
    """Whether anybody could be paid on the day was asked when the list was drawn up."""
    day = date(2019, 12, 31)
    lot = factories.lot(stalls.session, stalls.dates, status=LotStatus.DRAFT)
    factories.contribution(stalls.session, lot, stalls.households[0], delivered_on=day)
    pay_list = in_cash(stalls, paid_on=str(day))
    assert stalls.clerk.post(f"/lots/{lot.id}/discarding").status_code == 200
    colleague = stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER)
    signed = colleague.post(f"/pay-lists/{pay_list['id']}/countersignature", {})
    assert (signed.status_code, signed.json().get("paid_on")) == (201, str(day))


@pytest.mark.parametrize(
    "changed", [{"paid_on": None}, {"paid_on": "2026-03-03"}, {"method": "bank_transfer"}, {"paid_on": "2019-12-31"}]
)
def test_cash_has_the_day_on_which_it_is_handed_over(stalls: Stalls, changed: dict[str, Any]) -> None:
    request = {"method": "cash", "paid_on": TODAY, "evidence": "签收表", "payments": stalls.payment()["payments"]}
    answer = stalls.clerk.post("/pay-lists", request | changed)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/paid_on")
