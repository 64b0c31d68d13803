"""Lists to pay, files that prove, lines of monitoring and published figures that are refused."""

from collections.abc import Callable
from typing import Any

from tests.bad_input.fair import INVALID, NOBODY, Ask, Case, Fair
from tests.bad_input.values import DAYS, MONEY
from tests.papers import pdf
from tests.stalls import TODAY, Desk

HEAD = "凭证号,农户编码,金额,结果,失败原因,日期"
FIRST = "/payments/0"
PDF = pdf("new")


def prepare(fair: Fair, *, desk: Desk | None = None, whole: dict[str, Any] | None = None, **changed: Any) -> Ask:
    """Write a list of one payment, with changes to it, or to its payment."""
    body = fair.to_pay(payments=fair.payment(**{"amount_fen": 100} | changed)["payments"]) | (whole or {})
    return Ask(desk or fair.clerk, "POST", "/pay-lists", body)


def answered(
    fair: Fair,
    row: str = "{reference},,1.00,成功,,2026-03-02",
    *,
    pay_list: Any = None,
    query: str = "",
    desk: Desk | None = None,
) -> Ask:
    """Send the bank's answer on a list, as another member: a row that may name the reference of its payment."""
    of = pay_list or fair.bank_list
    content = f"{HEAD}\n{row.format(reference=of['lines'][0]['reference'])}\n".encode()
    return Ask(desk or fair.manager, "POST", f"/pay-lists/{of['id']}/bank-results{query}", content=content)


def countersign(fair: Fair, *, desk: Desk | None = None, pay_list: Any = None, **changed: Any) -> Ask:
    """Witness, as another member of the supplier, that cash was handed over."""
    path = f"/pay-lists/{(pay_list or fair.cash_list)['id']}/countersignature"
    return Ask(desk or fair.manager, "POST", path, {"evidence_ids": []} | changed)


def give_up(fair: Fair, pay_list: str = "", *, desk: Desk | None = None) -> Ask:
    """Withdraw a list."""
    return Ask(desk or fair.clerk, "POST", f"/pay-lists/{pay_list or fair.bank_list['id']}/withdrawal")


def upload(fair: Fair, content: bytes = PDF, *, query: str = "") -> Ask:
    """Keep a file as evidence."""
    return Ask(fair.clerk, "POST", f"/evidence{query}", content=content)


def prove(fair: Fair, *, disbursement: str = "", desk: Desk | None = None, **changed: Any) -> Ask:
    """Add a file that proves a disbursement, with changes."""
    path = f"/disbursements/{disbursement or fair.disbursement_id}/evidence"
    return Ask(desk or fair.clerk, "POST", path, {"evidence_ids": [fair.unused_id]} | changed)


def set_line(fair: Fair, **changed: Any) -> Ask:
    """Set the line of a county's year, with changes."""
    body = {
        "region_code": "141122",
        "year": 2026,
        "line_fen": 870_000,
        "jump_bp": 20_000,
        "jump_fen": 1_000_000,
        "unchecked_fen": 100_000,
        "unchecked_days": 30,
        "source": "云农办通〔2025〕1号",
    }
    return Ask(fair.operator, "POST", "/monitoring/lines", body | changed)


def publish(fair: Fair, **changed: Any) -> Ask:
    """Write down what somebody published, with changes."""
    body = {
        "kind": "press",
        "title": "线上农产品零售额",
        "amount_fen": 26_000_000_000,
        "region_code": "141122",
        "scope": "经扶贫832等平台",
        "period_from": "2025-01-01",
        "period_to": "2025-12-31",
        "source": "县统计公报",
    }
    return Ask(fair.operator, "POST", "/published-figures", body | changed)


def account(fair: Fair, **changed: Any) -> Ask:
    """Register a bank account, with changes."""
    body = {"bank_name": "中国农业银行", "number": "14001 2026 0302 0001"}
    return Ask(fair.manager, "POST", "/bank-accounts", body | changed)


