"""Tables: receipts, matches that people propose, online payments, refunds, and what the provider was asked and told."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.db import Base, new_id
from market.payments.rules import (
    CallStatus,
    DisputeStatus,
    EventStatus,
    OnlineStatus,
    Operation,
    ProposalStatus,
    RefundEvent,
    RefundRoute,
    RefundStatus,
)

REFUND_NUMBERS = sa.Sequence("refund_numbers", metadata=Base.metadata)


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


class OnlinePayment(Base):
    """A buyer's payment at the provider for all orders of a group that are paid so; one at a time of a group."""

    __tablename__ = "online_payments"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("(status = 'captured') = (bank_line_id IS NOT NULL)", name="captured_has_its_line"),
        sa.Index(
            "one_open_payment",
            "group_id",
            unique=True,
            postgresql_where=sa.text("status IN ('creating', 'open', 'processing')"),
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    group_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("order_groups.id"), index=True)
    buyer_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    amount_fen: orm.Mapped[int]
    status: orm.Mapped[OnlineStatus]
    provider_id: orm.Mapped[str | None] = orm.mapped_column(unique=True)
    charge_id: orm.Mapped[str | None] = orm.mapped_column(unique=True)
    client_secret: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    next_url: orm.Mapped[str | None]
    fault: orm.Mapped[str | None]
    bank_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), unique=True)
    begun_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    begun_at: orm.Mapped[datetime]
    seen_at: orm.Mapped[datetime]


class OnlinePart(Base):
    """What of an online payment is meant for an order."""

    __tablename__ = "online_parts"
    __table_args__ = (sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),)

    payment_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("online_payments.id"), primary_key=True)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    amount_fen: orm.Mapped[int]


class Refund(Base):
    """Money of an order that goes back to who paid it, by the way that it came; `number` is its reference.

    The lines by which it left, and by which it came back if it failed after that, are on the account that pays it.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="another_decides"),
        sa.CheckConstraint(
            "status IN ('requested', 'declined') OR decided_by IS NOT NULL OR route = 'dispute'",
            name="decided_is_signed",
        ),
        sa.CheckConstraint("status <> 'succeeded' OR succeeded_on IS NOT NULL", name="succeeded_has_its_day"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    allocation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("receipt_allocations.id"), index=True)
    replaces_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("refunds.id"), unique=True)
    route: orm.Mapped[RefundRoute]
    account_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"))
    payee_name: orm.Mapped[str]
    payee_account: orm.Mapped[str]
    goes_to_payer: orm.Mapped[bool]
    payee_bank: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    amount_fen: orm.Mapped[int]
    reason: orm.Mapped[str]
    status: orm.Mapped[RefundStatus]
    fault: orm.Mapped[str | None]
    provider_id: orm.Mapped[str | None] = orm.mapped_column(unique=True)
    left_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), unique=True)
    back_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), unique=True)
    bank_reference: orm.Mapped[str | None]
    requested_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    requested_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    succeeded_on: orm.Mapped[date | None]
    seen_at: orm.Mapped[datetime]

    @property
    def payee_account_end(self) -> str:
        """The last four digits of the payee's account, by which who decides may know it."""
        return self.payee_account[-4:]


class RefundChange(Base):
    """What happened to a refund, by whom, and what it sent away or brought back; only ever added to.

    Nobody did what the bank or the provider told.
    """

    __tablename__ = "refund_changes"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    refund_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("refunds.id"), index=True)
    event: orm.Mapped[RefundEvent]
    status: orm.Mapped[RefundStatus]
    away_fen: orm.Mapped[int]
    counts_on: orm.Mapped[date]
    changed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    changed_at: orm.Mapped[datetime]


class ProviderCall(Base):
    """What the provider is asked to do: committed before it is asked, under a key that is derived from this row."""

    __tablename__ = "provider_calls"
    __table_args__ = (
        sa.UniqueConstraint("operation", "subject_id", "attempt"),
        sa.Index("provider_calls_due_idx", "next_at", postgresql_where=sa.text("status = 'due'")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    operation: orm.Mapped[Operation]
    subject_id: orm.Mapped[UUID]
    attempt: orm.Mapped[int]
    params: orm.Mapped[Any] = orm.mapped_column(postgresql.JSONB)
    status: orm.Mapped[CallStatus]
    tries: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    unfound: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    is_unclear: orm.Mapped[bool] = orm.mapped_column(default=False, server_default="false")
    made_at: orm.Mapped[datetime]
    first_sent_at: orm.Mapped[datetime | None]
    next_at: orm.Mapped[datetime]
    fault: orm.Mapped[str | None]
    object_id: orm.Mapped[str | None]


class ProviderEvent(Base):
    """A signed event, once however often it is sent; only which object it is about is kept of it."""

    __tablename__ = "provider_events"
    __table_args__ = (sa.Index("provider_events_due_idx", "next_at", postgresql_where=sa.text("status = 'received'")),)

    id: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    kind: orm.Mapped[str]
    object_id: orm.Mapped[str]
    status: orm.Mapped[EventStatus]
    tries: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    received_at: orm.Mapped[datetime]
    next_at: orm.Mapped[datetime]
    handled_at: orm.Mapped[datetime | None]
    fault: orm.Mapped[str | None]


class ProviderMovement(Base):
    """What the provider tells of a line beyond a bank's: the fee that it kept, and from which day the rest is there."""

    __tablename__ = "provider_movements"
    __table_args__ = (
        sa.CheckConstraint("fee_fen >= 0", name="fee_is_not_negative"),
        sa.Index("provider_movements_pending_idx", "available_on", postgresql_where=sa.text("released_on IS NULL")),
    )

    line_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), primary_key=True)
    kind: orm.Mapped[str]
    source_id: orm.Mapped[str] = orm.mapped_column(index=True)
    fee_fen: orm.Mapped[int]
    available_on: orm.Mapped[date]
    released_on: orm.Mapped[date | None]


class ProviderSweep(Base):
    """Up to which day all that moved at the provider is known, and what it said of its balance beside our lines."""

    __tablename__ = "provider_sweeps"

    account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"), primary_key=True)
    whole_until: orm.Mapped[date]
    told_fen: orm.Mapped[int]
    booked_fen: orm.Mapped[int]
    swept_at: orm.Mapped[datetime]


class ConnectedAccount(Base):
    """A supplier's account at the provider: what it may do, and what its owner still has to tell there."""

    __tablename__ = "connected_accounts"

    account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"), primary_key=True)
    takes_transfers: orm.Mapped[bool]
    pays_out: orm.Mapped[bool]
    due: orm.Mapped[list[str]]
    seen_at: orm.Mapped[datetime]


class Dispute(Base):
    """A payer's bank takes a charge back; while it is open, nothing of its orders is settled or refunded."""

    __tablename__ = "disputes"
    __table_args__ = (sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),)

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    provider_id: orm.Mapped[str] = orm.mapped_column(unique=True)
    payment_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("online_payments.id"), index=True)
    amount_fen: orm.Mapped[int]
    reason: orm.Mapped[str]
    status: orm.Mapped[DisputeStatus]
    opened_on: orm.Mapped[date]
    ended_on: orm.Mapped[date | None]
    seen_at: orm.Mapped[datetime]
