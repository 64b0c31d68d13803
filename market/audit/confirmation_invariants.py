"""Invariants of who says that a household was paid: the clerk on record, the bank by another than who asked.

None but village clerks confirm by their word and print codes (`DISBURSEMENT_CONFIRM`): whatever role they have today.
Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

from market.audit.rules import Invariant

CONFIRMATIONS: tuple[Invariant, ...] = (
    Invariant(
        "clerk_acts_on_record",
        "what a village clerk confirmed or printed for a household is among the acts done in its place",
        "代办员代农户确认到账、打印确认码均有代办记录",
        """
        SELECT concat('payment ', p.id), d.deed, 'no act on record'
          FROM (SELECT x.payment_id, 'payment_confirmed' AS deed, c.made_by AS member_id, c.made_at AS acted_at
                  FROM confirmations c JOIN confirmed_payments x ON x.confirmation_id = c.id
                 WHERE c.means = 'village_clerk'
                UNION ALL
                SELECT x.payment_id, 'confirmation_code_printed', c.code_issued_by, c.code_issued_at
                  FROM confirmations c JOIN confirmed_payments x ON x.confirmation_id = c.id
                 WHERE c.means = 'household_code'
                UNION ALL
                SELECT payment_id, 'confirmation_code_printed', issued_by, issued_at FROM confirmation_codes) d
          JOIN payments p ON p.id = d.payment_id AND p.household_id IS NOT NULL
         WHERE NOT EXISTS (SELECT FROM proxy_acts a
                            WHERE a.household_id = p.household_id AND a.about_id = p.id AND a.deed = d.deed
                              AND a.member_id = d.member_id AND a.acted_at = d.acted_at)
        """,
    ),
    Invariant(
        "result_is_told_by_another",
        "who takes over a bank's result did not write the list",
        "银行回盘导入人不是清单经办人",
        """
        SELECT concat('pay list ', l.id), concat('not ', l.made_by), r.imported_by::text
          FROM bank_results r JOIN pay_lists l ON l.id = r.pay_list_id
         WHERE r.imported_by = l.made_by
        """,
    ),
)
