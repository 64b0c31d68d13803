"""The cash book anew: from the facts of each order, what every one of them must have moved between which accounts.

Balances are worked out from what they mean, not from the moves of the market's own rules.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.facts import Event, EventKind, SupplierFacts
from market.audit.oracle import portion, price
from market.clock import business_date

Side = tuple[str, UUID, UUID | None]
"""An account of the cash book: its kind, its owner, its counterpart."""

DIRECT = "direct"
_WHOLE_BP = 10_000

_ORDERS = sa.text(
    """
    SELECT o.id, o.buyer_id, o.funds_model, o.fee_bp,
           ARRAY(SELECT row_to_json(l) FROM (SELECT id, amount_fen, shipped_milli, accepted_milli, unit_milli,
                                                    unit_price_fen FROM order_lines
                                              WHERE order_id = o.id ORDER BY position) l) AS lines
      FROM orders o WHERE o.supplier_id = :supplier
    """
)
_CHANGES = sa.text(
    """
    SELECT c.id, c.order_id, c.event, c.changed_at, CASE c.event WHEN 'ship' THEN o.shipped_on END AS shipped_on
      FROM order_changes c JOIN orders o ON o.id = c.order_id
     WHERE o.supplier_id = :supplier AND c.event IN ('ship', 'decline', 'cancel', 'expire')
    """
)
_IN_CUSTODY = sa.text(
    """
    SELECT p.id, p.order_id, p.amount_fen, r.bank_line_id, r.received_on
      FROM receipt_allocations p JOIN receipts r ON r.id = p.receipt_id JOIN orders o ON o.id = p.order_id
     WHERE o.supplier_id = :supplier AND r.supplier_id IS NULL
    """
)
_REFUNDED = sa.text(
    """
    SELECT c.id, r.order_id, c.away_fen, r.id AS refund_id, c.counts_on
      FROM refund_changes c JOIN refunds r ON r.id = c.refund_id JOIN orders o ON o.id = r.order_id
     WHERE o.supplier_id = :supplier AND c.away_fen <> 0
    """
)
_MOVEMENTS = sa.text(
    """
    SELECT l.id, l.bank_account_id, l.line_key, l.booked_on, l.amount_fen
      FROM bank_lines l JOIN bank_accounts a ON a.id = l.bank_account_id
     WHERE a.purpose = 'custody'
     ORDER BY l.id
    """
)
_MEANT = sa.text(
    """
    SELECT p.id, p.meaning, p.amount_fen, p.undoes_id, p.bank_line_id, l.booked_on, p.decided_at
      FROM matching_proposals p
      JOIN bank_lines l ON l.id = p.bank_line_id JOIN bank_accounts a ON a.id = l.bank_account_id
     WHERE p.status = 'approved' AND p.meaning IS NOT NULL AND a.purpose IN ('custody', 'provider')
     ORDER BY p.id
    """
)
_SETTLED = sa.text(
    """
    SELECT c.id, i.order_id, i.id AS item_id, i.settlement_id, c.event, i.gross_fen, i.reserved_fen,
           CASE c.event WHEN 'confirm' THEN s.paid_on WHEN 'return' THEN s.returned_on END AS moved_on, c.changed_at
      FROM settlement_items i
      JOIN settlements s ON s.id = i.settlement_id
      JOIN settlement_changes c ON c.settlement_id = s.id AND c.event IN ('approve', 'confirm', 'fail', 'return')
     WHERE s.supplier_id = :supplier
     ORDER BY c.id, i.id
    """
)
_INSTRUCTED = sa.text(
    """
    SELECT s.id, s.number, s.amount_fen, s.instructed_on, s.paid_on, s.bank_line_id, s.returned_on,
           s.return_line_id, c.event, c.changed_at
      FROM settlements s JOIN settlement_changes c ON c.settlement_id = s.id
     WHERE (c.event <> 'fail' OR s.instructed_on IS NOT NULL) AND c.event IN ('instruct', 'confirm', 'fail', 'return')
     ORDER BY c.id
    """
)
_SHIPPED = sa.text(
    """
    SELECT l.id, l.shipped_milli - coalesce(a.over_milli, 0) AS milli
      FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN acceptance_lines a ON a.order_line_id = l.id
     WHERE o.supplier_id = :supplier
    """
)


class Changed(NamedTuple):
    """A step of an order that changes what may still come of it."""

    id: UUID
    order_id: UUID
    event: str
    on: date

    @property
    def trigger(self) -> str:
        """Return the name of the step in the source of what it posts."""
        return f"{self.event}:{self.order_id}"


class Captured(NamedTuple):
    """What of a bank's line is held for an order."""

    id: UUID
    order_id: UUID
    fen: int
    line_id: UUID
    on: date

    @property
    def trigger(self) -> str:
        """Return the name of the fact in the source of what it posts."""
        return f"receipt:{self.id}"


