"""What is done in the market under load, and how the database tells that it was done: once, and to the fen.

A new deed is a `Deed` in `DEEDS` and a place in one of `JOURNEYS`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from market.banks.rules import printed_code
from market.channels.rules import FundsModel
from market.clock import business_date, utc_now
from tests.crash.world import Stall
from tests.payments.bank import Movement, export
from tests.story import ALL_EVIDENCE

Answer = Mapping[str, Any]
JSON = "application/json"


class Effect(NamedTuple):
    """What a request changed: the row that says so, or the order concerned, and the fen that it was about."""

    subject: str
    fen: int


@dataclass
class Case:
    """One order on its way: by which stall, how many kg, and what was answered to each deed so far."""

    stall: Stall
    funds_model: FundsModel
    kg: int
    reference: str
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def order(self) -> Any:
        """The order as it was placed."""
        return self.answers["place"]["orders"][0]

    @property
    def line(self) -> str:
        """The id of the order's only line."""
        return str(self.order["lines"][0]["id"])


class Request(NamedTuple):
    """What is sent, by POST."""

    path: str
    content: bytes = b""
    media_type: str = JSON


@dataclass(frozen=True)
class Deed:
    """Something that somebody of a stall asks for.

    `told` reads the effect from what was answered; `found` lists all effects of the kind that the database holds.
    """

    name: str
    by: str
    asked: Callable[[Case], Request]
    told: Callable[[Case, Answer], Effect]
    found: str


def today() -> date:
    return business_date(utc_now())


def _json(path: str, **body: Any) -> Request:
    return Request(path, json.dumps(body, default=str).encode())


def _of_order(case: Case, what: str, **body: Any) -> Request:
    return _json(f"/orders/{case.order['id']}/{what}", **body)


def _changed(event: str) -> str:
    return f"""
        SELECT c.order_id, o.amount_fen
          FROM order_changes c JOIN orders o ON o.id = c.order_id WHERE c.event = '{event}'
    """


def _amount_told(_: Case, answer: Answer) -> Effect:
    return Effect(answer["id"], answer["amount_fen"])


def _place(case: Case) -> Request:
    line = {"product_id": case.stall.product, "quantity": str(case.kg), "unit": "kg"}
    return _json("/order-groups", channel_code="canteen", funds_model=case.funds_model, lines=[line])


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
    return _of_order(case, "acceptances", accepted_on=today(), evidence=ALL_EVIDENCE, lines=[line])


def _receive(case: Case) -> Request:
    fen = case.answers["accept"]["accepted_fen"]
    return _json(
        "/receipts",
        bank_reference=case.reference,
        payer_name="财政支付中心",
        amount_fen=fen,
        received_on=today(),
        orders=[{"order_id": case.order["id"], "amount_fen": fen}],
    )


def _take_back(case: Case) -> Request:
    line = {"order_line_id": case.line, "quantity": "1", "resaleable": True}
    return _of_order(case, "returns", returned_on=today(), reason="品质不符", lines=[line])


def _tell(case: Case) -> Request:
    code = printed_code(case.answers["place"]["identification_code"])
    told = Movement(case.order["amount_fen"], f"货款 识别码{code}", case.reference, on=today())
    return Request(f"/bank-accounts/{case.stall.custody}/statements", export(told), "text/csv")


def _of_refund(case: Case, what: str, **body: Any) -> Request:
    return _json(f"/refunds/{case.answers['ask back']['refunds'][0]['id']}/{what}", **body)


def _stepped(event: str) -> str:
    return f"""
        SELECT r.id, r.amount_fen FROM refund_changes c JOIN refunds r ON r.id = c.refund_id WHERE c.event = '{event}'
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
    asked=lambda case: _of_order(case, "confirmation"),
    told=_amount_told,
    found=_changed("confirm"),
)
CANCEL = Deed(
    "cancel",
    by="clerk",
    asked=lambda case: _of_order(case, "cancellation", reason="道路中断"),
    told=_amount_told,
    found=_changed("cancel"),
)
SHIP = Deed(
    "ship",
    by="clerk",
    asked=lambda case: _of_order(case, "shipment", shipped_on=today()),
    told=_amount_told,
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
    told=_amount_told,
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
         GROUP BY l.statement_id
    """,
)

ASK_BACK = Deed(
    "ask back",
    by="orderer",
    asked=lambda case: _of_order(case, "refunds", reason="退货"),
    told=lambda case, answer: _amount_told(case, answer["refunds"][0]),
    found="SELECT id, amount_fen FROM refunds",
)
APPROVE = Deed(
    "approve",
    by="clerk",
    asked=lambda case: _of_refund(case, "decision", event="approve"),
    told=_amount_told,
    found=_stepped("approve"),
)
PAY_BACK = Deed(
    "pay back",
    by="manager",
    asked=lambda case: _of_refund(case, "payment", bank_reference=f"R-{case.reference}", paid_on=today()),
    told=_amount_told,
    found=_stepped("succeed"),
)

DEEDS = (PLACE, CONFIRM, CANCEL, SHIP, ACCEPT, RECEIVE, TAKE_BACK, TELL, ASK_BACK, APPROVE, PAY_BACK)

PAYING = (RECEIVE, TELL)
"""Whose fen together are what the orders say that their buyers paid."""

JOURNEYS: Sequence[tuple[FundsModel, Sequence[Deed]]] = (
    (FundsModel.DIRECT, (PLACE, CONFIRM, SHIP, ACCEPT, RECEIVE, TAKE_BACK, ASK_BACK, APPROVE, PAY_BACK)),
    (FundsModel.DIRECT, (PLACE, CONFIRM, SHIP, ACCEPT, RECEIVE)),
    (FundsModel.CUSTODIAN, (PLACE, TELL, CONFIRM, SHIP, ACCEPT)),
    (FundsModel.CUSTODIAN, (PLACE, CONFIRM, TELL, SHIP, ACCEPT, TAKE_BACK)),
    (FundsModel.DIRECT, (PLACE, CANCEL)),
)
