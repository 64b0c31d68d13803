"""Create lots, contributions and stock.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "lots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "open",
                "held",
                "discarded",
                name="lotstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "origin",
            sa.Enum(
                "produced",
                "split",
                "merged",
                "processed",
                "repacked",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("produced_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("origin_code", sa.Text(), nullable=False),
        sa.Column("area_milli_mu", sa.BigInteger(), nullable=True),
        sa.Column(
            "base_unit",
            sa.Enum(
                "kg",
                "g",
                "t",
                "jin",
                "liang",
                "piece",
                "box",
                name="unit",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("content_milli", sa.BigInteger(), nullable=True),
        sa.Column("quality_certificate", sa.Text(), nullable=True),
        sa.Column("quality_certificate_key", sa.Text(), nullable=True),
        sa.Column("certified_lot_id", sa.Uuid(), nullable=True),
        sa.Column("quantity_milli", sa.BigInteger(), nullable=False),
        sa.Column("bought_in_milli", sa.BigInteger(), nullable=False),
        sa.Column("loss_milli", sa.BigInteger(), nullable=False),
        sa.Column("available_milli", sa.BigInteger(), nullable=False),
        sa.Column("reserved_milli", sa.BigInteger(), nullable=False),
        sa.Column("shipped_milli", sa.BigInteger(), nullable=False),
        sa.Column("accepted_milli", sa.BigInteger(), nullable=False),
        sa.Column("moved_milli", sa.BigInteger(), nullable=False),
        sa.Column("spoiled_milli", sa.BigInteger(), nullable=False),
        sa.Column("draws", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("discarded_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('draft', 'discarded')) = (opened_by IS NULL) AND (opened_by IS NULL) = (opened_at IS NULL)",
            name=op.f("lots_opening_is_signed"),
        ),
        sa.CheckConstraint(
            "(status = 'discarded') = (discarded_by IS NOT NULL)", name=op.f("lots_discarding_is_signed")
        ),
        sa.CheckConstraint(
            "available_milli + reserved_milli + shipped_milli + accepted_milli + moved_milli + spoiled_milli"
            " = quantity_milli",
            name=op.f("lots_quantity_is_conserved"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(quality_certificate, quality_certificate_key) IN (0, 2)",
            name=op.f("lots_certificate_has_its_key"),
        ),
        sa.CheckConstraint(
            "certified_lot_id IS NULL OR (origin = 'split' AND quality_certificate IS NOT NULL)",
            name=op.f("lots_parts_alone_share_a_certificate"),
        ),
        sa.CheckConstraint("content_milli > 0", name=op.f("lots_content_is_positive")),
        sa.ForeignKeyConstraint(["certified_lot_id"], ["lots.id"], name=op.f("lots_certified_lot_id_exists")),
        sa.CheckConstraint(
            "content_milli IS NULL OR origin = 'processed'", name=op.f("lots_processing_alone_converts")
        ),
        sa.CheckConstraint(
            "origin IN ('produced', 'processed') OR (bought_in_milli = 0 AND (loss_milli = 0 OR origin = 'repacked'))",
            name=op.f("lots_origin_allows_its_sources"),
        ),
        sa.CheckConstraint("expires_on >= produced_on", name=op.f("lots_expiry_follows_production")),
        sa.CheckConstraint(
            "least(available_milli, reserved_milli, shipped_milli, accepted_milli, moved_milli, spoiled_milli) >= 0",
            name=op.f("lots_stock_is_never_oversold"),
        ),
        sa.CheckConstraint("least(bought_in_milli, loss_milli) >= 0", name=op.f("lots_sources_are_not_negative")),
        sa.CheckConstraint("opened_by <> made_by", name=op.f("lots_opener_is_not_maker")),
        sa.CheckConstraint("quantity_milli > 0", name=op.f("lots_quantity_is_positive")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("lots_made_by_exists")),
        sa.ForeignKeyConstraint(["opened_by"], ["members.id"], name=op.f("lots_opened_by_exists")),
        sa.ForeignKeyConstraint(["discarded_by"], ["members.id"], name=op.f("lots_discarded_by_exists")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("lots_product_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("lots_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("lots_pkey")),
        sa.UniqueConstraint("number", name=op.f("lots_number_once")),
    )
    op.create_index(
        "lots_on_sale_idx",
        "lots",
        ["product_id"],
        unique=False,
        postgresql_where=sa.text("status = 'open' AND available_milli > 0"),
    )
    op.create_index(
        "lots_quality_certificate_once",
        "lots",
        ["supplier_id", "quality_certificate_key"],
        unique=True,
        postgresql_where=sa.text("status <> 'discarded' AND certified_lot_id IS NULL"),
    )
    op.create_index(op.f("lots_supplier_id_idx"), "lots", ["supplier_id"], unique=False)
    op.create_table(
        "baselines",
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "confirmed",
                "rejected",
                name="baselinestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("area_milli_mu", sa.BigInteger(), nullable=False),
        sa.Column("yield_milli_per_mu", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("price_unit_milli", sa.BigInteger(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("stated_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('confirmed', 'rejected')) = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("baselines_decision_is_signed"),
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> stated_by", name=op.f("baselines_maker_is_not_checker")
        ),
        sa.CheckConstraint("gross_fen >= 0", name=op.f("baselines_gross_is_not_negative")),
        sa.CheckConstraint("period_to >= period_from", name=op.f("baselines_period_is_a_period")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("baselines_lot_id_exists")),
        sa.ForeignKeyConstraint(["stated_by"], ["members.id"], name=op.f("baselines_stated_by_exists")),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("baselines_decided_by_exists")),
        sa.PrimaryKeyConstraint("lot_id", name=op.f("baselines_pkey")),
    )
    op.create_table(
        "contributions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column(
            "mechanism",
            sa.Enum(
                "order_purchase",
                "consignment",
                "patronage",
                "labour",
                "share_dividend",
                "land_rent",
                "custody",
                "contracting",
                "collective_dividend",
                name="mechanism",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "measure",
            sa.Enum(
                "quantity",
                "hours",
                "pieces",
                "area",
                name="measure",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "measured_in",
            sa.Enum(
                "kg",
                "g",
                "t",
                "jin",
                "liang",
                "piece",
                "hour",
                "mu",
                name="measuredin",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("measure_milli", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=True),
        sa.Column("price_unit_milli", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("proceeds_bp", sa.BigInteger(), nullable=True),
        sa.Column("market_price_fen", sa.BigInteger(), nullable=True),
        sa.Column("market_source", sa.Text(), nullable=True),
        sa.Column("market_on", sa.Date(), nullable=True),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("slip_key", sa.Text(), nullable=True),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("carried_from", sa.Uuid(), nullable=True),
        sa.Column("annulment_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "amount_fen > 0 OR (amount_fen = 0 AND carried_from IS NOT NULL)",
            name=op.f("contributions_amount_is_positive"),
        ),
        sa.CheckConstraint("measure_milli >= 0", name=op.f("contributions_measure_is_not_negative")),
        sa.CheckConstraint("unit_price_fen > 0 AND price_unit_milli > 0", name=op.f("contributions_price_is_positive")),
        sa.CheckConstraint(
            "CASE WHEN mechanism IN ('consignment')"
            " THEN num_nonnulls(amount_fen, unit_price_fen, price_unit_milli) = 0 AND proceeds_bp BETWEEN 1 AND 10000"
            " ELSE num_nulls(amount_fen, unit_price_fen, price_unit_milli) = 0 AND proceeds_bp IS NULL END",
            name=op.f("contributions_consigned_has_no_amount"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(market_price_fen, market_source, market_on) IN (0, 3)",
            name=op.f("contributions_market_price_has_its_source"),
        ),
        sa.CheckConstraint(
            "market_price_fen > 0 AND market_price_fen <= unit_price_fen",
            name=op.f("contributions_price_is_not_below_market"),
        ),
        sa.ForeignKeyConstraint(["carried_from"], ["contributions.id"], name=op.f("contributions_carried_from_exists")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("contributions_household_id_exists")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("contributions_lot_id_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("contributions_made_by_exists")),
        sa.ForeignKeyConstraint(
            ["plan_version_id"], ["plan_versions.id"], name=op.f("contributions_plan_version_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("contributions_pkey")),
    )
    op.create_index(
        "contributions_evidence_once",
        "contributions",
        ["lot_id", "household_id", "mechanism", "evidence"],
        unique=True,
        postgresql_where=sa.text("carried_from IS NULL"),
    )
    op.create_index(
        "contributions_slip_idx",
        "contributions",
        ["slip_key"],
        unique=False,
        postgresql_where=sa.text("slip_key IS NOT NULL"),
    )
    op.create_index(op.f("contributions_carried_from_idx"), "contributions", ["carried_from"], unique=False)
    op.create_index(op.f("contributions_household_id_idx"), "contributions", ["household_id"], unique=False)
    op.create_index(op.f("contributions_lot_id_idx"), "contributions", ["lot_id"], unique=False)
    op.create_table(
        "release_carries",
        sa.Column("contribution_id", sa.Uuid(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contributions.id"], name=op.f("release_carries_contribution_id_exists")
        ),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("release_carries_pkey")),
    )
    op.create_table(
        "lot_inputs",
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("input_lot_id", sa.Uuid(), nullable=False),
        sa.Column("quantity_milli", sa.BigInteger(), nullable=False),
        sa.Column("draws", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("lot_id <> input_lot_id", name=op.f("lot_inputs_lot_is_not_its_own_input")),
        sa.CheckConstraint("quantity_milli > 0", name=op.f("lot_inputs_quantity_is_positive")),
        sa.ForeignKeyConstraint(["input_lot_id"], ["lots.id"], name=op.f("lot_inputs_input_lot_id_exists")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("lot_inputs_lot_id_exists")),
        sa.PrimaryKeyConstraint("lot_id", "input_lot_id", name=op.f("lot_inputs_pkey")),
    )
    op.create_index(op.f("lot_inputs_input_lot_id_idx"), "lot_inputs", ["input_lot_id"], unique=False)
    op.create_table(
        "reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("quantity_milli", sa.BigInteger(), nullable=False),
        sa.Column("reserved_milli", sa.BigInteger(), nullable=False),
        sa.Column("shipped_milli", sa.BigInteger(), nullable=False),
        sa.Column("accepted_milli", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "least(reserved_milli, shipped_milli, accepted_milli) >= 0", name=op.f("reservations_stock_is_not_negative")
        ),
        sa.CheckConstraint("quantity_milli > 0", name=op.f("reservations_quantity_is_positive")),
        sa.CheckConstraint(
            "reserved_milli + shipped_milli + accepted_milli <= quantity_milli",
            name=op.f("reservations_holds_what_was_reserved"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("reservations_lot_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("reservations_pkey")),
        sa.UniqueConstraint("order_line_id", "lot_id", name=op.f("reservations_order_line_id_lot_id_once")),
    )
    op.create_index(op.f("reservations_lot_id_idx"), "reservations", ["lot_id"], unique=False)
    op.create_table(
        "spoilages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("quantity_milli", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("quantity_milli > 0", name=op.f("spoilages_quantity_is_positive")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("spoilages_lot_id_exists")),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("spoilages_recorded_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("spoilages_pkey")),
    )
    op.create_index(op.f("spoilages_lot_id_idx"), "spoilages", ["lot_id"], unique=False)
    op.execute("GRANT SELECT, INSERT ON contributions, lot_inputs, spoilages TO market_app")
    op.execute("GRANT UPDATE (annulment_id) ON contributions TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON release_carries TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON baselines, lots, reservations TO market_app")