class Settled(NamedTuple):
    """A step of what a settlement pays of an order: decided on, told by the bank, or after all not paid.

    That the bank told it moves nothing of the order; only, nothing that follows counts from an earlier day.
    """

    id: UUID
    order_id: UUID
    item_id: UUID
    settlement_id: UUID
    event: str
    gross_fen: int
    reserved_fen: int
    on: date

    @property
    def trigger(self) -> str | None:
        """Return the name of the step in the source of what it posts, if it posts anything."""
        return f"{_SETTLED_AS[self.event]}:{self.item_id}" if self.event in _SETTLED_AS else None


class SentBack(NamedTuple):
    """What of an order's money a refund sent away, or, below zero, brought back."""

    id: UUID
    order_id: UUID
    fen: int
    refund_id: UUID
    on: date

    @property
    def trigger(self) -> str:
        """Return the name of the fact in the source of what it posts."""
        return f"refund:{self.id}"


_MEANT_AS = {
    "own_transfer": "in_transit",
    "provider_payout": "in_transit",
    "platform_money": "platform_account",
    "not_ours": "mistaken",
    "bank_error": "mistaken",
}
_SETTLED_AS = {"approve": "settlement", "fail": "unsettlement", "return": "unsettlement"}
Fact = Event | Changed | Captured | Settled | SentBack


@dataclass(slots=True)
class OrderMoney:
    """What is on record of an order's money at a point of its history, in fen."""

    order_id: UUID
    buyer_id: UUID
    model: str
    fee_bp: int
    coming: dict[UUID, int]
    as_shipped: Mapping[UUID, int]
    captured_fen: int = 0
    kept_fen: int = 0
    settled_fen: int = 0
    reserved_fen: int = 0
    days: list[date] = field(default_factory=list)
    from_lines: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    settled: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    sent_back: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def sent_back_fen(self) -> int:
        """Return what refunds have sent to the buyer."""
        return sum(self.sent_back.values())

    @property
    def going_back_fen(self) -> int:
        """Return what the buyer paid and will not owe, sent back already or not."""
        return max(self.captured_fen - self.kept_fen - sum(self.coming.values()), self.sent_back_fen)

    @property
    def passed_fen(self) -> int:
        """Return what the supplier has had of what it kept, net: where it is paid itself, all of it that is paid."""
        if self.model == DIRECT:
            return min(self.kept_fen, self.captured_fen - self.going_back_fen)
        return sum(self.settled.values())

    def settle(self, fact: Settled) -> None:
        """Follow a step of a settlement: fees add up to the fee on all that is settled, but for those given back."""
        if fact.event in {"confirm", "return"}:
            self.days.append(fact.on)
        if fact.event == "approve":
            fees = self.settled_fen - self.passed_fen - self.reserved_fen
            self.settled_fen += fact.gross_fen
            self.reserved_fen += fact.reserved_fen
            fee = portion(self.settled_fen, self.fee_bp, _WHOLE_BP) - fees
            self.settled[fact.settlement_id] = fact.gross_fen - fee - fact.reserved_fen
        elif fact.event in {"fail", "return"}:
            self.settled_fen -= fact.gross_fen
            self.reserved_fen -= fact.reserved_fen
            self.settled[fact.settlement_id] = 0

    @property
    def facts(self) -> dict[str, object]:
        """Return how the order stands, as an entry keeps it."""
        return {
            "model": self.model,
            "captured_fen": self.captured_fen,
            "refunded_fen": self.sent_back_fen,
            "kept_fen": self.kept_fen,
            "to_come_fen": sum(self.coming.values()),
            "passed_fen": self.passed_fen,
            "fee_bp": self.fee_bp,
            "reserved_fen": self.reserved_fen,
        }

    def balances(self, supplier_id: UUID) -> dict[Side, int]:
        """Return what stands to the credit of each account on the order's account."""
        stays = self.captured_fen - self.going_back_fen
        fee = portion(self.kept_fen, self.fee_bp, _WHOLE_BP)
        own = self.kept_fen - fee - self.passed_fen
        standing: dict[Side, int] = defaultdict(int)
        standing["held", self.order_id, None] += max(stays - self.kept_fen, 0)
        standing["buyer_receivable", self.buyer_id, self.order_id] -= max(self.kept_fen - stays, 0)
        standing["refund_payable", self.order_id, None] += self.going_back_fen - self.sent_back_fen
        standing["platform_fee", UUID(int=0), None] += fee
        reserve = max(min(self.reserved_fen, own), 0)
        standing["supplier_payable", supplier_id, self.order_id] += max(own, 0) - reserve
        standing["supplier_reserve", supplier_id, self.order_id] += reserve
        standing["supplier_receivable", supplier_id, self.order_id] -= max(-own, 0)
        if self.model == DIRECT:
            standing["supplier_account", supplier_id, None] += self.passed_fen + self.sent_back_fen - self.captured_fen
        else:
            for refund_id, fen in self.sent_back.items():
                standing["in_transit", refund_id, None] += fen
        for settlement_id, fen in self.settled.items():
            standing["settlement", settlement_id, None] += fen
        for line_id, fen in self.from_lines.items():
            standing["unmatched", line_id, None] -= fen
        return standing


