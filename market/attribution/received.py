"""The payments that a household was made, one by one, and by whose word it has the money."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

MOST_PAYMENTS = 1_000
"""Of a statement: more than a household is paid in years."""

_PAYMENTS = sa.text(
    """
    SELECT p.id, p.supplier_id, s.name AS supplier_name, d.paid_on, d.made_at AS recorded_at, d.method, p.amount_fen,
           p.reference, c.means, c.made_at AS confirmed_at
      FROM payments p
      JOIN disbursements d ON d.id = p.disbursement_id
      JOIN organisations s ON s.id = p.supplier_id
      LEFT JOIN confirmed_payments x ON x.payment_id = p.id
      LEFT JOIN confirmations c ON c.id = x.confirmation_id
                               AND CAST(c.made_at AT TIME ZONE 'Asia/Shanghai' AS date) <= :confirmed_by
     WHERE p.household_id = :household AND p.reversed_at IS NULL AND d.paid_on BETWEEN :period_from AND :period_to
       AND (CAST(:supplier AS uuid) IS NULL OR p.supplier_id = :supplier)
     ORDER BY d.paid_on DESC, p.id DESC
     LIMIT :most
    """
)


class Received(NamedTuple):
    """A payment to a household; `means` says by whose word it has the money, None while nobody has said so."""

    id: UUID
    supplier_id: UUID
    supplier_name: str
    paid_on: date
    recorded_at: datetime
    method: str
    amount_fen: int
    reference: str
    means: str | None
    confirmed_at: datetime | None


def payments_to(
    connection: sa.Connection,
    household_id: UUID,
    *,
    period_from: date,
    period_to: date,
    confirmed_by: date,
    supplier_id: UUID | None = None,
) -> Sequence[Received]:
    """Return what a household was paid in a period, both days included, by all or by one supplier; the newest first.

    A payment that was reversed it never had; one that was confirmed after a day is not confirmed as of it.
    """
    asked = {
        "household": household_id,
        "supplier": supplier_id,
        "period_from": period_from,
        "period_to": period_to,
        "confirmed_by": confirmed_by,
        "most": MOST_PAYMENTS,
    }
    return [Received(*row) for row in connection.execute(_PAYMENTS, asked)]
