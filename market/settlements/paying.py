"""The file by which a bank is told to pay a settlement."""

from datetime import date

from sqlalchemy import orm

from market.banking.models import BankAccount
from market.banks import pain, payment_files
from market.banks.payment_orders import PayingAccount, PaymentOrder
from market.settlements.models import Settlement
from market.settlements.rules import Form, NotInstructedError, SettlementStatus

MEDIA_TYPES = {
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.CSV: "text/csv; charset=gb18030",
    Form.XML: "application/xml",
}


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
    debtor = PayingAccount(payer.holder, _plain(payer.number), payer.bank_name, payer.bank_code)
    order = PaymentOrder(
        reference=settlement.number,
        payee_name=payee.holder,
        account_number=_plain(payee.number),
        amount_fen=settlement.amount_fen,
        purpose=f"结算 {settlement.number}",
        bank_name=payee.bank_name,
        bank_code=payee.bank_code,
    )
    return _written(settlement, form, debtor, order, settlement.instructed_on)


def _written(settlement: Settlement, form: Form, debtor: PayingAccount, order: PaymentOrder, on: date) -> bytes:
    match form:
        case Form.XLSX:
            return payment_files.xlsx(debtor, [order], pay_on=on)
        case Form.CSV:
            return payment_files.csv_gb18030(debtor, [order], pay_on=on)
        case Form.XML:
            return pain.xml(settlement.number, debtor, [order], pay_on=on, made_at=settlement.made_at)


def _plain(number: str) -> str:
    """Return an account's number without what only makes it legible."""
    return "".join(letter for letter in number if letter.isalnum()).upper()
