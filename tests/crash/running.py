"""A run: so many cycles of load, kill, restart and comparison, then the auditor's word on what is left."""

import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

import psycopg

from market.db import Database
from market.migrating import migrate
from tests import schema
from tests.crash import world
from tests.crash.checking import Compared, compare, complaints
from tests.crash.journal import Journal, Journals
from tests.crash.servers import Application, PostgreSQL
from tests.crash.writers import Crew

WRITERS = 6
LOAD_S = (0.05, 1.5)
"""A kill falls after this much load, at random."""

SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
UNSAFE = SAFE | {"synchronous_commit": "off"}
"""The control: what is committed is written a moment later, within three times `wal_writer_delay`, 200 ms."""


class Kill(StrEnum):
    """Who is killed."""

    APPLICATION = "application"
    POSTGRESQL = "PostgreSQL"
    BOTH = "both"


@dataclass(frozen=True)
class Plan:
    """What to run; the folder's earlier journals are removed."""

    folder: Path
    cycles: int
    seed: int
    settings: dict[str, str]


@dataclass
class Report:
    """What a run has seen."""

    kills: Counter[str] = field(default_factory=Counter)
    first_breach: int | None = None
    """The first cycle after which something was missing, double, or not to the fen."""
    compared: Compared = field(default_factory=Compared)
    acknowledged: Counter[str] = field(default_factory=Counter)
    acknowledged_fen: int = 0
    committed_unanswered: int = 0
    asked_again: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Nothing was lost, done twice or a fen off, nor refused that could be done, and the books are in order."""
        return self.first_breach is None and self.compared.sound and not self.refused and not self.complaints


def run(plan: Plan, progress: Callable[[int], None]) -> Report:
    """Run and tell what was seen; the servers end with it."""
    random, report = Random(plan.seed), Report()
    journals = _journals(plan.folder)
    with ExitStack() as servers:
        postgresql = servers.enter_context(PostgreSQL(plan.folder, plan.settings))
        url = postgresql.begin()
        stalls = _built(url)
        application = servers.enter_context(Application(url, _free_port(), plan.folder))
        application.wait()
        crew = Crew(application.address, stalls, journals, plan.seed)
        records = Journals(journals)
        crew.start()
        for cycle in range(1, plan.cycles + 1):
            time.sleep(random.uniform(*LOAD_S))
            kill = random.choice(list(Kill))
            report.kills[kill] += 1
            crew.gate.close()
            _kill(kill, application, postgresql, random)
            crew.pause()
            if kill is not Kill.APPLICATION:
                postgresql.restart()
            if kill is not Kill.POSTGRESQL:
                application.restart()
            application.wait()
            if not _compared(url, records).sound:
                report.first_breach = report.first_breach or cycle
            crew.gate.open()
            progress(cycle)
        crew.finish()
        _conclude(report, url, records)
    for writer in crew.writers:
        report.committed_unanswered += writer.hits
        report.asked_again += writer.unanswered
    return report


def _journals(folder: Path) -> list[Journal]:
    journals = folder / "journals"
    shutil.rmtree(journals, ignore_errors=True)
    journals.mkdir(parents=True)
    return [Journal(journals / f"{place}.jsonl") for place in range(WRITERS)]


def _built(url: str) -> Sequence[world.Stall]:
    migrate(url)
    with closing(Database(url, threads=1)) as database, database.transaction() as session:
        stalls = world.build(session)
    with psycopg.connect(schema.plain(url), autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # what the control loses is then of the writers
    return stalls


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _kill(kill: Kill, application: Application, postgresql: PostgreSQL, random: Random) -> None:
    victims = {Kill.APPLICATION: [application.kill], Kill.POSTGRESQL: [postgresql.kill]}
    for end in victims.get(kill) or random.sample([application.kill, postgresql.kill], 2):
        end()


def _compared(url: str, records: Journals) -> Compared:
    """Compare what the journals say with the database; nobody writes meanwhile."""
    records.reread()
    with closing(Database(url, threads=1)) as database, database.transaction() as session:
        return compare(session, records.told(), records.unanswered())


def _conclude(report: Report, url: str, records: Journals) -> None:
    report.compared = _compared(url, records)
    told = records.told()
    with closing(Database(url, threads=1)) as database, database.transaction() as session:
        report.complaints = complaints(session, told)
    report.acknowledged = Counter({deed: len(effects) for deed, effects in told.items()})
    report.acknowledged_fen = sum(effect.fen for effects in told.values() for effect in effects)
    report.refused = records.refused()
