"""What no linter checks: lengths, names, and where a thing may be done. Each check must see a planted offence."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LINE, FILE, FUNCTION = 120, 400, 70
PURE = {
    "rules.py",
    "formulas.py",
    "holdings.py",
    "lineage.py",
    "gifts.py",
    "removal.py",
    "money.py",
    "quantities.py",
    "identifiers.py",
}
EMPTY_WORDS = {"utils", "util", "common", "core", "base", "manager", "managers", "helpers", "misc"}
SKIPS = {"skip", "skipif", "xfail", "importorskip"}
MONEY = re.compile(r"amount|price|cost|fee|paid|income|balance|value|sum|total", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
ENDING = re.compile(r"\.\s*(commit|rollback)\b")
INDENTED_IMPORT = re.compile(r"(^[ \t]+|[:;][ \t]*)(import|from)\b", re.MULTILINE)
MACHINE = re.compile(r"(?<![\w.])/(home|Users|root|work|workspace|mnt)/\w")

Check = Callable[[PurePath, str], Iterator[str]]


@lru_cache(maxsize=1)
def tree(source: str) -> ast.Module:
    """Return the file's syntax tree; the checks of one file share it."""
    return ast.parse(source)


def nodes(source: str) -> Iterator[Any]:
    """Return every node, the module first: slow, so a check reads first whether the file may offend it at all."""
    return ast.walk(tree(source))


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function, also the nested ones; expressions hold none, and are most of a tree."""
    pending: list[Any] = [tree(source)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            pending += getattr(node, part, ())


def long_lines(_: PurePath, source: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > LINE:
            yield f"{number}: {len(line)} characters, {LINE} at most"


def long_files(_: PurePath, source: str) -> Iterator[str]:
    if (length := len(source.splitlines())) > FILE:
        yield f"{length} lines, {FILE} at most; split it by use case, tests by subject"


def long_functions(path: PurePath, source: str) -> Iterator[str]:
    if path.parts[0] == "migrations" or source.count("\n") < FUNCTION:  # a list of operations, not logic
        return
    for node in functions(source):
        if (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION:
            yield f"{node.lineno}: {node.name} has {length} lines, {FUNCTION} at most"


def commits_outside_the_database_module(path: PurePath, source: str) -> Iterator[str]:
    if path.parts[0] != "market" or path == PurePath("market/db.py") or not ENDING.search(source):
        return
    for node in nodes(source):
        match node:
            case ast.Call(func=ast.Attribute(attr="commit" | "rollback" as ending)):
                yield f"{node.lineno}: .{ending}() belongs to market/db.py"


def inexact_arithmetic(path: PurePath, source: str) -> Iterator[str]:
    if path.parts[0] != "market" or path.name not in PURE:
        return
    for node in nodes(source):
        match node:
            case ast.Constant(value=float()):
                yield f"{node.lineno}: float literal {ast.unparse(node)}"
            case ast.Name(id="float" | "round"):
                yield f"{node.lineno}: {node.id}"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield f"{node.lineno}: true division"


def packages_that_hold_code_or_no_docstring(path: PurePath, source: str) -> Iterator[str]:
    if path.parts[0] == "market" and path.name == "__init__.py":
        match tree(source).body:
            case [ast.Expr(value=ast.Constant(value=str(text)))] if len(text) > 40:
                return
        yield "must hold one docstring that says what the package owns, and no code"


def names_that_say_nothing(path: PurePath, _: str) -> Iterator[str]:
    for part in (*path.parts[:-1], path.stem):
        if part in EMPTY_WORDS:
            yield f"{part} says nothing; name what it does"


def imports_inside_functions(_: PurePath, source: str) -> Iterator[str]:
    for function in functions(source) if INDENTED_IMPORT.search(source) else ():
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{node.lineno}: import inside {function.name}"


def skipped_tests(path: PurePath, source: str) -> Iterator[str]:
    if path.parts[0] == "tests" and any(skip in source for skip in SKIPS):
        for node in nodes(source):
            if isinstance(node, ast.Attribute) and node.attr in SKIPS and "pytest" in ast.unparse(node):
                yield f"{node.lineno}: {ast.unparse(node)}"


def unfinished_work_and_machine_paths(path: PurePath, source: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), 1):
        found = UNFINISHED.search(line) or MACHINE.search(line)
        if found and path != PurePath("tests/test_tidy.py"):
            yield f"{number}: {found[0]}"


def money_without_its_unit(path: PurePath, source: str) -> Iterator[str]:
    if path.name != "models.py":
        return
    for node in nodes(source):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name, kind = node.target.id, ast.unparse(node.annotation)
            counted = name.endswith(("_fen", "_milli", "_bp", "_count", "_id", "_days"))
            if re.search(r"Mapped\[(int|float|Decimal)\b", kind) and MONEY.search(name) and not counted:
                yield f"{node.lineno}: {name} is an amount of what? Money columns end in _fen"


# Each check, with a file that offends it.
CHECKS: list[tuple[Check, str, str]] = [
    (long_lines, "market/orders/service.py", "x = 1" + " " * LINE),
    (long_files, "market/orders/service.py", "\n" * (FILE + 1)),
    (long_files, "tests/orders/test_service.py", "\n" * (FILE + 1)),
    (long_functions, "tests/test_market.py", "def f():\n" + "    pass\n" * FUNCTION),
    (commits_outside_the_database_module, "market/orders/service.py", "session.commit()"),
    (commits_outside_the_database_module, "market/orders/service.py", "session.connection().rollback()"),
    (inexact_arithmetic, "market/orders/rules.py", "half = 0.5"),
    (inexact_arithmetic, "market/money.py", "half = whole / 2"),
    (inexact_arithmetic, "market/money.py", "whole /= 2"),
    (inexact_arithmetic, "market/quantities.py", "grams = float(text)"),
    (inexact_arithmetic, "market/identifiers.py", "grams = round(milli, -3)"),
    (packages_that_hold_code_or_no_docstring, "market/orders/__init__.py", ""),
    (packages_that_hold_code_or_no_docstring, "market/orders/__init__.py", f'"""{"Orders. " * 9}"""\nx = 1'),
    (names_that_say_nothing, "market/utils.py", ""),
    (names_that_say_nothing, "market/core/orders.py", ""),
    (imports_inside_functions, "market/orders/service.py", "def f():\n    if True:\n        import os"),
    (skipped_tests, "tests/test_market.py", "@pytest.mark.skipif(True, reason='')\ndef test(): ..."),
    (skipped_tests, "tests/test_market.py", "def test():\n    pytest.skip('later')"),
    (unfinished_work_and_machine_paths, "market/app.py", "# TODO: think"),
    (unfinished_work_and_machine_paths, "market/app.py", "FOLDER = '/home/somebody/data'"),
    (money_without_its_unit, "market/orders/models.py", "class Order:\n    total_amount: orm.Mapped[int]"),
]


def sources() -> list[Path]:
    folders = ["market", "tests", "migrations", ".ci"]
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_nothing_in_the_code_offends() -> None:
    checks = dict.fromkeys(check for check, _, _ in CHECKS)
    offences = [
        f"{path.relative_to(ROOT)}:{offence} ({check.__name__})"
        for path in sources()
        for source in [path.read_text(encoding="utf-8")]
        for check in checks
        for offence in check(path.relative_to(ROOT), source)
    ]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(("check", "path", "source"), CHECKS)
def test_a_planted_offence_is_seen(check: Check, path: str, source: str) -> None:
    assert list(check(PurePath(path), source))


def test_texts_and_settings_name_no_machine_and_leave_nothing_unfinished() -> None:
    texts = [path for path in ROOT.iterdir() if path.suffix in {".md", ".toml", ".yaml"} or path.name == "Makefile"]
    found = [
        f"{path.name}:{offence}"
        for path in texts
        for offence in unfinished_work_and_machine_paths(path, path.read_text())
    ]
    assert texts
    assert not found, "\n".join(found)
