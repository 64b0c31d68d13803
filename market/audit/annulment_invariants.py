"""Invariants of annulments: what never was is posted once, marked, and taken off as far as it was given, not further.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

from market.audit.rules import Invariant

ANNULMENTS: tuple[Invariant, ...] = (
    Invariant(
        "annulment_is_posted_once",
        "what an approved annulment undoes is marked, as nothing else is, and an entry takes it off, one alone",
        "已批准的撤销,其标的标为已撤销(其他不得标记),并有且仅有一张撤销凭证",
        """
        SELECT concat('distribution ', coalesce(d.id, n.distribution_id)),
               CASE WHEN n.id IS NULL THEN 'approved' ELSE 'annulled' END, coalesce(d.status, 'missing')
          FROM (SELECT id, status FROM distributions WHERE status = 'annulled') marked
          FULL JOIN (SELECT id, distribution_id FROM annulments
                      WHERE status = 'approved' AND distribution_id IS NOT NULL) n ON n.distribution_id = marked.id
          LEFT JOIN distributions d ON d.id = coalesce(marked.id, n.distribution_id)
         WHERE n.id IS NULL OR marked.id IS NULL
        UNION ALL
        SELECT coalesce(e.source, concat('annulment:', n.id)), CASE WHEN n.id IS NULL THEN '0' ELSE '1' END,
               coalesce(e.count, 0)::text
          FROM (SELECT source, count(*) FROM ledger_entries WHERE reason = 'annulment' GROUP BY 1) e
          FULL JOIN (SELECT id, distribution_id FROM annulments WHERE status = 'approved') n
            ON e.source = concat('annulment:', n.id)
         WHERE n.id IS NULL OR e.count > 1
            OR e.source IS NULL AND EXISTS (
               SELECT FROM ledger_entries g
                 JOIN ledger_transfers t ON t.entry_id = g.id
                 JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind IN ('household', 'collective')
                 CROSS JOIN LATERAL (
                   SELECT sum(CASE WHEN s.id = m.credit_account_id THEN m.amount_fen ELSE -m.amount_fen END) AS fen,
                          bool_and(m.entry_id = g.id OR o.kind <> 'base' OR s.id = m.debit_account_id) AS is_alone
                     FROM ledger_transfers m
                     JOIN ledger_accounts s ON s.id IN (m.credit_account_id, m.debit_account_id)
                      AND (s.kind, s.owner_id) = (a.kind, a.owner_id) AND s.step <> 'advance'
                     JOIN ledger_accounts o ON o.id = m.debit_account_id
                    WHERE m.order_line_id = t.order_line_id AND m.mechanism = t.mechanism
                      AND m.assisted IS NOT DISTINCT FROM t.assisted AND m.contribution_id IS NULL) x
                WHERE g.source = concat('distribution:', n.distribution_id) AND x.fen > 0 AND x.is_alone)
        """,
    ),
    Invariant(
        "annulment_takes_what_was_given",
        "an annulment leaves each line with what it had, and takes off a share no more than its list had given it",
        "撤销不改变订单行归集总额,且每户每行冲减额不超过原分配额",
        """
        WITH moved AS (
          SELECT e.source, n.distribution_id, t.order_line_id, t.mechanism, t.assisted, t.amount_fen,
                 d.kind AS from_kind, d.owner_id AS from_owner, c.kind AS to_kind
            FROM ledger_entries e
            LEFT JOIN annulments n ON concat('annulment:', n.id) = e.source
            JOIN ledger_transfers t ON t.entry_id = e.id
            JOIN ledger_accounts d ON d.id = t.debit_account_id
            JOIN ledger_accounts c ON c.id = t.credit_account_id
           WHERE e.reason = 'annulment'
        ), taken AS (
          SELECT source, distribution_id, order_line_id, mechanism, assisted, from_kind, from_owner,
                 sum(amount_fen) AS fen
            FROM moved WHERE to_kind = 'base' AND distribution_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7
        )
        SELECT concat_ws(' ', source, 'line', order_line_id),
               coalesce(sum(amount_fen) FILTER (WHERE to_kind = 'base'), 0)::text,
               coalesce(sum(amount_fen) FILTER (WHERE from_kind = 'base'), 0)::text
          FROM moved
         GROUP BY source, order_line_id
        HAVING coalesce(sum(amount_fen) FILTER (WHERE to_kind = 'base'), 0)
               <> coalesce(sum(amount_fen) FILTER (WHERE from_kind = 'base'), 0)
        UNION ALL
        SELECT concat_ws(' ', x.source, 'line', x.order_line_id, x.from_kind, x.from_owner),
               concat('at most ', coalesce(g.fen, 0)), x.fen::text
          FROM taken x
          LEFT JOIN LATERAL (
            SELECT sum(t.amount_fen) AS fen
              FROM ledger_entries e
              JOIN ledger_transfers t ON t.entry_id = e.id AND t.order_line_id = x.order_line_id
               AND t.mechanism = x.mechanism AND t.assisted IS NOT DISTINCT FROM x.assisted
              JOIN ledger_accounts a ON a.id = t.credit_account_id
               AND (a.kind, a.owner_id) = (x.from_kind, x.from_owner)
             WHERE e.source = concat('distribution:', x.distribution_id)) g ON true
         WHERE x.fen > coalesce(g.fen, 0)
        """,
    ),
)
