"""Which rows are spoiled to see what the doctor says, and how a transfer is forged."""

UNTOUCHED = "(SELECT id FROM order_lines WHERE accepted_fen > 0 AND paid_fen = 0 AND returned_fen = 0)"
ONE_TRANSFER = f"""
    (SELECT t.entry_id, t.position FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.credit_account_id
      WHERE a.kind = 'retained' AND a.step = 'accrued' AND t.amount_fen > 100 AND t.order_line_id IN {UNTOUCHED}
      ORDER BY t.id LIMIT 1)
"""
FIRST = "(SELECT min(source) FROM ledger_entries)"
AN_ACCEPTED_LINE = "(SELECT id FROM order_lines WHERE accepted_milli > 1000 AND returned_milli = 0 ORDER BY id LIMIT 1)"
A_PLACED_ORDER = "(SELECT id FROM orders WHERE status = 'placed' ORDER BY id DESC LIMIT 1)"
SOLD_OUT = "(SELECT id FROM lots WHERE accepted_milli = quantity_milli ORDER BY id LIMIT 1)"
_UNSOLD = """
    (SELECT c.id FROM contributions c JOIN lots l ON l.id = c.lot_id
      WHERE l.draws = 0 AND l.status = 'open' AND c.amount_fen > 100 AND c.carried_from IS {} ORDER BY c.id LIMIT 1)
"""
GIVEN_AND_UNSOLD, A_PART_UNSOLD = _UNSOLD.format("NULL"), _UNSOLD.format("NOT NULL")
OPEN_ACCRUALS = """
    (SELECT id FROM ledger_entries WHERE reason = 'accrual'
        AND effective_on >= (SELECT max(month) + interval '1 month' FROM ledger_periods))
"""
FAILED_BY_WHO_SENT = (
    "UPDATE settlement_changes f SET event = 'fail', changed_by = s.changed_by FROM settlement_changes s"
    " WHERE s.settlement_id = f.settlement_id AND s.event = 'instruct' AND f.event = 'confirm'"
)
_BY_WHO_APPROVED = (
    "UPDATE refund_changes c SET changed_by = r.decided_by FROM refunds r WHERE r.id = c.refund_id AND c.event = "
)
PAID_BY_WHO_APPROVED = f"{_BY_WHO_APPROVED} 'succeed'"
SENT_BY_WHO_APPROVED = ("UPDATE refunds SET goes_to_payer = false", f"{_BY_WHO_APPROVED} 'send'")
_SENDER = "(SELECT decided_by FROM refunds LIMIT 1)"
REFUND_SENT_BY_A_MEMBER = f"UPDATE refund_changes SET changed_by = {_SENDER} WHERE event = 'send'"
REFUND_FAILED_BY_A_MEMBER = f"""
    INSERT INTO refund_changes (id, refund_id, event, status, away_fen, counts_on, changed_by, changed_at)
    SELECT CAST('ffffffff-0000-7000-8000-000000000000' AS uuid), id, 'fail', status, 0, succeeded_on, {_SENDER}, seen_at
      FROM refunds
"""
REFUND_FILE_BY_A_MEMBER = f"""
    WITH written AS (
      INSERT INTO refund_files (id, number, account_id, form, refund_count, amount_fen, content, made_by, made_at)
      SELECT r.id, 'RF1', a.id, 'csv', 1, r.amount_fen, '', {_SENDER}, r.seen_at
        FROM refunds r, (SELECT id FROM bank_accounts LIMIT 1) a RETURNING id)
    UPDATE refunds r SET file_id = w.id FROM written w WHERE w.id = r.id
"""
A_TRANSFER_ASKED_BACK = (
    "INSERT INTO provider_calls (id, operation, subject_id, attempt, params, status, made_at, next_at)"
    " SELECT gen_random_uuid(), 'reverse_transfer', subject_id, 1, params, 'parked', made_at, next_at"
    " FROM provider_calls WHERE operation = 'transfer'"
)
A_ROLLUP = "(SELECT min(id) FROM report_rollups)"
A_PAYMENT = "(SELECT id FROM payments ORDER BY id LIMIT 1)"
LISTS_OF_ALL_THAT_WAS_PAID = """
    INSERT INTO pay_lists (id, supplier_id, method, status, evidence, made_by, made_at)
    SELECT id, supplier_id, 'bank_transfer', 'settled', evidence, made_by, made_at FROM disbursements
"""
CLERKS_WHO_LEFT_NO_ACT = "DELETE FROM proxy_acts WHERE deed = 'payment_confirmed'"
CODES_THAT_LEFT_NO_ACT = "DELETE FROM proxy_acts WHERE deed = 'confirmation_code_printed'"
CLERKS_NO_MORE = "UPDATE members SET role = 'auditor' WHERE role = 'village_clerk'"
RESULTS_BY_WHO_ASKED = """
    INSERT INTO bank_results (pay_list_id, file_sha256, answer, imported_by, imported_at)
    SELECT id, repeat('0', 64), '{}', made_by, made_at FROM pay_lists
"""
ACCOUNTS_CLOSED_LONG_AGO = """
    UPDATE bank_accounts SET closed_by = opened_by, closed_at = opened_at, closing_reason = '销户'
     WHERE purpose IN ('custody', 'own')
"""
IN_BEFORE_THE_ADMISSION = (
    "UPDATE members SET admitted_at = added_at + interval '1 day'",
    """
    INSERT INTO credentials (id, member_id, secret_hash, created_at, expires_at)
    SELECT gen_random_uuid(), id, 'x', added_at + interval '1 hour', now() FROM members ORDER BY id LIMIT 1
    """,
)
_TWO_BY_HAND = """
    (SELECT h.supplier_id, h.reference_key, t.* FROM receipts h JOIN receipts t USING (supplier_id)
      WHERE h.id < t.id AND num_nulls(h.bank_line_id, t.bank_line_id) = 2 AND abs(h.received_on - t.received_on) < 3
      ORDER BY h.id, t.id LIMIT 1) AS two (owner_id, key, id)
"""
RECORDED_AND_TOLD = (
    f"""
    INSERT INTO bank_accounts (id, organisation_id, purpose, holder, bank_name, bank_code, number, number_key,
                               opened_by, opened_at)
    SELECT id, owner_id, 'own', '', '', '', '', 'ANOTHER', recorded_by, recorded_at FROM {_TWO_BY_HAND}
    """,
    f"""
    INSERT INTO bank_lines (id, bank_account_id, line_key, booked_on, amount_fen, counterparty_name,
                            counterparty_account, bank_reference, payment_reference, remark, open_fen)
    SELECT id, id, '', received_on, amount_fen, '', '', key, '', '', 0 FROM {_TWO_BY_HAND}
    """,
    "UPDATE receipts r SET bank_line_id = l.id, reference_key = l.bank_reference FROM bank_lines l WHERE l.id = r.id",
)
_LISTED = """
    INSERT INTO pay_list_lines (id, pay_list_id, supplier_id, position, household_id, collective_id, contribution_id,
                                amount_fen, reference, reference_key, invoice_number, status, payment_id)
    SELECT id, disbursement_id, supplier_id, 0, household_id, collective_id, contribution_id, {}, reference,
           reference_key, {}, 'paid', id
      FROM payments
"""
LINES_WITH_A_FEN_TOO_MUCH = _LISTED.format("amount_fen + 1", "invoice_number")
LINES_WITH_ANOTHER_INVOICE = _LISTED.format(
    "amount_fen", "CASE WHEN household_id IS NOT NULL THEN coalesce(invoice_number, '') || repeat('7', 20) END"
)
A_DISBURSEMENT_OF_NOTHING = """
    INSERT INTO disbursements (id, supplier_id, paid_on, method, evidence, made_by, made_at)
    SELECT gen_random_uuid(), supplier_id, paid_on, method, evidence, made_by, made_at FROM disbursements LIMIT 1
"""


