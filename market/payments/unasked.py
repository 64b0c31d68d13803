"""Refunds that nobody here asked for, as those made on the provider's own pages: their money is gone all the same.

Where it is not known of which order, nothing of the payment moves (`blocking`). That ends when the refund fails, when
what happens since leaves one order only, or when two people give its line a meaning: then it is no order's money.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import orm

from market.banking.models import BankLine
from market.banking.rules import Waiting
from market.orders.models import Order
from market.payments import queries, refund_queries, refund_steps, refunding
from market.payments.models import OnlinePayment, ProviderMovement, Refund
from market.payments.provider import RefundSeen
from market.payments.provider import RefundStatus as Told
from market.payments.rules import RefundEvent, RefundRoute, RefundStatus

_GONE = (RefundStatus.APPROVED, RefundStatus.SENT, RefundStatus.SUCCEEDED)


class Choice(NamedTuple):
    """A locked order that the money may have come of, by which payment, and what of it is to go back, in fen."""

    order: Order
    source: refund_queries.RefundSource
    due_fen: int


class Share(NamedTuple):
    """What of the money came of an order, in fen."""

    choice: Choice
    fen: int


def take_in(
    session: orm.Session, payment: OnlinePayment, seen: RefundSeen, lines: Sequence[BankLine], *, now: datetime
) -> Sequence[Refund]:
    """Make a refund of each order of a locked payment that the money came of, if it is known of which.

    One that is approved here and not known to be made is this one: the provider need not be asked for it any more. If
    it is not known, its lines say why they wait, and of all orders of the payment nothing moves meanwhile. A line that
    has a meaning is nobody's refund.
    """
    if payment.bank_line_id is None or any(line.open_fen != line.amount_fen for line in lines):
        return []
    choices = _choices(session, payment)
    if approved := refund_queries.approved_unmade(session, payment.bank_line_id, seen.amount_fen):
        return [approved]
    shares = chosen(choices, seen.amount_fen)
    if not shares:
        for line in lines:
            line.waiting = Waiting.REFUNDED_UNASKED
            session.get_one(ProviderMovement, line.id).payment_id = payment.id
    return [_made(session, seen, share, now) for share in shares]


def _choices(session: orm.Session, payment: OnlinePayment) -> list[Choice]:
    """Return of what orders of a payment anything is left, and what of it is to go back and not approved yet."""
    parts, approved = queries.online_parts(session, payment.id), (RefundStatus.APPROVED,)
    choices = []
    for order in queries.locked_orders(session, [part.order_id for part in parts]):
        approved_fen = refund_queries.claimed_fen(session, order.id, claiming=approved)
        due_fen = refunding.to_refund_fen(session, order) - approved_fen
        left = refund_queries.refundable_sources(session, order.id, line_id=payment.bank_line_id, claiming=_GONE)
        choices += [Choice(order, source, due_fen) for source in left]
    return choices


def chosen(choices: Sequence[Choice], fen: int) -> Sequence[Share]:
    """Choose all orders if it is all that is left of them; else one, and never one of two.

    That is the one of which just so much is to go back, else so much at least, else any that has it left.
    """
    if sum(each.source.left_fen for each in choices) == fen:
        return [Share(each, each.source.left_fen) for each in choices]
    enough = [each for each in choices if each.source.left_fen >= fen]
    for fitting in (
        [each for each in enough if each.due_fen == fen],
        [each for each in enough if each.due_fen > fen],
        enough,
    ):
        if fitting:
            return [Share(fitting[0], fen)] if len(fitting) == 1 else []
    return []


def _made(session: orm.Session, seen: RefundSeen, share: Share, now: datetime) -> Refund:
    """Make a refund of an order's share.

    What exceeds what was to go back, the buyer owes again. What was asked for of the order and nobody has decided on is
    declined, or it might go back twice; unless this came back itself.
    """
    order, source, _ = share.choice
    if seen.status is not Told.FAILED:
        for undecided in refund_queries.asked_back(session, order.id):
            refund_steps.change(session, undecided, order, RefundEvent.DECLINE, by=None, now=now)
    making = refunding.Making(RefundRoute.PROVIDER, f"支付机构页面退款 {seen.id}", by=None)
    refund = refunding.made(session, order.id, source, making, fen=share.fen, now=now)
    refund_steps.change(session, refund, order, RefundEvent.APPROVE, by=None, now=now)
    return refund
