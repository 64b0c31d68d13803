"""Payments as the banks' spreadsheets for batches (批量付款): a workbook, or CSV in GB 18030.

The columns are those that the banks' forms have in common, in their words; a bank's own form may want them in another
order. Every cell is text: an account keeps its digits, an amount its fen, and nothing is run as a formula.
"""

import csv
from collections.abc import Sequence
from datetime import date, datetime, time
from io import BytesIO, StringIO

from xlsxwriter import Workbook

from market.banks.payment_orders import PayingAccount, PaymentOrder, check, decimal, total_fen

COLUMNS = (
    *("序号", "付款账号", "收款人户名", "收款账号", "收款行名称", "收款行行号"),
    *("金额(元)", "用途", "付款凭证号", "付款日期"),
)
_WIDTHS = (6, 26, 24, 26, 30, 16, 14, 24, 24, 12)


def xlsx(debtor: PayingAccount, orders: Sequence[PaymentOrder], *, pay_on: date) -> bytes:
    """Return the payments of a day as a workbook, and on a second sheet what they come to.

    The same payments give the same bytes. Raises `PaymentFileError`.
    """
    check(debtor, orders)
    buffer = BytesIO()
    with Workbook(buffer) as book:
        book.set_properties({"created": datetime.combine(pay_on, time())})
        text, bold = book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "bold": True})
        sheet, summary = book.add_worksheet("批量付款"), book.add_worksheet("汇总")
        sheet.freeze_panes(1, 0)
        for place, (title, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
            sheet.set_column(place, place, width, text)
            sheet.write_string(0, place, title, bold)
        for number, row in enumerate(_rows(debtor, orders, pay_on), 1):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell, text)
        for number, (title, said) in enumerate(_summary(debtor, orders, pay_on)):
            summary.write_string(number, 0, title, bold)
            summary.write_string(number, 1, said, text)
        summary.set_column(0, 1, 26, text)
    return buffer.getvalue()


def csv_gb18030(debtor: PayingAccount, orders: Sequence[PaymentOrder], *, pay_on: date) -> bytes:
    """Return the payments of a day as CSV in GB 18030; raises `PaymentFileError`."""
    check(debtor, orders)
    out = StringIO(newline="")
    csv.writer(out).writerows([COLUMNS, *_rows(debtor, orders, pay_on)])
    return out.getvalue().encode("gb18030")


def _rows(debtor: PayingAccount, orders: Sequence[PaymentOrder], pay_on: date) -> list[tuple[str, ...]]:
    return [
        (
            *(str(number), debtor.account_number, order.payee_name, order.account_number),
            *(order.bank_name, order.bank_code, decimal(order.amount_fen), order.purpose),
            *(order.reference, pay_on.isoformat()),
        )
        for number, order in enumerate(orders, 1)
    ]


def _summary(debtor: PayingAccount, orders: Sequence[PaymentOrder], pay_on: date) -> list[tuple[str, str]]:
    return [
        ("付款人", debtor.name),
        ("付款账号", debtor.account_number),
        ("付款日期", pay_on.isoformat()),
        ("笔数", str(len(orders))),
        ("金额合计(元)", decimal(total_fen(orders))),
    ]
