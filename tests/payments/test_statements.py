"""A bank's export as a clerk uploads it, and the queue of what waits, over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from market.identity.models import Organisation
from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.payments.bank import Movement, export
from tests.stalls import Desk, Stalls


@pytest.fixture
def manager(stalls: Stalls) -> Desk:
    return stalls.desk(stalls.supplier, Role.SUPPLIER_MANAGER)


@pytest.fixture
def account(stalls: Stalls, manager: Desk) -> str:
    return stalls.bank_account(manager, "1400 0001", stalls.operator)


def upload(desk: Desk, account: str, content: bytes, *, key: str = "statement") -> Any:
    headers = desk.bearer | {"Idempotency-Key": key, "Content-Type": "text/csv"}
    return desk.client.post(f"/v1/bank-accounts/{account}/statements", content=content, headers=headers)


def test_a_buyer_names_the_code_it_was_given_and_its_transfer_pays_the_order(
    stalls: Stalls, manager: Desk, account: str
) -> None:
    group = stalls.orderer.made("/order-groups", stalls.wanted())
    (order,) = group["orders"]
    how = order["how_to_pay"]
    assert (how["funds_model"], how["amount_due_fen"], how["online_payment"]) == ("direct", order["amount_fen"], None)
    assert how["account"] == {
        "holder": stalls.supplier.name,
        "bank_name": "农行",
        "bank_code": "",
        "number": "1400 0001",
    }
    told = upload(manager, account, export(Movement(how["amount_due_fen"], f"识别码:{how['remark']}")))
    assert told.status_code == 201
    counts = {name: told.json()[name] for name in ("line_count", "new_count", "matched_count")}
    assert counts == {"line_count": 1, "new_count": 1, "matched_count": 1}
    paid = manager.get(f"/orders/{order['id']}").json()
    nowhere = {"amount_due_fen": 0, "account": None, "remark": None}
    assert (paid["captured_fen"], paid["how_to_pay"]) == (order["amount_fen"], how | nowhere)
    assert paid["identification_code"] == group["identification_code"]
    (line,) = manager.get("/bank-lines").json()["items"]
    assert (line["open_fen"], line["waiting"], line["codes"]) == (0, None, [group["identification_code"]])


def test_a_payer_is_told_what_waits_for_the_rest_and_nowhere_to_pay_for_what_was_given_up(
    stalls: Stalls, manager: Desk, account: str
) -> None:
    first, second = (stalls.orderer.made("/order-groups", stalls.wanted())["orders"][0] for _ in range(2))
    how, other = first["how_to_pay"], second["how_to_pay"]
    half = how["amount_due_fen"] // 2
    upload(manager, account, export(Movement(half, how["remark"], "A"), Movement(7, other["remark"], "B")), key="half")
    assert stalls.orderer.get(f"/orders/{first['id']}").json()["how_to_pay"] == how | {"waiting_fen": half}
    rest = export(Movement(how["amount_due_fen"] - half, how["remark"], "C"))
    assert upload(manager, account, rest, key="rest").json()["matched_count"] == 2
    stalls.orderer.made(f"/orders/{second['id']}/cancellation", {"reason": "无需"})
    for order in (first, second):
        told = stalls.orderer.get(f"/orders/{order['id']}").json()["how_to_pay"]
        assert (told["amount_due_fen"], told["account"], told["remark"], told["waiting_fen"]) == (0, None, None, 0)


@pytest.mark.parametrize("remark", ["货款\x00", "货" * 1_001])
def test_a_statement_with_what_no_bank_writes_is_refused_whole(manager: Desk, account: str, remark: str) -> None:
    answer = upload(manager, account, export(Movement(100), Movement(200, remark, "B")))
    assert (answer.status_code, answer.json()["code"]) == (422, "statement_faults")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/rows/3/remark"]


def rename(stalls: Stalls, organisation_id: UUID, name: str, *, version: int) -> Any:
    """Have the operator give an organisation another name."""
    headers = stalls.operator.bearer | {"If-Match": f'"{version}"'}
    return stalls.client.patch(f"/v1/organisations/{organisation_id}", json={"name": name}, headers=headers)


def test_an_account_of_one_persons_making_does_not_count(stalls: Stalls) -> None:
    platform = stalls.session.get_one(Organisation, stalls.operator.member.organisation_id)
    asked = {"bank_name": "农行", "number": "1400 0003"}
    private = stalls.operator.post("/bank-accounts", asked | {"holder": "运营员本人"})
    assert (private.status_code, private.json()["errors"][0]["pointer"]) == (422, "/holder")
    squatted = stalls.manager.made("/bank-accounts", asked)  # nobody confirmed it: it blocks nobody
    account = stalls.operator.made("/bank-accounts", asked)
    assert account["holder"] == platform.name
    refused = upload(stalls.operator, account["id"], export(Movement(500, "利息")))
    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_confirmed")
    path = f"/bank-accounts/{account['id']}/confirmation"
    alone = stalls.operator.post(path)
    assert (alone.status_code, alone.json()["code"]) == (403, "four_eyes")
    colleague = stalls.desk(platform, Role.OPERATOR)
    assert rename(stalls, platform.id, "运营员本人", version=1).status_code == 200
    renamed_since = colleague.post(path)
    assert (renamed_since.status_code, renamed_since.json()["code"]) == (409, "conflict")
    assert rename(stalls, platform.id, account["holder"], version=2).status_code == 200
    confirmed = colleague.made(path)
    kept = rename(stalls, platform.id, "运营员本人", version=3)
    assert (kept.status_code, kept.json()["code"]) == (409, "organisation_name_kept")
    assert (account["confirmed_by"], confirmed["confirmed_by"]) == (None, str(colleague.member.id))
    assert colleague.post(path).json()["code"] == "account_confirmed"
    taken = colleague.post(f"/bank-accounts/{squatted['id']}/confirmation")
    assert (taken.status_code, taken.json()["code"]) == (409, "bank_account_taken")
    assert upload(stalls.operator, account["id"], export(Movement(500, "利息")), key="again").status_code == 201


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


def test_two_members_say_what_a_line_is_that_belongs_to_no_order_and_take_it_back(
    stalls: Stalls, manager: Desk, account: str
) -> None:
    upload(manager, account, export(Movement(-50, "手续费")))
    (line,) = manager.get("/bank-lines", is_open="true").json()["items"]
    neither = manager.post(f"/bank-lines/{line['id']}/matches", {"reason": "手续费"})
    assert (neither.status_code, neither.json()["errors"][0]["pointer"]) == (422, "/orders")
    match = manager.made(f"/bank-lines/{line['id']}/matches", {"reason": "手续费", "meaning": "bank_fee"})
    assert (match["meaning"], match["amount_fen"], match["orders"]) == ("bank_fee", -50, [])
    stalls.clerk.made(f"/matches/{match['id']}/decision", {"event": "approve"})
    undoing = manager.made(f"/matches/{match['id']}/undoing", {"reason": "是退款"})
    stalls.clerk.made(f"/matches/{undoing['id']}/decision", {"event": "approve"})
    (line,) = manager.get("/bank-lines", is_open="true").json()["items"]
    assert (line["open_fen"], line["waiting"]) == (-50, "went_out")


def test_a_buyer_sees_what_it_paid_into_custody(stalls: Stalls) -> None:
    platform = factories.organisation(stalls.session, kind=OrganisationKind.PLATFORM)
    operator = stalls.desk(platform, Role.OPERATOR)
    account = stalls.bank_account(operator, "1400 0002", stalls.operator)
    group = stalls.orderer.made("/order-groups", stalls.wanted(funds_model="custodian"))
    assert group["orders"][0]["how_to_pay"]["account"]["number"] == "1400 0002"
    told = upload(operator, account, export(Movement(group["amount_fen"], group["identification_code"])))
    assert told.json()["matched_count"] == 1
    (receipt,) = stalls.orderer.get("/receipts").json()["items"]
    assert (receipt["supplier_id"], receipt["amount_fen"]) == (None, group["amount_fen"])
    parts = stalls.orderer.get(f"/receipts/{receipt['id']}").json()["orders"]
    assert [part["amount_fen"] for part in parts] == [group["amount_fen"]]
