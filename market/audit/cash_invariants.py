"""Invariants of the cash book: the money of every order is where its facts put it.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts; amounts are fen.
"""

from market.audit.rules import Invariant
from market.cash.rules import CHART, CashKind
from market.orders.rules import GIVEN_UP
from market.payments.rules import DAYS_APART

# ruff: noqa: S608 - statements are put together from the fragments of this file alone

_GIVEN_UP = ", ".join(f"'{status}'" for status in GIVEN_UP)
_BALANCES = """
    SELECT a.kind, a.owner_id, a.counterpart_id, sum(m.fen) AS fen
      FROM ledger_accounts a
      JOIN (SELECT credit_account_id AS account_id, amount_fen AS fen FROM ledger_transfers WHERE book = 'cash'
             UNION ALL
            SELECT debit_account_id, -amount_fen FROM ledger_transfers WHERE book = 'cash') m ON m.account_id = a.id
     WHERE a.book = 'cash'
     GROUP BY a.id
"""
"""What stands to the credit of each account."""

TO_COME = f"""
    coalesce(sum(div(2::numeric * l.unit_price_fen
                     * CASE WHEN o.shipped_on IS NULL THEN l.quantity_milli ELSE l.shipped_milli END + l.unit_milli,
                     2 * l.unit_milli))
             FILTER (WHERE a.id IS NULL AND o.status NOT IN ({_GIVEN_UP})), 0)
"""
"""What may still be accepted of the order `o`, of its lines `l` that no line `a` of an acceptance has dealt with."""

_MONEY = f"""
    SELECT id, number, status, supplier_id, funds_model, captured, refunded, kept, to_come, back, reserved,
           greatest(kept - (captured - back), 0) AS receivable,
           greatest(captured - back - kept, 0) AS held, kept - div(kept * fee_bp, 10000) AS earned,
           CASE funds_model WHEN 'direct' THEN least(kept, captured - back) ELSE settled END AS passed
      FROM (SELECT *, greatest(refunded, captured - kept - to_come) AS back
              FROM (SELECT o.id, o.number, o.status, o.supplier_id, o.funds_model, o.fee_bp,
                           o.captured_fen::numeric AS captured, o.refunded_fen::numeric AS refunded,
                           o.settled_fen::numeric - o.settled_fee_fen - o.reserved_fen AS settled,
                           o.reserved_fen::numeric AS reserved,
                           sum(l.accepted_fen - l.returned_fen) AS kept,
                           {TO_COME} AS to_come
                      FROM orders o JOIN order_lines l ON l.order_id = o.id
                      LEFT JOIN acceptance_lines a ON a.order_line_id = l.id
                     GROUP BY o.id) facts) money
"""
"""Where the facts put the money of each order."""

_REFERENCE_KEY = r"""upper(regexp_replace(normalize(l.bank_reference, NFKC), '[[:space:]\u2010-\u2015_.-]', '', 'g'))"""
"""The reference of a line as `identifiers.reference_key` reads it, but for dashes that nobody types."""

_EITHER_SIDE = {
    CashKind.SUPPLIER_ACCOUNT,
    CashKind.PROVIDER_PENDING,
    CashKind.PROVIDER_AVAILABLE,
    CashKind.IN_TRANSIT,
    CashKind.UNMATCHED,
    CashKind.MISTAKEN,
    CashKind.PLATFORM_ACCOUNT,
    CashKind.INTEREST,
    CashKind.BANK_FEE,
}
_ONE_SIDED = ", ".join(f"'{kind}'" for kind in CHART if kind not in _EITHER_SIDE)
_DEBITED = ", ".join(f"'{kind}'" for kind, account in CHART.items() if account.side.is_debit)

