"""How each invariant is broken behind the guards, and what the doctor then names."""

from tests.audit.spoiling import (
    A_PAYMENT,
    A_PLACED_ORDER,
    A_ROLLUP,
    A_TRANSFER_ASKED_BACK,
    A_YEAR_SHARED_OUT_AGAIN,
    ACCOUNTS_CLOSED_LONG_AGO,
    AN_ACCEPTED_LINE,
    ANOTHERS_CERTIFICATE,
    CLERKS_WHO_LEFT_NO_ACT,
    FAILED_BY_WHO_SENT,
    FIRST,
    GIVEN_ON_IN_JANUARY,
    HELD_FOR_AN_ENDED_ORDER,
    IN_BEFORE_THE_ADMISSION,
    LINES_WITH_A_FEN_TOO_MUCH,
    LISTS_OF_ALL_THAT_WAS_PAID,
    LISTS_THAT_HOLD_LATER,
    ONE_LISTED_TOO_MANY,
    ONE_TRANSFER,
    OPEN_ACCRUALS,
    OWED_OF_AN_ORDER,
    PAID_BY_WHO_APPROVED,
    RECORDED_AND_TOLD,
    RESERVES_OF_99_PERCENT,
    RESULTS_BY_WHO_ASKED,
    SENT_BY_WHO_APPROVED,
    SOLD_OUT,
    TWO_BASELINES,
    TWO_SUPPLIERS,
    TWO_THAT_OWE,
    UNTOUCHED,
    cash_account,
    cash_moved,
    moved,
    with_cash_account,
)

