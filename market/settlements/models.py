"""Tables: settlements, and what they pay of which order."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.settlements.rules import SettlementEvent, SettlementStatus

SETTLEMENT_NUMBERS = sa.Sequence("settlement_numbers", metadata=Base.metadata)


class Settlement(Base):
    """What a supplier is paid at once, from custody or by the provider; `number` is the payment's reference. In fen."""

    __tablename__ = "settlements"
    __table_args__ = (
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> made_by", name="another_decides"),
        sa.CheckConstraint(
            "amount_fen = gross_fen - fee_fen - netted_fen - reserved_fen + released_fen", name="amount_adds_up"
        ),
        sa.CheckConstraint(
            "amount_fen > 0 AND least(gross_fen, netted_fen, reserved_fen, released_fen) >= 0", name="something_is_paid"
        ),
        sa.CheckConstraint("least(owed_after_fen, owed_apart_fen) >= 0", name="owed_is_not_negative"),
        sa.CheckConstraint(
            "(status IN ('confirmed', 'returned')) = (bank_line_id IS NOT NULL)", name="the_bank_confirms"
        ),
        sa.CheckConstraint("(bank_line_id IS NULL) = (paid_on IS NULL)", name="confirmed_has_its_day"),
        sa.CheckConstraint("(status = 'returned') = (return_line_id IS NOT NULL)", name="the_bank_brings_it_back"),
        sa.CheckConstraint("(return_line_id IS NULL) = (returned_on IS NULL)", name="returned_has_its_day"),
        sa.CheckConstraint(
            "reversal_approved_by IS NULL"
            " OR reversal_asked_by IS NOT NULL AND reversal_approved_by <> reversal_asked_by",
            name="another_has_it_reversed",
        ),
        sa.Index(
            "one_open_settlement",
            "supplier_id",
            unique=True,
            postgresql_where=sa.text("status IN ('draft', 'approved', 'instructed')"),
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    paying_account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"))
    payee_account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"))
    gross_fen: orm.Mapped[int]
    fee_fen: orm.Mapped[int]
    netted_fen: orm.Mapped[int]
    reserved_fen: orm.Mapped[int]
    released_fen: orm.Mapped[int]
    amount_fen: orm.Mapped[int]
    owed_after_fen: orm.Mapped[int]
    owed_apart_fen: orm.Mapped[int]
    status: orm.Mapped[SettlementStatus]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    instructed_on: orm.Mapped[date | None]
    paid_on: orm.Mapped[date | None]
    bank_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), unique=True)
    reversal_asked_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    reversal_approved_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    returned_on: orm.Mapped[date | None]
    return_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), unique=True)


class SettlementChange(Base):
    """What happened to a settlement, by whom; only ever added to."""

    __tablename__ = "settlement_changes"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    settlement_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("settlements.id"), index=True)
    event: orm.Mapped[SettlementEvent]
    status: orm.Mapped[SettlementStatus]
    changed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    changed_at: orm.Mapped[datetime]


class SettlementItem(Base):
    """What a settlement settles of an order, gross, the platform's fee on it, and what of the rest is kept back.

    Below zero it is netted, or what was kept back is released.
    """

    __tablename__ = "settlement_items"
    __table_args__ = (
        sa.UniqueConstraint("settlement_id", "order_id"),
        sa.CheckConstraint("(gross_fen, fee_fen, reserved_fen) <> (0, 0, 0)", name="item_moves_something"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    settlement_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("settlements.id"), index=True)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    gross_fen: orm.Mapped[int]
    fee_fen: orm.Mapped[int]
    reserved_fen: orm.Mapped[int]

    @property
    def paid_fen(self) -> int:
        """Return what of the order reaches the supplier with it, gross: all but what is kept back."""
        return self.gross_fen - self.reserved_fen
