"""Reading what a supplier's book follows from, as it was recorded: seventeen statements, one supplier at a time."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.facts import (
    AcceptedFact,
    ContributionFact,
    DrawFact,
    Event,
    EventKind,
    HouseholdFact,
    LineFact,
    LotFact,
    PaymentFact,
    PlanFact,
    ReceivedFact,
    ReturnedFact,
    ReversedFact,
    SupplierFacts,
)
from market.audit.oracle import COLLECTIVE, HOUSEHOLD
from market.audit.sharing_facts import annulled, distributions, second_distributions
from market.audit.taking_part import taking_part
from market.benefits.rules import MECHANISMS, Measure
from market.clock import business_date

Fact = TypeVar("Fact", AcceptedFact, ReturnedFact)

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
           al.accepted_fen, al.accepted_net_fen, al.counts_on, al.draws
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
_SETTLED = sa.text(
    """
    SELECT c.id, c.event, CASE c.event WHEN 'confirm' THEN s.paid_on ELSE s.returned_on END AS moved_on, c.changed_at,
           i.id AS fact_id, i.order_id,
           CASE c.event WHEN 'confirm' THEN 1 ELSE -1 END * (i.gross_fen - i.reserved_fen) AS fen
      FROM settlements s JOIN settlement_items i ON i.settlement_id = s.id
      JOIN settlement_changes c ON c.settlement_id = s.id AND c.event IN ('confirm', 'return')
     WHERE s.supplier_id = :supplier
     ORDER BY c.id, i.id
    """
)
_REFUNDED = sa.text(
    """
    SELECT c.id, c.counts_on, c.changed_at, r.order_id, -c.away_fen AS fen
      FROM refund_changes c JOIN refunds r ON r.id = c.refund_id JOIN orders o ON o.id = r.order_id
     WHERE o.supplier_id = :supplier AND o.funds_model = 'direct' AND c.away_fen <> 0
     ORDER BY c.id
    """
)
_RETURNED = sa.text(
    """
    SELECT r.id, r.order_id, r.returned_on, r.returned_at, rl.id AS fact_id, rl.order_line_id, rl.quantity_milli,
           rl.amount_fen, rl.net_fen, rl.counts_on, rl.draws, r.kind
      FROM returns r JOIN orders o ON o.id = r.order_id JOIN return_lines rl ON rl.return_id = r.id
     WHERE o.supplier_id = :supplier
     ORDER BY r.id, rl.id
    """
)
_DISBURSED = sa.text(
    """
    SELECT d.id, d.paid_on, d.made_at, p.id AS fact_id, p.household_id, p.collective_id, p.contribution_id,
           p.amount_fen, p.confirmed_at, p.invoice_number IS NOT NULL AS invoiced
      FROM disbursements d JOIN payments p ON p.disbursement_id = d.id
     WHERE d.supplier_id = :supplier
     ORDER BY d.id, p.id
    """
)
_REVERSED = sa.text(
    """
    SELECT r.id, r.reversed_on, r.made_at, r.payment_id, d.paid_on
      FROM payment_reversals r JOIN payments p ON p.id = r.payment_id JOIN disbursements d ON d.id = p.disbursement_id
     WHERE p.supplier_id = :supplier
    """
)
_CONTRIBUTIONS = sa.text(
    """
    SELECT c.lot_id, c.id, c.household_id, c.mechanism, c.amount_fen, c.measure_milli, c.proceeds_bp, c.delivered_on,
           c.carried_from
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
    """Read a supplier's facts in seventeen statements."""
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
        taking_part=taking_part(session, supplier_id),
    )


def _goods(session: orm.Session, who: Mapping[str, UUID]) -> list[Event]:
    """Return acceptances, returns and price cuts."""
    events: dict[UUID, Event] = {}
    for row in session.execute(_ACCEPTED, who):
        event = events.setdefault(
            row.id, Event(EventKind.ACCEPTANCE, row.id, row.order_id, row.accepted_on, row.accepted_at)
        )
        event.accepted.append(_fact(AcceptedFact, row[4:]))
    for row in session.execute(_RETURNED, who):
        event = events.setdefault(
            row.id, Event(EventKind(row.kind), row.id, row.order_id, row.returned_on, row.returned_at)
        )
        event.returned.append(_fact(ReturnedFact, row[4:-1]))
    return list(events.values())


def _money(session: orm.Session, who: Mapping[str, UUID]) -> list[Event]:
    """Return receipts, settlements, refunds, disbursements and payments reversed."""
    received: dict[UUID, Event] = {}
    for row in session.execute(_RECEIVED, who):
        event = received.setdefault(row.id, Event(EventKind.RECEIPT, row.id, None, row.received_on, row.recorded_at))
        event.received.append(ReceivedFact(row.fact_id, row.order_id, row.amount_fen))
    for row in session.execute(_SETTLED, who):
        moved = EventKind.SETTLEMENT if row.event == "confirm" else EventKind.UNSETTLEMENT
        event = received.setdefault(row.id, Event(moved, row.id, None, row.moved_on, row.changed_at))
        event.received.append(ReceivedFact(row.fact_id, row.order_id, row.fen))
    for row in session.execute(_REFUNDED, who):
        event = received[row.id] = Event(EventKind.REFUND, row.id, None, row.counts_on, row.changed_at)
        event.received.append(ReceivedFact(row.id, row.order_id, row.fen))
    disbursed: dict[UUID, Event] = {}
    for row in session.execute(_DISBURSED, who):
        event = disbursed.setdefault(row.id, Event(EventKind.DISBURSEMENT, row.id, None, row.paid_on, row.made_at))
        kind, payee = (HOUSEHOLD, row.household_id) if row.household_id else (COLLECTIVE, row.collective_id)
        event.payments.append(
            PaymentFact(row.fact_id, kind, payee, row.contribution_id, row.amount_fen, row.confirmed_at, row.invoiced)
        )
    never_paid = [
        Event(EventKind.PAYMENT_REVERSAL, row.id, None, row.reversed_on, row.made_at, reversed=ReversedFact(*row[3:]))
        for row in session.execute(_REVERSED, who)
    ]
    return [*received.values(), *disbursed.values(), *never_paid]


def _lists(session: orm.Session, supplier_id: UUID) -> list[Event]:
    """Return distributions as they were approved, what collectives gave on, and what of all was annulled."""
    measured = [code.value for code, terms in MECHANISMS.items() if Measure.QUANTITY in terms.measures]
    shared_out = [
        Event(EventKind.DISTRIBUTION, fact.id, None, business_date(fact.decided_at), fact.decided_at, distribution=fact)
        for fact in distributions(session, supplier_id, measured)
    ]
    given_on = [
        Event(EventKind.SECOND_DISTRIBUTION, fact.id, None, fact.given_on, fact.decided_at, second=fact)
        for fact in second_distributions(session, supplier_id)
    ]
    undone = [
        Event(
            EventKind.ANNULMENT,
            fact.id,
            None,
            business_date(fact.decided_at),
            fact.decided_at,
            annuls_list=fact.distribution_id,
            annuls_contribution=fact.contribution_id,
            approval_id=fact.approval_id,
        )
        for fact in annulled(session, supplier_id)
    ]
    return [*shared_out, *given_on, *undone]


def _fact(kind: Callable[..., Fact], stored: Sequence[Any]) -> Fact:
    """Return the fact of its columns, its draws last."""
    *columns, draws = stored
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
