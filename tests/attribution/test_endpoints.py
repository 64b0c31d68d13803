"""Disbursements by HTTP: foreseen, made, listed, and confirmed by the village."""

from typing import Any
from uuid import UUID

from market.attribution import queries
from market.attribution.rules import Step
from market.identity.rules import OrganisationKind, Role
from tests.stalls import NOON, Stalls, all_tables


def paid_order(stalls: Stalls) -> dict[str, Any]:
    """Sell 10 kg of dates and receive the money: 3,000 and 6,000 fen for produce, and dividends, are owed."""
    order = stalls.accepted()
    stalls.clerk.made("/receipts", stalls.money(order, 10_000))
    return order


def test_a_dry_run_says_what_payments_would_settle_and_writes_nothing(stalls: Stalls) -> None:
    paid_order(stalls)
    batch = stalls.payment(4_000)
    batch["payments"] += stalls.payment(19, household=2)["payments"]
    before = all_tables(stalls.session)
    foreseen = stalls.clerk.post("/disbursements?dry_run=true", batch)
    assert (foreseen.status_code, foreseen.json()["id"], all_tables(stalls.session)) == (200, None, before)
    made = stalls.clerk.made("/disbursements", batch)
    shown = [
        (payment["amount_fen"], payment["settled_fen"], payment["top_up_fen"], payment["advance_fen"])
        for payment in made["payments"]
    ]
    assert shown == [(4_000, 3_058, 0, 942), (19, 19, 0, 0)]
    assert made["amount_fen"] == 4_019
    nameless = [payment | {"id": None} for payment in made["payments"]]
    assert foreseen.json()["payments"] == nameless


