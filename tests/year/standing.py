"""What stands where by the oracle's own reckoning: shares of lines, step by step, and money paid ahead."""

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from tests.year.splitting import Movement

ACCRUED, RECOGNISED, DISBURSED, CONFIRMED = LADDER = ("accrued", "recognised", "disbursed", "confirmed")
TOP_UP, TOP_UP_PAID, ADVANCE = "top_up", "top_up_paid", "advance"
PAID_STEP = {RECOGNISED: DISBURSED, TOP_UP: TOP_UP_PAID}
CLAIMING = (RECOGNISED, ACCRUED, TOP_UP)
PAYEES = ("household", "collective")
KEPT = ("pool", "retained")


class Share(NamedTuple):
    """Whose a part of a line is, and why."""

    kind: str
    owner: str
    mechanism: str | None = None
    contribution: str | None = None
    assisted: bool | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.owner}:{self.mechanism or ''}:{self.contribution or ''}"


class Place(NamedTuple):
    """Where fen can be: a share of a line at a step, by payment once it is paid; without a line, an advance."""

    line: str | None
    share: Share
    step: str
    payment: str | None = None


class Account(NamedTuple):
    """What the book must say for a month: of a share of a line at a step, of advances, or of what stands against."""

    line: str | None
    share: Share
    step: str
    month: str


class Days:
    """The first and the last day on which something came to a place."""

    __slots__ = ("first", "last")

    def __init__(self, day: date) -> None:
        self.first = self.last = day


class Standing:
    """Every place with its fen, and the months in which they moved."""

    def __init__(self, supplier: str) -> None:
        self.supplier = supplier
        self.days: dict[Place, Days] = {}
        self.months: dict[Account, int] = defaultdict(int)
        self.moved: dict[Place, list[Movement]] = defaultdict(list)
        self._by_line: dict[str | None, dict[Place, int]] = defaultdict(dict)
        self._by_owner: dict[tuple[str, str, str], dict[Place, int]] = defaultdict(dict)

    def move(
        self, source: Place | str, target: Place | str, fen: int, on: date, of: tuple[date, date] | None = None
    ) -> None:
        """Move fen on a day; a name stands for what is the cooperative's own. `of` is the period of a distribution."""
        if fen:
            self._add(source, -fen, on, of)
            self._add(target, fen, on, None)

    def _add(self, place: Place | str, fen: int, on: date, of: tuple[date, date] | None) -> None:
        if isinstance(place, str):
            step = ADVANCE if place == "paid_ahead" else ACCRUED
            self.months[Account(None, Share(place, self.supplier), step, str(on)[:7])] += fen
            return
        share = Share(*place.share[:2]) if place.step == ADVANCE else place.share
        self.months[Account(place.line, share, place.step, str(on)[:7])] += fen
        for index in (self._by_line[place.line], self._by_owner[*place.share[:2], place.step]):
            standing = index.pop(place, 0) + fen
            if standing:
                index[place] = standing
        if fen > 0:
            if place in self.days:
                days = self.days[place]
                days.first, days.last = min(days.first, on), max(days.last, on)
            else:
                self.days[place] = Days(on)
        if place.share.kind in KEPT and place.step == RECOGNISED:
            self.moved[place].append(_movement(place, fen, on, of))

    def of_line(self, line: str) -> list[tuple[Place, int]]:
        """Return what stands on a line."""
        return list(self._by_line[line].items())

    def of_owner(self, kind: str, owner: str, *steps: str) -> list[tuple[Place, int]]:
        """Return what somebody has at these steps, wherever it stands."""
        return [each for step in steps for each in self._by_owner[kind, owner, step].items()]

    def first(self, place: Place) -> date:
        return self.days[place].first

    def last(self, place: Place) -> date:
        return self.days[place].last


def _movement(place: Place, fen: int, on: date, of: tuple[date, date] | None) -> Movement:
    """Say of which days fen came or left: a list takes retained money of its period, anything else of all before."""
    if fen > 0:
        return Movement(fen, str(on), str(on))
    begins_on = str(of[0]) if of and place.share.kind == "retained" else ""
    return Movement(fen, begins_on, str(of[1] if of else on))
