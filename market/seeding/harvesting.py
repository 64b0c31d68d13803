"""Lots as events: what was harvested or made of what, what households gave to it, and what became of it unsold."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.benefits.rules import Mechanism
from market.identity.rules import Actor, Permission, Role
from market.lots import baselines, contributing, opening, registering, stock
from market.lots.pricing import NewContribution
from market.lots.rules import BaselineEvent
from market.quantities import MILLI_IN, MILLI_MU, MeasuredIn, parse
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, Table, day, fen, maybe_day, milli
from market.seeding.timeline import Event, Turn


class _Origin(NamedTuple):
    """Who made a lot, and the rows that say of what."""

    supplier: str
    inputs: Table
    contributions: Table
    baselines: Table


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return the registration, opening and later fate of every lot."""
    supplier_of = {row["product"]: row["supplier"] for row in sample.products}
    suppliers = {row["lot"]: supplier_of[row["product"]] for row in sample.lots}
    tables = [_by_lot(table) for table in (sample.lot_inputs, sample.contributions, sample.baselines)]
    for row in sample.lots:
        lot, supplier = row["lot"], suppliers[row["lot"]]
        origin = _Origin(supplier, *(table[lot] for table in tables))
        yield Event(day(row["registered_on"]), Turn.LOT, f"lot {lot}", partial(_register, known, row, origin))
        yield Event(day(row["opened_on"]), Turn.LOT_OPENED, f"lot {lot}", partial(_open, known, supplier, lot))
    for row in sample.lot_events:
        change = partial(_change, known, suppliers[row["lot"]], row)
        yield Event(day(row["happened_on"]), Turn.LOT_CHANGED, f"lot {row['lot']}", change)


def _by_lot(table: Table) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in table:
        rows[row["lot"]].append(row)
    return rows


def _register(known: Known, row: Row, origin: _Origin, session: orm.Session, now: datetime) -> None:
    clerk = known.actor(f"{origin.supplier}.clerk", Permission.LOT_WRITE)
    unit = row["unit"]
    lot = registering.register_lot(
        session,
        clerk,
        product_id=known.products[row["product"]],
        quantity_milli=milli(row["quantity"], unit),
        measured_in=MeasuredIn(unit),
        produced_on=day(row["produced_on"]),
        expires_on=maybe_day(row["expires_on"]),
        origin_code=row["origin_code"],
        area_milli_mu=parse(row["area_mu"], MILLI_MU) if row["area_mu"] else None,
        bought_in_milli=milli(row["bought_in"], unit),
        loss_milli=milli(row["loss"], unit),
        inputs=[(known.lots[each["input"]], milli(each["quantity"], each["unit"])) for each in origin.inputs],
        now=now,
    )
    known.lots[row["lot"]] = lot.id
    contributions = [_contribution(known, each) for each in origin.contributions]
    given = contributing.record_contributions(session, clerk, lot_id=lot.id, contributions=contributions, now=now)
    known.contributions[row["lot"]] = [
        (each.id, each.household_id, each.amount_fen) for each in given if each.amount_fen is not None
    ]
    if row["quality_certificate"]:
        registering.attach_quality_certificate(session, clerk, lot_id=lot.id, number=row["quality_certificate"])
    for baseline in origin.baselines:
        _state(baseline, clerk, session, lot.id)
        county = known.officer(Role.COUNTY_REVIEWER, row["origin_code"], Permission.BASELINE_CONFIRM)
        event, opinion = BaselineEvent.CONFIRM, "与村台账一致"
        baselines.decide_baseline(session, county, lot_id=lot.id, event=event, opinion=opinion, now=now)


def _state(row: Row, clerk: Actor, session: orm.Session, lot_id: UUID) -> None:
    baselines.propose_baseline(
        session,
        clerk,
        lot_id=lot_id,
        period_from=day(row["period_from"]),
        period_to=day(row["period_to"]),
        source=row["source"],
        area_milli_mu=parse(row["area_mu"], MILLI_MU),
        yield_milli_per_mu=milli(row["yield_per_mu"], row["unit"]),
        measured_in=MeasuredIn(row["unit"]),
        unit_price_fen=fen(row["unit_price_yuan"]),
    )


def _contribution(known: Known, row: Row) -> NewContribution:
    measured_in = MeasuredIn(row["unit"])
    return NewContribution(
        household_id=known.households[row["household"]],
        mechanism=Mechanism(row["mechanism"]),
        measure_milli=parse(row["measure"], MILLI_IN[measured_in]),
        measured_in=measured_in,
        unit_price_fen=fen(row["unit_price_yuan"]),
        delivered_on=day(row["delivered_on"]),
        evidence=row["evidence"],
    )


def _open(known: Known, supplier: str, lot: str, session: orm.Session, now: datetime) -> None:
    manager = known.actor(f"{supplier}.manager", Permission.LOT_OPEN)
    opening.open_lot(session, manager, lot_id=known.lots[lot], now=now)


def _change(known: Known, supplier: str, row: Row, session: orm.Session, now: datetime) -> None:
    lot_id = known.lots[row["lot"]]
    manager = known.actor(f"{supplier}.manager", Permission.LOT_OPEN)
    if row["event"] == "spoil":
        stock.record_spoilage(
            session,
            manager,
            lot_id=lot_id,
            quantity_milli=milli(row["quantity"], row["unit"]),
            reason=row["reason"],
            now=now,
        )
    else:
        {"hold": opening.hold, "release": opening.release}[row["event"]](session, manager, lot_id=lot_id)
