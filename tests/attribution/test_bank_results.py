"""Lists for the bank: what it paid is disbursed, what it could not stays owed, and a file told twice posts once."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from xlsxwriter import Workbook

from market.attribution import bank_file
from market.attribution.paying import FailureReason
from market.benefits.models import Enrolment
from market.households.models import Household
from market.lots.models import Lot
from market.lots.rules import LotStatus
from tests import factories
from tests.attribution.test_evidence import send
from tests.stalls import TODAY, Stalls, all_tables

CHINESE = "付款凭证号,农户编码,金额(元),处理结果,失败原因,交易日期"


@pytest.fixture
def stalls(paid_stalls: Stalls) -> Stalls:
    return paid_stalls


def prepared(stalls: Stalls, *amounts: int, prefix: str = "DF") -> dict[str, Any]:
    """Write a list that pays the first households these amounts (fen)."""
    payments = [
        stalls.payment(fen, household=place, reference=f"{prefix}-{place}")["payments"][0]
        for place, fen in enumerate(amounts)
    ]
    request = {"method": "bank_transfer", "evidence": "代发清单 0302", "payments": payments}
    return dict(stalls.clerk.made("/pay-lists", request))


def told(stalls: Stalls, pay_list: dict[str, Any], *rows: str, head: str = CHINESE, key: str = "", **query: str) -> Any:
    content = "\n".join((head, *rows)).encode()
    return send(stalls.manager, content, path=f"/pay-lists/{pay_list['id']}/bank-results", key=key, **query)


def owed(stalls: Stalls) -> list[int]:
    """Return what each household is owed now."""
    items = stalls.clerk.get("/payables").json()["items"]
    by_payee = {item["payee_id"]: item["recognised_fen"] for item in items}
    return [by_payee.get(str(household.id), 0) for household in stalls.households]


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [fault["pointer"] for fault in answer.json()["errors"]]


def test_a_list_pays_nobody_until_the_bank_has(stalls: Stalls) -> None:
    before = owed(stalls)
    pay_list = prepared(stalls, 3_058, 6_039)
    assert (pay_list["status"], pay_list["amount_fen"]) == ("open", 9_097)
    assert (owed(stalls), stalls.clerk.get("/payments").json()["items"]) == (before, [])


def test_what_the_bank_paid_is_disbursed_and_what_it_could_not_stays_owed(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058, 6_039, 19)
    code = stalls.households[0].code
    rows = [f"df 0,{code},30.58,成功,,2026-03-01", "DF-1,,60.39,失败,户名不符,", "DF-2,,￥0.19,交易成功,,2026/3/2"]
    taken = told(stalls, pay_list, *rows).json()
    assert (taken["paid"], taken["paid_fen"], taken["failed"], taken["failed_fen"]) == (2, 3_077, 1, 6_039)
    assert (taken["unanswered"], taken["duplicate"], len(taken["disbursement_ids"])) == (0, False, 2)
    assert owed(stalls) == [0, 6_039, 0]
    read = stalls.clerk.get(f"/pay-lists/{pay_list['id']}").json()
    assert read["status"] == "settled"
    assert [(line["status"], line["reason"]) for line in read["lines"]] == [
        ("paid", None),
        ("failed", "name_mismatch"),
        ("paid", None),
    ]
    paid = {item["reference"]: item["paid_on"] for item in stalls.clerk.get("/payments").json()["items"]}
    assert paid == {"DF-0": "2026-03-01", "DF-2": "2026-03-02"}


def test_why_the_bank_could_not_pay_is_kept_as_a_code_and_its_words_are_not(stalls: Stalls) -> None:
    said = {
        "户名与账号不符 应为某某": "name_mismatch",
        "账号不存在(某某)": "no_such_account",
        "该账户已销户": "account_closed",
        "Account frozen": "account_blocked",
        "收款行行号有误": "wrong_bank",
        "超出Ⅱ类户限额": "over_limit",
        "付款账户余额不足": "payer_short",
        "某某不在家": "other",
        "": None,
    }
    assert set(said.values()) == {*FailureReason, None}
    for serial, (words, code) in enumerate(said.items()):
        pay_list = prepared(stalls, 100, prefix=f"W{serial}")
        told(stalls, pay_list, f"W{serial}-0,,1.00,失败,{words},")
        (line,) = stalls.clerk.get(f"/pay-lists/{pay_list['id']}").json()["lines"]
        assert (line["status"], line["reason"]) == ("failed", code)


def test_what_failed_is_paid_again_under_a_new_reference_alone(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058)
    told(stalls, pay_list, "DF-0,,30.58,失败,账户状态异常,")
    spent = stalls.clerk.post("/disbursements", stalls.payment(3_058, reference="DF 0"))
    assert (spent.status_code, spent.json()["code"]) == (409, "payment_reference_taken")
    again = prepared(stalls, 3_058, prefix="BF")
    assert told(stalls, again, f"BF-0,,30.58,成功,,{TODAY}").json()["paid"] == 1
    assert owed(stalls)[0] == 0


def test_an_invoice_that_an_open_list_asks_to_pay_is_asked_for_by_no_other(stalls: Stalls) -> None:
    """Money that has left the bank is not refused: so what would be refused then is refused before."""
    invoiced = stalls.payment(500, invoice_number="24142000000012345678", reference="A-1")
    request = {"method": "bank_transfer", "evidence": "代发清单", "payments": invoiced["payments"]}
    first = stalls.clerk.made("/pay-lists", request)
    request["payments"] = [request["payments"][0] | {"reference": "B-1"}]
    refused = stalls.clerk.post("/pay-lists", request)
    assert (refused.status_code, refused.json()["code"]) == (409, "einvoice_taken")
    told(stalls, first, "A-1,,5.00,失败,账户状态异常,")
    again = stalls.clerk.made("/pay-lists", request)
    assert told(stalls, again, f"B-1,,5.00,成功,,{TODAY}").json()["paid"] == 1


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_the_bank_paid_is_booked_though_a_tie_or_a_contribution_has_gone_since(
    stalls: Stalls, *, dry_run: bool
) -> None:
    """The money has left: what it was for may have changed, and is no reason to know nothing of it."""
    lot = factories.lot(stalls.session, stalls.dates, status=LotStatus.DRAFT)
    given = factories.contribution(stalls.session, lot, stalls.households[0], amount_fen=500).id
    payments = [
        stalls.payment(500, reference="A-1", contribution_id=str(given))["payments"][0],
        stalls.payment(6_039, household=1, reference="A-2")["payments"][0],
    ]
    pay_list = stalls.clerk.made(
        "/pay-lists", {"method": "bank_transfer", "evidence": "代发清单", "payments": payments}
    )
    fallen_away(stalls, lot, stalls.households[1])
    query = {"dry_run": "true"} if dry_run else {}
    taken = told(stalls, pay_list, f"A-1,,5.00,成功,,{TODAY}", f"A-2,,60.39,成功,,{TODAY}", **query)
    assert taken.json()["paid_fen"] == 6_539


def fallen_away(stalls: Stalls, lot: Lot, household: Household) -> None:
    """Discard a lot and end a household's enrolment, neither of which an open list lets anybody do."""
    lot.status, lot.discarded_by = LotStatus.DISCARDED, stalls.clerk.member.id
    stalls.session.flush()
    tie = sa.update(Enrolment).where(Enrolment.household_id == household.id)
    stalls.session.execute(tie.values(confirmed_at=None, confirmed_by=None))


