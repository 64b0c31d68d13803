"""What is done with money that comes online: asked for, paid by its payer, held, and sent back by the provider."""

from dataclasses import replace
from urllib.parse import urlencode

from tests.crash.asking import Answer, Case, Deed, Effect, Request, amount_told, posted
from tests.crash.deeds import APPROVE, refund_of, stepped
from tests.payments.till import CARD

FORM = "application/x-www-form-urlencoded"
PAYER = "payer"
"""Asks the provider, and has its key for a token."""
METHOD = {"payment_method": CARD, "return_url": "https://example.org/back"}

_CONFIRMED = "EXISTS (SELECT FROM provider_calls c WHERE c.subject_id = p.id AND c.operation = 'confirm_payment')"


def _begin(case: Case) -> Request:
    return posted(f"/order-groups/{case.answers['place']['id']}/online-payments")


def _payment(case: Case) -> str:
    return f"/online-payments/{case.answers['begin']['id']}"


def _pay(case: Case) -> Request:
    """Pay as the payer's browser does, which knows the payment by its secret."""
    intent = case.answers["opened"]["client_secret"].split("_secret_")[0]
    return Request(f"/payment_intents/{intent}/confirm", urlencode(METHOD).encode(), FORM)


def _paid(case: Case, answer: Answer) -> Effect:
    return Effect(case.answers["begin"]["id"], answer["amount_received"])


def look(path: str) -> Request:
    return Request(path, method="GET")


BEGIN = Deed("begin", by="orderer", asked=_begin, told=amount_told, found="SELECT id, amount_fen FROM online_payments")
OPENED = Deed(
    "opened",
    by="orderer",
    asked=lambda case: look(_payment(case)),
    until="open",
    told=amount_told,
    found="SELECT id, amount_fen FROM online_payments WHERE provider_id IS NOT NULL",
)
PAY = Deed(
    "pay",
    by=PAYER,
    at_provider=True,
    asked=_pay,
    told=_paid,
    found=f"SELECT p.id, p.amount_fen FROM online_payments p WHERE p.status = 'captured' AND NOT {_CONFIRMED}",
)
PAY_HERE = Deed(
    "pay here",
    by="orderer",
    asked=lambda case: posted(f"{_payment(case)}/confirmation", **METHOD),
    told=amount_told,
    found=f"SELECT p.id, p.amount_fen FROM online_payments p WHERE {_CONFIRMED}",
)
CAPTURED = Deed(
    "captured",
    by="orderer",
    asked=lambda case: look(_payment(case)),
    until="captured",
    told=amount_told,
    found="""
        SELECT p.id, CAST(sum(a.amount_fen) AS bigint)
          FROM online_payments p JOIN receipts r ON r.bank_line_id = p.bank_line_id
          JOIN receipt_allocations a ON a.receipt_id = r.id GROUP BY p.id
    """,
)
APPROVE_ONLINE = replace(APPROVE, by="custodian")
SENT_BACK = Deed(
    "sent back",
    by="custodian",
    asked=lambda case: look(refund_of(case)),
    until="succeeded",
    told=amount_told,
    found=stepped("succeed", by="AND c.changed_by IS NULL"),
)
