"""Invariants of purchase invoices (农产品收购发票, type 16): what was paid by one is for produce, whatever came later.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

from market.audit.rules import Invariant

INVOICES: tuple[Invariant, ...] = (
    Invariant(
        "purchase_invoice_pays_for_produce",
        "what a purchase invoice paid stands as paid for households' own produce, or ahead of it",
        "以农产品收购发票兑付的款项只对应农户自产农产品,或为其预付",
        """
        SELECT concat('payment ', p.id), 'produce', m.mechanism
          FROM payments p
          JOIN (SELECT payment_id, credit_account_id AS account_id, mechanism, amount_fen AS fen FROM ledger_transfers
                UNION ALL
                SELECT payment_id, debit_account_id, mechanism, -amount_fen FROM ledger_transfers) m
            ON m.payment_id = p.id
          JOIN ledger_accounts a ON a.id = m.account_id
         WHERE p.invoice_number IS NOT NULL AND a.step IN ('disbursed', 'confirmed', 'top_up_paid')
           AND m.mechanism NOT IN ('order_purchase', 'consignment', 'contracting')
         GROUP BY p.id, m.mechanism
        HAVING sum(m.fen) <> 0
        """,
    ),
)
