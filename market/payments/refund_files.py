"""The files by which a bank is told to pay refunds: each refund is in one file, and a file is the same for ever."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banks.payment_forms import Batch, plain_number, written
from market.banks.payment_orders import PayingAccount, PaymentOrder
from market.banks.rules import Form
from market.clock import business_date
from market.db import new_id
from market.errors import NotFoundError
from market.identity.rules import Actor
from market.payments import queries, refund_queries
from market.payments.models import REFUND_FILE_NUMBERS, Refund, RefundFile
from market.payments.rules import NotSentError, RefundInFileFailedError


def prepare(session: orm.Session, actor: Actor, *, account_id: UUID, form: Form, now: datetime) -> RefundFile:
    """Write the file of the refunds that are with the bank of an account and in no file yet.

    What fails is asked for anew, and that refund goes into a later file. Raises `NotFoundError`, `NotSentError` if
    there are none, or `PaymentFileError` for what no bank takes.
    """
    account = queries.account_paying_refunds(session, actor, account_id)
    refunds = refund_queries.locked_for_file(session, account.id)
    if not refunds:
        raise NotSentError
    number = f"RF{business_date(now):%Y%m%d}{session.scalar(REFUND_FILE_NUMBERS):06d}"
    file = RefundFile(
        id=new_id(),
        number=number,
        account_id=account.id,
        form=form,
        refund_count=len(refunds),
        amount_fen=sum(refund.amount_fen for refund in refunds),
        content=_content(number, account, refunds, form, now),
        made_by=actor.member_id,
        made_at=now,
    )
    session.add(file)
    session.flush()
    for refund in refunds:
        refund.file_id = file.id
    session.flush()
    return file


def find(session: orm.Session, actor: Actor, file_id: UUID) -> RefundFile:
    """Return a file of an account from which the actor's side pays refunds.

    Raises `NotFoundError`, or `RefundInFileFailedError`: what failed may be paid by another file already.
    """
    file = session.get(RefundFile, file_id)
    if file is None:
        raise NotFoundError(what="refund_file")
    queries.account_paying_refunds(session, actor, file.account_id)
    failed = refund_queries.failed_in_file(session, file.id)
    if failed:
        raise RefundInFileFailedError(number=failed)
    return file


def _content(number: str, account: BankAccount, refunds: Sequence[Refund], form: Form, now: datetime) -> bytes:
    debtor = PayingAccount(account.holder, plain_number(account.number), account.bank_name, account.bank_code)
    orders = [_payment(refund) for refund in refunds]
    return written(Batch(number, debtor, orders, business_date(now), now), form)


def _payment(refund: Refund) -> PaymentOrder:
    return PaymentOrder(
        reference=refund.number,
        payee_name=refund.payee_name,
        account_number=plain_number(refund.payee_account),
        amount_fen=refund.amount_fen,
        purpose=f"退款 {refund.number}",
        bank_name=refund.payee_bank,
    )
