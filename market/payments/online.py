"""Online payments: a buyer pays all orders of a group at once at the provider, and what it brings is held for them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankLine
from market.banking.rules import Waiting
from market.channels.rules import FundsModel
from market.db import lock_by, new_id
from market.identity.rules import Actor
from market.orders.models import OrderGroup
from market.payments import calls, movements, queries
from market.payments.matching import Money, pay
from market.payments.models import OnlinePart, OnlinePayment, ProviderCall
from market.payments.provider import PaymentSeen, RefusedError
from market.payments.receiving import paying
from market.payments.rules import (
    CURRENCY,
    NothingToPayError,
    OnlineStatus,
    Operation,
    OrderPart,
    PaymentBusyError,
    PaymentOpenError,
    seen_as,
)


def begin(session: orm.Session, actor: Actor, *, group_id: UUID, now: datetime) -> OnlinePayment:
    """Ask the provider for a payment of all that a group's online orders can still be paid.

    Raises `NotFoundError`, `NoProviderError`, `PaymentOpenError` or `NothingToPayError`.
    """
    group = queries.visible_group(session, actor, group_id)
    movements.provider_account(session)
    _lock(session, group.id)
    if open_id := queries.open_payment(session, group.id):
        raise PaymentOpenError(payment_id=open_id)
    money = paying(session, queries.locked_orders_of_model(session, group.id, FundsModel.STRIPE))
    parts = [OrderPart(order_id, fen) for order_id in money.orders if (fen := money.payable_fen(order_id))]
    if not parts:
        raise NothingToPayError(number=group.number)
    payment = OnlinePayment(
        id=new_id(),
        group_id=group.id,
        buyer_id=group.buyer_id,
        amount_fen=sum(part.amount_fen for part in parts),
        status=OnlineStatus.CREATING,
        begun_by=actor.member_id,
        begun_at=now,
        seen_at=now,
    )
    session.add(payment)
    session.flush()
    session.add_all(OnlinePart(payment_id=payment.id, **part._asdict()) for part in parts)
    calls.ask(session, Operation.CREATE_PAYMENT, payment.id, _asked_for(payment, group), now=now)
    return payment


def _lock(session: orm.Session, group_id: UUID) -> None:
    """Let one payment of a group begin or end at a time; taken before any lock of an order."""
    lock_by(session, kind="online_payment", key=group_id)


def _asked_for(payment: OnlinePayment, group: OrderGroup) -> dict[str, object]:
    return {
        "amount": payment.amount_fen,
        "currency": CURRENCY,
        "automatic_payment_methods": {"enabled": True},
        "description": f"订单 {group.number}",
        "transfer_group": group.number,
        "metadata": {"group": group.number},
    }


def confirm(
    session: orm.Session, actor: Actor, *, payment_id: UUID, method: str, return_url: str, now: datetime
) -> OnlinePayment:
    """Pay with a method that the buyer gave the provider.

    Raises `NotFoundError`, `PaymentBusyError`, or `NothingToPayError` if its orders owe less by now.
    """
    payment = _locked(session, actor, payment_id)
    params = {"payment_method": method, "return_url": return_url}
    return _ask(session, payment, Operation.CONFIRM_PAYMENT, params, now=now)


def cancel(session: orm.Session, actor: Actor, *, payment_id: UUID, now: datetime) -> OnlinePayment:
    """Give up a payment that has not brought anything; raises `NotFoundError` or `PaymentBusyError`.

    One that the provider has not confirmed to have is looked for there, and given up if it has it after all.
    """
    payment = _locked(session, actor, payment_id)
    if payment.status is OnlineStatus.CREATING:
        calls.withdraw(session, Operation.CREATE_PAYMENT, payment.id, now=now)
        return payment
    reason = {"cancellation_reason": "requested_by_customer"}
    return _ask(session, payment, Operation.CANCEL_PAYMENT, reason, now=now)


def _locked(session: orm.Session, actor: Actor, payment_id: UUID) -> OnlinePayment:
    payment = queries.one_payment(session, actor, payment_id)
    _lock(session, payment.group_id)
    session.refresh(payment, with_for_update=True)
    return payment


def _ask(
    session: orm.Session, payment: OnlinePayment, operation: Operation, params: Mapping[str, object], *, now: datetime
) -> OnlinePayment:
    if payment.status is not OnlineStatus.OPEN or queries.is_being_asked(session, payment.id):
        raise PaymentBusyError(machine="online_payment", status=payment.status)
    if operation is Operation.CONFIRM_PAYMENT and _is_stale(session, payment):
        raise NothingToPayError(number=session.get_one(OrderGroup, payment.group_id).number)
    calls.ask(session, operation, payment.id, {"payment": payment.provider_id, **params}, now=now)
    return payment


def _is_stale(session: orm.Session, payment: OnlinePayment) -> bool:
    """Tell whether a payment is of more than its orders can still be paid."""
    parts = queries.online_parts(session, payment.id)
    money = paying(session, queries.locked_orders(session, [part.order_id for part in parts]))
    return any(part.amount_fen > money.payable_fen(part.order_id) for part in parts)


BETWEEN_CANCELS = timedelta(minutes=10)
"""A payment that the provider would not give up was made meanwhile; a look at everything will tell."""


def cancel_if_stale(session: orm.Session, payment_id: UUID, *, now: datetime) -> bool:
    """Give up an open payment that its buyer gave up, or of more than its orders can still be paid; tell whether."""
    payment = session.get_one(OnlinePayment, payment_id)
    _lock(session, payment.group_id)
    session.refresh(payment, with_for_update=True)
    if payment.status is not OnlineStatus.OPEN or queries.is_being_asked(session, payment.id):
        return False
    if not (queries.is_withdrawn(session, payment.id) or _is_stale(session, payment)):
        return False
    reason = {"payment": payment.provider_id, "cancellation_reason": "abandoned"}
    calls.ask(session, Operation.CANCEL_PAYMENT, payment.id, reason, now=now)
    return True


def refuse(session: orm.Session, call: ProviderCall, error: RefusedError) -> None:
    """Take note that the provider did not do what was asked of a payment, and why."""
    payment = session.get_one(OnlinePayment, call.subject_id, with_for_update=True)
    payment.fault = error.told
    if call.operation is Operation.CREATE_PAYMENT and payment.status is OnlineStatus.CREATING:
        payment.status = OnlineStatus.CANCELLED if call.is_withdrawn else OnlineStatus.REFUSED
    session.flush()


def note(session: orm.Session, seen: PaymentSeen, *, now: datetime) -> None:
    """Take note of how a payment stands, from whomever and in whatever order the news comes.

    Money that belongs to no payment of ours waits as a line for two people.
    """
    found = queries.payment_seen(session, seen.id, seen.our_id)
    if found is None:
        _take_unknown(session, seen)
        return
    _lock(session, found.group_id)
    payment = session.get_one(OnlinePayment, found.id, with_for_update=True, populate_existing=True)
    calls.settled_by_others(session, Operation.CREATE_PAYMENT, payment.id, seen.id)
    payment.provider_id, payment.charge_id, payment.seen_at = seen.id, seen.charge_id or payment.charge_id, now
    payment.client_secret, payment.next_url, payment.fault = seen.client_secret, seen.next_url, seen.fault
    status = seen_as(payment.status, _told(seen))
    if status is OnlineStatus.CAPTURED is not payment.status:
        _capture(session, payment, seen, now)
    payment.status = status
    session.flush()


def _told(seen: PaymentSeen) -> OnlineStatus:
    """A payment has brought money when the provider's balance has it: some moments after it succeeded."""
    if seen.status is OnlineStatus.CAPTURED and seen.movement is None:
        return OnlineStatus.PROCESSING
    return seen.status


