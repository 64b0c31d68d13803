"""Tables: receipts and what of them pays which order."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id


class Receipt(Base):
    """A line of a supplier's bank statement that brought a buyer's money.

    `reference_key` is the reference as `identifiers.reference_key` reads it: the same line typed otherwise is the same.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        sa.UniqueConstraint("supplier_id", "reference_key", name="receipts_bank_reference_once"),
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    bank_reference: orm.Mapped[str]
    reference_key: orm.Mapped[str]
    payer_name: orm.Mapped[str]
    amount_fen: orm.Mapped[int]
    received_on: orm.Mapped[date]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime]


class ReceiptAllocation(Base):
    """The part of a receipt that pays one order."""

    __tablename__ = "receipt_allocations"
    __table_args__ = (
        sa.UniqueConstraint("receipt_id", "order_id"),
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    receipt_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("receipts.id"))
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    amount_fen: orm.Mapped[int]
