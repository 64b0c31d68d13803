"""Sweeping: what the provider has, compared with what the market knows, without any event: news may never arrive."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.clock import business_date
from market.db import Database
from market.payments import movements, online
from market.payments.gateway import Gateway
from market.payments.models import ConnectedAccount, Dispute, OnlinePayment, Refund
from market.payments.noting import note
from market.payments.provider import MovementSeen, NoAnswerError, Seen
from market.payments.rules import ENDED, DisputeStatus, NoProviderError, RefundStatus

LOG = structlog.get_logger()
DAYS_BACK = 3
"""How far before the newest known movement one looks again: what is told late is told then."""
DISPUTED_DAYS = 120
"""A card's owner may dispute a charge for so long."""


def sweep(db: Database, gateway: Gateway, *, now: datetime) -> int:
    """Look at all that has not ended, and at every movement that is not known; return how many were looked at."""
    with db.transaction() as session:
        try:
            account = movements.provider_account(session)
        except NoProviderError:
            return 0
        online.cancel_stale(session, now=now)
        looks = list(_unended(session, gateway))
        since = _last_day(session, account, business_date(now)) - timedelta(days=DAYS_BACK)
    looked = sum(bool(_look(db, look, now)) for look in looks)
    for movement in list(gateway.movements(since)):
        looked += _take(db, gateway, movement, now)
    for dispute in list(gateway.disputes(business_date(now) - timedelta(days=DISPUTED_DAYS))):
        looked += bool(_look(db, lambda dispute=dispute: dispute, now))  # type: ignore[misc]
    return looked


def _unended(session: orm.Session, gateway: Gateway) -> Iterator[Callable[[], Seen]]:
    """Yield a look at each object of ours that may have moved on."""
    payments = sa.select(OnlinePayment.provider_id).where(
        OnlinePayment.status.not_in(tuple(ENDED)), OnlinePayment.provider_id.is_not(None)
    )
    refunds = sa.select(Refund.provider_id).where(Refund.status == RefundStatus.SENT, Refund.provider_id.is_not(None))
    disputes = sa.select(Dispute.provider_id).where(Dispute.status == DisputeStatus.OPEN)
    accounts = (
        sa.select(BankAccount.number)
        .join(ConnectedAccount, ConnectedAccount.account_id == BankAccount.id)
        .where(~ConnectedAccount.takes_transfers)
    )
    for wanted, look in (
        (payments, gateway.payment),
        (refunds, gateway.refund),
        (disputes, gateway.dispute),
        (accounts, gateway.account),
    ):
        for object_id in session.scalars(wanted):
            yield lambda look=look, object_id=object_id: look(object_id)  # type: ignore[misc]


def _last_day(session: orm.Session, account: BankAccount, today: date) -> date:
    newest = session.scalar(sa.select(sa.func.max(BankLine.booked_on)).where(BankLine.bank_account_id == account.id))
    return newest or min(business_date(account.opened_at), today)


def _look(db: Database, look: Callable[[], Seen | None], now: datetime) -> bool | None:
    """Take note of one object; return None if it cannot be looked at now, False if it could not be noted.

    One that cannot be noted holds up no other; next time it is tried again.
    """
    try:
        seen = look()
        if seen is not None:
            with db.transaction() as session:
                note(session, seen, now=now)
    except NoAnswerError:
        return None
    except Exception:
        LOG.exception("look_failed")
        return False
    return True


def _take(db: Database, gateway: Gateway, movement: MovementSeen, now: datetime) -> int:
    """Take a movement over that is not known: by way of what moved it, or as a line that waits for a person.

    Movements are looked at for some days only, so that one whose cause cannot be noted is a line all the same.
    """
    with db.transaction() as session:
        if session.scalar(sa.select(BankLine.id).where(BankLine.line_key == movement.id)):
            return 0
    look = _SOURCES.get(movement.kind)
    if look is not None and _look(db, lambda: look(gateway, movement.source_id), now) is None:
        return 0
    with db.transaction() as session:
        account = movements.locked_provider_account(session)
        movements.mirror(session, account, [movements.take_over(session, account, movement)])
    return 1


_SOURCES: dict[str, Callable[[Gateway, str], Seen | None]] = {
    "charge": Gateway.payment_of_charge,
    "payment": Gateway.payment_of_charge,
    "refund": Gateway.refund,
    "payment_refund": Gateway.refund,
    "refund_failure": Gateway.refund,
    "payment_failure_refund": Gateway.refund,
    "adjustment": Gateway.dispute,
}


def release_due(db: Database, *, now: datetime) -> int:
    """Post what is there to be sent from today on; return how many movements that were."""
    with db.transaction() as session:
        due = movements.pending(session, now=now)
    for line_id in due:
        with db.transaction() as session:
            movements.release(session, line_id, on=business_date(now))
    return len(due)
