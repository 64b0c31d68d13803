"""Tracing both ways: from an order to the households it reached, from a household to the orders it was reached by."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.rules import check_period
from market.db import plan_anew
from market.errors import NotFoundError
from market.households.models import Household
from market.households.queries import visible_households
from market.identity.rules import Actor
from market.orders.queries import one_order


class OrderHead(NamedTuple):
    """An order and its parties."""

    id: UUID
    number: str
    status: str
    channel_code: str
    supplier_id: UUID
    supplier_name: str
    buyer_id: UUID
    buyer_name: str
    placed_on: date
    accepted_on: date | None
    paid_fen: int


class ReceiptPart(NamedTuple):
    """The part of a bank receipt that paid an order."""

    order_id: UUID
    receipt_id: UUID
    bank_reference: str
    received_on: date
    amount_fen: int


class SaleLine(NamedTuple):
    """An order line as sold: accepted less returned, with and without tax, and the plan it pins."""

    id: UUID
    order_id: UUID
    position: int
    product_name: str
    certificate_number: str
    unit: str
    unit_milli: int
    accepted_milli: int
    returned_milli: int
    gross_fen: int
    net_fen: int
    paid_fen: int
    plan_version_id: UUID
    plan_version_number: int
    plan_sha256: str


class DrawnLot(NamedTuple):
    """What of a line came from which lot, in milli-units of its base unit."""

    order_line_id: UUID
    lot_id: UUID
    lot_number: str
    quality_certificate: str | None
    produced_on: date
    accepted_milli: int
    returned_milli: int


class StandingShare(NamedTuple):
    """What stands posted of a line: whose, why, at which step, and how it was paid."""

    order_line_id: UUID
    kind: str
    owner_id: UUID
    owner_name: str | None
    mechanism: str | None
    step: str
    assisted: bool | None
    fen: int
    contribution_id: UUID | None
    lot_number: str | None
    delivered_on: date | None
    contribution_evidence: str | None
    payment_id: UUID | None
    payment_reference: str | None
    payment_evidence: str | None
    paid_on: date | None
    payment_evidence_ids: Sequence[UUID] | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    confirmation_evidence_ids: Sequence[UUID] | None


class PostedEntry(NamedTuple):
    """An entry of the book that touches a line, and what it moves there, from and to the household if one is traced."""

    order_line_id: UUID | None
    source: str
    reason: str
    effective_on: date
    recorded_at: datetime
    fen: int


class PeriodGiven(NamedTuple):
    """What a supplier's distribution of a period gave of a line, to all or to the household traced, and its proof."""

    order_line_id: UUID
    id: UUID
    mechanism: str
    period_from: date
    period_to: date
    evidence: str
    list_sha256: str
    amount_fen: int


class SecondGiven(NamedTuple):
    """What a village collective gave on of a line by one of its lists, to all or to the one traced, and its proof."""

    order_line_id: UUID
    id: UUID
    collective_id: UUID
    collective_name: str
    given_on: date
    reference: str
    evidence: str
    list_sha256: str
    fen: int


@dataclass(frozen=True, slots=True)
class LineTrace:
    """A line with all that it brought and how that was posted."""

    sale: SaleLine
    lots: Sequence[DrawnLot]
    shares: Sequence[StandingShare]
    entries: Sequence[PostedEntry]
    distributions: Sequence[PeriodGiven]
    second_distributions: Sequence[SecondGiven]


@dataclass(frozen=True, slots=True)
class OrderTrace:
    """An order down to its households."""

    order: OrderHead
    receipts: Sequence[ReceiptPart]
    lines: Sequence[LineTrace]


@dataclass(frozen=True, slots=True)
class HouseholdLineTrace:
    """One order line that reached a household, with the order it is of and the money that paid it."""

    order: OrderHead
    receipts: Sequence[ReceiptPart]
    line: LineTrace


@dataclass(frozen=True, slots=True)
class HouseholdTrace:
    """A household up to its orders: sums by step at the end of the period, then line by line."""

    household_id: UUID
    code: str
    steps: Mapping[str, int]
    lines: Sequence[HouseholdLineTrace]


