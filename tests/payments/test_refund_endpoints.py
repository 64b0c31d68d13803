"""Refunds by HTTP: asked for, approved by another, sent, and told by the bank or the provider."""

import csv
from io import BytesIO, StringIO
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
import python_calamine

from market.banks.rules import Form, identification_code, printed_code
from market.identity.rules import Role
from market.orders.models import OrderGroup
from tests.payments.bank import Movement, export
from tests.stalls import TODAY, Desk, Stalls

PAYEE = {"name": "交城县财政国库支付中心", "account": "1400 1234 567890"}
ASKED = {"reason": "订单取消", "payee": PAYEE}
CHINESE = {"Accept-Language": "zh-CN"}


def tell(desk: Desk, account_id: str, *movements: Movement) -> None:
    """Import a statement."""
    headers = desk.bearer | {"Idempotency-Key": uuid4().hex, "Content-Type": "text/csv"}
    path = f"/v1/bank-accounts/{account_id}/statements"
    answer = desk.client.post(path, content=export(*movements), headers=headers)
    assert answer.status_code == 201, answer.text


class Custody:
    """An account in custody, two operators, and an order that was paid into it and given up."""

    def __init__(self, stalls: Stalls) -> None:
        """Let it come to that."""
        self.clerk = stalls.operator
        organisation = stalls.session.get_one(type(stalls.buyer), self.clerk.member.organisation_id)
        self.colleague = stalls.desk(organisation, Role.OPERATOR)
        self.account_id = stalls.bank_account(self.clerk, "14 0001 0001", self.colleague)
        group = stalls.orderer.made("/order-groups", stalls.wanted(funds_model="custodian"))
        (self.order,) = group["orders"]
        number = stalls.session.get_one(OrderGroup, group["id"]).number
        self.tell(Movement(10_000, printed_code(identification_code(number)), "IN"))
        stalls.orderer.made(f"/orders/{self.order['id']}/cancellation", {"reason": "无需"})

    def tell(self, *movements: Movement) -> None:
        """Import a statement of the account."""
        tell(self.clerk, self.account_id, *movements)

    def ask(self, **changed: Any) -> dict[str, Any]:
        """Ask for a refund of the order."""
        (refund,) = self.clerk.made(f"/orders/{self.order['id']}/refunds", ASKED | changed)["refunds"]
        return dict(refund)

    def approved(self, **changed: Any) -> dict[str, Any]:
        """Ask for a refund, and have it approved."""
        return dict(self.colleague.made(f"/refunds/{self.ask(**changed)['id']}/decision", {"event": "approve"}))

    def sent(self, **changed: Any) -> dict[str, Any]:
        """Hand a refund to the bank."""
        return dict(self.clerk.made(f"/refunds/{self.approved(**changed)['id']}/sending", {"bank_name": "工商银行"}))


@pytest.fixture
def custody(stalls: Stalls) -> Custody:
    return Custody(stalls)


def paid_by(content: bytes, form: Form) -> str:
    """Return all that a file for the bank says, as text."""
    match form:
        case Form.XLSX:
            sheet = python_calamine.CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0)
            return " ".join(str(cell) for row in sheet.to_python() for cell in row)
        case Form.CSV:
            return " ".join(cell for row in csv.reader(StringIO(content.decode("gb18030"))) for cell in row)
        case Form.XML:
            return " ".join(ET.fromstring(content).itertext())  # noqa: S314 - the market's own