CASH: tuple[Invariant, ...] = (
    Invariant(
        "buyers_money_is_where_its_facts_put_it",
        "what a buyer paid and owes for an order is held, kept by the supplier, or to go back",
        "采购方已付与应付款=暂存+验收留存+应退",
        f"""
        WITH standing AS ({_BALANCES})
        SELECT concat('order ', o.number), concat_ws(' / ', o.held, o.receivable, o.back - o.refunded),
               concat_ws(' / ', coalesce(h.fen, 0), -coalesce(r.fen, 0), coalesce(b.fen, 0))
          FROM ({_MONEY}) o
          LEFT JOIN standing h ON h.kind = 'held' AND h.owner_id = o.id
          LEFT JOIN standing r ON r.kind = 'buyer_receivable' AND r.counterpart_id = o.id
          LEFT JOIN standing b ON b.kind = 'refund_payable' AND b.owner_id = o.id
         WHERE (o.held, o.receivable, o.back - o.refunded) IS DISTINCT FROM
               (coalesce(h.fen, 0), -coalesce(r.fen, 0), coalesce(b.fen, 0))
        """,
    ),
    Invariant(
        "supplier_is_owed_what_it_earned_and_had_not",
        "a supplier is owed of each order what it earned less what it had, part of it in reserve, or owes the rest",
        "应付供应商与保证金=已赚取-已支付;多付部分记为应收供应商",
        f"""
        WITH standing AS ({_BALANCES})
        SELECT concat('order ', o.number),
               concat_ws(' / ', o.earned - o.passed, greatest(least(o.reserved, o.earned - o.passed), 0)),
               concat_ws(' / ', coalesce(p.fen, 0) + coalesce(s.fen, 0) + coalesce(r.fen, 0), coalesce(s.fen, 0))
          FROM ({_MONEY}) o
          LEFT JOIN standing p ON p.kind = 'supplier_payable' AND p.counterpart_id = o.id
          LEFT JOIN standing r ON r.kind = 'supplier_receivable' AND r.counterpart_id = o.id
          LEFT JOIN standing s ON s.kind = 'supplier_reserve' AND s.counterpart_id = o.id
         WHERE o.earned - o.passed <> coalesce(p.fen, 0) + coalesce(s.fen, 0) + coalesce(r.fen, 0)
            OR coalesce(s.fen, 0) <> greatest(least(o.reserved, o.earned - o.passed), 0)
            OR coalesce(p.fen, 0) < 0 OR coalesce(r.fen, 0) > 0
        """,
    ),
    Invariant(
        "supplier_has_what_buyers_paid_it",
        "where buyers pay the supplier, its own account has all that they paid and it has not earned",
        "直付模式下供应商自有账户余额=已收未赚取的货款",
        f"""
        SELECT concat('supplier ', coalesce(m.supplier_id, a.owner_id)), coalesce(m.fen, 0)::text,
               (-coalesce(a.fen, 0))::text
          FROM (SELECT supplier_id, sum(captured - refunded - passed) AS fen FROM ({_MONEY}) o
                 WHERE funds_model = 'direct' GROUP BY supplier_id) m
          FULL JOIN (SELECT * FROM ({_BALANCES}) s WHERE kind = 'supplier_account') a ON a.owner_id = m.supplier_id
         WHERE coalesce(m.fen, 0) <> -coalesce(a.fen, 0)
        """,
    ),
    Invariant(
        "custody_has_what_its_bank_says",
        "an account in custody has by the book, on every day, what its bank's or the provider's lines come to",
        "托管账户与支付机构账户的账面余额每日与流水合计一致",
        """
        SELECT concat('bank account ', coalesce(b.id, c.owner_id), ' on ', coalesce(b.day, c.day)),
               coalesce(b.fen, 0)::text, coalesce(c.fen, 0)::text
          FROM (SELECT a.id, l.booked_on AS day, sum(l.amount_fen - coalesce(m.fee_fen, 0)) AS fen
                  FROM bank_accounts a JOIN bank_lines l ON l.bank_account_id = a.id
                  LEFT JOIN provider_movements m ON m.line_id = l.id
                 WHERE a.purpose IN ('custody', 'provider') GROUP BY a.id, l.booked_on) b
          FULL JOIN (SELECT a.owner_id, coalesce(e.original_effective_on, e.effective_on) AS day,
                            sum(CASE WHEN t.debit_account_id = a.id THEN t.amount_fen ELSE -t.amount_fen END) AS fen
                       FROM ledger_accounts a
                       JOIN ledger_transfers t ON a.id IN (t.debit_account_id, t.credit_account_id)
                       JOIN ledger_entries e ON e.id = t.entry_id
                      WHERE a.book = 'cash' AND a.kind IN ('custody', 'provider_pending', 'provider_available')
                        AND e.reason <> 'released' GROUP BY 1, 2) c
                 ON c.owner_id = b.id AND c.day = b.day
         WHERE coalesce(b.fen, 0) <> coalesce(c.fen, 0)
        """,
    ),
    Invariant(
        "what_is_open_of_a_line_is_unmatched",
        "what is open of a line in custody stands unmatched in the book, and nothing else does",
        "托管流水未匹配金额与待匹配科目一致",
        f"""
        SELECT concat('bank line ', coalesce(l.id, u.owner_id)), coalesce(l.open_fen, 0)::text,
               coalesce(u.fen, 0)::text
          FROM (SELECT l.id, l.open_fen FROM bank_lines l JOIN bank_accounts a ON a.id = l.bank_account_id
                 WHERE a.purpose IN ('custody', 'provider') AND l.open_fen <> 0) l
          FULL JOIN (SELECT * FROM ({_BALANCES}) s WHERE kind = 'unmatched' AND fen <> 0) u ON u.owner_id = l.id
         WHERE coalesce(l.open_fen, 0) <> coalesce(u.fen, 0)
        """,
    ),
    Invariant(
        "a_line_pays_what_it_brought",
        "what receipts and settlements took of a bank's line, or has a meaning of its own, is not open of it",
        "每笔流水的到款、结算与订单外定性合计=流水金额-未匹配金额",
        """
        SELECT concat('bank line ', l.id), (l.amount_fen - l.open_fen)::text,
               (coalesce(sum(r.amount_fen), 0) - coalesce(max(s.amount_fen), 0) + coalesce(max(d.fen), 0)
                + coalesce(max(t.amount_fen), 0) + coalesce(max(p.fen), 0))::text
          FROM bank_lines l
          LEFT JOIN settlements s ON s.bank_line_id = l.id
          LEFT JOIN settlements t ON t.return_line_id = l.id
          LEFT JOIN (SELECT left_line_id AS line_id, -sum(amount_fen) AS fen FROM refunds GROUP BY 1
                      UNION ALL SELECT back_line_id, sum(amount_fen) FROM refunds GROUP BY 1
                      UNION ALL SELECT m.line_id, b.amount_fen
                                  FROM disputes q JOIN provider_movements m ON m.source_id = q.provider_id
                                  JOIN bank_lines b ON b.id = m.line_id) d ON d.line_id = l.id
          LEFT JOIN (SELECT bank_line_id, sum(amount_fen) AS fen FROM matching_proposals
                      WHERE status = 'approved' GROUP BY 1) p ON p.bank_line_id = l.id
          LEFT JOIN receipts_found f ON f.bank_line_id = l.id
          LEFT JOIN receipts r ON r.bank_line_id = l.id OR r.id = f.receipt_id
         GROUP BY l.id
        HAVING l.amount_fen - l.open_fen
               <> coalesce(sum(r.amount_fen), 0) - coalesce(max(s.amount_fen), 0) + coalesce(max(d.fen), 0)
                  + coalesce(max(t.amount_fen), 0) + coalesce(max(p.fen), 0)
        """,
    ),
    Invariant(
        "a_reference_counts_once",
        "what was recorded by hand, and what lines of its reference about that day paid, is no more than they brought",
        "同一流水号手工登记与流水匹配合计不超过银行所记金额",
        f"""
        SELECT concat('receipt ', h.bank_reference), sum(l.amount_fen)::text,
               concat(h.amount_fen, ' + ', sum(r.fen))
          FROM receipts h
          JOIN bank_accounts a ON a.organisation_id = h.supplier_id AND a.purpose = 'own'
          JOIN bank_lines l ON l.bank_account_id = a.id AND l.amount_fen > 0
                           AND abs(l.booked_on - h.received_on) <= {DAYS_APART}
          LEFT JOIN (SELECT bank_line_id, reference_key, sum(amount_fen) AS fen FROM receipts
                      WHERE bank_line_id IS NOT NULL GROUP BY 1, 2) r ON r.bank_line_id = l.id
         WHERE h.bank_line_id IS NULL AND h.reference_key IN (coalesce(r.reference_key, ''), {_REFERENCE_KEY})
           AND NOT EXISTS (SELECT FROM receipts_found f WHERE f.receipt_id = h.id)
           AND EXISTS (SELECT FROM receipts t WHERE t.supplier_id = h.supplier_id AND t.bank_line_id IS NOT NULL
                          AND t.reference_key = h.reference_key)
         GROUP BY h.id, a.id
        HAVING h.amount_fen + sum(r.fen) > sum(l.amount_fen)
        """,
    ),
    Invariant(
        "order_is_settled_by_its_items",
        "what of an order is settled, and has reached its supplier out of custody, is what its settlements' items say",
        "订单已结算额与已付供应商额=结算单明细合计",
        """
        SELECT concat('order ', o.number),
               concat_ws(' / ', coalesce(i.gross, 0), coalesce(i.fee, 0), coalesce(i.kept, 0), coalesce(i.paid, 0)),
               concat_ws(' / ', o.settled_fen, o.settled_fee_fen, o.reserved_fen, o.paid_fen)
          FROM orders o
          LEFT JOIN (SELECT i.order_id, sum(i.gross_fen) AS gross, sum(i.fee_fen) AS fee,
                            sum(i.reserved_fen) AS kept,
                            sum(i.gross_fen - i.reserved_fen) FILTER (WHERE s.status = 'confirmed') AS paid
                       FROM settlement_items i JOIN settlements s ON s.id = i.settlement_id
                      WHERE s.status IN ('approved', 'instructed', 'confirmed') GROUP BY 1) i ON i.order_id = o.id
         WHERE o.funds_model <> 'direct'
           AND (o.settled_fen, o.settled_fee_fen, o.reserved_fen, o.paid_fen)
               IS DISTINCT FROM (coalesce(i.gross, 0), coalesce(i.fee, 0), coalesce(i.kept, 0), coalesce(i.paid, 0))
        """,
    ),
    Invariant(
        "ended_order_holds_nothing",
        "of an order that has ended nothing is held any more",
        "已了结的订单不再有暂存款",
        f"""
        WITH standing AS ({_BALANCES})
        SELECT concat('order ', o.number), '0', h.fen::text
          FROM orders o JOIN standing h ON h.kind = 'held' AND h.owner_id = o.id
         WHERE o.status IN ('accepted', {_GIVEN_UP}) AND h.fen <> 0
        """,
    ),
    Invariant(
        "cash_account_stands_on_its_side",
        "an account of the cash book never stands on the wrong side of the chart",
        "现金账科目余额方向与科目表一致",
        f"""
        SELECT concat_ws(' ', kind, owner_id, counterpart_id), CASE WHEN kind IN ({_DEBITED}) THEN '≤ 0' ELSE '≥ 0' END,
               fen::text
          FROM ({_BALANCES}) s
         WHERE kind IN ({_ONE_SIDED}) AND CASE WHEN kind IN ({_DEBITED}) THEN fen > 0 ELSE fen < 0 END
        """,
    ),
)
