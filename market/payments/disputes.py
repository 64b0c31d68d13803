"""Disputes: a payer's bank takes money back; it stands frozen until its owner is known, then where it belongs.

What is lost pays what was to go back to this buyer anyway; the rest is the platform's loss. The supplier keeps what it
earned: its goods were accepted, and what households had of it is not taken from them for a quarrel about a card.
"""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankLine
from market.cash import posting as cash
from market.cash.rules import PLATFORM, CashKind
from market.clock import business_date
from market.db import new_id
from market.ledger.rules import AccountKey
from market.orders.models import Order
from market.payments import movements, queries, refund_queries
from market.payments.models import Dispute, OnlinePayment
from market.payments.provider import DisputeSeen
from market.payments.refund_steps import change
from market.payments.refunding import Making, made, unclaimed_fen
from market.payments.rules import DisputeStatus, RefundEvent, RefundRoute


def note(session: orm.Session, seen: DisputeSeen, *, now: datetime) -> None:
    """Take note of a dispute and of what it moved; an end stays an end.

    The payment is locked before the account, as by who captures it, and its orders before anything is posted.
    """
    payment = queries.locked_payment(session, seen.charge_id)
    account = movements.locked_provider_account(session)
    told = [movements.take_over(session, account, each) for each in seen.movements]
    if payment is not None:
        parts = queries.online_parts(session, payment.id)
        orders = queries.locked_orders(session, [part.order_id for part in parts])
        dispute = _known(session, payment, seen, now)
        for line, _ in told:
            _freeze(session, dispute, line)
        _end(session, dispute, seen, orders, now)
    movements.mirror(session, account, told)
    session.flush()


def _known(session: orm.Session, payment: OnlinePayment, seen: DisputeSeen, now: datetime) -> Dispute:
    wanted = sa.select(Dispute).where(Dispute.provider_id == seen.id).with_for_update()
    dispute = session.scalar(wanted)
    if dispute is None:
        dispute = Dispute(
            id=new_id(),
            provider_id=seen.id,
            payment_id=payment.id,
            amount_fen=seen.amount_fen,
            reason=seen.reason,
            status=DisputeStatus.OPEN,
            opened_on=seen.opened_on,
            seen_at=now,
        )
        session.add(dispute)
        session.flush()
    dispute.seen_at = now
    return dispute


def _freeze(session: orm.Session, dispute: Dispute, line: BankLine) -> None:
    """Let what the bank took, or gave back, stand on the dispute."""
    if not line.open_fen:
        return
    line.open_fen, line.waiting = 0, None
    hold, told = AccountKey(CashKind.DISPUTE_HOLD, dispute.id), AccountKey(CashKind.UNMATCHED, line.id)
    sides = (hold, told) if line.amount_fen < 0 else (told, hold)
    _post(session, dispute, f"dispute:{line.id}", [cash.Move(*sides, abs(line.amount_fen))], on=line.booked_on)


def _post(session: orm.Session, dispute: Dispute, source: str, moves: Sequence[cash.Move], *, on: date) -> None:
    word, facts = source.split(":", maxsplit=1)[0], {"dispute": dispute.provider_id}
    cash.post(session, [cash.Draft(f"cash:{source}", word, on, moves, facts)])


def _end(session: orm.Session, dispute: Dispute, seen: DisputeSeen, orders: Sequence[Order], now: datetime) -> None:
    """Close a dispute about locked orders that the payer's bank has decided, once all that it moved is told."""
    if dispute.status is not DisputeStatus.OPEN or seen.status is DisputeStatus.OPEN:
        return
    if seen.status is DisputeStatus.WON and sum(movement.amount_fen for movement in seen.movements) != 0:
        return  # what it took is not back yet
    dispute.status, dispute.ended_on = seen.status, business_date(now)
    session.flush()
    if seen.status is DisputeStatus.LOST:
        hold, loss = AccountKey(CashKind.DISPUTE_HOLD, dispute.id), AccountKey(CashKind.DISPUTE_LOSS, PLATFORM)
        moves = [cash.Move(loss, hold, dispute.amount_fen)]
        _post(session, dispute, f"dispute_lost:{dispute.id}", moves, on=dispute.ended_on)
        for order in orders:
            for asked in refund_queries.asked_back(session, order.id):  # it would go back twice
                change(session, asked, order, RefundEvent.DECLINE, by=None, now=now)
            _pay_back(session, dispute, order, now)


def pay_back(session: orm.Session, order: Order, *, now: datetime) -> None:
    """Let what was lost pay what is to go back of a locked order after all: a refund of it has failed.

    Whichever is told first, the end of the dispute or the failure, the payer has its money once.
    """
    for dispute in queries.lost_disputes(session, order.id):
        _pay_back(session, dispute, order, now)


def _pay_back(session: orm.Session, dispute: Dispute, order: Order, now: datetime) -> None:
    """Let what is lost pay what is to go back of an order, as far as it came by the payment that was disputed."""
    payment = session.get_one(OnlinePayment, dispute.payment_id)
    left_fen = queries.lost_fen(session, dispute)
    due_fen = unclaimed_fen(session, order)
    loss, on = AccountKey(CashKind.DISPUTE_LOSS, PLATFORM), business_date(now)
    making = Making(RefundRoute.DISPUTE, f"争议 {dispute.provider_id}", by=None, dispute_id=dispute.id)
    for source in refund_queries.refundable_sources(session, order.id, line_id=payment.bank_line_id):
        if fen := max(min(left_fen, due_fen, source.left_fen), 0):
            left_fen, due_fen = left_fen - fen, due_fen - fen
            refund = made(session, order.id, source, making, fen=fen, now=now)
            refund.succeeded_on = on
            for event in (RefundEvent.APPROVE, RefundEvent.SEND, RefundEvent.SUCCEED):
                change(session, refund, order, event, by=None, now=now)
            transit = AccountKey(CashKind.IN_TRANSIT, refund.id)
            _post(session, dispute, f"refund_left:{refund.id}", [cash.Move(transit, loss, fen)], on=on)