def test_a_refund_out_of_custody_goes_from_request_to_success(stalls: Stalls, custody: Custody) -> None:
    sent = custody.sent()
    assert (sent["status"], sent["route"], sent["amount_fen"]) == ("sent", "bank", 10_000)
    path = f"/bank-accounts/{custody.account_id}/refund-files"
    file = custody.clerk.made(path, {"form": "xml"})
    assert (file["refund_count"], file["amount_fen"]) == (1, 10_000)
    first, again = (custody.clerk.get(f"/refund-files/{file['id']}") for _ in range(2))
    assert first.headers["content-disposition"] == f'attachment; filename="{file["number"]}.xml"'
    assert first.content == again.content
    said = paid_by(first.content, Form.XML)
    for wanted in (file["number"], sent["number"], PAYEE["name"], "14001234567890", "100.00"):
        assert wanted in said, said
    none = custody.clerk.post(path, {"form": "csv"})
    assert (none.status_code, none.json()["code"]) == (409, "not_sent")
    custody.tell(Movement(-10_000, f"退款 {sent['number']}", "OUT"))
    shown = stalls.orderer.get(f"/refunds/{sent['id']}").json()
    assert (shown["status"], shown["succeeded_on"]) == ("succeeded", TODAY)
    assert [change["event"] for change in shown["changes"]] == ["approve", "send", "succeed"]
    assert [change["away_fen"] for change in shown["changes"]] == [0, 10_000, 0]
    assert stalls.row(custody.order).refunded_fen == 10_000


def test_nobody_approves_the_refund_that_they_asked_for(custody: Custody) -> None:
    path = f"/refunds/{custody.ask()['id']}/decision"
    said = {}
    for language in ("en", "zh-CN"):
        answer = custody.clerk.post(path, {"event": "approve"}, **{"Accept-Language": language})
        assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")
        assert answer.headers["content-type"] == "application/problem+json"
        said[language] = answer.json()["detail"]
    assert said["en"].isascii()
    assert not said["zh-CN"].isascii()
    declined = custody.colleague.made(path, {"event": "decline"})
    assert declined["status"] == "declined"
    again = custody.colleague.post(path, {"event": "approve"}, **CHINESE)
    assert (again.status_code, again.json()["code"]) == (409, "transition")


