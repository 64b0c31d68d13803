"""Tables: distributions of suppliers and second distributions of collectives, each with its list."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.benefits.rules import Mechanism
from market.db import Base, new_id
from market.distributions.rules import DistributionStatus, Excluded


class Distribution(Base):
    """What a supplier shares out for a period: the formula with its inputs, and what its list was computed from.

    `basis` names what is shared out once for a day, `lot_ids` the lots whose contributions were counted; `kept_fen` of
    its amount is for people who may not be paid. What came from the pool and what from retained money is known once
    it is approved. The evidence is what its figures were taken from, as the resolution of the members' meeting.
    An annulled one says still what it had taken; its days and its remainder are another's.
    A return by volume leaves `remainder_fen` to be shared by capital; the dividend that does so is `remainder_of` it.
    """

    __tablename__ = "distributions"
    __table_args__ = (
        sa.CheckConstraint("period_from <= period_to", name="period_ends_after_it_begins"),
        sa.CheckConstraint("amount_fen > 0 AND kept_fen BETWEEN 0 AND amount_fen", name="amount_is_positive"),
        sa.CheckConstraint("num_nonnulls(register_version_id, lot_ids) = 1", name="list_has_one_source"),
        sa.CheckConstraint("trim(evidence) <> ''", name="evidence_is_named"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> made_by", name="maker_is_not_checker"),
        sa.CheckConstraint(
            "(status <> 'proposed') = (decided_by IS NOT NULL AND decided_at IS NOT NULL)", name="decision_is_signed"
        ),
        sa.CheckConstraint(
            "CASE WHEN status IN ('approved', 'annulled') THEN from_pool_fen + from_retained_fen = amount_fen"
            " ELSE num_nonnulls(from_pool_fen, from_retained_fen) = 0 END",
            name="amount_is_funded",
        ),
        sa.CheckConstraint(
            "(inputs ->> 'formula' = 'patronage') = (remainder_fen IS NOT NULL)", name="remainder_is_of_a_return"
        ),
        sa.CheckConstraint(
            "remainder_of IS NULL OR inputs ->> 'formula' = 'dividend'", name="remainder_goes_by_capital"
        ),
        sa.Index(
            "distributions_share_a_remainder_once",
            "remainder_of",
            unique=True,
            postgresql_where=sa.text("status NOT IN ('rejected', 'annulled')"),
        ),
        sa.CheckConstraint("starts_with(basis, (inputs ->> 'formula') || ':')", name="basis_is_of_its_formula"),
        sa.CheckConstraint(
            "inputs ->> 'formula' <> 'custody' OR (inputs ->> 'months')::int <="
            " 12 * (date_part('year', period_to + 1) - date_part('year', period_from))"
            " + date_part('month', period_to + 1) - date_part('month', period_from)"
            " - (date_part('day', period_to + 1) < date_part('day', period_from))::int",
            name="months_are_of_the_period",
        ),
        # A range of one text stands for it: GiST has no equality of its own.
        postgresql.ExcludeConstraint(
            (sa.text("text_range(basis, basis, '[]')"), "&&"),
            (sa.text("daterange(period_from, period_to, '[]')"), "&&"),
            where=sa.text("status NOT IN ('rejected', 'annulled')"),
            name="distributions_share_a_day_once",
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    mechanism: orm.Mapped[Mechanism]
    period_from: orm.Mapped[date]
    period_to: orm.Mapped[date]
    basis: orm.Mapped[str]
    inputs: orm.Mapped[dict[str, Any]]
    register_version_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("register_versions.id"))
    register_sha256: orm.Mapped[str | None]
    lot_ids: orm.Mapped[list[UUID] | None] = orm.mapped_column(sa.ARRAY(sa.Uuid))
    list_sha256: orm.Mapped[str]
    evidence: orm.Mapped[str]
    amount_fen: orm.Mapped[int]
    kept_fen: orm.Mapped[int]
    remainder_fen: orm.Mapped[int | None]
    remainder_of: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("distributions.id"))
    status: orm.Mapped[DistributionStatus]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    opinion: orm.Mapped[str | None]
    from_pool_fen: orm.Mapped[int | None]
    from_retained_fen: orm.Mapped[int | None]


class DistributionItem(Base):
    """A row of a distribution's list; who is excluded is given nothing of its fen, and why is said."""

    __tablename__ = "distribution_items"
    __table_args__ = (
        sa.CheckConstraint("weight >= 0 AND fen >= 0", name="amounts_are_not_negative"),
        sa.CheckConstraint("num_nonnulls(household_id, collective_id) = 1", name="payee_is_one"),
    )

    distribution_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("distributions.id"), primary_key=True)
    position: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    household_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("households.id"), index=True)
    collective_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    weight: orm.Mapped[int]
    fen: orm.Mapped[int]
    assisted: orm.Mapped[bool | None]
    excluded: orm.Mapped[Excluded | None]


class SecondDistribution(Base):
    """What a village collective gave its households of what one supplier had paid it, with its evidence.

    It counts once it is approved. `kept_fen` of its amount is the part of people who may not be paid; the collective
    still holds it.
    """

    __tablename__ = "second_distributions"
    __table_args__ = (
        sa.CheckConstraint("kept_fen >= 0 AND kept_fen < amount_fen", name="something_is_given"),
        sa.CheckConstraint(
            "(decided_by IS NULL OR decided_by <> made_by) AND (confirmed_by IS NULL OR confirmed_by <> made_by)",
            name="maker_is_not_checker",
        ),
        sa.CheckConstraint(
            "(status <> 'proposed') = (decided_by IS NOT NULL AND decided_at IS NOT NULL)", name="decision_is_signed"
        ),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmation_is_signed"),
        sa.CheckConstraint("confirmed_at IS NULL OR status = 'approved'", name="confirmed_was_approved"),
        sa.Index(
            "second_distributions_reference_once",
            "collective_id",
            "reference_key",
            unique=True,
            postgresql_where=sa.text("status <> 'rejected'"),
        ),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    collective_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    given_on: orm.Mapped[date]
    amount_fen: orm.Mapped[int]
    kept_fen: orm.Mapped[int]
    register_version_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("register_versions.id"))
    register_sha256: orm.Mapped[str]
    list_sha256: orm.Mapped[str]
    evidence: orm.Mapped[str]
    reference: orm.Mapped[str]
    reference_key: orm.Mapped[str]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    status: orm.Mapped[DistributionStatus]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    opinion: orm.Mapped[str | None]
    confirmed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    confirmed_at: orm.Mapped[datetime | None]


class SecondDistributionItem(Base):
    """What of a second distribution a household was given; who is excluded has no part in it, and why is said."""

    __tablename__ = "second_distribution_items"
    __table_args__ = (sa.CheckConstraint("weight >= 0 AND fen >= 0", name="amounts_are_not_negative"),)

    distribution_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("second_distributions.id"), primary_key=True)
    position: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), index=True)
    weight: orm.Mapped[int]
    fen: orm.Mapped[int]
    assisted: orm.Mapped[bool | None]
    excluded: orm.Mapped[Excluded | None]
