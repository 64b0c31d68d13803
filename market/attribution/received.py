"""The payments that a household was made, and those of them that were reversed, each on the day it is booked."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

MOST_PAYMENTS = 1_000
"""Of a statement: more than a household is paid in years."""

_PAYMENTS = sa.text(
    """
    WITH own AS MATERIALIZED (
      SELECT p.id, p.supplier_id, p.disbursement_id, p.amount_fen, p.reference, d.paid_on, d.method, d.made_at
        FROM payments p JOIN disbursements d ON d.id = p.disbursement_id
       WHERE p.household_id = :household AND (CAST(:supplier AS uuid) IS NULL OR p.supplier_id = :supplier)
    ), moved AS (
      SELECT o.id, o.supplier_id, o.paid_on, e.effective_on AS booked_on, o.made_at AS recorded_at, o.method,
             o.amount_fen, o.reference, c.means, c.made_at AS confirmed_at, CAST(NULL AS uuid) AS reverses_id
        FROM own o
        JOIN ledger_entries e ON e.source = concat('disbursement:', o.disbursement_id)
        LEFT JOIN confirmed_payments x ON x.payment_id = o.id
        LEFT JOIN confirmations c ON c.id = x.confirmation_id
                                 AND CAST(c.made_at AT TIME ZONE 'Asia/Shanghai' AS date) <= :on
      UNION ALL
      SELECT r.id, o.supplier_id, o.paid_on, e.effective_on, r.made_at, o.method, -o.amount_fen, o.reference, NULL,
             NULL, o.id
        FROM own o
        JOIN payment_reversals r ON r.payment_id = o.id
        JOIN ledger_entries e ON e.source = concat('payment_reversal:', r.id)
    )
    SELECT m.id, m.supplier_id, s.name AS supplier_name, m.paid_on, m.booked_on, m.recorded_at, m.method, m.amount_fen,
           m.reference, m.means, m.confirmed_at, m.reverses_id
      FROM moved m JOIN organisations s ON s.id = m.supplier_id
     WHERE m.booked_on BETWEEN :period_from AND :period_to
     ORDER BY m.booked_on DESC, m.id DESC
     LIMIT :most
    """
)


class Received(NamedTuple):
    """A payment to a household, or below zero the reversal of one, which it names.

    `paid_on` is the day of the payment, `booked_on` that from which it is in the book, or is no more. `means` says by
    whose word the household has the money, None while nobody has said so.
    """

    id: UUID
    supplier_id: UUID
    supplier_name: str
    paid_on: date
    booked_on: date
    recorded_at: datetime
    method: str
    amount_fen: int
    reference: str
    means: str | None
    confirmed_at: datetime | None
    reverses_id: UUID | None


def payments_to(
    connection: sa.Connection,
    household_id: UUID,
    *,
    period_from: date,
    period_to: date,
    on: date,
    supplier_id: UUID | None = None,
) -> Sequence[Received]:
    """Return what of a period's book is a payment to a household, by all or by one supplier, or the reversal of one.

    The newest first, both days included; what was confirmed after a day is not confirmed as of it.
    """
    asked = {
        "household": household_id,
        "supplier": supplier_id,
        "period_from": period_from,
        "period_to": period_to,
        "on": on,
        "most": MOST_PAYMENTS,
    }
    return [Received(*row) for row in connection.execute(_PAYMENTS, asked)]
