"""Matching: lines of statements and the orders whose codes they carry, exactly; all else waits for two people."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.banking import importing
from market.banking.models import BankAccount, BankLine, BankStatement
from market.banking.queries import codes_of, gap_of, locked_line
from market.banking.rules import MODELS, AccountPurpose, Waiting
from market.banks.rules import group_number
from market.db import new_id
from market.errors import FourEyesError, InvalidInputError, at
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.payments import finding, meaning, queries, refund_queries, refunding
from market.payments.fitting import OpenLine, Payable, match
from market.payments.models import Proposal, ProposedPart, Receipt
from market.payments.receiving import Paying, check_fits, paying, receive
from market.payments.rules import (
    LineSpentError,
    NotOfThisAccountError,
    OrderPart,
    ProposalEvent,
    ProposalStatus,
    decided,
)
from market.payments.service import check_named_once


class TakenOver(NamedTuple):
    """A statement as imported, how many open lines of the account were matched with it there, the gap before it."""

    statement: BankStatement
    matched: int
    gap_fen: int | None


def take_over(
    session: orm.Session, actor: Actor, *, account_id: UUID, content: bytes, profile: str | None, now: datetime
) -> TakenOver:
    """Import a statement and match what fits; raises what `importing.import_statement` raises.

    Whatever orders its lines tell of are locked at once, in one order, and the book comes last, as everybody does it.
    """
    statement, account = importing.import_statement(
        session, actor, account_id=account_id, content=content, profile=profile, now=now
    )
    lines = queries.open_lines(session, account)
    told = refund_queries.refunds_told(session, account, lines)
    named = {number for line in lines for number in _groups_named(line)}
    groups = queries.groups_numbered(session, account, named)
    queries.lock_orders_told(session, account, list(groups), [refund_id for _, refund_id in told])
    sent_back = refunding.told_by_bank(session, told, now=now)
    matched = sent_back + match_open(session, actor, account, now=now)
    importing.mirror(session, account, statement)
    return TakenOver(statement, matched, gap_of(session, statement))


def match_open(session: orm.Session, actor: Actor, account: BankAccount, *, now: datetime) -> int:
    """Match the untouched lines of a locked account to the orders whose codes they carry; return how many."""
    lines = {line.id: line for line in queries.untouched_lines(session, account)}
    found = finding.receipts_told(session, account, list(lines.values()))
    named = {line.id: _groups_named(line) for line in lines.values() if line.id not in found.closed | found.unclear}
    numbers = {number for groups in named.values() for number in groups}
    groups = queries.groups_numbered(session, account, numbers)
    money = paying(session, queries.locked_orders_of(session, account, list(groups)))
    fitting = match(
        [OpenLine(line_id, lines[line_id].open_fen, names) for line_id, names in named.items()],
        [
            Payable(order.id, groups[order.group_id].number, money.payable_fen(order.id))
            for order in money.orders.values()
        ],
    )
    parts: dict[UUID, list[OrderPart]] = {}
    for line_id, order_id, fen in fitting.parts:
        parts.setdefault(line_id, []).append(OrderPart(order_id, fen))
    for line_id, own in parts.items():
        pay(session, Money(account, lines[line_id], money, actor.member_id, now), own)
    back = queries.sent_before(session, account, [lines[line_id] for line_id in fitting.waiting])
    for line_id, why in fitting.waiting.items():
        lines[line_id].waiting = Waiting.RETURNED if line_id in back else why
    for line_id in found.unclear:
        lines[line_id].waiting = Waiting.RECORDED_OTHERWISE
    session.flush()
    return len(parts) + len(found.closed)


class Money(NamedTuple):
    """The line of an account that pays, the orders that it may pay, all locked, and who says so when."""

    account: BankAccount
    line: BankLine
    orders: Paying
    by: UUID
    at: datetime


def pay(session: orm.Session, money: Money, parts: Sequence[OrderPart]) -> None:
    """Make a receipt of what of a line pays orders; the parts fit."""
    line, own = money.line, money.account.purpose is AccountPurpose.OWN
    fen = sum(part.amount_fen for part in parts)
    line.open_fen -= fen
    line.waiting = line.waiting if line.open_fen else None
    reference = line.bank_reference or f"LINE-{line.id}"
    receipt = Receipt(
        id=new_id(),
        supplier_id=money.account.organisation_id if own else None,
        bank_line_id=line.id,
        bank_reference=reference,
        reference_key=reference_key(reference),
        payer_name=line.counterparty_name,
        amount_fen=fen,
        received_on=line.booked_on,
        recorded_by=money.by,
        recorded_at=money.at,
    )
    receive(session, receipt, parts, money.orders)


def _groups_named(line: BankLine) -> list[str]:
    """Return the numbers of the groups whose codes a line carries, of those that were placed by its day."""
    numbers = [group_number(code) for code in codes_of(line)]
    return [number for number in numbers if number[1:9] <= f"{line.booked_on:%Y%m%d}"]


def propose(
    session: orm.Session, actor: Actor, *, line_id: UUID, parts: Sequence[OrderPart], reason: str, now: datetime
) -> Proposal:
    """Propose what a waiting line pays; another person decides.

    Raises `NotFoundError`, `OrderNamedTwiceError`, `MatchedOnceError`, `LineSpentError`, `CountedByHandError`,
    `NotOfThisAccountError`, `NotPayableError`, `OverpaidError`, or `InvalidInputError` for money that went out.
    """
    line, account = locked_line(session, actor, line_id)
    proposal = meaning.begun(session, actor, line, reason, now=now)
    check_named_once(parts)
    _check(session, account, line, parts)
    session.add(proposal)
    session.flush()
    session.add_all(ProposedPart(proposal_id=proposal.id, **part._asdict()) for part in parts)
    session.flush()
    return proposal


def decide(session: orm.Session, actor: Actor, *, proposal_id: UUID, event: ProposalEvent, now: datetime) -> Proposal:
    """Approve or decline what another proposed; an approved match pays, if it still fits, or has its meaning.

    Raises `NotFoundError`, `TransitionError`, `FourEyesError`, and what `propose` raises of the amounts.
    """
    line, account = locked_line(session, actor, queries.line_of(session, proposal_id))
    proposal = session.get_one(Proposal, proposal_id, populate_existing=True)
    status = decided(proposal.status, event)
    if proposal.proposed_by == actor.member_id:
        raise FourEyesError(rule="matching")
    proposal.status, proposal.decided_by, proposal.decided_at = status, actor.member_id, now
    if proposal.status is ProposalStatus.APPROVED and proposal.meaning:
        meaning.approved(session, account, line, proposal, proposal.meaning, now=now)
    elif proposal.status is ProposalStatus.APPROVED:
        parts = queries.parts_of(session, [proposal.id])[proposal.id]
        orders_paid = _check(session, account, line, parts)
        pay(session, Money(account, line, orders_paid, actor.member_id, now), parts)
    session.flush()
    return proposal


def _check(session: orm.Session, account: BankAccount, line: BankLine, parts: Sequence[OrderPart]) -> Paying:
    """Return the orders that a line would pay, locked; raise unless every part fits, and the line has it."""
    if line.amount_fen < 0 or line.waiting is Waiting.REVERSAL:
        raise InvalidInputError("this line brought no money", "该笔流水不是到款", pointer="/line_id")
    with at("/orders"):
        locked = queries.locked_orders_named(session, account, [part.order_id for part in parts])
    by_id = {order.id: order for order in locked}
    for position, part in enumerate(parts):
        if by_id[part.order_id].funds_model is not MODELS[account.purpose]:
            raise NotOfThisAccountError(number=by_id[part.order_id].number, pointer=f"/orders/{position}/order_id")
    money = paying(session, locked)
    for position, part in enumerate(parts):
        check_fits(money, part, on=line.booked_on, pointer=f"/orders/{position}/amount_fen")
    amount_fen = sum(part.amount_fen for part in parts)
    if amount_fen > line.open_fen:
        raise LineSpentError(open_fen=line.open_fen, amount_fen=amount_fen, pointer="/orders")
    finding.check_counts_once(session, account, line, amount_fen)
    return money
