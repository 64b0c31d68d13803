"""Who had a part in a line on the day: contributors with their standing at delivery, payees of pools at acceptance.

The register may be amended after a posting, with effect from before it; the posting stands. Where the book shows what
an earlier state of the register would have made, that is taken and remarked; nothing else is believed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from market.audit.facts import ContributionFact, DrawFact, LineFact, SupplierFacts
from market.audit.oracle import COLLECTIVE, HOUSEHOLD, ConsignedTo, PoolOf, Stake
from market.audit.rules import Difference, Finding
from market.benefits.rules import MECHANISMS, Mechanism, Payee


@dataclass(frozen=True, slots=True)
class Hints:
    """What only the book can say: the standing of households when it posted, and who had confirmed which payment."""

    assisted: Mapping[UUID, bool | None] = field(default_factory=dict)
    weights: Mapping[str, Mapping[UUID, tuple[int, bool | None]]] = field(default_factory=dict)
    confirmed: frozenset[tuple[UUID, UUID]] = frozenset()


class Eligibility:
    """Answers for one supplier's facts; what the present register does not explain is added to `remarks`."""

    def __init__(self, facts: SupplierFacts, remarks: list[Finding], annulled: Collection[UUID]) -> None:
        """Answer from these facts; what has been annulled so far has no part in anything."""
        self._facts = facts
        self._annulled = annulled
        self._remarks = remarks

    def stake(self, given: ContributionFact, source: str, hints: Hints) -> Stake:
        """Return the stake of a contribution in what an entry posts."""
        household = self._facts.households[given.household_id]
        assisted = household.assisted(given.delivered_on)
        posted = hints.assisted.get(given.id, assisted)
        may_have_been = {found for _, found in household.may_have_been(given.delivered_on)}
        if posted is not None and posted != assisted and posted in may_have_been:
            self._remark_register(source, given.household_id)
            assisted = posted
        return Stake(HOUSEHOLD, given.household_id, given.mechanism, given.id, assisted)

    def consigned(self, draws: Sequence[DrawFact], source: str, hints: Hints) -> list[ConsignedTo]:
        """Return of each lot that a line drew on whose produce it was to sell for them, and what that weighs."""
        return [
            ConsignedTo(
                draw.lot_id,
                draw.after_milli - draw.before_milli,
                self._facts.lots[draw.lot_id].made_of_milli,
                {
                    self.stake(given, source, hints): given.measure_milli * given.proceeds_bp
                    for given in self._facts.contributions.get(draw.lot_id, ())
                    if given.proceeds_bp is not None and given.id not in self._annulled
                },
            )
            for draw in draws
        ]

    def _remark_register(self, source: str, household_id: UUID) -> None:
        self._remarks.append(Finding(Difference.REGISTER, source, owner_kind=HOUSEHOLD, owner_id=household_id))

    def pools(self, line: LineFact, on: date, source: str, hints: Hints) -> list[PoolOf]:
        """Return the pools of a line's plan with those eligible on a day."""
        return [
            PoolOf(
                stored["mechanism"],
                stored["bp"],
                dict(self._weights(stored, on, source, hints.weights.get(stored["mechanism"]))),
                kept=bool(stored.get("kept")),
            )
            for stored in self._facts.plans[line.plan_version_id].pools
        ]

    def _weights(
        self,
        stored: Mapping[str, object],
        on: date,
        source: str,
        pinned: Mapping[UUID, tuple[int, bool | None]] | None,
    ) -> Iterator[tuple[Stake, int]]:
        """Yield who of a pool was eligible on the day, with the weight that the plan gives."""
        mechanism = str(stored["mechanism"])
        shares: Sequence[tuple[str, int]] = stored["shares"]  # type: ignore[assignment] # JSON of a plan
        for payee, weight in shares:
            payee_id = UUID(payee)
            if MECHANISMS[Mechanism(mechanism)].payee is Payee.COLLECTIVE:
                yield Stake(COLLECTIVE, payee_id, mechanism), weight
                continue
            household = self._facts.households.get(payee_id)
            if household is None:
                continue
            state = (household.on_register(on), household.assisted(on))
            if pinned is not None:
                then = (True, bool(pinned[payee_id][1])) if payee_id in pinned else None
                state = self._as_posted(household.may_have_been(on), state, then, bool(stored["assisted_only"]))
                if state != (household.on_register(on), household.assisted(on)):
                    self._remark_register(source, payee_id)
            on_register, assisted = state
            if on_register and (assisted or not stored["assisted_only"]):
                yield Stake(HOUSEHOLD, payee_id, mechanism, None, assisted), weight

    @staticmethod
    def _as_posted(
        possible: Collection[tuple[bool, bool]],
        state: tuple[bool, bool],
        then: tuple[bool, bool] | None,
        assisted_only: bool,  # noqa: FBT001 - one of the plan's own words
    ) -> tuple[bool, bool]:
        """Return the state of the register that explains what the book pinned, if any does; else the present one."""

        def shown(candidate: tuple[bool, bool]) -> tuple[bool, bool] | None:
            return candidate if candidate[0] and (candidate[1] or not assisted_only) else None

        explaining = [candidate for candidate in (state, *sorted(possible)) if shown(candidate) == then]
        return explaining[0] if explaining else state
