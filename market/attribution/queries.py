"""Reads of the facts and of what stands posted; each one statement."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.models import (
    ConfirmedPayment,
    Disbursement,
    Evidence,
    EvidenceUse,
    PayList,
    PayListLine,
    Payment,
)
from market.attribution.rules import DUE, Advance, ConsignedFact, ContributionFact, Kind, Owed, Share, Standing, Step
from market.clock import business_date
from market.db import within
from market.households.models import Household
from market.identity.models import Organisation
from market.identity.rules import Actor, Scope

_CONTRIBUTIONS = sa.text(
    """
    SELECT c.id, c.lot_id, c.household_id, c.mechanism, c.amount_fen, c.measure_milli, c.proceeds_bp,
           coalesce((SELECT s.status <> 'ordinary' FROM household_statuses s
                      WHERE s.household_id = c.household_id AND s.valid_from <= c.delivered_on
                      ORDER BY s.valid_from DESC LIMIT 1), false)
           AND NOT EXISTS (SELECT FROM households h WHERE h.id = c.household_id AND h.departed_on <= c.delivered_on)
               AS assisted,
           coalesce(r.fen, 0) AS carry_fen
      FROM contributions c
      LEFT JOIN release_carries r ON r.contribution_id = c.id
     WHERE c.lot_id = ANY(CAST(:lots AS uuid[])) AND c.annulment_id IS NULL
     ORDER BY c.id
    """
)
# The day of the last that came in is all that whatever takes from a place has to follow: with every debit dated no
# earlier than the credits posted before it, the place is never negative on any day.
# OFFSET 0 has each account looked up: how many transfers a line has is guessed, too high, and all accounts read for it.
_STANDINGS = sa.text(
    """
    SELECT m.order_line_id, a.kind, a.owner_id, m.mechanism, m.contribution_id, m.assisted, a.step,
           p.id AS payment_id, p.contribution_id AS paid_for, sum(m.fen) AS fen, max(m.came_in_on) AS since
      FROM (SELECT order_line_id, credit_account_id AS account_id, mechanism, contribution_id, assisted, payment_id,
                   amount_fen AS fen, effective_on AS came_in_on
              FROM ledger_transfers WHERE order_line_id = ANY(CAST(:lines AS uuid[]))
            UNION ALL
            SELECT order_line_id, debit_account_id, mechanism, contribution_id, assisted, payment_id, -amount_fen, NULL
              FROM ledger_transfers WHERE order_line_id = ANY(CAST(:lines AS uuid[]))) m
     CROSS JOIN LATERAL (SELECT kind, owner_id, step FROM ledger_accounts WHERE id = m.account_id OFFSET 0) a
      LEFT JOIN LATERAL (SELECT id, contribution_id FROM payments WHERE id = m.payment_id OFFSET 0) p
        ON a.step IN ('disbursed', 'confirmed', 'top_up_paid')
     WHERE a.kind IN ('household', 'collective', 'retained', 'pool', 'suspense') AND a.step <> 'advance'
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    HAVING sum(m.fen) <> 0
     ORDER BY 1, 2, 3, 4, 5, 7, 8
    """
)
# What a household was given by its collective stands under a payment whose confirmation does not concern it: the
# household's word is the confirmation of all that it was given of that payment.
_ADVANCES = sa.text(
    """
    SELECT a.kind, a.owner_id, p.id AS payment_id, p.contribution_id, p.invoice_number IS NOT NULL AS invoiced,
           CASE WHEN a.owner_id = coalesce(p.household_id, p.collective_id) THEN p.confirmed_at ELSE (
               SELECT CASE WHEN count(*) = count(g.confirmed_at) THEN max(g.confirmed_at) END
                 FROM (SELECT DISTINCT CAST(split_part(e.source, ':', 2) AS uuid) AS id
                         FROM ledger_accounts h
                         JOIN ledger_transfers t ON t.credit_account_id = h.id AND t.payment_id = p.id
                         JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'second_distribution'
                        WHERE h.book = 'attribution' AND h.owner_id = a.owner_id AND h.counterpart_id = :supplier) s
                 JOIN second_distributions g ON g.id = s.id
           ) END AS confirmed_at,
           sum(m.fen) AS fen, max(m.came_in_on) AS since
      FROM ledger_accounts a
      CROSS JOIN LATERAL (
          SELECT payment_id, amount_fen AS fen, effective_on AS came_in_on FROM ledger_transfers
           WHERE credit_account_id = a.id
          UNION ALL
          SELECT payment_id, -amount_fen, NULL FROM ledger_transfers
           WHERE debit_account_id = a.id) m
      JOIN payments p ON p.id = m.payment_id
     WHERE a.book = 'attribution' AND a.step = 'advance' AND a.counterpart_id = :supplier
       AND a.owner_id = ANY(CAST(:owners AS uuid[]))
     GROUP BY a.kind, a.owner_id, p.id
    HAVING sum(m.fen) > 0
     ORDER BY min(m.came_in_on), p.id
    """
)
_FELL = sa.text(
    """
    SELECT max(t.effective_on) FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id
     WHERE t.order_line_id = ANY(CAST(:lines AS uuid[])) AND e.reason IN ('return', 'price_cut')
    """
)
_OWED = sa.text(
    """
    SELECT o.*, CASE WHEN c.carried_from IS NOT NULL THEN ARRAY(
               WITH RECURSIVE up AS (
                   SELECT c.carried_from AS id, 1 AS depth
                    UNION ALL
                   SELECT n.carried_from, depth + 1 FROM up JOIN contributions n ON n.id = up.id
                    WHERE n.carried_from IS NOT NULL)
               SELECT id FROM up ORDER BY depth) END AS carried_from
      FROM (
        SELECT m.order_line_id, a.kind, a.owner_id, m.mechanism, m.contribution_id, m.assisted, a.step,
               sum(m.fen) AS fen, min(m.came_in_on) AS first, max(m.came_in_on) AS since
          FROM ledger_accounts a
          CROSS JOIN LATERAL (
              SELECT order_line_id, mechanism, contribution_id, assisted, amount_fen AS fen, effective_on AS came_in_on
                FROM ledger_transfers WHERE credit_account_id = a.id
              UNION ALL
              SELECT order_line_id, mechanism, contribution_id, assisted, -amount_fen, NULL
                FROM ledger_transfers WHERE debit_account_id = a.id) m
         WHERE a.book = 'attribution' AND a.step = ANY(:steps) AND a.kind IN ('household', 'collective')
           AND a.counterpart_id = :supplier AND a.owner_id = ANY(CAST(:owners AS uuid[]))
         GROUP BY 1, 2, 3, 4, 5, 6, 7
        HAVING sum(m.fen) > 0) o
      LEFT JOIN LATERAL (SELECT carried_from FROM contributions WHERE id = o.contribution_id OFFSET 0) c ON true
     ORDER BY array_position(:steps, o.step), o.first, o.order_line_id, o.mechanism, o.contribution_id
    """
)
_PAID = sa.text(
    """
    SELECT m.payment_id, m.order_line_id, a.kind, a.owner_id, m.mechanism, m.contribution_id, m.assisted, a.step,
           sum(m.fen) AS fen, max(m.came_in_on) AS since
      FROM payments p
      JOIN ledger_accounts a ON a.book = 'attribution' AND a.step = ANY(:steps) AND a.counterpart_id = p.supplier_id
       AND a.owner_id = coalesce(p.household_id, p.collective_id)
      CROSS JOIN LATERAL (
          SELECT payment_id, order_line_id, mechanism, contribution_id, assisted, amount_fen AS fen,
                 effective_on AS came_in_on
            FROM ledger_transfers WHERE credit_account_id = a.id AND payment_id = p.id
          UNION ALL
          SELECT payment_id, order_line_id, mechanism, contribution_id, assisted, -amount_fen, NULL
            FROM ledger_transfers WHERE debit_account_id = a.id AND payment_id = p.id) m
     WHERE p.id = ANY(CAST(:payments AS uuid[]))
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    HAVING sum(m.fen) > 0
     ORDER BY 1, 2, 5, 6, 8
    """
)


def visible_payments(actor: Actor) -> sa.Select[Payment]:
    """Return the payments the actor may know of: the supplier's own, those to payees of its region, or all."""
    payments = sa.select(Payment)
    if actor.scope is Scope.ALL:
        return payments
    if actor.scope is Scope.OWN:
        return payments.where(Payment.supplier_id == actor.organisation_id)
    households = sa.select(Household.id).where(within(Household.village_code, actor.region_code))
    collectives = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
    return payments.where(Payment.household_id.in_(households) | Payment.collective_id.in_(collectives))


