"""Tables that banks write, and what a cell of one says, exactly."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime

from market.banks.rules import StatementFileError, day_of
from market.tables import Cell, Table, UnreadableTableError, is_workbook, readings, workbook

_DELIMITERS = ",;\t"
_KEPT_AS_TEXT = re.compile(r'="(.*)"')
_EXACT_DIGITS = 15
"""A cell that is a number is a binary one, which keeps this many digits of a decimal, as spreadsheets show it."""


def tables_in(content: bytes) -> Iterable[Table]:
    """Return the sheets of a workbook, or each table that a text may be; raises `StatementFileError`."""
    if not is_workbook(content):
        return readings(content, delimiters=_DELIMITERS)
    try:
        return workbook(content)
    except UnreadableTableError as error:
        reason, reason_zh = "the workbook cannot be read", "工作簿无法读取"
        if error.too_large:
            reason, reason_zh = "the workbook is too large", "工作簿过大"
        raise StatementFileError(reason=reason, reason_zh=reason_zh) from error


def text_of(cell: Cell) -> str | None:
    """Return a cell as text, without the signs by which a spreadsheet is told to keep it as text.

    None for a number of so many digits that the file has lost some.
    """
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, float):
        shown = format(cell, f".{_EXACT_DIGITS}g")
        return shown if abs(cell) < 10**_EXACT_DIGITS else None
    text = str(cell).strip()
    kept = _KEPT_AS_TEXT.fullmatch(text)
    return (kept[1] if kept else text.removeprefix("'").removeprefix("`")).strip()


def heading_of(cell: Cell) -> str:
    """Return a heading for comparing: half width, small letters, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text_of(cell) or "").split()).lower()


def day_in(cell: Cell) -> date | None:
    """Return the day that a cell says, or None."""
    return day_of(text_of(cell) or "")
