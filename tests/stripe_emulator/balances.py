"""Money: every movement is a balance transaction, and a balance is the sum of them."""

from collections.abc import Callable

from tests.stripe_emulator.emulated import emulates, listed, retrieved
from tests.stripe_emulator.refusals import too_little_money
from tests.stripe_emulator.state import Call, Funds, Thing, World

CATEGORIES = {
    "adjustment": "dispute",
    "charge": "charge",
    "payment": "charge",
    "payment_failure_refund": "refund_failure",
    "payment_refund": "refund",
    "payout": "payout",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "topup": "topup",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
}


def post(
    world: World,
    account: str,
    kind: str,
    amount: int,
    *,
    currency: str,
    source: str,
    fee: int = 0,
    available_on: int | None = None,
) -> str:
    """Move money into an account's balance (out of it, below 0) and return the id of the balance transaction."""
    now = world.clock.now()
    details = {"amount": fee, "application": None, "currency": currency, "description": "Stripe fee"}
    movement: Thing = {
        "id": world.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": max(available_on or now, now),
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{**details, "type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": CATEGORIES[kind],
        "source": source,
        "status": "pending",  # told anew by the clock whenever it is shown
        "type": kind,
    }
    world.put(account, movement)
    funds(world, account, currency).move(movement["available_on"], movement["net"])
    return str(movement["id"])


def funds(world: World, account: str, currency: str) -> Funds:
    """Return an account's balance in a currency."""
    return world.funds.setdefault((account, currency), Funds())


def total(world: World, account: str, currency: str) -> int:
    """Return what an account has, available or not yet."""
    now, held = world.clock.now(), funds(world, account, currency)
    return held.available(now) + held.pending(now)


def require(world: World, account: str, amount: int, currency: str) -> None:
    """Refuse to send more than is available."""
    if funds(world, account, currency).available(world.clock.now()) < amount:
        message = "You have insufficient available funds in your Stripe account. Try adding funds directly to your"
        raise too_little_money(f"{message} available balance by creating Charges that bypass your pending balance.")


def available_on(world: World, movement: str | None) -> int:
    """Return when the money of a movement is available, now if there is none."""
    return int(world.known(movement)["available_on"]) if movement else world.clock.now()


@emulates("get", "/v1/balance")
def balance(call: Call) -> Thing:
    """Show what an account has."""
    world, now = call.world, call.world.clock.now()
    held = {currency: each for (account, currency), each in world.funds.items() if account == call.account}
    shown = held or {world.settings.currency: Funds()}

    def rows(of: Callable[[Funds, int], int]) -> list[Thing]:
        amounts = {currency: of(each, now) for currency, each in sorted(shown.items())}
        return [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in amounts.items()
        ]

    return {
        "object": "balance",
        "available": rows(Funds.available),
        "pending": rows(Funds.pending),
        "livemode": False,
    }


listed("/v1/balance_transactions", "balance_transaction", "currency source type")
retrieved("/v1/balance_transactions/{id}", "balance_transaction")
