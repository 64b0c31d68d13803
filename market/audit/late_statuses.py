"""Statuses recorded long after they began, by one person: what of a household they changed that was on record."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa


class LateStatus(NamedTuple):
    """By how many days the latest of a household's late statuses was late, and what it brought, in fen.

    `assisted_only_fen` came from pools for assisted households since it began; `deliveries_before`, with what they were
    bought at, are of the days from which it holds to that on which it was recorded.
    """

    days_late: int
    assisted_only_fen: int
    deliveries_before: int
    delivered_before_fen: int


# A first status is registration: it is told where there was something to count. Any other is another than was on record
# for those days. What pools brought is less what returns took back; a pool names no contribution.
_LATE = sa.text(
    """
    WITH recorded AS (
      SELECT s.household_id, s.valid_from, s.status, d.recorded_on, lead(s.valid_from) OVER statuses AS until,
             lag(s.valid_from) OVER statuses IS NULL AS is_first
        FROM household_statuses s
        CROSS JOIN LATERAL (SELECT CAST(s.recorded_at AT TIME ZONE 'Asia/Shanghai' AS date) AS recorded_on) d
       WHERE s.household_id = ANY(CAST(:households AS uuid[]))
      WINDOW statuses AS (PARTITION BY s.household_id ORDER BY s.valid_from)
    ), late AS (
      SELECT * FROM recorded WHERE recorded_on - valid_from > :days
    ), changed AS (
      SELECT late.household_id, max(late.recorded_on - late.valid_from) AS days,
             sum(c.deliveries) AS deliveries, sum(c.fen) AS fen
        FROM late
        CROSS JOIN LATERAL (
          SELECT count(*) AS deliveries, coalesce(sum(amount_fen), 0) AS fen FROM contributions
           WHERE household_id = late.household_id AND carried_from IS NULL AND annulment_id IS NULL
             AND delivered_on >= late.valid_from AND delivered_on < least(late.recorded_on, late.until)) c
       WHERE late.recorded_on >= :since
         AND (NOT late.is_first OR (late.status <> 'ordinary' AND c.deliveries > 0))
       GROUP BY late.household_id
    ), opened AS (
      SELECT household_id, min(valid_from) AS since, max(recorded_on - valid_from) AS days
        FROM late WHERE status <> 'ordinary' GROUP BY household_id
    ), moved AS (
      SELECT opened.household_id, t.amount_fen AS fen, t.order_line_id, t.mechanism, t.debit_account_id AS other_id
        FROM opened
        JOIN ledger_accounts a ON a.book = 'attribution' AND a.kind = 'household' AND a.owner_id = opened.household_id
                              AND a.step = 'accrued'
        JOIN ledger_transfers t ON t.credit_account_id = a.id AND t.effective_on >= opened.since
       WHERE t.contribution_id IS NULL
      UNION ALL
      SELECT opened.household_id, -t.amount_fen, t.order_line_id, t.mechanism, t.credit_account_id
        FROM opened
        JOIN ledger_accounts a ON a.book = 'attribution' AND a.kind = 'household' AND a.owner_id = opened.household_id
                              AND a.step = 'accrued'
        JOIN ledger_transfers t ON t.debit_account_id = a.id AND t.effective_on >= opened.since
       WHERE t.contribution_id IS NULL
    ), pooled AS (
      SELECT opened.household_id, opened.days, sum(m.fen) AS fen
        FROM opened
        JOIN moved m ON m.household_id = opened.household_id
        JOIN ledger_accounts o ON o.id = m.other_id AND o.kind <> 'household'
        JOIN order_lines l ON l.id = m.order_line_id
        JOIN plan_versions v ON v.id = l.plan_version_id
       WHERE EXISTS (SELECT FROM jsonb_array_elements(v.body -> 'pools') AS p
                      WHERE p ->> 'mechanism' = m.mechanism AND CAST(p ->> 'assisted_only' AS boolean))
       GROUP BY opened.household_id, opened.days
      HAVING sum(m.fen) > 0
    )
    SELECT household_id, greatest(pooled.days, changed.days), CAST(coalesce(pooled.fen, 0) AS bigint),
           CAST(coalesce(changed.deliveries, 0) AS bigint), CAST(coalesce(changed.fen, 0) AS bigint)
      FROM pooled FULL JOIN changed USING (household_id)
    """
)


def late_statuses(
    connection: sa.Connection, household_ids: Collection[UUID], *, days: int, since: date
) -> dict[UUID, LateStatus]:
    """Return what statuses recorded more than so many days late did: since a day, or whenever if pools paid by them."""
    asked = {"households": list(household_ids), "days": days, "since": since}
    return {row[0]: LateStatus(*row[1:]) for row in connection.execute(_LATE, asked)}
