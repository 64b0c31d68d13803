"""What a version of a plan would have made of a year of past acceptances, by HTTP: recorded before it is approved."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import PageQuery, declared, decode_cursor, encode_cursor, router_of
from market.clock import business_date, utc_now
from market.distributions.simulation_schemas import SimulationOut, simulation_out
from market.distributions.simulations import Simulated, record, simulate
from market.errors import InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission

router = router_of("benefits")


@router.get("/plan-versions/{version_id}/simulation", responses=declared(NotFoundError))
def simulate_version(
    version_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Annotated[Caller, requires(Permission.PLAN_READ)],
) -> SimulationOut:
    """Run the last 365 days of the plan's acceptances through this version: who would gain, who would lose.

    Nothing is recorded: a version is approved only after `POST …/simulations`, whose answer this reads on.
    """
    after = _after(query.cursor)
    with caller.transaction() as (session, actor):
        found = simulate(session, actor, version_id=version_id, today=business_date(utc_now()))
    return _page(version_id, found, after, query.limit)


@router.post(
    "/plan-versions/{version_id}/simulations",
    status_code=201,
    response_model=SimulationOut,
    responses=declared(NotFoundError, TransitionError),
)
def record_simulation(version_id: UUID, caller: Annotated[Caller, requires(Permission.PLAN_SIMULATE)]) -> Response:
    """Simulate this version as `GET …/simulation` does, and record what was told: a version is approved only then.

    Its first hundred recipients are shown; the cursor reads on by the GET. The version's own answer shows its latest
    simulation. Whoever may simulate it: the approver or the supplier; one of the draft does not serve for its approval.
    """

    def simulated(session: orm.Session, actor: Actor) -> SimulationOut:
        now = utc_now()
        found = record(session, actor, version_id=version_id, today=business_date(now), now=now)
        return _page(version_id, found, None, _MOST)

    return caller.once(None, simulated)


_MOST = 100


def _page(version_id: UUID, found: Simulated, after: tuple[int, str, str, str] | None, limit: int) -> SimulationOut:
    parts = [part for part in found.simulation.parts if after is None or part.key > after]
    shown = parts[:limit]
    next_cursor = encode_cursor(*shown[-1].key) if len(parts) > limit else None
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
