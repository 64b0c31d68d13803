"""What goes on with the provider over HTTP: payouts of a supplier's account, and what is asked until it is answered."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, declared, newest, router_of
from market.clock import utc_now
from market.errors import NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.payments import calls, connecting, inbox, queries
from market.payments.asking import Book, Provider, once_asking
from market.payments.models import ProviderCall
from market.payments.online_schemas import CallOut, CallQuery, EventOut, PayOut, PayoutOut, PayoutsOut
from market.payments.provider import ProviderError
from market.payments.rules import NotParkedError, ProviderOffError

router = router_of("online payments")


@router.get("/provider-account/payouts", responses=declared(NotFoundError, ProviderOffError))
def list_payouts(
    caller: Annotated[Caller, requires(Permission.PROVIDER_ACCOUNT_READ)], gateway: Provider
) -> PayoutsOut:
    """List the last payouts from the supplier's account at the provider to its bank, as the provider tells them."""
    with caller.transaction() as (session, actor):
        account, _ = connecting.account_of(session, actor.organisation_id)
    try:
        found = gateway.payouts(account.number)
    except ProviderError as error:
        raise ProviderOffError from error
    plain = PayoutOut.model_fields.keys()
    return PayoutsOut(items=[PayoutOut(**{name: getattr(each, name) for name in plain}) for each in found])


@router.post(
    "/provider-account/payouts",
    status_code=201,
    response_model=CallOut,
    responses=declared(NotFoundError, ProviderOffError),
)
def pay_out(
    request: PayOut,
    caller: Annotated[Caller, requires(Permission.PROVIDER_ACCOUNT_WRITE)],
    gateway: Provider,
    db: Book,
) -> Response:
    """Have the provider pay out to the supplier's bank; what it says of that, the list of payouts shows."""

    def work(session: orm.Session, actor: Actor) -> tuple[CallOut, UUID]:
        call = connecting.pay_out(session, actor, amount_fen=request.amount_fen, now=utc_now())
        return CallOut.model_validate(call), call.subject_id

    return once_asking(caller, gateway, db, request, work)


@router.get("/provider-calls")
def list_provider_calls(
    query: Annotated[CallQuery, Query()], caller: Annotated[Caller, requires(Permission.CASH_READ)]
) -> Page[CallOut]:
    """List what was asked of the provider, newest first: what is parked waits for a person."""
    with caller.transaction() as (session, _):
        wanted = queries.calls_in(query.status)
        page, next_cursor = newest(session, wanted, ProviderCall.id, query)
    return Page(items=[CallOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.post(
    "/provider-calls/{call_id}/retry",
    status_code=201,
    response_model=CallOut,
    responses=declared(NotFoundError, NotParkedError),
)
def retry_provider_call(call_id: UUID, caller: Annotated[Caller, requires(Permission.SETTLEMENT_WRITE)]) -> Response:
    """Ask a parked question again, under the key that it had: it has its effect once."""
    return caller.once(None, lambda session, _: CallOut.model_validate(calls.retry(session, call_id, now=utc_now())))


@router.post(
    "/provider-events/{event_id}/retry",
    status_code=201,
    response_model=EventOut,
    responses=declared(NotFoundError, NotParkedError),
)
def retry_provider_event(event_id: str, caller: Annotated[Caller, requires(Permission.SETTLEMENT_WRITE)]) -> Response:
    """Look again at what a parked event is about; the reconciliation names those that wait."""
    return caller.once(None, lambda session, _: EventOut.model_validate(inbox.retry(session, event_id, now=utc_now())))
