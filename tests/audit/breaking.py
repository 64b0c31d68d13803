"""How each invariant is broken behind the guards, and what the doctor then names; `name: what` breaks one further."""

from tests.audit.breaking_annulments import ANNULMENTS
from tests.audit.breaking_contributions import CONTRIBUTIONS
from tests.audit.breaking_money import MONEY
from tests.audit.breaking_persons import PERSONS
from tests.audit.spoiling import (
    A_DISBURSEMENT_OF_NOTHING,
    A_PAYMENT,
    A_PLACED_ORDER,
    A_ROLLUP,
    A_YEAR_SHARED_OUT_AGAIN,
    AN_ACCEPTED_LINE,
    ANOTHERS_CERTIFICATE,
    FIRST,
    GIVEN_ON_IN_JANUARY,
    LINES_WITH_A_FEN_TOO_MUCH,
    LINES_WITH_ANOTHER_INVOICE,
    LISTS_OF_ALL_THAT_WAS_PAID,
    LISTS_THAT_HOLD_LATER,
    ONE_LISTED_TOO_MANY,
    ONE_TRANSFER,
    OPEN_ACCRUALS,
    RESERVES_OF_99_PERCENT,
    TWO_BASELINES,
    UNTOUCHED,
    moved,
)

A_MATCH = (
    "d.kind = 'household' AND d.step = '{step}' AND (t.entry_id, t.order_line_id, t.payment_id) ="
    " (SELECT m.entry_id, m.order_line_id, m.payment_id FROM ledger_transfers m"
    "    JOIN ledger_entries e ON e.id = m.entry_id AND e.reason = 'matching'"
    "    JOIN ledger_accounts a ON a.id = m.debit_account_id AND a.kind = 'household' AND a.step = 'recognised'"
    "    JOIN payments p ON p.id = m.payment_id AND p.confirmed_at IS NULL AND p.reversed_at IS NULL"
    "   WHERE m.order_line_id IN (SELECT id FROM order_lines WHERE returned_fen = 0) ORDER BY m.id LIMIT 1)"
)

