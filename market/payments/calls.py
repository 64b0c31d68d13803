"""Calls: what the provider is asked to do, written down before it is asked: nothing is asked twice or forgotten.

The key of a call is derived from its row: asking again under it is the same question. Where the provider keeps a
failure under the key, or may have forgotten the key (after 24 hours), what the call may have made is looked up, and a
new key is used when that surely does not exist: under the old one the provider would only give its failure again.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy import orm

from market.db import Database, new_id
from market.errors import NotFoundError
from market.payments.gateway import Gateway
from market.payments.looking import Sought, was_not_made
from market.payments.models import ProviderCall, ProviderSweep
from market.payments.provider import Asked, NoAnswerError, RefusedError, Seen, UnclearError
from market.payments.queries import is_due
from market.payments.rules import MOST_TRIES, CallStatus, NotParkedError, Operation, pause

LOG = structlog.get_logger()
KEYS_LAST = timedelta(hours=23)
"""Stripe forgets a key after 24 hours at the earliest; one of a clock that ran ahead may be of any age."""

Outcome = Seen | RefusedError
Note = Callable[[orm.Session, ProviderCall, Outcome, datetime], None]
"""What a use case makes of a call's outcome, in the transaction in which the call is done."""


def ask(
    session: orm.Session, operation: Operation, subject_id: UUID, params: Mapping[str, Any], *, now: datetime
) -> ProviderCall:
    """Write down what the provider is to do for an object of ours; a refused attempt is followed by a new one."""
    call = ProviderCall(
        id=new_id(),
        operation=operation,
        subject_id=subject_id,
        attempt=_next_attempt(session, operation, subject_id),
        params=dict(params),
        status=CallStatus.DUE,
        made_at=now,
        next_at=now,
    )
    session.add(call)
    session.flush()
    return call


def _next_attempt(session: orm.Session, operation: Operation, subject_id: UUID) -> int:
    last = sa.select(sa.func.coalesce(sa.func.max(ProviderCall.attempt), 0)).where(
        ProviderCall.operation == operation, ProviderCall.subject_id == subject_id
    )
    return session.scalars(last).one() + 1


def due(session: orm.Session, operations: Collection[Operation], *, now: datetime) -> list[UUID]:
    """Return the calls that are to be made now, oldest first."""
    wanted = sa.select(ProviderCall.id).where(
        ProviderCall.status == CallStatus.DUE, is_due(ProviderCall.next_at, now), ProviderCall.operation.in_(operations)
    )
    return list(session.scalars(wanted.order_by(ProviderCall.id)))


def due_about(session: orm.Session, subject_id: UUID, *, now: datetime) -> list[UUID]:
    """Return the calls about an object of ours that are to be made now."""
    wanted = sa.select(ProviderCall.id).where(
        ProviderCall.status == CallStatus.DUE, is_due(ProviderCall.next_at, now), ProviderCall.subject_id == subject_id
    )
    return list(session.scalars(wanted.order_by(ProviderCall.id)))


def make(db: Database, gateway: Gateway, call_id: UUID, note: Note, *, now: datetime) -> bool:
    """Make a call that is due and let a use case note what came of it; tell whether it has an outcome now.

    The provider is never called inside a transaction: a death on the way leaves the call due, and the same key.
    """
    with db.transaction() as session:
        call = _taken(session, call_id, now)
        if call is None:
            return False
        asked, key = Asked(call.operation, call.subject_id, call.params), _key(call)
        since, look_first = min(call.first_sent_at or now, now), _must_look(call, now)
        call.first_sent_at = call.first_sent_at or now
        # A clock that ran ahead when it was asked makes nobody wait for longer than from now on.
        call.last_sent_at = min(call.last_sent_at or now, now) if look_first else now
    outcome: Outcome | NoAnswerError | UnclearError | None
    try:
        try:
            outcome = gateway.find(asked, since=since) if look_first else gateway.ask(asked, key=key)
        except (RefusedError, NoAnswerError, UnclearError) as error:
            outcome = error
        with db.transaction() as session:
            return _record(session, call_id, outcome, note, now)
    except Exception as error:
        with db.transaction() as session:
            _fail(session, call_id, error)
        raise


def _taken(session: orm.Session, call_id: UUID, now: datetime) -> ProviderCall | None:
    """Take a call for a while, in which nobody else makes it; none if another has it."""
    wanted = sa.select(ProviderCall).where(
        ProviderCall.id == call_id, ProviderCall.status == CallStatus.DUE, is_due(ProviderCall.next_at, now)
    )
    call = session.scalar(wanted.with_for_update(skip_locked=True))
    if call is not None:
        call.tries += 1
        call.next_at = now + pause(call.tries)
    return call


def _key(call: ProviderCall) -> str:
    return f"market:{call.operation}:{call.subject_id}:{call.attempt}"


def _must_look(call: ProviderCall, now: datetime) -> bool:
    return (
        call.is_unclear
        or call.is_withdrawn
        or (call.first_sent_at is not None and abs(now - call.first_sent_at) > KEYS_LAST)
    )


