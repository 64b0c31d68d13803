"""What households consent to, from a day until one, on what evidence; and the withdrawal, which anybody may have."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import InvalidInputError, NotFoundError, check_not_ahead
from market.households import proxies
from market.households.models import Consent
from market.households.queries import visible_consents
from market.households.rules import (
    ConsentPurpose,
    ConsentTakenError,
    ConsentWithdrawnError,
    Deed,
    check_present,
    check_says_no_number,
)
from market.households.service import household_to_change
from market.identity.rules import Actor


def give(
    session: orm.Session,
    actor: Actor,
    *,
    household_id: UUID,
    purpose: ConsentPurpose,
    valid_from: date,
    valid_until: date | None,
    evidence: str,
    now: datetime,
    today: date,
) -> Consent:
    """Record a household's consent, from a day that has come until one (null: until it is withdrawn).

    Raises `NotFoundError`, `HouseholdDepartedError`, `FutureDateError`, `InvalidInputError`, `NumberInTextError` or
    `ConsentTakenError`.
    """
    household = household_to_change(session, actor, household_id=household_id)
    check_present(household.departed_on)
    check_not_ahead(valid_from, today=today, pointer="/valid_from")
    check_says_no_number(evidence, pointer="/evidence")
    if valid_until is not None and valid_until <= valid_from:
        raise InvalidInputError("must be after the first day", "须晚于起始日", pointer="/valid_until")
    standing = sa.func.coalesce(Consent.withdrawn_on, Consent.valid_until, date.max)
    taken = session.scalar(
        sa.select(Consent.valid_from)
        .where(Consent.household_id == household_id, Consent.purpose == purpose)
        .where(
            (standing > valid_from) & (Consent.valid_from < (valid_until or date.max))
            | (Consent.valid_from == valid_from)
        )
        .limit(1)
    )
    if taken is not None:
        raise ConsentTakenError(day=taken, pointer="/valid_from")
    consent = Consent(
        household_id=household_id,
        purpose=purpose,
        valid_from=valid_from,
        valid_until=valid_until,
        evidence=evidence,
        recorded_by=actor.member_id,
        recorded_at=now,
        withdrawn_on=None,
        withdrawn_by=None,
    )
    session.add(consent)
    session.flush()
    proxies.record(
        session, actor, deed=Deed.CONSENT_GIVEN, about=[(household_id, consent.id)], evidence=evidence, now=now
    )
    return consent


def withdraw(
    session: orm.Session, actor: Actor, *, consent_id: UUID, evidence: str, now: datetime, today: date
) -> Consent:
    """End a consent with today; what was done under it stays lawful.

    Raises `NotFoundError`, `ConsentWithdrawnError` or `NumberInTextError`.
    """
    consent = session.scalar(visible_consents(actor).where(Consent.id == consent_id).with_for_update())
    if consent is None:
        raise NotFoundError(what="consent")
    if consent.withdrawn_on is not None:
        raise ConsentWithdrawnError(day=consent.withdrawn_on)
    check_says_no_number(evidence, pointer="/evidence")
    consent.withdrawn_on, consent.withdrawn_by = today, actor.member_id
    session.flush()
    proxies.record(
        session,
        actor,
        deed=Deed.CONSENT_WITHDRAWN,
        about=[(consent.household_id, consent.id)],
        evidence=evidence,
        now=now,
    )
    return consent
