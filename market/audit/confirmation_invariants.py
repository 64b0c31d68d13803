"""Invariants of who says that a household was paid: the clerk on record, the bank by another than who asked.

None but village clerks confirm by their word and print codes (`DISBURSEMENT_CONFIRM`): whatever role they have today.
Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

# ruff: noqa: S608 - the statement is put together from the fragments of this file alone

from market.audit.rules import Invariant

# Counties keep accounts too, and who is a clerk now may have been an officer before its role was changed.
_ELSEWHERE = """
        UNION ALL
        SELECT concat(d.deed, ' ', d.about_id), d.deed, 'no act on record'
          FROM (SELECT household_id, supplier_id AS about_id, 'enrolment_confirmed' AS deed, confirmed_by AS member_id,
                       confirmed_at AS acted_at FROM enrolments
                UNION ALL
                SELECT i.household_id, s.id, 'second_distribution_confirmed', s.confirmed_by, s.confirmed_at
                  FROM second_distributions s JOIN second_distribution_items i ON i.distribution_id = s.id
                 WHERE i.fen > 0 AND i.excluded IS NULL
                UNION ALL
                SELECT household_id, id, CASE WHEN reverses IS NULL THEN 'account_item_recorded'
                                              ELSE 'account_item_reversed' END, recorded_by, recorded_at
                  FROM account_items
                UNION ALL
                SELECT household_id, id, 'baseline_stated', stated_by, stated_at FROM household_baselines) d
          JOIN members m ON m.id = d.member_id AND m.role = 'village_clerk' AND m.added_at <= d.acted_at
         WHERE NOT EXISTS (SELECT FROM proxy_acts a
                            WHERE a.household_id = d.household_id AND a.about_id = d.about_id AND a.deed = d.deed
                              AND a.member_id = d.member_id AND a.acted_at = d.acted_at)
"""

CONFIRMATIONS: tuple[Invariant, ...] = (
    Invariant(
        "clerk_acts_on_record",
        "what a village clerk confirmed, printed or entered for a household is among the acts done in its place",
        "代办员代农户确认、打印或填报的事项均有代办记录",
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
        """
        + _ELSEWHERE,
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
