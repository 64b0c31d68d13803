"""Regions by HTTP."""

from typing import Annotated

from fastapi import Query, Response

from market.api import Page, cut, declared, decode_cursor, router_of
from market.clock import business_date, utc_now
from market.identity.access import Caller, requires
from market.identity.rules import Permission
from market.regions import queries, service
from market.regions.rules import RegionOverlapError
from market.regions.schemas import AddRegion, RegionOut, RegionQuery

router = router_of("regions")


@router.get("/regions")
def list_regions(
    query: Annotated[RegionQuery, Query()], caller: Annotated[Caller, requires(Permission.REGION_READ)]
) -> Page[RegionOut]:
    """List the regions that exist on a day, by code, with their names of that day."""
    with caller.transaction() as (session, _):
        found = queries.find_regions(
            session,
            on=query.on or business_date(utc_now()),
            parent=query.parent,
            level=query.level,
            after=decode_cursor(query.cursor, keys=1)[0] if query.cursor else None,
            limit=query.limit + 1,
        )
        page, following = cut(found, query.limit, lambda row: row.code)
        return Page(items=[RegionOut.model_validate(row) for row in page], next_cursor=following)


@router.post("/regions", status_code=201, response_model=RegionOut, responses=declared(RegionOverlapError))
def add_region(request: AddRegion, caller: Annotated[Caller, requires(Permission.REGION_WRITE)]) -> Response:
    """Name a region from a day on; the name it bore until then ends."""
    return caller.once(
        request,
        lambda session, _: RegionOut.model_validate(
            service.add_region(session, code=request.code, name=request.name, valid_from=request.valid_from)
        ),
    )
