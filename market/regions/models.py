"""Tables: regions."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base


class Region(Base):
    """One name of a region, from `valid_from` until the day before `valid_until` (null: still valid)."""

    __tablename__ = "regions"
    __table_args__ = (
        sa.CheckConstraint("code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'", name="code_is_gb2260"),
        sa.CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="validity_is_a_period"),
    )

    code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    valid_from: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    valid_until: orm.Mapped[date | None]
    name: orm.Mapped[str]
