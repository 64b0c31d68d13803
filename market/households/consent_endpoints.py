"""Consent, acts in a household's place, and erasure by HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, declared, newest, router_of
from market.clock import business_date, utc_now
from market.errors import FourEyesError, FutureDateError, NotFoundError, TransitionError
from market.households import consents, erasing, proxies, queries
from market.households.consent_schemas import (
    ConsentOut,
    DecideErasure,
    ErasureOut,
    ErasureQuery,
    GiveConsent,
    OfHouseholdQuery,
    ProxyActOut,
    RequestErasure,
    WithdrawConsent,
)
from market.households.models import Consent, Erasure, ProxyAct
from market.households.rules import (
    ConsentTakenError,
    ConsentWithdrawnError,
    ErasurePendingError,
    HouseholdDepartedError,
    NumberInTextError,
)
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission

router = router_of("people")


@router.post(
    "/households/{household_id}/consents",
    status_code=201,
    response_model=ConsentOut,
    responses=declared(NotFoundError, HouseholdDepartedError, FutureDateError, NumberInTextError, ConsentTakenError),
)
def give_consent(
    household_id: UUID, request: GiveConsent, caller: Annotated[Caller, requires(Permission.CONSENT_WRITE)]
) -> Response:
    """Record what a household consents to; a village clerk does so in its place, which is written down as well."""

    def work(session: orm.Session, actor: Actor) -> ConsentOut:
        now = utc_now()
        consent = consents.give(
            session,
            actor,
            household_id=household_id,
            purpose=request.purpose,
            valid_from=request.valid_from,
            valid_until=request.valid_until,
            evidence=request.evidence,
            now=now,
            today=business_date(now),
        )
        return ConsentOut.model_validate(consent)

    return caller.once(request, work)


@router.get("/consents")
def list_consents(
    query: Annotated[OfHouseholdQuery, Query()], caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)]
) -> Page[ConsentOut]:
    """List consents, newest first, withdrawn ones too."""
    with caller.transaction() as (session, actor):
        found = queries.visible_consents(actor)
        if query.household_id is not None:
            found = found.where(Consent.household_id == query.household_id)
        page, following = newest(session, found, Consent.id, query)
    return Page(items=[ConsentOut.model_validate(row) for row in page], next_cursor=following)


@router.post(
    "/consents/{consent_id}/withdrawal",
    status_code=201,
    response_model=ConsentOut,
    responses=declared(NotFoundError, NumberInTextError, ConsentWithdrawnError),
)
def withdraw_consent(
    consent_id: UUID, request: WithdrawConsent, caller: Annotated[Caller, requires(Permission.CONSENT_WRITE)]
) -> Response:
    """End a consent with today."""

    def work(session: orm.Session, actor: Actor) -> ConsentOut:
        now = utc_now()
        consent = consents.withdraw(
            session, actor, consent_id=consent_id, evidence=request.evidence, now=now, today=business_date(now)
        )
        return ConsentOut.model_validate(consent)

    return caller.once(request, work)


@router.get("/proxy-acts")
def list_proxy_acts(
    query: Annotated[OfHouseholdQuery, Query()], caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)]
) -> Page[ProxyActOut]:
    """List what village clerks did in households' places, newest first.

    A supplier is told of consents, payments and its own enrolments; of a household's account and what it has with
    others it is not.
    """
    with caller.transaction() as (session, actor):
        found = queries.visible_proxy_acts(actor)
        if query.household_id is not None:
            found = found.where(ProxyAct.household_id == query.household_id)
        page, following = newest(session, found, ProxyAct.id, query)
    return Page(items=[_act(row) for row in page], next_cursor=following)


def _act(row: ProxyAct) -> ProxyActOut:
    en, zh = proxies.DEED_WORDS[row.deed]
    kept = {column.name: getattr(row, column.name) for column in ProxyAct.__table__.columns}
    return ProxyActOut(**kept, en=en, zh=zh)


@router.post(
    "/households/{household_id}/erasures",
    status_code=201,
    response_model=ErasureOut,
    responses=declared(NotFoundError, erasing.NothingToEraseError, NumberInTextError, ErasurePendingError),
)
def request_erasure(
    household_id: UUID, request: RequestErasure, caller: Annotated[Caller, requires(Permission.PERSON_ERASE)]
) -> Response:
    """Ask that a household's personal data be erased; when the county asks, they are gone at once and for ever."""

    def work(session: orm.Session, actor: Actor) -> ErasureOut:
        erasure = erasing.request(session, actor, household_id=household_id, reason=request.reason, now=utc_now())
        return ErasureOut.model_validate(erasure)

    return caller.once(request, work)


@router.get("/erasures")
def list_erasures(
    query: Annotated[ErasureQuery, Query()], caller: Annotated[Caller, requires(Permission.HOUSEHOLD_READ)]
) -> Page[ErasureOut]:
    """List erasures, newest first."""
    with caller.transaction() as (session, actor):
        found = queries.visible_erasures(actor)
        if query.household_id is not None:
            found = found.where(Erasure.household_id == query.household_id)
        if query.status is not None:
            found = found.where(Erasure.status == query.status)
        page, following = newest(session, found, Erasure.id, query)
    return Page(items=[ErasureOut.model_validate(row) for row in page], next_cursor=following)


@router.post(
    "/erasures/{erasure_id}/decision",
    status_code=201,
    response_model=ErasureOut,
    responses=declared(NotFoundError, NumberInTextError, FourEyesError, TransitionError),
)
def decide_erasure(
    erasure_id: UUID, request: DecideErasure, caller: Annotated[Caller, requires(Permission.PERSON_ERASE)]
) -> Response:
    """Carry out or reject an erasure that somebody else asked for; what is carried out is gone for ever."""

    def work(session: orm.Session, actor: Actor) -> ErasureOut:
        erasure = erasing.decide(
            session, actor, erasure_id=erasure_id, event=request.event, opinion=request.opinion, now=utc_now()
        )
        return ErasureOut.model_validate(erasure)

    return caller.once(request, work)
