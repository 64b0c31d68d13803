"""Drafting a settlement, deciding on it, having it paid, and taking note that it was, or that it came back."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.matching import lock_supplier
from market.banking import accounts
from market.banking.queries import account_to_pay
from market.banking.rules import AccountPurpose, NoPayingAccountError, PaidAfterAllError
from market.cash import posting as cash
from market.cash.rules import CashKind
from market.channels.rules import FundsModel
from market.clock import business_date
from market.db import lock_by, new_id
from market.errors import FourEyesError, NotFoundError
from market.identity.models import Organisation
from market.identity.rules import Actor
from market.ledger.rules import AccountKey
from market.orders.funding import funds_of, restated
from market.orders.models import Order
from market.orders.settling import Funded, settle, unsettle
from market.payments.blocking import blocked, check_free
from market.payments.queries import locked_orders
from market.payments.receiving import Paying, paying
from market.payments.rules import CallStatus, Operation, WithProviderError
from market.settlements import queries, transfers
from market.settlements.changing import change
from market.settlements.models import SETTLEMENT_NUMBERS, Settlement, SettlementItem
from market.settlements.rules import (
    Earned,
    Item,
    LeftAlreadyError,
    NoPayeeAccountError,
    NothingToSettleError,
    NotOnStatementError,
    NotReturnedError,
    OpenSettlementError,
    SettlementEvent,
    SettlementStatus,
    StaleSettlementError,
    after,
    items,
    still_owed,
    totals,
)

_BETWEEN = {
    FundsModel.CUSTODIAN: (AccountPurpose.CUSTODY, AccountPurpose.OWN),
    FundsModel.STRIPE: (AccountPurpose.PROVIDER, AccountPurpose.CONNECTED),
}
"""From which account to which a settlement of a funds model pays."""

_OPEN = (SettlementStatus.DRAFT, SettlementStatus.APPROVED, SettlementStatus.INSTRUCTED)


def draft(
    session: orm.Session,
    actor: Actor,
    *,
    supplier_id: UUID,
    model: FundsModel = FundsModel.CUSTODIAN,
    now: datetime,
) -> Settlement:
    """Draft what a supplier has earned in custody and was not settled, less what it owes up to its part.

    Orders about a payment of which a dispute is open wait.

    Raises `NotFoundError`, `OpenSettlementError`, `PaidAfterAllError`, `NoPayeeAccountError`, `NothingToSettleError`
    or `NoPayingAccountError`.
    """
    if session.get(Organisation, supplier_id) is None:
        raise NotFoundError(what="organisation", pointer="/supplier_id")
    # Not by the supplier's lock, which whoever posts takes after those of the orders.
    lock_by(session, kind="settlement", key=supplier_id)
    number = session.scalar(
        sa.select(Settlement.number).where(Settlement.supplier_id == supplier_id, Settlement.status.in_(_OPEN))
    )
    if number:
        raise OpenSettlementError(number=number)
    _check_not_paid(session, supplier_id)
    from_purpose, to_purpose = _BETWEEN[model]
    custody = account_to_pay(session, from_purpose)
    payee = account_to_pay(session, to_purpose, supplier_id)
    if payee is None:
        raise NoPayeeAccountError(pointer="/supplier_id")
    money, on = _money(session, supplier_id, model), business_date(now)
    due = _due(session, money, on)
    come_to = totals(due)
    if come_to.amount_fen <= 0:
        raise NothingToSettleError(pointer="/supplier_id")
    if custody is None:
        raise NoPayingAccountError
    settlement = Settlement(
        id=new_id(),
        number=f"S{business_date(now):%Y%m%d}{session.scalar(SETTLEMENT_NUMBERS):06d}",
        supplier_id=supplier_id,
        paying_account_id=custody.id,
        payee_account_id=payee.id,
        **come_to._asdict(),
        owed_after_fen=still_owed(_earned(money, on), due),
        owed_apart_fen=_owed_apart(session, supplier_id, model, on),
        status=SettlementStatus.DRAFT,
        made_by=actor.member_id,
        made_at=now,
    )
    session.add(settlement)
    session.flush()
    session.add_all(SettlementItem(id=new_id(), settlement_id=settlement.id, **item._asdict()) for item in due)
    session.flush()
    return settlement


def _check_not_paid(session: orm.Session, supplier_id: UUID) -> None:
    """Raise `PaidAfterAllError` if what failed may have been paid: nothing is settled anew before that is known."""
    if left := queries.paid_after_all(session, supplier_id):
        raise PaidAfterAllError(machine="settlement", number=left)


def _money(session: orm.Session, supplier_id: UUID, model: FundsModel) -> Paying:
    """Lock a supplier's orders of a funds model, before a step is recorded: steps follow what was recorded before."""
    return paying(session, queries.orders_paid_for(session, supplier_id, model))


