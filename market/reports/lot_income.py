"""What a lot brought to those who contributed to it; and an increase, only against a stated baseline."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market import money
from market.attribution.rules import Kind, Step
from market.attribution.statements import Flow, Position, flow
from market.benefits.rules import MECHANISMS, Measure, Mechanism
from market.db import plan_anew
from market.errors import NotFoundError
from market.identity.rules import Actor
from market.lots.models import Baseline, Lot
from market.lots.queries import visible_lots
from market.lots.rules import BaselineStatus, over_market
from market.quantities import Unit

_INCOME = sa.text(
    """
    WITH drawing AS MATERIALIZED (
      SELECT DISTINCT order_line_id FROM reservations WHERE lot_id = :lot
    ), given AS (
      SELECT c.mechanism, count(DISTINCT c.household_id) AS households, sum(c.amount_fen) AS contributed_fen,
             sum(CASE WHEN c.amount_fen IS NOT NULL THEN coalesce((
                 SELECT sum(n.amount_fen) FROM contributions n JOIN lots m ON m.id = n.lot_id
                  WHERE n.carried_from = c.id AND m.status <> 'discarded'), 0) END) AS carried_fen
        FROM contributions c
       WHERE c.lot_id = :lot AND c.annulment_id IS NULL
       GROUP BY c.mechanism
       ORDER BY c.mechanism
    ), moves AS (
      SELECT t.credit_account_id AS account_id, t.contribution_id, t.assisted, t.amount_fen AS fen
        FROM drawing d JOIN ledger_transfers t ON t.order_line_id = d.order_line_id
      UNION ALL
      SELECT t.debit_account_id, t.contribution_id, t.assisted, -t.amount_fen
        FROM drawing d JOIN ledger_transfers t ON t.order_line_id = d.order_line_id
    ), posted AS (
      SELECT c.mechanism, m.assisted, a.step, sum(m.fen) AS fen
        FROM moves m
        JOIN contributions c ON c.id = m.contribution_id AND c.lot_id = :lot
        JOIN ledger_accounts a ON a.id = m.account_id AND a.kind = 'household' AND a.step <> 'advance'
       GROUP BY c.mechanism, m.assisted, a.step
    ), sold AS (
      SELECT l.id, l.accepted_fen - l.returned_fen AS fen, l.accepted_net_fen - l.returned_net_fen AS net_fen,
             json_agg(json_build_array(r.lot_id, r.accepted_milli) ORDER BY r.lot_id) AS draws
        FROM drawing d
        JOIN order_lines l ON l.id = d.order_line_id
        JOIN reservations r ON r.order_line_id = l.id
       GROUP BY l.id
    ), above AS (
      SELECT c.mechanism, c.unit_price_fen, c.price_unit_milli, c.market_price_fen, c.market_source, c.market_on,
             coalesce(sum(m.fen) FILTER (WHERE a.id IS NOT NULL), 0) AS fen
        FROM contributions c
        LEFT JOIN moves m ON m.contribution_id = c.id
        LEFT JOIN ledger_accounts a ON a.id = m.account_id AND a.kind = 'household'
         AND a.step IN ('accrued', 'recognised', 'disbursed', 'confirmed')
       WHERE c.lot_id = :lot AND c.market_price_fen < c.unit_price_fen AND c.annulment_id IS NULL
       GROUP BY c.id
       ORDER BY c.mechanism, c.market_on, c.market_source, c.market_price_fen, c.unit_price_fen, c.id
    )
    SELECT json_build_object(
             'above', (SELECT coalesce(json_agg(x), '[]') FROM above x),
             'given', (SELECT coalesce(json_agg(g), '[]') FROM given g),
             'posted', (SELECT coalesce(json_agg(p), '[]') FROM posted p),
             'sold', (SELECT coalesce(json_agg(s), '[]') FROM sold s))
    """
)


@dataclass(frozen=True, slots=True)
class Contributed:
    """What one mechanism gave to the lot and what of it was posted, in fen; `carried_fen` moved on with the goods.

    What is consigned comes to no amount before it is sold: both are None.
    """

    mechanism: Mechanism
    households: int
    contributed_fen: int | None
    carried_fen: int | None
    flow: Flow
    assisted: Flow
    ordinary: Flow


@dataclass(frozen=True, slots=True)
class Increase:
    """Gross income from the lot's produce minus the same figure of the stated baseline, in fen."""

    gross_fen: int
    baseline_fen: int
    baseline_from: date
    baseline_to: date
    baseline_source: str
    sold_out: bool

    @property
    def increase_fen(self) -> int:
        """Return the difference; negative as long as less is sold than the baseline brought."""
        return self.gross_fen - self.baseline_fen


@dataclass(frozen=True, slots=True)
class OverMarket:
    """What contributions at one price brought over the market's price of the day, gross, in fen; top-ups apart.

    The prices are per `price_unit_milli`.
    """

    mechanism: Mechanism
    unit_price_fen: int
    price_unit_milli: int
    market_price_fen: int
    market_source: str
    market_on: date
    gross_fen: int
    increase_fen: int


