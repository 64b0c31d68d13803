"""The life of an order by HTTP: placed with several suppliers, confirmed, shipped, accepted, returned, and seen."""

from typing import Any

import pytest

from market.identity.rules import OrganisationKind, Role
from market.quantities import Unit
from tests import factories
from tests.stalls import TODAY, Stalls, all_tables


def test_one_request_to_two_suppliers_is_one_group_with_an_order_for_each(stalls: Stalls) -> None:
    wanted = stalls.wanted(stalls.line(stalls.dates), stalls.line(stalls.walnuts, "10"), stalls.line(stalls.dates, "3"))
    group = stalls.orderer.made("/order-groups", wanted)
    assert group["number"].startswith("G20260302")
    assert group["amount_fen"] == 10 * 1_000 + 10 * 400 + 3 * 1_000
    assert group["reserved_until"] == "2026-03-05T04:00:00Z"
    by_supplier = {order["supplier_id"]: order for order in group["orders"]}
    own, other = by_supplier[str(stalls.supplier.id)], by_supplier[str(stalls.other_supplier.id)]
    assert (own["amount_fen"], [line["quantity"] for line in own["lines"]]) == (13_000, ["10", "3"])
    assert (other["amount_fen"], other["lines"][0]["unit_price_fen"]) == (4_000, 400)
    listed = stalls.orderer.get("/orders").json()["items"]
    assert {order["group_id"] for order in listed} == {group["id"]}
    assert {order["number"] for order in listed} == {order["number"] for order in group["orders"]}


def test_a_repeated_request_gets_the_first_answer_and_orders_nothing(stalls: Stalls) -> None:
    first = stalls.orderer.post("/order-groups", stalls.wanted(), key="once")
    before = all_tables(stalls.session)
    again = stalls.orderer.post("/order-groups", stalls.wanted(), key="once")
    assert (again.status_code, again.headers["idempotency-hit"], again.json()) == (201, "true", first.json())
    other = stalls.orderer.post("/order-groups", stalls.wanted(payment_days=15), key="once")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert all_tables(stalls.session) == before


def test_a_dry_run_shows_prices_stock_and_reach_and_writes_nothing(stalls: Stalls) -> None:
    before = all_tables(stalls.session)
    wanted = stalls.wanted(stalls.line(stalls.dates), stalls.line(stalls.walnuts, "2"))
    answer = stalls.orderer.post("/order-groups?dry_run=true", wanted)
    assert (answer.status_code, all_tables(stalls.session)) == (200, before)
    shown = answer.json()
    assert (shown["amount_fen"], [line["amount_fen"] for line in shown["lines"]]) == (11_000, [10_000, 1_000])
    reach = shown["reach"]
    assert (reach["households"], reach["assisted_households"], reach["collectives"]) == (3, 3, 1)
    assert [(found["mechanism"], found["payees"], found["fen"]) for found in reach["mechanisms"]] == [
        ("collective_dividend", 1, 58),
        ("order_purchase", 2, 9_000),
        ("share_dividend", 3, 116),
    ]
    net_fen = 9_174 + 917
    assert sum(found["fen"] for found in reach["mechanisms"]) + reach["retained_fen"] == net_fen
    assert shown["lines"][1]["reach"]["mechanisms"] == []
    assert shown["lines"][0]["on_sale"] == "100"
    stalls.placed(stalls.line(stalls.dates, "30"))
    again = stalls.orderer.post("/order-groups?dry_run=true", wanted).json()
    assert again["lines"][0]["on_sale"] == "70"


def test_a_dry_run_needs_no_key_and_predicts_what_acceptance_then_brings(stalls: Stalls) -> None:
    wanted = stalls.wanted(stalls.line(stalls.dates), stalls.line(stalls.dates, "5"))
    asked = stalls.client.post("/v1/order-groups?dry_run=true", json=wanted, headers=stalls.orderer.bearer)
    order = stalls.shipped(*wanted["lines"])
    path = f"/orders/{order['id']}/acceptances"
    before = all_tables(stalls.session)
    foreseen = stalls.receiver.post(f"{path}?dry_run=true", stalls.acceptance(order))
    assert (foreseen.status_code, all_tables(stalls.session)) == (200, before)
    brought = stalls.receiver.made(path, stalls.acceptance(order))
    assert brought["reach"] == asked.json()["reach"] == foreseen.json()["reach"]
    assert [line["reach"] for line in brought["lines"]] == [line["reach"] for line in asked.json()["lines"]]
    assert foreseen.json()["status"] == "shipped"
    assert brought["status"] == "accepted"


