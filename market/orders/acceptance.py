"""Acceptance: line by line the buyer says what arrived; what is accepted is attributed at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market import money
from market.attribution import accrual, posting
from market.attribution.matching import lock_supplier
from market.attribution.rules import Attribution, LotDraw
from market.catalog.rules import milli_of
from market.channels import service as channels
from market.channels.rules import MissingAcceptanceEvidenceError, check_evidence
from market.clock import business_date
from market.db import new_id
from market.errors import InvalidInputError, at
from market.identity.rules import Actor
from market.lots import stock
from market.lots.rules import Draw, Move, Stock, Want
from market.orders import funding, invoicing, queries
from market.orders.changing import change
from market.orders.models import Acceptance, AcceptanceLine, Order, OrderLine
from market.orders.rules import (
    InvoiceNumberError,
    InvoiceTakenError,
    LineNotOfOrderError,
    NotWeighedError,
    OrderEvent,
    Outcome,
    OutcomeError,
    OverToleranceError,
    WeighNoteError,
    after,
    check_outcome,
    check_shipped,
    check_weigh_note,
)
from market.orders.settling import Funded, settle

REFUSALS = (
    MissingAcceptanceEvidenceError,
    InvoiceNumberError,
    InvoiceTakenError,
    OutcomeError,
    WeighNoteError,
    NotWeighedError,
    OverToleranceError,
)
"""What is refused of what was found, and of the papers for it."""


class FoundLine(NamedTuple):
    """What was found of a line, as decimal strings in the line's unit; by which weigh note, if it weighs otherwise."""

    order_line_id: UUID
    received: str
    accepted: str
    rejected: str
    damaged: str
    short: str
    reason: str | None
    over: str = "0"
    weigh_note: str | None = None


class Report(NamedTuple):
    """A buyer's report on an order: what was found, the evidence by kind, and the day."""

    found: Sequence[FoundLine]
    evidence: Mapping[str, str]
    accepted_on: date


@dataclass(frozen=True, slots=True)
class Accepted:
    """An acceptance, and how each of its lines is attributed."""

    order: Order
    lines: Sequence[tuple[OrderLine, AcceptanceLine]]
    attributions: Sequence[Attribution]


@dataclass(frozen=True, slots=True)
class _Judged:
    line: OrderLine
    row: AcceptanceLine
    moves: Sequence[Move]
    draws: Sequence[LotDraw]


def accept(session: orm.Session, actor: Actor, *, order_id: UUID, report: Report, now: datetime) -> Accepted:
    """Record what was found of shipped lines, move the stock, and post the accrual of what was accepted.

    What is settled by its weight and weighs more than was shipped takes the rest from stock that is there. Raises
    `OutOfStockError`, `LineNotOfOrderError`, `TransitionError`, or one of `REFUSALS`.
    """
    order = queries.locked_order(session, actor, order_id)
    lines = queries.lines_of(session, [order.id])
    dealt_with = queries.dealt_with(session, [line.id for line in lines])
    event = _event(session, order, lines, dealt_with, report, today=business_date(now))
    before = funding.funds_of(order, lines, dealt_with)
    acceptance = Acceptance(
        id=new_id(),
        order_id=order.id,
        accepted_on=report.accepted_on,
        evidence=dict(report.evidence),
        accepted_by=actor.member_id,
        accepted_at=now,
    )
    session.add(acceptance)
    session.flush()
    invoicing.use(session, order, report.evidence)
    judged = _judge(session, order, acceptance.id, lines, report.found, lock=True)
    for each in judged:
        each.line.accepted_on = report.accepted_on
        each.line.shipped_milli += each.row.over_milli
        each.line.accepted_milli = each.row.accepted_milli
        each.line.accepted_fen = each.row.accepted_fen
        each.line.accepted_net_fen = each.row.accepted_net_fen
    stock.move(session, [move for each in judged for move in each.moves])
    order.accepted_on = max(report.accepted_on, order.accepted_on or report.accepted_on)
    order.due_on = order.due_on or report.accepted_on + timedelta(days=order.payment_days)
    change(session, order, event, member_id=actor.member_id, now=now, reason=None)
    # Before anything is posted: what an event posts stands together in the book, and one opens a month at a time.
    lock_supplier(session, order.supplier_id)
    accrued = accrual.accrue(session, _as_accepted(order, judged), on=report.accepted_on)
    for each in judged:
        each.row.counts_on = accrued.counts_on
    session.add_all(each.row for each in judged)
    trigger = f"acceptance:{acceptance.id}"
    settle(
        session,
        [Funded(order, lines, trigger)],
        supplier_id=order.supplier_id,
        trigger=trigger,
        on=max(report.accepted_on, order.paid_on or report.accepted_on),
        payees={share.owner_id for attribution in accrued.attributions for share, _ in attribution.top_ups},
    )
    after_it = funding.funds_of(order, lines, dealt_with | {each.line.id for each in judged})
    funding.restate(session, order, before, after_it, trigger=trigger, on=report.accepted_on)
    return Accepted(order, [(each.line, each.row) for each in judged], accrued.attributions)


