"""What is done with orders, and with money that banks bring and take: placed, delivered, paid, returned, paid back."""

from market.banks.rules import printed_code
from tests.crash.asking import Case, Deed, Effect, Request, amount_told, of_order, posted, today
from tests.payments.bank import Movement, export
from tests.story import ALL_EVIDENCE


def _changed(event: str) -> str:
    return f"""
        SELECT c.order_id, o.amount_fen
          FROM order_changes c JOIN orders o ON o.id = c.order_id WHERE c.event = '{event}'
    """


def _place(case: Case) -> Request:
    line = {"product_id": case.stall.product, "quantity": str(case.kg), "unit": "kg"}
    return posted("/order-groups", channel_code="canteen", funds_model=case.funds_model, lines=[line])


def _accept(case: Case) -> Request:
    """Accept all but the last kg, where there are several."""
    good = max(case.kg - 1, 1)
    line = {
        "order_line_id": case.line,
        "received": str(case.kg),
        "accepted": str(good),
        "rejected": str(case.kg - good),
        "damaged": "0",
        "short": "0",
        "reason": "到货有差异",
    }
    return of_order(case, "acceptances", accepted_on=today(), evidence=ALL_EVIDENCE, lines=[line])


def _receive(case: Case) -> Request:
    fen = case.answers["accept"]["accepted_fen"]
    return posted(
        "/receipts",
        bank_reference=case.reference,
        payer_name="财政支付中心",
        amount_fen=fen,
        received_on=today(),
        orders=[{"order_id": case.order["id"], "amount_fen": fen}],
    )


def _take_back(case: Case) -> Request:
    line = {"order_line_id": case.line, "quantity": "1", "resaleable": True}
    return of_order(case, "returns", returned_on=today(), reason="品质不符", lines=[line])


def _tell(case: Case) -> Request:
    code = printed_code(case.answers["place"]["identification_code"])
    told = Movement(case.order["amount_fen"], f"货款 识别码{code}", case.reference, on=today())
    return Request(f"/bank-accounts/{case.stall.custody}/statements", export(told), "text/csv")


def refund_of(case: Case) -> str:
    return f"/refunds/{case.answers['ask back']['refunds'][0]['id']}"


def _pay_back(case: Case) -> Request:
    return posted(f"{refund_of(case)}/payment", bank_reference=f"R-{case.reference}", paid_on=today())


def stepped(event: str, by: str = "") -> str:
    return f"""
        SELECT r.id, r.amount_fen
          FROM refund_changes c JOIN refunds r ON r.id = c.refund_id WHERE c.event = '{event}' {by}
    """


PLACE = Deed(
    "place",
    by="orderer",
    asked=_place,
    told=lambda _, answer: Effect(answer["orders"][0]["id"], answer["amount_fen"]),
    found="""
        SELECT o.id, l.amount_fen FROM orders o JOIN order_lines l ON l.order_id = o.id AND l.amount_fen = o.amount_fen
    """,
)
CONFIRM = Deed(
    "confirm",
    by="clerk",
    asked=lambda case: of_order(case, "confirmation"),
    told=amount_told,
    found=_changed("confirm"),
)
CANCEL = Deed(
    "cancel",
    by="clerk",
    asked=lambda case: of_order(case, "cancellation", reason="道路中断"),
    told=amount_told,
    found=_changed("cancel"),
)
SHIP = Deed(
    "ship",
    by="clerk",
    asked=lambda case: of_order(case, "shipment", shipped_on=today()),
    told=amount_told,
    found=_changed("ship"),
)
ACCEPT = Deed(
    "accept",
    by="receiver",
    asked=_accept,
    told=lambda _, answer: Effect(answer["order_id"], answer["accepted_fen"]),
    found="""
        SELECT a.order_id, CAST(sum(l.accepted_fen) AS bigint)
          FROM acceptances a JOIN acceptance_lines l ON l.acceptance_id = a.id GROUP BY a.id
    """,
)
RECEIVE = Deed(
    "receive",
    by="clerk",
    asked=_receive,
    told=amount_told,
    found="""
        SELECT r.id, CAST(sum(a.amount_fen) AS bigint)
          FROM receipts r JOIN receipt_allocations a ON a.receipt_id = r.id WHERE r.bank_line_id IS NULL GROUP BY r.id
    """,
)
TAKE_BACK = Deed(
    "take back",
    by="receiver",
    asked=_take_back,
    told=lambda _, answer: Effect(answer["order_id"], answer["amount_fen"]),
    found="""
        SELECT r.order_id, CAST(sum(l.amount_fen) AS bigint)
          FROM returns r JOIN return_lines l ON l.return_id = r.id GROUP BY r.id
    """,
)
TELL = Deed(
    "tell",
    by="custodian",
    asked=_tell,
    told=lambda case, answer: Effect(answer["id"], case.order["amount_fen"] * answer["matched_count"]),
    found="""
        SELECT l.statement_id, CAST(sum(a.amount_fen) AS bigint)
          FROM bank_lines l JOIN receipts r ON r.bank_line_id = l.id JOIN receipt_allocations a ON a.receipt_id = r.id
         WHERE l.statement_id IS NOT NULL GROUP BY l.statement_id
    """,
)

ASK_BACK = Deed(
    "ask back",
    by="orderer",
    asked=lambda case: of_order(case, "refunds", reason="退货"),
    told=lambda case, answer: amount_told(case, answer["refunds"][0]),
    found="SELECT id, amount_fen FROM refunds",
)
APPROVE = Deed(
    "approve",
    by="clerk",
    asked=lambda case: posted(f"{refund_of(case)}/decision", event="approve"),
    told=amount_told,
    found=stepped("approve"),
)
PAY_BACK = Deed(
    "pay back",
    by="manager",
    asked=_pay_back,
    told=amount_told,
    found=stepped("succeed", by="AND c.changed_by IS NOT NULL"),
)
