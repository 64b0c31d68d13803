"""Refunds: what a buyer paid and does not owe goes back the way it came, once, by two people's word."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.banking import accounts
from market.banking.models import BankLine
from market.banking.queries import lock_own_accounts
from market.banking.rules import NoPayingAccountError, PaidAfterAllError, ToldByStatementError
from market.cash import posting as cash
from market.cash.rules import CashKind
from market.channels.rules import FundsModel
from market.clock import business_date
from market.db import lock_by, new_id
from market.errors import FourEyesError, InvalidInputError, TransitionError
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.ledger.rules import AccountKey
from market.orders import queries as orders
from market.orders.funding import funds_of
from market.orders.models import Order
from market.payments import calls, queries, refund_queries
from market.payments.blocking import check_free
from market.payments.models import REFUND_NUMBERS, Refund
from market.payments.receiving import paying
from market.payments.refund_steps import change
from market.payments.rules import (
    ROUTES,
    NoPayeeError,
    Operation,
    RefundEvent,
    RefundReferenceTakenError,
    RefundRoute,
    RefundStatus,
    RefundTooMuchError,
    WithProviderError,
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

    Raises `NotFoundError`, `RefundTooMuchError`, or what `blocking.check_free` raises.
    """
    order = orders.locked_order(session, actor, order_id)
    check_free(session, [order.id])
    left_fen = unclaimed_fen(session, order)
    asked_fen = left_fen if wish.amount_fen is None else wish.amount_fen
    if wish.payee and order.funds_model is FundsModel.STRIPE:
        raise InvalidInputError("the provider pays back who paid", "在线支付原路退回,不得另填收款人", pointer="/payee")
    if not 0 < asked_fen <= left_fen:
        raise RefundTooMuchError(number=order.number, left_fen=max(left_fen, 0), amount_fen=asked_fen)
    making = Making(ROUTES[order.funds_model], wish.reason, actor.member_id, wish.payee)
    refunds = []
    for source in refund_queries.refundable_sources(session, order.id):
        if fen := min(asked_fen, source.left_fen):
            asked_fen -= fen
            refunds.append(made(session, order.id, source, making, fen=fen, now=now))
    return refunds


def to_refund_fen(session: orm.Session, order: Order) -> int:
    """Return what of a locked order is to go back and was not sent."""
    money = paying(session, [order])
    return funds_of(order, money.lines[order.id], money.dealt_with).to_refund_fen


def unclaimed_fen(session: orm.Session, order: Order, *, but: UUID | None = None) -> int:
    """Return what of a locked order is to go back and no refund claims yet; `but` is a refund that does not count."""
    return to_refund_fen(session, order) - refund_queries.claimed_fen(session, order.id, but=but)


class Making(NamedTuple):
    """By which way a refund goes, why, by whose wish, and to whom if not to who paid.

    Nobody wished for what the provider or the payer's bank did by itself.
    """

    route: RefundRoute
    reason: str
    by: UUID | None
    payee: Payee | None = None
    dispute_id: UUID | None = None


def made(
    session: orm.Session,
    order_id: UUID,
    source: refund_queries.RefundSource,
    making: Making,
    *,
    fen: int,
    now: datetime,
) -> Refund:
    """Write down a refund of what a payment brought; the checks are the caller's."""
    payer = Payee(source.payer_name, source.payer_account)
    payee = making.payee or payer
    refund = Refund(
        id=new_id(),
        number=f"R{business_date(now):%Y%m%d}{session.scalar(REFUND_NUMBERS):06d}",
        order_id=order_id,
        allocation_id=source.allocation_id,
        route=making.route,
        dispute_id=making.dispute_id,
        account_id=source.bank_account_id,
        payee_name=payee.name,
        payee_account=payee.account,
        goes_to_payer=payee == payer,
        amount_fen=fen,
        reason=making.reason,
        status=RefundStatus.REQUESTED,
        requested_by=making.by,
        requested_at=now,
        seen_at=now,
    )
    session.add(refund)
    session.flush()
    return refund


