"""How the lines of the matrix about paying households are asked for."""

from typing import Any
from uuid import uuid4

from tests.access.ask import Ask, item, said, thing
from tests.papers import pdf
from tests.stalls import TODAY


def payment(payee: str, kind: str = "household", **more: str) -> Any:
    paid = {"payee_kind": kind, "payee_id": payee, "amount_fen": 100, "reference": f"B-{uuid4().hex[:12]}"} | more
    return {"paid_on": TODAY, "method": "bank_transfer", "evidence": "银行代发回单", "payments": [paid]}


PAYING = {
    "POST /v1/disbursements household": Ask(body=lambda asked: payment(asked.place.household)),
    "POST /v1/disbursements collective": Ask(body=lambda asked: payment(asked.place.collective, "collective")),
    "POST /v1/disbursements contribution": Ask(
        body=lambda asked: payment(asked.home.household, contribution_id=asked.place.contribution)
    ),
    "GET /v1/disbursements/{disbursement_id} disbursement": Ask(thing("disbursement")),
    "POST /v1/disbursements/{disbursement_id}/evidence evidence": Ask(
        thing("disbursement"), lambda asked: {"evidence_ids": [asked.place.unused_evidence]}
    ),
    "POST /v1/evidence": Ask(body=lambda asked: pdf(asked.role)),
    "GET /v1/evidence/{evidence_id} proof": Ask(thing("proof")),
    "GET /v1/evidence/{evidence_id}/content proof": Ask(thing("proof")),
    "POST /v1/pay-lists household": Ask(
        body=lambda asked: {name: said for name, said in payment(asked.place.household).items() if name != "paid_on"}
    ),
    "GET /v1/pay-lists lists": Ask(thing("bank_list"), lists=item()),
    "GET /v1/pay-lists/{pay_list_id} list": Ask(thing("bank_list")),
    "POST /v1/pay-lists/{pay_list_id}/bank-results list": Ask(
        thing("bank_list"),
        lambda asked: f"reference,amount,result,date\n{asked.place.bank_list_reference},1,failed,".encode(),
    ),
    "POST /v1/pay-lists/{pay_list_id}/countersignature cash list": Ask(thing("cash_list"), lambda _: {}),
    "POST /v1/pay-lists/{pay_list_id}/withdrawal list": Ask(thing("bank_list")),
    "POST /v1/payment-terms region": Ask(
        body=lambda asked: {"region_code": asked.place.code, "valid_from": TODAY, "within_days": 20}
    ),
    "GET /v1/payables payees": Ask(thing("household"), lists=item("payee_id")),
    "GET /v1/payments payments": Ask(thing("payment"), lists=item()),
    "POST /v1/payments/confirmations payment": Ask(body=lambda asked: {"payment_ids": [asked.place.payment]}),
    "POST /v1/payments/{payment_id}/confirmation-code payment": Ask(thing("payment")),
    "POST /v1/payments/{payment_id}/reversal payment": Ask(thing("payment"), said(reason="金额录入错误")),
    "POST /v1/household-confirmations": Ask(
        body=lambda asked: {"payment_id": asked.home.payment, "code": asked.home.payment_code}
    ),
}
