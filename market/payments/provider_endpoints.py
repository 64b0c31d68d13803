"""What goes on with the provider over HTTP: payouts of a supplier's account, and what is asked until it is answered."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import orm

from market.api import Page, after_id, cut, declared, router_of
from market.clock import utc_now
from market.errors import NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.payments import calls, connecting, queries
from market.payments.gateway import Gateway
from market.payments.models import ProviderCall
from market.payments.online_schemas import CallOut, CallQuery, PayOut, PayoutOut, PayoutsOut
from market.payments.provider import ProviderError
from market.payments.rules import NotParkedError, ProviderOffError
from market.payments.tasks import push

router = router_of("online payments")


def _gateway(request: Request) -> Gateway:
    gateway: Gateway | None = request.app.state.gateway
    if gateway is None:
        raise ProviderOffError
    return gateway


@router.get("/provider-account/payouts", responses=declared(NotFoundError, ProviderOffError))
def list_payouts(caller: Annotated[Caller, requires(Permission.PROVIDER_ACCOUNT_READ)], http: Request) -> PayoutsOut:
    """List the last payouts from the supplier's account at the provider to its bank, as the provider tells them."""
    with caller.transaction() as (session, actor):
        account, _ = connecting.account_of(session, actor.organisation_id)
    try:
        found = _gateway(http).payouts(account.number)
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
    request: PayOut, caller: Annotated[Caller, requires(Permission.PROVIDER_ACCOUNT_WRITE)], http: Request
) -> Response:
    """Have the provider pay out to the supplier's bank; what it says of that, the list of payouts shows."""
    gateway, asked = _gateway(http), list[UUID]()

    def work(session: orm.Session, actor: Actor) -> CallOut:
        call = connecting.pay_out(session, actor, amount_fen=request.amount_fen, now=utc_now())
        asked.append(call.subject_id)
        return CallOut.model_validate(call)

    response = caller.once(request, work)
    for subject_id in asked:
        push(http.app.state.db, gateway, subject_id, utc_now())
    return response


@router.get("/provider-calls")
def list_provider_calls(
    query: Annotated[CallQuery, Query()], caller: Annotated[Caller, requires(Permission.CASH_READ)]
) -> Page[CallOut]:
    """List what was asked of the provider, newest first: what is parked waits for a person."""
    with caller.transaction() as (session, _):
        wanted = queries.calls_in(query.status)
        if last := after_id(query.cursor):
            wanted = wanted.where(ProviderCall.id < last)
        rows = session.scalars(wanted.order_by(ProviderCall.id.desc()).limit(query.limit + 1)).all()
    page, next_cursor = cut(rows, query.limit, lambda call: call.id)
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
