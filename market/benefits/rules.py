"""The table of mechanisms, and what makes a plan's body sound. A new mechanism is one more row here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from market.errors import MarketError, follow
from market.money import WHOLE_BP


class IncomeClass(StrEnum):
    """The classes of household income (domain.md §5)."""

    WAGE = "wage"
    OPERATING = "operating"
    PROPERTY = "property"
    TRANSFER = "transfer"


class Basis(StrEnum):
    """How a mechanism follows from an order.

    Released with the lot; a pool of the line's proceeds, split at once; or a pool that is kept until the distribution
    of a period empties it.
    """

    LOT = "lot"
    POOL = "pool"
    PERIOD = "period"


class Payee(StrEnum):
    """Whom a mechanism pays first."""

    HOUSEHOLD = "household"
    COLLECTIVE = "collective"


class Mechanism(StrEnum):
    """The benefit mechanisms in use."""

    ORDER_PURCHASE = "order_purchase"
    PATRONAGE = "patronage"
    LABOUR = "labour"
    SHARE_DIVIDEND = "share_dividend"
    CUSTODY = "custody"
    COLLECTIVE_DIVIDEND = "collective_dividend"


class Measure(StrEnum):
    """What a contribution is measured in."""

    QUANTITY = "quantity"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class MechanismTerms:
    """What the rest of the system needs to know of a mechanism."""

    name: str
    income_class: IncomeClass
    basis: Basis
    payee: Payee
    measure: Measure | None = None


MECHANISMS: Mapping[Mechanism, MechanismTerms] = {
    Mechanism.ORDER_PURCHASE: MechanismTerms(
        "订单收购", IncomeClass.OPERATING, Basis.LOT, Payee.HOUSEHOLD, Measure.QUANTITY
    ),
    Mechanism.PATRONAGE: MechanismTerms("按交易量返还", IncomeClass.OPERATING, Basis.PERIOD, Payee.HOUSEHOLD),
    Mechanism.LABOUR: MechanismTerms("务工", IncomeClass.WAGE, Basis.LOT, Payee.HOUSEHOLD, Measure.HOURS),
    Mechanism.SHARE_DIVIDEND: MechanismTerms("入股分红", IncomeClass.PROPERTY, Basis.POOL, Payee.HOUSEHOLD),
    Mechanism.CUSTODY: MechanismTerms("托管代养", IncomeClass.PROPERTY, Basis.PERIOD, Payee.HOUSEHOLD),
    Mechanism.COLLECTIVE_DIVIDEND: MechanismTerms("村集体分红", IncomeClass.PROPERTY, Basis.POOL, Payee.COLLECTIVE),
}


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
    """What happens to a version of a plan or of a register."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"


