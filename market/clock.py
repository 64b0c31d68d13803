"""The only clock. Services take `now`; endpoints and the worker ask here."""

from datetime import UTC, date, datetime, time, timedelta, timezone

CHINA_STANDARD_TIME = timezone(timedelta(hours=8), "CST")
YEARS = range(1900, 2200)
"""Days of other years are slips of the pen, and windows around them run out of the calendar."""


def utc_now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that may


def business_date(instant: datetime) -> date:
    """Return the calendar day of an instant in China, on which a fact is dated."""
    return instant.astimezone(CHINA_STANDARD_TIME).date()


def start_of(day: date) -> datetime:
    """Return the instant at which a day begins in China."""
    return datetime.combine(day, time(), CHINA_STANDARD_TIME)
