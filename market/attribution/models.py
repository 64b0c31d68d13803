"""Tables: carries of releases, disbursements and their lines. The book itself is the ledger's."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id


class ReleaseCarry(Base):
    """What the rounding of returns left of a contribution: to be released with the next draw on its lot."""

    __tablename__ = "release_carries"

    contribution_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("contributions.id"), primary_key=True)
    fen: orm.Mapped[int]


class Disbursement(Base):
    """A batch of payments that a supplier made to households and collectives."""

    __tablename__ = "disbursements"

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    paid_on: orm.Mapped[date]
    method: orm.Mapped[str]
    evidence: orm.Mapped[str]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]


class Payment(Base):
    """One payment of a disbursement to one payee; its reference (bank line, purchase invoice) is used once.

    `reference_key` is the reference as `identifiers.reference_key` reads it.
    """

    __tablename__ = "payments"
    __table_args__ = (
        sa.CheckConstraint("amount_fen > 0", name="amount_is_positive"),
        sa.CheckConstraint("num_nonnulls(household_id, collective_id) = 1", name="payee_is_one"),
        sa.UniqueConstraint("supplier_id", "reference_key", name="payments_reference_once"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    disbursement_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("disbursements.id"), index=True)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    household_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("households.id"), index=True)
    collective_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    contribution_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("contributions.id"))
    amount_fen: orm.Mapped[int]
    reference: orm.Mapped[str]
    reference_key: orm.Mapped[str]
    confirmed_at: orm.Mapped[datetime | None]
    confirmed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
