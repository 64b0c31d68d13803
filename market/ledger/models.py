"""Tables: accounts, entries, transfers by month, closed periods and their balances. The guards are in the migration."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id
from market.ledger.rules import Book


class LedgerAccount(Base):
    """An account of one book; its balance is a sum, never a column."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        sa.UniqueConstraint(
            "owner_id",
            "counterpart_id",
            "kind",
            "step",
            "book",
            postgresql_nulls_not_distinct=True,
            postgresql_include=["id"],
            name="account_once",
        ),
        sa.UniqueConstraint("id", "book"),
        sa.Index("ledger_accounts_counterpart_idx", "counterpart_id"),
    )

    id: orm.Mapped[int] = orm.mapped_column(sa.Identity(always=True), primary_key=True)
    book: orm.Mapped[Book]
    kind: orm.Mapped[str]
    owner_id: orm.Mapped[UUID]
    counterpart_id: orm.Mapped[UUID | None]
    step: orm.Mapped[str | None]


class LedgerEntry(Base):
    """A posted fact: how many transfers it has and what they sum to is declared here and checked by the database."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        sa.UniqueConstraint("id", "book", "effective_on"),
        sa.CheckConstraint("transfer_count > 0 AND total_fen > 0", name="entry_is_not_empty"),
        sa.Index("ledger_entries_effective_idx", "effective_on"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    book: orm.Mapped[Book]
    source: orm.Mapped[str] = orm.mapped_column(unique=True)
    reason: orm.Mapped[str]
    effective_on: orm.Mapped[date]
    original_effective_on: orm.Mapped[date | None]
    recorded_at: orm.Mapped[datetime] = orm.mapped_column(server_default=sa.func.clock_timestamp())
    xid: orm.Mapped[Any] = orm.mapped_column(sa.BigInteger, server_default=sa.text("0"))
    transfer_count: orm.Mapped[int]
    total_fen: orm.Mapped[int]
    facts: orm.Mapped[dict[str, Any]]
    facts_sha256: orm.Mapped[str]


class LedgerTransfer(Base):
    """One move between two accounts of one book, partitioned by month."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["entry_id", "book", "effective_on"],
            ["ledger_entries.id", "ledger_entries.book", "ledger_entries.effective_on"],
            name="transfer_is_of_its_entry",
        ),
        sa.ForeignKeyConstraint(
            ["debit_account_id", "book"], ["ledger_accounts.id", "ledger_accounts.book"], name="debit_is_in_its_book"
        ),
        sa.ForeignKeyConstraint(
            ["credit_account_id", "book"], ["ledger_accounts.id", "ledger_accounts.book"], name="credit_is_in_its_book"
        ),
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("debit_account_id <> credit_account_id", name="accounts_differ"),
        sa.CheckConstraint("position >= 0", name="position_counts_from_0"),
        sa.Index(
            "ledger_transfers_debit_idx",
            "debit_account_id",
            sa.text("effective_on DESC"),
            sa.text("id DESC"),
            postgresql_include=["amount_fen", "mechanism", "assisted"],
        ),
        sa.Index(
            "ledger_transfers_credit_idx",
            "credit_account_id",
            sa.text("effective_on DESC"),
            sa.text("id DESC"),
            postgresql_include=["amount_fen", "mechanism", "assisted"],
        ),
        sa.Index("ledger_transfers_line_idx", "order_line_id"),
        {"postgresql_partition_by": "RANGE (effective_on)"},
    )

    entry_id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
    position: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    effective_on: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    id: orm.Mapped[int] = orm.mapped_column(server_default=sa.text("nextval('ledger_transfer_ids')"))
    book: orm.Mapped[Book]
    debit_account_id: orm.Mapped[int]
    credit_account_id: orm.Mapped[int]
    amount_fen: orm.Mapped[int]
    order_line_id: orm.Mapped[UUID | None]
    mechanism: orm.Mapped[str | None]
    contribution_id: orm.Mapped[UUID | None]
    payment_id: orm.Mapped[UUID | None]
    assisted: orm.Mapped[bool | None]


TRANSFER_IDS = sa.Sequence("ledger_transfer_ids", metadata=Base.metadata)


class LedgerPeriod(Base):
    """A closed month of a book; an open month has no row."""

    __tablename__ = "ledger_periods"

    book: orm.Mapped[Book] = orm.mapped_column(primary_key=True)
    month: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    closed_at: orm.Mapped[datetime]
    closed_by: orm.Mapped[UUID]
    balances_sha256: orm.Mapped[str]


class LedgerBalance(Base):
    """An account's balance (credits minus debits, all time) at the end of a closed month."""

    __tablename__ = "ledger_balances"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["book", "month"], ["ledger_periods.book", "ledger_periods.month"], name="month_is_closed"
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "book"], ["ledger_accounts.id", "ledger_accounts.book"], name="account_is_in_its_book"
        ),
        sa.Index("ledger_balances_month_idx", "month", "book"),
    )

    account_id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    month: orm.Mapped[date] = orm.mapped_column(primary_key=True)
    book: orm.Mapped[Book]
    balance_fen: orm.Mapped[int]
