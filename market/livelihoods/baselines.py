"""Baselines of households: the village states what a figure was in a year before, the county confirms it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.db import new_id
from market.errors import FourEyesError, NotFoundError
from market.households.service import household_to_change
from market.identity.rules import Actor
from market.livelihoods.models import HouseholdBaseline
from market.livelihoods.queries import visible_household_baselines
from market.livelihoods.rules import (
    BaselineEvent,
    BaselineStatus,
    Figure,
    Window,
    baseline_after,
    check_baseline_period,
)


def propose(
    session: orm.Session,
    actor: Actor,
    *,
    household_id: UUID,
    figure: Figure,
    amount_fen: int,
    period: Window,
    source: str,
    today: date,
) -> HouseholdBaseline:
    """State what a household's figure was in a year before. Raises `NotFoundError` or `BaselinePeriodError`."""
    household_to_change(session, actor, household_id=household_id)
    check_baseline_period(period, today=today)
    baseline = HouseholdBaseline(
        id=new_id(),
        household_id=household_id,
        figure=figure,
        amount_fen=amount_fen,
        period_from=period.begin,
        period_to=period.end,
        source=source,
        status=BaselineStatus.PROPOSED,
        stated_by=actor.member_id,
    )
    session.add(baseline)
    session.flush()
    return baseline


def decide(
    session: orm.Session, actor: Actor, *, baseline_id: UUID, event: BaselineEvent, opinion: str, now: datetime
) -> HouseholdBaseline:
    """Confirm or reject a proposed baseline, as another person than who stated it.

    Raises `NotFoundError`, `TransitionError` or `FourEyesError`.
    """
    proposed = visible_household_baselines(actor).where(HouseholdBaseline.id == baseline_id)
    baseline = session.scalar(proposed.with_for_update(of=HouseholdBaseline))
    if baseline is None:
        raise NotFoundError(what="baseline")
    after = baseline_after(baseline.status, event)
    if actor.member_id == baseline.stated_by:
        raise FourEyesError(rule="baseline")
    baseline.status, baseline.opinion = after, opinion
    baseline.decided_by, baseline.decided_at = actor.member_id, now
    session.flush()
    return baseline
