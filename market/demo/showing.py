"""How the story looks on a terminal: readable at 80 columns, and without colour."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from market.money import yuan
from market.words import UNITS

WIDEST = 100
_COUNTY = re.compile("^..县")
CLASSES: Mapping[str, str] = {"wage": "工资性", "operating": "生产经营性", "property": "财产性", "transfer": "转移性"}


class Page:
    """What the story is written on."""

    def __init__(self, console: Console) -> None:
        """Keep lines short enough to read."""
        self._console = console
        self._width = min(console.width, WIDEST)
        self._chapter = 0

    def title(self, chinese: str, english: str, *lines: str) -> None:
        """Open the story."""
        text = Text.assemble((chinese, "bold"), "\n", english, *(f"\n{line}" for line in lines), justify="center")
        self._console.print(Panel(text, box=box.ROUNDED, width=self._width, padding=(1, 2)))

    def chapter(self, chinese: str, english: str) -> None:
        """Begin the next chapter."""
        self._chapter += 1
        self._console.print()
        title = Text(f"{self._chapter}  {chinese}  {english}", "bold")
        self._console.print(Rule(title, align="left", style="default"), width=self._width)

    def say(self, chinese: str, english: str) -> None:
        """Say what happens, in both languages."""
        self._print(Text(chinese))
        self._print(Text(english, "italic dim"))

    def note(self, text: str) -> None:
        """Say what a figure means."""
        self._print(Text(text))

    def request(self, login: str, line: str, status: int) -> None:
        """Show who sent which request, and the status of its answer."""
        self._print(Text(f"→ {line}  {status}  · {login}", "dim", no_wrap=True, overflow="ellipsis"))

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        totals: Sequence[object] | None = None,
        title: str | None = None,
    ) -> None:
        """Show rows under names such as `供应商|supplier`. After `>` comes a column of numbers, set to the right."""
        table = Table(
            box=box.SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True, show_footer=totals is not None
        )
        for column, footer in zip(columns, totals or [""] * len(columns), strict=True):
            justify: JustifyMethod = "right" if column.startswith(">") else "left"
            header = column.removeprefix(">").replace("|", "\n")
            table.add_column(header, str(footer), justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*map(str, row))
        self._console.print()
        if title:
            self._print(Text(title, "bold"))
        # No margin to the right: a year's figures fill the line. What does not fit goes on below, never away.
        self._console.print(Padding(table, (0, 0, 0, 2), expand=False), width=self._width)
        self._console.print()

    def list(self, *pairs: tuple[str, str]) -> None:
        """Show names, and beside each what it holds."""
        grid = Table.grid(padding=(0, 2))
        for name, value in pairs:
            grid.add_row(name, value)
        self._print(grid)

    def problem(self, problem: Mapping[str, Any]) -> None:
        """Show a refusal as the market words it."""
        lines = [f"{problem['status']}  {problem['code']}", str(problem["detail"])]
        for fault in problem["errors"]:
            lines.append(fault["pointer"] + ("" if fault["detail"] in lines else f"  {fault['detail']}"))
        text = Text("\n".join(lines))
        self._print(Panel(text, title="application/problem+json", title_align="left", box=box.ROUNDED, expand=False))

    def _print(self, what: RenderableType) -> None:
        self._console.print(Padding(what, (0, 2), expand=False), width=self._width)


def quantity(amount: str, unit: str) -> str:
    """Return a quantity for a person: `12.5斤`."""
    return f"{amount}{UNITS[unit][1]}"


def reach_rows(reach: Mapping[str, Any]) -> list[Sequence[object]]:
    """Return the rows of a reach: each mechanism, and what is no household's."""
    rows: list[Sequence[object]] = [
        (
            found["name"],
            CLASSES[found["income_class"]],
            found["payees"],
            yuan(found["fen"]),
            yuan(found["assisted_fen"]),
        )
        for found in reach["mechanisms"]
    ]
    rows.append(("留存 retained", "", "", yuan(reach["retained_fen"]), ""))
    if reach["pool_fen"]:
        rows.append(("资金池 pools", "", "", yuan(reach["pool_fen"]), ""))
    if reach["suspense_fen"]:
        rows.append(("待处理 suspense", "", "", yuan(reach["suspense_fen"]), ""))
    return rows


def reach_total(reach: Mapping[str, Any]) -> int:
    """Return the fen of all parts of a reach."""
    named_fen = sum(found["fen"] for found in reach["mechanisms"])
    return int(named_fen + reach["retained_fen"] + reach["pool_fen"] + reach["suspense_fen"])


def short_name(name: str) -> str:
    """Return the name of an organisation for a table: without mark of a sample, county and the longer words."""
    return _COUNTY.sub("", name.removesuffix("(样例)")).replace("专业合作社", "合作社").removesuffix("村民委员会")
