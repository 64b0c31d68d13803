"""The file by which a bank is told to pay refunds: all that are with it from one account."""

from datetime import datetime

from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banks.payment_forms import Batch, plain_number, written
from market.banks.payment_orders import PayingAccount, PaymentOrder
from market.banks.rules import Form
from market.clock import business_date
from market.payments import refund_queries
from market.payments.models import Refund
from market.payments.rules import NotSentError


def payment_file(session: orm.Session, account: BankAccount, form: Form, *, now: datetime) -> bytes:
    """Return the file of the refunds that an account is to pay; each has its number as reference, and is paid once.

    Raises `NotSentError` if there are none, or `PaymentFileError` for what no bank takes.
    """
    refunds = refund_queries.sent_from(session, account.id)
    if not refunds:
        raise NotSentError
    debtor = PayingAccount(account.holder, plain_number(account.number), account.bank_name, account.bank_code)
    orders = [_payment(refund) for refund in refunds]
    return written(Batch(refunds[0].number, debtor, orders, business_date(now), now), form)


def _payment(refund: Refund) -> PaymentOrder:
    return PaymentOrder(
        reference=refund.number,
        payee_name=refund.payee_name,
        account_number=plain_number(refund.payee_account),
        amount_fen=refund.amount_fen,
        purpose=f"退款 {refund.number}",
        bank_name=refund.payee_bank,
    )