_HEADS = sa.text(
    """
    SELECT o.id, o.number, o.status, o.channel_code, o.supplier_id, s.name AS supplier_name, o.buyer_id,
           b.name AS buyer_name, o.placed_on, o.accepted_on, o.paid_fen
      FROM orders o JOIN organisations s ON s.id = o.supplier_id JOIN organisations b ON b.id = o.buyer_id
     WHERE o.id = ANY(CAST(:orders AS uuid[]))
    """
)
_RECEIPTS = sa.text(
    """
    SELECT a.order_id, r.id, r.bank_reference, r.received_on, a.amount_fen
      FROM receipt_allocations a JOIN receipts r ON r.id = a.receipt_id
     WHERE a.order_id = ANY(CAST(:orders AS uuid[]))
     ORDER BY a.id
    """
)
_LINES = """
    SELECT l.id, l.order_id, l.position, l.product_name, l.certificate_number, l.unit, l.unit_milli, l.accepted_milli,
           l.returned_milli, l.accepted_fen - l.returned_fen AS gross_fen,
           l.accepted_net_fen - l.returned_net_fen AS net_fen, l.paid_fen, l.plan_version_id,
           v.number AS plan_version_number, l.plan_sha256
      FROM order_lines l JOIN plan_versions v ON v.id = l.plan_version_id
"""
_LINES_OF_ORDER = sa.text(_LINES + " WHERE l.order_id = :order ORDER BY l.position")
_LINES_BY_ID = sa.text(_LINES + " WHERE l.id = ANY(CAST(:lines AS uuid[])) ORDER BY l.id")
_LOTS = sa.text(
    """
    SELECT d.order_line_id, t.id, t.number, t.quality_certificate, t.produced_on, sum(d.accepted)::bigint,
           sum(d.returned)::bigint
      FROM (SELECT a.order_line_id, CAST(draw ->> 0 AS uuid) AS lot_id,
                   CAST(draw ->> 2 AS bigint) - CAST(draw ->> 1 AS bigint) AS accepted, 0 AS returned
              FROM acceptance_lines a CROSS JOIN LATERAL jsonb_array_elements(a.draws) AS draw
             WHERE a.order_line_id = ANY(CAST(:lines AS uuid[]))
            UNION ALL
            SELECT r.order_line_id, CAST(draw ->> 0 AS uuid), 0,
                   CAST(draw ->> 2 AS bigint) - CAST(draw ->> 1 AS bigint)
              FROM return_lines r CROSS JOIN LATERAL jsonb_array_elements(r.draws) AS draw
             WHERE r.order_line_id = ANY(CAST(:lines AS uuid[]))) d
      JOIN lots t ON t.id = d.lot_id
     GROUP BY d.order_line_id, t.id
     ORDER BY d.order_line_id, t.id
    """
)
_SHARES = sa.text(
    """
    SELECT m.order_line_id, a.kind, a.owner_id, coalesce(o.name, h.code) AS owner_name, m.mechanism, a.step, m.assisted,
           sum(m.fen)::bigint AS fen, m.contribution_id, l.number, c.delivered_on, c.evidence, p.id, p.reference,
           d.evidence, d.paid_on,
           ARRAY(SELECT u.evidence_id FROM evidence_uses u WHERE u.disbursement_id = d.id ORDER BY 1),
           f.means, f.made_at,
           ARRAY(SELECT u.evidence_id FROM evidence_uses u WHERE u.confirmation_id = f.id ORDER BY 1)
      FROM (SELECT order_line_id, credit_account_id AS account_id, mechanism, contribution_id, assisted, payment_id,
                   amount_fen AS fen
              FROM ledger_transfers
             WHERE order_line_id = ANY(CAST(:lines AS uuid[])) AND effective_on <= :until
            UNION ALL
            SELECT order_line_id, debit_account_id, mechanism, contribution_id, assisted, payment_id, -amount_fen
              FROM ledger_transfers
             WHERE order_line_id = ANY(CAST(:lines AS uuid[])) AND effective_on <= :until) m
      JOIN ledger_accounts a ON a.id = m.account_id
      LEFT JOIN organisations o ON o.id = a.owner_id
      LEFT JOIN households h ON h.id = a.owner_id
      LEFT JOIN contributions c ON c.id = m.contribution_id
      LEFT JOIN lots l ON l.id = c.lot_id
      LEFT JOIN payments p ON p.id = m.payment_id AND a.step IN ('disbursed', 'confirmed', 'top_up_paid')
      LEFT JOIN disbursements d ON d.id = p.disbursement_id
      LEFT JOIN confirmed_payments x ON x.payment_id = p.id AND a.step = 'confirmed'
      LEFT JOIN confirmations f ON f.id = x.confirmation_id
     WHERE a.kind IN ('household', 'collective', 'retained', 'pool', 'suspense') AND a.step <> 'advance'
       AND (CAST(:household AS uuid) IS NULL OR a.owner_id = :household)
     GROUP BY m.order_line_id, a.id, o.name, h.code, m.mechanism, m.assisted, m.contribution_id, l.number,
              c.delivered_on, c.evidence, p.id, d.id, f.id
    HAVING sum(m.fen) <> 0
     ORDER BY m.order_line_id, a.kind, h.code, o.name, m.mechanism, c.delivered_on, m.contribution_id, a.step, p.id
    """
)
_ENTRIES = sa.text(
    """
    SELECT t.order_line_id, e.source, e.reason, e.effective_on, e.recorded_at, sum(t.amount_fen)::bigint AS fen
      FROM ledger_transfers t
      JOIN ledger_entries e ON e.id = t.entry_id
      JOIN ledger_accounts d ON d.id = t.debit_account_id
      JOIN ledger_accounts c ON c.id = t.credit_account_id
     WHERE t.order_line_id = ANY(CAST(:lines AS uuid[])) AND t.effective_on <= :until
       AND (CAST(:household AS uuid) IS NULL OR :household IN (d.owner_id, c.owner_id))
     GROUP BY t.order_line_id, e.id
     ORDER BY min(t.id)
    """
)
_OF_PERIODS = sa.text(
    """
    SELECT t.order_line_id, d.id, d.mechanism, d.period_from, d.period_to, d.evidence, d.list_sha256,
           sum(t.amount_fen)::bigint AS amount_fen
      FROM ledger_transfers t
      JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'distribution'
      JOIN distributions d ON d.id = CAST(split_part(e.source, ':', 2) AS uuid)
      JOIN ledger_accounts c ON c.id = t.credit_account_id AND c.kind IN ('household', 'collective')
     WHERE t.order_line_id = ANY(CAST(:lines AS uuid[])) AND t.effective_on <= :until
       AND (CAST(:household AS uuid) IS NULL OR c.owner_id = :household)
       AND NOT EXISTS (SELECT FROM annulments n JOIN ledger_entries u ON u.source = concat('annulment:', n.id)
                        WHERE n.distribution_id = d.id AND u.effective_on <= :until)
     GROUP BY t.order_line_id, d.id
     ORDER BY t.order_line_id, d.id
    """
)
_SECOND = sa.text(
    """
    SELECT t.order_line_id, d.id, d.collective_id, o.name, d.given_on, d.reference, d.evidence, d.list_sha256,
           sum(t.amount_fen)::bigint AS fen
      FROM ledger_transfers t
      JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'second_distribution'
      JOIN second_distributions d ON d.id = CAST(split_part(e.source, ':', 2) AS uuid)
      JOIN organisations o ON o.id = d.collective_id
      JOIN ledger_accounts c ON c.id = t.credit_account_id AND c.kind = 'household'
     WHERE t.order_line_id = ANY(CAST(:lines AS uuid[])) AND t.effective_on <= :until
       AND (CAST(:household AS uuid) IS NULL OR c.owner_id = :household)
     GROUP BY t.order_line_id, d.id, o.name
     ORDER BY t.order_line_id, d.id
    """
)
_REACHING = sa.text(
    """
    SELECT DISTINCT t.order_line_id
      FROM ledger_accounts a
      JOIN LATERAL (SELECT order_line_id, effective_on FROM ledger_transfers WHERE credit_account_id = a.id
                    UNION ALL
                    SELECT order_line_id, effective_on FROM ledger_transfers WHERE debit_account_id = a.id) t ON true
     WHERE a.book = 'attribution' AND a.kind = 'household' AND a.owner_id = :household
       AND t.order_line_id IS NOT NULL AND t.effective_on BETWEEN :begin AND :until
       AND (CAST(:after AS uuid) IS NULL OR t.order_line_id > :after)
     ORDER BY t.order_line_id
     LIMIT :limit
    """
)
_STEPS = sa.text(
    """
    SELECT a.step, sum(m.fen)::bigint AS fen
      FROM ledger_accounts a
      JOIN LATERAL (SELECT amount_fen AS fen, effective_on FROM ledger_transfers WHERE credit_account_id = a.id
                    UNION ALL
                    SELECT -amount_fen, effective_on FROM ledger_transfers WHERE debit_account_id = a.id) m ON true
     WHERE a.book = 'attribution' AND a.kind = 'household' AND a.owner_id = :household AND m.effective_on <= :until
     GROUP BY a.step
     ORDER BY a.step
    """
)


