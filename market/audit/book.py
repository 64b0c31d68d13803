"""The books as they were posted, read by supplier and by entry."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.oracle import CONFIRMED, RECOGNISED
from market.audit.standing import Account, Move
from market.benefits.rules import Mechanism
from market.ledger.models import LedgerAccount, LedgerEntry, LedgerPeriod


class Posted(NamedTuple):
    """An entry of a supplier and its place in the sequence of postings."""

    source: str
    reason: str
    place: int


@dataclass(slots=True)
class BookEntry:
    """An entry with its transfers."""

    id: UUID
    source: str
    reason: str
    effective_on: date
    original_on: date | None
    recorded_at: datetime
    facts: Mapping[str, Any]
    facts_sha256: str
    moves: list[tuple[Move, int]] = field(default_factory=list)

    @property
    def facts_hash(self) -> str:
        """Return the hash that the stored facts have."""
        text = json.dumps(self.facts, separators=(",", ":"), sort_keys=True)
        return sha256(text.encode()).hexdigest()

    def confirms(self) -> frozenset[tuple[UUID, UUID]]:
        """Return the payments of which a recognised share went straight to confirmed, each with whose it is.

        Or what had claimed money that a collective gave on was confirmed with that.
        """
        return frozenset(
            (move.payment_id, move.credit.owner_id)
            for move, _ in self.moves
            if move.payment_id
            and move.credit.step == CONFIRMED
            and (move.debit.step == RECOGNISED or move.mechanism != Mechanism.COLLECTIVE_DIVIDEND)
        )


@dataclass(frozen=True, slots=True)
class ClosedMonths:
    """When each month was closed, and the day after it: what is recorded later is posted from that day on."""

    closed: Sequence[tuple[datetime, date]]

    def opens_on(self, recorded: Iterable[datetime]) -> date:
        """Return the first day that was open when the first of these entries was recorded."""
        first = min(recorded, default=None)
        open_from = [next_month for closed_at, next_month in self.closed if first is not None and closed_at < first]
        return max(open_from, default=date.min)


# Whose a transfer is: every one has an account of its supplier on the side that is debited.
_INDEX = sa.text(
    """
    SELECT e.source, e.reason, min(t.id) AS place
      FROM ledger_accounts a
      JOIN ledger_transfers t ON t.debit_account_id = a.id
      JOIN ledger_entries e ON e.id = t.entry_id
     WHERE a.book = 'attribution'
       AND (a.counterpart_id = :supplier OR a.counterpart_id IS NULL AND a.owner_id = :supplier)
     GROUP BY e.id
     ORDER BY place
    """
)

_TRANSFERS = sa.text(
    """
    SELECT t.entry_id, t.amount_fen, t.order_line_id, t.mechanism, t.contribution_id, t.payment_id, t.assisted,
           d.kind AS debit_kind, d.owner_id AS debit_owner, d.counterpart_id AS debit_counterpart,
           d.step AS debit_step, c.kind AS credit_kind, c.owner_id AS credit_owner,
           c.counterpart_id AS credit_counterpart, c.step AS credit_step
      FROM ledger_transfers t
      JOIN ledger_accounts d ON d.id = t.debit_account_id
      JOIN ledger_accounts c ON c.id = t.credit_account_id
     WHERE t.entry_id = ANY(CAST(:entries AS uuid[]))
    """
)


def closed_months(session: orm.Session, name: str = "attribution") -> ClosedMonths:
    """Return when the months of a book were closed."""
    found = sa.select(LedgerPeriod.closed_at, LedgerPeriod.month).where(LedgerPeriod.book == name)
    rows = session.execute(found.order_by(LedgerPeriod.closed_at))
    return ClosedMonths([(row.closed_at, (row.month + timedelta(days=31)).replace(day=1)) for row in rows])


def index(session: orm.Session, supplier_id: UUID) -> list[Posted]:
    """Return a supplier's entries in the order in which they were posted."""
    return [Posted(*row) for row in session.execute(_INDEX, {"supplier": supplier_id})]


def accounts(session: orm.Session, supplier_id: UUID) -> dict[int, Account]:
    """Return the accounts of a supplier and of its payees towards it."""
    table = LedgerAccount
    found = sa.select(table.id, table.kind, table.owner_id, table.counterpart_id, table.step).where(
        sa.or_(table.counterpart_id == supplier_id, table.owner_id == supplier_id)
    )
    return {row[0]: Account(*row[1:]) for row in session.execute(found)}


def entries(session: orm.Session, sources: Iterable[str]) -> dict[str, list[BookEntry]]:
    """Return entries with their transfers, by source, in two statements."""
    found: dict[str, list[BookEntry]] = defaultdict(list)
    by_id: dict[UUID, BookEntry] = {}
    table = LedgerEntry
    wanted = sa.select(
        table.id,
        table.source,
        table.reason,
        table.effective_on,
        table.original_effective_on,
        table.recorded_at,
        table.facts,
        table.facts_sha256,
    ).where(table.source == sa.any_(sa.cast(list(sources), sa.ARRAY(sa.Text))))
    for row in session.execute(wanted.order_by(table.id)):
        entry = BookEntry(*row)
        found[entry.source].append(entry)
        by_id[entry.id] = entry
    for entry_id, move, fen in _transfers(session, by_id):
        by_id[entry_id].moves.append((move, fen))
    return found


def _transfers(session: orm.Session, entry_ids: Collection[UUID]) -> Iterable[tuple[UUID, Move, int]]:
    for row in session.execute(_TRANSFERS, {"entries": list(entry_ids)}):
        debit = Account(row.debit_kind, row.debit_owner, row.debit_counterpart, row.debit_step)
        credit = Account(row.credit_kind, row.credit_owner, row.credit_counterpart, row.credit_step)
        about = (row.order_line_id, row.mechanism, row.contribution_id, row.payment_id, row.assisted)
        yield row.entry_id, Move(debit, credit, *about), row.amount_fen