def test_an_order_is_confirmed_shipped_accepted_with_a_shortage_and_partly_returned(stalls: Stalls) -> None:
    order = stalls.placed(stalls.line(stalls.dates, "20"))
    path = f"/orders/{order['id']}"
    assert stalls.clerk.made(f"{path}/confirmation")["status"] == "confirmed"
    assert stalls.clerk.made(f"{path}/shipment", {"shipped_on": TODAY})["status"] == "shipped"
    order = stalls.receiver.get(path).json()
    found = {"received": "19.5", "accepted": "18", "rejected": "1", "damaged": "0.5", "short": "0.5", "reason": "短少"}
    accepted = stalls.receiver.made(f"{path}/acceptances", stalls.acceptance(order, **found))
    assert (accepted["status"], accepted["accepted_fen"]) == ("accepted", 18_000)
    assert accepted["lines"][0]["accepted"] == "18"

    claim = stalls.coming_back(order, "6")
    before = all_tables(stalls.session)
    foreseen = stalls.receiver.post(f"{path}/returns?dry_run=true", claim)
    assert (foreseen.status_code, all_tables(stalls.session)) == (200, before)
    returned = stalls.receiver.made(f"{path}/returns", claim)
    assert (returned["amount_fen"], returned["lines"][0]["quantity"]) == (6_000, "6")
    assert [line["net_fen"] for line in foreseen.json()["lines"]] == [returned["lines"][0]["net_fen"]]
    fallen = returned["lines"][0]["reach"]
    parts = sum(mechanism["fen"] for mechanism in fallen["mechanisms"]) + fallen["retained_fen"]
    assert parts == returned["lines"][0]["net_fen"]

    seen = stalls.orderer.get(path).json()
    assert [change["event"] for change in seen["changes"]] == ["place", "confirm", "ship", "accept_all", "return"]
    placed, confirmed, *_, accepted_all, _ = seen["changes"]
    for change, desk, organisation in (
        (placed, stalls.orderer, stalls.buyer),
        (confirmed, stalls.clerk, stalls.supplier),
        (accepted_all, stalls.receiver, stalls.buyer),
    ):
        by = (str(desk.member.id), desk.member.role, organisation.name)
        assert (change["changed_by"], change["role"], change["organisation_name"]) == by
        assert desk.member.login not in str(seen["changes"])
    (line,) = seen["lines"]
    assert [line[name] for name in ("quantity", "shipped", "accepted", "returned")] == ["20", "20", "18", "6"]
    assert (line["accepted_fen"], line["returned_fen"], seen["due_on"]) == (18_000, 6_000, "2026-04-01")


def _price_cut(order: dict[str, Any], **changed: Any) -> dict[str, Any]:
    line = {"order_line_id": order["lines"][0]["id"], "amount_fen": 2_000}
    return {"cut_on": TODAY, "reason": "果径偏小", "evidence": "折让协议 2026-031", "lines": [line]} | changed


def test_the_supplier_offers_a_price_cut_once_and_nothing_falls_before_the_buyer_takes_it(stalls: Stalls) -> None:
    order = stalls.accepted(stalls.line(stalls.dates, "20"))
    path, cut = f"/orders/{order['id']}", _price_cut(order)
    before = all_tables(stalls.session)
    foreseen = stalls.manager.post(f"{path}/price-cuts?dry_run=true", cut)
    assert (foreseen.status_code, all_tables(stalls.session)) == (200, before)
    offered, again = (stalls.manager.post(f"{path}/price-cuts", cut, key="once") for _ in range(2))
    assert (offered.status_code, offered.json()["status"], offered.json()["amount_fen"]) == (201, "offered", 2_000)
    assert (again.json(), again.headers["Idempotency-Hit"]) == (offered.json(), "true")
    assert stalls.orderer.get(path).json() == order, "the sale stands"
    assert stalls.manager.post(f"{path}/price-cuts", cut).json()["code"] == "price_cut_open"
    acceptance = f"/price-cuts/{offered.json()['id']}/acceptance"
    assert stalls.manager.post(acceptance).status_code == 403
    assert stalls.other_receiver.post(acceptance).status_code == 404
    told = all_tables(stalls.session)
    shown = stalls.receiver.post(f"{acceptance}?dry_run=true")
    assert (shown.status_code, all_tables(stalls.session)) == (200, told)
    made = stalls.receiver.post(acceptance)
    assert (made.status_code, made.json()["amount_fen"]) == (201, 2_000)
    for tried in (foreseen, shown):
        assert [line["net_fen"] for line in tried.json()["lines"]] == [made.json()["lines"][0]["net_fen"]]
    fallen = made.json()["lines"][0]
    parts = sum(mechanism["fen"] for mechanism in fallen["reach"]["mechanisms"]) + fallen["reach"]["retained_fen"]
    assert parts == fallen["net_fen"]
    seen = stalls.orderer.get(path).json()
    (line,) = seen["lines"]
    assert (line["accepted"], line["returned"], line["returned_fen"]) == ("20", "0", 2_000)
    assert (seen["changes"][-1]["event"], seen["changes"][-1]["reason"]) == ("price_cut", "果径偏小")
    assert seen["changes"][-1]["changed_by"] == str(stalls.receiver.member.id)
    early = stalls.manager.post(f"{path}/price-cuts", _price_cut(order, cut_on="2026-03-01"))
    assert early.json()["errors"][0]["pointer"] == "/cut_on"


