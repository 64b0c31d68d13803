"""A household's account: gross, net and per head of a calendar year and of the last twelve months, each with its close.

What suppliers paid it stands beside what orders brought; the one is never added to the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.attribution.net_income import Correction, NetIncome, closed_at, corrections, net_incomes
from market.attribution.statements import Flow
from market.benefits.rules import IncomeClass
from market.db import plan_anew
from market.errors import NotFoundError
from market.households.models import Household
from market.households.queries import head_count_on, heads_on, visible_households
from market.identity.rules import Actor
from market.livelihoods.queries import confirmed_baselines
from market.livelihoods.rules import ITEMS, Figure, Fraction, ItemKind, Treatment, Window, calendar_year, rolling_year
from market.reports.rules import NoIncrease


@dataclass(frozen=True, slots=True)
class ClassIncome:
    """The money of one class in a window, from orders and other; and the steps that its orders came to."""

    income_class: IncomeClass
    from_orders_fen: int
    other_fen: int
    orders: Flow


@dataclass(frozen=True, slots=True)
class KindSum:
    """What the items of a kind come to in a window."""

    kind: ItemKind
    name: str
    treatment: Treatment
    income_class: IncomeClass | None
    fen: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A window's figures, for the reader: what was received, what counts, what orders brought."""

    classes: Sequence[ClassIncome]
    received_fen: int
    ahead_fen: int
    items: Sequence[KindSum]
    other_fen: int
    excluded_fen: int
    gross_fen: int
    operating_expense_fen: int
    net_fen: int
    net_per_head: Fraction
    self_paid_fen: int
    accrued_fen: int
    recognised_fen: int
    brought_by_orders_fen: int


@dataclass(frozen=True, slots=True)
class AccountIncrease:
    """A figure less the same figure of the latest confirmed baseline; without one there is none, and why."""

    figure: Figure
    figure_fen: int
    baseline_fen: int | None
    baseline_from: date | None
    baseline_to: date | None
    baseline_source: str | None
    increase_fen: int | None
    no_increase: NoIncrease | None


@dataclass(frozen=True, slots=True)
class WindowAccount:
    """A window as now known, and if its last month is closed as closed, with what makes the difference."""

    window: Window
    known: Figures
    closed_at: datetime | None
    closed: Figures | None
    corrections: Sequence[Correction]
    increases: Sequence[AccountIncrease]


@dataclass(frozen=True, slots=True)
class HouseholdAccount:
    """A household's account, as of a day."""

    household_id: UUID
    household_code: str
    heads: int
    on: date
    year: WindowAccount
    rolling: WindowAccount


def household_account(
    connection: sa.Connection, actor: Actor, household_id: UUID, *, year: int, on: date
) -> HouseholdAccount:
    """Return a household's account of a year, and of the twelve months that end with the month before a day.

    A fixed number of statements; the caller sees to it that they are of one moment. Raises `NotFoundError`.
    """
    plan_anew(connection)
    found = connection.execute(
        visible_households(actor)
        .with_only_columns(Household.code, head_count_on(on).label("heads"))
        .where(Household.id == household_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(what="household")
    baselines = confirmed_baselines(connection, household_id)
    windows = [
        _window(connection, household_id, window, baselines, on) for window in (calendar_year(year), rolling_year(on))
    ]
    return HouseholdAccount(household_id, found.code, found.heads, on, *windows)


def _window(
    connection: sa.Connection,
    household_id: UUID,
    window: Window,
    baselines: Sequence[sa.Row[Any]],
    on: date,
) -> WindowAccount:
    closed = closed_at(connection, window)
    known = _figures(connection, household_id, window, closed=None)
    as_closed = _figures(connection, household_id, window, closed=closed) if closed else None
    return WindowAccount(
        window,
        figures_of(known),
        closed,
        figures_of(as_closed) if as_closed else None,
        corrections(connection, household_id, window, closed=closed) if closed else (),
        [_increase(known, figure, baselines, on) for figure in Figure],
    )


def _figures(connection: sa.Connection, household_id: UUID, window: Window, *, closed: datetime | None) -> NetIncome:
    """Return a window's figures; per head of those who were counted on its last day."""
    heads = heads_on(connection, [household_id], window.end, known_by=closed)
    return net_incomes(connection, heads, window, closed=closed)[household_id]


def figures_of(found: NetIncome) -> Figures:
    """Say a household's figures one by one."""
    total = found.orders.total
    return Figures(
        classes=[
            ClassIncome(each, found.from_orders(each), found.other(each), found.orders.classes[each])
            for each in IncomeClass
        ],
        received_fen=found.received_fen,
        ahead_fen=found.ahead_fen,
        items=_by_kind(found.items),
        other_fen=found.other_fen,
        excluded_fen=found.excluded_fen,
        gross_fen=found.gross_fen,
        operating_expense_fen=found.operating_expense_fen,
        net_fen=found.net_fen,
        net_per_head=found.net_per_head,
        self_paid_fen=found.self_paid_fen,
        accrued_fen=total.accrued_fen,
        recognised_fen=total.recognised_fen,
        brought_by_orders_fen=found.orders.brought_by_orders_fen,
    )


def _by_kind(items: Mapping[str, int]) -> list[KindSum]:
    return [
        KindSum(kind, terms.name, terms.treatment, terms.income_class, items[kind])
        for kind, terms in ITEMS.items()
        if kind in items
    ]


def _increase(found: NetIncome, figure: Figure, baselines: Sequence[sa.Row[Any]], on: date) -> AccountIncrease:
    fen = found.figure(figure)
    before = [row for row in baselines if row.figure == figure and row.period_to < found.window.begin]
    if found.window.end >= on:
        return AccountIncrease(figure, fen, None, None, None, None, None, NoIncrease.PERIOD_NOT_OVER)
    if not before:
        return AccountIncrease(figure, fen, None, None, None, None, None, NoIncrease.NO_BASELINE_CONFIRMED)
    base = before[0]
    return AccountIncrease(
        figure,
        fen,
        base.amount_fen,
        base.period_from,
        base.period_to,
        base.source,
        fen - base.amount_fen,
        None,
    )
