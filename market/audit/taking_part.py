"""Who took part with a supplier when a list of it was made: an enrolment counts once its village has confirmed it.

What was confirmed later is no reason to doubt the list; what was confirmed in the same minute, either may have seen.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.history import AT_ONCE

_ENROLLED = sa.text(
    """
    SELECT concat('distribution:', d.id) AS source, i.household_id, e.confirmed_at - d.made_at AS later
      FROM distributions d
      JOIN distribution_items i ON i.distribution_id = d.id AND i.household_id IS NOT NULL
      LEFT JOIN enrolments e ON e.supplier_id = d.supplier_id AND e.household_id = i.household_id
     WHERE d.supplier_id = :supplier
    """
)


def taking_part(session: orm.Session, supplier_id: UUID) -> Mapping[tuple[str, UUID], frozenset[bool]]:
    """Return by list and household of it whether that may be said to have taken part, not to have, or either."""
    rows = session.execute(_ENROLLED, {"supplier": supplier_id})
    return {(row.source, row.household_id): _by_then(row.later) for row in rows}


def _by_then(later: timedelta | None) -> frozenset[bool]:
    if later is not None and abs(later) <= AT_ONCE:
        return frozenset({True, False})
    return frozenset({later is not None and later < timedelta()})
