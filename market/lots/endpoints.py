"""Lots over HTTP."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, PageQuery, after_id, cut, declared, newest, router_of
from market.benefits.refusals import NotEnrolledError
from market.benefits.rules import PlanNotApprovedError
from market.catalog.rules import InexactQuantityError, milli_of
from market.clock import utc_now
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.lots import baselines, contributing, opening, queries, registering, stock
from market.lots.lineage import InflatedLotError, NotCoveredError
from market.lots.models import Baseline, Contribution, Lot
from market.lots.pricing import LandNotOfLotError, MarketPrice, NewContribution, NotMeasuredSoError, PriceNotByPlanError
from market.lots.rules import (
    BaselineEvent,
    ExpiredLotError,
    InputDrawnSinceError,
    MechanismNotInPlanError,
    MissingQualityCertificateError,
    OutOfStockError,
    OutsideOriginError,
    PaidLotError,
    RepeatedEvidenceError,
    ReusedQualityCertificateError,
    SealedLotError,
    WrongUnitError,
)
from market.lots.schemas import (
    AttachQualityCertificate,
    BaselineOut,
    ContributionOut,
    ContributionsRecordedOut,
    DecideBaseline,
    LotDetailOut,
    LotOut,
    LotQuery,
    ProposeBaseline,
    RecordContributions,
    RecordSpoilage,
    RegisterLot,
)
from market.quantities import MILLI_IN, MILLI_MU, MeasuredIn, base_units, text

router = router_of("lots")

Reader = Annotated[Caller, requires(Permission.LOT_READ)]
Writer = Annotated[Caller, requires(Permission.LOT_WRITE)]
Opener = Annotated[Caller, requires(Permission.LOT_OPEN)]


@router.post(
    "/lots",
    status_code=201,
    response_model=LotOut,
    responses=declared(
        NotFoundError,
        OutsideOriginError,
        InvalidInputError,
        InexactQuantityError,
        WrongUnitError,
    ),
)
def register_lot(request: RegisterLot, caller: Writer) -> Response:
    """Register a lot that was harvested or produced, as a draft; one made of other lots is processed."""

    def work(session: orm.Session, actor: Actor) -> LotOut:
        unit_milli = MILLI_IN[request.unit]
        lot = registering.register_lot(
            session,
            actor,
            product_id=request.product_id,
            quantity_milli=milli_of(request.quantity, unit_milli, pointer="/quantity"),
            measured_in=request.unit,
            produced_on=request.produced_on,
            expires_on=request.expires_on,
            origin_code=request.origin_code,
            area_milli_mu=_area(request.area_mu) if request.area_mu is not None else None,
            bought_in_milli=milli_of(request.bought_in, unit_milli, pointer="/bought_in"),
            loss_milli=milli_of(request.loss, unit_milli, pointer="/loss"),
            now=utc_now(),
        )
        return lot_out(lot)

    return caller.once(request, work)


@router.get("/lots")
def list_lots(query: Annotated[LotQuery, Query()], caller: Reader) -> Page[LotOut]:
    """List the lots you may see, newest first."""
    with caller.transaction() as (session, actor):
        lots = queries.visible_lots(actor)
        if query.product_id is not None:
            lots = lots.where(Lot.product_id == query.product_id)
        if query.status is not None:
            lots = lots.where(Lot.status == query.status)
        page, next_cursor = newest(session, lots, Lot.id, query)
        return Page(items=[lot_out(lot) for lot in page], next_cursor=next_cursor)


@router.get("/lots/{lot_id}", responses=declared(NotFoundError))
def show_lot(lot_id: UUID, caller: Reader) -> LotDetailOut:
    """Show a lot, where its quantity is, and its baseline."""
    with caller.transaction() as (session, actor):
        lot = queries.one_lot(session, actor, lot_id)
        baseline = session.get(Baseline, lot_id)
        stated = _baseline_out(lot, baseline) if baseline is not None else None
        return LotDetailOut(**dict(lot_out(lot)), baseline=stated)


@router.post(
    "/lots/{lot_id}/contributions",
    status_code=201,
    response_model=ContributionsRecordedOut,
    responses=declared(
        NotFoundError,
        SealedLotError,
        RepeatedEvidenceError,
        PlanNotApprovedError,
        MechanismNotInPlanError,
        NotEnrolledError,
        NotMeasuredSoError,
        WrongUnitError,
        PriceNotByPlanError,
        LandNotOfLotError,
        InexactQuantityError,
        InvalidInputError,
    ),
)
def record_contributions(lot_id: UUID, request: RecordContributions, caller: Writer) -> Response:
    """Record what households gave to a draft lot; each amount follows from measure, price and plan."""

    def work(session: orm.Session, actor: Actor) -> ContributionsRecordedOut:
        given = [
            NewContribution(
                household_id=one.household_id,
                mechanism=one.mechanism,
                measure_milli=milli_of(one.measure, MILLI_IN[one.unit], pointer=f"/contributions/{index}/measure"),
                measured_in=one.unit,
                unit_price_fen=one.unit_price_fen,
                delivered_on=one.delivered_on,
                evidence=one.evidence,
                market=MarketPrice(one.market.price_fen, one.market.source, one.market.on) if one.market else None,
            )
            for index, one in enumerate(request.contributions)
        ]
        rows = contributing.record_contributions(session, actor, lot_id=lot_id, contributions=given, now=utc_now())
        return ContributionsRecordedOut(
            lot_id=lot_id, recorded=len(rows), amount_fen=sum(row.amount_fen or 0 for row in rows)
        )

    return caller.once(request, work)


@router.get("/lots/{lot_id}/contributions", responses=declared(NotFoundError))
def list_contributions(lot_id: UUID, query: Annotated[PageQuery, Query()], caller: Reader) -> Page[ContributionOut]:
    """List what households gave to a lot, oldest first."""
    with caller.transaction() as (session, actor):
        queries.one_lot(session, actor, lot_id)
        rows = sa.select(Contribution).where(Contribution.lot_id == lot_id)
        if (after := after_id(query.cursor)) is not None:
            rows = rows.where(Contribution.id > after)
        found = session.scalars(rows.order_by(Contribution.id).limit(query.limit + 1)).all()
        page, next_cursor = cut(found, query.limit, lambda row: row.id)
        items = [ContributionOut.model_validate(queries.told(row)) for row in page]
        return Page(items=items, next_cursor=next_cursor)


@router.post(
    "/lots/{lot_id}/quality-certificate",
    response_model=LotOut,
    responses=declared(NotFoundError, SealedLotError, ReusedQualityCertificateError),
)
def attach_quality_certificate(lot_id: UUID, request: AttachQualityCertificate, caller: Writer) -> Response:
    """Attach a quality certificate (承诺达标合格证) to a draft lot."""
    return caller.once(
        request,
        lambda session, actor: lot_out(
            registering.attach_quality_certificate(session, actor, lot_id=lot_id, number=request.number)
        ),
        status=200,
    )


@router.post(
    "/lots/{lot_id}/opening",
    response_model=LotOut,
    responses=declared(
        NotFoundError,
        TransitionError,
        FourEyesError,
        ExpiredLotError,
        MissingQualityCertificateError,
        NotCoveredError,
        InflatedLotError,
    ),
)
def open_lot(lot_id: UUID, caller: Opener) -> Response:
    """Put a lot on sale; what went into it is sealed from then on."""
    now = utc_now()
    return caller.once(
        None, lambda session, actor: lot_out(opening.open_lot(session, actor, lot_id=lot_id, now=now)), status=200
    )


@router.post(
    "/lots/{lot_id}/discarding",
    response_model=LotOut,
    responses=declared(NotFoundError, TransitionError, PaidLotError, InputDrawnSinceError),
)
def discard_lot(lot_id: UUID, caller: Writer) -> Response:
    """Give up a draft that was a mistake; the lots it was made of have back what was taken of them."""
    return caller.once(None, lambda session, actor: lot_out(opening.discard(session, actor, lot_id=lot_id)), status=200)


@router.post("/lots/{lot_id}/hold", response_model=LotOut, responses=declared(NotFoundError, TransitionError))
def hold_lot(lot_id: UUID, caller: Writer) -> Response:
    """Take a lot off sale; what is already reserved stays so."""
    return caller.once(None, lambda session, actor: lot_out(opening.hold(session, actor, lot_id=lot_id)), status=200)


@router.post("/lots/{lot_id}/release", response_model=LotOut, responses=declared(NotFoundError, TransitionError))
def release_lot(lot_id: UUID, caller: Opener) -> Response:
    """Put a held lot back on sale."""
    return caller.once(None, lambda session, actor: lot_out(opening.release(session, actor, lot_id=lot_id)), status=200)


@router.post(
    "/lots/{lot_id}/spoilage",
    status_code=201,
    response_model=LotOut,
    responses=declared(NotFoundError, OutOfStockError, InexactQuantityError, InvalidInputError),
)
def record_spoilage(lot_id: UUID, request: RecordSpoilage, caller: Writer) -> Response:
    """Write off stock that spoiled unsold."""
    return caller.once(
        request,
        lambda session, actor: lot_out(
            stock.record_spoilage(
                session,
                actor,
                lot_id=lot_id,
                quantity_milli=milli_of(request.quantity, MILLI_IN[MeasuredIn.KG], pointer="/quantity"),
                reason=request.reason,
                now=utc_now(),
            )
        ),
    )


@router.put(
    "/lots/{lot_id}/baseline",
    status_code=201,
    responses=declared(NotFoundError, TransitionError, WrongUnitError, InexactQuantityError, InvalidInputError),
)
def propose_baseline(lot_id: UUID, request: ProposeBaseline, caller: Writer) -> BaselineOut:
    """State what the same land brought before, for the county to confirm; one that it rejected is stated anew."""
    with caller.transaction() as (session, actor):
        baseline = baselines.propose_baseline(
            session,
            actor,
            lot_id=lot_id,
            period_from=request.period_from,
            period_to=request.period_to,
            source=request.source,
            area_milli_mu=_area(request.area_mu),
            yield_milli_per_mu=milli_of(request.yield_per_mu, MILLI_IN[request.unit], pointer="/yield_per_mu"),
            measured_in=request.unit,
            unit_price_fen=request.unit_price_fen,
        )
        return _baseline_out(queries.one_lot(session, actor, lot_id), baseline)


@router.post(
    "/lots/{lot_id}/baseline/decision",
    response_model=BaselineOut,
    responses=declared(NotFoundError, TransitionError, FourEyesError),
)
def decide_baseline(
    lot_id: UUID, request: DecideBaseline, caller: Annotated[Caller, requires(Permission.BASELINE_CONFIRM)]
) -> Response:
    """Confirm a proposed baseline, which never changes then and against which an increase is stated; or reject it."""
    event = BaselineEvent.CONFIRM if request.confirmed else BaselineEvent.REJECT

    def work(session: orm.Session, actor: Actor) -> BaselineOut:
        decided = baselines.decide_baseline(
            session, actor, lot_id=lot_id, event=event, opinion=request.opinion, now=utc_now()
        )
        return _baseline_out(queries.one_lot(session, actor, lot_id), decided)

    return caller.once(request, work, status=200)


def _area(area_mu: str) -> int:
    return milli_of(area_mu, MILLI_MU, pointer="/area_mu")


def lot_out(lot: Lot) -> LotOut:
    """Return a lot as it is shown."""
    return LotOut(
        id=lot.id,
        number=lot.number,
        product_id=lot.product_id,
        supplier_id=lot.supplier_id,
        status=lot.status,
        origin=lot.origin,
        produced_on=lot.produced_on,
        expires_on=lot.expires_on,
        origin_code=lot.origin_code,
        area_mu=text(lot.area_milli_mu, MILLI_MU) if lot.area_milli_mu is not None else None,
        quality_certificate=lot.quality_certificate,
        certified_lot_id=lot.certified_lot_id,
        base_unit=lot.base_unit,
        content=base_units(lot.content_milli) if lot.content_milli is not None else None,
        quantity=base_units(lot.quantity_milli),
        bought_in=base_units(lot.bought_in_milli),
        loss=base_units(lot.loss_milli),
        available=base_units(lot.available_milli),
        reserved=base_units(lot.reserved_milli),
        shipped=base_units(lot.shipped_milli),
        accepted=base_units(lot.accepted_milli),
        moved=base_units(lot.moved_milli),
        spoiled=base_units(lot.spoiled_milli),
    )


def _baseline_out(lot: Lot, baseline: Baseline) -> BaselineOut:
    return BaselineOut(
        lot_id=lot.id,
        status=baseline.status,
        period_from=baseline.period_from,
        period_to=baseline.period_to,
        source=baseline.source,
        area_mu=text(baseline.area_milli_mu, MILLI_MU),
        base_unit=lot.base_unit,
        yield_per_mu=base_units(baseline.yield_milli_per_mu),
        unit_price_fen=baseline.unit_price_fen,
        price_per=base_units(baseline.price_unit_milli),
        gross_fen=baseline.gross_fen,
        opinion=baseline.opinion,
    )
