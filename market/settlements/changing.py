"""The steps of a settlement's life: each is written down, with who took it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.db import new_id
from market.settlements.models import Settlement, SettlementChange
from market.settlements.rules import SettlementEvent, after


def change(
    session: orm.Session, by: UUID | None, settlement: Settlement, event: SettlementEvent, now: datetime
) -> SettlementChange:
    """Move a locked settlement by an event, and record who did it; nobody did what the provider told.

    Raises `TransitionError`.
    """
    settlement.status = after(settlement.status, event)
    step = SettlementChange(
        id=new_id(),
        settlement_id=settlement.id,
        event=event,
        status=settlement.status,
        changed_by=by,
        changed_at=now,
    )
    session.add(step)
    session.flush()
    return step
