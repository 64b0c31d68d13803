"""What a version of a plan would have made of a year of past acceptances, by HTTP: read before it is decided."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from market.api import PageQuery, declared, decode_cursor, encode_cursor, router_of
from market.clock import business_date, utc_now
from market.distributions.simulation_schemas import SimulationOut, simulation_out
from market.distributions.simulations import simulate
from market.errors import InvalidInputError, NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Permission

router = router_of("benefits")


@router.get("/plan-versions/{version_id}/simulation", responses=declared(NotFoundError))
def simulate_version(
    version_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Annotated[Caller, requires(Permission.PLAN_READ)],
) -> SimulationOut:
    """Run the last 365 days of the plan's acceptances through this version: who would gain, who would lose."""
    after = _after(query.cursor)
    with caller.transaction() as (session, actor):
        found = simulate(session, actor, version_id=version_id, today=business_date(utc_now()))
    parts = [part for part in found.simulation.parts if after is None or part.key > after]
    shown = parts[: query.limit]
    next_cursor = encode_cursor(*shown[-1].key) if len(parts) > query.limit else None
    return simulation_out(version_id, found, shown, next_cursor)


def _after(cursor: str | None) -> tuple[int, str, str, str] | None:
    """Return the key after which a page begins; raises `InvalidInputError` for a cursor we never gave."""
    if cursor is None:
        return None
    difference, kind, owner_id, mechanism = decode_cursor(cursor, keys=4)
    try:
        return int(difference), kind, owner_id, mechanism
    except ValueError:
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None
