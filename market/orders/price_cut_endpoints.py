"""The price of accepted goods is cut, by HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from sqlalchemy import orm

from market.api import answer, day_asked, declared, router_of, tried
from market.attribution.schemas import reach_out
from market.clock import utc_now
from market.errors import FutureDateError, NotFoundError, TransitionError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.orders import returns
from market.orders.price_cut_schemas import CutPrice, PriceCutLineOut, PriceCutOut
from market.orders.rules import LineNotOfOrderError, PriceCutTooMuchError

router = router_of("orders")


@router.post(
    "/orders/{order_id}/price-cuts",
    status_code=201,
    response_model=PriceCutOut,
    responses=tried(PriceCutOut)
    | declared(
        NotFoundError, TransitionError, FutureDateError, LineNotOfOrderError, PriceCutTooMuchError, PeriodClosedError
    ),
)
def cut_price(
    order_id: UUID,
    request: CutPrice,
    caller: Annotated[Caller, requires(Permission.ORDER_CUT_PRICE)],
    *,
    dry_run: bool = False,
) -> Response:
    """Take a part of the price of accepted goods off: the sale and every share of it fall, the goods stay.

    The supplier does this, whose claim it is; what the buyer paid too much is owed back to it. What a household has
    received it keeps.
    """
    day_asked(request.cut_on, "/cut_on")
    now = utc_now()
    lines = [returns.IsCut(line.order_line_id, line.amount_fen) for line in request.lines]
    claim = returns.PriceCut(lines, request.reason, request.cut_on, request.evidence)

    def work(session: orm.Session, actor: Actor) -> PriceCutOut:
        return _cut_out(returns.take_back(session, actor, order_id=order_id, claim=claim, now=now))

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        return answer(_cut_out(returns.predict(session, actor, order_id=order_id, claim=claim)))


def _cut_out(cut: returns.Returned) -> PriceCutOut:
    return PriceCutOut(
        order_id=cut.order.id,
        amount_fen=sum(row.amount_fen for _, row in cut.lines),
        lines=[
            PriceCutLineOut(
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
