"""The life of a lot, where its quantity can be, which lots an order draws from, and what a draw releases."""

from base64 import b32encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from market import money, quantities
from market.errors import InvalidInputError, MarketError, check_not_ahead, follow
from market.quantities import BASE_OF, MeasuredIn, Unit


class LotStatus(StrEnum):
    """The life of a lot."""

    DRAFT = "draft"
    OPEN = "open"
    HELD = "held"
    DISCARDED = "discarded"


class Origin(StrEnum):
    """What a lot was made by."""

    PRODUCED = "produced"
    SPLIT = "split"
    MERGED = "merged"
    PROCESSED = "processed"
    REPACKED = "repacked"


class LotEvent(StrEnum):
    """What happens to a lot."""

    OPEN = "open"
    DISCARD = "discard"
    HOLD = "hold"
    RELEASE = "release"


TRANSITIONS: Mapping[tuple[LotStatus, LotEvent], LotStatus] = {
    (LotStatus.DRAFT, LotEvent.OPEN): LotStatus.OPEN,
    (LotStatus.DRAFT, LotEvent.DISCARD): LotStatus.DISCARDED,
    (LotStatus.OPEN, LotEvent.HOLD): LotStatus.HELD,
    (LotStatus.HELD, LotEvent.RELEASE): LotStatus.OPEN,
}


class BaselineStatus(StrEnum):
    """The life of a baseline: what the supplier proposes is a baseline only once the county has confirmed it."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class BaselineEvent(StrEnum):
    """What happens to a baseline."""

    PROPOSE = "propose"
    CONFIRM = "confirm"
    REJECT = "reject"


BASELINE_TRANSITIONS: Mapping[tuple[BaselineStatus, BaselineEvent], BaselineStatus] = {
    (BaselineStatus.PROPOSED, BaselineEvent.CONFIRM): BaselineStatus.CONFIRMED,
    (BaselineStatus.PROPOSED, BaselineEvent.REJECT): BaselineStatus.REJECTED,
    (BaselineStatus.REJECTED, BaselineEvent.PROPOSE): BaselineStatus.PROPOSED,
}


def baseline_after(status: BaselineStatus, event: BaselineEvent) -> BaselineStatus:
    """Return the status that follows; raises `TransitionError`."""
    return follow(BASELINE_TRANSITIONS, status, event, machine="baseline")


def status_after(status: LotStatus, event: LotEvent) -> LotStatus:
    """Return the status that follows; raises `TransitionError`."""
    return follow(TRANSITIONS, status, event, machine="lot")


class Stock(StrEnum):
    """The places in which a lot's quantity can be; each is a column of the lot."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SHIPPED = "shipped"
    ACCEPTED = "accepted"
    MOVED = "moved"
    SPOILED = "spoiled"


ORDER_MOVES: frozenset[tuple[Stock, Stock]] = frozenset(
    {
        (Stock.RESERVED, Stock.AVAILABLE),  # the order is cancelled, or its reservation expires
        (Stock.RESERVED, Stock.SHIPPED),
        (Stock.SHIPPED, Stock.ACCEPTED),
        (Stock.SHIPPED, Stock.AVAILABLE),  # rejected, still good
        (Stock.SHIPPED, Stock.SPOILED),  # damaged or lost on the way
        (Stock.ACCEPTED, Stock.AVAILABLE),  # returned, still good
        (Stock.ACCEPTED, Stock.SPOILED),  # returned, no longer good
    }
)
"""How an order moves what it has reserved; everything else has its own use case."""


@dataclass(frozen=True, slots=True)
class Want:
    """An order line asks for milli-units of a product, sold in a unit; `position` is its index in the request."""

    order_line_id: UUID
    product_id: UUID
    quantity_milli: int
    position: int
    unit: str
    unit_milli: int


@dataclass(frozen=True, slots=True)
class OpenLot:
    """A lot on sale; `drawn_milli` is what was accepted from it or moved on."""

    id: UUID
    product_id: UUID
    expires_on: date | None
    available_milli: int
    quantity_milli: int
    drawn_milli: int


@dataclass(frozen=True, slots=True)
class Draw:
    """What one order line holds of one lot, and how far that lot is drawn.

    `quantity_milli` was reserved at first; of it, `reserved`, `shipped` and `accepted` say where the rest is now.
    """

    reservation_id: UUID
    order_line_id: UUID
    lot_id: UUID
    quantity_milli: int
    reserved_milli: int
    shipped_milli: int
    accepted_milli: int
    lot_quantity_milli: int
    lot_drawn_milli: int
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Move:
    """Milli-units of a reservation go from one place of its lot to another."""

    reservation_id: UUID
    lot_id: UUID
    source: Stock
    target: Stock
    quantity_milli: int


