"""The facts of a cooperative's year as they were recorded, in the order in which they happened; nothing of the book."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from tests.year.standing import Share

HALF = Fraction(1, 2)

_LINES = """
SELECT l.id::text, l.order_id::text, l.tax_bp, l.unit_price_fen, l.unit_milli, v.body,
       l.accepted_milli - l.returned_milli, l.paid_fen
  FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN plan_versions v ON v.id = l.plan_version_id
 WHERE o.supplier_id = %(supplier)s ORDER BY l.order_id, l.position
"""
_LOTS = """
SELECT id::text, quantity_milli, bought_in_milli, accepted_milli + moved_milli
  FROM lots WHERE supplier_id = %(supplier)s ORDER BY id
"""
_GIVEN = """
SELECT c.id::text, c.lot_id::text, c.household_id::text, c.mechanism, c.measure, c.measure_milli, c.amount_fen,
       c.proceeds_bp, c.delivered_on, c.carried_from::text
  FROM contributions c JOIN lots l ON l.id = c.lot_id WHERE l.supplier_id = %(supplier)s ORDER BY c.id
"""
_INPUTS = """
SELECT i.lot_id::text, i.input_lot_id::text, i.quantity_milli
  FROM lot_inputs i JOIN lots l ON l.id = i.lot_id WHERE l.supplier_id = %(supplier)s ORDER BY 1, 2
"""
_HOUSEHOLDS = """
SELECT h.id::text, h.registered_on, h.departed_on, array_agg(s.valid_from ORDER BY s.valid_from),
       array_agg(s.status = 'ordinary' ORDER BY s.valid_from)
  FROM enrolments e JOIN households h ON h.id = e.household_id JOIN household_statuses s ON s.household_id = h.id
 WHERE e.supplier_id = %(supplier)s GROUP BY h.id
"""
_PAYMENTS = """
SELECT p.id::text, p.disbursement_id::text, CASE WHEN p.household_id IS NULL THEN 'collective' ELSE 'household' END,
       coalesce(p.household_id, p.collective_id)::text, p.contribution_id::text, p.amount_fen,
       p.invoice_number IS NOT NULL
  FROM payments p WHERE p.supplier_id = %(supplier)s ORDER BY p.id
"""
_ACCEPTED = """
SELECT a.id::text, a.order_id::text, a.accepted_on,
       jsonb_agg(jsonb_build_array(l.id, l.order_line_id, l.accepted_milli, l.draws) ORDER BY l.id)
  FROM acceptances a JOIN orders o ON o.id = a.order_id JOIN acceptance_lines l ON l.acceptance_id = a.id
 WHERE o.supplier_id = %(supplier)s GROUP BY a.id
"""
_RETURNED = """
SELECT r.id::text, r.order_id::text, r.returned_on,
       jsonb_agg(jsonb_build_array(l.id, l.order_line_id, l.quantity_milli, l.draws) ORDER BY l.id)
  FROM returns r JOIN orders o ON o.id = r.order_id JOIN return_lines l ON l.return_id = r.id
 WHERE o.supplier_id = %(supplier)s GROUP BY r.id
"""
_RECEIVED = """
SELECT a.id::text, a.order_id::text, r.received_on, a.amount_fen
  FROM receipt_allocations a JOIN receipts r ON r.id = a.receipt_id JOIN orders o ON o.id = a.order_id
 WHERE o.supplier_id = %(supplier)s
"""
_DISBURSED = "SELECT id::text, paid_on FROM disbursements WHERE supplier_id = %(supplier)s"
_CONFIRMED = """
SELECT c.id::text, (c.made_at AT TIME ZONE 'Asia/Shanghai')::date, array_agg(p.id::text ORDER BY p.id)
  FROM confirmations c JOIN confirmed_payments x ON x.confirmation_id = c.id JOIN payments p ON p.id = x.payment_id
 WHERE p.supplier_id = %(supplier)s GROUP BY c.id
"""
_REVERSED = """
SELECT r.id::text, r.payment_id::text, r.reversed_on
  FROM payment_reversals r JOIN payments p ON p.id = r.payment_id WHERE p.supplier_id = %(supplier)s
"""
_SHARED = """
SELECT d.id::text, d.mechanism, d.period_from, d.period_to, (d.decided_at AT TIME ZONE 'Asia/Shanghai')::date,
       d.inputs, v.body
  FROM distributions d LEFT JOIN register_versions v ON v.id = d.register_version_id
 WHERE d.supplier_id = %(supplier)s AND d.status = 'approved'
"""
_GIVEN_ON = """
SELECT s.id::text, s.collective_id::text, s.given_on, s.amount_fen, v.body, v.sha256,
       (s.confirmed_at AT TIME ZONE 'Asia/Shanghai')::date
  FROM second_distributions s JOIN register_versions v ON v.id = s.register_version_id
 WHERE s.supplier_id = %(supplier)s AND s.status = 'approved'
"""
_CLOSED = """
SELECT floor(extract(epoch FROM closed_at) * 1000)::bigint, (month + interval '1 month')::date
  FROM ledger_periods WHERE book = 'attribution'
"""
_RESERVE = """
SELECT DISTINCT ON (v.plan_id) v.body FROM plan_versions v JOIN plans p ON p.id = v.plan_id
 WHERE p.supplier_id = %(supplier)s AND v.status = 'approved' AND v.valid_from <= %(on)s
 ORDER BY v.plan_id, v.valid_from DESC, v.number DESC
