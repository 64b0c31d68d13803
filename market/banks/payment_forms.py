"""The files by which a bank is told to pay, in whichever form it takes them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from market.banks import pain, payment_files
from market.banks.payment_orders import PayingAccount, PaymentOrder
from market.banks.rules import Form

MEDIA_TYPES = {
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.CSV: "text/csv; charset=gb18030",
    Form.XML: "application/xml",
}


class Batch(NamedTuple):
    """Payments from one account on a day; `reference` names the message to the bank."""

    reference: str
    debtor: PayingAccount
    orders: Sequence[PaymentOrder]
    pay_on: date
    made_at: datetime


def written(batch: Batch, form: Form) -> bytes:
    """Return the file, the same bytes for the same batch; raises `PaymentFileError` for what no bank takes."""
    reference, debtor, orders, pay_on, made_at = batch
    match form:
        case Form.XLSX:
            return payment_files.xlsx(debtor, orders, pay_on=pay_on)
        case Form.CSV:
            return payment_files.csv_gb18030(debtor, orders, pay_on=pay_on)
        case Form.XML:
            return pain.xml(reference, debtor, orders, pay_on=pay_on, made_at=made_at)


def plain_number(number: str) -> str:
    """Return an account's number without what only makes it legible."""
    return "".join(letter for letter in number if letter.isalnum()).upper()
