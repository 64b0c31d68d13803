"""Invariants of distributions: pools, lists and what collectives received are accounted for, to the fen.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

from market.audit.rules import Invariant

SHARING: tuple[Invariant, ...] = (
    Invariant(
        "pool_is_accounted_for",
        "what lines brought a pool, less returns and price cuts, and annulments put back = distributed + its balance",
        "资金池:应计减退货、折让冲回,加撤销转回=已分配+余额",
        """
        WITH moved AS (
          SELECT a.owner_id, m.mechanism, sum(m.fen) AS balance_fen,
                 sum(m.fen) FILTER (WHERE e.reason IN ('accrual', 'return', 'price_cut', 'annulment')) AS brought_fen
            FROM ledger_accounts a
            JOIN (SELECT entry_id, credit_account_id AS account_id, mechanism, amount_fen AS fen FROM ledger_transfers
                  UNION ALL
                  SELECT entry_id, debit_account_id, mechanism, -amount_fen FROM ledger_transfers) m
              ON m.account_id = a.id
            JOIN ledger_entries e ON e.id = m.entry_id
           WHERE a.book = 'attribution' AND a.kind = 'pool' AND e.reason NOT IN ('recognition', 'unrecognition')
           GROUP BY 1, 2
        ), given AS (
          SELECT supplier_id AS owner_id, mechanism, sum(from_pool_fen - kept_fen) AS fen
            FROM distributions WHERE status IN ('approved', 'annulled') GROUP BY 1, 2
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
           WHERE d.status IN ('approved', 'annulled') AND i.excluded IS NULL AND i.fen > 0
           GROUP BY 1, 2
           UNION ALL
          SELECT concat('second_distribution:', i.distribution_id), i.household_id, sum(i.fen)
            FROM second_distributions d JOIN second_distribution_items i ON i.distribution_id = d.id
           WHERE d.status = 'approved' AND i.excluded IS NULL AND i.fen > 0
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
        "day_is_shared_out_once",
        "by one formula out of one register, or of one supplier's surplus, no day is shared out twice",
        "同一名册(或同一社盈余)按同一公式,任一日期只分配一次",
        """
        SELECT concat('distribution ', d.id), 'no other for its days', concat('distribution ', other.id)
          FROM distributions d
          LEFT JOIN register_versions v ON v.id = d.register_version_id
          JOIN distributions other ON other.id > d.id AND other.supplier_id = d.supplier_id
           AND other.inputs ->> 'formula' = d.inputs ->> 'formula'
           AND (other.period_from, other.period_to + 1) OVERLAPS (d.period_from, d.period_to + 1)
          LEFT JOIN register_versions ov ON ov.id = other.register_version_id
         WHERE d.status NOT IN ('rejected', 'annulled') AND other.status NOT IN ('rejected', 'annulled')
           AND ov.register_id IS NOT DISTINCT FROM v.register_id
        """,
    ),
    Invariant(
        "list_was_in_force",
        "a list follows from the version of its register that held on its day, as known when it was approved",
        "名单所依名册为当日生效的版本(以批准时所知为准)",
        """
        WITH lists AS (
          SELECT concat('distribution ', id) AS name, register_version_id, period_to AS held_on, decided_at
            FROM distributions WHERE status = 'approved' AND register_version_id IS NOT NULL
           UNION ALL
          SELECT concat('second distribution ', id), register_version_id, given_on, decided_at
            FROM second_distributions WHERE status = 'approved'
        )
        SELECT l.name, concat('version ', held.number), concat('version ', v.number)
          FROM lists l
          JOIN register_versions v ON v.id = l.register_version_id
          LEFT JOIN LATERAL (
              SELECT o.id, o.number FROM register_versions o
               WHERE o.register_id = v.register_id AND o.status = 'approved' AND o.valid_from <= l.held_on
                 AND o.decided_at <= l.decided_at
               ORDER BY o.valid_from DESC, o.number DESC LIMIT 1) held ON true
         WHERE held.id IS DISTINCT FROM v.id
        """,
    ),
    Invariant(
        "reserve_was_approved",
        "of a surplus no other reserve was held back than the lowest that the plans in force stated",
        "盈余所提公积金等于当日生效方案所载的最低比例",
        """
        SELECT concat('distribution ', d.id), coalesce(stated.bp, 0)::text, d.inputs ->> 'reserve_bp'
          FROM distributions d
          CROSS JOIN LATERAL (
              SELECT min(coalesce((pool ->> 'reserve_bp')::bigint, 0)) AS bp
                FROM (SELECT DISTINCT ON (v.plan_id) v.body
                        FROM plan_versions v JOIN plans p ON p.id = v.plan_id
                       WHERE p.supplier_id = d.supplier_id AND v.status = 'approved' AND v.valid_from <= d.period_to
                         AND v.decided_at <= d.decided_at
                       ORDER BY v.plan_id, v.valid_from DESC, v.number DESC) held
               CROSS JOIN jsonb_array_elements(held.body -> 'pools') pool
               WHERE pool ->> 'mechanism' = 'patronage') stated
         WHERE d.status IN ('approved', 'annulled') AND d.inputs ->> 'formula' = 'patronage'
           AND coalesce(stated.bp, 0) <> (d.inputs ->> 'reserve_bp')::bigint
        """,
    ),
    Invariant(
        "remainder_is_shared_whole",
        "a return by volume leaves to capital what its inputs say, and a dividend of its period shares just that",
        "按交易量返还后的剩余盈余等于所载数据之差,并由同期分红全额分配",
        """
        WITH returned AS (
          SELECT *, div(kept * (10000 - (inputs ->> 'by_volume_bp')::bigint), 10000)::bigint AS left_fen
            FROM (SELECT *, surplus - div(surplus * (inputs ->> 'reserve_bp')::bigint, 10000) AS kept
                    FROM (SELECT *, (inputs ->> 'surplus_fen')::numeric AS surplus
                            FROM distributions WHERE inputs ->> 'formula' = 'patronage') d) d
        )
        SELECT concat('distribution ', id), left_fen::text, remainder_fen::text
          FROM returned WHERE remainder_fen <> left_fen
         UNION ALL
        SELECT concat('distribution ', d.id), concat_ws(' / ', 'approved', r.period_from, r.period_to, r.left_fen),
               concat_ws(' / ', r.status, d.period_from, d.period_to, d.amount_fen)
          FROM distributions d
          LEFT JOIN returned r ON r.id = d.remainder_of AND r.supplier_id = d.supplier_id
         WHERE d.remainder_of IS NOT NULL AND d.status NOT IN ('rejected', 'annulled')
           AND ('approved', d.period_from, d.period_to, d.amount_fen)
               IS DISTINCT FROM (r.status, r.period_from, r.period_to, r.left_fen)
        """,
    ),
    Invariant(
        "given_on_after_it_was_paid",
        "what a collective gave on had been paid to it by that day",
        "二次分配日期不早于村集体收款日期",
        """
        SELECT DISTINCT concat('second distribution ', g.id), concat('not before ', d.paid_on), g.given_on::text
          FROM second_distributions g
          JOIN ledger_entries e ON e.source = concat('second_distribution:', g.id)
          JOIN ledger_transfers t ON t.entry_id = e.id
          JOIN payments p ON p.id = t.payment_id
          JOIN disbursements d ON d.id = p.disbursement_id
         WHERE d.paid_on > g.given_on
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
          SELECT collective_id, supplier_id, sum(amount_fen - kept_fen) AS fen
            FROM second_distributions WHERE status = 'approved' GROUP BY 1, 2
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
