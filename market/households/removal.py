"""How monitoring ends: no earlier than six months after a household was identified (domain.md §5).

A departure is a fact, whenever it comes: a household moves away, dies out, is merged into another. But it removes
nobody from monitoring. Who leaves sooner leaves for a stated reason, is named among the warnings, and whoever
registers the same people anew goes on monitoring them for the rest of the six months.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from market.errors import MarketError
from market.households.rules import MONITORED, DepartureReason, HouseholdStatus, months_after

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


class CutShort(NamedTuple):
    """Monitoring that a departure cut short: its first day, and the first on which the household was gone."""

    identified_on: date
    departed_on: date

    @property
    def earliest(self) -> date:
        """Return the first day on which it might have ended."""
        return months_after(self.identified_on, REMOVAL_AFTER_MONTHS)


def cut_short(periods: Periods, departed_on: date | None) -> CutShort | None:
    """Return what a departure cut short, if the household was monitored and not yet for six months."""
    since = identified_on(periods)
    if since is None or departed_on is None:
        return None
    cut = CutShort(since, departed_on)
    return cut if departed_on < cut.earliest else None


def check_departure_reason(reason: DepartureReason | None, cut: CutShort) -> None:
    """Raise `DepartureReasonError` for a departure that cuts monitoring short and does not say why."""
    if reason is None:
        raise DepartureReasonError(identified_on=cut.identified_on, earliest=cut.earliest, pointer="/reason")


def check_continued(periods: Periods, cuts: Iterable[CutShort], *, pointer: str | None = None) -> None:
    """Raise `MonitoringContinuesError` if who registers people anew does not monitor them until they may be removed.

    That is from the day on which they left; before it, and from the earliest day of removal on, its statuses are free.
    """
    ends = [valid_from for _, valid_from in periods[1:]] + [date.max]
    for cut in cuts:
        for (status, valid_from), end in zip(periods, ends, strict=True):
            if status not in MONITORED and valid_from < cut.earliest and end > cut.departed_on:
                raise MonitoringContinuesError(identified_on=cut.identified_on, earliest=cut.earliest, pointer=pointer)


def monitored_since(periods: Periods, cuts: Iterable[CutShort]) -> date | None:
    """Return since when a household is monitored that goes on with what departures of its people cut short."""
    own = identified_on(periods)
    return max((cut.identified_on for cut in cuts if own is not None and own < cut.earliest), default=own)


class RemovalTooEarlyError(MarketError):
    """Monitoring lasts at least six months."""

    status = 409
    en = "This household has been monitored since {identified_on}; it may be removed from {earliest} on."
    zh = "该户自 {identified_on} 起纳入监测,最早可于 {earliest} 解除。"


class DepartureReasonError(MarketError):
    """Who is taken off the register while monitored is taken off for a reason."""

    en = "Monitored since {identified_on}, this household leaves before {earliest} for a stated reason only."
    zh = "该户自 {identified_on} 起纳入监测,{earliest} 前退出登记册须注明原因。"


class MonitoringContinuesError(MarketError):
    """The people are the same, whatever the code of their household."""

    status = 409
    en = (
        "The same people are monitored since {identified_on}: registered anew, their household is to be monitored from"
        " the day they left until {earliest}."
    )
    zh = "相同人员自 {identified_on} 起纳入监测;重新登记的,自其退出之日起至 {earliest} 须继续监测。"
