"""Tables: bank accounts, imported statements, and their lines."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.banking.rules import AccountPurpose, Waiting
from market.db import Base, new_id


class BankAccount(Base):
    """An account whose statements are imported; `number_key` is its number without what only makes it legible.

    It counts once another than opened it confirmed it; those at the payment provider once the provider told of them.
    Closed, it is neither paid from nor to any more; its statements and lines stay, and it is never opened again.
    """

    __tablename__ = "bank_accounts"
    __table_args__ = (
        sa.CheckConstraint(
            "purpose IN ('provider', 'connected') OR (confirmed_by IS NULL) = (confirmed_at IS NULL)",
            name="confirmation_is_signed",
        ),
        sa.CheckConstraint("confirmed_by <> opened_by", name="another_confirms"),
        sa.CheckConstraint("num_nulls(closed_by, closed_at, closing_reason) IN (0, 3)", name="closing_is_signed"),
        sa.CheckConstraint("purpose IN ('custody', 'own') OR closed_at IS NULL", name="the_provider_closes_its_own"),
        sa.Index(
            "one_confirmed_number",
            "number_key",
            unique=True,
            postgresql_where=sa.text("confirmed_at IS NOT NULL AND closed_at IS NULL"),
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    organisation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    purpose: orm.Mapped[AccountPurpose]
    holder: orm.Mapped[str]
    bank_name: orm.Mapped[str]
    bank_code: orm.Mapped[str]
    number: orm.Mapped[str]
    number_key: orm.Mapped[str]
    opened_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    opened_at: orm.Mapped[datetime]
    confirmed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    confirmed_at: orm.Mapped[datetime | None]
    closed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    closed_at: orm.Mapped[datetime | None]
    closing_reason: orm.Mapped[str | None]


class BankStatement(Base):
    """A file of a bank as it was imported; the same file is imported once."""

    __tablename__ = "bank_statements"
    __table_args__ = (
        sa.UniqueConstraint("bank_account_id", "file_sha256"),
        sa.CheckConstraint("new_count BETWEEN 0 AND line_count", name="new_lines_are_of_the_file"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    bank_account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"))
    file_sha256: orm.Mapped[str]
    form: orm.Mapped[str]
    closing_fen: orm.Mapped[int | None]
    closes_on: orm.Mapped[date | None]
    line_count: orm.Mapped[int]
    new_count: orm.Mapped[int]
    imported_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    imported_at: orm.Mapped[datetime]


class BankLine(Base):
    """A movement on an account, once however many statements tell it; what the payment provider tells has no statement.

    Fen above zero came in. `open_fen`, of the same sign, is what is not accounted for yet; why, says `waiting`.
    """

    __tablename__ = "bank_lines"
    __table_args__ = (
        sa.UniqueConstraint("bank_account_id", "line_key"),
        sa.CheckConstraint("amount_fen <> 0", name="amount_is_not_zero"),
        sa.CheckConstraint(
            "open_fen BETWEEN least(amount_fen, 0) AND greatest(amount_fen, 0)",
            name="open_is_of_the_amount",
        ),
        sa.CheckConstraint("(open_fen = 0) = (waiting IS NULL)", name="what_is_open_waits"),
        sa.Index("bank_lines_open_idx", "bank_account_id", "id", postgresql_where=sa.text("open_fen <> 0")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    bank_account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"))
    statement_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_statements.id"), index=True)
    line_key: orm.Mapped[str]
    booked_on: orm.Mapped[date]
    amount_fen: orm.Mapped[int]
    counterparty_name: orm.Mapped[str]
    counterparty_account: orm.Mapped[str]
    bank_reference: orm.Mapped[str]
    payment_reference: orm.Mapped[str]
    remark: orm.Mapped[str]
    open_fen: orm.Mapped[int]
    waiting: orm.Mapped[Waiting | None]
