"""Invariants of distributions: pools, lists and what collectives received are accounted for, to the fen.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

from market.audit.rules import Invariant

SHARING: tuple[Invariant, ...] = (
    Invariant(
        "pool_is_accounted_for",
        "what lines brought a pool and returns left there = what was distributed out of it + its balance",
        "资金池:应计减退货冲回=已分配+余额",
        """
        WITH moved AS (
          SELECT a.owner_id, m.mechanism, sum(m.fen) AS balance_fen,
                 sum(m.fen) FILTER (WHERE e.reason IN ('accrual', 'return')) AS brought_fen
            FROM ledger_accounts a
            JOIN (SELECT entry_id, credit_account_id AS account_id, mechanism, amount_fen AS fen FROM ledger_transfers
                  UNION ALL
                  SELECT entry_id, debit_account_id, mechanism, -amount_fen FROM ledger_transfers) m
              ON m.account_id = a.id
            JOIN ledger_entries e ON e.id = m.entry_id
           WHERE a.book = 'attribution' AND a.kind = 'pool' AND e.reason <> 'recognition'
           GROUP BY 1, 2
        ), given AS (
          SELECT supplier_id AS owner_id, mechanism, sum(from_pool_fen - kept_fen) AS fen
            FROM distributions WHERE status = 'approved' GROUP BY 1, 2
        )
        SELECT concat_ws(' ', 'pool', owner_id, mechanism), coalesce(m.brought_fen, 0)::text,
               concat_ws(' + ', coalesce(g.fen, 0), coalesce(m.balance_fen, 0))
          FROM moved m FULL JOIN given g USING (owner_id, mechanism)
         WHERE coalesce(m.brought_fen, 0) <> coalesce(g.fen, 0) + coalesce(m.balance_fen, 0)
        """,
    ),
    Invariant(
        "distribution_pays_its_list",
        "each on the list of a distribution is credited what the list says, and nobody else anything",
        "按期分配:入账金额与名单逐户一致",
        """
        WITH listed AS (
          SELECT concat('distribution:', d.id) AS source, coalesce(i.household_id, i.collective_id) AS payee_id,
                 sum(i.fen) AS fen
            FROM distributions d JOIN distribution_items i ON i.distribution_id = d.id
           WHERE d.status = 'approved' AND i.excluded IS NULL AND i.fen > 0
           GROUP BY 1, 2
           UNION ALL
          SELECT concat('second_distribution:', i.distribution_id), i.household_id, sum(i.fen)
            FROM second_distribution_items i WHERE i.excluded IS NULL AND i.fen > 0
           GROUP BY 1, 2
        ), credited AS (
          SELECT e.source, a.owner_id AS payee_id, sum(t.amount_fen) AS fen
            FROM ledger_entries e
            JOIN ledger_transfers t ON t.entry_id = e.id
            JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind IN ('household', 'collective')
           WHERE e.reason IN ('distribution', 'second_distribution')
           GROUP BY 1, 2
        )
        SELECT concat_ws(' ', source, payee_id), coalesce(l.fen, 0)::text, coalesce(c.fen, 0)::text
          FROM listed l FULL JOIN credited c USING (source, payee_id)
         WHERE coalesce(l.fen, 0) <> coalesce(c.fen, 0)
        """,
    ),
    Invariant(
        "list_sums_to_its_distribution",
        "a distribution's amount is the sum of its list, and what is kept is the sum of who is excluded",
        "分配总额=名单合计,留池额=不予分配者合计",
        """
        WITH summed AS (
          SELECT distribution_id, sum(fen) AS fen, coalesce(sum(fen) FILTER (WHERE excluded IS NOT NULL), 0) AS kept_fen
            FROM distribution_items GROUP BY 1
           UNION ALL
          SELECT distribution_id, sum(fen), coalesce(sum(fen) FILTER (WHERE excluded IS NOT NULL), 0)
            FROM second_distribution_items GROUP BY 1
        )
        SELECT concat('distribution ', d.id), concat_ws(' / ', d.amount_fen, d.kept_fen),
               concat_ws(' / ', coalesce(s.fen, 0), coalesce(s.kept_fen, 0))
          FROM (SELECT id, amount_fen, kept_fen FROM distributions
                 UNION ALL SELECT id, amount_fen, kept_fen FROM second_distributions) d
          LEFT JOIN summed s ON s.distribution_id = d.id
         WHERE (d.amount_fen, d.kept_fen) IS DISTINCT FROM (s.fen, s.kept_fen)
        """,
    ),
    Invariant(
        "collective_gave_on_or_holds",
        "what a supplier paid a collective = what that gave its households + what it still holds",
        "村集体已收款=已二次分配+仍持有",
        """
        WITH paid AS (
          SELECT collective_id, supplier_id, sum(amount_fen) AS fen
            FROM payments WHERE collective_id IS NOT NULL AND reversed_at IS NULL GROUP BY 1, 2
        ), given AS (
          SELECT collective_id, supplier_id, sum(amount_fen - kept_fen) AS fen FROM second_distributions GROUP BY 1, 2
        ), held AS (
          SELECT a.owner_id AS collective_id, a.counterpart_id AS supplier_id, sum(m.fen) AS fen
            FROM ledger_accounts a
            JOIN (SELECT credit_account_id AS account_id, amount_fen AS fen FROM ledger_transfers
                  UNION ALL
                  SELECT debit_account_id, -amount_fen FROM ledger_transfers) m ON m.account_id = a.id
           WHERE a.kind = 'collective' AND a.step IN ('disbursed', 'confirmed', 'top_up_paid', 'advance')
           GROUP BY 1, 2
        )
        SELECT concat_ws(' ', 'collective', collective_id, 'of', supplier_id), coalesce(p.fen, 0)::text,
               concat_ws(' + ', coalesce(g.fen, 0), coalesce(h.fen, 0))
          FROM paid p FULL JOIN given g USING (collective_id, supplier_id)
          FULL JOIN held h USING (collective_id, supplier_id)
         WHERE coalesce(p.fen, 0) <> coalesce(g.fen, 0) + coalesce(h.fen, 0)
        """,
    ),
)