class ImpossibleMoveError(ValueError):
    """The caller's mistake, not the user's: no order moves stock this way."""


def check_moves(moves: Sequence[Move]) -> None:
    """Raise `ImpossibleMoveError` for a pair of places outside `ORDER_MOVES` or a negative quantity."""
    for move in moves:
        if (move.source, move.target) not in ORDER_MOVES or move.quantity_milli < 0:
            raise ImpossibleMoveError(move)


def check_unit(measured_in: MeasuredIn, base_unit: Unit, *, pointer: str) -> None:
    """Raise `WrongUnitError` unless the unit measures the same as the base unit: mass, or pieces."""
    if measured_in in {MeasuredIn.HOUR, MeasuredIn.MU} or BASE_OF[Unit(measured_in.value)] is not base_unit:
        raise WrongUnitError(unit=measured_in, base=base_unit, pointer=pointer)


def check_days(*, produced_on: date, expires_on: date | None, today: date) -> None:
    """Raise `FutureDateError`, or `InvalidInputError` for produce that expired before it was made."""
    check_not_ahead(produced_on, today=today, pointer="/produced_on")
    if expires_on is not None and expires_on < produced_on:
        raise InvalidInputError("it lies before the production", "不得早于生产日期", pointer="/expires_on")


def draw(
    open_lots: Sequence[OpenLot], wants: Sequence[Want], *, first: Collection[tuple[UUID, UUID]] = ()
) -> list[tuple[Want, OpenLot, int]]:
    """Return `(want, lot, milli)` draws: first to expire first out; wants of one product share its lots, in order.

    The lots that a line is paired with in `first` come before all others for it.
    Raises `OutOfStockError` at the first want for which too little is left.
    """
    shelves: dict[UUID, list[OpenLot]] = {}
    for lot in sorted(open_lots, key=lambda lot: (lot.expires_on or date.max, lot.id)):
        shelves.setdefault(lot.product_id, []).append(lot)
    left = {lot.id: lot.available_milli for lot in open_lots}
    draws: list[tuple[Want, OpenLot, int]] = []
    for want in wants:
        wanted = want.quantity_milli
        shelf = shelves.get(want.product_id, ())
        for lot in sorted(shelf, key=lambda lot: (want.order_line_id, lot.id) not in first):
            taken = min(wanted, left[lot.id])
            if taken > 0:
                draws.append((want, lot, taken))
                left[lot.id] -= taken
                wanted -= taken
        if wanted > 0:
            available = quantities.whole_or_exact(want.quantity_milli - wanted, want.unit_milli)
            raise OutOfStockError(available=available, unit=want.unit, pointer=f"/lines/{want.position}/quantity")
    return draws


def carried_measures(milli: int, weights: Sequence[tuple[str, int]], *, made_of_milli: int, salt: str) -> list[int]:
    """Split `milli` taken of a lot over those who consigned part of what it was made of; the rest is nobody's.

    By largest remainder, so that what goes on in their names and the rest are together what was taken.
    """
    rest = made_of_milli - sum(weight for _, weight in weights)
    return money.allocate(milli, [*weights, ("", rest)], salt=salt)[:-1]


def over_market(amount_fen: int, *, unit_price_fen: int, market_price_fen: int) -> int:
    """Return what of an amount is above the market's price: amount x (price - market) / price, rounded down.

    Of market + 5 % it is amount x 5 / 105. Rounded down, so that no increase is claimed that the price does not carry.
    """
    return amount_fen * (unit_price_fen - market_price_fen) // unit_price_fen


def newly_released(amount_fen: int, *, drawn_milli: int, more_milli: int, whole_milli: int) -> int:
    """Return what a contribution releases when `more_milli` is drawn from a lot already drawn by `drawn_milli`.

    The difference of two cumulative amounts (`money.released`), so that all draws together release it to the fen.
    """
    return money.released(amount_fen, drawn_milli + more_milli, whole_milli) - money.released(
        amount_fen, drawn_milli, whole_milli
    )


def after_carry(due_fen: int, carry_fen: int) -> tuple[int, int]:
    """Return what a contribution releases of what is due, and the carry that is left.

    What earlier returns left over-released (a negative carry) is made good by what is released next, never by taking
    from anybody.
    """
    return max(due_fen + carry_fen, 0), min(due_fen + carry_fen, 0)


