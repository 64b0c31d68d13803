"""Tables: lots, lot inputs, contributions and their carries, reservations, stock movements, baselines."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.rules import MECHANISMS, Basis, Measure, Mechanism
from market.db import Base, new_id
from market.lots.rules import (
    BaselineStatus,
    LotStatus,
    Origin,
)
from market.quantities import (
    MeasuredIn,
    Unit,
)

_CONSIGNED = ", ".join(f"'{code}'" for code, terms in MECHANISMS.items() if terms.basis is Basis.PROCEEDS)


class Lot(Base):
    """A quantity of one product with one origin; the six stock columns always sum to `quantity_milli`.

    All its quantities are thousandths of `base_unit`, kg or piece. One that is counted and made of what is weighed, or
    the reverse, says how much a piece weighs (`content_milli`, grams): then what was bought in and what was lost is
    weighed. It is good until `expires_on`, that day included.
    `certified_lot_id` is the lot that a part of a plain split has its quality certificate from; null for one's own. The
    certificate's number is told apart by its key, as `identifiers.reference_key` reads it.
    `draws` counts how often something was accepted from it, returned to it or moved out of it.
    """

    __tablename__ = "lots"
    __table_args__ = (
        sa.CheckConstraint(
            "available_milli + reserved_milli + shipped_milli + accepted_milli + moved_milli + spoiled_milli"
            " = quantity_milli",
            name="quantity_is_conserved",
        ),
        sa.CheckConstraint(
            "least(available_milli, reserved_milli, shipped_milli, accepted_milli, moved_milli, spoiled_milli) >= 0",
            name="stock_is_never_oversold",
        ),
        sa.CheckConstraint("quantity_milli > 0", name="quantity_is_positive"),
        sa.CheckConstraint("least(bought_in_milli, loss_milli) >= 0", name="sources_are_not_negative"),
        sa.CheckConstraint("content_milli > 0", name="content_is_positive"),
        sa.CheckConstraint("content_milli IS NULL OR origin = 'processed'", name="processing_alone_converts"),
        sa.CheckConstraint(
            "origin IN ('produced', 'processed') OR (bought_in_milli = 0 AND (loss_milli = 0 OR origin = 'repacked'))",
            name="origin_allows_its_sources",
        ),
        sa.CheckConstraint("expires_on >= produced_on", name="expiry_follows_production"),
        sa.CheckConstraint("opened_by <> made_by", name="opener_is_not_maker"),
        sa.CheckConstraint(
            "(status IN ('draft', 'discarded')) = (opened_by IS NULL) AND (opened_by IS NULL) = (opened_at IS NULL)",
            name="opening_is_signed",
        ),
        sa.CheckConstraint("(status = 'discarded') = (discarded_by IS NOT NULL)", name="discarding_is_signed"),
        sa.Index(
            "lots_quality_certificate_once",
            "supplier_id",
            "quality_certificate_key",
            unique=True,
            postgresql_where=sa.text("status <> 'discarded' AND certified_lot_id IS NULL"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(quality_certificate, quality_certificate_key) IN (0, 2)", name="certificate_has_its_key"
        ),
        sa.CheckConstraint(
            "certified_lot_id IS NULL OR (origin = 'split' AND quality_certificate IS NOT NULL)",
            name="parts_alone_share_a_certificate",
        ),
        sa.Index("lots_on_sale_idx", "product_id", postgresql_where=sa.text("status = 'open' AND available_milli > 0")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    number: orm.Mapped[str] = orm.mapped_column(unique=True)
    product_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("products.id"))
    supplier_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("organisations.id"), index=True)
    status: orm.Mapped[LotStatus]
    origin: orm.Mapped[Origin]
    produced_on: orm.Mapped[date]
    expires_on: orm.Mapped[date | None]
    origin_code: orm.Mapped[str]
    area_milli_mu: orm.Mapped[int | None]
    base_unit: orm.Mapped[Unit]
    content_milli: orm.Mapped[int | None]
    quality_certificate: orm.Mapped[str | None]
    quality_certificate_key: orm.Mapped[str | None]
    certified_lot_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("lots.id"))
    quantity_milli: orm.Mapped[int]
    bought_in_milli: orm.Mapped[int]
    loss_milli: orm.Mapped[int]
    available_milli: orm.Mapped[int]
    reserved_milli: orm.Mapped[int] = orm.mapped_column(default=0)
    shipped_milli: orm.Mapped[int] = orm.mapped_column(default=0)
    accepted_milli: orm.Mapped[int] = orm.mapped_column(default=0)
    moved_milli: orm.Mapped[int] = orm.mapped_column(default=0)
    spoiled_milli: orm.Mapped[int] = orm.mapped_column(default=0)
    draws: orm.Mapped[int] = orm.mapped_column(default=0, server_default="0")
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    made_at: orm.Mapped[datetime]
    opened_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    opened_at: orm.Mapped[datetime | None]
    discarded_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))


class LotInput(Base):
    """A lot was made from part of another; moving without a sale takes the contributions along.

    The quantity is in the base unit of the input. `draws` is what the input's own counter came to with it. The row of a
    discarded lot stays, and moves nothing.
    """

    __tablename__ = "lot_inputs"
    __table_args__ = (
        sa.CheckConstraint("quantity_milli > 0", name="quantity_is_positive"),
        sa.CheckConstraint("lot_id <> input_lot_id", name="lot_is_not_its_own_input"),
    )

    lot_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    input_lot_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("lots.id"), primary_key=True, index=True)
    quantity_milli: orm.Mapped[int]
    draws: orm.Mapped[int]


class Contribution(Base):
    """What a household gave to a lot: produce, work or land, in milli-units of its measure, and what it is owed for it.

    What is consigned has no price and no amount, but basis points of what it brings. A price that follows the market's
    stands beside it. The measure is in thousandths of `measured_in`: a base unit, the hour or the mu. A contribution
    carried from an input lot names the one it comes from; measure and amount are the part of it that came along, which
    may be worth no fen; of consigned produce the measure is the household's part of what was taken. `slip_key` is the
    evidence of produce as `identifiers.reference_key` reads it; a work sheet or a lease names many, and has none.
    One with an `annulment_id` never was: it stays on record and counts for nobody, while its quantity stays in the lot.
    """

    __tablename__ = "contributions"
    __table_args__ = (
        sa.CheckConstraint(
            "amount_fen > 0 OR (amount_fen = 0 AND carried_from IS NOT NULL)", name="amount_is_positive"
        ),
        sa.CheckConstraint("unit_price_fen > 0 AND price_unit_milli > 0", name="price_is_positive"),
        sa.CheckConstraint("measure_milli >= 0", name="measure_is_not_negative"),
        sa.CheckConstraint(
            f"CASE WHEN mechanism IN ({_CONSIGNED})"
            " THEN num_nonnulls(amount_fen, unit_price_fen, price_unit_milli) = 0 AND proceeds_bp BETWEEN 1 AND 10000"
            " ELSE num_nulls(amount_fen, unit_price_fen, price_unit_milli) = 0 AND proceeds_bp IS NULL END",
            name="consigned_has_no_amount",
        ),
        sa.CheckConstraint(
            "num_nonnulls(market_price_fen, market_source, market_on) IN (0, 3)", name="market_price_has_its_source"
        ),
        sa.CheckConstraint(
            "market_price_fen > 0 AND market_price_fen <= unit_price_fen", name="price_is_not_below_market"
        ),
        sa.Index(
            "contributions_evidence_once",
            "lot_id",
            "household_id",
            "mechanism",
            "evidence",
            unique=True,
            postgresql_where=sa.text("carried_from IS NULL"),
        ),
        sa.Index("contributions_slip_idx", "slip_key", postgresql_where=sa.text("slip_key IS NOT NULL")),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    lot_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("lots.id"), index=True)
    household_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("households.id"), index=True)
    mechanism: orm.Mapped[Mechanism]
    measure: orm.Mapped[Measure]
    measured_in: orm.Mapped[MeasuredIn]
    measure_milli: orm.Mapped[int]
    unit_price_fen: orm.Mapped[int | None]
    price_unit_milli: orm.Mapped[int | None]
    amount_fen: orm.Mapped[int | None]
    proceeds_bp: orm.Mapped[int | None]
    market_price_fen: orm.Mapped[int | None]
    market_source: orm.Mapped[str | None]
    market_on: orm.Mapped[date | None]
    delivered_on: orm.Mapped[date]
    evidence: orm.Mapped[str]
    slip_key: orm.Mapped[str | None]
    plan_version_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("plan_versions.id"))
    carried_from: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("contributions.id"), index=True)
    annulment_id: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("annulments.id", use_alter=True))
    made_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))


class ReleaseCarry(Base):
    """How far a contribution's releases are off what is drawn of its lot, in fen: rounding of returns, mostly.

    What was released, what moved on with the goods and the carry are together the drawn part of the amount.
    """

    __tablename__ = "release_carries"

    contribution_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("contributions.id"), primary_key=True)
    fen: orm.Mapped[int]


class Reservation(Base):
    """Stock of a lot held for an order line: how much at first, and where in the lot it is now; the rest went back."""

    __tablename__ = "reservations"
    __table_args__ = (
        sa.CheckConstraint("quantity_milli > 0", name="quantity_is_positive"),
        sa.CheckConstraint("least(reserved_milli, shipped_milli, accepted_milli) >= 0", name="stock_is_not_negative"),
        sa.CheckConstraint(
            "reserved_milli + shipped_milli + accepted_milli <= quantity_milli", name="holds_what_was_reserved"
        ),
        sa.UniqueConstraint("order_line_id", "lot_id"),
    )

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    order_line_id: orm.Mapped[UUID]
    lot_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("lots.id"), index=True)
    quantity_milli: orm.Mapped[int]
    reserved_milli: orm.Mapped[int]
    shipped_milli: orm.Mapped[int] = orm.mapped_column(default=0)
    accepted_milli: orm.Mapped[int] = orm.mapped_column(default=0)


class Spoilage(Base):
    """Stock that spoiled unsold, with who says so and why."""

    __tablename__ = "spoilages"
    __table_args__ = (sa.CheckConstraint("quantity_milli > 0", name="quantity_is_positive"),)

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    lot_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("lots.id"), index=True)
    quantity_milli: orm.Mapped[int]
    reason: orm.Mapped[str]
    recorded_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    recorded_at: orm.Mapped[datetime]


class Baseline(Base):
    """What the same land brought before, with period and source; an increase is stated only against a confirmed one."""

    __tablename__ = "baselines"
    __table_args__ = (
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> stated_by", name="maker_is_not_checker"),
        sa.CheckConstraint(
            "(status IN ('confirmed', 'rejected')) = (decided_by IS NOT NULL AND decided_at IS NOT NULL)",
            name="decision_is_signed",
        ),
        sa.CheckConstraint("gross_fen >= 0", name="gross_is_not_negative"),
        sa.CheckConstraint("period_to >= period_from", name="period_is_a_period"),
    )

    lot_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("lots.id"), primary_key=True)
    status: orm.Mapped[BaselineStatus]
    period_from: orm.Mapped[date]
    period_to: orm.Mapped[date]
    source: orm.Mapped[str]
    area_milli_mu: orm.Mapped[int]
    yield_milli_per_mu: orm.Mapped[int]
    unit_price_fen: orm.Mapped[int]
    price_unit_milli: orm.Mapped[int]
    gross_fen: orm.Mapped[int]
    stated_by: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_by: orm.Mapped[UUID | None] = orm.mapped_column(sa.ForeignKey("members.id"))
    decided_at: orm.Mapped[datetime | None]
    opinion: orm.Mapped[str | None]
