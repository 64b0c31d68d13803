"""Annulling at the end of a season: the supplier's manager finds that a list was wrong, the county agrees."""

from datetime import UTC, date, datetime
from uuid import UUID

from market.annulments import deciding
from market.annulments.models import Annulment
from market.distributions.models import Distribution
from market.identity.rules import Actor, Role
from tests import factories
from tests.distributions.season import Season

LATER = date(2027, 2, 15)
LATER_NOON = datetime(2027, 2, 15, 4, tzinfo=UTC)


def manager(season: Season) -> Actor:
    """Return a manager of the season's supplier."""
    member = factories.member(season.session, season.story.supplier, Role.SUPPLIER_MANAGER)
    return factories.actor(season.session, member)


def proposed(season: Season, distribution: Distribution, *, by: Actor | None = None) -> Annulment:
    """Have it stated that a distribution never was, by the supplier's manager unless told otherwise."""
    annulment, _ = deciding.propose(
        season.session,
        by or manager(season),
        subject=deciding.Subject(distribution.id),
        reason="名单有误",
        evidence="审计报告 2027-003 号",
        now=LATER_NOON,
    )
    return annulment


def approved(season: Season, annulment_id: UUID, *, on: date = LATER, now: datetime = LATER_NOON) -> Annulment:
    """Have the county approve it."""
    return deciding.approve(season.session, season.reviewer, annulment_id=annulment_id, opinion="属实", on=on, now=now)


def annulled(season: Season, distribution: Distribution, *, on: date = LATER) -> Annulment:
    """Propose and approve."""
    return approved(season, proposed(season, distribution).id, on=on)
