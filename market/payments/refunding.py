"""Refunds: what a buyer paid and does not owe goes back the way it came, once, by two people's word."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankLine
from market.cash import posting as cash
from market.cash.rules import CashKind
from market.channels.rules import FundsModel
from market.clock import business_date
from market.db import new_id
from market.errors import FourEyesError, InvalidInputError, TransitionError
from market.identity.rules import Actor
from market.ledger.rules import AccountKey
from market.orders import queries as orders
from market.orders.funding import funds_of, restated
from market.orders.models import Order
from market.payments import calls, queries, refund_queries
from market.payments.models import REFUND_NUMBERS, Refund, RefundChange
from market.payments.receiving import paying
from market.payments.rules import (
    ROUTES,
    DisputeOpenError,
    NoPayeeError,
    Operation,
    RefundEvent,
    RefundRoute,
    RefundStatus,
    RefundTooMuchError,
    WithProviderError,
    away_fen,
    refunded,
)


class Payee(NamedTuple):
    """To whom a bank pays; who paid in, unless it is said otherwise."""

    name: str
    account: str


class Wish(NamedTuple):
    """What is asked of an order's money: all that is to go back, or so many fen of it; to whom, and why."""

    amount_fen: int | None
    reason: str
    payee: Payee | None = None


def request(session: orm.Session, actor: Actor, *, order_id: UUID, wish: Wish, now: datetime) -> list[Refund]:
    """Ask for what is to go back of an order: a refund of each payment that it came by, the oldest first.

    Raises `NotFoundError`, `DisputeOpenError` or `RefundTooMuchError`.
    """
    order = orders.locked_order(session, actor, order_id)
    if queries.open_disputes(session, [order.id]):
        raise DisputeOpenError(number=order.number)
    left_fen = to_refund_fen(session, order) - refund_queries.claimed_fen(session, order.id)
    asked_fen = left_fen if wish.amount_fen is None else wish.amount_fen
    if wish.payee and order.funds_model is FundsModel.STRIPE:
        raise InvalidInputError("the provider pays back who paid", "在线支付原路退回,不得另填收款人", pointer="/payee")
    if not 0 < asked_fen <= left_fen:
        raise RefundTooMuchError(number=order.number, left_fen=max(left_fen, 0), amount_fen=asked_fen)
    made = []
    for source in refund_queries.refundable_sources(session, order.id):
        if fen := min(asked_fen, source.left_fen):
            asked_fen -= fen
            made.append(_made(session, actor, order, source, wish, fen=fen, now=now))
    return made


def to_refund_fen(session: orm.Session, order: Order) -> int:
    """Return what of a locked order is to go back and was not sent."""
    money = paying(session, [order])
    return funds_of(order, money.lines[order.id], money.dealt_with).to_refund_fen


def _made(
    session: orm.Session,
    actor: Actor,
    order: Order,
    source: refund_queries.RefundSource,
    wish: Wish,
    *,
    fen: int,
    now: datetime,
) -> Refund:
    payee = wish.payee or Payee(source.payer_name, source.payer_account)
    refund = Refund(
        id=new_id(),
        number=f"R{business_date(now):%Y%m%d}{session.scalar(REFUND_NUMBERS):06d}",
        order_id=order.id,
        allocation_id=source.allocation_id,
        route=ROUTES[order.funds_model],
        account_id=source.bank_account_id,
        payee_name=payee.name,
        payee_account=payee.account,
        goes_to_payer=wish.payee is None or payee == Payee(source.payer_name, source.payer_account),
        amount_fen=fen,
        reason=wish.reason,
        status=RefundStatus.REQUESTED,
        requested_by=actor.member_id,
        requested_at=now,
        seen_at=now,
    )
    session.add(refund)
    session.flush()
    return refund


def decide(session: orm.Session, actor: Actor, *, refund_id: UUID, event: RefundEvent, now: datetime) -> Refund:
    """Approve or decline what another asked for; approved, the provider is asked to send what came by it.

    Raises `NotFoundError`, `TransitionError`, `FourEyesError`, `DisputeOpenError`, `RefundTooMuchError`, or
    `WithProviderError` for one that the provider has been asked to send.
    """
    refund, order = _locked(session, actor, refund_id)
    status = refunded(refund.status, event)
    if refund.requested_by == actor.member_id:
        raise FourEyesError(rule="refund")
    if refund.status is RefundStatus.APPROVED and refund.route is RefundRoute.PROVIDER:
        raise WithProviderError(number=refund.number)
    refund.decided_by = actor.member_id
    if status is RefundStatus.APPROVED:
        _check_still_due(session, refund, order)
        if refund.route is RefundRoute.PROVIDER:
            calls.ask(session, Operation.REFUND, refund.id, _asked_for(session, refund, order), now=now)
    change(session, refund, order, event, by=actor.member_id, now=now)
    return refund


