"""What goes in and out over HTTP: closing a month."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from market.api import PageQuery, Schema, form
from market.ledger.rules import Book

Month = Annotated[
    str,
    form(
        "^(19|2[01])[0-9]{2}-(0[1-9]|1[0-2])$",
        "a month of the years 1900 to 2199 written as YYYY-MM",
        "1900 年至 2199 年的月份(YYYY-MM)",
        example="2026-02",
    ),
]
BookOut = Annotated[Book, Field(examples=["attribution"])]


class CloseMonth(Schema):
    """A month of a book that is over, and before which none is open."""

    book: BookOut
    month: Month


class PeriodOut(Schema):
    """A closed month: it takes no posting, and its balances hash to this."""

    book: BookOut
    month: Annotated[date, Field(examples=["2026-02-01"])]
    closed_at: Annotated[datetime, Field(examples=["2026-03-05T08:00:00Z"])]
    balances_sha256: Annotated[str, Field(examples=["0" * 64])]


class PeriodQuery(PageQuery):
    """Which closed months to list."""

    book: BookOut | None = None
