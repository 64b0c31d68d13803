"""Create organisations, members, credentials and idempotent answers.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "cooperative",
                "agri_enterprise",
                "family_farm",
                "village_collective",
                "trading_agent",
                "budget_unit",
                "school",
                "hospital",
                "firm",
                "trade_union",
                "exhibition_hall",
                "supermarket",
                "online_shop",
                "scenic_area",
                "family",
                "canteen_contractor",
                "township_government",
                "agriculture_department",
                "revitalisation_department",
                "finance_department",
                "village_office",
                "audit_office",
                "platform",
                name="organisationkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_is_kept", sa.Boolean(), nullable=False),
        sa.Column("credit_code", sa.Text(), nullable=True),
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("organisations_pkey")),
        sa.UniqueConstraint("credit_code", name=op.f("organisations_credit_code_once")),
        sa.UniqueConstraint("name", name=op.f("organisations_name_once")),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("own_password", sa.Boolean(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "supplier_clerk",
                "supplier_manager",
                "buyer_clerk",
                "buyer_receiver",
                "township_reviewer",
                "trade_reviewer",
                "county_reviewer",
                "village_clerk",
                "finance_officer",
                "auditor",
                "operator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("admitted_by", sa.Uuid(), nullable=True),
        sa.Column("admitted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("admission_code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "added_by IS NULL OR (admitted_by IS NULL) = (admitted_at IS NULL)",
            name=op.f("members_admission_is_signed"),
        ),
        sa.CheckConstraint("admitted_by NOT IN (added_by, id)", name=op.f("members_another_admits")),
        sa.CheckConstraint(
            "(admission_code_hash IS NOT NULL)"
            " = (added_by IS NOT NULL AND admitted_at IS NOT NULL AND NOT own_password)",
            name=op.f("members_first_password_takes_a_code"),
        ),
        sa.ForeignKeyConstraint(["added_by"], ["members.id"], name=op.f("members_added_by_exists")),
        sa.ForeignKeyConstraint(["admitted_by"], ["members.id"], name=op.f("members_admitted_by_exists")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("members_organisation_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("members_pkey")),
        sa.UniqueConstraint("login", name=op.f("members_login_once")),
    )
    op.create_index(op.f("members_organisation_id_idx"), "members", ["organisation_id"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("credentials_member_id_exists")),
        sa.PrimaryKeyConstraint("id", name=op.f("credentials_pkey")),
        sa.UniqueConstraint("secret_hash", name=op.f("credentials_secret_hash_once")),
    )
    op.create_index(op.f("credentials_member_id_idx"), "credentials", ["member_id"], unique=False)
    op.create_table(
        "idempotent_answers",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("idempotent_answers_member_id_exists")),
        sa.PrimaryKeyConstraint("member_id", "key", name=op.f("idempotent_answers_pkey")),
    )
    op.create_index("idempotent_answers_lately", "idempotent_answers", ["member_id", "answered_at"], unique=False)
    op.execute("GRANT USAGE ON SCHEMA public TO market_app")
    op.execute("GRANT SELECT, INSERT ON idempotent_answers TO market_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON organisations, members, credentials TO market_app")