ANOTHERS_CERTIFICATE = """
    UPDATE lots SET quality_certificate = 'HGZ-9', quality_certificate_key = 'HGZ9',
                    certified_lot_id = (SELECT max(id::text)::uuid FROM lots)
     WHERE id = (SELECT min(id::text)::uuid FROM lots)
"""
TWO_BASELINES = """
    INSERT INTO household_baselines (id, household_id, figure, amount_fen, period_from, period_to, source, status,
                                     stated_by, stated_at, decided_by, decided_at)
    SELECT gen_random_uuid(), (SELECT id FROM households LIMIT 1), 'net', 1, begin, begin + 364, '采集表', 'confirmed',
           (SELECT min(id::text)::uuid FROM members), now(), (SELECT max(id::text)::uuid FROM members), now()
      FROM (VALUES (DATE '2024-01-01'), (DATE '2024-02-01')) AS v (begin)
"""


def carries_of_a_part(fen: int) -> str:
    """Return a statement by which what a lot took of a contribution seems to have been rounded by some fen."""
    return f"""
        INSERT INTO release_carries (contribution_id, fen)
        SELECT carried_from, {fen} FROM contributions WHERE id = {A_PART_UNSOLD}
    """


_OWING = """
    (SELECT a.id FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.debit_account_id, t.credit_account_id)
      WHERE a.kind = 'buyer_receivable' GROUP BY a.id
     HAVING sum(CASE WHEN t.debit_account_id = a.id THEN t.amount_fen ELSE -t.amount_fen END) > 1
      ORDER BY a.id {} LIMIT 1)
"""
TWO_THAT_OWE = (_OWING.format("ASC"), _OWING.format("DESC"))
TWO_SUPPLIERS = tuple(
    f"(SELECT {which}(id) FROM ledger_accounts WHERE kind = 'supplier_account')" for which in ("min", "max")
)
HELD_FOR_AN_ENDED_ORDER = """
    (SELECT a.id FROM ledger_accounts a JOIN orders o ON o.id = a.owner_id
      WHERE a.kind = 'held' AND o.status = 'accepted' ORDER BY a.id LIMIT 1)
"""
OWED_OF_AN_ORDER = "(SELECT min(id) FROM ledger_accounts WHERE kind = 'supplier_payable')"


