"""Tables as files hold them: CSV in UTF-8 or GB 18030, or a workbook. What their cells mean is each room's to say.

A workbook is read by a process of its own, `market.workbooks`: who sends one may have made it to end whatever reads it.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from io import StringIO
from typing import Any

Cell = str | bool | int | float | date | datetime | time | timedelta
"""As it is kept; an empty text where nothing is, of which none end a row of a workbook."""

Table = Sequence[Sequence[Cell]]
"""Rows as a spreadsheet numbers them, the first at 0."""

_ENCODINGS = ("utf-8-sig", "gb18030")
_MOST_SECONDS = 30
"""By the clock, and three times what the reader may take of a processor: a database waits longer for its next word."""


class UnreadableTableError(Exception):
    """The file is no table, or one so large that nobody reads it; each room refuses it in its own words."""

    def __init__(self, *, too_large: bool) -> None:
        """Say which of the two."""
        self.too_large = too_large
        super().__init__()


def is_workbook(content: bytes) -> bool:
    """Tell whether this is a workbook by its first bytes: .xlsx (a zip file), or the .xls of old."""
    return content.startswith((b"PK", b"\xd0\xcf\x11\xe0"))


def workbook(content: bytes) -> list[Table]:
    """Return the sheets of a workbook, one at least; raises `UnreadableTableError`, also if its reader was killed."""
    if not is_workbook(content):
        raise UnreadableTableError(too_large=False)
    command = [sys.executable, "-m", "market.workbooks"]
    # It finds what this process finds, and is told none of its secrets.
    told = {name: value for name, value in os.environ.items() if not name.startswith("MARKET_")}
    told["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        # What it complains of may be a person's name.
        ended = subprocess.run(  # noqa: S603 - our own
            command,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=told,
            timeout=_MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableTableError(too_large=True) from None
    if ended.returncode < 0:
        raise UnreadableTableError(too_large=True)
    ended.check_returncode()
    sheets = json.loads(ended.stdout, object_hook=_untagged)
    if not sheets or isinstance(sheets, str):
        raise UnreadableTableError(too_large=sheets == "too_large")
    return list(sheets)


_TAGS: Mapping[str, Callable[[Any], Cell]] = {
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
}


def _untagged(tagged: Mapping[str, Any]) -> Cell:
    ((kind, said),) = tagged.items()
    return _TAGS[kind](said)


def csv_table(content: bytes) -> Table:
    """Return what CSV says, with commas; raises `UnreadableTableError`."""
    table = next(readings(content, delimiters=","), None)
    if table is None:
        raise UnreadableTableError(too_large=False)
    return table


def readings(content: bytes, *, delimiters: str) -> Iterator[Table]:
    """Tell each table that bytes may be as text: in either encoding, with each of the delimiters."""
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        for delimiter in delimiters:
            try:
                yield list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
            except csv.Error:
                continue
