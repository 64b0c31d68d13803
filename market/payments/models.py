"""Tables: receipts and what of them pays which order, and matches of bank lines that people propose."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.payments.rules import ProposalStatus


class Proposal(Base):
    """A match of a line that a person proposes and another decides."""

    __tablename__ = "matching_proposals"
    __table_args__ = (
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="another_decides"),
        sa.CheckConstraint("(status = 'proposed') = (decided_by IS NULL)", name="decided_is_signed"),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided_has_its_time"),
        sa.Index("one_open_proposal", "bank_line_id", unique=True, postgresql_where=sa.text("status = 'proposed'")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    bank_line_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), index=True)
    status: orm.Mapped[ProposalStatus]
    reason: orm.Mapped[str]
    proposed_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    proposed_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]


class ProposedPart(Base):
    """What a proposal would pay an order."""

    __tablename__ = "matching_parts"
    __table_args__ = (sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),)

    proposal_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("matching_proposals.id"), primary_key=True)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    amount_fen: orm.Mapped[int]


class Receipt(Base):
    """A buyer's money that a bank brought, as far as it is known for which orders: to a supplier, or to custody.

    `reference_key` is the reference as `identifiers.reference_key` reads it: the same line typed otherwise is the same.
    What a statement told counts once by its line, whatever reference its bank gives. A receipt in custody has no
    supplier: what it pays may be of several.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        sa.Index(
            "receipts_bank_reference_once",
            "supplier_id",
            "reference_key",
            unique=True,
            postgresql_where=sa.text("bank_line_id IS NULL"),
        ),
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("supplier_id IS NOT NULL OR bank_line_id IS NOT NULL", name="custody_is_told_by_its_bank"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    bank_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), index=True)
    bank_reference: orm.Mapped[str]
    reference_key: orm.Mapped[str]
    payer_name: orm.Mapped[str]
    amount_fen: orm.Mapped[int]
    received_on: orm.Mapped[date]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime]


class ReceiptFound(Base):
    """A receipt recorded by hand that a statement told later: the same money, which counts once."""

    __tablename__ = "receipts_found"

    bank_line_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), primary_key=True)
    receipt_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("receipts.id"), unique=True)


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
