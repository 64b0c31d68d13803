"""The channel scheme by HTTP."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import declared, router_of
from market.channels import queries, service
from market.channels.models import ChannelScheme
from market.channels.rules import ChannelTerms, SchemeBodyError, SchemeOrderError
from market.channels.schemas import ChannelOut, ChannelQuery, PublishScheme, SchemeOut
from market.clock import business_date, utc_now
from market.errors import NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Permission

router = router_of("channels")


@router.get("/channels", responses=declared(NotFoundError))
def list_channels(
    query: Annotated[ChannelQuery, Query()], caller: Annotated[Caller, requires(Permission.CHANNEL_READ)]
) -> SchemeOut:
    """Read the scheme in force on a day, with its channels."""
    with caller.transaction() as (session, _):
        scheme = session.scalar(queries.scheme_on(query.on or business_date(utc_now()), query.scheme))
        if scheme is None:
            raise NotFoundError(what="channel_scheme")
        return _shown(session, scheme)


@router.post(
    "/channel-schemes",
    status_code=201,
    response_model=SchemeOut,
    responses=declared(SchemeBodyError, SchemeOrderError),
)
def publish_scheme(request: PublishScheme, caller: Annotated[Caller, requires(Permission.CHANNEL_WRITE)]) -> Response:
    """Publish a version of a scheme; orders keep the version of their day."""
    channels = [
        ChannelTerms(
            code=channel.code,
            name=channel.name,
            buyer_kinds=frozenset(channel.buyer_kinds),
            evidence_kinds=tuple(channel.evidence_kinds),
            needs_external_number=channel.needs_external_number,
            counts_to_reserved_share=channel.counts_to_reserved_share,
            funds_models=tuple(channel.funds_models),
            fee_bp=channel.fee_bp,
            reserve_bp=channel.reserve_bp,
            reserve_days=channel.reserve_days,
        )
        for channel in request.channels
    ]
    return caller.once(
        request,
        lambda session, _: _shown(
            session,
            service.publish_scheme(
                session,
                code=request.code,
                name=request.name,
                valid_from=request.valid_from,
                channels=channels,
                today=business_date(utc_now()),
            ),
        ),
    )


def _shown(session: orm.Session, scheme: ChannelScheme) -> SchemeOut:
    return SchemeOut(
        id=scheme.id,
        code=scheme.code,
        name=scheme.name,
        valid_from=scheme.valid_from,
        channels=[ChannelOut.model_validate(channel) for channel in queries.channels_of(session, scheme)],
    )
