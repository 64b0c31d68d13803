"""Create regions with validity.

The application's role gets UPDATE only where a row has a life of its own; facts are only ever added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then grant."""
    op.create_table(
        "regions",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'", name=op.f("regions_code_is_gb2260")
        ),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until > valid_from", name=op.f("regions_validity_is_a_period")
        ),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("regions_pkey")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON regions TO market_app")
