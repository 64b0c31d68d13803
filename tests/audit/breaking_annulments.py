"""How the invariants of annulments are broken behind the guards, and what the doctor then names."""

_ANNULLED = "(SELECT id FROM ledger_entries WHERE reason = 'annulment')"
_OFF = f"""
    (SELECT t.id FROM ledger_transfers t
       JOIN ledger_accounts d ON d.id = t.debit_account_id AND d.kind = 'household' AND d.step = 'recognised'
      WHERE t.entry_id = {_ANNULLED} ORDER BY t.id LIMIT 1)
"""
_BACK = f"""
    (SELECT t.id FROM ledger_transfers t JOIN ledger_accounts c ON c.id = t.credit_account_id AND c.kind = 'retained'
      WHERE t.entry_id = {_ANNULLED} ORDER BY t.id LIMIT 1)
"""

_NO_MONTHS = tuple(
    f"DELETE FROM {table}" for table in ("report_rollups", "report_months", "ledger_balances", "ledger_periods")
)

ANNULMENTS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "annulment_is_posted_once": (
        ("UPDATE distributions SET status = 'approved' WHERE status = 'annulled'",),
        {"annulment_is_posted_once"},
    ),
    "annulment_is_posted_once: what nobody annulled": (
        (
            (
                "UPDATE distributions SET status = 'annulled' WHERE id ="
                " (SELECT id FROM distributions WHERE status = 'approved' AND remainder_of IS NULL LIMIT 1)"
            ),
        ),
        {"annulment_is_posted_once"},
    ),
    "annulment_is_posted_once: an entry of nothing": (
        (f"UPDATE ledger_entries SET source = 'annulment:' || gen_random_uuid() WHERE id = {_ANNULLED}",),
        {"annulment_is_posted_once"},
    ),
    "annulment_is_posted_once: no entry": (
        (
            f"DELETE FROM ledger_transfers WHERE entry_id = {_ANNULLED}",
            f"DELETE FROM ledger_entries WHERE id = {_ANNULLED}",
            *_NO_MONTHS,
        ),
        {"annulment_is_posted_once"},
    ),
    "annulment_takes_what_was_given": (
        (
            f"UPDATE ledger_transfers SET amount_fen = amount_fen + 1 WHERE id IN ({_OFF}, {_BACK})",
            f"UPDATE ledger_entries SET total_fen = total_fen + 2 WHERE id = {_ANNULLED}",
            *_NO_MONTHS,
        ),
        {"annulment_takes_what_was_given", "disbursed_was_recognised"},
    ),
    "annulment_takes_what_was_given: and gives back less": (
        (
            f"UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {_BACK}",
            f"UPDATE ledger_entries SET total_fen = total_fen - 1 WHERE id = {_ANNULLED}",
            *_NO_MONTHS,
        ),
        {"annulment_takes_what_was_given", "line_is_conserved"},
    ),
}