def test_both_sides_and_who_oversees_them_see_what_was_offered_and_what_became_of_it(stalls: Stalls) -> None:
    order = stalls.accepted(stalls.line(stalls.dates, "20"))
    offers, cut = f"/orders/{order['id']}/price-cuts", _price_cut(order)
    first = stalls.manager.made(offers, cut)
    declined = stalls.receiver.made(f"/price-cuts/{first['id']}/refusal", {"reason": "与协议金额不符"})
    assert (declined["status"], declined["declined_because"]) == ("declined", "与协议金额不符")
    second = stalls.manager.made(offers, cut)
    withdrawn = stalls.manager.made(f"/price-cuts/{second['id']}/withdrawal")
    assert (withdrawn["status"], withdrawn["decided_by"]) == ("withdrawn", str(stalls.manager.member.id))
    third = stalls.manager.made(offers, cut)
    late = stalls.receiver.post(f"/price-cuts/{second['id']}/acceptance")
    assert (late.status_code, late.json()["detail"]) == (409, "This price cut is withdrawn; it cannot be accepted.")
    for desk in (stalls.clerk, stalls.orderer, stalls.receiver, stalls.county, stalls.auditor):
        assert desk.get("/price-cuts", order_id=order["id"]).json()["items"] == [third, withdrawn, declined]
        assert desk.get("/price-cuts", status="declined").json()["items"] == [declined]
        assert desk.get(f"/price-cuts/{third['id']}").json() == third
    for desk in (stalls.other_clerk, stalls.other_orderer, stalls.other_county):
        assert desk.get("/price-cuts").json()["items"] == []
        assert desk.get(f"/price-cuts/{third['id']}").status_code == 404


def test_lines_are_accepted_one_after_the_other(stalls: Stalls) -> None:
    order = stalls.shipped(stalls.line(stalls.dates), stalls.line(stalls.dates, "5"))
    path, whole = f"/orders/{order['id']}/acceptances", stalls.acceptance(order)
    first, second = ({**whole, "lines": [line]} for line in whole["lines"])
    assert stalls.receiver.made(path, first)["status"] == "partly_accepted"
    assert stalls.receiver.post(path, first).json()["errors"][0]["pointer"] == "/lines/0/order_line_id"
    assert stalls.receiver.made(path, second)["status"] == "accepted"


def test_an_e_invoice_is_for_one_order_of_its_supplier(stalls: Stalls) -> None:
    first = stalls.shipped(stalls.line(stalls.dates), stalls.line(stalls.dates, "5"))
    whole = stalls.acceptance(first)
    for line in whole["lines"]:
        stalls.receiver.made(f"/orders/{first['id']}/acceptances", whole | {"lines": [line]})
    second = stalls.shipped()
    claim = stalls.acceptance(second) | {"evidence": whole["evidence"]}
    path, before = f"/orders/{second['id']}/acceptances", all_tables(stalls.session)
    for asked in (path, f"{path}?dry_run=true"):
        refused = stalls.receiver.post(asked, claim)
        assert (refused.status_code, refused.json()["code"]) == (409, "invoice_taken")
        assert refused.json()["errors"][0]["pointer"] == "/evidence/invoice"
    assert all_tables(stalls.session) == before
    assert stalls.receiver.made(path, stalls.acceptance(second))["status"] == "accepted"


