"""Create orders, acceptances and returns.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


# At least seven digits, and more when seven no longer do: lpad alone would cut them.
NEXT_NUMBER = """
CREATE FUNCTION next_order_number() RETURNS text LANGUAGE sql SET search_path = public, pg_temp AS $$
    SELECT lpad(number, greatest(7, length(number)), '0') FROM (SELECT nextval('order_numbers')::text AS number) n
$$
"""


def upgrade() -> None:
    """Create the tables, then grant."""
    op.execute("CREATE SEQUENCE order_numbers")
    op.execute(NEXT_NUMBER)
    op.create_table(
        "order_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("channel_code", sa.Text(), nullable=False),
        sa.Column("external_number", sa.Text(), nullable=True),
        sa.Column("payment_days", sa.BigInteger(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("payment_days BETWEEN 0 AND 60", name=op.f("order_groups_payment_term_is_lawful")),
        sa.ForeignKeyConstraint(["buyer_id"], ["organisations.id"], name=op.f("order_groups_buyer_id_exists")),
        sa.ForeignKeyConstraint(["placed_by"], ["members.id"], name=op.f("order_groups_placed_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("order_groups_pkey")),
        sa.UniqueConstraint(
            "buyer_id",
            "channel_code",
            "external_number",
            name=op.f("order_groups_buyer_id_channel_code_external_number_once"),
        ),
        sa.UniqueConstraint("number", name=op.f("order_groups_number_once")),
    )
    op.create_index(op.f("order_groups_buyer_id_idx"), "order_groups", ["buyer_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("channel_code", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "placed",
                "confirmed",
                "shipped",
                "partly_accepted",
                "accepted",
                "declined",
                "cancelled",
                "expired",
                name="orderstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("placed_on", sa.Date(), nullable=False),
        sa.Column("reserved_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("payment_days", sa.BigInteger(), nullable=False),
        sa.Column("shipped_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "funds_model",
            sa.Enum(
                "direct",
                "custodian",
                "stripe",
                name="fundsmodel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="direct",
            nullable=False,
        ),
        sa.Column("fee_bp", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserve_bp", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserve_days", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("captured_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("captured_on", sa.Date(), nullable=True),
        sa.Column("settled_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settled_fee_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("paid_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("refunded_fen BETWEEN 0 AND captured_fen", name=op.f("orders_refunded_was_captured")),
        sa.CheckConstraint(
            "CASE funds_model WHEN 'direct' THEN paid_fen = captured_fen - refunded_fen AND fee_bp = 0"
            " AND settled_fen = 0 AND reserve_bp = 0 AND reserved_fen = 0"
            " ELSE greatest(paid_fen, abs(settled_fen), abs(reserved_fen)) <= captured_fen END",
            name=op.f("orders_paid_was_captured"),
        ),
        sa.CheckConstraint("fee_bp BETWEEN 0 AND 1000", name=op.f("orders_fee_is_bounded")),
        sa.CheckConstraint(
            "reserve_bp BETWEEN 0 AND 3000 AND reserve_days BETWEEN 0 AND 180", name=op.f("orders_reserve_is_bounded")
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["organisations.id"], name=op.f("orders_buyer_id_exists")),
        sa.ForeignKeyConstraint(["group_id"], ["order_groups.id"], name=op.f("orders_group_id_exists")),
        sa.ForeignKeyConstraint(
            ["scheme_id", "channel_code"], ["channels.scheme_id", "channels.code"], name="channel_exists"
        ),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("orders_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("orders_pkey")),
        sa.UniqueConstraint("number", name=op.f("orders_number_once")),
    )
    op.create_index("orders_buyer_idx", "orders", ["buyer_id", "number"], unique=False)
    op.create_index(
        "orders_due_idx", "orders", ["reserved_until"], unique=False, postgresql_where=sa.text("status = 'placed'")
    )
    op.create_index(op.f("orders_group_id_idx"), "orders", ["group_id"], unique=False)
    op.create_index("orders_supplier_idx", "orders", ["supplier_id", "number"], unique=False)
    op.create_table(
        "acceptances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("accepted_on", sa.Date(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("accepted_by", sa.Uuid(), nullable=False),
        sa.Column("accepted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["accepted_by"], ["members.id"], name=op.f("acceptances_accepted_by_exists")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("acceptances_order_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("acceptances_pkey")),
    )
    op.create_index(op.f("acceptances_order_id_idx"), "acceptances", ["order_id"], unique=False)
    op.create_table(
        "acceptance_invoices",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number ~ '^[0-9]{20}$'", name=op.f("acceptance_invoices_number_is_20_digits")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("acceptance_invoices_order_id_exists")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["organisations.id"], name=op.f("acceptance_invoices_supplier_id_exists")
        ),
        sa.PrimaryKeyConstraint("supplier_id", "number", name=op.f("acceptance_invoices_pkey")),
    )
    op.create_table(
        "order_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "placed",
                "confirmed",
                "shipped",
                "partly_accepted",
                "accepted",
                "declined",
                "cancelled",
                "expired",
                name="orderstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["members.id"], name=op.f("order_changes_changed_by_exists")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("order_changes_order_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("order_changes_pkey")),
    )
    op.create_index(op.f("order_changes_order_id_idx"), "order_changes", ["order_id"], unique=False)
    op.create_table(
        "price_cuts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("cut_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "offered",
                "accepted",
                "declined",
                "withdrawn",
                name="pricecutstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("offered_by", sa.Uuid(), nullable=False),
        sa.Column("offered_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("declined_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'declined') = (declined_because IS NOT NULL)", name=op.f("price_cuts_declined_has_a_reason")
        ),
        sa.CheckConstraint("(status = 'offered') = (decided_by IS NULL)", name=op.f("price_cuts_decided_is_signed")),
        sa.CheckConstraint("num_nulls(decided_by, decided_at) IN (0, 2)", name=op.f("price_cuts_decided_has_its_time")),
        sa.CheckConstraint("status = 'withdrawn' OR decided_by <> offered_by", name=op.f("price_cuts_another_decides")),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("price_cuts_decided_by_exists")),
        sa.ForeignKeyConstraint(["offered_by"], ["members.id"], name=op.f("price_cuts_offered_by_exists")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("price_cuts_order_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("price_cuts_pkey")),
    )
    op.create_index(op.f("price_cuts_order_id_idx"), "price_cuts", ["order_id"], unique=False)
    op.create_index(
        "price_cuts_open_idx",
        "price_cuts",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status = 'offered'"),
    )
    op.create_table(
        "returns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("return", "price_cut", name="takenback", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("price_cut_id", sa.Uuid(), nullable=True),
        sa.Column("returned_by", sa.Uuid(), nullable=False),
        sa.Column("returned_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'price_cut') = (price_cut_id IS NOT NULL)", name=op.f("returns_price_cut_was_offered")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("returns_order_id_exists")),
        sa.ForeignKeyConstraint(["price_cut_id"], ["price_cuts.id"], name=op.f("returns_price_cut_id_exists")),
        sa.ForeignKeyConstraint(["returned_by"], ["members.id"], name=op.f("returns_returned_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("returns_pkey")),
        sa.UniqueConstraint("price_cut_id", name=op.f("returns_price_cut_id_once")),
    )
    op.create_index(op.f("returns_order_id_idx"), "returns", ["order_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("product_name", sa.Text(), nullable=False),
        sa.Column("certificate_number", sa.Text(), nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("plan_sha256", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_milli", sa.BigInteger(), nullable=False),
        sa.Column("quantity_milli", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_bp", sa.BigInteger(), nullable=False),
        sa.Column("weight_tolerance_bp", sa.BigInteger(), nullable=True),
        sa.Column("weigh_note", sa.Text(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("shipped_milli", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted_milli", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted_net_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_milli", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_net_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "accepted_milli <= shipped_milli"
            " AND 10000 * shipped_milli <= quantity_milli * (10000 + coalesce(weight_tolerance_bp, 0))",
            name=op.f("order_lines_accepted_was_shipped"),
        ),
        sa.CheckConstraint("paid_fen <= accepted_fen", name=op.f("order_lines_paid_was_accepted")),
        sa.CheckConstraint("quantity_milli > 0", name=op.f("order_lines_quantity_is_positive")),
        sa.CheckConstraint(
            "returned_fen <= accepted_fen AND returned_net_fen <= accepted_net_fen",
            name=op.f("order_lines_returned_fen_was_accepted"),
        ),
        sa.CheckConstraint("returned_milli <= accepted_milli", name=op.f("order_lines_returned_was_accepted")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("order_lines_order_id_exists")),
        sa.ForeignKeyConstraint(
            ["plan_version_id"], ["plan_versions.id"], name=op.f("order_lines_plan_version_id_exists")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("order_lines_product_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("order_lines_pkey")),
        sa.UniqueConstraint("order_id", "position", name=op.f("order_lines_order_id_position_once")),
    )
    op.create_index(op.f("order_lines_product_id_idx"), "order_lines", ["product_id"], unique=False)
    op.create_table(
        "acceptance_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("acceptance_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("received_milli", sa.BigInteger(), nullable=False),
        sa.Column("accepted_milli", sa.BigInteger(), nullable=False),
        sa.Column("rejected_milli", sa.BigInteger(), nullable=False),
        sa.Column("damaged_milli", sa.BigInteger(), nullable=False),
        sa.Column("short_milli", sa.BigInteger(), nullable=False),
        sa.Column("over_milli", sa.BigInteger(), nullable=False),
        sa.Column("weigh_note", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("accepted_fen", sa.BigInteger(), nullable=False),
        sa.Column("accepted_net_fen", sa.BigInteger(), nullable=False),
        sa.Column("draws", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "accepted_milli + rejected_milli + damaged_milli = received_milli",
            name=op.f("acceptance_lines_parts_sum_to_received"),
        ),
        sa.ForeignKeyConstraint(
            ["acceptance_id"], ["acceptances.id"], name=op.f("acceptance_lines_acceptance_id_exists")
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_lines.id"], name=op.f("acceptance_lines_order_line_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("acceptance_lines_pkey")),
        sa.UniqueConstraint("order_line_id", name=op.f("acceptance_lines_order_line_id_once")),
    )
    op.create_index(op.f("acceptance_lines_acceptance_id_idx"), "acceptance_lines", ["acceptance_id"], unique=False)
    op.create_index(op.f("acceptance_lines_counts_on_idx"), "acceptance_lines", ["counts_on"], unique=False)
    op.create_table(
        "price_cut_lines",
        sa.Column("price_cut_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("price_cut_lines_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_lines.id"], name=op.f("price_cut_lines_order_line_id_exists")
        ),
        sa.ForeignKeyConstraint(["price_cut_id"], ["price_cuts.id"], name=op.f("price_cut_lines_price_cut_id_exists")),
        sa.PrimaryKeyConstraint("price_cut_id", "order_line_id", name=op.f("price_cut_lines_pkey")),
    )
    op.create_table(
        "return_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity_milli", sa.BigInteger(), nullable=False),
        sa.Column("resaleable", sa.Boolean(), nullable=True),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("draws", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "quantity_milli > 0 OR quantity_milli = 0 AND amount_fen > 0", name=op.f("return_lines_something_is_taken")
        ),
        sa.CheckConstraint(
            "(quantity_milli > 0) = (resaleable IS NOT NULL)", name=op.f("return_lines_what_came_back_has_its_state")
        ),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name=op.f("return_lines_order_line_id_exists")),
        sa.ForeignKeyConstraint(["return_id"], ["returns.id"], name=op.f("return_lines_return_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("return_lines_pkey")),
    )
    op.create_index(op.f("return_lines_counts_on_idx"), "return_lines", ["counts_on"], unique=False)
    op.create_index(op.f("return_lines_order_line_id_idx"), "return_lines", ["order_line_id"], unique=False)
    op.create_index(op.f("return_lines_return_id_idx"), "return_lines", ["return_id"], unique=False)
    op.execute(
        "GRANT SELECT, INSERT ON order_groups, acceptances, acceptance_invoices, order_changes, returns,"
        " acceptance_lines, price_cuts, price_cut_lines, return_lines TO market_app"
    )
    op.execute("GRANT UPDATE (status, decided_by, decided_at, declined_because) ON price_cuts TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON orders, order_lines TO market_app")
    op.execute("GRANT USAGE ON SEQUENCE order_numbers TO market_app")
