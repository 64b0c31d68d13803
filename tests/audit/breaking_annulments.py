"""How the invariants of annulments are broken behind the guards, and what the doctor then names."""

from tests.audit.spoiling import GIVEN_AND_UNSOLD

_ANNULLED = """
    (SELECT e.id FROM ledger_entries e JOIN annulments n
         ON e.source = concat('annulment:', n.id) AND n.distribution_id IS NOT NULL)
"""
_OFF = f"""
    (SELECT t.id FROM ledger_transfers t
       JOIN ledger_accounts d ON d.id = t.debit_account_id AND d.kind = 'household' AND d.step = 'recognised'
      WHERE t.entry_id = {_ANNULLED} ORDER BY t.id LIMIT 1)
"""
_BACK = f"""
    (SELECT t.id FROM ledger_transfers t JOIN ledger_accounts c ON c.id = t.credit_account_id AND c.kind = 'retained'
      WHERE t.entry_id = {_ANNULLED} ORDER BY t.id LIMIT 1)
"""

_TRUE = """
    (SELECT t.id FROM contributions f JOIN contributions t ON t.lot_id = f.lot_id AND t.annulment_id IS NULL
      WHERE f.annulment_id IS NOT NULL AND f.carried_from IS NULL)
"""
_ANOTHER_ANNULMENT = f"""
    INSERT INTO annulments (id, contribution_id, supplier_id, reason, evidence, status, made_by, made_at, decided_by,
                            decided_at, approval_id)
    SELECT gen_random_uuid(), {_TRUE}, supplier_id, reason, evidence, status, made_by, made_at, decided_by, decided_at,
           gen_random_uuid()
      FROM annulments WHERE contribution_id IS NOT NULL
"""
_OF_ALL_THAT_IT_GAVE = """
    UPDATE contributions c SET annulment_id = n.id FROM annulments n JOIN contributions o ON o.id = n.contribution_id
     WHERE o.annulment_id IS NULL AND o.id IN (c.id, c.carried_from)
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
    "annulled_with_all_that_came_from_it": (
        ("UPDATE contributions SET annulment_id = NULL WHERE annulment_id IS NOT NULL AND carried_from IS NOT NULL",),
        {"annulled_with_all_that_came_from_it"},
    ),
    "annulled_with_all_that_came_from_it: and another's": (
        (
            (
                "UPDATE contributions SET annulment_id = (SELECT id FROM annulments WHERE contribution_id IS NOT NULL)"
                f" WHERE id = {GIVEN_AND_UNSOLD}"
            ),
        ),
        {"annulled_with_all_that_came_from_it"},
    ),
    "annulled_with_all_that_came_from_it: by nobody's word": (
        (
            (
                "UPDATE contributions SET annulment_id = (SELECT id FROM annulments WHERE distribution_id IS NOT NULL)"
                f" WHERE id = {GIVEN_AND_UNSOLD}"
            ),
        ),
        {"annulled_with_all_that_came_from_it"},
    ),
    "annulled_with_all_that_came_from_it: a part alone": (
        (
            (
                "UPDATE annulments SET contribution_id = (SELECT id FROM contributions"
                " WHERE annulment_id IS NOT NULL AND carried_from IS NOT NULL) WHERE contribution_id IS NOT NULL"
            ),
            "UPDATE contributions SET annulment_id = NULL WHERE annulment_id IS NOT NULL AND carried_from IS NULL",
        ),
        {"annulled_with_all_that_came_from_it", "carry_is_what_is_left"},
    ),
    "of_what_was_annulled_nothing_stands": (
        (_ANOTHER_ANNULMENT, _OF_ALL_THAT_IT_GAVE),
        {"of_what_was_annulled_nothing_stands"},
    ),
}
