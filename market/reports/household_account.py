"""A household's account: gross, net and per head of a calendar year and of the last twelve months, each with its close.

Every figure counts what had happened up to the day of the account, and nothing that happened later. So a running year
ends with that day; a later return, check, confirmation or decision on a baseline is not known yet. What was recorded
later *of* such a day is: a payment of June that is recorded in August is on the account as of June. As closed is what
the close found, whenever that was.

What suppliers paid it stands beside what orders brought; the one is never added to the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.attribution.net_income import Correction, NetIncome, closed_at, corrections, net_incomes
from market.attribution.statements import Flow
from market.benefits.rules import IncomeClass
from market.clock import business_date
from market.db import plan_anew
from market.errors import NotFoundError
from market.households.models import Household, HouseholdHeadCount
from market.households.queries import head_count_on, heads_on, visible_households
from market.identity.rules import Actor
from market.livelihoods.queries import confirmed_baselines
from market.livelihoods.rules import ITEMS, Figure, Fraction, ItemKind, Treatment, Window, rolling_year, year_until
from market.reports.rules import NoIncrease, WindowKind


@dataclass(frozen=True, slots=True)
class ClassIncome:
    """The money of one class in a window: from orders, topped up, and other; and the steps that its orders came to."""

    income_class: IncomeClass
    from_orders_fen: int
    top_up_paid_fen: int
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
    checked_fen: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A window's figures, for the reader: what was received, what counts, what orders brought.

    What was received is what orders brought of it, what suppliers topped up, and what they paid ahead.
    """

    classes: Sequence[ClassIncome]
    received_fen: int
    top_up_paid_fen: int
    ahead_fen: int
    items: Sequence[KindSum]
    other_fen: int
    other_checked_fen: int
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
class FormerBaseline:
    """A baseline that was in force until the county confirmed another in its place, and the increase by it."""

    baseline_fen: int
    baseline_from: date
    baseline_to: date
    baseline_source: str
    confirmed_at: datetime
    replaced_at: datetime
    reason: str
    increase_fen: int


@dataclass(frozen=True, slots=True)
class AccountIncrease:
    """A figure less the same figure of the latest confirmed baseline; without one there is none, and why.

    `baseline_booked_fen` is what this account itself has of the baseline's period, if anything: what was stated of it
    may be less, and the increase then none. What was in force before, and the increase by that, is told, the latest
    first.
    """

    figure: Figure
    figure_fen: int
    baseline_fen: int | None
    baseline_from: date | None
    baseline_to: date | None
    baseline_source: str | None
    baseline_confirmed_at: datetime | None
    increase_fen: int | None
    no_increase: NoIncrease | None
    formerly: Sequence[FormerBaseline]
    baseline_booked_fen: int | None = None


@dataclass(frozen=True, slots=True)
class WindowAccount:
    """A window as now known (of what is dated up to the account's day), and if its last month is closed as closed.

    The corrections are what makes the difference.
    """

    kind: WindowKind
    window: Window
    known: Figures
    closed_at: datetime | None
    closed: Figures | None
    corrections: Sequence[Correction]
    increases: Sequence[AccountIncrease]


@dataclass(frozen=True, slots=True)
class HouseholdAccount:
    """A household's account, as of a day; `heads` are of that day, figures per head of the last day of their window."""

    household_id: UUID
    household_code: str
    heads: int
    on: date
    year: WindowAccount
    rolling: WindowAccount


