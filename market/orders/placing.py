"""Placing: one request becomes one order group and one order per supplier; or, as a dry run, what it would reach."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market import money
from market.attribution import accrual
from market.attribution.rules import Attribution, LotDraw
from market.catalog import queries as catalog
from market.catalog.rules import Offer, check_quantity, check_sellable, milli_in, milli_of, price_at
from market.channels import service as channels
from market.channels.rules import ChannelPolicy, FundsModel, check_buyer, funds_model
from market.db import array, new_id
from market.errors import InvalidInputError, NotFoundError, at
from market.identity.rules import Actor
from market.lots import stock
from market.lots.rules import Draw, Want
from market.orders.models import OrderGroup
from market.orders.rules import (
    MAX_PAYMENT_DAYS,
    ExternalNumberError,
    ExternalNumberTakenError,
    PaymentTermError,
    PriceChangedError,
)


class WantedLine(NamedTuple):
    """A product, how much of it as a decimal string in a unit, and the price of the product's unit, if one is named."""

    product_id: UUID
    quantity: str
    unit: str
    unit_price_fen: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """What a buyer asks for."""

    channel_code: str
    external_number: str | None
    payment_days: int
    lines: Sequence[WantedLine]
    funds_model: FundsModel | None = None


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A wanted line with its offer and price; amounts in fen, tax included."""

    id: UUID
    order_id: UUID
    position: int
    offer: Offer
    quantity_milli: int
    unit_price_fen: int
    amount_fen: int

    @property
    def net_fen(self) -> int:
        """Return the amount without tax."""
        return money.net_of_tax(self.amount_fen, self.offer.tax_bp)


@dataclass(frozen=True, slots=True)
class PlacedGroup:
    """An order group as placed: its numbers, how it is paid, and its lines by order."""

    id: UUID
    number: str
    funds_model: FundsModel
    orders: Mapping[UUID, str]
    lines: Sequence[PricedLine]
    reserved_until: datetime


@dataclass(frozen=True, slots=True)
class Prediction:
    """What placing and accepting the request whole would bring, with the stock as it is now."""

    lines: Sequence[PricedLine]
    attributions: Sequence[Attribution]
    on_sale: Mapping[UUID, int]


_PLACE = sa.text(
    """
    WITH placed_group AS (
        INSERT INTO order_groups (id, number, buyer_id, scheme_id, channel_code, external_number, payment_days,
                                  placed_by, placed_at)
        VALUES (:group_id,
                'G' || to_char(CAST(:on AS date), 'YYYYMMDD') || next_order_number(),
                :buyer, :scheme, :channel, :external, :payment_days, :member, :now)
        RETURNING number
    ), placed AS (
        INSERT INTO orders (id, number, group_id, supplier_id, buyer_id, scheme_id, channel_code, status, placed_on,
                            reserved_until, payment_days, amount_fen, funds_model, fee_bp, reserve_bp,
                            reserve_days)
        SELECT o.id, 'D' || to_char(CAST(:on AS date), 'YYYYMMDD') || next_order_number(),
               :group_id, o.supplier_id, :buyer, :scheme, :channel, 'placed', :on, :reserved_until, :payment_days,
               o.amount_fen, :funds_model, :fee_bp, :reserve_bp, :reserve_days
          FROM unnest(CAST(:orders AS uuid[]), CAST(:suppliers AS uuid[]), CAST(:order_amounts AS bigint[]))
               AS o (id, supplier_id, amount_fen)
        RETURNING id, number
    ), changed AS (
        INSERT INTO order_changes (id, order_id, event, status, changed_by, changed_at)
        SELECT c.id, c.order_id, 'place', 'placed', :member, :now
          FROM unnest(CAST(:changes AS uuid[]), CAST(:orders AS uuid[])) AS c (id, order_id)
    ), lined AS (
        INSERT INTO order_lines (id, order_id, position, product_id, product_name, certificate_number,
                                 plan_version_id, plan_sha256, unit, unit_milli, quantity_milli, unit_price_fen,
                                 amount_fen, tax_bp, weight_tolerance_bp)
        SELECT * FROM unnest(
            CAST(:lines AS uuid[]), CAST(:line_orders AS uuid[]), CAST(:positions AS bigint[]),
            CAST(:products AS uuid[]), CAST(:names AS text[]), CAST(:certificates AS text[]),
            CAST(:plan_versions AS uuid[]), CAST(:plan_hashes AS text[]), CAST(:units AS text[]),
            CAST(:unit_millis AS bigint[]), CAST(:quantities AS bigint[]), CAST(:prices AS bigint[]),
            CAST(:amounts AS bigint[]), CAST(:taxes AS bigint[]), CAST(:tolerances AS bigint[]))
    )
    SELECT g.number AS group_number, p.id, p.number FROM placed_group g, placed p
    """
)


def place(
    session: orm.Session, actor: Actor, *, request: Request, on: date, now: datetime, reserved_until: datetime
) -> PlacedGroup:
    """Reserve the stock and place the orders, in six statements whatever the number of lines.

    Raises what the channel, the catalogue and the stock refuse, with a pointer to the line.
    """
    policy, lines = _priced(session, actor, request, on)
    stock.reserve(session, _wants(lines), on=on)
    group_id = new_id()
    rows = session.execute(
        _PLACE, _parameters(group_id, actor, request, policy, lines, on=on, now=now, reserved_until=reserved_until)
    ).all()
    numbers, model = {row.id: row.number for row in rows}, funds_model(policy, request.funds_model)
    return PlacedGroup(group_id, rows[0].group_number, model, numbers, lines, reserved_until)


def predict(session: orm.Session, actor: Actor, *, request: Request, on: date) -> Prediction:
    """Return prices and predicted reach of a request against today's stock; writes nothing, raises as `place`."""
    _, lines = _priced(session, actor, request, on)
    found = stock.preview(session, _wants(lines), on=on)
    would_be = [
        _as_accepted(line, lot_draws) for line, lot_draws in zip(lines, lot_draws_of(lines, found.draws), strict=True)
    ]
    return Prediction(lines, accrual.predict(session, would_be, on=on), found.on_sale)


