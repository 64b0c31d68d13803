"""Invariants of the cash book: the money of every order is where its facts put it.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts; amounts are fen.
"""

from market.audit.rules import Invariant
from market.cash.rules import CHART, CashKind
from market.orders.rules import GIVEN_UP

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

_MONEY = f"""
    SELECT id, number, status, supplier_id, funds_model, captured, paid, kept, to_come, back,
           greatest(kept - (captured - back), 0) AS receivable,
           greatest(captured - back - kept, 0) AS held, kept - div(kept * fee_bp, 10000) AS earned,
           CASE funds_model WHEN 'direct' THEN least(kept, captured - back)
                            ELSE paid - div(paid * fee_bp, 10000) END AS passed
      FROM (SELECT *, greatest(refunded, captured - kept - to_come) AS back
              FROM (SELECT o.id, o.number, o.status, o.supplier_id, o.funds_model, o.fee_bp,
                           o.captured_fen::numeric AS captured, o.refunded_fen::numeric AS refunded,
                           o.paid_fen::numeric AS paid, sum(l.accepted_fen - l.returned_fen) AS kept,
                           coalesce(sum(div(2::numeric * l.unit_price_fen * CASE WHEN o.shipped_on IS NULL
                                                 THEN l.quantity_milli ELSE l.shipped_milli END + l.unit_milli,
                                            2 * l.unit_milli))
                                    FILTER (WHERE a.id IS NULL AND o.status NOT IN ({_GIVEN_UP})), 0) AS to_come
                      FROM orders o JOIN order_lines l ON l.order_id = o.id
                      LEFT JOIN acceptance_lines a ON a.order_line_id = l.id
                     GROUP BY o.id) facts) money
"""
"""Where the facts put the money of each order."""

_ONE_SIDED = ", ".join(
    f"'{kind}'" for kind in CHART if kind not in {CashKind.SUPPLIER_ACCOUNT, CashKind.PROVIDER_AVAILABLE}
)
_DEBITED = ", ".join(f"'{kind}'" for kind, account in CHART.items() if account.side.is_debit)

CASH: tuple[Invariant, ...] = (
    Invariant(
        "buyers_money_is_where_its_facts_put_it",
        "what a buyer paid and owes for an order is held, kept by the supplier, or to go back",
        "采购方已付与应付款=暂存+验收留存+应退",
        f"""
        WITH standing AS ({_BALANCES})
        SELECT concat('order ', o.number), concat_ws(' / ', o.held, o.receivable, o.back),
               concat_ws(' / ', coalesce(h.fen, 0), -coalesce(r.fen, 0), coalesce(b.fen, 0))
          FROM ({_MONEY}) o
          LEFT JOIN standing h ON h.kind = 'held' AND h.owner_id = o.id
          LEFT JOIN standing r ON r.kind = 'buyer_receivable' AND r.counterpart_id = o.id
          LEFT JOIN standing b ON b.kind = 'refund_payable' AND b.owner_id = o.id
         WHERE (o.held, o.receivable, o.back) IS DISTINCT FROM
               (coalesce(h.fen, 0), -coalesce(r.fen, 0), coalesce(b.fen, 0))
        """,
    ),
    Invariant(
        "supplier_is_owed_what_it_earned_and_had_not",
        "a supplier is owed, of each order, what it earned of it less what it had, or owes the difference",
        "应付供应商=已赚取-已支付;多付部分记为应收供应商",
        f"""
        WITH standing AS ({_BALANCES})
        SELECT concat('order ', o.number), (o.earned - o.passed)::text,
               (coalesce(p.fen, 0) + coalesce(r.fen, 0))::text
          FROM ({_MONEY}) o
          LEFT JOIN standing p ON p.kind = 'supplier_payable' AND p.counterpart_id = o.id
          LEFT JOIN standing r ON r.kind = 'supplier_receivable' AND r.counterpart_id = o.id
         WHERE o.earned - o.passed <> coalesce(p.fen, 0) + coalesce(r.fen, 0)
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
          FROM (SELECT supplier_id, sum(captured - passed) AS fen FROM ({_MONEY}) o WHERE funds_model = 'direct'
                 GROUP BY supplier_id) m
          FULL JOIN (SELECT * FROM ({_BALANCES}) s WHERE kind = 'supplier_account') a ON a.owner_id = m.supplier_id
         WHERE coalesce(m.fen, 0) <> -coalesce(a.fen, 0)
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