def _money_of(session: orm.Session, settlement: Settlement) -> Paying:
    return _money(session, settlement.supplier_id, queries.model_of(session, settlement))


def _due(session: orm.Session, money: Paying, on: date) -> list[Item]:
    """Return what is to be settled on a day; whose days of reserve are over by then, keeps none back."""
    stuck = blocked(session, list(money.orders))
    return items([each for each in _earned(money, on) if each.order_id not in stuck])


def _earned(money: Paying, on: date) -> list[Earned]:
    return [
        Earned(
            order_id=order.id,
            earned_fen=funds.kept_fen - funds.receivable_fen,
            settled_fen=order.settled_fen,
            settled_fee_fen=order.settled_fee_fen,
            fee_bp=order.fee_bp,
            reserved_fen=order.reserved_fen,
            reserve_bp=order.reserve_bp if _is_reserved(order, on) else 0,
        )
        for order in money.orders.values()
        for funds in [funds_of(order, money.lines[order.id], money.dealt_with)]
    ]


def _owed_apart(session: orm.Session, supplier_id: UUID, model: FundsModel, on: date) -> int:
    """Return what a supplier owes of the orders that are settled out of another account, in fen."""
    others = [other for other in _BETWEEN if other is not model]
    orders = [order for other in others for order in queries.orders_paid_for(session, supplier_id, other, lock=False)]
    return still_owed(_earned(paying(session, orders), on), [])


def _is_reserved(order: Order, on: date) -> bool:
    return order.accepted_on is not None and on < order.accepted_on + timedelta(days=order.reserve_days)


