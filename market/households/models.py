"""Tables: households and their statuses over time."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.households.rules import HouseholdStatus


class Household(Base):
    """A family on the register, from `registered_on` until the day before `departed_on` (null: still on it)."""

    __tablename__ = "households"
    __table_args__ = (
        sa.CheckConstraint("head_count BETWEEN 1 AND 30", name="head_count_is_plausible"),
        sa.CheckConstraint("departed_on > registered_on", name="departure_follows_registration"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    code: orm.Mapped[str] = orm.mapped_column(unique=True)
    village_code: orm.Mapped[str] = orm.mapped_column(index=True)
    head_count: orm.Mapped[int]
    registered_on: orm.Mapped[date]
    departed_on: orm.Mapped[date | None]
    version: orm.Mapped[int] = orm.mapped_column(default=1)


class HouseholdStatusPeriod(Base):
    """A household's status from `valid_from` until the next period begins; periods are only ever added."""

    __tablename__ = "household_statuses"

    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), primary_key=True)
    valid_from: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    status: orm.Mapped[HouseholdStatus]
