"""The people of the households by HTTP: masked lists, corrections, reading in clear with a purpose, and who did."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from sqlalchemy import orm

from market.api import (
    Page,
    PreconditionFailedError,
    PreconditionRequiredError,
    check_version,
    cut,
    declared,
    decode_cursor,
    etag,
    newest,
    router_of,
)
from market.clock import business_date, start_of, utc_now
from market.errors import NotFoundError
from market.households import people, queries, revealing
from market.households.models import PersonalDataAccess
from market.households.people_schemas import (
    AccessOut,
    AccessQuery,
    AddPerson,
    CorrectPerson,
    FoundOut,
    HouseholdClearOut,
    HouseholdPeopleOut,
    PeopleQuery,
    PersonClearOut,
    PersonFoundOut,
    PersonNamedOut,
    PersonOut,
    Reveal,
    RevealedOut,
    Search,
)
from market.households.removal import MonitoringContinuesError
from market.households.rules import (
    ConsentMissingError,
    HouseholdDepartedError,
    HouseholdErasedError,
    NumberInTextError,
    PeopleExceedHeadsError,
    PersonalField,
    ResidentIdTakenError,
    RevealNotAllowedError,
    RevealQuotaError,
    VaultClosedError,
)
from market.households.vault import Vault
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.regions import service as regions
from market.regions.rules import UnknownRegionError

router = router_of("people")

NO_STORE = {"Cache-Control": "no-store"}


async def opened(request: Request) -> Vault:
    """Hand an endpoint the vault; raises `VaultClosedError` where the server has no key."""
    vault: Vault | None = request.app.state.vault
    if vault is None:
        raise VaultClosedError
    return vault


Open = Annotated[Vault, Depends(opened)]


@router.get("/people", responses=declared(UnknownRegionError, VaultClosedError))
def list_people(
    query: Annotated[PeopleQuery, Query()],
    response: Response,
    vault: Open,
    caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)],
) -> Page[HouseholdPeopleOut]:
    """List households by code with their people, masked as the caller's role sees them."""
    response.headers.update(NO_STORE)
    with caller.transaction() as (session, actor):
        if query.village_code is not None:
            today = business_date(utc_now())
            regions.check_known(session, query.village_code, today, pointer="/query/village_code")
        found = people.list_people(
            session,
            actor,
            vault,
            village_code=query.village_code,
            household_id=query.household_id,
            after=decode_cursor(query.cursor, keys=1)[0] if query.cursor else None,
            limit=query.limit + 1,
        )
    page, following = cut(found, query.limit, lambda home: home.household.code)
    items = [
        HouseholdPeopleOut(
            household_id=home.household.id,
            household_code=home.household.code,
            erased=home.erased,
            people=[
                PersonOut(
                    id=person.id, version=person.version, **{field.value: masks[field] for field in PersonalField}
                )
                for person, masks in home.people
            ],
        )
        for home in page
    ]
    return Page(items=items, next_cursor=following)


@router.post(
    "/households/{household_id}/people",
    status_code=201,
    response_model=PersonNamedOut,
    responses=declared(
        NotFoundError,
        HouseholdDepartedError,
        HouseholdErasedError,
        PeopleExceedHeadsError,
        ResidentIdTakenError,
        MonitoringContinuesError,
        VaultClosedError,
    ),
)
def add_person(
    household_id: UUID, request: AddPerson, vault: Open, caller: Annotated[Caller, requires(Permission.PERSON_WRITE)]
) -> Response:
    """Put a person of a household on the register; what is told is sealed at once."""

    def work(session: orm.Session, actor: Actor) -> PersonNamedOut:
        now = utc_now()
        person = people.add_person(
            session,
            actor,
            vault,
            household_id=household_id,
            given=_given(request),
            now=now,
            today=business_date(now),
        )
        return PersonNamedOut.model_validate(person)

    return caller.once(request, work, digest_key=vault.request_key)


@router.patch(
    "/people/{person_id}",
    responses=declared(
        NotFoundError,
        PreconditionRequiredError,
        PreconditionFailedError,
        HouseholdErasedError,
        ResidentIdTakenError,
        MonitoringContinuesError,
        VaultClosedError,
    ),
)
def correct_person(
    person_id: UUID,
    request: CorrectPerson,
    response: Response,
    vault: Open,
    caller: Annotated[Caller, requires(Permission.PERSON_WRITE)],
    *,
    if_match: Annotated[str | None, Header()] = None,
) -> PersonNamedOut:
    """Correct what is known of a person."""
    with caller.transaction() as (session, actor):
        now = utc_now()
        person = people.person_to_change(session, actor, person_id=person_id)
        check_version(if_match, person.version)
        people.correct_person(session, vault, person, given=_given(request), now=now, today=business_date(now))
        response.headers["ETag"] = etag(person.version)
        return PersonNamedOut.model_validate(person)


