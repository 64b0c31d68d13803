"""The channel scheme in force on a day."""

from collections.abc import Sequence
from datetime import date

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


def channel_on(on: date, scheme: str, code: str) -> sa.Select[Channel]:
    """Return one channel of that version, if it has it."""
    version = scheme_on(on, scheme).with_only_columns(ChannelScheme.id).scalar_subquery()
    return sa.select(Channel).where(Channel.scheme_id == version, Channel.code == code)


def channels_of(session: orm.Session, scheme: ChannelScheme) -> Sequence[Channel]:
    """Return the channels of a version in their order."""
    return session.scalars(sa.select(Channel).where(Channel.scheme_id == scheme.id).order_by(Channel.position)).all()
