"""Reading what counties keep in spreadsheets: CSV in UTF-8 or GB 18030, or an .xlsx workbook's first sheet, as text."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO, StringIO
from typing import NamedTuple
from zipfile import BadZipFile

import python_calamine

from market.errors import InvalidInputError


class Row(NamedTuple):
    """A line of the file below its headings, its cells by heading."""

    line: int
    cells: Mapping[str, str]


def rows_of(file_name: str, content: bytes, *, columns: Sequence[str], most: int) -> list[Row]:
    """Return the rows under the headings named, in any order; empty lines are passed over.

    Raises `InvalidInputError` for what cannot be read, lacks a heading, holds no row or more than `most`.
    """
    lines = list(_workbook(content) if file_name.lower().endswith(".xlsx") else _csv(content))
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


def _csv(content: bytes) -> Iterator[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            yield from csv.reader(StringIO(text, newline=""), strict=True)
        except csv.Error:
            break
        return
    raise _unreadable()


def _workbook(content: bytes) -> Iterator[list[str]]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(content))
        sheet = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, BadZipFile, OSError, IndexError):
        raise _unreadable() from None
    for cells in sheet:
        yield [_text(cell) for cell in cells]


def _text(cell: object) -> str:
    """Return a cell as it is written: a whole number without a point, a date as YYYY-MM-DD."""
    if isinstance(cell, datetime):
        return str(cell.date())
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _unreadable() -> InvalidInputError:
    return InvalidInputError(
        "neither a workbook (.xlsx) nor CSV text", "不是有效的 xlsx 工作簿或 CSV 文件", pointer="/content"
    )