def _locked(session: orm.Session, actor: Actor, refund_id: UUID) -> tuple[Refund, Order]:
    """Lock a refund's order first, as all do who move its money, then the refund."""
    refund = refund_queries.refund_kept(session, actor, refund_id)
    (order,) = queries.locked_orders(session, [refund.order_id])
    session.refresh(refund, with_for_update=True)
    return refund, order


def _check_still_due(session: orm.Session, refund: Refund, order: Order) -> None:
    """Goods may have been accepted since; what is owed for them is not to go back any more."""
    if queries.open_disputes(session, [order.id]):
        raise DisputeOpenError(number=order.number)
    left_fen = to_refund_fen(session, order) - refund_queries.claimed_fen(session, order.id, but=refund.id)
    if refund.amount_fen > left_fen:
        raise RefundTooMuchError(number=order.number, left_fen=max(left_fen, 0), amount_fen=refund.amount_fen)


def _asked_for(session: orm.Session, refund: Refund, order: Order) -> dict[str, object]:
    return {
        "charge": refund_queries.charge_of(session, refund.allocation_id),
        "amount": refund.amount_fen,
        "reason": "requested_by_customer",
        "metadata": {"refund": refund.number, "order": order.number},
    }


def send(session: orm.Session, actor: Actor, *, refund_id: UUID, bank_name: str, now: datetime) -> Refund:
    """Hand an approved refund to the bank that pays it; `bank_name` is the payee's.

    Raises `NotFoundError`, `TransitionError`, `NoPayeeError`, `DisputeOpenError` or `RefundTooMuchError`.
    """
    refund, order = _locked(session, actor, refund_id)
    _check_banks(refund)
    _check_still_due(session, refund, order)
    if not refund.payee_account:
        raise NoPayeeError(number=refund.number)
    refund.payee_bank = bank_name
    refund.account_id = refund.account_id or refund_queries.paying_account(session, refund, order)
    change(session, refund, order, RefundEvent.SEND, by=actor.member_id, now=now)
    return refund


def _check_banks(refund: Refund) -> None:
    if refund.route not in (RefundRoute.BANK, RefundRoute.SUPPLIER):
        raise InvalidInputError("no bank pays this refund, the provider does", "该退款由支付机构发出,不经银行")


def record(
    session: orm.Session, actor: Actor, *, refund_id: UUID, bank_reference: str, paid_on: date, now: datetime
) -> Refund:
    """Take the supplier's word that its bank paid an approved refund, as it is taken for receipts.

    Raises `NotFoundError`, `TransitionError` or `InvalidInputError`.
    """
    refund, order = _locked(session, actor, refund_id)
    if refund.route is not RefundRoute.SUPPLIER:
        raise InvalidInputError("a statement tells of this refund", "该退款以银行流水为准")
    if refund.status is RefundStatus.FAILED:
        raise TransitionError(machine="refund", status=refund.status, event=RefundEvent.SUCCEED)
    if refund.status is RefundStatus.APPROVED:
        change(session, refund, order, RefundEvent.SEND, by=actor.member_id, now=now, on=paid_on)
    refund.bank_reference, refund.succeeded_on = bank_reference, paid_on
    change(session, refund, order, RefundEvent.SUCCEED, by=actor.member_id, now=now, on=paid_on)
    return refund


def fail(session: orm.Session, actor: Actor, *, refund_id: UUID, reason: str, now: datetime) -> Refund:
    """Take note that the bank did not pay: the money is to go back still; raises `NotFoundError`, `TransitionError`."""
    refund, order = _locked(session, actor, refund_id)
    _check_banks(refund)
    if refund.left_line_id:
        raise InvalidInputError("a statement tells that it left", "流水显示该退款已付出")
    refund.fault = reason
    change(session, refund, order, RefundEvent.FAIL, by=actor.member_id, now=now)
    return refund


def change(
    session: orm.Session,
    refund: Refund,
    order: Order,
    event: RefundEvent,
    *,
    by: UUID | None,
    now: datetime,
    on: date | None = None,
) -> None:
    """Move a locked refund by an event, and say what it does to its locked order's money."""
    before_status, refund.status = refund.status, refunded(refund.status, event)
    away = away_fen(before_status, refund.status, refund.amount_fen)
    done = RefundChange(
        id=new_id(),
        refund_id=refund.id,
        event=event,
        status=refund.status,
        away_fen=away,
        counts_on=on or business_date(now),
        changed_by=by,
        changed_at=now,
    )
    session.add(done)
    if away:
        money = paying(session, [order])
        lines = money.lines[order.id]
        before = funds_of(order, lines, money.dealt_with)
        order.refunded_fen += away
        if order.funds_model is FundsModel.DIRECT:
            order.paid_fen -= away
        session.flush()
        after = funds_of(order, lines, money.dealt_with)
        trigger = f"refund:{done.id}"
        cash.restate(session, [restated(order, before, after, trigger=trigger, on=done.counts_on, till_id=refund.id)])
    session.flush()


