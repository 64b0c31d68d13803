"""Create evidence files, lists to pay, results of banks, confirmations, and the days within which suppliers pay.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the schema of what may show persons and the tables, then grant."""
    op.execute("CREATE SCHEMA vault")
    op.execute("REVOKE ALL ON SCHEMA vault FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA vault TO market_app")
    op.create_table(
        "evidence_contents",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size_count", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "sha256 = encode(sha256(content), 'hex')", name=op.f("evidence_contents_hash_is_of_the_bytes")
        ),
        sa.CheckConstraint("size_count = octet_length(content)", name=op.f("evidence_contents_size_is_of_the_bytes")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("evidence_contents_pkey")),
        schema="vault",
    )
    op.create_table(
        "evidences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("stated_on", sa.Date(), nullable=True),
        sa.Column("taken_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("looks", sa.BigInteger(), nullable=True),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("evidences_organisation_id_exists")
        ),
        sa.ForeignKeyConstraint(["sha256"], ["vault.evidence_contents.sha256"], name=op.f("evidences_sha256_exists")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["members.id"], name=op.f("evidences_uploaded_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("evidences_pkey")),
        sa.UniqueConstraint("organisation_id", "sha256", name="evidences_uploaded_once"),
    )
    op.create_index(op.f("evidences_sha256_idx"), "evidences", ["sha256"], unique=False)
    op.create_table(
        "confirmations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("code_issued_by", sa.Uuid(), nullable=True),
        sa.Column("code_issued_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(means = 'village_clerk') = (made_by IS NOT NULL)", name=op.f("confirmations_clerk_is_named")
        ),
        sa.CheckConstraint(
            "num_nonnulls(code_issued_by, code_issued_at) = CASE means WHEN 'household_code' THEN 2 ELSE 0 END",
            name=op.f("confirmations_code_has_its_printer"),
        ),
        sa.CheckConstraint("means IN ('village_clerk', 'household_code')", name=op.f("confirmations_means_is_known")),
        sa.ForeignKeyConstraint(["code_issued_by"], ["members.id"], name=op.f("confirmations_code_issued_by_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("confirmations_made_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("confirmations_pkey")),
    )
    op.create_table(
        "confirmed_payments",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("confirmation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["confirmation_id"], ["confirmations.id"], name=op.f("confirmed_payments_confirmation_id_exists")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("confirmed_payments_payment_id_exists")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("confirmed_payments_pkey")),
    )
    op.create_index(
        op.f("confirmed_payments_confirmation_id_idx"), "confirmed_payments", ["confirmation_id"], unique=False
    )
    op.create_table(
        "evidence_uses",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("disbursement_id", sa.Uuid(), nullable=True),
        sa.Column("confirmation_id", sa.Uuid(), nullable=True),
        sa.Column("used_by", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(disbursement_id, confirmation_id) = 1", name=op.f("evidence_uses_one_thing_is_proved")
        ),
        sa.ForeignKeyConstraint(
            ["confirmation_id"], ["confirmations.id"], name=op.f("evidence_uses_confirmation_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["disbursement_id"], ["disbursements.id"], name=op.f("evidence_uses_disbursement_id_exists")
        ),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidences.id"], name=op.f("evidence_uses_evidence_id_exists")),
        sa.ForeignKeyConstraint(
            ["sha256"], ["vault.evidence_contents.sha256"], name=op.f("evidence_uses_sha256_exists")
        ),
        sa.ForeignKeyConstraint(["used_by"], ["members.id"], name=op.f("evidence_uses_used_by_exists")),
        sa.PrimaryKeyConstraint("sha256", "turn", name=op.f("evidence_uses_pkey")),
    )
    op.create_index(op.f("evidence_uses_confirmation_id_idx"), "evidence_uses", ["confirmation_id"], unique=False)
    op.create_index(op.f("evidence_uses_disbursement_id_idx"), "evidence_uses", ["disbursement_id"], unique=False)
    op.create_index(op.f("evidence_uses_evidence_id_idx"), "evidence_uses", ["evidence_id"], unique=False)
    op.create_table(
        "evidence_readings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("read_by", sa.Uuid(), nullable=False),
        sa.Column("read_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidences.id"], name=op.f("evidence_readings_evidence_id_exists")),
        sa.ForeignKeyConstraint(["read_by"], ["members.id"], name=op.f("evidence_readings_read_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_readings_pkey")),
    )
    op.create_index(op.f("evidence_readings_evidence_id_idx"), "evidence_readings", ["evidence_id"], unique=False)
    op.create_table(
        "payment_terms",
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("within_days", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("within_days > 0", name=op.f("payment_terms_days_are_positive")),
        sa.ForeignKeyConstraint(["set_by"], ["members.id"], name=op.f("payment_terms_set_by_exists")),
        sa.PrimaryKeyConstraint("region_code", "valid_from", name=op.f("payment_terms_pkey")),
    )
    op.create_table(
        "pay_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("(method = 'cash') = (paid_on IS NOT NULL)", name=op.f("pay_lists_cash_has_its_day")),
        sa.CheckConstraint("method IN ('bank_transfer', 'cash')", name=op.f("pay_lists_method_is_known")),
        sa.CheckConstraint("status IN ('open', 'settled', 'withdrawn')", name=op.f("pay_lists_status_is_known")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("pay_lists_made_by_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("pay_lists_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("pay_lists_pkey")),
    )
    op.create_index(op.f("pay_lists_supplier_id_idx"), "pay_lists", ["supplier_id"], unique=False)
    op.create_table(
        "pay_list_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pay_list_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("collective_id", sa.Uuid(), nullable=True),
        sa.Column("contribution_id", sa.Uuid(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reference_key", sa.Text(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'paid') = (payment_id IS NOT NULL)", name=op.f("pay_list_lines_paid_has_its_payment")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'paid', 'failed', 'withdrawn')", name=op.f("pay_list_lines_status_is_known")
        ),
        sa.CheckConstraint(
            "reason IN ('name_mismatch', 'no_such_account', 'account_closed', 'account_blocked', 'wrong_bank',"
            " 'over_limit', 'payer_short', 'other')",
            name=op.f("pay_list_lines_reason_is_known"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("pay_list_lines_amount_is_positive")),
        sa.CheckConstraint("num_nonnulls(household_id, collective_id) = 1", name=op.f("pay_list_lines_payee_is_one")),
        sa.CheckConstraint(
            "invoice_number IS NULL OR household_id IS NOT NULL",
            name=op.f("pay_list_lines_invoice_is_of_a_household"),
        ),
        sa.ForeignKeyConstraint(
            ["collective_id"], ["organisations.id"], name=op.f("pay_list_lines_collective_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contributions.id"], name=op.f("pay_list_lines_contribution_id_exists")
        ),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("pay_list_lines_household_id_exists")),
        sa.ForeignKeyConstraint(["pay_list_id"], ["pay_lists.id"], name=op.f("pay_list_lines_pay_list_id_exists")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("pay_list_lines_payment_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("pay_list_lines_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("pay_list_lines_pkey")),
        sa.UniqueConstraint("payment_id", name=op.f("pay_list_lines_payment_id_once")),
    )
    op.create_index(op.f("pay_list_lines_pay_list_id_idx"), "pay_list_lines", ["pay_list_id"], unique=False)
    op.create_index(
        "pay_list_lines_reference_once",
        "pay_list_lines",
        ["supplier_id", "reference_key"],
        unique=True,
        postgresql_where=sa.text("status <> 'withdrawn'"),
    )
    op.create_index(
        "pay_list_lines_invoice_once",
        "pay_list_lines",
        ["invoice_number"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "bank_results",
        sa.Column("pay_list_id", sa.Uuid(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=False),
        sa.Column("imported_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["imported_by"], ["members.id"], name=op.f("bank_results_imported_by_exists")),
        sa.ForeignKeyConstraint(["pay_list_id"], ["pay_lists.id"], name=op.f("bank_results_pay_list_id_exists")),
        sa.PrimaryKeyConstraint("pay_list_id", "file_sha256", name=op.f("bank_results_pkey")),
    )
    op.create_table(
        "confirmation_codes",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("attempt_count", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["issued_by"], ["members.id"], name=op.f("confirmation_codes_issued_by_exists")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("confirmation_codes_payment_id_exists")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("confirmation_codes_pkey")),
    )
    op.execute(
        "GRANT SELECT, INSERT ON vault.evidence_contents, evidences, evidence_uses, evidence_readings, confirmations,"
        " confirmed_payments, payment_terms, bank_results TO market_app"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON pay_lists, pay_list_lines, confirmation_codes TO market_app")