@dataclass(frozen=True, slots=True)
class LotIncome:
    """A lot's income so far; `increase` is None without a confirmed baseline, or when part moved into other lots.

    `over_market` has each market price that decided and was exceeded; it is another baseline, and never added to it.
    """

    lot_id: UUID
    number: str
    base_unit: Unit
    quantity_milli: int
    accepted_milli: int
    sale_fen: int
    sale_net_fen: int
    contributions: Sequence[Contributed]
    total: Flow
    increase: Increase | None
    over_market: Sequence[OverMarket]
    moved_on: bool


def lot_income(connection: sa.Connection, actor: Actor, lot_id: UUID) -> LotIncome:
    """Return what a lot brought so far, its figures of one moment; raises `NotFoundError`.

    A line that drew from several lots counts for each by the quantity accepted from it, to the fen in all.
    """
    plan_anew(connection)
    stock = (Lot.number, Lot.base_unit, Lot.quantity_milli, Lot.accepted_milli, Lot.moved_milli)
    lot = connection.execute(visible_lots(actor).with_only_columns(*stock).where(Lot.id == lot_id)).one_or_none()
    if lot is None:
        raise NotFoundError(what="lot")
    stated = sa.select(Baseline.gross_fen, Baseline.period_from, Baseline.period_to, Baseline.source)
    confirmed = Baseline.status == BaselineStatus.CONFIRMED
    baseline = connection.execute(stated.where(Baseline.lot_id == lot_id, confirmed)).one_or_none()
    found: Mapping[str, Any] = connection.scalar(_INCOME, {"lot": lot_id})
    positions = [_position(row) for row in found["posted"]]
    return LotIncome(
        lot_id=lot_id,
        number=lot.number,
        base_unit=lot.base_unit,
        quantity_milli=lot.quantity_milli,
        accepted_milli=lot.accepted_milli,
        sale_fen=_sale(found["sold"], lot_id, "fen"),
        sale_net_fen=_sale(found["sold"], lot_id, "net_fen"),
        contributions=[_contributed(row, positions) for row in found["given"]],
        total=flow(positions),
        increase=_increase(baseline, positions, sold_out=lot.accepted_milli == lot.quantity_milli)
        if baseline is not None and not lot.moved_milli
        else None,
        over_market=_over_market(found["above"]),
        moved_on=lot.moved_milli > 0,
    )


def _position(row: Mapping[str, Any]) -> Position:
    return Position(
        Kind.HOUSEHOLD, Step(row["step"]), Mechanism(row["mechanism"]), row["assisted"], 0, row["fen"], 0, 0, 0
    )


def _contributed(row: Mapping[str, Any], positions: Iterable[Position]) -> Contributed:
    mechanism = Mechanism(row["mechanism"])
    own = [each for each in positions if each.mechanism is mechanism]
    return Contributed(
        mechanism=mechanism,
        households=row["households"],
        contributed_fen=row["contributed_fen"],
        carried_fen=row["carried_fen"],
        flow=flow(own),
        assisted=flow(each for each in own if each.assisted),
        ordinary=flow(each for each in own if not each.assisted),
    )


def _over_market(rows: Iterable[Mapping[str, Any]]) -> list[OverMarket]:
    """Add up what contributions at the same prices brought; each one's increase is in whole fen, rounded down."""
    sums: dict[tuple[Any, ...], tuple[int, int]] = {}
    for row in rows:
        *key, fen = row.values()
        above = over_market(fen, unit_price_fen=row["unit_price_fen"], market_price_fen=row["market_price_fen"])
        gross_fen, increase_fen = sums.get(tuple(key), (0, 0))
        sums[tuple(key)] = gross_fen + fen, increase_fen + above
    return [
        OverMarket(Mechanism(code), price, per, market, source, date.fromisoformat(on), *fens)
        for (code, price, per, market, source, on), fens in sums.items()
    ]


def _sale(lines: Iterable[Mapping[str, Any]], lot_id: UUID, amount: str) -> int:
    """Split each line's amount over its lots by what is accepted of each, and add up this lot's parts."""
    parts: dict[str, int] = defaultdict(int)
    for line in lines:
        if line[amount]:
            shares = money.allocate(line[amount], line["draws"], salt=line["id"])
            for (drawn_id, _), part in zip(line["draws"], shares, strict=True):
                parts[drawn_id] += part
    return parts[str(lot_id)]


def _increase(baseline: Any, positions: Iterable[Position], *, sold_out: bool) -> Increase:
    """Compare like with like: a baseline states what the land's produce brought, so labour stays out."""
    produce = [each for each in positions if each.mechanism and Measure.QUANTITY in MECHANISMS[each.mechanism].measures]
    return Increase(
        gross_fen=flow(produce).accrued_fen,
        baseline_fen=baseline.gross_fen,
        baseline_from=baseline.period_from,
        baseline_to=baseline.period_to,
        baseline_source=baseline.source,
        sold_out=sold_out,
    )