def decide(session: orm.Session, actor: Actor, *, refund_id: UUID, event: RefundEvent, now: datetime) -> Refund:
    """Approve or decline what another asked for; approved, the provider is asked to send what came by it.

    Raises `NotFoundError`, `TransitionError`, `FourEyesError`, `RefundTooMuchError`, what `blocking.check_free` raises,
    or `WithProviderError` for one that the provider has been asked to send.
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
    """Goods may have been accepted since, or a payment that failed be told after all: that is not to go back again."""
    check_free(session, [order.id])
    if paid := refund_queries.paid_after_all(session, order.id):
        raise PaidAfterAllError(machine="refund", number=paid)
    left_fen = unclaimed_fen(session, order, but=refund.id)
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

    Raises `NotFoundError`, `TransitionError`, `NoPayeeError`, `NoPayingAccountError`, `AccountClosedError` for one that
    is closed at that moment, `RefundTooMuchError`, what `check_free` raises, or `FourEyesError` for who approved that
    it goes to another than paid: a buyer's wish is no second pair of eyes here.
    """
    refund, order = _locked(session, actor, refund_id)
    _check_banks(refund)
    if not refund.goes_to_payer and refund.decided_by == actor.member_id:
        raise FourEyesError(rule="refund_sending")
    _check_still_due(session, refund, order)
    if not refund.payee_account:
        raise NoPayeeError(number=refund.number)
    refund.payee_bank = bank_name
    refund.account_id = refund_queries.paying_account(session, refund, order)
    if refund.account_id:
        accounts.hold_open(session, [refund.account_id])
    elif refund.route is RefundRoute.BANK:
        raise NoPayingAccountError
    change(session, refund, order, RefundEvent.SEND, by=actor.member_id, now=now)
    return refund


def _check_banks(refund: Refund) -> None:
    if refund.route not in (RefundRoute.BANK, RefundRoute.SUPPLIER):
        raise InvalidInputError("no bank pays this refund, the provider does", "该退款由支付机构发出,不经银行")


def record(
    session: orm.Session, actor: Actor, *, refund_id: UUID, bank_reference: str, paid_on: date, now: datetime
) -> Refund:
    """Take the supplier's word that its bank paid an approved refund, as it is taken for receipts.

    A line of the supplier's bank that tells of it is its own. Raises `NotFoundError`, `TransitionError`,
    `InvalidInputError`, `RefundReferenceTakenError`, `ToldByStatementError` if a line tells of it otherwise, or
    `FourEyesError` for who approved it.
    """
    lock_own_accounts(session, actor.organisation_id)
    refund, order = _locked(session, actor, refund_id)
    if refund.route is not RefundRoute.SUPPLIER:
        raise InvalidInputError("a statement tells of this refund", "该退款以银行流水为准")
    if refund.status is RefundStatus.FAILED:
        raise TransitionError(machine="refund", status=refund.status, event=RefundEvent.SUCCEED)
    if refund.decided_by == actor.member_id:
        raise FourEyesError(rule="refund_payment")
    key = reference_key(bank_reference)
    lock_by(session, kind="refund_reference", key=f"{order.supplier_id}:{key}")
    if refund_queries.is_reference_taken(session, order.supplier_id, key):
        raise RefundReferenceTakenError(reference=bank_reference, pointer="/bank_reference")
    told = refund_queries.lines_told(session, order.supplier_id, refund, bank_reference)
    fitting = [line for line in told if line.open_fen == -refund.amount_fen]
    if told and not fitting:
        raise ToldByStatementError(
            reference=bank_reference, day=told[0].booked_on, amount_fen=told[0].amount_fen, pointer="/bank_reference"
        )
    if refund.status is RefundStatus.APPROVED:
        change(session, refund, order, RefundEvent.SEND, by=actor.member_id, now=now, on=paid_on)
    refund.bank_reference, refund.succeeded_on = bank_reference, paid_on
    refund.reference_key, refund.supplier_id = key, order.supplier_id
    change(session, refund, order, RefundEvent.SUCCEED, by=actor.member_id, now=now, on=paid_on)
    if fitting:
        clear(session, [(refund, order)], fitting[0], now=now)
    return refund


def fail(session: orm.Session, actor: Actor, *, refund_id: UUID, reason: str, now: datetime) -> Refund:
    """Take note that the bank did not pay: the money is to go back still.

    Raises `NotFoundError`, `TransitionError`, or `FourEyesError` for who handed it to the bank or said that it
    was paid: a file can still be uploaded, and what failed be asked for anew.
    """
    refund, order = _locked(session, actor, refund_id)
    _check_banks(refund)
    if refund.left_line_id:
        raise InvalidInputError("a statement tells that it left", "流水显示该退款已付出")
    if actor.member_id in refund_queries.handed_on_by(session, refund):
        raise FourEyesError(rule="refund_failure")
    refund.fault = reason
    change(session, refund, order, RefundEvent.FAIL, by=actor.member_id, now=now)
    return refund


