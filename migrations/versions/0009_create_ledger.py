"""Create the ledger.

Its guards follow in the next migration.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.execute("CREATE SEQUENCE ledger_transfer_ids")
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "book",
            sa.Enum("cash", "attribution", name="book", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("counterpart_id", sa.Uuid(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_accounts_pkey")),
        sa.UniqueConstraint(
            "owner_id",
            "counterpart_id",
            "kind",
            "step",
            "book",
            name="account_once",
            postgresql_nulls_not_distinct=True,
            postgresql_include=["id"],
        ),
        sa.UniqueConstraint("id", "book", name=op.f("ledger_accounts_id_book_once")),
    )
    op.create_index("ledger_accounts_counterpart_idx", "ledger_accounts", ["counterpart_id"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "book",
            sa.Enum("cash", "attribution", name="book", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("original_effective_on", sa.Date(), nullable=True),
        sa.Column(
            "recorded_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("xid", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("transfer_count", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts_sha256", sa.Text(), nullable=False),
        sa.CheckConstraint("transfer_count > 0 AND total_fen > 0", name=op.f("ledger_entries_entry_is_not_empty")),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_entries_pkey")),
        sa.UniqueConstraint("id", "book", "effective_on", name=op.f("ledger_entries_id_book_effective_on_once")),
        sa.UniqueConstraint("source", name=op.f("ledger_entries_source_once")),
    )
    op.create_index("ledger_entries_effective_idx", "ledger_entries", ["effective_on"], unique=False)
    op.create_table(
        "ledger_periods",
        sa.Column(
            "book",
            sa.Enum("cash", "attribution", name="book", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Uuid(), nullable=False),
        sa.Column("balances_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("book", "month", name=op.f("ledger_periods_pkey")),
    )
    op.create_table(
        "ledger_balances",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column(
            "book",
            sa.Enum("cash", "attribution", name="book", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "book"], ["ledger_accounts.id", "ledger_accounts.book"], name="account_is_in_its_book"
        ),
        sa.ForeignKeyConstraint(
            ["book", "month"], ["ledger_periods.book", "ledger_periods.month"], name="month_is_closed"
        ),
        sa.PrimaryKeyConstraint("account_id", "month", name=op.f("ledger_balances_pkey")),
    )
    op.create_index("ledger_balances_month_idx", "ledger_balances", ["month", "book"], unique=False)
    op.create_table(
        "ledger_transfers",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('ledger_transfer_ids')"), nullable=False),
        sa.Column(
            "book",
            sa.Enum("cash", "attribution", name="book", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("debit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("mechanism", sa.Text(), nullable=True),
        sa.Column("contribution_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("assisted", sa.Boolean(), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ledger_transfers_amount_is_positive")),
        sa.CheckConstraint("debit_account_id <> credit_account_id", name=op.f("ledger_transfers_accounts_differ")),
        sa.CheckConstraint("position >= 0", name=op.f("ledger_transfers_position_counts_from_0")),
        sa.ForeignKeyConstraint(
            ["credit_account_id", "book"], ["ledger_accounts.id", "ledger_accounts.book"], name="credit_is_in_its_book"
        ),
        sa.ForeignKeyConstraint(
            ["debit_account_id", "book"], ["ledger_accounts.id", "ledger_accounts.book"], name="debit_is_in_its_book"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id", "book", "effective_on"],
            ["ledger_entries.id", "ledger_entries.book", "ledger_entries.effective_on"],
            name="transfer_is_of_its_entry",
        ),
        sa.PrimaryKeyConstraint("entry_id", "position", "effective_on", name=op.f("ledger_transfers_pkey")),
        postgresql_partition_by="RANGE (effective_on)",
    )
    op.create_index(
        "ledger_transfers_credit_idx",
        "ledger_transfers",
        ["credit_account_id", sa.literal_column("effective_on DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_include=["amount_fen", "mechanism", "assisted"],
    )
    op.create_index(
        "ledger_transfers_debit_idx",
        "ledger_transfers",
        ["debit_account_id", sa.literal_column("effective_on DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_include=["amount_fen", "mechanism", "assisted"],
    )
    op.create_index("ledger_transfers_line_idx", "ledger_transfers", ["order_line_id"], unique=False)
