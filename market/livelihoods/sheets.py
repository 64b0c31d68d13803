"""Reading what counties keep in spreadsheets: CSV in UTF-8 or GB 18030, or an .xlsx workbook's first sheet, as text."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from market.errors import InvalidInputError
from market.tables import Cell, Table, UnreadableTableError, csv_table, workbook


class Row(NamedTuple):
    """A line of the file below its headings, its cells by heading."""

    line: int
    cells: Mapping[str, str]


def rows_of(file_name: str, content: bytes, *, columns: Sequence[str], most: int) -> list[Row]:
    """Return the rows under the headings named, in any order; empty lines are passed over.

    Raises `InvalidInputError` for what cannot be read, lacks a heading, holds no row or more than `most`.
    """
    lines = [[_text(cell) for cell in cells] for cells in _table(file_name, content)]
    headings = [cell.strip() for cell in lines[0]] if lines else []
    if missing := [column for column in columns if column not in headings]:
        names = "、".join(missing)
        raise InvalidInputError(f"the headings lack {names}", f"表头缺少:{names}", pointer="/content")
    places = {column: headings.index(column) for column in columns}
    rows = [
        Row(number, {column: cells[place].strip() if place < len(cells) else "" for column, place in places.items()})
        for number, cells in enumerate(lines[1:], 2)
        if any(cell.strip() for cell in cells)
    ]
    if not 0 < len(rows) <= most:
        raise InvalidInputError(f"1 to {most} rows at a time", f"每次须为 1 至 {most} 行", pointer="/content")
    return rows


def _table(file_name: str, content: bytes) -> Table:
    try:
        return workbook(content)[0] if file_name.lower().endswith(".xlsx") else csv_table(content)
    except UnreadableTableError as error:
        reason, reason_zh = "neither a workbook (.xlsx) nor CSV text", "不是有效的 xlsx 工作簿或 CSV 文件"
        if error.too_large:
            reason, reason_zh = "the workbook is too large", "工作簿过大"
        raise InvalidInputError(reason, reason_zh, pointer="/content") from None


def _text(cell: Cell) -> str:
    """Return a cell as it is written: a whole number without a point, a date as YYYY-MM-DD."""
    if isinstance(cell, datetime):
        return str(cell.date())
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
