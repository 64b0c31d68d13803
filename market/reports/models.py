"""Tables: the closed months that are rolled up, and what each sums to. Only the database's own function writes them."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base
from market.ledger.rules import Book


class RolledUpMonth(Base):
    """A closed month of the attribution book whose sums are kept; with it, all months before."""

    __tablename__ = "report_months"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["book", "month"], ["ledger_periods.book", "ledger_periods.month"], name="rolled_up_month_is_closed"
        ),
    )

    month: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    book: orm.Mapped[Book]
    rolled_up_at: orm.Mapped[datetime]


class Rollup(Base):
    """What moved in a month for one owner, by all that reports are cut by; amounts in fen.

    Each figure of the ladder counts its step and the further ones. `accepted_month` is that of the line's acceptance,
    `disbursement_id` the batch that the movement is paid by.
    """

    __tablename__ = "report_rollups"
    __table_args__ = (
        sa.Index("report_rollups_product_idx", "product_id", "accepted_month"),
        sa.Index("report_rollups_buyer_idx", "buyer_id", "accepted_month"),
        sa.Index("report_rollups_accepted_idx", "accepted_month"),
    )

    month: orm.Mapped[date] = orm.mapped_column(sa.ForeignKey("report_months.month"), primary_key=True)
    id: orm.Mapped[int] = orm.mapped_column(sa.Identity(always=True), primary_key=True)
    supplier_id: orm.Mapped[UUID]
    buyer_id: orm.Mapped[UUID | None]
    channel_code: orm.Mapped[str | None]
    product_id: orm.Mapped[UUID | None]
    accepted_month: orm.Mapped[date | None]
    kind: orm.Mapped[str]
    owner_id: orm.Mapped[UUID]
    mechanism: orm.Mapped[str | None]
    assisted: orm.Mapped[bool | None]
    disbursement_id: orm.Mapped[UUID | None]
    accrued_fen: orm.Mapped[int]
    recognised_fen: orm.Mapped[int]
    disbursed_fen: orm.Mapped[int]
    confirmed_fen: orm.Mapped[int]
    matched_fen: orm.Mapped[int]
    top_up_fen: orm.Mapped[int]
    top_up_paid_fen: orm.Mapped[int]
    advance_fen: orm.Mapped[int]
