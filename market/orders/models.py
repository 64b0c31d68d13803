"""Tables: order groups, orders, lines, their events, acceptances, price cuts that are offered, and returns."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.channels.rules import FundsModel
from market.db import Base, new_id
from market.orders.rules import OrderStatus, PriceCutStatus, TakenBack

ORDER_NUMBERS = sa.Sequence("order_numbers", metadata=Base.metadata)


class OrderGroup(Base):
    """What a buyer placed at once."""

    __tablename__ = "order_groups"
    __table_args__ = (
        sa.CheckConstraint("payment_days BETWEEN 0 AND 60", name="payment_term_is_lawful"),
        sa.UniqueConstraint("buyer_id", "channel_code", "external_number"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    buyer_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    scheme_id: orm.Mapped[UUID]
    channel_code: orm.Mapped[str]
    external_number: orm.Mapped[str | None]
    payment_days: orm.Mapped[int]
    placed_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    placed_at: orm.Mapped[datetime]


class Order(Base):
    """The part of a group that one supplier delivers.

    `captured_fen` is what the buyer paid for it, last on `captured_on`; `refunded_fen` what of that goes or went back;
    `paid_fen` what has reached the supplier, last on `paid_on`: where the buyer pays the supplier itself, all that does
    not go back, out of custody what was settled. `settled_fen` is all of that which was decided, `settled_fee_fen` the
    fee on it, `reserved_fen` what of the rest is kept back until `reserve_days` after the last acceptance. They are
    below zero where money that was settled came back after it was netted elsewhere, or its reserve was released.
    """

    __tablename__ = "orders"
    __table_args__ = (
        sa.CheckConstraint("refunded_fen BETWEEN 0 AND captured_fen", name="refunded_was_captured"),
        sa.CheckConstraint(
            "CASE funds_model WHEN 'direct' THEN paid_fen = captured_fen - refunded_fen AND fee_bp = 0"
            " AND settled_fen = 0 AND reserve_bp = 0 AND reserved_fen = 0"
            " ELSE greatest(paid_fen, abs(settled_fen), abs(reserved_fen)) <= captured_fen END",
            name="paid_was_captured",
        ),
        sa.CheckConstraint("fee_bp BETWEEN 0 AND 1000", name="fee_is_bounded"),
        sa.CheckConstraint(
            "reserve_bp BETWEEN 0 AND 3000 AND reserve_days BETWEEN 0 AND 180", name="reserve_is_bounded"
        ),
        sa.ForeignKeyConstraint(
            ["scheme_id", "channel_code"], ["channels.scheme_id", "channels.code"], name="channel_exists"
        ),
        sa.Index("orders_supplier_idx", "supplier_id", "number"),
        sa.Index("orders_buyer_idx", "buyer_id", "number"),
        sa.Index("orders_due_idx", "reserved_until", postgresql_where=sa.text("status = 'placed'")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    group_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("order_groups.id"), index=True)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    buyer_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    scheme_id: orm.Mapped[UUID]
    channel_code: orm.Mapped[str]
    status: orm.Mapped[OrderStatus]
    placed_on: orm.Mapped[date]
    reserved_until: orm.Mapped[datetime]
    payment_days: orm.Mapped[int]
    shipped_on: orm.Mapped[date | None]
    accepted_on: orm.Mapped[date | None]
    due_on: orm.Mapped[date | None]
    amount_fen: orm.Mapped[int]
    funds_model: orm.Mapped[FundsModel] = orm.mapped_column(default=FundsModel.DIRECT, server_default="direct")
    fee_bp: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    reserve_bp: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    reserve_days: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    captured_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    refunded_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    captured_on: orm.Mapped[date | None]
    settled_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    settled_fee_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    reserved_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    paid_on: orm.Mapped[date | None]
    paid_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    version: orm.Mapped[int] = orm.mapped_column(default=1, server_default="1")


class OrderLine(Base):
    """A product at the price, certificate and plan version of the day it was ordered; amounts in fen.

    With a weight tolerance its quantity is an estimate: it ships by a weigh note and is settled by the weight accepted.
    """

    __tablename__ = "order_lines"
    __table_args__ = (
        sa.UniqueConstraint("order_id", "position"),
        sa.CheckConstraint("quantity_milli > 0", name="quantity_is_positive"),
        sa.CheckConstraint(
            "accepted_milli <= shipped_milli"
            " AND 10000 * shipped_milli <= quantity_milli * (10000 + coalesce(weight_tolerance_bp, 0))",
            name="accepted_was_shipped",
        ),
        sa.CheckConstraint("returned_milli <= accepted_milli", name="returned_was_accepted"),
        sa.CheckConstraint(
            "returned_fen <= accepted_fen AND returned_net_fen <= accepted_net_fen", name="returned_fen_was_accepted"
        ),
        sa.CheckConstraint("paid_fen <= accepted_fen", name="paid_was_accepted"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"))
    position: orm.Mapped[int]
    product_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("products.id"), index=True)
    product_name: orm.Mapped[str]
    certificate_number: orm.Mapped[str]
    plan_version_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("plan_versions.id"))
    plan_sha256: orm.Mapped[str]
    unit: orm.Mapped[str]
    unit_milli: orm.Mapped[int]
    quantity_milli: orm.Mapped[int]
    unit_price_fen: orm.Mapped[int]
    amount_fen: orm.Mapped[int]
    tax_bp: orm.Mapped[int]
    weight_tolerance_bp: orm.Mapped[int | None]
    weigh_note: orm.Mapped[str | None]
    accepted_on: orm.Mapped[date | None]
    shipped_milli: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    accepted_milli: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    accepted_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    accepted_net_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    returned_milli: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    returned_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    returned_net_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    paid_fen: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")


class OrderChange(Base):
    """What happened to an order, by whom and why; only ever added to."""

    __tablename__ = "order_changes"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    event: orm.Mapped[str]
    status: orm.Mapped[OrderStatus]
    reason: orm.Mapped[str | None]
    changed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    changed_at: orm.Mapped[datetime]


class Acceptance(Base):
    """The buyer's word on some lines of an order, with the evidence that the channel asks for."""

    __tablename__ = "acceptances"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    accepted_on: orm.Mapped[date]
    evidence: orm.Mapped[dict[str, Any]]
    accepted_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    accepted_at: orm.Mapped[datetime]