def lot_number(lot_id: UUID, produced_on: date) -> str:
    """Return a number that a person can read out, such as `L-20260302-K3V7QHTA`: the day and 40 random bits."""
    return f"L-{produced_on:%Y%m%d}-{b32encode(lot_id.bytes[-5:]).decode()}"


class OutOfStockError(MarketError):
    """The lots on sale hold less than is ordered."""

    status = 409
    en = "Only {available} {unit} left in stock."
    zh = "库存不足,仅余 {available} {unit}。"


class WrongUnitError(MarketError):
    """Mass, pieces and hours are not each other."""

    en = "This is measured in {base} or what converts to it; {unit} does not."
    zh = "此处以{base}计量,不能使用{unit}。"


class StockMovedError(MarketError):
    """A guarded update found less than it was to move."""

    status = 409
    en = "The stock is no longer where this step expects it; read it again."
    zh = "库存状态已发生变化,请重新读取。"


class OutsideOriginError(MarketError):
    """A certified product is produced in the county that listed it (domain.md §4)."""

    en = "The origin must lie in the county {county}, for which the product is certified."
    zh = "产地须在该产品认定所在县({county})内。"


class ExpiredLotError(MarketError):
    """What is no longer good does not go on sale."""

    status = 409
    en = "The lot {number} was good until {expired_on}; it cannot go on sale."
    zh = "批次 {number} 已于 {expired_on} 过保质期,不能开售。"


class InputDrawnSinceError(MarketError):
    """What left an input later was reckoned from behind the discarded part: it cannot be put back before it."""

    status = 409
    en = "The lot {number} has been drawn from since; what was taken of it cannot be given back."
    zh = "原料批次 {number} 此后已有出货或转出,所投数量不能退回。"


class PaidLotError(MarketError):
    """A payment names the contribution that it is for, and so does the list by which it is yet to be made."""

    status = 409
    en = "A contribution to this lot has been paid for, or stands on an open list of payments; it cannot be discarded."
    zh = "该批次的投入已付款或已列入未办结的兑付清单,不能作废。"


class MissingQualityCertificateError(MarketError):
    """Ministry order 2025 no. 4."""

    status = 409
    en = "Lots of this category cannot be sold without a quality certificate (承诺达标合格证)."
    zh = "该类产品须附承诺达标合格证方可销售。"


class ReusedQualityCertificateError(MarketError):
    """Ministry order 2025 no. 4: a mixed or repacked lot needs a new one; a part of a plain split has its origin's."""

    status = 409
    en = "This quality certificate is that of lot {number}; a mixed or repacked lot needs a new one."
    zh = "该合格证已用于批次 {number};混装、重新包装的批次须重新开具合格证。"


class SealedLotError(MarketError):
    """What went into a lot is fixed once it is on sale."""

    status = 409
    en = "The lot is no longer a draft; what went into it is sealed."
    zh = "批次已开售,投入记录已封存。"


class RepeatedEvidenceError(MarketError):
    """A slip of produce counts once with its supplier; a work sheet may name many households."""

    status = 409
    en = "The evidence {evidence} is already on record for a contribution; what was delivered once counts once."
    zh = "凭证 {evidence} 已登记过投入,同一次交售不得重复登记。"


class MechanismNotInPlanError(MarketError):
    """A contribution follows the benefit plan of its product."""

    en = "The benefit plan of this product has no such lot mechanism: {mechanism}."
    zh = "该产品的带农方案不含按批次的机制「{mechanism}」。"


class NeverOpenedError(MarketError):
    """What nobody has opened is no word of the supplier's yet: its draft is given up instead."""

    status = 409
    en = "The lot {number} was never on sale; discard it, and enter anew what is true."
    zh = "批次 {number} 未曾开售,请作废该批次后如实重新登记,无须撤销。"


class CarriedContributionError(MarketError):
    """What was carried along is annulled with what it came from."""

    status = 409
    en = "This contribution was carried from another; annul that one, {contribution}, and this goes with it."
    zh = "该投入由上游批次转入,请撤销其来源投入 {contribution},本投入随之撤销。"


class ContributionAnnulledError(MarketError):
    """What never was is annulled once, and nobody is paid for it."""

    status = 409
    en = "This contribution was annulled; it counts for nothing."
    zh = "该投入已撤销,不再计入。"
