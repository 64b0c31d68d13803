"""What goes out of the simulation of a plan's version."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from market.api import Count, Fen, Flag, Schema, SignedFen
from market.attribution.rules import Kind
from market.attribution.schemas import Id
from market.attribution.simulating import Part, tally
from market.benefits.rules import Mechanism
from market.distributions.rules import ExpectedBy
from market.distributions.simulations import Simulated


class TallyOut(Schema):
    """How many would gain and lose, and how much in all."""

    gaining: Count
    gained_fen: Fen
    losing: Count
    lost_fen: Fen
    unchanged: Count


class SimulatedPartOut(Schema):
    """What a recipient had of the year, and what it would have had; a pool is told by its mechanism.

    What of either a later distribution is expected to give is an estimate.
    """

    kind: Annotated[Kind, Field(examples=["household"])]
    owner_id: Id
    name: Annotated[str, Field(examples=["1411221062010001"])]
    mechanism: Annotated[str | None, Field(examples=[None])]
    before_fen: Fen
    after_fen: Fen
    difference_fen: SignedFen
    estimated_before_fen: Fen
    estimated_after_fen: Fen


class EstimateOut(Schema):
    """By what it is expected who a pool's later distribution would give to; null where nobody is known."""

    mechanism: Annotated[Mechanism, Field(examples=["patronage"])]
    expected_by: Annotated[
        ExpectedBy | None,
        Field(
            examples=["volumes"],
            description="`distributions`: as the approved lists of the year gave out the pool; `register`: by the"
            " shares or entitlements in force; `volumes`: by what was delivered in the year",
        ),
    ]
    payees: Count


class SimulationOut(Schema):
    """A year of past acceptances through a version, beside what was posted; whoever loses most comes first.

    They are of the version's plan. `of_other_plans` says that nothing was sold under it, and that they are all that its
    supplier sold under others, beside what they brought under these.
    Before and after, the whole year each sums to `net_fen`, without what came back; the totals are of the year, not of
    the page. What suppliers top up beyond what lines brought when they were accepted is in neither.
    What is kept for a period's distribution stands with those to whom a later distribution would give it by the shares
    known today. That is an estimate, told by `estimates`, in all by `estimated_before_fen` and `estimated_after_fen`;
    what of it can be named for nobody is `pool_before_fen` and `pool_after_fen`.
    `untold_contributions` keep the price that they had: the version follows the market's, and nobody recorded it, or it
    prices another measure.
    """

    plan_version_id: Id
    since: Annotated[date, Field(examples=["2025-03-03"])]
    until: Annotated[date, Field(examples=["2026-03-02"])]
    lines: Count
    of_other_plans: Flag
    net_fen: Fen
    untold_contributions: Count
    households: TallyOut
    collectives: TallyOut
    retained_before_fen: Fen
    retained_after_fen: Fen
    pool_before_fen: Fen
    pool_after_fen: Fen
    estimated_before_fen: Fen
    estimated_after_fen: Fen
    estimates: list[EstimateOut]
    suspense_before_fen: Fen
    suspense_after_fen: Fen
    top_ups_before_fen: Fen
    top_ups_after_fen: Fen
    items: list[SimulatedPartOut]
    next_cursor: Annotated[str | None, Field(examples=[None])]


def simulation_out(
    version_id: UUID, simulated: Simulated, shown: Sequence[Part], next_cursor: str | None
) -> SimulationOut:
    """Show some parts of a simulation with the sums of all."""
    found = simulated.simulation
    sums = {
        f"{kind}_{side}_fen": sum(getattr(part, f"{side}_fen") for part in found.of(kind))
        for kind in (Kind.RETAINED, Kind.POOL, Kind.SUSPENSE)
        for side in ("before", "after")
    } | {
        f"estimated_{side}_fen": sum(getattr(part, f"estimated_{side}_fen") for part in found.parts)
        for side in ("before", "after")
    }
    items = [
        SimulatedPartOut(
            **part.recipient._asdict(),
            name=part.name,
            before_fen=part.before_fen,
            after_fen=part.after_fen,
            difference_fen=part.difference_fen,
            estimated_before_fen=part.estimated_before_fen,
            estimated_after_fen=part.estimated_after_fen,
        )
        for part in shown
    ]
    return SimulationOut(
        plan_version_id=version_id,
        since=found.since,
        until=found.until,
        lines=found.lines,
        of_other_plans=found.of_other_plans,
        net_fen=found.net_fen,
        untold_contributions=found.untold,
        households=TallyOut(**tally(found.of(Kind.HOUSEHOLD))._asdict()),
        collectives=TallyOut(**tally(found.of(Kind.COLLECTIVE))._asdict()),
        **sums,
        estimates=[_estimate(simulated, mechanism) for mechanism in sorted(found.kept)],
        top_ups_before_fen=found.topped_up_fen,
        top_ups_after_fen=found.top_up_fen,
        items=items,
        next_cursor=next_cursor,
    )


def _estimate(simulated: Simulated, mechanism: str) -> EstimateOut:
    known = simulated.expected.get(mechanism)
    return EstimateOut(
        mechanism=Mechanism(mechanism),
        expected_by=known.by if known else None,
        payees=len(known.weights) if known else 0,
    )