SOUND: dict[str, Callable[[Fair], Ask]] = {
    "a list to pay": prepare,
    "a bank's answer": answered,
    "a countersignature": countersign,
    "a withdrawal of a list": give_up,
    "a file": upload,
    "a proof": prove,
    "a line of monitoring": set_line,
    "a published figure": publish,
    "a bank account": account,
}

CASES: list[Case] = [
    ("a bank account of a number that is none", lambda f: account(f, number="工行"), 422, INVALID, ["/number"]),
    ("a bank's code of eleven digits", lambda f: account(f, bank_code="1" * 11), 422, INVALID, ["/bank_code"]),
    (
        "a statement in a form that has no such name",
        lambda f: Ask(f.clerk, "POST", "/bank-accounts/0/statements?profile=ICBC", {}),
        422,
        INVALID,
        ["/query/profile"],
    ),
    # Lists to pay
    *(
        (f"a list to pay {name}", lambda f, v=v: prepare(f, amount_fen=v), 422, INVALID, [f"{FIRST}/amount_fen"])
        for name, v in MONEY
    ),
    ("a list of nobody", lambda f: prepare(f, whole={"payments": []}), 422, INVALID, ["/payments"]),
    (
        "a list of too many",
        lambda f: prepare(f, whole={"payments": f.payment()["payments"] * 1_001}),
        422,
        INVALID,
        ["/payments"],
    ),
    (
        "a list that sums to too much",
        lambda f: prepare(f, whole={"payments": [f.payment(10**13)["payments"][0] for _ in range(2)]}),
        422,
        INVALID,
        ["/payments"],
    ),
    (
        "a list to a household of another county",
        lambda f: prepare(f, payee_id=str(f.stranger.id)),
        422,
        "payee_without_tie",
        [f"{FIRST}/payee_id"],
    ),
    (
        "a list of another supplier to this one's household",
        lambda f: prepare(f, desk=f.other_clerk),
        422,
        "payee_without_tie",
        [f"{FIRST}/payee_id"],
    ),
    (
        "a list with a reference that was used",
        lambda f: prepare(f, reference="B-TAKEN"),
        409,
        "payment_reference_taken",
        [f"{FIRST}/reference"],
    ),
    (
        "a list with a reference of another list",
        lambda f: prepare(f, reference=f.bank_list["lines"][0]["reference"]),
        409,
        "payment_reference_taken",
        [f"{FIRST}/reference"],
    ),
    (
        "a list for another household's contribution",
        lambda f: prepare(f, contribution_id=str(f.contributions[1])),
        422,
        "foreign_contribution",
        [f"{FIRST}/contribution_id"],
    ),
    (
        "a list with an invoice of 19 digits",
        lambda f: prepare(f, invoice_number="2414200000001234567"),
        422,
        INVALID,
        [f"{FIRST}/invoice_number"],
    ),
    (
        "a list by purchase invoice",
        lambda f: prepare(f, whole={"method": "purchase_invoice"}),
        422,
        INVALID,
        ["/method"],
    ),
    ("cash without its day", lambda f: prepare(f, whole={"method": "cash"}), 422, INVALID, ["/paid_on"]),
    ("a bank's list with a day", lambda f: prepare(f, whole={"paid_on": TODAY}), 422, INVALID, ["/paid_on"]),
    (
        "cash of tomorrow",
        lambda f: prepare(f, whole={"method": "cash", "paid_on": "2026-03-03"}),
        422,
        "future_date",
        ["/paid_on"],
    ),
    # The bank's answer
    *(
        (f"a bank's answer with {name}", lambda f, row=row: answered(f, row), 422, "bank_result", [f"/rows/2/{column}"])
        for name, row, column in (
            ("no reference", ",,1.00,成功,,2026-03-02", "reference"),
            ("a reference of no list", "X-1,,1.00,成功,,2026-03-02", "reference"),
            ("another amount", "{reference},,1.01,成功,,2026-03-02", "amount"),
            ("a negative amount", "{reference},,-1.00,成功,,2026-03-02", "amount"),
            ("a third of a fen", "{reference},,1.003,成功,,2026-03-02", "amount"),
            ("a huge amount", "{reference},,999999999999,成功,,2026-03-02", "amount"),
            ("no result", "{reference},,1.00,也许,,2026-03-02", "result"),
            ("a day to come", "{reference},,1.00,成功,,2026-03-03", "date"),
            ("no day", "{reference},,1.00,成功,,", "date"),
            ("another payee", "{reference},H0,1.00,成功,,2026-03-02", "payee_code"),
        )
    ),
    (
        "a bank's answer on cash",
        lambda f: answered(f, pay_list=f.cash_list),
        409,
        "transition",
        [],
    ),
    (
        "a bank's answer on a withdrawn list",
        lambda f: answered(f, pay_list=f.withdrawn_list),
        409,
        "transition",
        [],
    ),
    ("a bank's answer by who wrote the list", lambda f: answered(f, desk=f.clerk), 403, "four_eyes", []),
    (
        "a bank's answer tried by who wrote it",
        lambda f: answered(f, query="?dry_run=1", desk=f.clerk),
        403,
        "four_eyes",
        [],
    ),
    ("a bank's answer tried misspelt", lambda f: answered(f, query="?dryrun=1"), 422, INVALID, ["/query/dryrun"]),
    # Cash, and lists given up
    ("cash witnessed by who wrote it", lambda f: countersign(f, desk=f.clerk), 403, "four_eyes", []),
    (
        "a transfer witnessed",
        lambda f: countersign(f, pay_list=f.bank_list),
        409,
        "transition",
        [],
    ),
    (
        "cash witnessed by another supplier",
        lambda f: countersign(f, desk=f.other_clerk),
        404,
        "not_found",
        [],
    ),
    (
        "cash witnessed with nobody's file",
        lambda f: countersign(f, evidence_ids=[NOBODY]),
        404,
        "not_found",
        ["/evidence_ids"],
    ),
    (
        "cash witnessed with a file that proved something",
        lambda f: countersign(f, evidence_ids=[f.used_id]),
        409,
        "evidence_used",
        ["/evidence_ids"],
    ),
    ("a list given up twice", lambda f: give_up(f, f.withdrawn_list["id"]), 409, "transition", []),
    ("nobody's list given up", lambda f: give_up(f, NOBODY), 404, "not_found", []),
    ("another's list given up", lambda f: give_up(f, desk=f.other_clerk), 404, "not_found", []),
    # Files
    ("an empty file", lambda f: upload(f, b""), 415, "evidence_type", [""]),
    ("a program as evidence", lambda f: upload(f, b"MZ\x90"), 415, "evidence_type", [""]),
    ("a picture broken off", lambda f: upload(f, b"\xff\xd8\xff\xe0"), 422, "unreadable_picture", [""]),
    ("nine bytes of a PDF", lambda f: upload(f, b"%PDF-1.4x"), 422, "unreadable_pdf", [""]),
    ("a PDF with a password", lambda f: upload(f, pdf(password="123456")), 422, "unreadable_pdf", [""]),
    ("a file of tomorrow", lambda f: upload(f, query="?taken_on=2026-03-03"), 422, "future_date", ["/query/taken_on"]),
    *(
        (
            f"a file of a day that is {name}",
            lambda f, v=v: upload(f, query=f"?taken_on={v}"),
            422,
            INVALID,
            ["/query/taken_on"],
        )
        for name, v in DAYS
        if isinstance(v, str) and v
    ),
    ("a file with a field unknown", lambda f: upload(f, query="?color=red"), 422, INVALID, ["/query/color"]),
    ("a file above 10 MB", lambda f: upload(f, b"%PDF-" + b"0" * 10_000_001), 413, "body_too_large", []),
    ("proof of nothing", lambda f: prove(f, disbursement=NOBODY), 404, "not_found", []),
    ("proof of another's disbursement", lambda f: prove(f, desk=f.other_clerk), 404, "not_found", []),
    (
        "another's file as proof",
        lambda f: prove(f, evidence_ids=[f.foreign_file_id]),
        404,
        "not_found",
        ["/evidence_ids"],
    ),
    ("no file as proof", lambda f: prove(f, evidence_ids=[]), 422, INVALID, ["/evidence_ids"]),
    (
        "a file that proved something else",
        lambda f: Ask(
            f.clerk,
            "POST",
            "/disbursements",
            f.payment(10) | {"evidence_ids": [f.used_id]},
        ),
        409,
        "evidence_used",
        ["/evidence_ids"],
    ),
    ("a file of another supplier", lambda f: f.get(f"/evidence/{f.foreign_file_id}", f.clerk), 404, "not_found", []),
    # Lines of monitoring
    *((f"a line of {name}", lambda f, v=v: set_line(f, line_fen=v), 422, INVALID, ["/line_fen"]) for name, v in MONEY),
    *(
        (f"a jump of {name}", lambda f, v=v: set_line(f, jump_bp=v), 422, INVALID, ["/jump_bp"])
        for name, v in (("a float", 2e4), ("text", "20000"), ("less than the year before", 9_999), ("huge", 10**7))
    ),
    *(
        (f"a line of a year that is {name}", lambda f, v=v: set_line(f, year=v), 422, INVALID, ["/year"])
        for name, v in (("a float", 2026.0), ("text", "2026"), ("long past", 1999), ("far off", 2200), ("true", True))
    ),
    ("a line of an odd code", lambda f: set_line(f, region_code="1411221"), 422, INVALID, ["/region_code"]),
    ("a line of no region", lambda f: set_line(f, region_code="999999"), 422, "unknown_region", ["/region_code"]),
    ("a line without its source", lambda f: set_line(f, source=""), 422, INVALID, ["/source"]),
    (
        "a cursor of lines that is none",
        lambda f: f.get("/monitoring/lines?cursor=YR9i", f.auditor),
        422,
        INVALID,
        ["/query/cursor"],
    ),
    # Odd proofs
    (
        "a rule of proofs unheard of",
        lambda f: f.get("/monitoring/evidence?rule=blurred", f.auditor),
        422,
        INVALID,
        ["/query/rule"],
    ),
    (
        "proofs of an odd day",
        lambda f: f.get("/monitoring/evidence?from=2026-3-2", f.auditor),
        422,
        INVALID,
        ["/query/from"],
    ),
    (
        "a cursor of proofs that is none",
        lambda f: f.get("/monitoring/evidence?cursor=!", f.auditor),
        422,
        INVALID,
        ["/query/cursor"],
    ),
    (
        "proofs with a field unknown",
        lambda f: f.get("/monitoring/evidence?region=14", f.auditor),
        422,
        INVALID,
        ["/query/region"],
    ),
    # Published figures
    *(
        (f"a published figure of {name}", lambda f, v=v: publish(f, amount_fen=v), 422, INVALID, ["/amount_fen"])
        for name, v in MONEY
    ),
    *(
        (
            f"a published period to a day that is {name}",
            lambda f, v=v: publish(f, period_to=v),
            422,
            INVALID,
            ["/period_to"],
        )
        for name, v in DAYS
    ),
    ("a published figure of nothing", lambda f: publish(f, amount_fen=None), 422, INVALID, ["/amount_fen"]),
    ("a published figure of money and people", lambda f: publish(f, people=1), 422, INVALID, ["/amount_fen"]),
    ("a published count of no household", lambda f: publish(f, households=0), 422, INVALID, ["/households"]),
    ("a published figure of no kind", lambda f: publish(f, kind="rumour"), 422, INVALID, ["/kind"]),
    (
        "a published figure of no region",
        lambda f: publish(f, region_code="999999"),
        422,
        "unknown_region",
        ["/region_code"],
    ),
    ("a published period that ends first", lambda f: publish(f, period_to="2024-12-31"), 422, INVALID, ["/period_to"]),
    ("a published figure without a scope", lambda f: publish(f, scope=""), 422, INVALID, ["/scope"]),
]
