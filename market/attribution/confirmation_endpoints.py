"""Confirmations over HTTP: by the village clerk for households, and by a household's own code.

What a code proves: that somebody typed what stood on the paper printed for this payment, once, after it was paid. The
supplier cannot print or see it. What it does not prove: that it was the household who typed it. The village clerk who
printed the paper has seen the code; so each printing is on record (`GET /v1/proxy-acts`), and the confirmation says to
county and audit who had printed it and when.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import orm

from market.api import declared, router_of
from market.attribution import confirming
from market.attribution.code_limits import CodeTrials
from market.attribution.paying import (
    AlreadyConfirmedError,
    ConfirmationCodeError,
    EvidenceUsedError,
    PaymentReversedError,
    TooManyTrialsError,
)
from market.attribution.schemas import CodeOut, Confirm, ConfirmByCode, Confirmed
from market.clock import business_date, utc_now
from market.db import Database
from market.errors import FourEyesError, NotFoundError
from market.households.rules import NumberInTextError
from market.identity.access import Caller, public, requires
from market.identity.rules import Actor, Permission

router = router_of("disbursements")


@router.post(
    "/payments/confirmations",
    status_code=201,
    response_model=Confirmed,
    responses=declared(
        AlreadyConfirmedError, EvidenceUsedError, FourEyesError, NotFoundError, NumberInTextError, PaymentReversedError
    ),
)
def confirm_payments(
    request: Confirm, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_CONFIRM)]
) -> Response:
    """Confirm for households of one's village that they have received these payments; it is on record as done for them.

    代办员代农户确认到账,记入代办记录;付款、登记、会签人员不得确认。
    """
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> Confirmed:
        payments = confirming.confirm(
            session,
            actor,
            payment_ids=request.payment_ids,
            on=business_date(now),
            now=now,
            note=request.note,
            evidence_ids=request.evidence_ids,
        )
        return Confirmed(payments=len(payments), amount_fen=sum(payment.amount_fen for payment in payments))

    return caller.once(request, work)


@router.post(
    "/payments/{payment_id}/confirmation-code",
    status_code=201,
    response_model=CodeOut,
    responses=declared(NotFoundError, AlreadyConfirmedError, FourEyesError, PaymentReversedError),
)
def issue_confirmation_code(
    payment_id: UUID, caller: Annotated[Caller, requires(Permission.DISBURSEMENT_CONFIRM)]
) -> Response:
    """Make the code that is printed for a household, by which it confirms this payment; an earlier one is void.

    The supplier can neither print nor see it, nor can who signed for the money. The clerk who prints it has seen it:
    the printing is on record (`GET /v1/proxy-acts`), and the confirmation tells county and audit who printed it, when.
    供应商及会签人不得打印或查看确认码;代办员打印即留痕,确认记录向县级与审计显示打印人和打印时间。
    """
    now = utc_now()

    def work(session: orm.Session, actor: Actor) -> CodeOut:
        code = confirming.issue_code(session, actor, payment_id=payment_id, now=now)
        return CodeOut(payment_id=payment_id, code=code)

    return caller.once(None, work, shown_once={"code"})


@router.post(
    "/household-confirmations",
    status_code=201,
    responses=declared(ConfirmationCodeError, TooManyTrialsError),
    dependencies=[public()],
)
def confirm_by_code(request: Request, body: ConfirmByCode) -> Confirmed:
    """Confirm a payment as the household that has it, by the code on its paper. Takes no Idempotency-Key.

    It proves that somebody typed, once, what was printed for this payment. It does not prove who: whoever printed the
    paper, or held it, could. 确认码只证明有人输入了为该笔兑付打印的代码,不证明输入者就是农户本人。
    """
    trials: CodeTrials = request.app.state.code_trials
    trials.admit(address=request.client.host if request.client else "")
    db: Database = request.app.state.db
    with db.transaction() as session:
        amount_fen = confirming.confirm_by_code(session, payment_id=body.payment_id, code=body.code, now=utc_now())
    if amount_fen is None:  # the attempt is counted: it was committed
        raise ConfirmationCodeError(most=confirming.MOST_ATTEMPTS)
    return Confirmed(payments=1, amount_fen=amount_fen)
