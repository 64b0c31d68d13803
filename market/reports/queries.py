"""The one statement behind every report: sales from the orders, income from the book, of the same days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from market.benefits.rules import MECHANISMS, Mechanism
from market.db import plan_anew
from market.identity.rules import Actor, Scope, Side
from market.reports.rules import COLUMNS, NO_MECHANISM, NO_ORDER, SALE_COLUMNS, Dimension, split

# ruff: noqa: S608 - statements are assembled only from the fragments of this package; every value is bound

_UNROLLED_SINCE = sa.text("SELECT CAST(max(month) + interval '1 month' AS date) FROM report_months")
IN_WINDOW = """
    SELECT m.effective_on AS day, m.supplier_id, o.buyer_id, o.channel_code, m.kind, m.owner_id, m.mechanism,
           m.assisted, m.accrued_fen, m.recognised_fen, m.disbursed_fen, m.confirmed_fen, m.top_up_fen,
           m.top_up_paid_fen, m.advance_fen
      FROM report_moves m
      LEFT JOIN orders o ON o.id = m.order_id
     WHERE m.effective_on BETWEEN :head_from AND :head_to OR m.effective_on BETWEEN :tail_from AND :tail_to
    UNION ALL
    SELECT month, supplier_id, buyer_id, channel_code, kind, owner_id, mechanism, assisted, accrued_fen,
           recognised_fen, disbursed_fen, confirmed_fen, top_up_fen, top_up_paid_fen, advance_fen
      FROM report_rollups
     WHERE month >= :rolled_from AND month < :rolled_to
"""
"""SQL for what moved in a window: months that are rolled up from their sums, the days around them from the book."""
# The scope is that of `visible_orders`. Money paid ahead is of no order: its supplier's side alone sees it, and no
# channel has it. Plain joins by primary key, no CTE to be scanned: they stay bearable under any plan.
SCOPE = """
       WHERE (CAST(:supplier AS uuid) IS NULL OR s.id = :supplier)
         AND (CAST(:county AS text) IS NULL OR starts_with(s.region_code, :county))
         AND (CAST(:channel AS text) IS NULL OR {deal}.channel_code = :channel)
         AND (CAST(:own_supplier AS uuid) IS NULL OR s.id = :own_supplier)
         AND (CAST(:own_buyer AS uuid) IS NULL OR {deal}.buyer_id = :own_buyer)
         AND (CAST(:own_region AS text) IS NULL
              OR starts_with(s.region_code, :own_region) OR starts_with(b.region_code, :own_region))