def test_a_file_told_twice_posts_nothing_the_second_time(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058, 6_039)
    row = f"DF-0,,30.58,成功,,{TODAY}"
    first = told(stalls, pay_list, row).json()
    assert first["unanswered"] == 1
    again = told(stalls, pay_list, row, key="again").json()
    assert again == first | {"duplicate": True}
    longer = told(stalls, pay_list, row, f"DF-1,,60.39,成功,,{TODAY}").json()
    assert (longer["paid"], longer["said_before"], longer["unanswered"]) == (1, 1, 0)
    assert told(stalls, pay_list, row, "", key="with an empty row").json()["said_before"] == 1
    assert len(stalls.clerk.get("/payments").json()["items"]) == 2


def test_a_file_is_taken_whole_or_not_at_all_and_each_fault_names_its_row_and_column(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058, 6_039, 19)
    before = all_tables(stalls.session)
    answer = told(
        stalls,
        pay_list,
        f"DF-0,,30.58,成功,,{TODAY}",
        f"DF-1,,60.40,成功,,{TODAY}",
        f"DF-2,{stalls.households[0].code},0.19,成功,,2026-03-03",
        f"DF-0,,30.58,成功,,{TODAY}",
        f"DF-9,,1.00,成功,,{TODAY}",
        f",,一元,也许,,{TODAY}日",
        "DF-2,,0.19,成功,,",
    )
    assert sorted(pointers(answer)) == [
        "/rows/3/amount",
        "/rows/4/date",
        "/rows/4/payee_code",
        "/rows/5/reference",
        "/rows/6/reference",
        "/rows/7/amount",
        "/rows/7/reference",
        "/rows/7/result",
        "/rows/8/date",
    ]
    assert answer.json()["code"] == "bank_result"
    after = all_tables(stalls.session)
    assert after == before


def test_a_later_file_does_not_contradict_an_earlier_one(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058, 6_039, 19)
    told(stalls, pay_list, f"DF-0,,30.58,成功,,{TODAY}", "DF-1,,60.39,失败,,")
    answer = told(stalls, pay_list, "DF-0,,30.58,失败,,", f"DF-1,,60.39,成功,,{TODAY}")
    assert pointers(answer) == ["/rows/2/result", "/rows/3/result"]


