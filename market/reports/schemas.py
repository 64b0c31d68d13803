"""What goes in and out over HTTP: periods, statements, the income of a lot, reports."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from market.api import AnyRegionCode, Code, Count, Day, Fen, Flag, Quantity, Schema, SignedFen
from market.attribution.rules import Step
from market.attribution.schemas import ReceivedOut
from market.benefits.rules import IncomeClass, Mechanism
from market.lots.schemas import OverMarketOut
from market.reports.rules import Dimension, Kind, NoIncrease, Suspended

Id = Annotated[UUID, Field(examples=["0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])]
MechanismCode = Annotated[Mechanism, Field(examples=["order_purchase"])]
MechanismName = Annotated[str, Field(examples=["订单收购"])]
ClassCode = Annotated[IncomeClass, Field(examples=["operating"])]


class PeriodQuery(Schema):
    """The days of a statement or report, both included."""

    period_from: Annotated[Day | None, Field(alias="from", examples=["2026-01-01"], description="or 1 January")] = None
    period_to: Annotated[Day | None, Field(alias="to", examples=["2026-12-31"], description="today if absent")] = None


class ReportQuery(PeriodQuery):
    """The days of a report, and what it is narrowed to."""

    county: Annotated[AnyRegionCode | None, Field(examples=["141122"], description="region of the supplier")] = None
    channel: Code | None = None
    supplier_id: Id | None = None


class CountsOut(Schema):
    """What a figure counts, and of which step."""

    figure: Annotated[str, Field(examples=["recognised_fen"])]
    title: Annotated[str, Field(examples=["确认"])]
    en: Annotated[str, Field(examples=["the buyer's money for it has reached the supplier"])]
    zh: Annotated[str, Field(examples=["货款已到供应商"])]


class LadderOut(Schema):
    """Net movements; each figure counts what reached its step or a further one."""

    accrued_fen: SignedFen
    recognised_fen: SignedFen
    disbursed_fen: SignedFen
    confirmed_fen: SignedFen


class FlowOut(LadderOut):
    """The same with what of it advances paid, and with top-ups, which no order brought."""

    matched_fen: SignedFen
    top_up_fen: SignedFen
    top_up_paid_fen: SignedFen


class IncomeOut(FlowOut):
    """One mechanism, assisted and ordinary apart; for a collective `assisted` is null."""

    income_class: ClassCode
    mechanism: MechanismCode
    mechanism_name: MechanismName
    assisted: Flag | None


class ClassOut(FlowOut):
    """One class of income."""

    income_class: ClassCode


class BalanceOut(Schema):
    """What stood at one step, and at that step only: opening + movement = closing."""

    step: Annotated[Step, Field(examples=["recognised"])]
    opening_fen: SignedFen
    movement_fen: SignedFen
    closing_fen: SignedFen


class AdvanceOut(Schema):
    """Paid ahead: opening + paid + from returns - matched - matched by top-ups = closing."""

    opening_fen: SignedFen
    paid_fen: SignedFen
    from_returns_fen: SignedFen
    matched_fen: SignedFen
    matched_by_top_ups_fen: SignedFen
    closing_fen: SignedFen


class StatementOut(Schema):
    """The figures of a period."""

    incomes: list[IncomeOut]
    classes: list[ClassOut]
    assisted: FlowOut
    ordinary: FlowOut
    total: FlowOut
    balances: list[BalanceOut]
    advance: AdvanceOut
    money_received_fen: SignedFen
    brought_by_orders_fen: SignedFen


class SupplierStatementOut(Schema):
    """What one supplier brought to the household."""

    supplier_id: Id
    supplier_name: Annotated[str, Field(examples=["富山农民专业合作社"])]
    statement: StatementOut


class HouseholdStatementOut(Schema):
    """A household's statement of a period; to a supplier, what concerns itself. Payments: the newest 1,000."""

    household_id: Id
    household_code: Annotated[str, Field(examples=["1411221062010001"])]
    period_from: Annotated[date, Field(examples=["2026-01-01"])]
    period_to: Annotated[date, Field(examples=["2026-12-31"])]
    total: StatementOut
    suppliers: list[SupplierStatementOut]
    payments: list[ReceivedOut]
    counts: list[CountsOut]


class SaleOut(Schema):
    """What buyers accepted and returned in the period, price cuts too; a sale is not an income."""

    orders: Count
    accepted_fen: Fen
    accepted_net_fen: Fen
    returned_fen: Fen
    returned_net_fen: Fen
    sale_fen: SignedFen
    sale_net_fen: SignedFen


class SuspendedOut(Schema):
    """A pool that could not be split waits, named by its mechanism."""

    mechanism: MechanismCode
    mechanism_name: MechanismName
    reason: Annotated[Suspended, Field(examples=["nobody_is_eligible"])]
    fen: SignedFen