def predict(session: orm.Session, actor: Actor, *, order_id: UUID, report: Report, now: datetime) -> Accepted:
    """Return what `accept` would record and post now; writes nothing, raises the same."""
    order = queries.one_order(session, actor, order_id)
    lines = queries.lines_of(session, [order.id])
    dealt_with = queries.dealt_with(session, [line.id for line in lines])
    _event(session, order, lines, dealt_with, report, today=business_date(now))
    invoicing.check_unused(session, order, report.evidence)
    judged = _judge(session, order, new_id(), lines, report.found, lock=False)
    attributions = accrual.predict(session, _as_accepted(order, judged), on=report.accepted_on)
    counts_on = max(report.accepted_on, posting.opens_on(session))
    for each in judged:
        each.row.counts_on = counts_on
    return Accepted(order, [(each.line, each.row) for each in judged], attributions)


def _event(
    session: orm.Session,
    order: Order,
    lines: Sequence[OrderLine],
    dealt_with: Collection[UUID],
    report: Report,
    *,
    today: date,
) -> OrderEvent:
    """Tell whether this deals with the last lines; refuse what cannot be accepted now, and missing evidence."""
    after(order.status, OrderEvent.ACCEPT_ALL)
    if order.shipped_on and report.accepted_on < order.shipped_on:
        raise InvalidInputError("accepted before it was shipped", "验收日期早于发货日期", pointer="/accepted_on")
    policy = channels.policy_on(session, order.channel_code, order.placed_on)
    with at("/evidence"):
        check_evidence(policy, set(report.evidence))
    # The invoice may be of a later day than the goods, and of the next year.
    invoicing.check(report.evidence, by=today)
    open_ids = {line.id for line in lines if line.shipped_milli} - set(dealt_with)
    for position, each in enumerate(report.found):
        if each.order_line_id not in open_ids:
            raise LineNotOfOrderError(pointer=f"/lines/{position}/order_line_id")
        open_ids.remove(each.order_line_id)
    return OrderEvent.ACCEPT_SOME if open_ids else OrderEvent.ACCEPT_ALL


def _judge(
    session: orm.Session,
    order: Order,
    acceptance_id: UUID,
    lines: Sequence[OrderLine],
    found: Sequence[FoundLine],
    *,
    lock: bool,
) -> list[_Judged]:
    """Turn what was found into amounts, stock moves and draws; lines of one lot draw one after the other."""
    by_id = {line.id: line for line in lines}
    outcomes = [_outcome(each, by_id[each.order_line_id], f"/lines/{index}") for index, each in enumerate(found)]
    held: dict[UUID, list[Draw]] = {each.order_line_id: [] for each in found}
    drawn: dict[UUID, int] = {}
    over = [
        Want(line.id, line.product_id, outcome.over_milli, position, line.unit, line.unit_milli)
        for position, outcome in enumerate(outcomes)
        if outcome.over_milli
        for line in [by_id[found[position].order_line_id]]
    ]
    for draw in _draws(session, order, list(held), over, lock=lock):
        held[draw.order_line_id].append(draw)
        drawn[draw.lot_id] = draw.lot_drawn_milli
    judged: list[_Judged] = []
    for each, outcome in zip(found, outcomes, strict=True):
        line = by_id[each.order_line_id]
        moves = _moves(outcome, held[line.id])
        draws = _lot_draws(moves, held[line.id], drawn)
        row = _row(acceptance_id, line, outcome, draws)
        row.weigh_note = each.weigh_note
        judged.append(_Judged(line, row, moves, draws))
    return judged


def _draws(
    session: orm.Session, order: Order, line_ids: Sequence[UUID], over: Sequence[Want], *, lock: bool
) -> list[Draw]:
    """Return what the lines hold, with what they weigh over what was shipped: it left with them, on that day."""
    if not over:
        return stock.draws_of(session, line_ids, lock=lock)
    shipped_on = order.shipped_on or order.placed_on
    if lock:
        stock.reserve_more(session, over, on=shipped_on)
        return stock.draws_of(session, line_ids, lock=True)
    draws = {(draw.order_line_id, draw.lot_id): draw for draw in stock.draws_of(session, line_ids, lock=False)}
    for more in stock.preview_more(session, over, on=shipped_on):
        key = (more.order_line_id, more.lot_id)
        draws[key] = replace(draws[key], reserved_milli=more.reserved_milli) if key in draws else more
    return list(draws.values())


