"""A report as a workbook: a sheet in yuan, the same in fen, and a sheet that says what each column counts.

Cells of a workbook are binary floating point, which holds these amounts in fen exactly and shows them in yuan to the
fen; whoever computes further takes the sheet in fen. Names are written as strings: none can become a formula.
"""

from collections.abc import Callable
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from market.reports.queries import Filters, Report
from market.reports.rules import COLUMNS, DIMENSION_TITLES, Column, Dimension, Kind

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
YUAN_SHEET, FEN_SHEET, NOTES_SHEET = "报表(元)", "报表(分)", "说明"
TOTAL = "合计"

Write = Callable[[Worksheet, int, int, int], None]


def workbook(dimension: Dimension, filters: Filters, report: Report) -> bytes:
    """Return the report as the bytes of an .xlsx file."""
    buffer = BytesIO()
    # Row by row, so that memory does not grow with the report.
    book = Workbook(buffer, {"constant_memory": True})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    yuan = book.add_format({"num_format": "#,##0.00"})
    count = book.add_format({"num_format": "#,##0"})
    _sheet(book.add_worksheet(YUAN_SHEET), dimension, report, bold, {Kind.FEN: (yuan, 100), Kind.COUNT: (count, 1)})
    _sheet(book.add_worksheet(FEN_SHEET), dimension, report, bold, {Kind.FEN: (count, 1), Kind.COUNT: (count, 1)})
    _notes(book.add_worksheet(NOTES_SHEET), dimension, filters, bold)
    book.close()
    return buffer.getvalue()


def _sheet(
    sheet: Worksheet, dimension: Dimension, report: Report, bold: Format, formats: dict[Kind, tuple[Format, int]]
) -> None:
    sheet.freeze_panes(1, 2)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 28)
    sheet.set_column(2, 1 + len(COLUMNS), 16)
    unit = "元" if formats[Kind.FEN][1] == 100 else "分"
    titles = ["代码", DIMENSION_TITLES[dimension], *(_title(column, unit) for column in COLUMNS.values())]
    for place, title in enumerate(titles):
        sheet.write_string(0, place, title, bold)
    lines = [(row.key or "", row.name, row.figures) for row in report.rows]
    for number, (key, name, figures) in enumerate([*lines, ("", TOTAL, report.totals)], 1):
        sheet.write_string(number, 0, key)
        sheet.write_string(number, 1, name)
        for place, (column, described) in enumerate(COLUMNS.items(), 2):
            figure = figures[column]
            form, units = formats[described.kind]
            if figure is not None:
                sheet.write_number(number, place, figure / units if units > 1 else figure, form)


def _title(column: Column, unit: str) -> str:
    return f"{column.title}({unit})" if column.kind is Kind.FEN else column.title


def _notes(sheet: Worksheet, dimension: Dimension, filters: Filters, bold: Format) -> None:
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 2, 60)
    facts = [
        ("维度", DIMENSION_TITLES[dimension]),
        ("起始日期", str(filters.period_from)),
        ("截止日期", str(filters.period_to)),
        ("县区", filters.county or "全部可见"),
        ("渠道", filters.channel or "全部"),
        ("供应商", str(filters.supplier_id or "全部可见")),
    ]
    for number, (name, value) in enumerate(facts):
        sheet.write_string(number, 0, name, bold)
        sheet.write_string(number, 1, value)
    start = len(facts) + 1
    for place, title in enumerate(("列", "统计口径", "What it counts")):
        sheet.write_string(start, place, title, bold)
    for number, column in enumerate(COLUMNS.values(), start + 1):
        sheet.write_string(number, 0, column.title)
        sheet.write_string(number, 1, column.counts_zh)
        sheet.write_string(number, 2, column.counts)
