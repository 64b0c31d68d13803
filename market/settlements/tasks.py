"""What the provider tells of transfers: settlements that it has paid, would not pay, or has taken back."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import orm

from market.db import Database
from market.payments.rules import CallStatus, Operation
from market.settlements import queries, service
from market.settlements.models import Settlement
from market.settlements.rules import SettlementStatus

LOG = structlog.get_logger()


def follow_transfers(db: Database, now: datetime) -> int:
    """Confirm, fail or take back what the provider has decided, each by itself; return how many moved."""
    with db.transaction() as session:
        waiting = queries.with_provider(session)
    return sum(_follow(db, settlement_id, now) for settlement_id in waiting)


def _follow(db: Database, settlement_id: UUID, now: datetime) -> bool:
    try:
        with db.transaction() as session:
            settlement = session.get_one(Settlement, settlement_id, with_for_update=True, populate_existing=True)
            before = settlement.status
            _move(session, settlement, now)
            return settlement.status is not before
    except Exception:
        LOG.exception("transfer_not_followed", settlement_id=str(settlement_id))
        return False


def _move(session: orm.Session, settlement: Settlement, now: datetime) -> None:
    if settlement.status is SettlementStatus.INSTRUCTED:
        sent = queries.transfer_call(session, settlement.id, Operation.TRANSFER)
        if sent and sent.status is CallStatus.REFUSED:
            service.fail_told(session, settlement, by=None, now=now)
        elif queries.line_told(session, settlement, -settlement.amount_fen):
            service.confirm_told(session, settlement, by=None, now=now)
    elif settlement.status is SettlementStatus.CONFIRMED and queries.line_told(
        session, settlement, settlement.amount_fen
    ):
        service.take_back_told(session, settlement, by=None, now=now)
