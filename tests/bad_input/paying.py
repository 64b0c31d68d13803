"""Money, contributions and edits that cannot be recorded."""

from tests.bad_input.fair import INVALID, NOBODY, Ask, Case
from tests.factories.persons import resident_id

AHEAD = "2026-03-03"

SPELT = ("+8613912345678", "139-1234-5678", "+86 139 1234 5678", "141122 19860312 2173", "6222 0212 3456 7890 128")
"""Numbers of persons as people write them."""

CASES: list[Case] = [
    ("a reversal of no payment", lambda f: f.reverse(NOBODY), 404, "not_found", []),
    ("a reversal of what a household confirmed", lambda f: f.reverse(f.confirmed_id), 409, "already_confirmed", []),
    ("a reversal by who recorded it", lambda f: f.reverse(by=f.clerk), 403, "four_eyes", []),
    ("a reversal without a reason", lambda f: f.reverse(reason=" "), 422, INVALID, ["/reason"]),
    (
        "a reversal that names a resident",
        lambda f: f.reverse(reason=f"{resident_id(7)} 录错"),
        422,
        INVALID,
        ["/reason"],
    ),
    (
        "a payment beyond all that was delivered",
        lambda f: f.disburse(amount_fen=10**9),
        422,
        "paid_beyond_delivery",
        ["/payments/0/amount_fen"],
    ),
    (
        "a payment whose evidence names a resident",
        lambda f: f.disburse(whole={"evidence": f"张某 {resident_id(7)} 领"}),
        422,
        INVALID,
        ["/evidence"],
    ),
    (
        "a payment whose evidence holds a telephone",
        lambda f: f.disburse(whole={"evidence": "本人电话13800138000"}),
        422,
        INVALID,
        ["/evidence"],
    ),
    *(
        (f"{what} that names a person as {written}", ask, 422, INVALID, [pointer])
        for written in SPELT
        for what, ask, pointer in (
            ("a disbursement", lambda f, w=written: f.disburse(whole={"evidence": f"给李四 {w}"}), "/evidence"),
            ("a payment", lambda f, w=written: f.disburse(reference=w), "/payments/0/reference"),
            ("a contribution", lambda f, w=written: f.contribute(evidence=w), "/contributions/0/evidence"),
        )
    ),
    (
        "a payment whose reference is a resident",
        lambda f: f.disburse(reference=resident_id(7)),
        422,
        INVALID,
        ["/payments/0/reference"],
    ),
    (
        "a contribution whose evidence names a resident",
        lambda f: f.contribute(evidence=resident_id(7)),
        422,
        INVALID,
        ["/contributions/0/evidence"],
    ),
    (
        "a receipt whose reference is a resident",
        lambda f: f.receive(bank_reference=resident_id(7)),
        422,
        INVALID,
        ["/bank_reference"],
    ),
    # Receipts
    ("a receipt twice", lambda f: f.receive(bank_reference="ICBC-TAKEN"), 409, "receipt_taken", ["/bank_reference"]),
    (
        "an overpayment",
        lambda f: f.receive(**{key: f.money(f.paid_order, 1)[key] for key in ("amount_fen", "orders")}),
        409,
        "overpaid",
        ["/orders/0/amount_fen"],
    ),
    ("a receipt that does not add up", lambda f: f.receive(amount_fen=1_001), 422, "receipt_sum", ["/orders"]),
    (
        "a receipt that pays one order twice",
        lambda f: f.receive(amount_fen=2_000, orders=f.money(f.accepted_order, 1_000)["orders"] * 2),
        422,
        "order_named_twice",
        ["/orders/1/order_id"],
    ),
    (
        "a receipt for another supplier's order",
        lambda f: f.receive(orders=f.money(f.foreign_order, 1_000)["orders"]),
        404,
        "not_found",
        ["/orders"],
    ),
    ("a receipt in the future", lambda f: f.receive(received_on=AHEAD), 422, "future_date", ["/received_on"]),
    ("a payer with a null", lambda f: f.receive(payer_name="中心\x00"), 422, INVALID, ["/payer_name"]),
    ("an empty payer", lambda f: f.receive(payer_name=""), 422, INVALID, ["/payer_name"]),
    ("a receipt of nobody", lambda f: f.get(f"/receipts/{NOBODY}"), 404, "not_found", []),
    # Disbursements
    (
        "a payment reference twice",
        lambda f: f.disburse(reference="B-TAKEN"),
        409,
        "payment_reference_taken",
        ["/payments/0/reference"],
    ),
    (
        "a payment reference twice at once",
        lambda f: f.disburse(whole={"payments": f.payment(reference="B-2")["payments"] * 2}),
        409,
        "payment_reference_taken",
        ["/payments/1/reference"],
    ),
    (
        "a payment to a household of another county",
        lambda f: f.disburse(payee_id=str(f.stranger.id)),
        422,
        "payee_without_tie",
        ["/payments/0/payee_id"],
    ),
    ("a payment to nobody", lambda f: f.disburse(payee_id=NOBODY), 422, "payee_without_tie", ["/payments/0/payee_id"]),
    (
        "a payment to a supplier as a collective",
        lambda f: f.disburse(payee_kind="collective", payee_id=str(f.supplier.id)),
        422,
        "payee_without_tie",
        ["/payments/0/payee_id"],
    ),
    ("a payment of an odd kind", lambda f: f.disburse(payee_kind="bank"), 422, INVALID, ["/payments/0/payee_kind"]),
    (
        "a payment for another household's contribution",
        lambda f: f.disburse(contribution_id=str(f.contributions[1])),
        422,
        "foreign_contribution",
        ["/payments/0/contribution_id"],
    ),
    (
        "a payment for nobody's contribution",
        lambda f: f.disburse(contribution_id=NOBODY),
        422,
        "foreign_contribution",
        ["/payments/0/contribution_id"],
    ),
    (
        "a payment in the future",
        lambda f: f.disburse(whole={"paid_on": "2026-03-03"}),
        422,
        "future_date",
        ["/paid_on"],
    ),
    (
        "payments that sum to too much",
        lambda f: f.disburse(whole={"payments": [f.payment(10**13)["payments"][0] for _ in range(2)]}),
        422,
        INVALID,
        ["/payments"],
    ),
    ("a payment method unheard of", lambda f: f.disburse(whole={"method": "sacks"}), 422, INVALID, ["/method"]),
    (
        "cash recorded by one alone",
        lambda f: f.disburse(whole={"method": "cash"}),
        422,
        "cash_needs_witness",
        ["/method"],
    ),
    (
        "a purchase invoice of 19 digits",
        lambda f: f.disburse(whole={"method": "purchase_invoice"}, reference="2414200000001234567"),
        422,
        "einvoice_number",
        ["/payments/0/reference"],
    ),
    (
        "evidence of nobody",
        lambda f: f.disburse(whole={"evidence_ids": [NOBODY]}),
        404,
        "not_found",
        ["/evidence_ids"],
    ),
    (
        "evidence that is a spreadsheet",
        lambda f: Ask(f.clerk, "POST", "/evidence", content=b"PK\x03\x04"),
        415,
        "evidence_type",
        [""],
    ),
    (
        "a bank's result that is none",
        lambda f: Ask(f.clerk, "POST", f"/pay-lists/{NOBODY}/bank-results", content=b"\xff"),
        422,
        "bank_file",
        [""],
    ),
    (
        "a bank's result for nobody's list",
        lambda f: Ask(f.clerk, "POST", f"/pay-lists/{NOBODY}/bank-results", content=b"reference,amount,result,date\n"),
        404,
        "not_found",
        [],
    ),
    (
        "a code of nobody",
        lambda f: Ask(f.clerk, "POST", "/household-confirmations", {"payment_id": NOBODY, "code": "AAAA-AAAA"}),
        422,
        "confirmation_code",
        [],
    ),
    ("a payment confirmed twice", lambda f: f.confirm(f.confirmed_id), 409, "already_confirmed", ["/payment_ids"]),
    ("a payment of nobody confirmed", lambda f: f.confirm(f.payment_id, NOBODY), 404, "not_found", ["/payment_ids"]),
    # Lots and households
    ("a contribution to another supplier's lot", lambda f: f.contribute(f.foreign_lot.id), 404, "not_found", []),
    (
        "a contribution of a household of another county",
        lambda f: f.contribute(household_id=str(f.stranger.id)),
        422,
        "not_enrolled",
        ["/contributions/0/household_id"],
    ),
    (
        "a contribution of nobody",
        lambda f: f.contribute(household_id=NOBODY),
        422,
        "not_enrolled",
        ["/contributions/0/household_id"],
    ),
    (
        "a contribution of produce in hours",
        lambda f: f.contribute(unit="hour"),
        422,
        "not_measured_so",
        ["/contributions/0/unit"],
    ),
    (
        "a contribution at a market price that no plan asks for",
        lambda f: f.contribute(market={"price_fen": 100, "source": "日报价", "on": "2026-03-02"}),
        422,
        "price_not_by_plan",
        ["/contributions/0/market"],
    ),
    (
        "a contribution without the price that was agreed",
        lambda f: f.contribute(unit_price_fen=None),
        422,
        "price_not_by_plan",
        ["/contributions/0/unit_price_fen"],
    ),
    ("another supplier's lot", lambda f: f.get(f"/lots/{f.foreign_lot.id}", f.clerk), 404, "not_found", []),
    ("a household of another county", lambda f: f.get(f"/households/{f.stranger.id}", f.county), 404, "not_found", []),
    # Edits
    *(
        (
            f"a month of {month[:4]}",
            lambda f, m=month: Ask(f.auditor, "POST", "/periods", {"book": "cash", "month": m}),
            422,
            INVALID,
            ["/month"],
        )
        for month in ("0000-01", "1000-01", "1899-12", "2200-01")
    ),
    (
        "a household code with a null",
        lambda f: Ask(f.clerk, "POST", "/enrolments", {"household_codes": ["1\x00"]}),
        422,
        INVALID,
        ["/household_codes/0"],
    ),
    ("an edit without If-Match", lambda f: f.edit(None), 428, "precondition_required", []),
    ("an edit with a stale If-Match", lambda f: f.edit('"99"'), 412, "precondition_failed", []),
    ("an edit with an odd If-Match", lambda f: f.edit("*"), 412, "precondition_failed", []),
    ("an edit of another supplier's product", lambda f: f.edit('"1"', f.walnuts), 404, "not_found", []),
]
