"""Lists and lots by the oracle's reckoning: what a period's distribution gives, what collectives give on, lots of lots.

A list is split by weight, or promised by a rate; what stands in a pool or is retained pays it, the oldest first.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

from tests.year.facts import Facts
from tests.year.reckoning import Parts, Reckoning
from tests.year.splitting import by_hash, left_for, split
from tests.year.standing import CONFIRMED, DISBURSED, RECOGNISED, Place, Share

MONTHS = 12


class Fund(NamedTuple):
    """What of a place may be given, and the day of the last that counts."""

    place: Place
    fen: int
    last: date


class Replay(Reckoning):
    """A cooperative's whole year, from its facts alone."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.given_on: dict[str, int] = defaultdict(int)

    def play(self) -> None:
        """Let everything happen again, in its order."""
        for event in self.facts.events:
            getattr(self, event.what)(*event.known)

    def share_out(  # noqa: PLR0917 - the facts of a distribution
        self,
        distribution: str,
        mechanism: str,
        begins: date,
        ends: date,
        on: date,
        inputs: Mapping[str, Any],
        body: Any,
    ) -> None:
        """Give what a period's list says, out of the pool and then of what was retained in the period."""
        salt = f"distribution:{self.facts.supplier}:{mechanism}:{begins}:{ends}"
        listed = self._listed(distribution, (begins, ends), inputs, body, salt)
        given, kept = self._eligible_of(listed, mechanism, ends)
        if kept:
            given.append((Share("pool", self.facts.supplier, mechanism), kept))
        funds = self._funds(mechanism, begins, ends)
        day = self._hand_out(given, funds, on, salt, of=(begins, ends))
        self.match({share[:2] for share, _ in given}, day)

    def _listed(
        self, distribution: str, period: tuple[date, date], inputs: Mapping[str, Any], body: Any, salt: str
    ) -> list[tuple[str, str, int]]:
        """Return who is due what by the formula: kind, owner, fen."""
        if inputs["formula"] == "custody":
            return _promised(body["entitlements"], inputs["months"])
        if inputs["formula"] == "patronage":
            reserve = floor(Fraction(inputs["surplus_fen"] * self.facts.reserves[distribution], 10_000))
            distributable = inputs["surplus_fen"] - reserve
            fen = distributable - floor(Fraction(distributable * (10_000 - inputs["by_volume_bp"]), 10_000))
            weights = self._delivered(*period)
        else:
            fen = inputs["amount_fen"]
            weights = {
                row["household"]: sum(row[f"{each}_fen"] for each in inputs["sources"]) for row in body["shares"]
            }
        return _by_weight(fen, weights, salt)

    def _delivered(self, begins: date, ends: date) -> dict[str, int]:
        """Return how much each household delivered in a period, once, wherever it went on."""
        volumes: dict[str, int] = defaultdict(int)
        for given in self.facts.given.values():
            if given.measure == "quantity" and not given.carried_from and begins <= given.delivered_on <= ends:
                volumes[given.household] += given.measure_milli
        return dict(sorted(volumes.items()))

    def _eligible_of(
        self, listed: Sequence[tuple[str, str, int]], mechanism: str, on: date
    ) -> tuple[list[tuple[Share, int]], int]:
        """Return who of a list is given something, and what is for people who may not be paid."""
        given: Parts = []
        kept = 0
        for kind, owner, fen in listed:
            household = self.facts.households.get(owner)
            if household and not household.on_register(on):
                kept += fen
            elif fen:
                assisted = household.assisted(on) if household else None
                given.append((Share(kind, owner, mechanism, None, assisted), fen))
        return given, kept

    def _funds(self, mechanism: str, begins: date, ends: date) -> list[Fund]:
        found: list[tuple[str, date, str, Fund]] = []
        for kind, name in (("pool", mechanism), ("retained", None)):
            for place, _ in self.standing.of_owner(kind, self.facts.supplier, RECOGNISED):
                if place.share.mechanism != name:
                    continue
                moved = self.standing.moved[place]
                fen = left_for(moved, "" if kind == "pool" else str(begins), str(ends))
                came = [date.fromisoformat(each.begins_on) for each in moved if each.fen > 0]
                if fen > 0:
                    last = max(day for day in came if day <= ends)
                    found.append((kind, min(came), place.line or "", Fund(place, fen, last)))
        return [fund for *_, fund in sorted(found, key=lambda each: each[:3])]

    def _hand_out(
        self, given: Parts, funds: Sequence[Fund], on: date, salt: str, of: tuple[date, date] | None = None
    ) -> date:
        """Use the funds up in turn, for one after the other in the order of their hashes; return the day it counts."""
        row = iter([(fund, fund.fen) for fund in funds])
        fund, there = next(row)
        parts: list[tuple[Fund, Share, int]] = []
        for share, fen in sorted(given, key=lambda each: by_hash(salt, each[0].key)):
            wanted = fen
            while wanted:
                if not there:
                    fund, there = next(row)
                part = min(wanted, there)
                parts.append((fund, share, part))
                wanted, there = wanted - part, there - part
        day = max([self.posted_on(on), *(fund.last for fund, _, _ in parts)])
        for fund, share, fen in parts:
            if share != fund.place.share:
                payment = fund.place.payment
                step = DISBURSED if payment else RECOGNISED
                self.standing.move(fund.place, "base", fen, day, of)
                self.standing.move("base", Place(fund.place.line, share, step, payment), fen, day)
        return day

    def give_on(  # noqa: PLR0917 - the facts of a second distribution
        self, _: str, collective: str, on: date, whole: int, body: Any, sha256: str, confirmed_on: date | None
    ) -> None:
        """Give on what a collective received, the oldest first, by its own list."""
        salt = f"second_distribution:{collective}:{self.facts.supplier}:{sha256}"
        listed = _by_weight(whole, {row["household"]: row["weight"] for row in body["list"]}, salt)
        given = self._eligible_of(listed, "collective_dividend", on)[0]
        standing = self.standing.of_owner("collective", collective, CONFIRMED, DISBURSED)
        funds = [Fund(place, fen, self.standing.last(place)) for place, fen in standing]
        funds.sort(
            key=lambda fund: (
                self.standing.first(fund.place),
                *(fund.place.line, fund.place.payment, fund.place.step, fund.place.share.mechanism),
            )
        )
        for share, part in given:
            self.given_on[share.owner] += part
            self.given_on[collective] -= part
        before = self._had(given)
        self._hand_out(given, funds, on, salt)
        more = [(place, fen - before.get(place, 0)) for place, fen in self._had(given).items()]
        had = [(place, fen) for place, fen in more if fen]
        under = {(place.share.owner, place.payment or "") for place, _ in had}
        for each in under:
            self.had_on[each].append(confirmed_on)
        if confirmed_on:
            self.confirm_places([*had, *self._claimed(under)], confirmed_on)

    def _claimed(self, under: Collection[tuple[str, str]]) -> list[tuple[Place, int]]:
        """Return what orders have claimed of what came back of money given on, once all of it is confirmed."""
        return [
            (place, fen)
            for owner, payment in under
            if self.all_had_on(owner, payment)
            for place, fen in self.standing.of_owner("household", owner, DISBURSED)
            if place.payment == payment and place.share.mechanism != "collective_dividend"
        ]

    def _had(self, given: Parts) -> dict[Place, int]:
        owners = {share.owner for share, _ in given}
        return {
            place: fen
            for owner in owners
            for place, fen in self.standing.of_owner("household", owner, DISBURSED)
            if place.share.mechanism == "collective_dividend"
        }

    def make(self, lot_id: str) -> None:
        """Let contributions go along into a lot that is made of others, and hold what is on record against that."""
        expected: dict[str, tuple[int, int | None]] = {}
        for source_id, milli in self.facts.lots[lot_id].inputs:
            source = self.facts.lots[source_id]
            consigned = [given for given in source.given if given.amount_fen is None]
            weights = [(given.id, given.measure_milli) for given in consigned]
            rest = source.made_of - sum(weight for _, weight in weights)
            if consigned:
                measures = split(milli, [*weights, ("", rest)], lot_id)
                expected |= {given.id: (part, None) for given, part in zip(consigned, measures, strict=False)}
            drawn, moved = self.drawn[source_id], self.moved[source_id]
            self.drawn[source_id] += milli
            self.moved[source_id] += milli
            for given in source.given:
                if given.amount_fen is not None:
                    measure = _along(given.measure_milli, moved, moved + milli, source.quantity_milli)
                    expected[given.id] = measure, self.release(given, drawn, drawn + milli)
        found = {
            given.carried_from: (given.measure_milli, given.amount_fen)
            for given in self.facts.lots[lot_id].given
            if given.carried_from
        }
        going = {key: each for key, each in expected.items() if any(each)}
        if found != going:
            self.wrong.append(f"lot {lot_id} took contributions {found} along instead of {going}")


def _along(measure: int, before: int, after: int, whole: int) -> int:
    return floor(Fraction(measure * after, whole)) - floor(Fraction(measure * before, whole))


def _promised(rows: Sequence[Any], months: int) -> list[tuple[str, str, int]]:
    """Return what entrusted capital has earned: each part the whole fen, a collective's summed over households."""
    dues: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        for kind in ("household", "collective"):
            earned = Fraction(row["capital_fen"] * row[f"{kind}_bp"] * months, 10_000 * MONTHS)
            dues[kind, row[kind]] += floor(earned)
    return [(*who, fen) for who, fen in dues.items()]


def _by_weight(fen: int, weights: Mapping[str, int], salt: str) -> list[tuple[str, str, int]]:
    parts = split(fen, [(f"household:{household}", weight) for household, weight in weights.items()], salt)
    return [("household", household, part) for household, part in zip(weights, parts, strict=True)]
