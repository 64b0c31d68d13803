"""Orders over HTTP: placing, reading, and the steps until acceptance and return."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import orm

from market.api import Page, after_id, answer, cut, day_asked, declared, router_of, tried
from market.attribution.schemas import reach_out
from market.banks.rules import identification_code
from market.benefits.rules import PlanNotApprovedError
from market.catalog.rules import (
    BelowMinimumError,
    InexactQuantityError,
    NotAMultipleError,
    NotListedError,
    SupplierClosedError,
    UnitMismatchError,
)
from market.certification.rules import CertificateExpiredError, CertificateSuspendedError
from market.channels.rules import (
    ChannelNotForBuyerError,
    FundsModelError,
    UnknownChannelError,
)
from market.clock import business_date, utc_now
from market.errors import FutureDateError, NotFoundError, TransitionError
from market.identity.access import Caller, NotAgain, requires
from market.identity.rules import Actor, Permission
from market.ledger.rules import PeriodClosedError
from market.lots.rules import OutOfStockError
from market.orders import acceptance, changing, placing, queries, returns
from market.orders.instructions import Billed, instruction, instructions
from market.orders.models import Order, OrderGroup
from market.orders.rules import (
    ExternalNumberError,
    ExternalNumberTakenError,
    LineNotOfOrderError,
    NotWeighedError,
    OrderEvent,
    OverToleranceError,
    PaymentTermError,
    PlacedJustNowError,
    PriceChangedError,
    ReturnTooMuchError,
    ShippedTooMuchError,
    WeighNoteError,
)
from market.orders.schemas import (
    Accept,
    AcceptanceOut,
    AcceptedLine,
    GiveUp,
    HowToPay,
    OrderBrief,
    OrderChangeOut,
    OrderGroupOut,
    OrderLineOut,
    OrderOut,
    OrderPrediction,
    OrderQuery,
    PlacedLine,
    PlacedOrder,
    PlaceOrders,
    PredictedLine,
    ReturnedLineOut,
    ReturnOut,
    Ship,
    TakeBack,
)
from market.quantities import text, whole_or_exact

router = router_of("orders")
REFUSED_WHEN_PLACING = declared(
    UnknownChannelError,
    ChannelNotForBuyerError,
    FundsModelError,
    ExternalNumberError,
    ExternalNumberTakenError,
    PaymentTermError,
    NotFoundError,
    NotListedError,
    SupplierClosedError,
    CertificateExpiredError,
    CertificateSuspendedError,
    PlanNotApprovedError,
    UnitMismatchError,
    InexactQuantityError,
    BelowMinimumError,
    NotAMultipleError,
    PriceChangedError,
    OutOfStockError,
    PlacedJustNowError,
)

_REFUSED = (NotFoundError, TransitionError, FutureDateError, LineNotOfOrderError, InexactQuantityError)
_BY_WEIGHT = (WeighNoteError, NotWeighedError, OverToleranceError, OutOfStockError)
STEP: Mapping[str, Any] = {
    "status_code": 201,
    "response_model": OrderOut,
    "responses": declared(*_REFUSED, *_BY_WEIGHT, ShippedTooMuchError),
}

Confirmer = Annotated[Caller, requires(Permission.ORDER_CONFIRM)]
Canceller = Annotated[Caller, requires(Permission.ORDER_CANCEL)]


@router.post(
    "/order-groups",
    status_code=201,
    response_model=OrderGroupOut,
    responses={200: {"model": OrderPrediction, "description": "A dry run: nothing was placed"}, **REFUSED_WHEN_PLACING},
)
def place_orders(
    request: PlaceOrders,
    http: Request,
    caller: Annotated[Caller, requires(Permission.ORDER_PLACE)],
    *,
    dry_run: bool = False,
) -> Response:
    """Place an order group: one order per supplier. With `dry_run` say what it would cost and whom it would reach."""
    now = utc_now()
    on, until = business_date(now), now + timedelta(hours=http.app.state.reservation_hours)
    lines = [placing.WantedLine(**line.model_dump()) for line in request.lines]
    asked = placing.Request(**request.model_dump(exclude={"lines"}), lines=lines)

    def work(session: orm.Session, actor: Actor) -> OrderGroupOut:
        placed = placing.place(session, actor, request=asked, on=on, now=now, reserved_until=until)
        return _group_out(session, placed)

    if not dry_run:
        not_again = NotAgain(http.app.state.repeat_seconds, PlacedJustNowError)
        return caller.once(request, work, not_again=not_again)
    with caller.transaction() as (session, actor):
        return answer(_prediction_out(placing.predict(session, actor, request=asked, on=on)))


def _group_out(session: orm.Session, placed: placing.PlacedGroup) -> OrderGroupOut:
    by_order: dict[UUID, list[placing.PricedLine]] = {order_id: [] for order_id in placed.orders}
    for line in placed.lines:
        by_order[line.order_id].append(line)
    due = {own[0].offer.supplier_id: sum(line.amount_fen for line in own) for own in by_order.values()}
    paid = instructions(session, Billed(placed.id, placed.number, placed.funds_model), due)
    return OrderGroupOut(
        id=placed.id,
        number=placed.number,
        identification_code=identification_code(placed.number),
        amount_fen=sum(due.values()),
        reserved_until=placed.reserved_until,
        orders=[
            PlacedOrder(
                id=order_id,
                number=placed.orders[order_id],
                supplier_id=lines[0].offer.supplier_id,
                supplier_name=lines[0].offer.supplier_name,
                amount_fen=due[lines[0].offer.supplier_id],
                how_to_pay=HowToPay.model_validate(paid[lines[0].offer.supplier_id]),
                lines=[PlacedLine(id=line.id, **_priced(line)) for line in lines],
            )
            for order_id, lines in by_order.items()
        ],
    )


def _priced(line: placing.PricedLine) -> dict[str, object]:
    return {
        "product_id": line.offer.product_id,
        "product_name": line.offer.name,
        "quantity": text(line.quantity_milli, line.offer.unit_milli),
        "unit": line.offer.unit,
        "unit_price_fen": line.unit_price_fen,
        "amount_fen": line.amount_fen,
    }


def _prediction_out(found: placing.Prediction) -> OrderPrediction:
    shares = [share for attribution in found.attributions for share in attribution.shares]
    top_ups = [share for attribution in found.attributions for share in attribution.top_ups]
    return OrderPrediction(
        amount_fen=sum(line.amount_fen for line in found.lines),
        reach=reach_out(shares, top_ups),
        lines=[
            PredictedLine(
                supplier_name=line.offer.supplier_name,
                reach=reach_out(attribution.shares, attribution.top_ups),
                on_sale=whole_or_exact(found.on_sale[line.offer.product_id], line.offer.unit_milli),
                **_priced(line),
            )
            for line, attribution in zip(found.lines, found.attributions, strict=True)
        ],
    )


@router.get("/orders")
def list_orders(
    query: Annotated[OrderQuery, Query()], caller: Annotated[Caller, requires(Permission.ORDER_READ)]
) -> Page[OrderBrief]:
    """List orders, newest first."""
    filters = query.model_dump(exclude={"limit", "cursor", "placed_from", "placed_to"}, exclude_none=True)
    with caller.transaction() as (session, actor):
        orders = queries.orders_placed(actor, query.placed_from, query.placed_to, before=after_id(query.cursor))
        rows = session.scalars(orders.filter_by(**filters).limit(query.limit + 1)).all()
        page, next_cursor = cut(rows, query.limit, lambda order: order.id)
        return Page(items=_briefs(session, page), next_cursor=next_cursor)


def _briefs(session: orm.Session, orders: Sequence[Order]) -> list[OrderBrief]:
    owed_back = queries.owed_back(session, [order.id for order in orders])
    plain = [name for name in OrderBrief.model_fields if name != "owed_back_fen"]
    return [
        OrderBrief(owed_back_fen=owed_back[order.id], **{name: getattr(order, name) for name in plain})
        for order in orders
    ]


@router.get("/orders/{order_id}", responses=declared(NotFoundError))
def show_order(order_id: UUID, caller: Annotated[Caller, requires(Permission.ORDER_READ)]) -> OrderOut:
    """Show an order with its lines and history."""
    with caller.transaction() as (session, actor):
        return _order_out(session, queries.one_order(session, actor, order_id))


def _order_out(session: orm.Session, order: Order) -> OrderOut:
    rows, group = queries.lines_of(session, [order.id]), session.get_one(OrderGroup, order.group_id)
    lines = [
        OrderLineOut(
            **{name: getattr(line, name) for name in OrderLineOut.model_fields if hasattr(line, name)},
            quantity=text(line.quantity_milli, line.unit_milli),
            shipped=text(line.shipped_milli, line.unit_milli),
            accepted=text(line.accepted_milli, line.unit_milli),
            returned=text(line.returned_milli, line.unit_milli),
        )
        for line in rows
    ]
    return OrderOut(
        **dict(_briefs(session, [order])[0]),
        identification_code=identification_code(group.number),
        how_to_pay=HowToPay.model_validate(instruction(session, order, group, rows)),
        reserved_until=order.reserved_until,
        payment_days=order.payment_days,
        lines=lines,
        changes=[OrderChangeOut.model_validate(change) for change in queries.changes_of(session, order.id)],
    )


@router.post("/orders/{order_id}/confirmation", **STEP)
def confirm_order(order_id: UUID, caller: Confirmer) -> Response:
    """Take an order on: its reservation no longer expires."""

    def work(session: orm.Session, actor: Actor) -> OrderOut:
        return _order_out(session, changing.confirm(session, actor, order_id=order_id, now=utc_now()))

    return caller.once(None, work)


def _give_up(order_id: UUID, request: GiveUp, caller: Caller, event: OrderEvent) -> Response:
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> OrderOut:
        order = changing.give_up(session, actor, order_id=order_id, event=event, reason=request.reason, now=now)
        return _order_out(session, order)

    return caller.once(request, work)


@router.post("/orders/{order_id}/refusal", **STEP)
def decline_order(order_id: UUID, request: GiveUp, caller: Confirmer) -> Response:
    """Decline an order that was placed with one; its stock is free again, and what was paid for it is owed back."""
    return _give_up(order_id, request, caller, OrderEvent.DECLINE)


@router.post("/orders/{order_id}/cancellation", **STEP)
def cancel_order(order_id: UUID, request: GiveUp, caller: Canceller) -> Response:
    """Cancel an order that is not shipped; its stock is free again, and what was paid for it is owed back."""
    return _give_up(order_id, request, caller, OrderEvent.CANCEL)


@router.post("/orders/{order_id}/shipment", **STEP)
def ship_order(order_id: UUID, request: Ship, caller: Annotated[Caller, requires(Permission.ORDER_SHIP)]) -> Response:
    """Ship an order, whole or in part; what is not shipped goes back on sale."""
    day_asked(request.shipped_on, "/shipped_on")
    on, now = request.shipped_on, utc_now()
    lines = None if request.lines is None else [changing.Shipped(**line.model_dump()) for line in request.lines]

    def work(session: orm.Session, actor: Actor) -> OrderOut:
        sent = changing.ship(session, actor, order_id=order_id, quantities=lines, shipped_on=on, now=now)
        return _order_out(session, sent)

    return caller.once(request, work)


@router.post(
    "/orders/{order_id}/acceptances",
    status_code=201,
    response_model=AcceptanceOut,
    responses=tried(AcceptanceOut) | declared(*_REFUSED, *acceptance.REFUSALS, OutOfStockError, PeriodClosedError),
)
def accept_lines(
    order_id: UUID,
    request: Accept,
    caller: Annotated[Caller, requires(Permission.ORDER_ACCEPT)],
    *,
    dry_run: bool = False,
) -> Response:
    """Say line by line what arrived; what is accepted is attributed to households at once."""
    day_asked(request.accepted_on, "/accepted_on")
    now = utc_now()
    found = [acceptance.FoundLine(**line.model_dump()) for line in request.lines]
    report = acceptance.Report(found, request.evidence, request.accepted_on)
    if not dry_run:
        return caller.once(
            request,
            lambda session, actor: _accepted_out(
                acceptance.accept(session, actor, order_id=order_id, report=report, now=now)
            ),
        )
    with caller.transaction() as (session, actor):
        return answer(_accepted_out(acceptance.predict(session, actor, order_id=order_id, report=report, now=now)))


def _accepted_out(accepted: acceptance.Accepted) -> AcceptanceOut:
    shares = [share for attribution in accepted.attributions for share in attribution.shares]
    top_ups = [share for attribution in accepted.attributions for share in attribution.top_ups]
    return AcceptanceOut(
        order_id=accepted.order.id,
        status=accepted.order.status,
        accepted_fen=sum(row.accepted_fen for _, row in accepted.lines),
        reach=reach_out(shares, top_ups),
        lines=[
            AcceptedLine(
                order_line_id=line.id,
                product_name=line.product_name,
                accepted=text(row.accepted_milli, line.unit_milli),
                accepted_fen=row.accepted_fen,
                accepted_net_fen=row.accepted_net_fen,
                counts_on=row.counts_on,
                reach=reach_out(attribution.shares, attribution.top_ups),
            )
            for (line, row), attribution in zip(accepted.lines, accepted.attributions, strict=True)
        ],
    )


@router.post(
    "/orders/{order_id}/returns",
    status_code=201,
    response_model=ReturnOut,
    responses=tried(ReturnOut) | declared(*_REFUSED, ReturnTooMuchError, PeriodClosedError),
)
def take_back(
    order_id: UUID,
    request: TakeBack,
    caller: Annotated[Caller, requires(Permission.ORDER_RETURN)],
    *,
    dry_run: bool = False,
) -> Response:
    """Return accepted goods: the sale and every share of it fall; what a household has received it keeps."""
    day_asked(request.returned_on, "/returned_on")
    now = utc_now()
    lines = [returns.ComesBack(line.order_line_id, line.quantity, line.resaleable) for line in request.lines]
    claim = returns.Claim(lines, request.reason, request.returned_on)

    def work(session: orm.Session, actor: Actor) -> ReturnOut:
        return _returned_out(returns.take_back(session, actor, order_id=order_id, claim=claim, now=now))

    if not dry_run:
        return caller.once(request, work)
    with caller.transaction() as (session, actor):
        return answer(_returned_out(returns.predict(session, actor, order_id=order_id, claim=claim)))


def _returned_out(returned: returns.Returned) -> ReturnOut:
    return ReturnOut(
        order_id=returned.order.id,
        amount_fen=sum(row.amount_fen for _, row in returned.lines),
        lines=[
            ReturnedLineOut(
                order_line_id=line.id,
                product_name=line.product_name,
                quantity=text(row.quantity_milli, line.unit_milli),
                amount_fen=row.amount_fen,
                net_fen=row.net_fen,
                counts_on=fallen.counts_on,
                reach=reach_out(
                    [(part.share, part.fen) for part in fallen.falls if not part.is_top_up],
                    [(part.share, part.fen) for part in fallen.falls if part.is_top_up],
                ),
                advance_fen=sum(part.fen for part in fallen.falls if part.is_received),
            )
            for (line, row), fallen in zip(returned.lines, returned.falling, strict=True)
        ],
    )
