"""Reach over HTTP: to who may read reports, and to anybody."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request

from market.api import declared, router_of
from market.attribution.statements import check_window
from market.benefits.rules import MECHANISMS, Mechanism, Payee
from market.clock import business_date, utc_now
from market.errors import InvalidInputError, NotFoundError
from market.identity.access import Caller, public, requires
from market.identity.rules import Permission
from market.reach.rules import REACH, Reached
from market.reach.schemas import (
    CalendarQuery,
    MonthsQuery,
    PublicReachOut,
    PublicRowOut,
    ReachCellOut,
    ReachFiguresOut,
    ReachOut,
    SaidOut,
)
from market.reach.service import (
    PublicReach,
    Reach,
    public_reach_of_order,
    public_reach_of_product,
    publicly_said,
    reach_of,
    reach_of_order,
    said,
)
from market.reports.schemas import CountsOut

router = router_of("reach")

ReportReader = Annotated[Caller, requires(Permission.REPORT_READ)]
UNKNOWN = declared(NotFoundError)


@router.get("/orders/{order_id}/reach", responses=declared(NotFoundError))
def show_reach_of_order(order_id: UUID, caller: ReportReader) -> ReachOut:
    """Show how many households an order reached, with how much by mechanism and step, and what of it is paid."""
    with caller.transaction() as (session, actor):
        return _reached(reach_of_order(session.connection(), actor, order_id))


@router.get("/products/{product_id}/reach", responses=declared(NotFoundError, InvalidInputError))
def show_reach_of_product(product_id: UUID, query: Annotated[MonthsQuery, Query()], caller: ReportReader) -> ReachOut:
    """Show whom a product reached with what was accepted in a period, of the orders that the caller may see."""
    return _reach_over_months(caller, Reached.PRODUCT, product_id, query)


@router.get("/organisations/{organisation_id}/reach", responses=declared(NotFoundError, InvalidInputError))
def show_reach_of_buyer(
    organisation_id: UUID, query: Annotated[MonthsQuery, Query()], caller: ReportReader
) -> ReachOut:
    """Show whom a buyer reached with what it accepted in a period, of the orders that the caller may see."""
    return _reach_over_months(caller, Reached.BUYER, organisation_id, query)


@router.get("/channels/{channel_code}/reach", responses=declared(NotFoundError, InvalidInputError))
def show_reach_of_channel(
    channel_code: Annotated[str, Path(max_length=40, examples=["canteen"])],
    query: Annotated[MonthsQuery, Query()],
    caller: ReportReader,
) -> ReachOut:
    """Show whom a channel reached with what was accepted in a period, of the orders that the caller may see."""
    return _reach_over_months(caller, Reached.CHANNEL, channel_code, query)


@router.get("/public/orders/{order_id}/reach", dependencies=[public()], responses=UNKNOWN)
def show_public_reach_of_order(order_id: UUID, request: Request) -> PublicReachOut:
    """Tell anybody how many households an order reached, of closed months; small groups are suppressed."""
    with request.app.state.db.transaction() as session:
        return _told(public_reach_of_order(session.connection(), order_id))


@router.get("/public/products/{product_id}/reach", dependencies=[public()], responses=UNKNOWN)
def show_public_reach_of_product(
    product_id: UUID, query: Annotated[CalendarQuery, Query()], request: Request
) -> PublicReachOut:
    """Tell anybody whom a product reached with what was accepted in a calendar month or year, or else in this year."""
    with request.app.state.db.transaction() as session:
        period = query.period or str(business_date(utc_now()).year)
        return _told(public_reach_of_product(session.connection(), product_id, period=period))


def _reach_over_months(caller: Caller, of: Reached, key: UUID | str, query: MonthsQuery) -> ReachOut:
    last = date.fromisoformat(f"{query.month_to}-01") if query.month_to else business_date(utc_now()).replace(day=1)
    first = date.fromisoformat(f"{query.month_from}-01") if query.month_from else last.replace(month=1)
    check_window(first, last)
    with caller.transaction() as (session, actor):
        return _reached(reach_of(session.connection(), actor, of, key, first=first, last=last))


def _reached(found: Reach) -> ReachOut:
    en, zh = said(found)
    return ReachOut(
        name=found.name,
        of_all=found.of_all,
        orders=found.orders,
        sale_fen=found.sale_fen,
        sale_net_fen=found.sale_net_fen,
        households=ReachFiguresOut.model_validate(found.households),
        assisted=ReachFiguresOut.model_validate(found.assisted),
        ordinary=ReachFiguresOut.model_validate(found.ordinary),
        collectives=ReachFiguresOut.model_validate(found.collectives),
        mechanisms=[
            ReachCellOut(
                payee=Payee(cell.kind),
                mechanism=cell.mechanism,
                mechanism_name=MECHANISMS[cell.mechanism].name,
                assisted=cell.assisted,
                **ReachFiguresOut.model_validate(cell.figures).model_dump(),
            )
            for cell in found.cells
        ],
        said=SaidOut(en=en, zh=zh),
        counts=[
            CountsOut(figure=name, title=column.title, en=column.counts, zh=column.counts_zh)
            for name, column in REACH.items()
        ],
    )


def _told(found: PublicReach) -> PublicReachOut:
    told = found.told
    en, zh = publicly_said(found)
    return PublicReachOut(
        as_of=found.as_of,
        accepted_in=found.accepted_in,
        **{name: getattr(told, name) for name in ("households", "accrued_fen", "median_fen", "paid_bp", "proven_bp")},
        mechanisms=[
            PublicRowOut(
                mechanism=Mechanism(row.label.mechanism) if row.label.mechanism else None,
                mechanism_name=MECHANISMS[Mechanism(row.label.mechanism)].name if row.label.mechanism else None,
                assisted=row.label.assisted,
                households=row.households,
                accrued_fen=row.accrued_fen,
            )
            for row in told.rows
        ],
        left_out=told.left_out,
        said=SaidOut(en=en, zh=zh),
    )
