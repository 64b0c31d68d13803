"""Inbox: signed events of the provider, each kept once, and each followed by a look at the object that it is about."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.db import Database
from market.errors import NotFoundError
from market.payments.gateway import Gateway
from market.payments.models import ProviderEvent
from market.payments.noting import note
from market.payments.provider import EventSeen, ProviderError, Seen
from market.payments.queries import is_due
from market.payments.rules import MOST_TRIES, EventStatus, NotParkedError, pause


def take(session: orm.Session, event: EventSeen, *, now: datetime) -> None:
    """Keep an event whose signature was checked; the same event again changes nothing."""
    row = {
        "id": event.id,
        "kind": event.kind,
        "object_id": event.object_id,
        "status": EventStatus.RECEIVED,
        "received_at": now,
        "next_at": now,
    }
    session.execute(postgresql.insert(ProviderEvent).values(row).on_conflict_do_nothing())


def due(session: orm.Session, *, now: datetime) -> list[str]:
    """Return the events that wait to be handled, in the order in which they came."""
    wanted = sa.select(ProviderEvent.id).where(
        ProviderEvent.status == EventStatus.RECEIVED, is_due(ProviderEvent.next_at, now)
    )
    return list(session.scalars(wanted.order_by(ProviderEvent.received_at, ProviderEvent.id)))


def handle(db: Database, gateway: Gateway, event_id: str, *, now: datetime) -> bool:
    """Look at what an event is about and take note of it, in one transaction with the event's end; tell whether.

    One that fails again and again is parked, and holds up no other.
    """
    with db.transaction() as session:
        event = _taken(session, event_id, now)
        if event is None:
            return False
        kind, object_id = event.kind, event.object_id
    try:
        seen = _look(gateway, kind, object_id)
        with db.transaction() as session:
            event = session.get_one(ProviderEvent, event_id, with_for_update=True)
            if seen is not None:
                note(session, seen, now=now)
            event.status, event.handled_at, event.fault = EventStatus.HANDLED, now, None
    except Exception as error:
        with db.transaction() as session:
            _fail(session.get_one(ProviderEvent, event_id, with_for_update=True), error)
        if not isinstance(error, ProviderError):
            raise
        return False
    return True


def _taken(session: orm.Session, event_id: str, now: datetime) -> ProviderEvent | None:
    wanted = sa.select(ProviderEvent).where(
        ProviderEvent.id == event_id, ProviderEvent.status == EventStatus.RECEIVED, is_due(ProviderEvent.next_at, now)
    )
    event = session.scalar(wanted.with_for_update(skip_locked=True))
    if event is not None:
        event.tries += 1
        event.next_at = now + pause(event.tries)
    return event


def _fail(event: ProviderEvent, error: Exception) -> None:
    if event.status is not EventStatus.RECEIVED:  # somebody else has handled it meanwhile
        return
    event.fault = f"{type(error).__name__}: {error}"[:500]
    if event.tries >= MOST_TRIES:
        event.status = EventStatus.PARKED


def retry(session: orm.Session, event_id: str, *, now: datetime) -> ProviderEvent:
    """Have a parked event handled again; raises `NotFoundError` or `NotParkedError`."""
    event = session.get(ProviderEvent, event_id, with_for_update=True)
    if event is None:
        raise NotFoundError(what="provider_event")
    if event.status is not EventStatus.PARKED:
        raise NotParkedError(machine="provider_event", status=event.status)
    event.status, event.tries, event.next_at = EventStatus.RECEIVED, 0, now
    session.flush()
    return event


def _look(gateway: Gateway, kind: str, object_id: str) -> Seen | None:
    """Ask the provider how the object of an event stands now; what an event says of it may be old."""
    family = kind.split(".", maxsplit=1)[0]
    if kind.startswith("charge.dispute."):
        return gateway.dispute(object_id)
    if family == "refund" or kind.startswith("charge.refund."):
        return gateway.refund(object_id)
    if family == "payment_intent":
        return gateway.payment(object_id)
    if family == "charge":
        return gateway.payment_of_charge(object_id)
    if family == "account":
        return gateway.account(object_id)
    return gateway.transfer(object_id) if family == "transfer" else None
