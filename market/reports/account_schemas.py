"""What goes in and out of a household's account over HTTP."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from market.api import Count, Day, Fen, Schema, SignedFen
from market.attribution.schemas import ReceivedOut
from market.benefits.rules import IncomeClass
from market.livelihoods.rules import Figure, ItemKind, Treatment
from market.reports.rules import NoIncrease, WindowKind
from market.reports.schemas import ClassCode, FlowOut, Id


class AccountQuery(Schema):
    """Which calendar year, and the day that all is of; the last twelve months end with the month before it."""

    year: Annotated[int | None, Field(ge=2000, le=2199, examples=[2026], description="that of `on` if absent")] = None
    on: Annotated[Day | None, Field(examples=["2026-03-02"], description="today if absent")] = None


class ClassIncomeOut(Schema):
    """The money of one class: from orders, topped up by suppliers, and other; and the steps that its orders came to."""

    income_class: ClassCode
    from_orders_fen: Annotated[SignedFen, Field(description="brought by orders and received, without top-ups")]
    top_up_paid_fen: Annotated[SignedFen, Field(description="paid by suppliers beyond what orders brought")]
    other_fen: SignedFen
    orders: FlowOut


class KindSumOut(Schema):
    """What the items of a kind come to, and what the kind does to the figures."""

    kind: Annotated[ItemKind, Field(examples=["pension"])]
    name: Annotated[str, Field(examples=["养老金"])]
    treatment: Annotated[Treatment, Field(examples=["counted"])]
    income_class: Annotated[IncomeClass | None, Field(examples=["transfer"])]
    fen: SignedFen
    checked_fen: Annotated[SignedFen, Field(description="of it, checked by a second person")]


class PerHeadOut(Schema):
    """Whole fen per registered member on the window's last day, rounded down; exactly fen + left_fen / heads."""

    fen: SignedFen
    left_fen: Fen
    heads: Count


class AccountFiguresOut(Schema):
    """Money received and spent; what orders brought stands apart and is never added to it."""

    classes: list[ClassIncomeOut]
    received_fen: Annotated[SignedFen, Field(description="from suppliers: brought by orders + top-ups paid + ahead")]
    top_up_paid_fen: Annotated[SignedFen, Field(description="of that, paid beyond what orders brought")]
    ahead_fen: Annotated[
        SignedFen, Field(description="of that, advances paid in the window less what orders claimed in it: no balance")
    ]
    items: list[KindSumOut]
    other_fen: SignedFen
    other_checked_fen: Annotated[SignedFen, Field(description="of other income, what a second person has checked")]
    excluded_fen: Annotated[SignedFen, Field(description="gifts and purpose-tied subsidies: in no other figure")]
    gross_fen: Annotated[SignedFen, Field(description="received + other")]
    operating_expense_fen: SignedFen
    net_fen: Annotated[SignedFen, Field(description="gross - operating expense")]
    net_per_head: PerHeadOut
    self_paid_fen: Annotated[SignedFen, Field(description="subtracted in monitoring alone")]
    accrued_fen: Annotated[SignedFen, Field(description="brought by orders: attributed on acceptance")]
    recognised_fen: Annotated[SignedFen, Field(description="brought by orders: the buyer's money has come")]
    brought_by_orders_fen: Annotated[SignedFen, Field(description="brought by orders and received: matched alone")]


class CorrectionOut(Schema):
    """A fact that the figures hold as now known and not as closed (or below zero, the reverse)."""

    source: Annotated[str, Field(examples=["return:0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"])]
    reason: Annotated[str, Field(examples=["return"])]
    recorded_at: Annotated[datetime, Field(examples=["2026-04-02T08:00:00Z"])]
    happened_on: Annotated[date, Field(examples=["2026-03-20"])]
    booked_on: Annotated[date | None, Field(examples=["2026-04-01"])]
    received_fen: SignedFen
    accrued_fen: SignedFen
    brought_fen: Annotated[SignedFen, Field(description="brought by orders and received")]
    item_kind: Annotated[ItemKind | None, Field(examples=[None])]
    item_fen: SignedFen
    heads: Annotated[
        Count | None,
        Field(description="counted from `happened_on` on: it moves figures per head alone", examples=[None]),
    ]


class FormerBaselineOut(Schema):
    """A baseline in force until the county confirmed another in its place, why, and the increase stated by it."""

    baseline_fen: SignedFen
    baseline_from: Annotated[date, Field(examples=["2024-01-01"])]
    baseline_to: Annotated[date, Field(examples=["2024-12-31"])]
    baseline_source: Annotated[str, Field(examples=["2024年度农户收入采集表"])]
    confirmed_at: Annotated[datetime, Field(examples=["2025-03-02T08:00:00Z"])]
    replaced_at: Annotated[datetime, Field(examples=["2026-03-02T08:00:00Z"])]
    reason: Annotated[str, Field(examples=["采集表漏计养老金"])]
    increase_fen: SignedFen


class AccountIncreaseOut(Schema):
    """A figure less the same figure of the confirmed baseline in force; without one none is stated."""

    figure: Annotated[Figure, Field(examples=["net_per_head"])]
    figure_fen: SignedFen
    baseline_fen: SignedFen | None
    baseline_booked_fen: Annotated[
        SignedFen | None,
        Field(description="the same figure of that period by this account itself; null: none recorded"),
    ]
    baseline_from: Annotated[date | None, Field(examples=["2024-01-01"])]
    baseline_to: Annotated[date | None, Field(examples=["2024-12-31"])]
    baseline_source: Annotated[str | None, Field(examples=["2024年度农户收入采集表"])]
    baseline_confirmed_at: Annotated[datetime | None, Field(examples=["2025-03-02T08:00:00Z"])]
    increase_fen: SignedFen | None
    no_increase: Annotated[NoIncrease | None, Field(examples=[None])]
    formerly: Annotated[list[FormerBaselineOut], Field(description="what was in force before, the latest first")]


class WindowOut(Schema):
    """The first and the last day."""

    begin: Annotated[date, Field(examples=["2025-01-01"])]
    end: Annotated[date, Field(examples=["2025-12-31"])]


class WindowAccountOut(Schema):
    """A window as now known; and as closed, once its last month is, with what makes the difference."""

    kind: Annotated[WindowKind, Field(examples=["calendar_year"])]
    window: WindowOut
    known: AccountFiguresOut
    closed_at: Annotated[datetime | None, Field(examples=[None])]
    closed: AccountFiguresOut | None
    corrections: list[CorrectionOut]
    increases: list[AccountIncreaseOut]


class BalancesOut(Schema):
    """What stands at the end of a day, of whatever year it came: no figure of a window."""

    on: Annotated[date, Field(examples=["2026-03-02"])]
    advance_fen: Annotated[SignedFen, Field(description="paid ahead by suppliers and claimed by no recognised order")]
    owed_fen: Annotated[SignedFen, Field(description="recognised or to be topped up, and not paid yet")]
    top_ups_owed_fen: Annotated[SignedFen, Field(description="of that, to be topped up")]


class HouseholdAccountOut(Schema):
    """Gross, net and per head of a household: of a calendar year (`year`), and of the last twelve months (`rolling`).

    Each figure is of the days of the window that it stands in; `heads` and `balances` are of a day. `payments` are what
    the book has in the year until that day: a payment as now known was never made once it is reversed.
    """

    household_id: Id
    household_code: Annotated[str, Field(examples=["1411221062010007"])]
    heads: Count
    on: Annotated[date, Field(examples=["2026-03-02"])]
    balances: BalancesOut
    year: WindowAccountOut
    rolling: WindowAccountOut
    payments: list[ReceivedOut]
