"""Create certification.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "certification_policies",
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("notice_working_days", sa.BigInteger(), nullable=False),
        sa.Column("validity_days", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "notice_working_days > 0 AND validity_days > 0", name=op.f("certification_policies_periods_are_positive")
        ),
        sa.PrimaryKeyConstraint("region_code", "valid_from", name=op.f("certification_policies_pkey")),
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("product_name", sa.Text(), nullable=False),
        sa.Column("specification", sa.Text(), nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("origin_code", sa.Text(), nullable=False),
        sa.Column(
            "unit",
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
        sa.Column("unit_milli", sa.BigInteger(), nullable=False),
        sa.Column(
            "base_unit",
            sa.Enum("kg", "g", "t", "jin", "liang", "piece", "box", name="unit", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("declared_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("people_driven", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "submitted",
                "township_passed",
                "trade_passed",
                "on_notice",
                "cleared",
                "listed",
                "rejected",
                name="applicationstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("notice_ends_on", sa.Date(), nullable=True),
        sa.CheckConstraint("base_unit IN ('kg', 'piece')", name=op.f("applications_base_unit_is_kg_or_piece")),
        sa.CheckConstraint(
            "status <> 'on_notice' OR notice_ends_on IS NOT NULL", name=op.f("applications_notice_has_an_end")
        ),
        sa.CheckConstraint("declared_value_fen > 0", name=op.f("applications_value_is_declared")),
        sa.CheckConstraint("people_driven > 0", name=op.f("applications_people_are_driven")),
        sa.CheckConstraint("price_fen > 0", name=op.f("applications_price_is_positive")),
        sa.CheckConstraint("unit_milli > 0", name=op.f("applications_unit_is_positive")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("applications_made_by_exists")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("applications_plan_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("applications_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("applications_pkey")),
    )
    op.create_index(
        "applications_on_notice_idx",
        "applications",
        ["notice_ends_on"],
        unique=False,
        postgresql_where=sa.text("status = 'on_notice'"),
    )
    op.create_index(
        "applications_origin_idx",
        "applications",
        ["origin_code"],
        unique=False,
        postgresql_ops={"origin_code": "text_pattern_ops"},
    )
    op.create_index(op.f("applications_supplier_id_idx"), "applications", ["supplier_id"], unique=False)
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("county_code", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("batches_number_is_positive")),
        sa.ForeignKeyConstraint(["published_by"], ["members.id"], name=op.f("batches_published_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("batches_pkey")),
        sa.UniqueConstraint("county_code", "number", name=op.f("batches_county_code_number_once")),
    )
    op.create_table(
        "certificates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "valid",
                "suspended",
                "revoked",
                name="certificatestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("price_ceiling_fen", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price_ceiling_fen > 0", name=op.f("certificates_ceiling_is_positive")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("certificates_validity_is_a_period")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("certificates_application_id_exists")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("certificates_batch_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("certificates_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("certificates_pkey")),
        sa.UniqueConstraint("application_id", name=op.f("certificates_application_id_once")),
        sa.UniqueConstraint("number", name=op.f("certificates_number_once")),
    )
    op.create_index(op.f("certificates_batch_id_idx"), "certificates", ["batch_id"], unique=False)
    op.create_index(
        "certificates_lapsing_idx",
        "certificates",
        ["valid_to"],
        unique=False,
        postgresql_where=sa.text("status <> 'revoked'"),
    )
    op.create_index(op.f("certificates_supplier_id_idx"), "certificates", ["supplier_id"], unique=False)
    op.create_table(
        "objections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.Uuid(), nullable=False),
        sa.Column("raised_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("upheld", sa.Boolean(), nullable=True),
        sa.Column("settlement", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "num_nulls(upheld, settlement, settled_by, settled_at) IN (0, 4)",
            name=op.f("objections_settlement_is_signed"),
        ),
        sa.CheckConstraint(
            "settled_by IS NULL OR settled_by <> raised_by", name=op.f("objections_objector_does_not_settle")
        ),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("objections_application_id_exists")),
        sa.ForeignKeyConstraint(["raised_by"], ["members.id"], name=op.f("objections_raised_by_exists")),
        sa.ForeignKeyConstraint(["settled_by"], ["members.id"], name=op.f("objections_settled_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("objections_pkey")),
    )
    op.create_index(op.f("objections_application_id_idx"), "objections", ["application_id"], unique=False)
    op.create_index(
        "objections_open_idx",
        "objections",
        ["application_id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "price_evidences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "link", "stamped_document", name="evidencekind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("price_fen > 0", name=op.f("price_evidences_price_is_positive")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("price_evidences_application_id_exists")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("price_evidences_recorded_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("price_evidences_pkey")),
    )
    op.create_index(op.f("price_evidences_application_id_idx"), "price_evidences", ["application_id"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "step",
            sa.Enum(
                "township", "trade", "county", name="reviewstep", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "decision",
            sa.Enum("pass", "reject", name="decision", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("attachment_sha256", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("reviewed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("reviews_application_id_exists")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("reviews_organisation_id_exists")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["members.id"], name=op.f("reviews_reviewer_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("reviews_pkey")),
        sa.UniqueConstraint(
            "application_id", "organisation_id", name=op.f("reviews_application_id_organisation_id_once")
        ),
        sa.UniqueConstraint("application_id", "reviewer_id", name=op.f("reviews_application_id_reviewer_id_once")),
        sa.UniqueConstraint("application_id", "step", name=op.f("reviews_application_id_step_once")),
    )
    op.create_table(
        "certificate_alerts",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("days", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("raised_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("certificate_alerts_certificate_id_exists")
        ),
        sa.PrimaryKeyConstraint("certificate_id", "days", name=op.f("certificate_alerts_pkey")),
    )
    op.create_table(
        "certificate_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "suspend",
                "reinstate",
                "revoke",
                name="certificateevent",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("certificate_changes_certificate_id_exists")
        ),
        sa.ForeignKeyConstraint(["changed_by"], ["members.id"], name=op.f("certificate_changes_changed_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("certificate_changes_pkey")),
    )
    op.create_index(
        op.f("certificate_changes_certificate_id_idx"), "certificate_changes", ["certificate_id"], unique=False
    )
    op.execute(
        "GRANT SELECT, INSERT ON certification_policies, batches, price_evidences, reviews, certificate_alerts,"
        " certificate_changes TO market_app"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON applications, certificates, objections TO market_app")
