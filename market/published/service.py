"""Recording what others have published."""

from datetime import date, datetime

from sqlalchemy import orm

from market.errors import InvalidInputError
from market.identity.rules import Actor
from market.published.models import PublishedFigure
from market.published.rules import PublishedKind
from market.regions.service import check_known


def publish(
    session: orm.Session,
    actor: Actor,
    *,
    kind: PublishedKind,
    title: str,
    amount_fen: int | None = None,
    households: int | None = None,
    people: int | None = None,
    region_code: str,
    scope: str,
    period_from: date,
    period_to: date,
    source: str,
    now: datetime,
) -> PublishedFigure:
    """Write a published figure down as it was printed: fen, or households and people that somebody counted.

    Raises `InvalidInputError` or `UnknownRegionError`.
    """
    if (amount_fen is None) == (households is None and people is None):
        raise InvalidInputError(
            "a figure is an amount, or a count of households or people",
            "须填金额,或户数、人数,二者居一",
            pointer="/amount_fen",
        )
    if period_to < period_from:
        raise InvalidInputError("the period ends before it begins", "截止日期早于起始日期", pointer="/period_to")
    check_known(session, region_code, period_to, pointer="/region_code")
    figure = PublishedFigure(
        kind=kind,
        title=title,
        amount_fen=amount_fen,
        households=households,
        people=people,
        region_code=region_code,
        scope=scope,
        period_from=period_from,
        period_to=period_to,
        source=source,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(figure)
    session.flush()
    return figure
