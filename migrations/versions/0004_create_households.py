"""Create the register of households.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "households",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("head_count", sa.BigInteger(), nullable=False),
        sa.Column("land_milli_mu", sa.BigInteger(), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("departed_on", sa.Date(), nullable=True),
        sa.Column(
            "departure_reason",
            sa.Enum(
                "moved_away",
                "died",
                "merged",
                "mistaken",
                name="departurereason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("departure_recorded_by", sa.Uuid(), nullable=True),
        sa.Column("departure_recorded_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("departed_on > registered_on", name=op.f("households_departure_follows_registration")),
        sa.CheckConstraint(
            "num_nulls(departure_recorded_by, departure_recorded_at) IN (0, 2)"
            " AND (departed_on IS NOT NULL OR num_nonnulls(departure_reason, departure_recorded_at) = 0)",
            name=op.f("households_departure_has_a_recorder"),
        ),
        sa.CheckConstraint("head_count BETWEEN 1 AND 30", name=op.f("households_head_count_is_plausible")),
        sa.CheckConstraint("land_milli_mu BETWEEN 0 AND 999999", name=op.f("households_land_is_plausible")),
        sa.ForeignKeyConstraint(
            ["departure_recorded_by"], ["members.id"], name=op.f("households_departure_recorded_by_exists")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("households_pkey")),
        sa.UniqueConstraint("code", name=op.f("households_code_once")),
    )
    op.create_index(op.f("households_village_code_idx"), "households", ["village_code"], unique=False)
    op.create_index(
        "households_departed_idx",
        "households",
        ["id"],
        unique=False,
        postgresql_include=["departed_on"],
        postgresql_where=sa.text("departed_on IS NOT NULL"),
    )
    op.create_table(
        "household_statuses",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "registered_poor",
                "unstable",
                "marginal",
                "sudden_hardship",
                "ordinary",
                name="householdstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("household_statuses_household_id_exists")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("household_statuses_recorded_by_exists")),
        sa.PrimaryKeyConstraint("household_id", "valid_from", name=op.f("household_statuses_pkey")),
    )
    op.create_table(
        "household_head_counts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("head_count", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("head_count BETWEEN 1 AND 30", name=op.f("household_head_counts_head_count_is_plausible")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("household_head_counts_household_id_exists")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["members.id"], name=op.f("household_head_counts_recorded_by_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("household_head_counts_pkey")),
    )
    op.create_index("household_head_counts_household_idx", "household_head_counts", ["household_id", "valid_from"])
    op.execute("GRANT SELECT, INSERT ON household_statuses, household_head_counts TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON households TO market_app")
