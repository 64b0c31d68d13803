"""Erasure: a household's data key is destroyed, by the county or by two people, and what it sealed is gone for ever."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.errors import FourEyesError, MarketError, NotFoundError, follow
from market.households import proxies
from market.households.models import Erasure, HouseholdKey, Person
from market.households.queries import sharing_accounts, visible_erasures
from market.households.rules import (
    ERASURE_TRANSITIONS,
    Deed,
    ErasureEvent,
    ErasurePendingError,
    ErasureStatus,
    check_says_no_number,
)
from market.households.service import household_to_change
from market.identity.rules import Actor, Role


class NothingToEraseError(MarketError):
    """Personal data are of people, and nobody was recorded."""

    status = 404
    en = "No person of this household is recorded, so there are no personal data to erase."
    zh = "该户尚未登记任何家庭成员,没有可删除的个人信息。"


def request(session: orm.Session, actor: Actor, *, household_id: UUID, reason: str, now: datetime) -> Erasure:
    """Ask that a household's personal data be erased; when the county asks, it is done at once.

    Raises `NotFoundError`, `NothingToEraseError`, `NumberInTextError` or `ErasurePendingError`.
    """
    household_to_change(session, actor, household_id=household_id)
    if session.get(HouseholdKey, household_id) is None:
        raise NothingToEraseError
    check_says_no_number(reason, pointer="/reason")
    pending = sa.select(Erasure.id).where(
        Erasure.household_id == household_id, Erasure.status != ErasureStatus.REJECTED
    )
    if session.scalar(pending):
        raise ErasurePendingError
    erasure = Erasure(
        household_id=household_id,
        status=ErasureStatus.REQUESTED,
        reason=reason,
        requested_by=actor.member_id,
        requested_at=now,
        decided_by=None,
        decided_at=None,
        opinion=None,
        shared_with=None,
    )
    session.add(erasure)
    session.flush()
    proxies.record(
        session, actor, deed=Deed.ERASURE_REQUESTED, about=[(household_id, erasure.id)], evidence=reason, now=now
    )
    if actor.role is Role.COUNTY_REVIEWER:
        _close(session, actor, erasure, event=ErasureEvent.CARRY_OUT, opinion=reason, now=now)
    return erasure


def decide(
    session: orm.Session, actor: Actor, *, erasure_id: UUID, event: ErasureEvent, opinion: str, now: datetime
) -> Erasure:
    """Carry out or reject what somebody else has asked for.

    Raises `NotFoundError`, `NumberInTextError`, `TransitionError` or `FourEyesError`.
    """
    visible = visible_erasures(actor).where(Erasure.id == erasure_id)
    erasure = session.scalar(visible)
    if erasure is None:
        raise NotFoundError(what="erasure")
    household_to_change(session, actor, household_id=erasure.household_id)  # locked before its erasure, as everywhere
    session.refresh(erasure, with_for_update=True)
    check_says_no_number(opinion, pointer="/opinion")
    follow(ERASURE_TRANSITIONS, erasure.status, event, machine="erasure")
    if erasure.requested_by == actor.member_id:
        raise FourEyesError(rule="erasure")
    _close(session, actor, erasure, event=event, opinion=opinion, now=now)
    return erasure


def _close(
    session: orm.Session, actor: Actor, erasure: Erasure, *, event: ErasureEvent, opinion: str, now: datetime
) -> None:
    erasure.status = follow(ERASURE_TRANSITIONS, erasure.status, event, machine="erasure")
    erasure.decided_by, erasure.decided_at, erasure.opinion = actor.member_id, now, opinion
    if event is ErasureEvent.CARRY_OUT:
        _destroy(session, actor, erasure, now=now)
    session.flush()


def _destroy(session: orm.Session, actor: Actor, erasure: Erasure, *, now: datetime) -> None:
    """Destroy the data key, and the blind indexes: by these one could still ask whether a number is the household's."""
    erasure.shared_with = sharing_accounts(session.connection(), [erasure.household_id]).get(erasure.household_id, 0)
    session.execute(
        sa.update(HouseholdKey)
        .where(HouseholdKey.household_id == erasure.household_id)
        .values(wrapped=None, destroyed_at=now, destroyed_by=actor.member_id, reason=erasure.reason)
    )
    session.execute(
        sa.update(Person)
        .where(Person.household_id == erasure.household_id)
        .values(resident_id_index=None, phone_index=None, bank_account_index=None)
    )
