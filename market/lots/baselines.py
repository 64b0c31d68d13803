"""Baselines: the supplier proposes what a lot's land brought before, its county confirms it; only then it counts."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.errors import FourEyesError, InvalidInputError, NotFoundError
from market.identity.rules import Actor
from market.lots.models import Baseline, Lot
from market.lots.queries import locked_lot, visible_lots
from market.lots.rules import BaselineEvent, BaselineStatus, baseline_after, check_unit
from market.quantities import MILLI_IN, MILLI_MU, MeasuredIn


def gross_of_harvest(*, area_milli_mu: int, yield_milli_per_mu: int, unit_price_fen: int, price_unit_milli: int) -> int:
    """Return the fen that an area brought at a yield and a price, rounded half up once.

    Raises `InvalidInputError` beyond what one amount may be.
    """
    gross_fen = money.price_of(unit_price_fen, area_milli_mu * yield_milli_per_mu, price_unit_milli * MILLI_MU)
    if not 0 < gross_fen <= money.MAX_FEN:
        reason = "area, yield and price make no amount, or one too large"
        raise InvalidInputError(reason, "面积、单产与单价所得金额为零或过大", pointer="/area_mu")
    return gross_fen


def check_period(*, period_from: date, period_to: date, produced_on: date) -> None:
    """Raise `InvalidInputError` unless a baseline's period ends before the lot was produced."""
    if period_to < period_from:
        raise InvalidInputError("it lies before the beginning", "不得早于起始日期", pointer="/period_to")
    if period_to >= produced_on:
        raise InvalidInputError(
            "it must lie before the production of the lot", "须早于批次生产日期", pointer="/period_to"
        )


def propose_baseline(
    session: orm.Session,
    actor: Actor,
    *,
    lot_id: UUID,
    period_from: date,
    period_to: date,
    source: str,
    area_milli_mu: int,
    yield_milli_per_mu: int,
    measured_in: MeasuredIn,
    unit_price_fen: int,
) -> Baseline:
    """State what the lot's land brought in a period before; the price is per one of `measured_in`.

    One that the county rejected may be stated anew. Raises `NotFoundError`, `TransitionError`, `WrongUnitError` or
    `InvalidInputError`.
    """
    lot = locked_lot(session, actor, lot_id)
    baseline = session.get(Baseline, lot_id, populate_existing=True, with_for_update=True)
    if baseline is not None:
        baseline_after(baseline.status, BaselineEvent.PROPOSE)
    if lot.area_milli_mu not in (None, area_milli_mu):
        raise InvalidInputError("it is not the area of the lot", "与批次的面积不符", pointer="/area_mu")
    check_unit(measured_in, lot.base_unit, pointer="/unit")
    check_period(period_from=period_from, period_to=period_to, produced_on=lot.produced_on)
    gross_fen = gross_of_harvest(
        area_milli_mu=area_milli_mu,
        yield_milli_per_mu=yield_milli_per_mu,
        unit_price_fen=unit_price_fen,
        price_unit_milli=MILLI_IN[measured_in],
    )
    proposed = Baseline(
        lot_id=lot_id,
        status=BaselineStatus.PROPOSED,
        period_from=period_from,
        period_to=period_to,
        source=source,
        area_milli_mu=area_milli_mu,
        yield_milli_per_mu=yield_milli_per_mu,
        unit_price_fen=unit_price_fen,
        price_unit_milli=MILLI_IN[measured_in],
        gross_fen=gross_fen,
        stated_by=actor.member_id,
        decided_by=None,
        decided_at=None,
        opinion=None,
    )
    baseline = session.merge(proposed)
    session.flush()
    return baseline


def decide_baseline(
    session: orm.Session, actor: Actor, *, lot_id: UUID, event: BaselineEvent, opinion: str, now: datetime
) -> Baseline:
    """Confirm or reject a proposed baseline, as another person of another organisation than the supplier.

    Raises `NotFoundError`, `TransitionError` or `FourEyesError`.
    """
    seen = visible_lots(actor).with_only_columns(Lot.id).where(Lot.id == lot_id)
    baseline = session.scalar(sa.select(Baseline).where(Baseline.lot_id.in_(seen)).with_for_update())
    if baseline is None:
        raise NotFoundError(what="baseline")
    after = baseline_after(baseline.status, event)
    supplier_id = session.get_one(Lot, lot_id).supplier_id
    if actor.member_id == baseline.stated_by or actor.organisation_id == supplier_id:
        raise FourEyesError(rule="baseline")
    baseline.status = after
    baseline.decided_by = actor.member_id
    baseline.decided_at = now
    baseline.opinion = opinion
    session.flush()
    return baseline