def test_a_dry_run_says_what_a_file_would_bring_and_writes_nothing(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058, 6_039)
    before = all_tables(stalls.session)
    rows = (f"DF-0,,30.58,成功,,{TODAY}", "DF-1,,60.39,失败,,")
    foreseen = told(stalls, pay_list, *rows, dry_run="true")
    assert (foreseen.status_code, foreseen.json()["disbursement_ids"]) == (200, [])
    assert all_tables(stalls.session) == before
    made = told(stalls, pay_list, *rows).json()
    assert foreseen.json() == made | {"disbursement_ids": []}


def workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    buffer = BytesIO()
    with Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            sheet.write_row(number, 0, cells)
    return buffer.getvalue()


def test_a_workbook_is_read_as_it_is_shown_with_english_headers_and_a_title(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058, 60_000)
    content = workbook(
        [
            ["农商银行代发结果"],
            ["Reference", "Account name", "Amount", "Result", "Date"],
            ["DF-0", "某某", 30.58, "Success", "20260302"],
            ["DF-1", "某某", 600, "FAILED", ""],
        ]
    )
    taken = send(stalls.manager, content, path=f"/pay-lists/{pay_list['id']}/bank-results").json()
    assert (taken["paid_fen"], taken["failed_fen"]) == (3_058, 60_000)


def test_a_bank_that_writes_gb18030_is_understood(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058)
    content = f"{CHINESE}\nDF-0,,30.58,成功,,{TODAY}".encode("gb18030")
    assert send(stalls.manager, content, path=f"/pay-lists/{pay_list['id']}/bank-results").json()["paid"] == 1


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xff\xff", b"PK\x03\x04", "凭证号,金额\n1,2".encode(), workbook([["结果"]])]
)
def test_what_is_no_result_file_is_refused(stalls: Stalls, content: bytes) -> None:
    pay_list = prepared(stalls, 3_058)
    answer = send(stalls.manager, content, path=f"/pay-lists/{pay_list['id']}/bank-results")
    assert (answer.status_code, answer.json()["code"]) == (422, "bank_file")


def test_a_file_without_a_column_is_told_by_which_headings_each_is_known(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058)
    content = "流水号,金额,状态,日期\nB1,1.00,成功,2026-03-02".encode()
    answer = send(stalls.manager, content, path=f"/pay-lists/{pay_list['id']}/bank-results")
    assert "result: result" in answer.json()["detail"]


def test_nobody_is_paid_above_what_is_recognised_except_into_its_own_advance(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 5_000)
    told(stalls, pay_list, f"DF-0,,50.00,成功,,{TODAY}")
    assert owed(stalls)[0] == 0
    came_in = sa.text(
        "SELECT a.step, sum(t.amount_fen)::bigint FROM ledger_transfers t"
        " JOIN ledger_accounts a ON a.id = t.credit_account_id"
        " WHERE t.payment_id IS NOT NULL AND a.kind = 'household' GROUP BY 1"
    )
    steps = stalls.session.execute(came_in).all()
    assert {step: int(fen) for step, fen in steps} == {"disbursed": 3_058, "advance": 1_942}


def test_who_wrote_the_list_does_not_say_what_the_bank_did_with_it(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058)
    content = f"{CHINESE}\nDF-0,,30.58,成功,,{TODAY}".encode()
    path = f"/pay-lists/{pay_list['id']}/bank-results"
    for query in ({}, {"dry_run": "true"}):
        refused = send(stalls.clerk, content, path=path, **query)
        assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    assert stalls.clerk.get("/payments").json()["items"] == []
    assert send(stalls.manager, content, path=path).json()["paid"] == 1


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("失败：户名不符", "name_mismatch"),
        ("交易失败(账号不存在)", "no_such_account"),
        ("失败-余额不足", "payer_short"),
        ("Failed: account frozen", "account_blocked"),
        ("失败", None),
    ],
)
def test_a_reason_may_follow_the_result(result: str, reason: str | None) -> None:
    content = f"凭证号,金额,结果,日期\nDF-0,30.58,{result},\nDF-1,1,成功[0000],{TODAY}"
    rows, faults = bank_file.read(content.encode())
    assert faults == []
    assert [(row.paid, row.reason) for row in rows] == [(False, reason), (True, None)]


TOTALS: list[tuple[str, list[str]]] = [
    ("合计,90.97,,", []),
    ("总计：,,,", []),
    (",90.97,,合计(2笔)", []),
    ("成功合计,30.58,,\n失败合计,60.39,,", []),
    ("Total,90.97,,", []),
    ("合计,90.98,,", ["4 amount"]),
    ("失败合计,90.97,,", ["4 amount"]),
    ("合计,九十元,,", ["4 amount"]),
    ("小结,90.97,,", ["4 result"]),
]


