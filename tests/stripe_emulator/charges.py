"""Charges: what a payment brought, or did not."""

from tests.stripe_emulator import balances, methods
from tests.stripe_emulator.emulated import listed, retrieved
from tests.stripe_emulator.state import DAY, Thing, World, changed

ACCEPTED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 7,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def blank(world: World, account: str, prefix: str, amount: int, currency: str) -> Thing:
    """Return a charge of which nothing more is known; it is in the book already."""
    charge: Thing = {
        "id": world.new_id(prefix),
        "object": "charge",
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": dict(methods.NOBODY),
        "calculated_statement_descriptor": None,
        "captured": False,
        "created": world.clock.now(),
        "currency": currency,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": None,
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
    }
    return world.put(account, charge)


def make(world: World, intent: Thing, method: Thing, *, captured: bool = False, failure: Thing | None = None) -> Thing:
    """Charge a payment method for an intent; the money itself comes by `bring`."""
    prefix = "ch" if method["type"] == "card" else "py"
    charge = blank(world, world.account_of(intent), prefix, intent["amount"], intent["currency"])
    charge.update({name: intent[name] for name in ("description", "receipt_email", "transfer_group")})
    charge.update(metadata=dict(intent["metadata"]), payment_intent=intent["id"], payment_method=method["id"])
    charge.update(billing_details=method["billing_details"], payment_method_details=methods.details(method))
    if failure:
        refused: Thing = {"network_status": "declined_by_network", "type": "issuer_declined"}
        refused |= {"reason": failure.get("decline_code", failure["code"]), "seller_message": failure["message"]}
        charge.update(status="failed", failure_code=failure["code"], failure_message=failure["message"])
        charge["outcome"] = ACCEPTED | refused
    else:
        charge.update(status="succeeded", paid=True, captured=captured, outcome=dict(ACCEPTED))
    return charge


def fee(world: World, amount: int) -> int:
    """Return what Stripe keeps of a charge, halves upwards."""
    share = (amount * world.settings.fee_basis_points + 5_000) // 10_000
    return share + world.settings.fee_fixed


def bring(world: World, charge: Thing, amount: int) -> str:
    """Capture an amount, which is in the balance after the days that it is pending; return the movement."""
    card = methods.card_of(world, charge["payment_method"])
    days = 0 if card and card.at_once else world.settings.pending_days
    movement = balances.post(
        world,
        world.account_of(charge),
        "charge" if charge["id"].startswith("ch_") else "payment",
        amount,
        currency=charge["currency"],
        source=charge["id"],
        fee=fee(world, amount),
        available_on=world.clock.now() + days * DAY,
    )
    charge.update(balance_transaction=movement, captured=True, amount_captured=amount)
    charge["amount_refunded"] = charge["amount"] - amount  # the rest is released, and Stripe writes it so
    return movement


def hide(world: World, charge: Thing, movement: str) -> None:
    """Let the charge name its movement a moment later, as with the capture method `automatic_async`."""
    charge["balance_transaction"] = None

    def show() -> None:
        before = changed(charge, balance_transaction=movement)
        world.emit("charge.updated", charge, before)

    world.afterwards.append(show)


def release(world: World, charge: Thing) -> None:
    """Let go of what was authorised and not captured."""
    charge.update(amount_refunded=charge["amount"], refunded=True)
    world.emit("charge.refunded", charge)


listed("/v1/charges", "charge", "payment_intent transfer_group")
retrieved("/v1/charges/{charge}", "charge")