def cash_account(kind: str) -> str:
    """Return the id of the platform's account of a kind."""
    return f"(SELECT id FROM ledger_accounts WHERE kind = '{kind}')"


def with_cash_account(kind: str) -> str:
    """Return a statement that opens the platform's account of a kind."""
    return f"""
        INSERT INTO ledger_accounts (book, kind, owner_id)
        VALUES ('cash', '{kind}', CAST('00000000-0000-0000-0000-000000000000' AS uuid))
    """


def cash_moved(debit: str, credit: str) -> str:
    """Return a statement that moves a fen between two accounts of the cash book."""
    return f"""
        WITH e AS (
          INSERT INTO ledger_entries (id, book, source, reason, effective_on, transfer_count, total_fen, facts,
                                      facts_sha256)
          VALUES (CAST('ffffffff-0000-7000-8000-000000000000' AS uuid), 'cash', 'forged', 'funds', DATE '2026-04-28', 1,
                  1, '{{}}', encode(sha256('{{}}'), 'hex')))
        INSERT INTO ledger_transfers (entry_id, position, effective_on, book, debit_account_id, credit_account_id,
                                      amount_fen)
        VALUES (CAST('ffffffff-0000-7000-8000-000000000000' AS uuid), 0, DATE '2026-04-28', 'cash', {debit}, {credit},
                1)
    """


def moved(debit: str, credit: str, amount: str, about: str) -> str:
    """Return a statement that adds a whole entry with one transfer like an existing one, otherwise chosen."""
    return f"""
        WITH likeness AS (
          SELECT t.*, gen_random_uuid() AS new_id, {debit} AS debit, {credit} AS credit, {amount} AS amount
            FROM ledger_transfers t JOIN ledger_accounts d ON d.id = t.debit_account_id
            JOIN ledger_accounts c ON c.id = t.credit_account_id
           WHERE {about} ORDER BY t.id LIMIT 1
        ), e AS (
          INSERT INTO ledger_entries (id, book, source, reason, effective_on, transfer_count, total_fen, facts,
                                      facts_sha256)
          SELECT new_id, book, 'forged', 'forged', DATE '2026-04-28', 1, amount, '{{}}', '' FROM likeness RETURNING id)
        INSERT INTO ledger_transfers (entry_id, position, effective_on, book, debit_account_id, credit_account_id,
                                      amount_fen, order_line_id, mechanism, contribution_id, payment_id, assisted)
        SELECT new_id, 0, DATE '2026-04-28', book, debit, credit, amount, order_line_id, mechanism, contribution_id,
               payment_id, assisted FROM likeness, e
    """


A_YEAR_SHARED_OUT_AGAIN = """
    INSERT INTO distributions SELECT (x).* FROM (
      SELECT jsonb_populate_record(d, jsonb_build_object(
               'id', gen_random_uuid(), 'period_to', '2027-01-01', 'amount_fen', 1, 'kept_fen', 0, 'status', 'proposed',
               'decided_at', NULL, 'decided_by', NULL, 'from_pool_fen', NULL, 'from_retained_fen', NULL)) AS x
        FROM distributions d WHERE status = 'approved' ORDER BY id LIMIT 1) again
"""
LISTS_THAT_HOLD_LATER = """
    UPDATE register_versions SET valid_from = '2199-01-01'
     WHERE id IN (SELECT register_version_id FROM second_distributions WHERE status = 'approved')
"""
ONE_LISTED_TOO_MANY = """
    INSERT INTO second_distribution_items (distribution_id, position, household_id, weight, fen, excluded)
    SELECT distribution_id, 99, household_id, 1, 7, 'off_register' FROM second_distribution_items LIMIT 1
"""
RESERVES_OF_99_PERCENT = """
    UPDATE distributions SET inputs = inputs || '{"reserve_bp": 9900}'
     WHERE status = 'approved' AND inputs ->> 'formula' = 'patronage'
"""
GIVEN_ON_IN_JANUARY = "UPDATE second_distributions SET given_on = '2026-01-01' WHERE status = 'approved'"
