"""A county that finds out what never was, and has it annulled."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import orm

from market.annulments import deciding
from market.annulments.models import Annulment
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.lots import opening
from market.lots.models import Lot
from tests import factories
from tests.story import NOON, TODAY, Story

LATER = TODAY + timedelta(days=20)


def officer(session: orm.Session) -> Actor:
    """Return an officer of a county."""
    county = factories.organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT)
    return factories.actor(session, factories.member(session, county, Role.COUNTY_REVIEWER), Scope.REGION)


def proposed(session: orm.Session, contribution_id: UUID, *, on: date = LATER, by: Actor | None = None) -> Annulment:
    """Have an officer, or somebody else, state that a contribution never was."""
    annulment, _ = deciding.propose(
        session,
        by or officer(session),
        subject=deciding.Subject(contribution_id=contribution_id),
        reason="农户未交售,磅单系伪造",
        evidence="审计报告 2026-07 号",
        now=NOON + (on - TODAY),
    )
    return annulment


def approve(session: orm.Session, annulment: Annulment, *, on: date = LATER) -> Annulment:
    """Have another officer decide that it is so."""
    return deciding.approve(
        session, officer(session), annulment_id=annulment.id, opinion="属实", on=on, now=NOON + (on - TODAY)
    )


def annul(session: orm.Session, contribution_id: UUID, *, on: date = LATER) -> Annulment:
    """Propose and approve."""
    return approve(session, proposed(session, contribution_id, on=on), on=on)


def on_sale(story: Story, lot: Lot) -> Lot:
    """Have a colleague of the story's clerk open a draft."""
    opener = factories.actor(story.session, factories.member(story.session, story.supplier))
    return opening.open_lot(story.session, opener, lot_id=lot.id, now=NOON)


def assert_sound(session: orm.Session) -> None:
    """Hold that neither the verification nor the doctor finds anything."""
    assert verify(session).findings == ()
    assert examine(session) == []
