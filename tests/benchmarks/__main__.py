"""`make bench`: one interleaved run, medians, printed as ratios."""

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from uuid import UUID

import httpx2
from rich.console import Console
from rich.table import Table

from market.db import Database, new_id
from market.observing import log_as_json
from tests.benchmarks import growth, load, posting, replay, world
from tests.benchmarks.grown import YOUNG
from tests.benchmarks.verdict import Verdict, limit

ROUNDS = 5
SECONDS = 2.0
POSTINGS = 100
TRACES = 64
PATH_AIMS = {"listing": 0.35, "placing": 0.30}
POSTING_AIM = 0.60
GROWN_POSTING_AIM = 0.85
GROWN_STATEMENT_AIM = 1.6
GROWN_PAYABLES_AIM = 3.0


@contextmanager
def serving(url: str) -> Iterator[int]:
    """Run the server under test in a process of its own; yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.benchmarks.server", url, str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # a log line of every request goes there
    try:
        for _ in range(200):
            try:
                httpx2.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def order_body(products: list[UUID], position: int) -> bytes:
    """Return the body of a ten-line order."""
    chosen = [products[(position * 7 + step * 19) % len(products)] for step in range(10)]
    lines = [{"product_id": str(product), "quantity": "10", "unit": "kg"} for product in chosen]
    return json.dumps({"channel_code": "market", "lines": lines}).encode()


def measure(port: int, url: str, found: world.World) -> dict[str, list[tuple[float, float, float]]]:
    """Return (path, SQL, HTTP) rates per round of listing and placing, in turns."""
    listing = load.get("/v1/products?limit=20", found.token)
    numbers = count()
    orders = (
        load.post("/v1/order-groups", found.token, f"bench-{new_id().hex}", order_body(found.products, next(numbers)))
        for _ in count()
    )
    bearer = {"Authorization": f"Bearer {found.token}"}
    since = new_id()
    listed = replay.record(url, "GET", "/v1/products?limit=20", [{"headers": bearer}])
    headers = bearer | {"Idempotency-Key": "replayed", "Content-Type": "application/json"}
    requests = [{"headers": headers, "content": order_body(found.products, number)} for number in range(TRACES)]
    placed = replay.record(url, "POST", "/v1/order-groups", requests)
    replays = {
        "listing": replay.Replay(url, listed, since, None),
        "placing": replay.Replay(url, placed, since, "replayed"),
    }
    rates: dict[str, list[tuple[float, float, float]]] = {"listing": [], "placing": []}
    for number in range(ROUNDS + 1):
        for path, asked, status in (("listing", listing, 200), ("placing", orders, 201)):
            done, size = load.rate(port, asked, SECONDS, status=status)
            if path == "listing":
                fixed = load.get(f"/fixed/{size}", found.token)
            else:
                fixed = load.post(f"/fixed/{size}", found.token, "k", order_body(found.products, 0))
            sql = replays[path].rate(SECONDS)
            http, _ = load.rate(port, fixed, SECONDS, status=200)
            if number:  # the first round warms caches and plans
                rates[path].append((done, sql, http))
    for each in replays.values():
        each.close()
    return rates


def judged_paths(rates: dict[str, list[tuple[float, float, float]]]) -> tuple[Table, list[Verdict]]:
    """Return listing and placing against their limits."""
    table = Table("path", "reached /s", "SQL /s", "HTTP /s", "limit /s", "ratio", "aim", "verdict")
    verdicts = []
    for path, aim in PATH_AIMS.items():
        done, sql, http = (statistics.median(column) for column in zip(*rates[path], strict=True))
        most = limit(sql, http)
        verdicts.append(Verdict(done / most, aim))
        table.add_row(path, *(f"{value:,.0f}" for value in (done, sql, http, most)), *verdicts[-1].cells())
    return table, verdicts


def judged_postings(url: str, found: world.World) -> tuple[Table, list[Verdict]]:
    """Return postings against the bare insert of their rows."""
    table = Table("posting over", "posting ms", "bare insert ms", "ratio", "aim", "verdict")
    verdicts = []
    database = Database(url, threads=1)
    for households, line in found.contributed.items():
        posting_ms, bare_ms, ratio = posting.ratio(database, line, POSTINGS)
        verdicts.append(Verdict(ratio, POSTING_AIM))
        table.add_row(f"{households} households", f"{posting_ms:.2f}", f"{bare_ms:.2f}", *verdicts[-1].cells())
    database.close()
    return table, verdicts


def judged_growth(posted: growth.Compared, read: growth.Compared, owed: growth.Compared) -> tuple[Table, list[Verdict]]:
    """Return how the rate of posting and the times of reading stand in the old book, against the young one."""
    table = Table("old over young book", "young ms", "old ms", "ratio", "aim", "verdict", "blocks from … to")
    verdicts = [
        Verdict(posted.young_ms / posted.old_ms, GROWN_POSTING_AIM),
        Verdict(read.old_ms / read.young_ms, GROWN_STATEMENT_AIM, at_most=True),
        Verdict(owed.old_ms / owed.young_ms, GROWN_PAYABLES_AIM, at_most=True),
    ]
    blocks = [sorted(1 / ratio for ratio in posted.blocks), sorted(read.blocks), sorted(owed.blocks)]
    names = (
        "rate of posting over 200 households",
        "time of a household's statement",
        f"time of {growth.PAGE} payees a supplier owes",
    )
    for name, found, verdict, spread in zip(names, (posted, read, owed), verdicts, blocks, strict=True):
        cells = (f"{found.young_ms:.2f}", f"{found.old_ms:.2f}", *verdict.cells())
        table.add_row(name, *cells, f"{spread[0]:.2f} … {spread[-1]:.2f}")
    return table, verdicts


def main() -> int:
    """Measure and print; return how many aims were missed."""
    log_as_json("ERROR")
    with world.prepared() as (url, found):
        with serving(url) as port:
            paths, verdicts = judged_paths(measure(port, url, found))
        postings, more = judged_postings(url, found)
    with growth.books() as (young, old, word):
        read = growth.compare(young.page, old.page, growth.PAGES)
        owed = growth.compare(young.owed, old.owed, growth.LISTINGS)
        grown, still_more = judged_growth(growth.compare(young.post, old.post, growth.POSTINGS), read, owed)
    console = Console(width=110)
    console.print(f"1 worker, {load.CLIENTS} clients, {ROUNDS} rounds of {SECONDS:.0f} s in turns, medians")
    console.print(paths)
    console.print(postings)
    console.print(f"{word}; against {YOUNG.transfers:,}; in turns, medians")
    console.print(grown)
    return sum(not verdict.reached for verdict in verdicts + more + still_more)


if __name__ == "__main__":
    sys.exit(main())
