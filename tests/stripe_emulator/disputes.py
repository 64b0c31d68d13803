"""Disputes: the payer's bank takes the money at once, and one argues about it afterwards."""

import inspect
from typing import Any

import stripe

from tests.stripe_emulator import balances
from tests.stripe_emulator.emulated import emulates, listed, retrieved
from tests.stripe_emulator.refusals import impossible
from tests.stripe_emulator.state import DAY, Call, Thing, World, changed

OPEN = ("needs_response", "under_review")
EVIDENCE = [name for name in inspect.get_annotations(stripe.Dispute.Evidence) if not name.startswith("_")]


def begin(world: World, charge: Thing, *, amount: int | None = None, reason: str = "fraudulent") -> Thing:
    """Take the money, and a fee, from the account that charged it."""
    before = [each for each in world.each(world.account_of(charge), "dispute") if each["charge"] == charge["id"]]
    is_open = any(each["status"] in OPEN for each in before)
    left = charge["amount"] - charge["amount_refunded"]
    left -= sum(each["amount"] for each in before if each["status"] == "lost")
    if not charge["id"].startswith("ch_") or not charge["captured"] or is_open or not left:
        raise ValueError(f"{charge['id']} is no captured charge of a card without a dispute")
    id_ = world.new_id("du")
    no_evidence: Thing = dict.fromkeys(EVIDENCE) | {"enhanced_evidence": {}}
    dispute: Thing = {
        "id": id_,
        "object": "dispute",
        "amount": amount or left,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": world.clock.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": no_evidence,
        "evidence_details": {
            "due_by": world.clock.now() + 7 * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    world.put(world.account_of(charge), dispute)
    charge["disputed"] = True
    world.emit("charge.dispute.created", dispute)
    _move(world, dispute, -dispute["amount"], world.settings.dispute_fee)
    world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _move(world: World, dispute: Thing, amount: int, fee: int = 0) -> None:
    account, currency = world.account_of(dispute), dispute["currency"]
    movement = balances.post(world, account, "adjustment", amount, currency=currency, source=dispute["id"], fee=fee)
    dispute["balance_transactions"].append(world.known(movement))


@emulates("post", "/v1/disputes/{dispute}", "evidence metadata submit")
def update(call: Call) -> Thing:
    """Gather evidence, and hand it in unless `submit` is false."""
    dispute = call.get("dispute", "dispute")
    _still_open(dispute)
    evidence = dispute["evidence"] | (call.given.get("evidence") or {})
    details: dict[str, Any] = dispute["evidence_details"] | {"has_evidence": any(_given(evidence))}
    status = dispute["status"]
    if call.given.get("submit", True) and details["has_evidence"]:
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        status = "under_review"
    metadata = call.metadata(dispute["metadata"])
    before = changed(dispute, evidence=evidence, evidence_details=details, status=status, metadata=metadata)
    call.world.emit("charge.dispute.updated", dispute, before)
    return dispute


def _given(evidence: Thing) -> list[Any]:
    return [each for name, each in evidence.items() if each and name != "enhanced_evidence"]


def _still_open(dispute: Thing) -> None:
    if dispute["status"] not in OPEN:
        raise impossible("This dispute is already closed.", "dispute_already_closed")


@emulates("post", "/v1/disputes/{dispute}/close")
def close(call: Call) -> Thing:
    """Give in: the dispute is lost."""
    dispute = call.get("dispute", "dispute")
    _still_open(dispute)
    end(call.world, dispute, "lost")
    return dispute


def end(world: World, dispute: Thing, status: str) -> None:
    """The payer's bank has decided; what is won comes back, the fee does not."""
    if dispute["status"] not in OPEN:
        raise ValueError(f"{dispute['id']} is {dispute['status']} already")
    if status == "won":
        _move(world, dispute, dispute["amount"])
        world.emit("charge.dispute.funds_reinstated", dispute)
    before = changed(dispute, status=status, is_charge_refundable=status == "won")
    world.emit("charge.dispute.closed", dispute, before)


listed("/v1/disputes", "dispute", "charge payment_intent")
retrieved("/v1/disputes/{dispute}", "dispute")