def test_a_decision_is_to_approve_or_to_decline(custody: Custody) -> None:
    answer = custody.colleague.post(f"/refunds/{custody.ask()['id']}/decision", {"event": "succeed"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/event")


def test_no_more_goes_back_than_was_paid(custody: Custody) -> None:
    answer = custody.clerk.post(f"/orders/{custody.order['id']}/refunds", ASKED | {"amount_fen": 10_001}, **CHINESE)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_too_much")
    assert "应退 100.00 元,所填为 100.01 元" in answer.json()["detail"]


def test_two_clicks_with_one_key_are_one_refund(custody: Custody) -> None:
    path = f"/orders/{custody.order['id']}/refunds"
    first, again = (custody.clerk.post(path, ASKED | {"amount_fen": 400}, key="once") for _ in range(2))
    assert (again.headers["idempotency-hit"], again.json()) == ("true", first.json())
    assert len(custody.clerk.get("/refunds", order_id=custody.order["id"]).json()["items"]) == 1


def test_a_refund_that_the_bank_did_not_pay_goes_to_another_account(custody: Custody) -> None:
    sent = custody.sent()
    path = f"/bank-accounts/{custody.account_id}/refund-files"
    first = custody.clerk.made(path, {"form": "csv"})
    text = paid_by(custody.clerk.get(f"/refund-files/{first['id']}").content, Form.CSV)
    why = {"reason": "账户已销户"}
    assert custody.clerk.post(f"/refunds/{sent['id']}/failure", why).json()["code"] == "four_eyes"
    failed = custody.colleague.made(f"/refunds/{sent['id']}/failure", why)
    closed = custody.clerk.get(f"/refund-files/{first['id']}")
    assert (closed.status_code, closed.json()["code"]) == (409, "refund_in_file_failed")
    assert (failed["status"], failed["fault"]) == ("failed", "账户已销户")
    elsewhere = {"payee": PAYEE | {"account": "14009999"}, "reason": "改付新账户"}
    again = custody.clerk.made(f"/refunds/{sent['id']}/rerouting", elsewhere)
    assert (again["status"], again["replaces_id"]) == ("requested", sent["id"])
    assert custody.clerk.post(f"/refunds/{again['id']}/decision", {"event": "approve"}).json()["code"] == "four_eyes"
    assert custody.colleague.made(f"/refunds/{again['id']}/decision", {"event": "approve"})["status"] == "approved"
    custody.clerk.made(f"/refunds/{again['id']}/sending", {"bank_name": "工商银行"})
    later = custody.clerk.made(path, {"form": "csv"})
    said = [text, paid_by(custody.clerk.get(f"/refund-files/{later['id']}").content, Form.CSV)]
    assert [(sent["number"] in each, again["number"] in each) for each in said] == [(True, False), (False, True)]


def test_refunds_are_listed_newest_first_in_pages_and_by_status(stalls: Stalls, custody: Custody) -> None:
    asked = [custody.ask(amount_fen=fen)["id"] for fen in (1_000, 2_000, 3_000)]
    first = stalls.auditor.get("/refunds", limit=2).json()
    second = stalls.auditor.get("/refunds", limit=2, cursor=first["next_cursor"]).json()
    assert [refund["id"] for page in (first, second) for refund in page["items"]] == asked[::-1]
    custody.colleague.made(f"/refunds/{asked[0]}/decision", {"event": "approve"})
    assert [refund["id"] for refund in stalls.clerk.get("/refunds", status="approved").json()["items"]] == asked[:1]


def test_a_supplier_that_was_paid_directly_records_that_it_paid_back(stalls: Stalls) -> None:
    order = stalls.placed()
    stalls.clerk.made("/receipts", stalls.money(order, 10_000))
    stalls.orderer.made(f"/orders/{order['id']}/cancellation", {"reason": "无需"})
    first, second = (
        stalls.orderer.made(f"/orders/{order['id']}/refunds", ASKED | {"amount_fen": fen})["refunds"][0]
        for fen in (6_000, 4_000)
    )
    path = f"/refunds/{first['id']}"
    assert stalls.operator.post(f"{path}/decision", {"event": "approve"}).json()["code"] == "not_found"
    assert stalls.clerk.made(f"{path}/decision", {"event": "approve"})["route"] == "supplier"
    tomorrow = stalls.manager.post(f"{path}/payment", {"bank_reference": "B-1", "paid_on": "2026-03-03"})
    assert (tomorrow.status_code, tomorrow.json()["errors"][0]["pointer"]) == (422, "/paid_on")
    told = {"bank_reference": "B-1", "paid_on": TODAY}
    assert stalls.clerk.post(f"{path}/payment", told).json()["code"] == "four_eyes"
    paid = stalls.manager.made(f"{path}/payment", told)
    assert (paid["status"], paid["succeeded_on"]) == ("succeeded", TODAY)
    row = stalls.row(order)
    assert (row.paid_fen, row.refunded_fen) == (4_000, 6_000)
    stalls.clerk.made(f"/refunds/{second['id']}/decision", {"event": "approve"})
    again = stalls.manager.post(f"/refunds/{second['id']}/payment", told | {"bank_reference": "b-1 "})
    assert (again.status_code, again.json()["code"]) == (409, "refund_reference_taken")


def test_a_file_of_refunds_is_for_who_pays_them(stalls: Stalls, custody: Custody) -> None:
    own = stalls.bank_account(stalls.manager, "14 0002 0002", stalls.operator)
    order = stalls.placed()
    stalls.clerk.made("/receipts", stalls.money(order, 10_000))
    stalls.orderer.made(f"/orders/{order['id']}/cancellation", {"reason": "无需"})
    (refund,) = stalls.orderer.made(f"/orders/{order['id']}/refunds", ASKED)["refunds"]
    stalls.clerk.made(f"/refunds/{refund['id']}/decision", {"event": "approve"})
    stalls.manager.made(f"/refunds/{refund['id']}/sending", {"bank_name": "工商银行"})
    path, form = f"/bank-accounts/{own}/refund-files", {"form": "xlsx"}
    for desk in (custody.clerk, stalls.other_clerk):
        assert desk.post(path, form).json()["code"] == "not_found"
    file = f"/refund-files/{stalls.manager.made(path, form)['id']}"
    assert refund["number"] in paid_by(stalls.manager.get(file).content, Form.XLSX)
    assert custody.clerk.get(file).json()["code"] == "not_found"
    assert stalls.clerk.post(f"/bank-accounts/{custody.account_id}/refund-files", form).json()["code"] == "not_found"