def reroute(session: orm.Session, actor: Actor, *, refund_id: UUID, payee: Payee, reason: str, now: datetime) -> Refund:
    """Ask for a failed refund anew, by a bank to an account that the payer named; others approve it.

    What was paid online goes back out of custody then, although its money is at the provider: the platform puts as much
    of its own there first. Nothing here can see that it did but custody's own balance.

    Raises `NotFoundError`, `TransitionError`, `RefundTooMuchError`, or what `blocking.check_free` raises.
    """
    failed, order = _locked(session, actor, refund_id)
    check_free(session, [order.id])
    change(session, failed, order, RefundEvent.REROUTE, by=actor.member_id, now=now)
    came_by = refund_queries.refundable_sources(session, order.id, allocation_id=failed.allocation_id)
    left_fen = min(unclaimed_fen(session, order), sum(source.left_fen for source in came_by))
    if failed.amount_fen > left_fen:
        raise RefundTooMuchError(number=order.number, left_fen=max(left_fen, 0), amount_fen=failed.amount_fen)
    (source,) = (each._replace(bank_account_id=None) for each in came_by)
    route = RefundRoute.SUPPLIER if order.funds_model is FundsModel.DIRECT else RefundRoute.BANK
    making = Making(route, reason, actor.member_id, payee)
    again = made(session, order.id, source, making, fen=failed.amount_fen, now=now)
    again.replaces_id = failed.id
    session.flush()
    return again


def told_by_bank(session: orm.Session, told: Sequence[tuple[BankLine, UUID]], *, now: datetime) -> int:
    """Take note of refunds whose numbers lines carry: that they left, or that they came back; return of how many.

    The account of the lines is locked, and so are the orders. A line that does not fit to the fen waits.
    """
    noted = 0
    for line, refund_id in told:
        refund = session.get_one(Refund, refund_id)
        (order,) = queries.locked_orders(session, [refund.order_id])
        session.refresh(refund, with_for_update=True)
        noted += clear(session, [(refund, order)], line, now=now)
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
    return refund.amount_fen > unclaimed_fen(session, order)


def clear(session: orm.Session, parts: Sequence[tuple[Refund, Order]], line: BankLine, *, now: datetime) -> bool:
    """Tell refunds, each with its order, of a line by which together they left or came back; return if it is that."""
    if line.open_fen != line.amount_fen or abs(line.amount_fen) != sum(refund.amount_fen for refund, _ in parts):
        return False
    has = _has_left if line.amount_fen < 0 else _has_come_back
    if not all(has(session, refund, order) for refund, order in parts):
        return False
    for refund, order in parts:
        _cleared(session, refund, order, line, now)
    line.open_fen, line.waiting = 0, None
    session.flush()
    return True


def _has_left(session: orm.Session, refund: Refund, order: Order) -> bool:
    is_new = refund.left_line_id is None and refund.status in _UNDER_WAY
    return is_new and not _is_paid_elsewhere(session, refund, order)


def _has_come_back(_: orm.Session, refund: Refund, __: Order) -> bool:
    return refund.left_line_id is not None and refund.back_line_id is None


def _cleared(session: orm.Session, refund: Refund, order: Order, line: BankLine, now: datetime) -> None:
    if line.amount_fen < 0:
        refund.left_line_id, refund.succeeded_on = line.id, line.booked_on
        event = _left(refund)
    else:
        refund.back_line_id = line.id
        event = RefundEvent.FAIL if refund.status is RefundStatus.SUCCEEDED else None
    if event:
        change(session, refund, order, event, by=None, now=now, on=line.booked_on)
    _post_cleared(session, refund, line)


def _post_cleared(session: orm.Session, refund: Refund, line: BankLine) -> None:
    """Post that what was on its way is what the line tells; a supplier's own account is not in the book."""
    if refund.route is RefundRoute.SUPPLIER:
        return
    transit, told = AccountKey(CashKind.IN_TRANSIT, refund.id), AccountKey(CashKind.UNMATCHED, line.id)
    word, sides = ("refund_left", (transit, told)) if line.amount_fen < 0 else ("refund_back", (told, transit))
    moves, facts = [cash.Move(*sides, refund.amount_fen)], {"refund": refund.number}
    cash.post(session, [cash.Draft(f"cash:{word}:{refund.id}", word, line.booked_on, moves, facts)])
