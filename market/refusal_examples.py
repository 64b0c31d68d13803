"""An example of every refusal for the OpenAPI: its own sentence, filled in with what might stand there."""

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from market.errors import MarketError

FACTS: Mapping[str, object] = {
    "again": "create",
    "allowed": ("direct", "custodian"),
    "amount_fen": 128_000,
    "annulment": "0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55",
    "area": "12.5",
    "asked": "70.00",
    "available": "300",
    "base": "kg",
    "begin": "2025-01-01",
    "begins_on": "2025-01-01",
    "ceiling_fen": 1_280,
    "capital": "money of its own",
    "capital_zh": "自筹资金",
    "certificate_status": "suspended",
    "channel": "canteen",
    "code": "141122106",
    "consent": "payment_details",
    "contribution": "0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55",
    "count": 2,
    "county": "141122",
    "covered": "480",
    "day": "2026-03-02",
    "days": 61,
    "departed_on": "2026-02-10",
    "distribution": "2025-001",
    "earliest": "2026-07-01",
    "end": "2025-12-31",
    "ended_on": "2026-02-27",
    "ends_on": "2025-12-31",
    "erased_on": "2026-02-10",
    "event": "ship",
    "evidence": "磅单-0302-007",
    "expired_on": "2026-02-28",
    "faults": 2,
    "fields": ("name", "bank_account"),
    "first": 2020,
    "first_on": "2026-02-01",
    "floor": "60",
    "found": "14",
    "heads": 4,
    "held": "52.00",
    "highest": "94.2",
    "household": "",
    "identified_on": "2026-01-01",
    "item_kind": "wage_elsewhere",
    "items": 3,
    "kind": "cooperative",
    "last": 2034,
    "latest": "2026-03-01",
    "left": "12",
    "left_fen": 20_000,
    "line": 7,
    "lines": 2_400,
    "lowest": "50",
    "machine": "order",
    "max": 30,
    "mechanism": "labour",
    "minimum": "10",
    "mode": "base_own",
    "missing": ("acceptance_note", "invoice"),
    "month": "2026-02",
    "most": 60,
    "multiple": "5",
    "name": "骏枣",
    "name_zh": "骏枣",
    "named": "王村富山农民专业合作社",
    "number": "D202603020000017",
    "on": "2026-03-02",
    "open_fen": 100_000,
    "order_status": "cancelled",
    "ordered": "100",
    "organisation": "",
    "parts_fen": 120_000,
    "payable_fen": 100_000,
    "payee": "",
    "payment_id": "0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55",
    "permission": "order:place",
    "pool": "30.00",
    "position": 17,
    "price_fen": 1_280,
    "purpose": "payment",
    "quantity": "12.5",
    "reason": "it is empty",
    "reason_zh": "内容为空",
    "reference": "ICBC-20260331-000412",
    "recorded_fen": 40_000,
    "refunds": 1,
    "region": "451028",
    "registered_on": "2026-02-10",
    "remainder": "1080.00",
    "retained": "12.00",
    "role": "buyer_clerk",
    "rows": 40,
    "rule": "matching",
    "seconds": 10,
    "settlements": 2,
    "standing": "42.00",
    "status": "accepted",
    "supplier": "王村富山农民专业合作社",
    "unit": "jin",
    "valid_from": "2025-03-01",
    "valid_to": "2026-02-28",
    "version": "0198c2f0-5d1e-7b3a-9c41-2f6d0b7a1e55",
    "village": "141122106201",
    "what": "order",
    "where": "",
    "whole": 11,
    "year": 2026,
    "yuan": "320.00",
}
"""What may stand for each fact that a sentence names."""

_CERTIFICATE, _LOT = {"number": "JC-2026-0031"}, {"number": "L202603020000011"}
_GROUP, _SETTLEMENT = {"number": "G202603020000016"}, {"number": "S20260331000012"}
_INVOICE, _NO_INVOICE = {"number": "24142000000012345678"}, {"number": "2414200000001234567"}
OF: Mapping[str, Mapping[str, object]] = {
    "category_taken": {"code": "dried_fruit"},
    "certificate_expired": _CERTIFICATE,
    "certificate_suspended": _CERTIFICATE,
    "confirmation_code": {"most": 5},
    "credit_code": {"code": "91350100M000100Y4A"},
    "einvoice_number": _NO_INVOICE,
    "einvoice_taken": _INVOICE,
    "expired_lot": _LOT,
    "external_number_taken": {"number": "832-20260302-7781"},
    "household_code_taken": {"code": "141122106201-0031"},
    "input_drawn_since": _LOT,
    "input_lot": _LOT,
    "invoice_not_for_produce": {"reason": "it pays a collective", "reason_zh": "收款方为村集体"},
    "invoice_number": _NO_INVOICE,
    "invoice_taken": _INVOICE,
    "left_already": _SETTLEMENT,
    "never_opened": _LOT,
    "months_beyond_period": {"asked": 12},
    "no_payee": {"number": "R20260331000003"},
    "not_instructed": _SETTLEMENT,
    "not_parked": {"machine": "provider_call", "status": "done"},
    "not_ready": _SETTLEMENT,
    "nothing_to_pay": _GROUP,
    "open_settlement": _SETTLEMENT,
    "over_tolerance": {"most": "105"},
    "paid_beyond_delivery": {"most": "1,280.00"},
    "patronage_floor": {"asked": "55"},
    "payment_busy": {"machine": "online_payment", "status": "processing"},
    "period_already_shared": {"machine": "distribution", "status": "approved"},
    "refund_in_file_failed": {"number": "R20260331000003"},
    "register_file": {"number": 3},
    "register_not_in_force": {"number": 2},
    "reused_quality_certificate": _LOT,
    "too_much_to_verify": {"most": 2_000},
    "trace_period": {"most": 366},
    "unreadable_picture": {"most": 50_000_000},
    "with_provider": {"number": "R20260331000003"},
}
"""What stands there in one refusal and would be odd in another."""


def refusals(kind: type[MarketError] = MarketError) -> Iterator[type[MarketError]]:
    """Yield every refusal that says something, of all that is imported."""
    for refusal in kind.__subclasses__():
        if hasattr(refusal, "en"):
            yield refusal
        yield from refusals(refusal)


def examples() -> dict[str, dict[str, Any]]:
    """Return by code an example of each refusal: the answer as it is in English, summed up by its Chinese sentence."""
    return {refusal.code(): _example(refusal) for refusal in sorted(refusals(), key=lambda each: each.code())}


def _example(refusal: type[MarketError]) -> dict[str, Any]:
    code = refusal.code()
    facts = {**FACTS, **OF.get(code, {})}
    named = {name for text in (refusal.en, refusal.zh) for _, name, _, _ in Formatter().parse(text) if name}
    error = refusal.__new__(refusal)
    error.facts = {name: facts[name] for name in {*named, *({"machine"} if "status" in named else ())}}
    detail = error.detail("en")
    value = {
        "type": f"urn:market:problem:{code}",
        "code": code,
        "status": refusal.status,
        "detail": detail,
        "errors": [{"pointer": "/lines/0", "detail": detail}] if refusal.status == 422 else [],
        "request_id": "0198c2f0",
    }
    return {"summary": error.detail("zh"), "value": value}
