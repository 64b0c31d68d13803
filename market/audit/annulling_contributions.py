"""What the annulment of a contribution brings about: what it had brought its household stays with the supplier."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from uuid import UUID

from market.audit.eligibility import Hints
from market.audit.facts import Event
from market.audit.goods import Goods
from market.audit.history import Expected
from market.audit.oracle import ACCRUED, BASE, RECOGNISED, RETAINED, SALE_STEPS, Stake
from market.audit.standing import moving


class AnnullingContributions(Goods):
    """Annulments of contributions."""

    def _annul_contribution(self, event: Event, hints: Mapping[str, Hints]) -> Iterator[Expected]:
        """Take off all that stands of a contribution and of what came from it; the supplier retains what was sold."""
        assert event.annuls_contribution, "an annulment of a contribution names it"  # noqa: S101
        family = self._family(event.annuls_contribution)
        self._annulled |= family
        standing = self._standing.of_contributions(family)
        on = max(
            [
                event.on,
                *(self._standing.last_on(line_id, place) for line_id, line in standing.items() for place in line),
            ]
        )
        moves = [move for line_id, fallen in standing.items() for move in self._fall(line_id, fallen)]
        retained = Stake(RETAINED, self._supplier_id)
        for line_id, fallen in standing.items():
            kept: dict[str, int] = defaultdict(int)
            for (_, step, _), fen in fallen.items():
                if step in SALE_STEPS:
                    kept[ACCRUED if step == ACCRUED else RECOGNISED] += fen
            for step, fen in kept.items():
                moves.append(moving(self._source(BASE), self._of(retained, step), retained, fen, line_id))
        facts = {"annulment": str(event.id), "contributions": sorted(map(str, family))}
        accepted = [self._sales[self._facts.lines[line_id].order_id].accepted_on[line_id] for line_id in standing]
        yield Expected(event.trigger, "annulment", on, moves, facts, original_on=min(accepted, default=None))
        payees = {stake.owner_id for fallen in standing.values() for stake, _, _ in fallen}
        yield from self._match(event, payees, max(on, self._opens_on), hints)

    def _family(self, contribution_id: UUID) -> set[UUID]:
        """Return a contribution with all that stems from it."""
        return {given for given in self._carried_from if contribution_id in self._stems(given)}
