"""Create benefit plans and enrolments.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("plans_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("plans_pkey")),
        sa.UniqueConstraint("supplier_id", "name", name=op.f("plans_supplier_id_name_once")),
    )
    op.create_index(op.f("plans_supplier_id_idx"), "plans", ["supplier_id"], unique=False)
    op.create_table(
        "enrolments",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("enrolled_on", sa.Date(), nullable=False),
        sa.Column("enrolled_by", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("enrolments_confirmation_is_signed")
        ),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> enrolled_by", name=op.f("enrolments_maker_is_not_checker")
        ),
        sa.ForeignKeyConstraint(["confirmed_by"], ["members.id"], name=op.f("enrolments_confirmed_by_exists")),
        sa.ForeignKeyConstraint(["enrolled_by"], ["members.id"], name=op.f("enrolments_enrolled_by_exists")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("enrolments_household_id_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("enrolments_supplier_id_exists")),
        sa.PrimaryKeyConstraint("supplier_id", "household_id", name=op.f("enrolments_pkey")),
    )
    op.create_index(op.f("enrolments_household_id_idx"), "enrolments", ["household_id"], unique=False)
    op.create_table(
        "plan_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
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
            name=op.f("plan_versions_decision_is_signed"),
        ),
        sa.CheckConstraint(
            "body = convert_from(canonical, 'UTF8')::jsonb", name=op.f("plan_versions_body_is_in_the_bytes")
        ),
        sa.CheckConstraint(
            "sha256 = encode(sha256(canonical), 'hex')", name=op.f("plan_versions_hash_is_of_the_bytes")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> made_by", name=op.f("plan_versions_maker_is_not_checker")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("plan_versions_decided_by_exists")),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("plan_versions_made_by_exists")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("plan_versions_plan_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("plan_versions_pkey")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("plan_versions_plan_id_number_once")),
    )
    op.create_index(
        "plan_versions_in_force_idx",
        "plan_versions",
        ["plan_id", "valid_from"],
        unique=False,
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.create_table(
        "plan_simulations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column(
            "version_status",
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
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("of_other_plans", sa.Boolean(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("households_gaining", sa.BigInteger(), nullable=False),
        sa.Column("gained_fen", sa.BigInteger(), nullable=False),
        sa.Column("households_losing", sa.BigInteger(), nullable=False),
        sa.Column("lost_fen", sa.BigInteger(), nullable=False),
        sa.Column("households_unchanged", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "version_status IN ('draft', 'submitted')", name=op.f("plan_simulations_version_is_undecided")
        ),
        sa.CheckConstraint("since <= until", name=op.f("plan_simulations_time_ends_after_it_begins")),
        sa.CheckConstraint(
            "least(lines, net_fen, households_gaining, gained_fen, households_losing, lost_fen, households_unchanged)"
            " >= 0",
            name=op.f("plan_simulations_figures_are_not_negative"),
        ),
        sa.CheckConstraint(
            "lines > 0 OR net_fen + gained_fen + lost_fen = 0", name=op.f("plan_simulations_without_sales_nobody_gains")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("plan_simulations_made_by_exists")),
        sa.ForeignKeyConstraint(
            ["plan_version_id"], ["plan_versions.id"], name=op.f("plan_simulations_plan_version_id_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("plan_simulations_pkey")),
    )
    op.create_index(op.f("plan_simulations_plan_version_id_idx"), "plan_simulations", ["plan_version_id"], unique=False)
    op.execute("GRANT SELECT, INSERT ON plan_simulations TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON plans, enrolments, plan_versions TO market_app")