def _priced(session: orm.Session, actor: Actor, request: Request, on: date) -> tuple[ChannelPolicy, list[PricedLine]]:
    with at("/channel_code"):
        policy = channels.policy_on(session, request.channel_code, on)
        check_buyer(policy, actor.kind)
    with at("/funds_model"):
        funds_model(policy, request.funds_model)
    if request.payment_days > MAX_PAYMENT_DAYS:
        raise PaymentTermError(most=MAX_PAYMENT_DAYS, days=request.payment_days, pointer="/payment_days")
    _check_external_number(session, actor, request, policy)
    offers = catalog.offers_for(session, [line.product_id for line in request.lines], on)
    order_ids: dict[UUID, UUID] = defaultdict(new_id)
    lines = [_price(wanted, position, offers, order_ids, on) for position, wanted in enumerate(request.lines)]
    if sum(line.amount_fen for line in lines) > money.MAX_FEN:
        raise InvalidInputError("the lines come to too large an amount", "合计金额过大", pointer="/lines")
    return policy, lines


def _check_external_number(session: orm.Session, actor: Actor, request: Request, policy: ChannelPolicy) -> None:
    if request.external_number is None:
        if policy.needs_external_number:
            raise ExternalNumberError(channel=request.channel_code, pointer="/external_number")
        return
    known = sa.select(OrderGroup.id).where(
        OrderGroup.buyer_id == actor.organisation_id,
        OrderGroup.channel_code == request.channel_code,
        OrderGroup.external_number == request.external_number,
    )
    if session.scalar(known):
        raise ExternalNumberTakenError(number=request.external_number, pointer="/external_number")


def _price(
    wanted: WantedLine, position: int, offers: Mapping[UUID, Offer], order_ids: dict[UUID, UUID], on: date
) -> PricedLine:
    pointer = f"/lines/{position}"
    offer = offers.get(wanted.product_id)
    if offer is None:
        raise NotFoundError(what="product", pointer=f"{pointer}/product_id")
    with at(f"{pointer}/product_id"):
        check_sellable(offer, on)
    with at(f"{pointer}/unit"):
        unit_milli = milli_in(wanted.unit, offer)
    quantity_milli = milli_of(wanted.quantity, unit_milli, pointer=f"{pointer}/quantity")
    with at(f"{pointer}/quantity"):
        check_quantity(
            quantity_milli,
            minimum_milli=offer.minimum_milli,
            multiple_milli=offer.multiple_milli,
            unit=offer.unit,
            unit_milli=offer.unit_milli,
        )
    price_fen = price_at(offer.tiers, quantity_milli)
    if wanted.unit_price_fen not in (None, price_fen):
        raise PriceChangedError(name=offer.name, price_fen=price_fen, pointer=f"{pointer}/unit_price_fen")
    amount_fen = money.price_of(price_fen, quantity_milli, offer.unit_milli)
    return PricedLine(new_id(), order_ids[offer.supplier_id], position, offer, quantity_milli, price_fen, amount_fen)


