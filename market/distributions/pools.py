"""What suppliers keep in pools: what lines brought, what was given out of it, and what is left."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.db import plan_anew
from market.identity.rules import Actor, Scope


class PoolBalance(NamedTuple):
    """A supplier's pool: accrued less what returns took = distributed out of it less put back + what is left (fen).

    What a return, or a price cut alike, took off shares that were given out of it is neither brought nor distributed
    any more; what an annulment put back is not distributed any more.
    """

    supplier_id: UUID
    mechanism: str
    brought_fen: int
    distributed_fen: int
    accrued_fen: int
    recognised_fen: int


_POOLS = sa.text(
    """
    SELECT a.owner_id, m.mechanism,
           coalesce(sum(m.fen) FILTER (WHERE e.reason IN ('accrual', 'return', 'price_cut')), 0)::bigint,
           coalesce(-sum(m.fen) FILTER (WHERE e.reason IN ('distribution', 'annulment')), 0)::bigint,
           coalesce(sum(m.fen) FILTER (WHERE a.step = 'accrued'), 0)::bigint,
           coalesce(sum(m.fen) FILTER (WHERE a.step = 'recognised'), 0)::bigint
      FROM ledger_accounts a
      JOIN organisations o ON o.id = a.owner_id
      CROSS JOIN LATERAL (
          SELECT entry_id, mechanism, amount_fen AS fen FROM ledger_transfers WHERE credit_account_id = a.id
          UNION ALL
          SELECT entry_id, mechanism, -amount_fen FROM ledger_transfers WHERE debit_account_id = a.id) m
      JOIN ledger_entries e ON e.id = m.entry_id
     WHERE a.book = 'attribution' AND a.kind = 'pool' AND (CAST(:supplier AS uuid) IS NULL OR a.owner_id = :supplier)
       AND starts_with(o.region_code, :region)
       AND (CAST(:after_supplier AS uuid) IS NULL OR (a.owner_id, m.mechanism) > (:after_supplier, :after_mechanism))
     GROUP BY 1, 2
     ORDER BY 1, 2
     LIMIT :limit
    """
)
# Of a line of which retained money was given as well, or whose plan split a pool of the mechanism at once, the pool has
# its part of what fell. What was kept of retained money, for who may not be paid, falls in the pool itself. What goes
# from step to step of the same payee comes to nothing. What a collective gave on stands with households under its
# payment, whatever it had been given to the collective for: of what falls there, each mechanism has its part of what
# was given on.
_FALLEN = sa.text(
    """
    WITH taken AS MATERIALIZED (
        SELECT a.owner_id AS supplier_id, m.mechanism, m.order_line_id,
               sum(m.fen) FILTER (WHERE e.reason IN ('distribution', 'annulment')) AS fen,
               -coalesce(sum(m.fen) FILTER (WHERE e.reason = 'accrual'), 0) AS accrued_fen,
               coalesce(sum(m.fen) FILTER (WHERE e.reason IN ('return', 'price_cut')), 0) AS fallen_fen
          FROM ledger_accounts a
          CROSS JOIN LATERAL (
              SELECT entry_id, mechanism, order_line_id, amount_fen AS fen FROM ledger_transfers
               WHERE debit_account_id = a.id
              UNION ALL
              SELECT entry_id, mechanism, order_line_id, -amount_fen FROM ledger_transfers
               WHERE credit_account_id = a.id) m
          JOIN ledger_entries e ON e.id = m.entry_id
         WHERE a.book = 'attribution' AND a.kind = 'pool' AND a.owner_id = ANY(CAST(:suppliers AS uuid[]))
         GROUP BY 1, 2, 3
        HAVING sum(m.fen) FILTER (WHERE e.reason IN ('distribution', 'annulment')) <> 0
    ), given_on AS (
        SELECT t.order_line_id, t.payment_id, t.mechanism, sum(t.amount_fen) AS fen,
               sum(sum(t.amount_fen)) OVER (PARTITION BY t.order_line_id, t.payment_id) AS whole_fen
          FROM (SELECT DISTINCT order_line_id FROM taken) l
          JOIN ledger_transfers t ON t.order_line_id = l.order_line_id
          JOIN ledger_accounts a ON a.id = t.debit_account_id AND a.kind = 'collective'
          JOIN ledger_entries e ON e.id = t.entry_id AND e.reason = 'second_distribution'
         GROUP BY 1, 2, 3
    ), fallen_on AS (
        SELECT g.order_line_id, g.mechanism, sum(div(g.fen * m.fen, g.whole_fen)) AS fen
          FROM given_on g
          CROSS JOIN LATERAL (
              SELECT sum(t.amount_fen) AS fen
                FROM ledger_transfers t
                JOIN ledger_accounts a ON a.id = t.debit_account_id AND a.kind = 'household' AND a.step <> 'advance'
                JOIN ledger_entries e ON e.id = t.entry_id AND e.reason IN ('return', 'price_cut')
               WHERE t.order_line_id = g.order_line_id AND t.payment_id = g.payment_id
                 AND t.mechanism = 'collective_dividend') m
         GROUP BY 1, 2
    ), given AS (
        SELECT p.supplier_id, p.mechanism, p.order_line_id, p.fen AS taken_fen,
               sum(m.fen) FILTER (WHERE e.reason IN ('accrual', 'distribution', 'annulment')) AS fen,
               -sum(m.fen) FILTER (WHERE e.reason IN ('return', 'price_cut')) AS fallen_fen
          FROM taken p
          JOIN ledger_transfers t ON t.order_line_id = p.order_line_id AND t.mechanism = p.mechanism
                                 AND t.contribution_id IS NULL
          CROSS JOIN LATERAL (VALUES (t.credit_account_id, t.amount_fen), (t.debit_account_id, -t.amount_fen))
                          AS m (account_id, fen)
          JOIN ledger_accounts a ON a.id = m.account_id AND a.kind IN ('household', 'collective')
                                AND a.step <> 'advance'
                                AND (a.kind = 'collective' OR t.mechanism <> 'collective_dividend')
          JOIN ledger_entries e ON e.id = t.entry_id
         WHERE p.fen > 0
         GROUP BY 1, 2, 3, 4
    ), parts AS (
        SELECT g.supplier_id, mechanism,
               div(g.taken_fen * (coalesce(g.fallen_fen, 0) + coalesce(o.fen, 0)), g.fen) AS fen
          FROM given g
          LEFT JOIN fallen_on o USING (order_line_id, mechanism)
         WHERE g.fen > 0
         UNION ALL
        SELECT supplier_id, mechanism, div(fen * fallen_fen, accrued_fen - fen) FROM taken WHERE fen < 0
    )
    SELECT supplier_id, mechanism, sum(fen)::bigint FROM parts GROUP BY 1, 2
    """
)


def pools(session: orm.Session, actor: Actor, *, after: tuple[UUID, str] | None, limit: int) -> list[PoolBalance]:
    """Return pools of the actor's own organisation, of the suppliers in its region, or all; after one of them."""
    plan_anew(session)
    after_supplier, after_mechanism = after or (None, "")
    rows = session.execute(
        _POOLS,
        {
            "supplier": actor.organisation_id if actor.scope is Scope.OWN else None,
            "region": actor.region_code if actor.scope is Scope.REGION else "",
            "after_supplier": after_supplier,
            "after_mechanism": after_mechanism,
            "limit": limit,
        },
    )
    found = [PoolBalance(*row) for row in rows]
    suppliers = list({each.supplier_id for each in found})
    fallen = {(row[0], row[1]): row[2] for row in session.execute(_FALLEN, {"suppliers": suppliers})}
    return [_less(each, fallen.get((each.supplier_id, each.mechanism), 0)) for each in found]


def _less(pool: PoolBalance, fallen_fen: int) -> PoolBalance:
    return pool._replace(brought_fen=pool.brought_fen - fallen_fen, distributed_fen=pool.distributed_fen - fallen_fen)