class AcceptanceInvoice(Base):
    """The supplier's e-invoice for one order: it may cover several acceptances of that order, and no other order."""

    __tablename__ = "acceptance_invoices"
    __table_args__ = (sa.CheckConstraint("number ~ '^[0-9]{20}$'", name="number_is_20_digits"),)

    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), primary_key=True)
    number: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"))


class AcceptanceLine(Base):
    """What was found of one line, and from which day on it counts as sold; a line is accepted once."""

    __tablename__ = "acceptance_lines"
    __table_args__ = (
        sa.CheckConstraint(
            "accepted_milli + rejected_milli + damaged_milli = received_milli", name="parts_sum_to_received"
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    acceptance_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("acceptances.id"), index=True)
    order_line_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("order_lines.id"), unique=True)
    received_milli: orm.Mapped[int]
    accepted_milli: orm.Mapped[int]
    rejected_milli: orm.Mapped[int]
    damaged_milli: orm.Mapped[int]
    short_milli: orm.Mapped[int]
    over_milli: orm.Mapped[int]
    weigh_note: orm.Mapped[str | None]
    reason: orm.Mapped[str | None]
    counts_on: orm.Mapped[date] = orm.mapped_column(index=True)
    accepted_fen: orm.Mapped[int]
    accepted_net_fen: orm.Mapped[int]
    draws: orm.Mapped[Any] = orm.mapped_column(postgresql.JSONB)


class PriceCut(Base):
    """What a supplier offers to take off the price of accepted goods; nothing is taken off before the buyer takes it.

    An order has one open offer at most. `evidence` is what it was agreed by; who declines it says why.
    """

    __tablename__ = "price_cuts"
    __table_args__ = (
        sa.CheckConstraint("(status = 'offered') = (decided_by IS NULL)", name="decided_is_signed"),
        sa.CheckConstraint("num_nulls(decided_by, decided_at) IN (0, 2)", name="decided_has_its_time"),
        sa.CheckConstraint("status = 'withdrawn' OR decided_by <> offered_by", name="another_decides"),
        sa.CheckConstraint("(status = 'declined') = (declined_because IS NOT NULL)", name="declined_has_a_reason"),
        sa.Index("price_cuts_open_idx", "order_id", unique=True, postgresql_where=sa.text("status = 'offered'")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    cut_on: orm.Mapped[date]
    reason: orm.Mapped[str]
    evidence: orm.Mapped[str]
    status: orm.Mapped[PriceCutStatus]
    offered_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    offered_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    declined_because: orm.Mapped[str | None]


class PriceCutLine(Base):
    """How much of what is owed for a line an offered price cut takes off it (fen, with tax)."""

    __tablename__ = "price_cut_lines"
    __table_args__ = (sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),)

    price_cut_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("price_cuts.id"), primary_key=True)
    order_line_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("order_lines.id"), primary_key=True)
    position: orm.Mapped[int]
    amount_fen: orm.Mapped[int]


class Return(Base):
    """What was taken back after acceptance: goods that came back, or a part of the price of goods that stay.

    A price cut is one that was offered and taken; `returned_on` is its day, and its buyer's member recorded it.
    """

    __tablename__ = "returns"
    __table_args__ = (
        sa.CheckConstraint("(kind = 'price_cut') = (price_cut_id IS NOT NULL)", name="price_cut_was_offered"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    order_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("orders.id"), index=True)
    kind: orm.Mapped[TakenBack]
    returned_on: orm.Mapped[date]
    reason: orm.Mapped[str]
    price_cut_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("price_cuts.id"), unique=True)
    returned_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    returned_at: orm.Mapped[datetime]


class ReturnLine(Base):
    """How much of a line came back, whether it can be sold again, what it takes off the sale and from which day on.

    Of a price cut nothing came back: all goods stay with the buyer.
    """

    __tablename__ = "return_lines"
    __table_args__ = (
        sa.CheckConstraint("quantity_milli > 0 OR quantity_milli = 0 AND amount_fen > 0", name="something_is_taken"),
        sa.CheckConstraint("(quantity_milli > 0) = (resaleable IS NOT NULL)", name="what_came_back_has_its_state"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    return_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("returns.id"), index=True)
    order_line_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("order_lines.id"), index=True)
    quantity_milli: orm.Mapped[int]
    resaleable: orm.Mapped[bool | None]
    counts_on: orm.Mapped[date] = orm.mapped_column(index=True)
    amount_fen: orm.Mapped[int]
    net_fen: orm.Mapped[int]
    draws: orm.Mapped[Any] = orm.mapped_column(postgresql.JSONB)