"""
_SALES = """
    WITH facts AS (
      SELECT a.order_id, n.counts_on AS day, n.accepted_fen AS fen, n.accepted_net_fen AS net_fen,
             n.accepted_milli > 0 AS accepted
        FROM acceptance_lines n
        JOIN acceptances a ON a.id = n.acceptance_id
       WHERE n.counts_on BETWEEN :period_from AND :period_to
      UNION ALL
      SELECT r.order_id, n.counts_on, -n.amount_fen, -n.net_fen, false
        FROM return_lines n
        JOIN returns r ON r.id = n.return_id
       WHERE n.counts_on BETWEEN :period_from AND :period_to
    ), sales AS (
      SELECT CASE :dimension WHEN 'channel' THEN o.channel_code
                             WHEN 'month' THEN to_char(f.day, 'YYYY-MM')
                             WHEN 'region' THEN left(s.region_code, 6)
                             WHEN 'cooperative' THEN CAST(s.id AS text)
                             WHEN 'buyer' THEN CAST(o.buyer_id AS text) END AS key,
             f.order_id, f.fen, f.net_fen, f.accepted
        FROM facts f
        JOIN orders o ON o.id = f.order_id
        JOIN organisations s ON s.id = o.supplier_id
        JOIN organisations b ON b.id = o.buyer_id
"""
_BOOK = f"""
    ), sold AS (
      SELECT GROUPING(key) AS sold_whole, key AS sold_key, count(DISTINCT order_id) FILTER (WHERE accepted) AS orders,
             coalesce(sum(fen), 0) AS sale_fen, coalesce(sum(net_fen), 0) AS sale_net_fen
        FROM sales
       GROUP BY GROUPING SETS ((key), ())
    ), booked AS (
      SELECT CASE :dimension WHEN 'channel' THEN m.channel_code
                             WHEN 'month' THEN to_char(m.day, 'YYYY-MM')
                             WHEN 'region' THEN left(s.region_code, 6)
                             WHEN 'cooperative' THEN CAST(s.id AS text)
                             WHEN 'buyer' THEN CAST(m.buyer_id AS text)
                             WHEN 'mechanism' THEN m.mechanism END AS key,
             m.kind, m.owner_id, m.assisted, m.accrued_fen, m.recognised_fen, m.disbursed_fen, m.confirmed_fen,
             m.top_up_fen, m.top_up_paid_fen, m.advance_fen
        FROM ({IN_WINDOW}) m
        JOIN organisations s ON s.id = m.supplier_id
        LEFT JOIN organisations b ON b.id = m.buyer_id
"""
_REST = """
    ), owned AS (
      SELECT GROUPING(key) AS whole, key, kind, owner_id, assisted,
             sum(accrued_fen) AS accrued, sum(recognised_fen) AS recognised, sum(disbursed_fen) AS disbursed,
             sum(confirmed_fen) AS confirmed, sum(top_up_fen) AS top_up, sum(top_up_paid_fen) AS top_up_paid,
             sum(advance_fen) AS advance
        FROM booked
       GROUP BY GROUPING SETS ((key, kind, owner_id, assisted), (kind, owner_id, assisted))
    ), earned AS (
      SELECT whole AS earned_whole, key AS earned_key,
             count(DISTINCT owner_id) FILTER (WHERE kind = 'household' AND accrued > 0) AS households,
             count(*) FILTER (WHERE kind = 'household' AND assisted AND accrued > 0) AS assisted_households,
             count(*) FILTER (WHERE kind = 'household' AND NOT assisted AND accrued > 0) AS ordinary_households,
             sum(accrued) FILTER (WHERE kind = 'household' AND assisted) AS assisted_accrued_fen,
             sum(recognised) FILTER (WHERE kind = 'household' AND assisted) AS assisted_recognised_fen,
             sum(disbursed) FILTER (WHERE kind = 'household' AND assisted) AS assisted_disbursed_fen,
             sum(confirmed) FILTER (WHERE kind = 'household' AND assisted) AS assisted_confirmed_fen,
             sum(accrued) FILTER (WHERE kind = 'household' AND NOT assisted) AS ordinary_accrued_fen,
             sum(recognised) FILTER (WHERE kind = 'household' AND NOT assisted) AS ordinary_recognised_fen,
             sum(disbursed) FILTER (WHERE kind = 'household' AND NOT assisted) AS ordinary_disbursed_fen,
             sum(confirmed) FILTER (WHERE kind = 'household' AND NOT assisted) AS ordinary_confirmed_fen,
             sum(accrued) FILTER (WHERE kind = 'collective') AS collective_accrued_fen,
             sum(recognised) FILTER (WHERE kind = 'collective') AS collective_recognised_fen,
             sum(disbursed) FILTER (WHERE kind = 'collective') AS collective_disbursed_fen,
             sum(confirmed) FILTER (WHERE kind = 'collective') AS collective_confirmed_fen,
             sum(accrued) FILTER (WHERE kind = 'retained') AS retained_fen,
             sum(accrued) FILTER (WHERE kind = 'pool') AS pool_fen,
             sum(accrued) FILTER (WHERE kind = 'suspense') AS suspense_fen,
             sum(top_up) AS top_up_fen, sum(top_up_paid) AS top_up_paid_fen, sum(advance) AS advance_fen
        FROM owned
       GROUP BY whole, key
    )
    SELECT coalesce(d.sold_whole, e.earned_whole) = 1 AS whole, coalesce(d.sold_key, e.earned_key) AS key,
           CASE :dimension
             WHEN 'channel' THEN (SELECT c.name FROM channels c JOIN channel_schemes v ON v.id = c.scheme_id
                                   WHERE c.code = coalesce(d.sold_key, e.earned_key) ORDER BY v.valid_from DESC LIMIT 1)
             WHEN 'region' THEN (SELECT r.name FROM regions r
                                  WHERE r.code = coalesce(d.sold_key, e.earned_key) AND r.valid_from <= :period_to
                                  ORDER BY r.valid_from DESC LIMIT 1)
             WHEN 'cooperative' THEN (SELECT name FROM organisations
                                       WHERE id = CAST(coalesce(d.sold_key, e.earned_key) AS uuid))
             WHEN 'buyer' THEN (SELECT name FROM organisations
                                 WHERE id = CAST(coalesce(d.sold_key, e.earned_key) AS uuid))
           END AS name, d.*, e.*
      FROM sold d
      FULL JOIN earned e ON e.earned_whole = d.sold_whole AND coalesce(e.earned_key, '') = coalesce(d.sold_key, '')
     ORDER BY 1, 2
