"""Create receipts.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEEP_CLOSED = """
CREATE FUNCTION bank_accounts_keep_closed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a closed bank account stays closed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bank_accounts_closed_stays';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "bank_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "custody",
                "provider",
                "own",
                "connected",
                name="accountpurpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("bank_name", sa.Text(), nullable=False),
        sa.Column("bank_code", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('provider', 'connected') OR (confirmed_by IS NULL) = (confirmed_at IS NULL)",
            name=op.f("bank_accounts_confirmation_is_signed"),
        ),
        sa.CheckConstraint("confirmed_by <> opened_by", name=op.f("bank_accounts_another_confirms")),
        sa.CheckConstraint(
            "num_nulls(closed_by, closed_at, closing_reason) IN (0, 3)", name=op.f("bank_accounts_closing_is_signed")
        ),
        sa.CheckConstraint(
            "purpose IN ('custody', 'own') OR closed_at IS NULL", name=op.f("bank_accounts_the_provider_closes_its_own")
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["members.id"], name=op.f("bank_accounts_closed_by_exists")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["members.id"], name=op.f("bank_accounts_confirmed_by_exists")),
        sa.ForeignKeyConstraint(["opened_by"], ["members.id"], name=op.f("bank_accounts_opened_by_exists")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("bank_accounts_organisation_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("bank_accounts_pkey")),
    )
    op.create_index(
        "one_confirmed_number",
        "bank_accounts",
        ["number_key"],
        unique=True,
        postgresql_where=sa.text("confirmed_at IS NOT NULL AND closed_at IS NULL"),
    )
    op.create_index(op.f("bank_accounts_organisation_id_idx"), "bank_accounts", ["organisation_id"], unique=False)
    op.create_table(
        "bank_statements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_account_id", sa.Uuid(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("closing_fen", sa.BigInteger(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("line_count", sa.BigInteger(), nullable=False),
        sa.Column("new_count", sa.BigInteger(), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=False),
        sa.Column("imported_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "new_count BETWEEN 0 AND line_count", name=op.f("bank_statements_new_lines_are_of_the_file")
        ),
        sa.ForeignKeyConstraint(
            ["bank_account_id"], ["bank_accounts.id"], name=op.f("bank_statements_bank_account_id_exists")
        ),
        sa.ForeignKeyConstraint(["imported_by"], ["members.id"], name=op.f("bank_statements_imported_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("bank_statements_pkey")),
        sa.UniqueConstraint(
            "bank_account_id", "file_sha256", name=op.f("bank_statements_bank_account_id_file_sha256_once")
        ),
    )
    op.create_table(
        "bank_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_account_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.Column("line_key", sa.Text(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("counterparty_name", sa.Text(), nullable=False),
        sa.Column("counterparty_account", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("payment_reference", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("open_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "waiting",
            sa.Enum(
                "no_code",
                "unknown_code",
                "nothing_owed",
                "too_little",
                "too_much",
                "went_out",
                "reversal",
                "returned",
                "refunded_unasked",
                "recorded_otherwise",
                name="waiting",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("(open_fen = 0) = (waiting IS NULL)", name=op.f("bank_lines_what_is_open_waits")),
        sa.CheckConstraint(
            "open_fen BETWEEN least(amount_fen, 0) AND greatest(amount_fen, 0)",
            name=op.f("bank_lines_open_is_of_the_amount"),
        ),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("bank_lines_amount_is_not_zero")),
        sa.ForeignKeyConstraint(
            ["bank_account_id"], ["bank_accounts.id"], name=op.f("bank_lines_bank_account_id_exists")
        ),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statements.id"], name=op.f("bank_lines_statement_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("bank_lines_pkey")),
        sa.UniqueConstraint("bank_account_id", "line_key", name=op.f("bank_lines_bank_account_id_line_key_once")),
    )
    op.create_index(
        "bank_lines_open_idx",
        "bank_lines",
        ["bank_account_id", "id"],
        unique=False,
        postgresql_where=sa.text("open_fen <> 0"),
    )
    op.create_index(op.f("bank_lines_statement_id_idx"), "bank_lines", ["statement_id"], unique=False)
    op.create_table(
        "matching_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_line_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "approved",
                "declined",
                name="proposalstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "meaning",
            sa.Enum(
                "bank_fee",
                "interest",
                "own_transfer",
                "provider_payout",
                "platform_money",
                "not_ours",
                "bank_error",
                "unrelated",
                name="meaning",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column(
            "waited_for",
            sa.Enum(
                "no_code",
                "unknown_code",
                "nothing_owed",
                "too_little",
                "too_much",
                "went_out",
                "reversal",
                "returned",
                "refunded_unasked",
                "recorded_otherwise",
                name="waiting",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'proposed') = (decided_by IS NULL)", name=op.f("matching_proposals_decided_is_signed")
        ),
        sa.CheckConstraint(
            "(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("matching_proposals_decided_has_its_time")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name=op.f("matching_proposals_another_decides")
        ),
        sa.CheckConstraint(
            "(meaning IS NULL) = (amount_fen IS NULL)", name=op.f("matching_proposals_meaning_has_its_amount")
        ),
        sa.CheckConstraint(
            "undoes_id IS NULL OR meaning IS NOT NULL", name=op.f("matching_proposals_undone_is_a_meaning")
        ),
        sa.ForeignKeyConstraint(
            ["bank_line_id"], ["bank_lines.id"], name=op.f("matching_proposals_bank_line_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["matching_proposals.id"], name=op.f("matching_proposals_undoes_id_exists")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("matching_proposals_decided_by_exists")),
        sa.ForeignKeyConstraint(["proposed_by"], ["members.id"], name=op.f("matching_proposals_proposed_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("matching_proposals_pkey")),
    )
    op.create_index(op.f("matching_proposals_bank_line_id_idx"), "matching_proposals", ["bank_line_id"], unique=False)
    op.create_index(
        "one_open_proposal",
        "matching_proposals",
        ["bank_line_id"],
        unique=True,
        postgresql_where=sa.text("status = 'proposed'"),
    )
    op.create_index(
        "undone_once",
        "matching_proposals",
        ["undoes_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'declined'"),
    )
    op.create_table(
        "matching_parts",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("matching_parts_amount_is_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("matching_parts_order_id_exists")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["matching_proposals.id"], name=op.f("matching_parts_proposal_id_exists")
        ),
        sa.PrimaryKeyConstraint("proposal_id", "order_id", name=op.f("matching_parts_pkey")),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=True),
        sa.Column("bank_line_id", sa.Uuid(), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("reference_key", sa.Text(), nullable=False),
        sa.Column("payer_name", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("receipts_amount_is_positive")),
        sa.CheckConstraint("counts_on >= received_on", name=op.f("receipts_counts_once_received")),
        sa.CheckConstraint(
            "supplier_id IS NOT NULL OR bank_line_id IS NOT NULL", name=op.f("receipts_custody_is_told_by_its_bank")
        ),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_lines.id"], name=op.f("receipts_bank_line_id_exists")),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("receipts_recorded_by_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("receipts_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("receipts_pkey")),
    )
    op.create_index(op.f("receipts_supplier_id_idx"), "receipts", ["supplier_id"], unique=False)
    op.create_index(op.f("receipts_counts_on_idx"), "receipts", ["counts_on"], unique=False)
    op.create_index(
        "receipts_bank_reference_once",
        "receipts",
        ["supplier_id", "reference_key"],
        unique=True,
        postgresql_where=sa.text("bank_line_id IS NULL"),
    )
    op.create_index(op.f("receipts_bank_line_id_idx"), "receipts", ["bank_line_id"], unique=False)
    op.create_table(
        "receipt_allocations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("receipt_allocations_amount_is_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("receipt_allocations_order_id_exists")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("receipt_allocations_receipt_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("receipt_allocations_pkey")),
        sa.UniqueConstraint("receipt_id", "order_id", name=op.f("receipt_allocations_receipt_id_order_id_once")),
    )
    op.create_index(op.f("receipt_allocations_order_id_idx"), "receipt_allocations", ["order_id"], unique=False)
    op.create_table(
        "receipts_found",
        sa.Column("bank_line_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_lines.id"], name=op.f("receipts_found_bank_line_id_exists")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("receipts_found_receipt_id_exists")),
        sa.PrimaryKeyConstraint("bank_line_id", name=op.f("receipts_found_pkey")),
        sa.UniqueConstraint("receipt_id", name=op.f("receipts_found_receipt_id_once")),
    )
    op.execute(
        "GRANT SELECT, INSERT ON bank_accounts, bank_statements, bank_lines, matching_proposals, matching_parts,"
        " receipts, receipts_found, receipt_allocations TO market_app"
    )
    op.execute(
        "GRANT UPDATE (confirmed_by, confirmed_at, closed_by, closed_at, closing_reason) ON bank_accounts TO market_app"
    )
    op.execute(KEEP_CLOSED)
    op.execute(
        "CREATE TRIGGER closed_stays BEFORE UPDATE ON bank_accounts"
        " FOR EACH ROW EXECUTE FUNCTION bank_accounts_keep_closed()"
    )
    op.execute("ALTER TABLE bank_accounts ENABLE ALWAYS TRIGGER closed_stays")
    op.execute("GRANT UPDATE (open_fen, waiting) ON bank_lines TO market_app")
    op.execute("GRANT UPDATE (status, waited_for, decided_by, decided_at) ON matching_proposals TO market_app")
