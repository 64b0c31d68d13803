"""Create receipts.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("reference_key", sa.Text(), nullable=False),
        sa.Column("payer_name", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("receipts_amount_is_positive")),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("receipts_recorded_by_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("receipts_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("receipts_pkey")),
        sa.UniqueConstraint("supplier_id", "reference_key", name="receipts_bank_reference_once"),
    )
    op.create_index(op.f("receipts_supplier_id_idx"), "receipts", ["supplier_id"], unique=False)
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
    op.execute("GRANT SELECT, INSERT ON receipts, receipt_allocations TO market_app")
