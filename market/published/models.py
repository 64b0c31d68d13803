"""Table: figures that others have published. No report reads it."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.published.rules import PublishedKind


class PublishedFigure(Base):
    """What somebody printed, with its scope, period and source: neither a sale nor an income of this market.

    Either an amount, or a count of households, of people or of both.
    """

    __tablename__ = "published_figures"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("households > 0 AND people > 0", name="count_is_positive"),
        sa.CheckConstraint("(amount_fen IS NULL) = (num_nonnulls(households, people) > 0)", name="money_or_a_count"),
        sa.CheckConstraint("period_to >= period_from", name="period_is_a_period"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    kind: orm.Mapped[PublishedKind]
    title: orm.Mapped[str]
    amount_fen: orm.Mapped[int | None]
    households: orm.Mapped[int | None]
    people: orm.Mapped[int | None]
    region_code: orm.Mapped[str]
    scope: orm.Mapped[str]
    period_from: orm.Mapped[date]
    period_to: orm.Mapped[date]
    source: orm.Mapped[str]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime]
