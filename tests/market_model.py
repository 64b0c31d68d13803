"""What the market must be after each step, worked out apart from its code: plain integers, fractions and loops.

Where a rule leaves a choice (who gets a fen that equal remainders contest, from which lot a returned gram was), the
model reads the choice from the database and holds it against the bounds of the rule.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.orders.placing import PlacedGroup
from tests.market_world import LotTerms, Payee, ProductTerms, World, rows

HALF = Fraction(1, 2)
PAYEES = ("household", "collective")
OPEN = ("placed", "confirmed")
ACCEPTING = ("shipped", "partly_accepted")
GIVEN_UP = ("declined", "cancelled", "expired")
RECEIVED = ("disbursed", "confirmed", "top_up_paid", "advance")
PLACES = ("available", "reserved", "shipped", "accepted", "moved", "spoiled")


class BrokenInvariantError(AssertionError):
    """The market is not what it must be."""


def hold(truth: object, *what: object) -> None:
    """Raise `BrokenInvariantError` unless it is true."""
    if not truth:
        raise BrokenInvariantError(" ".join(str(each) for each in what))


@cache
def half_up(amount: int, numerator: int, denominator: int) -> int:
    """Return an amount times a fraction, rounded half up."""
    return floor(Fraction(amount * numerator, denominator) + HALF)


def within(parts: Mapping[Any, int], total: int, weights: Mapping[Any, int], *what: object) -> None:
    """Hold that each part is the floor or the ceiling of its exact quota, and that they sum to the total."""
    whole = sum(weights.values())
    hold(sum(parts.values()) == total, *what, "sum to", sum(parts.values()), "instead of", total)
    hold(parts.keys() <= weights.keys(), *what, "give to one who has no share:", parts.keys() - weights.keys())
    for key, weight in weights.items():
        quota = Fraction(total * weight, whole) if whole else Fraction(0)
        part = parts.get(key, 0)
        hold(floor(quota) <= part <= ceil(quota), *what, "give", part, "of a quota of", quota, "to", key)


@dataclass
class Lot:
    """Where a lot's quantity is."""

    terms: LotTerms
    product: ProductTerms
    places: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))

    def move(self, source: str, target: str, milli: int) -> None:
        self.places[source] -= milli
        self.places[target] += milli


@dataclass
class Held:
    """What a line holds of a lot."""

    lot: Lot
    milli: int
    reserved: int = 0
    shipped: int = 0
    accepted: int = 0

    def move(self, source: str, target: str, milli: int) -> None:
        self.lot.move(source, target, milli)
        for place, change in ((source, -milli), (target, milli)):
            if place in ("reserved", "shipped", "accepted"):
                setattr(self, place, getattr(self, place) + change)


@dataclass
class Line:
    """A line of an order; amounts are what stands now, returns taken off; `due` is what is owed for what is left."""

    id: str
    product: ProductTerms
    milli: int
    price_fen: int
    held: list[Held]
    order: "Order"
    shipped: int = 0
    accepted: int = 0
    left: int = 0
    due: int = 0
    accepted_on: date | None = None

    @property
    def judged(self) -> bool:
        return self.accepted_on is not None

    def gross(self, milli: int) -> int:
        return half_up(self.price_fen, milli, self.product.unit_milli)

    def net(self, fen: int) -> int:
        return half_up(fen, 10_000, 10_000 + self.product.tax_bp)

    def move(self, source: str, target: str, milli: int) -> None:
        """Move from the draws in turn, oldest lot first."""
        for held in self.held:
            part = min(milli, getattr(held, source))
            held.move(source, target, part)
            milli -= part


@dataclass
class Order:
    """An order as the people in the market know it."""

    id: str
    buyer: int
    supplier: int
    placed_on: date
    reserved_until: datetime
    status: str = "placed"
    lines: list[Line] = field(default_factory=list)
    paid: int = 0
    shipped_on: date | None = None
    accepted_on: date | None = None

    @property
    def payable(self) -> int:
        """Return what is accepted of it and what may yet be, less what was paid."""
        if self.status in GIVEN_UP:
            return 0
        owed = sum(
            line.due if line.judged else line.gross(line.milli if self.status in OPEN else line.shipped)
            for line in self.lines
        )
        return max(owed - self.paid, 0)

    @property
    def acceptable(self) -> list[Line]:
        return [line for line in self.lines if line.shipped and not line.judged]


@dataclass
class Payment:
    """Money that a supplier paid to a payee, perhaps for a contribution."""

    id: str
    supplier: int
    payee: Payee
    fen: int
    contribution: str | None
    reference: str
    confirmed: bool = False