class ExpectedCash(NamedTuple):
    """What one fact moves: by how much each account's credit grows, from which day, and how the order then stands."""

    source: str
    order_id: UUID | None
    on: date
    changes: Mapping[Side, int]
    facts: Mapping[str, object]


def replay(session: orm.Session, facts: SupplierFacts) -> Iterator[ExpectedCash]:
    """Yield what the facts of a supplier's orders must have moved, order by order as they were recorded."""
    who = {"supplier": facts.supplier_id}
    shipped = {row.id: row.milli for row in session.execute(_SHIPPED, who)}
    histories: dict[UUID, list[tuple[UUID, str | None, date, Fact]]] = defaultdict(list)
    changes = (
        Changed(row.id, row.order_id, row.event, row.shipped_on or business_date(row.changed_at))
        for row in session.execute(_CHANGES, who)
    )
    steps: list[Changed | Captured | Settled | SentBack] = [
        *changes,
        *(Captured(*row) for row in session.execute(_IN_CUSTODY, who)),
        *_settled(session, facts.supplier_id),
        *(SentBack(*row) for row in session.execute(_REFUNDED, who)),
    ]
    for step in steps:
        histories[step.order_id].append((step.id, step.trigger, step.on, step))
    for event in facts.events:
        for order_id, fact_id, name in _of_orders(event):
            histories[order_id].append((fact_id, name, event.on, event))
    for row in session.execute(_ORDERS, who):
        if row.id in histories:
            order = _begin(row, shipped)
            for _, trigger, on, fact in sorted(histories[row.id], key=lambda item: item[0]):
                if moved := _step(order, facts.supplier_id, trigger, on, fact):
                    yield moved


def mirrored(session: orm.Session) -> Iterator[ExpectedCash]:
    """Yield what every movement that a bank told of an account in custody must have moved, before it was matched."""
    for row in session.execute(_MOVEMENTS):
        changes: dict[Side, int] = {
            ("custody", row.bank_account_id, None): -row.amount_fen,
            ("unmatched", row.id, None): row.amount_fen,
        }
        facts = {"bank_account": str(row.bank_account_id), "line_key": row.line_key}
        yield ExpectedCash(f"cash:bank_line:{row.id}", None, row.booked_on, changes, facts)


