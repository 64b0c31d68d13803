"""The primary facts of one supplier, as they were recorded: what the book is recomputed from."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.oracle import COLLECTIVE, HOUSEHOLD
from market.audit.sharing_facts import DistributionFact, SecondFact, distributions, second_distributions
from market.benefits.rules import MECHANISMS, Measure
from market.clock import business_date

ASSISTED = frozenset({"registered_poor", "unstable", "marginal", "sudden_hardship"})


class LineFact(NamedTuple):
    """An order line as it was placed."""

    id: UUID
    order_id: UUID
    plan_version_id: UUID
    plan_sha256: str
    unit_milli: int
    unit_price_fen: int
    tax_bp: int


class DrawFact(NamedTuple):
    """Cumulative milli-units of a lot before and after, of the whole."""

    lot_id: UUID
    before_milli: int
    after_milli: int
    whole_milli: int


class AcceptedFact(NamedTuple):
    """What was accepted of a line."""

    id: UUID
    line_id: UUID
    accepted_milli: int
    accepted_fen: int
    net_fen: int
    draws: Sequence[DrawFact]


class ReturnedFact(NamedTuple):
    """What came back of a line."""

    id: UUID
    line_id: UUID
    quantity_milli: int
    amount_fen: int
    net_fen: int
    counts_on: date
    draws: Sequence[DrawFact]


class ReceivedFact(NamedTuple):
    """What of a buyer's transfer pays an order."""

    id: UUID
    order_id: UUID
    amount_fen: int


class PaymentFact(NamedTuple):
    """A payment to a household or a collective, perhaps for one contribution."""

    id: UUID
    kind: str
    payee_id: UUID
    contribution_id: UUID | None
    amount_fen: int
    confirmed_at: datetime | None


class ContributionFact(NamedTuple):
    """What a household gave to a lot; what it consigned has basis points of what it brings in place of an amount."""

    id: UUID
    household_id: UUID
    mechanism: str
    amount_fen: int | None
    measure_milli: int
    proceeds_bp: int | None
    delivered_on: date


class LotFact(NamedTuple):
    """A lot: its quantity, what was moved into other lots, and what it was made of (milli)."""

    quantity_milli: int
    moved_milli: int
    made_of_milli: int


Fact = TypeVar("Fact", AcceptedFact, ReturnedFact)


class EventKind(StrEnum):
    """What happens to the book of a supplier."""

    ACCEPTANCE = "acceptance"
    RECEIPT = "receipt"
    RETURN = "return"
    DISBURSEMENT = "disbursement"
    CONFIRMATION = "confirmation"
    DISTRIBUTION = "distribution"
    SECOND_DISTRIBUTION = "second_distribution"
    SECOND_CONFIRMATION = "second_confirmation"


@dataclass(slots=True)
class Event:
    """A fact on a day, recorded at an instant; only one of what it may be about is filled."""

    kind: EventKind
    id: UUID
    order_id: UUID | None
    on: date
    now: datetime
    received: list[ReceivedFact] = field(default_factory=list)
    accepted: list[AcceptedFact] = field(default_factory=list)
    returned: list[ReturnedFact] = field(default_factory=list)
    payments: list[PaymentFact] = field(default_factory=list)
    distribution: DistributionFact | None = None
    second: SecondFact | None = None

    @property
    def trigger(self) -> str:
        """Return the name of the event in the sources of what it brings about."""
        return f"{self.kind}:{self.id}"

    def sources(self) -> list[str]:
        """Return the sources under which the event may post; what it matches adds one for each day."""
        if self.kind is EventKind.RECEIPT:
            return [f"recognition:{self.kind}:{fact.id}" for fact in self.received]
        if self.kind not in {EventKind.ACCEPTANCE, EventKind.RETURN}:
            return [self.trigger]
        facts = [*(fact.id for fact in self.accepted), *(fact.id for fact in self.returned)]
        return [*(f"{self.kind}:{fact_id}" for fact_id in facts), f"recognition:{self.trigger}"]


class PlanFact(NamedTuple):
    """A plan version as stored."""

    number: int
    canonical: bytes
    sha256: str

    @property
    def hash(self) -> str:
        """Return the hash that the bytes have."""
        return sha256(self.canonical).hexdigest()

    @property
    def pools(self) -> Sequence[Mapping[str, Any]]:
        """Return the pools that the bytes promise."""
        pools: Sequence[Mapping[str, Any]] = json.loads(self.canonical)["pools"]
        return pools


@dataclass(slots=True)
class HouseholdFact:
    """A household on the register, its statuses in order of time."""

    registered_on: date
    departed_on: date | None
    statuses: list[tuple[date, str]] = field(default_factory=list)

    def on_register(self, day: date) -> bool:
        """Tell whether the register has the household on a day."""
        return self.registered_on <= day and (self.departed_on is None or day < self.departed_on)

    def assisted(self, day: date) -> bool:
        """Tell whether the register, as it is now, has it as assisted on a day."""
        held = [status for begins, status in self.statuses if begins <= day]
        return self.on_register(day) and bool(held) and held[-1] in ASSISTED

    def may_have_been(self, day: date) -> set[tuple[bool, bool]]:
        """Return `(on register, assisted)` as any earlier state of the register may have had them for a day.

        Statuses and departures are only ever added, in order of time, and may be recorded after the day they hold from.
        """
        if day < self.registered_on:
            return {(False, False)}
        held = [status for begins, status in self.statuses if begins <= day]
        states = {(True, status in ASSISTED) for status in held}
        return states if self.on_register(day) else states | {(False, False)}


