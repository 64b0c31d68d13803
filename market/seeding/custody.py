"""Custody as events: accounts, what their banks told, who matched what; settlements and refunds step by step."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking import accounts
from market.banking.models import BankLine
from market.identity.rules import Permission
from market.payments import matching, refunding
from market.payments.refunding import Payee, Wish
from market.payments.rules import OrderPart, ProposalEvent, RefundEvent
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, fen
from market.seeding.timeline import Event, Turn
from market.settlements import service as settlements
from market.settlements.rules import SettlementEvent

CLERK, COLLEAGUE = "platform.operator", "platform.cashier"
"""Who begins what moves money in custody, and who decides on it."""

_Step = Callable[[orm.Session, datetime], object]
_HEADINGS = "交易日期,借方发生额,贷方发生额,对方户名,对方账号,流水号,摘要"


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return every step of the money that passes through custody."""
    for row in sample.bank_accounts:
        yield _event(row["opened_on"], Turn.BANK_ACCOUNT, f"account {row['account']}", partial(_open, known, row))
    told: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sample.bank_lines:
        told[row["account"], row["told_on"]].append(row)
    for (account, on), rows in told.items():
        yield _event(on, Turn.STATEMENT, f"statement of {account}", partial(_tell, known, account, rows))
    matches: dict[str, list[Row]] = defaultdict(list)
    for row in sample.matches:
        matches[row["match"]].append(row)
    for match, rows in matches.items():
        yield _event(rows[0]["proposed_on"], Turn.MATCH, f"match {match}", partial(_propose, known, rows))
        yield _event(rows[0]["approved_on"], Turn.MATCH, f"match {match}", partial(_approve_match, known, match))
    for row in sample.refunds:
        yield from _steps(Turn.REFUND, f"refund {row['refund']}", row, _refund_steps(known, row))
    for row in sample.settlements:
        yield from _steps(Turn.SETTLEMENT, f"settlement {row['settlement']}", row, _settlement_steps(known, row))


def _event(on: str, turn: Turn, name: str, step: _Step) -> Event:
    return Event(day(on), turn, name, step)


def _steps(turn: Turn, name: str, row: Row, steps: dict[str, _Step]) -> Iterator[Event]:
    """Return the steps whose days have come."""
    return (_event(row[column], turn, name, step) for column, step in steps.items() if row[column])


def _open(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    opener = CLERK if row["organisation"] == CLERK.partition(".")[0] else f"{row['organisation']}.manager"
    account = accounts.register(
        session,
        known.actor(opener, Permission.BANK_ACCOUNT_WRITE),
        bank_name=row["bank_name"],
        bank_code=row["bank_code"],
        number=row["number"],
        now=now,
    )
    confirming = known.actor(COLLEAGUE, Permission.BANK_ACCOUNT_CONFIRM)
    accounts.confirm(session, confirming, account_id=account.id, now=now)
    known.bank_accounts[row["account"]] = account.id


def _tell(known: Known, account: str, rows: Sequence[Row], session: orm.Session, now: datetime) -> None:
    """Import a statement as the bank's clerk saves it."""
    lines = [_HEADINGS, *(_line(known, row) for row in rows)]
    matching.take_over(
        session,
        known.actor(CLERK, Permission.BANK_WRITE),
        account_id=known.bank_accounts[account],
        content="\r\n".join(lines).encode("gb18030"),
        profile=None,
        now=now,
    )


def _line(known: Known, row: Row) -> str:
    """Return a line of a bank's export; its remark names groups, settlements and refunds as they are printed."""
    out, came_in = (row["amount_yuan"][1:], "") if row["amount_yuan"].startswith("-") else ("", row["amount_yuan"])
    remark = " ".join([row["remark"], *(known.codes[name] for name in row["names"].split())])
    fields = (row["booked_on"], out, came_in, row["counterparty"], row["counterparty_account"])
    return ",".join((*fields, row["bank_reference"], remark))


def _propose(known: Known, rows: Sequence[Row], session: orm.Session, now: datetime) -> None:
    first = rows[0]
    wanted = sa.select(BankLine.id).where(BankLine.bank_reference == first["bank_reference"])
    proposal = matching.propose(
        session,
        known.actor(CLERK, Permission.BANK_WRITE),
        line_id=session.scalars(wanted).one(),
        parts=[OrderPart(known.orders[row["order"]], fen(row["amount_yuan"])) for row in rows],
        reason=first["reason"],
        now=now,
    )
    known.matches[first["match"]] = proposal.id


def _approve_match(known: Known, match: str, session: orm.Session, now: datetime) -> None:
    colleague, event = known.actor(COLLEAGUE, Permission.BANK_WRITE), ProposalEvent.APPROVE
    matching.decide(session, colleague, proposal_id=known.matches[match], event=event, now=now)


def _refund_steps(known: Known, row: Row) -> dict[str, _Step]:
    """Return the steps of a refund by the columns that tell their days."""
    name = row["refund"]
    colleague = partial(known.actor, COLLEAGUE, Permission.REFUND_SEND)

    def approve(session: orm.Session, now: datetime) -> None:
        refund_id, event = known.refunds[name], RefundEvent.APPROVE
        refunding.decide(session, colleague(), refund_id=refund_id, event=event, now=now)

    def send(session: orm.Session, now: datetime) -> None:
        refund_id, bank_name = known.refunds[name], row["payee_bank"]
        refunding.send(session, colleague(), refund_id=refund_id, bank_name=bank_name, now=now)

    return {"requested_on": partial(_request, known, row), "approved_on": approve, "sent_on": send}


def _request(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    """Ask for a refund of all that is to go back, or for a failed one anew to the account that the payer named."""
    if row["replaces"]:
        refund = refunding.reroute(
            session,
            known.actor(row["requested_by"], Permission.REFUND_SEND),
            refund_id=known.refunds[row["replaces"]],
            payee=Payee(row["payee"], row["payee_account"]),
            reason=row["reason"],
            now=now,
        )
    else:
        asking = known.actor(row["requested_by"], Permission.REFUND_REQUEST)
        wish = Wish(None, row["reason"])
        (refund,) = refunding.request(session, asking, order_id=known.orders[row["order"]], wish=wish, now=now)
    known.refunds[row["refund"]], known.codes[row["refund"]] = refund.id, refund.number


def _settlement_steps(known: Known, row: Row) -> dict[str, _Step]:
    """Return the steps of a settlement by the columns that tell their days."""
    name = row["settlement"]
    clerk, colleague = (partial(known.actor, login, Permission.SETTLEMENT_WRITE) for login in (CLERK, COLLEAGUE))

    def draft(session: orm.Session, now: datetime) -> None:
        supplier_id = known.organisations[row["supplier"]].id
        drafted = settlements.draft(session, clerk(), supplier_id=supplier_id, now=now)
        known.settlements[name], known.codes[name] = drafted.id, drafted.number

    def approve(session: orm.Session, now: datetime) -> None:
        settlement_id, event = known.settlements[name], SettlementEvent.APPROVE
        settlements.decide(session, colleague(), settlement_id=settlement_id, event=event, now=now)

    def then(step: Callable[..., object]) -> _Step:
        return lambda session, now: step(session, clerk(), settlement_id=known.settlements[name], now=now)

    return {
        "drafted_on": draft,
        "approved_on": approve,
        "instructed_on": then(settlements.instruct),
        "confirmed_on": then(settlements.confirm),
        "returned_on": then(settlements.take_back),
    }