def _given(request: AddPerson | CorrectPerson) -> dict[PersonalField, str | None]:
    return {PersonalField(name): getattr(request, name) for name in request.model_fields_set}


@router.post(
    "/people/{person_id}/departure", status_code=201, response_model=PersonNamedOut, responses=declared(NotFoundError)
)
def record_departure_of_person(
    person_id: UUID, caller: Annotated[Caller, requires(Permission.PERSON_WRITE)]
) -> Response:
    """Take a person off the household from today on; the household's head count is corrected on its own."""

    def work(session: orm.Session, actor: Actor) -> PersonNamedOut:
        person = people.depart_person(session, actor, person_id=person_id, today=business_date(utc_now()))
        return PersonNamedOut.model_validate(person)

    return caller.once(None, work)


@router.post(
    "/people/reveals",
    status_code=201,
    response_model=RevealedOut,
    responses=declared(
        NotFoundError,
        ConsentMissingError,
        NumberInTextError,
        RevealNotAllowedError,
        RevealQuotaError,
        VaultClosedError,
    ),
)
def reveal_people(
    request: Reveal, vault: Open, caller: Annotated[Caller, requires(Permission.PERSON_REVEAL)]
) -> Response:
    """Read people of up to 20 households in clear, for a purpose; the access is logged before anything is opened."""

    def work(session: orm.Session, actor: Actor) -> RevealedOut:
        revealed = revealing.reveal(
            session,
            actor,
            vault,
            household_ids=request.household_ids,
            fields=request.fields,
            reading=_reading(request, caller),
        )
        return RevealedOut(households=[_in_clear(home) for home in revealed])

    response = caller.once(request, work, shown_once=["households"])
    response.headers.update(NO_STORE)
    return response


def _reading(request: Reveal | Search, caller: Caller) -> revealing.Reading:
    return revealing.Reading(request.purpose, request.reason, caller.ip, caller.request_id, utc_now())


def _in_clear(home: revealing.Revealed) -> HouseholdClearOut:
    nothing = dict.fromkeys(field.value for field in PersonalField)
    return HouseholdClearOut(
        household_id=home.household.id,
        household_code=home.household.code,
        erased=home.erased,
        people=[
            PersonClearOut(id=person_id, **nothing | {field.value: value for field, value in known.items()})
            for person_id, known in home.people
        ],
    )


@router.post(
    "/people/searches",
    status_code=201,
    response_model=FoundOut,
    responses=declared(NumberInTextError, RevealNotAllowedError, RevealQuotaError, VaultClosedError),
)
def search_people(
    request: Search, vault: Open, caller: Annotated[Caller, requires(Permission.PERSON_SEARCH)]
) -> Response:
    """Look a number up exactly; logged like a reading, for who asks learns to whom it belongs."""

    def work(session: orm.Session, actor: Actor) -> FoundOut:
        found = revealing.search(
            session, actor, vault, field=request.field, value=request.value, reading=_reading(request, caller)
        )
        return FoundOut(
            items=[
                PersonFoundOut(person_id=person.id, household_id=household.id, household_code=household.code)
                for person, household in found
            ]
        )

    response = caller.once(request, work, digest_key=vault.request_key)
    response.headers.update(NO_STORE)
    return response


@router.get("/personal-data-accesses")
def list_accesses(
    query: Annotated[AccessQuery, Query()], caller: Annotated[Caller, requires(Permission.PERSONAL_DATA_ACCESS_READ)]
) -> Page[AccessOut]:
    """List who read personal data in clear or looked them up, newest first."""
    with caller.transaction() as (session, actor):
        accesses = queries.visible_accesses(actor)
        if query.household_id is not None:
            accesses = accesses.where(PersonalDataAccess.household_ids.contains([query.household_id]))
        if query.member_id is not None:
            accesses = accesses.where(PersonalDataAccess.member_id == query.member_id)
        if query.from_ is not None:
            accesses = accesses.where(PersonalDataAccess.accessed_at >= start_of(query.from_))
        if query.to is not None:
            accesses = accesses.where(PersonalDataAccess.accessed_at < start_of(query.to) + timedelta(days=1))
        page, following = newest(session, accesses, PersonalDataAccess.id, query)
    return Page(items=[AccessOut.model_validate(row) for row in page], next_cursor=following)
