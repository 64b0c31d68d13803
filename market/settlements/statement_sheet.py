"""The statement of a settlement as a workbook: its orders in yuan and in fen, its particulars and what is counted.

Cells are binary floating point, which holds these amounts in fen exactly; whoever computes further takes the sheet in
fen. Texts are written as strings: none can become a formula.
"""

from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from market.settlements.statement import Statement
from market.settlements.statement_words import COLUMNS, figures, particulars

YUAN_SHEET, FEN_SHEET, NOTES_SHEET = "结算明细(元)", "结算明细(分)", "说明"


def statement_sheet(found: Statement) -> bytes:
    """Return the statement as the bytes of an .xlsx file."""
    buffer = BytesIO()
    with Workbook(buffer) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        yuan, count = (book.add_format({"num_format": form}) for form in ("#,##0.00", "#,##0"))
        _orders(book.add_worksheet(YUAN_SHEET), found, bold, yuan, units=100)
        _orders(book.add_worksheet(FEN_SHEET), found, bold, count, units=1)
        _notes(book.add_worksheet(NOTES_SHEET), found, bold)
    return buffer.getvalue()


def _orders(sheet: Worksheet, found: Statement, bold: Format, form: Format, *, units: int) -> None:
    sheet.freeze_panes(1, 2)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 28)
    sheet.set_column(2, 1 + len(COLUMNS), 13)
    for place, title in enumerate(("订单号", "采购方", *(column.title for column in COLUMNS))):
        sheet.write_string(0, place, title, bold)
    for row, (number, buyer, amounts) in enumerate(figures(found), 1):
        sheet.write_string(row, 0, number)
        sheet.write_string(row, 1, buyer)
        for place, fen in enumerate(amounts, 2):
            sheet.write_number(row, place, fen / units if units > 1 else fen, form)


def _notes(sheet: Worksheet, found: Statement, bold: Format) -> None:
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 70)
    said = [*particulars(found), *((column.title, column.counts) for column in COLUMNS)]
    for row, (name, text) in enumerate(said):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, text)
