"""Tables: channel schemes and their channels."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import Base, new_id


class ChannelScheme(Base):
    """One version of a scheme; of one code the version with the latest `valid_from` not after a day is in force."""

    __tablename__ = "channel_schemes"
    __table_args__ = (sa.UniqueConstraint("code", "valid_from"),)

    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True, default=new_id)
    code: orm.Mapped[str]
    name: orm.Mapped[str]
    valid_from: orm.Mapped[date]


class Channel(Base):
    """A channel and its policy: who may buy through it, how it is paid, and what evidence its acceptance needs."""

    __tablename__ = "channels"

    scheme_id: orm.Mapped[UUID] = orm.mapped_column(sa.ForeignKey("channel_schemes.id"), primary_key=True)
    code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
    position: orm.Mapped[int]
    buyer_kinds: orm.Mapped[list[str]]
    evidence_kinds: orm.Mapped[list[str]]
    needs_external_number: orm.Mapped[bool]
    counts_to_reserved_share: orm.Mapped[bool]
    funds_models: orm.Mapped[list[str]]
    fee_bp: orm.Mapped[int]
    reserve_bp: orm.Mapped[int]
    reserve_days: orm.Mapped[int]
