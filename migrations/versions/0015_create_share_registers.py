"""Create share registers; their versions are guarded like those of plans."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The rule that is known, with its source; whoever is bound by a rule does not write it.
KNOWN_RULES = """
INSERT INTO scheme_rules (region_code, lowest_bp, highest_bp, first_year, years, source) VALUES
    ('451028', 5000, 9420, 2020, 15, '乐业县“三变”改革材料:农户收益50%至94.2%,2020年起至多15年')
"""


def upgrade() -> None:
    """Create the tables, then the trigger, which also bites in a replication session, and grant."""
    op.create_table(
        "registers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "shares",
                "entitlements",
                "list",
                name="registerkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("registers_organisation_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("registers_pkey")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("registers_organisation_id_name_once")),
    )
    op.create_table(
        "register_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("register_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "submitted",
                "approved",
                "rejected",
                name="planstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.CheckConstraint("trim(evidence) <> ''", name=op.f("register_versions_evidence_is_named")),
        sa.CheckConstraint(
            "(status IN ('approved', 'rejected')) = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("register_versions_decision_is_signed"),
        ),
        sa.CheckConstraint(
            "body = convert_from(canonical, 'UTF8')::jsonb", name=op.f("register_versions_body_is_in_the_bytes")
        ),
        sa.CheckConstraint(
            "sha256 = encode(sha256(canonical), 'hex')", name=op.f("register_versions_hash_is_of_the_bytes")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> made_by", name=op.f("register_versions_maker_is_not_checker")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("register_versions_decided_by_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("register_versions_made_by_exists")),
        sa.ForeignKeyConstraint(["register_id"], ["registers.id"], name=op.f("register_versions_register_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("register_versions_pkey")),
        sa.UniqueConstraint("register_id", "number", name=op.f("register_versions_register_id_number_once")),
    )
    op.create_index(
        "register_versions_in_force_idx",
        "register_versions",
        ["register_id", "valid_from"],
        unique=False,
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.execute(
        "CREATE TRIGGER version_stays BEFORE UPDATE OR DELETE ON register_versions"
        " FOR EACH ROW EXECUTE FUNCTION versions_refuse_change()"
    )
    op.execute("ALTER TABLE register_versions ENABLE ALWAYS TRIGGER version_stays")
    op.execute("GRANT SELECT, INSERT, UPDATE ON registers, register_versions TO market_app")
    op.create_table(
        "scheme_rules",
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("lowest_bp", sa.BigInteger(), nullable=False),
        sa.Column("highest_bp", sa.BigInteger(), nullable=False),
        sa.Column("first_year", sa.BigInteger(), nullable=False),
        sa.Column("years", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "region_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2})?)?$'", name=op.f("scheme_rules_region_is_county_or_above")
        ),
        sa.CheckConstraint(
            "0 < lowest_bp AND lowest_bp <= highest_bp AND highest_bp <= 10000",
            name=op.f("scheme_rules_bounds_are_bounds"),
        ),
        sa.CheckConstraint("first_year BETWEEN 1990 AND 2200 AND years > 0", name=op.f("scheme_rules_years_are_years")),
        sa.PrimaryKeyConstraint("region_code", name=op.f("scheme_rules_pkey")),
    )
    op.execute(KNOWN_RULES)
    op.execute("GRANT SELECT ON scheme_rules TO market_app")