def visible_disbursements(actor: Actor) -> sa.Select[Disbursement]:
    """Return the disbursements of which the actor may know a payment."""
    disbursements = sa.select(Disbursement)
    if actor.scope is Scope.ALL:
        return disbursements
    return disbursements.where(Disbursement.id.in_(visible_payments(actor).with_only_columns(Payment.disbursement_id)))


def visible_pay_lists(actor: Actor) -> sa.Select[PayList]:
    """Return the lists of payments the actor may know of: the supplier's own, those that name payees of its region."""
    lists = sa.select(PayList)
    if actor.scope is Scope.ALL:
        return lists
    if actor.scope is Scope.OWN:
        return lists.where(PayList.supplier_id == actor.organisation_id)
    return lists.where(PayList.id.in_(sa.select(PayListLine.pay_list_id).where(_payee_within(PayListLine, actor))))


class How(NamedTuple):
    """How a payment was confirmed: by whose word, when, and of a code who had printed it."""

    means: str
    confirmed_at: datetime
    made_by: UUID | None
    code_issued_by: UUID | None
    code_issued_at: datetime | None
    evidence_ids: Sequence[UUID]


_HOW = sa.text(
    """
    SELECT x.payment_id, c.means, c.made_at, c.made_by, c.code_issued_by, c.code_issued_at,
           ARRAY(SELECT u.evidence_id FROM evidence_uses u WHERE u.confirmation_id = c.id ORDER BY 1) AS evidence_ids
      FROM confirmed_payments x JOIN confirmations c ON c.id = x.confirmation_id
     WHERE x.payment_id = ANY(CAST(:payments AS uuid[]))
    """
)


