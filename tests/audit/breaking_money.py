"""How the invariants of money on its way are broken behind the guards, and what the doctor then names."""

from tests.audit.spoiling import (
    HELD_FOR_AN_ENDED_ORDER,
    OWED_OF_AN_ORDER,
    RECORDED_AND_TOLD,
    TWO_SUPPLIERS,
    TWO_THAT_OWE,
    cash_account,
    cash_moved,
    with_cash_account,
)

MONEY: dict[str, tuple[tuple[str, ...], set[str]]] = {
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
}
