"""What is owed, by reading all that was ever owed and paid: slow, and without a thought of where to begin."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.payables import USUAL_DAYS, Payable

_PAYABLES = sa.text(
    """
    WITH payees AS (
        SELECT y.id, y.name, CAST(coalesce(
                   (SELECT t.within_days FROM payment_terms t
                     WHERE starts_with(y.region_code, t.region_code) AND t.valid_from <= CAST(:on AS date)
                     ORDER BY length(t.region_code) DESC, t.valid_from DESC
                     LIMIT 1), :usual_days) AS int) AS within_days
          FROM (SELECT id, code AS name, village_code AS region_code FROM households
                UNION ALL
                SELECT id, name, region_code FROM organisations) y
         WHERE starts_with(y.region_code, :region)
           AND (CAST(:payees AS uuid[]) IS NULL OR y.id = ANY(CAST(:payees AS uuid[])))
    ), moved AS (
        SELECT a.id, a.kind, a.owner_id, a.counterpart_id AS supplier_id, a.step, m.order_line_id, m.mechanism,
               m.contribution_id, m.fen, m.owed_on, p.name, p.within_days,
               coalesce(sum(m.fen) FILTER (WHERE NOT m.fell_due) OVER share, 0) AS less_fen, m.fell_due,
               sum(m.fen) FILTER (WHERE m.fell_due) OVER (share ORDER BY m.owed_on) AS due_fen
          FROM ledger_accounts a
          JOIN payees p ON p.id = a.owner_id
          CROSS JOIN LATERAL (
              SELECT t.order_line_id, t.mechanism, t.contribution_id, t.amount_fen AS fen,
                     t.payment_id IS NULL AS fell_due,
                     CASE WHEN a.step = 'top_up' AND e.reason IN ('accrual', 'price_cut') THEN l.accepted_on
                          ELSE t.effective_on END AS owed_on
                FROM ledger_transfers t
                JOIN ledger_entries e ON e.id = t.entry_id
                LEFT JOIN order_lines l ON l.id = t.order_line_id
               WHERE t.credit_account_id = a.id
              UNION ALL
              SELECT order_line_id, mechanism, contribution_id, -amount_fen, false, effective_on
                FROM ledger_transfers WHERE debit_account_id = a.id) m
         WHERE a.book = 'attribution' AND a.step IN ('recognised', 'top_up') AND a.kind IN ('household', 'collective')
           AND (CAST(:supplier AS uuid) IS NULL OR a.counterpart_id = :supplier)
        WINDOW share AS (PARTITION BY a.id, m.order_line_id, m.mechanism, m.contribution_id)
    ), owed AS (
        SELECT kind, owner_id, supplier_id, step, sum(fen) AS fen,
               min(owed_on) FILTER (WHERE fell_due AND due_fen + less_fen > 0) AS since,
               greatest(min(less_fen) + coalesce(sum(fen) FILTER (
                            WHERE fell_due AND owed_on < CAST(:on AS date) - within_days), 0), 0) AS overdue_fen,
               min(within_days) AS within_days, min(name) AS name
          FROM moved
         GROUP BY kind, owner_id, supplier_id, step, order_line_id, mechanism, contribution_id
        HAVING sum(fen) > 0)
    SELECT o.supplier_id, s.name AS supplier_name, o.kind AS payee_kind, o.owner_id AS payee_id, o.name AS payee_name,
           CAST(coalesce(sum(o.fen) FILTER (WHERE o.step = 'recognised'), 0) AS bigint) AS recognised_fen,
           CAST(coalesce(sum(o.fen) FILTER (WHERE o.step = 'top_up'), 0) AS bigint) AS top_up_fen,
           min(o.since) AS since, CAST(:on AS date) - min(o.since) AS age_days, o.within_days,
           CAST(sum(o.overdue_fen) AS bigint) AS overdue_fen
      FROM owed o
      JOIN organisations s ON s.id = o.supplier_id
     GROUP BY o.supplier_id, s.name, o.kind, o.owner_id, o.name, o.within_days
    HAVING NOT :overdue OR sum(o.overdue_fen) > 0
     ORDER BY o.supplier_id, o.owner_id
    """
)


def slow_payables(
    session: orm.Session,
    *,
    on: date,
    supplier_id: UUID | None = None,
    payee_ids: Sequence[UUID] | None = None,
    region_code: str = "",
    overdue: bool = False,
) -> Sequence[Payable]:
    """Return everything that is owed, as `payables` does page by page."""
    asked = {
        "supplier": supplier_id,
        "payees": payee_ids,
        "region": region_code,
        "on": on,
        "usual_days": USUAL_DAYS,
        "overdue": overdue,
    }
    return [Payable(*row) for row in session.execute(_PAYABLES, asked)]
