"""Lots made of lots of the same product: split, merged, repacked; what is made holds all that went in, less a loss."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import orm

from market.clock import business_date
from market.errors import InvalidInputError, NotFoundError
from market.identifiers import reference_key
from market.identity.rules import Actor
from market.lots.lineage import InputLot, Part, check_alike, check_source, check_taken, region_of_all
from market.lots.models import Lot
from market.lots.moving import locked_inputs, move_into
from market.lots.registering import chosen_inputs, draft
from market.lots.rules import (
    Origin,
    check_unit,
)
from market.quantities import MeasuredIn


def split(
    session: orm.Session,
    actor: Actor,
    *,
    lot_id: UUID,
    quantities_milli: Sequence[int],
    measured_in: MeasuredIn,
    now: datetime,
) -> list[Lot]:
    """Divide a lot, or part of it, into drafts of these quantities, all at once; the rest stays.

    They are as old as the lot, hold its contributions to the fen between them, and keep its quality certificate:
    what is neither mixed nor repacked needs no new one (domain.md §4). Raises `NotFoundError`, `WrongUnitError`,
    `InputLotError`, `InvalidInputError` or `OutOfStockError`.
    """
    source = _one_source(session, actor, lot_id, measured_in, business_date(now))
    left_milli = source.available_milli
    lots = []
    for index, milli in enumerate(quantities_milli):
        check_taken(milli, left_milli, measured_in=measured_in, pointer=f"/parts/{index}")
        left_milli -= milli
        part = _of_sources(actor, Origin.SPLIT, [source], milli, now=now)
        if source.quality_certificate is not None:
            part.quality_certificate = source.quality_certificate
            part.quality_certificate_key = reference_key(source.quality_certificate)
            part.certified_lot_id = source.certified_lot_id or source.id
        lots.append(part)
    session.add_all(lots)
    session.flush()
    move_into(session, actor, [Part(lot.id, source, lot.quantity_milli) for lot in lots])
    return lots


def merge(
    session: orm.Session, actor: Actor, *, inputs: Sequence[tuple[UUID, int]], measured_in: MeasuredIn, now: datetime
) -> Lot:
    """Put lots of one product, or parts of them `(lot, milli)`, together into a draft that holds exactly these.

    It is as old as the oldest of them, good as long as the first of them to expire, and comes from the region in which
    all of them lie. Raises `NotFoundError`, `WrongUnitError`, `InputLotError`, `InvalidInputError`, `OutOfStockError`.
    """
    sources = locked_inputs(session, actor, [lot_id for lot_id, _ in inputs])
    first = sources.get(inputs[0][0])
    if first is None:
        raise NotFoundError(what="lot", pointer="/inputs/0/lot_id")
    check_unit(measured_in, first.base_unit, pointer="/unit")
    on = business_date(now)
    chosen = chosen_inputs(sources, inputs, unit=first.base_unit, measured_in=measured_in, on=on)
    check_alike([source for source, _ in chosen])
    quantity_milli = sum(milli for _, milli in chosen)
    lot = _of_sources(actor, Origin.MERGED, [source for source, _ in chosen], quantity_milli, now=now)
    session.add(lot)
    session.flush()
    move_into(session, actor, [Part(lot.id, source, milli) for source, milli in chosen])
    return lot


def repack(
    session: orm.Session,
    actor: Actor,
    *,
    lot_id: UUID,
    quantity_milli: int,
    loss_milli: int,
    measured_in: MeasuredIn,
    now: datetime,
) -> Lot:
    """Pack a lot, or so much of it, anew: a draft of the same age that holds what is taken less what is lost by it.

    Like every lot it has no quality certificate until a new one is attached. Raises `NotFoundError`, `WrongUnitError`,
    `InputLotError`, `InvalidInputError` or `OutOfStockError`.
    """
    source = _one_source(session, actor, lot_id, measured_in, business_date(now))
    check_taken(quantity_milli, source.available_milli, measured_in=measured_in, pointer="/quantity")
    if loss_milli >= quantity_milli:
        raise InvalidInputError("nothing would be left", "损耗不得达到或超过取用数量", pointer="/loss")
    lot = _of_sources(actor, Origin.REPACKED, [source], quantity_milli - loss_milli, loss_milli=loss_milli, now=now)
    session.add(lot)
    session.flush()
    move_into(session, actor, [Part(lot.id, source, quantity_milli)])
    return lot


def _one_source(session: orm.Session, actor: Actor, lot_id: UUID, measured_in: MeasuredIn, on: date) -> InputLot:
    source = locked_inputs(session, actor, [lot_id]).get(lot_id)
    if source is None:
        raise NotFoundError(what="lot")
    check_unit(measured_in, source.base_unit, pointer="/unit")
    check_source(source, unit=source.base_unit, made_on=on, pointer=None)
    return source


def _of_sources(
    actor: Actor,
    origin: Origin,
    sources: Sequence[InputLot],
    quantity_milli: int,
    *,
    loss_milli: int = 0,
    now: datetime,
) -> Lot:
    """Return a draft of the sources' product that is no younger than they are."""
    return draft(
        actor,
        origin=origin,
        product_id=sources[0].product_id,
        base_unit=sources[0].base_unit,
        quantity_milli=quantity_milli,
        produced_on=min(source.produced_on for source in sources),
        expires_on=min((source.expires_on for source in sources if source.expires_on), default=None),
        origin_code=region_of_all([source.origin_code for source in sources]),
        loss_milli=loss_milli,
        now=now,
    )
