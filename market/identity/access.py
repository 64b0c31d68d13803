"""The door: every endpoint holds a `Caller`, and only a caller who was let in reaches the database.

An endpoint declares one permission with `requires(...)`, or none with `public()`. The check runs when the endpoint
opens `transaction()` or `reading()`, in the endpoint's own thread: one statement, no second hop.
"""

import hmac
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, NamedTuple

from fastapi import Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext
from pydantic import BaseModel
from sqlalchemy import Connection, exc, orm

from market.api import MissingIdempotencyKeyError, pointer_to
from market.clock import utc_now
from market.db import Database
from market.errors import InvalidInputError, MarketError
from market.identity import service
from market.identity.rules import Actor, Permission

KEY_MAX_LENGTH = 200


class NotAgain(NamedTuple):
    """How soon the same request under another key is taken for a second click, and how it is refused."""

    seconds: int
    refusal: type[MarketError]


class Caller:
    """One request's credential, the permission its endpoint declares, and the way to the database."""

    def __init__(self, request: Request, permission: Permission) -> None:
        """Read the credential; it is checked on first use."""
        self._db: Database = request.app.state.db
        self._request = request
        self._permission = permission

    @property
    def secret(self) -> str:
        """Return the token or API key that the request carries, or an empty text."""
        scheme, _, secret = self._request.headers.get("authorization", "").partition(" ")
        return secret.strip() if scheme.lower() == "bearer" else ""

    @property
    def ip(self) -> str:
        """Return where the request came from, as the server sees it."""
        return self._request.client.host if self._request.client else ""

    @property
    def request_id(self) -> str:
        """Return the id under which the request is logged."""
        return str(getattr(self._request.state, "request_id", ""))

    def _admit(self, connection: Connection) -> Actor:
        """Return who is asking; raises `UnauthenticatedError`, `TokenExpiredError` or `ForbiddenError`."""
        return service.authenticate(connection, self.secret, self._permission, now=utc_now())

    @contextmanager
    def transaction(self) -> Iterator[tuple[orm.Session, Actor]]:
        """Let the caller in, then open a transaction, so that its first statement is the endpoint's own."""
        with self._db.reading() as connection:
            actor = self._admit(connection)
        with self._db.transaction() as session:
            yield session, actor

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, Actor]]:
        """Lend a connection for reads of one statement each, and let the caller in."""
        with self._db.reading() as connection:
            yield connection, self._admit(connection)

    def once(
        self,
        request: BaseModel | None,
        work: Callable[[orm.Session, Actor], BaseModel],
        *,
        status: int | Callable[[Any], int] = 201,
        shown_once: Collection[str] = (),
        digest_key: bytes | None = None,
        not_again: NotAgain | None = None,
    ) -> Response:
        """Do `work` once per Idempotency-Key and answer with what it returns; a repeat gets the first answer.

        Where the status depends on what was done, it is asked of the answer.
        What costs us much, as reading a file does, is a part of `work`: nobody is let in before it begins.
        The answer is stored in the transaction whose effect it reports, without the fields of `shown_once`, which are
        null in a repeat. A request that holds personal data is remembered by a digest under `digest_key`: what a plain
        hash of a telephone number says is found by trying all numbers.
        With `not_again` the same request soon after under another key, as from a second tab, is refused.
        Of two requests at once with one key the second stumbles over what the first did, on the key or inside `work`: a
        constraint, a moved state, a name taken. It is rolled back and answered from the store.
        """
        key = self._key()
        asked = self._digest(request, digest_key)
        actor: Actor | None = None
        try:
            with self._db.transaction() as session:
                actor = self._admit(session.connection())
                answered = service.answer_to(session, actor, key=key, request_hash=asked)
                if answered is None:
                    answer = work(session, actor)
                    body = kept = answer.model_dump_json().encode()
                    if shown_once:
                        kept = answer.model_copy(update=dict.fromkeys(shown_once)).model_dump_json().encode()
                    code = status if isinstance(status, int) else status(answer)
                    told = service.Answer(code, kept)
                    if not_again is None:
                        service.remember_answer(session, actor, key=key, request_hash=asked, answer=told)
                    elif not service.remember_unless_just_answered(
                        session, actor, key=key, request_hash=asked, answer=told, seconds=not_again.seconds
                    ):
                        raise not_again.refusal(seconds=not_again.seconds)
                    return Response(body, code, media_type="application/json")
        except (exc.IntegrityError, MarketError):
            if actor is None:
                raise
            with self._db.transaction() as session:
                answered = service.answer_to(session, actor, key=key, request_hash=asked)
            if answered is None:
                raise
        return Response(answered.body, answered.status, {"Idempotency-Hit": "true"}, media_type="application/json")

    def _key(self) -> str:
        key = self._request.headers.get("idempotency-key", "")
        if not key:
            raise MissingIdempotencyKeyError
        if len(key) > KEY_MAX_LENGTH or not (key.isascii() and key.isprintable()):
            reason, reason_zh = f"at most {KEY_MAX_LENGTH} printable ASCII characters", "须为可打印 ASCII 字符且不过长"
            raise InvalidInputError(reason, reason_zh, pointer="/header/idempotency-key")
        return key

    def _digest(self, request: BaseModel | None, key: bytes | None) -> bytes:
        content = request.model_dump_json() if request is not None else ""
        url = self._request.url
        asked = f"{self._request.method} {url.path}?{url.query}\n{content}".encode()
        return sha256(asked).digest() if key is None else hmac.digest(key, asked, sha256)


class Requirement:
    """The dependency that marks a route with its permission."""

    def __init__(self, permission: Permission) -> None:
        """Remember the permission for the start-up check and the OpenAPI."""
        self.permission = permission

    async def __call__(self, request: Request) -> Caller:
        """Hand the endpoint its caller; does no I/O, so it stays off the thread pool."""
        if request.scope["query_string"]:
            _check_query(request)
        return Caller(request, self.permission)


def _check_query(request: Request) -> None:
    """Refuse a parameter that the endpoint does not know: a misspelt `dry_run` must not move anything."""
    known = request.scope["route"].known_parameters
    if known is None:
        return
    for name in request.query_params.keys() - known:
        raise InvalidInputError("there is no such parameter", "没有该参数", pointer=pointer_to("query", name))


def requires(permission: Permission) -> Any:
    """Declare the one permission of an endpoint."""
    return Depends(Requirement(permission))


class Public:
    """The dependency that marks a route as open to anyone."""

    async def __call__(self) -> None:
        """Do nothing: the marker is the point."""


def public() -> Any:
    """Declare that an endpoint needs no permission."""
    return Depends(Public())


class UndeclaredRouteError(RuntimeError):
    """A route declares no permission, or more than one; the application does not start."""


def marker_of(route: RouteContext) -> Requirement | Public:
    """Return the one marker of a route; raises `UndeclaredRouteError` for none or several."""
    markers = list(_markers(route.dependant))
    if len(markers) != 1:
        msg = f"{sorted(route.methods or ())} {route.path} declares {len(markers)} permissions instead of one"
        raise UndeclaredRouteError(msg)
    return markers[0]


def _markers(dependant: Dependant) -> Iterator[Requirement | Public]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Requirement | Public):
            yield dependency.call
        yield from _markers(dependency)
