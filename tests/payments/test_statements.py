"""A bank's export as a clerk uploads it, and the queue of what waits, over HTTP."""

from typing import Any

import pytest

from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.payments.bank import Movement, export
from tests.stalls import Desk, Stalls


@pytest.fixture
def manager(stalls: Stalls) -> Desk:
    return stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER)


@pytest.fixture
def account(manager: Desk) -> str:
    return str(manager.made("/bank-accounts", {"holder": "合作社", "bank_name": "农行", "number": "1400 0001"})["id"])


def upload(desk: Desk, account: str, content: bytes, *, key: str = "statement") -> Any:
    headers = desk.bearer | {"Idempotency-Key": key, "Content-Type": "text/csv"}
    return desk.client.post(f"/v1/bank-accounts/{account}/statements", content=content, headers=headers)


def test_a_buyer_names_the_code_it_was_given_and_its_transfer_pays_the_order(
    stalls: Stalls, manager: Desk, account: str
) -> None:
    group = stalls.orderer.made("/order-groups", stalls.wanted())
    (order,) = group["orders"]
    told = upload(manager, account, export(Movement(order["amount_fen"], f"识别码:{group['identification_code']}")))
    assert told.status_code == 201
    counts = {name: told.json()[name] for name in ("line_count", "new_count", "matched_count")}
    assert counts == {"line_count": 1, "new_count": 1, "matched_count": 1}
    assert manager.get(f"/orders/{order['id']}").json()["captured_fen"] == order["amount_fen"]
    (line,) = manager.get("/bank-lines").json()["items"]
    assert (line["open_fen"], line["waiting"], line["codes"]) == (0, None, [group["identification_code"]])


def test_an_upload_repeated_with_its_key_gets_the_first_answer_and_with_another_is_told(
    manager: Desk, account: str
) -> None:
    content = export(Movement(500, "利息"))
    first, again = upload(manager, account, content), upload(manager, account, content)
    assert (first.json(), again.headers["Idempotency-Hit"]) == (again.json(), "true")
    refused = upload(manager, account, content, key="another")
    assert (refused.status_code, refused.json()["code"]) == (409, "statement_taken")


def test_what_cannot_be_read_names_rows_and_nothing_is_recorded(manager: Desk, account: str) -> None:
    spoilt = upload(manager, account, export(Movement(500, "利息")).replace(b"5.00", b"5.001"))
    assert (spoilt.status_code, spoilt.json()["code"]) == (422, "statement_faults")
    assert [error["pointer"] for error in spoilt.json()["errors"]] == ["/rows/2/in"]
    unknown = upload(manager, account, b"what,is,this\n1,2,3", key="2")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "statement_file")
    assert manager.get("/bank-lines").json()["items"] == []


def test_two_members_match_what_waits_and_the_queue_says_why_and_how_long(
    stalls: Stalls, manager: Desk, account: str
) -> None:
    (order,) = stalls.orderer.made("/order-groups", stalls.wanted())["orders"]
    upload(manager, account, export(Movement(order["amount_fen"], "货款")))
    (line,) = manager.get("/bank-lines", is_open="true", waiting="no_code").json()["items"]
    assert line["open_days"] is not None
    asked = {"reason": "附言漏写", "orders": [{"order_id": order["id"], "amount_fen": order["amount_fen"]}]}
    match = manager.made(f"/bank-lines/{line['id']}/matches", asked)
    assert manager.get("/matches", status="proposed").json()["items"] == [match]
    refused = manager.post(f"/matches/{match['id']}/decision", {"event": "approve"})
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    approved = stalls.clerk.made(f"/matches/{match['id']}/decision", {"event": "approve"})
    assert approved["status"] == "approved"
    assert manager.get("/bank-lines", is_open="true").json()["items"] == []
    assert manager.get(f"/orders/{order['id']}").json()["paid_fen"] == order["amount_fen"]


def test_a_buyer_sees_what_it_paid_into_custody(stalls: Stalls) -> None:
    platform = factories.organisation(stalls.session, kind=OrganisationKind.PLATFORM)
    operator = stalls.desk(platform, Role.OPERATOR)
    account = operator.made("/bank-accounts", {"holder": "专户", "bank_name": "农行", "number": "1400 0002"})["id"]
    group = stalls.orderer.made("/order-groups", stalls.wanted(funds_model="custodian"))
    told = upload(operator, account, export(Movement(group["amount_fen"], group["identification_code"])))
    assert told.json()["matched_count"] == 1
    (receipt,) = stalls.orderer.get("/receipts").json()["items"]
    assert (receipt["supplier_id"], receipt["amount_fen"]) == (None, group["amount_fen"])
    parts = stalls.orderer.get(f"/receipts/{receipt['id']}").json()["orders"]
    assert [part["amount_fen"] for part in parts] == [group["amount_fen"]]
