"""What may be read of the books: closed months, and balances by kind of account."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from market.ledger.models import LedgerPeriod
from market.ledger.rules import Book


def closed_months(book: Book | None, before: tuple[date, str] | None) -> sa.Select[LedgerPeriod]:
    """Return closed months, newest first, from a place on."""
    periods = sa.select(LedgerPeriod).order_by(LedgerPeriod.month.desc(), LedgerPeriod.book.desc())
    if book is not None:
        periods = periods.where(LedgerPeriod.book == book)
    if before is not None:
        periods = periods.where(sa.tuple_(LedgerPeriod.month, LedgerPeriod.book) < sa.tuple_(*before))
    return periods


class Balance(NamedTuple):
    """What stands, in fen, on the accounts of a kind that are in debit, and on those in credit."""

    debit_fen: int
    credit_fen: int


# What was closed before the day is a sum that was kept; the rest is read from the transfers.
_BALANCES = sa.text(
    """
    WITH closed AS (
      SELECT max(month) AS month FROM ledger_periods WHERE book = :book AND month + interval '1 month' <= :on + 1
    ), standing AS (
      SELECT account_id, balance_fen AS fen FROM ledger_balances
       WHERE book = :book AND month = (SELECT month FROM closed)
       UNION ALL
      SELECT side.account_id, side.fen
        FROM ledger_transfers t
       CROSS JOIN LATERAL (VALUES (t.credit_account_id, t.amount_fen), (t.debit_account_id, -t.amount_fen))
                          AS side (account_id, fen)
       WHERE t.book = :book AND t.effective_on <= :on
         AND t.effective_on >= coalesce((SELECT CAST(month + interval '1 month' AS date) FROM closed), '-infinity')
    ), accounts AS (
      SELECT a.kind, sum(s.fen) AS fen FROM standing s JOIN ledger_accounts a ON a.id = s.account_id GROUP BY a.id
    )
    SELECT kind, CAST(coalesce(sum(-fen) FILTER (WHERE fen < 0), 0) AS bigint) AS debit_fen,
           CAST(coalesce(sum(fen) FILTER (WHERE fen > 0), 0) AS bigint) AS credit_fen
      FROM accounts GROUP BY kind
    """
).bindparams(sa.bindparam("on", type_=sa.Date))


def balances(session: orm.Session, book: Book, *, on: date) -> Mapping[str, Balance]:
    """Return what stands on accounts of each kind at the end of a day, by the entries that are dated until then."""
    rows = session.execute(_BALANCES, {"book": book, "on": on})
    return {row.kind: Balance(row.debit_fen, row.credit_fen) for row in rows}
