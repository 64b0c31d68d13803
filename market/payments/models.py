"""Tables: receipts, matches that people propose, online payments, refunds, and what the provider was asked and told."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.banking.rules import Meaning, Waiting
from market.banks.rules import Form
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
REFUND_FILE_NUMBERS = sa.Sequence("refund_file_numbers", metadata=Base.metadata)


class Proposal(Base):
    """What a line is, as a person proposes and another decides: it pays orders, or means something else than an order.

    `amount_fen` is what of the line has the meaning, of the line's sign; that which undoes such a one has the other,
    and gives back to the line what it had `waited_for`.
    """

    __tablename__ = "matching_proposals"
    __table_args__ = (
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="another_decides"),
        sa.CheckConstraint("(status = 'proposed') = (decided_by IS NULL)", name="decided_is_signed"),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided_has_its_time"),
        sa.CheckConstraint("(meaning IS NULL) = (amount_fen IS NULL)", name="meaning_has_its_amount"),
        sa.CheckConstraint("undoes_id IS NULL OR meaning IS NOT NULL", name="undone_is_a_meaning"),
        sa.Index("one_open_proposal", "bank_line_id", unique=True, postgresql_where=sa.text("status = 'proposed'")),
        sa.Index("undone_once", "undoes_id", unique=True, postgresql_where=sa.text("status <> 'declined'")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    bank_line_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), index=True)
    status: orm.Mapped[ProposalStatus]
    reason: orm.Mapped[str]
    meaning: orm.Mapped[Meaning | None]
    amount_fen: orm.Mapped[int | None]
    undoes_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("matching_proposals.id"))
    waited_for: orm.Mapped[Waiting | None]
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
    supplier: what it pays may be of several. `counts_on` is the day on which it counts as received: that of a closed
    month counts from the first open day.
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
        sa.CheckConstraint("counts_on >= received_on", name="counts_once_received"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    bank_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"), index=True)
    bank_reference: orm.Mapped[str]
    reference_key: orm.Mapped[str]
    payer_name: orm.Mapped[str]
    amount_fen: orm.Mapped[int]
    received_on: orm.Mapped[date]
    counts_on: orm.Mapped[date] = orm.mapped_column(index=True)
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


class RefundFile(Base):
    """What a bank is told to pay of refunds, once, as it was written; `number` is the message's own reference."""

    __tablename__ = "refund_files"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"))
    form: orm.Mapped[Form]
    refund_count: orm.Mapped[int]
    amount_fen: orm.Mapped[int]
    content: orm.Mapped[bytes] = orm.mapped_column(deferred=True)
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]


class Refund(Base):
    """Money of an order that goes back to who paid it, by the way that it came; `number` is its reference.

    Nobody here asked for what the provider sent back by itself, or a payer's bank took.
    The lines by which it left, and by which it came back if it failed after that, are on the account that pays it; the
    provider may send what is of several orders as one.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="another_decides"),
        sa.CheckConstraint(
            "status IN ('requested', 'declined') OR decided_by IS NOT NULL OR requested_by IS NULL",
            name="decided_is_signed",
        ),
        sa.CheckConstraint(
            "requested_by IS NOT NULL OR route IN ('provider', 'dispute') AND decided_by IS NULL",
            name="people_ask_banks",
        ),
        sa.CheckConstraint("(route = 'dispute') = (dispute_id IS NOT NULL)", name="lost_in_a_dispute"),
        sa.CheckConstraint("status <> 'succeeded' OR succeeded_on IS NOT NULL", name="succeeded_has_its_day"),
        sa.CheckConstraint(
            "num_nulls(bank_reference, reference_key, supplier_id) IN (0, 3)", name="word_has_its_reference"
        ),
        sa.UniqueConstraint("supplier_id", "reference_key"),
        sa.UniqueConstraint("provider_id", "allocation_id"),
        sa.UniqueConstraint("left_line_id", "allocation_id"),
        sa.UniqueConstraint("back_line_id", "allocation_id"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    allocation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("receipt_allocations.id"), index=True)
    replaces_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("refunds.id"), unique=True)
    route: orm.Mapped[RefundRoute]
    dispute_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("disputes.id"))
    account_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"))
    file_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("refund_files.id"))
    payee_name: orm.Mapped[str]
    payee_account: orm.Mapped[str]
    goes_to_payer: orm.Mapped[bool]
    payee_bank: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    amount_fen: orm.Mapped[int]
    reason: orm.Mapped[str]
    status: orm.Mapped[RefundStatus]
    fault: orm.Mapped[str | None]
    provider_id: orm.Mapped[str | None]
    left_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"))
    back_line_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("bank_lines.id"))
    bank_reference: orm.Mapped[str | None]
    reference_key: orm.Mapped[str | None]
    supplier_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    """Whose word it is that the reference names its payment; none where a statement or the provider tells."""
    requested_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
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
    """What the provider is asked to do: committed before it is asked, under a key that is derived from this row.

    What is withdrawn is not asked any more: what it may have made is looked for.
    """

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
    is_withdrawn: orm.Mapped[bool] = orm.mapped_column(default=False, server_default="false")
    made_at: orm.Mapped[datetime]
    first_sent_at: orm.Mapped[datetime | None]
    last_sent_at: orm.Mapped[datetime | None]
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
    """What the provider tells of a line beyond a bank's: the fee that it kept, and from which day the rest is there.

    Of a refund of which it is not known of which orders it is, the payment is.
    """

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
    payment_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("online_payments.id"), index=True)


class ProviderSweep(Base):
    """Up to which day all that moved at the provider is known, and what it said of its balance beside our lines.

    `whole_at` is when the last look began that missed nothing.
    """

    __tablename__ = "provider_sweeps"

    account_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("bank_accounts.id"), primary_key=True)
    whole_until: orm.Mapped[date]
    whole_at: orm.Mapped[datetime | None]
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
