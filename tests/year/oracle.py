"""What a year must come to, from its facts alone and in exact fractions; and what the book says, sum against sum.

Nothing here is the market's arithmetic. Per cooperative, so that a year of millions of transfers fits in memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import psycopg

HALF = Fraction(1, 2)
STEPS = ("accrued", "recognised", "disbursed", "confirmed")
RECEIVED = ("disbursed", "confirmed", "top_up_paid", "advance")
SHARED = ("household", "collective", "retained", "suspense", "pool")


class Part(NamedTuple):
    """What stands in the book of a share of a line at a step, or of a payee's advance, by month."""

    line: str | None
    kind: str
    owner: str
    mechanism: str | None
    contribution: str | None
    step: str
    month: str
    fen: int


_PARTS = """
SELECT m.line, a.kind, a.owner_id::text, m.mechanism, m.contribution, a.step, m.month, sum(m.fen)::bigint
  FROM (SELECT order_line_id::text AS line, credit_account_id AS account_id, mechanism,
               contribution_id::text AS contribution, to_char(effective_on, 'YYYY-MM') AS month, amount_fen AS fen
          FROM ledger_transfers
        UNION ALL
        SELECT order_line_id::text, debit_account_id, mechanism, contribution_id::text,
               to_char(effective_on, 'YYYY-MM'), -amount_fen
          FROM ledger_transfers) m
  JOIN ledger_accounts a ON a.id = m.account_id
 WHERE a.counterpart_id = %(supplier)s OR (a.counterpart_id IS NULL AND a.owner_id = %(supplier)s)
 GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
_LINES = """
SELECT l.id::text, o.id::text, l.tax_bp, l.unit_price_fen, l.unit_milli, l.accepted_milli, l.returned_milli, l.paid_fen,
       o.status, v.body, l.accepted_on
  FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN plan_versions v ON v.id = l.plan_version_id
 WHERE o.supplier_id = %(supplier)s
"""
_LOTS = """
SELECT c.id::text, c.amount_fen, t.quantity_milli, t.accepted_milli, c.household_id::text, t.id::text,
       coalesce((SELECT fen FROM release_carries r WHERE r.contribution_id = c.id), 0)
  FROM contributions c JOIN lots t ON t.id = c.lot_id WHERE t.supplier_id = %(supplier)s
"""
_PAYMENTS = """
SELECT coalesce(household_id, collective_id)::text, sum(amount_fen)::bigint
  FROM payments WHERE supplier_id = %(supplier)s GROUP BY 1
"""
_RECEIPTS = """
SELECT a.order_id::text, sum(a.amount_fen)::bigint FROM receipt_allocations a JOIN orders o ON o.id = a.order_id
 WHERE o.supplier_id = %(supplier)s GROUP BY 1
"""
_SNAPSHOTS = """
SELECT a.kind, sum(b.balance_fen)::bigint,
       sum((SELECT coalesce(sum(CASE WHEN t.credit_account_id = a.id THEN t.amount_fen ELSE -t.amount_fen END), 0)
              FROM ledger_transfers t
             WHERE a.id IN (t.credit_account_id, t.debit_account_id)
               AND t.effective_on < b.month + interval '1 month'))::bigint
  FROM ledger_balances b JOIN ledger_accounts a ON a.id = b.account_id
 WHERE a.kind IN ('base', 'retained', 'collective', 'paid_ahead') AND b.month = (SELECT max(month) FROM ledger_periods)
   AND %(supplier)s IN (a.owner_id, a.counterpart_id)
 GROUP BY a.kind
