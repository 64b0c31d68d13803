"""Baselines of households: the village states what a figure was in a year before, the county confirms it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.clock import business_date
from market.db import new_id
from market.errors import FourEyesError, InvalidInputError, NotFoundError
from market.households import proxies
from market.households.rules import Deed
from market.households.service import household_to_change
from market.identity.rules import Actor
from market.livelihoods import queries
from market.livelihoods.models import HouseholdBaseline
from market.livelihoods.queries import visible_household_baselines
from market.livelihoods.rules import (
    BaselineConfirmedError,
    BaselineEvent,
    BaselineStatus,
    Figure,
    Window,
    baseline_after,
    check_baseline_period,
)

_STATED = "代办员代填,依据见基期来源"
"""What shows the act: the baseline has its source."""


def propose(
    session: orm.Session,
    actor: Actor,
    *,
    household_id: UUID,
    figure: Figure,
    amount_fen: int,
    period: Window,
    source: str,
    replaces: UUID | None = None,
    reason: str | None = None,
    now: datetime,
) -> HouseholdBaseline:
    """State what a household's figure was in a year before; in place of a confirmed one only if that is named, and why.

    What is confirmed stays in force until the county confirms this one. Raises `NotFoundError`, `BaselinePeriodError`,
    `InvalidInputError` or `BaselineConfirmedError`.
    """
    household_to_change(session, actor, household_id=household_id)
    check_baseline_period(period, today=business_date(now))
    if (replaces is None) != (reason is None):
        raise InvalidInputError(
            "a replacement is named with its reason", "更换基期须同时写明原基期与理由", pointer="/reason"
        )
    if figure is Figure.GROSS and amount_fen < 0:
        raise InvalidInputError("gross income is never below zero", "毛收入不得为负数", pointer="/amount_fen")
    _check_place(session, household_id, figure, period, replaces)
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
        stated_at=now,
        replaces=replaces,
        reason=reason,
    )
    session.add(baseline)
    session.flush()
    about = [(household_id, baseline.id)]
    proxies.record(session, actor, deed=Deed.BASELINE_STATED, about=about, evidence=_STATED, now=now)
    return baseline


def _check_place(
    session: orm.Session, household_id: UUID, figure: Figure, period: Window, replaces: UUID | None
) -> None:
    """Raise unless what is in force for a day of the period is what is to be replaced, and nothing else is."""
    standing = queries.baselines_in_force(session, household_id, figure, period)
    if replaces is not None and replaces not in {each.id for each in standing}:
        raise NotFoundError(what="baseline", pointer="/replaces")
    for each in standing:
        if each.id != replaces:
            raise BaselineConfirmedError(begin=each.period_from, end=each.period_to, pointer="/period_from")


def decide(
    session: orm.Session, actor: Actor, *, baseline_id: UUID, event: BaselineEvent, opinion: str, now: datetime
) -> HouseholdBaseline:
    """Confirm or reject a proposed baseline, as another person than who stated it.

    Raises `NotFoundError`, `TransitionError`, `FourEyesError`, or `BaselineConfirmedError` if another was confirmed
    since for this period.
    """
    proposed = visible_household_baselines(actor).where(HouseholdBaseline.id == baseline_id)
    baseline = session.scalar(proposed)
    if baseline is None:
        raise NotFoundError(what="baseline")
    household_to_change(session, actor, household_id=baseline.household_id)  # one decision of a household at a time
    session.refresh(baseline, with_for_update=True)
    after = baseline_after(baseline.status, event)
    if actor.member_id == baseline.stated_by:
        raise FourEyesError(rule="baseline")
    if event is BaselineEvent.CONFIRM:
        period = Window(baseline.period_from, baseline.period_to)
        _check_place(session, baseline.household_id, baseline.figure, period, baseline.replaces)
    baseline.status, baseline.opinion = after, opinion
    baseline.decided_by, baseline.decided_at = actor.member_id, now
    session.flush()
    return baseline
