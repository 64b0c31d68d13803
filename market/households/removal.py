"""How monitoring ends: no earlier than six months after a household was identified (domain.md §5)."""

from collections.abc import Sequence
from datetime import date

from market.errors import MarketError
from market.households.rules import MONITORED, HouseholdStatus, months_after

REMOVAL_AFTER_MONTHS = 6
"""From identification to removal (rule 2_11_002, since April 2022)."""

Periods = Sequence[tuple[HouseholdStatus, date]]
"""A household's statuses in order of time, each with the day from which it holds until the next."""


def identified_on(periods: Periods) -> date | None:
    """Return since when a household is monitored without a break, from its statuses in order of time; None if not."""
    since: date | None = None
    for status, valid_from in periods:
        since = (since or valid_from) if status in MONITORED else None
    return since


def check_removal(status: HouseholdStatus, valid_from: date, *, identified_on: date | None) -> None:
    """Raise `RemovalTooEarlyError` for a status that ends monitoring within six months of its beginning."""
    if identified_on is None or status in MONITORED:
        return
    earliest = months_after(identified_on, REMOVAL_AFTER_MONTHS)
    if valid_from < earliest:
        raise RemovalTooEarlyError(identified_on=identified_on, earliest=earliest, pointer="/valid_from")


class RemovalTooEarlyError(MarketError):
    """Monitoring lasts at least six months."""

    status = 409
    en = "This household has been monitored since {identified_on}; it may be removed from {earliest} on."
    zh = "该户自 {identified_on} 起纳入监测,最早可于 {earliest} 解除。"
