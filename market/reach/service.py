"""Reach: how many households an order, a product, a buyer or a channel reached, with how much, and what of it is paid.

Of an order it is what stands now. Of the others it is what stands now of the lines accepted in whole months, so that
what was paid is never more than what was attributed, whenever it was paid. A sale stands beside it and is not divided.
"""

# ruff: noqa: S608 - statements are assembled only from fragments of this package; every value is bound

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.attribution.rules import Kind
from market.benefits.rules import Mechanism
from market.db import plan_anew
from market.errors import NotFoundError
from market.identity.rules import Actor, Scope
from market.money import WHOLE_BP, yuan
from market.orders.models import Order
from market.orders.queries import visible_orders
from market.reach.rules import Reached, calendar
from market.reach.suppression import Label, Moved, Told, tell
from market.reports.queries import SCOPE, scope_of, unrolled_since
from market.reports.rules import month_after

EVIDENCED = "EXISTS (SELECT FROM evidence_uses u WHERE u.disbursement_id = d.id)"
"""SQL: whether a file of evidence proves the disbursement `d`."""

_FIGURES = "m.accrued_fen, m.recognised_fen, m.disbursed_fen, m.confirmed_fen, m.matched_fen, m.top_up_fen"
_OF_ORDER = f"""
    WITH lines AS (
      SELECT l.order_id, l.accepted_fen - l.returned_fen AS fen, l.accepted_net_fen - l.returned_net_fen AS net_fen,
             l.accepted_milli > 0 AS accepted
        FROM order_lines l WHERE l.order_id = :order
    ), facts AS (
      SELECT m.kind, m.owner_id, m.mechanism, m.assisted, m.disbursement_id, {_FIGURES}
        FROM report_moves m WHERE m.order_id = :order
"""
_OF_PERIOD = f"""
    WITH lines AS (
      SELECT l.order_id, l.accepted_fen - l.returned_fen AS fen, l.accepted_net_fen - l.returned_net_fen AS net_fen,
             l.accepted_milli > 0 AS accepted
        FROM order_lines l
        JOIN orders m ON m.id = l.order_id
        JOIN organisations s ON s.id = m.supplier_id
        JOIN organisations b ON b.id = m.buyer_id
{SCOPE.format(deal="m")} AND l.accepted_on >= :first AND l.accepted_on < :beyond AND {{of_line}} = :key
    ), facts AS (
      SELECT m.kind, m.owner_id, m.mechanism, m.assisted, m.disbursement_id, {_FIGURES}
        FROM (SELECT r.*, o.buyer_id, o.channel_code FROM report_moves r JOIN orders o ON o.id = r.order_id) m
        JOIN organisations s ON s.id = m.supplier_id
        JOIN organisations b ON b.id = m.buyer_id
{SCOPE.format(deal="m")} AND m.accepted_month >= :first AND m.accepted_month < :beyond AND m.{{of}} = :key
         AND m.effective_on >= :unrolled
      UNION ALL
      SELECT m.kind, m.owner_id, m.mechanism, m.assisted, m.disbursement_id, {_FIGURES}
        FROM report_rollups m
        JOIN organisations s ON s.id = m.supplier_id
        JOIN organisations b ON b.id = m.buyer_id
{SCOPE.format(deal="m")} AND m.accepted_month >= :first AND m.accepted_month < :beyond AND m.{{of}} = :key
         AND m.month < :unrolled
"""
_SUMS = """sum(accrued_fen) AS accrued_fen, sum(recognised_fen) AS recognised_fen, sum(disbursed_fen) AS disbursed_fen,
             sum(confirmed_fen) AS confirmed_fen, sum(matched_fen) AS matched_fen, sum(top_up_fen) AS top_up_fen"""