BREAKING: dict[str, tuple[tuple[str, ...], set[str]]] = {
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
    "who_acts_was_admitted": (IN_BEFORE_THE_ADMISSION, {"who_acts_was_admitted"}),
    "account_was_confirmed": (
        ("UPDATE bank_accounts SET confirmed_by = NULL, confirmed_at = NULL",),
        {"account_was_confirmed"},
    ),
    "closed_account_was_not_used": ((ACCOUNTS_CLOSED_LONG_AGO,), {"closed_account_was_not_used"}),
    "refund_was_paid_by_anothers_word": ((PAID_BY_WHO_APPROVED,), {"refund_was_paid_by_anothers_word"}),
    "refund_to_another_was_sent_by_another": (SENT_BY_WHO_APPROVED, {"refund_to_another_was_sent_by_another"}),
    "settlement_failed_by_anothers_word": ((FAILED_BY_WHO_SENT,), {"settlement_failed_by_anothers_word"}),
    "transfer_was_taken_back_by_two": ((A_TRANSFER_ASKED_BACK,), {"transfer_was_taken_back_by_two"}),
    "list_was_in_force": ((LISTS_THAT_HOLD_LATER,), {"list_was_in_force"}),
    "reserve_was_approved": ((RESERVES_OF_99_PERCENT,), {"reserve_was_approved"}),
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
    "nothing_leaves_before_it_came": (
        (
            f"UPDATE ledger_transfers SET effective_on = DATE '2026-04-28' WHERE entry_id IN {OPEN_ACCRUALS}",
            f"UPDATE ledger_entries SET effective_on = DATE '2026-04-28' WHERE id IN {OPEN_ACCRUALS}",
        ),
        {"nothing_leaves_before_it_came"},
    ),
    "contribution_releases_at_most_itself": (
        (
            (
                f"UPDATE contributions SET amount_fen = amount_fen - 1 WHERE lot_id = {SOLD_OUT}"
                f" AND id = (SELECT min(id::text)::uuid FROM contributions WHERE lot_id = {SOLD_OUT})"
            ),
        ),
        {"contribution_releases_at_most_itself", "sold_out_lot_releases_all", "carry_is_what_is_left"},
    ),
    "sold_out_lot_releases_all": (
        (f"UPDATE contributions SET amount_fen = amount_fen + 1 WHERE lot_id = {SOLD_OUT}",),
        {"sold_out_lot_releases_all", "carry_is_what_is_left"},
    ),
    "carry_is_what_is_left": (("UPDATE release_carries SET fen = fen + 1",), {"carry_is_what_is_left"}),
    "payment_is_accounted_for": (
        (f"UPDATE payments SET amount_fen = amount_fen + 1 WHERE id = {A_PAYMENT}",),
        {"payment_is_accounted_for"},
    ),
    "recognised_was_paid": (
        ("UPDATE order_lines SET paid_fen = 0 WHERE paid_fen > 0",),
        {"recognised_was_paid", "paid_is_spent_open_or_owed_back"},
    ),
    "disbursement_has_evidence": (("UPDATE disbursements SET evidence = ' '",), {"disbursement_has_evidence"}),
    "evidence_is_what_was_uploaded": (
        ("INSERT INTO evidence_contents VALUES (repeat('0', 64), 'receipt', 7, 'application/pdf')",),
        {"evidence_is_what_was_uploaded"},
    ),
    "cash_was_countersigned": (
        ("UPDATE disbursements SET method = 'cash', countersigned_by = made_by",),
        {"cash_was_countersigned"},
    ),
    "listed_payment_was_made": (
        (LISTS_OF_ALL_THAT_WAS_PAID, LINES_WITH_A_FEN_TOO_MUCH),
        {"listed_payment_was_made"},
    ),
    "reversal_names_who_acted": (
        ("UPDATE payments SET reversed_at = now() WHERE confirmed_at IS NULL",),
        {"reversal_names_who_acted", "payment_is_accounted_for", "collective_gave_on_or_holds"},
    ),
    "confirmation_names_who_acted": (("DELETE FROM confirmed_payments",), {"confirmation_names_who_acted"}),
    "clerk_acts_on_record": ((CLERKS_WHO_LEFT_NO_ACT,), {"clerk_acts_on_record"}),
    "result_is_told_by_another": ((LISTS_OF_ALL_THAT_WAS_PAID, RESULTS_BY_WHO_ASKED), {"result_is_told_by_another"}),
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
        ("UPDATE lot_inputs SET quantity_milli = quantity_milli + 1",),
        {"moved_went_somewhere", "lot_is_not_inflated"},
    ),
    "lot_is_not_inflated": (("UPDATE lots SET bought_in_milli = bought_in_milli + 1",), {"lot_is_not_inflated"}),
    "carried_measure_is_what_moved": (
        ("UPDATE contributions SET measure_milli = measure_milli + 1 WHERE carried_from IS NOT NULL",),
        {"carried_measure_is_what_moved"},
    ),
    "carried_came_with_its_lot": (
        ("UPDATE contributions SET unit_price_fen = unit_price_fen + 1 WHERE carried_from IS NOT NULL",),
        {"carried_came_with_its_lot"},
    ),
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
        ("UPDATE receipts SET received_on = received_on + 40",),
        {"recognised_after_the_money"},
    ),
    "receipt_is_matched_whole": (
        ("UPDATE receipts SET amount_fen = amount_fen + 1 WHERE bank_line_id IS NULL",),
        {"receipt_is_matched_whole"},
    ),
    "maker_is_not_checker": (("UPDATE plan_versions SET made_by = decided_by",), {"maker_is_not_checker"}),
    "consigned_goes_on_with_its_quantity": (
        ("UPDATE contributions SET measure_milli = 9 * measure_milli WHERE proceeds_bp > 0 AND carried_from < id",),
        {"consigned_goes_on_with_its_quantity"},
    ),
    "contribution_follows_its_plan": (
        (
            (
                "UPDATE plan_versions SET body = body || jsonb_build_object('terms', jsonb_build_array("
                "jsonb_build_object('mechanism', 'order_purchase', 'pricing', 'floor', 'least_fen', 99999)))"
            ),
        ),
        {"contribution_follows_its_plan", "plan_has_its_hash"},
    ),
    "price_is_within_the_evidence": (
        ("UPDATE price_tiers SET price_fen = (SELECT max(price_ceiling_fen) + 1 FROM certificates)",),
        {"price_is_within_the_evidence"},
    ),
    "buyers_money_is_where_its_facts_put_it": (
        (cash_moved(*TWO_THAT_OWE),),
        {"buyers_money_is_where_its_facts_put_it"},
    ),
    "supplier_is_owed_what_it_earned_and_had_not": (
        (with_cash_account("dispute_loss"), cash_moved(cash_account("dispute_loss"), OWED_OF_AN_ORDER)),
        {"supplier_is_owed_what_it_earned_and_had_not"},
    ),
    "supplier_has_what_buyers_paid_it": (
        (cash_moved(*TWO_SUPPLIERS),),
        {"supplier_has_what_buyers_paid_it"},
    ),
    "ended_order_holds_nothing": (
        (with_cash_account("dispute_loss"), cash_moved(cash_account("dispute_loss"), HELD_FOR_AN_ENDED_ORDER)),
        {"ended_order_holds_nothing", "buyers_money_is_where_its_facts_put_it"},
    ),
    "custody_has_what_its_bank_says": (
        ("UPDATE bank_lines SET booked_on = booked_on + 1 WHERE amount_fen = 777",),
        {"custody_has_what_its_bank_says"},
    ),
    "what_is_open_of_a_line_is_unmatched": (
        ("UPDATE bank_lines SET open_fen = open_fen - 1 WHERE amount_fen = 777",),
        {"what_is_open_of_a_line_is_unmatched", "a_line_pays_what_it_brought", "what_must_clear_is_explained"},
    ),
    "a_line_pays_what_it_brought": (
        (
            (
                "UPDATE receipts SET bank_line_id = (SELECT id FROM bank_lines WHERE amount_fen = 777)"
                " WHERE supplier_id IS NULL"
            ),
        ),
        {"a_line_pays_what_it_brought", "captured_payment_brought_its_parts"},
    ),
    "a_reference_counts_once": (RECORDED_AND_TOLD, {"a_reference_counts_once"}),
    "order_is_settled_by_its_items": (
        ("UPDATE settlement_items SET fee_fen = fee_fen + 1",),
        {"order_is_settled_by_its_items"},
    ),
    "refunded_is_what_refunds_sent": (
        ("UPDATE orders SET refunded_fen = refunded_fen - 1 WHERE refunded_fen > 0",),
        {"refunded_is_what_refunds_sent", "buyers_money_is_where_its_facts_put_it"},
    ),
    "refund_stands_where_its_steps_led": (
        ("UPDATE refunds SET status = 'approved' WHERE status = 'succeeded' AND route = 'provider'",),
        {"refund_stands_where_its_steps_led"},
    ),
    "no_more_goes_back_than_came": (
        ("UPDATE receipt_allocations SET amount_fen = 1 WHERE id IN (SELECT allocation_id FROM refunds)",),
        {"no_more_goes_back_than_came", "order_has_what_receipts_brought", "receipt_is_matched_whole"},
    ),
    "refund_goes_to_the_order_that_paid": (
        ("UPDATE refunds SET order_id = (SELECT max(id::text)::uuid FROM orders WHERE refunded_fen = 0)",),
        {"refund_goes_to_the_order_that_paid", "refunded_is_what_refunds_sent"},
    ),
    "settlement_stands_where_its_steps_led": (
        ("UPDATE settlement_changes SET status = 'failed' WHERE event = 'return'",),
        {"settlement_stands_where_its_steps_led"},
    ),
    "nothing_contested_is_settled": (
        ("UPDATE disputes SET ended_on = ended_on + 400",),
        {"nothing_contested_is_settled"},
    ),
    "what_must_clear_is_explained": (
        ("UPDATE settlements SET status = 'approved' WHERE status = 'instructed'",),
        {"what_must_clear_is_explained", "settlement_stands_where_its_steps_led"},
    ),
    "captured_payment_brought_its_parts": (
        ("UPDATE online_payments SET amount_fen = amount_fen + 1",),
        {"captured_payment_brought_its_parts"},
    ),
    "cash_account_stands_on_its_side": (
        (
            with_cash_account("dispute_loss"),
            with_cash_account("platform_fee"),
            cash_moved(cash_account("platform_fee"), cash_account("dispute_loss")),
        ),
        {"cash_account_stands_on_its_side"},
    ),
    "head_count_is_the_last": (("UPDATE households SET head_count = head_count % 30 + 1",), {"head_count_is_the_last"}),
    "one_baseline_is_in_force": ((TWO_BASELINES,), {"one_baseline_is_in_force"}),
    "part_keeps_its_certificate": ((ANOTHERS_CERTIFICATE,), {"part_keeps_its_certificate"}),
    "certificate_held_on_the_day": (
        ("UPDATE certificates SET valid_from = DATE '2026-03-03'",),
        {"certificate_held_on_the_day"},
    ),
}
