"""How the invariants of who acts are broken behind the guards, and what the doctor then names."""

from tests.audit.spoiling import (
    A_TRANSFER_ASKED_BACK,
    ACCOUNTS_CLOSED_LONG_AGO,
    CLERKS_NO_MORE,
    CLERKS_WHO_LEFT_NO_ACT,
    CODES_THAT_LEFT_NO_ACT,
    FAILED_BY_WHO_SENT,
    IN_BEFORE_THE_ADMISSION,
    LISTS_OF_ALL_THAT_WAS_PAID,
    PAID_BY_WHO_APPROVED,
    REFUND_FAILED_BY_A_MEMBER,
    REFUND_FILE_BY_A_MEMBER,
    REFUND_SENT_BY_A_MEMBER,
    RESULTS_BY_WHO_ASKED,
    SENT_BY_WHO_APPROVED,
)

PERSONS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "who_acts_was_admitted": (IN_BEFORE_THE_ADMISSION, {"who_acts_was_admitted"}),
    "account_was_confirmed": (
        ("UPDATE bank_accounts SET confirmed_by = NULL, confirmed_at = NULL",),
        {"account_was_confirmed"},
    ),
    "closed_account_was_not_used": ((ACCOUNTS_CLOSED_LONG_AGO,), {"closed_account_was_not_used"}),
    "refund_was_paid_by_anothers_word": ((PAID_BY_WHO_APPROVED,), {"refund_was_paid_by_anothers_word"}),
    "refund_to_another_was_sent_by_another": (SENT_BY_WHO_APPROVED, {"refund_to_another_was_sent_by_another"}),
    "refund_failed_by_anothers_word": (
        (REFUND_SENT_BY_A_MEMBER, REFUND_FAILED_BY_A_MEMBER),
        {"refund_failed_by_anothers_word"},
    ),
    "refund_failed_by_anothers_word: by who wrote the file": (
        (REFUND_FILE_BY_A_MEMBER, REFUND_FAILED_BY_A_MEMBER),
        {"refund_failed_by_anothers_word"},
    ),
    "settlement_failed_by_anothers_word": ((FAILED_BY_WHO_SENT,), {"settlement_failed_by_anothers_word"}),
    "price_cut_was_taken_by_its_buyer": (
        (
            (
                "UPDATE price_cuts p SET decided_by ="
                " (SELECT m.id FROM members m JOIN orders o ON o.id = p.order_id"
                "   WHERE m.organisation_id NOT IN (o.supplier_id, o.buyer_id) ORDER BY m.id LIMIT 1)"
            ),
            "UPDATE returns r SET returned_by = p.decided_by FROM price_cuts p WHERE p.id = r.price_cut_id",
        ),
        {"price_cut_was_taken_by_its_buyer"},
    ),
    "price_cut_was_taken_by_its_buyer: but by its supplier": (
        (
            "UPDATE price_cuts SET decided_by = offered_by",
            "UPDATE returns r SET returned_by = p.decided_by FROM price_cuts p WHERE p.id = r.price_cut_id",
        ),
        {"price_cut_was_taken_by_its_buyer"},
    ),
    "price_cut_is_what_was_agreed": (
        ("UPDATE price_cut_lines SET amount_fen = amount_fen + 1",),
        {"price_cut_is_what_was_agreed"},
    ),
    "price_cut_is_what_was_agreed: nobody took it": (
        ("UPDATE price_cuts SET status = 'offered', decided_by = NULL, decided_at = NULL",),
        {"price_cut_is_what_was_agreed"},
    ),
    "transfer_was_taken_back_by_two": ((A_TRANSFER_ASKED_BACK,), {"transfer_was_taken_back_by_two"}),
    "cash_was_countersigned": (
        ("UPDATE disbursements SET method = 'cash', countersigned_by = made_by",),
        {"cash_was_countersigned"},
    ),
    "reversal_names_who_acted": (
        ("UPDATE payments SET reversed_at = now() WHERE confirmed_at IS NULL",),
        {"reversal_names_who_acted", "payment_is_accounted_for", "collective_gave_on_or_holds"},
    ),
    "confirmation_names_who_acted": (("DELETE FROM confirmed_payments",), {"confirmation_names_who_acted"}),
    "clerk_acts_on_record": ((CLERKS_WHO_LEFT_NO_ACT,), {"clerk_acts_on_record"}),
    "clerk_acts_on_record: of a code": ((CODES_THAT_LEFT_NO_ACT,), {"clerk_acts_on_record"}),
    "clerk_acts_on_record: by who is no clerk any more": (
        (CLERKS_WHO_LEFT_NO_ACT, CLERKS_NO_MORE),
        {"clerk_acts_on_record"},
    ),
    "clerk_acts_on_record: of a code by who is no clerk any more": (
        (CODES_THAT_LEFT_NO_ACT, CLERKS_NO_MORE),
        {"clerk_acts_on_record"},
    ),
    "result_is_told_by_another": ((LISTS_OF_ALL_THAT_WAS_PAID, RESULTS_BY_WHO_ASKED), {"result_is_told_by_another"}),
    "product_follows_the_plan_it_was_reviewed_with": (
        (
            (
                "UPDATE products p SET plan_id ="
                " (SELECT o.id FROM plans o WHERE o.id <> p.plan_id ORDER BY o.id LIMIT 1)"
                " WHERE id = (SELECT id FROM products ORDER BY id LIMIT 1)"
            ),
        ),
        {"product_follows_the_plan_it_was_reviewed_with"},
    ),
    "plan_was_simulated": (
        ("UPDATE plan_simulations SET version_status = 'draft'",),
        {"plan_was_simulated"},
    ),
    "plan_was_simulated: after it was approved": (
        ("UPDATE plan_simulations SET made_at = made_at + interval '100 years'",),
        {"plan_was_simulated"},
    ),
    "maker_is_not_checker": (("UPDATE plan_versions SET made_by = decided_by",), {"maker_is_not_checker"}),
}
