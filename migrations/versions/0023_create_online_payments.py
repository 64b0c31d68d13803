"""Create online payments, refunds, and what the payment provider was asked and told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

CHANGED = {
    "online_payments": "status, provider_id, charge_id, client_secret, next_url, fault, bank_line_id, seen_at",
    "refunds": "status, route, account_id, file_id, payee_bank, fault, provider_id, left_line_id, back_line_id,"
    " bank_reference, reference_key, supplier_id, decided_by, replaces_id, succeeded_on, seen_at",
    "provider_calls": "attempt, status, tries, unfound, is_unclear, is_withdrawn, first_sent_at,"
    " last_sent_at, next_at, fault, object_id",
    "provider_events": "status, tries, next_at, handled_at, fault",
    "provider_movements": "released_on, payment_id",
    "provider_sweeps": "whole_until, whole_at, told_fen, booked_fen, swept_at",
    "connected_accounts": "takes_transfers, pays_out, due, seen_at",
    "disputes": "status, ended_on, seen_at",
}


def refund_status() -> sa.Enum:
    """Return the statuses of a refund."""
    names = "requested", "approved", "declined", "sent", "succeeded", "failed", "rerouted"
    return sa.Enum(*names, name="refundstatus", native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    """Create the tables, then grant."""
    op.execute("CREATE SEQUENCE refund_numbers")
    op.execute("CREATE SEQUENCE refund_file_numbers")
    op.create_table(
        "provider_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "operation",
            sa.Enum(
                "create_payment",
                "confirm_payment",
                "cancel_payment",
                "refund",
                "transfer",
                "reverse_transfer",
                "open_account",
                "payout",
                name="operation",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "due",
                "done",
                "refused",
                "parked",
                name="callstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unfound", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_unclear", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("first_sent_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_sent_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("next_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("provider_calls_pkey")),
        sa.UniqueConstraint(
            "operation", "subject_id", "attempt", name=op.f("provider_calls_operation_subject_id_attempt_once")
        ),
    )
    op.create_index(
        "provider_calls_due_idx",
        "provider_calls",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("status = 'due'"),
    )
    op.create_table(
        "provider_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "handled",
                "parked",
                name="eventstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("received_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("next_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("handled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("provider_events_pkey")),
    )
    op.create_index(
        "provider_events_due_idx",
        "provider_events",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("status = 'received'"),
    )
    op.create_table(
        "provider_sweeps",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("whole_until", sa.Date(), nullable=False),
        sa.Column("whole_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("told_fen", sa.BigInteger(), nullable=False),
        sa.Column("booked_fen", sa.BigInteger(), nullable=False),
        sa.Column("swept_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["bank_accounts.id"], name=op.f("provider_sweeps_account_id_exists")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("provider_sweeps_pkey")),
    )
    op.create_table(
        "connected_accounts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("takes_transfers", sa.Boolean(), nullable=False),
        sa.Column("pays_out", sa.Boolean(), nullable=False),
        sa.Column("due", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["bank_accounts.id"], name=op.f("connected_accounts_account_id_exists")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("connected_accounts_pkey")),
    )
    op.create_table(
        "online_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "creating",
                "open",
                "processing",
                "captured",
                "cancelled",
                "refused",
                name="onlinestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.Column("client_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("next_url", sa.Text(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("bank_line_id", sa.Uuid(), nullable=True),
        sa.Column("begun_by", sa.Uuid(), nullable=False),
        sa.Column("begun_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'captured') = (bank_line_id IS NOT NULL)", name=op.f("online_payments_captured_has_its_line")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("online_payments_amount_is_positive")),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_lines.id"], name=op.f("online_payments_bank_line_id_exists")),
        sa.ForeignKeyConstraint(["begun_by"], ["members.id"], name=op.f("online_payments_begun_by_exists")),
        sa.ForeignKeyConstraint(["buyer_id"], ["organisations.id"], name=op.f("online_payments_buyer_id_exists")),
        sa.ForeignKeyConstraint(["group_id"], ["order_groups.id"], name=op.f("online_payments_group_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("online_payments_pkey")),
        sa.UniqueConstraint("bank_line_id", name=op.f("online_payments_bank_line_id_once")),
        sa.UniqueConstraint("charge_id", name=op.f("online_payments_charge_id_once")),
        sa.UniqueConstraint("provider_id", name=op.f("online_payments_provider_id_once")),
    )
    op.create_index(
        "one_open_payment",
        "online_payments",
        ["group_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('creating', 'open', 'processing')"),
    )
    op.create_index(op.f("online_payments_buyer_id_idx"), "online_payments", ["buyer_id"], unique=False)
    op.create_index(op.f("online_payments_group_id_idx"), "online_payments", ["group_id"], unique=False)
    op.create_table(
        "provider_movements",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("available_on", sa.Date(), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("fee_fen >= 0", name=op.f("provider_movements_fee_is_not_negative")),
        sa.ForeignKeyConstraint(["line_id"], ["bank_lines.id"], name=op.f("provider_movements_line_id_exists")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["online_payments.id"], name=op.f("provider_movements_payment_id_exists")
        ),
        sa.PrimaryKeyConstraint("line_id", name=op.f("provider_movements_pkey")),
    )
    op.create_index(
        "provider_movements_pending_idx",
        "provider_movements",
        ["available_on"],
        unique=False,
        postgresql_where=sa.text("released_on IS NULL"),
    )
    op.create_index(op.f("provider_movements_payment_id_idx"), "provider_movements", ["payment_id"], unique=False)
    op.create_index(op.f("provider_movements_source_id_idx"), "provider_movements", ["source_id"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "won", "lost", name="disputestatus", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("disputes_amount_is_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["online_payments.id"], name=op.f("disputes_payment_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("disputes_pkey")),
        sa.UniqueConstraint("provider_id", name=op.f("disputes_provider_id_once")),
    )
    op.create_index(op.f("disputes_payment_id_idx"), "disputes", ["payment_id"], unique=False)
    op.create_table(
        "online_parts",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("online_parts_amount_is_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("online_parts_order_id_exists")),
        sa.ForeignKeyConstraint(["payment_id"], ["online_payments.id"], name=op.f("online_parts_payment_id_exists")),
        sa.PrimaryKeyConstraint("payment_id", "order_id", name=op.f("online_parts_pkey")),
    )
    op.create_table(
        "refund_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "form",
            sa.Enum("xlsx", "csv", "xml", name="form", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("refund_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["bank_accounts.id"], name=op.f("refund_files_account_id_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("refund_files_made_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("refund_files_pkey")),
        sa.UniqueConstraint("number", name=op.f("refund_files_number_once")),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("allocation_id", sa.Uuid(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column(
            "route",
            sa.Enum(
                "provider",
                "bank",
                "supplier",
                "dispute",
                name="refundroute",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("dispute_id", sa.Uuid(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("payee_name", sa.Text(), nullable=False),
        sa.Column("payee_account", sa.Text(), nullable=False),
        sa.Column("goes_to_payer", sa.Boolean(), nullable=False),
        sa.Column("payee_bank", sa.Text(), server_default="", nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", refund_status(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("left_line_id", sa.Uuid(), nullable=True),
        sa.Column("back_line_id", sa.Uuid(), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("reference_key", sa.Text(), nullable=True),
        sa.Column("supplier_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("succeeded_on", sa.Date(), nullable=True),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status <> 'succeeded' OR succeeded_on IS NOT NULL", name=op.f("refunds_succeeded_has_its_day")
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'declined') OR decided_by IS NOT NULL OR requested_by IS NULL",
            name=op.f("refunds_decided_is_signed"),
        ),
        sa.CheckConstraint(
            "requested_by IS NOT NULL OR route IN ('provider', 'dispute') AND decided_by IS NULL",
            name=op.f("refunds_people_ask_banks"),
        ),
        sa.CheckConstraint("(route = 'dispute') = (dispute_id IS NOT NULL)", name=op.f("refunds_lost_in_a_dispute")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("refunds_amount_is_positive")),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name=op.f("refunds_another_decides")),
        sa.CheckConstraint(
            "num_nulls(bank_reference, reference_key, supplier_id) IN (0, 3)",
            name=op.f("refunds_word_has_its_reference"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["bank_accounts.id"], name=op.f("refunds_account_id_exists")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["receipt_allocations.id"], name=op.f("refunds_allocation_id_exists")
        ),
        sa.ForeignKeyConstraint(["back_line_id"], ["bank_lines.id"], name=op.f("refunds_back_line_id_exists")),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("refunds_decided_by_exists")),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name=op.f("refunds_dispute_id_exists")),
        sa.ForeignKeyConstraint(["file_id"], ["refund_files.id"], name=op.f("refunds_file_id_exists")),
        sa.ForeignKeyConstraint(["left_line_id"], ["bank_lines.id"], name=op.f("refunds_left_line_id_exists")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("refunds_order_id_exists")),
        sa.ForeignKeyConstraint(["replaces_id"], ["refunds.id"], name=op.f("refunds_replaces_id_exists")),
        sa.ForeignKeyConstraint(["requested_by"], ["members.id"], name=op.f("refunds_requested_by_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("refunds_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("refunds_pkey")),
        sa.UniqueConstraint("back_line_id", "allocation_id", name=op.f("refunds_back_line_id_allocation_id_once")),
        sa.UniqueConstraint("left_line_id", "allocation_id", name=op.f("refunds_left_line_id_allocation_id_once")),
        sa.UniqueConstraint("number", name=op.f("refunds_number_once")),
        sa.UniqueConstraint("provider_id", "allocation_id", name=op.f("refunds_provider_id_allocation_id_once")),
        sa.UniqueConstraint("replaces_id", name=op.f("refunds_replaces_id_once")),
        sa.UniqueConstraint("supplier_id", "reference_key", name=op.f("refunds_supplier_id_reference_key_once")),
    )
    op.create_index(op.f("refunds_allocation_id_idx"), "refunds", ["allocation_id"], unique=False)
    op.create_index(op.f("refunds_order_id_idx"), "refunds", ["order_id"], unique=False)
    op.create_table(
        "refund_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "request",
                "approve",
                "decline",
                "send",
                "succeed",
                "fail",
                "reroute",
                name="refundevent",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("status", refund_status(), nullable=False),
        sa.Column("away_fen", sa.BigInteger(), nullable=False),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["members.id"], name=op.f("refund_changes_changed_by_exists")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("refund_changes_refund_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("refund_changes_pkey")),
    )
    op.create_index(op.f("refund_changes_refund_id_idx"), "refund_changes", ["refund_id"], unique=False)
    for table, columns in CHANGED.items():
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON {table} TO market_app")
    op.execute("GRANT SELECT, INSERT ON online_parts, refund_changes, refund_files TO market_app")
    op.execute("GRANT USAGE ON SEQUENCE refund_numbers, refund_file_numbers TO market_app")