def confirmed_how(session: orm.Session, actor: Actor, payment_ids: Collection[UUID]) -> dict[UUID, How]:
    """Return how each of the payments that are confirmed was; who printed a code is not for who pays."""
    found = {row[0]: How(*row[1:]) for row in session.execute(_HOW, {"payments": list(payment_ids)})}
    if actor.scope is not Scope.OWN:
        return found
    return {payment: how._replace(code_issued_by=None, code_issued_at=None) for payment, how in found.items()}


def payees_elsewhere(actor: Actor, pay_list_id: UUID) -> sa.Select[PayListLine]:
    """Return the lines of a list whose payees are not of the actor's region."""
    return sa.select(PayListLine).where(PayListLine.pay_list_id == pay_list_id, ~_payee_within(PayListLine, actor))


def _payee_within(paid: type[Payment] | type[PayListLine], actor: Actor) -> sa.ColumnElement[bool]:
    households = sa.select(Household.id).where(within(Household.village_code, actor.region_code))
    collectives = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
    return sa.func.coalesce(paid.household_id.in_(households), sa.false()) | sa.func.coalesce(
        paid.collective_id.in_(collectives), sa.false()
    )


def visible_evidences(actor: Actor) -> sa.Select[Evidence]:
    """Return the files the actor may look at: its own organisation's, and what proves payments it may know of."""
    evidences = sa.select(Evidence)
    if actor.scope is Scope.ALL:
        return evidences
    own = Evidence.organisation_id == actor.organisation_id
    payments = visible_payments(actor).subquery()
    confirmed = sa.select(ConfirmedPayment.confirmation_id).join(payments, payments.c.id == ConfirmedPayment.payment_id)
    proving = sa.select(EvidenceUse.evidence_id).where(
        EvidenceUse.disbursement_id.in_(sa.select(payments.c.disbursement_id))
        | EvidenceUse.confirmation_id.in_(confirmed)
    )
    return evidences.where(own | Evidence.id.in_(proving))


