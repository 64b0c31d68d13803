"""Money that suppliers have paid out already, whatever was delivered: as a bank's result tells it."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import orm

from market.attribution import checking, disbursing
from market.attribution.matching import lock_supplier
from market.attribution.models import Disbursement, Payment
from market.attribution.paying import Method
from market.attribution.rules import PaymentOrder, Settlement
from market.identity.rules import Actor


def paid_out(
    session: orm.Session,
    clerk: Actor,
    payments: Sequence[PaymentOrder],
    *,
    on: date,
    now: datetime,
    method: Method = Method.BANK_TRANSFER,
) -> tuple[Disbursement, list[Payment], list[Settlement]]:
    """Record payments to whom the clerk's supplier may pay, of whatever amount."""
    lock_supplier(session, clerk.organisation_id)
    orders = checking.with_invoices(method, payments, by=on)
    checking.check_payments(session, clerk.organisation_id, orders)
    checking.check_day(session, clerk.organisation_id, on)
    batch = disbursing.Batch(
        supplier_id=clerk.organisation_id,
        made_by=clerk.member_id,
        made_at=now,
        paid_on=on,
        method=method,
        evidence="银行回单",
        payments=orders,
    )
    return disbursing.record(session, batch)
