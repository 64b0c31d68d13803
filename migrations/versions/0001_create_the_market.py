"""Interim: all tables from the models; replaced by explicit operations before the first commit."""

from alembic import op
import sqlalchemy as sa

from market.db import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    Base.metadata.create_all(op.get_bind())
    op.execute("GRANT USAGE ON SCHEMA public TO market_app")
    for table in Base.metadata.sorted_tables:
        if not table.name.startswith("ledger_"):
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO market_app")
