"""Create annulments: the application's role may decide one, and change nothing else of it."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, then grant."""
    op.create_table(
        "annulments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("distribution_id", sa.Uuid(), nullable=True),
        sa.Column("contribution_id", sa.Uuid(), nullable=True),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "approved",
                "rejected",
                name="annulmentstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "approval_id IS NULL OR status = 'approved'", name=op.f("annulments_approval_alone_has_a_place")
        ),
        sa.CheckConstraint(
            "(status <> 'proposed') = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("annulments_decision_is_signed"),
        ),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> made_by", name=op.f("annulments_maker_is_not_checker")),
        sa.CheckConstraint(
            "num_nonnulls(distribution_id, contribution_id) = 1", name=op.f("annulments_subject_is_one")
        ),
        sa.CheckConstraint(
            "trim(reason) <> '' AND trim(evidence) <> ''", name=op.f("annulments_reason_and_evidence_are_named")
        ),
        sa.ForeignKeyConstraint(
            ["contribution_id"], ["contributions.id"], name=op.f("annulments_contribution_id_exists")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("annulments_decided_by_exists")),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distributions.id"], name=op.f("annulments_distribution_id_exists")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["members.id"], name=op.f("annulments_made_by_exists")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("annulments_supplier_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("annulments_pkey")),
    )
    for subject in ("contribution", "distribution"):
        op.create_index(
            f"annulments_annul_a_{subject}_once",
            "annulments",
            [f"{subject}_id"],
            unique=True,
            postgresql_where=sa.text("status <> 'rejected'"),
        )
    op.create_index(op.f("annulments_supplier_id_idx"), "annulments", ["supplier_id"], unique=False)
    decided = "status, decided_by, decided_at, opinion, approval_id"
    op.execute(f"GRANT SELECT, INSERT, UPDATE ({decided}) ON annulments TO market_app")
    # Nothing is annulled yet: no row is there to be checked, and each that follows will be.
    op.create_foreign_key(
        op.f("contributions_annulment_id_exists"),
        "contributions",
        "annulments",
        ["annulment_id"],
        ["id"],
        postgresql_not_valid=True,
    )
