"""Orders as events: placed in groups, confirmed or given up, shipped, accepted line by line, returned."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeVar

from sqlalchemy import orm

from market.banks.rules import identification_code, printed_code
from market.channels.rules import EvidenceKind, FundsModel
from market.clock import business_date
from market.identity.rules import Permission
from market.orders import acceptance, changing, placing, returns
from market.orders.rules import OrderEvent
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, yes
from market.seeding.timeline import Event, Turn

RESERVED_FOR = timedelta(days=7)
"""How long the stock of a placed order waits for its supplier."""

_ENDINGS = {
    "declined": (OrderEvent.DECLINE, Permission.ORDER_CONFIRM, "supplier", "clerk"),
    "cancelled_by_supplier": (OrderEvent.CANCEL, Permission.ORDER_CANCEL, "supplier", "clerk"),
    "cancelled_by_buyer": (OrderEvent.CANCEL, Permission.ORDER_CANCEL, "buyer", "clerk"),
}
"""How an order is given up: the event, and who may do it. One that expires does so by itself."""

_K = TypeVar("_K")


class _Reported(NamedTuple):
    """What a buyer found of some lines, and the evidence that the channel asks."""

    lines: Sequence[Row]
    evidence: Mapping[str, str]


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return every step of every order."""
    orders = {row["order"]: row for row in sample.orders}
    lines = _grouped(sample.order_lines, lambda row: row["order"])
    for group, rows in _grouped(sample.orders, lambda row: row["order_group"]).items():
        wanted = [line for row in rows for line in lines[row["order"]]]
        yield Event(day(rows[0]["placed_on"]), Turn.ORDER, f"group {group}", partial(_place, known, rows, wanted))
    for row in sample.orders:
        yield from _steps(row, lines[row["order"]], known)
    evidence_kinds = {row["code"]: row["evidence_kinds"].split() for row in sample.channels}
    for (order, on), found in _grouped(sample.acceptances, lambda row: (row["order"], row["accepted_on"])).items():
        row = orders[order]
        evidence = {kind: _paper(row, kind) for kind in evidence_kinds[row["channel"]]}
        accept = partial(_accept, known, row, _Reported(found, evidence))
        yield Event(day(on), Turn.ACCEPTED, f"order {order}", accept)
    for row in sample.returns:
        take_back = partial(_return, known, orders[row["order"]], row)
        yield Event(day(row["returned_on"]), Turn.RETURNED, f"order {row['order']}", take_back)


def _paper(row: Row, kind: str) -> str:
    """Return an invented paper's number; an e-invoice has 20 digits, of them two for the year and two for the place."""
    if kind == EvidenceKind.INVOICE:
        return f"{row['placed_on'][2:4]}14{row['order'][1:]:0>16}"
    return row["external_number"] or f"{row['order']}-{kind}"


def _grouped(rows: Sequence[Row], key: Callable[[Row], _K]) -> dict[_K, list[Row]]:
    groups: dict[_K, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _place(known: Known, rows: Sequence[Row], wanted: Sequence[Row], session: orm.Session, now: datetime) -> None:
    first = rows[0]
    placed = placing.place(
        session,
        known.actor(f"{first['buyer']}.clerk", Permission.ORDER_PLACE),
        request=placing.Request(
            channel_code=first["channel"],
            external_number=first["external_number"] or None,
            payment_days=int(first["payment_days"]),
            lines=[
                placing.WantedLine(known.products[line["product"]], line["quantity"], line["unit"], None)
                for line in wanted
            ],
            funds_model=FundsModel(first["funds_model"]) if first["funds_model"] else None,
        ),
        on=business_date(now),
        now=now,
        reserved_until=now + RESERVED_FOR,
    )
    known.codes[first["order_group"]] = printed_code(identification_code(placed.number))
    for line, priced in zip(wanted, placed.lines, strict=True):
        known.orders[line["order"]] = priced.order_id
        known.order_lines[line["order"], line["line"]] = priced.id


def _steps(row: Row, lines: Sequence[Row], known: Known) -> Iterator[Event]:
    name = f"order {row['order']}"
    if row["confirmed_on"]:
        yield Event(day(row["confirmed_on"]), Turn.CONFIRMED, name, partial(_confirm, known, row))
    if row["ended_on"]:
        yield Event(day(row["ended_on"]), Turn.CONFIRMED, name, partial(_give_up, known, row))
    if row["shipped_on"]:
        yield Event(day(row["shipped_on"]), Turn.SHIPPED, name, partial(_ship, known, row, lines))


def _confirm(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    clerk = known.actor(f"{row['supplier']}.clerk", Permission.ORDER_CONFIRM)
    changing.confirm(session, clerk, order_id=known.orders[row["order"]], now=now)


def _give_up(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    event, permission, party, role = _ENDINGS[row["ending"]]
    actor = known.actor(f"{row[party]}.{role}", permission)
    order_id = known.orders[row["order"]]
    changing.give_up(session, actor, order_id=order_id, event=event, reason=row["reason"], now=now)


def _ship(known: Known, row: Row, lines: Sequence[Row], session: orm.Session, now: datetime) -> None:
    changing.ship(
        session,
        known.actor(f"{row['supplier']}.clerk", Permission.ORDER_SHIP),
        order_id=known.orders[row["order"]],
        quantities=[
            changing.Shipped(known.order_lines[line["order"], line["line"]], line["shipped"]) for line in lines
        ],
        shipped_on=business_date(now),
        now=now,
    )


def _accept(known: Known, row: Row, reported: _Reported, session: orm.Session, now: datetime) -> None:
    acceptance.accept(
        session,
        known.actor(f"{row['buyer']}.receiver", Permission.ORDER_ACCEPT),
        order_id=known.orders[row["order"]],
        report=acceptance.Report(
            found=[_found(known, each) for each in reported.lines],
            evidence=reported.evidence,
            accepted_on=business_date(now),
        ),
        now=now,
    )


def _found(known: Known, row: Row) -> acceptance.FoundLine:
    return acceptance.FoundLine(
        known.order_lines[row["order"], row["line"]],
        received=row["received"],
        accepted=row["accepted"],
        rejected=row["rejected"],
        damaged=row["damaged"],
        short=row["short"],
        reason=row["reason"] or None,
    )


def _return(known: Known, order: Row, row: Row, session: orm.Session, now: datetime) -> None:
    line_id = known.order_lines[row["order"], row["line"]]
    returns.take_back(
        session,
        known.actor(f"{order['buyer']}.receiver", Permission.ORDER_RETURN),
        order_id=known.orders[row["order"]],
        claim=returns.Claim(
            lines=[returns.ComesBack(line_id, row["quantity"], yes(row["resaleable"]))],
            reason=row["reason"],
            returned_on=business_date(now),
        ),
        now=now,
    )
