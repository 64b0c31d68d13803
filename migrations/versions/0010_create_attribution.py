"""Create disbursements, payments and their reversals.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "disbursements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("countersigned_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "method <> 'cash' OR countersigned_by <> made_by", name=op.f("disbursements_cash_takes_two")
        ),
        sa.CheckConstraint(
            "method <> 'cash' OR countersigned_by IS NOT NULL", name=op.f("disbursements_cash_is_countersigned")
        ),
        sa.ForeignKeyConstraint(
            ["countersigned_by"], ["members.id"], name=op.f("disbursements_countersigned_by_exists")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("disbursements_made_by_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("disbursements_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("disbursements_pkey")),
    )
    op.create_index(op.f("disbursements_supplier_id_idx"), "disbursements", ["supplier_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("disbursement_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("collective_id", sa.Uuid(), nullable=True),
        sa.Column("contribution_id", sa.Uuid(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reference_key", sa.Text(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("reversed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("confirmed_at IS NULL OR reversed_at IS NULL", name=op.f("payments_received_or_reversed")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("payments_amount_is_positive")),
        sa.CheckConstraint("num_nonnulls(household_id, collective_id) = 1", name=op.f("payments_payee_is_one")),
        sa.CheckConstraint("invoice_number ~ '^[0-9]{20}$'", name=op.f("payments_invoice_number_is_20_digits")),
        sa.CheckConstraint(
            "invoice_number IS NULL OR household_id IS NOT NULL", name=op.f("payments_invoice_is_of_a_household")
        ),
        sa.ForeignKeyConstraint(["collective_id"], ["organisations.id"], name=op.f("payments_collective_id_exists")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["members.id"], name=op.f("payments_confirmed_by_exists")),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contributions.id"], name=op.f("payments_contribution_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["disbursement_id"], ["disbursements.id"], name=op.f("payments_disbursement_id_exists")
        ),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("payments_household_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("payments_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("payments_pkey")),
    )
    op.create_index(
        "payments_invoice_once",
        "payments",
        ["invoice_number"],
        unique=True,
        postgresql_where=sa.text("reversed_at IS NULL"),
    )
    op.create_index(
        "payments_reference_once",
        "payments",
        ["supplier_id", "reference_key"],
        unique=True,
        postgresql_where=sa.text("reversed_at IS NULL"),
    )
    op.create_index(op.f("payments_disbursement_id_idx"), "payments", ["disbursement_id"], unique=False)
    op.create_index(op.f("payments_household_id_idx"), "payments", ["household_id"], unique=False)
    op.create_table(
        "payment_reversals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reversed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("payment_reversals_made_by_exists")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("payment_reversals_payment_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("payment_reversals_pkey")),
        sa.UniqueConstraint("payment_id", name=op.f("payment_reversals_payment_id_once")),
    )
    op.execute("GRANT SELECT, INSERT ON disbursements, payment_reversals TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON payments TO market_app")
