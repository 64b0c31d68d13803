"""The invariant of the rollups: what reports are read from is the book, to the fen and by everything it is cut by.

Summed from the transfers anew, in other words than those the rollups were made with.
"""

from market.audit.rules import Invariant

ROLLUPS: tuple[Invariant, ...] = (
    Invariant(
        "rollup_is_the_book",
        "the sums that reports are read from are those of the transfers of their months",
        "报表汇总数与相应月份分录逐项一致",
        """
        WITH until AS (SELECT max(month) + interval '1 month' AS day FROM report_months),
        legs AS (
          SELECT t.*, leg.account_id AS of_account, leg.fen
            FROM ledger_transfers t
            CROSS JOIN LATERAL (VALUES (t.credit_account_id, t.amount_fen), (t.debit_account_id, -t.amount_fen))
                               AS leg (account_id, fen)
           WHERE t.book = 'attribution' AND t.effective_on < (SELECT day FROM until)
        ), sums AS (
          SELECT CAST(date_trunc('month', g.effective_on) AS date) AS month,
                 CASE WHEN a.kind IN ('household', 'collective') THEN a.counterpart_id ELSE a.owner_id END
                   AS supplier_id,
                 o.buyer_id, o.channel_code, l.product_id,
                 CAST(date_trunc('month', c.accepted_on) AS date) AS accepted_month,
                 a.kind, a.owner_id, CASE a.step WHEN 'advance' THEN NULL ELSE g.mechanism END AS mechanism,
                 g.assisted, (SELECT p.disbursement_id FROM payments p WHERE p.id = g.payment_id) AS disbursement_id,
                 a.step, CASE WHEN g.fen > 0 AND a.step IN ('disbursed', 'confirmed') AND
                              (SELECT e.reason FROM ledger_entries e WHERE e.id = g.entry_id) = 'matching'
                              THEN g.fen ELSE 0 END AS matched_fen, g.fen
            FROM legs g
            JOIN ledger_accounts a ON a.id = g.of_account
            LEFT JOIN order_lines l ON l.id = CASE a.step WHEN 'advance' THEN NULL ELSE g.order_line_id END
            LEFT JOIN orders o ON o.id = l.order_id
            LEFT JOIN acceptance_lines n ON n.order_line_id = l.id
            LEFT JOIN acceptances c ON c.id = n.acceptance_id
           WHERE a.kind <> ALL (ARRAY['base', 'top_up_base', 'paid_ahead'])
        ), steps AS (
          SELECT 1 AS sign, s.* FROM sums s
          UNION ALL
          SELECT -1, r.month, r.supplier_id, r.buyer_id, r.channel_code, r.product_id, r.accepted_month, r.kind,
                 r.owner_id, r.mechanism, r.assisted, r.disbursement_id, v.step, v.matched_fen, v.fen
            FROM report_rollups r
            CROSS JOIN LATERAL (VALUES
                 ('accrued', r.accrued_fen - r.recognised_fen, r.matched_fen),
                 ('recognised', r.recognised_fen - r.disbursed_fen, 0),
                 ('disbursed', r.disbursed_fen - r.confirmed_fen, 0),
                 ('confirmed', r.confirmed_fen, 0),
                 ('top_up', r.top_up_fen - r.top_up_paid_fen, 0),
                 ('top_up_paid', r.top_up_paid_fen, 0),
                 ('advance', r.advance_fen, 0)) AS v (step, fen, matched_fen)
        ), compared AS (
          SELECT month, supplier_id, buyer_id, channel_code, product_id, accepted_month, kind, owner_id, mechanism,
                 assisted, disbursement_id, step, coalesce(sum(fen) FILTER (WHERE sign > 0), 0) AS booked_fen,
                 coalesce(sum(fen) FILTER (WHERE sign < 0), 0) AS kept_fen,
                 coalesce(sum(sign * matched_fen), 0) AS matched_fen
            FROM steps
           GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
        )
        SELECT concat_ws(' ', to_char(month, 'YYYY-MM'), kind, owner_id, step, mechanism), booked_fen::text,
               kept_fen::text
          FROM compared WHERE booked_fen <> kept_fen
        UNION ALL
        SELECT concat_ws(' ', to_char(month, 'YYYY-MM'), kind, owner_id, 'matched', mechanism), '0',
               sum(matched_fen)::text
          FROM compared
         GROUP BY month, supplier_id, buyer_id, channel_code, product_id, accepted_month, kind, owner_id, mechanism,
                  assisted, disbursement_id
        HAVING sum(matched_fen) <> 0
        """,
    ),
)
