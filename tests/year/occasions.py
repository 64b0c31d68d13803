"""What cooperatives and collectives do now and then: make lots of lots, share out periods, give on."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind
from market.benefits.holdings import Source
from market.benefits.rules import Mechanism
from market.distributions import collective_queries, giving_on, proposing, queries
from market.distributions.listing import Custody, Dividend, Formula, Patronage
from market.distributions.rules import Counted, Period
from market.identity.rules import Actor
from market.lots import making, opening, registering
from market.lots.models import Lot
from market.lots.rules import LotStatus
from market.quantities import MeasuredIn
from tests.year.world import RESERVE_BP, YEAR, Cooperative, World

BY_VOLUME_BP = 7_000
KG = MeasuredIn.KG


def noon(day: date) -> datetime:
    return datetime.combine(day, time(4), UTC)


def make_lots(session: orm.Session, cooperative: Cooperative, day: date) -> int:
    """Split, merge, process with a loss, or repack, a month each, and put on sale what came of it: how many lots."""
    at_hand = sa.select(Lot).where(
        Lot.supplier_id == cooperative.id, Lot.status == LotStatus.OPEN, Lot.available_milli > 1_000
    )
    lots = session.scalars(at_hand.order_by(Lot.produced_on.desc(), Lot.id.desc())).all()
    made = _MAKE[day.month % len(_MAKE)](session, cooperative, lots, noon(day)) if lots else ()
    for lot in made:
        opening.open_lot(session, cooperative.manager, lot_id=lot.id, now=noon(day))
    return len(made)


Made = Sequence[Lot]


def _split(session: orm.Session, cooperative: Cooperative, lots: Sequence[Lot], now: datetime) -> Made:
    quantities = [lots[0].available_milli // part for part in (3, 7)]
    return making.split(
        session, cooperative.clerk, lot_id=lots[0].id, quantities_milli=quantities, measured_in=KG, now=now
    )


def _merge(session: orm.Session, cooperative: Cooperative, lots: Sequence[Lot], now: datetime) -> Made:
    alike = [lot for lot in lots if lot.product_id == lots[0].product_id][:3]
    inputs = [(lot.id, lot.available_milli // 3) for lot in alike]
    return [making.merge(session, cooperative.clerk, inputs=inputs, measured_in=KG, now=now)]


def _repack(session: orm.Session, cooperative: Cooperative, lots: Sequence[Lot], now: datetime) -> Made:
    milli = lots[0].available_milli // 2
    loss = milli // 20
    clerk, lot = cooperative.clerk, lots[0].id
    return [making.repack(session, clerk, lot_id=lot, quantity_milli=milli, loss_milli=loss, measured_in=KG, now=now)]


def _process(session: orm.Session, cooperative: Cooperative, lots: Sequence[Lot], now: datetime) -> Made:
    """Make the second product of some of both."""
    inputs = [(lot.id, lot.available_milli // 4) for lot in lots[:3]]
    whole = sum(milli for _, milli in inputs)
    lot = registering.register_lot(
        session,
        cooperative.clerk,
        product_id=cooperative.products[1],
        quantity_milli=whole - whole // 9,
        measured_in=KG,
        produced_on=now.date(),
        expires_on=None,
        origin_code=lots[0].origin_code,
        loss_milli=whole // 9,
        inputs=inputs,
        now=now,
    )
    return [lot]


_MAKE: Sequence[Callable[[orm.Session, Cooperative, Sequence[Lot], datetime], Made]] = (
    _split,
    _merge,
    _process,
    _repack,
)


def to_share(session: orm.Session, cooperative: Cooperative, day: date) -> list[tuple[Period, Formula]]:
    """Return what is shared out of the quarter before: by volume, and each half-year by capital."""
    begins_on = date(YEAR, day.month - 3, 1)
    period = Period(begins_on, day.replace(day=1) - timedelta(days=1))
    pool, retained = _there(session, cooperative, Mechanism.PATRONAGE, period)
    giving = pool * 4 // 5 if begins_on.month == 1 else pool + retained // 7
    found: list[Formula] = [
        Patronage(giving * 10_000 * 10_000 // ((10_000 - RESERVE_BP) * BY_VOLUME_BP), BY_VOLUME_BP, Counted.VOLUME)
    ]
    if begins_on.month == 4:
        registers = cooperative.registers
        found += [
            Custody(registers.entitlements, 3),
            Dividend(registers.shares, retained // 9, (Source.OWN, Source.GRANT)),
        ]
    return [(period, formula) for formula in found]


def _there(session: orm.Session, cooperative: Cooperative, mechanism: Mechanism, period: Period) -> tuple[int, int]:
    funds = queries.funds(session, cooperative.id, mechanism, period)
    pool, retained = (sum(fund.fen for fund in funds if fund.share.kind is kind) for kind in (Kind.POOL, Kind.RETAINED))
    return pool, retained


def share_out(
    session: orm.Session, county: Actor, cooperative: Cooperative, shared: tuple[Period, Formula], day: date
) -> None:
    """Propose a list, and have the county approve it."""
    now = noon(day)
    period, formula = shared
    proposed, _ = proposing.propose(
        session, cooperative.clerk, formula=formula, period=period, evidence="成员大会决议", now=now
    )
    proposing.approve(session, county, distribution_id=proposed.id, opinion="同意", on=day, now=now)


def give_on(session: orm.Session, world: World, cooperative: Cooperative, day: date) -> bool:
    """Give on two thirds of what the collective holds, half of the times with the village's word that it arrived."""
    held = sum(fund.fen for fund in collective_queries.received(session, cooperative.collective_id, cooperative.id))
    if held < 3:
        return False
    given = giving_on.Given(
        cooperative.id, cooperative.registers.listed, held * 2 // 3, day, "村民代表会议决议", uuid4().hex
    )
    second, _ = giving_on.give_on(session, cooperative.keeper, given=given, now=noon(day))
    giving_on.approve(session, world.county, distribution_id=second.id, opinion="同意", now=noon(day))
    if day.month % 2:
        giving_on.confirm(session, world.village, distribution_id=second.id, on=day, now=noon(day))
    return True
