"""The price of accepted goods is cut, by HTTP: offered by the supplier, taken or declined by the buyer."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import orm

from market.api import Page, answer, day_asked, declared, newest, router_of, tried
from market.attribution.schemas import reach_out
from market.clock import utc_now
from market.errors import FutureDateError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.orders import price_cutting, queries, returns
from market.orders.models import PriceCut
from market.orders.price_cut_schemas import (
    DeclinePriceCut,
    OfferedLineOut,
    OfferPriceCut,
    PriceCutEffect,
    PriceCutEffectLine,
    PriceCutOut,
    PriceCutQuery,
)
from market.orders.rules import LineNotOfOrderError, PriceCutOpenError, PriceCutTooMuchError

router = router_of("orders")
Offerer = Annotated[Caller, requires(Permission.ORDER_CUT_PRICE)]
Taker = Annotated[Caller, requires(Permission.ORDER_AGREE_PRICE_CUT)]
Reader = Annotated[Caller, requires(Permission.ORDER_READ)]
_REFUSED = (NotFoundError, TransitionError)


@router.post(
    "/orders/{order_id}/price-cuts",
    status_code=201,
    response_model=PriceCutOut,
    responses=tried(PriceCutEffect)
    | declared(*_REFUSED, FutureDateError, LineNotOfOrderError, PriceCutTooMuchError, PriceCutOpenError),
)
def offer_price_cut(order_id: UUID, request: OfferPriceCut, caller: Offerer, *, dry_run: bool = False) -> Response:
    """Offer the buyer to take a part of the price of accepted goods off; the goods stay, and so far all else.

    The supplier does this, whose claim it is. A dry run says what would fall if the buyer took it now.
    """
    day_asked(request.cut_on, "/cut_on")
    now = utc_now()
    lines = [returns.IsCut(line.order_line_id, line.amount_fen) for line in request.lines]
    offered = price_cutting.Offer(lines, request.reason, request.cut_on, request.evidence)

    def work(session: orm.Session, actor: Actor) -> PriceCutOut:
        return _out(session, price_cutting.offer(session, actor, order_id=order_id, offered=offered, now=now))

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        return answer(_effect(price_cutting.predict(session, actor, order_id=order_id, offered=offered)))


@router.post(
    "/price-cuts/{price_cut_id}/acceptance",
    status_code=201,
    response_model=PriceCutEffect,
    responses=tried(PriceCutEffect) | declared(*_REFUSED, PriceCutTooMuchError, PeriodClosedError),
)
def accept_price_cut(price_cut_id: UUID, caller: Taker, *, dry_run: bool = False) -> Response:
    """Take an offered price cut: the sale and every share of it fall; what was paid too much is owed back to you.

    What a household has received it keeps. A dry run says what would fall.
    """
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> PriceCutEffect:
        return _effect(price_cutting.accept(session, actor, price_cut_id=price_cut_id, now=now))

    if not dry_run:
        return caller.once(None, work)
    with caller.transaction() as (session, actor):
        return answer(_effect(price_cutting.predict_acceptance(session, actor, price_cut_id=price_cut_id)))


@router.post(
    "/price-cuts/{price_cut_id}/refusal", status_code=201, response_model=PriceCutOut, responses=declared(*_REFUSED)
)
def decline_price_cut(price_cut_id: UUID, request: DeclinePriceCut, caller: Taker) -> Response:
    """Decline an offered price cut: the price stays."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> PriceCutOut:
        declined = price_cutting.decline(session, actor, price_cut_id=price_cut_id, reason=request.reason, now=now)
        return _out(session, declined)

    return caller.once(request, work)


@router.post(
    "/price-cuts/{price_cut_id}/withdrawal", status_code=201, response_model=PriceCutOut, responses=declared(*_REFUSED)
)
def withdraw_price_cut(price_cut_id: UUID, caller: Offerer) -> Response:
    """Take an offer back that the buyer has not answered."""
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> PriceCutOut:
        return _out(session, price_cutting.withdraw(session, actor, price_cut_id=price_cut_id, now=now))

    return caller.once(None, work)


@router.get("/price-cuts")
def list_price_cuts(query: Annotated[PriceCutQuery, Query()], caller: Reader) -> Page[PriceCutOut]:
    """List the price cuts that were offered, newest first."""
    filters = query.model_dump(include={"order_id", "status"}, exclude_none=True)
    with caller.transaction() as (session, actor):
        price_cuts = queries.visible_price_cuts(actor).filter_by(**filters)
        page, next_cursor = newest(session, price_cuts, PriceCut.id, query)
        return Page(items=_outs(session, page), next_cursor=next_cursor)


@router.get("/price-cuts/{price_cut_id}", responses=declared(NotFoundError))
def show_price_cut(price_cut_id: UUID, caller: Reader) -> PriceCutOut:
    """Show a price cut that was offered, and what became of it."""
    with caller.transaction() as (session, actor):
        return _out(session, queries.one_price_cut(session, actor, price_cut_id))


def _out(session: orm.Session, price_cut: PriceCut) -> PriceCutOut:
    return _outs(session, [price_cut])[0]


def _outs(session: orm.Session, price_cuts: Sequence[PriceCut]) -> list[PriceCutOut]:
    lines: dict[UUID, list[OfferedLineOut]] = defaultdict(list)
    for line in queries.cut_lines(session, [price_cut.id for price_cut in price_cuts]):
        lines[line.price_cut_id].append(OfferedLineOut.model_validate(line))
    own = [name for name in PriceCutOut.model_fields if hasattr(PriceCut, name)]
    return [
        PriceCutOut(
            amount_fen=sum(line.amount_fen for line in lines[price_cut.id]),
            lines=lines[price_cut.id],
            **{name: getattr(price_cut, name) for name in own},
        )
        for price_cut in price_cuts
    ]


def _effect(cut: returns.Returned) -> PriceCutEffect:
    return PriceCutEffect(
        order_id=cut.order.id,
        amount_fen=sum(row.amount_fen for _, row in cut.lines),
        lines=[
            PriceCutEffectLine(
                order_line_id=line.id,
                product_name=line.product_name,
                amount_fen=row.amount_fen,
                net_fen=row.net_fen,
                counts_on=fallen.counts_on,
                reach=reach_out((part.share, part.fen) for part in fallen.falls),
                topped_up_fen=sum(fen for _, fen in fallen.top_ups),
                advance_fen=sum(part.fen for part in fallen.falls if part.is_received),
            )
            for (line, row), fallen in zip(cut.lines, cut.falling, strict=True)
        ],
    )
