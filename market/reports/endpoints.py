"""Statements and reports over HTTP; each is of one moment.

A household's statement is read often, on the connection for hot reads. The others sum much: their statements are
planned for what is asked, which that connection does not do.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import day_asked, declared, router_of
from market.attribution.schemas import ReceivedOut
from market.attribution.statements import Flow, HouseholdStatement, Statement, check_window, household_statement
from market.audit.verifying import see_one_moment
from market.benefits.rules import MECHANISMS
from market.clock import business_date, utc_now
from market.errors import FutureDateError, InvalidInputError, NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Permission
from market.lots.schemas import MarketPriceSchema
from market.quantities import base_units
from market.regions import service as regions
from market.regions.rules import UnknownRegionError
from market.reports.account_schemas import AccountQuery, BalancesOut, HouseholdAccountOut, WindowAccountOut
from market.reports.cooperatives import cooperative_statement
from market.reports.household_account import HouseholdAccount, household_account
from market.reports.household_page import PDF, Place, household_page, place_of, standing
from market.reports.household_sheet import household_workbook
from market.reports.lot_income import Contributed, Increase, LotIncome, OverMarket, lot_income
from market.reports.queries import Filters, report
from market.reports.rules import COLUMNS, FIGURES, Column, Dimension, NoIncrease
from market.reports.schemas import (
    AdvanceOut,
    BalanceOut,
    ClassOut,
    ColumnOut,
    ContributedOut,
    CooperativeStatementOut,
    CountsOut,
    FiguresOut,
    FlowOut,
    HouseholdStatementOut,
    IncomeOut,
    IncreaseOut,
    LadderOut,
    LotIncomeOut,
    LotOverMarketOut,
    PeriodQuery,
    PostedOut,
    ReportOut,
    ReportQuery,
    RowOut,
    SaleOut,
    StatementOut,
    SupplierStatementOut,
    SuspendedOut,
)
from market.reports.workbook import XLSX, workbook

router = router_of()

StatementReader = Annotated[Caller, requires(Permission.STATEMENT_READ)]


def _content(media_type: str) -> dict[str, Any]:
    """Declare a file of a type."""
    return {media_type: {"schema": {"type": "string", "format": "binary"}}}


AccountReader = Annotated[Caller, requires(Permission.ACCOUNT_READ)]
ReportReader = Annotated[Caller, requires(Permission.REPORT_READ)]


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
        payments=[ReceivedOut.model_validate(each) for each in found.payments],
        counts=_counts(FIGURES),
    )


@router.get(
    "/households/{household_id}/account",
    tags=["statements"],
    responses=declared(NotFoundError, FutureDateError, InvalidInputError),
)
def show_household_account(
    household_id: UUID, query: Annotated[AccountQuery, Query()], caller: AccountReader
) -> HouseholdAccountOut:
    """Show gross, net and per head of a household over a year and the last twelve months, as closed and as known.

    Everything is as of the day `on`: a running year ends with it, and what happened later is in no figure. As known is
    with what was recorded since of days up to it. Beside the figures, what suppliers paid ahead and owe at the year's
    end or on that day. A year that begins after it is refused.
    """
    account, orders, _ = _account(household_id, query, caller)
    by_orders, by_top_ups = standing(orders.total)
    return HouseholdAccountOut(
        household_id=account.household_id,
        household_code=account.household_code,
        heads=account.heads,
        on=account.on,
        balances=BalancesOut(
            on=account.year.window.end,
            advance_fen=by_orders.advance_fen,
            owed_fen=by_orders.owed_fen + by_top_ups.owed_fen,
            top_ups_owed_fen=by_top_ups.owed_fen,
        ),
        year=WindowAccountOut.model_validate(account.year),
        rolling=WindowAccountOut.model_validate(account.rolling),
        payments=[ReceivedOut.model_validate(each) for each in orders.payments],
    )


@router.get(
    "/households/{household_id}/account.pdf",
    tags=["statements"],
    response_class=Response,
    responses={
        200: {"content": _content(PDF), "description": "The page"},
        **declared(NotFoundError, FutureDateError, InvalidInputError),
    },
)
def print_household_account(
    household_id: UUID, query: Annotated[AccountQuery, Query()], caller: AccountReader
) -> Response:
    """Print a household's account on one page of A4, in plain Chinese, for the household to read."""
    account, orders, place = _account(household_id, query, caller)
    return _file(household_page(account, orders, place), PDF, f"account-{account.household_code}.pdf")


@router.get(
    "/households/{household_id}/account.xlsx",
    tags=["statements"],
    response_class=Response,
    responses={
        200: {"content": _content(XLSX), "description": "The workbook"},
        **declared(NotFoundError, FutureDateError, InvalidInputError),
    },
)
def download_household_account(
    household_id: UUID, query: Annotated[AccountQuery, Query()], caller: AccountReader
) -> Response:
    """Download a household's account as a workbook: in yuan and in fen, with its items and corrections."""
    account, orders, _ = _account(household_id, query, caller)
    return _file(household_workbook(account, orders), XLSX, f"account-{account.household_code}.xlsx")


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
        200: {"content": _content(XLSX), "description": "The workbook"},
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
    return _file(workbook(dimension, filters, found), XLSX, name)


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


def _account(
    household_id: UUID, query: AccountQuery, caller: Caller
) -> tuple[HouseholdAccount, HouseholdStatement, Place]:
    """Read an account, and the statement of its year until the day that is asked, of one moment."""
    on = day_asked(query.on)
    year = query.year or on.year
    with caller.transaction() as (session, actor):
        see_one_moment(session)
        connection = session.connection()
        account = household_account(connection, actor, household_id, year=year, on=on)
        begin, end = account.year.window
        orders = household_statement(connection, actor, household_id, period_from=begin, period_to=end, on=on)
        return account, orders, place_of(connection, household_id)


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


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