"""


class Line(NamedTuple):
    """What was ordered: its price, its tax, what its plan promises; and what the line itself says is left and paid."""

    id: str
    order: str
    tax_bp: int
    unit_price_fen: int
    unit_milli: int
    plan: Mapping[str, Any]
    left_milli: int
    paid_fen: int

    def gross(self, milli: int) -> int:
        """Return what so much of it costs, rounded half up."""
        return floor(Fraction(self.unit_price_fen * milli, self.unit_milli) + HALF)

    def net(self, milli: int) -> int:
        """Return the same without its tax, rounded half up."""
        return floor(self.gross(milli) / (1 + Fraction(self.tax_bp, 10_000)) + HALF)


class Given(NamedTuple):
    """What a household gave to a lot: for an amount, or consigned for basis points of what it brings."""

    id: str
    lot: str
    household: str
    mechanism: str
    measure: str
    measure_milli: int
    amount_fen: int | None
    proceeds_bp: int | None
    delivered_on: date
    carried_from: str | None


@dataclass
class Lot:
    """A lot: how much it holds, what was bought in for it, what is drawn of it, and what other lots went into it."""

    id: str
    quantity_milli: int
    bought_in_milli: int
    drawn_milli: int
    given: list[Given] = field(default_factory=list)
    inputs: list[tuple[str, int]] = field(default_factory=list)

    @property
    def made_of(self) -> int:
        """Return how much it was made of, whosever it was."""
        own = sum(each.measure_milli for each in self.given if each.measure == "quantity" and not each.carried_from)
        return self.bought_in_milli + own + sum(milli for _, milli in self.inputs)


class Household(NamedTuple):
    """When a household is on the register, and from which days on it is ordinary or assisted."""

    id: str
    registered_on: date
    departed_on: date | None
    since: Sequence[date]
    ordinary: Sequence[bool]

    def on_register(self, day: date) -> bool:
        return self.registered_on <= day and (self.departed_on is None or day < self.departed_on)

    def assisted(self, day: date) -> bool:
        held = [ordinary for since, ordinary in zip(self.since, self.ordinary, strict=True) if since <= day]
        return self.on_register(day) and bool(held) and not held[-1]


class Payment(NamedTuple):
    """What a payee was paid, perhaps for one contribution, or by an invoice, which is for produce."""

    id: str
    disbursement: str
    kind: str
    payee: str
    contribution: str | None
    amount_fen: int
    invoiced: bool

    def is_for(self, share: Share) -> bool:
        """Tell whether it may pay a share."""
        return not self.invoiced or share.mechanism in {"order_purchase", "consignment", "contracting"}


class Event(NamedTuple):
    """Something that happened: what, when in the order of things, and what is known of it."""

    at: tuple[int, str]
    what: str
    known: Sequence[Any]


@dataclass
class Facts:
    """A cooperative's year."""

    supplier: str
    lines: dict[str, Line]
    lots: dict[str, Lot]
    given: dict[str, Given]
    households: dict[str, Household]
    payments: dict[str, Payment]
    events: list[Event]
    reserves: dict[str, int] = field(default_factory=dict)

    def share(self, given: Given) -> Share:
        """Return the share of a line that a contribution gives its household."""
        assisted = self.households[given.household].assisted(given.delivered_on)
        return Share("household", given.household, given.mechanism, given.id, assisted)

    def behind(self, contribution: str | None) -> tuple[str | None, ...]:
        """Return for what a share may have been paid: its contribution, those it was carried from, anything."""
        found: list[str | None] = []
        while contribution is not None:
            found.append(contribution)
            contribution = self.given[contribution].carried_from
        return *found, None


_HAPPENED = {
    "accept": _ACCEPTED,
    "take_back": _RETURNED,
    "receive": _RECEIVED,
    "disburse": _DISBURSED,
    "confirm": _CONFIRMED,
    "reverse": _REVERSED,
    "share_out": _SHARED,
    "give_on": _GIVEN_ON,
}


def read(connection: "psycopg.Connection[Any]", supplier: str) -> Facts:
    """Read a cooperative's year. What happened has the time of its identifier, which is a UUIDv7."""

    def rows(query: str, **about: object) -> list[Any]:
        return connection.execute(query, {"supplier": supplier, **about}).fetchall()

    lots = {row[0]: Lot(*row) for row in rows(_LOTS)}
    given = {row[0]: Given(*row) for row in rows(_GIVEN)}
    for each in given.values():
        lots[each.lot].given.append(each)
    for lot, source, milli in rows(_INPUTS):
        lots[lot].inputs.append((source, milli))
    events = [Event(_time(row[0]), what, row) for what, query in _HAPPENED.items() for row in rows(query)]
    events += [Event(_time(lot.id), "make", [lot.id]) for lot in lots.values() if lot.inputs]
    events += [Event((row[0], ""), "close", row) for row in rows(_CLOSED)]
    facts = Facts(
        supplier,
        {row[0]: Line(*row) for row in rows(_LINES)},
        lots,
        given,
        {row[0]: Household(*row) for row in rows(_HOUSEHOLDS)},
        {row[0]: Payment(*row) for row in rows(_PAYMENTS)},
        sorted(events, key=lambda event: event.at),
    )
    for event in events:
        if event.what == "share_out":
            bodies = [row[0] for row in rows(_RESERVE, on=event.known[3])]
            facts.reserves[event.known[0]] = min(_reserves(bodies), default=0)
    return facts


def _time(identifier: str) -> tuple[int, str]:
    return UUID(identifier).int >> 80, identifier


def _reserves(bodies: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    for body in bodies:
        for pool in body["pools"]:
            if pool["mechanism"] == "patronage":
                yield pool.get("reserve_bp") or 0
