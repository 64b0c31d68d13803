"""Who may see what collectives gave on, and what they received, gave on and hold; each read one statement."""

from collections.abc import Mapping
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Kind, Share, Step
from market.benefits.rules import Mechanism
from market.db import plan_anew, within
from market.distributions.gifts import still_given
from market.distributions.models import SecondDistribution, SecondDistributionItem
from market.distributions.rules import Fund, Item
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind, Scope


def visible_second_distributions(actor: Actor) -> sa.Select[SecondDistribution]:
    """Return those of the actor's own collective or money, of the collectives in its region, or all."""
    distributions = sa.select(SecondDistribution)
    if actor.scope is Scope.OWN:
        own = actor.organisation_id
        return distributions.where((SecondDistribution.collective_id == own) | (SecondDistribution.supplier_id == own))
    if actor.scope is Scope.REGION:
        covered = sa.select(Organisation.id).where(within(Organisation.region_code, actor.region_code))
        return distributions.where(SecondDistribution.collective_id.in_(covered))
    return distributions


def visible_collectives(actor: Actor, collective_id: UUID) -> sa.Select[UUID]:
    """Return a collective if it is the actor's own, one of its region, or any."""
    found = sa.select(Organisation.id).where(
        Organisation.id == collective_id, Organisation.kind == OrganisationKind.VILLAGE_COLLECTIVE
    )
    if actor.scope is Scope.OWN:
        return found.where(Organisation.id == actor.organisation_id)
    if actor.scope is Scope.REGION:
        return found.where(within(Organisation.region_code, actor.region_code))
    return found


def second_items_of(session: orm.Session, distribution_id: UUID) -> list[Item]:
    """Return the list of a second distribution, in its order."""
    table = SecondDistributionItem
    rows = session.execute(
        sa.select(table.household_id, table.weight, table.fen, table.assisted, table.excluded)
        .where(table.distribution_id == distribution_id)
        .order_by(table.position)
    )
    return [Item(Kind.HOUSEHOLD, *row) for row in rows]


_RECEIVED = sa.text(
    """
    SELECT m.order_line_id, m.mechanism, a.step, m.payment_id, sum(m.fen)::bigint AS fen, max(m.came_in_on) AS since,
           max(d.paid_on) AS paid_on
      FROM ledger_accounts a
      CROSS JOIN LATERAL (
          SELECT order_line_id, mechanism, payment_id, amount_fen AS fen, effective_on AS came_in_on
            FROM ledger_transfers WHERE credit_account_id = a.id
          UNION ALL
          SELECT order_line_id, mechanism, payment_id, -amount_fen, NULL
            FROM ledger_transfers WHERE debit_account_id = a.id) m
      JOIN payments p ON p.id = m.payment_id
      JOIN disbursements d ON d.id = p.disbursement_id
     WHERE a.book = 'attribution' AND a.kind = 'collective' AND a.owner_id = :collective
       AND a.counterpart_id = :supplier AND a.step IN ('disbursed', 'confirmed')
     GROUP BY 1, 2, 3, 4
    HAVING sum(m.fen) > 0
     ORDER BY min(m.came_in_on), m.order_line_id, m.payment_id, a.step, m.mechanism
    """
)


def received(session: orm.Session, collective_id: UUID, supplier_id: UUID) -> list[Fund]:
    """Return what a collective holds of what a supplier's lines brought and paid it, oldest first."""
    rows = session.execute(_RECEIVED, {"collective": collective_id, "supplier": supplier_id})
    return [
        Fund(
            row.order_line_id,
            Share(Kind.COLLECTIVE, collective_id, row.mechanism),
            row.fen,
            row.since,
            Step(row.step),
            row.payment_id,
            row.paid_on,
        )
        for row in rows
    ]


_GIVEN = sa.text(
    """
    WITH given AS (
        SELECT DISTINCT t.order_line_id, a.id AS account_id, t.payment_id, t.assisted, a.owner_id
          FROM ledger_entries e
          JOIN ledger_transfers t ON t.entry_id = e.id AND t.effective_on = e.effective_on
          JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind = 'household'
         WHERE e.source = :source
    )
    SELECT g.order_line_id, g.owner_id, g.payment_id, g.assisted, e.source, m.fen, m.came_in_on
      FROM given g
      CROSS JOIN LATERAL (
          SELECT id, entry_id, amount_fen AS fen, effective_on AS came_in_on FROM ledger_transfers
           WHERE credit_account_id = g.account_id AND order_line_id = g.order_line_id
             AND payment_id = g.payment_id AND mechanism = :mechanism AND contribution_id IS NULL
             AND assisted IS NOT DISTINCT FROM g.assisted
          UNION ALL
          SELECT id, entry_id, -amount_fen, NULL FROM ledger_transfers
           WHERE debit_account_id = g.account_id AND order_line_id = g.order_line_id
             AND payment_id = g.payment_id AND mechanism = :mechanism AND contribution_id IS NULL
             AND assisted IS NOT DISTINCT FROM g.assisted) m
      JOIN ledger_entries e ON e.id = m.entry_id
     ORDER BY g.order_line_id, g.owner_id, g.payment_id, g.assisted, m.id
    """
)