def _wants(lines: Sequence[PricedLine]) -> list[Want]:
    return [
        Want(line.id, line.offer.product_id, line.quantity_milli, line.position, line.offer.unit, line.offer.unit_milli)
        for line in lines
    ]


def lot_draws_of(lines: Sequence[PricedLine], draws: Sequence[Draw]) -> list[list[LotDraw]]:
    """Return what each line would draw from which lots; lines of one lot draw one after the other."""
    drawn: dict[UUID, int] = {}
    by_line: dict[UUID, list[LotDraw]] = {line.id: [] for line in lines}
    for held in draws:
        before = drawn.get(held.lot_id, held.lot_drawn_milli)
        drawn[held.lot_id] = after = before + held.quantity_milli
        by_line[held.order_line_id].append(LotDraw(held.lot_id, before, after, held.lot_quantity_milli))
    return [by_line[line.id] for line in lines]


def _as_accepted(line: PricedLine, draws: Sequence[LotDraw]) -> accrual.AcceptedLine:
    offer = line.offer
    if offer.plan_version_id is None or offer.plan_sha256 is None:
        raise AssertionError("a sellable product has a plan in force")
    return accrual.AcceptedLine(
        source=f"prediction:{line.position}",
        order_line_id=line.id,
        supplier_id=offer.supplier_id,
        net_fen=line.net_fen,
        draws=draws,
        plan_version_id=offer.plan_version_id,
        plan_sha256=offer.plan_sha256,
    )


def _parameters(
    group_id: UUID,
    actor: Actor,
    request: Request,
    policy: ChannelPolicy,
    lines: Sequence[PricedLine],
    *,
    on: date,
    now: datetime,
    reserved_until: datetime,
) -> dict[str, object]:
    by_order = groupby(sorted(lines, key=lambda line: line.order_id), key=lambda line: line.order_id)
    orders = {order_id: list(own) for order_id, own in by_order}
    model = funds_model(policy, request.funds_model)
    return {
        "group_id": group_id,
        "buyer": actor.organisation_id,
        "member": actor.member_id,
        "scheme": policy.scheme_id,
        "channel": policy.code,
        "external": request.external_number,
        "payment_days": request.payment_days,
        "funds_model": model,
        "fee_bp": policy.fee_bp,
        "reserve_bp": 0 if model is FundsModel.DIRECT else policy.reserve_bp,
        "reserve_days": 0 if model is FundsModel.DIRECT else policy.reserve_days,
        "on": on,
        "now": now,
        "reserved_until": reserved_until,
        "orders": array(orders),
        "suppliers": array(own[0].offer.supplier_id for own in orders.values()),
        "order_amounts": array(sum(line.amount_fen for line in own) for own in orders.values()),
        "changes": array(new_id() for _ in orders),
        "lines": array(line.id for line in lines),
        "line_orders": array(line.order_id for line in lines),
        "positions": array(line.position for line in lines),
        "products": array(line.offer.product_id for line in lines),
        "names": [line.offer.name for line in lines],
        "certificates": [line.offer.certificate_number for line in lines],
        "plan_versions": array(line.offer.plan_version_id for line in lines),
        "plan_hashes": array(line.offer.plan_sha256 for line in lines),
        "units": array(line.offer.unit for line in lines),
        "unit_millis": array(line.offer.unit_milli for line in lines),
        "quantities": array(line.quantity_milli for line in lines),
        "prices": array(line.unit_price_fen for line in lines),
        "amounts": array(line.amount_fen for line in lines),
        "taxes": array(line.offer.tax_bp for line in lines),
        "tolerances": [line.offer.weight_tolerance_bp for line in lines],
    }
