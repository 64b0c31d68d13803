"""What is taken back of accepted lines: goods that come back, or by a price cut a part of the price of goods that stay.

The sale and every share of it fall by what remains; the stock of goods that come back is free or lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market import money, quantities
from market.attribution import reversal
from market.attribution.matching import lock_supplier
from market.attribution.rules import LotDraw
from market.catalog.rules import milli_of
from market.db import new_id
from market.errors import InvalidInputError
from market.identity.rules import Actor
from market.lots import stock
from market.lots.rules import Draw, Move, Stock
from market.orders import funding, queries
from market.orders.changing import change
from market.orders.models import Order, OrderLine, Return, ReturnLine
from market.orders.rules import (
    LineNotOfOrderError,
    OrderEvent,
    ReturnTooMuchError,
    TakenBack,
    after,
    check_price_cut,
    kept_fen,
)
from market.orders.settling import Funded, settle


class ComesBack(NamedTuple):
    """How much of a line comes back, as a decimal string in its unit, and whether it can be sold again."""

    order_line_id: UUID
    quantity: str
    resaleable: bool


class IsCut(NamedTuple):
    """How much of what is owed for a line the supplier takes off it (fen, with tax); the goods stay with the buyer."""

    order_line_id: UUID
    amount_fen: int


class Claim(NamedTuple):
    """What a buyer returns of an order, why, and on which day."""

    lines: Sequence[ComesBack]
    reason: str
    returned_on: date

    @property
    def kind(self) -> TakenBack:
        """Return what it takes back: goods."""
        return TakenBack.RETURN

    @property
    def price_cut_id(self) -> None:
        """Return nothing: goods that came back nobody had to offer."""


class Cut(NamedTuple):
    """What a supplier takes off the price of an order, why, on which day, and as which of its offers."""

    lines: Sequence[IsCut]
    reason: str
    returned_on: date
    price_cut_id: UUID

    @property
    def kind(self) -> TakenBack:
        """Return what it takes back: a part of the price."""
        return TakenBack.PRICE_CUT


@dataclass(frozen=True, slots=True)
class Returned:
    """A return or a price cut, and what of each line's shares falls with it."""

    order: Order
    lines: Sequence[tuple[OrderLine, ReturnLine]]
    falling: Sequence[reversal.Fallen]


@dataclass(frozen=True, slots=True)
class _Taken:
    line: OrderLine
    row: ReturnLine
    moves: Sequence[Move]
    reversal: reversal.ReturnedLine


def take_back(session: orm.Session, actor: Actor, *, order_id: UUID, claim: Claim | Cut, now: datetime) -> Returned:
    """Record a return of accepted lines, or a cut of their price, and reverse what that brought.

    It is taken off what remains posted. Raises `LineNotOfOrderError`, `ReturnTooMuchError`, `PriceCutTooMuchError` or
    `TransitionError`.
    """
    order = queries.locked_order(session, actor, order_id)
    change(session, order, OrderEvent(claim.kind), member_id=actor.member_id, now=now, reason=claim.reason)
    returned = Return(
        id=new_id(),
        order_id=order.id,
        kind=claim.kind,
        returned_on=claim.returned_on,
        reason=claim.reason,
        price_cut_id=claim.price_cut_id,
        returned_by=actor.member_id,
        returned_at=now,
    )
    session.add(returned)
    session.flush()
    taken = _take(session, order, returned.id, claim, lock=True)
    stock.move(session, [move for each in taken for move in each.moves])
    lines = queries.lines_of(session, [order.id])
    dealt_with = queries.dealt_with(session, [line.id for line in lines])
    before = funding.funds_of(order, lines, dealt_with)
    lock_supplier(session, order.supplier_id)
    falling = reversal.reverse(
        session, [each.reversal for each in taken], supplier_id=order.supplier_id, on=claim.returned_on
    )
    for each, fallen in zip(taken, falling, strict=True):
        each.row.counts_on = fallen.counts_on
        each.line.returned_milli += each.row.quantity_milli
        each.line.returned_fen += each.row.amount_fen
        each.line.returned_net_fen += each.row.net_fen
        # What was paid for goods that came back pays what other lines of the order still owe.
        each.line.paid_fen = min(each.line.paid_fen, each.line.accepted_fen - each.line.returned_fen)
    session.add_all(each.row for each in taken)
    session.flush()
    trigger = f"{claim.kind}:{returned.id}"
    on = max([order.paid_on or claim.returned_on, *(fallen.counts_on for fallen in falling)])
    settle(
        session,
        [Funded(order, lines, trigger)],
        supplier_id=order.supplier_id,
        trigger=trigger,
        on=on,
        payees={payee for fallen in falling for payee in fallen.payees},
    )
    funding.restate(session, order, before, funding.funds_of(order, lines, dealt_with), trigger=trigger, on=on)
    return Returned(order, [(each.line, each.row) for each in taken], falling)


def predict(session: orm.Session, actor: Actor, *, order_id: UUID, claim: Claim | Cut) -> Returned:
    """Return what `take_back` would record and reverse now; writes nothing, raises the same."""
    order = queries.one_order(session, actor, order_id)
    after(order.status, OrderEvent(claim.kind))
    taken = _take(session, order, new_id(), claim, lock=False)
    falling = reversal.predict(session, [each.reversal for each in taken], on=claim.returned_on)
    return Returned(order, [(each.line, each.row) for each in taken], falling)