BREAKING: dict[str, tuple[tuple[str, ...], set[str]]] = {
    **ANNULMENTS,
    **CONTRIBUTIONS,
    **MONEY,
    **PERSONS,
    "pool_is_accounted_for": (
        (
            (
                "UPDATE distributions SET from_pool_fen = from_pool_fen - 1, from_retained_fen = from_retained_fen + 1"
                " WHERE id = (SELECT id FROM distributions WHERE from_pool_fen > 0 ORDER BY id LIMIT 1)"
            ),
        ),
        {"pool_is_accounted_for"},
    ),
    "distribution_pays_its_list": (
        (
            (
                "UPDATE distribution_items i SET fen = fen + CASE position WHEN 0 THEN 1 ELSE -1 END"
                " WHERE position < 2 AND distribution_id = (SELECT id FROM distributions ORDER BY id LIMIT 1)"
            ),
        ),
        {"distribution_pays_its_list"},
    ),
    "list_sums_to_its_distribution": ((ONE_LISTED_TOO_MANY,), {"list_sums_to_its_distribution"}),
    "day_is_shared_out_once": (
        (A_YEAR_SHARED_OUT_AGAIN,),
        {"day_is_shared_out_once", "list_sums_to_its_distribution"},
    ),
    "list_was_in_force": ((LISTS_THAT_HOLD_LATER,), {"list_was_in_force"}),
    "reserve_was_approved": ((RESERVES_OF_99_PERCENT,), {"reserve_was_approved"}),
    "remainder_is_shared_whole": (
        (
            (
                "UPDATE distributions SET remainder_fen = remainder_fen + 1"
                " WHERE status = 'approved' AND inputs ->> 'formula' = 'patronage'"
            ),
        ),
        {"remainder_is_shared_whole"},
    ),
    "given_on_after_it_was_paid": ((GIVEN_ON_IN_JANUARY,), {"given_on_after_it_was_paid"}),
    "collective_gave_on_or_holds": (
        (
            (
                "UPDATE second_distributions SET collective_id = (SELECT id FROM organisations"
                " WHERE kind = 'cooperative' LIMIT 1) WHERE id = (SELECT id FROM second_distributions LIMIT 1)"
            ),
        ),
        {"collective_gave_on_or_holds"},
    ),
    "entry_is_whole": (
        (f"UPDATE ledger_entries SET total_fen = total_fen + 1 WHERE source = {FIRST}",),
        {"entry_is_whole"},
    ),
    "fact_posts_once": (
        (
            (
                "UPDATE ledger_entries SET source = (SELECT max(source) FROM ledger_entries)"
                " WHERE source = (SELECT min(source) FROM ledger_entries)"
            ),
        ),
        {"fact_posts_once"},
    ),
    "books_do_not_mix": (
        ("UPDATE ledger_entries SET book = 'cash' WHERE source = (SELECT min(source) FROM ledger_entries)",),
        {"books_do_not_mix"},
    ),
    "line_is_conserved": (
        (
            f"UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE (entry_id, position) = {ONE_TRANSFER}",
            f"UPDATE ledger_entries SET total_fen = total_fen - 1 WHERE id = (SELECT entry_id FROM {ONE_TRANSFER} x)",
            "DELETE FROM report_rollups",
            "DELETE FROM report_months",
            "DELETE FROM ledger_balances",
            "DELETE FROM ledger_periods",
        ),
        {"line_is_conserved"},
    ),
    "share_is_never_negative": (
        (
            moved(
                "t.credit_account_id",
                "(SELECT id FROM ledger_accounts s WHERE s.owner_id = c.counterpart_id AND s.kind = 'retained'"
                " AND s.step = 'accrued')",
                "t.amount_fen + 1",
                f"c.step = 'accrued' AND c.kind = 'household' AND t.order_line_id IN {UNTOUCHED}",
            ),
        ),
        {"share_is_never_negative"},
    ),
    "disbursed_was_recognised": (
        (
            moved(
                "t.debit_account_id",
                "t.credit_account_id",
                "t.amount_fen",
                "d.step = 'recognised' AND c.step = 'disbursed' AND d.kind = 'household'",
            ),
        ),
        {"disbursed_was_recognised", "payment_is_accounted_for"},
    ),
    "advance_is_never_negative": (
        (
            moved(
                "t.debit_account_id",
                "t.credit_account_id",
                "10000000",
                "d.step = 'advance' AND d.kind = 'household'",
            ),
        ),
        {"advance_is_never_negative", "payment_is_accounted_for"},
    ),
    "what_is_owed_was_not_paid_ahead": (
        (
            moved("t.credit_account_id", "t.debit_account_id", "t.amount_fen", A_MATCH.format(step="recognised")),
            moved("t.credit_account_id", "t.debit_account_id", "t.amount_fen", A_MATCH.format(step="advance")),
        ),
        {"what_is_owed_was_not_paid_ahead", "fact_posts_once"},
    ),
    "nothing_leaves_before_it_came": (
        (
            f"UPDATE ledger_transfers SET effective_on = DATE '2026-04-28' WHERE entry_id IN {OPEN_ACCRUALS}",
            f"UPDATE ledger_entries SET effective_on = DATE '2026-04-28' WHERE id IN {OPEN_ACCRUALS}",
        ),
        {"nothing_leaves_before_it_came", "sale_counts_with_its_income"},
    ),
    "payment_is_accounted_for": (
        (f"UPDATE payments SET amount_fen = amount_fen + 1 WHERE id = {A_PAYMENT}",),
        {"payment_is_accounted_for"},
    ),
    "purchase_invoice_pays_for_produce": (
        (
            (
                "UPDATE payments SET invoice_number = '26142000000012345678' WHERE id = (SELECT t.payment_id"
                " FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.credit_account_id"
                " WHERE a.kind = 'household' AND a.step = 'disbursed' AND t.mechanism <> 'order_purchase'"
                " ORDER BY t.id LIMIT 1)"
            ),
        ),
        {"purchase_invoice_pays_for_produce"},
    ),
    "recognised_was_paid": (
        ("UPDATE order_lines SET paid_fen = 0 WHERE paid_fen > 0",),
        {"recognised_was_paid", "paid_is_spent_open_or_owed_back"},
    ),
    "disbursement_has_evidence": (("UPDATE disbursements SET evidence = ' '",), {"disbursement_has_evidence"}),
    "disbursement_has_evidence: by no known method": (
        ("UPDATE disbursements SET method = 'barter'",),
        {"disbursement_has_evidence"},
    ),
    "disbursement_has_evidence: by invoices without a number": (
        ("UPDATE disbursements SET method = 'purchase_invoice'",),
        {"disbursement_has_evidence"},
    ),
    "disbursement_has_evidence: without a reference": (
        ("UPDATE payments SET reference = ' '",),
        {"disbursement_has_evidence"},
    ),
    "disbursement_has_evidence: of nothing": ((A_DISBURSEMENT_OF_NOTHING,), {"disbursement_has_evidence"}),
    "evidence_is_what_was_uploaded": (
        ("INSERT INTO vault.evidence_contents VALUES (repeat('0', 64), 'receipt', 7, 'application/pdf')",),
        {"evidence_is_what_was_uploaded"},
    ),
    "listed_payment_was_made: another invoice": (
        (LISTS_OF_ALL_THAT_WAS_PAID, LINES_WITH_ANOTHER_INVOICE),
        {"listed_payment_was_made"},
    ),
    "listed_payment_was_made": (
        (LISTS_OF_ALL_THAT_WAS_PAID, LINES_WITH_A_FEN_TOO_MUCH),
        {"listed_payment_was_made"},
    ),
    "closed_month_keeps_its_balances": (
        ("UPDATE ledger_balances SET balance_fen = balance_fen + 1",),
        {"closed_month_keeps_its_balances"},
    ),
    "rollup_is_the_book": (
        (f"UPDATE report_rollups SET accrued_fen = accrued_fen + 1 WHERE id = {A_ROLLUP}",),
        {"rollup_is_the_book"},
    ),
    "plan_has_its_hash": (
        (f"UPDATE order_lines SET plan_sha256 = 'x' WHERE id = {AN_ACCEPTED_LINE}",),
        {"plan_has_its_hash"},
    ),
    "stock_is_conserved": (("UPDATE lots SET available_milli = available_milli + 1",), {"stock_is_conserved"}),
    "reservations_fill_the_lot": (
        (
            (
                "UPDATE lots SET reserved_milli = reserved_milli + 1, available_milli = available_milli - 1"
                " WHERE available_milli > 0"
            ),
        ),
        {"reservations_fill_the_lot"},
    ),
    "moved_went_somewhere": (
        ("UPDATE lot_inputs SET quantity_milli = quantity_milli + 900",),
        {
            "moved_went_somewhere",
            "lot_is_not_inflated",
            "carried_amount_is_its_part",
            "consigned_goes_on_with_its_quantity",
        },
    ),
    "lot_is_not_inflated": (("UPDATE lots SET bought_in_milli = bought_in_milli + 1",), {"lot_is_not_inflated"}),
    "lot_graph_has_no_circle": (
        (
            (
                "INSERT INTO lot_inputs (lot_id, input_lot_id, quantity_milli, draws)"
                " SELECT input_lot_id, lot_id, 0, 0 FROM lot_inputs"
            ),
        ),
        {"lot_graph_has_no_circle"},
    ),
    "lot_is_covered": (
        ("UPDATE lots SET loss_milli = quantity_milli + bought_in_milli + 1000000",),
        {"lot_is_covered"},
    ),
    "dead_order_holds_nothing": (
        (f"UPDATE orders SET status = 'expired' WHERE id = {A_PLACED_ORDER}",),
        {"dead_order_holds_nothing"},
    ),
    "line_holds_its_stock": (
        (f"UPDATE orders SET status = 'shipped' WHERE id = {A_PLACED_ORDER}",),
        {"line_holds_its_stock"},
    ),
    "line_says_what_was_found": (
        ("UPDATE acceptance_lines SET accepted_fen = accepted_fen + 1",),
        {"line_says_what_was_found"},
    ),
    "sale_counts_with_its_income": (
        ("UPDATE acceptance_lines SET counts_on = counts_on + 1",),
        {"sale_counts_with_its_income"},
    ),
    "sale_counts_with_its_income: a return": (
        ("UPDATE return_lines SET counts_on = counts_on + 1 WHERE resaleable IS NOT NULL",),
        {"sale_counts_with_its_income"},
    ),
    "sale_counts_with_its_income: a price cut": (
        ("UPDATE return_lines SET counts_on = counts_on + 1 WHERE resaleable IS NULL",),
        {"sale_counts_with_its_income"},
    ),
    "amount_follows_from_price": (
        ("UPDATE order_lines SET unit_price_fen = unit_price_fen + 1",),
        {"amount_follows_from_price"},
    ),
    "order_sums_its_lines": (("UPDATE orders SET amount_fen = amount_fen + 1",), {"order_sums_its_lines"}),
    "order_has_what_receipts_brought": (
        ("UPDATE orders SET paid_fen = paid_fen + 1, captured_fen = captured_fen + 1",),
        {
            "order_has_what_receipts_brought",
            "order_is_settled_by_its_items",
            "paid_is_spent_open_or_owed_back",
            "buyers_money_is_where_its_facts_put_it",
            "supplier_is_owed_what_it_earned_and_had_not",
            "supplier_has_what_buyers_paid_it",
        },
    ),
    "paid_is_spent_open_or_owed_back": (
        (
            (
                "UPDATE order_lines SET paid_fen = paid_fen + 1 WHERE id IN"
                " (SELECT l.id FROM order_lines l JOIN orders o ON o.id = l.order_id"
                " WHERE o.paid_fen = l.paid_fen AND l.paid_fen BETWEEN 1 AND l.accepted_fen - 1)"
            ),
        ),
        {"paid_is_spent_open_or_owed_back"},
    ),
    "recognised_after_the_money": (
        ("UPDATE receipts SET counts_on = counts_on + 40",),
        {"recognised_after_the_money"},
    ),
    "receipt_is_matched_whole": (
        ("UPDATE receipts SET amount_fen = amount_fen + 1 WHERE bank_line_id IS NULL",),
        {"receipt_is_matched_whole"},
    ),
    "price_is_within_the_evidence": (
        ("UPDATE price_tiers SET price_fen = (SELECT max(price_ceiling_fen) + 1 FROM certificates)",),
        {"price_is_within_the_evidence"},
    ),
    "head_count_is_the_last": (("UPDATE households SET head_count = head_count % 30 + 1",), {"head_count_is_the_last"}),
    "one_baseline_is_in_force": ((TWO_BASELINES,), {"one_baseline_is_in_force"}),
    "part_keeps_its_certificate": ((ANOTHERS_CERTIFICATE,), {"part_keeps_its_certificate"}),
    "certificate_held_on_the_day": (
        ("UPDATE certificates SET valid_from = DATE '2026-03-03'",),
        {"certificate_held_on_the_day"},
    ),
}