@dataclass(slots=True)
class SupplierFacts:
    """Everything on record that a supplier's book follows from."""

    supplier_id: UUID
    lines: Mapping[UUID, LineFact]
    orders: Mapping[UUID, Sequence[UUID]]
    events: list[Event]
    contributions: Mapping[UUID, Sequence[ContributionFact]]
    lots: Mapping[UUID, LotFact]
    plans: Mapping[UUID, PlanFact]
    households: Mapping[UUID, HouseholdFact]


_LINES = sa.text(
    """
    SELECT l.id, l.order_id, l.plan_version_id, l.plan_sha256, l.unit_milli, l.unit_price_fen, l.tax_bp
      FROM order_lines l JOIN orders o ON o.id = l.order_id
     WHERE o.supplier_id = :supplier
     ORDER BY l.order_id, l.position
    """
)
_ACCEPTED = sa.text(
    """
    SELECT a.id, a.order_id, a.accepted_on, a.accepted_at, al.id AS fact_id, al.order_line_id, al.accepted_milli,
           al.accepted_fen, al.accepted_net_fen, al.draws
      FROM acceptances a JOIN orders o ON o.id = a.order_id JOIN acceptance_lines al ON al.acceptance_id = a.id
     WHERE o.supplier_id = :supplier
     ORDER BY a.id, al.id
    """
)
_RECEIVED = sa.text(
    """
    SELECT r.id, r.received_on, r.recorded_at, p.id AS fact_id, p.order_id, p.amount_fen
      FROM receipts r JOIN receipt_allocations p ON p.receipt_id = r.id
     WHERE r.supplier_id = :supplier
     ORDER BY r.id, p.id
    """
)
_RETURNED = sa.text(
    """
    SELECT r.id, r.order_id, r.returned_on, r.returned_at, rl.id AS fact_id, rl.order_line_id, rl.quantity_milli,
           rl.amount_fen, rl.net_fen, rl.counts_on, rl.draws
      FROM returns r JOIN orders o ON o.id = r.order_id JOIN return_lines rl ON rl.return_id = r.id
     WHERE o.supplier_id = :supplier
     ORDER BY r.id, rl.id
    """
)
_DISBURSED = sa.text(
    """
    SELECT d.id, d.paid_on, d.made_at, p.id AS fact_id, p.household_id, p.collective_id, p.contribution_id,
           p.amount_fen, p.confirmed_at
      FROM disbursements d JOIN payments p ON p.disbursement_id = d.id
     WHERE d.supplier_id = :supplier
     ORDER BY d.id, p.id
    """
)
_CONTRIBUTIONS = sa.text(
    """
    SELECT c.lot_id, c.id, c.household_id, c.mechanism, c.amount_fen, c.measure_milli, c.proceeds_bp, c.delivered_on
      FROM contributions c JOIN lots l ON l.id = c.lot_id
     WHERE l.supplier_id = :supplier
     ORDER BY c.id
    """
)
_LOTS = sa.text(
    """
    SELECT l.id, l.quantity_milli, l.moved_milli,
           l.bought_in_milli + coalesce(c.milli, 0)
           + CAST(CASE l.base_unit WHEN 'kg' THEN coalesce(l.content_milli, 1000) ELSE 1000 END
                  * coalesce(i.milli, 0) / 1000 AS bigint) AS made_of_milli
      FROM lots l
      LEFT JOIN (SELECT lot_id, CAST(sum(measure_milli) AS bigint) AS milli FROM contributions
                  WHERE carried_from IS NULL AND measure = 'quantity' GROUP BY lot_id) c ON c.lot_id = l.id
      LEFT JOIN (SELECT lot_id, CAST(sum(quantity_milli) AS bigint) AS milli FROM lot_inputs
                  GROUP BY lot_id) i ON i.lot_id = l.id
     WHERE l.supplier_id = :supplier
    """
)
_PLANS = sa.text(
    """
    SELECT v.id, v.number, v.canonical, v.sha256
      FROM plan_versions v
     WHERE v.id IN (SELECT l.plan_version_id FROM order_lines l JOIN orders o ON o.id = l.order_id
                     WHERE o.supplier_id = :supplier)
    """
)
_HOUSEHOLDS = sa.text(
    """
    SELECT h.id, h.registered_on, h.departed_on, s.valid_from, s.status
      FROM households h LEFT JOIN household_statuses s ON s.household_id = h.id
     WHERE h.id IN (SELECT c.household_id FROM contributions c JOIN lots l ON l.id = c.lot_id
                     WHERE l.supplier_id = :supplier)
        OR h.id = ANY(CAST(:payees AS uuid[]))
        OR h.id IN (SELECT i.household_id FROM distribution_items i JOIN distributions d ON d.id = i.distribution_id
                     WHERE d.supplier_id = :supplier)
        OR h.id IN (SELECT i.household_id FROM second_distribution_items i
                      JOIN second_distributions d ON d.id = i.distribution_id WHERE d.supplier_id = :supplier)
     ORDER BY h.id, s.valid_from
    """
)