def trace_order(session: orm.Session, actor: Actor, order_id: UUID) -> OrderTrace:
    """Walk an order down to every fen of its households, in nine statements; raises `NotFoundError`."""
    plan_anew(session)
    one_order(session, actor, order_id)
    orders = {"orders": [order_id]}
    head = OrderHead(*session.execute(_HEADS, orders).one())
    sales = [SaleLine(*row) for row in session.execute(_LINES_OF_ORDER, {"order": order_id})]
    receipts = [ReceiptPart(*row) for row in session.execute(_RECEIPTS, orders)]
    return OrderTrace(head, receipts, _trace_lines(session, sales, household_id=None, until=date.max))


def trace_household(
    session: orm.Session, actor: Actor, *, household_id: UUID, begin: date, end: date, after: UUID | None, limit: int
) -> HouseholdTrace:
    """Walk a household back to the accepted and paid order lines whose postings of a period, end included, touch it.

    Lines follow by id after `after`, one more than `limit` if there are more; eleven statements.
    Figures stand as of the end. Raises `TracePeriodError` or `NotFoundError`.
    """
    plan_anew(session)
    check_period(begin, end)
    household = session.scalar(visible_households(actor).where(Household.id == household_id))
    if household is None:
        raise NotFoundError(what="household")
    who = {"household": household_id, "until": end}
    steps = {row.step: row.fen for row in session.execute(_STEPS, who)}
    page = {"begin": begin, "after": after, "limit": limit + 1}
    line_ids = list(session.scalars(_REACHING, {**who, **page}))
    sales = [SaleLine(*row) for row in session.execute(_LINES_BY_ID, {"lines": line_ids})]
    orders = {"orders": list({sale.order_id for sale in sales})}
    heads = {row.id: OrderHead(*row) for row in session.execute(_HEADS, orders)}
    receipts: dict[UUID, list[ReceiptPart]] = defaultdict(list)
    for row in session.execute(_RECEIPTS, orders):
        receipts[row.order_id].append(ReceiptPart(*row))
    lines = _trace_lines(session, sales, household_id=household_id, until=end)
    traced = [HouseholdLineTrace(heads[line.sale.order_id], receipts[line.sale.order_id], line) for line in lines]
    return HouseholdTrace(household.id, household.code, steps, traced)


def _trace_lines(
    session: orm.Session, sales: Sequence[SaleLine], *, household_id: UUID | None, until: date
) -> list[LineTrace]:
    """Collect what lines were made of and what they brought, for everybody or one household, as of a day."""
    about = {"lines": [sale.id for sale in sales], "household": household_id, "until": until}
    lots = _by_line(DrawnLot(*row) for row in session.execute(_LOTS, about))
    shares = _by_line(StandingShare(*row) for row in session.execute(_SHARES, about))
    entries = _by_line(PostedEntry(*row) for row in session.execute(_ENTRIES, about))
    given = _by_line(PeriodGiven(*row) for row in session.execute(_OF_PERIODS, about))
    second = _by_line(SecondGiven(*row) for row in session.execute(_SECOND, about))
    return [LineTrace(sale, *(found[sale.id] for found in (lots, shares, entries, given, second))) for sale in sales]


def _by_line(rows: Any) -> dict[UUID, list[Any]]:
    by_line: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_line[row.order_line_id].append(row)
    return by_line
