"""Payouts from an account's balance to its bank."""

from tests.stripe_emulator import balances
from tests.stripe_emulator.emulated import emulates, listed, retrieved
from tests.stripe_emulator.refusals import impossible
from tests.stripe_emulator.state import DAY, Call, Thing, World, changed


@emulates("post", "/v1/payouts", "amount currency description metadata statement_descriptor")
def create(call: Call) -> Thing:
    """Send available money to the account's bank."""
    world, amount, currency = call.world, call.amount(), call.currency()
    account = world.known(call.account)
    banks = [each["id"] for each in account["external_accounts"]["data"] if each["currency"] == currency]
    if not banks or not account["payouts_enabled"]:
        raise impossible(
            f"Sorry, you don't have any external accounts in that currency ({currency}).", "payouts_not_allowed"
        )
    balances.require(world, call.account, amount, currency)
    payout: Thing = {
        "id": world.new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": world.clock.now() + 2 * DAY,
        "automatic": False,
        "balance_transaction": None,
        "created": world.clock.now(),
        "currency": currency,
        "description": call.given.get("description"),
        "destination": banks[0],
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": call.metadata(),
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": call.given.get("statement_descriptor"),
        "status": "pending",
        "type": "bank_account",
    }
    world.put(call.account, payout)
    payout["balance_transaction"] = _post(world, payout, "payout", -amount)
    world.emit("payout.created", payout)
    return payout


def _post(world: World, payout: Thing, kind: str, amount: int) -> str:
    account = world.account_of(payout)
    return balances.post(world, account, kind, amount, currency=payout["currency"], source=payout["id"])


@emulates("post", "/v1/payouts/{payout}/cancel")
def cancel(call: Call) -> Thing:
    """Keep the money after all, if it has not left."""
    payout = call.get("payout", "payout")
    if payout["status"] != "pending":
        raise impossible("Payouts can only be canceled while they are pending.")
    back = _post(call.world, payout, "payout_cancel", payout["amount"])
    before = changed(payout, status="canceled", failure_balance_transaction=back)
    call.world.emit("payout.canceled", payout, before)
    return payout


def arrive(world: World, payout: Thing) -> None:
    """The bank has the money."""
    world.emit("payout.paid", payout, changed(payout, status="paid"))


def fail(world: World, payout: Thing, code: str) -> None:
    """The bank sends it back, which may be days after it was told to be paid."""
    back = _post(world, payout, "payout_failure", payout["amount"])
    facts = {"failure_code": code, "failure_message": "The bank returned the payout."}
    before = changed(payout, status="failed", failure_balance_transaction=back, **facts)
    world.emit("payout.failed", payout, before)


listed("/v1/payouts", "payout", "destination status")
retrieved("/v1/payouts/{payout}", "payout")
