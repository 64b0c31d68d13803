"""The cash book anew, as far as the payment provider and refunds on their way move it."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.cash_replaying import ExpectedCash, Side

_PLATFORM = UUID(int=0)

_MOVEMENTS = sa.text(
    """
    SELECT l.id, l.bank_account_id, l.line_key, l.booked_on, l.amount_fen, m.fee_fen, m.available_on, m.released_on
      FROM provider_movements m JOIN bank_lines l ON l.id = m.line_id
     ORDER BY l.id
    """
)
_CLEARED = sa.text(
    """
    SELECT r.id, r.number, CASE WHEN l.amount_fen < 0 THEN 'refund_left' ELSE 'refund_back' END AS word,
           'unmatched' AS kind, l.id AS owner_id, l.booked_on AS day,
           CASE WHEN l.amount_fen < 0 THEN r.amount_fen ELSE -r.amount_fen END AS fen, 'refund' AS what
      FROM refunds r JOIN bank_lines l ON l.id IN (r.left_line_id, r.back_line_id)
     WHERE r.route <> 'supplier'
     UNION ALL
    SELECT r.id, d.provider_id, 'refund_left', 'dispute_loss', CAST(:platform AS uuid), r.succeeded_on, r.amount_fen,
           'dispute'
      FROM refunds r JOIN disputes d ON d.id = r.dispute_id
    """
)
_DISPUTED = sa.text(
    """
    SELECT d.id, d.provider_id, l.id AS line_id, l.booked_on, l.amount_fen
      FROM disputes d JOIN provider_movements m ON m.source_id = d.provider_id JOIN bank_lines l ON l.id = m.line_id
    """
)
_LOST = sa.text("SELECT id, provider_id, ended_on, amount_fen AS fen FROM disputes WHERE status = 'lost'")


def told_by_provider(session: orm.Session) -> Iterator[ExpectedCash]:
    """Yield what the provider's movements, refunds that left or came back, and disputes must have moved."""
    yield from _moved(session)
    yield from _cleared(session)
    yield from _disputed(session)


def _moved(session: orm.Session) -> Iterator[ExpectedCash]:
    for row in session.execute(_MOVEMENTS):
        net_fen = row.amount_fen - row.fee_fen
        pending: Side = ("provider_pending", row.bank_account_id, None)
        changes: dict[Side, int] = {pending: -net_fen, ("unmatched", row.id, None): row.amount_fen}
        changes[("provider_fee", _PLATFORM, None)] = -row.fee_fen
        facts = {"bank_account": str(row.bank_account_id), "line_key": row.line_key}
        yield _expected(f"bank_line:{row.id}", row.booked_on, changes, facts)
        if row.released_on and net_fen:
            available: Side = ("provider_available", row.bank_account_id, None)
            changes = {pending: net_fen, available: -net_fen}
            yield _expected(f"released:{row.id}", row.available_on, changes, {"line_key": row.line_key})


def _cleared(session: orm.Session) -> Iterator[ExpectedCash]:
    for row in session.execute(_CLEARED, {"platform": _PLATFORM}):
        changes: dict[Side, int] = {("in_transit", row.id, None): -row.fen, (row.kind, row.owner_id, None): row.fen}
        yield _expected(f"{row.word}:{row.id}", row.day, changes, {row.what: row.number})


def _disputed(session: orm.Session) -> Iterator[ExpectedCash]:
    for row in session.execute(_DISPUTED):
        hold: Side = ("dispute_hold", row.id, None)
        changes: dict[Side, int] = {hold: row.amount_fen, ("unmatched", row.line_id, None): -row.amount_fen}
        yield _expected(f"dispute:{row.line_id}", row.booked_on, changes, {"dispute": row.provider_id})
    for row in session.execute(_LOST):
        changes = {("dispute_loss", _PLATFORM, None): -row.fen, ("dispute_hold", row.id, None): row.fen}
        yield _expected(f"dispute_lost:{row.id}", row.ended_on, changes, {"dispute": row.provider_id})


def _expected(source: str, on: date, changes: dict[Side, int], facts: dict[str, object]) -> ExpectedCash:
    moved = {side: int(fen) for side, fen in changes.items() if fen}
    return ExpectedCash(f"cash:{source}", None, on, moved, facts)
