"""A table is read as it is kept; a workbook that is made to end its reader ends a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from market import tables
from market.tables import UnreadableTableError, csv_table, readings, workbook
from tests.spreadsheets import FAR, TOO_LARGE, book, hostile, number, old_book, reaching, sheet, text

PLAIN = book(sheet(text("plain")))
INSTANT = datetime(2026, 3, 2, 9, 30, 15, 123_000)  # noqa: DTZ001 - a workbook knows no zone
KINDS = [
    ["户编号", "是", 12, 0.1, 1e-300, 99_999_999_999.99, True, False],
    [date(2026, 3, 2), INSTANT, time(9, 30), timedelta(days=2, hours=5)],
]
FORMATS = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm:ss", time: "hh:mm", timedelta: "[h]:mm"}


def kinds(*, above: int = 0, left: int = 0) -> bytes:
    """Return a workbook with a cell of each kind, a sheet that is a chart, and one with rows and columns of nothing."""
    buffer = BytesIO()
    with Workbook(buffer) as written:
        first, page, last = written.add_worksheet("一"), written.add_chartsheet("二"), written.add_worksheet("三")
        chart = written.add_chart({"type": "line"})
        chart.add_series({"values": "=一!$C$1:$D$1"})
        page.set_chart(chart)
        forms = {kind: written.add_format({"num_format": form}) for kind, form in FORMATS.items()}
        for row, cells in enumerate(KINDS, above):
            for place, cell in enumerate(cells, left):
                first.write(row, place, cell, forms.get(type(cell)))
        first.write(0, 9, "")
        last.write_formula(50, 50, '=""', None, "")
    return buffer.getvalue()


def refusal(read: Callable[[bytes], object], content: bytes) -> str:
    with pytest.raises(UnreadableTableError) as refused:
        read(content)
    return "too large" if refused.value.too_large else "unreadable"


def test_cells_are_of_the_kinds_and_in_the_places_in_which_they_are_kept() -> None:
    first, chart, last = workbook(kinds(above=2, left=1))
    assert first == [[], [], *(["", *cells] for cells in KINDS)]
    assert [[type(cell) for cell in row[1:]] for row in first[3:]] == [[type(cell) for cell in KINDS[1]]]
    assert (chart, last) == ([], []), "rows and cells that say nothing end no table"
    parsed = CalamineWorkbook.from_filelike(BytesIO(kinds())).get_sheet_by_index(0).to_python()
    assert workbook(kinds())[0] == [row[: len(cells)] for row, cells in zip(parsed, KINDS, strict=True)]


def test_a_workbook_of_the_old_form_is_read() -> None:
    rows: list[list[str | int | float]] = [["日期", "支出"], [], ["", 7, 1.25, -3]]
    assert workbook(old_book(rows)) == [rows]


@pytest.mark.parametrize("of", hostile())
def test_what_is_no_table_or_too_much_of_one_is_told_apart(of: str) -> None:
    content = hostile()[of]
    if of in {"a zip file of a later version", "no cells"}:
        assert workbook(content) in ([[["plain"]]], [[]])
    else:
        assert refusal(workbook, content) == ("too large" if of in TOO_LARGE else "unreadable")


@pytest.mark.parametrize(
    ("content", "ended", "said"),
    [
        (PLAIN, 0, b'[[["plain"]]]'),
        (reaching("ALM1000"), 0, b'"too_large"'),
        (reaching("ALL40000"), -signal.SIGABRT, b""),
        (FAR, -signal.SIGABRT, b""),
    ],
    ids=["a cell", "a million cells and more", "what its memory does not hold", "what no memory holds"],
)
def test_the_reader_is_killed_where_its_memory_ends(content: bytes, ended: int, said: bytes) -> None:
    """The negative control: in the process of who asks, this would be its own end."""
    command = [sys.executable, "-m", "market.workbooks"]
    reader = subprocess.run(command, input=content, capture_output=True, check=False)
    assert (reader.returncode, reader.stdout) == (ended, said)


def test_a_million_cells_are_read_and_no_more_however_many_sheets_they_are_on() -> None:
    (table,) = workbook(reaching("ALL1000"))
    assert (len(table), len(table[-1])) == (1_000, 1_000)
    assert refusal(workbook, reaching("ALM1000")) == "too large"
    half = sheet(number("A1", "1"), number("ALL501", "1"))
    assert refusal(workbook, book(half, half)) == "too large"


def test_a_workbook_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_SECONDS", 0.001)
    assert refusal(workbook, PLAIN) == "too large"


def acting(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Have a script be what reads workbooks."""
    reader = folder / "reader"
    reader.write_text(f"#!/bin/sh\n{script}\n")
    reader.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(reader))


def test_a_reader_that_does_not_begin_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    acting(monkeypatch, tmp_path, "exit 1")
    with pytest.raises(subprocess.CalledProcessError):
        workbook(PLAIN)


def test_the_reader_is_told_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MARKET_VAULT_KEYS", "secret")
    monkeypatch.setenv("LANG", "C")
    acting(monkeypatch, tmp_path, """printf '[[["%s", "%s"]]]' "$MARKET_VAULT_KEYS" "$LANG\"""")
    assert workbook(PLAIN) == [[["", "C"]]]


def test_the_reader_is_found_wherever_the_market_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    assert workbook(PLAIN) == [[["plain"]]]


def test_csv_is_read_in_either_encoding_and_strictly() -> None:
    said = '户编号,"王\n村"\n\n1,\n'
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        assert csv_table(said.encode(encoding)) == [["户编号", "王\n村"], [], ["1", ""]]
    for content in (b"\xff\xff\xff", b'a,"b', b'a,"b"c'):
        assert refusal(csv_table, content) == "unreadable"
    assert list(readings(b"a;b", delimiters=",;")) == [[["a;b"]], [["a", "b"]], [["a;b"]], [["a", "b"]]]