# Once all that a household was given of a payment is confirmed, what its advance under it has claimed is as well.
_CLAIMED = sa.text(
    """
    WITH given AS (
        SELECT DISTINCT a.id AS account_id, a.owner_id, t.payment_id, e.source
          FROM ledger_entries own
          JOIN ledger_transfers o ON o.entry_id = own.id AND o.effective_on = own.effective_on
          JOIN ledger_accounts a ON a.id = o.credit_account_id AND a.kind = 'household'
          JOIN ledger_transfers t ON t.credit_account_id = a.id AND t.payment_id = o.payment_id
          JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'second_distribution'
         WHERE own.source = :source
    ), whole AS (
        SELECT g.account_id, g.owner_id, g.payment_id
          FROM given g
          LEFT JOIN second_distributions d ON d.id = CAST(split_part(g.source, ':', 2) AS uuid)
         GROUP BY 1, 2, 3
        HAVING bool_and(d.confirmed_at IS NOT NULL)
    )
    SELECT m.order_line_id, w.owner_id, m.mechanism, m.contribution_id, m.assisted, w.payment_id,
           sum(m.fen)::bigint AS fen, max(m.came_in_on) AS since
      FROM whole w
      CROSS JOIN LATERAL (
          SELECT order_line_id, mechanism, contribution_id, assisted, amount_fen AS fen, effective_on AS came_in_on
            FROM ledger_transfers WHERE credit_account_id = w.account_id AND payment_id = w.payment_id
          UNION ALL
          SELECT order_line_id, mechanism, contribution_id, assisted, -amount_fen, NULL
            FROM ledger_transfers WHERE debit_account_id = w.account_id AND payment_id = w.payment_id) m
     WHERE m.mechanism <> :mechanism
     GROUP BY 1, 2, 3, 4, 5, 6
    HAVING sum(m.fen) > 0
     ORDER BY 1, 2, 4, 6
    """
)


def unconfirmed(session: orm.Session, distribution_id: UUID) -> list[Fund]:
    """Return what of a second distribution stands with its households unconfirmed, or was claimed by later orders.

    What fell with returned goods is an advance of the household, which its orders claim. Other second distributions may
    have given to it of the same payment: what they gave is not of this one, and what was claimed is unconfirmed until
    they are confirmed as well.
    """
    asked = {"source": f"second_distribution:{distribution_id}", "mechanism": Mechanism.COLLECTIVE_DIVIDEND}
    claimed = [
        Fund(
            row.order_line_id,
            Share(Kind.HOUSEHOLD, row.owner_id, row.mechanism, row.contribution_id, row.assisted),
            row.fen,
            row.since,
            Step.DISBURSED,
            row.payment_id,
        )
        for row in session.execute(_CLAIMED, asked)
    ]
    return claimed + _given(session, asked)


def _given(session: orm.Session, asked: Mapping[str, str]) -> list[Fund]:
    """Return what stands of what was given, place by place: on an order line, under a payment."""
    found: list[Fund] = []
    rows = session.execute(_GIVEN, asked)
    for (line_id, owner_id, payment_id, assisted), moves in groupby(rows, key=lambda row: row[:4]):
        moved = list(moves)
        if fen := still_given((row.source, row.fen) for row in moved)[asked["source"]]:
            since = max(row.came_in_on for row in moved if row.came_in_on)
            share = Share(Kind.HOUSEHOLD, owner_id, Mechanism.COLLECTIVE_DIVIDEND, None, assisted)
            found.append(Fund(line_id, share, fen, since, Step.DISBURSED, payment_id))
    return found


class CollectiveAccount(NamedTuple):
    """What a supplier has paid a collective: given on, still held of what orders brought, and paid ahead (fen)."""

    supplier_id: UUID
    supplier_name: str
    received_fen: int
    given_on_fen: int
    held_fen: int
    advance_fen: int


_ACCOUNT = sa.text(
    """
    WITH paid AS (
        SELECT supplier_id, sum(amount_fen) AS fen FROM payments
         WHERE collective_id = :collective AND reversed_at IS NULL GROUP BY 1
    ), given AS (
        SELECT supplier_id, sum(amount_fen - kept_fen) AS fen
          FROM second_distributions WHERE collective_id = :collective AND status = 'approved' GROUP BY 1
    ), held AS (
        SELECT a.counterpart_id AS supplier_id,
               coalesce(sum(m.fen) FILTER (WHERE a.step IN ('disbursed', 'confirmed', 'top_up_paid')), 0) AS fen,
               coalesce(sum(m.fen) FILTER (WHERE a.step = 'advance'), 0) AS advance_fen
          FROM ledger_accounts a
          CROSS JOIN LATERAL (
              SELECT amount_fen AS fen FROM ledger_transfers WHERE credit_account_id = a.id
              UNION ALL
              SELECT -amount_fen FROM ledger_transfers WHERE debit_account_id = a.id) m
         WHERE a.book = 'attribution' AND a.kind = 'collective' AND a.owner_id = :collective
         GROUP BY 1
    )
    SELECT o.id, o.name, paid.fen::bigint, coalesce(given.fen, 0)::bigint, coalesce(held.fen, 0)::bigint,
           coalesce(held.advance_fen, 0)::bigint
      FROM paid
      JOIN organisations o ON o.id = paid.supplier_id
      LEFT JOIN given ON given.supplier_id = o.id
      LEFT JOIN held ON held.supplier_id = o.id
     ORDER BY o.name, o.id
    """
)


def collective_account(session: orm.Session, collective_id: UUID) -> list[CollectiveAccount]:
    """Return by supplier what a collective received, gave on and holds: received = given on + held + paid ahead."""
    plan_anew(session)
    return [CollectiveAccount(*row) for row in session.execute(_ACCOUNT, {"collective": collective_id})]
