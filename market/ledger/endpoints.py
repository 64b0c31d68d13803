"""Closed months over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, declared, decode_cursor, encode_cursor, router_of
from market.clock import business_date, utc_now
from market.errors import InvalidInputError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger import queries, service
from market.ledger.models import LedgerPeriod
from market.ledger.rules import PeriodOrderError
from market.ledger.schemas import CloseMonth, PeriodOut, PeriodQuery

router = router_of("periods")


@router.post("/periods", status_code=201, response_model=PeriodOut, responses=declared(PeriodOrderError))
def close_month(request: CloseMonth, caller: Annotated[Caller, requires(Permission.PERIOD_CLOSE)]) -> Response:
    """Close a month of a book for ever: whatever is recorded later is dated in an open month."""
    today = business_date(utc_now())
    month = date.fromisoformat(f"{request.month}-01")

    def work(session: orm.Session, actor: Actor) -> PeriodOut:
        service.close_month(session, request.book, month=month, closed_by=actor.member_id, today=today)
        return PeriodOut.model_validate(session.get_one(LedgerPeriod, (request.book, month)))

    return caller.once(request, work)


@router.get("/periods")
def list_closed_months(
    query: Annotated[PeriodQuery, Query()], caller: Annotated[Caller, requires(Permission.AUDIT_READ)]
) -> Page[PeriodOut]:
    """List closed months, newest first."""
    with caller.transaction() as (session, _):
        periods = queries.closed_months(query.book, _before(query.cursor))
        rows = session.scalars(periods.limit(query.limit + 1)).all()
    page = rows[: query.limit]
    more = len(rows) > query.limit
    next_cursor = encode_cursor(page[-1].month, page[-1].book) if more else None
    return Page(items=[PeriodOut.model_validate(period) for period in page], next_cursor=next_cursor)


def _before(cursor: str | None) -> tuple[date, str] | None:
    if cursor is None:
        return None
    month, book = decode_cursor(cursor, keys=2)
    try:
        return date.fromisoformat(month), book
    except ValueError:
        raise InvalidInputError("the cursor is not one of ours", "游标无效", pointer="/query/cursor") from None