def load(session: orm.Session, supplier_id: UUID) -> SupplierFacts:
    """Read a supplier's facts in fourteen statements."""
    who = {"supplier": supplier_id}
    lines = {row.id: LineFact(*row) for row in session.execute(_LINES, who)}
    orders: dict[UUID, list[UUID]] = defaultdict(list)
    for line in lines.values():
        orders[line.order_id].append(line.id)
    contributions: dict[UUID, list[ContributionFact]] = defaultdict(list)
    for lot_id, *row in session.execute(_CONTRIBUTIONS, who):
        contributions[lot_id].append(ContributionFact(*row))
    plans = {
        version: PlanFact(number, bytes(canonical), digest)
        for version, number, canonical, digest in session.execute(_PLANS, who)
    }
    return SupplierFacts(
        supplier_id=supplier_id,
        lines=lines,
        orders=orders,
        events=[*_goods(session, who), *_money(session, who), *_lists(session, supplier_id)],
        contributions=contributions,
        lots={lot_id: LotFact(*stock) for lot_id, *stock in session.execute(_LOTS, who)},
        plans=plans,
        households=_households(session, who, plans),
    )


def _goods(session: orm.Session, who: Mapping[str, UUID]) -> list[Event]:
    """Return acceptances and returns."""
    events: dict[UUID, Event] = {}
    for row in session.execute(_ACCEPTED, who):
        event = events.setdefault(
            row.id, Event(EventKind.ACCEPTANCE, row.id, row.order_id, row.accepted_on, row.accepted_at)
        )
        event.accepted.append(_fact(AcceptedFact, row))
    for row in session.execute(_RETURNED, who):
        event = events.setdefault(
            row.id, Event(EventKind.RETURN, row.id, row.order_id, row.returned_on, row.returned_at)
        )
        event.returned.append(_fact(ReturnedFact, row))
    return list(events.values())


def _money(session: orm.Session, who: Mapping[str, UUID]) -> list[Event]:
    """Return receipts and disbursements."""
    received: dict[UUID, Event] = {}
    for row in session.execute(_RECEIVED, who):
        event = received.setdefault(row.id, Event(EventKind.RECEIPT, row.id, None, row.received_on, row.recorded_at))
        event.received.append(ReceivedFact(row.fact_id, row.order_id, row.amount_fen))
    disbursed: dict[UUID, Event] = {}
    for row in session.execute(_DISBURSED, who):
        event = disbursed.setdefault(row.id, Event(EventKind.DISBURSEMENT, row.id, None, row.paid_on, row.made_at))
        kind, payee = (HOUSEHOLD, row.household_id) if row.household_id else (COLLECTIVE, row.collective_id)
        event.payments.append(
            PaymentFact(row.fact_id, kind, payee, row.contribution_id, row.amount_fen, row.confirmed_at)
        )
    return [*received.values(), *disbursed.values()]


def _lists(session: orm.Session, supplier_id: UUID) -> list[Event]:
    """Return distributions as they were approved, and what collectives gave on."""
    measured = [code.value for code, terms in MECHANISMS.items() if Measure.QUANTITY in terms.measures]
    shared_out = [
        Event(EventKind.DISTRIBUTION, fact.id, None, business_date(fact.decided_at), fact.decided_at, distribution=fact)
        for fact in distributions(session, supplier_id, measured)
    ]
    given_on = [
        Event(EventKind.SECOND_DISTRIBUTION, fact.id, None, fact.given_on, fact.made_at, second=fact)
        for fact in second_distributions(session, supplier_id)
    ]
    return [*shared_out, *given_on]


def _fact(kind: Callable[..., Fact], row: Any) -> Fact:
    """Return the fact whose columns end a row, its draws last."""
    *columns, draws = row[4:]
    return kind(*columns, _draws(draws))


def _draws(stored: Any) -> list[DrawFact]:
    return [DrawFact(UUID(lot_id), before, after, whole) for lot_id, before, after, whole in stored]


def _households(
    session: orm.Session, who: Mapping[str, UUID], plans: Mapping[UUID, PlanFact]
) -> dict[UUID, HouseholdFact]:
    found: dict[UUID, HouseholdFact] = {}
    payees = {UUID(payee) for plan in plans.values() for pool in plan.pools for payee, _ in pool["shares"]}
    for row in session.execute(_HOUSEHOLDS, {**who, "payees": list(payees)}):
        household = found.setdefault(row.id, HouseholdFact(row.registered_on, row.departed_on))
        if row.valid_from is not None:
            household.statuses.append((row.valid_from, row.status))
    return found