_REST = f"""
    ), shares AS (
      SELECT f.kind, f.owner_id, f.mechanism, f.assisted, {_SUMS},
             coalesce(sum(f.disbursed_fen) FILTER (WHERE {EVIDENCED}), 0) AS proven_fen
        FROM facts f
        LEFT JOIN disbursements d ON d.id = f.disbursement_id
       WHERE f.kind IN ('household', 'collective')
       GROUP BY f.kind, f.owner_id, f.mechanism, f.assisted
    ), cells AS (
      SELECT kind, mechanism, assisted, count(*) FILTER (WHERE accrued_fen > 0) AS payees, {_SUMS},
             sum(proven_fen) AS proven_fen,
             percentile_disc(0.5) WITHIN GROUP (ORDER BY accrued_fen) FILTER (WHERE accrued_fen > 0) AS median_fen
        FROM shares
       GROUP BY kind, mechanism, assisted
       ORDER BY kind DESC, mechanism, assisted DESC
    ), payees AS (
      SELECT kind, GROUPING(assisted) = 1 AS whole, assisted, owner_id, {_SUMS}, sum(proven_fen) AS proven_fen
        FROM shares
       GROUP BY GROUPING SETS ((kind, owner_id), (kind, owner_id, assisted))
    ), groups AS (
      SELECT kind, whole, assisted, count(*) FILTER (WHERE accrued_fen > 0) AS payees, {_SUMS},
             sum(proven_fen) AS proven_fen,
             percentile_disc(0.5) WITHIN GROUP (ORDER BY accrued_fen) FILTER (WHERE accrued_fen > 0) AS median_fen
        FROM payees
       GROUP BY kind, whole, assisted
    ), sold AS (
      SELECT count(DISTINCT order_id) FILTER (WHERE accepted) AS orders, coalesce(sum(fen), 0) AS sale_fen,
             coalesce(sum(net_fen), 0) AS sale_net_fen
        FROM lines
    )
    SELECT json_build_object(
             'sold', (SELECT row_to_json(s) FROM sold s),
             'cells', (SELECT coalesce(json_agg(c), '[]') FROM cells c),
             'groups', (SELECT coalesce(json_agg(g), '[]') FROM groups g))
"""
_COLUMNS: Mapping[Reached, tuple[str, str]] = {
    Reached.PRODUCT: ("product_id", "l.product_id"),
    Reached.BUYER: ("buyer_id", "m.buyer_id"),
    Reached.CHANNEL: ("channel_code", "m.channel_code"),
}
_ORDER = sa.text(_OF_ORDER + _REST)
_PERIOD = {of: sa.text(_OF_PERIOD.format(of=column, of_line=line) + _REST) for of, (column, line) in _COLUMNS.items()}
_NAMES: Mapping[Reached, sa.TextClause] = {
    Reached.PRODUCT: sa.text("SELECT name FROM products WHERE id = :key"),
    Reached.BUYER: sa.text("SELECT name FROM organisations WHERE id = :key"),
    Reached.CHANNEL: sa.text(
        "SELECT c.name FROM channels c JOIN channel_schemes v ON v.id = c.scheme_id"
        " WHERE c.code = :key ORDER BY v.valid_from DESC LIMIT 1"
    ),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group of payees was brought, in fen; each figure of the ladder counts its step and the further ones.

    `matched_fen` is what advances had paid before, `proven_fen` what of the disbursed a file proves. The median is
    over payees with a positive accrued amount; of an even number, the lower of the two in the middle.
    """

    payees: int = 0
    accrued_fen: int = 0
    recognised_fen: int = 0
    disbursed_fen: int = 0
    confirmed_fen: int = 0
    matched_fen: int = 0
    top_up_fen: int = 0
    proven_fen: int = 0
    median_fen: int | None = None

    @property
    def paid_bp(self) -> int | None:
        """Return what of the accrued is disbursed, in basis points rounded down; None of nothing."""
        return self.disbursed_fen * WHOLE_BP // self.accrued_fen if self.accrued_fen > 0 else None

    @property
    def proven_bp(self) -> int | None:
        """Return what of the disbursed evidence proves, in basis points rounded down; None of nothing."""
        return self.proven_fen * WHOLE_BP // self.disbursed_fen if self.disbursed_fen > 0 else None


@dataclass(frozen=True, slots=True)
class Cell:
    """One mechanism, for households assisted on the day that counts, for ordinary ones, or for collectives (None)."""

    kind: Kind
    mechanism: Mechanism
    assisted: bool | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Reach:
    """What was sold, beside what it brought and to whom; `of_all` orders, or of those that the reader may see."""

    name: str
    of_all: bool
    orders: int
    sale_fen: int
    sale_net_fen: int
    households: Figures
    assisted: Figures
    ordinary: Figures
    collectives: Figures
    cells: Sequence[Cell]


def reach_of_order(connection: sa.Connection, actor: Actor, order_id: UUID) -> Reach:
    """Return whom an order reached, as it stands now; raises `NotFoundError`. Two statements, the second says all."""
    plan_anew(connection)
    number = connection.scalar(visible_orders(actor).with_only_columns(Order.number).where(Order.id == order_id))
    if number is None:
        raise NotFoundError(what="order")
    return _reach(number, connection.scalar(_ORDER, {"order": order_id}), of_all=True)


def reach_of(
    connection: sa.Connection, actor: Actor, of: Reached, key: UUID | str, *, first: date, last: date
) -> Reach:
    """Return whom the lines reached that were accepted from the month of `first` to that of `last`, as it stands now.

    Of the orders that the actor may see. Raises `NotFoundError`. Three statements, the last says all.
    """
    plan_anew(connection)
    name = connection.scalar(_NAMES[of], {"key": key})
    if name is None:
        raise NotFoundError(what=of.value)
    months = {"first": first.replace(day=1), "beyond": month_after(last)}
    bound = {"key": key, "county": None, "channel": None, "supplier": None} | months | scope_of(actor)
    found = connection.scalar(_PERIOD[of], bound | {"unrolled": unrolled_since(connection)})
    return _reach(name, found, of_all=actor.scope is Scope.ALL)


def _reach(name: str, found: Mapping[str, Any], *, of_all: bool) -> Reach:
    groups = {(row["kind"], row["whole"], row["assisted"]): _figures(row) for row in found["groups"]}
    return Reach(
        name=name,
        of_all=of_all,
        **found["sold"],
        households=groups.get((Kind.HOUSEHOLD, True, None), Figures()),
        assisted=groups.get((Kind.HOUSEHOLD, False, True), Figures()),
        ordinary=groups.get((Kind.HOUSEHOLD, False, False), Figures()),
        collectives=groups.get((Kind.COLLECTIVE, True, None), Figures()),
        cells=[
            Cell(Kind(row["kind"]), Mechanism(row["mechanism"]), row["assisted"], _figures(row))
            for row in found["cells"]
        ],
    )


def _figures(row: Mapping[str, Any]) -> Figures:
    return Figures(**{name: row[name] for name in Figures.__dataclass_fields__})


# What anybody may read.

_CLOSED = sa.text("SELECT CAST(max(month) + interval '1 month' AS date) FROM ledger_periods WHERE book = 'attribution'")
_MOVED = f"""
    SELECT m.order_line_id, CAST(date_trunc('month', m.effective_on) AS date) AS month, m.mechanism, m.assisted,
           m.owner_id, CAST(sum(m.accrued_fen) AS bigint), CAST(sum(m.disbursed_fen) AS bigint),
           CAST(coalesce(sum(m.disbursed_fen) FILTER (WHERE {EVIDENCED}), 0) AS bigint)
      FROM report_moves m
      LEFT JOIN disbursements d ON d.id = m.disbursement_id
     WHERE m.kind = 'household' AND m.effective_on < :closed AND {{of}}
     GROUP BY 1, 2, 3, 4, 5
"""
_MOVED_OF_ORDER = sa.text(_MOVED.format(of="m.order_id = :order"))
_MOVED_OF_PRODUCT = sa.text(
    _MOVED.format(of="m.product_id = :product AND m.accepted_month >= :first AND m.accepted_month < :beyond")
)


@dataclass(frozen=True, slots=True)
class PublicReach:
    """What the public is told, as it stood at the end of a day; None as long as no month is closed."""

    name: str
    accepted_in: str | None
    as_of: date | None
    told: Told


def public_reach_of_order(connection: sa.Connection, order_id: UUID) -> PublicReach:
    """Return what anybody may know of whom an order reached; raises `NotFoundError`. Three statements."""
    number = connection.scalar(sa.select(Order.number).where(Order.id == order_id))
    if number is None:
        raise NotFoundError(what="order")
    as_of, told = _public(connection, _MOVED_OF_ORDER, {"order": order_id})
    return PublicReach(number, None, as_of, told)


def public_reach_of_product(connection: sa.Connection, product_id: UUID, *, period: str) -> PublicReach:
    """Return what anybody may know of whom a product reached with what was accepted in a calendar year or month.

    Raises `NotFoundError`. Three statements.
    """
    name = connection.scalar(_NAMES[Reached.PRODUCT], {"key": product_id})
    if name is None:
        raise NotFoundError(what="product")
    first, beyond = calendar(period)
    as_of, told = _public(connection, _MOVED_OF_PRODUCT, {"product": product_id, "first": first, "beyond": beyond})
    return PublicReach(name, period, as_of, told)


def _public(connection: sa.Connection, moved: sa.TextClause, of: Mapping[str, Any]) -> tuple[date | None, Told]:
    plan_anew(connection)
    closed: date | None = connection.scalar(_CLOSED)
    if closed is None:
        return None, Told()
    rows = connection.execute(moved, {"closed": closed, **of})
    told = tell(
        [Moved(line, month, Label(mechanism, assisted), *rest) for line, month, mechanism, assisted, *rest in rows]
    )
    return closed - timedelta(days=1), told


def said(found: Reach) -> tuple[str, str]:
    """Return a reach as a sentence in English and Chinese: the sale, then apart from it the households."""
    sale = yuan(found.sale_fen)
    en, zh = _households(found.households.payees, found.households.median_fen)
    paid_en, paid_zh = _paid(found.households.paid_bp, found.households.proven_bp)
    of_en, of_zh = ("", "") if found.of_all else (", of the orders you may see", "(限您可见的订单)")
    return (
        f"{found.name}{of_en}: sold for ¥{sale}; {en}{paid_en}.",
        f"{found.name}{of_zh}:销售额 {sale} 元;{zh}{paid_zh}。",
    )


def publicly_said(found: PublicReach) -> tuple[str, str]:
    """Return what the public is told as a sentence in English and Chinese."""
    told = found.told
    if found.as_of is None:
        return "Nothing is told yet: no month is closed.", "暂不公布:尚无结账月份。"
    if told.households is None:
        return (
            "Nothing is told here: too few households are concerned, fewer than five of one line in one month.",
            "不予公布:涉及农户过少(同一订单行同一月份不足五户)。",
        )
    name_en, name_zh = found.name, found.name
    if found.accepted_in:
        name_en, name_zh = f"{found.name}, accepted in {found.accepted_in}", f"{found.name}({found.accepted_in}验收)"
    if not told.households:
        return (
            f"{name_en}: no household's income of it is in the months closed by {found.as_of}.",
            f"{name_zh}:截至 {found.as_of} 已结账的月份中尚无农户收入。",
        )
    en, zh = _households(told.households, told.median_fen)
    paid_en, paid_zh = _paid(told.paid_bp, told.proven_bp)
    return f"{name_en}: {en}{paid_en} (as of {found.as_of}).", f"{name_zh}:{zh}{paid_zh}(截至 {found.as_of})。"


def _households(number: int, median_fen: int | None) -> tuple[str, str]:
    en = f"reached {number} household{'s' if number != 1 else ''}"
    if median_fen is None:
        return en, f"带动 {number} 户"
    return f"{en}, median ¥{yuan(median_fen)}", f"带动 {number} 户,户均中位数 {yuan(median_fen)} 元"


def _paid(paid_bp: int | None, proven_bp: int | None) -> tuple[str, str]:
    en, zh = "", ""
    if paid_bp is not None:
        en, zh = f", {paid_bp // 100} % paid", f",已兑付 {paid_bp // 100}%"
    if proven_bp is not None:
        en, zh = f"{en}, {proven_bp // 100} % of that with proof", f"{zh},其中 {proven_bp // 100}% 有凭证"
    return en, zh
