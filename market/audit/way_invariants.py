"""Invariants of money on its way: refunds, settlements, disputes, and what the payment provider brought.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts; amounts are fen.
"""

from market.audit.reconciling import CLEARING, OPEN
from market.audit.rules import Invariant
from market.payments.rules import CLAIMING

# ruff: noqa: S608 - statements are put together from the fragments of this file alone

_CLAIMING = ", ".join(f"'{status}'" for status in CLAIMING)

_EXPLAINED = " UNION ALL ".join(
    f"SELECT '{account}' AS kind, fen FROM ({query}) AS told (reference, detail, fen, since)"
    for account, query in OPEN.values()
    if account
)
_KINDS = ", ".join(f"'{kind}'" for kind in CLEARING)

WAY: tuple[Invariant, ...] = (
    Invariant(
        "refunded_is_what_refunds_sent",
        "of an order so much is refunded as the steps of its refunds sent away and did not bring back",
        "订单已退金额=各退款单已付出金额合计",
        """
        SELECT concat('order ', o.number), o.refunded_fen::text, coalesce(s.fen, 0)::text
          FROM orders o
          LEFT JOIN (SELECT r.order_id, sum(c.away_fen) AS fen
                       FROM refunds r JOIN refund_changes c ON c.refund_id = r.id GROUP BY r.order_id) s
                 ON s.order_id = o.id
         WHERE o.refunded_fen <> coalesce(s.fen, 0)
        """,
    ),
    Invariant(
        "refund_stands_where_its_steps_led",
        "a refund stands where the last of its steps led, and has sent its amount once or not at all",
        "退款单状态与其最后一步一致,且至多付出一次",
        """
        SELECT concat('refund ', r.number), concat_ws(' ', c.status, '0 or', r.amount_fen),
               concat_ws(' ', r.status, c.fen)
          FROM refunds r
          LEFT JOIN (SELECT refund_id, (array_agg(status ORDER BY id DESC))[1] AS status, sum(away_fen) AS fen
                       FROM refund_changes GROUP BY refund_id) c ON c.refund_id = r.id
         WHERE r.status <> coalesce(c.status, 'requested') OR coalesce(c.fen, 0) NOT IN (0, r.amount_fen)
            OR (r.status IN ('sent', 'succeeded')) <> (coalesce(c.fen, 0) = r.amount_fen)
        """,
    ),
    Invariant(
        "no_more_goes_back_than_came",
        "of what a payment brought for an order no more is asked back than it was",
        "每笔到款的退款合计不超过其金额",
        f"""
        SELECT concat('receipt part ', a.id), a.amount_fen::text, sum(r.amount_fen)::text
          FROM receipt_allocations a
          JOIN refunds r ON r.allocation_id = a.id AND r.status IN ({_CLAIMING})
         GROUP BY a.id
        HAVING sum(r.amount_fen) > a.amount_fen
        """,
    ),
    Invariant(
        "refund_goes_to_the_order_that_paid",
        "a refund is of a payment that came for its own order",
        "退款对应的到款属于同一订单",
        """
        SELECT concat('refund ', r.number), a.order_id::text, r.order_id::text
          FROM refunds r JOIN receipt_allocations a ON a.id = r.allocation_id WHERE a.order_id <> r.order_id
        """,
    ),
    Invariant(
        "settlement_stands_where_its_steps_led",
        "a settlement stands where the last of its steps led",
        "结算单状态与其最后一步一致",
        """
        SELECT concat('settlement ', s.number), c.status, s.status
          FROM settlements s
          LEFT JOIN LATERAL (SELECT status FROM settlement_changes WHERE settlement_id = s.id
                              ORDER BY id DESC LIMIT 1) c ON true
         WHERE s.status <> coalesce(c.status, 'draft')
        """,
    ),
    Invariant(
        "nothing_contested_is_settled",
        "while a payer's bank contests a payment, no settlement of its orders is handed on",
        "争议未决期间,相关订单不得付出结算款",
        """
        SELECT concat('settlement ', s.number), concat('not before ', coalesce(d.ended_on::text, 'the end')),
               s.instructed_on::text
          FROM disputes d
          JOIN online_parts p ON p.payment_id = d.payment_id
          JOIN settlement_items i ON i.order_id = p.order_id
          JOIN settlements s ON s.id = i.settlement_id
          JOIN settlement_changes c ON c.settlement_id = s.id AND c.event = 'instruct' AND c.id > d.id
         WHERE d.ended_on IS NULL OR s.instructed_on < d.ended_on
        """,
    ),
    Invariant(
        "what_must_clear_is_explained",
        "what stands on an account that must clear is under way: each part of it is named",
        "待清科目余额均有对应的未了事项",
        f"""
        SELECT b.kind, coalesce(e.fen, 0)::text, coalesce(b.fen, 0)::text
          FROM (SELECT a.kind, sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_fen ELSE -t.amount_fen END) AS fen
                  FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.credit_account_id, t.debit_account_id)
                 WHERE a.book = 'cash' AND a.kind IN ({_KINDS}) GROUP BY a.kind) b
          FULL JOIN (SELECT kind, sum(fen) AS fen FROM ({_EXPLAINED}) parts GROUP BY kind) e ON e.kind = b.kind
         WHERE coalesce(b.fen, 0) <> coalesce(e.fen, 0)
        """,
    ),
    Invariant(
        "captured_payment_brought_its_parts",
        "what an online payment brought is held for its orders, part by part, or waits whole",
        "在线支付到账金额与各订单分摊一致,否则整笔待处理",
        """
        SELECT concat('online payment ', o.id), concat_ws(' / ', o.amount_fen, p.fen),
               concat_ws(' / ', l.amount_fen - l.open_fen, coalesce(r.fen, 0))
          FROM online_payments o
          JOIN bank_lines l ON l.id = o.bank_line_id
          JOIN (SELECT payment_id, sum(amount_fen) AS fen FROM online_parts GROUP BY payment_id) p
            ON p.payment_id = o.id
          LEFT JOIN (SELECT bank_line_id, sum(amount_fen) AS fen FROM receipts GROUP BY bank_line_id) r
            ON r.bank_line_id = l.id
         WHERE p.fen <> o.amount_fen OR (l.waiting IS NULL AND l.amount_fen <> coalesce(r.fen, 0))
        """,
    ),
)