def household_account(
    connection: sa.Connection, actor: Actor, household_id: UUID, *, year: int, on: date
) -> HouseholdAccount:
    """Return a household's account as of a day: of a year until then, and of the 12 months until the month before.

    A fixed number of statements, and some for each baseline in force; the caller sees to it that all are of one moment.
    Raises `NotFoundError`, or `InvalidInputError` for a year that begins after the day.
    """
    of_year = year_until(year, on)
    plan_anew(connection)
    found = connection.execute(
        visible_households(actor)
        .with_only_columns(Household.code, head_count_on(on).label("heads"))
        .where(Household.id == household_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(what="household")
    decided = confirmed_baselines(connection, household_id)
    baselines = [each for each in decided if business_date(each.decided_at) <= on]
    windows = [
        _window(connection, household_id, kind, window, baselines=baselines, on=on)
        for kind, window in (
            (WindowKind.CALENDAR_YEAR, of_year),
            (WindowKind.LAST_TWELVE_MONTHS, rolling_year(on)),
        )
    ]
    return HouseholdAccount(household_id, found.code, found.heads, on, *windows)


def _window(
    connection: sa.Connection,
    household_id: UUID,
    kind: WindowKind,
    window: Window,
    *,
    baselines: Sequence[sa.Row[Any]],
    on: date,
) -> WindowAccount:
    closed = closed_at(connection, window)
    known = _figures(connection, household_id, window, on=on)
    as_closed = _figures(connection, household_id, window, on=on, closed=closed) if closed else None
    corrected = [*corrections(connection, household_id, window, closed=closed, on=on)] if closed else []
    if closed and as_closed and as_closed.heads != known.heads:
        corrected += _of_heads(connection, household_id, window, closed)
    return WindowAccount(
        kind,
        window,
        figures_of(known),
        closed,
        figures_of(as_closed) if as_closed else None,
        sorted(corrected, key=lambda each: (each.recorded_at, each.source)),
        [_beside(connection, household_id, _increase(known, figure, baselines, on), on) for figure in Figure],
    )


def _figures(
    connection: sa.Connection, household_id: UUID, window: Window, *, on: date, closed: datetime | None = None
) -> NetIncome:
    """Return a window's figures; per head of those who were counted on its last day."""
    heads = heads_on(connection, [household_id], window.end, known_by=closed)
    return net_incomes(connection, heads, window, on=on, closed=closed)[household_id]


def _of_heads(connection: sa.Connection, household_id: UUID, window: Window, closed: datetime) -> Iterator[Correction]:
    """Yield the head counts that were recorded after the close and hold from a day until the window's last."""
    counts = HouseholdHeadCount.__table__.c
    late = sa.select(counts.id, counts.head_count, counts.valid_from, counts.recorded_at).where(
        counts.household_id == household_id, counts.recorded_at > closed, counts.valid_from <= window.end
    )
    for row in connection.execute(late):
        source = f"head_count:{row.id}"
        yield Correction(source, "head_count", row.recorded_at, row.valid_from, None, heads=row.head_count)


def figures_of(found: NetIncome) -> Figures:
    """Say a household's figures one by one."""
    total = found.orders.total
    return Figures(
        classes=[
            ClassIncome(each, found.from_orders(each), flow.top_up_paid_fen, found.other(each), flow)
            for each, flow in found.orders.classes.items()
        ],
        received_fen=found.received_fen,
        top_up_paid_fen=total.top_up_paid_fen,
        ahead_fen=found.ahead_fen,
        items=_by_kind(found),
        other_fen=found.other_fen,
        other_checked_fen=found.other_checked_fen,
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


def _by_kind(found: NetIncome) -> list[KindSum]:
    return [
        KindSum(kind, terms.name, terms.treatment, terms.income_class, found.items[kind], found.checked[kind])
        for kind, terms in ITEMS.items()
        if kind in found.items
    ]


def _increase(found: NetIncome, figure: Figure, baselines: Sequence[sa.Row[Any]], on: date) -> AccountIncrease:
    fen = found.figure(figure)
    if found.window.end >= on:
        return _without(figure, fen, NoIncrease.PERIOD_NOT_OVER)
    replaced = {row.replaces for row in baselines}
    before = (row for row in baselines if row.figure == figure and row.period_to < found.window.begin)
    base = next((row for row in before if row.id not in replaced), None)
    if base is None:
        return _without(figure, fen, NoIncrease.NO_BASELINE_CONFIRMED)
    return AccountIncrease(
        figure,
        fen,
        base.amount_fen,
        base.period_from,
        base.period_to,
        base.source,
        base.decided_at,
        fen - base.amount_fen,
        None,
        list(_formerly(base, {row.id: row for row in baselines}, fen)),
    )


def _without(figure: Figure, fen: int, why: NoIncrease) -> AccountIncrease:
    return AccountIncrease(figure, fen, None, None, None, None, None, None, why, ())


def _beside(connection: sa.Connection, household_id: UUID, stated: AccountIncrease, on: date) -> AccountIncrease:
    """Put beside a baseline what this account has of its period, unless nothing of that was ever recorded."""
    if stated.baseline_from is None or stated.baseline_to is None:
        return stated
    window = Window(stated.baseline_from, stated.baseline_to)
    found = _figures(connection, household_id, window, on=on)
    has_any = bool(found.gross_fen or found.received_fen)
    return replace(stated, baseline_booked_fen=found.figure(stated.figure) if has_any else None)


def _formerly(base: sa.Row[Any], confirmed: Mapping[UUID, sa.Row[Any]], fen: int) -> Iterator[FormerBaseline]:
    """Yield what was in force before a baseline, one replacement after another."""
    while base.replaces is not None:
        former = confirmed[base.replaces]
        yield FormerBaseline(
            former.amount_fen,
            former.period_from,
            former.period_to,
            former.source,
            former.decided_at,
            base.decided_at,
            base.reason,
            fen - former.amount_fen,
        )
        base = former
