"""Paying ahead: no more than what the payee delivered to opened lots unpaid, and what buyers still owe of its shares.

What was delivered after the day of the payment gives no room to it: it would be a year's income of the year before.
Cooperatives pay for produce and work before they sell (domain.md §5). Money beyond what is owed, sold or not, would
claim whatever the payee is owed later, for nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.paying import PaidBeyondDeliveryError
from market.attribution.rules import Settlement
from market.money import yuan

# What was moved into another lot has its amount at its origin. What is consigned has none: it gives no room before it
# is sold, and takes none of what other produce gives. A lot that nobody has opened is one person's word; what was
# annulled was never delivered.
_ROOM = sa.text(
    """
    WITH moved AS (
        SELECT a.owner_id, a.step, m.contribution_id, m.fen
          FROM ledger_accounts a
          CROSS JOIN LATERAL (
              SELECT contribution_id, amount_fen AS fen FROM ledger_transfers WHERE credit_account_id = a.id
              UNION ALL
              SELECT contribution_id, -amount_fen FROM ledger_transfers WHERE debit_account_id = a.id) m
         WHERE a.book = 'attribution' AND a.kind IN ('household', 'collective') AND a.counterpart_id = :supplier
           AND a.owner_id = ANY(CAST(:owners AS uuid[]))
    ), delivered AS (
        SELECT c.household_id AS owner_id, sum(c.amount_fen) AS fen,
               coalesce(sum(c.amount_fen) FILTER (WHERE c.delivered_on <= :on), 0) AS by_then_fen
          FROM contributions c JOIN lots l ON l.id = c.lot_id
         WHERE l.supplier_id = :supplier AND l.status NOT IN ('draft', 'discarded') AND c.carried_from IS NULL
           AND c.annulment_id IS NULL AND c.household_id = ANY(CAST(:owners AS uuid[]))
         GROUP BY 1
    )
    SELECT o.owner_id,
           CAST(coalesce((SELECT fen FROM delivered d WHERE d.owner_id = o.owner_id), 0)
                - coalesce(sum(m.fen) FILTER (WHERE m.step <> 'advance' AND c.amount_fen IS NOT NULL), 0)
                + coalesce(sum(m.fen) FILTER (WHERE m.step = 'accrued'), 0)
                - coalesce(sum(m.fen) FILTER (WHERE m.step = 'advance'), 0) AS bigint) AS fen,
           CAST(coalesce((SELECT by_then_fen FROM delivered d WHERE d.owner_id = o.owner_id), 0)
                - coalesce(sum(m.fen) FILTER (WHERE m.step <> 'advance' AND c.amount_fen IS NOT NULL
                                                AND c.delivered_on <= :on), 0)
                + coalesce(sum(m.fen) FILTER (WHERE m.step = 'accrued' AND (c.id IS NULL OR c.delivered_on <= :on)), 0)
                AS bigint) AS by_then_fen
      FROM unnest(CAST(:owners AS uuid[])) AS o (owner_id)
      LEFT JOIN moved m ON m.owner_id = o.owner_id
      LEFT JOIN contributions c ON c.id = m.contribution_id
     GROUP BY o.owner_id
    """
)


def check_paid_ahead(
    session: orm.Session, supplier_id: UUID, settlements: Sequence[Settlement], pointers: Sequence[str], *, on: date
) -> None:
    """Raise `PaidBeyondDeliveryError` for what payments of a day, together, pay their payees beyond their deliveries.

    Other advances are not taken off what was delivered by that day, as some of them may be for what came later.
    """
    ahead = {settlement.payment.payee_id for settlement in settlements if settlement.advance_fen}
    if not ahead:
        return
    rows = session.execute(_ROOM, {"supplier": supplier_id, "owners": list(ahead), "on": on})
    room: dict[UUID, int] = {row.owner_id: max(min(row.fen, row.by_then_fen), 0) for row in rows}
    taken: dict[UUID, int] = defaultdict(int)
    for settlement, pointer in zip(settlements, pointers, strict=True):
        payee_id, fen = settlement.payment.payee_id, settlement.advance_fen
        taken[payee_id] += fen
        if fen and taken[payee_id] > room[payee_id]:
            most_fen = settlement.payment.amount_fen - (taken[payee_id] - room[payee_id])
            raise PaidBeyondDeliveryError(most=yuan(max(most_fen, 0)), pointer=f"{pointer}/amount_fen")
