"""What may be read of the book's periods."""

from datetime import date

import sqlalchemy as sa

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
