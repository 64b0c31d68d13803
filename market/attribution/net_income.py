"""What a household had in a window: gross, net and per head, beside what orders brought; never added to each other.

Gross is money received: what suppliers paid it (advances too) and its other income that counts. Net is gross less its
operating expense; net per head is net over the registered members, in whole fen rounded down, with what is left over.
What orders *brought* is another figure: only the part of the money that recognised orders have claimed (domain.md §1).

A fact that belongs to a closed month is posted in an open one under its own day. So a window has its figures twice:
as closed, by the days of the book and what of other income was recorded by the close; and as now known, by the days on
which things happened. As now known only what stands was ever brought, under the day since when it has stood: what a
return takes off is known under the day of the acceptance, of the recognition or of the payment that it undoes
(`redating.py`), while money that was received stays received on its day.

As of a past day, what is now known is all that was recorded until now *and happened by then*: goods that came back or
an item that was checked later are not taken off or told yet. As closed is by what the close found, whenever that was.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.attribution.redating import BELOW, Cause, Movement, Place, Redated, redated
from market.attribution.rules import PAID_STEP, Kind, Step
from market.attribution.statements import Position, Statement, position, statement
from market.benefits.rules import IncomeClass, Mechanism
from market.livelihoods import queries as livelihoods
from market.livelihoods.queries import ItemSum
from market.livelihoods.rules import ITEMS, Figure, Fraction, Treatment, Window, per_head

# An entry is never booked before the day it is known under: what came into the window was booked from its begin on.
# A return, price cut or annulment is known under the day of what it undoes, but it happened on the day from which it
# counts.
_MOVED = """
moved AS (
  SELECT a.owner_id, a.kind, a.step, m.*, e.source, e.reason, e.recorded_at, e.original_effective_on,
         coalesce(e.original_effective_on, e.effective_on) AS known_on
    FROM ledger_accounts a
   CROSS JOIN LATERAL (
      SELECT t.entry_id, t.effective_on, t.mechanism, t.assisted, t.order_line_id, t.amount_fen AS fen, true AS came_in
        FROM ledger_transfers t
       WHERE t.credit_account_id = a.id AND t.effective_on >= :begin
      UNION ALL
      SELECT t.entry_id, t.effective_on, t.mechanism, t.assisted, t.order_line_id, -t.amount_fen, false
        FROM ledger_transfers t
       WHERE t.debit_account_id = a.id AND t.effective_on >= :begin
   ) m
    JOIN ledger_entries e ON e.id = m.entry_id
   WHERE a.book = 'attribution' AND a.kind = 'household' AND a.owner_id = ANY(CAST(:households AS uuid[]))
     AND (e.effective_on <= :on
          OR e.reason NOT IN ('return', 'price_cut', 'annulment') AND e.original_effective_on <= :on)
)
"""
_POSITIONS = sa.text(
    "WITH "
    + _MOVED
    + """
SELECT owner_id, kind, step, mechanism, assisted, 0 AS opening_fen, CAST(sum(fen) AS bigint) AS movement_fen,
       CAST(coalesce(sum(fen) FILTER (WHERE step = 'advance' AND (came_in AND order_line_id IS NULL
                                                                 OR reason = 'payment_reversal')), 0) AS bigint)
       AS ahead_fen,
       CAST(coalesce(sum(fen) FILTER (WHERE came_in AND step = 'advance' AND order_line_id IS NOT NULL), 0) AS bigint)
       AS back_fen,
       CAST(coalesce(sum(fen) FILTER (WHERE came_in AND reason = 'matching'
                                        AND step IN ('disbursed', 'confirmed', 'top_up_paid')), 0) AS bigint)
       AS matched_fen
  FROM moved
 WHERE CASE WHEN :as_booked THEN effective_on ELSE known_on END BETWEEN :begin AND :end
 GROUP BY owner_id, kind, step, mechanism, assisted
"""
)
_LATE = sa.text(
    "WITH "
    + _MOVED
    + """
