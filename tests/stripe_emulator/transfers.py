"""Transfers from the platform's balance to a connected account's, and back."""

from collections.abc import Iterator

from tests.stripe_emulator import balances, charges
from tests.stripe_emulator.emulated import emulates, listed, page, retrieved
from tests.stripe_emulator.refusals import impossible, invalid, missing, not_emulated, nothing_called
from tests.stripe_emulator.state import PLATFORM, Call, Thing, World

PATH = "/v1/transfers/{id}/reversals"


@emulates("post", "/v1/transfers", "amount currency destination description metadata source_transaction transfer_group")
def create(call: Call) -> Thing:
    """Send money to a connected account; that of a charge may go before it is available."""
    world = call.world
    if call.account != PLATFORM:
        raise not_emulated("transfers of a connected account")
    if "amount" not in call.given:
        raise missing("amount")
    amount, currency = call.amount(), call.currency()
    destination = world.get(PLATFORM, "account", call.given["destination"], param="destination")
    if destination["capabilities"].get("transfers") != "active":
        message = "Your destination account needs to have at least one of the following capabilities enabled: transfers"
        raise impossible(message, "insufficient_capabilities_for_transfer")
    source = _source(call, amount, currency)
    if not source:
        balances.require(world, PLATFORM, amount, currency)
    transfer = world.put(PLATFORM, _blank(call, source))
    when = balances.available_on(world, source["balance_transaction"] if source else None)
    _move(world, transfer, when)
    world.emit("transfer.created", transfer)
    return transfer


def _source(call: Call, amount: int, currency: str) -> Thing | None:
    """Return the charge whose money is sent, of which there must be enough left."""
    if "source_transaction" not in call.given:
        return None
    charge = call.world.get(call.account, "charge", call.given["source_transaction"], param="source_transaction")
    if not charge["captured"]:
        raise impossible("The source_transaction has not been captured.", param="source_transaction")
    if charge["currency"] != currency:
        raise invalid("The currency must be the currency of the source_transaction's balance.", param="currency")
    sent = sum(each["amount"] - each["amount_reversed"] for each in _sent_from(call.world, charge["id"]))
    if sent + amount > charge["amount_captured"]:
        message = f"You cannot create a transfer of {amount}: {sent} of the source_transaction are already transferred."
        raise impossible(message, "transfer_source_balance_parameters_mismatch", param="amount")
    return charge


def _sent_from(world: World, charge: str) -> Iterator[Thing]:
    return (each for each in world.each(PLATFORM, "transfer") if each["source_transaction"] == charge)


def _blank(call: Call, source: Thing | None) -> Thing:
    id_ = call.world.new_id("tr")
    group = call.given.get("transfer_group")
    if source:
        group = group or source["transfer_group"] or f"group_{source['id']}"
        source["transfer_group"] = source["transfer_group"] or group
    return {
        "id": id_,
        "object": "transfer",
        "amount": call.given["amount"],
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.world.clock.now(),
        "currency": call.currency(),
        "description": call.given.get("description"),
        "destination": call.given["destination"],
        "destination_payment": None,
        "livemode": False,
        "metadata": call.metadata(),
        "reversals": {"object": "list", "data": [], "has_more": False, "url": PATH.format(id=id_)},
        "reversed": False,
        "source_transaction": source["id"] if source else None,
        "source_type": "card",
        "transfer_group": group,
    }


def _move(world: World, transfer: Thing, when: int) -> None:
    """Take the amount from the platform, and give it to the account as a charge of its own."""
    currency, amount, account = transfer["currency"], transfer["amount"], transfer["destination"]
    transfer["balance_transaction"] = balances.post(
        world, PLATFORM, "transfer", -amount, currency=currency, source=transfer["id"], available_on=when
    )
    payment = charges.blank(world, account, "py", amount, currency)
    payment.update(status="succeeded", paid=True, captured=True, amount_captured=amount, source_transfer=transfer["id"])
    payment["balance_transaction"] = balances.post(
        world, account, "payment", amount, currency=currency, source=payment["id"], available_on=when
    )
    transfer["destination_payment"] = payment["id"]


@emulates("post", PATH, "amount description metadata")
def reverse(call: Call) -> Thing:
    """Take a transfer back, or a part of it, as long as the account still has the money."""
    world = call.world
    transfer = call.get("transfer", "id")
    left = transfer["amount"] - transfer["amount_reversed"]
    if not left:
        raise impossible(f"Transfer {transfer['id']} is already fully reversed.", "transfer_already_reversed")
    amount = call.amount() if "amount" in call.given else left
    if amount > left:
        message = f"Reversal amount ({amount}) is greater than the unreversed amount of the transfer ({left})"
        raise impossible(message, param="amount")
    when = balances.available_on(world, world.known(transfer["destination_payment"])["balance_transaction"])
    if when <= world.clock.now():
        balances.require(world, transfer["destination"], amount, transfer["currency"])
    reversal = world.put(PLATFORM, _reversal(call, transfer, amount, when))
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    latest = transfer["reversals"]
    latest["data"] = [reversal, *latest["data"]]
    latest.update(data=latest["data"][:10], has_more=latest["has_more"] or len(latest["data"]) > 10)
    world.emit("transfer.reversed", transfer)
    return reversal


def _reversal(call: Call, transfer: Thing, amount: int, when: int) -> Thing:
    """Move the money back and return the reversal; the account's side is a refund of its payment."""
    world, currency, id_ = call.world, transfer["currency"], call.world.new_id("trr")
    payment = world.known(transfer["destination_payment"])
    refund: Thing = {
        "id": world.new_id("pyr"),
        "object": "refund",
        "amount": amount,
        "charge": payment["id"],
        "created": world.clock.now(),
        "currency": currency,
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "source_transfer_reversal": id_,
        "status": "succeeded",
    }
    world.put(transfer["destination"], refund)
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    refund["balance_transaction"] = balances.post(
        world,
        transfer["destination"],
        "payment_refund",
        -amount,
        currency=currency,
        source=refund["id"],
        available_on=when,
    )
    movement = balances.post(
        world, PLATFORM, "transfer_refund", amount, currency=currency, source=id_, available_on=when
    )
    return {
        "id": id_,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": movement,
        "created": world.clock.now(),
        "currency": currency,
        "destination_payment_refund": refund["id"],
        "metadata": call.metadata(),
        "source_refund": None,
        "transfer": transfer["id"],
    }


@emulates("get", PATH, "limit starting_after ending_before")
def list_reversals(call: Call) -> Thing:
    """List what was taken back of one transfer."""
    transfer = call.get("transfer", "id")
    things = (each for each in call.world.each(PLATFORM, "transfer_reversal") if each["transfer"] == transfer["id"])
    return page(call, "transfer_reversal", things)


@emulates("get", "/v1/transfers/{transfer}/reversals/{id}")
def retrieve_reversal(call: Call) -> Thing:
    """Return a reversal of this transfer, of no other."""
    reversal = call.get("transfer_reversal", "id")
    if reversal["transfer"] != call.ids["transfer"]:
        raise nothing_called("transfer_reversal", reversal["id"])
    return reversal


@emulates("post", "/v1/transfers/{transfer}", "metadata description")
def update(call: Call) -> Thing:
    """Change what is said about the transfer."""
    transfer = call.get("transfer", "transfer")
    transfer["metadata"] = call.metadata(transfer["metadata"])
    transfer["description"] = call.given.get("description", transfer["description"])
    call.world.emit("transfer.updated", transfer)
    return transfer


listed("/v1/transfers", "transfer", "destination transfer_group")
retrieved("/v1/transfers/{transfer}", "transfer")
