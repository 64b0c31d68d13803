"""The table of mechanisms, and what makes a plan's body sound. A new mechanism is one more row here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from market.errors import MarketError, follow
from market.quantities import MeasuredIn


class IncomeClass(StrEnum):
    """The classes of household income (domain.md §5)."""

    WAGE = "wage"
    OPERATING = "operating"
    PROPERTY = "property"
    TRANSFER = "transfer"


class Basis(StrEnum):
    """How a mechanism follows from an order.

    An amount that is released with the lot; a share of the proceeds, by the quantity contributed to the lot; a pool of
    the line's proceeds, split at once; or a pool that is kept until the distribution of a period empties it.
    """

    LOT = "lot"
    PROCEEDS = "proceeds"
    POOL = "pool"
    PERIOD = "period"


MONTHS_OF_YEAR = 12

PATRONAGE_FLOOR_BP = 6_000
"""What at least of the distributable surplus goes by volume (农民专业合作社法 art. 44, of 2017)."""


class Payee(StrEnum):
    """Whom a mechanism pays first."""

    HOUSEHOLD = "household"
    COLLECTIVE = "collective"


class Mechanism(StrEnum):
    """The benefit mechanisms in use."""

    ORDER_PURCHASE = "order_purchase"
    CONSIGNMENT = "consignment"
    PATRONAGE = "patronage"
    LABOUR = "labour"
    SHARE_DIVIDEND = "share_dividend"
    LAND_RENT = "land_rent"
    CUSTODY = "custody"
    CONTRACTING = "contracting"
    COLLECTIVE_DIVIDEND = "collective_dividend"


class Measure(StrEnum):
    """What a contribution is measured in: produce, hours or pieces of work, or mu (亩) of land."""

    QUANTITY = "quantity"
    HOURS = "hours"
    PIECES = "pieces"
    AREA = "area"


class Pricing(StrEnum):
    """How the price of a contribution follows from the plan.

    Fixed is agreed with the household, within the plan's bounds if it has any; market plus is the market's price and
    so many basis points; floor is the market's price, but never below the plan's; proceeds is no price, but basis
    points of what the produce brings.
    """

    FIXED = "fixed"
    MARKET_PLUS = "market_plus"
    FLOOR = "floor"
    PROCEEDS = "proceeds"


class Proof(NamedTuple):
    """What proves a contribution or a distribution of a mechanism, in English and Chinese."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class MechanismTerms:
    """What the rest of the system needs to know of a mechanism."""

    name: str
    income_class: IncomeClass
    basis: Basis
    payee: Payee
    proof: Proof
    measures: Sequence[Measure] = ()
    pricings: Sequence[Pricing] = ()


_BOUGHT = (Pricing.FIXED, Pricing.MARKET_PLUS, Pricing.FLOOR)

MECHANISMS: Mapping[Mechanism, MechanismTerms] = {
    Mechanism.ORDER_PURCHASE: MechanismTerms(
        "订单收购",
        IncomeClass.OPERATING,
        Basis.LOT,
        Payee.HOUSEHOLD,
        Proof("the weigh note or the purchase slip", "过磅单或收购单"),
        (Measure.QUANTITY,),
        _BOUGHT,
    ),
    Mechanism.CONSIGNMENT: MechanismTerms(
        "代销",
        IncomeClass.OPERATING,
        Basis.PROCEEDS,
        Payee.HOUSEHOLD,
        Proof("the weigh note or the consignment note", "过磅单或代销单"),
        (Measure.QUANTITY,),
        (Pricing.PROCEEDS,),
    ),
    Mechanism.PATRONAGE: MechanismTerms(
        "按交易量返还",
        IncomeClass.OPERATING,
        Basis.PERIOD,
        Payee.HOUSEHOLD,
        Proof("the members' resolution and the accounts", "成员大会决议及盈余核算表"),
    ),
    Mechanism.LABOUR: MechanismTerms(
        "务工",
        IncomeClass.WAGE,
        Basis.LOT,
        Payee.HOUSEHOLD,
        Proof("the record of the work", "务工考勤表或计件记录"),
        (Measure.HOURS, Measure.PIECES, Measure.AREA),
        (Pricing.FIXED,),
    ),
    Mechanism.SHARE_DIVIDEND: MechanismTerms(
        "入股分红",
        IncomeClass.PROPERTY,
        Basis.POOL,
        Payee.HOUSEHOLD,
        Proof("the members' resolution on the dividend", "成员大会分红决议"),
    ),
    Mechanism.LAND_RENT: MechanismTerms(
        "土地流转",
        IncomeClass.PROPERTY,
        Basis.LOT,
        Payee.HOUSEHOLD,
        Proof("the lease contract", "土地流转合同"),
        (Measure.AREA,),
        (Pricing.FIXED,),
    ),
    Mechanism.CUSTODY: MechanismTerms(
        "托管代养", IncomeClass.PROPERTY, Basis.PERIOD, Payee.HOUSEHOLD, Proof("the custody agreement", "托管代养协议")
    ),
    Mechanism.CONTRACTING: MechanismTerms(
        "承包经营",
        IncomeClass.OPERATING,
        Basis.LOT,
        Payee.HOUSEHOLD,
        Proof("the contract and the weigh note", "承包合同及过磅单"),
        (Measure.QUANTITY,),
        _BOUGHT,
    ),
    Mechanism.COLLECTIVE_DIVIDEND: MechanismTerms(
        "村集体分红",
        IncomeClass.PROPERTY,
        Basis.POOL,
        Payee.COLLECTIVE,
        Proof("the villagers' resolution and the signed list of who was paid", "村民代表会议决议及领款签字表"),
    ),
}