def test_the_invoice_of_another_supplier_may_have_the_same_number(stalls: Stalls) -> None:
    own, other = stalls.shipped(), stalls.placed(stalls.line(stalls.walnuts))
    stalls.other_clerk.made(f"/orders/{other['id']}/confirmation")
    other = stalls.other_clerk.made(f"/orders/{other['id']}/shipment", {"shipped_on": TODAY})
    for order in (own, other):
        claim = stalls.acceptance(order) | {"evidence": stalls.acceptance(own)["evidence"]}
        assert stalls.receiver.made(f"/orders/{order['id']}/acceptances", claim)["status"] == "accepted"


def test_what_is_not_shipped_goes_back_on_sale(stalls: Stalls) -> None:
    order = stalls.placed(stalls.line(stalls.dates, "60"), stalls.line(stalls.dates, "40"))
    assert stalls.orderer.post("/order-groups", stalls.wanted()).json()["code"] == "out_of_stock"
    stalls.clerk.made(f"/orders/{order['id']}/confirmation")
    lines = [{"order_line_id": order["lines"][0]["id"], "quantity": "50"}]
    shipped = stalls.clerk.made(f"/orders/{order['id']}/shipment", {"shipped_on": TODAY, "lines": lines})
    assert [line["shipped"] for line in shipped["lines"]] == ["50", "0"]
    again = stalls.placed(stalls.line(stalls.dates, "50"))
    assert again["status"] == "placed"
    accepted = stalls.acceptance(shipped)
    accepted["lines"].pop()
    assert stalls.receiver.made(f"/orders/{order['id']}/acceptances", accepted)["status"] == "accepted"


@pytest.mark.parametrize(
    ("step", "by", "status"),
    [
        ("refusal", "clerk", "declined"),
        ("cancellation", "orderer", "cancelled"),
        ("cancellation", "clerk", "cancelled"),
    ],
)
def test_an_order_given_up_frees_its_stock_and_keeps_the_reason(
    stalls: Stalls, step: str, by: str, status: str
) -> None:
    order = stalls.placed(stalls.line(stalls.dates, "100"))
    given_up = getattr(stalls, by).made(f"/orders/{order['id']}/{step}", {"reason": "道路中断"})
    assert (given_up["status"], given_up["changes"][-1]["reason"]) == (status, "道路中断")
    assert stalls.placed(stalls.line(stalls.dates, "100"))["status"] == "placed"


def test_sales_of_another_platform_carry_its_number_once(stalls: Stalls) -> None:
    shop = stalls.desk(factories.organisation(stalls.session, kind=OrganisationKind.ONLINE_SHOP), Role.BUYER_CLERK)
    wanted = stalls.wanted(channel_code="online", external_number="832-1")
    assert shop.post("/order-groups", wanted).status_code == 201
    for number, code in (("832-1", "external_number_taken"), (None, "external_number")):
        answer = shop.post("/order-groups", wanted | {"external_number": number})
        assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_an_order_is_paid_in_a_way_of_its_channel_and_keeps_it(stalls: Stalls) -> None:
    kept = stalls.orderer.made("/order-groups", stalls.wanted(funds_model="custodian"))["orders"][0]["id"]
    assert stalls.orderer.get(f"/orders/{kept}").json()["funds_model"] == "custodian"
    usual = stalls.orderer.made("/order-groups", stalls.wanted())["orders"][0]["id"]
    assert stalls.orderer.get(f"/orders/{usual}").json()["funds_model"] == "direct"
    market = stalls.desk(factories.organisation(stalls.session, kind=OrganisationKind.FIRM), Role.BUYER_CLERK)
    refused = market.post("/order-groups", stalls.wanted(channel_code="market", funds_model="custodian"))
    assert (refused.status_code, refused.json()["code"]) == (422, "funds_model")
    assert refused.json()["errors"][0]["pointer"] == "/funds_model"


def test_a_buyers_own_number_is_its_own(stalls: Stalls) -> None:
    wanted = stalls.wanted(external_number="2026-17")
    assert stalls.orderer.post("/order-groups", wanted).status_code == 201
    assert stalls.orderer.post("/order-groups", wanted).json()["code"] == "external_number_taken"
    assert stalls.other_orderer.post("/order-groups", wanted).status_code == 201


