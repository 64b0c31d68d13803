"""What lists bring about: a supplier's distribution of a period, and what a collective gives on."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from market.audit.eligibility import Hints
from market.audit.facts import Event
from market.audit.history import Expected, Gift, History
from market.audit.oracle import (
    BASE,
    COLLECTIVE,
    CONFIRMED,
    DISBURSED,
    HOUSEHOLD,
    PAYEES,
    POOL,
    RECOGNISED,
    RETAINED,
    Stake,
    portion,
    split,
)
from market.audit.rules import Difference, Finding
from market.audit.sharing_facts import DistributionFact, ListedFact, RegisterFact
from market.audit.standing import Amount, Claim, Held, moving

SECOND = "collective_dividend"
"""Why a household is given what its collective had received."""

ALL_SOURCES = ("own", "land", "grant", "loan")
"""All capital counts where what a return by volume left is shared and grants count to every member alike."""


class Sharing(History):
    """Distributions and second distributions."""

    def _share_out(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        fact = event.distribution
        assert fact, "a distribution is of its facts"  # noqa: S101
        source = event.trigger
        self._check_list(source, fact.items, self._listed(fact), fact.register, fact.list_sha256, fact.period_to)
        kept = sum(item.fen for item in fact.items if item.excluded)
        given = _given(fact.items, fact.mechanism)
        if kept:
            given[Stake(POOL, self._supplier_id, fact.mechanism)] = kept
        pool = self._standing.held(POOL, self._supplier_id, RECOGNISED, mechanism=fact.mechanism)
        retained = self._standing.held(RETAINED, self._supplier_id, RECOGNISED, mechanism=None)
        funds = self._standing.of_period(pool, date.min, fact.period_to)
        from_pool = min(sum(held.fen for held in funds), fact.amount_fen)
        funds += self._standing.of_period(retained, fact.period_from, fact.period_to)
        name = f"distribution:{self._supplier_id}:{fact.mechanism}:{fact.period_from}:{fact.period_to}"
        moves, on = self._hand_out(given, funds, event.on, name)
        facts = {
            "distribution": str(fact.id),
            "mechanism": fact.mechanism,
            "period": [str(fact.period_from), str(fact.period_to)],
            "inputs": fact.inputs,
            "register_sha256": fact.register.pinned_sha256 if fact.register else None,
            "list_sha256": fact.list_sha256,
            "from_pool_fen": from_pool,
            "from_retained_fen": fact.amount_fen - from_pool,
            **({"remainder_of": str(fact.remainder_of)} if fact.remainder_of else {}),
        }
        listed = Expected(source, "distribution", on, moves, facts, period=(fact.period_from, fact.period_to))
        self._lists[fact.id] = listed
        yield listed
        yield from self._match(event, {stake.owner_id for stake in given if stake.kind in PAYEES}, on, hints)

    def _listed(self, fact: DistributionFact) -> dict[tuple[str, UUID], tuple[int, int]]:
        """Return whom the formula lists, with weight and fen; nobody where it does not apply, as by a mixed volume."""
        inputs, rows = fact.inputs, fact.register.rows if fact.register else []
        name = f"distribution:{self._supplier_id}:{fact.mechanism}:{fact.period_from}:{fact.period_to}"
        match inputs["formula"]:
            case "patronage":
                left = inputs["surplus_fen"] - portion(inputs["surplus_fen"], inputs["reserve_bp"], 10_000)
                whole = left - portion(left, 10_000 - inputs["by_volume_bp"], 10_000)
                by_value = inputs["counted"] == "value"
                counted = [each for each in fact.delivered if each.contribution_id not in self._annulled]
                if not by_value and len({each.unit for each in counted}) > 1:
                    return {}
                volumes: dict[UUID, int] = defaultdict(int)
                for each in counted:
                    volumes[each.household_id] += (each.fen or 0) if by_value else each.milli
                return _by_weight(whole, volumes, name)
            case "dividend":
                alike = fact.remainder_of and inputs["averages_grants"]
                capital = _capital(rows, {**inputs, "sources": ALL_SOURCES} if alike else inputs, name)
                return _by_weight(inputs["amount_fen"], capital, name)
            case "profit":
                return _by_mode(fact)
        found: dict[tuple[str, UUID], tuple[int, int]] = {}
        for row in rows if inputs["months"] <= _whole_months(fact.period_from, fact.period_to) else ():
            for kind, part in ((HOUSEHOLD, "household"), (COLLECTIVE, "collective")):
                fen = portion(row["capital_fen"], row[f"{part}_bp"] * inputs["months"], 120_000)
                weight, before = found.get((kind, UUID(row[part])), (0, 0))
                found[kind, UUID(row[part])] = weight + row["capital_fen"], before + fen
        return found

    def _check_list(  # noqa: PLR0917 - what a list is, and what it must be
        self,
        source: str,
        items: Sequence[ListedFact],
        listed: Mapping[tuple[str, UUID], tuple[int, int]],
        register: RegisterFact | None,
        list_sha256: str,
        on: date,
    ) -> None:
        """Hold a list against its formula, its register's hash, its own hash, and the households of the day."""
        if register and not register.sound:
            self.remarks.append(Finding(Difference.LIST, source, detail=register.pinned_sha256))
        rows = sorted([item.kind, str(item.payee_id), *item[2:]] for item in items)
        if sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest() != list_sha256:
            self.remarks.append(Finding(Difference.LIST, source, detail=list_sha256))
        found = {(item.kind, item.payee_id): (item.weight, item.fen) for item in items}
        for owner in sorted(found.keys() | listed.keys()):
            if found.get(owner) != listed.get(owner):
                expected_fen, found_fen = (each.get(owner, (0, 0))[1] for each in (listed, found))
                self.remarks.append(
                    Finding(
                        Difference.LIST,
                        source,
                        owner_kind=owner[0],
                        owner_id=owner[1],
                        expected_fen=expected_fen,
                        found_fen=found_fen,
                    )
                )
        for item in items:
            if item.kind == HOUSEHOLD:
                self._check_standing(source, item, on)

    def _check_standing(self, source: str, item: ListedFact, on: date) -> None:
        """Hold what a list says of a household on the day against the register, as it is or has been.

        So too whether it took part when the list was made: of what a collective gives on nobody is asked that.
        """
        household = self._facts.households[item.payee_id]
        took_part = self._facts.taking_part.get((source, item.payee_id), {True})
        on_register, is_enrolled = item.excluded != "off_register", item.excluded != "not_enrolled"

        def fits(state: tuple[bool, bool]) -> bool:
            return state[0] == on_register and (not is_enrolled or state[1] == bool(item.assisted))

        fitting = not on_register or is_enrolled in took_part
        if fitting and fits((household.on_register(on), household.assisted(on))):
            return
        possible = fitting and any(fits(state) for state in household.may_have_been(on))
        difference = Difference.REGISTER if possible else Difference.LIST
        self.remarks.append(Finding(difference, source, owner_kind=HOUSEHOLD, owner_id=item.payee_id))

    def _hand_out(
        self, given: Mapping[Stake, int], funds: Sequence[Held], on: date, name: str
    ) -> tuple[list[Amount], date]:
        """Let every stake take what it is given from where the last one ended; return the moves and their day.

        The funds stand in a row, fen after fen, and so do the stakes: what overlaps is a part.
        """
        base = self._source(BASE)
        taken: list[Amount] = []
        brought: list[Amount] = []
        ends, begins = 0, 0
        order = sorted(given, key=lambda stake: sha256(f"{name}|{stake.text}".encode()).digest())
        places: list[tuple[int, int, Stake]] = []
        for stake in order:
            places.append((ends, ends + given[stake], stake))
            ends += given[stake]
        for held in funds:
            until = begins + held.fen
            parts = [
                (stake, min(until, last) - max(begins, first))
                for first, last, stake in places
                if first < until and last > begins
            ]
            if parts:
                on = max(on, held.last_on)
            moving_fen = 0
            for stake, fen in parts:
                if stake == held.stake or not fen:
                    continue
                moving_fen += fen
                target = self._of(stake, DISBURSED if held.payment_id else RECOGNISED)
                brought.append(moving(base, target, stake, fen, held.line_id, held.payment_id))
            if moving_fen:
                place = self._of(held.stake, held.step)
                taken.append(moving(place, base, held.stake, moving_fen, held.line_id, held.payment_id))
            begins = until
        return [*taken, *brought], on

    def _give_on(self, event: Event, _: Mapping[str, Hints]) -> Iterator[Expected]:
        fact = event.second
        assert fact, "a second distribution is of its facts"  # noqa: S101
        name = f"second_distribution:{fact.collective_id}:{self._supplier_id}:{fact.register.pinned_sha256}"
        weights = {UUID(row["household"]): row["weight"] for row in fact.register.rows}
        listed = _by_weight(fact.amount_fen, weights, name)
        self._check_list(event.trigger, fact.items, listed, fact.register, fact.list_sha256, fact.given_on)
        funds = [
            held
            for step in (CONFIRMED, DISBURSED)
            for held in self._standing.held(COLLECTIVE, fact.collective_id, step)
        ]
        funds.sort(
            key=lambda held: (held.first_on, held.line_id, held.payment_id, held.step, held.stake.mechanism or "")
        )
        moves, on = self._hand_out(_given(fact.items, SECOND), funds, event.on, name)
        self._keep_given(fact.id, moves)
        facts = {
            "second_distribution": str(fact.id),
            "collective": str(fact.collective_id),
            "register_sha256": fact.register.pinned_sha256,
            "list_sha256": fact.list_sha256,
        }
        original_on = fact.given_on if fact.given_on < on else None
        yield Expected(event.trigger, "second_distribution", on, moves, facts, original_on=original_on)

    def _keep_given(self, second_id: UUID, moves: Sequence[Amount]) -> None:
        """Keep what is given; of what was given there before, no more is left than stood there until now."""
        given: dict[Gift, int] = defaultdict(int)
        for move, fen in moves:
            if move.credit.kind == HOUSEHOLD:
                assert move.order_line_id, "what is given on is of a line"  # noqa: S101
                assert move.payment_id, "and was paid"  # noqa: S101
                given[Gift(move.order_line_id, move.stake, move.payment_id)] += fen
        for gift, fen in given.items():
            self._unconfirmed[gift] = {**self._left_of(gift), second_id: fen}
        self._given_on[second_id] = given

    def _left_of(self, gift: Gift) -> dict[UUID, int]:
        """Return what stands of each second distribution that gave there, unconfirmed: the last given falls first."""
        room = self._standing.line(gift.line_id).get(gift.place, 0)
        left: dict[UUID, int] = {}
        for second_id, fen in self._unconfirmed[gift].items():
            left[second_id] = min(fen, room - sum(left.values()))
        return left

    def _confirm_second(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        moves: list[Amount] = []
        on = event.on
        self._standing.confirmed.add(event.id)
        given = self._given_on.get(event.id, {})
        whole = {place for place in _places(given) if self._confirmed_on(*place, event, hints)}
        for claim, payment_id in [*self._standing_of(event.id), *self._claimed(whole)]:
            source, target = self._of(claim.stake, DISBURSED), self._of(claim.stake, CONFIRMED)
            moves.append(moving(source, target, claim.stake, claim.fen, claim.line_id, payment_id))
            on = max(on, claim.last_on)
        for gift in given:
            left = self._left_of(gift)
            if left.pop(event.id):
                self._unconfirmed[gift] = left
        yield Expected(event.trigger, "confirmation", on, moves, {"second_distribution": str(event.id)})

    def second_unconfirmed(self, second_id: UUID) -> Iterator[Claim]:
        """Yield, at the end, what of a second distribution stands unconfirmed, or was claimed of what came back."""
        given = self._given_on.get(second_id, {})
        whole = {
            place for place in _places(given) if all(self._seconds[each].confirmed_at for each in self._gave(*place))
        }
        for claim, _ in [*self._standing_of(second_id), *self._claimed(whole)]:
            yield claim

    def _claimed(self, places: Collection[tuple[UUID, UUID]]) -> Iterator[tuple[Claim, UUID]]:
        """Yield what households' orders claimed of advances under collectives' payments, and nobody has confirmed."""
        for payment_id, owner_id in places:
            for claim in self._standing.paid_by(payment_id):
                if (claim.step, claim.stake.owner_id) == (DISBURSED, owner_id) and claim.stake.mechanism != SECOND:
                    yield claim, payment_id

    def _standing_of(self, second_id: UUID) -> Iterator[tuple[Claim, UUID]]:
        """Yield what a second distribution gave and nobody has confirmed, as far as it still stands."""
        for gift in self._given_on.get(second_id, {}):
            if left := self._left_of(gift).get(second_id, 0):
                last_on = self._standing.last_on(gift.line_id, gift.place)
                yield Claim(gift.line_id, gift.stake, DISBURSED, left, last_on, last_on), gift.payment_id


def _places(given: Mapping[Gift, int]) -> set[tuple[UUID, UUID]]:
    """Return under which payments something was given, to whom."""
    return {(gift.payment_id, gift.stake.owner_id) for gift in given}


def _given(items: Sequence[ListedFact], mechanism: str) -> dict[Stake, int]:
    return {
        Stake(item.kind, item.payee_id, mechanism, None, item.assisted): item.fen
        for item in items
        if item.fen and not item.excluded
    }


def _whole_months(first: date, last: date) -> int:
    """Return how many months, each from the first day's day of the month to the day before it, lie in a period."""
    after = last + timedelta(days=1)
    begun = 12 * (after.year - first.year) + after.month - first.month
    return begun if after.day >= first.day else begun - 1


def _capital(rows: Sequence[Mapping[str, Any]], inputs: Mapping[str, Any], name: str) -> dict[UUID, int]:
    """Return the capital that counts, of the named sources; where grants are averaged, everybody's part of all."""
    averaged = {"grant"} if inputs["averages_grants"] else set()
    own, alike_too = set(inputs["sources"]) - averaged, averaged.intersection(inputs["sources"])
    capital = {UUID(row["household"]): sum(row[f"{source}_fen"] for source in own) for row in rows}
    granted = sum(row[f"{source}_fen"] for source in alike_too for row in rows)
    alike = _by_weight(granted, dict.fromkeys(capital, 1), f"{name}|grants")
    return {who: fen + alike[HOUSEHOLD, who][1] for who, fen in capital.items()}


def _by_mode(fact: DistributionFact) -> dict[tuple[str, UUID], tuple[int, int]]:
    """Return whose land brought how much by the scheme: nothing outside its years, nothing outside its bounds."""
    scheme = fact.register.scheme if fact.register else None
    if not fact.register or not scheme:
        return {}
    paying = range(scheme["first_year"], scheme["first_year"] + scheme["years"])
    if not {fact.period_from.year, fact.period_to.year}.issubset(paying):
        return {}
    parts = {mode["code"]: mode["household_bp"] for mode in scheme["modes"]}
    found = {}
    for row in fact.register.rows:
        bp, area_milli_mu = parts.get(row["mode"], 0), row["area_milli_mu"]
        if scheme["lowest_bp"] <= bp <= scheme["highest_bp"]:
            fen = portion(fact.inputs["profit_fen_per_mu"] * area_milli_mu, bp, 1_000 * 10_000)
            found[HOUSEHOLD, UUID(row["household"])] = area_milli_mu, fen
    return found


def _by_weight(whole: int, weights: Mapping[UUID, int], name: str) -> dict[tuple[str, UUID], tuple[int, int]]:
    named = {f"{HOUSEHOLD}:{who}": weight for who, weight in weights.items()}
    parts = split(whole, named, name) or {}
    return {(HOUSEHOLD, who): (weight, parts.get(f"{HOUSEHOLD}:{who}", 0)) for who, weight in weights.items()}