"""


class Line(NamedTuple):
    """The facts of an order line."""

    id: str
    order: str
    tax_bp: int
    unit_price_fen: int
    unit_milli: int
    accepted_milli: int
    returned_milli: int
    paid_fen: int
    status: str
    plan: Mapping[str, Any]
    accepted_on: object

    def gross(self, milli: int) -> int:
        """Return what so much of it costs, rounded half up."""
        return floor(Fraction(self.unit_price_fen * milli, self.unit_milli) + HALF)

    def net(self, milli: int) -> int:
        """Return the same without its tax, rounded half up."""
        return floor(self.gross(milli) / (1 + Fraction(self.tax_bp, 10_000)) + HALF)

    @property
    def left(self) -> int:
        return self.accepted_milli - self.returned_milli


def breaches(connection: "psycopg.Connection[Any]", supplier: object) -> list[str]:
    """Return everything in which a cooperative's year differs from its facts, at every level."""
    about = {"supplier": supplier}

    def rows(query: str) -> list[Any]:
        return connection.execute(query, about).fetchall()

    parts = [Part(*row) for row in rows(_PARTS)]
    lines = {row[0]: Line(*row) for row in rows(_LINES)}
    return [
        *_of_lines(lines, parts),
        *_of_orders(lines, parts, dict(rows(_RECEIPTS))),
        *_of_lots(rows(_LOTS), parts),
        *_of_payees(parts, dict(rows(_PAYMENTS))),
        *_of_the_cooperative(lines, parts),
        *_of_periods(parts, rows(_SNAPSHOTS)),
    ]


def _sums(parts: Iterable[Part], *names: str) -> dict[Any, int]:
    sums: dict[Any, int] = defaultdict(int)
    for part in parts:
        sums[tuple(getattr(part, name) for name in names)] += part.fen
    return sums


def _brought(parts: Iterable[Part]) -> list[Part]:
    """Return what lines brought, at whichever step it is."""
    return [part for part in parts if part.kind in SHARED and part.step in STEPS]


def _of_lines(lines: Mapping[str, Line], parts: Sequence[Part]) -> list[str]:
    """Hold each line's shares against its net amount, and an untouched line's pools against their exact quotas."""
    found: list[str] = []
    by_line: dict[str, dict[tuple[str, str, str | None, str | None], int]] = defaultdict(lambda: defaultdict(int))
    for part in _brought(parts):
        by_line[str(part.line)][part.kind, part.owner, part.mechanism, part.contribution] += part.fen
    for line in lines.values():
        shares, net = (
            by_line[line.id],
            line.net(line.accepted_milli) - (line.net(line.accepted_milli) - line.net(line.left)),
        )
        if sum(shares.values()) != net:
            found.append(f"line {line.id} brought {sum(shares.values())} instead of {net}")
        found += [f"line {line.id}: {share} has {fen}" for share, fen in shares.items() if fen < 0]
        if not line.returned_milli:
            found += _of_pools(line, net, shares)
    return found


def _of_pools(line: Line, net: int, shares: Mapping[tuple[str, str, str | None, str | None], int]) -> list[str]:
    found = []
    for pool in line.plan["pools"]:
        parts = {
            owner: fen for (_, owner, mechanism, of), fen in shares.items() if mechanism == pool["mechanism"] and not of
        }
        if sum(parts.values()) != floor(Fraction(net * pool["bp"], 10_000)):
            found.append(f"line {line.id}: pool {pool['mechanism']} is {sum(parts.values())}")
        weights = dict(pool["shares"])
        for owner, weight in weights.items():
            quota = Fraction(sum(parts.values()) * weight, sum(weights.values()))
            if not floor(quota) <= parts.get(owner, 0) <= ceil(quota):
                found.append(f"line {line.id}: {owner} has {parts.get(owner, 0)} of a quota of {quota}")
    return found


