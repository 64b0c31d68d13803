"""Tales of orders that are paid online, drawn from a seed: what people and banks do, in their order."""

from collections.abc import Iterator
from random import Random  # noqa: TID251 - a tale is drawn from its seed
from typing import NamedTuple

CARD, LATER_CARD, ASKING_CARD = "pm_card_bypassPending", "pm_card_visa", "pm_card_threeDSecure2Required"
SLOW_REFUND_CARD, FAILING_REFUND_CARD = "pm_card_pendingRefund", "pm_card_refundFail"
REFUSED_CARD = "pm_card_chargeDeclined"
WALLET = "alipay"


class Deed(NamedTuple):
    """What somebody does about an order, by the number of the order; nobody's order is above zero."""

    name: str
    order: int = -1
    how: str = ""


WAYS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("pays", CARD),),
    (("pays", LATER_CARD),),
    (("confirms", CARD),),
    (("pays", REFUSED_CARD), ("pays", CARD)),
    (("confirms", REFUSED_CARD), ("pays", LATER_CARD)),
    (("pays", ASKING_CARD), ("completes", "")),
    (("pays", ASKING_CARD), ("turns_back", ""), ("pays", CARD)),
    (("pays", WALLET), ("completes", "")),
    (("pays", WALLET), ("turns_back", ""), ("pays", WALLET), ("completes", "")),
    (("pays", SLOW_REFUND_CARD),),
    (("pays", FAILING_REFUND_CARD),),
    (("cancels", ""), ("begins", ""), ("pays", CARD)),
    (("cancels", ""),),
)


def tale(seed: int) -> list[Deed]:
    """Return what happens with one or two orders, their deeds mixed, and settlements between them."""
    chance = Random(f"tale {seed}")  # noqa: S311 - chance, no secret
    threads = [list(_of_order(chance, number)) for number in range(chance.choice((1, 1, 1, 2)))]
    mixed: list[Deed] = []
    while any(threads):
        mixed.append(chance.choice([thread for thread in threads if thread]).pop(0))
    for _ in range(chance.randrange(3)):
        where = chance.randint(len(mixed) // 2, len(mixed))
        mixed[where:where] = [Deed("settles")]
    if chance.random() < 0.5:
        mixed += [Deed("settles"), *(Deed(name) for name in ("takes_back", "settles")[: chance.randrange(3)])]
    return mixed


def orders_in(deeds: list[Deed]) -> int:
    """Return of how many orders a tale tells."""
    return max(deed.order for deed in deeds) + 1


def _of_order(chance: Random, number: int) -> Iterator[Deed]:
    way = chance.choice(WAYS)
    body = chance.choice(("accepted", "accepted_in_part", "given_up", "given_up"))
    early = chance.random() < 0.2
    yield Deed("begins", number)
    if early:
        yield Deed(body, number)
    yield from (Deed(name, number, how) for name, how in way)
    rest = [] if early else [Deed(body, number)]
    if body != "accepted":
        rest += _refund(chance, number)
    elif chance.random() < 0.4:
        rest += [Deed("gives_back", number), *_refund(chance, number)]
    if chance.random() < 0.4:
        _disputed(chance, rest, number)
    yield from rest


def _refund(chance: Random, number: int) -> list[Deed]:
    deeds = [Deed("refunds", number)]
    if chance.random() < 0.5:
        deeds.append(Deed("refund_settles", number))
    if chance.random() < 0.4:
        deeds.append(Deed("refund_fails", number))
    if chance.random() < 0.6:
        deeds.append(Deed("reroutes", number))
    return deeds


def _disputed(chance: Random, deeds: list[Deed], number: int) -> None:
    """Let the payer's bank take the money back somewhere between the deeds, and decide at the same time or later."""
    opened = chance.randint(0, len(deeds))
    ended = chance.randint(opened, len(deeds))
    end = chance.choice(("won", "lost", "lost", ""))
    if end:
        deeds.insert(ended, Deed("dispute_ends", number, end))
    deeds.insert(opened, Deed("dispute_opens", number, chance.choice(("", "", "half"))))
