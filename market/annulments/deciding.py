"""Proposing and deciding an annulment; the approval posts it as one entry."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.annulments import of_contribution, of_distribution, queries
from market.annulments.models import Annulment
from market.annulments.rules import AnnulmentEvent, AnnulmentProposedError, AnnulmentStatus, Undone, after
from market.attribution import posting
from market.attribution.matching import lock_supplier, match_advances
from market.attribution.reversal import off
from market.db import new_id
from market.errors import FourEyesError, NotFoundError
from market.identity.rules import Actor
from market.lots import annulling


class Subject(NamedTuple):
    """What is to be annulled: one of the two."""

    distribution_id: UUID | None = None
    contribution_id: UUID | None = None


def predict(session: orm.Session, actor: Actor, *, subject: Subject) -> tuple[UUID, Undone]:
    """Return whose book an annulment concerns, and what it would take off and put back; writes nothing.

    Raises `NotFoundError`, `AnnulmentProposedError`, or what the subject refuses. A distribution: `TransitionError`
    unless it is approved, `RemainderStandsError`, `GivenOnError`. A contribution: `ContributionAnnulledError`,
    `CarriedContributionError`, `NeverOpenedError`.
    """
    if subject.distribution_id is not None:
        distribution = of_distribution.locked(session, actor, subject.distribution_id)
        lock_supplier(session, distribution.supplier_id)
        of_distribution.check(session, distribution)
        _check_waiting(session, Annulment.distribution_id == distribution.id)
        return distribution.supplier_id, of_distribution.undone(session, distribution)
    contribution_id = _named(subject.contribution_id)
    supplier_id = annulling.annullable(session, actor, contribution_id).supplier_id
    lock_supplier(session, supplier_id)
    annulling.annullable(session, actor, contribution_id)  # as it is now: an approval may have come before the lock
    _check_waiting(session, Annulment.contribution_id == contribution_id)
    return supplier_id, of_contribution.undone(session, contribution_id, supplier_id)


def _check_waiting(session: orm.Session, subject: sa.ColumnElement[bool]) -> None:
    if other := queries.waiting(session, subject):
        raise AnnulmentProposedError(annulment=other)


def _named(subject_id: UUID | None) -> UUID:
    if subject_id is None:
        raise LookupError("an annulment is of something")
    return subject_id


def propose(
    session: orm.Session, actor: Actor, *, subject: Subject, reason: str, evidence: str, now: datetime
) -> tuple[Annulment, Undone]:
    """Write down that what was approved never was, for the county to decide; nothing is posted yet.

    Raises what `predict` raises.
    """
    supplier_id, undone = predict(session, actor, subject=subject)
    annulment = Annulment(
        id=new_id(),
        **subject._asdict(),
        supplier_id=supplier_id,
        reason=reason,
        evidence=evidence,
        status=AnnulmentStatus.PROPOSED,
        made_by=actor.member_id,
        made_at=now,
    )
    session.add(annulment)
    session.flush()
    return annulment, undone


def approve(
    session: orm.Session, actor: Actor, *, annulment_id: UUID, opinion: str, on: date, now: datetime
) -> Annulment:
    """Take off the book what still stands of what is annulled, and put it back where it came from.

    It counts from `on`, or from the later day on which all that it takes had come in, and is known under the day of
    the entry that it undoes. What payees had received stays with them as advances, which other money of theirs claims.
    Raises `NotFoundError`, `TransitionError`, `FourEyesError`, or what the subject refuses by now.
    """
    annulment = _decide(session, actor, annulment_id, AnnulmentEvent.APPROVE, opinion=opinion, now=now)
    post = _approve_distribution if annulment.distribution_id is not None else _approve_contribution
    post(session, actor, annulment, on)
    return annulment


def _approve_distribution(session: orm.Session, actor: Actor, annulment: Annulment, on: date) -> None:
    distribution = of_distribution.locked(session, actor, _named(annulment.distribution_id))
    lock_supplier(session, annulment.supplier_id)
    distribution.status = of_distribution.check(session, distribution)
    undone = of_distribution.undone(session, distribution)
    session.flush()
    _post(session, annulment, undone, {"distribution": distribution.id}, on=on)


def _approve_contribution(session: orm.Session, actor: Actor, annulment: Annulment, on: date) -> None:
    """Annul a contribution; its lots are locked before the supplier, as whoever sells, moves or returns does."""
    contribution_id = _named(annulment.contribution_id)
    annulling.annullable(session, actor, contribution_id)
    annulling.locked_family(session, contribution_id)
    lock_supplier(session, annulment.supplier_id)
    undone = of_contribution.undone(session, contribution_id, annulment.supplier_id)
    annulled = of_contribution.annul(session, contribution_id, annulment.id)
    _post(session, annulment, undone, {"contributions": annulled}, on=on)


def reject(session: orm.Session, actor: Actor, *, annulment_id: UUID, opinion: str, now: datetime) -> Annulment:
    """Turn an annulment down: what was approved stands. Raises as `approve` for who decides."""
    annulment = _decide(session, actor, annulment_id, AnnulmentEvent.REJECT, opinion=opinion, now=now)
    session.flush()
    return annulment


def _decide(
    session: orm.Session,
    actor: Actor,
    annulment_id: UUID,
    event: AnnulmentEvent,
    *,
    opinion: str,
    now: datetime,
) -> Annulment:
    visible = queries.visible_annulments(actor).where(Annulment.id == annulment_id)
    annulment = session.scalar(visible.with_for_update().execution_options(populate_existing=True))
    if annulment is None:
        raise NotFoundError(what="annulment")
    status = after(annulment.status, event)
    if actor.member_id == annulment.made_by or actor.organisation_id == annulment.supplier_id:
        raise FourEyesError(rule="annulment")
    annulment.status = status
    annulment.decided_by, annulment.decided_at, annulment.opinion = actor.member_id, now, opinion
    return annulment


def _post(session: orm.Session, annulment: Annulment, undone: Undone, facts: dict[str, object], *, on: date) -> None:
    """Post an annulment as one entry; then let what the payees are owed claim what they had received of it."""
    supplier_id, source = annulment.supplier_id, f"annulment:{annulment.id}"
    annulment.approval_id = new_id()
    session.flush()
    moves = [move for line_id, each in undone.falls for move in off(each, supplier_id, line_id)]
    base = posting.base(supplier_id)
    moves += [
        posting.Move(
            base, posting.account(back.share, supplier_id, back.step), back.fen, back.share, back.order_line_id
        )
        for back in undone.backs
    ]
    day = max(on, undone.since)
    told = {"annulment": annulment.id, **facts}
    draft = posting.Draft(source, "annulment", day, moves, told, original_effective_on=undone.known_on)
    posting.post(session, [draft])
    match_advances(session, undone.payees, supplier_id=supplier_id, trigger=source, on=day)
