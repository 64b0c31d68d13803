"""Refunds: money back to the payer, at once or later, and sometimes returned after all."""

from tests.stripe_emulator import balances, methods
from tests.stripe_emulator.emulated import emulates, listed, retrieved
from tests.stripe_emulator.refusals import impossible, missing
from tests.stripe_emulator.state import Call, Thing, World, changed


@emulates("post", "/v1/refunds", "amount charge payment_intent reason metadata")
def create(call: Call) -> Thing:
    """Send money back, never more than was captured and not sent back yet."""
    world = call.world
    charge = _charge(call)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"] and not _won(world, charge):
        raise impossible(f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed")
    if not left:
        raise impossible(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    amount = call.amount() if "amount" in call.given else left
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise impossible(message, param="amount")
    refund = world.put(call.account, _blank(call, charge, amount))
    _begin(world, refund, charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.emit("refund.created", refund)
    world.emit("charge.refunded", charge)
    return refund


def _charge(call: Call) -> Thing:
    if "payment_intent" in call.given:
        intent = call.world.get(call.account, "payment_intent", call.given["payment_intent"], param="payment_intent")
        if not intent["amount_received"]:
            message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            raise impossible(message, param="payment_intent")
        return call.world.known(intent["latest_charge"])
    if "charge" not in call.given:
        raise missing("charge")
    charge = call.world.get(call.account, "charge", call.given["charge"], param="charge")
    if not charge["captured"]:
        raise impossible(f"Charge {charge['id']} has not been captured.", "charge_not_refundable", param="charge")
    return charge


def _won(world: World, charge: Thing) -> bool:
    account = world.account_of(charge)
    return all(each["status"] == "won" for each in world.each(account, "dispute") if each["charge"] == charge["id"])


def _blank(call: Call, charge: Thing, amount: int) -> Thing:
    return {
        "id": call.world.new_id("re" if charge["id"].startswith("ch_") else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.world.clock.now(),
        "currency": charge["currency"],
        "metadata": call.metadata(),
        "payment_intent": charge["payment_intent"],
        "reason": call.given.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }


def _begin(world: World, refund: Thing, charge: Thing) -> None:
    """Let the refund wait for money, wait for the payer's bank, or be done."""
    card = methods.card_of(world, charge["payment_method"])
    slow = charge["payment_method_details"]["type"] in world.settings.slow_refunds
    if balances.total(world, world.account_of(charge), charge["currency"]) < refund["amount"]:
        refund["pending_reason"] = "insufficient_funds"
        return
    _take(world, refund)
    if card and card.refund == "failed":
        world.afterwards.append(lambda: fail(world, refund, "expired_or_canceled_card"))
    if slow or (card and card.refund == "pending"):
        refund["pending_reason"] = "processing"
    else:
        refund["status"] = "succeeded"


def _kind(refund: Thing, card: str, other: str) -> str:
    return card if refund["charge"].startswith("ch_") else other


def _take(world: World, refund: Thing) -> None:
    charge = world.known(refund["charge"])
    refund["balance_transaction"] = balances.post(
        world,
        world.account_of(refund),
        _kind(refund, "refund", "payment_refund"),
        -refund["amount"],
        currency=refund["currency"],
        source=refund["id"],
        available_on=balances.available_on(world, charge["balance_transaction"]),
    )


def succeed(world: World, refund: Thing) -> None:
    """The payer has the money."""
    if not refund["balance_transaction"]:
        if balances.total(world, world.account_of(refund), refund["currency"]) < refund["amount"]:
            raise ValueError(f"the balance does not cover {refund['id']} yet")
        _take(world, refund)
    before = changed(refund, status="succeeded", pending_reason=None)
    world.emit("refund.updated", refund, before)


def fail(world: World, refund: Thing, reason: str) -> None:
    """The payer's bank sends the money back, which may be days after the refund has succeeded."""
    before = changed(refund, status="failed", pending_reason=None, failure_reason=reason)
    _give_back(world, refund)
    world.emit("refund.failed", refund, before)


def _give_back(world: World, refund: Thing) -> None:
    charge = world.known(refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    if refund["balance_transaction"]:
        refund["failure_balance_transaction"] = balances.post(
            world,
            world.account_of(refund),
            _kind(refund, "refund_failure", "payment_failure_refund"),
            refund["amount"],
            currency=refund["currency"],
            source=refund["id"],
            available_on=balances.available_on(world, refund["balance_transaction"]),
        )


@emulates("post", "/v1/refunds/{refund}/cancel")
def cancel(call: Call) -> Thing:
    """Take a refund back that waits for what only the payer can say."""
    refund = call.get("refund", "refund")
    if refund["status"] != "requires_action":
        raise impossible(f"You can only cancel a refund that requires action; it has a status of {refund['status']}.")
    before = changed(refund, status="canceled")
    _give_back(call.world, refund)
    call.world.emit("refund.updated", refund, before)
    return refund


@emulates("post", "/v1/refunds/{refund}", "metadata")
def update(call: Call) -> Thing:
    """Change what is said about the refund."""
    refund = call.get("refund", "refund")
    refund["metadata"] = call.metadata(refund["metadata"])
    call.world.emit("refund.updated", refund)
    return refund


listed("/v1/refunds", "refund", "charge payment_intent")
retrieved("/v1/refunds/{refund}", "refund")
