"""The reader of workbooks, a process of its own that `market.tables` runs: a file in, its sheets as JSON out.

The parser lays a sheet out whole before it says how large it is, and ends its process where memory ends: two cells far
apart are a file of a kilobyte, and half a terabyte of cells. So it works where nothing else does, within limits.
"""

import json
import os
import resource
import sys
from collections.abc import Sequence
from datetime import date, time, timedelta
from io import BytesIO

from python_calamine import CalamineWorkbook

_MOST_CELLS = 1_000_000
"""Of all sheets, each up to its last that holds anything; the longest statement has 20,000 lines of some 20 cells."""

_MOST_LETTERS = 10_000_000
_MOST_MEMORY_BYTES = 1 << 29
"""Of addresses; a million cells with so many letters take 320 MB."""

_MOST_SECONDS = 10
"""Of a processor; a million cells take one."""


def main() -> None:
    """Read stdin and answer with the sheets, or in one word why there are none; whom a limit kills answers nothing."""
    _limit(resource.RLIMIT_AS, _MOST_MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, _MOST_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)  # it would lay on the disk what a file says of persons
    os.environ["RUST_BACKTRACE"] = "0"  # where memory had ended, one was seen to wait for itself for ever
    try:
        answer = _read(sys.stdin.buffer.read())
    except (_TooLargeError, MemoryError):
        answer = b'"too_large"'
    except BaseException:  # noqa: BLE001 - a panic of the parser is no `Exception`, and a trace may repeat a cell
        answer = b'"unreadable"'
    sys.stdout.buffer.write(answer)


class _TooLargeError(Exception):
    """It says more than anybody writes into a workbook."""


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _read(content: bytes) -> bytes:
    """Return the sheets in their order; raises what the parser does, and `ValueError` for a number that is none."""
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    sheets = []
    cells_left = _MOST_CELLS
    for place in range(len(book.sheet_names)):
        sheet = book.get_sheet_by_index(place)
        last_row, last_column = sheet.end or (-1, -1)
        cells_left -= (last_row + 1) * (last_column + 1)
        if cells_left < 0:
            raise _TooLargeError
        sheets.append(_trimmed(sheet.to_python(skip_empty_area=False)))
    letters = sum(len(cell) for rows in sheets for row in rows for cell in row if isinstance(cell, str))
    if letters > _MOST_LETTERS:
        raise _TooLargeError
    return json.dumps(sheets, default=_tagged, ensure_ascii=False, allow_nan=False).encode()


def _trimmed(table: Sequence[Sequence[object]]) -> Sequence[Sequence[object]]:
    """Return the rows up to the last that says anything, each up to its last cell that does."""
    rows = [row[: _end(row)] for row in table]
    return rows[: _end(rows)]


def _end(several: Sequence[object]) -> int:
    return next((end for end in range(len(several), 0, -1) if several[end - 1] not in ("", [])), 0)


def _tagged(cell: object) -> dict[str, str | list[int]]:
    """Return what JSON has no word for under the name of its type."""
    if isinstance(cell, timedelta):
        return {"timedelta": [cell.days, cell.seconds, cell.microseconds]}
    if isinstance(cell, date | time):
        return {type(cell).__name__: cell.isoformat()}
    raise TypeError(type(cell))


if __name__ == "__main__":
    main()