def decide(
    session: orm.Session, actor: Actor, *, settlement_id: UUID, event: SettlementEvent, now: datetime
) -> Settlement:
    """Approve or decline a draft, as another person; approved, its items are the supplier's and no other settlement's.

    Raises `NotFoundError`, `TransitionError`, `FourEyesError`, `PaidAfterAllError` or `StaleSettlementError`.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    if settlement.made_by == actor.member_id:
        raise FourEyesError(rule="settlement")
    after(settlement.status, event)
    if event is SettlementEvent.APPROVE:
        _check_not_paid(session, settlement.supplier_id)
    money = _money_of(session, settlement)
    settlement.decided_by = actor.member_id
    change(session, actor.member_id, settlement, event, now)
    if settlement.status is SettlementStatus.APPROVED:
        rows = queries.items_of(session, [settlement.id])
        drafted = [Item(row.order_id, row.gross_fen, row.fee_fen, row.reserved_fen) for row in rows]
        if drafted != _due(session, money, business_date(settlement.made_at)):
            raise StaleSettlementError
        _restate(session, money, rows, business_date(now))
    return settlement


def _restate(
    session: orm.Session, money: Paying, rows: Sequence[SettlementItem], on: date, *, undone: bool = False
) -> None:
    """Say of orders that what items pay of them is settled, or after all not."""
    word, sign = ("unsettlement", -1) if undone else ("settlement", 1)
    standing: list[cash.Restated] = []
    for row in rows:
        order, lines = money.orders[row.order_id], money.lines[row.order_id]
        before = funds_of(order, lines, money.dealt_with)
        order.settled_fen += sign * row.gross_fen
        order.settled_fee_fen += sign * row.fee_fen
        order.reserved_fen += sign * row.reserved_fen
        after_it = funds_of(order, lines, money.dealt_with)
        trigger = f"{word}:{row.id}"
        standing.append(restated(order, before, after_it, trigger=trigger, on=on, till_id=row.settlement_id))
    cash.restate(session, standing)
    session.flush()


def instruct(session: orm.Session, actor: Actor, *, settlement_id: UUID, now: datetime) -> Settlement:
    """Hand an approved settlement to the bank, or ask the provider for its transfer.

    Raises `NotFoundError`, `TransitionError`, `PaidAfterAllError`, `AccountClosedError`, `NotReadyError`, or what
    `blocking.check_free` raises.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    after(settlement.status, SettlementEvent.INSTRUCT)
    order_ids = [row.order_id for row in queries.items_of(session, [settlement.id])]
    locked_orders(session, order_ids)  # a dispute of one, told meanwhile, waits
    check_free(session, order_ids)
    _check_not_paid(session, settlement.supplier_id)
    accounts.hold_open(session, [settlement.paying_account_id, settlement.payee_account_id])
    if queries.model_of(session, settlement) is FundsModel.STRIPE:
        transfers.ask(session, settlement, now=now)
    settlement.instructed_on = business_date(now)
    change(session, actor.member_id, settlement, SettlementEvent.INSTRUCT, now)
    batch, transit = (AccountKey(kind, settlement.id) for kind in (CashKind.SETTLEMENT, CashKind.IN_TRANSIT))
    _post(session, settlement, "instruction", batch, transit, on=business_date(now))
    session.flush()
    return settlement


def _post(
    session: orm.Session, settlement: Settlement, word: str, debit: AccountKey, credit: AccountKey, *, on: date
) -> None:
    moves, facts = [cash.Move(debit, credit, settlement.amount_fen)], {"settlement": settlement.number}
    cash.post(session, [cash.Draft(f"cash:{word}:{settlement.id}", word, on, moves, facts)])


def confirm(session: orm.Session, actor: Actor, *, settlement_id: UUID, now: datetime) -> Settlement:
    """Take note that a statement tells the payment: what it settles has reached the supplier, and is recognised.

    Raises `NotFoundError`, `TransitionError` or `NotOnStatementError`.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    return confirm_told(session, settlement, by=actor.member_id, now=now)


def confirm_told(session: orm.Session, settlement: Settlement, *, by: UUID | None, now: datetime) -> Settlement:
    """Confirm a locked settlement by the line that tells it."""
    after(settlement.status, SettlementEvent.CONFIRM)
    line = queries.line_told(session, settlement, -settlement.amount_fen)
    if line is None:
        raise NotOnStatementError(amount_fen=settlement.amount_fen, reference=settlement.number)
    money = _money_of(session, settlement)
    on = max(line.booked_on, settlement.instructed_on or line.booked_on)
    settlement.paid_on, settlement.bank_line_id = line.booked_on, line.id
    step = change(session, by, settlement, SettlementEvent.CONFIRM, now)
    line.open_fen, line.waiting = 0, None
    transit, left = AccountKey(CashKind.IN_TRANSIT, settlement.id), AccountKey(CashKind.UNMATCHED, line.id)
    lock_supplier(session, settlement.supplier_id)
    _post(session, settlement, "payout", transit, left, on=on)
    funded = [
        _reached(money, row, row.paid_fen, "settlement", line.booked_on)
        for row in queries.items_of(session, [settlement.id])
    ]
    trigger = f"settlement:{step.id}"
    settle(session, funded, supplier_id=settlement.supplier_id, trigger=trigger, on=line.booked_on)
    session.flush()
    return settlement


def _reached(money: Paying, row: SettlementItem, fen: int, word: str, on: date) -> Funded:
    """Say of an order that so much more of it has reached its supplier, by a fact of a day."""
    order = money.orders[row.order_id]
    order.paid_fen += fen
    order.paid_on = max(on, order.paid_on or on)
    return Funded(order, money.lines[order.id], f"{word}:{row.id}")


def fail(session: orm.Session, actor: Actor, *, settlement_id: UUID, now: datetime) -> Settlement:
    """Take note that the bank did not pay, or that it will not be asked: what was to be settled is owed again.

    Raises `NotFoundError`, `TransitionError`, `LeftAlreadyError` if a statement tells that it left,
    `WithProviderError` for a transfer that the provider has not refused, or `FourEyesError` for who handed it to the
    bank: its file can still be uploaded, and the same be settled anew.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    after(settlement.status, SettlementEvent.FAIL)
    sent = queries.transfer_call(session, settlement.id, Operation.TRANSFER)
    if sent and sent.status is not CallStatus.REFUSED:
        raise WithProviderError(number=settlement.number)
    if queries.has_left(session, settlement):
        raise LeftAlreadyError(number=settlement.number)
    if sent is None and queries.instructed_by(session, settlement.id) == actor.member_id:
        raise FourEyesError(rule="settlement_failure")
    return fail_told(session, settlement, by=actor.member_id, now=now)


