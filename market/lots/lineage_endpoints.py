"""Lots made of lots, and where they come from and go to, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from sqlalchemy import orm

from market.api import declared, router_of
from market.catalog.rules import InexactQuantityError, milli_of
from market.clock import utc_now
from market.errors import InvalidInputError, NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.lots import making, queries, registering
from market.lots.endpoints import lot_out
from market.lots.lineage import Flow, InputLotError, trace, whole_milli
from market.lots.rules import (
    OutOfStockError,
    OutsideOriginError,
    WrongUnitError,
)
from market.lots.schemas import (
    LotEdgeOut,
    LotGraphOut,
    LotInputIn,
    LotOut,
    LotsMadeOut,
    LotSourceOut,
    LotSourcesOut,
    MergeLots,
    ProcessLots,
    RepackLot,
    SplitLot,
)
from market.quantities import (
    BASE_MILLI,
    MILLI_IN,
    MeasuredIn,
    base_units,
)

router = router_of("lots")

Reader = Annotated[Caller, requires(Permission.LOT_READ)]
Writer = Annotated[Caller, requires(Permission.LOT_WRITE)]

MADE_OF_LOTS = (NotFoundError, WrongUnitError, InputLotError, OutOfStockError, InexactQuantityError, InvalidInputError)


@router.post(
    "/lots/processing",
    status_code=201,
    response_model=LotOut,
    responses=declared(*MADE_OF_LOTS, OutsideOriginError),
)
def process_lots(request: ProcessLots, caller: Writer) -> Response:
    """Register a lot that was processed out of others, as a draft; their stock and contributions move into it."""
    went_in = request.input_unit or request.unit
    weighed_milli = MILLI_IN[request.unit if went_in is MeasuredIn.PIECE else went_in]

    def work(session: orm.Session, actor: Actor) -> LotOut:
        lot = registering.register_lot(
            session,
            actor,
            product_id=request.product_id,
            quantity_milli=milli_of(request.quantity, MILLI_IN[request.unit], pointer="/quantity"),
            measured_in=request.unit,
            produced_on=request.produced_on,
            expires_on=request.expires_on,
            origin_code=request.origin_code,
            went_in=went_in,
            content_milli=milli_of(request.content, BASE_MILLI, pointer="/content") if request.content else None,
            bought_in_milli=milli_of(request.bought_in, weighed_milli, pointer="/bought_in"),
            loss_milli=milli_of(request.loss, weighed_milli, pointer="/loss"),
            inputs=_inputs(request.inputs, went_in),
            now=utc_now(),
        )
        return lot_out(lot)

    return caller.once(request, work)


@router.post(
    "/lots/{lot_id}/splitting",
    status_code=201,
    response_model=LotsMadeOut,
    responses=declared(*MADE_OF_LOTS),
)
def split_lot(lot_id: UUID, request: SplitLot, caller: Writer) -> Response:
    """Divide a lot into several drafts at once, which keep its quality certificate; what is not named stays."""
    unit_milli = MILLI_IN[request.unit]

    def work(session: orm.Session, actor: Actor) -> LotsMadeOut:
        lots = making.split(
            session,
            actor,
            lot_id=lot_id,
            quantities_milli=[
                milli_of(part, unit_milli, pointer=f"/parts/{index}") for index, part in enumerate(request.parts)
            ],
            measured_in=request.unit,
            now=utc_now(),
        )
        return LotsMadeOut(lots=[lot_out(lot) for lot in lots])

    return caller.once(request, work)


@router.post("/lots/merging", status_code=201, response_model=LotOut, responses=declared(*MADE_OF_LOTS))
def merge_lots(request: MergeLots, caller: Writer) -> Response:
    """Put lots of one product together into a draft that holds exactly these."""

    def work(session: orm.Session, actor: Actor) -> LotOut:
        inputs = _inputs(request.inputs, request.unit)
        return lot_out(making.merge(session, actor, inputs=inputs, measured_in=request.unit, now=utc_now()))

    return caller.once(request, work)


@router.post("/lots/{lot_id}/repacking", status_code=201, response_model=LotOut, responses=declared(*MADE_OF_LOTS))
def repack_lot(lot_id: UUID, request: RepackLot, caller: Writer) -> Response:
    """Pack a lot, or part of it, anew: a draft that needs a quality certificate of its own where its category asks."""
    unit_milli = MILLI_IN[request.unit]

    def work(session: orm.Session, actor: Actor) -> LotOut:
        lot = making.repack(
            session,
            actor,
            lot_id=lot_id,
            quantity_milli=milli_of(request.quantity, unit_milli, pointer="/quantity"),
            loss_milli=milli_of(request.loss, unit_milli, pointer="/loss"),
            measured_in=request.unit,
            now=utc_now(),
        )
        return lot_out(lot)

    return caller.once(request, work)


def _inputs(inputs: list[LotInputIn], unit: MeasuredIn) -> list[tuple[UUID, int]]:
    return [
        (part.lot_id, milli_of(part.quantity, MILLI_IN[unit], pointer=f"/inputs/{index}/quantity"))
        for index, part in enumerate(inputs)
    ]


@router.get("/lots/{lot_id}/graph", responses=declared(NotFoundError))
def show_graph(lot_id: UUID, caller: Reader) -> LotGraphOut:
    """Show all that went into a lot, and all that was made of it."""
    with caller.transaction() as (session, actor):
        lot = queries.one_lot(session, actor, lot_id)
        graph = queries.graph(session, lot_id)
        return LotGraphOut(
            lot_id=lot_id,
            base_unit=lot.base_unit,
            ancestors=[_edge_out(edge) for edge in graph.ancestors],
            descendants=[_edge_out(edge) for edge in graph.descendants],
        )


@router.get("/lots/{lot_id}/sources", responses=declared(NotFoundError))
def show_sources(lot_id: UUID, caller: Reader) -> LotSourcesOut:
    """Trace a lot back: every lot that went into it, however far, and how much of each, in proportion."""
    with caller.transaction() as (session, actor):
        lot = queries.one_lot(session, actor, lot_id)
        edges = queries.ancestors(session, lot_id)
    flows = [Flow(edge.lot_id, edge.input_lot_id, edge.quantity_milli, edge.lot_quantity_milli) for edge in edges]
    reached = trace(lot_id, lot.quantity_milli, flows)
    sources = {edge.input_lot_id: edge for edge in edges}
    return LotSourcesOut(
        lot_id=lot_id,
        base_unit=lot.base_unit,
        quantity=base_units(lot.quantity_milli),
        sources=[
            LotSourceOut(
                lot_id=source.input_lot_id,
                number=source.input_lot_number,
                product_id=source.input_product_id,
                origin=source.input_origin,
                generation=reached[source.input_lot_id].generation,
                produced_on=source.input_produced_on,
                origin_code=source.input_origin_code,
                quality_certificate=source.input_quality_certificate,
                base_unit=source.input_base_unit,
                quantity=base_units(whole_milli(reached[source.input_lot_id].milli)),
            )
            for source in sorted(sources.values(), key=lambda one: (reached[one.input_lot_id].generation, one))
        ],
    )


def _edge_out(edge: queries.LotEdge) -> LotEdgeOut:
    return LotEdgeOut(
        lot_id=edge.lot_id,
        lot_number=edge.lot_number,
        input_lot_id=edge.input_lot_id,
        input_lot_number=edge.input_lot_number,
        quantity=base_units(edge.quantity_milli),
    )
