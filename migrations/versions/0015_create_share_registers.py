"""Create share registers; their versions are guarded like those of plans."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


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
