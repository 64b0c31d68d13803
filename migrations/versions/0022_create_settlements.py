"""Create settlements, and what they pay of which order."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.execute("CREATE SEQUENCE settlement_numbers")
    op.create_table(
        "settlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("paying_account_id", sa.Uuid(), nullable=False),
        sa.Column("payee_account_id", sa.Uuid(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("netted_fen", sa.BigInteger(), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), nullable=False),
        sa.Column("released_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("owed_after_fen", sa.BigInteger(), nullable=False),
        sa.Column("owed_apart_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "approved",
                "declined",
                "instructed",
                "confirmed",
                "failed",
                "returned",
                name="settlementstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("instructed_on", sa.Date(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("bank_line_id", sa.Uuid(), nullable=True),
        sa.Column("reversal_asked_by", sa.Uuid(), nullable=True),
        sa.Column("reversal_approved_by", sa.Uuid(), nullable=True),
        sa.Column("returned_on", sa.Date(), nullable=True),
        sa.Column("return_line_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('confirmed', 'returned')) = (bank_line_id IS NOT NULL)",
            name=op.f("settlements_the_bank_confirms"),
        ),
        sa.CheckConstraint(
            "(bank_line_id IS NULL) = (paid_on IS NULL)", name=op.f("settlements_confirmed_has_its_day")
        ),
        sa.CheckConstraint(
            "(status = 'returned') = (return_line_id IS NOT NULL)", name=op.f("settlements_the_bank_brings_it_back")
        ),
        sa.CheckConstraint(
            "(return_line_id IS NULL) = (returned_on IS NULL)", name=op.f("settlements_returned_has_its_day")
        ),
        sa.CheckConstraint(
            "amount_fen = gross_fen - fee_fen - netted_fen - reserved_fen + released_fen",
            name=op.f("settlements_amount_adds_up"),
        ),
        sa.CheckConstraint(
            "amount_fen > 0 AND least(gross_fen, netted_fen, reserved_fen, released_fen) >= 0",
            name=op.f("settlements_something_is_paid"),
        ),
        sa.CheckConstraint("least(owed_after_fen, owed_apart_fen) >= 0", name=op.f("settlements_owed_is_not_negative")),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> made_by", name=op.f("settlements_another_decides")),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_lines.id"], name=op.f("settlements_bank_line_id_exists")),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("settlements_decided_by_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("settlements_made_by_exists")),
        sa.ForeignKeyConstraint(
            ["payee_account_id"], ["bank_accounts.id"], name=op.f("settlements_payee_account_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["paying_account_id"], ["bank_accounts.id"], name=op.f("settlements_paying_account_id_exists")
        ),
        sa.CheckConstraint(
            "reversal_approved_by IS NULL"
            " OR reversal_asked_by IS NOT NULL AND reversal_approved_by <> reversal_asked_by",
            name=op.f("settlements_another_has_it_reversed"),
        ),
        sa.ForeignKeyConstraint(
            ["reversal_asked_by"], ["members.id"], name=op.f("settlements_reversal_asked_by_exists")
        ),
        sa.ForeignKeyConstraint(
            ["reversal_approved_by"], ["members.id"], name=op.f("settlements_reversal_approved_by_exists")
        ),
        sa.ForeignKeyConstraint(["return_line_id"], ["bank_lines.id"], name=op.f("settlements_return_line_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("settlements_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("settlements_pkey")),
        sa.UniqueConstraint("bank_line_id", name=op.f("settlements_bank_line_id_once")),
        sa.UniqueConstraint("number", name=op.f("settlements_number_once")),
        sa.UniqueConstraint("return_line_id", name=op.f("settlements_return_line_id_once")),
    )
    op.create_index(
        "one_open_settlement",
        "settlements",
        ["supplier_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('draft', 'approved', 'instructed')"),
    )
    op.create_table(
        "settlement_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "approve",
                "decline",
                "instruct",
                "confirm",
                "fail",
                "reverse",
                "approve_reversal",
                "decline_reversal",
                "return",
                name="settlementevent",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "approved",
                "declined",
                "instructed",
                "confirmed",
                "failed",
                "returned",
                name="settlementstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["members.id"], name=op.f("settlement_changes_changed_by_exists")),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlements.id"], name=op.f("settlement_changes_settlement_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("settlement_changes_pkey")),
    )
    op.create_index(op.f("settlement_changes_settlement_id_idx"), "settlement_changes", ["settlement_id"], unique=False)
    op.create_table(
        "settlement_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(gross_fen, fee_fen, reserved_fen) <> (0, 0, 0)", name=op.f("settlement_items_item_moves_something")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("settlement_items_order_id_exists")),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlements.id"], name=op.f("settlement_items_settlement_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("settlement_items_pkey")),
        sa.UniqueConstraint("settlement_id", "order_id", name=op.f("settlement_items_settlement_id_order_id_once")),
    )
    op.create_index(op.f("settlement_items_order_id_idx"), "settlement_items", ["order_id"], unique=False)
    op.create_index(op.f("settlement_items_settlement_id_idx"), "settlement_items", ["settlement_id"], unique=False)
    op.execute("GRANT SELECT, INSERT ON settlements, settlement_changes, settlement_items TO market_app")
    op.execute(
        "GRANT UPDATE (status, decided_by, instructed_on, paid_on, bank_line_id, returned_on, return_line_id,"
        " reversal_asked_by, reversal_approved_by)"
        " ON settlements TO market_app"
    )
    op.execute("GRANT USAGE ON SEQUENCE settlement_numbers TO market_app")