@pytest.mark.parametrize(("total", "faulty"), TOTALS)
def test_a_total_is_no_payment_and_is_the_sum_of_the_rows(total: str, faulty: list[str]) -> None:
    content = f"凭证号,金额,结果,日期\nDF-0,30.58,成功,{TODAY}\nDF-1,60.39,失败:户名不符,\n{total}"
    rows, faults = bank_file.read(content.encode())
    assert [row.key for row in rows] == ["DF0", "DF1"]
    assert [f"{fault.row} {fault.column}" for fault in faults] == faulty


def test_a_success_that_the_bank_takes_back_and_a_wrong_total_are_refused(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058)
    assert pointers(told(stalls, pay_list, f"DF-0,,30.58,成功(已退汇),,{TODAY}")) == ["/rows/2/result"]
    assert pointers(told(stalls, pay_list, f"DF-0,,30.58,成功,,{TODAY}", "合计,,30.59,,,")) == ["/rows/3/amount"]
    assert told(stalls, pay_list, f"DF-0,,30.58,成功,,{TODAY}", "合计,,30.58,,,").json()["paid"] == 1


def test_the_columns_and_words_are_told_where_the_file_is_asked_for(stalls: Stalls) -> None:
    paths = stalls.client.get("/openapi.json").json()["paths"]
    told_so = paths["/v1/pay-lists/{pay_list_id}/bank-results"]["post"]["description"]
    for word in (*(word for words in bank_file.HEADERS.values() for word in words), "交易成功", "returned", "合计"):
        assert word in told_so


def test_two_lists_that_ask_for_one_debt_say_so_and_what_is_paid_twice_is_an_advance(stalls: Stalls) -> None:
    first = prepared(stalls, 3_058, prefix="A")
    assert [claim["beyond_fen"] for claim in first["claims"]] == [0]
    second = prepared(stalls, 3_058, 1_000, prefix="B")
    assert [
        (claim["listed_fen"], claim["owed_fen"], claim["on_other_lists_fen"], claim["beyond_fen"])
        for claim in second["claims"]
    ] == [(3_058, 3_058, 3_058, 3_058), (1_000, 6_039, 0, 0)]
    foreseen = stalls.clerk.post("/disbursements?dry_run=true", stalls.payment(3_058)).json()["payments"]
    assert [payment["on_open_lists_fen"] for payment in foreseen] == [6_116]
    told(stalls, first, f"A-0,,30.58,成功,,{TODAY}")
    claim, _ = stalls.clerk.get(f"/pay-lists/{second['id']}").json()["claims"]
    assert (claim["owed_fen"], claim["on_other_lists_fen"], claim["beyond_fen"]) == (0, 0, 3_058)
    told(stalls, second, f"B-0,,30.58,成功,,{TODAY}", f"B-1,,10.00,成功,,{TODAY}")
    assert stalls.clerk.get(f"/pay-lists/{second['id']}").json()["claims"] == []
    assert owed(stalls)[:2] == [0, 5_039]
    account = stalls.auditor.get(f"/households/{stalls.households[0].id}/statement").json()["total"]
    assert (account["total"]["disbursed_fen"], account["advance"]["closing_fen"]) == (3_058, 3_058)


def test_a_withdrawn_list_is_answered_no_more_and_its_references_are_free(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058, 6_039)
    told(stalls, pay_list, f"DF-0,,30.58,成功,,{TODAY}")
    withdrawn = stalls.clerk.made(f"/pay-lists/{pay_list['id']}/withdrawal")
    assert [line["status"] for line in withdrawn["lines"]] == ["paid", "withdrawn"]
    refused = told(stalls, pay_list, f"DF-1,,60.39,成功,,{TODAY}")
    assert (refused.status_code, refused.json()["code"]) == (409, "transition")
    assert stalls.clerk.post("/disbursements", stalls.payment(100, reference="DF-1")).status_code == 201
    assert stalls.clerk.post(f"/pay-lists/{pay_list['id']}/withdrawal").status_code == 409


def test_lists_are_seen_by_their_supplier_the_payees_region_and_the_auditor(stalls: Stalls) -> None:
    pay_list = prepared(stalls, 3_058)["id"]
    for desk in (stalls.clerk, stalls.village, stalls.county, stalls.auditor):
        assert [item["id"] for item in desk.get("/pay-lists", status="open").json()["items"]] == [pay_list]
    assert stalls.clerk.get("/pay-lists", status="settled").json()["items"] == []
    for desk in (stalls.other_clerk, stalls.other_county):
        assert desk.get("/pay-lists").json()["items"] == []
        assert desk.get(f"/pay-lists/{pay_list}").status_code == 404
