"""Statements and reports over HTTP; each is of one moment.

A household's statement is read often, on the connection for hot reads. The others sum much: their statements are
planned for what is asked, which that connection does not do.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from sqlalchemy import orm

from market.api import declared, router_of
from market.attribution.statements import Flow, Statement, check_window, household_statement
from market.audit.verifying import see_one_moment
from market.benefits.rules import MECHANISMS, Mechanism, Payee
from market.clock import business_date, utc_now
from market.errors import InvalidInputError, NotFoundError
from market.identity.access import Caller, public, requires
from market.identity.rules import Permission
from market.lots.schemas import MarketPriceSchema
from market.quantities import base_units
from market.regions import service as regions
from market.regions.rules import UnknownRegionError
from market.reports import reach
from market.reports.cooperatives import cooperative_statement
from market.reports.household_account import household_account
from market.reports.lot_income import Contributed, Increase, LotIncome, OverMarket, lot_income
from market.reports.queries import Filters, report
from market.reports.rules import COLUMNS, FIGURES, REACH, Column, Dimension, NoIncrease, Reached, calendar
from market.reports.schemas import (
    AccountQuery,
    AdvanceOut,
    BalanceOut,
    CalendarQuery,
    ClassOut,
    ColumnOut,
    ContributedOut,
    CooperativeStatementOut,
    CountsOut,
    FiguresOut,
    FlowOut,
    HouseholdAccountOut,
    HouseholdStatementOut,
    IncomeOut,
    IncreaseOut,
    LadderOut,
    LotIncomeOut,
    LotOverMarketOut,
    MonthsQuery,
    PeriodQuery,
    PostedOut,
    PublicReachOut,
    PublicRowOut,
    ReachCellOut,
    ReachFiguresOut,
    ReachOut,
    ReportOut,
    ReportQuery,
    RowOut,
    SaidOut,
    SaleOut,
    StatementOut,
    SupplierStatementOut,
    SuspendedOut,
)
from market.reports.workbook import XLSX, workbook

router = router_of()

StatementReader = Annotated[Caller, requires(Permission.STATEMENT_READ)]
AccountReader = Annotated[Caller, requires(Permission.ACCOUNT_READ)]
ReportReader = Annotated[Caller, requires(Permission.REPORT_READ)]
UNKNOWN = declared(NotFoundError)


@router.get(
    "/households/{household_id}/statement", tags=["statements"], responses=declared(NotFoundError, InvalidInputError)
)
def show_household_statement(
    household_id: UUID, query: Annotated[PeriodQuery, Query()], caller: StatementReader
) -> HouseholdStatementOut:
    """Show what a household earned, was paid and is owed in a period, by income class, mechanism and supplier."""
    period_from, period_to = _period(query)
    with caller.reading() as (connection, actor):
        found = household_statement(connection, actor, household_id, period_from=period_from, period_to=period_to)
    return HouseholdStatementOut(
        household_id=found.household_id,
        household_code=found.household_code,
        period_from=period_from,
        period_to=period_to,
        total=_statement(found.total),
        suppliers=[
            SupplierStatementOut(supplier_id=supplier_id, supplier_name=name, statement=_statement(own))
            for supplier_id, name, own in found.suppliers
        ],
        counts=_counts(FIGURES),
    )


@router.get("/households/{household_id}/account", tags=["statements"], responses=declared(NotFoundError))
def show_household_account(
    household_id: UUID, query: Annotated[AccountQuery, Query()], caller: AccountReader
) -> HouseholdAccountOut:
    """Show gross, net and per head of a household over a year and the last twelve months, as closed and as known."""
    on = query.on or business_date(utc_now())
    with caller.transaction() as (session, actor):
        see_one_moment(session)
        found = household_account(session.connection(), actor, household_id, year=query.year or on.year, on=on)
        return HouseholdAccountOut.model_validate(found)


@router.get(
    "/organisations/{organisation_id}/statement",
    tags=["statements"],
    responses=declared(NotFoundError, InvalidInputError),
)
def show_cooperative_statement(
    organisation_id: UUID, query: Annotated[PeriodQuery, Query()], caller: StatementReader
) -> CooperativeStatementOut:
    """Show what a supplier sold and received in a period beside what it attributed, paid, owes and kept."""
    period_from, period_to = _period(query)
    with caller.transaction() as (session, actor):
        found = cooperative_statement(
            session.connection(), actor, organisation_id, period_from=period_from, period_to=period_to
        )
    return CooperativeStatementOut(
        supplier_id=found.supplier_id,
        supplier_name=found.supplier_name,
        period_from=period_from,
        period_to=period_to,
        sale=SaleOut.model_validate(found.sale),
        received_fen=found.received_fen,
        owed_back_fen=found.owed_back_fen,
        households=_statement(found.households),
        collectives=_statement(found.collectives),
        retained=_part(LadderOut, found.retained),
        pools=_part(LadderOut, found.pools),
        suspense=_part(LadderOut, found.suspense),
        suspended=[
            SuspendedOut(mechanism_name=MECHANISMS[pool.mechanism].name, **asdict(pool)) for pool in found.suspended
        ],
        owed_fen=found.owed_fen,
        top_ups_owed_fen=found.top_ups_owed_fen,
        counts=_counts(FIGURES),
    )


@router.get("/lots/{lot_id}/income", tags=["statements"], responses=declared(NotFoundError))
def show_lot_income(lot_id: UUID, caller: StatementReader) -> LotIncomeOut:
    """Show what a lot brought so far; an increase only against a confirmed baseline."""
    with caller.transaction() as (session, actor):
        found = lot_income(session.connection(), actor, lot_id)
    return LotIncomeOut(
        lot_id=found.lot_id,
        number=found.number,
        quantity=base_units(found.quantity_milli),
        accepted=base_units(found.accepted_milli),
        base_unit=found.base_unit,
        sale_fen=found.sale_fen,
        sale_net_fen=found.sale_net_fen,
        contributions=[_contributed(each) for each in found.contributions],
        total=_part(PostedOut, found.total),
        increase=_increase(found.increase) if found.increase is not None else None,
        no_increase=_why_not(found),
        over_market=[_over_market(each) for each in found.over_market],
        counts=_counts(FIGURES),
    )


@router.get(
    "/reports/{dimension}.xlsx",
    tags=["reports"],
    response_class=Response,
    responses={
        200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}, "description": "The workbook"},
        **declared(InvalidInputError, UnknownRegionError),
    },
)
def download_report(dimension: Dimension, query: Annotated[ReportQuery, Query()], caller: ReportReader) -> Response:
    """Download a report as a workbook: in yuan, in fen, and what each column counts."""
    filters = _filters(query)
    with caller.transaction() as (session, actor):
        _check_county(session, filters)
        found = report(session.connection(), actor, dimension, filters)
    name = f"report-{dimension}-{filters.period_from}-{filters.period_to}.xlsx"
    return Response(
        workbook(dimension, filters, found),
        media_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/reports/{dimension}", tags=["reports"], responses=declared(InvalidInputError, UnknownRegionError))
def show_report(dimension: Dimension, query: Annotated[ReportQuery, Query()], caller: ReportReader) -> ReportOut:
    """Show sales beside the income they brought, by channel, month, region, cooperative, buyer or mechanism."""
    filters = _filters(query)
    with caller.transaction() as (session, actor):
        _check_county(session, filters)
        found = report(session.connection(), actor, dimension, filters)
    return ReportOut(
        dimension=dimension,
        period_from=filters.period_from,
        period_to=filters.period_to,
        columns=[
            ColumnOut(figure=name, title=column.title, en=column.counts, zh=column.counts_zh, kind=column.kind)
            for name, column in COLUMNS.items()
        ],
        rows=[RowOut(key=row.key, name=row.name, **row.figures) for row in found.rows],
        totals=FiguresOut(**found.totals),
    )


@router.get("/orders/{order_id}/reach", tags=["reach"], responses=declared(NotFoundError))
def show_reach_of_order(order_id: UUID, caller: ReportReader) -> ReachOut:
    """Show how many households an order reached, with how much by mechanism and step, and what of it is paid."""
    with caller.transaction() as (session, actor):
        return _reached(reach.reach_of_order(session.connection(), actor, order_id))


@router.get("/products/{product_id}/reach", tags=["reach"], responses=declared(NotFoundError, InvalidInputError))
def show_reach_of_product(product_id: UUID, query: Annotated[MonthsQuery, Query()], caller: ReportReader) -> ReachOut:
    """Show whom a product reached with what was accepted in a period, of the orders that the caller may see."""
    return _reach_over_months(caller, Reached.PRODUCT, product_id, query)


@router.get(
    "/organisations/{organisation_id}/reach", tags=["reach"], responses=declared(NotFoundError, InvalidInputError)
)
def show_reach_of_buyer(
    organisation_id: UUID, query: Annotated[MonthsQuery, Query()], caller: ReportReader
) -> ReachOut:
    """Show whom a buyer reached with what it accepted in a period, of the orders that the caller may see."""
    return _reach_over_months(caller, Reached.BUYER, organisation_id, query)


@router.get("/channels/{channel_code}/reach", tags=["reach"], responses=declared(NotFoundError, InvalidInputError))
def show_reach_of_channel(
    channel_code: Annotated[str, Path(max_length=40, examples=["canteen"])],
    query: Annotated[MonthsQuery, Query()],
    caller: ReportReader,
) -> ReachOut:
    """Show whom a channel reached with what was accepted in a period, of the orders that the caller may see."""
    return _reach_over_months(caller, Reached.CHANNEL, channel_code, query)


@router.get("/public/orders/{order_id}/reach", tags=["reach"], dependencies=[public()], responses=UNKNOWN)
def show_public_reach_of_order(order_id: UUID, request: Request) -> PublicReachOut:
    """Tell anybody how many households an order reached, of closed months; small groups are suppressed."""
    with request.app.state.db.transaction() as session:
        return _told(reach.public_reach_of_order(session.connection(), order_id))


@router.get("/public/products/{product_id}/reach", tags=["reach"], dependencies=[public()], responses=UNKNOWN)
def show_public_reach_of_product(
    product_id: UUID, query: Annotated[CalendarQuery, Query()], request: Request
) -> PublicReachOut:
    """Tell anybody whom a product reached with what was accepted in a calendar month or year."""
    first, beyond = calendar(query.period or str(business_date(utc_now()).year))
    with request.app.state.db.transaction() as session:
        return _told(reach.public_reach_of_product(session.connection(), product_id, first=first, beyond=beyond))


def _reach_over_months(caller: Caller, of: Reached, key: UUID | str, query: MonthsQuery) -> ReachOut:
    last = date.fromisoformat(f"{query.month_to}-01") if query.month_to else business_date(utc_now()).replace(day=1)
    first = date.fromisoformat(f"{query.month_from}-01") if query.month_from else last.replace(month=1)
    check_window(first, last)
    with caller.transaction() as (session, actor):
        return _reached(reach.reach_of(session.connection(), actor, of, key, first=first, last=last))


def _reached(found: reach.Reach) -> ReachOut:
    en, zh = reach.said(found)
    return ReachOut(
        name=found.name,
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
        counts=_counts(REACH),
    )


def _told(found: reach.PublicReach) -> PublicReachOut:
    told = found.told
    en, zh = reach.publicly_said(found)
    return PublicReachOut(
        as_of=found.as_of,
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


def _period(query: PeriodQuery) -> tuple[date, date]:
    period_to = query.period_to or business_date(utc_now())
    period_from = query.period_from or period_to.replace(month=1, day=1)
    check_window(period_from, period_to)
    return period_from, period_to


def _filters(query: ReportQuery) -> Filters:
    period_from, period_to = _period(query)
    return Filters(period_from, period_to, query.county, query.channel, query.supplier_id)


def _check_county(session: orm.Session, filters: Filters) -> None:
    if filters.county is not None:
        regions.check_known(session, filters.county, filters.period_to, pointer="/query/county")


def _counts(figures: Mapping[str, Column]) -> list[CountsOut]:
    return [
        CountsOut(figure=name, title=column.title, en=column.counts, zh=column.counts_zh)
        for name, column in figures.items()
    ]


def _part(schema: Any, flow: Flow) -> Any:
    """Show of a flow what the schema has."""
    return schema(**{name: getattr(flow, name) for name in schema.model_fields})


def _statement(found: Statement) -> StatementOut:
    return StatementOut(
        incomes=[
            IncomeOut(
                income_class=income.income_class,
                mechanism=income.mechanism,
                mechanism_name=MECHANISMS[income.mechanism].name,
                assisted=income.assisted,
                **asdict(income.flow),
            )
            for income in found.incomes
        ],
        classes=[ClassOut(income_class=each, **asdict(flow)) for each, flow in found.classes.items()],
        assisted=_part(FlowOut, found.assisted),
        ordinary=_part(FlowOut, found.ordinary),
        total=_part(FlowOut, found.total),
        balances=[BalanceOut.model_validate(balance) for balance in found.balances],
        advance=AdvanceOut.model_validate(found.advance),
        money_received_fen=found.money_received_fen,
        brought_by_orders_fen=found.brought_by_orders_fen,
    )


def _contributed(found: Contributed) -> ContributedOut:
    terms = MECHANISMS[found.mechanism]
    return ContributedOut(
        mechanism=found.mechanism,
        mechanism_name=terms.name,
        income_class=terms.income_class,
        households=found.households,
        contributed_fen=found.contributed_fen,
        carried_fen=found.carried_fen,
        released_fen=found.flow.accrued_fen + found.flow.top_up_fen,
        posted=_part(PostedOut, found.flow),
        assisted=_part(PostedOut, found.assisted),
        ordinary=_part(PostedOut, found.ordinary),
    )


def _why_not(found: LotIncome) -> NoIncrease | None:
    if found.increase is not None:
        return None
    return NoIncrease.MOVED_INTO_OTHER_LOTS if found.moved_on else NoIncrease.NO_BASELINE_CONFIRMED


def _over_market(found: OverMarket) -> LotOverMarketOut:
    stated = MarketPriceSchema(price_fen=found.market_price_fen, source=found.market_source, on=found.market_on)
    return LotOverMarketOut(
        measure="gross",
        market=stated,
        mechanism=found.mechanism,
        mechanism_name=MECHANISMS[found.mechanism].name,
        unit_price_fen=found.unit_price_fen,
        price_per=base_units(found.price_unit_milli),
        gross_fen=found.gross_fen,
        increase_fen=found.increase_fen,
    )


def _increase(found: Increase) -> IncreaseOut:
    return IncreaseOut(measure="gross", increase_fen=found.increase_fen, **asdict(found))
