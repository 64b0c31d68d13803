"""Funding: where the money of an order stands, from what was paid, accepted, given back and passed on of it."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import orm

from market import money
from market.cash import posting
from market.cash.rules import PLATFORM, Funds
from market.channels.rules import FundsModel
from market.orders.models import Order, OrderLine
from market.orders.rules import GIVEN_UP


def payable_fen(order: Order, lines: Sequence[OrderLine], dealt_with: Collection[UUID]) -> int:
    """Return what an order can still be paid: what is accepted of it and what may yet be, less what was paid.

    `dealt_with` are the lines that an acceptance has dealt with, also those it rejected whole.
    """
    funds = funds_of(order, lines, dealt_with)
    return max(funds.kept_fen + funds.to_come_fen - funds.captured_fen + funds.refunded_fen, 0)


def funds_of(order: Order, lines: Sequence[OrderLine], dealt_with: Collection[UUID]) -> Funds:
    """Return the facts of an order's money as they are now."""
    kept_fen = sum(line.accepted_fen - line.returned_fen for line in lines)
    given_up = order.status in GIVEN_UP
    to_come_fen = 0 if given_up else sum(_expected_fen(order, line) for line in lines if line.id not in dealt_with)
    funds = Funds(
        captured_fen=order.captured_fen,
        refunded_fen=order.refunded_fen,
        kept_fen=kept_fen,
        to_come_fen=to_come_fen,
        passed_fen=order.settled_fen - order.settled_fee_fen - order.reserved_fen,
        fee_bp=order.fee_bp,
        reserved_fen=order.reserved_fen,
    )
    return funds.paid_directly if order.funds_model is FundsModel.DIRECT else funds


def _expected_fen(order: Order, line: OrderLine) -> int:
    """Return what will be owed for a line if it is accepted whole: as shipped, and before that as ordered."""
    if order.shipped_on:
        return money.price_of(line.unit_price_fen, line.shipped_milli, line.unit_milli)
    return line.amount_fen


def restated(
    order: Order, before: Funds, after: Funds, *, trigger: str, on: date, till_id: UUID = PLATFORM
) -> posting.Restated:
    """Say that an order's money stands otherwise after a fact; no earlier than the facts from which it moves."""
    parties = posting.Parties(order.id, order.buyer_id, order.supplier_id, till_id)
    on = max(day for day in (on, order.accepted_on, order.captured_on, order.paid_on) if day)
    return posting.Restated(parties, order.funds_model, before, after, trigger, on)


def restate(session: orm.Session, order: Order, before: Funds, after: Funds, *, trigger: str, on: date) -> None:
    """Post in the cash book what a fact does to an order's money."""
    posting.restate(session, [restated(order, before, after, trigger=trigger, on=on)])