def _outcome(found: FoundLine, line: OrderLine, pointer: str) -> Outcome:
    def milli(field: str) -> int:
        return milli_of(getattr(found, field), line.unit_milli, pointer=f"{pointer}/{field}")

    outcome = Outcome(
        received_milli=milli("received"),
        accepted_milli=milli("accepted"),
        rejected_milli=milli("rejected"),
        damaged_milli=milli("damaged"),
        short_milli=milli("short"),
        reason=found.reason,
        over_milli=milli("over"),
    )
    by_weight = line.weight_tolerance_bp is not None
    with at(pointer):
        check_outcome(outcome, shipped_milli=line.shipped_milli, by_weight=by_weight)
    if found.weigh_note is not None or (by_weight and outcome.received_milli != line.shipped_milli):
        check_weigh_note(found.weigh_note, by_weight=by_weight, pointer=pointer)
    if outcome.over_milli:
        check_shipped(
            outcome.received_milli,
            quantity_milli=line.quantity_milli,
            weight_tolerance_bp=line.weight_tolerance_bp,
            unit=line.unit,
            unit_milli=line.unit_milli,
            pointer=f"{pointer}/over",
        )
    return outcome


def _moves(outcome: Outcome, draws: Sequence[Draw]) -> list[Move]:
    """Fill the draws in turn: accepted goods leave, rejected ones go back on sale, the rest is lost."""
    targets = [
        (Stock.ACCEPTED, outcome.accepted_milli),
        (Stock.AVAILABLE, outcome.rejected_milli),
        (Stock.SPOILED, outcome.damaged_milli + outcome.short_milli),
    ]
    # What a shipped line still has reserved is what it weighs over.
    moves = [
        Move(draw.reservation_id, draw.lot_id, Stock.RESERVED, Stock.SHIPPED, draw.reserved_milli)
        for draw in draws
        if draw.reserved_milli
    ]
    left = {draw.reservation_id: draw.shipped_milli + draw.reserved_milli for draw in draws}
    for target, wanted_milli in targets:
        for draw in draws:
            part = min(wanted_milli, left[draw.reservation_id])
            wanted_milli -= part  # noqa: PLW2901 - filled draw by draw
            left[draw.reservation_id] -= part
            if part:
                moves.append(Move(draw.reservation_id, draw.lot_id, Stock.SHIPPED, target, part))
    return moves


def _lot_draws(moves: Sequence[Move], draws: Sequence[Draw], drawn: dict[UUID, int]) -> list[LotDraw]:
    whole = {draw.lot_id: draw.lot_quantity_milli for draw in draws}
    lot_draws: list[LotDraw] = []
    for move in moves:
        if move.target is Stock.ACCEPTED:
            before = drawn[move.lot_id]
            drawn[move.lot_id] = after_milli = before + move.quantity_milli
            lot_draws.append(LotDraw(move.lot_id, before, after_milli, whole[move.lot_id]))
    return lot_draws


def _row(acceptance_id: UUID, line: OrderLine, outcome: Outcome, draws: Sequence[LotDraw]) -> AcceptanceLine:
    accepted_fen = money.price_of(line.unit_price_fen, outcome.accepted_milli, line.unit_milli)
    return AcceptanceLine(
        id=new_id(),
        acceptance_id=acceptance_id,
        order_line_id=line.id,
        received_milli=outcome.received_milli,
        accepted_milli=outcome.accepted_milli,
        rejected_milli=outcome.rejected_milli,
        damaged_milli=outcome.damaged_milli,
        short_milli=outcome.short_milli,
        over_milli=outcome.over_milli,
        reason=outcome.reason,
        accepted_fen=accepted_fen,
        accepted_net_fen=money.net_of_tax(accepted_fen, line.tax_bp),
        draws=[[str(draw.lot_id), draw.before_milli, draw.after_milli, draw.whole_milli] for draw in draws],
    )


def _as_accepted(order: Order, judged: Sequence[_Judged]) -> list[accrual.AcceptedLine]:
    return [
        accrual.AcceptedLine(
            source=f"acceptance:{each.row.id}",
            order_line_id=each.line.id,
            supplier_id=order.supplier_id,
            net_fen=each.row.accepted_net_fen,
            draws=each.draws,
            plan_version_id=each.line.plan_version_id,
            plan_sha256=each.line.plan_sha256,
        )
        for each in judged
    ]
