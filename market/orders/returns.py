"""Returns: accepted goods come back; the sale and every share of it fall by what remains, the stock is free or lost."""

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
from market.orders.rules import LineNotOfOrderError, OrderEvent, ReturnTooMuchError, after
from market.orders.settling import Funded, settle


class ComesBack(NamedTuple):
    """How much of a line comes back, as a decimal string in its unit, and whether it can be sold again."""

    order_line_id: UUID
    quantity: str
    resaleable: bool


class Claim(NamedTuple):
    """What a buyer returns of an order, why, and on which day."""

    lines: Sequence[ComesBack]
    reason: str
    returned_on: date


@dataclass(frozen=True, slots=True)
class Returned:
    """A return, and what of each line's shares falls with it."""

    order: Order
    lines: Sequence[tuple[OrderLine, ReturnLine]]
    falling: Sequence[reversal.Fallen]


@dataclass(frozen=True, slots=True)
class _Taken:
    line: OrderLine
    row: ReturnLine
    moves: Sequence[Move]
    reversal: reversal.ReturnedLine


def take_back(session: orm.Session, actor: Actor, *, order_id: UUID, claim: Claim, now: datetime) -> Returned:
    """Record a return of accepted lines and reverse what it brought, over what remains posted.

    Raises `LineNotOfOrderError`, `ReturnTooMuchError` or `TransitionError`.
    """
    order = queries.locked_order(session, actor, order_id)
    after(order.status, OrderEvent.RETURN)
    change(session, order, OrderEvent.RETURN, member_id=actor.member_id, now=now, reason=claim.reason)
    returned = Return(
        id=new_id(),
        order_id=order.id,
        returned_on=claim.returned_on,
        reason=claim.reason,
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
    trigger = f"return:{returned.id}"
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


def predict(session: orm.Session, actor: Actor, *, order_id: UUID, claim: Claim) -> Returned:
    """Return what `take_back` would record and reverse now; writes nothing, raises the same."""
    order = queries.one_order(session, actor, order_id)
    after(order.status, OrderEvent.RETURN)
    taken = _take(session, order, new_id(), claim, lock=False)
    falling = reversal.predict(session, [each.reversal for each in taken], on=claim.returned_on)
    return Returned(order, [(each.line, each.row) for each in taken], falling)


def _accepted_on(line: OrderLine, claim: Claim) -> date:
    """Return the day on which a line was accepted; refuse a return that could not follow it."""
    if line.accepted_on is None or claim.returned_on < line.accepted_on:
        raise InvalidInputError("returned before it was accepted", "退货日期早于验收日期", pointer="/returned_on")
    return line.accepted_on


def _take(session: orm.Session, order: Order, return_id: UUID, claim: Claim, *, lock: bool) -> list[_Taken]:
    """Turn what comes back into rows, stock moves and reversals; lots shrink one line after the other."""
    lines = {line.id: line for line in queries.lines_of(session, [order.id])}
    held: dict[UUID, list[Draw]] = {each.order_line_id: [] for each in claim.lines if each.order_line_id in lines}
    drawn: dict[UUID, int] = {}
    for draw in stock.draws_of(session, list(held), lock=lock):
        held[draw.order_line_id].append(draw)
        drawn[draw.lot_id] = draw.lot_drawn_milli
    taken: list[_Taken] = []
    for position, each in enumerate(claim.lines):
        if each.order_line_id not in held or any(other.line.id == each.order_line_id for other in taken):
            raise LineNotOfOrderError(pointer=f"/lines/{position}/order_line_id")
        line = lines[each.order_line_id]
        row = _row(return_id, line, each, f"/lines/{position}")
        accepted_on = _accepted_on(line, claim)
        parts = _spread(held[line.id], row.quantity_milli, salt=str(row.id))
        draws = _shrink(parts, drawn)
        row.draws = [[str(draw.lot_id), draw.before_milli, draw.after_milli, draw.whole_milli] for draw in draws]
        target = Stock.AVAILABLE if each.resaleable else Stock.SPOILED
        moves = [Move(draw.reservation_id, draw.lot_id, Stock.ACCEPTED, target, part) for draw, part in parts]
        taken.append(_Taken(line, row, moves, _reversal(line, row, accepted_on, draws)))
    return taken


def _row(return_id: UUID, line: OrderLine, each: ComesBack, pointer: str) -> ReturnLine:
    """Say what comes off the line; amounts are what it loses, so that a full return takes off everything."""
    quantity_milli = milli_of(each.quantity, line.unit_milli, pointer=f"{pointer}/quantity")
    left_milli = line.accepted_milli - line.returned_milli
    if not 0 < quantity_milli <= left_milli:
        left = quantities.text(left_milli, line.unit_milli)
        raise ReturnTooMuchError(left=left, unit=line.unit, pointer=f"{pointer}/quantity")
    kept_fen = money.price_of(line.unit_price_fen, left_milli - quantity_milli, line.unit_milli)
    return ReturnLine(
        id=new_id(),
        return_id=return_id,
        order_line_id=line.id,
        quantity_milli=quantity_milli,
        resaleable=each.resaleable,
        amount_fen=line.accepted_fen - line.returned_fen - kept_fen,
        net_fen=line.accepted_net_fen - line.returned_net_fen - money.net_of_tax(kept_fen, line.tax_bp),
    )


def _reversal(line: OrderLine, row: ReturnLine, accepted_on: date, draws: Sequence[LotDraw]) -> reversal.ReturnedLine:
    return reversal.ReturnedLine(
        source=f"return:{row.id}",
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
