"""Noting: what the provider says of an object, from its answer, an event or a look at it, becomes the market's own.

However often, from whichever side and in whatever order it is told, the outcome is the same.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import orm

from market.orders.models import Order
from market.payments import (
    calls,
    connecting,
    disputes,
    movements,
    online,
    queries,
    refund_queries,
    refund_steps,
    refunding,
    unasked,
)
from market.payments.models import ProviderCall, Refund
from market.payments.provider import (
    AccountSeen,
    DisputeSeen,
    PaymentSeen,
    PayoutSeen,
    RefundSeen,
    RefusedError,
    Seen,
    TransferSeen,
)
from market.payments.provider import (
    RefundStatus as Told,
)
from market.payments.rules import Operation, RefundEvent, RefundStatus


def note(session: orm.Session, seen: Seen, *, now: datetime) -> None:
    """Take note of an object as the provider shows it now."""
    match seen:
        case PaymentSeen():
            online.note(session, seen, now=now)
        case RefundSeen():
            _note_refund(session, seen, now)
        case DisputeSeen():
            disputes.note(session, seen, now=now)
        case AccountSeen():
            connecting.note(session, seen, now=now)
        case TransferSeen():
            _take_over(session, seen)
        case PayoutSeen():
            return  # it moves the supplier's own money


def note_call(session: orm.Session, call: ProviderCall, outcome: calls.Outcome, now: datetime) -> None:
    """Take note of what came of a call."""
    if not isinstance(outcome, RefusedError):
        note(session, outcome, now=now)
    elif call.operation is Operation.REFUND:
        _refuse_refund(session, call, outcome, now)
    elif call.operation in (Operation.CREATE_PAYMENT, Operation.CONFIRM_PAYMENT, Operation.CANCEL_PAYMENT):
        online.refuse(session, call, outcome)


def _refuse_refund(session: orm.Session, call: ProviderCall, error: RefusedError, now: datetime) -> None:
    movements.locked_provider_account(session)
    ((refund, order),) = _locked_parts(session, [session.get_one(Refund, call.subject_id)])
    if refund.status is RefundStatus.APPROVED:
        refund.fault = error.told
        refund_steps.change(session, refund, order, RefundEvent.FAIL, by=None, now=now)
        disputes.pay_back(session, order, now=now)


def _note_refund(session: orm.Session, seen: RefundSeen, now: datetime) -> None:
    """A refund that succeeded may fail later; one that failed stays so, whatever older news arrives."""
    payment = queries.locked_payment(session, seen.charge_id)
    account = movements.locked_provider_account(session)
    told = [movements.take_over(session, account, each) for each in seen.movements]
    refunds = refund_queries.refunds_seen(session, seen.id, seen.our_id)
    if not refunds and payment is not None:
        refunds = unasked.take_in(session, payment, seen, [line for line, _ in told], now=now)
    parts = _locked_parts(session, refunds)
    for refund, order in parts:
        refund.provider_id, refund.seen_at = seen.id, now
        refund.fault = seen.fault or refund.fault
        calls.settled_by_others(session, Operation.REFUND, refund.id, seen.id)
        if refund.status is RefundStatus.APPROVED:
            refund_steps.change(session, refund, order, RefundEvent.SEND, by=None, now=now)
    for line, _ in told:
        refunding.clear(session, parts, line, now=now)
    for refund, order in parts:
        if seen.status is Told.FAILED and refund.status in (RefundStatus.SENT, RefundStatus.SUCCEEDED):
            refund_steps.change(session, refund, order, RefundEvent.FAIL, by=None, now=now)
        if refund.status is RefundStatus.FAILED:
            disputes.pay_back(session, order, now=now)
    movements.mirror(session, account, told)
    session.flush()


def _locked_parts(session: orm.Session, refunds: Sequence[Refund]) -> list[tuple[Refund, Order]]:
    """Lock the orders of refunds, then these; of each its order."""
    orders = {order.id: order for order in queries.locked_orders(session, [refund.order_id for refund in refunds])}
    for refund in refunds:
        session.refresh(refund, with_for_update=True)
    return [(refund, orders[refund.order_id]) for refund in refunds]


def _take_over(session: orm.Session, seen: TransferSeen) -> None:
    if seen.movement is not None:
        account = movements.locked_provider_account(session)
        movements.mirror(session, account, [movements.take_over(session, account, seen.movement)])
        session.flush()
    if seen.our_id is not None:
        calls.settled_by_others(session, seen.operation, seen.our_id, seen.id)
