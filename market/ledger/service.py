"""Posting and closing. Two statements post any number of entries with any number of transfers."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from hashlib import sha256
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import array, new_id
from market.ledger.rules import AccountKey, Book, Entry, PeriodClosedError, PeriodOrderError, Transfer

# An outer join, so that the months are opened also when no account exists yet: a month must be open before anything is
# written, or those who write and wait for the same month would wait for each other. What is of a closed month is posted
# in the first open one.
_FIND = sa.text(
    """
    WITH opening AS MATERIALIZED (
        SELECT CAST(max(month) + interval '1 month' AS date) AS first_on FROM ledger_periods WHERE book = :book
    ), months AS MATERIALIZED (
        SELECT count(ledger_open_month(greatest(day, first_on))) FROM unnest(CAST(:days AS date[])) AS day, opening
    )
    SELECT array_agg(a.id ORDER BY k.position) AS ids, (SELECT first_on FROM opening) AS opens_on
      FROM months, unnest(CAST(:kinds AS text[]), CAST(:owners AS uuid[]), CAST(:counterparts AS uuid[]),
                         CAST(:steps AS text[])) WITH ORDINALITY AS k (kind, owner_id, counterpart_id, step, position)
      LEFT JOIN ledger_accounts a ON a.book = :book AND a.kind = k.kind AND a.owner_id = k.owner_id
       AND a.counterpart_id IS NOT DISTINCT FROM k.counterpart_id AND a.step IS NOT DISTINCT FROM k.step
    """
)
_ADD = sa.text(
    """
    INSERT INTO ledger_accounts (book, kind, owner_id, counterpart_id, step)
    SELECT :book, k.kind, k.owner_id, k.counterpart_id, k.step
      FROM unnest(CAST(:kinds AS text[]), CAST(:owners AS uuid[]), CAST(:counterparts AS uuid[]),
                  CAST(:steps AS text[])) AS k (kind, owner_id, counterpart_id, step)
     ORDER BY 2, 3, 4, 5
    ON CONFLICT DO NOTHING
    """
)
_POST = sa.text(
    """
    WITH posted AS (
        INSERT INTO ledger_entries
            (id, book, source, reason, effective_on, original_effective_on, transfer_count, total_fen, facts,
             facts_sha256)
        SELECT e.id, :book, e.source, e.reason, e.effective_on, e.original_effective_on, e.transfer_count,
               e.total_fen, CAST(e.facts AS jsonb), e.facts_sha256
          FROM unnest(CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:reasons AS text[]),
                      CAST(:effective_on AS date[]), CAST(:original_on AS date[]), CAST(:counts AS bigint[]),
                      CAST(:totals AS bigint[]), CAST(:facts AS text[]), CAST(:facts_sha256 AS text[]))
               AS e (id, source, reason, effective_on, original_effective_on, transfer_count, total_fen, facts,
                     facts_sha256)
        RETURNING id, effective_on
    )
    INSERT INTO ledger_transfers
        (entry_id, position, effective_on, book, debit_account_id, credit_account_id, amount_fen, order_line_id,
         mechanism, contribution_id, payment_id, assisted)
    SELECT p.id, t.position, p.effective_on, :book, t.debit, t.credit, t.amount_fen, t.order_line_id,
           t.mechanism, t.contribution_id, t.payment_id, t.assisted
      FROM unnest(CAST(:entries AS int[]), CAST(:positions AS int[]), CAST(:debits AS bigint[]),
                  CAST(:credits AS bigint[]), CAST(:amounts AS bigint[]), CAST(:lines AS uuid[]),
                  CAST(:mechanisms AS text[]), CAST(:contributions AS uuid[]), CAST(:payments AS uuid[]),
                  CAST(:assisted AS boolean[]))
           AS t (entry, position, debit, credit, amount_fen, order_line_id, mechanism, contribution_id,
                 payment_id, assisted)
      JOIN posted p ON p.id = (CAST(:ids AS uuid[]))[t.entry]
    """
)


def account_ids(session: orm.Session, book: Book, keys: Iterable[AccountKey], *, days: Collection[date]) -> list[int]:
    """Return the id of each account in turn, opening those that do not exist and the months of `days`."""
    return prepare(session, book, keys, days=days)[0]


def prepare(
    session: orm.Session, book: Book, keys: Iterable[AccountKey], *, days: Collection[date]
) -> tuple[list[int], date]:
    """Return the id of each account in turn, as `account_ids` does, and the first day that is not in a closed month.

    In a month that is closed meanwhile nothing can be posted: it was open when it was asked.
    """
    places: dict[AccountKey, int] = {}
    asked = [places.setdefault(key, len(places)) for key in keys]
    wanted = list(places)
    found, opens_on = _find(session, book, wanted, days)
    if None in found:
        missing = [key for key, account_id in zip(wanted, found, strict=True) if account_id is None]
        session.execute(_ADD, {"book": book, **_columns(missing)})
        found, _ = _find(session, book, wanted, ())
    return [found[place] for place in asked], opens_on  # type: ignore[misc] # all are open by now


def _find(
    session: orm.Session, book: Book, keys: Sequence[AccountKey], days: Collection[date]
) -> tuple[list[int | None], date]:
    months = sorted({day.replace(day=1) for day in days})
    row = session.execute(_FIND, {"book": book, "days": months, **_columns(keys)}).one()
    return list(row.ids), row.opens_on or date.min


def _columns(keys: Sequence[AccountKey]) -> dict[str, str]:
    kinds, owners, counterparts, steps = zip(*keys, strict=True)
    return {
        "kinds": array(kinds),
        "owners": array(owners),
        "counterparts": array(counterparts),
        "steps": array(steps),
    }


def post(session: orm.Session, book: Book, entries: Sequence[Entry]) -> list[UUID]:
    """Post entries whose accounts are of `book`, all in one statement; return their ids.

    Entries without transfers post nothing. Raises `PeriodClosedError`; a source that has posted raises the
    database's `IntegrityError`, and so does whatever else would spoil the book.
    """
    posting = [entry for entry in entries if entry.transfers]
    if not posting:
        return []
    ids = [new_id() for _ in posting]
    facts = [json.dumps(entry.facts, separators=(",", ":"), sort_keys=True, default=str) for entry in posting]
    parameters = {
        "book": book,
        "ids": ids,
        "sources": [entry.source for entry in posting],
        "reasons": [entry.reason for entry in posting],
        "effective_on": [entry.effective_on for entry in posting],
        "original_on": [entry.original_effective_on for entry in posting],
        "counts": [len(entry.transfers) for entry in posting],
        "totals": [sum(transfer.amount_fen for transfer in entry.transfers) for entry in posting],
        "facts": facts,
        "facts_sha256": [sha256(text.encode()).hexdigest() for text in facts],
        "entries": array(number for number, entry in enumerate(posting, start=1) for _ in entry.transfers),
        "positions": array(position for entry in posting for position in range(len(entry.transfers))),
        **_transfers([transfer for entry in posting for transfer in entry.transfers]),
    }
    try:
        session.execute(_POST, parameters)
    except sa.exc.DBAPIError as error:
        raise _translated(error, posting) from error
    return ids


def _transfers(transfers: Sequence[Transfer]) -> dict[str, str]:
    debits, credits_, amounts, lines, mechanisms, contributions, payments, assisted = zip(*transfers, strict=True)
    return {
        "debits": array(debits),
        "credits": array(credits_),
        "amounts": array(amounts),
        "lines": array(lines),
        "mechanisms": array(mechanisms),
        "contributions": array(contributions),
        "payments": array(payments),
        "assisted": array(assisted),
    }


def _translated(error: sa.exc.DBAPIError, entries: Sequence[Entry]) -> Exception:
    if getattr(error.orig, "sqlstate", None) == PERIOD_CLOSED_STATE:
        return PeriodClosedError(on=min(entry.effective_on for entry in entries))
    return error


PERIOD_CLOSED_STATE = "MK001"
"""The SQLSTATE with which the database refuses a posting into a closed month."""


def close_month(session: orm.Session, book: Book, *, month: date, closed_by: UUID, today: date) -> str:
    """Close a month for ever and keep every account's balance; return the hash of those balances.

    Raises `PeriodOrderError` unless the month is over, not closed, and no earlier month with postings is open.
    """
    month = month.replace(day=1)
    if month >= today.replace(day=1):
        raise PeriodOrderError(month=month, reason="it is not over", reason_zh="尚未结束")
    refused = session.scalar(sa.text("SELECT ledger_why_not_close(:book, :month)"), {"book": book, "month": month})
    if refused is not None:
        raise _not_closed(session, book, month, refused)
    closing = sa.text("SELECT ledger_close_month(:book, :month, :closed_by)")
    try:
        return str(session.scalar(closing, {"book": book, "month": month, "closed_by": closed_by}))
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == PERIOD_CLOSED_STATE:
            raise PeriodOrderError(month=month, reason="it is closed", reason_zh="已结账") from error
        raise


def _not_closed(session: orm.Session, book: Book, month: date, why: str) -> PeriodOrderError:
    if why == "it is closed":
        return PeriodOrderError(month=month, reason=why, reason_zh="已结账")
    oldest = sa.text("SELECT min(effective_on) FROM ledger_entries WHERE book = :book AND effective_on >= :first_on")
    first = session.scalars(oldest, {"book": book, "first_on": opens_on(session, book)}).one()
    return PeriodOrderError(month=month, reason=f"{why}, {first:%Y-%m}", reason_zh=f"{first:%Y-%m} 月尚未结账")


def opens_on(session: orm.Session | sa.Connection, book: Book) -> date:
    """Return the first day that is not in a closed month; whatever is recorded of days before is posted there."""
    first = sa.text("SELECT CAST(max(month) + interval '1 month' AS date) FROM ledger_periods WHERE book = :book")
    return session.scalar(first, {"book": book}) or date.min


def open_month(session: orm.Session, *, day: date) -> None:
    """Make room for the postings of a day's month, ahead of them."""
    session.execute(sa.text("SELECT ledger_open_month(:day)"), {"day": day})