def _record(
    session: orm.Session,
    call_id: UUID,
    outcome: Outcome | NoAnswerError | UnclearError | None,
    note: Note,
    now: datetime,
) -> bool:
    call = session.get_one(ProviderCall, call_id)
    if call.status is not CallStatus.DUE:
        return True
    if outcome is None and call.is_withdrawn and _was_not_made(session, call, now):
        outcome = RefusedError("withdrawn", "given up before it was made")
    has_ended = False
    if outcome is not None and not isinstance(outcome, NoAnswerError | UnclearError):
        has_ended = True
        note(session, call, outcome, now)  # the call is locked last, as by whoever hears of it otherwise
    session.refresh(call, with_for_update=True)
    if not call.status.is_open:  # settled by what was noted of it, here or meanwhile
        return True
    match outcome:
        case NoAnswerError() | UnclearError():
            call.fault = str(outcome)
            call.is_unclear = call.is_unclear or isinstance(outcome, UnclearError)
            _try_again(call)
        case None:
            _look_again(session, call, now)
        case RefusedError():
            call.status, call.fault = CallStatus.REFUSED, str(outcome)
        case _:
            call.status, call.object_id, call.fault = CallStatus.DONE, outcome.id, None
    session.flush()
    return has_ended


def _fail(session: orm.Session, call_id: UUID, error: Exception) -> None:
    """Keep why a call's outcome cannot be noted: after too many tries it is parked, what it did is not forgotten."""
    call = session.get_one(ProviderCall, call_id, with_for_update=True)
    if call.status is CallStatus.DUE:
        call.fault = f"{type(error).__name__}: {error}"[:500]
        _try_again(call)


def _try_again(call: ProviderCall) -> None:
    """Let a call that failed be made again, or after too many tries wait for a person; answered looks do not count."""
    call.status = CallStatus.PARKED if call.tries - call.unfound >= MOST_TRIES else CallStatus.DUE


def _look_again(session: orm.Session, call: ProviderCall, now: datetime) -> None:
    """What the call may have made was not found: it is looked for again, or asked for anew if it was not made."""
    not_made = _was_not_made(session, call, now)
    call.unfound += 1
    call.next_at = now + pause(call.unfound)
    if not_made:
        call.attempt = _next_attempt(session, call.operation, call.subject_id)
        call.tries, call.unfound, call.is_unclear = call.tries - call.unfound, 0, False
        call.first_sent_at = call.last_sent_at = None


def _was_not_made(session: orm.Session, call: ProviderCall, now: datetime) -> bool:
    """Tell of a call that was not found once more whether that is enough."""
    whole_at = session.scalar(sa.select(sa.func.max(ProviderSweep.whole_at)))
    return was_not_made(call.operation, Sought(call.last_sent_at or now, call.unfound + 1, whole_at), now=now)


def withdraw(session: orm.Session, operation: Operation, subject_id: UUID, *, now: datetime) -> None:
    """Ask no more for what has no outcome yet: it ends as refused, unless it turns out to be made.

    It is looked for at once, but not a second time within a minute: lists at the provider may lag.
    """
    in_a_minute = sa.func.least(ProviderCall.next_at, now + pause(1))
    was_looked_for = sa.or_(ProviderCall.is_withdrawn, ProviderCall.unfound > 0)
    withdrawn = sa.update(ProviderCall).where(
        ProviderCall.operation == operation,
        ProviderCall.subject_id == subject_id,
        ProviderCall.status.in_((CallStatus.DUE, CallStatus.PARKED)),
    )
    next_at = sa.case((was_looked_for, in_a_minute), else_=now)
    values = {"status": CallStatus.DUE, "is_withdrawn": True, "tries": ProviderCall.unfound, "next_at": next_at}
    session.execute(withdrawn.values(values))


def retry(session: orm.Session, call_id: UUID, *, now: datetime) -> ProviderCall:
    """Make a parked call again, under the key that it had; raises `NotFoundError` or `NotParkedError`."""
    call = session.get(ProviderCall, call_id, with_for_update=True)
    if call is None:
        raise NotFoundError(what="provider_call")
    if call.status is not CallStatus.PARKED:
        raise NotParkedError(machine="provider_call", status=call.status)
    call.status, call.tries, call.next_at = CallStatus.DUE, call.unfound, now
    session.flush()
    return call


def settled_by_others(session: orm.Session, operation: Operation, subject_id: UUID, object_id: str) -> None:
    """Take note that a call has its outcome: an event or a look at the provider told of what it made."""
    done = sa.update(ProviderCall).where(
        ProviderCall.operation == operation,
        ProviderCall.subject_id == subject_id,
        ProviderCall.status.in_((CallStatus.DUE, CallStatus.PARKED)),
    )
    session.execute(done.values(status=CallStatus.DONE, object_id=object_id, fault=None))