def meant(session: orm.Session) -> Iterator[ExpectedCash]:
    """Yield what every line that belongs to no order must have moved by its meaning, and back when that was undone."""
    for row in session.execute(_MEANT):
        changes: dict[Side, int] = {
            ("unmatched", row.bank_line_id, None): -row.amount_fen,
            (_MEANT_AS.get(row.meaning, row.meaning), UUID(int=0), None): row.amount_fen,
        }
        on = row.booked_on if row.undoes_id is None else business_date(row.decided_at)
        facts = {"bank_line": str(row.bank_line_id), "meaning": row.meaning}
        yield ExpectedCash(f"cash:meaning:{row.id}", None, on, changes, facts)


def instructed(session: orm.Session) -> Iterator[ExpectedCash]:
    """Yield what every settlement must have moved on its way: to the bank, out of custody, or back."""
    for row in session.execute(_INSTRUCTED):
        batch, transit = ("settlement", row.id, None), ("in_transit", row.id, None)
        word, debit, credit, on = {
            "instruct": ("instruction", batch, transit, row.instructed_on),
            "confirm": ("payout", transit, ("unmatched", row.bank_line_id, None), row.paid_on),
            "fail": ("failure", transit, batch, business_date(row.changed_at)),
            "return": ("settlement_return", ("unmatched", row.return_line_id, None), batch, row.returned_on),
        }[row.event]
        changes: dict[Side, int] = {debit: -row.amount_fen, credit: row.amount_fen}
        on = max(on, row.instructed_on)
        yield ExpectedCash(f"cash:{word}:{row.id}", None, on, changes, {"settlement": row.number})


def _settled(session: orm.Session, supplier_id: UUID) -> Iterator[Settled]:
    for row in session.execute(_SETTLED, {"supplier": supplier_id}):
        on = row.moved_on or business_date(row.changed_at)
        yield Settled(
            row.id, row.order_id, row.item_id, row.settlement_id, row.event, row.gross_fen, row.reserved_fen, on
        )


def _of_orders(event: Event) -> Iterator[tuple[UUID, UUID, str]]:
    if event.kind in {EventKind.ACCEPTANCE, EventKind.RETURN, EventKind.PRICE_CUT}:
        assert event.order_id, "goods are of an order"  # noqa: S101
        yield event.order_id, event.id, event.trigger
    for received in event.received if event.kind is EventKind.RECEIPT else ():
        yield received.order_id, received.id, f"receipt:{received.id}"


def _begin(row: Any, shipped: Mapping[UUID, int]) -> OrderMoney:
    ordered = {UUID(line["id"]): line["amount_fen"] for line in row.lines}
    as_shipped = {
        UUID(line["id"]): price(line["unit_price_fen"], shipped[UUID(line["id"])], line["unit_milli"])
        for line in row.lines
    }
    return OrderMoney(row.id, row.buyer_id, row.funds_model, row.fee_bp, ordered, as_shipped)


def _step(order: OrderMoney, supplier_id: UUID, trigger: str | None, on: date, fact: Fact) -> ExpectedCash | None:
    before = order.balances(supplier_id)
    if isinstance(fact, Changed):
        order.coming = dict(order.as_shipped) if fact.event == "ship" else {}
    elif isinstance(fact, Settled):
        order.settle(fact)
    elif isinstance(fact, SentBack):
        order.sent_back[fact.refund_id] += fact.fen
    elif isinstance(fact, Captured):
        order.captured_fen += fact.fen
        order.from_lines[fact.line_id] += fact.fen
        order.days.append(on)
    else:
        _follow(order, fact)
        on = max([on, *(returned.counts_on for returned in fact.returned)])
        order.days += [] if fact.returned else [on]
    if trigger is None:
        return None
    after = order.balances(supplier_id)
    changes = {side: fen for side in after if (fen := after[side] - before[side])}
    return ExpectedCash(f"cash:{trigger}", order.order_id, max([on, *order.days]), changes, order.facts)


def _follow(order: OrderMoney, event: Event) -> None:
    for accepted in event.accepted:
        order.coming.pop(accepted.line_id)
        order.kept_fen += accepted.accepted_fen
    order.kept_fen -= sum(returned.amount_fen for returned in event.returned)
    order.captured_fen += sum(part.amount_fen for part in event.received if part.order_id == order.order_id)
