"""The rules of domain.md §5 worked out a second time, slowly and in exact fractions; nothing here is attribution's."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import NamedTuple, TypeVar
from uuid import UUID

BASE, TOP_UP_BASE, PAID_AHEAD = "base", "top_up_base", "paid_ahead"
HOUSEHOLD, COLLECTIVE, RETAINED, POOL, SUSPENSE = "household", "collective", "retained", "pool", "suspense"
ACCRUED, RECOGNISED, DISBURSED, CONFIRMED = "accrued", "recognised", "disbursed", "confirmed"
ADVANCE, TOP_UP, TOP_UP_PAID = "advance", "top_up", "top_up_paid"

PAYEES = frozenset({HOUSEHOLD, COLLECTIVE})
SALE_STEPS = (ACCRUED, RECOGNISED, DISBURSED, CONFIRMED)
TOP_UP_STEPS = (TOP_UP, TOP_UP_PAID)
PAID_STEPS = frozenset({DISBURSED, CONFIRMED, TOP_UP_PAID})


class Stake(NamedTuple):
    """Whose part of a line, and why; its text decides ties and is public."""

    kind: str
    owner_id: UUID
    mechanism: str | None = None
    contribution_id: UUID | None = None
    assisted: bool | None = None

    @property
    def text(self) -> str:
        """Return `kind:owner:mechanism:contribution`."""
        return ":".join(map(str, (self.kind, self.owner_id, self.mechanism or "", self.contribution_id or "")))

    @property
    def place(self) -> tuple[object, ...]:
        """Return by what stakes stand in order: kind, owner, mechanism, contribution; nothing comes last."""
        nobody = UUID(int=0)
        return (
            self.kind,
            self.owner_id,
            self.mechanism is None,
            self.mechanism or "",
            self.contribution_id is None,
            self.contribution_id or nobody,
        )


Key = TypeVar("Key", Stake, UUID, str)


def name_of(key: Stake | UUID | str) -> str:
    """Return the text of a key by which a tie is broken."""
    return key.text if isinstance(key, Stake) else str(key)


def split(total: int, weights: Mapping[Key, int], salt: str) -> dict[Key, int] | None:
    """Divide by largest remainder, ties by the hash of salt and name; None when there is nothing to divide by."""
    whole = sum(weights.values())
    if whole <= 0:
        return None
    quotas = {key: Fraction(total * weight, whole) for key, weight in weights.items()}
    parts = {key: math.floor(quota) for key, quota in quotas.items()}

    def rank(key: Key) -> tuple[Fraction, bytes]:
        return parts[key] - quotas[key], sha256(f"{salt}|{name_of(key)}".encode()).digest()

    if left := total - sum(parts.values()):
        for key in sorted(parts, key=rank)[:left]:
            parts[key] += 1
    return parts


def portion(amount: int, part: int, whole: int) -> int:
    """Return the whole fen of a part of an amount."""
    return math.floor(Fraction(amount * part, whole))


def price(unit_price_fen: int, milli: int, unit_milli: int) -> int:
    """Return a quantity's price, rounded half up."""
    return math.floor(Fraction(unit_price_fen * milli, unit_milli) + Fraction(1, 2))


def untaxed(gross_fen: int, tax_bp: int) -> int:
    """Return an amount without the tax that it includes, rounded half up."""
    return math.floor(gross_fen / (1 + Fraction(tax_bp, 10_000)) + Fraction(1, 2))


class PoolOf(NamedTuple):
    """A pool of a plan: kept, or with whom it is split over on the day."""

    mechanism: str
    bp: int
    weights: Mapping[Stake, int]
    kept: bool = False


class ConsignedTo(NamedTuple):
    """A lot from which a line drew: how much, of what it was made of, and each consignor's quantity x basis points."""

    lot_id: UUID
    drawn_milli: int
    made_of_milli: int
    weights: Mapping[Stake, int]

    @property
    def pinned(self) -> list[object]:
        """Return what an entry says of it: the lot, what all consignors together weigh, what it was made of."""
        return [str(self.lot_id), sum(self.weights.values()), self.made_of_milli]


def consigned(net_fen: int, lots: Sequence[ConsignedTo], *, salt: str) -> dict[Stake, int]:
    """Give those who consigned produce to a line's lots their part of what it brought, by what is theirs of each."""
    shares: dict[Stake, int] = {}
    line_milli = sum(lot.drawn_milli for lot in lots)
    for lot in lots:
        if line_milli and lot.weights:
            drawn = Fraction(lot.drawn_milli, line_milli)
            theirs = Fraction(sum(lot.weights.values()), 10_000 * lot.made_of_milli)
            shares |= split(math.floor(net_fen * drawn * theirs), lot.weights, f"{salt}|{lot.lot_id}") or {}
    return shares


@dataclass(frozen=True, slots=True)
class Explained:
    """What a line's net amount is made of, and what it fell short of."""

    shares: Mapping[Stake, int]
    top_ups: Mapping[Stake, int]


def explain(
    net_fen: int,
    own: Mapping[Stake, int],
    due: Mapping[Stake, int],
    pools: Sequence[PoolOf],
    *,
    supplier_id: UUID,
    salt: str,
) -> Explained:
    """Give a line's net amount to whose produce it was, then its contributions, then its pools, then the supplier."""
    funded = dict(due)
    rest = net_fen - sum(own.values())
    if sum(due.values()) > rest:
        funded = split(rest, due, salt) or {}
    rest -= sum(funded.values())
    granted = {pool.mechanism: portion(net_fen, pool.bp, 10_000) for pool in pools}
    if sum(granted.values()) > rest:
        granted = split(rest, granted, salt) or {}
    shares = {**own, **funded}
    for pool in pools:
        fen = granted[pool.mechanism]
        parts = split(fen, pool.weights, f"{salt}|{pool.mechanism}")
        whole = Stake(POOL if pool.kept else SUSPENSE, supplier_id, pool.mechanism)
        shares |= {whole: fen} if parts is None else parts
    shares[Stake(RETAINED, supplier_id)] = rest - sum(granted.values())
    return Explained(
        shares={stake: fen for stake, fen in shares.items() if fen},
        top_ups={stake: fen - funded[stake] for stake, fen in due.items() if fen > funded[stake]},
    )


def falls(
    standing: Mapping[tuple[Stake, str, UUID | None], int], amount_fen: int, steps: Sequence[str], salt: str
) -> dict[tuple[Stake, str, UUID | None], int]:
    """Return what comes off when an amount of a line is returned: over what remains, from the lowest step up."""
    remaining: dict[Stake, int] = {}
    for (stake, step, _), fen in standing.items():
        if step in steps:
            remaining[stake] = remaining.get(stake, 0) + fen
    wanted = (split(amount_fen, remaining, salt) or {}) if amount_fen else {}
    fallen: dict[tuple[Stake, str, UUID | None], int] = {}
    for step in steps:
        for key in sorted((key for key in standing if key[1] == step), key=lambda key: str(key[2])):
            part = min(wanted.get(key[0], 0), standing[key])
            if part:
                wanted[key[0]] -= part
                fallen[key] = part
    return fallen
