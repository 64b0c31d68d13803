"""The file by which a bank is told to pay a settlement."""

from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banks.payment_forms import Batch, plain_number, written
from market.banks.payment_orders import PayingAccount, PaymentOrder
from market.banks.rules import Form
from market.settlements.models import Settlement
from market.settlements.rules import NotInstructedError, SettlementStatus


def payment_file(session: orm.Session, settlement: Settlement, form: Form) -> bytes:
    """Return the file for the bank, the same bytes however often it is asked for: its reference is paid once.

    Raises `NotInstructedError` before the settlement is instructed, or `PaymentFileError` for what no bank takes.
    """
    if settlement.status is not SettlementStatus.INSTRUCTED or settlement.instructed_on is None:
        raise NotInstructedError(number=settlement.number)
    payer, payee = (
        session.get_one(BankAccount, account_id)
        for account_id in (settlement.paying_account_id, settlement.payee_account_id)
    )
    debtor = PayingAccount(payer.holder, plain_number(payer.number), payer.bank_name, payer.bank_code)
    order = PaymentOrder(
        reference=settlement.number,
        payee_name=payee.holder,
        account_number=plain_number(payee.number),
        amount_fen=settlement.amount_fen,
        purpose=f"结算 {settlement.number}",
        bank_name=payee.bank_name,
        bank_code=payee.bank_code,
    )
    return written(Batch(settlement.number, debtor, [order], settlement.instructed_on, settlement.made_at), form)