TRANSITIONS: Mapping[tuple[PlanStatus, PlanEvent], PlanStatus] = {
    (PlanStatus.DRAFT, PlanEvent.SUBMIT): PlanStatus.SUBMITTED,
    (PlanStatus.SUBMITTED, PlanEvent.APPROVE): PlanStatus.APPROVED,
    (PlanStatus.SUBMITTED, PlanEvent.REJECT): PlanStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Pool:
    """A part of each line's proceeds, and the weights by which it is split over payees (by id, as text).

    A kept pool names no payees: the supplier holds it until a period's distribution says whose it is.
    """

    mechanism: Mechanism
    bp: int
    shares: Sequence[tuple[str, int]]
    assisted_only: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class PlanBody:
    """What a version promises: the lot mechanisms it allows and the pools it pays."""

    lot_mechanisms: Sequence[Mechanism]
    pools: Sequence[Pool]

    def canonical(self) -> bytes:
        """Return the one byte string that is hashed and pinned: sorted keys and shares, no spaces."""
        return json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def sha256(self) -> str:
        """Return the hash that order lines pin."""
        return sha256(self.canonical()).hexdigest()

    def as_json(self) -> dict[str, object]:
        """Return the body as JSON values, in canonical order."""
        return {
            "lot_mechanisms": sorted(self.lot_mechanisms),
            "pools": [
                {
                    "mechanism": pool.mechanism.value,
                    "bp": pool.bp,
                    "assisted_only": pool.assisted_only,
                    "shares": sorted([key, weight] for key, weight in pool.shares),
                    # Only where it holds, so that a body without such pools has the bytes it always had.
                    **({"kept": True} if pool.kept else {}),
                }
                for pool in sorted(self.pools, key=lambda pool: pool.mechanism)
            ],
        }


def plan_body(stored: Mapping[str, object]) -> PlanBody:
    """Return the body from its stored JSON."""
    pools: Sequence[Mapping[str, object]] = stored["pools"]  # type: ignore[assignment]
    lot_mechanisms: Sequence[str] = stored["lot_mechanisms"]  # type: ignore[assignment]
    return PlanBody(
        lot_mechanisms=tuple(Mechanism(code) for code in lot_mechanisms),
        pools=tuple(
            Pool(
                mechanism=Mechanism(str(pool["mechanism"])),
                bp=int(str(pool["bp"])),
                shares=tuple((key, weight) for key, weight in pool["shares"]),  # type: ignore[attr-defined]
                assisted_only=bool(pool["assisted_only"]),
                kept=bool(pool.get("kept", False)),
            )
            for pool in pools
        ),
    )


def check_body(body: PlanBody) -> None:
    """Raise `PlanBodyError` unless the body is sound: known bases, one pool a mechanism, at most the whole line."""
    if not body.lot_mechanisms and not body.pools:
        raise PlanBodyError(reason="it benefits nobody", reason_zh="方案未包含任何带农机制")
    if len(set(body.lot_mechanisms)) < len(body.lot_mechanisms):
        raise PlanBodyError(
            reason="a mechanism is listed twice", reason_zh="同一机制出现两次", pointer="/lot_mechanisms"
        )
    if any(MECHANISMS[mechanism].basis is not Basis.LOT for mechanism in body.lot_mechanisms):
        raise PlanBodyError(
            reason="a pool mechanism is listed as a lot mechanism", reason_zh="机制类型不符", pointer="/lot_mechanisms"
        )
    if len({pool.mechanism for pool in body.pools}) < len(body.pools):
        raise PlanBodyError(reason="one mechanism has two pools", reason_zh="同一机制出现两次", pointer="/pools")
    if sum(pool.bp for pool in body.pools) > WHOLE_BP:
        raise PlanBodyError(
            reason="the pools exceed 100 % of the line", reason_zh="各池合计超过 100 %", pointer="/pools"
        )
    for index, pool in enumerate(body.pools):
        _check_pool(pool, f"/pools/{index}")


def _check_pool(pool: Pool, pointer: str) -> None:
    basis = MECHANISMS[pool.mechanism].basis
    if basis is Basis.LOT:
        raise PlanBodyError(
            reason="a lot mechanism is listed as a pool", reason_zh="机制类型不符", pointer=f"{pointer}/mechanism"
        )
    if basis is Basis.PERIOD and not pool.kept:
        raise PlanBodyError(
            reason="what a period's distribution decides is kept until then",
            reason_zh="按期分配的机制须设为留存池",
            pointer=f"{pointer}/kept",
        )
    if pool.kept and (pool.shares or pool.assisted_only):
        raise PlanBodyError(
            reason="a kept pool names its payees when it is distributed, not before",
            reason_zh="留存池在分配时才确定收款方",
            pointer=f"{pointer}/shares" if pool.shares else f"{pointer}/assisted_only",
        )
    if pool.bp <= 0:
        raise PlanBodyError(reason="a pool is empty", reason_zh="资金池比例须大于零", pointer=f"{pointer}/bp")
    keys = {key for key, _ in pool.shares}
    if len(keys) < len(pool.shares) or any(weight < 0 for _, weight in pool.shares):
        raise PlanBodyError(
            reason="a payee is listed twice or has a negative weight",
            reason_zh="份额名单有误",
            pointer=f"{pointer}/shares",
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


class PlanBodyError(MarketError):
    """The plan cannot be carried out as written."""

    en = "The plan is not sound: {reason}."
    zh = "方案不成立:{reason_zh}。"


class PlanNotApprovedError(MarketError):
    """A product can be sold only under an approved plan version in force."""

    status = 409
    en = "The benefit plan has no approved version in force on {on}."
    zh = "带农方案在 {on} 没有已批准的有效版本。"


class NotEnrolledError(MarketError):
    """A household takes part only after a village clerk confirmed its enrolment."""

    en = "This household{household} is not enrolled with this supplier and confirmed by its village."
    zh = "该农户{household}尚未与该供应商建立经村确认的联结关系。"


class NotCollectiveError(MarketError):
    """A collective's pool is paid to the village's own economic organisation, nobody else."""

    en = "This payee{organisation} is no village collective."
    zh = "该收款方{organisation}不是村集体经济组织。"


class NotOfVillageError(MarketError):
    """A village collective lists the households of its own village that are on the register."""

    en = "This household{household} is not on the register of the collective's village."
    zh = "该农户{household}不在该集体所在村的登记名册中。"


class ListKeeperError(MarketError):
    """Only a village collective distributes by a list of its own."""

    en = "Only a village collective keeps a list of its own."
    zh = "只有村集体经济组织可建立自己的分配名单。"


class RegisterNameTakenError(MarketError):
    """One name, one register of an organisation; a change is a new version."""

    status = 409
    en = "You already have a register named {name}; draft a new version of it."
    zh = "已有名为 {name} 的名册,请起草新版本。"


class PlanNameTakenError(MarketError):
    """One name, one plan of a supplier; a change is a new version."""

    status = 409
    en = "You already have a plan named {name}; draft a new version of it."
    zh = "已有名为 {name} 的方案,请起草新版本。"