def _of_orders(lines: Mapping[str, Line], parts: Sequence[Part], receipts: Mapping[str, int]) -> list[str]:
    """Hold what of each order is recognised or beyond against the money that came in for it."""
    found: list[str] = []
    climbed: dict[str, int] = defaultdict(int)
    exact: dict[str, Fraction] = defaultdict(Fraction)
    gross: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    waiting: dict[str, int] = defaultdict(int)
    for part in _brought(parts):
        where = climbed if part.step != "accrued" else waiting
        where[lines[str(part.line)].order] += part.fen
    for line in lines.values():
        gross[line.order] += line.gross(line.left)
        paid[line.order] += line.paid_fen
        exact[line.order] += Fraction(line.paid_fen * 10_000, 10_000 + line.tax_bp)
    for order, fen in climbed.items():
        if fen > exact[order] + 2:
            found.append(f"order {order}: {fen} is recognised of {exact[order]} paid without tax")
    for order, fen in waiting.items():
        if fen and paid[order] >= gross[order]:
            found.append(f"order {order} is paid, yet {fen} waits")
    found += [
        f"order {order}: {fen} came in, {paid[order]} is on lines"
        for order, fen in receipts.items()
        if fen < paid[order]
    ]
    return found


def _of_lots(contributions: Sequence[Any], parts: Sequence[Part]) -> list[str]:
    """Hold what each contribution has released against the drawn part of its lot; a lot sold out has released all."""
    found = []
    released = _sums(
        (part for part in parts if part.contribution and part.step != "advance" and part.kind == "household"),
        "contribution",
    )
    for contribution, fen, whole, drawn, _, _, carry in contributions:
        due = floor(Fraction(fen * drawn, whole))
        if released[(contribution,)] + carry != due:
            found.append(f"contribution {contribution} released {released[(contribution,)]}, carries {carry}, of {due}")
        if drawn == whole and released[(contribution,)] != fen:
            found.append(f"contribution {contribution} of a lot sold out released {released[(contribution,)]} of {fen}")
    return found


def _of_payees(parts: Sequence[Part], paid: Mapping[str, int]) -> list[str]:
    """Hold what each household and collective received against the payments to it, and nobody below zero anywhere."""
    received = _sums(
        (part for part in parts if part.kind in ("household", "collective") and part.step in RECEIVED), "owner"
    )
    found = [
        f"{payee} received {received[(payee,)]}, was paid {paid.get(payee, 0)}"
        for payee in {*paid, *(owner for (owner,) in received)}
        if received[(payee,)] != paid.get(payee, 0)
    ]
    standing = _sums((part for part in parts if part.kind in SHARED), "owner", "step")
    return found + [f"{owner} has {fen} at {step}" for (owner, step), fen in standing.items() if fen < 0]


def _of_the_cooperative(lines: Mapping[str, Line], parts: Sequence[Part]) -> list[str]:
    """Hold that households, collectives and the cooperative together have what its lines brought, and no fen else."""
    net = sum(line.net(line.left) for line in lines.values())
    brought = sum(part.fen for part in _brought(parts))
    base = -sum(part.fen for part in parts if part.kind == "base")
    found = [] if net == brought == base else [f"lines brought {net}, shares are {brought}, the base {base}"]
    topped = sum(part.fen for part in parts if part.step in ("top_up", "top_up_paid"))
    ahead = sum(part.fen for part in parts if part.step == "advance" and part.kind in ("household", "collective"))
    for name, fen, kind in (("top-ups", topped, "top_up_base"), ("advances", ahead, "paid_ahead")):
        against = -sum(part.fen for part in parts if part.kind == kind)
        if fen != against:
            found.append(f"{name} are {fen}, against {against}")
    return found


def _of_periods(parts: Sequence[Part], snapshots: Sequence[Any]) -> list[str]:
    """Hold that no place was negative at the end of any month, and closed months against all that was posted."""
    found = []
    by_place: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for part in parts:
        if part.kind in SHARED:
            # Money paid ahead is the payee's, whatever it was paid for and whichever line claims it.
            why = () if part.step == "advance" else (part.line, part.mechanism, part.contribution)
            by_place[part.kind, part.owner, part.step, *why][part.month] += part.fen
    for place, months in by_place.items():
        standing = 0
        for month in sorted(months):
            standing += months[month]
            if standing < 0:
                found.append(f"{place} is {standing} at the end of {month}")
    return found + [
        f"{kind} is {kept} in the snapshot, {fen} in the book" for kind, kept, fen in snapshots if kept != fen
    ]
