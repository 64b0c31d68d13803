"""The register of households by HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Response
from sqlalchemy import orm

from market.api import (
    Page,
    PreconditionFailedError,
    PreconditionRequiredError,
    check_version,
    cut,
    day_asked,
    declared,
    decode_cursor,
    etag,
    router_of,
)
from market.clock import business_date, utc_now
from market.errors import FutureDateError, NotFoundError
from market.households import queries, service
from market.households.models import Household
from market.households.removal import DepartureReasonError, MonitoringContinuesError, RemovalTooEarlyError
from market.households.rules import (
    HeadCountError,
    HouseholdCodeTakenError,
    HouseholdDepartedError,
    NumberInTextError,
    StatusOrderError,
    VillageOutsideRegionError,
)
from market.households.schemas import (
    ChangeHousehold,
    EligibilityOnDayOut,
    EligibilityOut,
    EligibilityQuery,
    HeadCountOut,
    HouseholdDetailOut,
    HouseholdOut,
    HouseholdQuery,
    ListedHouseholdOut,
    RecordDeparture,
    RecordStatus,
    RegisterHousehold,
    StatusOut,
)
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.quantities import MILLI_MU, parse, text
from market.regions import service as regions
from market.regions.rules import UnknownRegionError

router = router_of("households")


@router.post(
    "/households",
    status_code=201,
    response_model=HouseholdDetailOut,
    responses=declared(
        HeadCountError,
        NumberInTextError,
        FutureDateError,
        VillageOutsideRegionError,
        UnknownRegionError,
        HouseholdCodeTakenError,
    ),
)
def register_household(
    request: RegisterHousehold, caller: Annotated[Caller, requires(Permission.HOUSEHOLD_WRITE)]
) -> Response:
    """Put a household of the caller's county on the register."""
    return caller.once(
        request,
        lambda session, actor: _shown(
            session,
            service.register(
                session,
                actor,
                code=request.code,
                village_code=request.village_code,
                head_count=request.head_count,
                status=request.status,
                registered_on=request.registered_on,
                land_milli_mu=_milli_mu(request.land_mu),
                now=utc_now(),
            ),
        ),
    )


@router.get("/households", responses=declared(UnknownRegionError, FutureDateError))
def list_households(
    query: Annotated[HouseholdQuery, Query()], caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)]
) -> Page[ListedHouseholdOut]:
    """List households by code, with how each stands on a day; a supplier sees those enrolled with it."""
    with caller.transaction() as (session, actor):
        on = day_asked(query.on)
        if query.village_code is not None:
            regions.check_known(session, query.village_code, on, pointer="/query/village_code")
        found = queries.find_households(
            session,
            actor,
            on=on,
            village_code=query.village_code,
            status=query.status,
            after=decode_cursor(query.cursor, keys=1)[0] if query.cursor else None,
            limit=query.limit + 1,
        )
        page, following = cut(found, query.limit, lambda row: row.household.code)
        items = [
            ListedHouseholdOut(
                **HouseholdOut.model_validate(row.household).model_dump(),
                eligibility=EligibilityOut.model_validate(row.eligibility),
            )
            for row in page
        ]
        return Page(items=items, next_cursor=following)


@router.get("/households/{household_id}", responses=declared(NotFoundError))
def read_household(
    household_id: UUID, response: Response, caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)]
) -> HouseholdDetailOut:
    """Read a household with its statuses; the ETag is what an edit must name."""
    with caller.transaction() as (session, actor):
        household = _visible(session, actor, household_id)
        response.headers["ETag"] = etag(household.version)
        return _shown(session, household)