def reroute(session: orm.Session, actor: Actor, *, refund_id: UUID, payee: Payee, reason: str, now: datetime) -> Refund:
    """Ask for a failed refund anew, by a bank to an account that the payer named; others approve it.

    Raises `NotFoundError`, `TransitionError` or `RefundTooMuchError`.
    """
    failed, order = _locked(session, actor, refund_id)
    change(session, failed, order, RefundEvent.REROUTE, by=actor.member_id, now=now)
    left_fen = to_refund_fen(session, order) - refund_queries.claimed_fen(session, order.id)
    if failed.amount_fen > left_fen:
        raise RefundTooMuchError(number=order.number, left_fen=max(left_fen, 0), amount_fen=failed.amount_fen)
    source = refund_queries.RefundSource(failed.allocation_id, failed.amount_fen, payee.name, payee.account, None)
    again = _made(session, actor, order, source, Wish(None, reason, payee), fen=failed.amount_fen, now=now)
    again.replaces_id = failed.id
    if again.route is RefundRoute.PROVIDER:
        again.route = RefundRoute.BANK
    session.flush()
    return again


def told_by_bank(session: orm.Session, lines: Sequence[BankLine], *, now: datetime) -> int:
    """Take note of refunds whose numbers lines carry: that they left, or that they came back; return of how many.

    The account of the lines is locked. A line that does not fit to the fen waits.
    """
    noted = 0
    for line, refund_id in refund_queries.refunds_told(session, lines):
        refund = session.get_one(Refund, refund_id)
        (order,) = queries.locked_orders(session, [refund.order_id])
        session.refresh(refund, with_for_update=True)
        noted += clear(session, refund, order, line, now=now)
    return noted


_UNDER_WAY = (RefundStatus.SENT, RefundStatus.SUCCEEDED, RefundStatus.FAILED)


def _left(refund: Refund) -> RefundEvent | None:
    """Return what it means that a refund left: also of one that was said to have failed, if its bank pays it."""
    if refund.status is RefundStatus.SENT:
        return RefundEvent.SUCCEED
    if refund.status is RefundStatus.FAILED and refund.route is not RefundRoute.PROVIDER:
        return RefundEvent.SUCCEED
    return None


def _is_paid_elsewhere(session: orm.Session, refund: Refund, order: Order) -> bool:
    """Tell whether what failed was asked back anew: a line by which it left after all waits for a person."""
    if refund.status is not RefundStatus.FAILED or refund.route is RefundRoute.PROVIDER:
        return False
    return refund.amount_fen > to_refund_fen(session, order) - refund_queries.claimed_fen(session, order.id)


def clear(session: orm.Session, refund: Refund, order: Order, line: BankLine, *, now: datetime) -> bool:
    """Tell a refund of a line by which it left or came back; return whether it is that."""
    if line.open_fen != line.amount_fen or abs(line.amount_fen) != refund.amount_fen:
        return False
    if line.amount_fen < 0 and refund.left_line_id is None and refund.status in _UNDER_WAY:
        if _is_paid_elsewhere(session, refund, order):
            return False
        refund.left_line_id = line.id
        event = _left(refund)
        refund.succeeded_on = line.booked_on
    elif line.amount_fen > 0 and refund.left_line_id and refund.back_line_id is None:
        refund.back_line_id = line.id
        event = RefundEvent.FAIL if refund.status is RefundStatus.SUCCEEDED else None
    else:
        return False
    if event:
        change(session, refund, order, event, by=None, now=now, on=line.booked_on)
    line.open_fen, line.waiting = 0, None
    _post_cleared(session, refund, line)
    return True


def _post_cleared(session: orm.Session, refund: Refund, line: BankLine) -> None:
    """Post that what was on its way is what the line tells; a supplier's own account is not in the book."""
    if refund.route is RefundRoute.SUPPLIER:
        session.flush()
        return
    transit, told = AccountKey(CashKind.IN_TRANSIT, refund.id), AccountKey(CashKind.UNMATCHED, line.id)
    word, sides = ("refund_left", (transit, told)) if line.amount_fen < 0 else ("refund_back", (told, transit))
    moves, facts = [cash.Move(*sides, refund.amount_fen)], {"refund": refund.number}
    cash.post(session, [cash.Draft(f"cash:{word}:{refund.id}", word, line.booked_on, moves, facts)])
    session.flush()
