"""Annulments over HTTP."""

from collections import Counter
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.annulments import deciding, queries
from market.annulments.models import Annulment
from market.annulments.rules import AnnulmentProposedError, GivenOnError, RemainderStandsError, Undone
from market.annulments.schemas import (
    AnnulmentOut,
    AnnulmentQuery,
    BackOut,
    DecideAnnulment,
    FallenOut,
    ProposeAnnulment,
    ProposedAnnulmentOut,
)
from market.api import Page, answer, declared, newest, router_of, tried
from market.attribution import posting
from market.clock import business_date, utc_now
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.lots.rules import CarriedContributionError, ContributionAnnulledError, NeverOpenedError

router = router_of("annulments")

Reader = Annotated[Caller, requires(Permission.ANNULMENT_READ)]
Writer = Annotated[Caller, requires(Permission.ANNULMENT_WRITE)]
Approver = Annotated[Caller, requires(Permission.ANNULMENT_APPROVE)]


_REFUSED = (
    TransitionError,
    RemainderStandsError,
    GivenOnError,
    ContributionAnnulledError,
    CarriedContributionError,
    NeverOpenedError,
)
"""Why what is named cannot be annulled, or not any more."""


def _told(annulment_id: UUID | None, supplier_id: UUID, undone: Undone, *, today: date) -> ProposedAnnulmentOut:
    fallen: Counter[tuple[object, ...]] = Counter()
    for _, (share, step, _, fen, *_) in undone.falls:
        fallen[share.kind, share.owner_id, share.mechanism, step] += fen
    back: Counter[tuple[object, ...]] = Counter()
    for each in undone.backs:
        back[each.share.kind, each.share.mechanism, each.step] += each.fen
    return ProposedAnnulmentOut(
        id=annulment_id,
        supplier_id=supplier_id,
        amount_fen=sum(fallen.values()),
        advance_fen=undone.advance_fen,
        counts_on=max(today, undone.since),
        known_on=undone.known_on,
        fallen=[
            FallenOut(**dict(zip(FallenOut.model_fields, (*key, fen), strict=True))) for key, fen in fallen.items()
        ],
        back=[BackOut(**dict(zip(BackOut.model_fields, (*key, fen), strict=True))) for key, fen in back.items()],
    )


@router.post(
    "/annulments",
    status_code=201,
    response_model=ProposedAnnulmentOut,
    responses=tried(ProposedAnnulmentOut)
    | declared(NotFoundError, AnnulmentProposedError, InvalidInputError, *_REFUSED),
)
def propose_annulment(request: ProposeAnnulment, caller: Writer, *, dry_run: bool = False) -> Response:
    """State that an approved distribution, or a contribution, never was; the county decides it.

    A dry run shows what would fall alone.
    """
    now = utc_now()
    subject = deciding.Subject(request.distribution_id, request.contribution_id)
    if None not in subject or not any(subject):
        reason, reason_zh = "it names a distribution or a contribution, one of the two", "分配与投入须且只能填写一项"
        raise InvalidInputError(reason, reason_zh, pointer="/distribution_id")

    def day(session: orm.Session) -> date:
        return max(business_date(now), posting.opens_on(session))

    def work(session: orm.Session, actor: Actor) -> ProposedAnnulmentOut:
        annulment, undone = deciding.propose(
            session, actor, subject=subject, reason=request.reason, evidence=request.evidence, now=now
        )
        return _told(annulment.id, annulment.supplier_id, undone, today=day(session))

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        supplier_id, undone = deciding.predict(session, actor, subject=subject)
        return answer(_told(None, supplier_id, undone, today=day(session)))


@router.get("/annulments")
def list_annulments(query: Annotated[AnnulmentQuery, Query()], caller: Reader) -> Page[AnnulmentOut]:
    """List annulments, newest first."""
    with caller.transaction() as (session, actor):
        found = queries.visible_annulments(actor)
        if query.status is not None:
            found = found.where(Annulment.status == query.status)
        page, next_cursor = newest(session, found, Annulment.id, query)
    return Page(items=[AnnulmentOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/annulments/{annulment_id}", responses=declared(NotFoundError))
def show_annulment(annulment_id: UUID, caller: Reader) -> AnnulmentOut:
    """Show an annulment."""
    with caller.transaction() as (session, actor):
        found = session.scalar(queries.visible_annulments(actor).where(Annulment.id == annulment_id))
        if found is None:
            raise NotFoundError(what="annulment")
        return AnnulmentOut.model_validate(found)


@router.post(
    "/annulments/{annulment_id}/approval",
    response_model=AnnulmentOut,
    responses=declared(NotFoundError, FourEyesError, *_REFUSED),
)
def approve_annulment(annulment_id: UUID, request: DecideAnnulment, caller: Approver) -> Response:
    """Approve an annulment: what still stands of what it names goes back to where it came from."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> AnnulmentOut:
        approved = deciding.approve(
            session, actor, annulment_id=annulment_id, opinion=request.opinion, on=business_date(now), now=now
        )
        return AnnulmentOut.model_validate(approved)

    return caller.once(request, work, status=200)


@router.post(
    "/annulments/{annulment_id}/rejection",
    response_model=AnnulmentOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def reject_annulment(annulment_id: UUID, request: DecideAnnulment, caller: Approver) -> Response:
    """Turn an annulment down: what was approved stands."""

    def work(session: orm.Session, actor: Actor) -> AnnulmentOut:
        rejected = deciding.reject(session, actor, annulment_id=annulment_id, opinion=request.opinion, now=utc_now())
        return AnnulmentOut.model_validate(rejected)

    return caller.once(request, work, status=200)