SELECT source, reason, effective_on, original_effective_on, recorded_at,
       CAST((CASE WHEN known_on BETWEEN :begin AND :end THEN 1 ELSE -1 END)
            * coalesce(sum(fen) FILTER (WHERE step IN ('disbursed', 'confirmed', 'top_up_paid', 'advance')), 0)
            AS bigint) AS received_fen,
       CAST((CASE WHEN known_on BETWEEN :begin AND :end THEN 1 ELSE -1 END)
            * coalesce(sum(fen) FILTER (WHERE step IN ('accrued', 'recognised', 'disbursed', 'confirmed')), 0)
            AS bigint) AS accrued_fen,
       CAST((CASE WHEN known_on BETWEEN :begin AND :end THEN 1 ELSE -1 END)
            * coalesce(sum(fen) FILTER (WHERE step IN ('disbursed', 'confirmed')), 0) AS bigint) AS brought_fen
  FROM moved
 WHERE (effective_on BETWEEN :begin AND :end) <> (known_on BETWEEN :begin AND :end)
 GROUP BY entry_id, source, reason, effective_on, original_effective_on, recorded_at, known_on
 ORDER BY recorded_at, source
"""
)
# All that moved since on the lines of which something fell: what it undid is the last of that. An annulment undoes what
# may have moved before the window, and later money must not be taken for it: then all that moved since is told.
_FALLEN = sa.text(
    """
    WITH own AS MATERIALIZED (
      SELECT id, owner_id, step FROM ledger_accounts
       WHERE book = 'attribution' AND kind = 'household' AND owner_id = ANY(CAST(:households AS uuid[]))
         AND step <> 'advance'
    ), lines AS MATERIALIZED (
      SELECT o.owner_id, t.order_line_id,
             min(e.original_effective_on) FILTER (WHERE e.reason = 'annulment') AS undone_on
        FROM own o
        JOIN ledger_transfers t ON t.debit_account_id = o.id AND t.effective_on >= :begin
        JOIN ledger_entries e ON e.id = t.entry_id
       WHERE e.reason IN ('return', 'price_cut', 'annulment', 'unrecognition', 'payment_reversal')
       GROUP BY 1, 2
    ), first AS (
      SELECT least(CAST(:begin AS date), min(undone_on)) AS since FROM lines
    )
    SELECT t.id, e.source, e.reason, e.recorded_at, e.effective_on, e.original_effective_on, o.owner_id,
           t.order_line_id, t.mechanism, t.contribution_id, t.assisted, t.payment_id, o.step, m.fen
      FROM lines l
      JOIN ledger_transfers t ON t.order_line_id = l.order_line_id AND t.effective_on >= (SELECT since FROM first)
     CROSS JOIN LATERAL (VALUES (t.credit_account_id, t.amount_fen), (t.debit_account_id, -t.amount_fen))
                     AS m (account_id, fen)
      JOIN own o ON o.id = m.account_id AND o.owner_id = l.owner_id
      JOIN ledger_entries e ON e.id = t.entry_id
     WHERE e.effective_on <= :on
        OR e.reason NOT IN ('return', 'price_cut', 'annulment') AND e.original_effective_on <= :on
     ORDER BY t.effective_on, t.id
    """
)
_CLOSED_AT = sa.text("SELECT closed_at FROM ledger_periods WHERE book = 'attribution' AND month = :month")


@dataclass(frozen=True, slots=True)
class NetIncome:
    """The figures of one household in one window, in fen."""

    window: Window
    heads: int
    orders: Statement
    items: Mapping[str, int]
    checked: Mapping[str, int]

    def _sum(self, treatment: Treatment, income_class: IncomeClass | None = None) -> int:
        return sum(
            self.items.get(kind, 0)
            for kind, terms in ITEMS.items()
            if terms.treatment is treatment and income_class in (None, terms.income_class)
        )

    @property
    def received_fen(self) -> int:
        """Return the money that came from suppliers, advances included."""
        return self.orders.money_received_fen

    @property
    def ahead_fen(self) -> int:
        """Return what of that money no recognised order had claimed: below zero when orders claimed older money."""
        return self.orders.advance.closing_fen

    @property
    def other_fen(self) -> int:
        """Return the other income that counts."""
        return self._sum(Treatment.COUNTED)

    @property
    def other_checked_fen(self) -> int:
        """Return what of that a second person has checked."""
        return sum(self.checked.get(kind, 0) for kind, terms in ITEMS.items() if terms.treatment is Treatment.COUNTED)

    @property
    def excluded_fen(self) -> int:
        """Return the gifts and purpose-tied subsidies, which are recorded and count for nothing."""
        return self._sum(Treatment.EXCLUDED)

    @property
    def operating_expense_fen(self) -> int:
        """Return what was spent on producing."""
        return self._sum(Treatment.EXPENSE)

    @property
    def self_paid_fen(self) -> int:
        """Return what the household paid itself for illness and the like; monitoring alone subtracts it."""
        return self._sum(Treatment.MONITORED_EXPENSE)

    @property
    def gross_fen(self) -> int:
        """Return all money received that counts."""
        return self.received_fen + self.other_fen

    @property
    def net_fen(self) -> int:
        """Return gross less operating expense."""
        return self.gross_fen - self.operating_expense_fen

    @property
    def net_per_head(self) -> Fraction:
        """Return net over the registered members."""
        return per_head(self.net_fen, self.heads)

    @property
    def monitored_per_head(self) -> Fraction:
        """Return what monitoring judges by: net less what was self-paid, over the registered members."""
        return per_head(self.net_fen - self.self_paid_fen, self.heads)

    @property
    def checked_per_head(self) -> Fraction:
        """Return the same without other income that no second person has checked."""
        unchecked_fen = self.other_fen - self.other_checked_fen
        return per_head(self.net_fen - self.self_paid_fen - unchecked_fen, self.heads)

    def from_orders(self, income_class: IncomeClass) -> int:
        """Return the money of a class that orders brought; an advance has no class yet."""
        return self.orders.classes[income_class].disbursed_fen

    def from_suppliers(self, income_class: IncomeClass) -> int:
        """Return the money of a class that orders brought, and what suppliers topped up, which no order brought."""
        return self.from_orders(income_class) + self.orders.classes[income_class].top_up_paid_fen

    def other(self, income_class: IncomeClass) -> int:
        """Return the other income of a class."""
        return self._sum(Treatment.COUNTED, income_class)

    def figure(self, figure: Figure) -> int:
        """Return a figure that a baseline may be of; per head in whole fen."""
        return {Figure.GROSS: self.gross_fen, Figure.NET: self.net_fen, Figure.NET_PER_HEAD: self.net_per_head.fen}[
            figure
        ]


@dataclass(frozen=True, slots=True)
class Correction:
    """A fact that a window's figures have as now known and not as closed, or the reverse.

    It adds `received_fen` to the money received, `accrued_fen` to what was attributed, `brought_fen` to what orders
    brought of the money, or an item of `item_fen`; or `heads` are counted from its day on, which moves no money.
    """

    source: str
    reason: str
    recorded_at: datetime
    happened_on: date
    booked_on: date | None
    received_fen: int = 0
    accrued_fen: int = 0
    brought_fen: int = 0
    item_kind: str | None = None
    item_fen: int = 0
    heads: int | None = None


def closed_at(connection: sa.Connection, window: Window) -> datetime | None:
    """Return when the last month of a window was closed; None while it is open."""
    found: datetime | None = connection.scalar(_CLOSED_AT, {"month": window.end.replace(day=1)})
    return found


def net_incomes(
    connection: sa.Connection,
    heads: Mapping[UUID, int],
    window: Window,
    *,
    on: date = date.max,
    closed: datetime | None = None,
) -> dict[UUID, NetIncome]:
    """Return the figures of households, by their registered members, in three statements.

    As now known of what is dated up to a day; or, given the instant at which the window was closed, as closed: in two.
    """
    positions: dict[UUID, list[Position]] = defaultdict(list)
    asked = {"households": list(heads), "begin": window.begin, "end": window.end, "on": on}
    asked |= {"as_booked": closed is not None}
    for row in connection.execute(_POSITIONS, asked).mappings():
        positions[row["owner_id"]].append(position(row))  # type: ignore[arg-type] # a RowMapping
    if closed is None:
        for part, fen in _redated(connection, list(heads), window, on):
            positions[part.place.household_id] += _positions(part, fen)
    items: dict[UUID, list[ItemSum]] = defaultdict(list)
    for each in livelihoods.item_sums(
        connection, heads, begin=window.begin, end=window.end, recorded_by=closed, checked_by=on
    ):
        items[each.household_id].append(each)
    return {
        household_id: NetIncome(
            window,
            number,
            statement(positions[household_id]),
            {each.kind: each.fen for each in items[household_id]},
            {each.kind: each.checked_fen for each in items[household_id]},
        )
        for household_id, number in heads.items()
    }


def _redated(
    connection: sa.Connection, households: Sequence[UUID], window: Window, on: date
) -> Iterator[tuple[Redated, int]]:
    """Yield what fell of shares since a window began, and what that adds to the window by being known elsewhere (fen).

    What of it adds nothing is left out, and what is dated after the day is not known.
    """
    rows = connection.execute(_FALLEN, {"households": households, "begin": window.begin, "on": on})
    for part in redated(map(_movement, rows)):
        added_fen = part.fen * (_holds(window, part.known_on) - _holds(window, part.cause.known_on))
        if added_fen:
            yield part, added_fen


def _movement(row: sa.Row[Any]) -> Movement:
    cause = Cause(row.source, row.reason, row.recorded_at, row.effective_on, row.original_effective_on)
    mechanism = Mechanism(row.mechanism)
    place = Place(row.owner_id, row.order_line_id, mechanism, row.contribution_id, row.assisted, row.payment_id)
    return Movement(row.id, cause, place, Step(row.step), row.fen)


def _holds(window: Window, day: date) -> bool:
    return window.begin <= day <= window.end


def _positions(part: Redated, fen: int) -> Iterator[Position]:
    """Yield how an amount moves to a step from the one below; money received stays received, and is paid ahead less."""
    moves = {part.step: fen}
    if below := BELOW.get(part.step):
        moves[below] = -fen
    if part.step in PAID_STEP.values():
        moves[Step.ADVANCE] = -fen
    for step, moved_fen in moves.items():
        back_fen = moved_fen if step is Step.ADVANCE else 0
        about = part.place.mechanism, part.place.assisted
        yield Position(Kind.HOUSEHOLD, step, *about, 0, moved_fen, 0, back_fen, 0)


def corrections(
    connection: sa.Connection, household_id: UUID, window: Window, *, closed: datetime, on: date = date.max
) -> Sequence[Correction]:
    """Return what makes the difference between a window's figures as closed and as now known, as it was recorded."""
    asked = {"households": [household_id], "begin": window.begin, "end": window.end, "on": on}
    late = {
        row.source: Correction(
            row.source,
            row.reason,
            row.recorded_at,
            row.original_effective_on,
            row.effective_on,
            row.received_fen,
            row.accrued_fen,
            row.brought_fen,
        )
        for row in connection.execute(_LATE, asked)
    }
    for part, fen in _redated(connection, [household_id], window, on):
        late[part.cause.source] = _with(late.get(part.cause.source), part, fen)
    items = [
        Correction(
            f"item:{row.id}",
            row.reason or row.source,
            row.recorded_at,
            row.occurred_on,
            None,
            item_kind=row.kind,
            item_fen=row.amount_fen if row.reverses is None else -row.amount_fen,
        )
        for row in livelihoods.items_recorded_after(
            connection, household_id, begin=window.begin, end=window.end, instant=closed
        )
    ]
    return sorted([*late.values(), *items], key=lambda correction: (correction.recorded_at, correction.source))


def _with(told: Correction | None, part: Redated, fen: int) -> Correction:
    """Return the correction by a part's cause, with what the part adds by being known elsewhere."""
    cause = part.cause
    told = told or Correction(cause.source, cause.reason, cause.recorded_at, cause.known_on, cause.effective_on)
    if part.step is Step.ACCRUED:
        return replace(told, accrued_fen=told.accrued_fen + fen)
    if part.step is Step.DISBURSED:
        return replace(told, brought_fen=told.brought_fen + fen)
    return told
