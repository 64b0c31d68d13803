"""The table of failures names tests that exist, for every row, and every test of a row is in the table."""

import re
from pathlib import Path

import pytest

import tests.failures

ROOT = Path(__file__).parents[2]
ROWS = {f"F{number:02}" for number in range(1, 26)}


def table(text: str) -> dict[str, list[str]]:
    """Return the tests of each row."""
    rows: dict[str, list[str]] = {}
    named: list[str] = []
    for line in text.splitlines():
        if row := re.match(r"F\d\d", line):
            named = rows.setdefault(row[0], [])
        elif "::" in line:
            named.append(line.strip())
    return rows


def missing(named: list[str]) -> list[str]:
    """Return the tests that do not exist."""
    files = [(test, *test.split("::")) for test in named]
    return [test for test, path, name in files if f"def {name}(" not in (ROOT / path).read_text()]


TABLE = table(str(tests.failures.__doc__))


@pytest.mark.parametrize("row", sorted(ROWS))
def test_a_row_names_tests_and_they_exist(row: str) -> None:
    assert TABLE[row]
    assert missing(TABLE[row]) == []


def test_the_table_has_every_row() -> None:
    assert TABLE.keys() == ROWS


def test_every_test_of_a_row_is_in_the_table() -> None:
    found = {
        f"{path.relative_to(ROOT)}::{name}"
        for path in Path(__file__).parent.glob("test_*.py")
        for name in re.findall(r"^def (test_f\d\d\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert found - {test for named in TABLE.values() for test in named} == set()


def test_a_test_that_does_not_exist_is_seen() -> None:
    """The control."""
    rows = table("F01 lost\n    tests/failures/test_map.py::test_nobody_wrote")
    assert missing(rows["F01"]) == ["tests/failures/test_map.py::test_nobody_wrote"]