"""
_REPORT = sa.text(_SALES + SCOPE.format(deal="o") + _BOOK + SCOPE.format(deal="m") + _REST)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a report is narrowed to: the days (both included), and perhaps a region, a channel, a supplier."""

    period_from: date
    period_to: date
    county: str | None = None
    channel: str | None = None
    supplier_id: UUID | None = None


class ReportRow(NamedTuple):
    """One row: its key, a name for people, and a figure for every column; None where it cannot be known."""

    key: str | None
    name: str
    figures: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Report:
    """A report; its totals are of everything in scope, so nothing is counted twice."""

    rows: Sequence[ReportRow]
    totals: Mapping[str, int]


def unrolled_since(connection: sa.Connection) -> date:
    """Return the first day that is not rolled up; the book has no day before it that is open."""
    return connection.scalar(_UNROLLED_SINCE) or date.min


def report(connection: sa.Connection, actor: Actor, dimension: Dimension, filters: Filters) -> Report:
    """Return a report of what the actor may see; one statement says all, and so of one moment.

    What is rolled up is asked before it: a month that is rolled up in between is read from the book once more.
    """
    plan_anew(connection)
    found = connection.execute(
        _REPORT,
        {
            "dimension": dimension.value,
            "period_from": filters.period_from,
            "period_to": filters.period_to,
            **split(filters.period_from, filters.period_to, unrolled=unrolled_since(connection)),
            "county": filters.county,
            "channel": filters.channel,
            "supplier": filters.supplier_id,
            **scope_of(actor),
        },
    )
    rows: list[ReportRow] = []
    totals: Mapping[str, int] = dict.fromkeys(COLUMNS, 0)
    for row in found.mappings():
        figures = {name: int(row[name] or 0) for name in COLUMNS}
        if row["whole"]:
            totals = figures
        else:
            known: dict[str, int | None] = dict(figures)
            if dimension is Dimension.MECHANISM and row["key"] is not None:
                known |= dict.fromkeys(SALE_COLUMNS)
            rows.append(ReportRow(row["key"], _name(dimension, row["key"], row["name"]), known))
    return Report(rows, totals)


def scope_of(actor: Actor) -> dict[str, Any]:
    """Return what `SCOPE` binds for an actor."""
    own = actor.organisation_id if actor.scope is Scope.OWN else None
    return {
        "own_supplier": own if actor.side is Side.SUPPLIER else None,
        "own_buyer": own if actor.side is not Side.SUPPLIER else None,
        "own_region": actor.region_code if actor.scope is Scope.REGION else None,
    }


def _name(dimension: Dimension, key: str | None, name: str | None) -> str:
    if key is None:
        return NO_MECHANISM if dimension is Dimension.MECHANISM else NO_ORDER
    if dimension is Dimension.MECHANISM:
        return MECHANISMS[Mechanism(key)].name
    return name or key
