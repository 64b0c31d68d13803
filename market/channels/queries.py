"""The channel scheme in force on a day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from market.channels.models import Channel, ChannelScheme


def scheme_on(on: date, scheme: str) -> sa.Select[ChannelScheme]:
    """Return the version of a scheme that is in force on a day, if any."""
    return (
        sa.select(ChannelScheme)
        .where(ChannelScheme.code == scheme, ChannelScheme.valid_from <= on)
        .order_by(ChannelScheme.valid_from.desc())
        .limit(1)
    )


_CHANNEL = sa.text(
    """
    SELECT scheme_id, code, name, buyer_kinds, evidence_kinds, needs_external_number, counts_to_reserved_share,
           funds_models, fee_bp, reserve_bp, reserve_days
      FROM channels
     WHERE code = :code
       AND scheme_id = (SELECT id FROM channel_schemes WHERE code = :scheme AND valid_from <= :on
                         ORDER BY valid_from DESC LIMIT 1)
    """
)


def channel_on(session: orm.Session, on: date, scheme: str, code: str) -> sa.Row[Any] | None:
    """Return one channel of the version of a scheme that is in force on a day, if it has it."""
    return session.execute(_CHANNEL, {"code": code, "scheme": scheme, "on": on}).one_or_none()


def channels_of(session: orm.Session, scheme: ChannelScheme) -> Sequence[Channel]:
    """Return the channels of a version in their order."""
    return session.scalars(sa.select(Channel).where(Channel.scheme_id == scheme.id).order_by(Channel.position)).all()
