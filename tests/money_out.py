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
    """Record payments that the clerk's supplier made."""
    lock_supplier(session, clerk.organisation_id)
    batch = disbursing.Batch(
        supplier_id=clerk.organisation_id,
        made_by=clerk.member_id,
        made_at=now,
        paid_on=on,
        method=method,
        evidence="银行回单",
        payments=checking.with_invoices(method, payments),
        pointers=checking.pointers_of(payments),
    )
    return disbursing.record(session, batch)
