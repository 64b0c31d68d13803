"""Create channel schemes.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "channel_schemes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("channel_schemes_pkey")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("channel_schemes_code_valid_from_once")),
    )
    op.create_table(
        "channels",
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("buyer_kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("evidence_kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("needs_external_number", sa.Boolean(), nullable=False),
        sa.Column("counts_to_reserved_share", sa.Boolean(), nullable=False),
        sa.Column("funds_models", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("fee_bp", sa.BigInteger(), nullable=False),
        sa.Column("reserve_bp", sa.BigInteger(), nullable=False),
        sa.Column("reserve_days", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["scheme_id"], ["channel_schemes.id"], name=op.f("channels_scheme_id_exists")),
        sa.PrimaryKeyConstraint("scheme_id", "code", name=op.f("channels_pkey")),
    )
    op.execute("GRANT SELECT, INSERT ON channel_schemes, channels TO market_app")
