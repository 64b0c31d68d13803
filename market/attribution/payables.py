"""What a supplier owes now to each household and collective: recognised or to be topped up, and not yet paid."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.identity.rules import Actor, Scope

_PAYABLES = sa.text(
    """
    WITH moved AS (
        SELECT a.id, a.kind, a.owner_id, a.counterpart_id AS supplier_id, a.step, m.order_line_id, m.mechanism,
               m.contribution_id, m.fen, m.effective_on,
               coalesce(sum(m.fen) FILTER (WHERE m.fen < 0) OVER share, 0) AS less_fen,
               sum(m.fen) FILTER (WHERE m.fen > 0) OVER (share ORDER BY m.effective_on) AS due_fen
          FROM ledger_accounts a
          CROSS JOIN LATERAL (
              SELECT order_line_id, mechanism, contribution_id, amount_fen AS fen, effective_on
                FROM ledger_transfers WHERE credit_account_id = a.id
              UNION ALL
              SELECT order_line_id, mechanism, contribution_id, -amount_fen, effective_on
                FROM ledger_transfers WHERE debit_account_id = a.id) m
         WHERE a.book = 'attribution' AND a.step IN ('recognised', 'top_up') AND a.kind IN ('household', 'collective')
           AND (CAST(:supplier AS uuid) IS NULL OR a.counterpart_id = :supplier)
           AND (CAST(:after_supplier AS uuid) IS NULL OR a.counterpart_id >= :after_supplier)
        WINDOW share AS (PARTITION BY a.id, m.order_line_id, m.mechanism, m.contribution_id)
    ), owed AS (
        SELECT kind, owner_id, supplier_id, step, sum(fen) AS fen,
               min(effective_on) FILTER (WHERE fen > 0 AND due_fen + less_fen > 0) AS since
          FROM moved
         GROUP BY kind, owner_id, supplier_id, step, order_line_id, mechanism, contribution_id
        HAVING sum(fen) > 0)
    SELECT o.supplier_id, o.kind AS payee_kind, o.owner_id AS payee_id, coalesce(h.code, c.name) AS payee_name,
           CAST(coalesce(sum(o.fen) FILTER (WHERE o.step = 'recognised'), 0) AS bigint) AS recognised_fen,
           CAST(coalesce(sum(o.fen) FILTER (WHERE o.step = 'top_up'), 0) AS bigint) AS top_up_fen,
           min(o.since) AS since
      FROM owed o
      LEFT JOIN households h ON h.id = o.owner_id
      LEFT JOIN organisations c ON c.id = o.owner_id
     WHERE (CAST(:after_payee AS uuid) IS NULL OR (o.supplier_id, o.owner_id) > (:after_supplier, :after_payee))
       AND starts_with(coalesce(h.village_code, c.region_code), :region)
     GROUP BY o.supplier_id, o.kind, o.owner_id, h.code, c.name
     ORDER BY o.supplier_id, o.owner_id
     LIMIT :limit
    """
)


class Payable(NamedTuple):
    """What a supplier owes a payee, known by its code or name, in fen.

    `since` is when the oldest part fell due; what was paid of a share was its oldest part.
    """

    supplier_id: UUID
    payee_kind: str
    payee_id: UUID
    payee_name: str
    recognised_fen: int
    top_up_fen: int
    since: date


def payables(session: orm.Session, actor: Actor, *, after: tuple[UUID, UUID] | None, limit: int) -> Sequence[Payable]:
    """Return what is owed within the actor's scope, after a supplier and payee: by a supplier, or to its region."""
    after_supplier, after_payee = after or (None, None)
    rows = session.execute(
        _PAYABLES,
        {
            "supplier": actor.organisation_id if actor.scope is Scope.OWN else None,
            "region": actor.region_code if actor.scope is Scope.REGION else "",
            "after_supplier": after_supplier,
            "after_payee": after_payee,
            "limit": limit,
        },
    )
    return [Payable(*row) for row in rows]
