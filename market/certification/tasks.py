"""What the worker does when it is due: ends of public notices, alerts of lapsing certificates.

Each task does all that is due at `now`, may run as often as one likes and in several workers at once.
"""

from datetime import datetime

import sqlalchemy as sa

from market.certification.models import Application, Objection
from market.certification.rules import (
    ALERT_DAYS,
    LAPSED,
    TRANSITIONS,
    ApplicationEvent,
    ApplicationStatus,
    CertificateStatus,
)
from market.clock import business_date
from market.db import Database

CLEARED_AT_ONCE = 1_000
"""Applications cleared in one transaction."""


def end_notices(db: Database, now: datetime) -> int:
    """Clear the applications whose public notice has ended without an open objection; return how many."""
    cleared = 0
    while True:
        found, done = _end_some(db, now)
        cleared += done
        if found < CLEARED_AT_ONCE:
            return cleared


def _end_some(db: Database, now: datetime) -> tuple[int, int]:
    unopposed = ~sa.exists().where(Objection.application_id == Application.id, Objection.settled_at.is_(None))
    due = (
        sa.select(Application.id)
        .where(
            Application.status == ApplicationStatus.ON_NOTICE,
            Application.notice_ends_on < business_date(now),
            unopposed,
        )
        .order_by(Application.id)
        .limit(CLEARED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    with db.transaction() as session:
        locked = session.scalars(due).all()
        # Asked again under the lock, in a statement of its own: an objection committed while the first one ran is
        # not in that one's snapshot.
        done = session.scalars(
            sa.update(Application)
            .where(Application.id.in_(locked), unopposed)
            .values(status=TRANSITIONS[ApplicationStatus.ON_NOTICE, ApplicationEvent.END_NOTICE])
            .returning(Application.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(locked), len(done)


_RAISE = sa.text(
    """
    INSERT INTO certificate_alerts (certificate_id, days, raised_at)
    SELECT certificates.id,
           CASE WHEN valid_to < :today THEN :lapsed
                ELSE (SELECT min(days) FROM unnest(CAST(:days AS bigint[])) AS days WHERE valid_to - :today <= days)
           END,
           :now
      FROM certificates
     WHERE status <> :revoked AND valid_to <= :today + CAST(:longest AS integer)
        ON CONFLICT DO NOTHING
    """
).bindparams(sa.bindparam("today", type_=sa.Date))


def raise_alerts(db: Database, now: datetime) -> int:
    """Raise the alert that each certificate has come to (90, 30, 7 days, lapsed), once each; return how many are new.

    A certificate that comes late to its alerts, as after a pause of the worker, gets the nearest one alone.
    """
    with db.transaction() as session:
        raised = session.execute(
            _RAISE,
            {
                "today": business_date(now),
                "now": now,
                "days": list(ALERT_DAYS),
                "longest": max(ALERT_DAYS),
                "lapsed": LAPSED,
                "revoked": CertificateStatus.REVOKED.value,
            },
        )
        return raised.rowcount  # type: ignore[attr-defined, no-any-return]
