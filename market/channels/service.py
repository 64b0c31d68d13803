"""Publishing a scheme, and asking for a channel's policy on a day."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy import orm

from market.channels.models import Channel, ChannelScheme
from market.channels.queries import channel_on
from market.channels.rules import (
    DEFAULT_SCHEME,
    ChannelPolicy,
    ChannelTerms,
    FundsModel,
    UnknownChannelError,
    check_scheme,
    check_succession,
)
from market.db import lock_by
from market.identity.rules import OrganisationKind


def publish_scheme(
    session: orm.Session, *, code: str, name: str, valid_from: date, channels: Sequence[ChannelTerms], today: date
) -> ChannelScheme:
    """Publish a version of a scheme; the one before it ends on the day before.

    The first version of a scheme may begin in the past. Raises `SchemeBodyError` or `SchemeOrderError`.
    """
    check_scheme(channels)
    lock_by(session, kind="channel_scheme", key=code)
    latest_from = session.scalar(sa.select(sa.func.max(ChannelScheme.valid_from)).where(ChannelScheme.code == code))
    if latest_from is not None:
        check_succession(valid_from, latest_from=latest_from, today=today)
    scheme = ChannelScheme(code=code, name=name, valid_from=valid_from)
    session.add(scheme)
    session.flush()
    session.add_all(
        Channel(
            scheme_id=scheme.id,
            code=channel.code,
            name=channel.name,
            position=position,
            buyer_kinds=sorted(channel.buyer_kinds),
            evidence_kinds=list(channel.evidence_kinds),
            needs_external_number=channel.needs_external_number,
            counts_to_reserved_share=channel.counts_to_reserved_share,
            funds_models=list(channel.funds_models),
            fee_bp=channel.fee_bp,
            reserve_bp=channel.reserve_bp,
            reserve_days=channel.reserve_days,
        )
        for position, channel in enumerate(channels, start=1)
    )
    session.flush()
    return scheme


def policy_on(session: orm.Session, code: str, on: date, *, scheme: str = DEFAULT_SCHEME) -> ChannelPolicy:
    """Return a channel's policy in the scheme in force on a day, in one statement; raises `UnknownChannelError`."""
    channel = channel_on(session, on, scheme, code)
    if channel is None:
        raise UnknownChannelError(channel=code, on=on)
    return ChannelPolicy(
        scheme_id=channel.scheme_id,
        code=channel.code,
        name=channel.name,
        buyer_kinds=frozenset(OrganisationKind(kind) for kind in channel.buyer_kinds),
        evidence_kinds=tuple(channel.evidence_kinds),
        needs_external_number=channel.needs_external_number,
        counts_to_reserved_share=channel.counts_to_reserved_share,
        funds_models=tuple(FundsModel(model) for model in channel.funds_models),
        fee_bp=channel.fee_bp,
        reserve_bp=channel.reserve_bp,
        reserve_days=channel.reserve_days,
    )
