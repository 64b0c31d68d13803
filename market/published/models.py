"""Table: figures that others have published. No report reads it."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.published.rules import PublishedKind


class PublishedFigure(Base):
    """What somebody printed of sales, with its scope, period and source: neither a sale nor an income."""

    __tablename__ = "published_figures"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("period_to >= period_from", name="period_is_a_period"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    kind: orm.Mapped[PublishedKind]
    title: orm.Mapped[str]
    amount_fen: orm.Mapped[int]
    region_code: orm.Mapped[str]
    scope: orm.Mapped[str]
    period_from: orm.Mapped[date]
    period_to: orm.Mapped[date]
    source: orm.Mapped[str]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime]
