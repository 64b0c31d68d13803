"""`make crash`: run, print one report, and exit with 1 on any loss, double effect or drift."""

import argparse
import secrets
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from market.observing import log_as_json
from tests.crash.running import SAFE, UNSAFE, Plan, Report, run

FOLDER = Path(".data/crash")
MOST_LINES = 20


def listed(counts: Counter[str]) -> str:
    """Return counts in one line, the sum first."""
    parts = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
    return f"{counts.total():,}: {parts}" if parts else "0"


def lines(report: Report) -> list[str]:
    """Return the report."""
    compared = report.compared
    said = [
        f"killed        {listed(report.kills)}",
        f"asked again   {listed(report.asked_again)}",
        f"committed unacknowledged  {report.committed_unanswered:,}: asked again, and answered from what was kept",
        f"acknowledged  {listed(report.acknowledged)}; {report.acknowledged_fen:,} fen",
        f"lost          {listed(compared.lost)}",
        f"done twice    {listed(compared.twice)}",
        f"drift in fen  {listed(compared.drifted)}",
        f"events sent   {listed(report.events)}",
        f"moved         {listed(report.moved)} at the provider",
        f"balance       {report.there_fen:,} fen at the provider, {report.booked_fen:,} in the book",
        f"refused       {report.refused.total():,}",
        *[f"    {count:,} × {why}" for why, count in report.refused.most_common(MOST_LINES)],
        f"doctor, verify, trial balances, provider: {len(report.complaints):,} findings",
        *[f"    {line}" for line in report.complaints[:MOST_LINES]],
    ]
    if report.first_breach:
        said.append(f"first seen after cycle {report.first_breach}")
    return [*said, "SOUND" if report.sound else "LOST, DOUBLED OR DRIFTED: see above"]


def main() -> int:
    """Read the options, run and print; return 0 if all is sound."""
    options = argparse.ArgumentParser(prog="make crash")
    options.add_argument("--cycles", type=int, default=300)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    options.add_argument("--control", action="store_true", help="with synchronous_commit=off: loss must be reported")
    options.add_argument("--folder", type=Path, default=FOLDER)
    asked = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    log_as_json("ERROR")
    plan = Plan(asked.folder, asked.cycles, asked.seed, UNSAFE if asked.control else SAFE)
    console = Console(highlight=False, width=160)
    console.print(f"{plan.cycles} cycles, SEED={plan.seed}, " + ", ".join(f"{k}={v}" for k, v in plan.settings.items()))
    started = time.monotonic()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("cycles", total=plan.cycles)
        report = run(plan, lambda cycle: bar.update(task, completed=cycle))
    console.print(f"{time.monotonic() - started:.0f} s")
    console.print("\n".join(lines(report)), markup=False)
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