def fail_told(session: orm.Session, settlement: Settlement, *, by: UUID | None, now: datetime) -> Settlement:
    """Undo a locked settlement that was not paid."""
    after(settlement.status, SettlementEvent.FAIL)
    money = _money_of(session, settlement)
    change(session, by, settlement, SettlementEvent.FAIL, now)
    if settlement.instructed_on:
        batch, transit = (AccountKey(kind, settlement.id) for kind in (CashKind.SETTLEMENT, CashKind.IN_TRANSIT))
        _post(session, settlement, "failure", transit, batch, on=business_date(now))
    _restate(session, money, queries.items_of(session, [settlement.id]), business_date(now), undone=True)
    return settlement


def take_back(session: orm.Session, actor: Actor, *, settlement_id: UUID, now: datetime) -> Settlement:
    """Take note that the bank brought the payment back, as when the account was closed: it is owed again.

    What it had recognised is no more; what households were paid of it they keep, as paid ahead. Raises `NotFoundError`,
    `TransitionError` or `NotReturnedError`.
    """
    settlement = queries.one_settlement(session, actor, settlement_id, lock=True)
    return take_back_told(session, settlement, by=actor.member_id, now=now)


def take_back_told(session: orm.Session, settlement: Settlement, *, by: UUID | None, now: datetime) -> Settlement:
    """Undo a locked settlement that came back."""
    after(settlement.status, SettlementEvent.RETURN)
    line = queries.line_told(session, settlement, settlement.amount_fen)
    if line is None:
        raise NotReturnedError(amount_fen=settlement.amount_fen, reference=settlement.number)
    money = _money_of(session, settlement)
    on = max(line.booked_on, settlement.paid_on or line.booked_on, settlement.instructed_on or line.booked_on)
    settlement.returned_on, settlement.return_line_id = on, line.id
    step = change(session, by, settlement, SettlementEvent.RETURN, now)
    line.open_fen, line.waiting = 0, None
    back, batch = AccountKey(CashKind.UNMATCHED, line.id), AccountKey(CashKind.SETTLEMENT, settlement.id)
    lock_supplier(session, settlement.supplier_id)
    _post(session, settlement, "settlement_return", back, batch, on=on)
    rows = queries.items_of(session, [settlement.id])
    _restate(session, money, rows, on, undone=True)
    funded = [_reached(money, row, -row.paid_fen, "unsettlement", on) for row in rows]
    unsettle(session, funded, supplier_id=settlement.supplier_id, trigger=f"unsettlement:{step.id}", on=on)
    session.flush()
    return settlement