class Model:
    """All that the people in the market have done."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lots = {
            terms.id: Lot(terms, product, {**dict.fromkeys(PLACES, 0), "available": terms.quantity_milli})
            for product in world.products
            for terms in product.lots
        }
        self.owed_by_lot = {
            contribution: (lot, fen)
            for lot in self.lots.values()
            for contribution, (_, fen) in lot.terms.contributions.items()
        }
        self.annulled: set[str] = set()
        self.orders: dict[str, Order] = {}
        self.lines: dict[str, Line] = {}
        self.payments: dict[str, Payment] = {}
        self.receipts: list[tuple[int, str, Order]] = []

    def shelf(self, product: ProductTerms, day: date) -> list[Lot]:
        """Return the product's lots on sale, first to expire first."""
        lots = [self.lots[terms.id] for terms in product.lots]
        good = [lot for lot in lots if lot.terms.expires_on is None or lot.terms.expires_on >= day]
        return sorted(good, key=lambda lot: (lot.terms.expires_on or date.max, lot.terms.id))

    def draws(self, wants: Sequence[tuple[ProductTerms, int]], day: date) -> list[list[tuple[Lot, int]]] | None:
        """Return what each want takes from which lot; None when a lot on sale runs short."""
        left = {lot.terms.id: lot.places["available"] for lot in self.lots.values()}
        drawn: list[list[tuple[Lot, int]]] = []
        for product, milli in wants:
            parts = []
            for lot in self.shelf(product, day):
                part = min(milli, left[lot.terms.id])
                left[lot.terms.id] -= part
                milli -= part  # noqa: PLW2901 - filled lot by lot
                if part:
                    parts.append((lot, part))
            if milli:
                return None
            drawn.append(parts)
        return drawn

    def place(
        self,
        group: PlacedGroup,
        wants: Sequence[tuple[ProductTerms, int]],
        drawn: Sequence[Sequence[tuple[Lot, int]]],
        *,
        buyer: int,
        on: date,
    ) -> list[Order]:
        """Add a group as placed; hold that it is one order per supplier."""
        placed: dict[UUID, Order] = {}
        for line, (product, milli), parts in zip(group.lines, wants, drawn, strict=True):
            if line.order_id not in placed:
                order = Order(str(line.order_id), buyer, product.supplier, on, group.reserved_until)
                placed[line.order_id] = self.orders[order.id] = order
            hold(placed[line.order_id].supplier == product.supplier, "an order of two suppliers")
            self._add_line(placed[line.order_id], str(line.id), product, milli, parts)
        hold(set(placed) == set(group.orders), "orders placed are", group.orders)
        hold(len({order.supplier for order in placed.values()}) == len(placed), "two orders of one supplier")
        return list(placed.values())

    def _add_line(
        self, order: Order, line_id: str, product: ProductTerms, milli: int, parts: Iterable[tuple[Lot, int]]
    ) -> None:
        price_fen = [fen for start, fen in product.tiers if start <= milli][-1]
        held = [Held(lot, part) for lot, part in sorted(parts, key=lambda part: part[0].terms.id)]
        for each in held:
            each.move("available", "reserved", each.milli)
        line = Line(line_id, product, milli, price_fen, held, order)
        order.lines.append(line)
        self.lines[line_id] = line

    def release(self, order: Order, status: str) -> None:
        """Give an order up: its stock is free again."""
        order.status = status
        for line in order.lines:
            line.move("reserved", "available", line.milli)

    def ship(self, order: Order, shipped: Mapping[str, int], day: date) -> None:
        order.status, order.shipped_on = "shipped", day
        for line in order.lines:
            line.shipped = shipped.get(line.id, 0)
            line.move("reserved", "shipped", line.shipped)
            line.move("reserved", "available", line.milli - line.shipped)

    def judge(self, line: Line, accepted: int, rejected: int, day: date) -> None:
        """Accept part of a line; what is neither accepted nor rejected is lost."""
        line.accepted_on, line.accepted, line.left, line.due = day, accepted, accepted, line.gross(accepted)
        line.move("shipped", "accepted", accepted)
        line.move("shipped", "available", rejected)
        line.move("shipped", "spoiled", line.shipped - accepted - rejected)

    def accept(self, order: Order, day: date) -> None:
        order.status = "partly_accepted" if order.acceptable else "accepted"
        order.accepted_on = max(day, order.accepted_on or day)

    def take_back(self, line: Line, parts: Mapping[str, int], *, resaleable: bool) -> None:
        """Move returned goods, by lot, and hold that each lot bears its part of them."""
        milli = sum(parts.values())
        within(parts, milli, {held.lot.terms.id: held.accepted for held in line.held}, "the returned lots of", line.id)
        for held in line.held:
            held.move("accepted", "available" if resaleable else "spoiled", parts.get(held.lot.terms.id, 0))
        # What was cut of the price is spread over the goods: those that stay keep their part of it.
        whole, kept = line.gross(line.left), line.gross(line.left - milli)
        line.left, line.due = line.left - milli, half_up(line.due, kept, whole) if whole else 0

    def received(self) -> dict[tuple[int, Payee], int]:
        """Return what each payee had from each supplier."""
        sums: dict[tuple[int, Payee], int] = defaultdict(int)
        for payment in self.payments.values():
            sums[payment.supplier, payment.payee] += payment.fen
        return sums


