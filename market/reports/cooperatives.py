"""A cooperative's statement: what it sold and received beside what it owes, paid and kept, in one statement."""

# ruff: noqa: S608 - statements are assembled only from fragments of queries; every value is bound

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.attribution.rules import Kind, Step
from market.attribution.statements import (
    POSITIONS,
    Flow,
    Position,
    Statement,
    balances_of,
    check_window,
    flow,
    named_and_since,
    position,
    statement,
)
from market.benefits.rules import Mechanism
from market.db import plan_anew
from market.errors import NotFoundError
from market.identity.models import Organisation
from market.identity.queries import visible_organisations
from market.identity.rules import SIDE_OF, Actor, Side
from market.orders.queries import OWED_BACK
from market.reports.rules import Suspended

_ACCOUNTS = """
    WITH accounts AS MATERIALIZED (
      SELECT id, counterpart_id AS supplier_id, kind, step
        FROM ledger_accounts
       WHERE book = 'attribution' AND counterpart_id = :supplier
      UNION ALL
      SELECT id, owner_id, kind, step
        FROM ledger_accounts
       WHERE book = 'attribution' AND owner_id = :supplier AND kind IN ('retained', 'pool', 'suspense')
    ),
"""
_REST = f"""
    , sold AS (
      SELECT coalesce(sum(n.accepted_fen), 0) AS accepted_fen, coalesce(sum(n.accepted_net_fen), 0) AS accepted_net_fen,
             count(DISTINCT o.id) FILTER (WHERE n.accepted_milli > 0) AS orders
        FROM orders o
        JOIN acceptances a ON a.order_id = o.id
        JOIN acceptance_lines n ON n.acceptance_id = a.id
       WHERE o.supplier_id = :supplier AND n.counts_on BETWEEN :period_from AND :period_to
    ), came_back AS (
      SELECT coalesce(sum(n.amount_fen), 0) AS returned_fen, coalesce(sum(n.net_fen), 0) AS returned_net_fen
        FROM orders o
        JOIN returns r ON r.order_id = o.id
        JOIN return_lines n ON n.return_id = r.id
       WHERE o.supplier_id = :supplier AND n.counts_on BETWEEN :period_from AND :period_to
    ), received AS (
      SELECT coalesce(sum(amount_fen), 0) AS fen
        FROM receipts
       WHERE supplier_id = :supplier AND counts_on BETWEEN :period_from AND :period_to
    ), owed_back AS (
      SELECT coalesce(sum({OWED_BACK}), 0) AS fen FROM orders o WHERE o.supplier_id = :supplier AND o.paid_fen > 0
    ), suspended AS (
      SELECT m.mechanism,
             CASE WHEN jsonb_array_length(e.facts -> 'weights' -> m.mechanism) > 0
                  THEN 'weights_are_zero' ELSE 'nobody_is_eligible' END AS reason,
             sum(m.fen) AS fen
        FROM (SELECT t.mechanism, t.order_line_id, t.amount_fen AS fen
                FROM accounts a JOIN ledger_transfers t ON t.credit_account_id = a.id
               WHERE a.kind = 'suspense' AND t.effective_on BETWEEN :period_from AND :period_to
              UNION ALL
              SELECT t.mechanism, t.order_line_id, -t.amount_fen
                FROM accounts a JOIN ledger_transfers t ON t.debit_account_id = a.id
               WHERE a.kind = 'suspense' AND t.effective_on BETWEEN :period_from AND :period_to) m
        JOIN LATERAL (SELECT e.facts
                        FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id
                       WHERE t.order_line_id = m.order_line_id AND e.reason = 'accrual' LIMIT 1) e ON true
       GROUP BY 1, 2
      HAVING sum(m.fen) <> 0
       ORDER BY 1, 2
    )
    SELECT json_build_object(
             'positions', (SELECT coalesce(json_agg(p), '[]') FROM positions p),
             'sold', (SELECT row_to_json(s) FROM sold s),
             'came_back', (SELECT row_to_json(c) FROM came_back c),
             'received_fen', (SELECT fen FROM received),
             'owed_back_fen', (SELECT fen FROM owed_back),
             'suspended', (SELECT coalesce(json_agg(s), '[]') FROM suspended s))
"""
_STATEMENT = sa.text(_ACCOUNTS + POSITIONS + _REST)


