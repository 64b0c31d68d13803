"""Receipts by HTTP: a buyer's money recorded, matched to orders, and seen by whom it concerns."""

from datetime import timedelta

import time_machine

from market.audit.doctoring import examine
from market.identity.rules import OrganisationKind, Role
from tests.stalls import NOON, TODAY, Stalls


def test_one_transfer_pays_several_orders(stalls: Stalls) -> None:
    orders = [stalls.accepted(), stalls.accepted(stalls.line(stalls.dates, "5"))]
    parts = [
        {"order_id": order["id"], "amount_fen": amount_fen}
        for order, amount_fen in zip(orders, (4_000, 5_000), strict=True)
    ]
    receipt = stalls.clerk.made("/receipts", stalls.money(orders[0], 9_000, orders=parts))
    assert (receipt["amount_fen"], receipt["supplier_id"]) == (9_000, str(stalls.supplier.id))
    assert receipt["orders"] == parts
    assert [stalls.row(order).paid_fen for order in orders] == [4_000, 5_000]
    assert stalls.clerk.get(f"/receipts/{receipt['id']}").json() == receipt


def test_a_receipt_recorded_again_with_its_key_counts_once(stalls: Stalls) -> None:
    order = stalls.accepted()
    money = stalls.money(order, 4_000)
    first, again = (stalls.clerk.post("/receipts", money, key="once") for _ in range(2))
    assert (again.headers["idempotency-hit"], again.json()) == ("true", first.json())
    assert stalls.row(order).paid_fen == 4_000


def test_an_order_is_paid_no_more_than_it_owes_and_never_after_it_was_given_up(stalls: Stalls) -> None:
    order = stalls.accepted()
    stalls.clerk.made("/receipts", stalls.money(order, 9_999))
    over = stalls.clerk.post("/receipts", stalls.money(order, 2))
    assert (over.status_code, over.json()["code"]) == (409, "overpaid")
    assert over.json()["errors"][0]["pointer"] == "/orders/0/amount_fen"
    stalls.clerk.made("/receipts", stalls.money(order, 1))
    given_up = stalls.placed()
    stalls.orderer.made(f"/orders/{given_up['id']}/cancellation", {"reason": "无需"})
    assert stalls.clerk.post("/receipts", stalls.money(given_up, 1)).json()["code"] == "not_payable"


def test_no_money_came_before_the_order_or_will_come_tomorrow(stalls: Stalls) -> None:
    order = stalls.accepted()
    for day in ("2026-03-01", "2026-03-03"):
        answer = stalls.clerk.post("/receipts", stalls.money(order, 1, received_on=day))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/received_on")


def test_a_bank_line_counts_once_however_it_is_typed(stalls: Stalls) -> None:
    order = stalls.accepted()
    typed = stalls.clerk.made("/receipts", stalls.money(order, 1, bank_reference="icbc-2026 0031"))
    assert typed["bank_reference"] == "icbc-2026 0031"
    for again in ("ICBC20260031", "ＩＣＢＣ—2026 0031"):
        answer = stalls.clerk.post("/receipts", stalls.money(order, 1, bank_reference=again))
        assert (answer.status_code, answer.json()["code"]) == (409, "receipt_taken")


def test_what_was_paid_for_goods_that_do_not_come_or_came_back_is_owed_back(stalls: Stalls) -> None:
    given_up = stalls.placed()
    stalls.clerk.made("/receipts", stalls.money(given_up, 1_000))
    ended = stalls.orderer.made(f"/orders/{given_up['id']}/cancellation", {"reason": "无需"})
    assert (ended["status"], ended["owed_back_fen"]) == ("cancelled", 1_000)
    kept = stalls.accepted()
    stalls.clerk.made("/receipts", stalls.money(kept, 10_000))
    assert stalls.orderer.get(f"/orders/{kept['id']}").json()["owed_back_fen"] == 0
    stalls.receiver.made(f"/orders/{kept['id']}/returns", stalls.coming_back(kept, "2"))
    listed = {order["id"]: order["owed_back_fen"] for order in stalls.orderer.get("/orders").json()["items"]}
    assert listed == {given_up["id"]: 1_000, kept["id"]: 2_000}
    assert "paid_is_spent_open_or_owed_back" not in {symptom.invariant for symptom in examine(stalls.session)}
    year = {"from": "2026-01-01", "to": "2026-12-31"}
    own = f"/organisations/{kept['supplier_id']}/statement"
    assert stalls.clerk.get(own, **year).json()["owed_back_fen"] == 3_000


def test_receipts_are_listed_newest_first_in_pages_and_by_day(stalls: Stalls) -> None:
    order = stalls.accepted()
    with time_machine.travel(NOON + timedelta(days=3), tick=False):
        receipts = [
            stalls.clerk.made("/receipts", stalls.money(order, 1_000, received_on=day))["id"]
            for day in (TODAY, "2026-03-03", "2026-03-04", "2026-03-05")
        ]
    first = stalls.clerk.get("/receipts", limit=3).json()
    second = stalls.clerk.get("/receipts", limit=3, cursor=first["next_cursor"]).json()
    assert [receipt["id"] for page in (first, second) for receipt in page["items"]] == receipts[::-1]
    assert second["next_cursor"] is None
    between = stalls.clerk.get("/receipts", received_from="2026-03-03", received_to="2026-03-04").json()["items"]
    assert {receipt["id"] for receipt in between} == set(receipts[1:3])


def test_a_receipt_is_seen_by_both_parties_and_those_who_oversee_them(stalls: Stalls) -> None:
    receipt = stalls.clerk.made("/receipts", stalls.money(stalls.accepted(), 4_000))
    finance = stalls.official(OrganisationKind.FINANCE_DEPARTMENT, Role.FINANCE_OFFICER, "141122")
    for desk in (
        stalls.clerk,
        stalls.orderer,
        stalls.receiver,
        stalls.county,
        finance,
        stalls.auditor,
        stalls.operator,
    ):
        assert desk.get(f"/receipts/{receipt['id']}").json() == receipt
        assert [item["id"] for item in desk.get("/receipts").json()["items"]] == [receipt["id"]]
    for desk in (stalls.other_clerk, stalls.other_orderer, stalls.other_county):
        assert desk.get(f"/receipts/{receipt['id']}").json()["code"] == "not_found"
        assert desk.get("/receipts").json()["items"] == []


def test_a_buyer_sees_of_a_transfer_only_what_pays_its_own_orders(stalls: Stalls) -> None:
    own = stalls.accepted()
    (others,) = stalls.other_orderer.made("/order-groups", stalls.wanted())["orders"]
    parts = [{"order_id": own["id"], "amount_fen": 600}, {"order_id": others["id"], "amount_fen": 400}]
    receipt = stalls.clerk.made("/receipts", stalls.money(own, 1_000, orders=parts))
    assert stalls.orderer.get(f"/receipts/{receipt['id']}").json()["orders"] == parts[:1]
    assert stalls.clerk.get(f"/receipts/{receipt['id']}").json()["orders"] == parts