def _capture(session: orm.Session, payment: OnlinePayment, seen: PaymentSeen, now: datetime) -> None:
    """Hold what came for the orders it was meant for, also if they were given up since: it then is to go back."""
    assert seen.movement  # noqa: S101 - it is what says that the payment is captured
    account = movements.locked_provider_account(session)
    told = movements.take_over(session, account, seen.movement)
    parts = queries.online_parts(session, payment.id)
    if _fits(told.line, payment):
        money = paying(session, queries.locked_orders(session, [part.order_id for part in parts]))
        pay(session, Money(account, told.line, money, payment.begun_by, now), parts)
    else:
        told.line.waiting = Waiting.TOO_MUCH if told.line.amount_fen > payment.amount_fen else Waiting.TOO_LITTLE
    payment.status, payment.bank_line_id = OnlineStatus.CAPTURED, told.line.id
    movements.mirror(session, account, [told])


def _fits(line: BankLine, payment: OnlinePayment) -> bool:
    return line.amount_fen == payment.amount_fen == line.open_fen


def _take_unknown(session: orm.Session, seen: PaymentSeen) -> None:
    if seen.movement is None:
        return
    account = movements.locked_provider_account(session)
    told = movements.take_over(session, account, seen.movement)
    if told.is_new:
        told.line.waiting = Waiting.UNKNOWN_CODE
    movements.mirror(session, account, [told])
