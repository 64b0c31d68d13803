"""Table: annulments, each of one thing that was approved and never was."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.annulments.rules import AnnulmentStatus
from market.db import Base, new_id


def _once(subject: str) -> sa.Index:
    """Let one annulment of a subject wait or stand."""
    stands = sa.text("status <> 'rejected'")
    return sa.Index(f"annulments_annul_a_{subject}_once", f"{subject}_id", unique=True, postgresql_where=stands)


class Annulment(Base):
    """The word of one person that something approved never was, with what shows it, and of another who decides it.

    `approval_id` is made under the locks of the approval: it tells what came before, where nothing fell and the book
    has no entry.
    """

    __tablename__ = "annulments"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(distribution_id, contribution_id) = 1", name="subject_is_one"),
        sa.CheckConstraint("trim(reason) <> '' AND trim(evidence) <> ''", name="reason_and_evidence_are_named"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> made_by", name="maker_is_not_checker"),
        sa.CheckConstraint(
            "(status <> 'proposed') = (decided_by IS NOT NULL AND decided_at IS NOT NULL)", name="decision_is_signed"
        ),
        sa.CheckConstraint("approval_id IS NULL OR status = 'approved'", name="approval_alone_has_a_place"),
        _once("distribution"),
        _once("contribution"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    distribution_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("distributions.id"))
    contribution_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("contributions.id"))
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    reason: orm.Mapped[str]
    evidence: orm.Mapped[str]
    status: orm.Mapped[AnnulmentStatus]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    opinion: orm.Mapped[str | None]
    approval_id: orm.Mapped[UUID | None]
