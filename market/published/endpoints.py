"""Published figures over HTTP: written down and listed, never added up."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import Query, Response

from market.api import PageQuery, after_id, cut, declared, router_of
from market.clock import utc_now
from market.identity.access import Caller, requires
from market.identity.rules import Permission
from market.published import service
from market.published.models import PublishedFigure
from market.published.rules import WHY_NO_TOTAL
from market.published.schemas import PublishedOut, PublishedPage, PublishFigure
from market.regions.rules import UnknownRegionError

router = router_of("published")


@router.get("/published-figures")
def list_published_figures(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.REPORT_READ)]
) -> PublishedPage:
    """List what others have published of sales, or counted, the latest recorded first; these figures have no total."""
    with caller.transaction() as (session, _):
        figures = sa.select(PublishedFigure).order_by(PublishedFigure.id.desc())
        if last := after_id(query.cursor):
            figures = figures.where(PublishedFigure.id < last)
        rows = session.scalars(figures.limit(query.limit + 1)).all()
    page, next_cursor = cut(rows, query.limit, lambda row: row.id)
    items = [PublishedOut.model_validate(row) for row in page]
    en, zh = WHY_NO_TOTAL
    return PublishedPage(items=items, next_cursor=next_cursor, why_no_total_en=en, why_no_total_zh=zh)


@router.post(
    "/published-figures",
    status_code=201,
    response_model=PublishedOut,
    responses=declared(UnknownRegionError),
)
def publish_figure(
    request: PublishFigure, caller: Annotated[Caller, requires(Permission.MONITORING_WRITE)]
) -> Response:
    """Write down what somebody published, with its scope, period and source; it is no sale and no income."""
    return caller.once(
        request,
        lambda session, actor: PublishedOut.model_validate(
            service.publish(session, actor, now=utc_now(), **request.model_dump())
        ),
    )