_FACTS = """
SELECT json_build_object(
    'lots', (SELECT json_object_agg(id, json_build_array(
        available_milli, reserved_milli, shipped_milli, accepted_milli, moved_milli, spoiled_milli)) FROM lots),
    'held', (SELECT json_object_agg(order_line_id || ' ' || lot_id, json_build_array(
        quantity_milli, reserved_milli, shipped_milli, accepted_milli)) FROM reservations),
    'orders', (SELECT json_object_agg(id, json_build_array(status, paid_fen, coalesce(
        (SELECT sum(a.amount_fen) FROM receipt_allocations a WHERE a.order_id = o.id), 0))) FROM orders o),
    'lines', (SELECT json_object_agg(id, json_build_array(
        shipped_milli, accepted_milli, accepted_fen, accepted_net_fen, returned_milli,
        accepted_fen - returned_fen, accepted_net_fen - returned_net_fen, paid_fen)) FROM order_lines),
    'carries', (SELECT json_object_agg(contribution_id, fen) FROM release_carries),
    'payments', (SELECT json_object_agg(id, json_build_array(amount_fen, confirmed_at IS NOT NULL)) FROM payments))
"""


def facts_of(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    """Read what the tables say, by id."""
    ((found,),) = rows(connection, _FACTS)
    return {name: by_id or {} for name, by_id in found.items()}


def check_stock(model: Model, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold that every lot is conserved, never oversold, equal to what is held of it, and as the model says."""
    held: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for key, (_, *parts) in facts["held"].items():
        held[key.split()[1]] = [total + part for total, part in zip(held[key.split()[1]], parts, strict=True)]
    for lot_id, found in facts["lots"].items():
        hold(min(found) >= 0, "oversold: lot", lot_id, "is", found)
    for lot_id, lot in model.lots.items():
        found = facts["lots"][lot_id]
        hold(sum(found) == lot.terms.quantity_milli, "lot", lot_id, "is not conserved:", found)
        hold(found[1:4] == held[lot_id], "lot", lot_id, "is", found, "but is held as", held[lot_id])
        hold(found == list(lot.places.values()), "lot", lot_id, "is", found, "instead of", lot.places)
    wanted = {
        f"{line.id} {held.lot.terms.id}": [held.milli, held.reserved, held.shipped, held.accepted]
        for line in model.lines.values()
        for held in line.held
    }
    hold(facts["held"] == wanted, "reservations are", facts["held"], "instead of", wanted)


def check_orders(model: Model, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold that orders and lines are as the model says, and that no money an order has lies idle."""
    wanted = {order.id: [order.status, order.paid, order.paid] for order in model.orders.values()}
    hold(facts["orders"] == wanted, "orders are", facts["orders"], "instead of", wanted)
    hold(facts["lines"].keys() == model.lines.keys(), "lines are", facts["lines"].keys())
    for order in model.orders.values():
        spent = unpaid = 0
        for line in order.lines:
            *found, paid = facts["lines"][line.id]
            gross = line.gross(line.accepted)
            wanted_line = [line.shipped, line.accepted, gross, line.net(gross), line.accepted - line.left, line.due]
            hold(found == [*wanted_line, line.net(line.due)], "line", line.id, "is", found, "instead of", wanted_line)
            spent += min(paid, line.due)
            unpaid += max(line.due - paid, 0)
        hold(spent <= order.paid, "lines of order", order.id, "are paid", spent, "of", order.paid)
        hold(not (unpaid and order.paid > spent), "order", order.id, "has idle money:", order.paid - spent)


def check_payments(model: Model, facts: Mapping[str, Mapping[str, Any]]) -> None:
    wanted = {payment.id: [payment.fen, payment.confirmed] for payment in model.payments.values()}
    hold(facts["payments"] == wanted, "payments are", facts["payments"], "instead of", wanted)