def _accepted_on(line: OrderLine, claim: Claim | Cut) -> date:
    """Return the day on which a line was accepted; refuse what could not follow it."""
    if line.accepted_on is None or claim.returned_on < line.accepted_on:
        if claim.kind is TakenBack.PRICE_CUT:
            raise InvalidInputError("cut before it was accepted", "折让日期早于验收日期", pointer="/cut_on")
        raise InvalidInputError("returned before it was accepted", "退货日期早于验收日期", pointer="/returned_on")
    return line.accepted_on


def _take(session: orm.Session, order: Order, return_id: UUID, claim: Claim | Cut, *, lock: bool) -> list[_Taken]:
    """Turn what is taken back into rows, stock moves and reversals; lots shrink one line after the other."""
    lines = {line.id: line for line in queries.lines_of(session, [order.id])}
    wanted: Sequence[ComesBack | IsCut] = claim.lines
    held: dict[UUID, list[Draw]] = {each.order_line_id: [] for each in wanted if each.order_line_id in lines}
    drawn: dict[UUID, int] = {}
    for draw in stock.draws_of(session, list(held), lock=lock):
        held[draw.order_line_id].append(draw)
        drawn[draw.lot_id] = draw.lot_drawn_milli
    taken: list[_Taken] = []
    for position, each in enumerate(wanted):
        if each.order_line_id not in held or any(other.line.id == each.order_line_id for other in taken):
            raise LineNotOfOrderError(pointer=f"/lines/{position}/order_line_id")
        line = lines[each.order_line_id]
        row = _row(return_id, line, each, f"/lines/{position}")
        accepted_on = _accepted_on(line, claim)
        parts = _spread(held[line.id], row.quantity_milli, salt=str(row.id))
        draws = _shrink(parts, drawn)
        row.draws = [[str(draw.lot_id), draw.before_milli, draw.after_milli, draw.whole_milli] for draw in draws]
        target = Stock.AVAILABLE if row.resaleable else Stock.SPOILED
        moves = [Move(draw.reservation_id, draw.lot_id, Stock.ACCEPTED, target, part) for draw, part in parts]
        taken.append(_Taken(line, row, moves, _reversal(claim.kind, line, row, accepted_on, draws)))
    return taken


def _row(return_id: UUID, line: OrderLine, each: ComesBack | IsCut, pointer: str) -> ReturnLine:
    """Say what comes off the line; amounts are what it loses, so that a full return takes off everything."""
    left_fen = line.accepted_fen - line.returned_fen
    quantity_milli, resaleable = 0, None
    if isinstance(each, IsCut):
        check_price_cut(each.amount_fen, left_fen=left_fen, pointer=f"{pointer}/amount_fen")
        still_owed_fen = left_fen - each.amount_fen
    else:
        quantity_milli, resaleable = _quantity(line, each, f"{pointer}/quantity"), each.resaleable
        left_milli = line.accepted_milli - line.returned_milli
        still_owed_fen = kept_fen(
            left_fen,
            left_milli=left_milli,
            kept_milli=left_milli - quantity_milli,
            unit_price_fen=line.unit_price_fen,
            unit_milli=line.unit_milli,
        )
    return ReturnLine(
        id=new_id(),
        return_id=return_id,
        order_line_id=line.id,
        quantity_milli=quantity_milli,
        resaleable=resaleable,
        amount_fen=left_fen - still_owed_fen,
        net_fen=line.accepted_net_fen - line.returned_net_fen - money.net_of_tax(still_owed_fen, line.tax_bp),
    )


def _quantity(line: OrderLine, each: ComesBack, pointer: str) -> int:
    """Return how much of a line comes back (milli); refuse more than is left, and nothing."""
    quantity_milli = milli_of(each.quantity, line.unit_milli, pointer=pointer)
    left_milli = line.accepted_milli - line.returned_milli
    if not 0 < quantity_milli <= left_milli:
        left = quantities.text(left_milli, line.unit_milli)
        raise ReturnTooMuchError(left=left, unit=line.unit, pointer=pointer)
    return quantity_milli


def _reversal(
    kind: TakenBack, line: OrderLine, row: ReturnLine, accepted_on: date, draws: Sequence[LotDraw]
) -> reversal.ReturnedLine:
    return reversal.ReturnedLine(
        source=f"{kind}:{row.id}",
        reason=kind,
        order_line_id=line.id,
        accepted_on=accepted_on,
        net_fen=row.net_fen,
        paid_up=line.accepted_fen - line.returned_fen - row.amount_fen <= line.paid_fen,
        draws=draws,
    )


def _spread(draws: Sequence[Draw], quantity_milli: int, *, salt: str) -> list[tuple[Draw, int]]:
    """Take the quantity from the lots in proportion to what each gave, so that every contribution bears its part."""
    parts = money.allocate(quantity_milli, [(str(draw.lot_id), draw.accepted_milli) for draw in draws], salt=salt)
    # A lot whose part is nothing stays in: its contributions may lose a fen, which the lot owes them from then on.
    return list(zip(draws, parts, strict=True))


def _shrink(parts: Sequence[tuple[Draw, int]], drawn: dict[UUID, int]) -> list[LotDraw]:
    shrunk: list[LotDraw] = []
    for draw, part in parts:
        after_milli = drawn[draw.lot_id]
        drawn[draw.lot_id] = before = after_milli - part
        shrunk.append(LotDraw(draw.lot_id, before, after_milli, draw.lot_quantity_milli))
    return shrunk