CONTRIBUTED = frozenset({Basis.LOT, Basis.PROCEEDS})
"""The bases of what households contribute to a lot."""

MEASURES_IN: Mapping[MeasuredIn, Sequence[Measure]] = {
    **dict.fromkeys(MeasuredIn, (Measure.QUANTITY,)),
    MeasuredIn.PIECE: (Measure.QUANTITY, Measure.PIECES),
    MeasuredIn.HOUR: (Measure.HOURS,),
    MeasuredIn.MU: (Measure.AREA,),
}
"""What may be measured in a unit: a piece is an egg as well as an egg packed."""


class RegisterKind(StrEnum):
    """What a register says: who holds shares, whose capital is entrusted, whom a village collective lists."""

    SHARES = "shares"
    ENTITLEMENTS = "entitlements"
    LIST = "list"


class PlanStatus(StrEnum):
    """The life of a version of a plan or of a register."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


class PlanEvent(StrEnum):
    """What happens to a version of a plan or of a register; a plan's alone is simulated, until it is decided."""

    SUBMIT = "submit"
    SIMULATE = "simulate"
    APPROVE = "approve"
    REJECT = "reject"


TRANSITIONS: Mapping[tuple[PlanStatus, PlanEvent], PlanStatus] = {
    (PlanStatus.DRAFT, PlanEvent.SUBMIT): PlanStatus.SUBMITTED,
    (PlanStatus.DRAFT, PlanEvent.SIMULATE): PlanStatus.DRAFT,
    (PlanStatus.SUBMITTED, PlanEvent.SIMULATE): PlanStatus.SUBMITTED,
    (PlanStatus.SUBMITTED, PlanEvent.APPROVE): PlanStatus.APPROVED,
    (PlanStatus.SUBMITTED, PlanEvent.REJECT): PlanStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Pool:
    """A part of each line's proceeds, and the weights by which it is split over payees (by id, as text).

    A kept pool names no payees: the supplier holds it until a period's distribution says whose it is. One for a return
    by volume may state what part of a surplus is held back first, as a reserve; none is unless it does.
    """

    mechanism: Mechanism
    bp: int
    shares: Sequence[tuple[str, int]]
    assisted_only: bool = False
    kept: bool = False
    reserve_bp: int | None = None


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """How a plan prices what households contribute by a mechanism; without them each price is agreed as it is given.

    `least_fen` and `most_fen` are per one `unit`; the floor is a least price.
    """

    mechanism: Mechanism
    pricing: Pricing
    bp: int | None = None
    unit: MeasuredIn | None = None
    least_fen: int | None = None
    most_fen: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return what the terms say; what they leave open is left out."""
        said = {name: getattr(self, name) for name in ("bp", "unit", "least_fen", "most_fen")}
        return {
            "mechanism": self.mechanism.value,
            "pricing": self.pricing.value,
            **{name: value for name, value in said.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class PlanBody:
    """What a version promises: the lot mechanisms it allows, how it prices them, and the pools it pays."""

    lot_mechanisms: Sequence[Mechanism]
    pools: Sequence[Pool]
    terms: Sequence[PriceTerms] = ()

    def terms_of(self, mechanism: Mechanism) -> PriceTerms:
        """Return how a mechanism is priced: as it is agreed with the household, unless the plan says more."""
        stated = {terms.mechanism: terms for terms in self.terms}
        return stated.get(mechanism) or PriceTerms(mechanism, Pricing.FIXED)

    def canonical(self) -> bytes:
        """Return the one byte string that is hashed and pinned: sorted keys and shares, no spaces."""
        return json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def sha256(self) -> str:
        """Return the hash that order lines pin."""
        return sha256(self.canonical()).hexdigest()

    def as_json(self) -> dict[str, object]:
        """Return the body as JSON values, in canonical order; one without terms says nothing of them."""
        terms = [terms.as_json() for terms in sorted(self.terms, key=lambda terms: terms.mechanism)]
        return ({"terms": terms} if terms else {}) | {
            "lot_mechanisms": sorted(self.lot_mechanisms),
            "pools": [
                {
                    "mechanism": pool.mechanism.value,
                    "bp": pool.bp,
                    "assisted_only": pool.assisted_only,
                    "shares": sorted([key, weight] for key, weight in pool.shares),
                    # Only where it holds, so that a body without such pools has the bytes it always had.
                    **({"kept": True} if pool.kept else {}),
                    **({} if pool.reserve_bp is None else {"reserve_bp": pool.reserve_bp}),
                }
                for pool in sorted(self.pools, key=lambda pool: pool.mechanism)
            ],
        }


def plan_body(stored: Mapping[str, object]) -> PlanBody:
    """Return the body from its stored JSON."""
    pools: Sequence[Mapping[str, object]] = stored["pools"]  # type: ignore[assignment]
    lot_mechanisms: Sequence[str] = stored["lot_mechanisms"]  # type: ignore[assignment]
    terms: Sequence[Mapping[str, Any]] = stored.get("terms", ())  # type: ignore[assignment]
    return PlanBody(
        lot_mechanisms=tuple(Mechanism(code) for code in lot_mechanisms),
        pools=tuple(
            Pool(
                mechanism=Mechanism(str(pool["mechanism"])),
                bp=int(str(pool["bp"])),
                shares=tuple((key, weight) for key, weight in pool["shares"]),  # type: ignore[attr-defined]
                assisted_only=bool(pool["assisted_only"]),
                kept=bool(pool.get("kept", False)),
                reserve_bp=pool.get("reserve_bp"),  # type: ignore[arg-type]
            )
            for pool in pools
        ),
        terms=tuple(
            PriceTerms(
                mechanism=Mechanism(each["mechanism"]),
                pricing=Pricing(each["pricing"]),
                bp=each.get("bp"),
                unit=MeasuredIn(each["unit"]) if "unit" in each else None,
                least_fen=each.get("least_fen"),
                most_fen=each.get("most_fen"),
            )
            for each in terms
        ),
    )


def payees(body: PlanBody) -> Mapping[Payee, Mapping[str, str]]:
    """Return whom the pools name, by what they must be: payee (an id, as text) → JSON pointer to its share."""
    found: dict[Payee, dict[str, str]] = {payee: {} for payee in Payee}
    for index, pool in enumerate(body.pools):
        for place, (key, _) in enumerate(pool.shares):
            found[MECHANISMS[pool.mechanism].payee].setdefault(key, f"/pools/{index}/shares/{place}/payee_id")
    return found


def status_after(status: PlanStatus, event: PlanEvent, *, machine: str = "plan_version") -> PlanStatus:
    """Return the status that an event leads to; raises `TransitionError` where the table has no such step."""
    return follow(TRANSITIONS, status, event, machine=machine)


class PlanNotApprovedError(MarketError):
    """A product can be sold only under an approved plan version in force."""

    status = 409
    en = "The benefit plan has no approved version in force on {on}."
    zh = "带农方案在 {on} 没有已批准的有效版本。"