@dataclass(frozen=True, slots=True)
class Sale:
    """What buyers accepted and returned in a period, in fen; gross includes tax, net does not."""

    orders: int
    accepted_fen: int
    accepted_net_fen: int
    returned_fen: int
    returned_net_fen: int

    @property
    def sale_fen(self) -> int:
        """Return what was accepted less what was returned, tax included."""
        return self.accepted_fen - self.returned_fen

    @property
    def sale_net_fen(self) -> int:
        """Return the same without tax."""
        return self.accepted_net_fen - self.returned_net_fen


@dataclass(frozen=True, slots=True)
class SuspendedPool:
    """What of a mechanism's pools could not be split, and why."""

    mechanism: Mechanism
    reason: Suspended
    fen: int


@dataclass(frozen=True, slots=True)
class CooperativeStatement:
    """A supplier's statement; amounts in fen."""

    supplier_id: UUID
    supplier_name: str
    sale: Sale
    received_fen: int
    owed_back_fen: int
    households: Statement
    collectives: Statement
    retained: Flow
    pools: Flow
    suspense: Flow
    suspended: Sequence[SuspendedPool]
    owed_fen: int
    top_ups_owed_fen: int


def cooperative_statement(
    connection: sa.Connection, actor: Actor, supplier_id: UUID, *, period_from: date, period_to: date
) -> CooperativeStatement:
    """Return a supplier's statement of a period, both days included; the figures are of one moment.

    Raises `NotFoundError`, for an organisation that does not sell too, or `InvalidInputError`.
    """
    plan_anew(connection)
    check_window(period_from, period_to)
    suppliers = [kind for kind, side in SIDE_OF.items() if side is Side.SUPPLIER]
    visible = (
        visible_organisations(actor)
        .with_only_columns(Organisation.name)
        .where(Organisation.id == supplier_id, Organisation.kind.in_(suppliers))
    )
    named = named_and_since(connection, visible, period_from)
    if named is None:
        raise NotFoundError(what="supplier")
    name, since = named
    found: Mapping[str, Any] = connection.scalar(
        _STATEMENT, {"supplier": supplier_id, "since": since, "period_from": period_from, "period_to": period_to}
    )
    positions = [position(row) for row in found["positions"]]
    payees = [each for each in positions if each.kind in (Kind.HOUSEHOLD, Kind.COLLECTIVE)]
    owed = {balance.step: balance.closing_fen for balance in balances_of(payees)}
    return CooperativeStatement(
        supplier_id=supplier_id,
        supplier_name=name,
        sale=Sale(**found["sold"], **found["came_back"]),
        received_fen=found["received_fen"],
        owed_back_fen=found["owed_back_fen"],
        households=statement(_of(positions, Kind.HOUSEHOLD)),
        collectives=statement(_of(positions, Kind.COLLECTIVE)),
        retained=flow(_of(positions, Kind.RETAINED)),
        pools=flow(_of(positions, Kind.POOL)),
        suspense=flow(_of(positions, Kind.SUSPENSE)),
        suspended=[
            SuspendedPool(Mechanism(row["mechanism"]), Suspended(row["reason"]), row["fen"])
            for row in found["suspended"]
        ],
        owed_fen=owed[Step.RECOGNISED],
        top_ups_owed_fen=owed[Step.TOP_UP],
    )


def _of(positions: Sequence[Position], kind: Kind) -> list[Position]:
    return [each for each in positions if each.kind is kind]
