"""Online payments over HTTP: the buyer's side, accounts at the provider, the provider's events, disputes."""

from collections.abc import Callable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel
from sqlalchemy import orm

from market.api import Page, PageQuery, declared, file_body, newest, read_file, router_of
from market.banking.rules import BankAccountTakenError
from market.clock import utc_now
from market.db import Database
from market.errors import NotFoundError
from market.identity.access import Caller, public, requires
from market.identity.rules import Actor, Permission, Side
from market.payments import connecting, inbox, online, queries
from market.payments.asking import Book, Provider, once_asking
from market.payments.gateway import Gateway
from market.payments.models import Dispute, OnlinePayment
from market.payments.online_schemas import (
    ConfirmPayment,
    DisputeOut,
    EventTaken,
    OnboardingOut,
    OnboardingWish,
    PaymentOut,
    PaymentQuery,
    ProviderAccountOut,
)
from market.payments.provider import ForgedEventError, ProviderError
from market.payments.rules import (
    ConnectedOnceError,
    EventForgedError,
    NoProviderError,
    NothingToPayError,
    PaymentBusyError,
    PaymentOpenError,
    ProviderOffError,
)
from market.payments.schemas import ReceiptPart

router = router_of("online payments")
Answered = TypeVar("Answered")
Payer = Annotated[Caller, requires(Permission.ONLINE_PAYMENT_WRITE)]
Reader = Annotated[Caller, requires(Permission.ONLINE_PAYMENT_READ)]
Owner = Annotated[Caller, requires(Permission.BANK_ACCOUNT_WRITE)]


@router.post(
    "/order-groups/{group_id}/online-payments",
    status_code=201,
    response_model=PaymentOut,
    responses=declared(NotFoundError, NoProviderError, PaymentOpenError, NothingToPayError, ProviderOffError),
)
def begin_online_payment(group_id: UUID, caller: Payer, gateway: Provider, db: Book) -> Response:
    """Begin to pay all that a group's online orders can still be paid; look at it again for what the payer needs."""
    return _once(
        caller,
        gateway,
        db,
        None,
        lambda session, actor: online.begin(session, actor, group_id=group_id, now=utc_now()),
    )


@router.post(
    "/online-payments/{payment_id}/confirmation",
    status_code=201,
    response_model=PaymentOut,
    responses=declared(NotFoundError, PaymentBusyError, NothingToPayError, ProviderOffError),
)
def confirm_online_payment(
    payment_id: UUID, request: ConfirmPayment, caller: Payer, gateway: Provider, db: Book
) -> Response:
    """Pay with a method that the provider's form gave; a buyer's browser may do the same by the client secret."""

    def work(session: orm.Session, actor: Actor) -> OnlinePayment:
        method, url = request.payment_method, request.return_url
        return online.confirm(session, actor, payment_id=payment_id, method=method, return_url=url, now=utc_now())

    return _once(caller, gateway, db, request, work)


@router.post(
    "/online-payments/{payment_id}/cancellation",
    status_code=201,
    response_model=PaymentOut,
    responses=declared(NotFoundError, PaymentBusyError, ProviderOffError),
)
def cancel_online_payment(payment_id: UUID, caller: Payer, gateway: Provider, db: Book) -> Response:
    """Give up a payment that has brought nothing yet."""
    return _once(
        caller,
        gateway,
        db,
        None,
        lambda session, actor: online.cancel(session, actor, payment_id=payment_id, now=utc_now()),
    )


def _once(
    caller: Caller,
    gateway: Gateway,
    db: Database,
    request: BaseModel | None,
    work: Callable[[orm.Session, Actor], OnlinePayment],
) -> Response:
    def answer(session: orm.Session, actor: Actor) -> tuple[PaymentOut, UUID]:
        payment = work(session, actor)
        return _out(session, payment), payment.id

    return once_asking(caller, gateway, db, request, answer)


def _out(session: orm.Session, payment: OnlinePayment) -> PaymentOut:
    told = {name: getattr(payment, name) for name in PaymentOut.model_fields if name != "orders"}
    parts = [ReceiptPart(**part._asdict()) for part in queries.online_parts(session, payment.id)]
    return PaymentOut(**told, orders=parts)


@router.get("/online-payments/{payment_id}", responses=declared(NotFoundError))
def show_online_payment(payment_id: UUID, caller: Reader) -> PaymentOut:
    """Show how a payment stands, and what its payer needs to go on."""
    with caller.transaction() as (session, actor):
        return _out(session, queries.one_payment(session, actor, payment_id))


