"""Tables as files hold them: CSV in UTF-8 or GB 18030, or a workbook; and what a cell says, exactly."""

import csv
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from io import BytesIO, StringIO

import python_calamine

from market.banks.rules import StatementFileError, day_of

Cell = object
Table = Sequence[Sequence[Cell]]

_MOST_UNPACKED_BYTES = 50_000_000
_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = ",;\t"
_KEPT_AS_TEXT = re.compile(r'="(.*)"')
_EXACT_DIGITS = 15
"""A cell that is a number is a binary one, which keeps this many digits of a decimal, as spreadsheets show it."""


def is_workbook(content: bytes) -> bool:
    """Tell whether this is a workbook by its first bytes: .xlsx (a zip file), or the .xls of old."""
    return content.startswith((b"PK", b"\xd0\xcf\x11\xe0"))


def workbook(content: bytes) -> list[Table]:
    """Return the sheets of a workbook; raises `StatementFileError` for none, or one that unpacks to too much."""
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(BytesIO(content)) as packed:
                if sum(part.file_size for part in packed.infolist()) > _MOST_UNPACKED_BYTES:
                    raise StatementFileError(reason="the workbook is too large", reason_zh="工作簿过大")
        book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(content))
        return [
            book.get_sheet_by_index(place).to_python(skip_empty_area=False) for place in range(len(book.sheet_names))
        ]
    except (zipfile.BadZipFile, python_calamine.CalamineError) as error:
        raise StatementFileError(reason="the workbook cannot be read", reason_zh="工作簿无法读取") from error


def readings(content: bytes) -> Iterator[Table]:
    """Tell each table that bytes may be as text: in either encoding, with either delimiter."""
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        for delimiter in _DELIMITERS:
            try:
                yield list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
            except csv.Error:
                continue


def text_of(cell: Cell) -> str | None:
    """Return a cell as text, without the signs by which a spreadsheet is told to keep it as text.

    None for a number of so many digits that the file has lost some.
    """
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, float):
        shown = format(cell, f".{_EXACT_DIGITS}g")
        return shown if abs(cell) < 10**_EXACT_DIGITS else None
    text = str(cell if cell is not None else "").strip()
    kept = _KEPT_AS_TEXT.fullmatch(text)
    return (kept[1] if kept else text.removeprefix("'").removeprefix("`")).strip()


def heading_of(cell: Cell) -> str:
    """Return a heading for comparing: half width, small letters, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text_of(cell) or "").split()).lower()


def day_in(cell: Cell) -> date | None:
    """Return the day that a cell says, or None."""
    return day_of(text_of(cell) or "")