class CooperativeStatementOut(Schema):
    """A supplier's statement of a period."""

    supplier_id: Id
    supplier_name: Annotated[str, Field(examples=["富山农民专业合作社"])]
    period_from: Annotated[date, Field(examples=["2026-01-01"])]
    period_to: Annotated[date, Field(examples=["2026-12-31"])]
    sale: SaleOut
    received_fen: Fen
    households: StatementOut
    collectives: StatementOut
    retained: LadderOut
    pools: LadderOut
    suspense: LadderOut
    suspended: list[SuspendedOut]
    owed_back_fen: Fen
    owed_fen: SignedFen
    top_ups_owed_fen: SignedFen
    counts: list[CountsOut]


class PostedOut(LadderOut):
    """What was posted of contributions, top-ups apart."""

    top_up_fen: SignedFen
    top_up_paid_fen: SignedFen


class ContributedOut(Schema):
    """What one mechanism gave to the lot; `carried_fen` moved on with goods. Consigned produce has no amount: null."""

    mechanism: MechanismCode
    mechanism_name: MechanismName
    income_class: ClassCode
    households: Count
    contributed_fen: Annotated[Fen | None, Field(examples=[108000000])]
    carried_fen: Annotated[Fen | None, Field(examples=[0])]
    released_fen: SignedFen
    posted: PostedOut
    assisted: PostedOut
    ordinary: PostedOut


class IncreaseOut(Schema):
    """Gross income from the lot's produce minus the confirmed baseline's; final only once the lot is sold out."""

    measure: Annotated[Literal["gross"], Field(examples=["gross"])]
    gross_fen: Annotated[SignedFen, Field(examples=[108000000])]
    baseline_fen: Annotated[Fen, Field(examples=[43200000])]
    baseline_from: Annotated[date, Field(examples=["2018-01-01"])]
    baseline_to: Annotated[date, Field(examples=["2018-12-31"])]
    baseline_source: Annotated[str, Field(examples=["村委会产量台账"])]
    increase_fen: Annotated[SignedFen, Field(examples=[64800000])]
    sold_out: Flag


class LotOverMarketOut(OverMarketOut):
    """What contributions at one price brought over the market's; both prices are per `price_per` of the unit."""

    mechanism: MechanismCode
    mechanism_name: MechanismName
    unit_price_fen: Annotated[Fen, Field(examples=[105])]
    price_per: Quantity
    gross_fen: Annotated[SignedFen, Field(examples=[3483900])]


class LotIncomeOut(Schema):
    """What a lot brought so far. Increases stand beside their baselines and are never added; none without one."""

    lot_id: Id
    number: Annotated[str, Field(examples=["L-20260302-K3V7QHTA"])]
    quantity: Quantity
    accepted: Quantity
    base_unit: Annotated[str, Field(examples=["kg"])]
    sale_fen: SignedFen
    sale_net_fen: SignedFen
    contributions: list[ContributedOut]
    total: PostedOut
    increase: IncreaseOut | None
    no_increase: Annotated[NoIncrease | None, Field(examples=[None])]
    over_market: list[LotOverMarketOut]
    counts: list[CountsOut]


class ColumnOut(CountsOut):
    """A column of a report."""

    kind: Annotated[Kind, Field(examples=["fen"])]


class FiguresOut(Schema):
    """A figure for each column; null where it cannot be known, as the sale of one mechanism."""

    orders: Count | None
    sale_fen: SignedFen | None
    sale_net_fen: SignedFen | None
    households: Count
    assisted_households: Count
    ordinary_households: Count
    assisted_accrued_fen: SignedFen
    assisted_recognised_fen: SignedFen
    assisted_disbursed_fen: SignedFen
    assisted_confirmed_fen: SignedFen
    ordinary_accrued_fen: SignedFen
    ordinary_recognised_fen: SignedFen
    ordinary_disbursed_fen: SignedFen
    ordinary_confirmed_fen: SignedFen
    collective_accrued_fen: SignedFen
    collective_recognised_fen: SignedFen
    collective_disbursed_fen: SignedFen
    collective_confirmed_fen: SignedFen
    retained_fen: SignedFen
    pool_fen: SignedFen
    suspense_fen: SignedFen
    top_up_fen: SignedFen
    top_up_paid_fen: SignedFen
    advance_fen: SignedFen


class RowOut(FiguresOut):
    """A row; a null key is what belongs to none: money no order brought, a sale of no single mechanism."""

    key: Annotated[str | None, Field(examples=["canteen"])]
    name: Annotated[str, Field(examples=["进食堂"])]


class ReportOut(Schema):
    """A report; totals are of everything in scope, so a household in two rows counts once in them."""

    dimension: Annotated[Dimension, Field(examples=["channel"])]
    period_from: Annotated[date, Field(examples=["2026-01-01"])]
    period_to: Annotated[date, Field(examples=["2026-12-31"])]
    columns: list[ColumnOut]
    rows: list[RowOut]
    totals: FiguresOut
