"""A payment that was none is reversed, by HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from sqlalchemy import orm

from market.api import declared, router_of
from market.attribution.paying import AlreadyConfirmedError, PaymentGivenOnError, PaymentReversedError
from market.attribution.payment_reversal import reverse_payment
from market.attribution.reversal_schemas import PaymentReversed, ReversePayment
from market.clock import business_date, utc_now
from market.errors import NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Actor, Permission

router = router_of("disbursements")


@router.post(
    "/payments/{payment_id}/reversal",
    status_code=201,
    response_model=PaymentReversed,
    responses=declared(NotFoundError, PaymentReversedError, AlreadyConfirmedError, PaymentGivenOnError),
)
def reverse(
    payment_id: UUID, request: ReversePayment, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_WRITE)]
) -> Response:
    """Take back a payment that its payee never had: typed wrongly, or returned by the bank. It stays on record.

    What it settled is owed again, with the age it had. Another member of the supplier than who recorded it does this;
    a payment whose receipt was confirmed is never reversed.
    """
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> PaymentReversed:
        payment, reversal = reverse_payment(
            session, actor, payment_id=payment_id, reason=request.reason, on=business_date(now), now=now
        )
        return PaymentReversed(
            payment_id=payment.id,
            amount_fen=payment.amount_fen,
            reason=reversal.reason,
            reversed_on=reversal.reversed_on,
            made_by=reversal.made_by,
            made_at=reversal.made_at,
        )

    return caller.once(request, work)