@router.patch(
    "/households/{household_id}",
    responses=declared(
        NotFoundError,
        PreconditionRequiredError,
        PreconditionFailedError,
        HouseholdDepartedError,
        HeadCountError,
        FutureDateError,
    ),
)
def change_household(
    household_id: UUID,
    request: ChangeHousehold,
    response: Response,
    caller: Annotated[Caller, requires(Permission.HOUSEHOLD_WRITE)],
    if_match: Annotated[str | None, Header()] = None,
) -> HouseholdDetailOut:
    """Say how many a household counts from a day on, or today; figures per head of windows before keep their count."""
    now = utc_now()
    with caller.transaction() as (session, actor):
        household = service.household_to_change(session, actor, household_id=household_id)
        check_version(if_match, household.version)
        valid_from = request.valid_from or business_date(now)
        service.change_head_count(
            session, actor, household, head_count=request.head_count, valid_from=valid_from, now=now
        )
        if (land_milli_mu := _milli_mu(request.land_mu)) is not None:
            service.change_land(session, household, land_milli_mu=land_milli_mu)
        response.headers["ETag"] = etag(household.version)
        return _shown(session, household)


@router.post(
    "/households/{household_id}/statuses",
    status_code=201,
    response_model=HouseholdDetailOut,
    responses=declared(NotFoundError, FutureDateError, HouseholdDepartedError, StatusOrderError, RemovalTooEarlyError),
)
def record_status(
    household_id: UUID, request: RecordStatus, caller: Annotated[Caller, requires(Permission.HOUSEHOLD_WRITE)]
) -> Response:
    """Add a status from a day on; earlier ones stay."""
    return caller.once(
        request,
        lambda session, actor: _shown(
            session,
            service.record_status(
                session,
                actor,
                household_id=household_id,
                status=request.status,
                valid_from=request.valid_from,
                now=utc_now(),
            ),
        ),
    )


@router.post(
    "/households/{household_id}/departure",
    status_code=201,
    response_model=HouseholdDetailOut,
    responses=declared(
        NotFoundError,
        FutureDateError,
        HouseholdDepartedError,
        StatusOrderError,
        DepartureReasonError,
        MonitoringContinuesError,
    ),
)
def record_departure(
    household_id: UUID, request: RecordDeparture, caller: Annotated[Caller, requires(Permission.HOUSEHOLD_WRITE)]
) -> Response:
    """Take a household off the register from a day on.

    Who leaves within six months of being identified leaves for a stated reason and is named among the warnings; who
    registers the same people anew goes on monitoring them.
    """
    return caller.once(
        request,
        lambda session, actor: _shown(
            session,
            service.depart(
                session,
                actor,
                household_id=household_id,
                departed_on=request.departed_on,
                reason=request.reason,
                now=utc_now(),
            ),
        ),
    )


@router.get("/households/{household_id}/eligibility", responses=declared(NotFoundError, FutureDateError))
def read_eligibility(
    household_id: UUID,
    query: Annotated[EligibilityQuery, Query()],
    caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)],
) -> EligibilityOnDayOut:
    """Say whether income of a day counts as assistance income of this household."""
    with caller.transaction() as (session, actor):
        _visible(session, actor, household_id)
        on = day_asked(query.on)
        found = queries.eligibility_on(session, [household_id], on)[household_id]
        return EligibilityOnDayOut(
            household_id=household_id, on=on, **EligibilityOut.model_validate(found).model_dump()
        )


def _visible(session: orm.Session, actor: Actor, household_id: UUID) -> Household:
    household = session.scalar(queries.visible_households(actor).where(Household.id == household_id))
    if household is None:
        raise NotFoundError(what="household")
    return household


def _milli_mu(land_mu: str | None) -> int | None:
    return None if land_mu is None else parse(land_mu, MILLI_MU)


def _shown(session: orm.Session, household: Household) -> HouseholdDetailOut:
    land_milli_mu = household.land_milli_mu
    return HouseholdDetailOut(
        **HouseholdOut.model_validate(household).model_dump(),
        land_mu=None if land_milli_mu is None else text(land_milli_mu, MILLI_MU),
        departure_reason=household.departure_reason,
        departure_recorded_by=household.departure_recorded_by,
        departure_recorded_at=household.departure_recorded_at,
        statuses=[StatusOut.model_validate(period) for period in queries.statuses_of(session, household)],
        head_counts=[HeadCountOut.model_validate(count) for count in queries.head_counts_of(session, household)],
    )
