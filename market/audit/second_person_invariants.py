"""Invariants of what one person alone may not bring about: to act, to name an account, to move money.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

from market.audit.rules import Invariant

SECOND_PERSON: tuple[Invariant, ...] = (
    Invariant(
        "who_acts_was_admitted",
        "no credential was made between a member's addition and its admission by another",
        "成员经他人核准前未取得任何登录凭证",
        """
        SELECT concat('member ', m.login), coalesce(m.admitted_at::text, 'not admitted'), c.created_at::text
          FROM credentials c JOIN members m ON m.id = c.member_id
         WHERE c.created_at > m.added_at AND (m.admitted_at IS NULL OR c.created_at < m.admitted_at)
        """,
    ),
    Invariant(
        "account_was_confirmed",
        "nothing was imported into, paid from or paid to an account that nobody confirmed",
        "未经核准的银行账户未导入流水,也未收付款项",
        """
        SELECT concat('account ', a.id), 'confirmed', used.by
          FROM bank_accounts a
          JOIN (SELECT bank_account_id AS id, 'a statement' AS by FROM bank_statements
                UNION SELECT paying_account_id, 'a settlement' FROM settlements
                UNION SELECT payee_account_id, 'a settlement' FROM settlements
                UNION SELECT account_id, 'a refund' FROM refunds) used ON used.id = a.id
         WHERE a.confirmed_at IS NULL
        """,
    ),
    Invariant(
        "closed_account_was_not_used",
        "nothing was instructed from or to a bank account after it was closed",
        "银行账户停用后未再发出收付指令",
        """
        SELECT concat('account ', a.id), concat('nothing after ', a.closed_at),
               concat(used.number, ' ', used.on_its_way)
          FROM bank_accounts a
          JOIN (SELECT s.paying_account_id AS id, s.number, c.changed_at AS on_its_way
                  FROM settlements s JOIN settlement_changes c ON c.settlement_id = s.id AND c.event = 'instruct'
                UNION
                SELECT s.payee_account_id, s.number, c.changed_at
                  FROM settlements s JOIN settlement_changes c ON c.settlement_id = s.id AND c.event = 'instruct'
                UNION
                SELECT r.account_id, r.number, c.changed_at
                  FROM refunds r JOIN refund_changes c ON c.refund_id = r.id AND c.event = 'send'
                 WHERE NOT EXISTS (SELECT FROM refund_changes told WHERE told.refund_id = r.id
                                      AND told.event = 'succeed' AND told.changed_at = c.changed_at)) used
            ON used.id = a.id
         WHERE used.on_its_way > a.closed_at
        """,
    ),
    Invariant(
        "refund_was_paid_by_anothers_word",
        "who approved a refund is not who said that it was paid",
        "批准退款的人不得登记该退款已付",
        """
        SELECT concat('refund ', r.number), 'another', c.changed_by::text
          FROM refunds r JOIN refund_changes c ON c.refund_id = r.id
         WHERE c.event = 'succeed' AND c.changed_by = r.decided_by
        """,
    ),
    Invariant(
        "refund_to_another_was_sent_by_another",
        "who approved a refund to another than paid is not who sent it",
        "向非付款人退款的,批准人不得自行发出",
        """
        SELECT concat('refund ', r.number), 'another', c.changed_by::text
          FROM refunds r JOIN refund_changes c ON c.refund_id = r.id
         WHERE NOT r.goes_to_payer AND c.event = 'send' AND c.changed_by = r.decided_by
        """,
    ),
    Invariant(
        "refund_failed_by_anothers_word",
        "who handed a refund to a bank, put it in a file or said that it was paid is not who said that it failed",
        "发出退款、制作退款文件或登记其已付的人不得登记其失败",
        """
        SELECT concat('refund ', r.number), 'another', failed.changed_by::text
          FROM refunds r
          JOIN refund_changes failed ON failed.refund_id = r.id AND failed.event = 'fail'
          LEFT JOIN refund_files f ON f.id = r.file_id AND f.made_by = failed.changed_by
          LEFT JOIN refund_changes told ON told.refund_id = r.id AND told.changed_by = failed.changed_by
                                       AND told.event IN ('send', 'succeed') AND told.id < failed.id
         WHERE num_nonnulls(f.id, told.id) > 0
        """,
    ),
    Invariant(
        "settlement_failed_by_anothers_word",
        "who handed a settlement to a bank is not who said that it failed",
        "将结算单交银行付款的人不得登记其失败",
        """
        SELECT concat('settlement ', s.number), 'another', failed.changed_by::text
          FROM settlements s
          JOIN settlement_changes failed ON failed.settlement_id = s.id AND failed.event = 'fail'
          JOIN settlement_changes sent ON sent.settlement_id = s.id AND sent.event = 'instruct'
         WHERE sent.changed_by = failed.changed_by
           AND NOT EXISTS (SELECT FROM provider_calls p WHERE p.subject_id = s.id)
        """,
    ),
    Invariant(
        "price_cut_was_taken_by_its_buyer",
        "a price cut was offered by the order's supplier, and taken or declined by its buyer",
        "折让由订单供应商提出,并由采购方同意或拒绝",
        """
        SELECT concat('price cut ', p.id), concat_ws(' ', o.supplier_id, o.buyer_id),
               concat_ws(' ', m.organisation_id, d.organisation_id)
          FROM price_cuts p
          JOIN orders o ON o.id = p.order_id
          JOIN members m ON m.id = p.offered_by
          LEFT JOIN members d ON d.id = p.decided_by
         WHERE m.organisation_id <> o.supplier_id
            OR d.organisation_id <> CASE p.status WHEN 'withdrawn' THEN o.supplier_id ELSE o.buyer_id END
        """,
    ),
    Invariant(
        "price_cut_is_what_was_agreed",
        "what was cut of an order's lines, and when, is what was offered and taken",
        "已办理的折让与双方同意的内容一致",
        """
        SELECT concat('price cut ', coalesce(agreed.id, made.id)), agreed.says, made.says
          FROM (SELECT p.id, concat_ws(' ', p.order_id, p.cut_on, p.decided_by,
                                       string_agg(concat(l.order_line_id, '=', l.amount_fen), ' '
                                                  ORDER BY l.order_line_id)) AS says
                  FROM price_cuts p JOIN price_cut_lines l ON l.price_cut_id = p.id
                 WHERE p.status = 'accepted' GROUP BY p.id) agreed
          FULL JOIN (SELECT r.price_cut_id AS id, concat_ws(' ', r.order_id, r.returned_on, r.returned_by,
                                                            string_agg(concat(l.order_line_id, '=', l.amount_fen), ' '
                                                                       ORDER BY l.order_line_id)) AS says
                       FROM returns r JOIN return_lines l ON l.return_id = r.id
                      WHERE r.kind = 'price_cut' GROUP BY r.id) made ON made.id = agreed.id
         WHERE agreed.says IS DISTINCT FROM made.says
        """,
    ),
    Invariant(
        "transfer_was_taken_back_by_two",
        "the provider was asked for a transfer back only when one member had asked for that and another approved it",
        "追回结算款须一人申请、另一人批准",
        """
        SELECT concat('settlement ', s.number), concat('another than ', coalesce(asked.changed_by::text, 'nobody')),
               coalesce(approved.changed_by::text, 'nobody')
          FROM provider_calls p
          JOIN settlements s ON s.id = p.subject_id
          LEFT JOIN LATERAL (SELECT id, changed_by FROM settlement_changes
                              WHERE settlement_id = s.id AND event = 'approve_reversal' AND changed_at <= p.made_at
                              ORDER BY id DESC LIMIT 1) approved ON true
          LEFT JOIN LATERAL (SELECT changed_by FROM settlement_changes
                              WHERE settlement_id = s.id AND event = 'reverse' AND id < approved.id
                              ORDER BY id DESC LIMIT 1) asked ON true
         WHERE p.operation = 'reverse_transfer'
           AND (asked.changed_by IS NULL OR asked.changed_by = approved.changed_by)
        """,
    ),
)