def test_nobody_was_paid_before_the_first_plan_and_the_first_delivery(stalls: Stalls) -> None:
    for path in ("/disbursements", "/disbursements?dry_run=true"):
        answer = stalls.clerk.post(path, stalls.payment() | {"paid_on": "2019-12-31"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/paid_on")
    ahead = stalls.clerk.post("/disbursements", stalls.payment() | {"paid_on": "2020-01-01"})
    assert ahead.json()["code"] == "paid_beyond_delivery", "there is a plan, and no delivery yet"
    assert stalls.clerk.post("/disbursements", stalls.payment() | {"paid_on": "2026-01-04"}).status_code == 201


def test_a_payment_is_told_by_its_reference_however_it_is_typed(stalls: Stalls) -> None:
    stalls.clerk.made("/disbursements", stalls.payment(reference="b 2026-01"))
    answer = stalls.clerk.post("/disbursements", stalls.payment(reference="Ｂ202601"))
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_reference_taken")


def test_a_payment_for_a_contribution_settles_that_alone(stalls: Stalls) -> None:
    paid_order(stalls)
    batch = stalls.payment(3_500, contribution_id=str(stalls.contributions[0]))
    (payment,) = stalls.clerk.made("/disbursements", batch)["payments"]
    assert (payment["settled_fen"], payment["advance_fen"]) == (3_000, 500)


def test_a_collective_is_paid_its_dividend(stalls: Stalls) -> None:
    paid_order(stalls)
    batch = stalls.payment(58, payee_kind="collective", payee_id=str(stalls.collective.id))
    (payment,) = stalls.clerk.made("/disbursements", batch)["payments"]
    assert (payment["payee_kind"], payment["settled_fen"], payment["advance_fen"]) == ("collective", 58, 0)
    listed = stalls.clerk.get("/payments").json()["items"]
    assert [(item["household_id"], item["collective_id"]) for item in listed] == [(None, str(stalls.collective.id))]


def test_a_collective_is_not_paid_as_a_household_even_beside_its_own_payment(stalls: Stalls) -> None:
    batch = stalls.payment(58, payee_kind="collective", payee_id=str(stalls.collective.id))
    batch["payments"] += stalls.payment(1, payee_id=str(stalls.collective.id))["payments"]
    answer = stalls.clerk.post("/disbursements", batch)
    assert (answer.status_code, answer.json()["code"]) == (422, "payee_without_tie")
    assert answer.json()["errors"][0]["pointer"] == "/payments/1/payee_id"


def test_the_village_clerk_confirms_what_households_have_received(stalls: Stalls) -> None:
    order = paid_order(stalls)
    (payment,) = stalls.clerk.made("/disbursements", stalls.payment(3_000))["payments"]
    unconfirmed = stalls.village.get("/payments", confirmed=False).json()["items"]
    assert [item["id"] for item in unconfirmed] == [payment["id"]]
    confirmed = stalls.village.made("/payments/confirmations", {"payment_ids": [payment["id"]]})
    assert confirmed == {"payments": 1, "amount_fen": 3_000}
    (listed,) = stalls.village.get("/payments", confirmed=True).json()["items"]
    assert listed["confirmed_at"] == "2026-03-02T04:00:00Z"
    lines = [line["id"] for line in order["lines"]]
    found = queries.standings(stalls.session, [UUID(line) for line in lines])
    steps = {standing.step: standing.fen for own in found.values() for standing in own if standing.payment_id}
    assert steps == {Step.CONFIRMED: 3_000}
    again = stalls.village.post("/payments/confirmations", {"payment_ids": [payment["id"]]})
    assert (again.status_code, again.json()["code"]) == (409, "already_confirmed")


def test_payments_are_listed_newest_first_in_pages_and_by_payee(stalls: Stalls) -> None:
    made = [
        stalls.clerk.made("/disbursements", stalls.payment(100, household=number % 2))["payments"][0]["id"]
        for number in range(5)
    ]
    first = stalls.clerk.get("/payments", limit=3).json()
    second = stalls.clerk.get("/payments", limit=3, cursor=first["next_cursor"]).json()
    assert [item["id"] for page in (first, second) for item in page["items"]] == made[::-1]
    assert second["next_cursor"] is None
    own = stalls.clerk.get("/payments", payee_id=str(stalls.households[1].id)).json()["items"]
    assert [item["id"] for item in own] == [made[3], made[1]]


def test_payments_are_seen_by_their_maker_the_payees_region_and_the_auditor(stalls: Stalls) -> None:
    (payment,) = stalls.clerk.made("/disbursements", stalls.payment(100))["payments"]
    for desk in (stalls.clerk, stalls.village, stalls.county, stalls.auditor):
        assert [item["id"] for item in desk.get("/payments").json()["items"]] == [payment["id"]]
    elsewhere = stalls.official(OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, "141122106202")
    for desk in (stalls.other_clerk, stalls.other_county, elsewhere):
        assert desk.get("/payments").json()["items"] == []
    refused = elsewhere.post("/payments/confirmations", {"payment_ids": [payment["id"]]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (404, "/payment_ids")


def test_what_a_supplier_owes_is_listed_by_payee_until_it_is_paid(stalls: Stalls) -> None:
    assert stalls.clerk.get("/payables").json() == {"items": [], "next_cursor": None}
    paid_order(stalls)
    seen: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next_cursor": None}
    while True:
        asked = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = stalls.clerk.get("/payables", limit=2, **asked).json()
        seen += page["items"]
        if not page["next_cursor"]:
            break
    owed = {each["payee_name"]: (each["recognised_fen"], each["top_up_fen"], each["since"]) for each in seen}
    assert owed == {
        stalls.households[0].code: (3_058, 0, NOON.date().isoformat()),
        stalls.households[1].code: (6_039, 0, NOON.date().isoformat()),
        stalls.households[2].code: (19, 0, NOON.date().isoformat()),
        stalls.collective.name: (58, 0, NOON.date().isoformat()),
    }
    assert len(stalls.village.get("/payables").json()["items"]) == 4
    assert stalls.other_clerk.get("/payables").json()["items"] == []
    payee_id = str(stalls.households[0].id)
    stalls.clerk.made("/disbursements", stalls.payment(3_000))
    (first,) = (each for each in stalls.clerk.get("/payables").json()["items"] if each["payee_id"] == payee_id)
    assert first["recognised_fen"] == 58
    assert stalls.clerk.get("/payables", cursor="YWJj").status_code == 422
