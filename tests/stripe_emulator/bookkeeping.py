"""The emulator's own books, checked: what every object says about money against the movements there are."""

from collections import Counter
from collections.abc import Iterator

from tests.stripe_emulator.state import PLATFORM, Thing, World

Sums = Counter[tuple[str, str]]  # by account and currency


def discrepancies(world: World) -> list[str]:
    """Return what does not add up."""
    moved, told, held = _moved(world), _told(world), _held(world)
    wrong = [
        f"{account} has {held[account, currency]} {currency}, its movements sum to {moved[account, currency]},"
        f" its objects tell of {told[account, currency]}"
        for account, currency in sorted(moved.keys() | told.keys() | held.keys())
        if not moved[account, currency] == told[account, currency] == held[account, currency]
    ]
    return wrong + list(_between(world)) + list(_overdrawn(world))


def _held(world: World) -> Sums:
    now = world.clock.now()
    return Counter({key: funds.available(now) + funds.pending(now) for key, funds in world.funds.items()})


def _moved(world: World) -> Sums:
    sums: Sums = Counter()
    for account in world.books:
        for each in world.each(account, "balance_transaction"):
            sums[account, each["currency"]] += each["amount"] - each["fee"]
    return sums


def _told(world: World) -> Sums:
    """Add up what the objects say, without looking at the amounts of their movements."""
    sums: Sums = Counter()
    for account in world.books:
        for kind, worth in WORTH.items():
            for each in world.each(account, kind):
                sums[account, each["currency"]] += worth(world, each)
    return sums


def _charge(world: World, charge: Thing) -> int:
    movement = charge["balance_transaction"]
    return int(charge["amount_captured"]) - (world.known(movement)["fee"] if movement else 0)


def _refund(_: World, refund: Thing) -> int:
    taken = refund["balance_transaction"] and refund["status"] in {"pending", "succeeded", "requires_action"}
    return -int(refund["amount"]) if taken else 0


def _payout(_: World, payout: Thing) -> int:
    return 0 if payout["status"] in {"failed", "canceled"} else -int(payout["amount"])


def _transfer(_: World, transfer: Thing) -> int:
    return int(transfer["amount_reversed"] - transfer["amount"])


def _dispute(_: World, dispute: Thing) -> int:
    fees = sum(int(each["fee"]) for each in dispute["balance_transactions"])
    return -fees - (0 if dispute["status"] == "won" else int(dispute["amount"]))


def _top_up(_: World, movement: Thing) -> int:
    return int(movement["net"]) if movement["type"] == "topup" else 0


WORTH = {
    "balance_transaction": _top_up,
    "charge": _charge,
    "dispute": _dispute,
    "payout": _payout,
    "refund": _refund,
    "transfer": _transfer,
}


def _between(world: World) -> Iterator[str]:
    """Yield the transfers whose other side has not got, or given back, the same."""
    for transfer in world.each(PLATFORM, "transfer"):
        payment = world.known(transfer["destination_payment"])
        if (transfer["amount"], transfer["amount_reversed"]) != (payment["amount"], payment["amount_refunded"]):
            yield f"{transfer['id']} is not what {payment['id']} is"


def _overdrawn(world: World) -> Iterator[str]:
    """Yield the charges of which more was sent back than had come."""
    for account in world.books:
        sent: Counter[str] = Counter()
        for refund in world.each(account, "refund"):
            sent[refund["charge"]] += 0 if refund["status"] in {"failed", "canceled"} else refund["amount"]
        for charge, amount in sent.items():
            if amount > world.known(charge)["amount_captured"]:
                yield f"{amount} were refunded of {charge}"
