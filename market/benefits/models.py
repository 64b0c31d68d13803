"""Tables: plans and share registers with their versions, what was simulated of plans, enrolments."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.rules import PlanStatus, RegisterKind
from market.db import Base, new_id


class PinnedVersion:
    """One version: its canonical bytes, their hash, the same body as JSON, and who made and decided it.

    The database itself compares body, bytes and hash, so what is pinned elsewhere is what a reader sees here.
    """

    machine: ClassVar[str]
    """The name of the kind of version in refusals."""

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[int]
    status: orm.Mapped[PlanStatus]
    body: orm.Mapped[dict[str, Any]]
    canonical: orm.Mapped[bytes]
    sha256: orm.Mapped[str]
    valid_from: orm.Mapped[date]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    opinion: orm.Mapped[str | None]


def _pinned(table: str, owner: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Return what every table of versions holds to, the versions of one owner being numbered."""
    return (
        sa.UniqueConstraint(owner, "number"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> made_by", name="maker_is_not_checker"),
        sa.CheckConstraint(
            "(status IN ('approved', 'rejected')) = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name="decision_is_signed",
        ),
        sa.CheckConstraint("sha256 = encode(sha256(canonical), 'hex')", name="hash_is_of_the_bytes"),
        sa.CheckConstraint("body = convert_from(canonical, 'UTF8')::jsonb", name="body_is_in_the_bytes"),
        sa.Index(f"{table}_in_force_idx", owner, "valid_from", postgresql_where=sa.text("status = 'approved'")),
    )


class Plan(Base):
    """A supplier's benefit plan; its content is in its versions."""

    __tablename__ = "plans"
    __table_args__ = (sa.UniqueConstraint("supplier_id", "name"),)

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    name: orm.Mapped[str]


class PlanVersion(PinnedVersion, Base):
    """A version of a plan; order lines pin it."""

    __tablename__ = "plan_versions"
    __table_args__ = _pinned("plan_versions", "plan_id")
    machine = "plan_version"

    plan_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("plans.id"))


class PlanSimulation(Base):
    """What a version of a plan would have made of past sales, as somebody asked and was told; only ever added.

    Of the accepted lines of a time, both days included, their net amount, and which households would have gained and
    lost how much (fen). Where there were no sales, nobody could. `of_other_plans` says that nothing had been sold under
    the version's own plan, and that the lines are all that its supplier sold under others. `version_status` is what the
    version then was; a decided one is not simulated any more.
    """

    __tablename__ = "plan_simulations"
    __table_args__ = (
        sa.CheckConstraint("version_status IN ('draft', 'submitted')", name="version_is_undecided"),
        sa.CheckConstraint("since <= until", name="time_ends_after_it_begins"),
        sa.CheckConstraint(
            "least(lines, net_fen, households_gaining, gained_fen, households_losing, lost_fen, households_unchanged)"
            " >= 0",
            name="figures_are_not_negative",
        ),
        sa.CheckConstraint("lines > 0 OR net_fen + gained_fen + lost_fen = 0", name="without_sales_nobody_gains"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    plan_version_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("plan_versions.id"), index=True)
    version_status: orm.Mapped[PlanStatus]
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    since: orm.Mapped[date]
    until: orm.Mapped[date]
    lines: orm.Mapped[int]
    of_other_plans: orm.Mapped[bool]
    net_fen: orm.Mapped[int]
    households_gaining: orm.Mapped[int]
    gained_fen: orm.Mapped[int]
    households_losing: orm.Mapped[int]
    lost_fen: orm.Mapped[int]
    households_unchanged: orm.Mapped[int]

    @property
    def without_sales(self) -> bool:
        """Tell whether nothing had been sold by which anybody could gain or lose."""
        return not self.lines


class Register(Base):
    """A register that a supplier or a village collective keeps; its content is in its versions."""

    __tablename__ = "registers"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "name"),)

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    organisation_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"))
    kind: orm.Mapped[RegisterKind]
    name: orm.Mapped[str]


class RegisterVersion(PinnedVersion, Base):
    """A version of a register; distributions pin it. The evidence is what its rows were written from."""

    __tablename__ = "register_versions"
    __table_args__ = (
        *_pinned("register_versions", "register_id"),
        sa.CheckConstraint("trim(evidence) <> ''", name="evidence_is_named"),
    )
    machine = "register_version"

    register_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("registers.id"))
    evidence: orm.Mapped[str]


class SchemeRule(Base):
    """What a region allows a scheme of share modes: the bounds of households' part, and the years that may pay.

    The nearest region's rule holds; where there is none, a scheme states its own bounds.
    """

    __tablename__ = "scheme_rules"
    __table_args__ = (
        sa.CheckConstraint("region_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2})?)?$'", name="region_is_county_or_above"),
        sa.CheckConstraint(
            "0 < lowest_bp AND lowest_bp <= highest_bp AND highest_bp <= 10000", name="bounds_are_bounds"
        ),
        sa.CheckConstraint("first_year BETWEEN 1990 AND 2200 AND years > 0", name="years_are_years"),
    )

    region_code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    lowest_bp: orm.Mapped[int]
    highest_bp: orm.Mapped[int]
    first_year: orm.Mapped[int]
    years: orm.Mapped[int]
    source: orm.Mapped[str]

    @property
    def last_year(self) -> int:
        """Return the last year that may pay."""
        return self.first_year + self.years - 1


class Enrolment(Base):
    """A household takes part with a supplier; a village clerk confirms what the supplier says."""

    __tablename__ = "enrolments"
    __table_args__ = (
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> enrolled_by", name="maker_is_not_checker"),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmation_is_signed"),
    )

    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), primary_key=True)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), primary_key=True, index=True)
    enrolled_on: orm.Mapped[date]
    enrolled_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    confirmed_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    confirmed_at: orm.Mapped[datetime | None]
