"""Sweeping: what the provider has, compared with what the market knows, without any event: news may never arrive."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.banking.models import BankAccount, BankLine
from market.clock import business_date
from market.db import Database
from market.payments import movements
from market.payments.gateway import Gateway
from market.payments.models import ConnectedAccount, Dispute, OnlinePayment, ProviderMovement, ProviderSweep, Refund
from market.payments.noting import note
from market.payments.provider import MovementSeen, NoAnswerError, Seen
from market.payments.rules import ENDED, DisputeStatus, NoProviderError, RefundStatus

LOG = structlog.get_logger()
DAYS_BACK = 3
"""How far before the last look that was whole one looks again: what is told late is told then."""
DISPUTED_DAYS = 120
"""A card's owner may dispute a charge for so long."""


def sweep(db: Database, gateway: Gateway, *, now: datetime) -> int:
    """Look at all that has not ended, and at every movement that is not known; return how many were looked at."""
    with db.transaction() as session:
        try:
            account = movements.provider_account(session)
        except NoProviderError:
            return 0
        looks = list(_unended(session, gateway))
        known = _whole_until(session, account)
    looked = sum(bool(_look(db, look, now)) for look in looks)
    told = list(gateway.movements(known - timedelta(days=DAYS_BACK)))
    taken = [_take(db, gateway, account, movement, now) for movement in told]
    day = max((each.booked_on for each in told), default=known)
    _keep(db, account.id, day if None not in taken else None, gateway.balance_fen(), now)
    looked += sum(filter(None, taken))
    for dispute in list(gateway.disputes(business_date(now) - timedelta(days=DISPUTED_DAYS))):
        looked += bool(_look(db, lambda dispute=dispute: dispute, now))  # type: ignore[misc]
    return looked


def _unended(session: orm.Session, gateway: Gateway) -> Iterator[Callable[[], Seen]]:
    """Yield a look at each object of ours that may have moved on."""
    payments = sa.select(OnlinePayment.provider_id).where(
        OnlinePayment.status.not_in(tuple(ENDED)), OnlinePayment.provider_id.is_not(None)
    )
    refunds = sa.select(Refund.provider_id).where(Refund.status == RefundStatus.SENT, Refund.provider_id.is_not(None))
    unclear = (
        sa.select(ProviderMovement.source_id)
        .join(BankLine, BankLine.id == ProviderMovement.line_id)
        .where(BankLine.open_fen != 0, ProviderMovement.kind.in_(_REFUNDS))
        .distinct()
    )
    disputes = sa.select(Dispute.provider_id).where(Dispute.status == DisputeStatus.OPEN)
    accounts = (
        sa.select(BankAccount.number)
        .join(ConnectedAccount, ConnectedAccount.account_id == BankAccount.id)
        .where(~ConnectedAccount.takes_transfers)
    )
    for wanted, look in (
        (payments, gateway.payment),
        (refunds, gateway.refund),
        (unclear, gateway.refund),
        (disputes, gateway.dispute),
        (accounts, gateway.account),
    ):
        for object_id in session.scalars(wanted):
            yield lambda look=look, object_id=object_id: look(object_id)  # type: ignore[misc]


def _whole_until(session: orm.Session, account: BankAccount) -> date:
    """Return the day of the last look that missed nothing, however long ago; of the account's first, before any."""
    swept = session.get(ProviderSweep, account.id)
    return swept.whole_until if swept else business_date(account.opened_at)


def _keep(db: Database, account_id: UUID, whole_until: date | None, told_fen: int, now: datetime) -> None:
    """Keep what the provider says of its balance beside what our lines come to, and how far the look was whole.

    The day is the provider's own: a clock that runs ahead hides nothing.
    """
    booked = (
        sa.select(sa.func.coalesce(sa.func.sum(BankLine.amount_fen - ProviderMovement.fee_fen), 0))
        .join(ProviderMovement, ProviderMovement.line_id == BankLine.id)
        .where(BankLine.bank_account_id == account_id)
    )
    with db.transaction() as session:
        account = session.get_one(BankAccount, account_id)
        seen = {"told_fen": told_fen, "booked_fen": session.scalar(booked), "swept_at": now}
        whole = {"whole_until": whole_until, "whole_at": now} if whole_until else {}
        first = {"account_id": account_id, "whole_until": business_date(account.opened_at), **whole, **seen}
        row = postgresql.insert(ProviderSweep).values(first)
        session.execute(row.on_conflict_do_update(index_elements=["account_id"], set_={**whole, **seen}))


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


def _take(db: Database, gateway: Gateway, account: BankAccount, movement: MovementSeen, now: datetime) -> bool | None:
    """Take a movement over that is not known: by way of what moved it, or as a line that waits for a person.

    Returns whether it was new; None if what moved it cannot be looked at now.

    Movements are looked at for some days only, so that one whose cause cannot be noted is a line all the same.
    """
    with db.transaction() as session:
        if movements.known(session, account, movement.id):
            return False
    look = _SOURCES.get(movement.kind)
    if look is not None and _look(db, lambda: look(gateway, movement.source_id), now) is None:
        return None
    with db.transaction() as session:
        account = movements.locked_provider_account(session)
        movements.mirror(session, account, [movements.take_over(session, account, movement)])
    return True


_REFUNDS = {"refund", "payment_refund", "refund_failure", "payment_failure_refund"}
"""What may have been told before the payment that it is of, or before it is known of which order it is.

It is looked at again as long as its line waits.
"""

_SOURCES: dict[str, Callable[[Gateway, str], Seen | None]] = {
    "charge": Gateway.payment_of_charge,
    "payment": Gateway.payment_of_charge,
    "refund": Gateway.refund,
    "payment_refund": Gateway.refund,
    "refund_failure": Gateway.refund,
    "payment_failure_refund": Gateway.refund,
    "adjustment": Gateway.dispute,
    "transfer": Gateway.transfer,
}


def release_due(db: Database, *, now: datetime) -> int:
    """Post what is there to be sent from today on; return how many movements that were."""
    with db.transaction() as session:
        due = movements.pending(session, now=now)
    for line_id in due:
        with db.transaction() as session:
            movements.release(session, line_id, on=business_date(now))
    return len(due)