class Contributed(NamedTuple):
    """What households gave to lots: what has an amount, with what is left to carry, and what is consigned."""

    amounts: list[ContributionFact]
    consigned: list[ConsignedFact]


def contribution_facts(session: orm.Session, lot_ids: Collection[UUID]) -> list[ContributionFact]:
    """Return every contribution to the lots that has an amount and stands, with what is left to carry."""
    return contributed(session, lot_ids).amounts


def contributed(session: orm.Session, lot_ids: Collection[UUID]) -> Contributed:
    """Return every contribution to the lots that was not annulled."""
    found = Contributed([], [])
    for row in session.execute(_CONTRIBUTIONS, {"lots": list(lot_ids)}).all():
        about = row.id, row.lot_id, row.household_id, row.mechanism
        if row.amount_fen is None:
            found.consigned.append(ConsignedFact(*about, row.measure_milli, row.proceeds_bp, row.assisted))
        else:
            found.amounts.append(ContributionFact(*about, row.amount_fen, row.assisted, row.carry_fen))
    return found


def _share(row: Any) -> Share:
    return Share(Kind(row.kind), row.owner_id, row.mechanism, row.contribution_id, row.assisted)


def standings(session: orm.Session, line_ids: Collection[UUID]) -> dict[UUID, list[Standing]]:
    """Return what stands posted on each order line, by share, step and payment; base accounts apart."""
    found: dict[UUID, list[Standing]] = {line_id: [] for line_id in line_ids}
    for row in session.execute(_STANDINGS, {"lines": list(line_ids)}):
        standing = Standing(_share(row), Step(row.step), row.payment_id, int(row.fen), row.since, row.paid_for)
        found[row.order_line_id].append(standing)
    return found


def fell_on(session: orm.Session, line_ids: Collection[UUID]) -> list[date]:
    """Return the last day on which something of these lines fell because goods came back or their price was cut."""
    last = session.scalar(_FELL, {"lines": list(line_ids)})
    return [last] if last else []


def advances(session: orm.Session, supplier_id: UUID, owner_ids: Collection[UUID]) -> list[Advance]:
    """Return what is left of the supplier's advances to these payees, oldest first."""
    rows = session.execute(_ADVANCES, {"supplier": supplier_id, "owners": list(owner_ids)})
    return [
        Advance(
            owner=(Kind(row.kind), row.owner_id),
            payment_id=row.payment_id,
            contribution_id=row.contribution_id,
            confirmed=row.confirmed_at is not None,
            fen=int(row.fen),
            since=max(row.since, business_date(row.confirmed_at)) if row.confirmed_at else row.since,
            invoiced=row.invoiced,
        )
        for row in rows
    ]


def owed(
    session: orm.Session, supplier_id: UUID, owner_ids: Collection[UUID], *, steps: Sequence[Step] = DUE
) -> list[Owed]:
    """Return what the supplier owes these payees, step after step, of each the oldest first."""
    wanted = {"supplier": supplier_id, "owners": list(owner_ids), "steps": list(steps)}
    rows = session.execute(_OWED, wanted)
    return [
        Owed(row.order_line_id, _share(row), Step(row.step), int(row.fen), row.since, tuple(row.carried_from or ()))
        for row in rows
    ]


def disbursed_by(session: orm.Session, payment_ids: Sequence[UUID]) -> list[tuple[UUID, Owed]]:
    """Return the disbursed shares that each payment paid and nobody has confirmed."""
    return paid_by(session, payment_ids, steps=[Step.DISBURSED])


def paid_by(session: orm.Session, payment_ids: Sequence[UUID], *, steps: Sequence[Step]) -> list[tuple[UUID, Owed]]:
    """Return the shares that each payment paid its payee and that stand at one of these steps."""
    rows = session.execute(_PAID, {"payments": list(payment_ids), "steps": list(steps)})
    return [
        (row.payment_id, Owed(row.order_line_id, _share(row), Step(row.step), int(row.fen), row.since)) for row in rows
    ]
