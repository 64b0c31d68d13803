"""Tables: account items, baselines of households, monitoring lines."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.livelihoods.rules import BaselineStatus, Figure, ItemKind


class AccountItem(Base):
    """What a household received or spent outside the market on a day; a correction is a row that reverses another.

    `amount_fen` is what moved; a reversing row has the kind, day and amount of the one it takes back.
    """

    __tablename__ = "account_items"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("(reverses IS NULL) = (reason IS NULL)", name="reversal_has_a_reason"),
        sa.UniqueConstraint("reverses", name="account_items_reversed_once"),
        sa.UniqueConstraint("id", "recorded_by", name="account_items_recorder_once"),
        sa.Index("account_items_household_idx", "household_id", "occurred_on"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"))
    kind: orm.Mapped[ItemKind]
    amount_fen: orm.Mapped[int]
    occurred_on: orm.Mapped[date]
    source: orm.Mapped[str]
    evidence: orm.Mapped[str]
    reverses: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("account_items.id"))
    reason: orm.Mapped[str | None]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime]


class AccountItemCheck(Base):
    """That a second person has checked an item: never who recorded it. An item without such a row is unchecked."""

    __tablename__ = "account_item_checks"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["item_id", "recorded_by"],
            ["account_items.id", "account_items.recorded_by"],
            name="account_item_checks_item_exists",
        ),
        sa.CheckConstraint("checked_by <> recorded_by", name="recorder_is_not_checker"),
    )

    item_id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
    recorded_by: orm.Mapped[UUID]
    checked_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    checked_at: orm.Mapped[datetime]


class HouseholdBaseline(Base):
    """What a figure of a household was in a period before; an increase is stated only against a confirmed one.

    A confirmed one is in force until another that `replaces` it, for a reason, is confirmed; both stay on record.
    """

    __tablename__ = "household_baselines"
    __table_args__ = (
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> stated_by", name="maker_is_not_checker"),
        sa.CheckConstraint(
            "(status IN ('confirmed', 'rejected')) = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name="decision_is_signed",
        ),
        sa.CheckConstraint("period_to >= period_from", name="period_is_a_period"),
        sa.CheckConstraint("(replaces IS NULL) = (reason IS NULL)", name="replacement_has_a_reason"),
        sa.Index("household_baselines_household_idx", "household_id", "figure"),
        sa.Index("household_baselines_replaced_once", "replaces", unique=True, postgresql_where="status = 'confirmed'"),
        sa.Index(
            "household_baselines_first_once",
            "household_id",
            "figure",
            "period_from",
            unique=True,
            postgresql_where="status = 'confirmed' AND replaces IS NULL",
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"))
    figure: orm.Mapped[Figure]
    amount_fen: orm.Mapped[int]
    period_from: orm.Mapped[date]
    period_to: orm.Mapped[date]
    source: orm.Mapped[str]
    status: orm.Mapped[BaselineStatus]
    stated_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    stated_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    opinion: orm.Mapped[str | None]
    replaces: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("household_baselines.id"))
    reason: orm.Mapped[str | None]


class MonitoringLine(Base):
    """What a year asks in a region, the whole country having the empty code; the strictest around a village holds.

    A household is warned of below `line_fen` net per head, and when what it paid itself is at least `jump_bp` of the
    twelve months before and `jump_fen` more. Other income above `unchecked_fen` per head that nobody has checked within
    `unchecked_days` of its recording is told, and at once if it is above the line.
    """

    __tablename__ = "monitoring_lines"
    __table_args__ = (
        sa.CheckConstraint("region_code ~ '^([0-9]{2}([0-9]{2}([0-9]{2})?)?)?$'", name="region_is_county_or_above"),
        sa.CheckConstraint("year BETWEEN 2000 AND 2199", name="year_is_plausible"),
        sa.CheckConstraint("line_fen > 0 AND jump_bp >= 10000 AND jump_fen > 0", name="line_is_positive"),
        sa.CheckConstraint("unchecked_fen > 0 AND unchecked_days > 0", name="unchecked_is_bounded"),
    )

    region_code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    year: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    line_fen: orm.Mapped[int]
    jump_bp: orm.Mapped[int]
    jump_fen: orm.Mapped[int]
    unchecked_fen: orm.Mapped[int]
    unchecked_days: orm.Mapped[int]
    source: orm.Mapped[str]