def test_mass_is_ordered_in_any_unit_of_mass_at_the_price_of_the_products_own(stalls: Stalls) -> None:
    by_jin = factories.product(
        stalls.session, stalls.supplier, unit=Unit.JIN, unit_milli=500, minimum="10", multiple="5", tiers=(("10", 500),)
    )
    factories.lot(stalls.session, by_jin, quantity_milli=20_000)
    (line,) = stalls.placed(stalls.line(by_jin, "7.5", unit="kg", unit_price_fen=500))["lines"]
    assert (line["quantity"], line["unit"], line["unit_price_fen"], line["amount_fen"]) == ("15", "jin", 500, 7_500)
    for quantity, code in (("4.5", "below_minimum"), ("6", "not_a_multiple"), ("5.0001", "inexact_quantity")):
        refused = stalls.orderer.post("/order-groups", stalls.wanted(stalls.line(by_jin, quantity)))
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    short = stalls.orderer.post("/order-groups", stalls.wanted(stalls.line(by_jin, "20")), **{"Accept-Language": "zh"})
    assert short.json()["detail"] == "库存不足,仅余 25 斤。"


def test_orders_are_listed_newest_first_in_pages_and_by_filters(stalls: Stalls) -> None:
    orders = [stalls.placed(stalls.line(stalls.dates, "1")) for _ in range(5)]
    orders.append(stalls.placed(stalls.line(stalls.walnuts)))
    stalls.clerk.made(f"/orders/{orders[1]['id']}/confirmation")
    seen: list[str] = []
    page: dict[str, Any] = {"next_cursor": None}
    while True:
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = stalls.orderer.get("/orders", limit=2, **cursor).json()
        seen += [order["id"] for order in page["items"]]
        if page["next_cursor"] is None:
            break
    assert seen == [order["id"] for order in reversed(orders)]

    def found(**filters: str) -> set[str]:
        return {order["id"] for order in stalls.orderer.get("/orders", **filters).json()["items"]}

    assert found(status="confirmed") == {orders[1]["id"]}
    assert found(supplier_id=str(stalls.other_supplier.id)) == {orders[5]["id"]}
    assert found(buyer_id=str(stalls.other_buyer.id)) == set()
    assert found(channel_code="canteen", placed_from=TODAY, placed_to=TODAY) == set(seen)
    assert found(placed_from="2026-03-03") == found(placed_to="2026-03-01") == found(channel_code="city") == set()


def test_an_order_is_seen_by_its_parties_and_those_who_oversee_them_and_by_nobody_else(stalls: Stalls) -> None:
    order = stalls.placed()
    finance = stalls.official(OrganisationKind.FINANCE_DEPARTMENT, Role.FINANCE_OFFICER, "141122")
    for desk in (
        stalls.orderer,
        stalls.receiver,
        stalls.clerk,
        stalls.county,
        finance,
        stalls.auditor,
        stalls.operator,
    ):
        assert desk.get(f"/orders/{order['id']}").json()["number"] == order["number"]
        assert order["id"] in [listed["id"] for listed in desk.get("/orders").json()["items"]]
    for desk in (stalls.other_orderer, stalls.other_receiver, stalls.other_clerk, stalls.other_county):
        answer = desk.get(f"/orders/{order['id']}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert desk.get("/orders").json()["items"] == []


def test_nobody_takes_a_step_with_an_order_of_others(stalls: Stalls) -> None:
    order = stalls.shipped()
    steps: list[tuple[Any, str, Any]] = [
        (stalls.other_clerk, "confirmation", None),
        (stalls.other_clerk, "refusal", {"reason": "无"}),
        (stalls.other_orderer, "cancellation", {"reason": "无"}),
        (stalls.other_clerk, "cancellation", {"reason": "无"}),
        (stalls.other_clerk, "shipment", {"shipped_on": TODAY}),
        (stalls.other_receiver, "acceptances", stalls.acceptance(order)),
        (stalls.other_receiver, "acceptances?dry_run=true", stalls.acceptance(order)),
        (stalls.other_receiver, "returns", stalls.coming_back(order)),
        (stalls.other_receiver, "returns?dry_run=true", stalls.coming_back(order)),
    ]
    before = all_tables(stalls.session)
    for desk, step, body in steps:
        answer = desk.post(f"/orders/{order['id']}/{step}", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), step
    assert all_tables(stalls.session) == before
