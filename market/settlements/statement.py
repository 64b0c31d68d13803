"""The statement of a settlement: what it settles of each order, beside what went before; one source of all its forms.

It says what was on record when the settlement was drafted, and how the settlement stands now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.models import BankAccount
from market.identity.models import Organisation
from market.settlements.models import Settlement
from market.settlements.rules import Item, SettlementStatus, Totals, totals

# Identifiers are UUIDv7: what has one before the settlement's was recorded before it was drafted.
_ORDERS = sa.text(
    """
    SELECT o.id AS order_id, o.number, b.name AS buyer_name, i.gross_fen, i.fee_fen, i.reserved_fen,
           a.fen AS accepted_fen, coalesce(r.fen, 0) AS returned_fen, coalesce(e.fen, 0) AS settled_before_fen,
           a.first_on, greatest(a.last_on, r.last_on) AS last_on
      FROM settlement_items i
      JOIN orders o ON o.id = i.order_id
      JOIN organisations b ON b.id = o.buyer_id
     CROSS JOIN LATERAL (SELECT CAST(sum(l.accepted_fen) AS bigint) AS fen, min(c.accepted_on) AS first_on,
                                max(c.accepted_on) AS last_on
                           FROM acceptances c JOIN acceptance_lines l ON l.acceptance_id = c.id
                          WHERE c.order_id = o.id AND c.id < i.settlement_id) a
      LEFT JOIN LATERAL (SELECT CAST(sum(l.amount_fen) AS bigint) AS fen, max(c.returned_on) AS last_on
                           FROM returns c JOIN return_lines l ON l.return_id = c.id
                          WHERE c.order_id = o.id AND c.id < i.settlement_id) r ON true
      LEFT JOIN LATERAL (SELECT CAST(sum(x.gross_fen) AS bigint) AS fen FROM settlement_items x
                          WHERE x.order_id = o.id AND x.settlement_id < i.settlement_id
                            AND EXISTS (SELECT FROM settlement_changes c
                                         WHERE c.settlement_id = x.settlement_id AND c.event = 'approve')
                            AND NOT EXISTS (SELECT FROM settlement_changes c
                                             WHERE c.settlement_id = x.settlement_id AND c.event IN ('fail', 'return')
                                               AND c.id < i.settlement_id)) e ON true
     WHERE i.settlement_id = :settlement
     ORDER BY o.number
    """
)
_WHO = sa.text(
    "SELECT m.id, o.name FROM members m JOIN organisations o ON o.id = m.organisation_id"
    " WHERE m.id = ANY(CAST(:members AS uuid[]))"
)


class Account(NamedTuple):
    """A bank account; of its number all but the end is masked."""

    holder: str
    bank_name: str
    number: str


class Who(NamedTuple):
    """A member who drafted or decided, and of which organisation."""

    member_id: UUID
    organisation_name: str


class OrderSettled(NamedTuple):
    """What a settlement does to an order; paid = gross - fee - netted - reserved + released (fen)."""

    order_id: UUID
    number: str
    buyer_name: str
    accepted_fen: int
    returned_fen: int
    settled_before_fen: int
    gross_fen: int
    fee_fen: int
    netted_fen: int
    reserved_fen: int
    released_fen: int
    paid_fen: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A settlement, order by order, with the days of the first and the last fact of these orders."""

    number: str
    supplier_name: str
    status: SettlementStatus
    period_from: date
    period_to: date
    drafted_by: Who
    decided_by: Who | None
    instructed_on: date | None
    paid_on: date | None
    returned_on: date | None
    paid_from: Account
    paid_to: Account
    orders: Sequence[OrderSettled]
    totals: Totals
    owed_after_fen: int
    owed_apart_fen: int


def statement(session: orm.Session, settlement: Settlement) -> Statement:
    """Return the statement of a settlement that the reader may see."""
    rows = session.execute(_ORDERS, {"settlement": settlement.id}).all()
    members = {"members": [member for member in (settlement.made_by, settlement.decided_by) if member]}
    who = {row.id: Who(row.id, row.name) for row in session.execute(_WHO, members)}
    return Statement(
        number=settlement.number,
        supplier_name=session.get_one(Organisation, settlement.supplier_id).name,
        status=settlement.status,
        period_from=min(row.first_on for row in rows),
        period_to=max(row.last_on for row in rows),
        drafted_by=who[settlement.made_by],
        decided_by=who[settlement.decided_by] if settlement.decided_by else None,
        instructed_on=settlement.instructed_on,
        paid_on=settlement.paid_on,
        returned_on=settlement.returned_on,
        paid_from=_account(session, settlement.paying_account_id),
        paid_to=_account(session, settlement.payee_account_id),
        orders=[_order(row) for row in rows],
        totals=totals([_item(row) for row in rows]),
        owed_after_fen=settlement.owed_after_fen,
        owed_apart_fen=settlement.owed_apart_fen,
    )


def _item(row: sa.Row[tuple[object, ...]]) -> Item:
    return Item(row.order_id, row.gross_fen, row.fee_fen, row.reserved_fen)


def _order(row: sa.Row[tuple[object, ...]]) -> OrderSettled:
    parts = totals([_item(row)])._asdict()
    return OrderSettled(
        order_id=row.order_id,
        number=row.number,
        buyer_name=row.buyer_name,
        accepted_fen=row.accepted_fen,
        returned_fen=row.returned_fen,
        settled_before_fen=row.settled_before_fen,
        paid_fen=parts.pop("amount_fen"),
        **parts,
    )


def _account(session: orm.Session, account_id: UUID) -> Account:
    account = session.get_one(BankAccount, account_id)
    return Account(account.holder, account.bank_name, f"**** {account.number_key[-4:]}")
