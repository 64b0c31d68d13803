"""Money: integers of fen (1 yuan = 100 fen), and the only ways in which an amount may be divided.

Nothing here rounds away or creates a fen. No float, no `Decimal`: every function maps integers to integers.
"""

from collections.abc import Sequence
from hashlib import sha256

WHOLE_BP = 10_000
"""Basis points in a whole: 10,000 bp = 100 %."""

MAX_FEN = 10**13
"""No single amount exceeds 100 thousand million yuan; it stays far below 2**53, so JSON readers keep it exact."""

MOST_OF_A_HOUSEHOLD_FEN = 10**9
"""No household receives or spends ten million yuan at once: more is a slip of the pen."""


class AllocationError(ValueError):
    """The weights cannot carry the total: none is positive, or one is negative."""


def allocate(total_fen: int, shares: Sequence[tuple[str, int]], *, salt: str) -> list[int]:
    """Split `total_fen` over `(key, weight)` shares by largest remainder; the parts sum to the total exactly.

    Each part is the floor or the ceiling of its exact quota. A fen contested by equal remainders goes by
    SHA-256 of salt and key, so that anybody can recompute it and no household is favoured for ever.

    Raises `AllocationError` for a negative total or weight, or when no weight is positive.
    """
    whole = sum(weight for _, weight in shares)
    if total_fen < 0 or whole <= 0 or any(weight < 0 for _, weight in shares):
        raise AllocationError
    parts: list[int] = []
    remainders: list[int] = []
    for _, weight in shares:
        part, remainder = divmod(total_fen * weight, whole)
        parts.append(part)
        remainders.append(remainder)
    for index in _largest(remainders, total_fen - sum(parts), shares, salt):
        parts[index] += 1
    return parts


def _largest(remainders: list[int], count: int, shares: Sequence[tuple[str, int]], salt: str) -> list[int]:
    """Return the indexes of the `count` largest remainders, ties by hash."""
    if count == 0:
        return []
    cut = sorted(remainders, reverse=True)[count - 1]
    chosen = [index for index, remainder in enumerate(remainders) if remainder > cut]
    tied = [index for index, remainder in enumerate(remainders) if remainder == cut]
    if len(chosen) + len(tied) > count:
        tied.sort(key=lambda index: sha256(f"{salt}|{shares[index][0]}".encode()).digest())
    return chosen + tied[: count - len(chosen)]


def share_bp(amount_fen: int, bp: int) -> int:
    """Return the whole fen of `bp` basis points of an amount; what is left of the last fen is not taken."""
    return amount_fen * bp // WHOLE_BP


def released(amount_fen: int, drawn_milli: int, whole_milli: int) -> int:
    """Return what a contribution of `amount_fen` has released after `drawn_milli` of its lot's `whole_milli`.

    floor(amount x drawn / whole): cumulative, so a lot sold out has released the amount to the fen
    (domain.md §5, From order line to household, 6). After a return it may stand a fen off this for each return: what
    comes off is split over what remains posted on the line (point 8), not reckoned by this formula. The difference is
    the contribution's carry, which the next release makes good; a lot sold out has released the amount all the same.
    """
    return amount_fen * drawn_milli // whole_milli


def price_of(unit_price_fen: int, quantity_milli: int, unit_milli: int) -> int:
    """Return the amount of a quantity at a price per unit, rounded half up once, on the line."""
    return (2 * unit_price_fen * quantity_milli + unit_milli) // (2 * unit_milli)


def net_of_tax(gross_fen: int, tax_bp: int) -> int:
    """Return the amount without the tax that it includes, rounded half up once."""
    return (2 * gross_fen * WHOLE_BP + WHOLE_BP + tax_bp) // (2 * (WHOLE_BP + tax_bp))


def plus_bp(price_fen: int, bp: int) -> int:
    """Return a price raised by basis points of itself, rounded half up once."""
    return (2 * price_fen * (WHOLE_BP + bp) + WHOLE_BP) // (2 * WHOLE_BP)


def yuan(amount_fen: int) -> str:
    """Return an amount for a person to read: 108000000 → `1,080,000.00`."""
    whole, rest = divmod(abs(amount_fen), 100)
    return f"{'-' if amount_fen < 0 else ''}{whole:,}.{rest:02d}"
