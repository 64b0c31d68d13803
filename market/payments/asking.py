"""At the edge: the provider that a request may ask, and asking it right away for what the request wrote down."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import orm

from market.clock import utc_now
from market.db import Database
from market.identity.access import Caller
from market.identity.rules import Actor
from market.payments.gateway import Gateway
from market.payments.rules import ProviderOffError
from market.payments.tasks import push


def _gateway_if_any(request: Request) -> Gateway | None:
    gateway: Gateway | None = request.app.state.gateway
    return gateway


def _gateway(request: Request) -> Gateway:
    gateway = _gateway_if_any(request)
    if gateway is None:
        raise ProviderOffError
    return gateway


def _database(request: Request) -> Database:
    database: Database = request.app.state.db
    return database


Provider = Annotated[Gateway, Depends(_gateway)]
ProviderIfAny = Annotated[Gateway | None, Depends(_gateway_if_any)]
Book = Annotated[Database, Depends(_database)]


def once_asking(
    caller: Caller,
    gateway: Gateway | None,
    db: Database,
    request: BaseModel | None,
    work: Callable[[orm.Session, Actor], tuple[BaseModel, UUID | None]],
) -> Response:
    """Do `work` once, then ask the provider about the object of ours that it names, if any; it is committed by then.

    What has no outcome now, a worker asks again, and all of it where there is no provider yet.
    """
    asked: list[UUID] = []

    def answer(session: orm.Session, actor: Actor) -> BaseModel:
        said, subject_id = work(session, actor)
        if subject_id is not None:
            asked.append(subject_id)
        return said

    response = caller.once(request, answer)
    if gateway is not None:
        for subject_id in asked:
            push(db, gateway, subject_id, utc_now())
    return response