@router.get("/online-payments")
def list_online_payments(query: Annotated[PaymentQuery, Query()], caller: Reader) -> Page[PaymentOut]:
    """List online payments, newest first."""
    filters = query.model_dump(include={"group_id", "status"}, exclude_none=True)
    with caller.transaction() as (session, actor):
        payments = queries.visible_payments(actor).filter_by(**filters)
        page, next_cursor = newest(session, payments, OnlinePayment.id, query)
        return Page(items=[_out(session, payment) for payment in page], next_cursor=next_cursor)


@router.post(
    "/provider-account",
    status_code=201,
    response_model=ProviderAccountOut,
    responses=declared(BankAccountTakenError, NoProviderError, ConnectedOnceError, ProviderOffError),
)
def connect_provider_account(caller: Owner, gateway: Provider, db: Book) -> Response:
    """Connect to the payment provider: the platform by the key that it has, a supplier by an account of its own."""
    now = utc_now()
    with caller.transaction() as (_, owner):  # who may not ask us has us ask nobody
        is_platform = owner.side is Side.OPERATOR
    own = _asked(gateway.account) if is_platform else None

    def work(session: orm.Session, actor: Actor) -> tuple[ProviderAccountOut, UUID | None]:
        if own is not None:
            account = connecting.connect_platform(session, actor, own, now=now)
            number, pays_out = account.number, own.pays_out
            return ProviderAccountOut(number=number, takes_transfers=True, pays_out=pays_out, due=[]), None
        call = connecting.connect(session, actor, now=now)
        return ProviderAccountOut(number=None, takes_transfers=False, pays_out=False, due=[]), call.subject_id

    return once_asking(caller, gateway, db, None, work)


def _asked(ask: Callable[[], Answered]) -> Answered:
    """Ask the provider for what the answer needs; raises `ProviderOffError` if it does not answer."""
    try:
        return ask()
    except ProviderError as error:
        raise ProviderOffError from error


@router.get("/provider-account", responses=declared(NotFoundError))
def show_provider_account(
    caller: Annotated[Caller, requires(Permission.PROVIDER_ACCOUNT_READ)],
) -> ProviderAccountOut:
    """Show the organisation's account at the payment provider."""
    with caller.transaction() as (session, actor):
        account, may = connecting.account_of(session, actor.organisation_id)
        return ProviderAccountOut(
            number=account.number,
            takes_transfers=may is None or may.takes_transfers,
            pays_out=may is None or may.pays_out,
            due=list(may.due) if may else [],
        )


@router.post(
    "/provider-account/onboarding",
    status_code=201,
    response_model=OnboardingOut,
    responses=declared(NotFoundError, ProviderOffError),
)
def begin_provider_onboarding(
    request: OnboardingWish, caller: Annotated[Caller, requires(Permission.PROVIDER_ACCOUNT_WRITE)], gateway: Provider
) -> Response:
    """Lead the supplier to the provider's page, on which it tells what the provider asks of it."""
    with caller.transaction() as (session, actor):
        account, _ = connecting.account_of(session, actor.organisation_id)
    url = _asked(lambda: gateway.onboarding_url(account.number, return_url=request.return_url))
    return caller.once(request, lambda *_: OnboardingOut(url=url))


@router.post(
    "/provider-events",
    status_code=202,
    responses=declared(EventForgedError, ProviderOffError),
    dependencies=[public()],
    openapi_extra=file_body("application/json"),
)
def take_provider_event(
    content: Annotated[bytes, Depends(read_file)],
    gateway: Provider,
    db: Book,
    stripe_signature: Annotated[str, Header(examples=["t=1774928400,v1=5257a869"])] = "",
) -> EventTaken:
    """Take a signed event of the payment provider; it is kept once, and handled after this answer."""
    if not gateway.hears:
        raise ProviderOffError
    try:
        event = gateway.event(content, stripe_signature)
    except ForgedEventError as error:
        raise EventForgedError from error
    with db.transaction() as session:
        inbox.take(session, event, now=utc_now())
    return EventTaken(kept=True)


@router.get("/disputes")
def list_disputes(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.CASH_READ)]
) -> Page[DisputeOut]:
    """List disputes, newest first."""
    with caller.transaction() as (session, _):
        disputes = queries.all_disputes()
        page, next_cursor = newest(session, disputes, Dispute.id, query)
    return Page(items=[DisputeOut.model_validate(row) for row in page], next_cursor=next_cursor)
